/*
 * start.c - memory, command line and initrd, as the tree describes them.
 */
#include "dt/start.h"

#include <string.h>

#include "boot.h"
#include "dt/dt.h"
#include "paging.h"
#include "ram.h"
#include "wipe.h"

static char cmdline[BOOT_CMDLINE_MAX];

static struct blob read_cmdline(struct blob args)
{
    if (args.len >= sizeof cmdline)
        boot_fail(STATUS_CONFIG, "the command line is longer than 8191 bytes");
    if (args.len != 0)
        memcpy(cmdline, args.p, args.len);
    return blob_of(cmdline, args.len);
}

/* Before reservations are cut out of RAM: loaders reserve what they load. */
static void check_initrd(const struct dt_range *r)
{
    if (r->size == 0)
        return;
    if (!ram_free(r->start, r->size))
        boot_fail(STATUS_CONFIG, "the initrd does not lie in memory: "
                                 "give the machine more");
    if (mem_in_image(r->start, r->size))
        boot_fail(STATUS_CONFIG, "the initrd overlaps the image: "
                                 "give the machine more memory");
}

static struct blob map_initrd(const struct dt_range *r)
{
    void *p;

    if (r->size == 0)
        return blob_of(NULL, 0);
    p = mem_map(r->start, r->size, MEM_RO);
    if (p == NULL)
        boot_fail(STATUS_BUG, "the initrd cannot be mapped");
    ram_cut(r->start, r->size);
    return blob_of(p, r->size);
}

void dt_start(const void *image, const void *image_end, struct dt_start *out)
{
    uint64_t at = (uintptr_t)image, size = (uintptr_t)image_end - at;
    struct dt_chosen chosen;

    dt_memory(ram_add);
    ram_cut(0, RAM_PAGE);
    if (!ram_free(at, size))
        boot_fail(STATUS_CONFIG, "memory too small for the image: "
                                 "give the machine more (QEMU: -m 16)");
    dt_chosen(&chosen);
    check_initrd(&chosen.initrd);
    dt_reserved(ram_cut);
    ram_cut(at, size);
    ram_cut(dt_address(), dt_size());
    out->cmdline = read_cmdline(chosen.bootargs);
    out->initrd = map_initrd(&chosen.initrd);
}

void dt_start_leave(void)
{
    wipe(cmdline, sizeof cmdline);
}

void dt_start_forget(void)
{
    dt_start_leave();
    dt_forget();
}
