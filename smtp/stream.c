/*
 * stream.c - the message's pieces in order: made fields, kept fields, body,
 * attachments; and its size.
 *
 * A chunk is either a piece of the user's text where it lies or the private
 * buffer. The same phases measure the message: there is no second account of
 * what is sent.
 */
#include <string.h>

#include "message_impl.h"

struct text stream_begin(struct impl *m)
{
    return text_into(m->buf, sizeof m->buf);
}

bool stream_made(struct impl *m, const struct text *t)
{
    m->out = (const uint8_t *)m->buf;
    m->out_len = t->len;
    return t->len != 0;
}

bool stream_once(struct impl *m)
{
    return m->item++ == 0;
}

/* What stands for a byte that must not go out (spec->repair). */
static void replacement(struct impl *m, uint8_t bad)
{
    struct text t = stream_begin(m);
    bool line = bad == '\r' && !m->raw_is_header;

    text_str(&t, line ? "\r\n" : " ");
    stream_made(m, &t);
}

static bool is_control(uint8_t c)
{
    return (c < 0x20 && c != '\t' && c != '\r' && c != '\n') || c == 0x7f;
}

/* The next piece of what was given. */
static void next_raw(struct impl *m)
{
    size_t start = m->raw_at, end = m->raw_end;

    if (m->spec->repair) {
        end = scan_bad(m->raw, m->raw_end, start);
        for (size_t i = start; m->raw_is_header && i < end; i++)
            if (is_control(m->raw[i]))
                end = i;
        if (end == start) {
            replacement(m, m->raw[start]);
            m->raw_at++;
            return;
        }
    }
    m->out = m->raw + start;
    m->out_len = end - start;
    m->raw_at = end;
}

bool stream_given(struct impl *m, const uint8_t *p, size_t n, bool header)
{
    m->raw = p;
    m->raw_at = 0;
    m->raw_end = n;
    m->raw_is_header = header;
    if (n != 0)
        next_raw(m);
    return n != 0;
}

static bool (*phase(const struct impl *m))(struct impl *)
{
    if (m->phase < fields_count)
        return fields_phases[m->phase];
    if (m->phase - fields_count < parts_count)
        return parts_phases[m->phase - fields_count];
    return NULL;
}

void stream_rewind(struct impl *m)
{
    m->phase = m->field = m->item = m->at = 0;
    m->step = 0;
    m->out_len = m->raw_at = m->raw_end = 0;
    m->open_line = m->half = m->fresh = false;
    m->last = 0;
}

void stream_next(struct impl *m)
{
    bool (*now)(struct impl *);

    m->out_len = 0;
    m->as_it_is = false;
    if (m->raw_at < m->raw_end) {
        next_raw(m);
        m->open_line = m->out[m->out_len - 1] != '\n';
        return;
    }
    while ((now = phase(m)) != NULL) {
        if (now(m)) {
            m->open_line = m->out[m->out_len - 1] != '\n';
            return;
        }
        m->out_len = 0;
        m->phase++;
        m->item = m->at = 0;
        m->step = 0;
        m->half = false;
    }
}

/* last: the byte before p, then the last of p */
static uint64_t bare_newlines(const uint8_t *p, size_t len, uint8_t *last)
{
    const uint8_t *start = p, *end = p + len, *nl;
    uint64_t n = 0;

    while (p < end && (nl = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        n += (nl > start ? nl[-1] : *last) != '\r';
        p = nl + 1;
    }
    if (len != 0)
        *last = end[-1];
    return n;
}

/* Walks the stream once; the base64 of a file is reckoned, not made. */
uint64_t stream_measure(struct impl *m)
{
    uint64_t size = 0, file;
    uint8_t last = 0;
    bool open = false;

    stream_rewind(m);
    for (stream_next(m); m->out_len != 0; stream_next(m)) {
        /* what was made ends its lines with CRLF, but for quoted strings that
         * were folded as they stay */
        size += m->out_len + bare_newlines(m->out, m->out_len, &last);
        open = m->open_line;
        if (parts_next_is_file(m, &file)) {
            size += file;
            open = open && file == 0;
            parts_skip_file(m);
        }
    }
    stream_rewind(m);
    return size + (open ? 2 : 0);
}
