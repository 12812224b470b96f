/* sources: smtp/xtext.c smtp/base64.c smtp/text.c */
/* includes: smtp tests/fuzz */
/*
 * smtp_xtext.c - any bytes as xtext and as base64: what decodes encodes to
 * what decodes to the same.
 */
#include "trace.h"

#include "base64.h"
#include "xtext.h"

static void xtext(struct smtp_str s)
{
    char plain[4096], text[3 * sizeof plain], back[sizeof plain];
    struct text t = text_into(text, sizeof text);
    size_t n, m;

    if (!xtext_decode(s, plain, sizeof plain, &n))
        return;
    MUST(n <= s.len);
    for (size_t i = 0; i < n; i++)
        MUST((uint8_t)plain[i] >= 0x20 && plain[i] != 0x7f);
    xtext_put(&t, (struct smtp_str){ plain, n });
    MUST(!t.full &&
         xtext_decode((struct smtp_str){ text, t.len }, back, sizeof back, &m));
    MUST(m == n && memcmp(back, plain, n) == 0);
}

static void base64(struct smtp_str s)
{
    uint8_t raw[4096];
    char text[sizeof raw * 2];
    size_t n;

    if (s.len > sizeof raw || !base64_decode(raw, &n, s.p, s.len))
        return;
    MUST(n <= s.len / 4 * 3);
    MUST(base64_encode(text, raw, n) == s.len);
    MUST(memcmp(text, s.p, s.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t *block = exact(data, len);
    struct smtp_str s = { (const char *)block + 1, len };

    xtext(s);
    base64(s);
    free(block);
    return 0;
}
