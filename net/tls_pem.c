/*
 * tls_pem.c - PEM blocks, by Mbed TLS's reader of one.
 *
 * mbedtls_x509_crt_parse() and its like would go on behind a broken block, and
 * not see that the last one is cut.
 */
#include "tls_pem.h"

#include <string.h>

#include <mbedtls/pem.h>

int tls_pem_each(const uint8_t *text, const char *begin, const char *end,
                 int (*take)(void *to, const uint8_t *der, size_t len),
                 void *to)
{
    int ret = MBEDTLS_ERR_PEM_NO_HEADER_FOOTER_PRESENT;
    const char *at = strstr((const char *)text, begin);

    while (at != NULL) {
        mbedtls_pem_context pem;
        const unsigned char *der;
        size_t used, len;

        mbedtls_pem_init(&pem);
        ret = mbedtls_pem_read_buffer(
            &pem, begin, end, (const unsigned char *)at, NULL, 0, &used);
        if (ret == 0) {
            der = mbedtls_pem_get_buffer(&pem, &len);
            ret = take(to, der, len);
        }
        mbedtls_pem_free(&pem);
        if (ret != 0)
            return ret;
        at = strstr(at + used, begin);
    }
    return ret;
}
