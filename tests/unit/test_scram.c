/*
 * test_scram.c - the logins with arithmetic: the vectors of RFC 5802 section
 * 5, RFC 7677 section 3 and RFC 2195 section 2, what is not answered, and
 * names with commas.
 */
/* sources: smtp/scram.c smtp/base64.c smtp/text.c tests/transcripts/crypto.c */
/* includes: smtp tests/transcripts */
#include "check.h"

#include "crypto.h"
#include "saslname.h"
#include "scram.h"

static struct scram s;

static struct smtp_str str(const char *text)
{
    struct smtp_str out = { text, strlen(text) };

    return out;
}

static enum scram_status work(const char *user, const char *password)
{
    enum scram_status status;

    while ((status = scram_work(&s, &crypto, str(user), str(password))) ==
           SCRAM_MORE)
        continue;
    return status;
}

static void vectors(void)
{
    static const struct {
        enum smtp_hash hash;
        const char *nonce, *challenge, *proof, *server;
    } table[] = {
        { SMTP_SHA1, "fyko+d2lbbFgONRv9qkxdawL",
          "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,"
          "i=4096",
          "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=" },
        { SMTP_SHA256, "rOprNGfwEbeRWgbNEkqO",
          "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
          "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
          "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
          "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=" },
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char wrong[64];

        scram_first(&s, table[i].hash, "n", NULL, str(table[i].nonce));
        CHECK_MEM(s.gs2, s.gs2_len, "n,,", 3);
        CHECK_MEM(s.cbind, s.cbind_len, "biws", 4);
        CHECK_STR(scram_challenge(&s, &crypto, str("pencil"),
                                  str(table[i].challenge)),
                  NULL);
        CHECK_EQ(work("user", "pencil"), SCRAM_DONE);
        CHECK_MEM(s.proof, s.proof_len, table[i].proof, strlen(table[i].proof));
        CHECK(scram_verify(&s, str(table[i].server)));
        snprintf(wrong, sizeof wrong, "%s", table[i].server);
        wrong[5] = wrong[5] == 'A' ? 'B' : 'A';
        CHECK(!scram_verify(&s, str(wrong)));
        CHECK(!scram_verify(&s, str("v=")));
        CHECK(!scram_verify(&s, str("e=other-error")));
    }
}

static void refused(void)
{
    static const char *const bad[] = {
        "",
        "r=",
        "r=abc",
        "r=AAAA", /* nothing of the server's own */
        "r=BAAAxyz,s=QSXCR+Q6sek8bf92,i=4096",
        "s=QSXCR+Q6sek8bf92,r=AAAAx,i=4096",
        "m=1,r=AAAAx,s=QSXCR+Q6sek8bf92,i=4096",
        "r=AAAAx\x01,s=QSXCR+Q6sek8bf92,i=4096",
        "r=AAAAx,i=4096",
        "r=AAAAx,s=,i=4096",
        "r=AAAAx,s=Q,i=4096",
        "r=AAAAx,s=QSXCR+Q6sek8bf92",
        "r=AAAAx,s=QSXCR+Q6sek8bf92,i=",
        "r=AAAAx,s=QSXCR+Q6sek8bf92,i=4095",
        "r=AAAAx,s=QSXCR+Q6sek8bf92,i=-4096",
        "r=AAAAx,s=QSXCR+Q6sek8bf92,i=4096 ",
        "r=AAAAx,s=QSXCR+Q6sek8bf92,i=1000001",
        "r=AAAAx,s=QSXCR+Q6sek8bf92,i=4294971392",
    };
    char big[SCRAM_CHALLENGE + 2];

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *why;

        scram_first(&s, SMTP_SHA1, "n", NULL, str("AAAA"));
        why = scram_challenge(&s, &crypto, str("p"), str(bad[i]));
        if (!CHECK(why != NULL && why[0] != '\0'))
            printf("  in: %s\n", bad[i]);
    }
    memset(big, 'x', sizeof big);
    big[sizeof big - 1] = '\0';
    scram_first(&s, SMTP_SHA1, "n", NULL, str("AAAA"));
    CHECK(scram_challenge(&s, &crypto, str("p"), str(big)) != NULL);
    /* extensions behind the count are passed over (RFC 5802 section 5.1) */
    scram_first(&s, SMTP_SHA1, "n", NULL, str("AAAA"));
    CHECK_STR(scram_challenge(&s, &crypto, str("p"),
                              str("r=AAAAx,s=QSXCR+Q6sek8bf92,i=4096,x=y")),
              NULL);
}

/* The gs2 header and the channel's bytes are what is in c=. */
static void binding(void)
{
    static const uint8_t bytes[SCRAM_BIND_MAX] = { 'A' };
    struct smtp_binding b = { "tls-exporter", bytes, 3 };

    scram_first(&s, SMTP_SHA256, NULL, &b, str("n"));
    CHECK_MEM(s.gs2, s.gs2_len, "p=tls-exporter,,", 16);
    CHECK_MEM(s.cbind, s.cbind_len, "cD10bHMtZXhwb3J0ZXIsLEEAAA==", 28);
    b.type = "tls-server-end-point";
    b.len = sizeof bytes;
    scram_first(&s, SMTP_SHA256, NULL, &b, str("n"));
    CHECK_MEM(s.gs2, s.gs2_len, "p=tls-server-end-point,,", 24);
    CHECK_EQ(s.cbind_len, 4 * ((24 + 64 + 2) / 3));
}

static void names(void)
{
    static const char want[] = "a=2Cb=3D=3Dc";
    struct smtp_str name = str("a,b==c");

    CHECK_EQ(saslname_len(name), strlen(want));
    for (size_t i = 0; i < strlen(want); i++)
        CHECK_EQ(saslname_char(name, i), want[i]);
}

/* RFC 2195 section 2 */
static void cram(void)
{
    static const char question[] = "<1896.697170952@postoffice.reston.mci.net>";
    static const char want[] = "b913a602c7eda7a495b4e6e7334d3890";
    uint8_t mac[16];
    char hex[33];

    CHECK(crypto.hmac_begin(NULL, SMTP_MD5, "tanstaaftanstaaf", 16));
    CHECK(crypto.hmac_add(NULL, question, strlen(question)));
    CHECK(crypto.hmac_end(NULL, mac));
    for (size_t i = 0; i < 16; i++)
        snprintf(hex + 2 * i, 3, "%02x", mac[i]);
    CHECK_STR(hex, want);
}

static bool fails(void *ctx, uint8_t *out)
{
    (void)ctx;
    (void)out;
    return false;
}

static bool never(void *ctx, enum smtp_hash hash, const void *key, size_t n,
                  uint8_t *u, uint8_t *t, unsigned rounds)
{
    (void)ctx, (void)hash, (void)key, (void)n, (void)u, (void)t, (void)rounds;
    return false;
}

static void primitives_that_fail(void)
{
    struct smtp_crypto broken = crypto;

    broken.hmac_end = fails;
    scram_first(&s, SMTP_SHA1, "n", NULL, str("AAAA"));
    CHECK(scram_challenge(&s, &broken, str("p"),
                          str("r=AAAAx,s=QSXCR+Q6sek8bf92,i=4096")) != NULL);
    CHECK_STR(scram_challenge(&s, &crypto, str("p"),
                              str("r=AAAAx,s=QSXCR+Q6sek8bf92,i=4096")),
              NULL);
    broken.stretch = never;
    CHECK_EQ(scram_work(&s, &broken, str("u"), str("p")), SCRAM_FAILED);
    CHECK_EQ(work("u", "p"), SCRAM_DONE);
    scram_wipe(&s);
    for (size_t i = 0; i < sizeof s; i++)
        CHECK_EQ(((const uint8_t *)&s)[i], 0);
}

/* Each call in turn: none is overlooked, and nothing is proven. */
static void each_primitive_that_fails(void)
{
    unsigned failing = 1;

    for (;; failing++) {
        enum scram_status status = SCRAM_FAILED;

        scram_first(&s, SMTP_SHA256, "n", NULL, str("AAAA"));
        frail_left = failing;
        if (scram_challenge(&s, &frail, str("p"),
                            str("r=AAAAx,s=QSXCR+Q6sek8bf92,i=4096")) == NULL)
            while ((status = scram_work(&s, &frail, str("u"), str("p"))) ==
                   SCRAM_MORE)
                continue;
        if (frail_left != 0)
            break;
        CHECK_EQ(status, SCRAM_FAILED);
    }
    CHECK(failing > 30);
    frail_left = 0;
}

static void last_words(void)
{
    char big[SCRAM_CHALLENGE + 2];

    memset(big, 'A', sizeof big);
    big[sizeof big - 1] = '\0';
    CHECK(!scram_verify(&s, str(big)));
    CHECK(!scram_verify(&s, str("v=A")));
    CHECK(!scram_verify(&s, str("v=AAAA")));
    CHECK(!scram_verify(&s, str("")));
}

static const struct check_case cases[] = {
    { "each_primitive_that_fails", each_primitive_that_fails },
    { "last_words", last_words },
    { "vectors", vectors },
    { "refused", refused },
    { "binding", binding },
    { "names", names },
    { "cram", cram },
    { "primitives_that_fail", primitives_that_fail },
};
CHECK_MAIN(cases)
