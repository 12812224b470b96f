/*
 * main.c - BOOTX64.EFI, top to bottom: reserve the image's place, pack the
 * files, write PVH start information, leave the firmware, hand over.
 *
 * Everything the image will read lies below 4 GiB and outside its place. What
 * the firmware itself keeps in that place (boot services' code and data) is
 * free once they are gone; so the image is copied there by handover.S, last.
 */
#include "program.h"

#include <string.h>

#include "pack.h"
#include "pvh.h"

#define CMDLINE_MAX 8192
#define MAP_ROOM    16384u /* bytes of memory map beyond what it was at first */
#define EXIT_TRIES  8
#define CODE_ROOM   1024
_Static_assert(CODE_ROOM + sizeof(struct handover) <= EFI_PAGE, "one page");

struct efi_system *efi;
void *efi_self;

static struct plan plan;

/* All that the image is told, in pages of its own. */
struct told {
    struct pvh_start_info info;
    struct pvh_module module;
    struct loader_range ranges[LOADER_MAP_MAX];
    char cmdline[CMDLINE_MAX];
};

/* The firmware's map, read into pages that stay allocated. */
struct map {
    uint8_t *at;
    uint64_t room, size, key, step;
};

static const struct efi_guid acpi_new = {
    0x8868e871, 0xe4f1, 0x11d3, { 0xbc, 0x22, 0, 0x80, 0xc7, 0x3c, 0x88, 0x81 }
};
static const struct efi_guid acpi_old = {
    0xeb9d2d30, 0x2d88, 0x11d3, { 0x9a, 0x16, 0, 0x90, 0x27, 0x3f, 0xc1, 0x4d }
};

void *low_pages(uint64_t bytes, uint32_t type)
{
    uint64_t at = UINT32_MAX, pages = (bytes + EFI_PAGE - 1) / EFI_PAGE;

    if (EFI_ERROR(
            efi->boot->allocate_pages(EFI_MAX_ADDRESS, type, pages, &at)) ||
        at > UINT32_MAX || pages * EFI_PAGE > UINT32_MAX - at)
        fail(STATUS_CONFIG, "too little memory below 4 GiB: "
                            "give the machine more");
    memset((void *)at, 0, pages * EFI_PAGE);
    return (void *)at;
}

static size_t between(const uint8_t *start, const uint8_t *end)
{
    return (uintptr_t)end - (uintptr_t)start;
}

static uint32_t low(const void *p)
{
    return (uint32_t)(uintptr_t)p;
}

static void map_room(struct map *m)
{
    uint32_t version;

    m->size = 0;
    m->step = sizeof(struct efi_memory);
    if (efi->boot->memory_map(&m->size, NULL, &m->key, &m->step, &version) !=
        EFI_BUFFER_TOO_SMALL)
        fail(STATUS_BUG, "the firmware does not tell its memory map");
    m->room = m->size + MAP_ROOM;
    m->at = low_pages(m->room, EFI_LOADER_DATA);
}

static bool map_read(struct map *m)
{
    uint32_t version;

    m->size = m->room;
    return !EFI_ERROR(efi->boot->memory_map(&m->size, m->at, &m->key, &m->step,
                                            &version)) &&
           m->step >= sizeof(struct efi_memory) && m->size <= m->room;
}

/* What of the image's place nobody has yet becomes ours, so that no buffer of
 * ours comes to lie there. */
static void reserve(const struct map *m)
{
    struct efi_memory e;
    uint64_t start, end, i;

    for (i = 0; i < m->size / m->step; i++) {
        memcpy(&e, m->at + i * m->step, sizeof e);
        start = e.phys > plan.start ? e.phys : plan.start;
        end = e.phys + e.pages * EFI_PAGE;
        if (end > ((uint64_t)plan.end + EFI_PAGE - 1) / EFI_PAGE * EFI_PAGE)
            end = ((uint64_t)plan.end + EFI_PAGE - 1) / EFI_PAGE * EFI_PAGE;
        if (e.type != EFI_CONVENTIONAL || start >= end)
            continue;
        /* a failure shows when the place is looked at again */
        efi->boot->allocate_pages(EFI_ADDRESS, EFI_LOADER_DATA,
                                  (end - start) / EFI_PAGE, &start);
    }
}

static uint64_t find_rsdp(void)
{
    uint64_t i, old = 0;

    for (i = 0; i < efi->table_count; i++) {
        if (memcmp(&efi->tables[i].guid, &acpi_new, sizeof acpi_new) == 0)
            return (uintptr_t)efi->tables[i].at;
        if (memcmp(&efi->tables[i].guid, &acpi_old, sizeof acpi_old) == 0)
            old = (uintptr_t)efi->tables[i].at;
    }
    return old;
}

static void command_line(struct told *told)
{
    static const struct efi_guid loaded_image = { 0x5b1b31a1,
                                                  0x9562,
                                                  0x11d2,
                                                  { 0x8e, 0x3f, 0, 0xa0, 0xc9,
                                                    0x69, 0x72, 0x3b } };
    struct efi_loaded_image *self;
    void *p;

    if (EFI_ERROR(efi->boot->handle_protocol(efi_self, &loaded_image, &p)))
        return;
    self = p;
    if (!pack_options(self->options, self->options_size, told->cmdline,
                      sizeof told->cmdline))
        fail(STATUS_CONFIG, "the command line is longer than 8191 bytes");
}

static struct told *tell_image(void)
{
    struct told *t = low_pages(sizeof *t, EFI_LOADER_DATA);
    uint32_t len;
    uint8_t *archive = volume_archive(&len);

    command_line(t);
    t->module = (struct pvh_module){ .start = (uintptr_t)archive, .size = len };
    t->info = (struct pvh_start_info){
        .magic = PVH_MAGIC,
        .version = 1,
        .nr_modules = len != 0,
        .modlist = (uintptr_t)&t->module,
        .cmdline = (uintptr_t)t->cmdline,
        .rsdp = find_rsdp(),
        .memmap = (uintptr_t)t->ranges,
    };
    return t;
}

/* The image into pages below 4 GiB, and what is to be copied from there. */
static struct handover *prepare(const struct told *told, uint8_t *code)
{
    size_t len = between(image, image_end), i;
    uint8_t *copy = low_pages(len, EFI_LOADER_DATA);
    struct handover *h = (struct handover *)(void *)(code + CODE_ROOM);
    uint64_t gdt = (uintptr_t)h->gdt;

    memcpy(copy, image, len);
    memcpy(code, handover_code, between(handover_code, handover_end));
    h->entry = plan.entry;
    h->info = low(&told->info);
    h->count = plan.count;
    for (i = 0; i < plan.count; i++) {
        h->parts[i] = plan.parts[i];
        h->parts[i].from += low(copy);
    }
    h->gdt[1] = 0x00cf9b000000ffff; /* code, 32 bits, flat */
    h->gdt[2] = 0x00cf93000000ffff; /* data */
    h->gdt_limit = sizeof h->gdt - 1;
    memcpy(h->gdt_base, &gdt, sizeof gdt);
    return h;
}

static void check_place(const struct told *told)
{
    if (told->info.memmap_entries == 0)
        fail(STATUS_BUG, "the firmware's memory map is too long");
    if (!plan_covers(told->ranges, told->info.memmap_entries, plan.start,
                     plan.end))
        fail(STATUS_BUG, "the firmware uses the memory the image needs "
                         "(from 1 MiB on)");
}

/* What the firmware has read of our files may still be in its caches. */
static void plan_wipes(const struct map *m, struct handover *h)
{
    static struct loader_range left[HANDOVER_WIPES];
    size_t i, n = plan_ranges(m->at, m->size / m->step, m->step,
                              plan_left_behind, left, HANDOVER_WIPES);
    uint64_t end;

    h->wipe_count = 0;
    for (i = 0; i < n && left[i].start < UINT32_MAX; i++) {
        end = left[i].start + left[i].len;
        if (end > UINT32_MAX)
            end = UINT32_MAX;
        h->wipe[i].at = (uint32_t)left[i].start;
        h->wipe[i].len = (uint32_t)(end - left[i].start);
        h->wipe_count++;
    }
}

/* 7.4.6: the key must be the map's, and getting it may change it. */
static void leave(struct map *m, struct told *told)
{
    int i;

    for (i = 0; i < EXIT_TRIES; i++) {
        if (!map_read(m))
            fail(STATUS_BUG, "the firmware does not tell its memory map");
        told->info.memmap_entries =
            (uint32_t)plan_ranges(m->at, m->size / m->step, m->step,
                                  plan_usable, told->ranges, LOADER_MAP_MAX);
        if (i == 0)
            check_place(told);
        if (!EFI_ERROR(efi->boot->exit_boot_services(efi_self, m->key)))
            return;
    }
    fail(STATUS_BUG, "the firmware does not let go");
}

uint64_t efi_main(void *self, struct efi_system *system);
uint64_t efi_main(void *self, struct efi_system *system)
{
    static struct map map;
    struct handover *h;
    struct told *told;
    uint8_t *code;

    efi = system;
    efi_self = self;
    if (!plan_image(image, between(image, image_end), &plan))
        fail(STATUS_BUG, "the image inside this program is broken");
    map_room(&map);
    if (!map_read(&map))
        fail(STATUS_BUG, "the firmware does not tell its memory map");
    reserve(&map);
    map_room(&map); /* again: the first may lie in the place */
    told = tell_image();
    code = low_pages(EFI_PAGE, EFI_LOADER_CODE);
    h = prepare(told, code);
    say("bootmail: starting; what happens next is said on the serial port\r\n");
    leave(&map, told);
    plan_wipes(&map, h);
    ((void (*)(struct handover *))(void *)code)(h);
    __builtin_unreachable();
}
