/* sources: smtp/reply.c smtp/text.c */
/* includes: smtp tests/fuzz */
/*
 * smtp_reply.c - bytes of a hostile server to replies, whole and byte by
 * byte: the same lines, the same replies, nothing in them that may not reach
 * a terminal.
 */
#include "trace.h"

#include "reply.h"
#include "text.h"

static struct trace whole, single;

static void look(const struct reply *r, struct trace *t)
{
    char copy[REPLY_LINE_KEPT];

    MUST(r->line_len <= sizeof copy && r->note.text_len <= SMTP_TEXT_MAX);
    memcpy(copy, r->line, r->line_len);
    text_clean(copy, r->line_len);
    MUST(memcmp(copy, r->line, r->line_len) == 0);
    trace_int(t, r->status);
    trace_add(t, r->line, r->line_len);
    if (r->status != REPLY_DONE)
        return;
    MUST(r->code >= 200 && r->code <= 599 && r->note.code == r->code);
    trace_int(t, r->code);
    trace_add(t, r->note.enhanced, 3);
    trace_add(t, r->note.text, r->note.text_len);
}

static void run(const uint8_t *p, size_t n, size_t size, struct trace *t)
{
    struct reply r;

    t->len = 0;
    reply_reset(&r);
    while (n != 0 && r.status != REPLY_BAD) {
        size_t len = n < size ? n : size, used;
        uint8_t *block = exact(p, len);

        if (r.status == REPLY_DONE)
            reply_reset(&r);
        used = reply_feed(&r, block + 1, len);
        free(block);
        MUST(used != 0 && used <= len);
        p += used;
        n -= used;
        if (r.status == REPLY_LINE) {
            reply_note(&r);
            look(&r, t);
        }
    }
    trace_int(t, r.status);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    run(data, len, SIZE_MAX, &whole);
    run(data, len, 1, &single);
    trace_same(&whole, &single);
    return 0;
}
