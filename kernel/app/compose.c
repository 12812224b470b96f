/*
 * compose.c - which fields, texts and files the message has.
 */
#include "compose.h"

#include <stdio.h>

#include "clock.h"
#include "files.h"
#include "idna.h"
#include "mime.h"
#include "recode.h"
#include "rng.h"
#include "sign.h"
#include "text.h"

#define FILES_AT_MOST 64 /* attached; and as many shown in the HTML */
#define FIELDS        (CONF_LIST_MAX + 8)

static struct smtp_str str_of(struct blob b)
{
    struct smtp_str s = { (const char *)b.p, b.len };

    return s;
}

static struct smtp_str literal(const char *p)
{
    struct smtp_str s = { p, strlen(p) };

    return s;
}

static bool failed(const struct message_error *err, enum outcome outcome,
                   enum status status, struct report *r)
{
    if (err->line != 0)
        return report_end(r, outcome, status, "message, line %u: %s", err->line,
                          err->why);
    return report_end(r, outcome, status, "message: %s", err->why);
}

/* <time.random@domain>: unique without a registry (RFC 5322 3.6.4) */
static struct smtp_str new_message_id(const struct config *c,
                                      struct smtp_str from)
{
    static char id[320];
    struct smtp_str domain = str_of(c->domain), s = { id, 0 };
    uint32_t a = rng_u32(), b = rng_u32(), d = rng_u32();
    char ascii[256];
    struct text t = text_into(ascii, sizeof(ascii));
    const char *sign, *why;
    int n;

    for (sign = from.p + from.len; from.len != 0 && sign > from.p; sign--)
        if (sign[-1] == '@') {
            domain.p = sign;
            domain.len = (size_t)(from.p + from.len - sign);
            break;
        }
    if (domain.len == 0 || !idna_domain(&t, domain, &why) || t.full) {
        t = text_into(ascii, sizeof(ascii));
        text_str(&t, "localhost");
    }
    n = snprintf(id, sizeof(id), "%lx.%08lx%08lx%08lx@%.*s",
                 (unsigned long)(clock_unix() > 0 ? clock_unix() : 0),
                 (unsigned long)a, (unsigned long)b, (unsigned long)d,
                 (int)t.len, ascii);
    s.len = n > 0 && (size_t)n < sizeof(id) ? (size_t)n : 0;
    return s;
}

/* ---------------------------------------------------------------- fields */

/* A list of the configuration's as lists of addresses, in store. */
static size_t lists(const struct conf_list *list, struct smtp_str *store)
{
    size_t i;

    for (i = 0; i < list->count; i++)
        store[i] = str_of(list->item[i]);
    return list->count;
}

/* "root" alone becomes the address that the envelope has made of it. */
static void show_qualified(struct smtp_str *item, size_t count,
                           const struct smtp_job *job)
{
    size_t i, k;

    for (i = 0; i < count; i++) {
        if (memchr(item[i].p, '@', item[i].len) != NULL)
            continue;
        for (k = 0; k < job->rcpt_count; k++) {
            struct smtp_str a = job->rcpt[k].address;

            if (a.len > item[i].len && a.p[item[i].len] == '@' &&
                memcmp(a.p, item[i].p, item[i].len) == 0) {
                item[i] = a;
                break;
            }
        }
    }
}

struct fields {
    struct message_field at[FIELDS];
    size_t count, lists; /* ... of which come from the key header */
};

static void add_list(struct fields *f, const char *name,
                     const struct smtp_str *list, size_t count)
{
    struct message_field field = { .kind = MESSAGE_ADDRESSES,
                                   .name = literal(name),
                                   .list = list,
                                   .count = count };

    if (count != 0)
        f->at[f->count++] = field;
}

static void add(struct fields *f, const char *name, struct smtp_str value,
                enum message_kind kind)
{
    struct message_field field = { .kind = kind,
                                   .name = literal(name),
                                   .value = value };

    if (value.len != 0)
        f->at[f->count++] = field;
}

static struct smtp_str trimmed(struct smtp_str s)
{
    while (s.len != 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s.p++;
        s.len--;
    }
    while (s.len != 0 && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
        s.len--;
    return s;
}

/* The key that makes the field all the same; NULL: none does. */
static const char *made_by(const struct config *c, struct smtp_str name)
{
    const struct {
        const char *field, *key;
        bool made;
    } table[] = {
        { "from", "from", c->set_from_header != TRI_OFF },
        { "to", "to", true },
        { "bcc", "bcc", true }, /* as a field it would be told to everybody */
        { "date", "set_date_header", c->set_date_header != TRI_OFF },
        { "message-id", "message_id", c->set_msgid_header != TRI_OFF },
        { "subject", "subject", c->subject.len != 0 },
        { "cc", "cc", c->cc.count != 0 },
        { "reply-to", "reply_to", c->reply_to.count != 0 },
        { "in-reply-to", "in_reply_to", c->in_reply_to.len != 0 },
        { "references", "references", c->references.len != 0 },
        { "list-id", "list_id", c->list_id.len != 0 },
        { "list-unsubscribe", "list_unsubscribe",
          c->list_unsubscribe.len != 0 },
        { "importance", "importance", c->importance != IMPORTANCE_NONE },
        { "auto-submitted", "auto_submitted", c->auto_submitted != AUTO_OFF },
    };
    size_t i;

    for (i = 0; i < sizeof(table) / sizeof(*table); i++)
        if (table[i].made && text_same(name.p, name.len, table[i].field))
            return table[i].key;
    return NULL;
}

static bool is_single(struct smtp_str name)
{
    static const char *const single[] = {
        "from",       "date",          "message-id", "subject",
        "sender",     "reply-to",      "cc",         "in-reply-to",
        "references", "list-id",       "importance", "list-unsubscribe",
        "priority",   "auto-submitted"
    };
    size_t i;

    for (i = 0; i < sizeof(single) / sizeof(*single); i++)
        if (text_same(name.p, name.len, single[i]))
            return true;
    return false;
}

/* A message has one From, one Subject (RFC 5322 3.6); readers and servers
 * differ in what they do with two. */
static bool name_ok(const struct config *c, const struct fields *f,
                    struct smtp_str name, struct report *r)
{
    const char *key = made_by(c, name);
    size_t k;

    if (message_about_body(name))
        return report_end(r, OUTCOME_INVALID, STATUS_CONFIG,
                          "header: %.*s is for the message itself to say, or "
                          "for message.html",
                          (int)name.len, name.p);
    if (key != NULL)
        return report_end(r, OUTCOME_INVALID, STATUS_CONFIG,
                          "header: the field %.*s is what the key %s is for",
                          (int)name.len, name.p, key);
    for (k = 0; is_single(name) && k < f->count; k++)
        if (text_equal(f->at[k].name.p, f->at[k].name.len, name.p, name.len))
            return report_end(r, OUTCOME_INVALID, STATUS_CONFIG,
                              "header: a second field %.*s", (int)name.len,
                              name.p);
    return true;
}

/* "Name: value" of the key header. */
static bool add_line(const struct config *c, struct fields *f,
                     struct smtp_str line, struct report *r)
{
    static struct smtp_str list[CONF_LIST_MAX];
    const char *colon = memchr(line.p, ':', line.len);
    struct message_field field = { .kind = MESSAGE_WORDS, .name = line };
    bool addresses;

    if (colon == NULL)
        return report_end(r, OUTCOME_INVALID, STATUS_CONFIG,
                          "header wants \"Name: value\", not \"%.*s\"",
                          line.len > 60 ? 60 : (int)line.len, line.p);
    field.name.len = (size_t)(colon - line.p);
    if (!name_ok(c, f, field.name, r))
        return false;
    field.value.p = colon + 1;
    field.value.len = line.len - field.name.len - 1;
    field.value = trimmed(field.value);
    if (mime_ascii(field.value)) { /* as it is, encoded words and all */
        field.kind = MESSAGE_ASCII;
    } else if (recode_kind(field.name, &addresses) && addresses) {
        field.kind = MESSAGE_ADDRESSES; /* only the names are words */
        field.list = &list[f->lists];
        field.count = 1;
        list[f->lists++] = field.value;
    }
    f->at[f->count++] = field;
    return true;
}

static bool fields(const struct config *c, const struct smtp_job *job,
                   struct message_spec *spec, struct report *r)
{
    static const char *const importance[] = { "", "low", "normal", "high" };
    static const char *const automatic[] = { "", "auto-generated",
                                             "auto-replied" };
    static struct smtp_str cc[CONF_LIST_MAX], reply_to[CONF_LIST_MAX];
    static struct fields f;
    size_t n, i;

    f.count = f.lists = 0;
    n = lists(&c->cc, cc);
    show_qualified(cc, n, job);
    add_list(&f, "Cc", cc, n);
    add_list(&f, "Reply-To", reply_to, lists(&c->reply_to, reply_to));
    add(&f, "In-Reply-To", str_of(c->in_reply_to), MESSAGE_ASCII);
    add(&f, "References", str_of(c->references), MESSAGE_ASCII);
    add(&f, "List-Id", str_of(c->list_id), MESSAGE_ASCII);
    add(&f, "List-Unsubscribe", str_of(c->list_unsubscribe), MESSAGE_ASCII);
    add(&f, "Importance", literal(importance[c->importance]), MESSAGE_ASCII);
    add(&f, "Auto-Submitted", literal(automatic[c->auto_submitted]),
        MESSAGE_ASCII);
    for (i = 0; i < c->header.count; i++)
        if (!add_line(c, &f, str_of(c->header.item[i]), r))
            return false;
    spec->field = f.at;
    spec->field_count = f.count;
    return true;
}

/* ----------------------------------------------------------------- files */

static bool files(const char *folder, struct message_file *file, size_t *count,
                  struct report *r)
{
    struct blob prefix = blob_str(folder), name, data;
    size_t at = 0;

    while (files_next(prefix, &at, &name, &data)) {
        if (name.len == prefix.len)
            continue;
        if (*count == FILES_AT_MOST)
            return report_end(r, OUTCOME_INVALID, STATUS_MESSAGE,
                              "more than %d files in %s", FILES_AT_MOST,
                              folder);
        file[*count].name.p = (const char *)name.p + prefix.len;
        file[*count].name.len = name.len - prefix.len;
        file[*count].data = data.p;
        file[*count].len = data.len;
        ++*count;
    }
    return true;
}

static bool parts(const struct config *c, struct message_spec *spec,
                  struct report *r)
{
    static struct message_file attach[FILES_AT_MOST], inlined[FILES_AT_MOST];

    spec->text = c->message.p;
    spec->text_len = c->message.len;
    spec->html = c->html.p;
    spec->html_len = c->html.len;
    spec->attach = attach;
    spec->inlined = inlined;
    return files("attach/", attach, &spec->attach_count, r) &&
           files("inline/", inlined, &spec->inlined_count, r);
}

static void people(const struct config *c, const struct smtp_job *job,
                   struct message_spec *spec)
{
    static struct smtp_str to[CONF_LIST_MAX];
    const struct conf_list *list = &c->to;

    spec->replace_to = c->set_to_header.count != 0;
    if (spec->replace_to)
        list = &c->set_to_header;
    spec->to = to;
    spec->to_count = lists(list, to);
    show_qualified(to, spec->to_count, job);
    spec->from = job->from;
    spec->from_name = str_of(c->from_full_name);
    spec->add_from = c->set_from_header != TRI_OFF;
    spec->replace_from = c->set_from_header == TRI_ON;
    spec->remove_bcc = c->remove_bcc_headers;
    spec->undisclosed = c->undisclosed_recipients;
}

bool compose_open(const struct config *c, struct smtp_job *job,
                  struct message *m, struct report *r)
{
    static struct message_spec spec; /* the stream points into it */
    struct message_error err;

    memset(&spec, 0, sizeof(spec));
    spec.subject = str_of(c->subject);
    spec.date = c->date_s != 0 ? c->date_s : clock_unix();
    spec.message_id = c->message_id.len != 0 ? str_of(c->message_id)
                                             : new_message_id(c, job->from);
    rng_bytes(spec.random, sizeof(spec.random));
    spec.add_date = c->set_date_header != TRI_OFF;
    spec.add_msgid = c->set_msgid_header != TRI_OFF;
    spec.repair = c->repair_message;
    people(c, job, &spec);
    if (!fields(c, job, &spec, r) || !parts(c, &spec, r))
        return false;
    if (!message_open(m, &spec, &err))
        return failed(&err, OUTCOME_INVALID, STATUS_MESSAGE, r);
    r->message_id = blob_of(message_id(m).p, message_id(m).len);
    r->bytes = message_size(m);
    job->fit = true;
    return true;
}

/* No hop shall have to convert what is signed: 7-bit, if that can be had (RFC
 * 6376 5.3). */
static bool fit(struct message *m, struct smtp_offers offers,
                struct message_error *err)
{
    struct smtp_offers least = { .utf8 = offers.utf8 };

    if (sign_wanted() && message_fit(m, least, err))
        return true;
    offers.binary = offers.binary && !sign_wanted();
    return message_fit(m, offers, err);
}

bool compose_fit(struct message *m, struct smtp_offers offers, struct report *r)
{
    struct message_error err;

    if (!fit(m, offers, &err))
        return failed(&err, OUTCOME_REFUSED, STATUS_REFUSED, r);
    if (!sign_message(m, r))
        return false;
    r->bytes = message_size(m);
    return true;
}
