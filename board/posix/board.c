/*
 * board.c - board.h as a Linux process.
 *
 *   bootmail [--append CMDLINE] [--initrd FILE] [--pcap FILE]
 *            [--net user|tap:IF|dgram:PATH|none]
 *
 * For scripts/bootmail and the tests, which is why options are few. The
 * console is standard output, the exit status the process's. Environment,
 * for tests alone: BOOTMAIL_TIME=SECONDS (the wall clock at start),
 * BOOTMAIL_NO_ENTROPY=1, BOOTMAIL_FAIL_ALLOC=N (the N-th allocation fails),
 * BOOTMAIL_FAIL_FROM=N (the N-th and all that follow).
 *
 * Secrets are in this process's memory: it leaves no core dump and cannot be
 * attached to by other processes of the user.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "board.h"
#include "devices.h"
#include "heap.h"
#include "nic.h"
#include "posix.h"
#include "status.h"
#include "wipe.h"

/* LeakSanitizer reads the process through ptrace, which a process that is
 * not dumpable refuses. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define UNDER_ASAN 1
#endif
#ifndef UNDER_ASAN
#define UNDER_ASAN 0
#endif

static struct board_info info = {
    .name = "posix",
    .machine = "Linux process, no network",
};
static struct posix_net net;
static bool have_net;
static uint64_t start_ns;
static int64_t start_unix;

_Noreturn void posix_die(const char *what, const char *which)
{
    fprintf(stderr, "bootmail: %s %s%s%s\n", what, which,
            errno != 0 ? ": " : "", errno != 0 ? strerror(errno) : "");
    exit(STATUS_USAGE);
}

static uint64_t clock_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ------------------------------------------------------- board.h -------- */

const struct board_info *board_info(void)
{
    return &info;
}

void board_write(const char *p, size_t len)
{
    while (len != 0) {
        ssize_t n = write(STDOUT_FILENO, p, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* nobody reads: the exit status still tells */
        p += n;
        len -= (size_t)n;
    }
}

size_t devices_virtio(const struct virtio_dev **list)
{
    *list = NULL;
    return 0;
}

size_t nic_count(void)
{
    return have_net ? 1 : 0;
}

const char *nic_name(size_t i)
{
    (void)i;
    return net.dev.name;
}

struct netdev *nic_open(size_t i, const char **why)
{
    (void)i;
    (void)why;
    return &net.dev;
}

void *board_pages(size_t bytes)
{
    void *p;

    if (bytes == 0)
        return NULL;
    p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
             -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

uint64_t board_now_ns(void)
{
    return clock_ns() - start_ns;
}

int64_t board_unix_time(void)
{
    return start_unix + (int64_t)(board_now_ns() / 1000000000u);
}

size_t board_stack_used(size_t *size)
{
    *size = 0;
    return 0;
}

size_t board_entropy(uint8_t *out, size_t len)
{
    size_t at = 0;

    if (getenv("BOOTMAIL_NO_ENTROPY") != NULL)
        return 0;
    while (at < len) {
        ssize_t n = getrandom(out + at, len - at, 0);

        if (n < 0 && errno != EINTR)
            break;
        at += n > 0 ? (size_t)n : 0;
    }
    return at;
}

void board_idle(uint64_t until_ns)
{
    uint64_t now = board_now_ns(), ns;
    int ms = -1;

    if (have_net && net.head != net.tail)
        return;
    if (until_ns != UINT64_MAX) {
        ns = until_ns > now ? until_ns - now : 0;
        ns = ns < 3600000000000u ? ns : 3600000000000u;
        ms = (int)((ns + 999999) / 1000000); /* never before the deadline */
    }
    if (have_net)
        net.wait(&net, ms);
    else
        poll(NULL, 0, ms);
}

_Noreturn void board_exit(int status)
{
    exit(status);
}

/* A process has no machine to restart or to leave on. */
_Noreturn void board_finish(int status, enum board_end how)
{
    (void)how;
    board_exit(status);
}

/* ------------------------------------------------------ start-up -------- */

static int64_t number_from_env(const char *name, int64_t otherwise)
{
    const char *s = getenv(name);
    char *end;
    long long n;

    if (s == NULL)
        return otherwise;
    errno = 0;
    n = strtoll(s, &end, 10);
    if (errno != 0 || end == s || *end != '\0' || n < 0)
        posix_die("not a number:", name);
    return n;
}

/* Read-only, as the machines' is: what is in it takes no memory of the
 * process's own, however long the message. */
static void map_initrd(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    void *p;

    if (fd < 0 || fstat(fd, &st) != 0)
        posix_die("cannot read", path);
    if (st.st_size > 0) {
        p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED)
            posix_die("cannot map", path);
        info.initrd = blob_of(p, (size_t)st.st_size);
    }
    close(fd);
}

/* In a page that others share: it becomes a copy, the file stays. */
static void wipe_part(uintptr_t page, uintptr_t from, uintptr_t to, size_t size)
{
    if (from >= to)
        return;
    if (mprotect((void *)page, size, PROT_READ | PROT_WRITE) != 0)
        posix_die("cannot wipe", "a page of the initrd");
    wipe((void *)from, to - from);
    mprotect((void *)page, size, PROT_READ);
}

/* Whole pages are replaced by zeroes that are nowhere until they are read. */
static void wipe_range(uintptr_t from, uintptr_t to)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    uintptr_t first = (from + size - 1) / size * size, last = to / size * size;

    if (from < first)
        wipe_part(first - size, from, to < first ? to : first, size);
    if (first <= last)
        wipe_part(last, last, to, size);
    if (first < last &&
        mmap((void *)first, last - first, PROT_READ,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
        posix_die("cannot wipe", "the initrd");
}

void board_wipe(const void *p, size_t len)
{
    uintptr_t at = (uintptr_t)p, start = (uintptr_t)info.initrd.p;

    if (at >= start && len <= info.initrd.len &&
        at - start <= info.initrd.len - len)
        wipe_range(at, at + len);
}

static void start_net(const char *kind)
{
    if (strcmp(kind, "none") == 0)
        return;
    if (strcmp(kind, "user") == 0) {
        posix_user_start(&net);
        info.machine = "Linux process, user network (libslirp)";
    } else if (strncmp(kind, "tap:", 4) == 0) {
        posix_tap_start(&net, kind + 4);
        info.machine = "Linux process, tap";
    } else if (strncmp(kind, "dgram:", 6) == 0) {
        posix_dgram_start(&net, kind + 6);
        info.machine = "Linux process, datagram socket";
    } else {
        posix_die("--net must be user, tap:IF, dgram:PATH or none, not", kind);
    }
    have_net = true;
}

static const char *options(int argc, char **argv)
{
    const char *kind = "user";
    int i;

    for (i = 1; i < argc; i += 2) {
        if (i + 1 == argc)
            posix_die("option without its value, or unknown:", argv[i]);
        if (strcmp(argv[i], "--append") == 0)
            info.cmdline = blob_str(argv[i + 1]);
        else if (strcmp(argv[i], "--initrd") == 0)
            map_initrd(argv[i + 1]);
        else if (strcmp(argv[i], "--net") == 0)
            kind = argv[i + 1];
        else if (strcmp(argv[i], "--pcap") == 0)
            pcap_open(argv[i + 1]);
        else
            posix_die("unknown option", argv[i]);
    }
    return kind;
}

int main(int argc, char **argv)
{
    const struct rlimit no_core = { 0, 0 };
    const char *kind;
    enum board_end how;
    int status;

    errno = 0;
    start_ns = clock_ns();
    setrlimit(RLIMIT_CORE, &no_core);
    if (!UNDER_ASAN)
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    signal(SIGPIPE, SIG_IGN);
    start_unix = number_from_env("BOOTMAIL_TIME", time(NULL));
    kind = options(argc, argv);
    start_net(kind);
    heap_fail_at((uint32_t)number_from_env("BOOTMAIL_FAIL_ALLOC", 0));
    heap_fail_from((uint32_t)number_from_env("BOOTMAIL_FAIL_FROM", 0));
    status = app_main(&how);
    board_finish(status, how);
}
