/*
 * fields.c - the header: fields that are made, fields that are kept.
 */
#include <string.h>

#include "date.h"
#include "idna.h"
#include "message_impl.h"

static void put(struct text *t, struct smtp_str s)
{
    text_mem(t, s.p, s.len);
}

static bool named(const struct header_field *f, const char *name)
{
    return text_same(f->name.p, f->name.len, name);
}

/* ----------------------------------------------------------- made fields */

static bool top_field(struct impl *m)
{
    return m->top.len != 0 && stream_once(m) &&
           stream_given(m, (const uint8_t *)m->top.p, m->top.len, true);
}

static bool from_field(struct impl *m)
{
    struct smtp_str name = m->spec->from_name;
    struct text t = stream_begin(m);
    const char *why;
    bool utf8;

    if (!m->make_from || !stream_once(m))
        return false;
    text_str(&t, "From: ");
    if (name.len != 0 && mime_plain(name))
        mime_quoted(&t, name);
    else if (name.len != 0)
        mime_words(&t, name, t.len,
                   mime_utf8((const uint8_t *)name.p, name.len));
    if (name.len != 0)
        text_str(&t, name.len > FOLD / 2 ? "\r\n <" : " <");
    idna_address(&t, m->spec->from, &utf8, &why);
    text_str(&t, name.len != 0 ? ">\r\n" : "\r\n");
    return stream_made(m, &t);
}

/* One address list that is part of a field; false when it is through.
 * m->step: 0 before it, 1 in it, 2 behind it. */
static bool list_piece(struct impl *m, struct smtp_str list, size_t column,
                       struct text *t)
{
    if (m->step == 0) {
        m->recode = recode_value(list, true, column);
        m->recode.folding = true;
    }
    m->step = recode_next(&m->recode, t) ? 1 : 2;
    return m->step == 1;
}

static bool list_field(struct impl *m, struct smtp_str name,
                       const struct smtp_str *list, size_t count)
{
    struct text t = stream_begin(m);

    if (m->item > count || count == 0)
        return false;
    if (m->item == count) {
        m->item++;
        text_str(&t, "\r\n");
        return stream_made(m, &t);
    }
    if (m->step == 0 && m->item == 0) {
        put(&t, name);
        text_str(&t, ": ");
    } else if (m->step == 0) {
        text_str(&t, ",\r\n ");
    }
    if (!list_piece(m, list[m->item], m->item == 0 ? t.len : 1, &t)) {
        m->item++;
        m->step = 0;
        if (t.len == 0)
            return list_field(m, name, list, count);
    }
    return stream_made(m, &t);
}

static bool has_cc(const struct impl *m)
{
    size_t i;

    for (i = 0; i < m->spec->field_count; i++)
        if (text_same(m->spec->field[i].name.p, m->spec->field[i].name.len,
                      "cc"))
            return true;
    return false;
}

static bool to_field(struct impl *m)
{
    static const struct smtp_str name = { "To", 2 };
    const struct message_spec *s = m->spec;
    struct text t = stream_begin(m);

    if (m->block.present && !s->undisclosed && !s->replace_to)
        return false;
    if (!s->undisclosed && s->to_count != 0)
        return list_field(m, name, s->to, s->to_count);
    if (!s->undisclosed && has_cc(m))
        return false;
    text_str(&t, "To: undisclosed-recipients:;\r\n");
    return stream_once(m) && stream_made(m, &t);
}

/* Words that may stand as they are. */
static bool is_plain(struct smtp_str s)
{
    return s.len <= 500 && mime_plain(s) && s.p[0] != ' ' &&
           s.p[s.len - 1] != ' ';
}

/* A field whose value is text; m->at: how far it has gone. */
static bool words_field(struct impl *m, struct smtp_str name, struct smtp_str s,
                        bool plain)
{
    struct smtp_str rest = { s.p + m->at, s.len - m->at };
    struct text t = stream_begin(m);
    bool utf8;

    if (rest.len == 0)
        return false;
    if (m->at == 0) {
        put(&t, name);
        text_str(&t, ": ");
    } else if (!plain) {
        text_str(&t, " ");
    }
    if (plain) {
        rest.len = mime_fold(rest, t.len < FOLD ? FOLD - t.len : 1);
        put(&t, rest);
    } else {
        utf8 = mime_utf8((const uint8_t *)s.p, s.len);
        rest.len = mime_word_bytes(rest, mime_word_room(t.len, utf8));
        mime_word(&t, rest, utf8);
    }
    text_str(&t, "\r\n");
    m->at += rest.len;
    return stream_made(m, &t);
}

static bool subject_field(struct impl *m)
{
    static const struct smtp_str name = { "Subject", 7 };
    struct smtp_str s = m->spec->subject;

    return !m->has_subject && s.len != 0 &&
           words_field(m, name, s, is_plain(s));
}

bool message_about_body(struct smtp_str name)
{
    return text_same(name.p, name.len, "mime-version") ||
           text_same(name.p, name.len, "content-type") ||
           text_same(name.p, name.len, "content-transfer-encoding");
}

/* The field is there already, or will be, or would tell what is to be hidden.
 */
static bool is_left_out(const struct impl *m, const struct message_field *f)
{
    bool hidden = m->spec->undisclosed || m->spec->replace_to;

    return message_about_body(f->name) ||
           (hidden && text_same(f->name.p, f->name.len, "cc")) ||
           (m->block.present && header_has(m->text, &m->block, f->name));
}

static bool extra_field(struct impl *m, const struct message_field *f)
{
    if (is_left_out(m, f))
        return false;
    if (f->kind == MESSAGE_ADDRESSES)
        return list_field(m, f->name, f->list, f->count);
    return words_field(m, f->name, f->value,
                       f->kind == MESSAGE_ASCII || is_plain(f->value));
}

static bool extra_fields(struct impl *m)
{
    for (; m->field < m->spec->field_count; m->field++) {
        if (extra_field(m, &m->spec->field[m->field]))
            return true;
        m->item = m->at = 0;
        m->step = 0;
    }
    return false;
}

static bool date_field(struct impl *m)
{
    struct text t = stream_begin(m);

    if (!m->make_date || !stream_once(m))
        return false;
    text_str(&t, "Date: ");
    date_put(&t, m->spec->date, 0);
    text_str(&t, "\r\n");
    return stream_made(m, &t);
}

static bool msgid_field(struct impl *m)
{
    struct text t = stream_begin(m);

    if (!m->make_msgid || !stream_once(m))
        return false;
    text_str(&t, "Message-ID: <");
    put(&t, m->spec->message_id);
    text_str(&t, ">\r\n");
    return stream_made(m, &t);
}

/* ----------------------------------------------------------- kept fields */

bool fields_dropped(const struct impl *m, const struct header_field *f)
{
    const struct message_spec *s = m->spec;

    if (named(f, "bcc") || named(f, "resent-bcc"))
        return s->remove_bcc || s->undisclosed || s->replace_to;
    if (named(f, "to") || named(f, "cc"))
        return s->undisclosed || s->replace_to;
    if (named(f, "from"))
        return s->replace_from;
    if (named(f, "content-transfer-encoding") && m->recoded)
        return true;
    return !impl_is_text(m) &&
           (named(f, "mime-version") || impl_is_content(f->name));
}

/* A field with bytes over 0x7f goes out in ASCII. */
static bool recoded_piece(struct impl *m)
{
    struct text t = stream_begin(m);

    if (!recode_next(&m->recode, &t)) {
        m->step = 0;
        text_str(&t, "\r\n");
    }
    for (size_t i = 0; m->spec->repair && i < t.len; i++) {
        bool end = t.p[i] == '\n' ||
                   (t.p[i] == '\r' && i + 1 < t.len && t.p[i + 1] == '\n');

        if ((uint8_t)t.p[i] < 0x20 && !end)
            t.p[i] = ' ';
    }
    return stream_made(m, &t);
}

static bool kept_fields(struct impl *m)
{
    struct header_field f;
    bool addresses;

    if (m->step != 0)
        return recoded_piece(m);
    if (m->item++ == 0)
        m->at = m->block.start;
    while (header_next(m->text, &m->block, &m->at, &f)) {
        if (fields_dropped(m, &f))
            continue;
        if (m->raw_header || !mime_eight_bit(f.value) ||
            !recode_kind(f.name, &addresses))
            return stream_given(m, m->text + f.start, f.end - f.start, true);
        m->recode = recode_value(f.value, addresses, f.name.len + 1);
        m->step = 1;
        return stream_given(m, (const uint8_t *)f.name.p, f.name.len + 1, true);
    }
    return false;
}

bool (*const fields_phases[])(struct impl *) = {
    top_field,    from_field, to_field,    subject_field,
    extra_fields, date_field, msgid_field, kept_fields,
};
const size_t fields_count = sizeof fields_phases / sizeof *fields_phases;
