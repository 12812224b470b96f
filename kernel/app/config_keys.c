/*
 * config_keys.c - every key there is: type, default, limits, help.
 *
 * The README's table is made of this one (scripts/readme-keys). Names and
 * meaning are msmtp's where msmtp has the key. Keys of msmtp's that the image
 * cannot honour are listed too: refused where ignoring them would change what
 * the user asked for, ignored (with a line in the log) where it would not.
 */
#include "config.h"

#include "watchdog.h"

#define AT(field) offsetof(struct config, field)

static const char *const protocols[] = { "smtp", "lmtp", NULL };
static const char *const auths[] = {
    "off",
    "on",
    "plain",
    "scram-sha-1",
    "scram-sha-1-plus",
    "scram-sha-256",
    "scram-sha-256-plus",
    "cram-md5",
    "external",
    "oauthbearer",
    "xoauth2",
    "login",
    NULL,
};
static const char *const auto_off[] = { "auto", "off", NULL };
static const char *const auto_off_on[] = { "auto", "off", "on", NULL };
static const char *const on_off[] = { "on", "off", NULL };
static const char *const returns[] = { "off", "headers", "full", NULL };
static const char *const importances[] = { "off", "low", "normal", "high",
                                           NULL };
static const char *const autos[] = { "off", "auto-generated", "auto-replied",
                                     NULL };
/* in the order of the bits: header, then body */
static const char *const canonical[] = { "relaxed/relaxed", "relaxed/simple",
                                         "simple/relaxed", "simple/simple",
                                         NULL };
static const char *const ends[] = { "poweroff", "reboot", "halt", NULL };
static const char *const versions[] = { "1.2", "1.3", NULL };

#define STR(n, field, dflt, help)                      \
    {                                                  \
        n, CONF_STR, AT(field), dflt, NULL, 0, 0, help \
    }
#define BOOL(n, field, dflt, help)                      \
    {                                                   \
        n, CONF_BOOL, AT(field), dflt, NULL, 0, 0, help \
    }
#define NOT(n, field, help)                            \
    {                                                  \
        n, CONF_NOT, AT(field), NULL, NULL, 0, 0, help \
    }
#define CHOICE(n, field, dflt, list, help)                \
    {                                                     \
        n, CONF_CHOICE, AT(field), dflt, list, 0, 0, help \
    }
#define LIST(n, field, help)                            \
    {                                                   \
        n, CONF_LIST, AT(field), NULL, NULL, 0, 0, help \
    }
#define SECONDS(n, field, dflt, min, max, help)                \
    {                                                          \
        n, CONF_SECONDS, AT(field), dflt, NULL, min, max, help \
    }
#define IGNORED(n, i, help)                                     \
    {                                                           \
        n, CONF_IGNORED, AT(ignored[i]), NULL, NULL, 0, 0, help \
    }
/* the default is for the table of keys alone: the launcher knows it */
#define LAUNCHER(n, dflt, help)                     \
    {                                               \
        n, CONF_LAUNCHER, 0, dflt, NULL, 0, 0, help \
    }
#define REFUSED(n, unless, help)                       \
    {                                                  \
        n, CONF_HOST_ONLY, 0, unless, NULL, 0, 0, help \
    }

const struct conf_key config_keys[] = {
    STR("account", account, NULL,
        "the account to use, on the command line; in the file it starts one"),

    /* the server */
    STR("host", host, NULL, "name or IP address of the server; required"),
    { "port", CONF_U16, AT(port), NULL, NULL, 1, 65535,
      "default: 587, 465 with tls_starttls off, 25 with tls off" },
    CHOICE("protocol", protocol, "smtp", protocols,
           "LMTP answers for each recipient"),
    BOOL("chunking", chunking, "on",
         "off: send by DATA even where BDAT is offered, files in base64"),
    STR("domain", domain, NULL,
        "name given in EHLO; default: the image's address in brackets"),
    SECONDS("timeout", timeout_s, "off", 0, 3600,
            "longest silence of the server in any state; off: RFC 5321's"),
    SECONDS("total_timeout", total_timeout_s, "900", 1, 86400,
            "longest whole run, in seconds; nothing turns it off"),

    SECONDS("watchdog", watchdog_s, "off", 0, WATCHDOG_MAX,
            "seconds after which a stuck machine restarts (i6300esb)"),
    CHOICE("at_end", at_end, "poweroff", ends,
           "after the report; a reboot sends again; the launcher powers off"),

    /* TLS */
    BOOL("tls", tls, "on", "encrypt and verify; off sends in the clear"),
    BOOL("tls_starttls", tls_starttls, "on",
         "on: STARTTLS; off: TLS from the first byte (port 465)"),
    BOOL("tls_certcheck", tls_certcheck, "on",
         "off: trust any certificate, so that anyone may read the mail"),
    STR("tls_trust_file", tls_trust_file, "system",
        "PEM file of trusted authorities; system: the file ca.pem"),
    STR("tls_crl_file", tls_crl_file, NULL,
        "PEM file of revocation lists, for issuers that have one in it"),
    { "tls_fingerprint", CONF_HEX32, AT(tls_fingerprint), NULL, NULL, 0, 0,
      "SHA-256 of the one certificate to trust, instead of authorities" },
    STR("tls_cert_file", tls_cert_file, NULL,
        "PEM file of a client certificate; default: cert.pem, if given"),
    STR("tls_key_file", tls_key_file, NULL,
        "PEM file of its key; default: key.pem, if given"),
    STR("tls_host_override", tls_host_override, NULL,
        "name to look for in the certificate instead of host"),
    CHOICE("tls_min_version", tls_min_version, "1.2", versions,
           "oldest TLS version to speak"),

    /* who we are */
    CHOICE("auth", auth, "off", auths,
           "log in; on: the best of the server's that takes a password"),
    STR("user", user, NULL, "user name for auth"),
    { "password", CONF_SECRET, AT(password), NULL, NULL, 0, 0,
      "password or OAuth token for auth; default: the file password" },
    BOOL("auth_unsafe", auth_unsafe, "off",
         "send the password without verified TLS all the same"),

    /* the mail */
    STR("from", from, NULL,
        "envelope sender, may be \"\"; default: the message's From field"),
    STR("from_full_name", from_full_name, NULL,
        "name beside the address in a From field that is made"),
    LIST("to", to,
         "recipients, comma-separated, with or without names; may be repeated"),
    LIST("cc", cc, "more of them, named in the field Cc"),
    LIST("bcc", bcc, "more of them, named nowhere"),
    LIST("reply_to", reply_to, "where answers go, if not to the sender"),
    LIST("set_to_header", set_to_header,
         "send to these alone, whoever is named, and say so in To"),
    { "only_to", CONF_LINES, AT(only_to), NULL, NULL, 0, 0,
      "of all who are named anywhere, send to these alone (retries)" },
    STR("maildomain", maildomain, NULL,
        "domain of a sender or recipient that has none, such as root"),
    BOOL("read_recipients", read_recipients, "off",
         "send to the addresses in To, Cc and Bcc of the message as well"),
    STR("subject", subject, NULL, "Subject of a message that has none"),
    { "header", CONF_LINES, AT(header), NULL, NULL, 0, 0,
      "a field \"Name: value\" for a message without it" },
    STR("message_id", message_id, NULL,
        "Message-ID of a message that has none, without <>; default: a new "
        "one"),
    SECONDS("date", date_s, NULL, 1, UINT32_MAX,
            "Date of a message that has none, since 1970; default: now"),
    STR("in_reply_to", in_reply_to, NULL, "Message-ID that is answered, in <>"),
    STR("references", references, NULL, "Message-IDs of the thread, in <>"),
    STR("list_id", list_id, NULL, "List-Id of a message that has none"),
    STR("list_unsubscribe", list_unsubscribe, NULL,
        "List-Unsubscribe of a message that has none"),
    CHOICE("importance", importance, "off", importances,
           "Importance of a message that has none"),
    CHOICE("auto_submitted", auto_submitted, "off", autos,
           "Auto-Submitted of a message that has none (RFC 3834)"),
    CHOICE("set_from_header", set_from_header, "auto", auto_off_on,
           "add a From field; auto: if there is none; on: replace it"),
    CHOICE("set_date_header", set_date_header, "auto", auto_off,
           "add a Date field if there is none"),
    CHOICE("set_msgid_header", set_msgid_header, "auto", auto_off,
           "add a Message-ID field if there is none"),
    BOOL("remove_bcc_headers", remove_bcc_headers, "on",
         "leave Bcc fields out of what is sent"),
    BOOL("undisclosed_recipients", undisclosed_recipients, "off",
         "replace To, Cc and Bcc by undisclosed-recipients:;"),
    BOOL("repair_message", repair_message, "off",
         "a bare CR ends a line, a NUL becomes a blank, instead of exit 65"),
    STR("dkim_domain", dkim_domain, NULL,
        "sign as this domain (DKIM); needs the two below"),
    STR("dkim_selector", dkim_selector, NULL,
        "where the public key is: SELECTOR._domainkey.DOMAIN in DNS"),
    STR("dkim_key", dkim_key, "dkim.pem",
        "PEM file of the key to sign with, of RSA or Ed25519"),
    CHOICE("dkim_canonicalization", dkim_canonicalization, "relaxed/relaxed",
           canonical, "of header and body: what may change on the way"),
    BOOL("allow_from_override", allow_from_override, "on",
         "off: the launcher's -f does not change from"),

    STR("dsn_notify", dsn_notify, "off",
        "delivery notes wanted: never, or of failure, delay, success"),
    CHOICE("dsn_return", dsn_return, "off", returns,
           "what of the message comes back in a note about a failure"),
    STR("dsn_envid", dsn_envid, NULL,
        "name for this delivery, which its notes repeat"),
    BOOL("require_tls", require_tls, "off",
         "verified TLS on the whole way, or the mail comes back (REQUIRETLS)"),
    STR("mt_priority", mt_priority, "off",
        "off, or -9 to 9: how urgent it is (MT-PRIORITY)"),
    STR("deliver_by", deliver_by, "off",
        "off, or seconds and what becomes of late mail: notify, return; and "
        "trace"),
    SECONDS("hold_for", hold_for, "off", 0, 999999999,
            "the server keeps it for so long before it delivers "
            "(FUTURERELEASE)"),
    STR("hold_until", hold_until, NULL,
        "the same until 2026-11-27T08:00:00Z (RFC 3339)"),

    /* the network */
    STR("interface", interface, "auto",
        "network card: its address, or its name as logged; auto: one with "
        "a link"),
    STR("ip", ip, "dhcp", "dhcp, ADDRESS/PREFIX, or what Linux takes as ip="),
    STR("gateway", gateway, NULL, "IPv4 address of the router"),
    BOOL("ipv6", ipv6, "on",
         "an IPv6 address beside the other, if a router offers one"),
    LIST("dns", dns, "addresses of up to two name servers"),
    LIST("ntp", ntp,
         "time servers, asked if the machine has no clock to trust"),
    { "source_ip", CONF_IPV4, AT(source_ip), NULL, NULL, 0, 0,
      "must be the static address: the image has but one" },
    BOOL("trace", trace, "off", "log the whole dialogue, secrets excepted"),

    BOOL("check", check, "off",
         "log in, list what the server offers, send nothing: is all well?"),

    /* msmtp's older spellings */
    CHOICE("add_missing_from_header", set_from_header, NULL, on_off,
           "older spelling of set_from_header"),
    CHOICE("add_missing_date_header", set_date_header, NULL, on_off,
           "older spelling of set_date_header"),
    NOT("keepbcc", remove_bcc_headers,
        "older spelling of "
        "remove_bcc_headers off"),
    NOT("tls_nocertcheck", tls_certcheck,
        "older spelling of "
        "tls_certcheck off"),
    NOT("tls_nostarttls", tls_starttls, "older spelling of tls_starttls off"),

    /* the launcher's: what becomes of a mail before and after the image */
    LAUNCHER("spool", NULL,
             "folder that keeps what cannot be sent now, for --flush"),
    LAUNCHER("queue_lifetime", "5d",
             "how long it is tried again: seconds, or with m, h, d"),
    LAUNCHER("retry_unsure", "off",
             "on: try again what may have been delivered, at the risk of two"),
    LAUNCHER("rate_limit", "off",
             "at most so many mails an hour to each; the rest in one digest"),
    LAUNCHER("fallback", NULL,
             "accounts to use in turn where this one cannot be reached"),

    /* accepted, and of no use here */
    IGNORED("logfile", 0, "the image has no files; its log is the console"),
    IGNORED("logfile_time_format", 1, "the image writes no log file"),
    IGNORED("syslog", 2, "the image has no syslog; its log is the console"),
    IGNORED("tls_min_dh_prime_bits", 3, "only elliptic curves are used"),
    IGNORED("proxy_port", 4, "there is no proxy"),

    /* refused: ignoring them would not do what was asked for */
    REFUSED("eval", NULL, "only the launcher runs it; write the line out"),
    REFUSED("passwordeval", "",
            "only the launcher runs it; use the file password"),
    REFUSED("aliases", "", "only the launcher reads them; name addresses"),
    REFUSED("auto_from", "off", "only the launcher knows who calls; set from"),
    REFUSED("proxy_host", "", "SOCKS is not spoken here"),
    REFUSED("socket", "", "there are no local sockets here; set host"),
    REFUSED("ntlmdomain", "", "NTLM is not spoken here"),
    REFUSED("tls_priorities", "", "suites are fixed; see tls_min_version"),
    REFUSED("tls_force_sslv3", "off", "SSL 3 is gone"),
};

const size_t config_key_count = sizeof config_keys / sizeof *config_keys;
