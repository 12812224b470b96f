/*
 * message.c - opening a message, and fitting it to a server.
 *
 * A body that came with a header is encoded anew only if it is one text that
 * nothing signs.
 */
#include <string.h>

#include "message_impl.h"

_Static_assert(sizeof(struct impl) <= sizeof(struct message),
               "struct message is too small");
_Static_assert(RECODE_PIECE + 200 <= 18 * MIME_LINE_OUT,
               "a piece of a field fits the buffer");

static struct impl *impl(struct message *m)
{
    return (struct impl *)m;
}

static const struct impl *impl_const(const struct message *m)
{
    return (const struct impl *)m;
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

static void note_type(struct impl *m, struct smtp_str value)
{
    m->has_type = true;
    if (text_starts(value.p, value.len, "multipart/"))
        m->fixed = "it is a multipart";
    else if (text_starts(value.p, value.len, "message/"))
        m->fixed = "it is a message in the message";
}

static void note_encoding(struct impl *m, struct smtp_str value)
{
    m->has_encoding = true;
    if (!text_same(value.p, value.len, "7bit") &&
        !text_same(value.p, value.len, "8bit") &&
        !text_same(value.p, value.len, "binary") && m->fixed == NULL)
        m->fixed = "it has an encoding of its own";
}

/* Which fields there are decides which are made, and what may change. */
static void note_field(struct impl *m, const struct header_field *f)
{
    struct smtp_str value = impl_trimmed(f->value);
    const char *p = f->name.p;
    size_t n = f->name.len;

    if (text_same(p, n, "from")) {
        m->make_from = m->spec->replace_from;
    } else if (text_same(p, n, "date")) {
        m->make_date = false;
    } else if (text_same(p, n, "message-id")) {
        m->make_msgid = false;
        m->id = id_of(f->value);
    } else if (text_same(p, n, "subject")) {
        m->has_subject = true;
    } else if (text_same(p, n, "mime-version")) {
        m->has_mime = true;
    } else if (text_same(p, n, "content-type")) {
        note_type(m, value);
    } else if (text_same(p, n, "content-transfer-encoding")) {
        note_encoding(m, value);
    } else if (text_same(p, n, "dkim-signature")) {
        m->is_signed = true;
    }
}

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
    while (header_next(m->text, &m->block, &at, &f))
        note_field(m, &f);
    if (m->is_signed)
        m->fixed = "it is signed";
}

/* Looks for a kept field that has bytes over 0x7f and no form in ASCII. */
static void find_rigid(struct impl *m)
{
    struct header_field f;
    size_t at = m->block.start;
    bool addresses;

    while (m->rigid.len == 0 && header_next(m->text, &m->block, &at, &f)) {
        bool moves = m->has_text && impl_is_content(f.name);

        if (!mime_eight_bit(f.value) || (fields_dropped(m, &f) && !moves))
            continue;
        if (m->is_signed || !recode_kind(f.name, &addresses)) {
            m->rigid = f.name;
            continue;
        }
        m->recode = recode_value(f.value, addresses, 0);
        do {
            struct text t = text_into(m->buf, sizeof m->buf);

            if (!recode_next(&m->recode, &t))
                break;
        } while (true);
        if (m->recode.utf8 || m->recode.bad != NULL)
            m->rigid = f.name;
    }
}

/* --------------------------------------------------------------- fitting */

/* Text that people read stays readable: as it is, or else quoted-printable,
 * and base64 only for what is no text to look at. */
static enum encoding encoding_for(const struct part *part, bool eight_bit)
{
    if (scan_plain(&part->scan) && part->scan.eight_bit == 0)
        return ENC_7BIT;
    if (scan_plain(&part->scan) && eight_bit)
        return ENC_8BIT;
    return mime_readable(part->p, part->n) ? ENC_QP : ENC_BASE64;
}

/* The body of a message that came with a header. */
static bool fit_kept(struct impl *m, bool eight_bit, struct message_error *err)
{
    const struct scan *s = &m->body.scan;

    m->body.encoding = s->eight_bit != 0 ? ENC_8BIT : ENC_7BIT;
    m->recoded = s->too_long != 0 || (s->eight_bit != 0 && !eight_bit);
    if (m->recoded && m->fixed != NULL) {
        check_fail_about(
            err,
            "bytes over 0x7f, which the server does not take, in a "
            "text that cannot be encoded anew",
            (struct smtp_str){ m->fixed, strlen(m->fixed) });
        err->line = s->eight_bit;
        return false;
    }
    if (m->recoded)
        m->body.encoding =
            mime_readable(m->body.p, m->body.n) ? ENC_QP : ENC_BASE64;
    return true;
}

bool message_fit(struct message *message, struct smtp_offers offers,
                 struct message_error *err)
{
    struct impl *m = impl(message);
    bool eight_bit;

    m->top.len = 0;
    m->recoded = false;
    m->raw_header = m->rigid.len != 0;
    if (m->raw_header && !offers.utf8)
        return check_fail_about(
            err,
            "the server does not offer SMTPUTF8, and this field "
            "has no form without it",
            m->rigid);
    if (m->made_utf8 && !offers.utf8)
        return check_fail(
            err, 0,
            "the server does not offer SMTPUTF8, which an address in "
            "the header needs");
    m->binary = offers.binary && !m->is_signed && parts_by_byte(m);
    eight_bit = offers.eight_bit || m->binary;
    m->html.encoding = encoding_for(&m->html, eight_bit);
    if (!m->block.present)
        m->body.encoding = encoding_for(&m->body, eight_bit);
    else if (!fit_kept(m, eight_bit, err))
        return false;
    m->size = stream_measure(m);
    return true;
}

/* --------------------------------------------------------------- opening */

static void find_parts(struct impl *m)
{
    const struct message_spec *s = m->spec;

    m->body.p = m->text + m->block.body;
    m->body.n = s->text_len - m->block.body;
    m->html.p = s->html;
    m->html.n = s->html != NULL ? s->html_len : 0;
    m->has_text = s->html == NULL || m->body.n != 0;
    m->mixed = s->attach_count != 0;
    m->alternative = s->html != NULL && m->has_text;
    m->related = s->html != NULL && s->inlined_count != 0;
}

bool message_open(struct message *message, const struct message_spec *spec,
                  struct message_error *err)
{
    static const struct smtp_offers all = { true, true, false };
    struct impl *m = impl(message);

    memset(message, 0, sizeof *message);
    check_fail(err, 0, "");
    m->spec = spec;
    m->text = spec->text != NULL ? spec->text : (const uint8_t *)"";
    m->block = header_find(m->text, spec->text_len);
    find_parts(m);
    read_header(m);
    if (!check_text(m, err) || !check_spec(m, err))
        return false;
    m->body.utf8 =
        m->body.scan.eight_bit == 0 || mime_utf8(m->body.p, m->body.n);
    m->html.utf8 =
        m->html.scan.eight_bit == 0 || mime_utf8(m->html.p, m->html.n);
    find_rigid(m);
    return message_fit(message, all, err);
}

void message_prepend(struct message *message, struct smtp_str field)
{
    struct impl *m = impl(message);

    m->size = m->size - m->top.len + field.len;
    m->top = field;
    stream_rewind(m);
}

uint64_t message_size(const struct message *m)
{
    return impl_const(m)->size;
}

enum smtp_content message_content(const struct message *message)
{
    const struct impl *m = impl_const(message);

    if (m->binary)
        return SMTP_BINARY;
    return m->raw_header || m->made_utf8 || m->body.encoding == ENC_8BIT ||
                   m->html.encoding == ENC_8BIT
               ? SMTP_8BIT
               : SMTP_7BIT;
}

bool message_utf8(const struct message *message)
{
    const struct impl *m = impl_const(message);

    return m->raw_header || m->made_utf8;
}

struct smtp_str message_id(const struct message *m)
{
    return impl_const(m)->id;
}

/* How much of out goes out at once. 0: a CR goes before it, for nobody
 * completes the line ends of a message that goes out byte by byte. */
static size_t piece(const struct impl *m)
{
    size_t n = m->out_len;

    if (!m->binary || m->as_it_is || n == 0)
        return n;
    if (m->out[0] == '\n' && m->last != '\r')
        return 0;
    n = scan_line(m->out, n);
    return n - (n > 1 && m->out[n - 1] == '\n' && m->out[n - 2] != '\r');
}

const uint8_t *message_buf(struct message *message, size_t *len)
{
    struct impl *m = impl(message);

    if (m->out_len == 0)
        stream_next(m);
    *len = piece(m);
    if (*len != 0)
        return m->out;
    *len = m->out_len != 0;
    return (const uint8_t *)"\r";
}

void message_ack(struct message *message, size_t n)
{
    struct impl *m = impl(message);
    size_t most = piece(m);

    if (n == 0 || m->out_len == 0)
        return;
    if (most == 0) {
        m->last = '\r';
        return;
    }
    if (n > most)
        n = most;
    m->last = m->out[n - 1];
    m->out += n;
    m->out_len -= n;
}

void message_rewind(struct message *message)
{
    stream_rewind(impl(message));
}
