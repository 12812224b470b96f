/*
 * message_cli.c - a message through smtp/message.c on the host: what is sent
 * goes to standard output, the size that was announced to standard error.
 *
 * message_cli FILE [key=value]...   keys: from name subject to (repeats) id
 *   date chunk attach (a file; repeats), and the switches nofrom nodate noid
 *   replace keepbcc undisclosed rcpt (lists the recipients instead)
 * Exit 65 when the message is refused, with the reason.
 */
/* sources: smtp/message.c smtp/stream.c smtp/date.c smtp/header.c smtp/mime.c
            smtp/base64.c smtp/text.c */
/* includes: smtp */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"

#define MOST 64

static struct smtp_str to[MOST];
static struct message_file attach[MOST];
static struct message_spec spec;
static size_t chunk = SIZE_MAX;

static uint8_t *slurp(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    uint8_t *p = NULL;
    size_t cap = 0, n;

    *len = 0;
    if (f == NULL) {
        perror(path);
        exit(2);
    }
    do {
        if (cap - *len < 4096) {
            cap = cap * 2 + 8192;
            p = realloc(p, cap);
            if (p == NULL)
                exit(2);
        }
        n = fread(p + *len, 1, cap - *len, f);
        *len += n;
    } while (n != 0);
    fclose(f);
    return p;
}

static struct smtp_str str(const char *p)
{
    struct smtp_str s = { p, strlen(p) };

    return s;
}

static const char *value(const char *arg, const char *key)
{
    size_t n = strlen(key);

    return strncmp(arg, key, n) == 0 && arg[n] == '=' ? arg + n + 1 : NULL;
}

static bool take(const char *arg)
{
    const char *v;

    if ((v = value(arg, "from")) != NULL) {
        spec.from = str(v);
    } else if ((v = value(arg, "name")) != NULL) {
        spec.from_name = str(v);
    } else if ((v = value(arg, "subject")) != NULL) {
        spec.subject = str(v);
    } else if ((v = value(arg, "id")) != NULL) {
        spec.message_id = str(v);
    } else if ((v = value(arg, "date")) != NULL) {
        spec.date = strtoll(v, NULL, 10);
    } else if ((v = value(arg, "chunk")) != NULL) {
        chunk = strtoull(v, NULL, 10);
    } else if ((v = value(arg, "to")) != NULL && spec.to_count < MOST) {
        to[spec.to_count++] = str(v);
    } else if ((v = value(arg, "attach")) != NULL && spec.attach_count < MOST) {
        struct message_file *f = &attach[spec.attach_count++];

        f->name = str(v);
        f->data = slurp(v, &f->len);
    } else {
        return false;
    }
    return true;
}

static bool take_switch(const char *arg)
{
    if (strcmp(arg, "nofrom") == 0)
        spec.add_from = false;
    else if (strcmp(arg, "nodate") == 0)
        spec.add_date = false;
    else if (strcmp(arg, "noid") == 0)
        spec.add_msgid = false;
    else if (strcmp(arg, "replace") == 0)
        spec.replace_from = true;
    else if (strcmp(arg, "keepbcc") == 0)
        spec.remove_bcc = false;
    else if (strcmp(arg, "undisclosed") == 0)
        spec.undisclosed = true;
    else
        return false;
    return true;
}

static int recipients(void)
{
    struct smtp_str s;
    size_t at = 0;

    while (message_next_rcpt(spec.text, spec.text_len, &at, &s))
        printf("%.*s\n", (int)s.len, s.p);
    return 0;
}

static int stream(void)
{
    static struct message m;
    struct message_error err;
    const uint8_t *p;
    size_t len;

    if (!message_open(&m, &spec, &err)) {
        fprintf(stderr, "line %u: %s\n", err.line, err.why);
        return 65;
    }
    while (p = message_buf(&m, &len), len != 0) {
        len = len < chunk ? len : chunk;
        fwrite(p, 1, len, stdout);
        message_ack(&m, len);
    }
    fprintf(stderr, "%llu %d %.*s\n", (unsigned long long)message_size(&m),
            message_eight_bit(&m), (int)message_id(&m).len,
            message_id(&m).p != NULL ? message_id(&m).p : "");
    return 0;
}

int main(int argc, char **argv)
{
    bool rcpt = false;
    int i;

    if (argc < 2)
        return 2;
    spec.text = slurp(argv[1], &spec.text_len);
    spec.from = str("robot@example.net");
    spec.message_id = str("made.1@example.net");
    spec.to = to;
    spec.attach = attach;
    spec.add_date = spec.add_msgid = spec.add_from = spec.remove_bcc = true;
    for (i = 2; i < argc; i++) {
        if (strcmp(argv[i], "rcpt") == 0) {
            rcpt = true;
        } else if (!take(argv[i]) && !take_switch(argv[i])) {
            fprintf(stderr, "unknown argument %s\n", argv[i]);
            return 2;
        }
    }
    return rcpt ? recipients() : stream();
}
