/*
 * plan.c - the image's ELF headers, and UEFI's memory map as PVH wants it.
 *
 * The ELF file is our own and linked into the program; its lengths are
 * checked all the same, so that a broken build is a sentence and no crash.
 */
#include "plan.h"

#include <string.h>

#define PT_LOAD       1
#define PT_NOTE       4
#define NOTE_PVH      18 /* XEN_ELFNOTE_PHYS32_ENTRY */
#define PHDRS_MAX     16
#define ADDRESS_LIMIT 0xfffff000u

struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
_Static_assert(sizeof(struct elf_header) == 64, "ELF-64");

struct elf_segment {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
};
_Static_assert(sizeof(struct elf_segment) == 56, "ELF-64");

static bool take_load(const struct elf_segment *s, size_t len, struct plan *out)
{
    struct plan_part *part = &out->parts[out->count];

    if (out->count == PLAN_PARTS || s->memsz < s->filesz || s->offset > len ||
        s->filesz > len - s->offset || s->paddr > ADDRESS_LIMIT ||
        s->memsz > ADDRESS_LIMIT - s->paddr)
        return false;
    part->to = (uint32_t)s->paddr;
    part->from = (uint32_t)s->offset;
    part->len = (uint32_t)s->filesz;
    part->zero = (uint32_t)(s->memsz - s->filesz);
    out->count++;
    if (out->start == out->end || part->to < out->start)
        out->start = part->to;
    if (part->to + part->len + part->zero > out->end)
        out->end = part->to + part->len + part->zero;
    return true;
}

/* Name size 4 ("Xen"), description of 4 or 8 bytes: the address. */
static void take_note(const struct elf_segment *s, const uint8_t *elf,
                      size_t len, struct plan *out)
{
    uint32_t note[3];
    const uint8_t *p;

    if (s->offset > len || s->filesz > len - s->offset || s->filesz < 20)
        return;
    p = elf + s->offset;
    memcpy(note, p, sizeof note);
    if (note[0] == 4 && (note[1] == 4 || note[1] == 8) && note[2] == NOTE_PVH &&
        memcmp(p + 12, "Xen", 4) == 0)
        memcpy(&out->entry, p + 16, 4);
}

bool plan_image(const uint8_t *elf, size_t len, struct plan *out)
{
    struct elf_header h;
    struct elf_segment s;
    size_t i;

    memset(out, 0, sizeof *out);
    if (len < sizeof h || len > ADDRESS_LIMIT)
        return false;
    memcpy(&h, elf, sizeof h);
    if (memcmp(h.ident, "\177ELF\2\1", 6) != 0 || h.machine != 62 ||
        h.phentsize != sizeof s || h.phnum > PHDRS_MAX || h.phoff > len ||
        (size_t)h.phnum * sizeof s > len - h.phoff)
        return false;
    for (i = 0; i < h.phnum; i++) {
        memcpy(&s, elf + h.phoff + i * sizeof s, sizeof s);
        if (s.type == PT_LOAD && !take_load(&s, len, out))
            return false;
        if (s.type == PT_NOTE)
            take_note(&s, elf, len, out);
    }
    return out->count != 0 && out->entry >= out->start && out->entry < out->end;
}

bool plan_usable(uint32_t type)
{
    return type == EFI_LOADER_CODE || type == EFI_LOADER_DATA ||
           type == EFI_BOOT_CODE || type == EFI_BOOT_DATA ||
           type == EFI_CONVENTIONAL;
}

bool plan_left_behind(uint32_t type)
{
    return type == EFI_BOOT_CODE || type == EFI_BOOT_DATA;
}

/* Into its place by address: firmware sorts its map, but need not. */
static void insert(struct loader_range *list, size_t count, uint64_t start,
                   uint64_t len)
{
    size_t i = count;

    for (; i > 0 && list[i - 1].start > start; i--)
        list[i] = list[i - 1];
    list[i] = (struct loader_range){ start, len, LOADER_RAM, 0 };
}

static size_t merge(struct loader_range *list, size_t count)
{
    size_t i, n = 0;

    for (i = 0; i < count; i++) {
        if (n != 0 && list[n - 1].start + list[n - 1].len == list[i].start)
            list[n - 1].len += list[i].len;
        else
            list[n++] = list[i];
    }
    return n;
}

size_t plan_ranges(const uint8_t *map, size_t count, size_t step,
                   bool (*kind)(uint32_t type), struct loader_range *out,
                   size_t max)
{
    struct efi_memory e;
    size_t i, n = 0;

    for (i = 0; i < count; i++) {
        memcpy(&e, map + i * step, sizeof e);
        if (!kind(e.type) || e.pages == 0 ||
            e.pages > (UINT64_MAX - e.phys) / EFI_PAGE)
            continue;
        if (n == max)
            n = merge(out, n);
        if (n == max)
            return 0;
        insert(out, n++, e.phys, e.pages * EFI_PAGE);
    }
    return merge(out, n);
}

bool plan_covers(const struct loader_range *ranges, size_t count,
                 uint64_t start, uint64_t end)
{
    size_t i;

    for (i = 0; i < count; i++)
        if (ranges[i].start <= start &&
            end - ranges[i].start <= ranges[i].len && start < end)
            return true;
    return false;
}
