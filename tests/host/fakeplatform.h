/*
 * fakeplatform.h - what net/tls*.c and net/rng.c want from below, for
 * programs on the host: a clock that stands still, entropy that is the same
 * in every run, and a panic that aborts. Include it in one file only.
 */
#ifndef TESTS_HOST_FAKEPLATFORM_H
#define TESTS_HOST_FAKEPLATFORM_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "entropy.h"
#include "panic.h"

static uint64_t fake_ms;
static size_t fake_entropy = 256; /* bytes that the machine has */

uint64_t clock_ms(void)
{
    return fake_ms;
}

int64_t clock_unix(void)
{
    return -1;
}

size_t entropy_read(uint8_t *out, size_t len)
{
    size_t n = len < fake_entropy ? len : fake_entropy;

    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(i * 37 + 11);
    return n;
}

_Noreturn void panic(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    abort();
}

#endif
