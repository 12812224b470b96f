/*
 * script.c - reads a server dialogue. README.md beside it has the format.
 */
#include "script.h"

#include "mech.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const ends[] = { "none",    "quit",      "lost",
                                    "timeout", "injection", "sync",
                                    "limit",   "syntax",    "caller" };
static const char *const questions[] = { "connect", "hello", "auth",    "mail",
                                         "rcpt",    "data",  "message", "vrfy",
                                         "expn",    "help",  "secret" };

const char *script_end(enum smtpd_end e)
{
    return ends[e];
}

static int find(const char *const *names, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], word) == 0)
            return (int)i;
    return -1;
}

static struct smtp_str keep(struct script *s, const char *text)
{
    struct bytes b = bytes_unescape(text);
    struct smtp_str str = { (const char *)b.p, b.len };

    if (s->kept_count == SCRIPT_KEPT)
        abort();
    s->kept[s->kept_count++] = b.p;
    return str;
}

/* "QUESTION [WORD] -> CODE [ENHANCED] [TEXT]"; code 0 is yes */
static bool add_rule(struct script *s, char *arg)
{
    struct rule *r = &s->rules[s->rule_count];
    char *arrow = strstr(arg, "-> "), *rest;
    char name[16];
    unsigned a, b, c;
    int n = 0, q;

    if (arrow == NULL || s->rule_count == SCRIPT_RULES)
        return false;
    *arrow = '\0';
    if (sscanf(arg, "%15s %63s", name, r->word) < 1)
        return false;
    q = find(questions, 11, name);
    if (q < 0)
        return false;
    r->question = (enum smtpd_event_kind)(SMTPD_ASK_CONNECT + q);
    r->answer.code = (uint16_t)strtoul(arrow + 3, &rest, 10);
    if (sscanf(rest, " %u.%u.%u%n", &a, &b, &c, &n) == 3) {
        r->answer.enhanced[0] = (uint8_t)a;
        r->answer.enhanced[1] = (uint8_t)b;
        r->answer.enhanced[2] = (uint8_t)c;
        rest += n;
    }
    while (*rest == ' ')
        rest++;
    r->answer.text = keep(s, rest);
    s->rule_count++;
    return true;
}

static bool flag(struct script *s, const char *key)
{
    static const char *const names[] = { "lmtp",      "implicit-tls",
                                         "starttls",  "need-tls",
                                         "need-auth", "auth-unsafe",
                                         "bare-lf",   "nocrypto" };
    bool *const fields[] = { &s->cfg.lmtp,      &s->cfg.implicit_tls,
                             &s->cfg.starttls,  &s->cfg.need_tls,
                             &s->cfg.need_auth, &s->cfg.auth_unsafe,
                             &s->cfg.bare_lf,   &s->no_crypto };
    int i = find(names, 8, key);

    if (i >= 0)
        *fields[i] = true;
    return i >= 0;
}

static bool hide(struct script *s, const char *arg)
{
    static const char *const names[] = { "PIPELINING", "8BITMIME",   "SMTPUTF8",
                                         "CHUNKING",   "BINARYMIME", "DSN",
                                         "ENHANCED",   "SIZE",       "LIMITS" };
    int i = find(names, 9, arg);

    if (i >= 0)
        s->cfg.hide |= 1u << i;
    return i >= 0;
}

static bool show(struct script *s, const char *arg)
{
    static const char *const names[] = { "REQUIRETLS", "DELIVERBY",
                                         "MT-PRIORITY", "FUTURERELEASE" };
    int i = find(names, 4, arg);

    if (i >= 0)
        s->cfg.show |= 1u << i;
    return i >= 0;
}

/* "PLAIN LOGIN", by the names of smtp/mech.c */
static bool mechanisms(struct script *s, char *arg)
{
    while (*arg != '\0') {
        struct smtp_str name = { arg, strcspn(arg, " ") };
        enum smtp_auth mech = auth_by_name(name);

        if (mech == SMTP_AUTH_OFF)
            return false;
        s->cfg.mechanisms |= 1u << mech;
        arg += name.len;
        arg += strspn(arg, " ");
    }
    return true;
}

static bool setting(struct script *s, const char *key, char *arg)
{
    unsigned long n = strtoul(arg, NULL, 10);
    struct bytes b;
    int v;

    if (strcmp(key, "name") == 0) {
        s->cfg.name = keep(s, arg);
    } else if (strcmp(key, "mechanisms") == 0) {
        return mechanisms(s, arg);
    } else if (strcmp(key, "hide") == 0) {
        return hide(s, arg);
    } else if (strcmp(key, "show") == 0) {
        return show(s, arg);
    } else if (strcmp(key, "by-min") == 0) {
        s->cfg.by_min = (uint32_t)n;
    } else if (strcmp(key, "hold-max") == 0) {
        s->cfg.hold_max = (uint32_t)n;
    } else if (strcmp(key, "hold-until") == 0) {
        s->cfg.hold_until = keep(s, arg);
    } else if (strcmp(key, "rounds") == 0) {
        s->rounds = (uint32_t)n;
    } else if (strcmp(key, "binding") == 0) {
        s->cfg.binding.type = "tls-exporter";
        s->cfg.binding.p = (const uint8_t *)keep(s, arg).p;
        s->cfg.binding.len = strlen(arg);
    } else if (strcmp(key, "size") == 0) {
        s->cfg.size_max = n;
    } else if (strcmp(key, "rcpt-max") == 0) {
        s->cfg.rcpt_max = (uint32_t)n;
    } else if (strcmp(key, "mail-max") == 0) {
        s->cfg.mail_max = (uint32_t)n;
    } else if (strcmp(key, "errors-max") == 0) {
        s->cfg.errors_max = (uint16_t)n;
    } else if (strcmp(key, "commands-max") == 0) {
        s->cfg.commands_max = (uint16_t)n;
    } else if (strcmp(key, "timeout") == 0) {
        s->cfg.timeout_ms = (uint32_t)n;
    } else if (strcmp(key, "user") == 0) {
        s->user = keep(s, arg).p;
    } else if (strcmp(key, "password") == 0) {
        s->password = keep(s, arg).p;
    } else if (strcmp(key, "saw") == 0 && s->saw_count < SCRIPT_SAW) {
        s->saw[s->saw_count++] = (char *)(uintptr_t)keep(s, arg).p;
    } else if (strcmp(key, "stored") == 0) {
        b = bytes_unescape(arg);
        bytes_append(&s->stored, b.p, b.len);
        free(b.p);
    } else if (strcmp(key, "on") == 0) {
        return add_rule(s, arg);
    } else if (strcmp(key, "end") == 0 && (v = find(ends, 9, arg)) >= 0) {
        s->end = (enum smtpd_end)v;
    } else {
        return false;
    }
    return true;
}

static bool head_line(struct script *s, char *text)
{
    char *arg = strchr(text, ' ');

    if (arg == NULL)
        return flag(s, text);
    *arg++ = '\0';
    return setting(s, text, arg);
}

/* "C: text", "C- text" without CRLF, "S: text"; TLS, EOF, ... */
static bool item_line(struct script *s, char *text, unsigned line)
{
    struct item *i = &s->items[s->item_count];

    if (s->item_count++ == SCRIPT_ITEMS)
        return false;
    i->line = line;
    if (strcmp(text, "TLS") == 0) {
        i->kind = ITEM_TLS;
    } else if (strcmp(text, "EOF") == 0) {
        i->kind = ITEM_EOF;
    } else if (strcmp(text, "SHUTDOWN") == 0) {
        i->kind = ITEM_SHUTDOWN;
    } else if (strncmp(text, "TIMEOUT", 7) == 0) {
        i->kind = ITEM_TIMEOUT;
        i->seconds = strtoull(text + 7, NULL, 10);
    } else if ((text[0] == 'C' || text[0] == 'S') &&
               (text[1] == ':' || text[1] == '-')) {
        i->kind = text[0] == 'C' ? ITEM_CLIENT : ITEM_SERVER;
        i->b = bytes_unescape(text + 2 + (text[2] == ' '));
        if (text[1] == ':')
            bytes_append(&i->b, "\r\n", 2);
    } else {
        return false;
    }
    return true;
}

struct script *script_load(const char *path)
{
    struct script *s = calloc(1, sizeof *s);
    FILE *f = fopen(path, "r");
    char *text = NULL;
    size_t cap = 0;
    ssize_t len;
    unsigned line = 0;
    bool head = true, ok = s != NULL && f != NULL;

    if (ok) {
        snprintf(s->path, sizeof s->path, "%s", path);
        s->cfg.name = keep(s, "mx.example.net");
        s->end = SMTPD_END_QUIT;
        s->rounds = 4096;
        bytes_append(&s->stored, "", 0);
    }
    while (ok && (len = getline(&text, &cap, f)) >= 0) {
        line++;
        if (len != 0 && text[len - 1] == '\n')
            text[len - 1] = '\0';
        if (text[0] == '#' || text[0] == '\0')
            continue;
        if (strcmp(text, "---") == 0)
            head = false;
        else
            ok = head ? head_line(s, text) : item_line(s, text, line);
    }
    if (f != NULL)
        fclose(f);
    free(text);
    if (ok)
        return s;
    printf("FAIL %s: line %u is malformed\n", path, line);
    script_free(s);
    return NULL;
}

void script_free(struct script *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->item_count && i < SCRIPT_ITEMS; i++)
        free(s->items[i].b.p);
    for (size_t i = 0; i < s->kept_count; i++)
        free(s->kept[i]);
    free(s->stored.p);
    free(s);
}
