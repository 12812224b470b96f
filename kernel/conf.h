/*
 * conf.h - msmtp's configuration language -> typed struct, by one table.
 *
 * Lines are "key value" or "key" (for a switch: on), "#" starts a comment
 * only as the first non-blank of a line. A value that begins and ends with a
 * double quote loses both; there are no escapes. "defaults", "account NAME
 * [: PARENT[,PARENT]]" and "account default : NAME" select and inherit as in
 * msmtp: an account starts with the defaults given above it, then come the
 * keys its parents set themselves, then its own; of two lines the later wins.
 * Keys before any account are the account "default".
 *
 * No defaults hide in code: they stand in the table. An unknown key or a bad
 * value is an error with line and column, in every account; a key the image
 * refuses is one only in the account that is used. No error text holds a
 * secret, nor a word that might be one (an unknown key is not repeated).
 *
 * Values in the result point into the text, which must live on and is not
 * changed. Lines have no length limit; a byte order mark and CRLF line ends
 * are taken.
 */
#ifndef KERNEL_CONF_H
#define KERNEL_CONF_H

#include "blob.h"

enum conf_type {
    CONF_STR,      /* struct blob, no control bytes but tab               */
    CONF_SECRET,   /* the same, never printed                             */
    CONF_BOOL,     /* bool: on | off                                      */
    CONF_NOT,      /* bool: on stores false (msmtp's older spellings)     */
    CONF_U16,      /* uint16_t, min..max                                  */
    CONF_SECONDS,  /* uint32_t, min..max, "off" = 0 where min is 0        */
    CONF_CHOICE,   /* uint8_t: index into choices                         */
    CONF_IPV4,     /* uint32_t, host byte order; empty = 0                */
    CONF_LIST,     /* struct conf_list: the key may repeat, or hold commas */
    CONF_LINES,    /* the same, but a comma parts nothing                 */
    CONF_HEX32,    /* struct conf_hex: AA:BB:.. of 32 bytes (SHA-256)     */
    CONF_IGNORED,  /* bool: given or not; harmless, help says why         */
    CONF_LAUNCHER, /* for the program on the host; not stored, not checked */
    CONF_HOST_ONLY /* refused, help says why; dflt: a value that is not   */
};

#define CONF_LIST_MAX 100 /* RFC 5321 4.5.3.1.8: what a server must take */

struct conf_list {
    size_t count;
    struct blob item[CONF_LIST_MAX];
    const void *source; /* private: the section or command line it is from */
};

struct conf_hex {
    size_t len; /* 0: not set */
    uint8_t byte[32];
};

struct conf_key {
    const char *name;
    enum conf_type type;
    size_t offset;              /* offsetof(struct config, ...)            */
    const char *dflt;           /* text, parsed like any value; NULL: none */
    const char *const *choices; /* CONF_CHOICE: NULL-ended                 */
    uint32_t min, max;          /* CONF_U16, CONF_SECONDS                  */
    const char *help;           /* one line; the README table is made of it */
};

#define CONF_WHY_MAX 200

struct conf_error {
    char file[64];          /* "bootmail.conf", "command line", or ""      */
    unsigned line, column;  /* 1-based; 0: not about one place             */
    char why[CONF_WHY_MAX]; /* a sentence; never holds a secret's value    */
};

/* Fills out, which the caller zeroed, with the table's defaults. False: the
 * table itself is wrong (err says where; a test checks that it is not). */
bool conf_defaults(const struct conf_key *keys, size_t count, void *out,
                   struct conf_error *err);

/* Parses a file over what out holds. account: empty = "default" (or the
 * file's only account). */
bool conf_parse(const struct conf_key *keys, size_t count, void *out,
                const char *file, struct blob text, struct blob account,
                struct conf_error *err);

/* Parses a kernel command line: key=value for the table's keys, quoting with
 * "...". Words that are not ours are left alone before a "--" word; behind it
 * an unknown key is an error, and a key alone is a switch. Words that begin
 * with "virtio_mmio." are the machine's wherever they stand. */
bool conf_cmdline(const struct conf_key *keys, size_t count, void *out,
                  struct blob cmdline, struct conf_error *err);

/* One value, as conf_parse() would take it; false with err->why set. */
bool conf_ipv4(struct blob text, uint32_t *out);

/* Prints one key's value (secrets as ***) as "key value". Returns the length
 * (cut to cap). */
size_t conf_print(const struct conf_key *key, const void *in, char *out,
                  size_t cap);

/* Appends to err->why, cut to fit; text of other people is quoted, with
 * everything unprintable replaced. */
void conf_why(struct conf_error *err, const char *part);
void conf_why_quoted(struct conf_error *err, struct blob text);

/* Line and column of p, which lies in text. */
void conf_place(struct conf_error *err, struct blob text, const uint8_t *p);

#endif
