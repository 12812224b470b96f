/*
 * stream.c - the message's pieces in order: made header, kept fields, body,
 * attachments.
 *
 * Each phase is a function that puts one chunk into m->out and says true, or
 * says false when it has nothing (more) to give; m->item, m->at and m->step
 * are its own and start at 0. A chunk is either a piece of the user's text
 * where it lies or the private buffer. The same phases measure the message:
 * there is no second account of what is sent.
 */
#include <string.h>

#include "date.h"
#include "message_impl.h"

#define FOLD 76 /* made lines stay within RFC 5322's 78 */

static struct text begin(struct impl *m)
{
    return text_into(m->buf, sizeof m->buf);
}

static bool made(struct impl *m, const struct text *t)
{
    m->out = (const uint8_t *)m->buf;
    m->out_len = t->len;
    return true;
}

static bool given(struct impl *m, size_t start, size_t end)
{
    m->out = m->text + start;
    m->out_len = end - start;
    return end > start;
}

static void put(struct text *t, struct smtp_str s)
{
    text_mem(t, s.p, s.len);
}

static bool once(struct impl *m)
{
    return m->item++ == 0;
}

/* ----------------------------------------------------------- made fields */

static bool from_field(struct impl *m)
{
    struct smtp_str name = m->spec->from_name;
    struct text t = begin(m);

    if (!m->make_from || !once(m))
        return false;
    text_str(&t, "From: ");
    if (name.len == 0) {
        put(&t, m->spec->from);
        text_str(&t, "\r\n");
        return made(m, &t);
    }
    if (mime_ascii(name))
        mime_quoted(&t, name);
    else
        mime_words(&t, name, mime_utf8((const uint8_t *)name.p, name.len));
    text_str(&t, name.len > FOLD / 2 ? "\r\n <" : " <");
    put(&t, m->spec->from);
    text_str(&t, ">\r\n");
    return made(m, &t);
}

static bool to_field(struct impl *m)
{
    const struct message_spec *s = m->spec;
    struct text t = begin(m);
    bool hidden = s->undisclosed || (s->to_count == 0 && !m->block.present);

    if (m->block.present && !s->undisclosed)
        return false;
    if (hidden) {
        text_str(&t, "To: undisclosed-recipients:;\r\n");
        return once(m) && made(m, &t);
    }
    if (m->item > s->to_count)
        return false;
    if (m->item == s->to_count) {
        text_str(&t, "\r\n");
    } else {
        text_str(&t, m->item == 0 ? "To: " : ",\r\n ");
        put(&t, s->to[m->item]);
    }
    m->item++;
    return made(m, &t);
}

/* Where to fold printable ASCII: before a single blank, so that unfolding
 * gives the text back. */
static size_t fold_at(struct smtp_str s, size_t room)
{
    size_t i, best = s.len;

    if (s.len <= room)
        return s.len;
    for (i = 1; i + 1 < s.len && (i <= room || best == s.len); i++) {
        if (s.p[i] == ' ' && s.p[i - 1] != ' ' && s.p[i + 1] != ' ')
            best = i;
    }
    return best;
}

/* A subject that may stand as it is. */
static bool subject_plain(struct smtp_str s)
{
    return s.len <= 500 && mime_ascii(s) && s.p[0] != ' ' &&
           s.p[s.len - 1] != ' ' && !text_contains(s.p, s.len, "=?");
}

static bool subject_field(struct impl *m)
{
    struct smtp_str s = m->spec->subject, rest;
    struct text t = begin(m);
    bool first = m->at == 0;

    if (m->has_subject || m->at >= s.len)
        return false;
    rest.p = s.p + m->at;
    rest.len = s.len - m->at;
    text_str(&t, first ? "Subject: " : "");
    if (subject_plain(s)) {
        rest.len = fold_at(rest, first ? FOLD - 9 : FOLD);
        put(&t, rest);
    } else {
        text_str(&t, first ? "" : " ");
        rest.len = mime_word_bytes(rest);
        mime_word(&t, rest, mime_utf8((const uint8_t *)s.p, s.len));
    }
    text_str(&t, "\r\n");
    m->at += rest.len;
    return made(m, &t);
}

static bool date_field(struct impl *m)
{
    struct text t = begin(m);

    if (!m->make_date || !once(m))
        return false;
    text_str(&t, "Date: ");
    date_put(&t, m->spec->date, 0);
    text_str(&t, "\r\n");
    return made(m, &t);
}

static bool msgid_field(struct impl *m)
{
    struct text t = begin(m);

    if (!m->make_msgid || !once(m))
        return false;
    text_str(&t, "Message-ID: <");
    put(&t, m->spec->message_id);
    text_str(&t, ">\r\n");
    return made(m, &t);
}

/* ----------------------------------------------------------- kept fields */

static bool named(const struct header_field *f, const char *name)
{
    return text_same(f->name.p, f->name.len, name);
}

static bool is_content(const struct header_field *f)
{
    return text_starts(f->name.p, f->name.len, "content-");
}

static bool is_dropped(const struct impl *m, const struct header_field *f)
{
    const struct message_spec *s = m->spec;

    if (named(f, "bcc") || named(f, "resent-bcc"))
        return s->remove_bcc || s->undisclosed;
    if (named(f, "to") || named(f, "cc"))
        return s->undisclosed;
    if (named(f, "from"))
        return s->replace_from;
    return m->multipart && (named(f, "mime-version") || is_content(f));
}

static bool next_field(struct impl *m, struct header_field *f)
{
    if (m->item == 0)
        m->at = m->block.start;
    m->item = 1;
    return header_next(m->text, &m->block, &m->at, f);
}

static bool kept_fields(struct impl *m)
{
    struct header_field f;

    while (next_field(m, &f)) {
        if (!is_dropped(m, &f))
            return given(m, f.start, f.end);
    }
    return false;
}

/* A line that the user's text left open is closed before ours. */
static bool close_line(struct impl *m)
{
    struct text t = begin(m);

    if (!m->open_line || !m->multipart)
        return false;
    text_str(&t, "\r\n");
    return made(m, &t);
}

/* ------------------------------------------------------------------ body */

static void text_type(struct impl *m, struct text *t)
{
    text_str(t, "Content-Type: text/plain; charset=");
    text_str(t, m->body_utf8 || !m->body_eight_bit ? "utf-8" : "unknown-8bit");
    text_str(t, "\r\n");
}

static void text_encoding(struct impl *m, struct text *t)
{
    text_str(t, "Content-Transfer-Encoding: ");
    text_str(t, m->body_eight_bit ? "8bit\r\n" : "7bit\r\n");
}

static void put_boundary(struct impl *m, struct text *t)
{
    text_mem(t, m->boundary, sizeof m->boundary);
}

static bool mime_fields(struct impl *m)
{
    struct text t = begin(m);

    if ((m->block.present && !m->multipart) || !once(m))
        return false;
    text_str(&t, "MIME-Version: 1.0\r\n");
    if (m->multipart) {
        text_str(&t, "Content-Type: multipart/mixed;\r\n boundary=\"");
        put_boundary(m, &t);
        text_str(&t, "\"\r\n\r\n--");
        put_boundary(m, &t);
        text_str(&t, "\r\n");
    } else {
        text_type(m, &t);
        text_encoding(m, &t);
        text_str(&t, "\r\n");
    }
    return made(m, &t);
}

static bool part_fields(struct impl *m)
{
    struct header_field f;

    while (m->multipart && next_field(m, &f)) {
        if (is_content(&f))
            return given(m, f.start, f.end);
    }
    return false;
}

static bool part_made_fields(struct impl *m)
{
    struct text t = begin(m);

    if (!m->multipart || !once(m))
        return false;
    if (!m->has_type)
        text_type(m, &t);
    if (!m->has_encoding)
        text_encoding(m, &t);
    text_str(&t, "\r\n");
    return made(m, &t);
}

/* The text from its body on; in a message that keeps its header as it is,
 * from the empty line on. */
static bool body(struct impl *m)
{
    return once(m) && given(m, m->body_start, m->spec->text_len);
}

/* ----------------------------------------------------------- attachments */

enum { ATTACH_HEAD, ATTACH_NAME, ATTACH_DATA };

static struct smtp_str base_name(struct smtp_str name)
{
    size_t slash = name.len;

    while (slash != 0 && name.p[slash - 1] != '/')
        slash--;
    name.p += slash;
    name.len -= slash;
    return name;
}

static bool attach_head(struct impl *m, struct smtp_str name)
{
    struct text t = begin(m);

    text_str(&t, "\r\n--");
    put_boundary(m, &t);
    text_str(&t, "\r\nContent-Type: ");
    text_str(&t, mime_type(name));
    text_str(&t, "\r\nContent-Transfer-Encoding: base64\r\n"
                 "Content-Disposition: attachment");
    m->step = ATTACH_NAME;
    m->at = 0;
    return made(m, &t);
}

/* The whole name in one chunk: message_open() bounds it. */
static bool attach_name(struct impl *m, struct smtp_str name)
{
    struct text t = begin(m);
    unsigned section = 0;

    while (mime_filename(&t, name, &m->at, section))
        section++;
    text_str(&t, "\r\n\r\n");
    m->step = ATTACH_DATA;
    m->at = 0;
    return made(m, &t);
}

static bool attachments(struct impl *m)
{
    const size_t most = sizeof m->buf / MIME_LINE_OUT * MIME_LINE_IN;
    const struct message_file *f;
    struct text t = begin(m);
    size_t n;

    if (m->item >= m->spec->attach_count)
        return false;
    f = &m->spec->attach[m->item];
    if (m->step == ATTACH_HEAD)
        return attach_head(m, base_name(f->name));
    if (m->step == ATTACH_NAME)
        return attach_name(m, base_name(f->name));
    n = f->len - m->at < most ? f->len - m->at : most;
    if (n == 0) {
        m->item++;
        m->step = ATTACH_HEAD;
        return attachments(m);
    }
    mime_base64(&t, f->data + m->at, n);
    m->at += n;
    return made(m, &t);
}

static bool last_boundary(struct impl *m)
{
    struct text t = begin(m);

    if (!m->multipart || !once(m))
        return false;
    text_str(&t, "\r\n--");
    put_boundary(m, &t);
    text_str(&t, "--\r\n");
    return made(m, &t);
}

/* ------------------------------------------------------------ the stream */

static bool (*const phases[])(struct impl *) = {
    from_field,       to_field,   subject_field, date_field,   msgid_field,
    kept_fields,      close_line, mime_fields,   part_fields,  close_line,
    part_made_fields, body,       attachments,   last_boundary
};

void stream_rewind(struct impl *m)
{
    m->phase = m->item = m->at = 0;
    m->step = 0;
    m->out_len = 0;
    m->open_line = false;
}

void stream_next(struct impl *m)
{
    m->out_len = 0;
    while (m->phase < sizeof phases / sizeof *phases) {
        if (phases[m->phase](m)) {
            m->open_line = m->out[m->out_len - 1] != '\n';
            return;
        }
        m->out_len = 0;
        m->phase++;
        m->item = m->at = 0;
        m->step = 0;
    }
}

static size_t bare_newlines(const uint8_t *p, size_t len)
{
    const uint8_t *end = p + len, *nl;
    size_t n = 0;
    uint8_t last = 0;

    while (p < end && (nl = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        last = nl > p ? nl[-1] : 0;
        n += last != '\r';
        p = nl + 1;
    }
    return n;
}

/* Walks the stream once without encoding: the base64 of an attachment is
 * reckoned, and of the body the bare newlines were counted by the check. */
uint64_t stream_measure(struct impl *m)
{
    uint64_t size = 0;
    bool open = false;

    stream_rewind(m);
    for (stream_next(m); m->out_len != 0; stream_next(m)) {
        bool ours = m->out == (const uint8_t *)m->buf;

        size += m->out_len;
        open = m->open_line;
        if (!ours && phases[m->phase] == body)
            size += m->body_bare;
        else if (!ours)
            size += bare_newlines(m->out, m->out_len);
        if (phases[m->phase] == attachments && m->step == ATTACH_DATA &&
            m->at == 0) {
            m->at = m->spec->attach[m->item].len;
            size += mime_base64_size(m->at);
        }
    }
    stream_rewind(m);
    return size + (open ? 2 : 0);
}
