/*
 * random.c - the processor's random numbers, and the stack guard they seed.
 *
 * RDSEED is preferred (SDM 7.3.17: raw enough to seed a generator), RDRAND is
 * the fall-back. A processor whose generator is broken tends to return the
 * same word for ever, mostly all ones (seen on AMD parts after resume): such
 * output counts as none at all.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/trap.h"

#include <string.h>

#define TRIES 32 /* RDRAND: 10 suffice by Intel's guide; RDSEED runs dry */

static bool rdseed(uint64_t *v)
{
    bool ok = false;
    unsigned i;

    for (i = 0; i < TRIES && !ok; i++)
        __asm__ volatile("pause\n\trdseed %0" : "=r"(*v), "=@ccc"(ok));
    return ok;
}

static bool rdrand(uint64_t *v)
{
    bool ok = false;
    unsigned i;

    for (i = 0; i < TRIES && !ok; i++)
        __asm__ volatile("rdrand %0" : "=r"(*v), "=@ccc"(ok));
    return ok;
}

static bool has_rdseed(void)
{
    return (cpu_id7().b >> 18 & 1) != 0;
}

static bool has_rdrand(void)
{
    return (cpu_id(1, 0).c >> 30 & 1) != 0;
}

/* All of len or nothing to rely on: stops at the first failure. */
static size_t draw(bool (*next)(uint64_t *), uint8_t *out, size_t len)
{
    uint64_t v, last;
    size_t done = 0, n;

    if (!next(&last))
        return 0;
    while (done < len) {
        if (!next(&v))
            return done;
        if (v == last || v == 0 || v == UINT64_MAX) {
            memset(out, 0, done);
            return 0;
        }
        last = v;
        n = len - done < sizeof v ? len - done : sizeof v;
        memcpy(out + done, &v, n);
        done += n;
    }
    return done;
}

size_t cpu_entropy(uint8_t *out, size_t len)
{
    size_t done = 0;

    if (has_rdseed())
        done = draw(rdseed, out, len);
    if (done < len && has_rdrand())
        done += draw(rdrand, out + done, len - done);
    return done;
}

/* read by every protected function; the name is the compiler's */
extern uintptr_t __stack_chk_guard;
uintptr_t __stack_chk_guard;

__attribute__((no_stack_protector)) void guard_init(void)
{
    uint64_t v = cpu_tsc(), r;
    bool ok = false;

    if (has_rdrand())
        __asm__ volatile("rdrand %0" : "=r"(r), "=@ccc"(ok));
    v = (v ^ v >> 29) * 0xbf58476d1ce4e5b9;
    v = (v ^ v >> 32) * 0x94d049bb133111eb;
    if (ok)
        v ^= r;
    /* a zero byte first: no string function can read or write past it */
    __stack_chk_guard = v & ~(uint64_t)0xff;
}

_Noreturn void __stack_chk_fail(void);
_Noreturn void __stack_chk_fail(void)
{
    trap_bug("a stack buffer overflowed");
}
