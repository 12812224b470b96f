/*
 * power.c - the end: tell the host the status, then switch off.
 *
 * In this order, each step only reached if the one before did not work:
 *   1. SiFive's test finisher (QEMU's virt has one): QEMU ends with the status
 *   2. SBI system reset (SBI 1.0, chapter 10)
 *   3. SBI legacy shutdown (5.9)
 *   4. stop with interrupts off
 * A restart that was asked for is 1 or 2, which have words for that too.
 * Runs in traps too: no heap, no interrupts, nothing is looked up.
 */
#include "board.h"
#include "machine.h"

#include "arch/riscv64/cpu.h"
#include "dt/dt.h"
#include "paging.h"
#include "ram.h"

/* QEMU, hw/misc/sifive_test.c: pass, fail with a code above bit 16, restart */
enum {
    FINISHER_PASS = 0x5555,
    FINISHER_FAIL = 0x3333,
    FINISHER_RESET = 0x7777,
};
#define VIRT_FINISHER 0x100000
#define WAIT_NS       20000000ull /* for a machine that is slow to go */

enum {
    SBI_LEGACY_SHUTDOWN = 8,
    SBI_SRST = 0x53525354,
    SRST_SHUTDOWN = 0,
    SRST_COLD_REBOOT = 1,
    SRST_NO_REASON = 0,
    SRST_FAILURE = 1,
};

static volatile uint32_t *finisher;

void power_init(void)
{
    int node = dt_find(DT_NONE, "sifive,test0");
    struct dt_range r;

    if (node != DT_NONE && dt_reg(node, 0, &r) && r.size >= 4 &&
        r.start % 4 == 0 && !ram_has(r.start, r.size))
        finisher = mem_map(r.start, r.size, MEM_DEV);
}

void power_blind(void)
{
    finisher = mem_map(VIRT_FINISHER, RAM_PAGE, MEM_DEV);
}

_Noreturn void board_exit(int status)
{
    cpu_fence(); /* the console's last words first */
    if (finisher != NULL)
        *finisher = status == 0
                        ? FINISHER_PASS
                        : FINISHER_FAIL | (uint32_t)(status & 0xffff) << 16;
    if (have_sbi()) {
        (void)cpu_sbi(SBI_SRST, 0, SRST_SHUTDOWN,
                      status == 0 ? SRST_NO_REASON : SRST_FAILURE, NULL);
        (void)cpu_sbi(SBI_LEGACY_SHUTDOWN, 0, 0, 0, NULL);
    }
    cpu_stop();
}

/* QEMU restarts a machine some instructions after it was told to. */
static void restart(void)
{
    uint64_t until = board_now_ns() + WAIT_NS;

    if (finisher != NULL) {
        *finisher = FINISHER_RESET;
        while (board_now_ns() < until) {
        }
    }
    if (have_sbi())
        (void)cpu_sbi(SBI_SRST, 0, SRST_COLD_REBOOT, SRST_NO_REASON, NULL);
}

_Noreturn void board_finish(int status, enum board_end how)
{
    cpu_fence(); /* the console's last words first */
    if (how == BOARD_HALT)
        cpu_stop();
    if (how == BOARD_REBOOT)
        restart();
    board_exit(status);
}
