/*
 * config.h - what the image was told to do, typed and checked.
 *
 * config_load() reads bootmail.conf, args and the command line (later wins)
 * through the one table of keys in config_keys.c, then checks what belongs
 * together (a password for auth, an anchor for TLS, at least one recipient).
 * Blobs point into the files and live for ever.
 */
#ifndef APP_CONFIG_H
#define APP_CONFIG_H

#include "addr.h"
#include "conf.h"
#include "smtp.h"

enum config_protocol { PROTOCOL_SMTP, PROTOCOL_LMTP };
enum config_auth {
    AUTH_OFF,
    AUTH_ON,
    AUTH_PLAIN,
    AUTH_SCRAM_SHA_1,
    AUTH_SCRAM_SHA_1_PLUS,
    AUTH_SCRAM_SHA_256,
    AUTH_SCRAM_SHA_256_PLUS,
    AUTH_CRAM_MD5,
    AUTH_EXTERNAL,
    AUTH_OAUTHBEARER,
    AUTH_XOAUTH2,
    AUTH_LOGIN
};
enum config_tristate { TRI_AUTO, TRI_OFF, TRI_ON };
enum config_dsn_return { DSN_RETURN_OFF, DSN_RETURN_HEADERS, DSN_RETURN_FULL };
enum config_importance {
    IMPORTANCE_NONE,
    IMPORTANCE_LOW,
    IMPORTANCE_NORMAL,
    IMPORTANCE_HIGH
};
enum config_auto { AUTO_OFF, AUTO_GENERATED, AUTO_REPLIED };
enum config_tls_version { CONFIG_TLS_1_2, CONFIG_TLS_1_3 };

#define CONFIG_IGNORED 5 /* keys of msmtp's that mean nothing here */

struct config {
    struct blob account; /* the account chosen; empty: default        */
    struct blob host;
    uint16_t port;            /* 0: 25, 587 or 465 by tls settings        */
    bool chunking;            /* BDAT where it is offered                 */
    uint8_t protocol;         /* enum config_protocol                     */
    uint32_t timeout_s;       /* per network state; 0: RFC 5321's own     */
    uint32_t total_timeout_s; /* of the whole run                         */
    uint32_t watchdog_s;      /* 0: none                                  */
    uint8_t at_end;           /* enum board_end                           */
    struct blob domain;       /* EHLO name; empty: the address            */

    bool tls, tls_starttls, tls_certcheck;
    struct blob tls_trust_file, tls_crl_file, tls_cert_file, tls_key_file;
    struct conf_hex tls_fingerprint;
    struct blob tls_host_override;
    uint8_t tls_min_version; /* enum config_tls_version                  */

    uint8_t auth; /* enum config_auth                         */
    struct blob user, password;
    bool auth_unsafe;

    struct blob from; /* p NULL: of the message; empty: null sender */
    struct blob from_full_name, subject;
    struct conf_list to, cc, bcc, reply_to, set_to_header;
    struct conf_list only_to; /* not empty: the envelope, whoever is named */
    struct conf_list header;  /* lines "Name: value"                        */
    struct blob message_id;   /* empty: a new one                           */
    uint32_t date_s;          /* since 1970; 0: now                         */
    struct blob in_reply_to, references, list_id, list_unsubscribe;
    uint8_t importance, auto_submitted; /* enum config_..., above         */
    struct blob maildomain; /* of addresses that have none                */
    bool repair_message;
    struct blob dkim_domain, dkim_selector, dkim_key; /* key: a file's name */
    uint8_t dkim_canonicalization; /* bit 1: simple header, 0: simple body */
    bool read_recipients; /* -t: To, Cc, Bcc of the message as well   */
    uint8_t set_from_header, set_date_header, set_msgid_header;
    bool remove_bcc_headers, undisclosed_recipients, allow_from_override;

    struct blob dsn_notify;
    uint8_t dsn_return; /* enum config_dsn_return                       */
    struct blob dsn_envid, mt_priority, deliver_by, hold_until;
    bool require_tls;
    uint32_t hold_for; /* seconds                                         */

    struct blob interface; /* auto, a card's address, or its name        */
    struct blob ip;        /* dhcp, ADDR/PREFIX or Linux's ip= form    */
    struct blob gateway;
    struct conf_list dns, ntp;
    uint32_t source_ip;
    bool ipv6;

    bool trace;
    bool check;                   /* log in and send nothing              */
    bool ignored[CONFIG_IGNORED]; /* given, and of no use here            */

    /* filled by config_load() from the files and from the keys above     */
    uint8_t notify; /* SMTP_NOTIFY_*, of dsn_notify                     */
    struct smtp_wishes wishes; /* of the keys from dsn_envid on; not ret  */
    bool dhcp;
    uint32_t address, netmask, gateway_addr;
    struct addr dns_addr[2];
    struct blob message, html; /* the files `message`, `message.html`       */
    struct blob trust, crl, cert, key, dkim; /* PEM of the files above    */
};

extern const struct conf_key config_keys[];
extern const size_t config_key_count;

/* exit status: 0, 64 bad arguments of the launcher, 78 bad configuration, 65
 * no message. err->file is "" when the fault is in no one line. */
int config_load(struct config *, struct conf_error *err);

/* config_ip.c: fills dhcp, address, netmask, gateway_addr and dns_addr from
 * ip, gateway and dns. False: *at is the value that is wrong. */
bool config_ip(struct config *, struct blob *at, struct conf_error *err);

/* config_wishes.c: fills wishes. False: *at is the value that is wrong. */
bool config_wishes(struct config *, struct blob *at, struct conf_error *err);

#endif
