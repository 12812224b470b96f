/*
 * test_dkim_check.c - signatures judged: the two of RFC 8463 appendix A, every
 * byte of them flipped, and tables of signatures and key records that are
 * refused, with the reason. Random ones: cases/dkim.py.
 */
/* sources: smtp/dkim_check.c smtp/canon.c smtp/header.c smtp/addrlist.c
            smtp/mailbox.c smtp/scan.c smtp/base64.c smtp/text.c
            tests/host/dkim_openssl.c */
/* includes: smtp tests/host */
/* link: -lcrypto */
#include "check.h"

#include "dkim_check.h"
#include "dkim_openssl.h"

#define ED                                                            \
    "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"   \
    " d=football.example.com; i=@football.example.com;\r\n"           \
    " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"         \
    " subject : date : message-id : from : subject : date;\r\n"       \
    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"           \
    " b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n" \
    " Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
#define RSA                                                           \
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"       \
    " d=football.example.com; i=@football.example.com;\r\n"           \
    " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"   \
    " date : message-id : from : subject : date;\r\n"                 \
    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"           \
    " b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n" \
    " DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n" \
    " dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n"
#define FIELDS                                         \
    "From: Joe SixPack <joe@football.example.com>\r\n" \
    "To: Suzie Q <suzie@shopping.example.net>\r\n"     \
    "Subject: Is dinner ready?\r\n"                    \
    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"  \
    "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
#define BODY "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"
#define ED_P "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define RSA_P                                                               \
    "p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk0" \
    "8a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR" \
    "+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/" \
    "K4w3QIDAQAB"

static struct dkim_check_crypto crypto;
static struct dkim_check c;

static struct smtp_str str(const char *text)
{
    struct smtp_str s = { text, text != NULL ? strlen(text) : 0 };

    return s;
}

static enum dkim_verdict judge(const char *header, const char *record,
                               const char *body, int64_t now)
{
    dkim_openssl(&crypto);
    if (!dkim_check_open(&c, &crypto, (const uint8_t *)header, strlen(header),
                         0))
        return DKIM_OPEN;
    dkim_check_key(&c, str(record), now);
    dkim_check_body(&c, (const uint8_t *)body, strlen(body));
    return dkim_check_end(&c);
}

static void rfc8463(void)
{
    char name[100];
    size_t n;

    CHECK_EQ(judge(ED FIELDS, "v=DKIM1; k=ed25519; " ED_P, BODY, -1),
             DKIM_PASS);
    CHECK_EQ(judge(RSA FIELDS, "v=DKIM1; k=rsa; " RSA_P, BODY, -1), DKIM_PASS);
    CHECK_EQ(judge(RSA FIELDS "\r\n", RSA_P ";", BODY, -1), DKIM_PASS);
    CHECK_EQ(c.time, 1528637909);
    CHECK_EQ(c.expires, -1);
    CHECK(dkim_check_open(&c, &crypto, (const uint8_t *)ED RSA FIELDS,
                          strlen(ED RSA FIELDS), 1));
    n = dkim_check_name(&c, name, sizeof name);
    CHECK_MEM(name, n, "test._domainkey.football.example.com", 36);
    CHECK_EQ(dkim_check_name(&c, name, n - 1), 0);
    CHECK_EQ(dkim_check_end(&c), DKIM_PERMERROR); /* without a key */
    CHECK(!dkim_check_open(&c, &crypto, (const uint8_t *)ED RSA FIELDS,
                           strlen(ED RSA FIELDS), 2));
    CHECK_EQ(judge(FIELDS, ED_P, BODY, -1), DKIM_OPEN);
}

/* A CR that no LF follows is noticed, wherever it is. */
static void bare_cr(void)
{
    static const char *const bodies[] = { "\r" BODY, BODY "\r", "Hi.\r\r\n",
                                          "Hi. \r\r\n", "\r \r\n" };

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        CHECK_EQ(judge(ED FIELDS, "k=ed25519; " ED_P, bodies[i], -1),
                 DKIM_FAIL);
    CHECK_EQ(judge(ED "From: Joe\r SixPack <joe@football.example.com>\r\n",
                   "k=ed25519; " ED_P, BODY, -1),
             DKIM_FAIL);
    CHECK_EQ(judge(ED FIELDS "Subject: x\r", "k=ed25519; " ED_P, BODY, -1),
             DKIM_FAIL);
}

/* Every flipped bit is noticed, but in what relaxed forms do not see. */
static void flipped(void)
{
    static const char header[] = ED FIELDS;
    char copy[sizeof header];
    unsigned passed = 0;

    for (size_t i = 0; i < sizeof header - 1; i++) {
        memcpy(copy, header, sizeof copy);
        copy[i] ^= 0x20;
        if (judge(copy, "k=ed25519; " ED_P, BODY, -1) == DKIM_PASS) {
            passed++;
            if (i >= sizeof ED - 1) /* case of a name, blank before a value */
                CHECK(memchr(header + i, ':', 12) != NULL);
        }
    }
    CHECK(passed < 100);
    CHECK_EQ(judge(ED "From: x\r\n" FIELDS, "k=ed25519; " ED_P, BODY, -1),
             DKIM_FAIL);
    CHECK_EQ(judge(ED FIELDS, "k=ed25519; " ED_P, BODY "x", -1), DKIM_FAIL);
    CHECK_EQ(judge(ED FIELDS, "k=ed25519; " ED_P, BODY "\r\n \r\n", -1),
             DKIM_PASS);
}

/* The signature with one piece of it replaced. */
static void refused(const char *was, const char *is, enum dkim_verdict want,
                    const char *why)
{
    static const char text[] = RSA FIELDS;
    char copy[4000];
    const char *at = strstr(text, was);

    CHECK(at != NULL);
    snprintf(copy, sizeof copy, "%.*s%s%s", (int)(at - text), text, is,
             at + strlen(was));
    CHECK_EQ(judge(copy, RSA_P, BODY, 1600000000), want);
    CHECK_STR(c.why, why);
}

static void signatures(void)
{
    static char many[2000];

    refused("v=1;", "v=2;", DKIM_PERMERROR, "v= is not 1");
    refused("v=1;", "", DKIM_PERMERROR, "v= is not 1");
    refused("v=1;", "v=1; v=1;", DKIM_PERMERROR,
            "the signature is no list of tags");
    refused("v=1;", "v=1; x;", DKIM_PERMERROR,
            "the signature is no list of tags");
    refused("v=1;", "v=1; =x;", DKIM_PERMERROR,
            "the signature is no list of tags");
    refused("v=1;", "v=1;;", DKIM_PERMERROR,
            "the signature is no list of tags");
    refused("rsa-sha256", "rsa-sha1", DKIM_POLICY,
            "rsa-sha1 proves nothing any more");
    refused("rsa-sha256", "dsa-sha256", DKIM_PERMERROR,
            "a= names an unknown algorithm");
    refused("c=relaxed/relaxed", "c=relaxed/nowsp", DKIM_PERMERROR,
            "c= names an unknown canonical form");
    refused("c=relaxed/relaxed", "c=x", DKIM_PERMERROR,
            "c= names an unknown canonical form");
    refused("c=relaxed/relaxed", "c=simple/simple/simple", DKIM_PERMERROR,
            "c= names an unknown canonical form");
    refused("c=relaxed/relaxed", "c=relaxed", DKIM_FAIL,
            "the body was changed");
    refused("c=relaxed/relaxed;", "", DKIM_FAIL, "the body was changed");
    refused("d=football.example.com", "d=foot ball", DKIM_PERMERROR,
            "d= or s= is no domain");
    refused("s=test", "s=", DKIM_PERMERROR, "d= or s= is no domain");
    refused("i=@football", "i=@soccer", DKIM_PERMERROR, "i= is not within d=");
    refused("i=@football", "i=@xfootball", DKIM_PERMERROR,
            "i= is not within d=");
    refused("i=@football.example.com", "i=x", DKIM_PERMERROR,
            "i= is not within d=");
    refused("i=@football", "i=joe@a.football", DKIM_FAIL,
            "the header or the signature was changed");
    refused("q=dns/txt", "q=dns/srv", DKIM_PERMERROR,
            "q= does not name dns/txt");
    refused("h=from : to", "h=sender : to", DKIM_FAIL,
            "the header or the signature was changed");
    refused("h=from : to : subject :\r\n date : message-id : from : subject : "
            "date",
            "h=to", DKIM_PERMERROR, "the From field is not signed");
    refused("t=1528637909;", "t=x;", DKIM_PERMERROR,
            "t=, x= or l= is no number");
    refused("t=1528637909;", "l=;", DKIM_PERMERROR,
            "t=, x= or l= is no number");
    refused("t=1528637909;", "x=1234567890123456789;", DKIM_PERMERROR,
            "t=, x= or l= is no number");
    refused("t=1528637909;", "t=5; x=5;", DKIM_PERMERROR,
            "x= is not later than t=");
    refused("t=1528637909;", "x=1599999999;", DKIM_FAIL,
            "the signature has expired");
    refused("t=1528637909;", "x=0;", DKIM_FAIL, "the signature has expired");
    refused("t=1528637909;", "x=1600000000;", DKIM_FAIL,
            "the header or the signature was changed");
    refused("t=1528637909;", "l=1000;", DKIM_PERMERROR,
            "l= counts more than the body has");
    refused("t=1528637909;", "l=10;", DKIM_FAIL, "the body was changed");
    CHECK(c.unsigned_bytes != 0);
    refused("bh=2jUS", "bh=2jU", DKIM_PERMERROR, "bh= is no hash");
    refused("bh=2jUS", "bh=", DKIM_PERMERROR, "bh= is no hash");
    refused("bh=2jUS", "bh=3jUS", DKIM_FAIL, "the body was changed");
    refused("b=F45d", "b=*", DKIM_PERMERROR, "b= is no signature");
    refused("b=F45d", "x=F45d", DKIM_PERMERROR, "t=, x= or l= is no number");
    memset(many, ':', 300);
    memcpy(many, "h=", 2);
    refused("h=", many, DKIM_PERMERROR, "h= names more than 200 fields");
}

static void record(const char *text, enum dkim_verdict want, const char *why)
{
    CHECK_EQ(judge(RSA FIELDS, text, BODY, -1), want);
    if (why == NULL)
        CHECK(c.why == NULL);
    else
        CHECK_STR(c.why, why);
}

static void records(void)
{
    static const char short_key[] =
        "p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf9Cnz"
        "j4p4WGeKLs1Pt8QuKUpRKfFLfRYC9AIKjbJTWit+CqvjWYzvQwECAwEAAQ==";
    static char longer[] = RSA_P;

    record(NULL, DKIM_PERMERROR, "there is no key");
    record("", DKIM_PERMERROR, "the key's record holds no key");
    record("p=", DKIM_PERMERROR, "the key was revoked");
    record("p=*", DKIM_PERMERROR, "the key's record holds no key");
    record("x", DKIM_PERMERROR, "the key's record is no list of tags");
    record("p=a;p=a", DKIM_PERMERROR, "the key's record is no list of tags");
    record("p=a;b=c;p=a;=", DKIM_PERMERROR,
           "the key's record is no list of tags");
    record("v=DKIM2; " RSA_P, DKIM_PERMERROR,
           "the key's record is of another version");
    record("n=x; v=DKIM1; " RSA_P, DKIM_PERMERROR,
           "the key's record is of another version");
    record("k=ed25519; " RSA_P, DKIM_PERMERROR,
           "the key is of another algorithm");
    record("h=sha1; " RSA_P, DKIM_PERMERROR, "the key is for other hashes");
    record("h=sha1 : sha256; " RSA_P, DKIM_PASS, NULL);
    record("s=tlsrpt; " RSA_P, DKIM_PERMERROR, "the key is not for mail");
    record("s=tlsrpt:email; " RSA_P, DKIM_PASS, NULL);
    record("s=*; t=s; n=note; " RSA_P, DKIM_PASS, NULL);
    CHECK(!c.testing);
    record("t=y; " RSA_P, DKIM_PASS, NULL);
    CHECK(c.testing);
    record(short_key, DKIM_POLICY, "the RSA key has less than 1,024 bits");
    record("p=AAAA", DKIM_PERMERROR, "the key is none of RSA");
    memcpy(strstr(longer, "BiQKB"), "BigKB", 5); /* a byte than its bits */
    record(longer, DKIM_PERMERROR, "the key is none of RSA");
    record(ED_P, DKIM_PERMERROR, "the key is none of RSA");
    CHECK_EQ(judge(ED FIELDS, "k=ed25519; " RSA_P, BODY, -1), DKIM_PERMERROR);
    CHECK_STR(c.why, "the key is none of Ed25519");
    CHECK_EQ(judge("DKIM-Signature: v=1; a=rsa-sha256; d=b.test; s=s; h=from; "
                   "i=@a.b.test; bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8"
                   "=; b=AAAA\nFrom: x\n",
                   "t=s; " RSA_P, BODY, -1),
             DKIM_PERMERROR);
    CHECK_STR(c.why, "the key is not for what is below its domain");
}

/* A d= that is longer than all that stands before the end of i=: nothing is
 * looked at in front of the header. */
static void long_domain(void)
{
    static const char begin[] = "DKIM-Signature: i=@x; v=1; a=rsa-sha256; d=",
                      end[] = "; s=s; h=from; b=AAAA; "
                              "bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="
                              "\nFrom: x\n";
    size_t a = strlen(begin), b = strlen(end);
    char *header = malloc(a + 200 + b + 1);

    memcpy(header, begin, a);
    memset(header + a, 'x', 200);
    memcpy(header + a + 200, end, b + 1);
    CHECK_EQ(judge(header, RSA_P, BODY, -1), DKIM_PERMERROR);
    CHECK_STR(c.why, "i= is not within d=");
    free(header);
}

/* A key cut anywhere, in either form, is none, and nothing behind it is read.
 */
static void keys(void)
{
    static const char p[] = RSA_P;
    char text[sizeof p];

    for (size_t n = 2; n + 4 < sizeof p; n += 4) {
        memcpy(text, p, sizeof p);
        text[n] = '\0';
        CHECK_EQ(judge(RSA FIELDS, text, BODY, -1), DKIM_PERMERROR);
    }
    for (size_t i = 2; i + 1 < sizeof p; i++) {
        memcpy(text, p, sizeof p);
        text[i] = text[i] == 'A' ? 'B' : 'A';
        CHECK(judge(RSA FIELDS, text, BODY, -1) != DKIM_OPEN);
    }
}

static const struct check_case cases[] = {
    { "rfc8463", rfc8463 }, { "bare_cr", bare_cr },
    { "flipped", flipped }, { "signatures", signatures },
    { "records", records }, { "long domain", long_domain },
    { "keys", keys }
};

CHECK_MAIN(cases)
