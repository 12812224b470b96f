/*
 * check.h - the unit tests' harness: no framework, one header.
 *
 * A test file is a table of cases and CHECK_MAIN(cases). A failing check
 * prints one line "file:line: case: what: got X, want Y" and the case goes
 * on; the exit status is 1 if anything failed, 2 for bad usage.
 *   test_x                 every case
 *   test_x --list          their names
 *   test_x --case NAME     this one alone: reruns a failure exactly
 *   test_x --seed N        the seed of the random cases (default 1)
 * Near its top each file names what the runner compiles it with:
 *   sources: ..., includes: ..., each in a comment of its own.
 */
#ifndef TESTS_UNIT_CHECK_H
#define TESTS_UNIT_CHECK_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct check_case {
    const char *name;
    void (*run)(void);
};

static unsigned check_failed;
static const char *check_case_name = "";
static uint64_t check_seed = 1;

static inline void check_fail(const char *file, int line, const char *what)
{
    check_failed++;
    printf("%s:%d: %s: %s: ", file, line, check_case_name, what);
}

static inline bool check_true(bool ok, const char *file, int line,
                              const char *what)
{
    if (!ok) {
        check_fail(file, line, what);
        printf("got false, want true\n");
    }
    return ok;
}

static inline bool check_int(int64_t got, int64_t want, const char *file,
                             int line, const char *what)
{
    if (got != want) {
        check_fail(file, line, what);
        printf("got %" PRId64 " (0x%" PRIx64 "), want %" PRId64 " (0x%" PRIx64
               ")\n",
               got, (uint64_t)got, want, (uint64_t)want);
    }
    return got == want;
}

/* printable bytes as they are, the others as \xNN; at most 200 of them */
static inline void check_show(const void *p, size_t len)
{
    const uint8_t *b = p;

    putchar('"');
    for (size_t i = 0; i < len && i < 200; i++) {
        if (b[i] >= 0x20 && b[i] < 0x7f && b[i] != '\\' && b[i] != '"')
            putchar(b[i]);
        else
            printf("\\x%02x", b[i]);
    }
    printf("\"%s (%zu bytes)", len > 200 ? "..." : "", len);
}

static inline bool check_mem(const void *got, size_t got_len, const void *want,
                             size_t want_len, const char *file, int line,
                             const char *what)
{
    bool ok = got_len == want_len &&
              (got_len == 0 || memcmp(got, want, got_len) == 0);

    if (!ok) {
        check_fail(file, line, what);
        printf("got ");
        check_show(got, got_len);
        printf(", want ");
        check_show(want, want_len);
        printf("\n");
    }
    return ok;
}

static inline bool check_str(const char *got, const char *want,
                             const char *file, int line, const char *what)
{
    if (got == NULL || want == NULL) {
        if (got != want) {
            check_fail(file, line, what);
            printf("got %s, want %s\n", got ? got : "NULL",
                   want ? want : "NULL");
        }
        return got == want;
    }
    return check_mem(got, strlen(got), want, strlen(want), file, line, what);
}

/* each gives true when the check held */
#define CHECK(x) check_true((x), __FILE__, __LINE__, #x)
#define CHECK_EQ(got, want) \
    check_int((int64_t)(got), (int64_t)(want), __FILE__, __LINE__, #got)
#define CHECK_STR(got, want) check_str((got), (want), __FILE__, __LINE__, #got)
#define CHECK_MEM(got, got_len, want, want_len) \
    check_mem((got), (got_len), (want), (want_len), __FILE__, __LINE__, #got)

/* xorshift64*: the same numbers everywhere for the same seed */
static inline uint64_t check_random(uint64_t *state)
{
    uint64_t x = *state != 0 ? *state : 0x9e3779b97f4a7c15u;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545f4914f6cdd1du;
}

static inline int check_main(int argc, char **argv,
                             const struct check_case *cases, size_t count)
{
    const char *only = NULL;
    unsigned ran = 0;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--list") == 0) {
            for (size_t c = 0; c < count; c++)
                printf("%s\n", cases[c].name);
            return 0;
        }
        if (i + 1 < argc && strcmp(argv[i], "--case") == 0) {
            only = argv[++i];
        } else if (i + 1 < argc && strcmp(argv[i], "--seed") == 0) {
            check_seed = strtoull(argv[++i], NULL, 0);
        } else {
            fprintf(stderr, "usage: %s [--list] [--case NAME] [--seed N]\n",
                    argv[0]);
            return 2;
        }
    }
    for (size_t c = 0; c < count; c++) {
        if (only != NULL && strcmp(only, cases[c].name) != 0)
            continue;
        check_case_name = cases[c].name;
        cases[c].run();
        ran++;
    }
    if (ran == 0) {
        fprintf(stderr, "%s: no case of that name\n", argv[0]);
        return 2;
    }
    printf("%u cases, %u failed checks\n", ran, check_failed);
    return check_failed != 0;
}

#define CHECK_MAIN(cases)                                      \
    int main(int argc, char **argv)                            \
    {                                                          \
        return check_main(argc, argv, (cases),                 \
                          sizeof(cases) / sizeof((cases)[0])); \
    }

#endif
