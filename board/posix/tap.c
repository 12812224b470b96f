/*
 * tap.c - a Linux tap interface as Ethernet device (Documentation/networking/
 * tuntap.rst). The interface exists and is up; who owns it is the user's
 * affair (ip tuntap add IF mode tap user NAME).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>

#include <linux/if.h>
#include <linux/if_tun.h>

#include "posix.h"

static int fd = -1;

static void fetch(struct posix_net *n, int timeout_ms)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    uint8_t frame[POSIX_FRAME + 1];
    ssize_t got;

    if (poll(&p, 1, timeout_ms) <= 0)
        return;
    while (n->tail - n->head < POSIX_QUEUE) {
        got = read(fd, frame, sizeof(frame));
        if (got <= 0) {
            if (got < 0 && errno != EAGAIN && errno != EINTR)
                n->dev.dead = "the tap interface is gone";
            return;
        }
        posix_net_push(n, frame, (size_t)got);
    }
}

static void send_frame(struct posix_net *n, const uint8_t *frame, size_t len)
{
    /* a full queue loses the frame, as a wire would */
    if (write(fd, frame, len) < 0 && errno != EAGAIN && errno != EINTR &&
        errno != ENOBUFS)
        n->dev.dead = "the tap interface is gone";
}

void posix_tap_start(struct posix_net *n, const char *interface)
{
    struct ifreq r;

    memset(&r, 0, sizeof(r));
    if (strlen(interface) >= sizeof(r.ifr_name))
        posix_die("no such interface:", interface);
    memcpy(r.ifr_name, interface, strlen(interface));
    r.ifr_flags = IFF_TAP | IFF_NO_PI;
    fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &r) != 0)
        posix_die("cannot open the tap interface", interface);
    posix_net_init(n, "tap");
    n->wait = fetch;
    n->send = send_frame;
    /* several of us may sit on one bridge: a random, locally administered,
     * unicast address */
    if (getrandom(n->dev.mac, 6, 0) != 6)
        posix_die("no random numbers from", "getrandom");
    n->dev.mac[0] = (uint8_t)((n->dev.mac[0] & 0xfc) | 2);
}
