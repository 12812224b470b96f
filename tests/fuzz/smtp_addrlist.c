/* sources: smtp/addrlist.c smtp/mailbox.c smtp/text.c */
/* includes: smtp tests/fuzz */
/*
 * smtp_addrlist.c - any bytes as an address list: what strict reading takes
 * lenient reading takes to the same; what prints reads back strictly; every
 * byte that is no CFWS or separator is in what comes out.
 */
#include "trace.h"

#include "addrlist.h"

#define MAX 4096

/* Reads what was printed: the same name, the same spec, nothing else. */
static void again(const struct smtp_address *a)
{
    static char one[3 * MAX], two[3 * MAX], was[3 * MAX], is[3 * MAX];
    struct smtp_addrlist l = { .text = { one, 0 }, .strict = true };
    struct smtp_address b;
    size_t n = smtp_address_name(a->name, was, sizeof was), i;
    enum smtp_addr got;

    l.text.len = smtp_address_print(a, one, sizeof one);
    if (l.text.len == 0)
        return;
    for (i = 0; i < l.text.len; i++)
        MUST((uint8_t)one[i] >= 0x20 && one[i] != 0x7f);
    got = smtp_addrlist_next(&l, &b);
    if (got == SMTP_ADDR_BAD) { /* a name of any bytes */
        MUST(strstr(b.why, "UTF-8") != NULL);
        return;
    }
    MUST(got == SMTP_ADDR_MAILBOX);
    MUST(smtp_address_name(b.name, is, sizeof is) == n);
    MUST(memcmp(was, is, n) == 0);
    MUST(smtp_address_print(&b, two, sizeof two) == l.text.len);
    MUST(memcmp(one, two, l.text.len) == 0);
    MUST(smtp_addrlist_next(&l, &b) == SMTP_ADDR_END);
}

static bool within(struct smtp_str s, struct smtp_str in)
{
    return s.len == 0 || (s.p >= in.p && s.p + s.len <= in.p + in.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t *block = exact(data, len > MAX ? MAX : len);
    struct smtp_str s = { (const char *)block + 1, len > MAX ? MAX : len };
    struct smtp_addrlist strict = { .text = s, .strict = true };
    struct smtp_addrlist lenient = { .text = s };
    struct smtp_address a, b;
    enum smtp_addr got, want = SMTP_ADDR_MAILBOX;
    size_t last = 0;

    for (size_t n = 0;; n++) {
        if (want != SMTP_ADDR_BAD && want != SMTP_ADDR_END)
            want = smtp_addrlist_next(&strict, &b);
        got = smtp_addrlist_next(&lenient, &a);
        MUST(got != SMTP_ADDR_BAD && n <= 2 * s.len + 1);
        MUST(want == got || want == SMTP_ADDR_BAD);
        MUST(within(a.name, s) && within(a.spec, s) && within(a.comment, s));
        if (want == got && got == SMTP_ADDR_MAILBOX)
            MUST(a.spec.p == b.spec.p && a.spec.len == b.spec.len &&
                 a.name.len == b.name.len);
        if (got == SMTP_ADDR_END)
            break;
        if (got == SMTP_ADDR_MAILBOX) {
            again(&a);
            MUST(lenient.at > last);
            last = lenient.at;
        }
    }
    MUST(smtp_addrlist_next(&strict, &b) == SMTP_ADDR_END);
    free(block);
    return 0;
}
