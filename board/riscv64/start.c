/*
 * start.c - from the first C to the program, in order; the console, and the
 * few things a board is asked that are one line here.
 */
#include "board.h"
#include "machine.h"

#include <string.h>

#include "arch/riscv64/cpu.h"
#include "arch/riscv64/trap.h"
#include "boot.h"
#include "dt/dt.h"
#include "dt/start.h"
#include "paging.h"
#include "platform.h"
#include "ram.h"
#include "selftest.h"
#include "slide.h"
#include "stackmark.h"

/* Where QEMU's virt has its 16550: tried when there is no tree to ask, and no
 * firmware either. */
#define VIRT_UART 0x10000000

#define SBI_PUTCHAR 1 /* SBI 1.0, 5.2 */

extern char __image_start[], __image_end[];

/* start.S */
_Noreturn void leave(uint64_t hart, uint64_t tree, uint64_t time_at_entry,
                     bool machine_mode, uint64_t to);

static struct board_info info;
static char machine[80];
static uint64_t hart;
static bool sbi;
static bool no_console;
static volatile uint8_t *blind; /* a 16550 that nobody told us of */

const struct board_info *board_info(void)
{
    return &info;
}

uint64_t hart_id(void)
{
    return hart;
}

bool have_sbi(void)
{
    return sbi;
}

/* By firmware where the tree has no port that we know. */
void board_write(const char *p, size_t len)
{
    size_t i;

    if (!no_console) {
        dt_console_write(p, len);
        return;
    }
    for (i = 0; i < len; i++) {
        if (sbi)
            (void)cpu_sbi(SBI_PUTCHAR, 0, (uint8_t)p[i], 0, NULL);
        else if (blind != NULL)
            *blind = (uint8_t)p[i];
    }
}

void platform_find_devices(void)
{
    dt_devices();
}

size_t board_entropy(uint8_t *out, size_t len)
{
    size_t done = hart_has("zkr") ? cpu_entropy(out, len) : 0;

    return done + dt_rng_seed(out + done, len - done);
}

/* ------------------------------------------------------------------ hart */

int hart_node(void)
{
    uint64_t number;
    int node;

    for (node = dt_child(dt_path("/cpus")); node != DT_NONE;
         node = dt_sibling(node))
        if (dt_has_string(node, "device_type", "cpu") &&
            dt_unit(node, &number) && number == hart)
            return node;
    return DT_NONE;
}

/* Linux, riscv/extensions binding: a list, or the older string whose words of
 * more than one letter stand behind underscores. */
bool hart_has(const char *extension)
{
    int node = hart_node();
    struct blob isa;
    size_t n = strlen(extension), i;

    if (dt_has_string(node, "riscv,isa-extensions", extension))
        return true;
    if (!dt_prop(node, "riscv,isa", &isa))
        return false;
    for (i = 0; i + 1 + n < isa.len; i++)
        if (isa.p[i] == '_' && memcmp(isa.p + i + 1, extension, n) == 0 &&
            (isa.p[i + 1 + n] == '_' || isa.p[i + 1 + n] == '\0'))
            return true;
    return false;
}

/* ----------------------------------------------------------------- start */

static size_t append(size_t at, const char *p, size_t len)
{
    size_t room = sizeof machine - 1;

    room = at < room ? room - at : 0;
    if (len > room)
        len = room;
    memcpy(machine + at, p, len);
    return at + len;
}

/* "riscv-virtio,qemu, SBI, PLIC": the model comes from outside and is cut. */
static void describe(const char *controller)
{
    const char *mode = sbi ? "SBI, " : "M-mode, ";
    struct blob model;
    size_t at = 0;

    if (dt_prop(DT_ROOT, "model", &model) && model.len > 1) {
        at = append(at, (const char *)model.p,
                    model.len - 1 < 40 ? model.len - 1 : 40);
        at = append(at, ", ", 2);
    }
    at = append(at, mode, strlen(mode));
    (void)append(at, controller, strlen(controller));
    info.name = "riscv64";
    info.machine = machine;
}

static void read_tree(uint64_t tree)
{
    const char *why = dt_open(tree);

    if (why != NULL) {
        no_console = true;
        if (!sbi) {
            blind = mem_map(VIRT_UART, RAM_PAGE, MEM_DEV);
            power_blind();
        }
        boot_fail(STATUS_CONFIG, "no device tree: start the image as a Linux "
                                 "kernel (QEMU: -kernel build/riscv64/"
                                 "bootmail)");
    }
    no_console = !dt_console();
    power_init();
}

/* The tree's bytes, folded: among them the host's random ones (rng-seed). */
static uint64_t tree_seed(void)
{
    const uint8_t *p = (const uint8_t *)(uintptr_t)dt_address();
    uint64_t v = 0xcbf29ce484222325;
    size_t i;

    for (i = 0; i < dt_size(); i++)
        v = (v ^ p[i]) * 0x100000001b3;
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
static void slide(uint64_t tree, uint64_t time_at_entry)
{
    size_t size = (uintptr_t)__image_end - (uintptr_t)__image_start;
    uint64_t random = 0;
    uintptr_t to;

    if (hart_has("zkr"))
        (void)cpu_entropy((uint8_t *)&random, sizeof random);
    random ^= (tree_seed() ^ cpu_time()) * 0x9e3779b97f4a7c15;
    to = slide_choose(UINT64_MAX, random, !has_word(info.cmdline, "nokaslr"));
    if (to == 0 || mem_map(to, size, MEM_RW) == NULL)
        return;
    dt_start_leave();
    slide_copy(to, to, 0 - (uintptr_t)__image_start);
    leave(hart, tree, time_at_entry, !sbi, to);
}

/* old: where the image was before it moved; other harts sleep in its first
 * page, if they do. */
static _Noreturn void program(uint64_t tree, uint64_t time_at_entry,
                              uint64_t old)
{
    struct dt_start boot;
    enum board_end how;
    int status;

    dt_start(__image_start, __image_end, &boot);
    if (old != 0 && !sbi)
        ram_cut(old, RAM_PAGE);
    info.cmdline = boot.cmdline;
    info.initrd = boot.initrd;
    slide(tree, time_at_entry);
    info.slide = slide_state();
    clock_init(time_at_entry);
    describe(irq_init());
    boot_constructors();
    selftest(info.cmdline);
    status = app_main(&how);
    dt_start_forget();
    board_finish(status, how);
}

/* called by start.S; sets the guard, so it must not check one itself */
_Noreturn void board_start(uint64_t this_hart, uint64_t tree,
                           uint64_t time_at_entry, bool machine_mode,
                           uint64_t old);
__attribute__((no_stack_protector)) _Noreturn void board_start(
    uint64_t this_hart, uint64_t tree, uint64_t time_at_entry,
    bool machine_mode, uint64_t old)
{
    slide_keep();
    hart = this_hart;
    sbi = !machine_mode;
    stack_paint();
    guard_init(0);
    trap_init();
    memory_init();
    read_tree(tree);
    guard_init(tree_seed());
    program(tree, time_at_entry, old);
}
