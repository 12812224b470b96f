/*
 * config.c - reads bootmail.conf and the command line, then checks what
 * belongs together, before anything is sent.
 *
 * The file args holds what one call of the launcher adds, in the same
 * language: it wins over bootmail.conf, and the command line over both. A
 * fault in a value is reported with the line and column of that value,
 * wherever it came from; a fault of omission has no line. Nothing here
 * repeats a secret.
 */
#include "config.h"

#include "addrlist.h"
#include "board.h"
#include "files.h"
#include "header.h"
#include "log.h"
#include "smtp.h"
#include "status.h"

static const char CONF_FILE[] = "bootmail.conf";
static const char ARGS_FILE[] = "args";
static const char ARGS_NAME[] = "the launcher's arguments (args)";

struct loader {
    struct config *c;
    struct blob file, args, cmdline;
    struct conf_error *err;
};

static bool inside(struct blob whole, struct blob part)
{
    /* as numbers: the two need not belong to one object */
    uintptr_t p = (uintptr_t)part.p, start = (uintptr_t)whole.p;

    return whole.len != 0 && part.p != NULL && p >= start &&
           p - start <= whole.len;
}

static void name_file(struct conf_error *err, const char *name)
{
    memset(err->file, 0, sizeof err->file);
    memcpy(err->file, name, strlen(name));
}

/* Says where value was written, if it was. Always false. */
static bool fail_at(struct loader *l, struct blob value)
{
    l->err->line = l->err->column = 0;
    name_file(l->err, "");
    if (inside(l->file, value)) {
        name_file(l->err, CONF_FILE);
        conf_place(l->err, l->file, value.p);
    } else if (inside(l->args, value)) {
        name_file(l->err, ARGS_NAME);
        conf_place(l->err, l->args, value.p);
    } else if (inside(l->cmdline, value)) {
        name_file(l->err, "command line");
        conf_place(l->err, l->cmdline, value.p);
    }
    return false;
}

static bool fail(struct loader *l, struct blob value, const char *why)
{
    conf_why(l->err, why);
    return fail_at(l, value);
}

static const struct blob NOWHERE = { NULL, 0 };

/* ----------------------------------------------------------- the sources */

static bool defaults(struct loader *l)
{
    memset(l->c, 0, sizeof *l->c);
    return conf_defaults(config_keys, config_key_count, l->c, l->err);
}

static bool cmdline(struct loader *l)
{
    return conf_cmdline(config_keys, config_key_count, l->c, l->cmdline,
                        l->err);
}

static bool parse(struct loader *l, const char *name, struct blob text,
                  struct blob account)
{
    return conf_parse(config_keys, config_key_count, l->c, name, text, account,
                      l->err);
}

static bool conf_file(struct loader *l, struct blob account)
{
    if (l->file.p != NULL) {
        if (parse(l, CONF_FILE, l->file, account))
            return true;
        /* the account may be named on the command line, not in the file */
        if (l->err->line == 0)
            fail_at(l, account);
        return false;
    }
    if (account.len == 0)
        return true;
    memset(l->err, 0, sizeof *l->err);
    return fail(l, account,
                "an account is chosen, but there is no file bootmail.conf");
}

static bool args_file(struct loader *l)
{
    struct blob from = l->c->from;
    bool keep = !l->c->allow_from_override && from.p != NULL;

    if (l->args.p == NULL)
        return true;
    if (!parse(l, ARGS_NAME, l->args, NOWHERE))
        return false;
    if (keep)
        l->c->from = from;
    return true;
}

/* The command line is read twice: first for the account it may choose. */
static bool sources(struct loader *l)
{
    struct blob account;

    if (!defaults(l) || !cmdline(l))
        return false;
    account = l->c->account;
    return defaults(l) && conf_file(l, account) && args_file(l) && cmdline(l);
}

static void note_ignored(const struct config *c)
{
    size_t i;

    for (i = 0; i < config_key_count; i++) {
        const struct conf_key *key = &config_keys[i];

        if (key->type == CONF_IGNORED &&
            *((const uint8_t *)c + key->offset) != 0)
            log_say("%s is ignored: %s", key->name, key->help);
    }
}

/* ---------------------------------------------------------------- checks */

/* letters, digits and what names and addresses are made of */
static bool host_like(struct blob b)
{
    size_t i;

    for (i = 0; i < b.len; i++) {
        uint8_t c = b.p[i];

        if (!((c | 0x20) >= 'a' && (c | 0x20) <= 'z') &&
            !(c >= '0' && c <= '9') && c != '.' && c != '-' && c != '_' &&
            c != ':' && c != '[' && c != ']')
            return false;
    }
    return b.len <= 255;
}

static bool check_name(struct loader *l, const char *key, struct blob value)
{
    if (host_like(value))
        return true;
    conf_why(l->err, key);
    conf_why(l->err, " must be a host name or an address, not ");
    conf_why_quoted(l->err, value);
    return fail_at(l, value);
}

/* msmtp replaces these by names of the host's; here nobody does */
static bool check_pattern(struct loader *l, const char *key, struct blob b)
{
    static const char marks[] = "UHCM";
    size_t i;

    for (i = 0; i + 1 < b.len; i++) {
        if (b.p[i] != '%' || memchr(marks, b.p[i + 1], 4) == NULL)
            continue;
        conf_why(l->err, key);
        conf_why(l->err, " holds a % pattern, which only the launcher can "
                         "replace");
        return fail_at(l, b);
    }
    return true;
}

static bool check_server(struct loader *l)
{
    struct config *c = l->c;

    if (c->host.len == 0)
        return fail(l, c->host, "host is not set: name the mail server");
    return check_name(l, "host", c->host) &&
           check_pattern(l, "domain", c->domain) &&
           check_name(l, "domain", c->domain) &&
           check_name(l, "maildomain", c->maildomain) &&
           check_name(l, "tls_host_override", c->tls_host_override);
}

static bool check_mailbox(struct loader *l, const char *key, struct blob b)
{
    struct smtp_str s = { (const char *)b.p, b.len }, spec;
    char buf[512]; /* more is no address: 254 is SMTP's limit */
    const char *why = "";
    bool utf8 = false;

    spec.p = buf;
    spec.len = smtp_address_spec(s, buf, sizeof(buf));
    if (smtp_mailbox_ok(spec.len != 0 ? spec : s, &utf8, &why))
        return true;
    conf_why(l->err, key);
    conf_why(l->err, " ");
    conf_why_quoted(l->err, b);
    conf_why(l->err, " is not an address: ");
    conf_why(l->err, why);
    return fail_at(l, b);
}

/* root, where maildomain says whose. */
static bool is_local(const struct config *c, struct blob a)
{
    return c->maildomain.len != 0 && a.len != 0 &&
           memchr(a.p, '@', a.len) == NULL;
}

/* "Friends:;" names nobody, and is none the less a list. */
static bool is_group(struct blob b)
{
    return b.len != 0 && (memchr(b.p, ':', b.len) != NULL || b.p[0] == ';');
}

/* Every address of every item; one without a domain is the envelope's. */
static bool check_list(struct loader *l, const char *key,
                       const struct conf_list *list)
{
    size_t i;

    for (i = 0; i < list->count; i++) {
        struct blob b = list->item[i];
        struct smtp_str item = { (const char *)b.p, b.len }, a;
        size_t at = 0;
        bool any = false;

        while (header_address(item, &at, &a)) {
            any = true;
            if (is_local(l->c, blob_of(a.p, a.len)))
                continue;
            if (!check_mailbox(l, key, blob_of(a.p, a.len)))
                return false;
        }
        if (!any && !is_group(b) && !check_mailbox(l, key, b))
            return false;
    }
    return true;
}

static bool check_people(struct loader *l)
{
    struct config *c = l->c;

    if (!check_pattern(l, "from", c->from))
        return false;
    if (c->from.len != 0 && !is_local(c, c->from) &&
        !check_mailbox(l, "from", c->from))
        return false;
    if (c->from.len != 0 && (memchr(c->from.p, '*', c->from.len) != NULL ||
                             memchr(c->from.p, '?', c->from.len) != NULL))
        return fail(l, c->from,
                    "from is a pattern, which chooses an account "
                    "in msmtp; name one address here");
    if (c->to.count + c->cc.count + c->bcc.count == 0 && !c->read_recipients &&
        !c->check)
        return fail(l, NOWHERE, "no recipient: set to, or read_recipients");
    return check_list(l, "to", &c->to) && check_list(l, "cc", &c->cc) &&
           check_list(l, "bcc", &c->bcc) &&
           check_list(l, "reply_to", &c->reply_to) &&
           check_list(l, "set_to_header", &c->set_to_header);
}

/* msmtp's words, as those of RFC 3461 4.1: "never", or some of the others. */
static bool check_notify(struct loader *l)
{
    static const char *const words[] = { "never", "success", "failure",
                                         "delay" };
    struct blob all = l->c->dsn_notify, word;
    unsigned i, notify = 0;
    size_t at;

    if (blob_eq(all, blob_str("off")))
        return true;
    for (at = 0; at <= all.len; at += word.len + 1) {
        word.p = all.p + at;
        word.len = 0;
        while (at + word.len < all.len && word.p[word.len] != ',')
            word.len++;
        for (i = 0; i < 4 && !blob_eq(word, blob_str(words[i])); i++)
            continue;
        notify |= 1u << i;
    }
    if (notify > 15 ||
        (notify != SMTP_NOTIFY_NEVER && (notify & SMTP_NOTIFY_NEVER) != 0))
        return fail(l, l->c->dsn_notify,
                    "dsn_notify wants off, never, or some of failure, delay "
                    "and success, with commas and no blanks");
    l->c->notify = (uint8_t)notify;
    return true;
}

static bool check_wishes(struct loader *l)
{
    struct blob at;

    return config_wishes(l->c, &at, l->err) || fail_at(l, at);
}

/* The file password, without the newline an editor puts at its end. */
static void password_file(struct config *c)
{
    struct blob b = files_get(blob_str("password"));

    if (b.len != 0 && b.p[b.len - 1] == '\n')
        b.len--;
    if (b.len != 0 && b.p[b.len - 1] == '\r')
        b.len--;
    c->password = b;
}

static bool one_line(struct blob b)
{
    size_t i;

    for (i = 0; i < b.len; i++) {
        if (b.p[i] == '\n' || b.p[i] == '\r' || b.p[i] == '\0')
            return false;
    }
    return true;
}

/* Does it show the secret to whoever is at the other end? SCRAM and CRAM-MD5
 * do not; on may come down to one that does. */
static bool reveals(uint8_t auth)
{
    return auth == AUTH_ON || auth == AUTH_PLAIN || auth == AUTH_LOGIN ||
           auth == AUTH_OAUTHBEARER || auth == AUTH_XOAUTH2;
}

static bool check_channel(struct loader *l)
{
    struct config *c = l->c;
    bool plus =
        c->auth == AUTH_SCRAM_SHA_1_PLUS || c->auth == AUTH_SCRAM_SHA_256_PLUS;

    if (!c->tls && (plus || c->auth == AUTH_EXTERNAL))
        return fail(l, NOWHERE, "this auth works through TLS: set tls on");
    if (c->auth == AUTH_EXTERNAL && c->cert.len == 0)
        return fail(l, NOWHERE,
                    "auth external logs in by a certificate: set "
                    "tls_cert_file and tls_key_file");
    if (!reveals(c->auth) || c->auth_unsafe || (c->tls && c->tls_certcheck))
        return true;
    return fail(l, NOWHERE,
                c->tls ? "auth with tls_certcheck off would give the "
                         "password to anyone: set auth_unsafe on if you "
                         "mean it"
                       : "auth with tls off would send the password in "
                         "the clear: set auth_unsafe on if you mean it");
}

static bool check_auth(struct loader *l)
{
    struct config *c = l->c;

    if (c->auth == AUTH_OFF)
        return true;
    if (c->auth == AUTH_EXTERNAL)
        return check_channel(l);
    if (c->user.len == 0)
        return fail(l, c->user, "auth needs user");
    if (c->password.len == 0)
        password_file(c);
    if (c->password.len == 0)
        return fail(l, NOWHERE,
                    "auth needs a password: the key password or "
                    "the file password");
    if (!one_line(c->password))
        return fail(l, NOWHERE,
                    "the file password holds more than one line, "
                    "or a NUL");
    return check_channel(l);
}

/* A path on the host as the launcher packs it: without "/", "~/" or "./" in
 * front. */
static struct blob packed(struct blob path)
{
    while (path.p != NULL) {
        size_t skip = 0;

        if (path.len >= 1 && path.p[0] == '/')
            skip = 1;
        else if (path.len >= 2 && path.p[1] == '/' &&
                 (path.p[0] == '~' || path.p[0] == '.'))
            skip = 2;
        if (skip == 0)
            break;
        path.p += skip;
        path.len -= skip;
    }
    return path;
}

static bool read_pem(struct loader *l, const char *key, struct blob *path,
                     struct blob *out)
{
    struct blob written = *path;

    *path = packed(*path);
    *out = files_get(*path);
    if (out->len != 0)
        return true;
    conf_why(l->err, key);
    conf_why(l->err, out->p == NULL ? ": no such file: " : ": empty file: ");
    conf_why_quoted(l->err, *path);
    return fail_at(l, written);
}

/* A client certificate: both files or neither. */
static bool check_client_cert(struct loader *l)
{
    struct config *c = l->c;
    bool have = files_get(blob_str("cert.pem")).len != 0 &&
                files_get(blob_str("key.pem")).len != 0;

    if (c->tls_cert_file.p == NULL && c->tls_key_file.p == NULL && have) {
        c->tls_cert_file = blob_str("cert.pem");
        c->tls_key_file = blob_str("key.pem");
    }
    if (c->tls_cert_file.len == 0 && c->tls_key_file.len == 0)
        return true;
    if (c->tls_cert_file.len == 0)
        return fail(l, c->tls_key_file, "tls_key_file needs tls_cert_file");
    if (c->tls_key_file.len == 0)
        return fail(l, c->tls_cert_file, "tls_cert_file needs tls_key_file");
    return read_pem(l, "tls_cert_file", &c->tls_cert_file, &c->cert) &&
           read_pem(l, "tls_key_file", &c->tls_key_file, &c->key);
}

/* Nobody's lists count where nobody's certificates do. */
static bool check_crl(struct loader *l)
{
    struct config *c = l->c;

    if (c->tls_crl_file.len == 0)
        return true;
    if (!c->tls_certcheck || c->tls_fingerprint.len != 0)
        return fail(l, c->tls_crl_file,
                    "tls_crl_file needs authorities to trust: not with "
                    "tls_certcheck off or tls_fingerprint");
    return read_pem(l, "tls_crl_file", &c->tls_crl_file, &c->crl);
}

static bool check_tls(struct loader *l)
{
    struct config *c = l->c;

    if (!c->tls)
        return true;
    if (!check_client_cert(l) || !check_crl(l))
        return false;
    if (!c->tls_certcheck && c->tls_fingerprint.len != 0)
        return fail(l, c->tls_trust_file,
                    "tls_certcheck off would drop tls_fingerprint: one or "
                    "the other");
    if (!c->tls_certcheck || c->tls_fingerprint.len != 0)
        return true;
    if (c->tls_trust_file.len == 0)
        return fail(l, c->tls_trust_file,
                    "nobody is trusted: set tls_trust_file, tls_fingerprint, "
                    "or tls_certcheck off");
    if (!blob_eq(c->tls_trust_file, blob_str("system")))
        return read_pem(l, "tls_trust_file", &c->tls_trust_file, &c->trust);
    c->trust = files_get(blob_str("ca.pem"));
    if (c->trust.len == 0)
        return fail(l, NOWHERE,
                    "TLS needs the file ca.pem (authorities to "
                    "trust), or tls_fingerprint");
    return true;
}

/* Its key is read only if it is used. */
static bool check_dkim(struct loader *l)
{
    struct config *c = l->c;

    if (c->dkim_domain.len == 0)
        return c->dkim_selector.len == 0 ||
               fail(l, c->dkim_selector, "dkim_selector needs dkim_domain");
    if (c->dkim_selector.len == 0)
        return fail(l, c->dkim_domain, "dkim_domain needs dkim_selector");
    return check_name(l, "dkim_domain", c->dkim_domain) &&
           check_name(l, "dkim_selector", c->dkim_selector) &&
           read_pem(l, "dkim_key", &c->dkim_key, &c->dkim);
}

static bool check_net(struct loader *l)
{
    struct config *c = l->c;
    struct blob at;
    struct addr a;

    if (!config_ip(c, &at, l->err))
        return fail_at(l, at);
    if (c->source_ip != 0 && c->source_ip != c->address)
        return fail(l, NOWHERE,
                    "source_ip must be the address that ip sets: "
                    "there is no other");
    if (!c->dhcp && c->dns_addr[0].len == 0 &&
        !addr_parse((const char *)c->host.p, c->host.len, &a))
        return fail(l, c->host,
                    "host is a name, and with a static ip a name "
                    "server is needed: set dns");
    return true;
}

/* Who is to mend it: the caller of the launcher, or the configuration's
 * author? */
static int status_of(const struct conf_error *err)
{
    return strcmp(err->file, ARGS_NAME) == 0 ? STATUS_USAGE : STATUS_CONFIG;
}

int config_load(struct config *c, struct conf_error *err)
{
    struct loader l = { c, files_get(blob_str(CONF_FILE)),
                        files_get(blob_str(ARGS_FILE)), board_info()->cmdline,
                        err };

    memset(err, 0, sizeof *err);
    if (!sources(&l))
        return status_of(err);
    memset(err, 0, sizeof *err);
    if (!check_server(&l) || !check_people(&l) || !check_tls(&l) ||
        !check_auth(&l) || !check_dkim(&l) || !check_notify(&l) ||
        !check_wishes(&l) || !check_net(&l))
        return status_of(err);
    note_ignored(c);
    c->message = files_get(blob_str("message"));
    c->html = files_get(blob_str("message.html"));
    if (c->message.p == NULL && c->html.p == NULL && !c->check) {
        fail(&l, NOWHERE, "there is no file message to send");
        return STATUS_MESSAGE;
    }
    return 0;
}
