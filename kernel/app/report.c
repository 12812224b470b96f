/*
 * report.c - the JSON line (RFC 8259), written through a small buffer.
 *
 * Everything a peer sent passes put_text(): quotes, backslashes, control and
 * non-ASCII bytes come out as escapes, so the line is always one line of
 * ASCII, and nobody can close the object early.
 */
#include "report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "board.h"
#include "heap.h"
#include "log.h"

static const char *const outcome_name[] = {
    [OUTCOME_SENT] = "sent",           [OUTCOME_CHECKED] = "checked",
    [OUTCOME_REFUSED] = "refused",     [OUTCOME_PERMANENT] = "permanent",
    [OUTCOME_TEMPORARY] = "temporary", [OUTCOME_UNSURE] = "unsure",
    [OUTCOME_INVALID] = "invalid",     [OUTCOME_BUG] = "bug",
};

/* the line on its way to the console */
struct line {
    char buf[256];
    size_t len;
};

static void flush(struct line *l)
{
    log_raw(l->buf, l->len);
    l->len = 0;
}

static void put(struct line *l, const char *s)
{
    for (; *s != '\0'; s++) {
        if (l->len == sizeof(l->buf))
            flush(l);
        l->buf[l->len++] = *s;
    }
}

static void put_fmt(struct line *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void put_fmt(struct line *l, const char *fmt, ...)
{
    char text[96];
    va_list ap;

    va_start(ap, fmt);
    if (vsnprintf(text, sizeof(text), fmt, ap) >= 0)
        put(l, text);
    va_end(ap);
}

/* Length of the UTF-8 sequence at p (RFC 3629), and its code point; 0 if it
 * is none. */
static size_t utf8(const uint8_t *p, size_t len, uint32_t *cp)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    size_t i;

    if (p[0] < 0xc2 || p[0] > 0xf4 || n > len)
        return 0;
    *cp = p[0] & (0xffu >> (n + 1));
    for (i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        *cp = *cp << 6 | (p[i] & 0x3f);
    }
    if (*cp < least[n] || *cp > 0x10ffff || (*cp >= 0xd800 && *cp < 0xe000))
        return 0;
    return n;
}

static void put_text(struct line *l, const void *text, size_t len)
{
    const uint8_t *p = text;
    uint32_t cp;
    size_t n;

    put(l, "\"");
    for (; len != 0; p += n, len -= n) {
        n = 1;
        if (*p == '"' || *p == '\\')
            put_fmt(l, "\\%c", *p);
        else if (*p >= 0x20 && *p < 0x7f)
            put_fmt(l, "%c", *p);
        else if (*p < 0x80)
            put_fmt(l, "\\u%04x", *p);
        else if ((n = utf8(p, len, &cp)) == 0)
            n = 1, put(l, "\\ufffd");
        else if (cp < 0x10000)
            put_fmt(l, "\\u%04" PRIx32, cp);
        else
            put_fmt(l, "\\u%04" PRIx32 "\\u%04" PRIx32, 0xd7c0 + (cp >> 10),
                    0xdc00 + (cp & 0x3ff));
    }
    put(l, "\"");
}

static void put_blob(struct line *l, struct blob b)
{
    if (b.len == 0)
        put(l, "null");
    else
        put_text(l, b.p, b.len);
}

/* A recipient the server never answered for shares the fate of the whole. */
static const char *rcpt_outcome(const struct report *r,
                                const struct smtp_rcpt *rcpt)
{
    switch (rcpt->verdict) {
    case SMTP_SENT:
        return "sent";
    case SMTP_TRY_LATER:
        return "temporary";
    case SMTP_REFUSED:
        return "refused";
    case SMTP_UNSURE:
        return "unsure";
    case SMTP_PENDING:
        break;
    }
    return outcome_name[r->outcome];
}

static void put_rcpt(struct line *l, const struct report *r,
                     const struct smtp_rcpt *rcpt)
{
    const struct smtp_reply_note *n = &rcpt->reply;

    put(l, "{\"address\":");
    put_text(l, rcpt->address.p, rcpt->address.len);
    put_fmt(l, ",\"outcome\":\"%s\",\"code\":", rcpt_outcome(r, rcpt));
    if (n->code != 0)
        put_fmt(l, "%u", n->code);
    else
        put(l, "null");
    put(l, ",\"enhanced\":");
    if (n->enhanced[0] != 0)
        put_fmt(l, "\"%u.%u.%u\"", n->enhanced[0], n->enhanced[1],
                n->enhanced[2]);
    else
        put(l, "null");
    put(l, ",\"text\":");
    put_text(l, n->text, n->text_len);
    put(l, "}");
}

static void put_tls(struct line *l, const struct report *r)
{
    const char *cipher = r->tls_cipher != NULL ? r->tls_cipher : "";

    if (r->tls_version == NULL) {
        put(l, "null");
        return;
    }
    put(l, "{\"version\":");
    put_text(l, r->tls_version, strlen(r->tls_version));
    put(l, ",\"cipher\":");
    put_text(l, cipher, strlen(cipher));
    put(l, r->tls_verified ? ",\"verified\":true}" : ",\"verified\":false}");
}

static void put_ms(struct line *l, const char *name, uint64_t at,
                   uint64_t *last)
{
    if (at == 0) {
        put_fmt(l, "\"%s\":null,", name);
        return;
    }
    at -= *last;
    put_fmt(l, "\"%s\":%" PRIu64 ".%" PRIu64 ",", name, at / 1000,
            at % 1000 / 100);
    *last += at;
}

static void put_times(struct line *l, const struct report_times *at)
{
    uint64_t last = 0, total = board_now_ns() / 1000;

    put(l, "\"ms\":{");
    put_ms(l, "boot", at->boot, &last);
    put_ms(l, "link", at->link, &last);
    put_ms(l, "dns", at->dns, &last);
    put_ms(l, "tcp", at->tcp, &last);
    put_ms(l, "tls", at->tls, &last);
    put_ms(l, "smtp", at->smtp, &last);
    put_fmt(l, "\"total\":%" PRIu64 ".%" PRIu64 "}", total / 1000,
            total % 1000 / 100);
}

/* Only with trace on: the arena's high-water mark is for tuning it. */
static void put_memory(struct line *l)
{
    struct heap_stats heap = heap_stats();

    if (log_tracing())
        put_fmt(l, "\"memory\":{\"peak\":%lu,\"limit\":%lu},",
                (unsigned long)heap.peak, (unsigned long)heap.limit);
}

void report_print(const struct report *r)
{
    struct line l = { .len = 0 };
    size_t i;

    put_fmt(&l, "{\"bootmail\":1,\"outcome\":\"%s\",\"exit\":%d,\"reason\":",
            outcome_name[r->outcome], (int)r->status);
    put_text(&l, r->reason, strlen(r->reason));
    put(&l, ",\"message_id\":");
    put_blob(&l, r->message_id);
    put(&l, ",\"host\":");
    put_blob(&l, r->host);
    put(&l, ",\"address\":");
    if (r->address.len != 0)
        put_fmt(&l, "\"%s\"", addr_text(&r->address).s);
    else
        put(&l, "null");
    put(&l, ",\"from\":");
    if (r->from.p == NULL)
        put(&l, "null");
    else
        put_text(&l, r->from.p, r->from.len);
    put(&l, ",\"tls\":");
    put_tls(&l, r);
    put(&l, ",\"recipients\":[");
    for (i = 0; i < r->rcpt_count; i++) {
        if (i != 0)
            put(&l, ",");
        put_rcpt(&l, r, &r->rcpt[i]);
    }
    put_fmt(&l, "],\"bytes\":%" PRIu64 ",\"attempts\":%u,", r->bytes,
            r->attempts);
    put_memory(&l);
    put_times(&l, &r->at);
    put(&l, "}\n");
    flush(&l);
}

bool report_ended(const struct report *r)
{
    return r->reason[0] != '\0';
}

bool report_end(struct report *r, enum outcome outcome, enum status status,
                const char *fmt, ...)
{
    va_list ap;

    if (report_ended(r))
        return false;
    r->outcome = outcome;
    r->status = status;
    va_start(ap, fmt);
    if (vsnprintf(r->reason, sizeof(r->reason), fmt, ap) <= 0)
        memcpy(r->reason, "?", 2);
    va_end(ap);
    return false;
}
