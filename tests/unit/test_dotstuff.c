/*
 * test_dotstuff.c - dot-stuffing against a slow, obvious model, in every cut.
 */
/* sources: smtp/dotstuff.c */
/* includes: smtp */
#include "check.h"

#include "dotstuff.h"

/* Feeds in by pieces of at most cut bytes into rooms of at most room. */
static size_t run(const uint8_t *in, size_t n, size_t cut, size_t room,
                  uint8_t *out, bool *bad)
{
    struct dotstuff d = { 0 };
    size_t at = 0, len = 0, made;

    while (at < n && !d.bad) {
        size_t piece = n - at < cut ? n - at : cut;
        size_t taken = dotstuff(&d, out + len, room, &made, in + at, piece);

        if (!CHECK(taken != 0 && taken <= piece && made <= room))
            break;
        at += taken;
        len += made;
    }
    if (!d.bad)
        len += dotstuff_end(&d, out + len);
    *bad = d.bad;
    return len;
}

/* RFC 5321 4.5.2 line by line; false if the text may not be sent from there
 * on. */
static bool model(const uint8_t *in, size_t n, uint8_t *out, size_t *len)
{
    bool start = true;

    *len = 0;
    for (size_t i = 0; i < n; i++) {
        if (in[i] == 0 || (in[i] == '\r' && (i + 1 == n || in[i + 1] != '\n')))
            return false;
        if (in[i] == '\r')
            continue;
        if (in[i] == '\n') {
            out[(*len)++] = '\r';
            out[(*len)++] = '\n';
            start = true;
            continue;
        }
        if (start && in[i] == '.')
            out[(*len)++] = '.';
        out[(*len)++] = in[i];
        start = false;
    }
    if (!start) {
        out[(*len)++] = '\r';
        out[(*len)++] = '\n';
    }
    memcpy(out + *len, ".\r\n", 3);
    *len += 3;
    return true;
}

static void compare(const uint8_t *in, size_t n)
{
    uint8_t want[64], got[64];
    size_t want_len, got_len;
    bool ok = model(in, n, want, &want_len), bad;

    for (size_t cut = 1; cut <= n + 1; cut++)
        for (size_t room = 2; room <= 5; room++) {
            got_len = run(in, n, cut, room, got, &bad);
            if (CHECK_EQ(bad, !ok))
                CHECK_MEM(got, got_len, want, want_len);
        }
}

/* Every text of up to six of the bytes that matter. */
static void exhaustive(void)
{
    static const uint8_t letters[] = { '.', '\r', '\n', 'a', 0 };
    uint8_t in[6];

    for (size_t n = 0; n <= sizeof in; n++) {
        size_t all = 1;

        for (size_t i = 0; i < n; i++)
            all *= sizeof letters;
        for (size_t k = 0; k < all; k++) {
            for (size_t i = 0, rest = k; i < n; i++, rest /= sizeof letters)
                in[i] = letters[rest % sizeof letters];
            compare(in, n);
        }
    }
}

/* What has no meaning goes through, tabs and other controls as well. */
static void every_byte(void)
{
    for (unsigned c = 0; c < 256; c++) {
        const uint8_t in[] = { (uint8_t)c, 'a', (uint8_t)c, (uint8_t)c, 'b' };

        for (size_t n = 1; n <= sizeof in; n++)
            compare(in, n);
    }
}

/* No text whatever puts CRLF "." CRLF on the wire before the end. */
static void no_early_end(void)
{
    uint8_t in[24], out[64];
    uint64_t state = check_seed;

    for (int k = 0; k < 20000; k++) {
        static const uint8_t letters[] = "..\r\n\n\r\nab";
        size_t n = check_random(&state) % sizeof in, len, ends = 0;
        bool bad;

        for (size_t i = 0; i < n; i++)
            in[i] = letters[check_random(&state) % (sizeof letters - 1)];
        len = run(in, n, 1 + k % 7, 2 + (size_t)k % 9, out, &bad);
        for (size_t i = 0; i + 3 <= len; i++)
            if (memcmp(out + i, ".\r\n", 3) == 0 &&
                (i == 0 || (i >= 2 && memcmp(out + i - 2, "\r\n", 2) == 0)))
                ends++;
        CHECK_EQ(ends, bad ? 0 : 1);
        for (size_t i = 0; i < len; i++)
            if (out[i] == '\r')
                CHECK(i + 1 < len && out[i + 1] == '\n');
    }
}

static void no_room(void)
{
    struct dotstuff d = { 0 };
    uint8_t out[1];
    size_t made = 9;

    CHECK_EQ(dotstuff(&d, out, 1, &made, (const uint8_t *)"a", 1), 0);
    CHECK_EQ(made, 0);
}

static const struct check_case cases[] = {
    { "exhaustive", exhaustive },
    { "every_byte", every_byte },
    { "no_early_end", no_early_end },
    { "no_room", no_room },
};
CHECK_MAIN(cases)
