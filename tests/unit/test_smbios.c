/* sources: kernel/smbios.c */
/* includes: kernel */
/*
 * test_smbios.c - structure tables good, foreign and cut short; each in a heap
 * block of exactly its size.
 */
#include "smbios.h"

#include "check.h"

#define TAG  "io.systemd.credential:bootmail."
#define BTAG "io.systemd.credential.binary:bootmail."

static char seen[2048];
static size_t refuse_at;

static bool found(void *ctx, struct blob name, struct blob data)
{
    size_t at = strlen(seen);

    (void)ctx;
    snprintf(seen + at, sizeof seen - at, "%.*s=%.*s;", (int)name.len,
             (const char *)name.p, (int)data.len, (const char *)data.p);
    return refuse_at == 0 || --refuse_at != 0;
}

static bool each(const void *bytes, size_t len, const char **why)
{
    uint8_t *exact = malloc(len + 1);
    uint8_t *end = exact + 1; /* so that an empty one has an address */
    bool ok;

    memcpy(end, bytes, len);
    seen[0] = '\0';
    *why = NULL;
    ok = smbios_each(end, len, found, NULL, why);
    free(exact);
    return ok;
}

static const char table[] =
    "\x00\x06\0\0\1\2BIOS\0vendor\0\0" /* some other structure */
    "\x0b\x05\1\0\6hello\0" TAG "conf=host x\nport 1\n\0" TAG "message=\0"
    "io.systemd.credential:other=1\0" BTAG "password=c2Vj\ncmV0\0" BTAG
    "seed=YQ==\0\0"
    "\x20\x04\2\0\0\0" /* one without strings */
    "\x0b\x05\3\0\1" TAG "attach/a=b=c\0\0"
    "\x7f\x04\4\0\0\0"
    "\x0b\x05\5\0\1" TAG "behind=the end\0";

static void good(void)
{
    const char *why;

    CHECK(each(table, sizeof table, &why));
    CHECK_STR(seen, "bootmail.conf=host x\nport 1\n;message=;"
                    "password=secret;seed=a;attach/a=b=c;");
    CHECK(each("", 0, &why));
    CHECK_STR(seen, "");
}

/* Wherever it ends: no byte is read behind it. */
static void cut(void)
{
    const char *why;
    size_t n, bad = 0;

    for (n = 0; n < sizeof table; n++)
        if (!each(table, n, &why)) {
            bad++;
            CHECK(why != NULL && why[0] != '\0');
        }
    CHECK(bad > 200);
}

static void wrong(void)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *why;
    } bads[] = {
#define BAD(bytes, why) { bytes, sizeof bytes, why }
        BAD("\x0b\x03\1\0" TAG "a=b\0", "cut short"),
        BAD("\x0b\xff\1\0\1" TAG "a=b\0", "cut short"),
        BAD("\x0b\x05\1\0\1" TAG "a\0", "no \"=\""),
        BAD("\x0b\x05\1\0\1" BTAG "a=*\0", "base64"),
        BAD("\x0b\x05\1\0\1" BTAG "a=abcde\0", "base64"),
        BAD("\x0b\x05\1\0\1" BTAG "a=ab=c\0", "base64"),
    };
    const char *why;
    size_t i;

    for (i = 0; i < sizeof bads / sizeof *bads; i++) {
        CHECK(!each(bads[i].bytes, bads[i].len, &why));
        if (!CHECK(why != NULL && strstr(why, bads[i].why) != NULL))
            printf("in %zu\n", i);
    }
    refuse_at = 2;
    CHECK(!each(table, sizeof table, &why));
    CHECK_STR(seen, "bootmail.conf=host x\nport 1\n;message=;");
    refuse_at = 0;
}

static void noise(void)
{
    uint64_t state = check_seed;
    const char *why;
    uint8_t t[sizeof table];
    size_t i, n;

    for (n = 0; n < 50000; n++) {
        memcpy(t, table, sizeof t);
        for (i = 0; i < 3; i++)
            t[check_random(&state) % sizeof t] = (uint8_t)check_random(&state);
        each(t, sizeof t, &why);
    }
}

static const struct check_case cases[] = {
    { "good", good },
    { "cut", cut },
    { "wrong", wrong },
    { "noise", noise },
};

CHECK_MAIN(cases)
