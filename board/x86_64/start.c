/*
 * start.c - from the first C to the program, in order.
 */
#include "board.h"
#include "machine.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/trap.h"
#include "selftest.h"

static struct board_info info;
static char machine[64];

const struct board_info *board_info(void)
{
    return &info;
}

static void describe(const char *loader)
{
    const char *name;
    size_t n;

    hypervisor(&name);
    n = strlen(name);
    memcpy(machine, name, n);
    memcpy(machine + n, ", ", 2);
    memcpy(machine + n + 2, loader, strlen(loader) + 1);
    info.name = "x86_64";
    info.machine = machine;
}

static void start(uint64_t boot_info, uint64_t tsc)
{
    struct boot boot;
    int status;

    console_init();
    trap_init();
    memory_init();
    loader_read(boot_info, &boot);
    info.cmdline = boot.cmdline;
    info.initrd = boot.initrd;
    describe(boot.by);
    acpi_init(boot.rsdp);
    apic_init();
    clock_init(tsc);
    apic_timer_init();
    boot_constructors();
    selftest(info.cmdline);
    status = app_main();
    loader_forget();
    board_exit(status);
}

/* called by start.S; sets the guard, so it must not check one itself */
void board_start(uint64_t boot_info, uint64_t tsc);
__attribute__((no_stack_protector)) void board_start(uint64_t boot_info,
                                                     uint64_t tsc)
{
    guard_init();
    start(boot_info, tsc);
}
