/*
 * test_config_refused.c - logins, keys, networks and wishes that cannot work
 * together: each is refused before anything is sent, with the place and the
 * words; the one that is nearest to it and does work is taken.
 */
/* sources: net/addr.c kernel/app/config.c kernel/app/config_keys.c
            kernel/app/config_ip.c kernel/app/config_wishes.c kernel/conf.c
            kernel/conf_value.c smtp/mailbox.c smtp/addrlist.c smtp/header.c
            smtp/scan.c smtp/text.c smtp/date.c */
/* includes: kernel kernel/app smtp board net */
#include "check.h"

#include "board.h"
#include "config.h"
#include "files.h"
#include "log.h"

static struct board_info info = { .cmdline = { (const uint8_t *)"", 0 } };
static const char *conf;
static struct {
    const char *name;
    struct blob data;
} file[4];
static struct config c;
static struct conf_error err;

const struct board_info *board_info(void)
{
    return &info;
}

struct blob files_get(struct blob name)
{
    if (blob_eq(name, blob_str("bootmail.conf")))
        return blob_str(conf);
    for (size_t i = 0; i < sizeof file / sizeof *file; i++)
        if (file[i].name != NULL && blob_eq(name, blob_str(file[i].name)))
            return file[i].data;
    return blob_of(NULL, 0);
}

void log_say(const char *fmt, ...)
{
    (void)fmt;
}

static void put(size_t i, const char *name, const char *text, size_t len)
{
    file[i].name = name;
    file[i].data = blob_of(text, len);
}

static void usual(void)
{
    memset(file, 0, sizeof file);
    put(0, "message", "x\n", 2);
    put(1, "ca.pem", "PEM", 3);
}

/* "" if all is well, else "LINE:COLUMN words"; 0:0 is nowhere in the file */
static const char *load(const char *text)
{
    static char said[700];
    int status;

    conf = text;
    status = config_load(&c, &err);
    CHECK(status == 0 || status == 78);
    CHECK((err.line != 0) == (err.file[0] != '\0') || status == 0);
    snprintf(said, sizeof said, "%u:%u %s", err.line, err.column, err.why);
    return status == 0 ? "" : said;
}

struct row {
    const char *conf, *want;
};

#define TO "host h\nto a@b\n"

static void rows(const struct row *row, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char text[400];

        snprintf(text, sizeof text, TO "%s", row[i].conf);
        if (!CHECK_STR(load(text), row[i].want))
            printf("  %s", row[i].conf);
    }
}

#define ROWS(table) rows(table, sizeof table / sizeof *table)

/* ----------------------------------------------------------------- logins */

#define LOGIN "user u\npassword p\n"
#define CLEAR                                                          \
    "0:0 auth with tls off would send the password in the clear: set " \
    "auth_unsafe on if you mean it"
#define THROUGH_TLS "0:0 this auth works through TLS: set tls on"

/* What shows the password goes through verified TLS only; what does not may
 * go in the clear; what is bound to a channel needs one. */
static void logins(void)
{
    static const struct row table[] = {
        { "auth on\ntls off\n" LOGIN, CLEAR },
        { "auth plain\ntls off\n" LOGIN, CLEAR },
        { "auth login\ntls off\n" LOGIN, CLEAR },
        { "auth oauthbearer\ntls off\n" LOGIN, CLEAR },
        { "auth xoauth2\ntls off\n" LOGIN, CLEAR },
        { "auth xoauth2\ntls off\nauth_unsafe on\n" LOGIN, "" },
        { "auth cram-md5\ntls off\n" LOGIN, "" },
        { "auth scram-sha-1\ntls off\n" LOGIN, "" },
        { "auth scram-sha-256\ntls off\n" LOGIN, "" },
        { "auth scram-sha-1-plus\ntls off\n" LOGIN, THROUGH_TLS },
        { "auth scram-sha-256-plus\ntls off\n" LOGIN, THROUGH_TLS },
        { "auth scram-sha-256-plus\n" LOGIN, "" },
        { "auth external\ntls off\n", THROUGH_TLS },
        { "auth external\n",
          "0:0 auth external logs in by a certificate: set tls_cert_file and "
          "tls_key_file" },
        { "auth plain\ntls_certcheck off\n" LOGIN,
          "0:0 auth with tls_certcheck off would give the password to anyone: "
          "set auth_unsafe on if you mean it" },
        { "auth scram-sha-256\ntls_certcheck off\n" LOGIN, "" },
        { "auth plain\npassword p\n", "0:0 auth needs user" },
    };

    usual();
    ROWS(table);
    put(2, "cert.pem", "C", 1);
    put(3, "key.pem", "K", 1);
    CHECK_STR(load(TO "auth external\n"), "");
}

/* Of the file's own line end, nothing else is left out. */
static void passwords(void)
{
    static const struct {
        const char *text;
        size_t len;
        const char *want; /* NULL: refused as more than a line */
    } table[] = {
        { "p", 1, "p" },     { "p\n", 2, "p" },   { "p\r\n", 3, "p" },
        { "p\r", 2, "p" },   { " p ", 3, " p " }, { "p\n\n", 3, NULL },
        { "p\rq", 3, NULL }, { "p\0q", 3, NULL }, { "p\nq", 3, NULL },
    };

    usual();
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        put(2, "password", table[i].text, table[i].len);
        if (table[i].want == NULL) {
            CHECK_STR(load(TO "auth on\nuser u\n"),
                      "0:0 the file password holds more than one line, or a "
                      "NUL");
            continue;
        }
        CHECK_STR(load(TO "auth on\nuser u\n"), "");
        CHECK_MEM(c.password.p, c.password.len, table[i].want,
                  strlen(table[i].want));
    }
    put(2, "password", "\r\n", 2);
    CHECK_STR(load(TO "auth on\nuser u\n"),
              "0:0 auth needs a password: the key password or the file "
              "password");
}

/* ---------------------------------------------------- names and addresses */

static void names(void)
{
    static const struct row table[] = {
        { "domain \"a b\"\n",
          "3:9 domain must be a host name or an address, not \"a b\"" },
        { "domain a/b\n",
          "3:8 domain must be a host name or an address, not \"a/b\"" },
        { "domain [192.0.2.1]\n", "" },
        { "domain A-z_0.9:\n", "" },
        { "tls_host_override \"a(b\"\n",
          "3:20 tls_host_override must be a host name or an address, not "
          "\"a(b\"" },
        { "domain h%H\n",
          "3:8 domain holds a % pattern, which only the launcher can replace" },
        { "from %U@h\n",
          "3:6 from holds a % pattern, which only the launcher can replace" },
        { "from %x@h\n", "" },
        { "from a%@h\n", "" },
        { "from a?c@h\n",
          "3:6 from is a pattern, which chooses an account in msmtp; name one "
          "address here" },
        { "from *@h\n",
          "3:6 from is a pattern, which chooses an account in msmtp; name one "
          "address here" },
        { "cc Friends:;\n", "" },
        { "cc ;\n", "" },
        { "cc \"(nobody)\"\n", NULL },
    };

    usual();
    rows(table, sizeof table / sizeof *table - 1);
    CHECK(strncmp(load(TO "cc \"(nobody)\"\n"), "3:5 cc \"(nobody)\" is not",
                  20) == 0);
    CHECK_STR(load("host h\n"), "0:0 no recipient: set to, or read_recipients");
    CHECK_STR(load("host h\nread_recipients on\n"), "");
    CHECK_STR(load("host h\nbcc a@b\n"), "");
}

#define NOTIFY                                                         \
    "3:12 dsn_notify wants off, never, or some of failure, delay and " \
    "success, with commas and no blanks"

static void notes(void)
{
    static const struct row table[] = {
        { "dsn_notify never\n", "" },
        { "dsn_notify never,failure\n", NOTIFY },
        { "dsn_notify failure,delay,success\n", "" },
        { "dsn_notify failure,,delay\n", NOTIFY },
        { "dsn_notify failure,\n", NOTIFY },
        { "dsn_notify sometimes\n", NOTIFY },
    };

    usual();
    ROWS(table);
    CHECK_STR(load(TO "dsn_notify success,delay\n"), "");
    CHECK_EQ(c.notify, SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_DELAY);
    CHECK_STR(load(TO "dsn_notify never\n"), "");
    CHECK_EQ(c.notify, SMTP_NOTIFY_NEVER);
}

static void wishes(void)
{
    static const struct row table[] = {
        { "mt_priority 9\n", "" },
        { "mt_priority -9\n", "" },
        { "mt_priority \"\"\n", "3:14 mt_priority wants off or -9 to 9" },
        { "mt_priority -\n", "3:13 mt_priority wants off or -9 to 9" },
        { "mt_priority :\n", "3:13 mt_priority wants off or -9 to 9" },
        { "mt_priority /\n", "3:13 mt_priority wants off or -9 to 9" },
        { "mt_priority 10\n", "3:13 mt_priority wants off or -9 to 9" },
        { "dsn_envid a\xc3\xa4\n",
          "3:11 dsn_envid holds a byte that is no printable ASCII" },
        { "hold_until tomorrow\n",
          "3:12 hold_until wants a date and time of RFC 3339 such as "
          "2026-11-27T08:00:00Z" },
    };
    char text[200];

    usual();
    ROWS(table);
    /* a blank, + and = take three bytes of the 100 */
    for (size_t i = 0; i < 3; i++) {
        int at =
            snprintf(text, sizeof text, TO "dsn_envid \"a%c%096d", " +="[i], 0);

        snprintf(text + at, sizeof text - (size_t)at, "\"\n");
        CHECK_STR(load(text), "");
        snprintf(text + at, sizeof text - (size_t)at, "x\"\n");
        CHECK_STR(load(text),
                  "3:12 dsn_envid is too long: 100 bytes, of which a blank, + "
                  "and = take three");
    }
}

/* -------------------------------------------------------------------- TLS */

#define HALF  "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF"
#define PRINT "tls_fingerprint " HALF ":" HALF "\n"

static void keys(void)
{
    static const struct row table[] = {
        { "tls_cert_file c\n", "3:15 tls_cert_file needs tls_key_file" },
        { "tls_key_file k\n", "3:14 tls_key_file needs tls_cert_file" },
        { "tls_cert_file c\ntls_key_file no\n",
          "4:14 tls_key_file: no such file: \"no\"" },
        { "tls_cert_file no\ntls_key_file k\n",
          "3:15 tls_cert_file: no such file: \"no\"" },
        { "tls_cert_file ~/c\ntls_key_file ./k\n", "" },
        { "tls_cert_file c\ntls_key_file x/k\n",
          "4:14 tls_key_file: no such file: \"x/k\"" },
        { PRINT "tls_certcheck off\n", "0:0 tls_certcheck off would drop "
                                       "tls_fingerprint: one or the other" },
        { PRINT "tls_crl_file c\n",
          "4:14 tls_crl_file needs authorities to trust: not with "
          "tls_certcheck off or tls_fingerprint" },
        { "tls_trust_file \"\"\n",
          "3:17 nobody is trusted: set tls_trust_file, tls_fingerprint, or "
          "tls_certcheck off" },
    };

    usual();
    put(2, "c", "C", 1);
    put(3, "k", "K", 1);
    ROWS(table);
    put(3, "k", "", 0);
    CHECK_STR(load(TO "tls_cert_file c\ntls_key_file k\n"),
              "4:14 tls_key_file: empty file: \"k\"");
    /* the usual files are taken together or not at all */
    put(2, "cert.pem", "C", 1);
    CHECK_STR(load(TO), "");
    CHECK_EQ(c.cert.len, 0);
}

static void signatures(void)
{
    static const struct row table[] = {
        { "dkim_selector s\n", "3:15 dkim_selector needs dkim_domain" },
        { "dkim_domain d.e\n", "3:13 dkim_domain needs dkim_selector" },
        { "dkim_domain d/e\ndkim_selector s\n",
          "3:13 dkim_domain must be a host name or an address, not \"d/e\"" },
        { "dkim_domain d.e\ndkim_selector \"s t\"\n",
          "4:16 dkim_selector must be a host name or an address, not \"s t\"" },
        { "dkim_domain d.e\ndkim_selector s\ndkim_key /no\n",
          "5:10 dkim_key: no such file: \"no\"" },
        { "dkim_domain d.e\ndkim_selector s\n", "" },
        { "dkim_key /no\n", "" }, /* it is not used */
    };

    usual();
    put(2, "dkim.pem", "K", 1);
    ROWS(table);
}

/* ---------------------------------------------------------------- network */

#define FORM   "3:4 ip must be dhcp or ADDRESS/PREFIX, not "
#define STATIC "ip 192.0.2.9/24\ndns 192.0.2.53\n"

static void networks(void)
{
    static const struct row table[] = {
        { "ip 192.0.2.9/\n", FORM "\"192.0.2.9/\"" },
        { "ip 192.0.2.9/0\n", FORM "\"192.0.2.9/0\"" },
        { "ip 192.0.2.9/:\n", NULL },
        { "ip 192.0.2.9/x\n", FORM "\"192.0.2.9/x\"" },
        { "ip 192.0.2.9/2x\n", FORM "\"192.0.2.9/2x\"" },
        { "ip 192.0.2.9/2/\n", FORM "\"192.0.2.9/2/\"" },
        { "ip 192.0.2.9/024\n", FORM "\"192.0.2.9/024\"" },
        { "ip 192.0.2.9/33\n", FORM "\"192.0.2.9/33\"" },
        { "ip 2001/64\n", FORM "\"2001/64\"" },
        { "ip \"\"\n", "3:5 ip must be dhcp or ADDRESS/PREFIX, not \"\"" },
        { "ip 64.0.0.9/8\ndns 192.0.2.53\n", "" },
        { "ip 192.0.2.0/24\n",
          "3:4 ip must not be the network's own address, not "
          "\"192.0.2.0/24\"" },
        { "ip 192.0.2.255/24\n",
          "3:4 ip must not be the network's own address, not "
          "\"192.0.2.255/24\"" },
        { "ip 192.0.2.9/32\ndns 192.0.2.53\n", "" },
        { "ip 192.0.2.8/31\ndns 192.0.2.53\n", "" }, /* RFC 3021 */
        { STATIC "gateway 192.0.2.9\n",
          "5:9 gateway must be another address of the network, not "
          "\"192.0.2.9\"" },
        { STATIC "gateway 2001:db8::1\n",
          "5:9 gateway must be an IPv4 address, not \"2001:db8::1\"" },
        { STATIC "gateway 192.0.2.1\n", "" },
        { "dns one.test\n", "3:5 dns must be an IP address, not \"one.test\"" },
        { "dns 2001:db8::53\n", "" },
        { "ip 192.0.2.9/24\n",
          "1:6 host is a name, and with a static ip a name server is needed: "
          "set dns" },
        { STATIC "source_ip 192.0.2.8\n",
          "0:0 source_ip must be the address that ip sets: there is no "
          "other" },
        { STATIC "source_ip 192.0.2.9\n", "" },
    };

    usual();
    rows(table, 2);
    rows(table + 3, sizeof table / sizeof *table - 3);
    CHECK_STR(load("host 192.0.2.25\nto a@b\nip 192.0.2.9/24\n"), "");
}

/* client:server:gateway:netmask:hostname:device:autoconf:dns0:dns1:ntp0 */
static void linux_networks(void)
{
    static const struct row table[] = {
        { "ip 192.0.2.9:::255.255.255.0:::off:192.0.2.53:9.9.9.9:1.1.1.1\n",
          "" },
        { "ip 192.0.2.9:::255.255.255.0:::off:192.0.2.53:9.9.9.9:1.1.1.1:x\n",
          "3:4 ip has too many fields, not "
          "\"192.0.2.9:::255.255.255.0:::off:192.0.2.53:9.9.9...\"" },
        { "ip 192.0.2.9:::255.255.255.0:::off:here\n",
          "3:4 ip: dns0 must be an IPv4 address, not \"here\"" },
        { "ip 192.0.2.9:::255.255.255.0:::off:9.9.9.9:here\n",
          "3:4 ip: dns1 must be an IPv4 address, not \"here\"" },
        { "ip 192.0.2.9::here:255.255.255.0\n",
          "3:4 ip: the gateway must be an IPv4 address, not \"here\"" },
        { "ip 192.0.2.9:::255.255.255.0:::maybe\n",
          "3:4 ip: the method must be dhcp or static, not \"maybe\"" },
        { "ip here:::255.255.255.0\n",
          "3:4 ip must start with an IPv4 address, not \"here\"" },
        { "ip 192.0.2.9:::255.0.255.0\n",
          "3:4 ip: the fourth field must be a netmask, not \"255.0.255.0\"" },
        { "ip 192.0.2.9:::0.0.0.0\n",
          "3:4 ip: the fourth field must be a netmask, not \"0.0.0.0\"" },
        { "ip 192.0.2.9:::24\n",
          "3:4 ip: the fourth field must be a netmask, not \"24\"" },
        /* an address is an address, whatever the method says */
        { "ip 192.0.2.9:::255.255.255.0:::dhcp:192.0.2.53\n", "" },
        { "ip :::::eth0:both\n", "" },
        { "ip 192.0.2.9:::255.255.255.0:::none:192.0.2.53\n", "" },
        { "ip 192.0.2.9:::255.255.255.0:::static:192.0.2.53\n", "" },
    };

    usual();
    ROWS(table);
    CHECK_STR(load(TO "ip 192.0.2.9:::255.255.255.0:::dhcp:9.9.9.9:8.8.8.8\n"
                      "dns 1.1.1.1\n"),
              "");
    CHECK(!c.dhcp);
    CHECK_EQ(addr_to_v4(&c.dns_addr[0]), 0x01010101);
    CHECK_EQ(c.dns_addr[1].len, 0); /* the key dns wins, whole */
}

/* -------------------------------------------------------------- a check */

/* A login alone needs no message, no recipient. */
static void checks(void)
{
    usual();
    file[0].name = NULL;
    CHECK_STR(load("host h\ncheck on\n"), "");
    CHECK(c.check);
    CHECK_STR(load("host h\ncheck on\nauth on\n"), "0:0 auth needs user");
}

static const struct check_case cases[] = {
    { "logins", logins },
    { "passwords", passwords },
    { "names", names },
    { "notes", notes },
    { "wishes", wishes },
    { "keys", keys },
    { "signatures", signatures },
    { "networks", networks },
    { "linux-networks", linux_networks },
    { "checks", checks },
};

CHECK_MAIN(cases)
