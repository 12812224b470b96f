/*
 * posix.c - submits one message over POSIX sockets and OpenSSL by the driving
 * loop of smtp/README.md, which is cut out of that page and included here.
 *
 *   posix ADDRESS PORT NAME CA.pem USER PASSWORD FROM TO <message
 *
 * NAME is the server's, as its certificate has it. Prints the session, and
 * ends with the number of the verdict.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <message.h>
#include <smtp.h>

static int connection;
static SSL *ssl;
static SSL_CTX *trust;
static const char *server_name;
static uint8_t input[4096];
static size_t input_at, input_len;
static bool gone, moved;

static struct smtp s;
static struct message m;

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void log_event(const struct smtp_event *e)
{
    static const char *const marks[] = { "=", ">", "<" };

    printf("%s %.*s\n", marks[e->kind], (int)e->len, e->text);
}

/* --- bytes ---------------------------------------------------------------- */

static bool bytes_are_unread(void)
{
    return input_at != input_len;
}

static size_t bytes_unread(const uint8_t **p)
{
    ssize_t n;

    if (!bytes_are_unread() && !gone) {
        n = ssl != NULL ? SSL_read(ssl, input, sizeof input)
                        : recv(connection, input, sizeof input, 0);
        if (n > 0) {
            input_at = 0;
            input_len = (size_t)n;
        } else if (ssl != NULL) {
            gone = SSL_get_error(ssl, (int)n) != SSL_ERROR_WANT_READ;
        } else {
            gone = n == 0 || errno != EAGAIN;
        }
    }
    *p = input + input_at;
    return input_len - input_at;
}

static void took(size_t n)
{
    input_at += n;
    moved = true;
}

static bool connection_is_gone(void)
{
    return gone;
}

static size_t send_some(const uint8_t *p, size_t n)
{
    ssize_t sent = ssl != NULL ? SSL_write(ssl, p, (int)n)
                               : send(connection, p, n, MSG_NOSIGNAL);

    if (sent <= 0)
        return 0; /* if the connection is gone, reading will say so */
    moved = true;
    return (size_t)sent;
}

/* --- TLS, waiting --------------------------------------------------------- */

static void block(bool yes)
{
    int flags = fcntl(connection, F_GETFL);

    fcntl(connection, F_SETFL, yes ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

static bool handshake(bool *verified)
{
    bool ok;

    ssl = SSL_new(trust);
    SSL_set_fd(ssl, connection);
    SSL_set_tlsext_host_name(ssl, server_name);
    SSL_set1_host(ssl, server_name);
    SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE |
                          SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    block(true);
    ok = SSL_connect(ssl) == 1;
    block(false);
    *verified = ok && SSL_get_verify_result(ssl) == X509_V_OK;
    return ok;
}

static bool make_fit(struct smtp_offers offers, uint64_t *size,
                     enum smtp_content *content, bool *utf8)
{
    *size = message_size(&m);
    *content = message_content(&m);
    *utf8 = false;
    return offers.eight_bit || *content == SMTP_7BIT;
}

static bool nothing_moved(void)
{
    bool idle = !moved;

    moved = false;
    return idle;
}

static void sleep_until(uint64_t deadline)
{
    struct pollfd p = { connection, POLLIN, 0 };
    uint64_t wait = deadline > now() ? deadline - now() : 0;

    if ((smtp_want(&s) & SMTP_OUT) != 0)
        p.events |= POLLOUT;
    poll(&p, 1, wait < 60000 ? (int)wait : 60000);
}

static void drive(void)
{
    struct smtp_event e;
    struct smtp_offers offers;
    enum smtp_content content;
    uint64_t size;
    bool verified, utf8;

#include "loop.inc"
}

/* --- the job -------------------------------------------------------------- */

static struct smtp_str str(const char *p)
{
    return (struct smtp_str){ p, strlen(p) };
}

static bool open_connection(const char *address, const char *port)
{
    struct sockaddr_in to = { .sin_family = AF_INET };

    to.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    connection = socket(AF_INET, SOCK_STREAM, 0);
    if (inet_pton(AF_INET, address, &to.sin_addr) != 1 || connection < 0 ||
        connect(connection, (struct sockaddr *)&to, sizeof to) != 0)
        return false;
    block(false);
    return true;
}

int main(int argc, char **argv)
{
    static uint8_t text[1024 * 1024], out[2048];
    struct smtp_rcpt rcpt = { 0 };
    struct smtp_job job = { 0 };
    struct message_spec spec = { 0 };
    struct message_error err;

    if (argc != 9)
        return 64;
    server_name = argv[3];
    trust = SSL_CTX_new(TLS_client_method());
    if (SSL_CTX_load_verify_locations(trust, argv[4], NULL) != 1 ||
        !open_connection(argv[1], argv[2]))
        return 69;
    rcpt.address = str(argv[8]);
    job.helo = str("client.example");
    job.tls = SMTP_TLS_STARTTLS;
    job.auth = SMTP_AUTH_ANY;
    job.user = str(argv[5]);
    job.password = str(argv[6]);
    job.from = str(argv[7]);
    job.rcpt = &rcpt;
    job.rcpt_count = 1;
    job.fit = true;
    job.out = out;
    job.out_size = sizeof out;
    spec.text = text;
    spec.text_len = fread(text, 1, sizeof text, stdin);
    spec.date = -1;
    if (!message_open(&m, &spec, &err)) {
        printf("line %u: %s\n", err.line, err.why);
        return 65;
    }
    if (smtp_init(&s, &job, now()))
        drive();
    printf("%s%s\n",
           rcpt.verdict == SMTP_SENT ? "sent" : "not sent: ", smtp_reason(&s));
    SSL_free(ssl);
    SSL_CTX_free(trust);
    close(connection);
    return (int)smtp_verdict(&s) - SMTP_SENT;
}
