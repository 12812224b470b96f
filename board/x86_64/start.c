/*
 * start.c - from the first C to the program, in order.
 */
#include "board.h"
#include "machine.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/trap.h"
#include "selftest.h"
#include "slide.h"
#include "stackmark.h"

/* start.S's tables: one entry of boot_pd for each 2 MiB */
#define BOOT_PD_ENTRIES 512
#define BOOT_PAGE       (2ull << 20)

extern uint64_t boot_pd[BOOT_PD_ENTRIES];
extern char __image_start[];

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

/* To a random place below 1 GiB, which is what the boot tables can show, if
 * there is room for a second image; a debugger says nokaslr, as to Linux. */
static void slide(uint64_t boot_info, uint64_t tsc, struct blob cmdline)
{
    struct blob word;
    uint64_t random, i;
    uintptr_t to;
    bool wanted = true;

    while (boot_word(&cmdline, &word))
        if (blob_eq(word, blob_str("nokaslr")))
            wanted = false;
    /* without a generator: the two times, stirred; better than nothing */
    if (cpu_entropy((uint8_t *)&random, sizeof random) != sizeof random)
        random = (tsc ^ cpu_tsc() << 20) * 0x9e3779b97f4a7c15 >> 16;
    to = slide_choose(BOOT_PD_ENTRIES * BOOT_PAGE, random, wanted);
    if (to == 0)
        return;
    for (i = 0; i < BOOT_PD_ENTRIES; i++)
        boot_pd[i] = i * BOOT_PAGE | 0x83; /* large, writable, there */
    loader_leave();
    move(boot_info, tsc, to, to - (uintptr_t)__image_start);
}

static void start(uint64_t boot_info, uint64_t tsc)
{
    struct boot boot;
    enum board_end how;
    int status;

    stack_paint();
    console_init();
    trap_init();
    memory_init();
    loader_read(boot_info, &boot);
    slide(boot_info, tsc, boot.cmdline);
    info.cmdline = boot.cmdline;
    info.initrd = loader_initrd();
    info.slide = slide_state();
    describe(boot.by);
    acpi_init(boot.rsdp);
    apic_init();
    clock_init(tsc);
    apic_timer_init();
    boot_constructors();
    if (!console_seen())
        console_open();
    selftest(info.cmdline);
    status = app_main(&how);
    loader_forget();
    board_finish(status, how);
}

/* called by start.S and move.S; sets the guard, so it must check none */
void board_start(uint64_t boot_info, uint64_t tsc);
__attribute__((no_stack_protector)) void board_start(uint64_t boot_info,
                                                     uint64_t tsc)
{
    slide_keep();
    guard_init();
    start(boot_info, tsc);
}
