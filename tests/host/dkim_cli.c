/*
 * dkim_cli.c - signs a message by smtp/dkim.c with OpenSSL's cryptography:
 * what is sent goes to standard output, as the client sends it.
 *
 * dkim_cli FILE KEY.pem rsa|ed25519 CANON [attachment]...   CANON: r/r, r/s,
 * s/r or s/s; domain mail.test, selector s1. Exit 65 with a reason.
 */
/* sources: smtp/dkim.c smtp/canon.c smtp/message.c smtp/check.c smtp/stream.c
            smtp/fields.c smtp/parts.c smtp/addrlist.c smtp/mailbox.c
            smtp/header.c smtp/mime.c smtp/qp.c smtp/scan.c smtp/recode.c
            smtp/idna.c smtp/date.c smtp/base64.c smtp/text.c */
/* includes: smtp tests/host */
/* link: -lcrypto */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dkim.h"
#include "slurp.h"

static EVP_MD_CTX *hashing;
static EVP_PKEY *key;
static bool edwards;

static void start(void *own)
{
    (void)own;
    EVP_DigestInit_ex(hashing, EVP_sha256(), NULL);
}

static void update(void *own, const uint8_t *p, size_t n)
{
    (void)own;
    EVP_DigestUpdate(hashing, p, n);
}

static void finish(void *own, uint8_t hash[DKIM_HASH])
{
    (void)own;
    EVP_DigestFinal_ex(hashing, hash, NULL);
}

/* RFC 8463 3: Ed25519 signs the hash; RSA the DigestInfo of it. */
static size_t sign(void *own, const uint8_t hash[DKIM_HASH], uint8_t *sig,
                   size_t cap)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pk = EVP_PKEY_CTX_new(key, NULL);
    size_t len = cap;
    bool ok;

    (void)own;
    if (edwards)
        ok = EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
             EVP_DigestSign(ctx, sig, &len, hash, DKIM_HASH) == 1;
    else
        ok = EVP_PKEY_sign_init(pk) == 1 &&
             EVP_PKEY_CTX_set_rsa_padding(pk, RSA_PKCS1_PADDING) == 1 &&
             EVP_PKEY_CTX_set_signature_md(pk, EVP_sha256()) == 1 &&
             EVP_PKEY_sign(pk, sig, &len, hash, DKIM_HASH) == 1;
    EVP_PKEY_CTX_free(pk);
    EVP_MD_CTX_free(ctx);
    return ok ? len : 0;
}

static void send_all(struct message *m)
{
    const uint8_t *p;
    uint8_t last = '\n';
    size_t n, i;

    while (p = message_buf(m, &n), n != 0) {
        for (i = 0; i < n; last = p[i++]) {
            if (p[i] == '\n' && last != '\r')
                putchar('\r');
            putchar(p[i]);
        }
        message_ack(m, n);
    }
    if (last != '\n')
        printf("\r\n");
}

int main(int argc, char **argv)
{
    static const struct dkim_crypto crypto = {
        .start = start, .update = update, .finish = finish, .sign = sign
    };
    static struct message_spec spec;
    static struct message_file attach[8];
    static struct message m;
    static struct dkim d;
    struct dkim_spec how = { .domain = { "mail.test", 9 },
                             .selector = { "s1", 2 },
                             .time = 1795466540 };
    struct message_error err;
    FILE *f;

    if (argc < 5 || (f = fopen(argv[2], "r")) == NULL)
        return 2;
    key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
    fclose(f);
    hashing = EVP_MD_CTX_new();
    edwards = strcmp(argv[3], "ed25519") == 0;
    how.algorithm = edwards ? DKIM_ED25519_SHA256 : DKIM_RSA_SHA256;
    how.simple_header = argv[4][0] == 's';
    how.simple_body = argv[4][2] == 's';
    spec.text = slurp(argv[1], &spec.text_len);
    spec.from = (struct smtp_str){ "robot@mail.test", 15 };
    spec.message_id = (struct smtp_str){ "made.1@mail.test", 16 };
    spec.date = how.time;
    spec.add_date = spec.add_msgid = spec.add_from = spec.remove_bcc = true;
    spec.attach = attach;
    for (int i = 5; i < argc && i < 13; i++) {
        struct message_file *a = &attach[spec.attach_count++];

        a->name = (struct smtp_str){ "attached", 8 };
        a->data = slurp(argv[i], &a->len);
    }
    if (!message_open(&m, &spec, &err) ||
        !dkim_sign(&d, &m, &how, &crypto, &err)) {
        fprintf(stderr, "line %u: %s\n", err.line, err.why);
        return 65;
    }
    send_all(&m);
    fprintf(stderr, "%llu\n", (unsigned long long)message_size(&m));
    EVP_MD_CTX_free(hashing);
    EVP_PKEY_free(key);
    return 0;
}
