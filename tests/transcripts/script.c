/*
 * script.c - reads a dialogue file. README.md beside it has the format.
 */
#include "script.h"

#include "auth.h"

#include "escape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const verdicts[] = { "pending", "sent", "later", "refused",
                                        "unsure" };
static const char *const failures[] = {
    "none",       "job",       "timeout",     "lost",      "protocol",
    "injection",  "tls-first", "no-starttls", "no-auth",   "auth",
    "greeting",   "sender",    "recipients",  "partial",   "message",
    "size",       "utf8",      "unfit",       "extension", "tls",
    "encryption", "auth-weak", "auth-needed", "impostor"
};
#define FAILURES (sizeof failures / sizeof failures[0])

const char *script_verdict(enum smtp_verdict v)
{
    return verdicts[v];
}

const char *script_failure(enum smtp_failure f)
{
    return failures[f];
}

static int find(const char *const *names, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], word) == 0)
            return (int)i;
    return -1;
}

static struct smtp_str value(struct script *s, const char *text)
{
    struct bytes b = bytes_unescape(text);
    struct smtp_str str = { (const char *)b.p, b.len };

    if (s->kept_count == SCRIPT_KEPT)
        abort();
    s->kept[s->kept_count++] = b.p;
    return str;
}

static bool add_rcpt(struct script *s, char *arg)
{
    struct script_rcpt *r = &s->rcpt[s->rcpt_count];
    char *arrow = strstr(arg, " -> ");
    char word[16];
    int v;

    if (arrow == NULL || s->rcpt_count == SCRIPT_RCPT ||
        sscanf(arrow + 4, "%15s %u", word, &r->code) < 1)
        return false;
    v = find(verdicts, 5, word);
    if (v < 0)
        return false;
    *arrow = '\0';
    r->address = value(s, arg);
    r->verdict = (enum smtp_verdict)v;
    s->rcpt_count++;
    return true;
}

/* "rcpts N -> verdict": u0@example.org and so on */
static bool add_rcpts(struct script *s, char *arg)
{
    long n = strtol(arg, NULL, 10);
    char *arrow = strstr(arg, " -> ");
    char text[64];

    for (long i = 0; i < n; i++) {
        snprintf(text, sizeof text, "u%ld@example.org%s", i,
                 arrow != NULL ? arrow : "");
        if (!add_rcpt(s, text))
            return false;
    }
    return n > 0;
}

static bool flag(struct script *s, const char *key)
{
    if (strcmp(key, "lmtp") == 0)
        s->job.lmtp = true;
    else if (strcmp(key, "unsafe") == 0)
        s->job.auth_unsafe = true;
    else if (strcmp(key, "unverified") == 0)
        s->verified = false;
    else if (strcmp(key, "requiretls") == 0)
        s->job.wishes.require_tls = true;
    else if (strcmp(key, "nocrypto") == 0)
        s->no_crypto = true;
    else if (strcmp(key, "binary") == 0)
        s->job.binary = true;
    else if (strcmp(key, "nochunking") == 0)
        s->job.no_chunking = true;
    else if (strcmp(key, "keep") == 0)
        s->job.keep = true;
    else if (strcmp(key, "split") == 0)
        s->job.split = true;
    else if (strcmp(key, "check") == 0)
        s->job.check = true;
    else if (strcmp(key, "eightbit") == 0)
        s->job.eight_bit = true;
    else
        return false;
    return true;
}

static bool choice(struct script *s, const char *key, const char *arg)
{
    static const char *const tls[] = { "none", "starttls", "implicit" };
    struct smtp_str name = { arg, strlen(arg) };
    int v = -1;

    if (strcmp(key, "tls") == 0 && (v = find(tls, 3, arg)) >= 0)
        s->job.tls = (enum smtp_tls)v;
    else if (strcmp(key, "auth") == 0) {
        v = strcmp(arg, "off") == 0   ? SMTP_AUTH_OFF
            : strcmp(arg, "any") == 0 ? SMTP_AUTH_ANY
                                      : (int)auth_by_name(name);
        s->job.auth = (enum smtp_auth)v;
    }
    if (strcmp(key, "verdict") == 0 && (v = find(verdicts, 5, arg)) >= 0)
        s->verdict = (enum smtp_verdict)v;
    else if (strcmp(key, "failure") == 0 &&
             (v = find(failures, FAILURES, arg)) >= 0)
        s->failure = (enum smtp_failure)v;
    return v >= 0;
}

/* "notify failure,delay" and "orcpt ADDRESS": of the recipient above */
static bool of_rcpt(struct script *s, const char *key, const char *arg)
{
    static const char *const words[] = { "never", "success", "failure",
                                         "delay" };
    struct script_rcpt *r = &s->rcpt[s->rcpt_count];

    if (s->rcpt_count == 0)
        return false;
    r--;
    if (strcmp(key, "orcpt") == 0)
        r->orcpt = value(s, arg);
    else if (strcmp(key, "notify") == 0)
        for (unsigned i = 0; i < 4; i++)
            r->notify |= (uint8_t)(strstr(arg, words[i]) != NULL ? 1u << i : 0);
    else
        return false;
    return true;
}

/* "by N;R", "priority N" and the like: struct smtp_wishes */
static bool wish(struct script *s, const char *key, const char *arg)
{
    struct smtp_wishes *w = &s->job.wishes;

    if (strcmp(key, "ret") == 0) {
        w->ret = strcmp(arg, "full") == 0 ? SMTP_RET_FULL : SMTP_RET_HDRS;
    } else if (strcmp(key, "envid") == 0) {
        w->envid = value(s, arg);
    } else if (strcmp(key, "by") == 0) {
        w->by_seconds = (uint32_t)strtoul(arg, NULL, 10);
        w->by_return = strchr(arg, 'R') != NULL;
        w->by_trace = strchr(arg, 'T') != NULL;
    } else if (strcmp(key, "priority") == 0) {
        w->has_priority = true;
        w->priority = (int8_t)strtol(arg, NULL, 10);
    } else if (strcmp(key, "holdfor") == 0) {
        w->hold_seconds = (uint32_t)strtoul(arg, NULL, 10);
    } else if (strcmp(key, "holduntil") == 0) {
        w->hold_until = value(s, arg);
    } else {
        return false;
    }
    return true;
}

static bool setting(struct script *s, const char *key, char *arg)
{
    struct bytes body = { s->body, s->body_len }, more;

    if (strcmp(key, "helo") == 0) {
        s->job.helo = value(s, arg);
    } else if (strcmp(key, "from") == 0) {
        s->job.from = value(s, arg);
    } else if (strcmp(key, "user") == 0) {
        s->job.user = value(s, arg);
    } else if (strcmp(key, "password") == 0) {
        s->job.password = value(s, arg);
    } else if (strcmp(key, "host") == 0) {
        s->job.host = value(s, arg);
        s->job.port = 587;
    } else if (strcmp(key, "binding") == 0) {
        s->job.binding.type = "tls-exporter";
        s->job.binding.p = (const uint8_t *)value(s, arg).p;
        s->job.binding.len = strlen(arg);
    } else if (strcmp(key, "size") == 0) {
        s->job.size = strtoull(arg, NULL, 10);
    } else if (strcmp(key, "fit") == 0) {
        s->job.fit = true;
        s->fit[1] = strtoull(arg, &arg, 10);
        s->fit[0] = strtoull(arg, NULL, 10);
    } else if (strcmp(key, "timeout") == 0) {
        s->job.timeout_ms = (uint32_t)strtoul(arg, NULL, 10);
    } else if (strcmp(key, "out") == 0) {
        s->out_size = strtoul(arg, NULL, 10);
    } else if (strcmp(key, "rcpt") == 0) {
        return add_rcpt(s, arg);
    } else if (strcmp(key, "rcpts") == 0) {
        return add_rcpts(s, arg);
    } else if (strcmp(key, "body") == 0) {
        more = bytes_unescape(arg);
        bytes_append(&body, more.p, more.len);
        free(more.p);
        s->body = body.p;
        s->body_len = body.len;
    } else if (strcmp(key, "reason") == 0) {
        if (s->reason_count == SCRIPT_REASONS)
            return false;
        s->reason[s->reason_count++] = (char *)(uintptr_t)value(s, arg).p;
    } else {
        return wish(s, key, arg) || of_rcpt(s, key, arg) || choice(s, key, arg);
    }
    return true;
}

/* Does the message end with what the client says here? By BDAT that is where
 * the bytes of the last chunk end. */
static bool ends_message(struct script *s, const struct bytes *b)
{
    unsigned long n;
    char word[5] = "";

    if (s->chunk_left == 0 && b->len > 5 && memcmp(b->p, "BDAT ", 5) == 0 &&
        sscanf((const char *)b->p, "BDAT %lu %4s", &n, word) >= 1) {
        s->chunk_left = n;
        s->chunk_last = strcmp(word, "LAST") == 0;
        return s->chunk_last && n == 0;
    }
    if (s->chunk_left != 0) {
        s->chunk_left -= s->chunk_left < b->len ? s->chunk_left : b->len;
        return s->chunk_last && s->chunk_left == 0;
    }
    return b->len == 3 && memcmp(b->p, ".\r\n", 3) == 0;
}

static bool add_item(struct script *s, enum item_kind kind, unsigned line,
                     struct bytes b)
{
    struct item *i = &s->items[s->item_count];
    struct bytes joined;

    /* What the server says in a row is one run of bytes. */
    if (kind == ITEM_SERVER && s->item_count != 0 &&
        i[-1].kind == ITEM_SERVER) {
        joined.p = i[-1].bytes;
        joined.len = i[-1].len;
        bytes_append(&joined, b.p, b.len);
        i[-1].bytes = joined.p;
        i[-1].len = joined.len;
        free(b.p);
        return true;
    }
    if (s->item_count == SCRIPT_ITEMS)
        return false;
    i->kind = kind;
    i->line = line;
    i->bytes = b.p;
    i->len = b.len;
    i->final_dot = kind == ITEM_CLIENT && ends_message(s, &b);
    s->item_count++;
    return true;
}

/* "rcpts" in the dialogue: C: and S: lines for all of "rcpts N" */
static bool add_loop(struct script *s, unsigned line, char mark,
                     const char *text)
{
    char all[128];
    struct bytes b;

    for (size_t i = 0; i < s->rcpt_first; i++) {
        if (mark == 'C')
            snprintf(all, sizeof all, "RCPT TO:<u%zu@example.org>\r\n", i);
        else
            snprintf(all, sizeof all, "%s\r\n", text);
        b.p = NULL;
        b.len = 0;
        bytes_append(&b, all, strlen(all));
        if (!add_item(s, mark == 'C' ? ITEM_CLIENT : ITEM_SERVER, line, b))
            return false;
    }
    return true;
}

/* What the caller does between mails. */
static bool call(struct script *s, unsigned line, const char *text)
{
    static const char *const words[] = { "NOOP", "RSET", "VRFY", "EXPN",
                                         "HELP" };
    struct bytes b = { NULL, 0 };
    char rcpt[256], word[8] = "";
    int what;

    if (strcmp(text, "QUIT") == 0)
        return add_item(s, ITEM_QUIT, line, b);
    if (strncmp(text, "NEXT ", 5) == 0) {
        snprintf(rcpt, sizeof rcpt, "%s", text + 5);
        return add_item(s, ITEM_NEXT, line, b) && add_rcpt(s, rcpt);
    }
    if (sscanf(text, "ASK %7s", word) != 1 || (what = find(words, 5, word)) < 0)
        return false;
    b = bytes_unescape(text[8] == ' ' ? text + 9 : "");
    if (!add_item(s, ITEM_ASK, line, b))
        return false;
    s->items[s->item_count - 1].question = (enum smtp_question)what;
    return true;
}

static bool speech(struct script *s, unsigned line, const char *text)
{
    static const struct bytes none = { NULL, 0 };
    struct bytes b;

    if (strcmp(text, "TLS") == 0)
        return add_item(s, ITEM_TLS, line, none);
    if (strcmp(text, "EOF") == 0)
        return add_item(s, ITEM_EOF, line, none);
    if (strcmp(text, "BODY FAILS") == 0)
        return add_item(s, ITEM_BODY_FAILS, line, none);
    if (strncmp(text, "TIMEOUT", 7) == 0) {
        if (!add_item(s, ITEM_TIMEOUT, line, none))
            return false;
        s->items[s->item_count - 1].seconds = strtoull(text + 7, NULL, 10);
        return true;
    }
    if (strlen(text) < 2 || strchr("CS", text[0]) == NULL)
        return call(s, line, text);
    if (text[1] == '*')
        return add_loop(s, line, text[0], text + 2 + (text[2] == ' '));
    if (strchr(":-!", text[1]) == NULL)
        return false;
    b = bytes_unescape(text + 2 + (text[2] == ' '));
    if (text[1] == ':' || text[1] == '!')
        bytes_append(&b, "\r\n", 2);
    if (!add_item(s, text[0] == 'C' ? ITEM_CLIENT : ITEM_SERVER, line, b))
        return false;
    if (text[1] == '!')
        s->items[s->item_count - 1].early = true;
    return true;
}

static bool parse(struct script *s, FILE *f, unsigned *line)
{
    static char text[65536];
    bool talking = false;

    for (*line = 1; fgets(text, sizeof text, f) != NULL; (*line)++) {
        char *blank;

        text[strcspn(text, "\n")] = '\0';
        if (text[0] == '\0' || text[0] == '#')
            continue;
        if (strcmp(text, "---") == 0) {
            talking = true;
            s->rcpt_first = s->rcpt_count;
            continue;
        }
        if (talking) {
            if (!speech(s, *line, text))
                return false;
            continue;
        }
        if (flag(s, text))
            continue;
        blank = strchr(text, ' ');
        if (blank == NULL)
            return false;
        *blank = '\0';
        if (!setting(s, text, blank + 1))
            return false;
    }
    return talking;
}

struct script *script_load(const char *path)
{
    struct script *s = calloc(1, sizeof *s);
    FILE *f = fopen(path, "r");
    unsigned line = 0;
    bool ok;

    if (s == NULL || f == NULL) {
        printf("FAIL %s: cannot be read\n", path);
        free(s);
        return NULL;
    }
    snprintf(s->path, sizeof s->path, "%s", path);
    s->verified = true;
    s->out_size = 2048;
    s->job.helo = value(s, "client.example");
    s->job.from = value(s, "a@example.org");
    s->verdict = SMTP_SENT;
    ok = parse(s, f, &line);
    fclose(f);
    s->job.rcpt_count = s->rcpt_first;
    if (!ok) {
        printf("FAIL %s:%u: not a dialogue\n", path, line);
        script_free(s);
        return NULL;
    }
    return s;
}

void script_free(struct script *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->item_count; i++)
        free(s->items[i].bytes);
    for (size_t i = 0; i < s->kept_count; i++)
        free(s->kept[i]);
    free(s->body);
    free(s);
}

int script_server_byte(const struct script *s, size_t at)
{
    for (size_t i = 0; i < s->item_count; i++) {
        if (s->items[i].kind != ITEM_SERVER)
            continue;
        if (at != 0 && at <= s->items[i].len)
            return s->items[i].bytes[at - 1];
        at -= s->items[i].len;
    }
    return -1;
}
