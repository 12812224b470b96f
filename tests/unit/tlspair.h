/*
 * tlspair.h - net/tls.c against OpenSSL's server, both in memory: one
 * connection with certificates of tests/servers/pki.py, a wire that may be
 * slow, cut or damaged, and what came of it. Include it in one file only.
 */
#ifndef UNIT_TLSPAIR_H
#define UNIT_TLSPAIR_H

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "check.h"
#include "fakeplatform.h"
#include "heap.h"
#include "rng.h"
#include "tls.h"

#define SAY_MAX 65536
#define NEVER   SIZE_MAX

/* ------------------------------------------------------------ certificates */

static char dir[] = "/tmp/bootmail-tls-XXXXXX";

struct file {
    uint8_t p[65536];
    size_t len;
};

static struct file slurp(const char *name)
{
    static struct file f;
    char path[128];
    FILE *in;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    in = fopen(path, "rb");
    f.len = in != NULL ? fread(f.p, 1, sizeof(f.p), in) : 0;
    if (in != NULL)
        fclose(in);
    if (f.len == 0) {
        printf("cannot read %s\n", path);
        exit(2);
    }
    return f;
}

static void remove_dir(void)
{
    char command[160];

    (void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
    if (system(command) != 0)
        printf("cannot remove %s\n", dir);
}

static struct file ca_all;

static void make_certificates(void)
{
    char command[160];

    if (mkdtemp(dir) == NULL)
        exit(2);
    atexit(remove_dir);
    (void)snprintf(command, sizeof(command),
                   "python3 tests/servers/pki.py '%s' >/dev/null", dir);
    if (system(command) != 0) {
        printf("pki.py failed\n");
        exit(2);
    }
    ca_all = slurp("ca-all.pem");
}

/* --------------------------------------------------------------------- job */

/* One connection: what is asked for, and what came of it. */
struct job {
    /* the server */
    const char *cert;    /* pki.py's name                             */
    int min, max;        /* TLS1_2_VERSION ..., 0: any                */
    const char *ciphers; /* TLS 1.2                                   */
    const char *plain;   /* not TLS at all: says this, listens to none */
    bool ask_cert;       /* demands a client certificate              */
    bool ticket, rekey;  /* in mid-session                            */
    bool rude;           /* closes without close_notify               */
    size_t say;          /* bytes of plaintext each side sends        */
    /* the wire */
    size_t chunk; /* bytes a step, 0: no limit                 */
    size_t cut;   /* server's bytes that arrive                */
    size_t flip;  /* the server's byte that is damaged         */
    /* the client */
    bool close; /* as soon as all is said                             */
    const char *host;
    struct tls_config conf;
    /* results */
    enum tls_error error;
    enum tls_state state;
    struct tls_info info;
    bool was_up;
    char why[400];
    size_t heard, server_heard; /* plaintext, all of it as expected       */
    bool garbled;
    size_t from_server, from_client; /* bytes on the wire                 */
    char server_error[200];
    bool saw_close; /* the server got a close_notify                      */
    size_t leaked;
};

static struct job job_of(const char *cert)
{
    struct job j;

    memset(&j, 0, sizeof(j));
    j.cert = cert;
    j.host = "mail.test";
    j.cut = NEVER;
    j.flip = NEVER;
    j.say = 100;
    j.conf.trust = ca_all.p;
    j.conf.trust_len = ca_all.len;
    j.conf.verify = true;
    j.conf.unix_now = (int64_t)time(NULL);
    j.conf.min_version = 0x12;
    return j;
}

static uint8_t pattern(size_t i)
{
    return (uint8_t)(i * 131 + (i >> 8));
}

struct server {
    SSL_CTX *ctx;
    SSL *ssl;
    BIO *in, *out;
    bool up, done, extra;
    size_t said;
};

static void server_start(struct server *s, const struct job *j)
{
    char pem[128], key[128];

    memset(s, 0, sizeof(*s));
    s->in = BIO_new(BIO_s_mem());
    s->out = BIO_new(BIO_s_mem());
    if (j->plain != NULL) {
        BIO_write(s->out, j->plain, (int)strlen(j->plain));
        return;
    }
    (void)snprintf(pem, sizeof(pem), "%s/%s.pem", dir, j->cert);
    (void)snprintf(key, sizeof(key), "%s/%s.key", dir, j->cert);
    s->ctx = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(s->ctx, pem) != 1 ||
        SSL_CTX_use_PrivateKey_file(s->ctx, key, SSL_FILETYPE_PEM) != 1) {
        printf("server: cannot load %s\n", pem);
        exit(2);
    }
    if (j->min != 0)
        SSL_CTX_set_min_proto_version(s->ctx, j->min);
    if (j->max != 0)
        SSL_CTX_set_max_proto_version(s->ctx, j->max);
    if (j->ciphers != NULL)
        SSL_CTX_set_cipher_list(s->ctx, j->ciphers);
    if (j->ask_cert) {
        (void)snprintf(pem, sizeof(pem), "%s/ca-all.pem", dir);
        SSL_CTX_load_verify_locations(s->ctx, pem, NULL);
        SSL_CTX_set_purpose(s->ctx, X509_PURPOSE_ANY);
        SSL_CTX_set_verify(
            s->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    s->ssl = SSL_new(s->ctx);
    SSL_set_accept_state(s->ssl);
    SSL_set_bio(s->ssl, s->in, s->out);
}

static void server_free(struct server *s)
{
    if (s->ssl != NULL) {
        SSL_free(s->ssl); /* and its BIOs */
        SSL_CTX_free(s->ctx);
    } else {
        BIO_free(s->in);
        BIO_free(s->out);
    }
}

static void server_error(struct server *s, struct job *j, int ret)
{
    int kind = SSL_get_error(s->ssl, ret);

    if (kind != SSL_ERROR_SSL || j->server_error[0] != '\0')
        return;
    ERR_error_string_n(ERR_get_error(), j->server_error,
                       sizeof(j->server_error));
    s->done = true;
}

static void server_step(struct server *s, struct job *j)
{
    uint8_t buf[1024];
    int n;

    if (s->ssl == NULL || s->done)
        return;
    ERR_clear_error();
    if (!s->up) {
        n = SSL_do_handshake(s->ssl);
        if (n != 1) {
            server_error(s, j, n);
            return;
        }
        s->up = true;
    }
    while ((n = SSL_read(s->ssl, buf, sizeof(buf))) > 0) {
        for (int i = 0; i < n; i++)
            j->garbled |= buf[i] != pattern(j->server_heard++);
    }
    server_error(s, j, n);
    if (s->said >= j->say / 2 && !s->extra) {
        s->extra = true;
        if (j->ticket && (SSL_new_session_ticket(s->ssl) != 1 ||
                          SSL_do_handshake(s->ssl) != 1))
            j->garbled = true;
        if (j->rekey &&
            (SSL_key_update(s->ssl, SSL_KEY_UPDATE_REQUESTED) != 1 ||
             SSL_do_handshake(s->ssl) != 1))
            j->garbled = true;
    }
    while (s->said < j->say) {
        size_t len = j->say - s->said;

        len = len < sizeof(buf) ? len : sizeof(buf);
        if (s->said < j->say / 2 && s->said + len > j->say / 2)
            len = j->say / 2 - s->said;
        for (size_t i = 0; i < len; i++)
            buf[i] = pattern(s->said + i);
        n = SSL_write(s->ssl, buf, (int)len);
        if (n <= 0)
            break;
        s->said += (size_t)n;
        if (!s->extra && s->said >= j->say / 2)
            return; /* the extra first, in the next step */
    }
    if (s->said == j->say && j->server_heard == j->say && !s->done) {
        if (!j->rude)
            SSL_shutdown(s->ssl);
        s->done = true;
    }
}

static size_t limit(const struct job *j, size_t n)
{
    return j->chunk != 0 && n > j->chunk ? j->chunk : n;
}

static bool move_up(struct job *j, struct server *s, struct tls *t)
{
    size_t room, n;
    uint8_t *to = tls_recvrec_buf(t, &room);
    int got;

    CHECK(tls_state(t) != TLS_PEER_DONE || to == NULL);
    n = limit(j, room);
    if (j->cut - j->from_server < n)
        n = j->cut - j->from_server;
    got = n != 0 ? BIO_read(s->out, to, (int)n) : 0;
    if (got > 0) {
        if (j->flip - j->from_server < (size_t)got)
            to[j->flip - j->from_server] ^= 1u << (j->flip % 8);
        j->from_server += (size_t)got;
        tls_recvrec_ack(t, (size_t)got);
        return true;
    }
    if (j->from_server == j->cut || (s->done && BIO_pending(s->out) == 0)) {
        tls_recvrec_eof(t);
        CHECK(tls_recvrec_buf(t, &room) == NULL && room == 0);
    }
    return false;
}

static bool move_down(struct job *j, struct server *s, struct tls *t)
{
    size_t n;
    const uint8_t *from = tls_sendrec_buf(t, &n);
    size_t all = n;

    n = limit(j, n);
    if (n == 0)
        return false;
    if (s->ssl != NULL)
        BIO_write(s->in, from, (int)n);
    j->from_client += n;
    tls_sendrec_ack(t, n == all ? n + 1 : n); /* no more than there is */
    return true;
}

static bool move_app(struct job *j, struct tls *t, size_t *said)
{
    size_t n, m;
    uint8_t *to = tls_sendapp_buf(t, &n);
    const uint8_t *from;

    n = limit(j, n < j->say - *said ? n : j->say - *said);
    for (size_t i = 0; i < n; i++)
        to[i] = pattern(*said + i);
    tls_sendapp_ack(t, n);
    *said += n;
    from = tls_recvapp_buf(t, &m);
    m = limit(j, m);
    for (size_t i = 0; i < m; i++)
        j->garbled |= from[i] != pattern(j->heard++);
    tls_recvapp_ack(t, m);
    if (j->close && *said == j->say) {
        tls_close(t);
        CHECK(tls_sendapp_buf(t, &m) == NULL && m == 0);
        return n != 0;
    }
    return n + m != 0;
}

static void drive(struct job *j, struct server *s, struct tls *t)
{
    size_t said = 0;
    unsigned idle = 0;

    while (idle < 3) {
        bool moved = tls_run(t);

        if (tls_state(t) == TLS_UP)
            j->was_up = true;
        moved |= move_app(j, t, &said);
        moved |= move_down(j, s, t);
        server_step(s, j);
        moved |= move_up(j, s, t);
        idle = moved ? 0 : idle + 1;
    }
}

/* What ties a login to the connection is the same on both ends (RFC 9266; RFC
 * 5929 section 4). */
static void same_binding(struct server *s, struct tls *t, bool tls13)
{
    static const char label[] = "EXPORTER-Channel-Binding";
    uint8_t ours[TLS_BINDING_MAX], theirs[EVP_MAX_MD_SIZE];
    unsigned n = 32;
    size_t len = 0;
    const char *type = tls_binding(t, ours, &len);

    if (tls13)
        CHECK_EQ(SSL_export_keying_material(s->ssl, theirs, n, label,
                                            sizeof(label) - 1, NULL, 0, 0),
                 1);
    else
        CHECK_EQ(
            X509_digest(SSL_get_certificate(s->ssl), EVP_sha256(), theirs, &n),
            1);
    CHECK_STR(type, tls13 ? "tls-exporter" : "tls-server-end-point");
    CHECK_EQ(len, n);
    CHECK(memcmp(ours, theirs, n) == 0);
}

static void run(struct job *j)
{
    size_t before = heap_stats().used;
    struct server s;
    struct tls *t;

    server_start(&s, j);
    t = tls_open(&j->conf, j->host, strlen(j->host), &j->error);
    CHECK_EQ(t == NULL, j->error != TLS_OK);
    if (t != NULL) {
        drive(j, &s, t);
        j->error = tls_error(t);
        j->state = tls_state(t);
        j->info = tls_info(t);
        if (s.up)
            j->saw_close = SSL_read(s.ssl, j->why, 1) <= 0 &&
                           SSL_get_error(s.ssl, 0) == SSL_ERROR_ZERO_RETURN;
        if (j->state == TLS_PEER_DONE)
            same_binding(&s, t, strcmp(j->info.version, "TLSv1.3") == 0);
        tls_free(t);
    } else {
        j->state = TLS_BROKEN;
    }
    (void)snprintf(j->why, sizeof(j->why), "%s", tls_why());
    heap_fail_at(0);
    server_free(&s);
    j->leaked = heap_stats().used - before;
    CHECK_EQ(j->leaked, 0);
    CHECK(!j->garbled);
    CHECK_EQ(j->error != TLS_OK, j->state == TLS_BROKEN);
    CHECK_EQ(j->error != TLS_OK, j->why[0] != '\0');
}

static void good(struct job *j)
{
    run(j);
    if (!CHECK_EQ(j->error, TLS_OK))
        printf("  %s: %s\n", j->cert, j->why);
    CHECK_EQ(j->state, TLS_PEER_DONE);
    CHECK_EQ(j->heard, j->say);
    CHECK_EQ(j->server_heard, j->say);
    CHECK(j->info.verified == (j->conf.verify || j->conf.fingerprint));
}

static void bad(struct job *j, enum tls_error want, const char *words)
{
    run(j);
    CHECK_EQ(j->error, want);
    CHECK_EQ(j->heard, 0);
    CHECK_EQ(j->server_heard, 0);
    CHECK(!j->info.verified);
    if (!CHECK(strstr(j->why, words) != NULL))
        printf("  %s: \"%s\" lacks \"%s\"\n", j->cert, j->why, words);
}

#endif
