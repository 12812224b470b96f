/*
 * selftest.c - the fault on purpose that only Arm has: a branch to where none
 * may arrive (BTI).
 */
#include "selftest.h"

/* into the middle of a function: no landing pad */
static void fault_branch(void)
{
    __asm__ volatile("adr x0, 1f\n\t"
                     "br x0\n"
                     "1:\tnop"
                     :
                     :
                     : "x0");
}

const struct selftest board_selftests[] = {
    { "selftest=branch", fault_branch },
    { NULL, NULL },
};
