/*
 * tls.c - an Mbed TLS server over a connection; its authority and certificate
 * are made here, from the simulation's random numbers: the same bytes in
 * every run.
 */
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/ecp.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>

#define PIECE 4096 /* plaintext that waits for the connection */

struct peer_tls {
    mbedtls_ssl_context ssl;
    struct peer_tcp *tcp;
    bool up, over;
    size_t pending; /* of an mbedtls_ssl_write() to be repeated */
    uint8_t held[PIECE];
};

static mbedtls_ssl_config conf[2]; /* [1]: TLS 1.2 only */
static mbedtls_x509_crt chain;
static mbedtls_pk_context key;

static int give_random(void *unused, unsigned char *to, size_t n)
{
    (void)unused;
    sim_peer_random(to, n);
    return 0;
}

psa_status_t mbedtls_psa_external_get_random(
    mbedtls_psa_external_random_context_t *context, uint8_t *to, size_t size,
    size_t *len)
{
    (void)context;
    sim_peer_random(to, size);
    *len = size;
    return PSA_SUCCESS;
}

/* ------------------------------------------------ certificates */

static void must(int err, const char *what)
{
    if (err == 0)
        return;
    fprintf(stderr, "sim: the server's certificate: %s: -0x%x\n", what,
            (unsigned)-err);
    exit(70);
}

static void make_key(mbedtls_pk_context *k)
{
    mbedtls_pk_init(k);
    must(mbedtls_pk_setup(k, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)),
         "key");
    must(mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*k),
                             give_random, NULL),
         "key");
}

static void head(mbedtls_x509write_cert *w, mbedtls_pk_context *subject,
                 mbedtls_pk_context *issuer, unsigned char serial, bool ca)
{
    mbedtls_x509write_crt_init(w);
    mbedtls_x509write_crt_set_version(w, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(w, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(w, subject);
    mbedtls_x509write_crt_set_issuer_key(w, issuer);
    must(mbedtls_x509write_crt_set_serial_raw(w, &serial, 1), "serial");
    must(mbedtls_x509write_crt_set_validity(w, "20590101000000",
                                            "20610101000000"),
         "validity");
    must(mbedtls_x509write_crt_set_issuer_name(w, "CN=Simulated Root"), "name");
    must(mbedtls_x509write_crt_set_basic_constraints(w, ca, ca ? 0 : -1),
         "constraints");
    must(mbedtls_x509write_crt_set_key_usage(
             w, ca ? MBEDTLS_X509_KU_KEY_CERT_SIGN
                   : MBEDTLS_X509_KU_DIGITAL_SIGNATURE),
         "usage");
}

static void add_names(mbedtls_x509write_cert *w, const char *name,
                      const struct peer_addr *address, size_t addresses)
{
    mbedtls_x509_san_list san[1 + PEER_NAMED];
    size_t i;

    memset(san, 0, sizeof san);
    san[0].node.type = MBEDTLS_X509_SAN_DNS_NAME;
    san[0].node.san.unstructured_name.p = (unsigned char *)(uintptr_t)name;
    san[0].node.san.unstructured_name.len = strlen(name);
    for (i = 0; i < addresses; i++) {
        san[i].next = &san[i + 1];
        san[i + 1].node.type = MBEDTLS_X509_SAN_IP_ADDRESS;
        san[i + 1].node.san.unstructured_name.p =
            (unsigned char *)(uintptr_t)address[i].b;
        san[i + 1].node.san.unstructured_name.len = address[i].len;
    }
    must(mbedtls_x509write_crt_set_subject_alternative_name(w, san), "names");
}

static void make_chain(const char *name, const struct peer_addr *address,
                       size_t addresses, char *ca, size_t size)
{
    mbedtls_pk_context root;
    mbedtls_x509write_cert w;
    unsigned char pem[2048];

    make_key(&root);
    make_key(&key);
    head(&w, &root, &root, 1, true);
    must(mbedtls_x509write_crt_set_subject_name(&w, "CN=Simulated Root"),
         "name");
    must(mbedtls_x509write_crt_pem(&w, (unsigned char *)ca, size, give_random,
                                   NULL),
         "root");
    mbedtls_x509write_crt_free(&w);
    head(&w, &key, &root, 2, false);
    must(mbedtls_x509write_crt_set_subject_name(&w, "CN=Simulated Server"),
         "name");
    add_names(&w, name, address, addresses);
    must(mbedtls_x509write_crt_pem(&w, pem, sizeof pem, give_random, NULL),
         "leaf");
    mbedtls_x509write_crt_free(&w);
    mbedtls_x509_crt_init(&chain);
    must(mbedtls_x509_crt_parse(&chain, pem, strlen((char *)pem) + 1), "parse");
}

bool peer_tls_setup(const char *name, const struct peer_addr *address,
                    size_t addresses, char *ca, size_t size)
{
    size_t i;

    if (addresses > PEER_NAMED || psa_crypto_init() != PSA_SUCCESS)
        return false;
    make_chain(name, address, addresses, ca, size);
    for (i = 0; i < 2; i++) {
        mbedtls_ssl_config_init(&conf[i]);
        must(mbedtls_ssl_config_defaults(&conf[i], MBEDTLS_SSL_IS_SERVER,
                                         MBEDTLS_SSL_TRANSPORT_STREAM,
                                         MBEDTLS_SSL_PRESET_DEFAULT),
             "TLS");
        mbedtls_ssl_conf_rng(&conf[i], give_random, NULL);
        must(mbedtls_ssl_conf_own_cert(&conf[i], &chain, &key), "TLS");
    }
    mbedtls_ssl_conf_max_tls_version(&conf[1], MBEDTLS_SSL_VERSION_TLS1_2);
    return true;
}

/* ------------------------------------------------ a session */

static int from_tcp(void *arg, unsigned char *to, size_t n)
{
    struct peer_tls *t = arg;
    size_t got = peer_read(t->tcp, to, n);

    if (got != 0)
        return (int)got;
    return peer_over(t->tcp) ? 0 : MBEDTLS_ERR_SSL_WANT_READ;
}

static int to_tcp(void *arg, const unsigned char *from, size_t n)
{
    struct peer_tls *t = arg;
    size_t took = peer_write(t->tcp, from, n);

    if (took != 0)
        return (int)took;
    return peer_broken(t->tcp) ? MBEDTLS_ERR_SSL_CONN_EOF
                               : MBEDTLS_ERR_SSL_WANT_WRITE;
}

struct peer_tls *peer_tls_open(struct peer_tcp *tcp, bool only_12)
{
    struct peer_tls *t = calloc(1, sizeof *t);

    if (t == NULL)
        abort();
    t->tcp = tcp;
    mbedtls_ssl_init(&t->ssl);
    must(mbedtls_ssl_setup(&t->ssl, &conf[only_12]), "session");
    mbedtls_ssl_set_bio(&t->ssl, t, to_tcp, from_tcp, NULL);
    return t;
}

static bool later(int err)
{
    return err == MBEDTLS_ERR_SSL_WANT_READ ||
           err == MBEDTLS_ERR_SSL_WANT_WRITE;
}

int peer_tls_shake(struct peer_tls *t)
{
    int err =
        t->over ? MBEDTLS_ERR_SSL_CONN_EOF : mbedtls_ssl_handshake(&t->ssl);

    t->up = err == 0;
    if (err == 0 || later(err))
        return err == 0;
    t->over = true;
    return -1;
}

size_t peer_tls_read(struct peer_tls *t, uint8_t *to, size_t n)
{
    int got;

    if (t->over || n == 0)
        return 0;
    got = mbedtls_ssl_read(&t->ssl, to, n);
    if (got > 0)
        return (size_t)got;
    t->over = !later(got);
    return 0;
}

/* What is held is a record that Mbed TLS has begun to send: the call has to
 * be made again with the same bytes. */
static bool write_held(struct peer_tls *t)
{
    int err = mbedtls_ssl_write(&t->ssl, t->held, t->pending);

    if (err > 0 && (size_t)err < t->pending) {
        t->pending -= (size_t)err;
        memmove(t->held, t->held + err, t->pending);
        return false;
    }
    if (err > 0)
        t->pending = 0;
    else if (!later(err))
        t->over = true;
    return err > 0;
}

size_t peer_tls_write(struct peer_tls *t, const uint8_t *from, size_t n)
{
    if (t->over || (t->pending != 0 && !write_held(t)) || n == 0)
        return 0;
    if (n > sizeof t->held)
        n = sizeof t->held;
    memcpy(t->held, from, n);
    t->pending = n;
    write_held(t);
    return n;
}

bool peer_tls_over(const struct peer_tls *t)
{
    return t->over;
}

void peer_tls_close(struct peer_tls *t)
{
    if (t->up && !t->over)
        mbedtls_ssl_close_notify(&t->ssl);
}

void peer_tls_free(struct peer_tls *t)
{
    mbedtls_ssl_free(&t->ssl);
    free(t);
}
