/*
 * test_reply.c - the reply parser: what it takes, what it refuses, its
 * bounds, and every cut of every input. Input lies in a block of exactly its
 * size, so that the sanitizer sees any look behind its end.
 */
/* sources: smtp/reply.c smtp/text.c */
/* includes: smtp */
#include "check.h"

#include "reply.h"

static struct reply r;

/* Feeds all of text in pieces; returns the bytes used. */
static size_t feed(const char *text, size_t n, size_t piece)
{
    size_t used = 0;

    reply_reset(&r);
    while (used < n && r.status != REPLY_DONE && r.status != REPLY_BAD) {
        size_t k = n - used < piece ? n - used : piece, took;
        uint8_t *block = malloc(k);

        if (block == NULL)
            abort();
        memcpy(block, text + used, k);
        took = reply_feed(&r, block, k);
        free(block);
        if (!CHECK(took != 0 && took <= k))
            break;
        used += took;
        if (r.status == REPLY_LINE)
            reply_note(&r);
    }
    return used;
}

static const struct {
    const char *in;
    enum reply_status status;
    unsigned code;
    unsigned enhanced; /* class * 10000 + subject * 100 + detail */
    const char *text;
} table[] = {
    { "220 hi\r\n", REPLY_DONE, 220, 0, "hi" },
    { "250\r\n", REPLY_DONE, 250, 0, "" },
    { "250\n", REPLY_DONE, 250, 0, "" },
    { "250 \r\n", REPLY_DONE, 250, 0, "" },
    { "250-\r\n250\r\n", REPLY_DONE, 250, 0, "" },
    { "250-a\r\n250 b\r\n", REPLY_DONE, 250, 0, "a b" },
    { "250-a\r\n250-\r\n250 b\r\n", REPLY_DONE, 250, 0, "a b" },
    { "535-5.7.8 no\r\n535 5.7.8 way\r\n", REPLY_DONE, 535, 50708, "no way" },
    { "550 5.1.1\r\n", REPLY_DONE, 550, 50101, "" },
    { "550 4.1.1 x\r\n", REPLY_DONE, 550, 0, "4.1.1 x" },
    { "550 5.1 x\r\n", REPLY_DONE, 550, 0, "5.1 x" },
    { "550 5.1.1x\r\n", REPLY_DONE, 550, 0, "5.1.1x" },
    { "550 5.1000.1 x\r\n", REPLY_DONE, 550, 0, "5.1000.1 x" },
    { "550 a\rb\tc\r\n", REPLY_DONE, 550, 0, "a?b?c" },
    { "550 \xc3\xa4\xff\xe2\x82\r\n", REPLY_DONE, 550, 0, "\xc3\xa4???" },
    { "250 ok", REPLY_MORE, 0, 0, NULL },
    { "250-ok\r\n", REPLY_LINE, 0, 0, NULL },
    { "\r\n", REPLY_BAD, 0, 0, NULL },
    { "\n", REPLY_BAD, 0, 0, NULL },
    { "2\r\n", REPLY_BAD, 0, 0, NULL },
    { "25\r\n", REPLY_BAD, 0, 0, NULL },
    { "2500\r\n", REPLY_BAD, 0, 0, NULL },
    { "250\tok\r\n", REPLY_BAD, 0, 0, NULL },
    { " 250 ok\r\n", REPLY_BAD, 0, 0, NULL },
    { "-250 ok\r\n", REPLY_BAD, 0, 0, NULL },
    { "+250 ok\r\n", REPLY_BAD, 0, 0, NULL },
    { "0x2 ok\r\n", REPLY_BAD, 0, 0, NULL },
    { "150 ok\r\n", REPLY_BAD, 0, 0, NULL },
    { "650 ok\r\n", REPLY_BAD, 0, 0, NULL },
    { "250-a\r\n251 b\r\n", REPLY_BAD, 0, 0, NULL },
    { "250-a\r\nx\r\n", REPLY_BAD, 0, 0, NULL },
};

static void forms(void)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        size_t n = strlen(table[i].in);

        for (size_t piece = 1; piece <= n; piece++) {
            const struct smtp_reply_note *note = &r.note;

            CHECK_EQ(feed(table[i].in, n, piece), n);
            if (!CHECK_EQ(r.status, table[i].status))
                printf("  input %zu in pieces of %zu\n", i, piece);
            if (table[i].text == NULL)
                continue;
            CHECK_EQ(note->code, table[i].code);
            CHECK_EQ(note->enhanced[0] * 10000 + note->enhanced[1] * 100 +
                         note->enhanced[2],
                     table[i].enhanced);
            CHECK_MEM(note->text, note->text_len, table[i].text,
                      strlen(table[i].text));
        }
    }
}

/* Nothing behind the last line is eaten. */
static void stops(void)
{
    static const char two[] = "220 go\r\n250 injected\r\n";

    CHECK_EQ(feed(two, sizeof two - 1, sizeof two), 8);
    CHECK_EQ(r.status, REPLY_DONE);
    CHECK_EQ(reply_feed(&r, (const uint8_t *)two, 4), 0);
}

static void nul(void)
{
    CHECK_EQ(feed("250 a\0b\r\n", 9, 9), 9);
    CHECK_MEM(r.note.text, r.note.text_len, "a?b", 3);
    feed("2\0"
         "0 a\r\n",
         7, 7);
    CHECK_EQ(r.status, REPLY_BAD);
}

/* lines times "250-" + fill letters; where does it end? */
static void bomb(size_t lines, size_t fill, enum reply_status want)
{
    size_t line = 4 + fill + 2;
    char *text = malloc(lines * line);

    if (text == NULL)
        abort();
    for (size_t i = 0; i < lines; i++) {
        memcpy(text + i * line, "250-", 4);
        memset(text + i * line + 4, 'x', fill);
        memcpy(text + i * line + 4 + fill, "\r\n", 2);
    }
    for (size_t piece = 1; piece < 70000; piece = piece * 3 + 1) {
        feed(text, lines * line, piece);
        CHECK_EQ(r.status, want);
        CHECK(r.note.text_len <= SMTP_TEXT_MAX);
    }
    free(text);
}

static void bounds(void)
{
    bomb(1000, 1, REPLY_LINE);
    bomb(1001, 1, REPLY_BAD);
    bomb(1, REPLY_LINE_MAX - 6, REPLY_LINE);
    bomb(1, REPLY_LINE_MAX - 5, REPLY_BAD);
    bomb(64, 1024 - 6, REPLY_LINE);
    bomb(65, 1024 - 6, REPLY_BAD);
    bomb(1, REPLY_LINE_KEPT - 5, REPLY_LINE); /* and the CR */
    CHECK(!r.cut);
    bomb(1, REPLY_LINE_KEPT - 4, REPLY_LINE);
    CHECK(r.cut);
    bomb(1, REPLY_LINE_KEPT - 3, REPLY_LINE);
    CHECK(r.cut);
}

/* A long text ends between two characters, never inside one. */
static void long_text(void)
{
    char text[600] = "550 x";
    size_t n = 5;

    while (n + 4 < 500) {
        memcpy(text + n, "\xc3\xa4", 2);
        n += 2;
    }
    memcpy(text + n, "\r\n", 2);
    feed(text, n + 2, 600);
    CHECK_EQ(r.status, REPLY_DONE);
    CHECK_EQ(r.note.text_len, SMTP_TEXT_MAX - 1);
}

/* Any bytes at all: no crash, no endless loop, the same in every cut. */
static void noise(void)
{
    static const char letters[] = "2250123  --\r\n\n\nx\xc3\xa4";
    uint64_t state = check_seed;
    char text[60];

    for (int k = 0; k < 20000; k++) {
        size_t n = 1 + check_random(&state) % sizeof text, used;
        struct reply whole;

        for (size_t i = 0; i < n; i++)
            text[i] = letters[check_random(&state) % sizeof letters];
        used = feed(text, n, n);
        whole = r;
        CHECK_EQ(feed(text, n, 1 + (size_t)k % 5), used);
        CHECK_EQ(r.status, whole.status);
        CHECK_EQ(r.code, whole.code);
        CHECK_MEM(r.note.text, r.note.text_len, whole.note.text,
                  whole.note.text_len);
    }
}

static const struct check_case cases[] = {
    { "forms", forms },   { "stops", stops },         { "nul", nul },
    { "bounds", bounds }, { "long_text", long_text }, { "noise", noise },
};
CHECK_MAIN(cases)
