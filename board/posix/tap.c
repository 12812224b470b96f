/*
 * tap.c - one frame per read() and write() as Ethernet device: a Linux tap
 * interface (Documentation/networking/tuntap.rst), or a Unix datagram socket
 * whose other end is a program, as QEMU's -netdev dgram.
 *
 * The tap exists and is up; who owns it is the user's affair (ip tuntap add
 * IF mode tap user NAME). The socket's other end is bound to its path; ours
 * gets a name of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
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
                n->dev.dead = "its other end is gone";
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
        n->dev.dead = "its other end is gone";
}

static void start(struct posix_net *n, const char *name)
{
    posix_net_init(n, name);
    n->wait = fetch;
    n->send = send_frame;
    /* several of us may sit on one bridge: a random, locally administered,
     * unicast address */
    if (getrandom(n->dev.mac, 6, 0) != 6)
        posix_die("no random numbers from", "getrandom");
    n->dev.mac[0] = (uint8_t)((n->dev.mac[0] & 0xfc) | 2);
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
    start(n, "tap");
}

void posix_dgram_start(struct posix_net *n, const char *path)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    const struct sockaddr *any = (const struct sockaddr *)&to;

    if (strlen(path) >= sizeof(to.sun_path))
        posix_die("path too long:", path);
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    /* unix(7), autobind: a name without a file */
    if (fd < 0 || bind(fd, any, sizeof(to.sun_family)) != 0)
        posix_die("no socket for", path);
    memcpy(to.sun_path, path, strlen(path));
    if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0)
        posix_die("nobody is at", path);
    start(n, "datagram socket");
}
