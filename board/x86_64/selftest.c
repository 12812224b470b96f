/*
 * selftest.c - faults on purpose, in images built for it (BOARD_SELFTEST).
 *
 * selftest=KIND on the command line; tests/ checks that each kind ends with
 * a status that is not 0. In other images nothing of this exists.
 */
#include "machine.h"

#ifdef BOARD_SELFTEST

#include "arch/x86_64/cpu.h"
#include "log.h"
#include "panic.h"

extern char __text_start[];

static volatile unsigned sink;

static void fault_panic(void)
{
    panic("self-test");
}

static void fault_triple(void)
{
    cpu_triple_fault();
}

static void fault_hang(void)
{
    cpu_stop();
}

/* every level keeps a frame of its own, down into the guard page */
__attribute__((noinline)) static unsigned deeper(unsigned n)
{
    volatile unsigned here[64];

    here[n % 64] = n;
    if (n != UINT32_MAX)
        here[0] = deeper(n + 1);
    return here[0] + here[n % 64];
}

static void fault_stack(void)
{
    sink = deeper(0);
}

static void fault_execdata(void)
{
    static uint8_t code[16] = { 0xc3 }; /* ret */

    __asm__ volatile("call *%0" : : "r"(code) : "memory");
}

static void fault_writetext(void)
{
    *(volatile char *)__text_start = 0;
}

static void fault_null(void)
{
    const volatile unsigned *p = NULL;

    __asm__ volatile("" : "+r"(p)); /* the compiler must not know */
    sink = *p;
}

static void fault_smash(void)
{
    volatile char small[16];
    volatile char *p = small;
    size_t i;

    __asm__ volatile("" : "+r"(p));
    for (i = 0; i < 64; i++)
        p[i] = 'A';
}

static const struct {
    const char *kind;
    void (*fault)(void);
} kinds[] = {
    { "selftest=panic", fault_panic },
    { "selftest=triple", fault_triple },
    { "selftest=hang", fault_hang },
    { "selftest=stack", fault_stack },
    { "selftest=execdata", fault_execdata },
    { "selftest=writetext", fault_writetext },
    { "selftest=null", fault_null },
    { "selftest=smash", fault_smash },
};

void selftest(struct blob cmdline)
{
    struct blob word;
    size_t i;

    while (boot_word(&cmdline, &word)) {
        for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
            if (!blob_eq(word, blob_str(kinds[i].kind)))
                continue;
            log_say("self-test: %s", kinds[i].kind);
            kinds[i].fault();
            log_say("self-test: %s did not fault", kinds[i].kind);
        }
    }
}

#else

void selftest(struct blob cmdline)
{
    (void)cmdline;
}

#endif
