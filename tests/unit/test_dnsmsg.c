/* sources: net/dnsmsg.c net/addr.c */
/* includes: net */
/*
 * test_dnsmsg.c - DNS questions and answers (RFC 1035), bytes written out.
 */
#include "dnsmsg.h"

#include "check.h"

static uint8_t query[DNSMSG_QUERY_MAX];
static size_t query_len;

/* The question for mail.example, and a reply's head and question for it. */
#define QUESTION             "\4mail\7example\0\0\1\0\1"
#define HEAD(flags, answers) "\x12\x34" flags "\0\1\0" answers "\0\0\0\0"
#define OWNER                "\xc0\x0c" /* the question's name */
#define A_HEAD               "\0\1\0\1\0\0\0\x3c\0\4"

static enum dnsmsg_verdict ask(const char *reply, size_t len, uint32_t *a)
{
    uint8_t *exact = malloc(len != 0 ? len : 1); /* ASan sees the end */
    struct addr found = addr_v4(*a);
    enum dnsmsg_verdict v;

    query_len = dnsmsg_query(query, 0x1234, DNSMSG_A, "mail.example", 12);
    memcpy(exact, reply, len);
    v = dnsmsg_reply(query, query_len, exact, len, &found);
    *a = addr_to_v4(&found);
    free(exact);
    return v;
}

#define ASK(reply, a) ask(reply, sizeof(reply) - 1, a)

static void questions(void)
{
    static const uint8_t want[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0" QUESTION;
    char name[300];

    query_len = dnsmsg_query(query, 0x1234, DNSMSG_A, "mail.example", 12);
    CHECK_MEM(query, query_len, want, sizeof(want) - 1);
    query_len = dnsmsg_query(query, 0x1234, DNSMSG_A, "mail.example.", 13);
    CHECK_MEM(query, query_len, want, sizeof(want) - 1);
    CHECK_EQ(dnsmsg_query(query, 1, DNSMSG_A, "", 0), 0);
    CHECK_EQ(dnsmsg_query(query, 1, DNSMSG_A, ".", 1), 0);
    CHECK_EQ(dnsmsg_query(query, 1, DNSMSG_A, "a..b", 4), 0);
    CHECK_EQ(dnsmsg_query(query, 1, DNSMSG_A, ".a", 2), 0);
    CHECK_EQ(dnsmsg_query(query, 1, DNSMSG_A, "a b", 3), 0);
    CHECK_EQ(dnsmsg_query(query, 1, DNSMSG_A, "a\0b", 3), 0);
    CHECK_EQ(dnsmsg_query(query, 1, DNSMSG_A, "m\xc3\xa4il", 5), 0);
    memset(name, 'a', sizeof(name));
    CHECK(dnsmsg_query(query, 1, DNSMSG_A, name, 63) != 0);
    CHECK_EQ(dnsmsg_query(query, 1, DNSMSG_A, name, 64), 0);
    for (size_t i = 63; i < sizeof(name); i += 64)
        name[i] = '.';
    CHECK_EQ(dnsmsg_query(query, 1, DNSMSG_A, name, 253), 12 + 255 + 4);
    CHECK_EQ(dnsmsg_query(query, 1, DNSMSG_A, name, 254), 0);
}

static void answers(void)
{
    uint32_t a = 0;

    CHECK_EQ(ASK(HEAD("\x81\x80", "\1") QUESTION OWNER A_HEAD "\1\2\3\4", &a),
             DNSMSG_ADDRESS);
    CHECK_EQ(a, 0x01020304);
    /* the server may spell the name its own way */
    CHECK_EQ(ASK(HEAD("\x81\x80", "\1") "\4MAIL\7exAMple\0\0\1\0\1" OWNER A_HEAD
                                        "\1\2\3\5",
                 &a),
             DNSMSG_ADDRESS);
    CHECK_EQ(a, 0x01020305);
    /* an alias, its address before it */
    CHECK_EQ(ASK(HEAD("\x81\x80", "\2") QUESTION
                 "\1x\xc0\x11" A_HEAD "\1\2\3\6" OWNER
                 "\0\5\0\1\0\0\0\0\0\4\1x\xc0\x11",
                 &a),
             DNSMSG_ADDRESS);
    CHECK_EQ(a, 0x01020306);
    CHECK_EQ(ASK(HEAD("\x81\x80", "\0") QUESTION, &a), DNSMSG_NONE);
    CHECK_EQ(ASK(HEAD("\x81\x83", "\0") QUESTION, &a), DNSMSG_NONE);
    CHECK_EQ(ASK(HEAD("\x81\x82", "\0") QUESTION, &a), DNSMSG_FAILED);
    CHECK_EQ(ASK(HEAD("\x81\x85", "\0") QUESTION, &a), DNSMSG_FAILED);
    /* truncated: nothing usable in it, then something */
    CHECK_EQ(ASK(HEAD("\x83\x80", "\1") QUESTION, &a), DNSMSG_FAILED);
    CHECK_EQ(ASK(HEAD("\x83\x80", "\1") QUESTION OWNER A_HEAD "\1\2\3\7", &a),
             DNSMSG_ADDRESS);
}

/* What is not an answer to the question changes nothing. */
static void strangers(void)
{
    uint32_t a = 7;

    CHECK_EQ(ASK("", &a), DNSMSG_IGNORE);
    CHECK_EQ(ASK("\x12\x35\x81\x80\0\1\0\1\0\0\0\0" QUESTION OWNER A_HEAD
                 "\1\2\3\4",
                 &a),
             DNSMSG_IGNORE); /* id */
    CHECK_EQ(ASK(HEAD("\x01\x80", "\1") QUESTION OWNER A_HEAD "\1\2\3\4", &a),
             DNSMSG_IGNORE); /* a question */
    CHECK_EQ(ASK(HEAD("\x81\x80", "\1") "\4main\7example\0\0\1\0\1" OWNER A_HEAD
                                        "\1\2\3\4",
                 &a),
             DNSMSG_IGNORE); /* the name */
    CHECK_EQ(
        ASK(HEAD("\x81\x80", "\1") "\4mail\7example\0\0\x1c\0\1" OWNER A_HEAD
                                   "\1\2\3\4",
            &a),
        DNSMSG_IGNORE); /* the type */
    /* an address of somebody else's name */
    CHECK_EQ(ASK(HEAD("\x81\x80", "\1") QUESTION "\1x\xc0\x0c" A_HEAD
                                                 "\1\2\3\4",
                 &a),
             DNSMSG_NONE);
    CHECK_EQ(a, 7);
}

/* Names that point at themselves, forward, in circles, or out of bounds. */
static void loops(void)
{
    uint32_t a = 7;

    CHECK_EQ(
        ASK(HEAD("\x81\x80", "\1") QUESTION "\xc0\x1e" A_HEAD "\1\2\3\4", &a),
        DNSMSG_IGNORE);
    CHECK_EQ(
        ASK(HEAD("\x81\x80", "\1") QUESTION "\xc0\x40" A_HEAD "\1\2\3\4", &a),
        DNSMSG_IGNORE);
    CHECK_EQ(
        ASK(HEAD("\x81\x80", "\1") QUESTION "\x80\x0c" A_HEAD "\1\2\3\4", &a),
        DNSMSG_IGNORE);
    /* mail.example is an alias of mail.example */
    CHECK_EQ(ASK(HEAD("\x81\x80", "\1") QUESTION OWNER
                 "\0\5\0\1\0\0\0\0\0\2\xc0\x0c",
                 &a),
             DNSMSG_FAILED);
    CHECK_EQ(a, 7);
}

/* Every prefix of a good reply, and random damage: no read beyond the end. */
static void damage(void)
{
    static const char good[] =
        HEAD("\x81\x80", "\2") QUESTION OWNER "\0\5\0\1\0\0\0\0\0\4\1x\xc0\x11"
                                              "\1x\xc0\x11" A_HEAD "\1\2\3\4";
    uint64_t seed = check_seed;
    uint32_t a = 0;

    CHECK_EQ(ASK(good, &a), DNSMSG_ADDRESS);
    for (size_t n = 0; n < sizeof(good) - 1; n++)
        CHECK(ask(good, n, &a) != DNSMSG_ADDRESS);
    for (unsigned i = 0; i < 300000; i++) {
        char bad[sizeof(good)];
        size_t len = sizeof(good) - 1;

        memcpy(bad, good, sizeof(good));
        for (unsigned n = 0; n < 3; n++) {
            uint64_t r = check_random(&seed);

            bad[4 + r % (len - 4)] = (char)(r >> 32);
            if ((r >> 40) % 8 == 0)
                len = 12 + (r >> 48) % (len - 11);
            if (len < 13)
                break;
        }
        ask(bad, len, &a);
    }
}

static const struct check_case cases[] = {
    { "questions", questions }, { "answers", answers },
    { "strangers", strangers }, { "loops", loops },
    { "damage", damage },
};

CHECK_MAIN(cases)
