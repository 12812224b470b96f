/*
 * test_idna.c - domains in UTF-8: the samples of RFC 3492 7.1 that a domain
 * may hold, capital letters, full stops, what no domain may hold, lengths.
 */
/* sources: smtp/idna.c smtp/text.c */
/* includes: smtp */
#include "check.h"

#include <limits.h>
#include <locale.h>
#include <wchar.h>
#include <wctype.h>

#include "idna.h"

static char out[300];
static size_t out_len;
static const char *why;

static struct smtp_str str(const char *p)
{
    struct smtp_str s = { p, strlen(p) };

    return s;
}

static bool made(const char *domain)
{
    struct text t = text_into(out, sizeof out);
    bool ok = idna_domain(&t, str(domain), &why);

    out_len = t.len;
    return ok && !t.full;
}

static void is(const char *domain, const char *want)
{
    if (CHECK(made(domain)))
        CHECK_MEM(out, out_len, want, strlen(want));
}

static void refused(const char *domain, const char *words)
{
    if (!CHECK(!made(domain)))
        printf("%s\n", domain);
    CHECK(strstr(why, words) != NULL);
}

static void samples(void)
{
    is("\u0644\u064a\u0647\u0645\u0627\u0628\u062a\u0643\u0644\u0645\u0648"
       "\u0634\u0639\u0631\u0628\u064a\u061f",
       "xn--egbpdaj6bu4bxfgehfvwxn");
    is("\u4ed6\u4eec\u4e3a\u4ec0\u4e48\u4e0d\u8bf4\u4e2d\u6587",
       "xn--ihqwcrb4cv8a8dqg056pqjye");
    is("\u043f\u043e\u0447\u0435\u043c\u0443\u0436\u0435\u043e\u043d\u0438"
       "\u043d\u0435\u0433\u043e\u0432\u043e\u0440\u044f\u0442\u043f\u043e"
       "\u0440\u0443\u0441\u0441\u043a\u0438",
       "xn--b1abfaaepdrnnbgefbadotcwatmq2g4l");
    is("T\u1ea1isaoh\u1ecdkh\u00f4ngth\u1ec3ch\u1ec9n\u00f3iti\u1ebf"
       "ngVi\u1ec7t",
       "xn--tisaohkhngthchnitingvit-kjcr8268qyxafd2f1b9g");
    is("3\u5e74b\u7d44\u91d1\u516b\u5148\u751f",
       "xn--3b-ww4c5e180e575a65lsy2b");
    is("b\u00fccher.example", "xn--bcher-kva.example");
    is("fa\u00df.de", "xn--fa-hia.de");
    is("\u0160koda.cz", "xn--koda-f6a.cz");
    is("\u014a.x", "xn--2fa.x");
    is("r3---sn.b\u00fccher.de", "r3---sn.xn--bcher-kva.de");
}

static void mapped(void)
{
    is("example.org", "example.org");
    is("EXAMPLE.org", "EXAMPLE.org"); /* ASCII alone is left alone */
    is("WWW.B\u00dcCHER.Example", "www.xn--bcher-kva.example");
    is("b\u00fccher\u3002example\uff0eorg\uff61x",
       "xn--bcher-kva.example.org.x");
    is("\u0391\u0398\u0397\u039d\u0391.gr", "xn--mxaard0a.gr");
    is("\u03b1\u03b8\u03b7\u03bd\u03b1.gr", "xn--mxaard0a.gr");
    is("\u041c\u041e\u0421\u041a\u0412\u0410", "xn--80adxhks");
    is("\u0401\u0436", "xn--f1a7c");
    is("\u0104\u0118\u0141\u017b.pl", "xn--2da4b7gqj.pl");
    is("\u0105\u0119\u0142\u017c.pl", "xn--2da4b7gqj.pl");
    is("\u0178.x", "xn--wda.x");
    is("\u0218\u021a\u0386\u01af\u01a0", "xn--jia3a0yia91r"); /* Ro, El, Vi */
    is("\u0531.x", "xn--y9a.x");
}

/* The one code point of a label that was made of it (RFC 3492 6.2). */
static uint32_t only(void)
{
    uint32_t c = 128, weight = 1, low, digit, k = 36;

    out[out_len] = '\0';
    if (strncmp(out, "xn--", 4) != 0)
        return (uint8_t)out[0];
    for (const char *p = out + 4;; p++, k += 36) {
        digit = *p <= '9' ? (uint32_t)(*p - '0' + 26) : (uint32_t)(*p - 'a');
        c += digit * weight;
        low = k <= 72 ? 1 : k >= 72 + 26 ? 26 : k - 72;
        if (digit < low)
            return p[1] == '\0' ? c : 0;
        weight *= 36 - low;
    }
}

/* Every capital of the alphabets that idna.c names becomes what the C library
 * makes of it, and no other letter becomes anything. */
static void capitals(void)
{
    /* not those of African and of dead languages that are not in pairs */
    static const wint_t alphabets[][2] = {
        { 0xa0, 0x17f },  { 0x1a0, 0x1a5 }, { 0x1af, 0x1b0 },  { 0x1cd, 0x1ef },
        { 0x1f8, 0x21f }, { 0x222, 0x233 }, { 0x246, 0x24f },  { 0x386, 0x3d7 },
        { 0x400, 0x52f }, { 0x531, 0x587 }, { 0x1e00, 0x1eff }
    };
    char label[MB_LEN_MAX + 1];
    unsigned changed = 0;

    CHECK(setlocale(LC_CTYPE, "C.UTF-8") != NULL);
    for (size_t i = 0; i < sizeof alphabets / sizeof *alphabets; i++) {
        for (wint_t c = alphabets[i][0]; c <= alphabets[i][1]; c++) {
            label[wctomb(label, (wchar_t)c)] = '\0';
            if (c == 0x130 || !made(label)) /* an i that keeps its dot */
                continue;
            if (!CHECK_EQ(only(), towlower(c)))
                printf("  of U+%04X\n", (unsigned)c);
            changed += c != towlower(c);
        }
    }
    CHECK(changed > 300);
}

static void bad(void)
{
    refused("\u00fc b", "no domain may hold");
    refused("\u00fc@b", "no domain may hold");
    refused("\u00fc_b", "no domain may hold");
    refused("\u00fc\u2024b", "no domain may hold");
    refused("\uff41.de", "no domain may hold");
    refused("\u2063x.de", "no domain may hold");
    refused("u\u0308.de", "composed");
    refused("a\u0300.de", "composed");
    refused("a\u036f.de", "composed");
    refused("\u0308a.de", "composed");
    refused("-\u00fc.de", "hyphen");
    refused("\u00fc-.de", "hyphen");
    refused("xn--\u00fc.de", "hyphen");
    refused("\u00fc..de", "empty");
    refused(".\u00fc", "empty");
    refused("\u00fc.", "empty");
    refused("\xc3.de", "UTF-8");
    refused("\xed\xa0\x80.de", "UTF-8");
}

static void lengths(void)
{
    char s[400];
    struct text t;

    memset(s, 'a', sizeof s);
    memcpy(s + 62, "\xc3\xbc", 3); /* 63 code points: too long in DNS */
    refused(s, "63 bytes in DNS");
    memset(s, 'a', 64);
    memcpy(s + 64, "\xc3\xbc", 3);
    refused(s, "63 bytes");
    memset(s, 'a', 53);
    memcpy(s + 53, "\xc3\xbc", 3);
    CHECK(made(s));
    CHECK(out_len <= 63);
    t = text_into(out, 8);
    CHECK(!idna_domain(&t, str("b\u00fccher.de"), &why));
}

static void addresses(void)
{
    struct text t = text_into(out, sizeof out);
    bool utf8 = true;

    CHECK(idna_address(&t, str("a@b\u00fc.x"), &utf8, &why));
    CHECK(!utf8);
    CHECK_MEM(out, t.len, "a@xn--b-eha.x", 13);
    t.len = 0;
    CHECK(idna_address(&t, str("\"\u00fc@\"@b\u00fc.x"), &utf8, &why));
    CHECK(utf8);
    CHECK_MEM(out, t.len, "\"\u00fc@\"@b\u00fc.x", 11);
    t.len = 0;
    CHECK(idna_address(&t, str("postmaster"), &utf8, &why));
    CHECK_MEM(out, t.len, "postmaster", 10);
    CHECK(!utf8);
    CHECK(!idna_address(&t, str("a@b\u00fc\u2063.x"), &utf8, &why));
}

static void noise(void)
{
    static const char *const piece[] = { "a",      "Z",          "-",
                                         ".",      "\u00fc",     "\u0416",
                                         "\u4ed6", "\U00020000", "9",
                                         "\xc3",   "\u0301",     "\u00b7" };
    uint64_t r = check_seed;
    unsigned good = 0;

    for (int round = 0; round < 200000; round++) {
        char s[200];
        size_t n = 0, i;

        while (n < 150 && check_random(&r) >> 40 & 15) {
            const char *p = piece[(check_random(&r) >> 33) % 12];

            memcpy(s + n, p, strlen(p));
            n += strlen(p);
        }
        s[n] = '\0';
        if (!made(s))
            continue;
        good++;
        for (i = 0; i < out_len; i++)
            CHECK((uint8_t)out[i] > 0x20 && (uint8_t)out[i] < 0x7f);
    }
    CHECK(good > 1000);
}

static const struct check_case cases[] = {
    { "samples", samples }, { "mapped", mapped },   { "capitals", capitals },
    { "bad", bad },         { "lengths", lengths }, { "addresses", addresses },
    { "noise", noise },
};

CHECK_MAIN(cases)
