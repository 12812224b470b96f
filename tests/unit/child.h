/*
 * child.h - a case in a process of its own, for what is static and made once
 * in a program's life. What fails there fails here.
 */
#ifndef UNIT_CHILD_H
#define UNIT_CHILD_H

#include <sys/wait.h>

#include "../profile.h"
#include "check.h"

/* begin may be NULL. */
static inline void in_child(void (*begin)(void), void (*run)(void))
{
    int status = 0;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        check_failed = 0;
        if (begin != NULL)
            begin();
        run();
        end_child(check_failed != 0 ? 1 : 0);
    }
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    CHECK_EQ(status, 0);
}

/* case_NAME() runs run_NAME() in a child. */
#define CHILD_CASE(begin, name)      \
    static void case_##name(void)    \
    {                                \
        in_child(begin, run_##name); \
    }

#endif
