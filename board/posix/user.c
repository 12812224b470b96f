/*
 * user.c - QEMU's user network (libslirp) without QEMU.
 *
 * The same addresses: host 10.0.2.2 and fec0::2 (the host's loopback), DNS
 * 10.0.2.3, DHCP gives 10.0.2.15, a router the prefix fec0::/64. Only calls and
 * fields of libslirp's first configuration
 * version are used, so that any libslirp 4.x fits.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <slirp/libslirp.h>
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "posix.h"

#define FDS_MAX 64

struct timer {
    struct timer *next;
    SlirpTimerCb fire;
    void *arg;
    int64_t at_ms; /* -1: not set */
};

static struct {
    Slirp *slirp;
    struct timer *timers;
    struct pollfd fd[FDS_MAX];
    int fds;
} self;

static int64_t now_ms(void)
{
    return (int64_t)(board_now_ns() / 1000000);
}

/* ------------------------------------------------ slirp's callbacks ----- */

static ssize_t on_packet(const void *frame, size_t len, void *opaque)
{
    posix_net_push(opaque, frame, len);
    return (ssize_t)len;
}

static void on_guest_error(const char *text, void *opaque)
{
    (void)text; /* a frame of ours it does not like: it drops it */
    (void)opaque;
}

static int64_t on_clock(void *opaque)
{
    (void)opaque;
    return (int64_t)board_now_ns();
}

static void *on_timer_new(SlirpTimerCb fire, void *arg, void *opaque)
{
    struct timer *t = malloc(sizeof(*t));

    (void)opaque;
    if (t != NULL) {
        *t = (struct timer){ self.timers, fire, arg, -1 };
        self.timers = t;
        return t;
    }
    posix_die("out of memory", "");
}

static void on_timer_free(void *timer, void *opaque)
{
    struct timer **at = &self.timers;

    (void)opaque;
    while (*at != NULL && *at != timer)
        at = &(*at)->next;
    if (*at != NULL)
        *at = (*at)->next;
    free(timer);
}

static void on_timer_mod(void *timer, int64_t at_ms, void *opaque)
{
    (void)opaque;
    ((struct timer *)timer)->at_ms = at_ms;
}

static void on_fd(int fd, void *opaque)
{
    (void)fd; /* asked for anew before each poll() */
    (void)opaque;
}

static void on_notify(void *opaque)
{
    (void)opaque; /* one thread: we ask again soon enough */
}

/* ------------------------------------------------------- waiting -------- */

static const struct {
    int slirp;
    short poll;
} event[] = {
    { SLIRP_POLL_IN, POLLIN },   { SLIRP_POLL_OUT, POLLOUT },
    { SLIRP_POLL_PRI, POLLPRI }, { SLIRP_POLL_ERR, POLLERR },
    { SLIRP_POLL_HUP, POLLHUP },
};
#define EVENTS (sizeof(event) / sizeof(event[0]))

static int add_poll(int fd, int events, void *opaque)
{
    short want = 0;
    size_t i;

    (void)opaque;
    if (self.fds == FDS_MAX)
        return -1;
    for (i = 0; i < EVENTS; i++)
        if ((events & event[i].slirp) != 0)
            want |= event[i].poll;
    self.fd[self.fds] = (struct pollfd){ .fd = fd, .events = want };
    return self.fds++;
}

static int get_revents(int index, void *opaque)
{
    int got = 0;
    size_t i;

    (void)opaque;
    if (index < 0 || index >= self.fds)
        return 0;
    for (i = 0; i < EVENTS; i++)
        if ((self.fd[index].revents & event[i].poll) != 0)
            got |= event[i].slirp;
    return got;
}

static void timers_run(void)
{
    struct timer *t, *next;

    for (t = self.timers; t != NULL; t = next) {
        next = t->next;
        if (t->at_ms >= 0 && t->at_ms <= now_ms()) {
            t->at_ms = -1;
            t->fire(t->arg);
        }
    }
}

static void fetch(struct posix_net *n, int timeout_ms)
{
    uint32_t wait = timeout_ms < 0 ? UINT32_MAX : (uint32_t)timeout_ms;
    struct timer *t;
    int got;

    (void)n;
    self.fds = 0;
    slirp_pollfds_fill(self.slirp, &wait, add_poll, NULL);
    for (t = self.timers; t != NULL; t = t->next) {
        int64_t left = t->at_ms - now_ms();

        if (t->at_ms >= 0 && (left < 0 || left < (int64_t)wait))
            wait = left < 0 ? 0 : (uint32_t)left;
    }
    got =
        poll(self.fd, (nfds_t)self.fds,
             wait > 3600000 ? (wait == UINT32_MAX ? -1 : 3600000) : (int)wait);
    slirp_pollfds_poll(self.slirp, got < 0, get_revents, NULL);
    timers_run();
}

static void send_frame(struct posix_net *n, const uint8_t *frame, size_t len)
{
    (void)n;
    slirp_input(self.slirp, frame, (int)len);
}

void posix_user_start(struct posix_net *n)
{
    static const SlirpCb callbacks = {
        .send_packet = on_packet,
        .guest_error = on_guest_error,
        .clock_get_ns = on_clock,
        .timer_new = on_timer_new,
        .timer_free = on_timer_free,
        .timer_mod = on_timer_mod,
        .register_poll_fd = on_fd,
        .unregister_poll_fd = on_fd,
        .notify = on_notify,
    };
    static const uint8_t mac[6] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };
    SlirpConfig conf;

    posix_net_init(n, "libslirp");
    memcpy(n->dev.mac, mac, sizeof(mac)); /* QEMU's default */
    n->wait = fetch;
    n->send = send_frame;
    memset(&conf, 0, sizeof(conf));
    conf.version = 1;
    conf.in_enabled = true;
    inet_pton(AF_INET, "10.0.2.0", &conf.vnetwork);
    inet_pton(AF_INET, "255.255.255.0", &conf.vnetmask);
    inet_pton(AF_INET, "10.0.2.2", &conf.vhost);
    inet_pton(AF_INET, "10.0.2.15", &conf.vdhcp_start);
    inet_pton(AF_INET, "10.0.2.3", &conf.vnameserver);
    conf.in6_enabled = true;
    conf.vprefix_len = 64;
    inet_pton(AF_INET6, "fec0::", &conf.vprefix_addr6);
    inet_pton(AF_INET6, "fec0::2", &conf.vhost6);
    inet_pton(AF_INET6, "fec0::3", &conf.vnameserver6);
    self.slirp = slirp_new(&conf, &callbacks, n);
    if (self.slirp == NULL)
        posix_die("libslirp does not start", slirp_version_string());
}
