/*
 * selftest.c - the faults that every board must survive with a dump.
 *
 * Called by the start code once traps and memory protection are there.
 */
#include "selftest.h"

#ifdef SELFTEST

#include <string.h>

#include "board.h"
#include "boot.h"
#include "log.h"
#include "panic.h"

extern char __text_start[], __text_end[], __heap_end[];

static volatile unsigned sink;

static void fault_panic(void)
{
    panic("self-test");
}

static void fault_hang(void)
{
    for (;;)
        board_idle(UINT64_MAX);
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

static void nothing(void)
{
}

/* good code where code must not be */
static void fault_execdata(void)
{
    static _Alignas(16) uint8_t code[64];

    memcpy(code, (const void *)(uintptr_t)nothing, sizeof code);
    ((void (*)(void))(uintptr_t)code)();
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

static void fault_jumpnull(void)
{
    void (*p)(void) = NULL;

    __asm__ volatile("" : "+r"(p));
    p();
}

static void fault_writerodata(void)
{
    *(volatile char *)__text_end = 0; /* constants begin there */
}

static void fault_heapguard(void)
{
    *(volatile char *)__heap_end = 0;
}

/* a fault only in an image built with UBSAN=1 */
static void fault_undefined(void)
{
    volatile unsigned by = 32;

    /* cppcheck-suppress shiftTooManyBits ; that is what it is for */
    sink = 1u << by;
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

/* a password on its way: no dump may show it (dump.h) */
static void fault_secret(void)
{
    uint64_t secret = 0x7465726365737421;
    void (*p)(uint64_t, uint64_t, uint64_t, uint64_t) = NULL;

    __asm__ volatile("" : "+r"(secret), "+r"(p));
    p(secret, secret, secret, secret);
}

static const struct selftest common[] = {
    { "selftest=panic", fault_panic },
    { "selftest=hang", fault_hang },
    { "selftest=stack", fault_stack },
    { "selftest=execdata", fault_execdata },
    { "selftest=writetext", fault_writetext },
    { "selftest=null", fault_null },
    { "selftest=jumpnull", fault_jumpnull },
    { "selftest=writerodata", fault_writerodata },
    { "selftest=heapguard", fault_heapguard },
    { "selftest=undefined", fault_undefined },
    { "selftest=smash", fault_smash },
    { "selftest=secret", fault_secret },
    { NULL, NULL },
};

static void try(const struct selftest *t, struct blob word)
{
    for (; t->word != NULL; t++) {
        if (!blob_eq(word, blob_str(t->word)))
            continue;
        log_say("self-test: %s", t->word);
        t->fault();
        log_say("self-test: %s did not fault", t->word);
    }
}

void selftest_late(struct blob cmdline)
{
    struct blob word;

    while (boot_word(&cmdline, &word)) {
        if (blob_eq(word, blob_str("selftest=wedge"))) {
            log_say("self-test: wedge");
            fault_hang();
        }
        if (blob_eq(word, blob_str("selftest=late")))
            fault_panic();
    }
}

void selftest(struct blob cmdline)
{
    struct blob word;

    while (boot_word(&cmdline, &word)) {
        try(common, word);
        try(board_selftests, word);
    }
}

#else

void selftest_late(struct blob cmdline)
{
    (void)cmdline;
}

void selftest(struct blob cmdline)
{
    (void)cmdline;
}

#endif
