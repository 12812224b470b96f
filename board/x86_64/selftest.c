/*
 * selftest.c - the fault on purpose that only x86 has: a shutdown.
 */
#include "selftest.h"

#include "arch/x86_64/cpu.h"

static void fault_triple(void)
{
    cpu_triple_fault();
}

const struct selftest board_selftests[] = {
    { "selftest=triple", fault_triple },
    { NULL, NULL },
};
