/*
 * parts.c - the body and the fields that describe it:
 *
 *   mixed { alternative { text, related { HTML, inlined... } }, attachments }
 *
 * less the levels that have but one thing in them. RFC 2045, 2046 5.1, 2387
 * (related), 2392 (cid:). The three boundaries differ in their last letter.
 * A line end before a delimiter is the delimiter's (RFC 2046 5.1.1), so what
 * ends without one comes back without one.
 */
#include <string.h>

#include "message_impl.h"

enum { MIXED = 'a', ALTERNATIVE = 'b', RELATED = 'c' };

static void put_boundary(struct impl *m, struct text *t, char level)
{
    text_mem(t, m->boundary, sizeof m->boundary);
    text_mem(t, &level, 1);
}

/* The line that begins a part of the multipart; level 0: there is none. */
static void begin_part(struct impl *m, struct text *t, char level)
{
    if (level == 0)
        return;
    text_str(t, m->fresh ? "--" : "\r\n--");
    put_boundary(m, t, level);
    text_str(t, "\r\n");
    m->fresh = false;
}

static char text_parent(const struct impl *m)
{
    if (m->alternative)
        return ALTERNATIVE;
    return m->mixed ? MIXED : 0;
}

static char html_parent(const struct impl *m)
{
    return m->related ? RELATED : text_parent(m);
}

static void put_encoding(struct text *t, enum encoding encoding)
{
    static const char *const names[] = { "7bit", "8bit", "quoted-printable",
                                         "base64", "binary" };

    text_str(t, "Content-Transfer-Encoding: ");
    text_str(t, names[encoding]);
    text_str(t, "\r\n");
}

static bool open_multipart(struct impl *m, const char *type, char level,
                           char parent)
{
    struct text t = stream_begin(m);

    if (!stream_once(m))
        return false;
    begin_part(m, &t, parent);
    text_str(&t, "Content-Type: multipart/");
    text_str(&t, type);
    text_str(&t, ";\r\n boundary=\"");
    put_boundary(m, &t, level);
    text_str(&t, "\"\r\n");
    /* as wide as its widest part (RFC 2045 6.4) */
    if (m->binary)
        put_encoding(&t, ENC_BINARY);
    else if (m->body.encoding == ENC_8BIT || m->html.encoding == ENC_8BIT)
        put_encoding(&t, ENC_8BIT);
    text_str(&t, "\r\n");
    m->fresh = true;
    return stream_made(m, &t);
}

static bool close_multipart(struct impl *m, char level)
{
    struct text t = stream_begin(m);

    if (!stream_once(m))
        return false;
    text_str(&t, "\r\n--");
    put_boundary(m, &t, level);
    text_str(&t, "--");
    return stream_made(m, &t);
}

static bool mixed_open(struct impl *m)
{
    return m->mixed && open_multipart(m, "mixed", MIXED, 0);
}

static bool alternative_open(struct impl *m)
{
    return m->alternative &&
           open_multipart(m, "alternative", ALTERNATIVE, m->mixed ? MIXED : 0);
}

static bool related_open(struct impl *m)
{
    return m->related && open_multipart(m, "related; type=\"text/html\"",
                                        RELATED, text_parent(m));
}

static bool related_close(struct impl *m)
{
    return m->related && close_multipart(m, RELATED);
}

static bool alternative_close(struct impl *m)
{
    return m->alternative && close_multipart(m, ALTERNATIVE);
}

static bool mixed_close(struct impl *m)
{
    return m->mixed && close_multipart(m, MIXED);
}

/* A line that is open is closed before ours; the last one of a multipart. */
static bool close_line(struct impl *m)
{
    struct text t = stream_begin(m);

    if (!m->open_line || impl_as_it_is(m))
        return false;
    text_str(&t, "\r\n");
    return stream_made(m, &t);
}

static bool last_line(struct impl *m)
{
    return (m->mixed || m->alternative || m->related) && close_line(m);
}

/* ------------------------------------------------------------- the text */

static bool mime_field(struct impl *m)
{
    struct text t = stream_begin(m);

    if (impl_as_it_is(m) || (m->has_mime && impl_is_text(m)) || !stream_once(m))
        return false;
    text_str(&t, "MIME-Version: 1.0\r\n");
    return stream_made(m, &t);
}

static void put_type(struct text *t, const struct part *part, const char *type)
{
    text_str(t, "Content-Type: ");
    text_str(t, type);
    text_str(t,
             part->utf8 ? "; charset=utf-8\r\n" : "; charset=unknown-8bit\r\n");
}

static bool text_begin(struct impl *m)
{
    struct text t = stream_begin(m);

    if (!m->has_text || !stream_once(m))
        return false;
    begin_part(m, &t, text_parent(m));
    return stream_made(m, &t);
}

/* The text's own Content-* fields move to its part. */
static bool text_fields(struct impl *m)
{
    struct header_field f;

    if (!m->has_text || impl_is_text(m))
        return false;
    if (m->item++ == 0)
        m->at = m->block.start;
    while (header_next(m->text, &m->block, &m->at, &f)) {
        if (!impl_is_content(f.name) ||
            (m->recoded &&
             text_same(f.name.p, f.name.len, "content-transfer-encoding")))
            continue;
        return stream_given(m, m->text + f.start, f.end - f.start, true);
    }
    return false;
}

static bool text_made(struct impl *m)
{
    struct text t = stream_begin(m);

    if (!m->has_text || impl_as_it_is(m) || !stream_once(m))
        return false;
    if (!m->has_type)
        put_type(&t, &m->body, "text/plain");
    if (!m->has_encoding || m->recoded)
        put_encoding(&t, m->body.encoding);
    text_str(&t, "\r\n");
    return stream_made(m, &t);
}

static bool qp_piece(struct impl *m, const struct part *part)
{
    struct text t = stream_begin(m);

    while (m->at < part->n && t.cap - t.len >= MIME_LINE_OUT)
        m->at += mime_qp_line(&t, part->p + m->at, part->n - m->at);
    return stream_made(m, &t);
}

static bool base64_piece(struct impl *m, const struct part *part)
{
    uint8_t bytes[MIME_LINE_IN];
    struct text t = stream_begin(m);
    size_t n;

    while (t.cap - t.len >= MIME_LINE_OUT) {
        n = mime_canonical(part->p, part->n, &m->at, &m->half, bytes,
                           sizeof bytes);
        if (n == 0)
            break;
        mime_base64(&t, bytes, n);
    }
    return stream_made(m, &t);
}

static bool part_data(struct impl *m, const struct part *part)
{
    if (part->encoding == ENC_QP)
        return qp_piece(m, part);
    if (part->encoding == ENC_BASE64)
        return base64_piece(m, part);
    return stream_once(m) && stream_given(m, part->p, part->n, false);
}

/* In a message that keeps its header as it is, from the empty line on. */
static bool text_data(struct impl *m)
{
    if (impl_as_it_is(m))
        return stream_once(m) &&
               stream_given(m, m->text + m->block.end,
                            m->spec->text_len - m->block.end, false);
    return m->has_text && part_data(m, &m->body);
}

static bool html_head(struct impl *m)
{
    struct text t = stream_begin(m);

    if (m->html.p == NULL || !stream_once(m))
        return false;
    begin_part(m, &t, html_parent(m));
    put_type(&t, &m->html, "text/html");
    put_encoding(&t, m->html.encoding);
    text_str(&t, "\r\n");
    return stream_made(m, &t);
}

static bool html_data(struct impl *m)
{
    return part_data(m, &m->html); /* nothing, if there is none */
}

/* ---------------------------------------------------------------- files */

enum { FILE_HEAD, FILE_NAME, FILE_DATA };
#define ID_ROOM 600 /* of a content id: a line is 998 at most */

static struct smtp_str base_name(struct smtp_str name)
{
    size_t slash = name.len;

    while (slash != 0 && name.p[slash - 1] != '/')
        slash--;
    name.p += slash;
    name.len -= slash;
    return name;
}

/* A text is called UTF-8 if it is; else it is bytes, to be saved. */
static const char *file_type(const struct message_file *f, struct smtp_str name)
{
    const char *type = mime_type(name);

    if (type[0] == 't' && !mime_utf8(f->data, f->len))
        name.len = 0;
    return mime_type(name);
}

/* What the HTML calls the file: by its name, or else by that with "@" and a
 * domain, which is what RFC 2045 section 7 wants of an id. */
static struct smtp_str content_id(const struct part *html, struct smtp_str name)
{
    const char *p = (const char *)html->p, *end = p + html->n;
    struct smtp_str id = name;

    for (; (size_t)(end - p) >= 4 + name.len; p++) {
        struct smtp_str s = { p + 4, name.len };

        if ((*p | 0x20) != 'c' || !text_starts(p, 4, "cid:") ||
            memcmp(s.p, name.p, name.len) != 0)
            continue;
        while (s.p + s.len < end && check_is_cid(s.p[s.len]))
            s.len++;
        if (s.len == name.len)
            return name;
        if (s.p[name.len] == '@' && s.len < ID_ROOM)
            id = s;
    }
    return id;
}

static bool file_head(struct impl *m, const struct message_file *f, char parent)
{
    struct smtp_str name = base_name(f->name), id;
    struct text t = stream_begin(m);

    begin_part(m, &t, parent);
    text_str(&t, "Content-Type: ");
    text_str(&t, file_type(f, name));
    text_str(&t, "\r\n");
    /* of an empty file some readers make a line end */
    put_encoding(&t, m->binary && f->len != 0 ? ENC_BINARY : ENC_BASE64);
    if (parent == RELATED) {
        text_str(&t, "Content-ID: <");
        id = content_id(&m->html, name);
        text_mem(&t, id.p, id.len);
        text_str(&t, ">\r\nContent-Disposition: inline");
    } else {
        text_str(&t, "Content-Disposition: attachment");
    }
    m->step = FILE_NAME;
    m->at = 0;
    return stream_made(m, &t);
}

/* The whole name in one chunk: message_open() bounds it. */
static bool file_name(struct impl *m, struct smtp_str name)
{
    struct text t = stream_begin(m);
    unsigned section = 0;

    while (mime_filename(&t, name, &m->at, section))
        section++;
    text_str(&t, "\r\n\r\n");
    m->step = FILE_DATA;
    m->at = 0;
    return stream_made(m, &t);
}

/* What of the n bytes at p one chunk takes. */
static bool file_data(struct impl *m, const uint8_t *p, size_t n)
{
    const size_t most = sizeof m->buf / MIME_LINE_OUT * MIME_LINE_IN;
    struct text t = stream_begin(m);

    if (m->binary) {
        m->at += n;
        m->as_it_is = true;
        m->out = p;
        m->out_len = n;
        return true;
    }
    n = n < most ? n : most;
    mime_base64(&t, p, n);
    m->at += n;
    return stream_made(m, &t);
}

static bool files(struct impl *m, const struct message_file *file, size_t count,
                  char parent)
{
    size_t n;

    for (; m->item < count; m->item++) {
        const struct message_file *f = &file[m->item];

        if (m->step == FILE_HEAD)
            return file_head(m, f, parent);
        if (m->step == FILE_NAME)
            return file_name(m, base_name(f->name));
        n = f->len - m->at;
        if (n != 0)
            return file_data(m, f->data + m->at, n);
        m->step = FILE_HEAD;
    }
    return false;
}

static bool inlined(struct impl *m)
{
    return files(m, m->spec->inlined, m->spec->inlined_count, RELATED);
}

static bool attachments(struct impl *m)
{
    return files(m, m->spec->attach, m->spec->attach_count, MIXED);
}

bool (*const parts_phases[])(struct impl *) = {
    close_line,  mime_field,  mixed_open, alternative_open, text_begin,
    text_fields, close_line,  text_made,  text_data,        related_open,
    html_head,   html_data,   inlined,    related_close,    alternative_close,
    attachments, mixed_close, last_line,
};
const size_t parts_count = sizeof parts_phases / sizeof *parts_phases;

static const struct message_file *current(const struct impl *m)
{
    bool (*now)(struct impl *) = NULL;

    if (m->phase >= fields_count)
        now = parts_phases[m->phase - fields_count];
    if (m->step != FILE_DATA || m->at != 0)
        return NULL;
    if (now == inlined)
        return &m->spec->inlined[m->item];
    return now == attachments ? &m->spec->attach[m->item] : NULL;
}

bool parts_next_is_file(const struct impl *m, uint64_t *size)
{
    const struct message_file *f = current(m);

    *size = f == NULL ? 0 : m->binary ? f->len : mime_base64_size(f->len);
    return f != NULL;
}

void parts_skip_file(struct impl *m)
{
    m->at = current(m)->len;
}

bool parts_by_byte(const struct impl *m)
{
    const struct message_spec *spec = m->spec;
    size_t i, n = spec->attach_count;
    struct scan s = { 0 };

    for (i = 0; i < n + spec->inlined_count; i++) {
        const struct message_file *f =
            i < n ? &spec->attach[i] : &spec->inlined[i - n];

        scan_text(&s, f->data, f->len, m->boundary, BOUNDARY_LEN);
    }
    return i != 0 && !s.marked;
}
