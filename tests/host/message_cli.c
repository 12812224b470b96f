/*
 * message_cli.c - a message through smtp/message.c on the host: what is sent
 * goes to standard output, the size that was announced to standard error.
 *
 * message_cli FILE [key=value]...   keys: from name subject to (repeats) id
 *   date chunk html attach inline (files; the last two repeat), field (as
 *   "Name: value"; repeats), cc (repeats), random (a letter), and the switches
 *   nofrom nodate noid replace replaceto keepbcc undisclosed repair,
 *   no8bit noutf8 (what the server lacks), binary (what it has), rcpt (lists
 *   the recipients instead), measure (writes nothing)
 * Files are mapped, not read. Exit 65 when the message is refused, 69 when it
 * cannot be made to fit, with the reason.
 */
/* sources: smtp/message.c smtp/check.c smtp/stream.c smtp/fields.c
            smtp/parts.c smtp/addrlist.c smtp/mailbox.c smtp/header.c
            smtp/mime.c smtp/qp.c smtp/scan.c smtp/recode.c smtp/idna.c
            smtp/date.c smtp/base64.c smtp/text.c */
/* includes: smtp */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "message.h"

#define MOST 64

static struct smtp_str to[MOST], cc[MOST];
static struct message_file attach[MOST], inlined[MOST];
static struct message_field fields[MOST];
static struct smtp_offers offers = { true, true, false };
static bool measure;
static struct message_spec spec;
static size_t chunk = SIZE_MAX;

static const uint8_t *map(const char *path, size_t *len)
{
    int fd = open(path, O_RDONLY);
    struct stat st;
    void *p = (void *)"";

    if (fd < 0 || fstat(fd, &st) != 0) {
        perror(path);
        exit(2);
    }
    *len = (size_t)st.st_size;
    if (*len != 0)
        p = mmap(NULL, *len, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED) {
        perror(path);
        exit(2);
    }
    close(fd);
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

static const char *base(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

static bool take_file(const char *arg)
{
    const char *v;
    struct message_file *f;

    if ((v = value(arg, "html")) != NULL) {
        spec.html = map(v, &spec.html_len);
    } else if ((v = value(arg, "attach")) != NULL && spec.attach_count < MOST) {
        f = &attach[spec.attach_count++];
        f->name = str(base(v));
        f->data = map(v, &f->len);
    } else if ((v = value(arg, "inline")) != NULL &&
               spec.inlined_count < MOST) {
        f = &inlined[spec.inlined_count++];
        f->name = str(base(v));
        f->data = map(v, &f->len);
    } else {
        return false;
    }
    return true;
}

static bool take_field(const char *arg)
{
    struct message_field *f = &fields[spec.field_count];
    const char *v, *colon;

    if (spec.field_count == MOST)
        return false;
    if ((v = value(arg, "cc")) != NULL) {
        f = &fields[0]; /* it was left free */
        f->kind = MESSAGE_ADDRESSES;
        f->name = str("Cc");
        f->list = cc;
        cc[f->count++] = str(v);
        if (spec.field_count == 0)
            spec.field_count = 1;
    } else if ((v = value(arg, "field")) != NULL &&
               (colon = strchr(v, ':')) != NULL) {
        if (spec.field_count == 0) /* the first place is Cc's */
            f = &fields[++spec.field_count];
        spec.field_count++;
        f->kind = MESSAGE_WORDS;
        f->name = str(v);
        f->name.len = (size_t)(colon - v);
        f->value = str(colon + 1);
        while (f->value.len != 0 && f->value.p[0] == ' ') {
            f->value.p++;
            f->value.len--;
        }
    } else {
        return false;
    }
    return true;
}

static bool take(const char *arg)
{
    const char *v;

    if ((v = value(arg, "from")) != NULL)
        spec.from = str(v);
    else if ((v = value(arg, "name")) != NULL)
        spec.from_name = str(v);
    else if ((v = value(arg, "subject")) != NULL)
        spec.subject = str(v);
    else if ((v = value(arg, "id")) != NULL)
        spec.message_id = str(v);
    else if ((v = value(arg, "date")) != NULL)
        spec.date = strtoll(v, NULL, 10);
    else if ((v = value(arg, "chunk")) != NULL)
        chunk = strtoull(v, NULL, 10);
    else if ((v = value(arg, "random")) != NULL)
        memset(spec.random, v[0], sizeof spec.random);
    else if ((v = value(arg, "to")) != NULL && spec.to_count < MOST)
        to[spec.to_count++] = str(v);
    else
        return take_file(arg) || take_field(arg);
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
    else if (strcmp(arg, "replaceto") == 0)
        spec.replace_to = true;
    else if (strcmp(arg, "repair") == 0)
        spec.repair = true;
    else if (strcmp(arg, "no8bit") == 0)
        offers.eight_bit = false;
    else if (strcmp(arg, "noutf8") == 0)
        offers.utf8 = false;
    else if (strcmp(arg, "binary") == 0)
        offers.binary = true;
    else if (strcmp(arg, "measure") == 0)
        measure = true;
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

/* Line ends without CR, which the client completes; and its last line end. */
static size_t bare(const uint8_t *p, size_t n)
{
    static uint8_t last = '\n';
    size_t count = 0, i;

    for (i = 0; i < n; last = p[i++])
        count += p[i] == '\n' && last != '\r';
    return count;
}

static int stream(void)
{
    unsigned long long sent = 0;
    static struct message m;
    struct message_error err;
    const uint8_t *p;
    size_t len;

    if (!message_open(&m, &spec, &err)) {
        fprintf(stderr, "line %u: %s\n", err.line, err.why);
        return 65;
    }
    if (!message_fit(&m, offers, &err)) {
        fprintf(stderr, "line %u: %s\n", err.line, err.why);
        return 69;
    }
    while (p = message_buf(&m, &len), len != 0) {
        len = len < chunk ? len : chunk;
        sent += len;
        if (message_content(&m) != SMTP_BINARY)
            sent += bare(p, len);
        if (!measure)
            fwrite(p, 1, len, stdout);
        message_ack(&m, len);
    }
    fprintf(stderr, "%llu %d %llu %d %.*s\n",
            (unsigned long long)message_size(&m), (int)message_content(&m),
            sent, message_utf8(&m), (int)message_id(&m).len,
            message_id(&m).p != NULL ? message_id(&m).p : "");
    return 0;
}

int main(int argc, char **argv)
{
    bool rcpt = false;
    int i;

    if (argc < 2)
        return 2;
    spec.text = map(argv[1], &spec.text_len);
    spec.from = str("robot@example.net");
    spec.message_id = str("made.1@example.net");
    spec.to = to;
    spec.attach = attach;
    spec.inlined = inlined;
    spec.field = fields;
    fields[0].kind = MESSAGE_ADDRESSES; /* none yet: it is left out */
    fields[0].name = str("Cc");
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
