/* sources: smtp/message.c smtp/check.c smtp/stream.c smtp/fields.c
            smtp/parts.c smtp/addrlist.c smtp/mailbox.c smtp/header.c
            smtp/mime.c smtp/qp.c smtp/scan.c smtp/recode.c smtp/idna.c
            smtp/date.c smtp/base64.c smtp/text.c */
/* includes: smtp tests/fuzz */
/*
 * smtp_message.c - any bytes as a message, as HTML, as names, with any
 * settings. What is taken comes out the same however it is pulled, in the
 * octets that were announced, with nothing in it that may not be on the wire.
 */
#include "trace.h"

#include "message.h"

static struct message m;
static struct smtp_str piece(void)
{
    size_t n = next(1) % 64;
    struct smtp_str s = { (const char *)in_at, n < in_left ? n : in_left };

    in_at += s.len;
    in_left -= s.len;
    return s;
}

/* What is sent by the byte: octets, and a hash. */
static uint64_t pull_binary(size_t chunk, uint64_t *hash)
{
    const uint8_t *p;
    uint64_t octets = 0;
    uint8_t last = '\n';
    size_t n;
    bool header = true;

    *hash = 1469598103934665603u;
    message_rewind(&m);
    while (p = message_buf(&m, &n), n != 0) {
        n = n < chunk ? n : chunk;
        for (size_t i = 0; i < n; last = p[i++]) {
            MUST(!header || p[i] != '\n' || last == '\r');
            *hash = (*hash ^ p[i]) * 1099511628211u;
            header = header && (p[i] != '\r' || last != '\n');
        }
        octets += n;
        message_ack(&m, n);
    }
    MUST(last == '\n');
    return octets;
}

/* Sums up what is sent: octets, and a hash; checks it on the way. */
static uint64_t pull(size_t chunk, bool seven, bool seven_header,
                     uint64_t *hash)
{
    const uint8_t *p;
    uint64_t octets = 0;
    uint8_t last = '\n';
    size_t n, line = 0;
    bool header = true;

    *hash = 1469598103934665603u;
    if (message_content(&m) == SMTP_BINARY)
        return pull_binary(chunk, hash);
    message_rewind(&m);
    while (p = message_buf(&m, &n), n != 0) {
        n = n < chunk ? n : chunk;
        for (size_t i = 0; i < n; i++) {
            MUST(p[i] != 0);
            MUST(last != '\r' || p[i] == '\n');
            MUST(!seven || p[i] < 0x80);
            MUST(!seven_header || !header || p[i] < 0x80);
            octets += p[i] == '\n' && last != '\r' ? 2 : 1;
            if (p[i] == '\n' && line == 0)
                header = false;
            line = p[i] == '\n' ? 0 : p[i] == '\r' ? line : line + 1;
            MUST(line <= 998);
            *hash = (*hash ^ p[i]) * 1099511628211u;
            last = p[i];
        }
        message_ack(&m, n);
    }
    MUST(last != '\r');
    return octets + (last == '\n' ? 0 : 2);
}

static void fit(bool eight_bit, bool utf8, bool binary)
{
    struct smtp_offers offers = { eight_bit, utf8, binary };
    enum smtp_content content;
    struct message_error err;
    uint64_t hash, again;

    if (!message_fit(&m, offers, &err)) {
        MUST(err.why[0] != '\0');
        return;
    }
    MUST(utf8 || !message_utf8(&m));
    content = message_content(&m);
    MUST(binary || content != SMTP_BINARY);
    MUST(pull(SIZE_MAX, content == SMTP_7BIT, !message_utf8(&m), &hash) ==
         message_size(&m));
    MUST(eight_bit || content != SMTP_8BIT || message_utf8(&m));
    pull(1, false, false, &again);
    MUST(hash == again);
    pull(7, false, false, &again);
    MUST(hash == again);
}

static void recipients(const uint8_t *text, size_t len)
{
    struct smtp_str s;
    size_t at = 0, count = 0;

    while (message_next_rcpt(text, len, &at, &s)) {
        MUST((const uint8_t *)s.p >= text);
        MUST((const uint8_t *)s.p + s.len <= text + len);
        MUST(count++ < len);
    }
    message_from(text, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct message_spec spec;
    static struct smtp_str to[2], cc[1];
    static struct message_field fields[3];
    static struct message_file file[1], shown[1];
    struct message_error err;
    uint32_t flags;
    uint8_t *block;
    size_t half;

    input(data, len);
    memset(&spec, 0, sizeof spec);
    flags = next(3);
    spec.from = piece();
    spec.from_name = piece();
    spec.subject = piece();
    to[0] = piece();
    to[1] = piece();
    cc[0] = piece();
    fields[0] = (struct message_field){
        MESSAGE_ADDRESSES, { "Cc", 2 }, { NULL, 0 }, cc, 1
    };
    fields[1] =
        (struct message_field){ MESSAGE_WORDS, { "X-A", 3 }, piece(), NULL, 0 };
    fields[2] =
        (struct message_field){ MESSAGE_ASCII, piece(), { "x", 1 }, NULL, 0 };
    file[0] = (struct message_file){ piece(), data, len < 200 ? len : 200 };
    shown[0] = (struct message_file){ { "x.png", 5 }, data, len < 9 ? len : 9 };
    spec.message_id = (struct smtp_str){ "1@x", 3 };
    spec.to = to;
    spec.to_count = flags & 3 ? (flags & 3) - 1 : 0;
    spec.field = fields;
    spec.field_count = flags >> 2 & 3;
    spec.attach = file;
    spec.attach_count = flags >> 4 & 1;
    spec.inlined = shown;
    spec.inlined_count = flags >> 5 & 1;
    spec.add_date = flags >> 6 & 1;
    spec.add_msgid = flags >> 7 & 1;
    spec.add_from = flags >> 8 & 1;
    spec.replace_from = flags >> 9 & 1;
    spec.replace_to = flags >> 10 & 1;
    spec.remove_bcc = flags >> 11 & 1;
    spec.undisclosed = flags >> 12 & 1;
    spec.repair = flags >> 13 & 1;
    half = flags >> 14 & 1 ? in_left / 2 : in_left;
    block = exact(in_at, half);
    spec.text = block + 1;
    spec.text_len = half;
    if (half != in_left || flags >> 15 & 1) {
        spec.html = in_at + half;
        spec.html_len = in_left - half;
    }
    recipients(spec.text, spec.text_len);
    if (message_open(&m, &spec, &err)) {
        fit(true, true, false);
        fit(true, false, false);
        fit(false, false, false);
        fit(false, false, true);
    } else {
        MUST(err.why[0] != '\0');
    }
    free(block);
    return 0;
}
