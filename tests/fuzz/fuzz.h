/*
 * fuzz.h - bytes of libFuzzer's input, and what must be true.
 *
 * A target is one file: LLVMFuzzerTestOneInput(), and comments that name the
 * sources and folders it needs, as in tests/unit. It includes the driver's
 * source itself, so that the driver's static state begins anew each time.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <sanitizer/asan_interface.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define MUST(what)                                                       \
    do {                                                                 \
        if (!(what)) {                                                   \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, \
                    #what);                                              \
            abort();                                                     \
        }                                                                \
    } while (0)

static const uint8_t *in_at;
static size_t in_left;

static inline void input(const uint8_t *data, size_t len)
{
    in_at = data;
    in_left = len;
}

/* the next bytes of the input as a number; zeros behind its end */
static inline uint32_t next(unsigned bytes)
{
    uint32_t v = 0;

    while (bytes-- > 0) {
        v <<= 8;
        if (in_left > 0) {
            v |= *in_at++;
            in_left--;
        }
    }
    return v;
}

#endif
