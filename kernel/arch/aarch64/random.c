/*
 * random.c - the processor's random numbers, and the stack guard they seed.
 *
 * FEAT_RNG (Arm ARM, D17.2.119): RNDRRS gives numbers of a generator that was
 * reseeded just before, RNDR of one that is reseeded now and then; Z says
 * that there was none. A generator that is broken tends to return the same
 * word for ever: such output counts as none at all.
 */
#include "arch/aarch64/cpu.h"
#include "arch/aarch64/trap.h"

#include <string.h>

#define TRIES 32

#define SCTLR_ENIA (1ull << 31)

static bool rndrrs(uint64_t *v)
{
    bool ok = false;
    unsigned i;

    for (i = 0; i < TRIES && !ok; i++)
        __asm__ volatile("mrs %0, s3_3_c2_c4_1\n\tcset %w1, ne"
                         : "=r"(*v), "=r"(ok)
                         :
                         : "cc");
    return ok;
}

static bool rndr(uint64_t *v)
{
    bool ok = false;
    unsigned i;

    for (i = 0; i < TRIES && !ok; i++)
        __asm__ volatile("mrs %0, s3_3_c2_c4_0\n\tcset %w1, ne"
                         : "=r"(*v), "=r"(ok)
                         :
                         : "cc");
    return ok;
}

static bool has_rndr(void)
{
    return cpu_field(cpu_read(id_aa64isar0_el1), 60) != 0;
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
    size_t done;

    if (!has_rndr())
        return 0;
    done = draw(rndrrs, out, len);
    if (done < len)
        done += draw(rndr, out + done, len - done);
    return done;
}

/* A number that differs from boot to boot, as well as that can be had now. */
static inline __attribute__((always_inline)) uint64_t fresh(uint64_t more)
{
    uint64_t v = more ^ cpu_count(), r;

    v = (v ^ v >> 29) * 0xbf58476d1ce4e5b9;
    v = (v ^ v >> 32) * 0x94d049bb133111eb;
    return has_rndr() && rndr(&r) ? v ^ r : v;
}

/* read by every protected function; the name is the compiler's */
extern uintptr_t __stack_chk_guard;
uintptr_t __stack_chk_guard;

__attribute__((no_stack_protector)) void guard_init(uint64_t more)
{
    /* a zero byte first: no string function can read or write past it */
    __stack_chk_guard = fresh(__stack_chk_guard ^ more) & ~(uint64_t)0xff;
}

_Noreturn void __stack_chk_fail(void);
_Noreturn void __stack_chk_fail(void)
{
    trap_bug("a stack buffer overflowed");
}

/* ID_AA64ISAR1_EL1: QARMA5 in bits 4 to 7, an algorithm of the maker's own in
 * 8 to 11. MIDR_EL1 names no maker where the processor is software. */
static bool signing_is_cheap(void)
{
    uint64_t isar1 = cpu_read(id_aa64isar1_el1);

    if (cpu_field(isar1, 8) != 0)
        return true;
    return cpu_field(isar1, 4) != 0 && (cpu_read(midr_el1) >> 24 & 0xff) != 0;
}

/* This function's own return address is not signed: when it was called there
 * was no key. */
__attribute__((target("branch-protection=none"))) void sign_init(uint64_t more)
{
    if (!signing_is_cheap())
        return;
    cpu_write(s3_0_c2_c1_0, fresh(more)); /* APIAKeyLo_EL1, High */
    cpu_write(s3_0_c2_c1_1, fresh(~more));
    cpu_write(sctlr_el1, cpu_read(sctlr_el1) | SCTLR_ENIA);
    cpu_isb();
}
