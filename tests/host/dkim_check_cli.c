/*
 * dkim_check_cli.c - the verdict of smtp/dkim_check.c, with OpenSSL's
 * cryptography, on the first signature of each message named on standard
 * input, one line each: good, or bad and why.
 *
 * dkim_check_cli RECORD [NOW [CHUNK]]   the TXT record's text, or - for none;
 * seconds since 1970; bytes of the body to give at once.
 */
/* sources: smtp/dkim_check.c smtp/canon.c smtp/header.c smtp/addrlist.c
            smtp/mailbox.c smtp/scan.c smtp/base64.c smtp/text.c
            tests/host/dkim_openssl.c */
/* includes: smtp tests/host */
/* link: -lcrypto */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dkim_openssl.h"
#include "header.h"
#include "slurp.h"

static void judge(const char *path, struct smtp_str record, int64_t now,
                  size_t chunk)
{
    static const char *const words[] = { [DKIM_OPEN] = "open",
                                         [DKIM_PASS] = "good",
                                         [DKIM_FAIL] = "bad",
                                         [DKIM_POLICY] = "policy",
                                         [DKIM_PERMERROR] = "permerror" };
    struct dkim_check_crypto crypto;
    struct dkim_check c;
    size_t len;
    uint8_t *text = slurp(path, &len);
    struct header_block b = header_find(text, len);
    enum dkim_verdict v;

    dkim_openssl(&crypto);
    if (!dkim_check_open(&c, &crypto, text, b.end, 0)) {
        puts("none");
    } else {
        dkim_check_key(&c, record, now);
        for (size_t at = b.body, n; at < len; at += n) {
            n = chunk != 0 && chunk < len - at ? chunk : len - at;
            dkim_check_body(&c, text + at, n);
        }
        v = dkim_check_end(&c);
        printf("%s%s%s%s\n", words[v], v == DKIM_PASS ? "" : ": ",
               v == DKIM_PASS ? "" : c.why,
               c.unsigned_bytes != 0 ? " (partly)" : "");
    }
    free(text);
}

int main(int argc, char **argv)
{
    struct smtp_str record = { NULL, 0 };
    char path[4096];

    if (argc < 2)
        return 2;
    if (strcmp(argv[1], "-") != 0)
        record = (struct smtp_str){ argv[1], strlen(argv[1]) };
    while (fgets(path, sizeof path, stdin) != NULL) {
        path[strcspn(path, "\n")] = '\0';
        judge(path, record, argc > 2 ? strtoll(argv[2], NULL, 10) : -1,
              argc > 3 ? strtoul(argv[3], NULL, 10) : 0);
    }
    return 0;
}
