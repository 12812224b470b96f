/*
 * selftest.h - faults on purpose, in images built with SELFTEST=1.
 *
 * selftest=KIND on the command line; tests/ checks that each kind ends with a
 * status that is not 0. In other images nothing of this exists.
 */
#ifndef KERNEL_SELFTEST_H
#define KERNEL_SELFTEST_H

#include "blob.h"

struct selftest {
    const char *word; /* "selftest=panic" */
    void (*fault)(void);
};

/* What only this board can do; a NULL word ends the list. */
extern const struct selftest board_selftests[];

void selftest(struct blob cmdline);

/* selftest=wedge and selftest=late: the program is stuck, or panics, once its
 * devices are found and its watchdog runs. */
void selftest_late(struct blob cmdline);

#endif
