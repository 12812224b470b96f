/*
 * selftest.c - the fault on purpose that is this board's: an exception while
 * one is being shown.
 */
#include "selftest.h"

#include "arch/riscv64/cpu.h"

static void fault_double(void)
{
    cpu_write("sscratch", 0); /* as it is during a dump */
    __asm__ volatile("unimp");
}

const struct selftest board_selftests[] = {
    { "selftest=double", fault_double },
    { NULL, NULL },
};
