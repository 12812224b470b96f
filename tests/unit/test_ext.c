/* sources: net/tls_ext.c net/tls_port.c net/rng.c kernel/heap.c */
/* includes: net kernel tests/host */
/* libs: mbedtls */
/* link: -fuse-ld=lld -Wl,--gc-sections */
/*
 * test_ext.c - the walk along extensions: what each is, and that what is none
 * ends it, wherever it is cut. Those of revocation lists come here as they
 * are; each lies in a block of its own that ends where it does.
 */
#include "check.h"
#include "fakeplatform.h"
#include "tls_ext.h"

static struct tls_ext e;

static size_t hex(const char *text, uint8_t *to)
{
    size_t n = 0;
    unsigned byte;

    for (; *text != '\0'; text += strspn(text, " ")) {
        CHECK(sscanf(text, "%2x", &byte) == 1);
        to[n++] = (uint8_t)byte;
        text += 2;
    }
    return n;
}

/* How many there are before the end, or before what is none. */
static unsigned count(const uint8_t *der, size_t n)
{
    uint8_t *block = malloc(n + 1);
    mbedtls_asn1_buf raw = { .len = n };
    unsigned found = 0;

    if (block == NULL)
        abort();
    raw.p = memcpy(block + 1, der, n); /* its end is the end of the block */
    tls_ext_open(&e, &raw);
    while (tls_ext_next(&e))
        found++;
    CHECK(!tls_ext_next(&e));
    e.value = NULL;
    free(block);
    return found;
}

static const struct {
    const char *der;
    unsigned count;
    bool malformed;
    uint8_t id;
    bool critical;
    size_t len;
} rows[] = {
    { "3000", 0, false, 0, false, 0 },
    { "3009 3007 0603551d14 0400", 1, false, 20, false, 0 },
    { "300c 300a 0603551d1e 0101ff 0400", 1, false, 30, true, 0 },
    { "300c 300a 0603551d1e 010100 0400", 1, false, 30, false, 0 },
    { "3014 3008 0603551d14 0401aa 3008 0603551d23 0401bb", 2, false, 35, false,
      1 },
    /* of other arcs: the last byte means nothing */
    { "3009 3007 0603551c1e 0400", 1, false, 0, false, 0 },
    { "300a 3008 0604551d1e01 0400", 1, false, 0, false, 0 },
    { "3008 3006 0602551d 0400", 1, false, 0, false, 0 },
    { "300a 3008 06042b551d1e 0400", 1, false, 0, false, 0 },
    /* neither a list, nor an extension, an OID, a BOOLEAN, a value */
    { "3109 3007 0603551d14 0400", 0, true, 0, false, 0 },
    { "3009 3107 0603551d14 0400", 0, true, 0, false, 0 },
    { "3009 3007 0403551d14 0400", 0, true, 0, false, 0 },
    { "3009 3007 0603551d14 0500", 0, true, 0, false, 0 },
    { "300d 300b 0603551d14 0102ffff 0400", 0, true, 0, false, 0 },
    { "3007 3005 0603551d14", 0, true, 0, false, 0 },
    { "300a 3008 0603551d14 0101ff", 0, true, 0, false, 0 },
    /* more in it than a value, and an extension that is longer than all */
    { "300b 3009 0603551d14 0400 0500", 0, true, 0, false, 0 },
    { "3009 3008 0603551d14 0400", 0, true, 0, false, 0 },
    { "3009 3007 0603551d14 0401", 0, true, 0, false, 0 },
    { "3009 3008 0603551d14 0401", 0, true, 0, false, 0 },
    /* a value in the place of the BOOLEAN's one byte */
    { "300b 3009 0603551d14 01020400", 0, true, 0, false, 0 },
    /* the first one stands; what is malformed ends the walk */
    { "3014 3008 0603551d14 0401aa 3108 0603551d23 0401bb", 1, true, 20, false,
      1 },
    { "3014 3108 0603551d14 0401aa 3008 0603551d23 0401bb", 0, true, 0, false,
      0 },
};

static void walk(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        uint8_t der[64];
        size_t n = hex(rows[i].der, der);
        bool good = CHECK_EQ(count(der, n), rows[i].count) &&
                    CHECK_EQ(e.malformed, rows[i].malformed);

        if (rows[i].count != 0 && !rows[i].malformed)
            good = CHECK_EQ(e.id, rows[i].id) &&
                   CHECK_EQ(e.critical, rows[i].critical) &&
                   CHECK_EQ(e.len, rows[i].len) && good;
        if (!good)
            printf("  of %s\n", rows[i].der);
        for (size_t cut = 0; cut < n; cut++) {
            CHECK_EQ(count(der, cut), 0);
            CHECK(e.malformed);
        }
    }
}

static void none(void)
{
    mbedtls_asn1_buf raw = { 0 };

    tls_ext_open(&e, &raw);
    CHECK(!tls_ext_next(&e));
    CHECK(!e.malformed);
}

static const struct check_case cases[] = { { "walk", walk }, { "none", none } };

CHECK_MAIN(cases)
