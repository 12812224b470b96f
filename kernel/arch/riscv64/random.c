/*
 * random.c - the processor's entropy source, and the stack guard.
 *
 * Zkr (scalar cryptography 1.0.1, chapter 4): the register seed gives 16 bits
 * at a time with a state: ES16 they are good, WAIT and BIST ask again, DEAD
 * never again. They are raw, as entropy.c wants them.
 */
#include "arch/riscv64/cpu.h"
#include "arch/riscv64/trap.h"

#define TRIES 4096 /* for one of 16 bits */

enum { SEED_BIST = 0, SEED_WAIT = 1, SEED_ES16 = 2, SEED_DEAD = 3 };

static bool seed16(uint16_t *out)
{
    uint64_t v;
    unsigned i;

    for (i = 0; i < TRIES && cpu_seed_word(&v); i++) {
        unsigned state = v >> 30 & 3;

        *out = (uint16_t)v;
        if (state == SEED_ES16)
            return true;
        if (state == SEED_DEAD)
            return false;
    }
    return false;
}

size_t cpu_entropy(uint8_t *out, size_t len)
{
    size_t done = 0;
    uint16_t v;

    while (len - done >= 2 && seed16(&v)) {
        out[done++] = (uint8_t)v;
        out[done++] = (uint8_t)(v >> 8);
    }
    return done;
}

/* read by every protected function; the name is the compiler's */
extern uintptr_t __stack_chk_guard;
uintptr_t __stack_chk_guard;

__attribute__((no_stack_protector)) void guard_init(uint64_t more)
{
    uint64_t v = cpu_time() << 32 ^ cpu_cycles();

    v = (v ^ v >> 29) * 0xbf58476d1ce4e5b9;
    v ^= more;
    v = (v ^ v >> 32) * 0x94d049bb133111eb;
    /* a zero byte first: no string function can read or write past it */
    __stack_chk_guard = (v ^ v >> 31) & ~(uint64_t)0xff;
}

_Noreturn void __stack_chk_fail(void);
_Noreturn void __stack_chk_fail(void)
{
    trap_bug("a stack buffer overflowed");
}
