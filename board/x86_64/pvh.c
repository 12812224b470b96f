/*
 * pvh.c - what the loader hands over: Xen's struct hvm_start_info.
 *
 * xen/include/public/arch-x86/hvm/start_info.h. Everything in it may lie
 * anywhere in memory and is read through mem_peek(); what is small is copied,
 * the initrd is checked against the memory map and mapped where it lies.
 * Version 1 (with a memory map) is required: all loaders at hand give it.
 */
#include "machine.h"

#include "wipe.h"

#define MAGIC      0x336ec578
#define MEMMAP_MAX 256
#define TYPE_RAM   1
#define LOW_END    (1ull << 20)

struct start_info {
    uint32_t magic, version, flags, nr_modules;
    uint64_t modlist, cmdline, rsdp;
    uint64_t memmap; /* from version 1 */
    uint32_t memmap_entries, reserved;
};
_Static_assert(sizeof(struct start_info) == 56, "start_info.h");

struct module {
    uint64_t start, size, cmdline, reserved;
};

struct memmap_entry {
    uint64_t start, size;
    uint32_t type, reserved;
};
_Static_assert(sizeof(struct memmap_entry) == 24, "start_info.h");

extern char __image_start[], __image_end[];

static char cmdline[BOOT_CMDLINE_MAX];
static uint64_t cmdline_at; /* the loader's; 0: there is none */
static size_t cmdline_len;

static uint64_t image_size(void)
{
    return (uintptr_t)__image_end - (uintptr_t)__image_start;
}

static void peek(uint64_t phys, void *out, size_t len, const char *what)
{
    if (!mem_peek(phys, out, len))
        boot_fail(STATUS_BUG, what);
}

static void read_memmap(const struct start_info *info)
{
    struct memmap_entry e;
    uint32_t i;

    if (info->memmap_entries == 0 || info->memmap_entries > MEMMAP_MAX)
        boot_fail(STATUS_BUG, "the loader gave no usable memory map");
    for (i = 0; i < info->memmap_entries; i++) {
        peek(info->memmap + i * sizeof e, &e, sizeof e,
             "the loader's memory map lies beyond memory");
        if (e.type == TYPE_RAM)
            ram_add(e.start, e.size);
    }
    /* what two entries claim is not RAM */
    for (i = 0; i < info->memmap_entries; i++) {
        peek(info->memmap + i * sizeof e, &e, sizeof e,
             "the loader's memory map lies beyond memory");
        if (e.type != TYPE_RAM)
            ram_cut(e.start, e.size);
    }
    ram_cut(0, LOW_END);
    if (!ram_free((uintptr_t)__image_start, image_size()))
        boot_fail(STATUS_CONFIG, "memory too small for the image: "
                                 "give the machine more (QEMU: -m 8)");
}

/* Up to its NUL; a longer one than we keep is refused, not cut. */
static struct blob read_cmdline(uint64_t at)
{
    size_t have = 0;
    const char *nul;

    if (at == 0)
        return blob_of(NULL, 0);
    while (have < BOOT_CMDLINE_MAX) {
        size_t n = 256 - (at + have) % 256; /* not past its page */

        if (n > BOOT_CMDLINE_MAX - have)
            n = BOOT_CMDLINE_MAX - have;
        peek(at + have, cmdline + have, n,
             "the loader's command line lies beyond memory");
        nul = memchr(cmdline + have, '\0', n);
        if (nul != NULL) {
            cmdline_at = at;
            cmdline_len = (size_t)(nul - cmdline);
            return blob_of(cmdline, cmdline_len);
        }
        have += n;
    }
    boot_fail(STATUS_CONFIG, "the command line is longer than 8191 bytes");
}

static struct blob read_initrd(const struct start_info *info)
{
    struct module m;
    void *p;

    if (info->nr_modules == 0)
        return blob_of(NULL, 0);
    peek(info->modlist, &m, sizeof m,
         "the loader's module list lies beyond memory");
    if (m.size == 0)
        return blob_of(NULL, 0);
    if (m.size > UINT64_MAX - m.start || !ram_free(m.start, m.size))
        boot_fail(STATUS_CONFIG, "the initrd does not lie in memory: "
                                 "give the machine more");
    if (mem_in_image(m.start, m.size))
        boot_fail(STATUS_CONFIG, "the initrd overlaps the image: "
                                 "give the machine more memory");
    p = mem_map(m.start, m.size, MEM_RO);
    if (p == NULL)
        boot_fail(STATUS_BUG, "the initrd cannot be mapped");
    ram_cut(m.start, m.size);
    return blob_of(p, m.size);
}

void pvh_read(uint64_t start_info, struct boot *boot)
{
    struct start_info info;

    peek(start_info, &info, sizeof info,
         "the start information lies beyond memory");
    if (info.magic != MAGIC)
        boot_fail(STATUS_CONFIG,
                  "no PVH start information: not started by that protocol, "
                  "or the command line is longer than the firmware takes "
                  "(QEMU's q35 and pc: 4095 bytes)");
    if (info.version < 1)
        boot_fail(STATUS_BUG, "the loader speaks PVH version 0: "
                              "it gives no memory map");
    read_memmap(&info);
    boot->cmdline = read_cmdline(info.cmdline);
    boot->initrd = read_initrd(&info);
    boot->rsdp = info.rsdp;
    ram_cut((uintptr_t)__image_start, image_size());
}

void pvh_forget(void)
{
    wipe(cmdline, sizeof cmdline);
    if (cmdline_at != 0 && !mem_in_image(cmdline_at, cmdline_len))
        mem_wipe(cmdline_at, cmdline_len);
}
