/*
 * profile.h - the end of a child: under tests/coverage it writes down what it
 * has covered, which _exit() alone would not.
 */
#ifndef TESTS_PROFILE_H
#define TESTS_PROFILE_H

#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

/* clang's profile runtime has it, where it is linked in */
__attribute__((weak)) int __llvm_profile_write_file(void);

static inline _Noreturn void end_child(int status)
{
    fflush(stdout);
    if (__llvm_profile_write_file != NULL)
        (void)__llvm_profile_write_file();
    _exit(status);
}

#endif
