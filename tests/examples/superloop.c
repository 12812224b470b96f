/*
 * superloop.c - the client as a firmware drives it: no operating system, no
 * heap, one loop that does a little of everything and never waits. The bytes
 * go through a serial line to a modem, 16 of them at a time, and all buffers
 * together are 512 bytes.
 *
 *   superloop ADDRESS PORT USER PASSWORD FROM TO
 *
 * On the host the serial line is a socket and the clock is the host's; what
 * stands between the two marks is the firmware, as it is.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <smtp.h>

static int line;
static bool line_gone;

/* what the hardware has: never waits, takes and gives 16 bytes at most */
static size_t uart_write(const uint8_t *p, size_t n)
{
    ssize_t sent = send(line, p, n < 16 ? n : 16, MSG_DONTWAIT | MSG_NOSIGNAL);

    return sent > 0 ? (size_t)sent : 0;
}

static size_t uart_read(uint8_t *p, size_t n)
{
    ssize_t got = recv(line, p, n < 16 ? n : 16, MSG_DONTWAIT);

    line_gone = line_gone || got == 0;
    return got > 0 ? (size_t)got : 0;
}

static uint32_t ticks(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint32_t)((uint64_t)t.tv_sec * 1000 +
                      (uint64_t)t.tv_nsec / 1000000);
}

static void sleep_for_an_interrupt(void)
{
    struct pollfd p = { line, POLLIN, 0 };

    poll(&p, 1, 20);
}

/* --- the firmware --------------------------------------------------------- */

static struct smtp mail;
static struct smtp_job job;
static struct smtp_rcpt rcpt;
static uint8_t out[SMTP_OUT_MIN + 192], in[256]; /* 512 bytes */
_Static_assert(sizeof out + sizeof in == 512, "the buffers' budget");
static size_t in_at, in_len, text_at;
static unsigned long blinks;

static const char text[] = "From: <sender@mail.test>\n"
                           "To: <rcpt@mail.test>\n"
                           "Date: Mon, 02 Nov 2026 10:00:00 +0000\n"
                           "Message-ID: <superloop@mail.test>\n"
                           "Subject: superloop\n\n"
                           "the tank is full\n"
                           ".and a line that begins with a dot\n";

/* The counter of the hardware has 32 bits; the session wants one that never
 * goes back. */
static uint64_t now(void)
{
    static uint32_t last, high;
    uint32_t low = ticks();

    if (low < last)
        high++;
    last = low;
    return (uint64_t)high << 32 | low;
}

static void mail_output(void)
{
    size_t n;
    const uint8_t *p = smtp_out_buf(&mail, &n);

    if (n != 0)
        smtp_out_ack(&mail, uart_write(p, n), now());
}

static void mail_input(void)
{
    if (in_at == in_len) {
        in_at = 0;
        in_len = uart_read(in, sizeof in);
    }
    if (in_at != in_len)
        in_at += smtp_in(&mail, in + in_at, in_len - in_at, now());
    else if (line_gone)
        smtp_in_eof(&mail);
}

static void mail_body(void)
{
    size_t left = sizeof text - 1 - text_at;

    if ((smtp_want(&mail) & SMTP_BODY) == 0)
        return;
    if (left == 0)
        smtp_body_end(&mail, now());
    else
        text_at +=
            smtp_body(&mail, (const uint8_t *)text + text_at, left, now());
}

static void blink(void)
{
    blinks++;
}

static void loop(void)
{
    while ((smtp_want(&mail) & (SMTP_CLOSED | SMTP_OUT)) != SMTP_CLOSED) {
        size_t before = in_at + text_at, room;

        blink(); /* and whatever else the device is for */
        mail_output();
        mail_body();
        mail_input();
        smtp_tick(&mail, now());
        smtp_out_buf(&mail, &room);
        if (room == 0 && before == in_at + text_at)
            sleep_for_an_interrupt();
        if (line_gone && (smtp_want(&mail) & SMTP_CLOSED) != 0)
            break;
    }
}

/* --- the host again ------------------------------------------------------- */

static struct smtp_str str(const char *p)
{
    return (struct smtp_str){ p, strlen(p) };
}

int main(int argc, char **argv)
{
    struct sockaddr_in to = { .sin_family = AF_INET };

    if (argc != 7)
        return 64;
    to.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
    line = socket(AF_INET, SOCK_STREAM, 0);
    if (inet_pton(AF_INET, argv[1], &to.sin_addr) != 1 || line < 0 ||
        connect(line, (struct sockaddr *)&to, sizeof to) != 0)
        return 69;
    job.helo = str("tank.example");
    job.auth = SMTP_AUTH_ANY;
    job.auth_unsafe = true; /* the modem does the TLS */
    job.user = str(argv[3]);
    job.password = str(argv[4]);
    job.from = str(argv[5]);
    job.rcpt = &rcpt;
    job.rcpt_count = 1;
    job.out = out;
    job.out_size = sizeof out;
    rcpt.address = str(argv[6]);
    if (smtp_init(&mail, &job, now()))
        loop();
    printf("%s%s, %lu blinks\n",
           rcpt.verdict == SMTP_SENT ? "sent" : "not sent: ",
           smtp_reason(&mail), blinks);
    smtp_wipe(&mail);
    return (int)rcpt.verdict - SMTP_SENT;
}
