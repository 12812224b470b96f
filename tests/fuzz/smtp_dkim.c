/* sources: smtp/dkim_check.c smtp/canon.c smtp/header.c smtp/addrlist.c
            smtp/mailbox.c smtp/scan.c smtp/base64.c smtp/text.c */
/* includes: smtp tests/fuzz */
/*
 * smtp_dkim.c - any bytes as key record, header and body, a NUL between them:
 * every signature gets a verdict and a reason, the same however the body is
 * fed, and nothing is read outside.
 */
#include "trace.h"

#include "dkim_check.h"

static uint32_t sum;

static void start(void *own)
{
    (void)own;
    sum = 1;
}

static void update(void *own, const uint8_t *p, size_t n)
{
    (void)own;
    for (size_t i = 0; i < n; i++)
        sum = sum * 31 + p[i];
}

/* Zeros are the hash of a body here: bh=AAA... fits, the rest is reached. */
static void finish(void *own, uint8_t hash[DKIM_HASH])
{
    (void)own;
    memset(hash, 0, DKIM_HASH);
}

static bool verify(void *own, enum dkim_algorithm a, const uint8_t *key,
                   size_t key_len, const uint8_t hash[DKIM_HASH],
                   const uint8_t *sig, size_t sig_len)
{
    (void)own;
    (void)hash;
    MUST(key_len != 0 && sig_len != 0);
    MUST(a != DKIM_ED25519_SHA256 || key_len == 32);
    for (size_t i = 0; i < key_len; i++)
        sum += key[i];
    return (sum + sig[sig_len - 1]) % 2 == 0;
}

static bool judge(struct dkim_check *c, struct smtp_str record,
                  struct smtp_str header, struct smtp_str body, size_t n,
                  size_t chunk)
{
    static const struct dkim_check_crypto crypto = { NULL, start, update,
                                                     finish, verify };
    char name[600];

    if (!dkim_check_open(c, &crypto, (const uint8_t *)header.p, header.len, n))
        return false;
    MUST(dkim_check_name(c, name, sizeof name) != 0 || c->verdict != DKIM_OPEN);
    dkim_check_key(c, record, 1000);
    for (size_t at = 0, k; at < body.len; at += k) {
        k = chunk < body.len - at ? chunk : body.len - at;
        dkim_check_body(c, (const uint8_t *)body.p + at, k);
    }
    MUST(dkim_check_end(c) != DKIM_OPEN && dkim_check_end(c) == c->verdict);
    MUST((c->verdict == DKIM_PASS) == (c->why == NULL));
    return true;
}

static struct smtp_str until_nul(const uint8_t **at, const uint8_t *end)
{
    struct smtp_str s = { (const char *)*at, 0 };

    while (*at < end && **at != 0) {
        ++*at;
        s.len++;
    }
    *at += *at < end ? 1 : 0;
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t *block = exact(data, len);
    const uint8_t *at = block + 1, *end = at + len;
    struct smtp_str record = until_nul(&at, end), header = until_nul(&at, end);
    struct smtp_str body = { (const char *)at, (size_t)(end - at) };
    static struct dkim_check whole, bytes;

    for (size_t n = 0; n < 4; n++) {
        if (!judge(&whole, record, header, body, n, len + 1))
            break;
        MUST(judge(&bytes, record, header, body, n, 1));
        MUST(whole.verdict == bytes.verdict && whole.why == bytes.why);
        MUST(whole.unsigned_bytes == bytes.unsigned_bytes);
    }
    free(block);
    return 0;
}
