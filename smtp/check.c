/*
 * check.c - what may not be sent: found before a byte is.
 *
 * RFC 5321 2.3.8: CR and LF only as a pair on the wire, so a bare CR is
 * refused and a bare LF is a line end; RFC 5322 2.1.1: 998 octets a line. A
 * plain text may hold anything: an encoding carries it.
 */
#include <string.h>

#include "idna.h"
#include "message_impl.h"

#define ADDRESS_MAX  512 /* of the header From; SMTP's own limit is 254    */
#define WORD_MAX     512 /* of what has no blank in an address list        */
#define NAME_MAX_LEN 255 /* of a display name or an attachment             */
#define ID_MAX       900
#define TRIES        8 /* boundaries to try */

bool check_fail(struct message_error *err, unsigned line, const char *why)
{
    struct text t = text_into(err->why, sizeof err->why);

    err->line = line;
    text_str(&t, why);
    text_end(&t);
    return false;
}

/* "why: what" with what cut to fit and fit for a terminal. */
bool check_fail_about(struct message_error *err, const char *why,
                      struct smtp_str what)
{
    struct text t = text_into(err->why, sizeof err->why);
    size_t start;

    err->line = 0;
    text_str(&t, why);
    text_str(&t, ": ");
    start = t.len;
    text_mem(&t, what.p, what.len < 60 ? what.len : 60);
    text_clean(t.p + start, t.len - start);
    text_end(&t);
    return false;
}

/* ------------------------------------------------------- the text's lines */

static bool is_control(uint8_t c)
{
    return (c < 0x20 && c != '\t') || c == 0x7f;
}

static bool check_header_line(const struct impl *m, size_t at, size_t n,
                              struct scan *s, struct message_error *err)
{
    struct scan line = { .lines = s->lines };
    size_t i;

    if (at == m->block.bad)
        return check_fail(err, s->lines + 1,
                          "neither a header field nor a continued one, and no "
                          "empty line before it ends the header");
    scan_text(&line, m->text + at, n, "", 0);
    s->lines = line.lines;
    if (line.too_long != 0)
        return check_fail(err, s->lines, "line of more than 998 octets");
    if (m->spec->repair)
        return true;
    if (line.cr != 0)
        return check_fail(err, s->lines,
                          "carriage return that no line feed follows");
    if (line.nul != 0)
        return check_fail(err, s->lines, "NUL character");
    for (i = 0; i < n; i++) {
        uint8_t c = m->text[at + i];

        if (is_control(c) && c != '\r' && c != '\n')
            return check_fail(err, s->lines, "control character in the header");
    }
    return true;
}

/* Counts the header's lines, its empty one and an mbox "From " included. */
static bool check_header(const struct impl *m, unsigned *lines,
                         struct message_error *err)
{
    struct scan s = { .lines = m->block.lines };
    size_t at = m->block.start, n;

    for (; at < m->block.end || at == m->block.bad; at += n) {
        n = scan_line(m->text + at, m->spec->text_len - at);
        if (!check_header_line(m, at, n, &s, err))
            return false;
    }
    *lines = s.lines + (m->block.body > m->block.end ? 1 : 0);
    return true;
}

static unsigned earlier(unsigned a, unsigned b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* What nothing can carry in a body that came with a header. */
static bool check_body(const struct impl *m, struct message_error *err)
{
    const struct scan *s = &m->body.scan;
    unsigned cr = m->spec->repair ? 0 : s->cr, line;
    unsigned nul = m->spec->repair ? 0 : s->nul;
    unsigned too_long = m->fixed != NULL ? s->too_long : 0;

    line = earlier(earlier(cr, nul), too_long);
    if (!m->block.present || line == 0)
        return true;
    if (line == nul)
        return check_fail(err, line, "NUL character");
    if (line == cr)
        return check_fail(err, line,
                          "carriage return that no line feed follows");
    check_fail(err, line, "line of more than 998 octets");
    if (err->why[0] != '\0') {
        struct text t = text_into(err->why, sizeof err->why);

        text_str(&t, "line of more than 998 octets, in a text that cannot be "
                     "encoded anew: ");
        text_str(&t, m->fixed);
        text_end(&t);
    }
    return false;
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

static void scan_part(const struct impl *m, struct part *part, unsigned lines)
{
    memset(&part->scan, 0, sizeof part->scan);
    part->scan.lines = lines;
    if (part->n != 0)
        scan_text(&part->scan, part->p, part->n, m->boundary, BOUNDARY_LEN);
}

/* Encoded as base64 or quoted-printable no text can hold "=_", so a boundary
 * that is in no line of the texts as they are is in none. */
bool check_text(struct impl *m, struct message_error *err)
{
    unsigned attempt, lines = 0;

    if (!check_header(m, &lines, err))
        return false;
    for (attempt = 0; attempt < TRIES; attempt++) {
        make_boundary(m, attempt);
        scan_part(m, &m->body, lines);
        scan_part(m, &m->html, 0);
        if (impl_is_text(m) || !(m->body.scan.marked || m->html.scan.marked))
            return check_body(m, err);
    }
    return check_fail(err, 0, "every boundary tried occurs in the text");
}

/* --------------------------------------------------------------- the spec */

static bool printable(struct smtp_str s)
{
    size_t i;

    for (i = 0; i < s.len; i++) {
        if (is_control((uint8_t)s.p[i]))
            return false;
    }
    return true;
}

/* RFC 5322 3.6.4, as much as keeps the field whole */
static bool id_ok(struct smtp_str s)
{
    size_t i;

    for (i = 0; i < s.len; i++) {
        if ((uint8_t)s.p[i] <= 0x20 || (uint8_t)s.p[i] >= 0x7f ||
            s.p[i] == '<' || s.p[i] == '>')
            return false;
    }
    return s.len != 0 && s.len <= ID_MAX;
}

/* Folded at its blanks it stays within 998 octets a line. */
static bool folds(struct smtp_str s)
{
    while (s.len != 0) {
        size_t n = mime_fold(s, 1);

        if (n > WORD_MAX)
            return false;
        s.p += n;
        s.len -= n;
    }
    return true;
}

static bool check_addresses(struct impl *m, struct smtp_str list,
                            struct message_error *err)
{
    if (impl_trimmed(list).len == 0 || !printable(list) || !folds(list))
        return check_fail_about(err, "no address list for a field", list);
    m->recode = recode_value(list, true, 0);
    for (;;) {
        struct text t = text_into(m->buf, sizeof m->buf);

        if (!recode_next(&m->recode, &t))
            break;
    }
    if (m->recode.bad != NULL)
        return check_fail_about(err, m->recode.bad, list);
    m->made_utf8 = m->made_utf8 || m->recode.utf8;
    return true;
}

static bool check_lists(struct impl *m, const struct smtp_str *list,
                        size_t count, struct message_error *err)
{
    size_t i;

    for (i = 0; i < count; i++)
        if (!check_addresses(m, list[i], err))
            return false;
    return true;
}

static bool field_name_ok(struct smtp_str s)
{
    size_t i;

    for (i = 0; i < s.len; i++)
        if ((uint8_t)s.p[i] <= 32 || (uint8_t)s.p[i] >= 127 || s.p[i] == ':')
            return false;
    return s.len != 0 && s.len <= 70;
}

static bool check_field(struct impl *m, const struct message_field *f,
                        struct message_error *err)
{
    if (!field_name_ok(f->name))
        return check_fail_about(err, "no name for a header field", f->name);
    if (f->kind == MESSAGE_ADDRESSES)
        return check_lists(m, f->list, f->count, err);
    if (f->value.len == 0 || !printable(f->value))
        return check_fail_about(
            err, "empty, or holds a control character: field", f->name);
    if (f->kind == MESSAGE_ASCII && (!mime_ascii(f->value) || !folds(f->value)))
        return check_fail_about(
            err, "not ASCII, or a word that is too long: field", f->name);
    return true;
}

/* RFC 2392, and no more than is needed. */
bool check_is_cid(char c)
{
    return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9') ||
           c == '.' || c == '-' || c == '_' || c == '@' || c == '+';
}

static bool cid_ok(struct smtp_str s)
{
    size_t i;

    for (i = 0; i < s.len; i++)
        if (!check_is_cid(s.p[i]))
            return false;
    return true;
}

static bool check_files(const struct message_file *file, size_t count,
                        struct message_error *err)
{
    size_t i;

    for (i = 0; i < count; i++) {
        struct smtp_str name = file[i].name;

        if (name.len == 0 || name.p[name.len - 1] == '/')
            return check_fail(err, 0, "an attachment has no name");
        if (name.len > NAME_MAX_LEN)
            return check_fail(err, 0, "an attachment's name is too long");
        if (!printable(name))
            return check_fail(err, 0,
                              "an attachment's name holds a control "
                              "character");
    }
    return true;
}

static bool check_parts(const struct impl *m, struct message_error *err)
{
    const struct message_spec *s = m->spec;
    size_t i;

    if (m->block.present && m->fixed != NULL &&
        (s->html != NULL || (m->is_signed && s->attach_count != 0)))
        return check_fail_about(
            err, "nothing can be added to the message",
            (struct smtp_str){ m->fixed, strlen(m->fixed) });
    if (s->inlined_count != 0 && s->html == NULL)
        return check_fail(err, 0, "there is no HTML to show the inline files");
    for (i = 0; i < s->inlined_count; i++)
        if (!cid_ok(s->inlined[i].name))
            return check_fail_about(
                err,
                "a name that cid: cannot refer to (letters, "
                "digits, . - _ @ + only)",
                s->inlined[i].name);
    return check_files(s->inlined, s->inlined_count, err) &&
           check_files(s->attach, s->attach_count, err);
}

static bool check_from(struct impl *m, struct message_error *err)
{
    const struct message_spec *s = m->spec;
    char buf[ADDRESS_MAX + 256];
    struct text t = text_into(buf, sizeof buf);
    const char *why = NULL;
    bool utf8 = false;

    if (m->make_from && s->from.len == 0)
        return check_fail(err, 0,
                          "it has no From field, and there is no sender to "
                          "make one of");
    if (s->from.len > ADDRESS_MAX || !printable(s->from))
        return check_fail(err, 0, "the sender is no address for a From field");
    if (s->from_name.len > NAME_MAX_LEN || !printable(s->from_name))
        return check_fail(err, 0,
                          "the sender's name is too long or holds a control "
                          "character");
    if (m->make_from && !idna_address(&t, s->from, &utf8, &why))
        return check_fail_about(err, why, s->from);
    m->made_utf8 = m->made_utf8 || utf8;
    return true;
}

bool check_spec(struct impl *m, struct message_error *err)
{
    const struct message_spec *s = m->spec;
    size_t i;

    if (!check_from(m, err))
        return false;
    if (!printable(s->subject))
        return check_fail(err, 0, "the subject holds a control character");
    if (!check_lists(m, s->to, s->to_count, err))
        return false;
    for (i = 0; i < s->field_count; i++)
        if (!check_field(m, &s->field[i], err))
            return false;
    if (m->make_msgid && !id_ok(s->message_id))
        return check_fail(err, 0, "the Message-ID to be given is malformed");
    return check_parts(m, err);
}
