/*
 * test_smtp_binary.c - a composed message with files from our client to our
 * server: as it is to the byte where BINARYMIME (RFC 3030) is offered, in
 * base64 where it is not, in the octets that MAIL announced.
 */
/* sources: smtp/ smtp/server/ */
/* includes: smtp smtp/server */
#include "check.h"

#include "message.h"
#include "smtpd.h"

static struct message m;
static struct message_spec spec;
static struct message_file file[2];
static uint8_t data[3000];
static struct smtp client;
static struct smtpd server;
static struct smtp_rcpt rcpt;
static struct smtp_job job;
static uint8_t out[2048], got[30000];
static size_t got_len;
static struct smtpd_mail mail;
static uint64_t size;
static unsigned fits;

static struct smtp_str str(const char *p)
{
    struct smtp_str s = { p, strlen(p) };

    return s;
}

static void make(const char *text)
{
    size_t i;

    memset(&spec, 0, sizeof spec);
    for (i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7 + i / 256);
    memcpy(data, "\n\r\n.\r\n.\n\r\r\n--\r\n", 16);
    data[sizeof data - 1] = '\r';
    file[0] = (struct message_file){ str("a.bin"), data, sizeof data };
    file[1] = (struct message_file){ str("empty"), data, 0 };
    spec.text = (const uint8_t *)text;
    spec.text_len = strlen(text);
    spec.from = str("a@example.org");
    spec.attach = file;
    spec.attach_count = 2;
    spec.add_from = true;
}

static void hear(const struct smtpd_event *e, uint64_t *now)
{
    struct smtpd_answer yes = { 0 };

    if (e->kind == SMTPD_ASK_MAIL)
        mail = *e->mail;
    if (e->kind >= SMTPD_ASK_CONNECT)
        smtpd_answer(&server, &yes, ++*now);
}

static bool fit(uint64_t now)
{
    struct message_error err;

    if ((smtp_want(&client) & SMTP_FIT) == 0)
        return false;
    fits++;
    CHECK(message_fit(&m, smtp_offers(&client), &err));
    size = message_size(&m);
    smtp_fitted(&client, size, message_content(&m), message_utf8(&m), now);
    return true;
}

static bool feed(size_t chunk, uint64_t now)
{
    size_t n;
    const uint8_t *p;

    if ((smtp_want(&client) & SMTP_BODY) == 0)
        return false;
    p = message_buf(&m, &n);
    if (n == 0)
        smtp_body_end(&client, now);
    else
        message_ack(&m, smtp_body(&client, p, n < chunk ? n : chunk, now));
    return true;
}

/* Everything that can move, once. */
static bool move(size_t chunk, uint64_t *now)
{
    struct smtpd_event e;
    struct smtp_event c;
    const uint8_t *p;
    size_t n;
    bool moved = fit(*now);

    moved |= feed(chunk, *now);

    p = smtp_out_buf(&client, &n);
    n = smtpd_in(&server, p, n, ++*now);
    smtp_out_ack(&client, n, *now);
    moved |= n != 0;
    while (smtpd_next_event(&server, &e))
        hear(&e, now);
    p = smtpd_body_buf(&server, &n);
    if (CHECK(n <= sizeof got - got_len))
        memcpy(got + got_len, p, n);
    got_len += n;
    smtpd_body_ack(&server, n, *now);
    moved |= n != 0;
    p = smtpd_out_buf(&server, &n);
    n = smtp_in(&client, p, n, *now);
    smtpd_out_ack(&server, n, *now);
    while (smtp_next_event(&client, &c))
        continue;
    return moved || n != 0;
}

static void deliver(unsigned hide, size_t out_size, size_t chunk)
{
    struct smtpd_config cfg = { .name = str("mx.example"), .hide = hide };
    uint64_t now = 0;

    memset(&job, 0, sizeof job);
    memset(&rcpt, 0, sizeof rcpt);
    memset(&mail, 0, sizeof mail);
    rcpt.address = str("b@example.net");
    job.helo = str("client.example");
    job.from = spec.from;
    job.rcpt = &rcpt;
    job.rcpt_count = 1;
    job.fit = true;
    job.out = out;
    job.out_size = out_size;
    got_len = fits = 0;
    smtpd_init(&server, &cfg, now);
    CHECK(smtp_init(&client, &job, now));
    while (move(chunk, &now))
        continue;
    CHECK_EQ(smtp_verdict(&client), SMTP_SENT);
    CHECK_EQ(fits, 1);
    CHECK_EQ(got_len, size);
    if ((hide & SMTPD_SIZE) == 0)
        CHECK_EQ(mail.size, size);
}

static const uint8_t *find(const char *words)
{
    size_t n = strlen(words), i;

    for (i = 0; i + n <= got_len; i++)
        if (memcmp(got + i, words, n) == 0)
            return got + i + n;
    CHECK(!"found");
    printf("not there: %s\n", words);
    return got;
}

/* Line ends of the wire everywhere but in the file. */
static void canonical(size_t from, size_t to)
{
    for (; from < to; from++)
        CHECK(got[from] != '\n' || (from != 0 && got[from - 1] == '\r'));
}

#define PART "filename=\"a.bin\"\r\n\r\n"

static void goes_as_it_is(const char *text)
{
    static const size_t sizes[] = { SMTP_OUT_MIN, 97, 700, sizeof out };
    struct message_error err;
    const uint8_t *p;
    size_t i, chunk;

    make(text);
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (chunk = 1; chunk < 4000; chunk = chunk * 5 + 2) {
            if (!CHECK(message_open(&m, &spec, &err)))
                return;
            deliver(0, sizes[i], chunk);
            CHECK_EQ(mail.body, SMTPD_BODY_BINARY);
            find("Content-Transfer-Encoding: binary\r\n");
            p = find(PART);
            CHECK(memcmp(p, data, sizeof data) == 0);
            CHECK(memcmp(p + sizeof data, "\r\n--=_", 6) == 0);
            canonical(0, (size_t)(p - got));
            canonical((size_t)(p - got) + sizeof data, got_len);
            CHECK(memcmp(got + got_len - 4, "--\r\n", 4) == 0);
        }
    }
}

static void base64_where_not_offered(void)
{
    static const unsigned hidden[] = { SMTPD_BINARYMIME, SMTPD_CHUNKING,
                                       SMTPD_CHUNKING | SMTPD_8BITMIME,
                                       SMTPD_BINARYMIME | SMTPD_PIPELINING |
                                           SMTPD_SIZE };
    struct message_error err;
    size_t i;

    make("Gr\xc3\xbc\xc3\x9f"
         "e\n");
    for (i = 0; i < sizeof hidden / sizeof *hidden; i++) {
        CHECK(message_open(&m, &spec, &err));
        deliver(hidden[i], sizeof out, 4000);
        CHECK_EQ(mail.body, (hidden[i] & SMTPD_8BITMIME) != 0
                                ? SMTPD_BODY_7BIT
                                : SMTPD_BODY_8BIT);
        find("Content-Transfer-Encoding: base64\r\n");
        find((hidden[i] & SMTPD_8BITMIME) != 0 ? "quoted-printable\r\n"
                                               : "8bit\r\n");
        canonical(0, got_len);
    }
}

/* What has no file needs no binary; nor has it a multipart. */
static void text_alone(void)
{
    struct message_error err;

    make("x");
    spec.text = (const uint8_t *)"x\0y";
    spec.text_len = 3;
    spec.attach_count = 0;
    CHECK(message_open(&m, &spec, &err));
    deliver(0, sizeof out, 4000);
    CHECK_EQ(mail.body, SMTPD_BODY_7BIT);
    find("quoted-printable\r\n\r\nx=00y\r\n");
    /* 8-bit text beside a file goes as it is without 8BITMIME */
    make("Gr\xc3\xbc\xc3\x9f"
         "e\n");
    CHECK(message_open(&m, &spec, &err));
    deliver(SMTPD_8BITMIME, sizeof out, 4000);
    CHECK_EQ(mail.body, SMTPD_BODY_BINARY);
    find("8bit\r\n\r\nGr\xc3\xbc\xc3\x9f"
         "e\r\n");
}

/* A file that has the boundary; nothing is added to what is signed. */
static void not_by_the_byte(void)
{
    struct message_error err;
    static const char mark[] = "x\n--=_00000000000000000000000000000000a\nx";

    make("x\n");
    file[1] = (struct message_file){ str("b"), (const uint8_t *)mark,
                                     sizeof mark - 1 };
    CHECK(message_open(&m, &spec, &err));
    deliver(0, sizeof out, 4000);
    CHECK(mail.body != SMTPD_BODY_BINARY);
    find("Content-Transfer-Encoding: base64\r\n");
    make("From: a@b\nDKIM-Signature: v=1\n\nx\n");
    CHECK(!message_open(&m, &spec, &err));
}

/* Pulled again, and byte by byte, it is the same. */
static void rewound(void)
{
    struct smtp_offers offers = { .binary = true };
    struct message_error err;
    static uint8_t first[sizeof got];
    const uint8_t *p;
    size_t len = 0, at = 0, n;

    make("From: a@b\nTo: \"x\n y\" <\xc3\xbc@x>\n\na\nb\r\n\nc");
    spec.repair = true;
    CHECK(message_open(&m, &spec, &err));
    offers.utf8 = true;
    CHECK(message_fit(&m, offers, &err));
    CHECK_EQ(message_content(&m), SMTP_BINARY);
    while (p = message_buf(&m, &n), n != 0 && len + n <= sizeof first) {
        memcpy(first + len, p, n);
        len += n;
        message_ack(&m, n + 1);
    }
    CHECK_EQ(len, message_size(&m));
    message_rewind(&m);
    while (p = message_buf(&m, &n), n != 0 && at < len) {
        CHECK_EQ(*p, first[at++]);
        message_ack(&m, 0);
        message_ack(&m, 1);
    }
    CHECK_EQ(at, len);
}

static void as_it_is(void)
{
    goes_as_it_is("Gr\xc3\xbc\xc3\x9f"
                  "e\n\r\n.\n\nend");
    goes_as_it_is("From: a@b\nTo: \"\xc3\xbc\n x\" <a@x>, b@x,\n c@x\n"
                  "X-A: 1\r\n 2\n\ntext\r\n.\nmore\n");
    goes_as_it_is("");
}

static const struct check_case cases[] = {
    { "as-it-is", as_it_is },     { "not-offered", base64_where_not_offered },
    { "text-alone", text_alone }, { "not-by-the-byte", not_by_the_byte },
    { "rewound", rewound },
};

CHECK_MAIN(cases)
