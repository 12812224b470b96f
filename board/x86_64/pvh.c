/*
 * pvh.c - the PVH protocol: Xen's struct hvm_start_info.
 *
 * QEMU, Cloud Hypervisor and Firecracker start us this way, and so does our
 * own program for UEFI (efi/).
 * Version 1 (with a memory map) is required: all loaders at hand give it.
 */
#include "loader.h"
#include "machine.h"
#include "pvh.h"

bool pvh_read(uint64_t at, struct loader_given *out, const char **why,
              bool *ours)
{
    struct pvh_start_info info;
    struct pvh_module m = { 0 };

    *ours = false;
    *why = "the start information lies beyond memory";
    if (!mem_peek(at, &info, sizeof info))
        return false;
    if (info.magic != PVH_MAGIC) {
        *ours = true;
        *why = "no PVH start information: not started by that protocol, "
               "or the command line is longer than the firmware takes "
               "(QEMU's q35 and pc: 4095 bytes)";
        return false;
    }
    *why = "the loader speaks PVH version 0: it gives no memory map";
    if (info.version < 1)
        return false;
    *why = "the loader's module list lies beyond memory";
    if (info.nr_modules != 0 && !mem_peek(info.modlist, &m, sizeof m))
        return false;
    *out = (struct loader_given){
        .by = "PVH",
        .cmdline = info.cmdline,
        .initrd = m.start,
        .initrd_len = m.size,
        .modules = info.nr_modules,
        .rsdp = info.rsdp,
        .map = info.memmap,
        .map_count = info.memmap_entries,
        .map_step = sizeof(struct loader_range),
        .keep = { { at, sizeof info },
                  { info.modlist, info.nr_modules != 0 ? sizeof m : 0 } },
    };
    return true;
}
