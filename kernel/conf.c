/*
 * conf.c - the parser behind conf.h.
 *
 * Pure: no allocation, no I/O. A file is read twice: once to check every
 * line of every account, once to apply the account that is asked for. An
 * account is found by scanning the text again, so that no table of accounts
 * limits a file; CONF_ACCOUNTS and CONF_APPLY bound the work a hostile file
 * can ask for.
 */
#include "conf.h"

#include "conf_value.h"

#define CONF_ACCOUNTS 256 /* accounts in one file                          */
#define CONF_APPLY    64  /* accounts one account is put together from     */
#define CONF_DEPTH    16  /* parents of parents                            */

struct line {
    struct blob key, value;  /* value: trimmed, quotes dropped */
    const uint8_t *value_at; /* where it stands, quotes included */
};

struct parser {
    const struct conf_key *keys;
    size_t count;
    void *out;
    struct blob text;
    unsigned budget;
    struct conf_error *err;
};

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static struct blob trim(struct blob b)
{
    while (b.len != 0 && is_space(b.p[0])) {
        b.p++;
        b.len--;
    }
    while (b.len != 0 && is_space(b.p[b.len - 1]))
        b.len--;
    return b;
}

/* msmtp: quotes count only if the value begins and ends with one */
static struct blob unquote(struct blob b)
{
    if (b.len >= 2 && b.p[0] == '"' && b.p[b.len - 1] == '"')
        return blob_of(b.p + 1, b.len - 2);
    return b;
}

/* The next line that is neither empty nor a comment. */
static bool next_line(struct blob text, size_t *at, struct line *line)
{
    while (*at < text.len) {
        const uint8_t *start = text.p + *at;
        size_t left = text.len - *at;
        const uint8_t *nl = memchr(start, '\n', left);
        size_t len = nl != NULL ? (size_t)(nl - start) : left;
        struct blob b;

        *at += nl != NULL ? len + 1 : len;
        if (len != 0 && start[len - 1] == '\r')
            len--;
        b = trim(blob_of(start, len));
        if (b.len == 0 || b.p[0] == '#')
            continue;
        line->key = b;
        line->key.len = 0;
        while (line->key.len < b.len && !is_space(b.p[line->key.len]))
            line->key.len++;
        b.p += line->key.len;
        b.len -= line->key.len;
        b = trim(b);
        line->value_at = b.p;
        line->value = unquote(b);
        return true;
    }
    return false;
}

void conf_place(struct conf_error *err, struct blob text, const uint8_t *p)
{
    const uint8_t *line = text.p, *nl;

    err->line = 1;
    while (line < p && (nl = memchr(line, '\n', (size_t)(p - line))) != NULL) {
        err->line++;
        line = nl + 1;
    }
    err->column = (unsigned)(p - line) + 1;
}

static bool fail(struct parser *ps, const uint8_t *p, const char *why)
{
    conf_place(ps->err, ps->text, p);
    conf_why(ps->err, why);
    return false;
}

/* "key [value]" for the table: checked, and stored if out is not NULL */
static bool assign(struct parser *ps, const struct line *line, void *out,
                   const void *source)
{
    const struct conf_key *key;

    key = conf_find(ps->keys, ps->count, line->key);
    if (key == NULL) {
        conf_place(ps->err, ps->text, line->key.p);
        conf_why_unknown(ps->err, ps->keys, ps->count, line->key);
        return false;
    }
    if (key->type == CONF_HOST_ONLY && out == NULL)
        return true;
    if (!conf_value(key, out, line->value, source, ps->err)) {
        conf_place(ps->err, ps->text,
                   line->value.len != 0 ? line->value_at : line->key.p);
        return false;
    }
    return true;
}

/* "NAME" or "NAME : PARENTS" of an account line */
static void split_account(struct blob value, struct blob *name,
                          struct blob *parents)
{
    const uint8_t *colon = NULL;

    if (value.len != 0)
        colon = memchr(value.p, ':', value.len);
    *name = value;
    *parents = blob_of(NULL, 0);
    if (colon != NULL) {
        name->len = (size_t)(colon - value.p);
        *parents = trim(blob_of(colon + 1, value.len - name->len - 1));
        if (parents->p == NULL)
            parents->p = colon;
    }
    *name = trim(*name);
}

/* One name of a comma-separated list; false at its end. */
static bool next_name(struct blob *list, struct blob *name)
{
    const uint8_t *comma;

    if (list->p == NULL)
        return false;
    comma = list->len != 0 ? memchr(list->p, ',', list->len) : NULL;
    *name = *list;
    if (comma == NULL) {
        list->p = NULL;
    } else {
        name->len = (size_t)(comma - list->p);
        *list = blob_of(comma + 1, list->len - name->len - 1);
    }
    *name = trim(*name);
    return true;
}

/* Keys that stand above any section are the account "default". */
static bool headless(struct blob text)
{
    struct line line;
    size_t at = 0;

    return next_line(text, &at, &line) &&
           !blob_eq(line.key, blob_str("account")) &&
           !blob_eq(line.key, blob_str("defaults"));
}

/* The account called name that starts before offset end; *body is the offset
 * of its first line. */
static bool find_account(struct blob text, struct blob name, size_t end,
                         size_t *body, struct blob *parents)
{
    struct line line;
    struct blob found;
    size_t at = 0;

    *body = 0;
    *parents = blob_of(NULL, 0);
    if (blob_eq(name, blob_str("default")) && headless(text))
        return true;
    while (next_line(text, &at, &line)) {
        if ((size_t)(line.key.p - text.p) >= end)
            return false;
        if (!blob_eq(line.key, blob_str("account")))
            continue;
        split_account(line.value, &found, parents);
        if (blob_eq(found, name)) {
            *body = at;
            return true;
        }
    }
    return false;
}

static bool check_account(struct parser *ps, const struct line *line)
{
    size_t here = (size_t)(line->key.p - ps->text.p), body;
    struct blob name, parents, parent, ignored;
    unsigned count = 0;

    split_account(line->value, &name, &parents);
    if (name.len == 0)
        return fail(ps, line->key.p, "account needs a name");
    if (find_account(ps->text, name, here, &body, &ignored)) {
        fail(ps, name.p, "account ");
        conf_why_quoted(ps->err, name);
        conf_why(ps->err, " is there already");
        return false;
    }
    while (next_name(&parents, &parent)) {
        if (parent.len == 0)
            return fail(ps, parent.p, "an account name is missing");
        if (++count > CONF_APPLY)
            return fail(ps, parent.p, "too many accounts inherited from");
        if (find_account(ps->text, parent, here, &body, &ignored))
            continue;
        fail(ps, parent.p, "account ");
        conf_why_quoted(ps->err, parent);
        conf_why(ps->err, " is not defined above this line");
        return false;
    }
    return true;
}

/* First pass: every line is good, whatever account it is in. */
static bool check(struct parser *ps, size_t *accounts, struct blob *only)
{
    struct line line;
    size_t at = 0;

    *accounts = 0;
    while (next_line(ps->text, &at, &line)) {
        if (blob_eq(line.key, blob_str("defaults"))) {
            if (line.value.len != 0)
                return fail(ps, line.value_at, "defaults takes no value");
        } else if (blob_eq(line.key, blob_str("account"))) {
            struct blob parents;

            if (++*accounts > CONF_ACCOUNTS)
                return fail(ps, line.key.p, "too many accounts");
            if (!check_account(ps, &line))
                return false;
            split_account(line.value, only, &parents);
        } else if (!assign(ps, &line, NULL, NULL)) {
            return false;
        }
    }
    return true;
}

/* Applies the lines from offset at up to the next section. */
static bool apply_section(struct parser *ps, size_t at)
{
    const void *source = ps->text.p + at;
    struct line line;

    while (next_line(ps->text, &at, &line)) {
        if (blob_eq(line.key, blob_str("account")) ||
            blob_eq(line.key, blob_str("defaults")))
            break;
        if (!assign(ps, &line, ps->out, source))
            return false;
    }
    return true;
}

static bool apply_defaults(struct parser *ps, size_t end)
{
    struct line line;
    size_t at = 0;

    while (next_line(ps->text, &at, &line)) {
        if ((size_t)(line.key.p - ps->text.p) >= end)
            break;
        if (blob_eq(line.key, blob_str("defaults")) && !apply_section(ps, at))
            return false;
    }
    return true;
}

/* Parents are above their children (checked), so this ends; the budget ends
 * it soon. */
static bool apply_account(struct parser *ps, size_t body, struct blob parents,
                          unsigned depth)
{
    struct blob parent, grand;
    size_t parent_body;

    if (depth > CONF_DEPTH || ps->budget-- == 0)
        return fail(ps, ps->text.p + body, "too many accounts inherited from");
    while (next_name(&parents, &parent)) {
        if (find_account(ps->text, parent, body, &parent_body, &grand) &&
            !apply_account(ps, parent_body, grand, depth + 1))
            return false;
    }
    return apply_section(ps, body);
}

static bool apply(struct parser *ps, struct blob account, size_t accounts,
                  struct blob only)
{
    struct blob name = account, parents;
    size_t body;

    if (account.len == 0)
        name =
            accounts == 1 && !headless(ps->text) ? only : blob_str("default");
    if (find_account(ps->text, name, ps->text.len, &body, &parents))
        return apply_defaults(ps, body) && apply_account(ps, body, parents, 0);
    if (account.len == 0 && accounts == 0)
        return apply_defaults(ps, ps->text.len);
    conf_why(ps->err, "there is no account ");
    conf_why_quoted(ps->err, name);
    if (account.len == 0)
        conf_why(ps->err, ": choose one with account=NAME");
    return false;
}

static void start_error(struct conf_error *err, const char *file)
{
    size_t n = strlen(file);

    memset(err, 0, sizeof *err);
    if (n >= sizeof err->file)
        n = sizeof err->file - 1;
    memcpy(err->file, file, n);
}

bool conf_parse(const struct conf_key *keys, size_t count, void *out,
                const char *file, struct blob text, struct blob account,
                struct conf_error *err)
{
    struct parser ps = { keys, count, out, text, CONF_APPLY, err };
    struct blob only = blob_of(NULL, 0);
    size_t accounts;

    start_error(err, file);
    if (text.len >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0)
        ps.text = blob_of(text.p + 3, text.len - 3);
    return check(&ps, &accounts, &only) && apply(&ps, account, accounts, only);
}

bool conf_defaults(const struct conf_key *keys, size_t count, void *out,
                   struct conf_error *err)
{
    size_t i;

    start_error(err, "table of keys");
    for (i = 0; i < count; i++) {
        if (keys[i].dflt == NULL || keys[i].type == CONF_HOST_ONLY)
            continue;
        err->line = (unsigned)i + 1;
        if (!conf_value(&keys[i], out, blob_str(keys[i].dflt), NULL, err))
            return false;
    }
    err->line = 0;
    return true;
}

/* The next word, quotes included: they hide blanks, as on Linux. */
static bool next_word(struct blob text, size_t *at, struct blob *word,
                      bool *closed)
{
    size_t start;

    while (*at < text.len && (is_space(text.p[*at]) || text.p[*at] == '\n'))
        ++*at;
    start = *at;
    *closed = true;
    while (*at < text.len) {
        uint8_t c = text.p[*at];

        if (c == '"')
            *closed = !*closed;
        else if (*closed && (is_space(c) || c == '\n'))
            break;
        ++*at;
    }
    *word = blob_of(text.p + start, *at - start);
    return word->len != 0;
}

static bool starts_with(struct blob b, const char *prefix)
{
    size_t n = strlen(prefix);

    return b.len >= n && memcmp(b.p, prefix, n) == 0;
}

/* Splits key=value; the quotes may stand round the value or the whole word. */
static void split_word(struct blob word, struct line *line)
{
    const uint8_t *eq;

    word = unquote(word);
    eq = word.len != 0 ? memchr(word.p, '=', word.len) : NULL;
    line->key = word;
    line->value = blob_of(word.p + word.len, 0);
    if (eq != NULL) {
        line->key.len = (size_t)(eq - word.p);
        line->value = blob_of(eq + 1, word.len - line->key.len - 1);
    }
    line->value_at = line->value.p;
    line->value = unquote(line->value);
}

bool conf_cmdline(const struct conf_key *keys, size_t count, void *out,
                  struct blob cmdline, struct conf_error *err)
{
    struct parser ps = { keys, count, out, cmdline, 0, err };
    bool strict = false, closed;
    struct blob word;
    size_t at = 0;

    start_error(err, "command line");
    while (next_word(cmdline, &at, &word, &closed)) {
        struct line line;

        if (blob_eq(word, blob_str("--"))) {
            strict = true;
            continue;
        }
        if (starts_with(word, "virtio_mmio."))
            continue;
        split_word(word, &line);
        if (!strict && (memchr(word.p, '=', word.len) == NULL ||
                        conf_find(keys, count, line.key) == NULL))
            continue;
        if (!closed)
            return fail(&ps, word.p, "a quote is not closed");
        if (!assign(&ps, &line, out, cmdline.p))
            return false;
    }
    return true;
}
