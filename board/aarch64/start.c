/*
 * start.c - from the first C to the program, in order; the console, and the
 * few things a board is asked that are one line here.
 */
#include "board.h"
#include "machine.h"

#include <string.h>

#include "arch/aarch64/cpu.h"
#include "arch/aarch64/trap.h"
#include "boot.h"
#include "dt/dt.h"
#include "dt/start.h"
#include "paging.h"
#include "ram.h"
#include "selftest.h"
#include "slide.h"
#include "stackmark.h"

/* Where QEMU's virt has its PL011: tried when there is no tree to ask. */
#define VIRT_PL011 0x09000000

/* start.S's first tables reach so far. */
#define IMAGE_LIMIT (511ull << 30)

extern char __image_start[], __image_end[];

static struct board_info info;
static char machine[64];
static volatile uint32_t *blind; /* a PL011 that nobody told us of */

const struct board_info *board_info(void)
{
    return &info;
}

void board_write(const char *p, size_t len)
{
    size_t i;

    if (blind == NULL)
        dt_console_write(p, len);
    else
        for (i = 0; i < len; i++)
            *blind = (uint8_t)p[i];
}

size_t board_entropy(uint8_t *out, size_t len)
{
    size_t done = cpu_entropy(out, len);

    return done + dt_rng_seed(out + done, len - done);
}

/* "linux,dummy-virt, GICv3": the model comes from outside and is cut. */
static void describe(const char *gic)
{
    struct blob model;
    size_t n = 0;

    if (dt_prop(DT_ROOT, "model", &model) && model.len > 1)
        n = model.len - 1 < 40 ? model.len - 1 : 40;
    if (n != 0) {
        memcpy(machine, model.p, n);
        memcpy(machine + n, ", ", 2);
        n += 2;
    }
    memcpy(machine + n, gic, strlen(gic));
    info.name = "aarch64";
    info.machine = machine;
}

static void read_tree(uint64_t tree)
{
    const char *why = dt_open(tree);
    int psci;

    if (why != NULL) {
        blind = mem_map(VIRT_PL011, RAM_PAGE, MEM_DEV);
        boot_fail(STATUS_CONFIG, "no device tree: start the image as a Linux "
                                 "kernel (QEMU: -kernel build/aarch64/"
                                 "bootmail)");
    }
    (void)dt_console();
    psci = dt_find(DT_NONE, "arm,psci-0.2");
    if (psci != DT_NONE)
        power_conduit(dt_has_string(psci, "method", "smc"));
}

/* The seed in the tree, folded; the bytes themselves stay for the program. */
static uint64_t tree_seed(void)
{
    uint64_t v = 0xcbf29ce484222325;
    struct blob seed;
    size_t i;

    if (!dt_prop(dt_path("/chosen"), "rng-seed", &seed))
        return 0;
    for (i = 0; i < seed.len; i++)
        v = (v ^ seed.p[i]) * 0x100000001b3;
    return v;
}

static bool has_word(struct blob cmdline, const char *wanted)
{
    struct blob word;

    while (boot_word(&cmdline, &word))
        if (blob_eq(word, blob_str(wanted)))
            return true;
    return false;
}

/* To a random place in RAM, if there is room for a second image. A debugger
 * says nokaslr, as to Linux. */
static void slide(uint64_t tree, uint64_t count_at_entry, uint64_t seed)
{
    size_t size = (uintptr_t)__image_end - (uintptr_t)__image_start;
    uint64_t random;
    uintptr_t to;

    if (cpu_entropy((uint8_t *)&random, sizeof random) != sizeof random)
        random = 0;
    random ^= (seed ^ cpu_count()) * 0x9e3779b97f4a7c15;
    to = slide_choose(IMAGE_LIMIT, random, !has_word(info.cmdline, "nokaslr"));
    if (to == 0 || mem_map(to, size, MEM_RW) == NULL)
        return;
    dt_start_leave();
    slide_copy(to, to, 0 - (uintptr_t)__image_start);
    leave(tree, count_at_entry, (void *)to, (void *)(to + size));
}

static uint32_t timer_rate(void)
{
    uint32_t hz = 0;

    (void)dt_cell(dt_find(DT_NONE, "arm,armv8-timer"), "clock-frequency", 0,
                  &hz);
    return hz;
}

static _Noreturn void program(uint64_t tree, uint64_t count_at_entry,
                              uint64_t seed)
{
    struct dt_start boot;
    enum board_end how;
    int status;

    dt_start(__image_start, __image_end, &boot);
    info.cmdline = boot.cmdline;
    info.initrd = boot.initrd;
    slide(tree, count_at_entry, seed);
    info.slide = slide_state();
    /* the host learns the status, and its files can be read by whoever takes
     * the image over: only if told so */
    if (has_word(info.cmdline, "semihosting=on"))
        power_semihosting();
    clock_init(count_at_entry, timer_rate());
    describe(irq_init());
    boot_constructors();
    selftest(info.cmdline);
    status = app_main(&how);
    dt_start_forget();
    board_finish(status, how);
}

/* called by start.S; sets the guard, so it must not check one itself */
_Noreturn void board_start(uint64_t tree, uint64_t count_at_entry,
                           unsigned level);
__attribute__((no_stack_protector)) _Noreturn void board_start(
    uint64_t tree, uint64_t count_at_entry, unsigned level)
{
    uint64_t seed;

    slide_keep();
    stack_paint();
    guard_init(0);
    power_conduit(level == 2); /* until the tree says it */
    memory_init();
    read_tree(tree);
    seed = tree_seed();
    guard_init(seed);
    sign_init(seed);
    program(tree, count_at_entry, seed);
}
