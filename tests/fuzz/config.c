/* sources: net/addr.c kernel/app/config.c kernel/app/config_keys.c
            kernel/app/config_ip.c kernel/app/config_wishes.c kernel/conf.c
            kernel/conf_value.c smtp/mailbox.c smtp/addrlist.c smtp/header.c
            smtp/scan.c smtp/text.c smtp/date.c */
/* includes: kernel kernel/app smtp board net tests/fuzz */
/*
 * config.c - any text as bootmail.conf, as the launcher's arguments and as a
 * command line, through the language, the types and the checks. A reason is
 * always one printable sentence, and no text that anybody is shown holds the
 * secret.
 */
#include "trace.h"

#include "board.h"
#include "config.h"
#include "files.h"
#include "status.h"

#define SECRET "Zk5RZ"

static struct board_info info;
static struct blob conf, args;
static bool with_ca;

const struct board_info *board_info(void)
{
    return &info;
}

struct blob files_get(struct blob name)
{
    if (blob_eq(name, blob_str("bootmail.conf")))
        return conf;
    if (blob_eq(name, blob_str("args")))
        return args;
    if (blob_eq(name, blob_str("message")) ||
        (with_ca && blob_eq(name, blob_str("ca.pem"))))
        return blob_str("x");
    return blob_of(NULL, 0);
}

void log_say(const char *fmt, ...)
{
    (void)fmt;
}

static bool has_secret(const void *p, size_t len)
{
    return memmem(p, len, SECRET, sizeof SECRET - 1) != NULL;
}

static void printable(const char *s, size_t cap)
{
    size_t len = strnlen(s, cap);

    MUST(len < cap);
    MUST(!has_secret(s, len));
    for (size_t i = 0; i < len; i++)
        MUST(s[i] >= ' ' && s[i] < 0x7f);
}

/* As in the log; cut anywhere it stays within. */
static void print_all(const struct config *c)
{
    char out[2000];
    size_t n, cut = next(1);

    for (size_t i = 0; i < config_key_count; i++) {
        n = conf_print(&config_keys[i], c, out, sizeof out);
        MUST(n <= sizeof out);
        MUST(!has_secret(out, n));
        n = conf_print(&config_keys[i], c, out, cut);
        MUST(n <= cut);
    }
}

static uint8_t *part(struct blob *out, size_t len, const char *more)
{
    size_t n = strlen(more);
    uint8_t *text = malloc(len + n), *block;

    MUST(text != NULL);
    memcpy(text, in_at, len);
    memcpy(text + len, more, n);
    in_at += len;
    in_left -= len;
    block = exact(text, len + n);
    free(text);
    *out = blob_of(block + 1, len + n);
    return block;
}

/* Up to the next byte that no text has. */
static size_t until_mark(void)
{
    const uint8_t *p = memchr(in_at, 0xff, in_left);

    return p != NULL ? (size_t)(p - in_at) : in_left;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char *const more[] = { "", "\npassword " SECRET "\n",
                                        "\n" SECRET " on\n",
                                        "\npassword " SECRET "\nfrom @\n" };
    static struct config c;
    struct conf_error err;
    uint8_t *a, *b = NULL, *line;
    unsigned how;
    int status;

    if (len == 0 || has_secret(data, len))
        return 0;
    input(data, len);
    how = next(1);
    with_ca = (how & 4) == 0;
    a = part(&conf, until_mark(), more[how & 3]);
    next(1);
    args = blob_of(NULL, 0);
    if ((how & 8) != 0)
        b = part(&args, until_mark(), more[how >> 4 & 3]);
    next(1);
    line = part(&info.cmdline, in_left, "");
    status = config_load(&c, &err);
    MUST(status == 0 || status == STATUS_USAGE || status == STATUS_MESSAGE ||
         status == STATUS_CONFIG);
    printable(err.file, sizeof err.file);
    printable(err.why, sizeof err.why);
    MUST((status == 0) == (err.why[0] == '\0'));
    if (status == 0)
        print_all(&c);
    free(a);
    free(b);
    free(line);
    return 0;
}
