/* sources: smtp/received.c smtp/addrlist.c smtp/header.c smtp/scan.c
            smtp/date.c smtp/mailbox.c smtp/text.c */
/* includes: smtp tests/fuzz */
/*
 * smtp_received.c - any bytes as a Received field, a date, a message: what is
 * read lies within, what is written from it is read to the same again.
 */
#include "trace.h"

#include "received.h"

static void within(struct smtp_str part, struct smtp_str all)
{
    MUST(part.len == 0 ||
         (part.p >= all.p && part.p + part.len <= all.p + all.len));
}

static void again(const struct smtp_received *r)
{
    struct smtp_received made = *r, back;
    char text[2000];
    size_t n;

    made.from_info.len = 0;
    made.date.seconds %= 4000000000;
    n = smtp_received_print(&made, text, sizeof text);
    if (n == 0)
        return;
    smtp_received_parse((struct smtp_str){ text + 9, n - 9 }, &back);
    MUST(back.status == RECEIVED_OK);
    MUST(back.date.seconds == made.date.seconds);
    MUST(back.ip.len == made.ip.len || made.ip.len == 0);
    MUST(back.rcpt.len == made.rcpt.len);
}

static void field(struct smtp_str s)
{
    struct smtp_received r;

    smtp_received_parse(s, &r);
    MUST((r.why == NULL) == (r.status == RECEIVED_OK));
    within(r.from, s);
    within(r.from_info, s);
    within(r.by, s);
    within(r.by_info, s);
    within(r.ip, s);
    within(r.via, s);
    within(r.with, s);
    within(r.id, s);
    within(r.rcpt, s);
    again(&r);
}

static void date(struct smtp_str s)
{
    struct smtp_date d, back;
    char text[40];
    size_t n;

    if (!smtp_date_parse(s, &d))
        return;
    n = smtp_date_print(d.seconds, d.zone, text, sizeof text);
    MUST(n != 0);
    MUST(smtp_date_parse((struct smtp_str){ text, n }, &back));
    MUST(back.seconds == d.seconds && back.zone == d.zone);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t *block = exact(data, len);
    struct smtp_str s = { (const char *)block + 1, len };
    struct smtp_hop hops[4];
    size_t count;

    field(s);
    date(s);
    count = smtp_route(block + 1, len, hops, 4);
    for (size_t i = 0; i < count && i < 4; i++)
        within(hops[i].received.from, s);
    free(block);
    return 0;
}
