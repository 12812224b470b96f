/*
 * test_config.c - configurations as people write them, good and bad: each
 * default by way of the table, each refusal with its reason and its place.
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

/* ------------------------------------------- the machine around config.c */

static struct board_info info;
static struct {
    const char *name, *text;
} file[8];
static size_t files;
static unsigned logged;

const struct board_info *board_info(void)
{
    return &info;
}

struct blob files_get(struct blob name)
{
    size_t i = files;

    while (i-- > 0) {
        if (blob_eq(name, blob_str(file[i].name)))
            return blob_str(file[i].text);
    }
    return blob_of(NULL, 0);
}

void log_say(const char *fmt, ...)
{
    (void)fmt;
    logged++;
}

static void put_file(const char *name, const char *text)
{
    file[files].name = name;
    file[files++].text = text;
}

static struct config c;
static struct conf_error err;

/* ca.pem and message are there unless a case says otherwise */
static int load(const char *conf, const char *cmdline)
{
    if (conf != NULL)
        put_file("bootmail.conf", conf);
    info.cmdline = blob_str(cmdline);
    logged = 0;
    int status = config_load(&c, &err);

    files = 0;
    return status;
}

static int load_usual(const char *conf, const char *cmdline)
{
    put_file("message", "Subject: x\n\ny\n");
    put_file("ca.pem", "-----BEGIN");
    return load(conf, cmdline);
}

#define IS(blob, want) CHECK_MEM((blob).p, (blob).len, want, strlen(want))
#define OK(status)                                                     \
    do {                                                               \
        if (!CHECK_EQ(status, 0))                                      \
            printf("  %s:%u:%u: %s\n", err.file, err.line, err.column, \
                   err.why);                                           \
    } while (0)

/* ------------------------------------------------------------------ cases */

static void table(void)
{
    size_t i, j;

    memset(&c, 0, sizeof c);
    CHECK(conf_defaults(config_keys, config_key_count, &c, &err));
    for (i = 0; i < config_key_count; i++) {
        const struct conf_key *k = &config_keys[i];

        CHECK(k->help != NULL && k->help[0] != '\0');
        CHECK(strlen(k->name) < 32 && strlen(k->help) < 80);
        CHECK(k->offset < sizeof c);
        CHECK((k->type == CONF_CHOICE) == (k->choices != NULL));
        CHECK(k->type != CONF_U16 || (k->min < k->max && k->max <= 65535));
        for (j = 0; j < i; j++)
            CHECK(strcmp(k->name, config_keys[j].name) != 0);
    }
}

/* Every default, printed from what an empty file gives. */
static const char *const usual[] = {
    "account ",
    "host ",
    "port 0",
    "protocol smtp",
    "chunking on",
    "domain ",
    "timeout off",
    "total_timeout 900",
    "watchdog off",
    "at_end poweroff",
    "tls on",
    "tls_starttls on",
    "tls_certcheck on",
    "tls_trust_file system",
    "tls_crl_file ",
    "tls_fingerprint ",
    "tls_cert_file ",
    "tls_key_file ",
    "tls_host_override ",
    "tls_min_version 1.2",
    "auth off",
    "user ",
    "password ",
    "auth_unsafe off",
    "from ",
    "from_full_name ",
    "to ",
    "cc ",
    "bcc ",
    "reply_to ",
    "set_to_header ",
    "only_to ",
    "maildomain ",
    "read_recipients off",
    "subject ",
    "header ",
    "message_id ",
    "date off",
    "in_reply_to ",
    "references ",
    "list_id ",
    "list_unsubscribe ",
    "importance off",
    "auto_submitted off",
    "set_from_header auto",
    "set_date_header auto",
    "set_msgid_header auto",
    "remove_bcc_headers on",
    "undisclosed_recipients off",
    "repair_message off",
    "dkim_domain ",
    "dkim_selector ",
    "dkim_key dkim.pem",
    "dkim_canonicalization relaxed/relaxed",
    "allow_from_override on",
    "dsn_notify off",
    "dsn_return off",
    "dsn_envid ",
    "require_tls off",
    "mt_priority off",
    "deliver_by off",
    "hold_for off",
    "hold_until ",
    "interface auto",
    "ip dhcp",
    "gateway ",
    "ipv6 on",
    "dns ",
    "ntp ",
    "source_ip ",
    "trace off",
};

static void defaults(void)
{
    char text[128];
    size_t i, n;

    memset(&c, 0, sizeof c);
    CHECK(conf_defaults(config_keys, config_key_count, &c, &err));
    for (i = 0; i < sizeof usual / sizeof *usual; i++) {
        n = conf_print(&config_keys[i], &c, text, sizeof text);
        CHECK_MEM(text, n, usual[i], strlen(usual[i]));
    }
}

static void wishes(void)
{
    static const struct {
        const char *text;
        uint32_t seconds;
        bool comes_back, trace;
    } by[] = { { "60", 60, false, false },
               { "60 notify", 60, false, false },
               { "60  return", 60, true, false },
               { "60 trace", 60, false, true },
               { "999999999 return trace", 999999999, true, true } };
    static const char *const bad[] = {
        "",           "0",           "1000000000",
        "60x",        "60 return x", "60 trace return",
        "60 returns", "-1"
    };
    char text[200];

    CHECK_EQ(load_usual("host h\nto a@b\nrequire_tls on\nmt_priority -9\n"
                        "dsn_envid \"a b+c\"\nhold_for 100\n",
                        ""),
             0);
    CHECK(c.wishes.require_tls && c.wishes.has_priority);
    CHECK_EQ(c.wishes.priority, -9);
    CHECK_MEM(c.wishes.envid.p, c.wishes.envid.len, "a b+c", 5);
    CHECK_EQ(c.wishes.hold_seconds, 100);
    CHECK_EQ(load_usual("host h\nto a@b\nmt_priority 3\n"
                        "hold_until 2026-11-27T08:00:00+01:00\n",
                        ""),
             0);
    CHECK_EQ(c.wishes.priority, 3);
    CHECK_EQ(c.wishes.hold_until.len, 25);
    for (size_t i = 0; i < sizeof by / sizeof *by; i++) {
        snprintf(text, sizeof text, "host h\nto a@b\ndeliver_by %s\n",
                 by[i].text);
        CHECK_EQ(load_usual(text, ""), 0);
        CHECK_EQ(c.wishes.by_seconds, by[i].seconds);
        CHECK_EQ(c.wishes.by_return, by[i].comes_back);
        CHECK_EQ(c.wishes.by_trace, by[i].trace);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(text, sizeof text, "host h\nto a@b\ndeliver_by \"%s\"\n",
                 bad[i]);
        if (!CHECK_EQ(load_usual(text, ""), 78))
            printf("  deliver_by %s\n", bad[i]);
    }
    /* 100 bytes, 102 with "+2B" */
    memset(text, 'x', sizeof text);
    memcpy(text, "host h\nto a@b\ndsn_envid ", 24);
    text[124] = '\0';
    CHECK_EQ(load_usual(text, ""), 0);
    text[100] = '+';
    CHECK_EQ(load_usual(text, ""), 78);
}

static void msmtprc(void)
{
    /* in the manner of msmtp's manual: defaults, accounts, inheritance */
    static const char text[] = "# my accounts\n"
                               "defaults\n"
                               "tls on\n"
                               "tls_starttls on\n"
                               "tls_trust_file system\n"
                               "logfile ~/.msmtp.log\n"
                               "\n"
                               "# the provider\n"
                               "account provider\n"
                               "host smtp.provider.example\n"
                               "port 587\n"
                               "from joe@provider.example\n"
                               "auth on\n"
                               "user joe\n"
                               "password \"a # b\"\n"
                               "\n"
                               "account second : provider\n"
                               "from joey@provider.example\n"
                               "\n"
                               "account work\n"
                               "host mail.work.example\n"
                               "port 465\n"
                               "tls_starttls off\n"
                               "from joe@work.example\n"
                               "auth plain\n"
                               "user 12345\n"
                               "passwordeval gpg -d ~/.pw.gpg\n"
                               "\n"
                               "account default : provider\n";

    OK(load_usual(text, "to=boss@example.net"));
    IS(c.host, "smtp.provider.example");
    IS(c.from, "joe@provider.example");
    IS(c.password, "a # b");
    IS(c.trust, "-----BEGIN");
    CHECK_EQ(c.port, 587);
    CHECK_EQ(c.auth, AUTH_ON);
    CHECK(c.tls && c.tls_starttls && c.tls_certcheck && c.dhcp);
    CHECK_EQ(logged, 1);
    OK(load_usual(text, "account=second to=boss@example.net"));
    IS(c.from, "joey@provider.example");
    IS(c.user, "joe");
    CHECK_EQ(load_usual(text, "account=work to=boss@example.net"), 78);
    CHECK_EQ(err.line, 27);
    CHECK_EQ(err.column, 14);
    CHECK_EQ(load_usual(text, "account=nobody to=a@b"), 78);
    CHECK_STR(err.file, "command line");
    CHECK_EQ(err.column, 9);
}

static void without_file(void)
{
    OK(load_usual(NULL, "host=10.0.2.2 to=a@b.example tls=off quiet"));
    CHECK_EQ(c.port, 0);
    CHECK(!c.tls);
    CHECK(c.from.p == NULL);
    OK(load_usual(NULL, "host=h to=a@b from=\"\" -- tls"));
    CHECK(c.from.p != NULL && c.from.len == 0);
    CHECK_EQ(load_usual(NULL, "account=x host=h to=a@b"), 78);
    OK(load_usual("host h\nto a@b\nport 1\n", "port=2 to=c@d"));
    CHECK_EQ(c.port, 2);
    CHECK_EQ(c.to.count, 1);
    IS(c.to.item[0], "c@d");
}

/* What the launcher adds for one call. */
static void args_file(void)
{
    put_file("args", "from me@x\nsubject \"a \"b\" \"\nto c@d\nto e@f\n");
    OK(load_usual("host h\nto a@b\nfrom you@x\n", "to=g@h"));
    IS(c.from, "me@x");
    IS(c.subject, "a \"b\" ");
    IS(c.to.item[0], "g@h");
    CHECK_EQ(c.to.count, 1);
    put_file("args", "from me@x\nto c@d\nto e@f\n");
    OK(load_usual("host h\nfrom you@x\nallow_from_override off\n", ""));
    IS(c.from, "you@x");
    CHECK_EQ(c.to.count, 2);
    put_file("args", "from me@x\n");
    OK(load_usual("host h\nto a@b\nallow_from_override off\n", ""));
    IS(c.from, "me@x");
    put_file("args", "");
    OK(load_usual("account a\nhost h\nto a@b\n", "account=a"));
    put_file("args", "to c@d\nto e f@g\n");
    CHECK_EQ(load_usual("host h\n", ""), 64);
    CHECK_STR(err.file, "the launcher's arguments (args)");
    CHECK_EQ(err.line, 2);
    CHECK_EQ(err.column, 4);
}

/* Names, groups, addresses without a domain. */
static void people(void)
{
    static const char *const bad[] = {
        "to Doe, John <a@b>",
        "cc a@b c@d",
        "reply_to <>",
        "to root",
        "bcc @x",
        "set_to_header \"x <a@b>",
    };
    size_t i;

    OK(load_usual("host h\nto \"Doe, J.\" <a@b>, J\xc3\xb6rg <c@d>\n"
                  "cc Ops: e@f, g@h;\nto i@j (k l)\nreply_to Nobody:;\n"
                  "header X-A: 1, 2\nheader X-B: 3\n",
                  ""));
    CHECK_EQ(c.to.count, 3);
    CHECK_EQ(c.cc.count, 2);
    CHECK_EQ(c.header.count, 2);
    IS(c.header.item[0], "X-A: 1, 2");
    IS(c.to.item[0], "\"Doe, J.\" <a@b>");
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[100];

        snprintf(text, sizeof text, "host h\nto a@b\n%s\n", bad[i]);
        CHECK_EQ(load_usual(text, ""), 78);
        CHECK_EQ(err.line, 3);
        CHECK(strstr(err.why, "is not an address") != NULL);
    }
    OK(load_usual("host h\nto root\nfrom cron\nmaildomain x.y\n", ""));
    OK(load_usual("host h\nbcc a@b\n", ""));
    CHECK_EQ(load_usual("host h\nto a@b\nmaildomain x y\n", ""), 78);
    CHECK_EQ(load_usual("host h\n", ""), 78);
}

static void message_file(void)
{
    put_file("ca.pem", "x");
    CHECK_EQ(load("host h\nto a@b\n", ""), 65);
    CHECK_STR(err.why, "there is no file message to send");
    put_file("ca.pem", "x");
    put_file("message", "");
    OK(load("host h\nto a@b\n", ""));
    CHECK_EQ(c.message.len, 0);
    CHECK(c.message.p != NULL);
    put_file("message.html", "<p>");
    put_file("ca.pem", "x");
    OK(load("host h\nto a@b\n", ""));
    CHECK(c.message.p == NULL);
    IS(c.html, "<p>");
}

static void password_file(void)
{
    static const char conf[] = "host h\nto a@b\nauth login\nuser u\n";

    put_file("password", "sesame\n");
    OK(load_usual(conf, ""));
    IS(c.password, "sesame");
    put_file("password", "sesame\r\n");
    OK(load_usual(conf, ""));
    IS(c.password, "sesame");
    put_file("password", "sesame\n\n");
    CHECK_EQ(load_usual(conf, ""), 78);
    CHECK(strstr(err.why, "sesame") == NULL);
    put_file("password", "\n");
    CHECK_EQ(load_usual(conf, ""), 78);
    put_file("password", "other");
    OK(load_usual(conf, "password=mine"));
    IS(c.password, "mine");
    CHECK_EQ(load_usual("host h\nto a@b\nauth\npassword x\n", ""), 78);
    CHECK_STR(err.why, "auth needs user");
}

static void trust(void)
{
    put_file("message", "x");
    CHECK_EQ(load("host h\nto a@b\n", ""), 78);
    CHECK(strstr(err.why, "ca.pem") != NULL);
    put_file("message", "x");
    OK(load("host h\nto a@b\ntls off\n", ""));
    put_file("message", "x");
    OK(load("host h\nto a@b\ntls_certcheck off\n", ""));
    put_file("etc/ssl/ca.crt", "PEM");
    OK(load_usual("host h\nto a@b\ntls_trust_file /etc/ssl/ca.crt\n", ""));
    IS(c.trust, "PEM");
    put_file("my.pem", "PEM");
    OK(load_usual("host h\nto a@b\ntls_trust_file ~/my.pem\n", ""));
    put_file("my.pem", "PEM");
    OK(load_usual("host h\nto a@b\ntls_trust_file ././/my.pem\n", ""));
    CHECK_EQ(load_usual("host h\nto a@b\ntls_trust_file /no.pem\n", ""), 78);
    CHECK_STR(err.why, "tls_trust_file: no such file: \"no.pem\"");
    CHECK_EQ(err.line, 3);
    CHECK_EQ(err.column, 16);
    CHECK_EQ(load_usual("host h\nto a@b\ntls_trust_file\n", ""), 78);
    CHECK_EQ(err.line, 3);
}

static void revocation(void)
{
    put_file("lists/ca.crl", "L");
    OK(load_usual("host h\nto a@b\ntls_crl_file /lists/ca.crl\n", ""));
    IS(c.crl, "L");
    put_file("ca.crl", "L");
    CHECK_EQ(load_usual("host h\nto a@b\ntls_crl_file ca.crl\n"
                        "tls_certcheck off\n",
                        ""),
             78);
    CHECK(strstr(err.why, "tls_crl_file needs authorities") != NULL);
    CHECK_EQ(load_usual("host h\nto a@b\ntls_crl_file no\n", ""), 78);
    CHECK_STR(err.why, "tls_crl_file: no such file: \"no\"");
}

static void client_cert(void)
{
    put_file("cert.pem", "C");
    put_file("key.pem", "K");
    OK(load_usual("host h\nto a@b\n", ""));
    IS(c.cert, "C");
    IS(c.key, "K");
    put_file("cert.pem", "C");
    put_file("key.pem", "K");
    OK(load_usual("host h\nto a@b\ntls_cert_file\ntls_key_file\n", ""));
    CHECK_EQ(c.cert.len, 0);
    put_file("me.crt", "C");
    CHECK_EQ(load_usual("host h\nto a@b\ntls_cert_file me.crt\n", ""), 78);
    CHECK_STR(err.why, "tls_cert_file needs tls_key_file");
}

static void addresses(void)
{
    OK(load_usual("host h\nto a@b\nip 10.0.2.15/24\ngateway 10.0.2.2\n"
                  "dns 10.0.2.3, 9.9.9.9\nsource_ip 10.0.2.15\n",
                  ""));
    CHECK(!c.dhcp);
    CHECK_EQ(c.address, 0x0a00020f);
    CHECK_EQ(c.netmask, 0xffffff00);
    CHECK_EQ(c.gateway_addr, 0x0a000202);
    CHECK_EQ(addr_to_v4(&c.dns_addr[1]), 0x09090909);
    OK(load_usual("host h\nto a@b\n",
                  "ip=10.0.2.15::10.0.2.2:255.255.0.0:box:eth0:off:10.0.2.3"));
    CHECK_EQ(c.netmask, 0xffff0000);
    CHECK_EQ(c.gateway_addr, 0x0a000202);
    CHECK_EQ(addr_to_v4(&c.dns_addr[0]), 0x0a000203);
    OK(load_usual("host h\nto a@b\n", "ip=:::::eth0:dhcp"));
    CHECK(c.dhcp);
    OK(load_usual("host h\nto a@b\n", "ip=on dns=10.0.2.3"));
    CHECK(c.dhcp);
    CHECK_EQ(addr_to_v4(&c.dns_addr[0]), 0x0a000203);
    OK(load_usual("host 10.0.2.2\nto a@b\nip 10.0.2.15/31\n", ""));
}

struct bad {
    const char *conf, *cmdline;
    const char *file;
    unsigned line, column;
    const char *why;
};

static const struct bad bad[] = {
    { "to a@b\n", "", "", 0, 0, "host is not set: name the mail server" },
    { "host a b\nto a@b\n", "", "bootmail.conf", 1, 6,
      "host must be a host name or an address, not \"a b\"" },
    { "host h\n", "", "", 0, 0, "no recipient: set to, or read_recipients" },
    { "host h\nto a@b, c d@e\n", "", "bootmail.conf", 2, 9, NULL },
    { "host h\n", "to=a@b,,", "command line", 1, 4, NULL },
    { "host h\nto a@b\nfrom %U@h\n", "", "bootmail.conf", 3, 6,
      "from holds a % pattern, which only the launcher can replace" },
    { "host h\nto a@b\nfrom *@h\n", "", "bootmail.conf", 3, 6, NULL },
    { "host h\nto a@b\nauth\nuser u\npassword sesame\n", "tls=off", "", 0, 0,
      "auth with tls off would send the password in the clear: set "
      "auth_unsafe on if you mean it" },
    { "host h\nto a@b\nauth\nuser u\npassword sesame\n", "tls_certcheck=off",
      "", 0, 0,
      "auth with tls_certcheck off would give the password to anyone: "
      "set auth_unsafe on if you mean it" },
    { "host h\nto a@b\nauth\nuser u\n", "", "", 0, 0,
      "auth needs a password: the key password or the file password" },
    { "host h\nto a@b\nip 10.0.2.15\n", "", "bootmail.conf", 3, 4,
      "ip must be dhcp or ADDRESS/PREFIX, not \"10.0.2.15\"" },
    { "host h\nto a@b\nip 10.0.2.15/33\n", "", "bootmail.conf", 3, 4, NULL },
    { "host h\nto a@b\nip 10.0.2.255/24\n", "", "bootmail.conf", 3, 4, NULL },
    { "host h\nto a@b\nip 127.0.0.1/8\n", "", "bootmail.conf", 3, 4, NULL },
    { "host h\nto a@b\nip 10.0.2.15/24\ngateway 10.0.3.2\n", "",
      "bootmail.conf", 4, 9,
      "gateway must be another address of the network, not "
      "\"10.0.3.2\"" },
    { "host h\nto a@b\n", "ip=10.0.2.15:::255.0.255.0::eth0:off",
      "command line", 1, 4, NULL },
    /* no netmask, not even an empty one */
    { "host h\nto a@b\n", "ip=10.0.2.15:10.0.2.2", "command line", 1, 4,
      "ip: the fourth field must be a netmask, not \"\"" },
    { "host h\nto a@b\nip 10.0.2.15/24\n", "", "bootmail.conf", 1, 6, NULL },
    { "host h\nto a@b\ndns 1.1.1.1, 9.9.9.9, 8.8.8.8\n", "", "bootmail.conf", 3,
      23, "dns takes two addresses at most" },
    { "host h\nto a@b\nsource_ip 10.0.2.9\n", "", "", 0, 0, NULL },
    { "host h\nto a@b\neval echo\n", "", "bootmail.conf", 3, 6, NULL },
    { "host h\nto a@b\ntls_crl_file x\n", "", "bootmail.conf", 3, 14, NULL },
    { "host h\nto a@b\ndsn_notify failure,\n", "", "bootmail.conf", 3, 12,
      NULL },
    { "host h\nto a@b\ndsn_envid a\tb\n", "", "bootmail.conf", 3, 11,
      "dsn_envid holds a byte that is no printable ASCII" },
    { "host h\nto a@b\nmt_priority 10\n", "", "bootmail.conf", 3, 13,
      "mt_priority wants off or -9 to 9" },
    { "host h\nto a@b\ndeliver_by 60 back\n", "", "bootmail.conf", 3, 12,
      NULL },
    { "host h\nto a@b\nhold_until 2026-11-31T00:00:00Z\n", "", "bootmail.conf",
      3, 12, NULL },
    { "host h\nto a@b\nhold_for 5\nhold_until 2026-11-30T00:00:00Z\n", "",
      "bootmail.conf", 4, 12,
      "hold_for and hold_until: one of them is too many" },
    { "host h\nto a@b\nauth ntlm\n", "", "bootmail.conf", 3, 6, NULL },
    { "host h\nto a@b\n", "-- hosts=x", "command line", 1, 4,
      "unknown key; did you mean host?" },
};

static void errors(void)
{
    size_t i;

    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct bad *b = &bad[i];
        bool ok = CHECK_EQ(load_usual(b->conf, b->cmdline), 78);

        ok = CHECK_STR(err.file, b->file) && ok;
        ok = CHECK_EQ(err.line, b->line) && ok;
        ok = CHECK_EQ(err.column, b->column) && ok;
        ok = (b->why == NULL || CHECK_STR(err.why, b->why)) && ok;
        ok = CHECK(err.why[0] != '\0' && strstr(err.why, "sesame") == NULL) &&
             ok;
        if (!ok)
            printf("  in: %s| %s: %s\n", b->conf, b->cmdline, err.why);
    }
}

/* Keys of msmtp's that ask for nothing are taken as they are. */
static void harmless(void)
{
    OK(load_usual("host h\nto a@b\ntls_crl_file\ntls_priorities\nsocket\n"
                  "proxy_host\naliases\nauto_from off\ndsn_notify off\n"
                  "dsn_return off\npasswordeval\nsyslog LOG_MAIL\n"
                  "add_missing_from_header off\nadd_missing_date_header\n"
                  "tls_nocertcheck\ntls_nostarttls\nkeepbcc on\n"
                  "tls_min_dh_prime_bits 512\n",
                  ""));
    CHECK_EQ(c.set_from_header, TRI_OFF);
    CHECK_EQ(c.set_date_header, TRI_AUTO);
    CHECK(!c.tls_certcheck && !c.tls_starttls && !c.remove_bcc_headers);
    CHECK_EQ(logged, 2);
    OK(load_usual("host h\nto a@b\nset_from_header on\n", ""));
    CHECK_EQ(c.set_from_header, TRI_ON);
    OK(load_usual("host h\nauth on\nuser u\npassword p\ntls off\n"
                  "auth_unsafe\nread_recipients\n",
                  ""));
}

static const struct check_case cases[] = {
    { "table", table },
    { "defaults", defaults },
    { "wishes", wishes },
    { "msmtprc", msmtprc },
    { "without_file", without_file },
    { "args_file", args_file },
    { "people", people },
    { "message_file", message_file },
    { "password_file", password_file },
    { "trust", trust },
    { "revocation", revocation },
    { "client_cert", client_cert },
    { "addresses", addresses },
    { "errors", errors },
    { "harmless", harmless },
};

CHECK_MAIN(cases)
