/*
 * message.c - opening a message: everything that could be wrong with it is
 * found here, before a byte is sent.
 *
 * RFC 5321 2.3.8: CR and LF only as a pair on the wire, so a bare CR is
 * refused and a bare LF is a line end; RFC 5322 2.1.1: 998 octets a line.
 * One pass over the text, eight bytes at a time.
 */
#include <string.h>

#include "message_impl.h"

#define LINE_MAX_LEN 998
#define ADDRESS_MAX  512 /* of a header address; SMTP's own limit is 254   */
#define NAME_MAX_LEN 255 /* of a display name or an attachment             */
#define ID_MAX       900
#define TRIES        8 /* boundaries to try */

_Static_assert(sizeof(struct impl) <= sizeof(struct message),
               "struct message is too small");

static struct impl *impl(struct message *m)
{
    return (struct impl *)m;
}

static const struct impl *impl_const(const struct message *m)
{
    return (const struct impl *)m;
}

static bool fail(struct message_error *err, unsigned line, const char *why)
{
    struct text t = text_into(err->why, sizeof err->why);

    err->line = line;
    text_str(&t, why);
    text_end(&t);
    return false;
}

/* ------------------------------------------------------- the text's lines */

struct line_sum {
    uint64_t bits; /* OR of the bytes                    */
    bool nul, cr;  /* seen                               */
};

#define ONES UINT64_C(0x0101010101010101)

static bool has_zero(uint64_t w)
{
    return ((w - ONES) & ~w & (ONES << 7)) != 0;
}

static struct line_sum sum_line(const uint8_t *p, size_t n)
{
    struct line_sum s = { 0, false, false };
    uint64_t w;

    while (n != 0) {
        size_t step = n < 8 ? n : 8;

        w = ONES << 5; /* blanks, where the line is shorter than a word */
        if (step == 8)
            __builtin_memcpy(&w, p, 8);
        else
            memcpy(&w, p, step);
        s.bits |= w;
        s.nul = s.nul || has_zero(w);
        s.cr = s.cr || has_zero(w ^ ONES * '\r');
        p += step;
        n -= step;
    }
    return s;
}

struct scan {
    struct impl *m;
    const uint8_t *text;
    size_t len;
    bool collides; /* a line looks like our boundary */
    struct message_error *err;
};

static bool is_control(uint8_t c)
{
    return (c < 0x20 && c != '\t') || c == 0x7f;
}

static bool check_header_line(struct scan *s, size_t at, size_t n,
                              unsigned line)
{
    size_t i;

    if (at == s->m->block.bad)
        return fail(s->err, line,
                    "neither a header field nor a continued one, and no "
                    "empty line before it ends the header");
    for (i = 0; i < n; i++) {
        if (is_control(s->text[at + i]))
            return fail(s->err, line, "control character in the header");
    }
    return true;
}

static bool check_line(struct scan *s, size_t at, size_t n, unsigned line)
{
    const uint8_t *p = s->text + at;
    struct impl *m = s->m;
    struct line_sum sum;
    bool lf = p[n - 1] == '\n', crlf = lf && n >= 2 && p[n - 2] == '\r';

    if (lf && !crlf && at >= m->body_start)
        m->body_bare++;
    n -= lf;
    n -= crlf;
    sum = sum_line(p, n);
    if (sum.nul)
        return fail(s->err, line, "NUL character");
    if (sum.cr)
        return fail(s->err, line, "carriage return that no line feed follows");
    if (n > LINE_MAX_LEN)
        return fail(s->err, line, "line of more than 998 octets");
    if ((sum.bits & ONES << 7) != 0) {
        m->eight_bit = true;
        if (at >= m->block.body)
            m->body_eight_bit = true;
    }
    if (m->multipart && n >= 2 + BOUNDARY_LEN && p[0] == '-' && p[1] == '-' &&
        memcmp(p + 2, m->boundary, BOUNDARY_LEN) == 0)
        s->collides = true;
    return (at >= m->block.end && at != m->block.bad) ||
           check_header_line(s, at, n, line);
}

static bool scan_text(struct scan *s)
{
    unsigned line = s->m->block.lines;
    size_t at = s->m->block.start, n;

    s->collides = false;
    s->m->body_bare = 0;
    for (; at < s->len; at += n) {
        n = header_line(s->text + at, s->len - at);
        if (!check_line(s, at, n, ++line))
            return false;
    }
    return true;
}

static void make_boundary(struct impl *m, unsigned attempt)
{
    static const char hex[] = "0123456789abcdef";
    size_t i;

    memcpy(m->boundary, "=_", 2);
    for (i = 0; i < sizeof m->spec->random; i++) {
        uint8_t b = m->spec->random[i];

        m->boundary[2 + 2 * i] = hex[b >> 4];
        m->boundary[3 + 2 * i] = hex[b & 15];
    }
    m->boundary[BOUNDARY_LEN - 1] = hex[(m->spec->random[15] + attempt) & 15];
}

static bool check_text(struct impl *m, struct message_error *err)
{
    struct scan s = { m, m->text, m->spec->text_len, false, err };
    unsigned attempt;

    for (attempt = 0; attempt < TRIES; attempt++) {
        make_boundary(m, attempt);
        if (!scan_text(&s))
            return false;
        if (!s.collides)
            return true;
    }
    return fail(err, 0, "every boundary tried occurs in the text");
}

/* ------------------------------------------------------ what is handed in */

static bool printable(struct smtp_str s)
{
    size_t i;

    for (i = 0; i < s.len; i++) {
        if ((uint8_t)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return false;
    }
    return true;
}

/* RFC 5322 3.6.4, as much as keeps the field whole */
static bool id_ok(struct smtp_str s)
{
    size_t i;

    for (i = 0; i < s.len; i++) {
        if ((uint8_t)s.p[i] <= 0x20 || s.p[i] == 0x7f || s.p[i] == '<' ||
            s.p[i] == '>')
            return false;
    }
    return s.len != 0 && s.len <= ID_MAX;
}

static bool check_attachments(const struct message_spec *s,
                              struct message_error *err)
{
    size_t i;

    for (i = 0; i < s->attach_count; i++) {
        struct smtp_str name = s->attach[i].name;

        if (name.len == 0 || name.p[name.len - 1] == '/')
            return fail(err, 0, "an attachment has no name");
        if (name.len > NAME_MAX_LEN)
            return fail(err, 0, "an attachment's name is too long");
        if (!printable(name))
            return fail(err, 0,
                        "an attachment's name holds a control "
                        "character");
    }
    return true;
}

static bool check_spec(const struct impl *m, struct message_error *err)
{
    const struct message_spec *s = m->spec;
    size_t i;

    if (m->make_from && s->from.len == 0)
        return fail(err, 0,
                    "it has no From field, and there is no sender to "
                    "make one of");
    if (s->from.len > ADDRESS_MAX || !printable(s->from))
        return fail(err, 0, "the sender is no address for a From field");
    if (s->from_name.len > NAME_MAX_LEN || !printable(s->from_name))
        return fail(err, 0,
                    "the sender's name is too long or holds a control "
                    "character");
    if (!printable(s->subject))
        return fail(err, 0, "the subject holds a control character");
    for (i = 0; i < s->to_count; i++) {
        if (s->to[i].len == 0 || s->to[i].len > ADDRESS_MAX ||
            !printable(s->to[i]))
            return fail(err, 0, "a recipient is no address for a To field");
    }
    if (m->make_msgid && !id_ok(s->message_id))
        return fail(err, 0, "the Message-ID to be given is malformed");
    return check_attachments(s, err);
}

/* ------------------------------------------------------------ the header */

/* What stands in <>, or the first word. */
static struct smtp_str id_of(struct smtp_str value)
{
    size_t start = 0, end;

    while (start < value.len && value.p[start] != '<')
        start++;
    start = start < value.len ? start + 1 : 0;
    while (start < value.len && (uint8_t)value.p[start] <= ' ')
        start++;
    for (end = start;
         end < value.len && value.p[end] != '>' && (uint8_t)value.p[end] > ' ';
         end++)
        continue;
    value.p += start;
    value.len = end - start;
    return value;
}

static bool is_ascii(struct smtp_str s)
{
    size_t i;

    for (i = 0; i < s.len; i++) {
        if ((uint8_t)s.p[i] > 0x7f)
            return false;
    }
    return true;
}

/* Which fields there are decides which are made. */
static void read_header(struct impl *m)
{
    const struct message_spec *s = m->spec;
    struct header_field f;
    size_t at = m->block.start;

    m->make_from = s->add_from || s->replace_from;
    m->make_date = s->add_date && s->date >= 0 &&
                   s->date < INT64_C(253402300800); /* the year 10000 */
    m->make_msgid = s->add_msgid;
    m->id = s->message_id;
    if (!m->make_msgid)
        m->id.len = 0;
    while (header_next(m->text, &m->block, &at, &f)) {
        const char *p = f.name.p;
        size_t n = f.name.len;

        if (text_same(p, n, "from")) {
            m->make_from = s->replace_from;
        } else if (text_same(p, n, "date")) {
            m->make_date = false;
        } else if (text_same(p, n, "message-id")) {
            m->make_msgid = false;
            m->id = id_of(f.value);
        } else if (text_same(p, n, "subject")) {
            m->has_subject = true;
        } else if (text_same(p, n, "content-type")) {
            m->has_type = true;
        } else if (text_same(p, n, "content-transfer-encoding")) {
            m->has_encoding = true;
        }
    }
}

static void note_eight_bit(struct impl *m)
{
    const struct message_spec *s = m->spec;
    size_t i;

    if (m->make_from && !is_ascii(s->from))
        m->eight_bit = true;
    if (m->make_msgid && !is_ascii(s->message_id))
        m->eight_bit = true;
    for (i = 0; !m->block.present && !s->undisclosed && i < s->to_count; i++) {
        if (!is_ascii(s->to[i]))
            m->eight_bit = true;
    }
    if (m->body_eight_bit && !m->has_type &&
        (m->multipart || !m->block.present))
        m->body_utf8 =
            mime_utf8(m->text + m->block.body, s->text_len - m->block.body);
}

bool message_open(struct message *message, const struct message_spec *spec,
                  struct message_error *err)
{
    struct impl *m = impl(message);

    memset(message, 0, sizeof *message);
    fail(err, 0, "");
    m->spec = spec;
    m->multipart = spec->attach_count != 0;
    m->text = spec->text != NULL ? spec->text : (const uint8_t *)"";
    m->block = header_find(m->text, spec->text_len);
    m->body_start =
        m->block.present && !m->multipart ? m->block.end : m->block.body;
    read_header(m);
    if (!check_text(m, err) || !check_spec(m, err))
        return false;
    note_eight_bit(m);
    m->size = stream_measure(m);
    return true;
}

uint64_t message_size(const struct message *m)
{
    return impl_const(m)->size;
}

bool message_eight_bit(const struct message *m)
{
    return impl_const(m)->eight_bit;
}

struct smtp_str message_id(const struct message *m)
{
    return impl_const(m)->id;
}

const uint8_t *message_buf(struct message *message, size_t *len)
{
    struct impl *m = impl(message);

    if (m->out_len == 0)
        stream_next(m);
    *len = m->out_len;
    return m->out_len != 0 ? m->out : (const uint8_t *)"";
}

void message_ack(struct message *message, size_t n)
{
    struct impl *m = impl(message);

    if (n > m->out_len)
        n = m->out_len;
    m->out += n;
    m->out_len -= n;
}

void message_rewind(struct message *message)
{
    stream_rewind(impl(message));
}
