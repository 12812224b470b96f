/*
 * power.c - the end: tell the host the status, then switch off.
 *
 * In this order, each step only reached if the one before did not work:
 *   1. semihosting SYS_EXIT, if the word semihosting=on allows it: the host
 *      learns the status
 *   2. PSCI SYSTEM_OFF (Arm DEN 0022, 5.10), by the conduit that the device
 *      tree names
 *   3. stop with interrupts off
 * A restart that was asked for is PSCI's SYSTEM_RESET, else 2.
 * Semihosting would be an undefined instruction where the host has not
 * switched it on, and where it has, it gives the guest the host's files: so
 * it is never tried without being told. Runs in traps too.
 */
#include "board.h"
#include "machine.h"

#include "arch/aarch64/cpu.h"
#include "arch/aarch64/trap.h"

#define PSCI_SYSTEM_OFF   0x84000008u
#define PSCI_SYSTEM_RESET 0x84000009u

#define SYS_EXIT        0x18
#define EXIT_BY_PROGRAM 0x20026 /* ADP_Stopped_ApplicationExit */

static bool by_smc;
static bool semihosting;

void power_conduit(bool smc)
{
    by_smc = smc;
}

void power_semihosting(void)
{
    semihosting = true;
}

static void semihosting_exit(int status)
{
    uint64_t block[2] = { EXIT_BY_PROGRAM, (uint64_t)status };

    cpu_semihosting(SYS_EXIT, block);
}

static void psci(uint32_t function)
{
    if (by_smc)
        cpu_smc(function);
    else
        cpu_hvc(function);
}

/* A call that nobody takes is an undefined instruction, which leads back
 * here: each is tried once. */
_Noreturn void board_exit(int status)
{
    static unsigned step;

    trap_quiet();
    if (step == 0) {
        step = 1;
        if (semihosting)
            semihosting_exit(status);
    }
    if (step == 1) {
        step = 2;
        psci(PSCI_SYSTEM_OFF);
    }
    cpu_stop();
}

/* A pending interrupt would end every wfi, masked or not. */
_Noreturn void board_finish(int status, enum board_end how)
{
    trap_quiet();
    if (how == BOARD_HALT) {
        gic_stop();
        cpu_stop();
    }
    if (how == BOARD_REBOOT)
        psci(PSCI_SYSTEM_RESET);
    board_exit(status);
}
