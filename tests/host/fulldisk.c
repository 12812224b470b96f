/*
 * fulldisk.c - a disk that is full from a chosen moment on, for tests:
 *
 *   fulldisk FOLDER N HOW LOG PROGRAM ARGUMENT...
 *
 * Runs a program, and counts what it and its children do to FOLDER that a disk
 * may have no room for. From the Nth of these on they get ENOSPC:
 *
 *   once    the Nth alone
 *   room    all that needs room; names can still be changed, files be synced
 *   all     all of them
 *
 * With room and all, the Nth is done by half if it is a write. What fallocate()
 * has reserved is always to be had. Each is a line of LOG: "N CALL PATH", and
 * " full" behind it if it failed. Exit status: the program's.
 *
 * The kernel asks us before each of these calls (seccomp_unotify(2)): this
 * works for any program, and needs no root and no file system of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum kind {
    OPEN,  /* a path, perhaps O_CREAT */
    PATH,  /* a new name that takes room */
    NAME,  /* a name that is changed */
    WRITE, /* to a descriptor */
    ROOM,  /* fallocate() */
    SYNC,
};

/* dir and path: which arguments they are; -1: none */
static const struct call {
    int nr;
    enum kind kind;
    int dir, path, flags;
    const char *name;
} calls[] = {
    { __NR_openat, OPEN, 0, 1, 2, "open" },
    { __NR_mkdirat, PATH, 0, 1, -1, "mkdir" },
    { __NR_symlinkat, PATH, 1, 2, -1, "symlink" },
    { __NR_linkat, PATH, 2, 3, -1, "link" },
    { __NR_renameat2, NAME, 2, 3, -1, "rename" },
#ifdef __NR_renameat
    { __NR_renameat, NAME, 2, 3, -1, "rename" },
#endif
#ifdef __NR_open
    { __NR_open, OPEN, -1, 0, 1, "open" },
    { __NR_mkdir, PATH, -1, 0, -1, "mkdir" },
    { __NR_symlink, PATH, -1, 1, -1, "symlink" },
    { __NR_link, PATH, -1, 1, -1, "link" },
    { __NR_rename, NAME, -1, 1, -1, "rename" },
    { __NR_mknod, PATH, -1, 0, -1, "mknod" },
#endif
    { __NR_mknodat, PATH, 0, 1, -1, "mknod" },
    { __NR_write, WRITE, 0, -1, -1, "write" },
    { __NR_pwrite64, WRITE, 0, -1, -1, "write" },
    { __NR_writev, WRITE, 0, -1, -1, "write" },
    { __NR_sendfile, WRITE, 0, -1, -1, "write" },
    { __NR_copy_file_range, WRITE, 2, -1, -1, "write" },
    { __NR_splice, WRITE, 2, -1, -1, "write" },
    { __NR_fallocate, ROOM, 0, -1, -1, "fallocate" },
    { __NR_fsync, SYNC, 0, -1, -1, "sync" },
    { __NR_fdatasync, SYNC, 0, -1, -1, "sync" },
    { __NR_syncfs, SYNC, 0, -1, -1, "sync" },
};
#define CALLS (sizeof calls / sizeof calls[0])

static struct {
    const char *folder, *how;
    unsigned long n, count;
    FILE *log;
    int listener;
} disk;

/* files that have their room: by inode, up to which size */
static struct {
    ino_t ino;
    off_t size;
} reserved[64];

static void fail(const char *what)
{
    perror(what);
    exit(125);
}

/* ------------------------------------------------------------ the program */

static int install(void)
{
    static struct sock_filter code[CALLS + 3];
    struct sock_fprog prog = { CALLS + 3, code };
    size_t i;

    code[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                           offsetof(struct seccomp_data, nr));
    for (i = 0; i < CALLS; i++)
        code[i + 1] = (struct sock_filter)BPF_JUMP(
            BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i].nr,
            (unsigned char)(CALLS - i), 0);
    code[CALLS + 1] =
        (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[CALLS + 2] =
        (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return -1;
    return (int)syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER,
                        SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog);
}

/* The descriptor to be asked on is made in the child: it shares its
 * descriptors with us until it has said which one that is. */
static pid_t start(char **argv)
{
    volatile int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pid;

    if (shared == MAP_FAILED)
        fail("mmap");
    pid = (pid_t)syscall(__NR_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) {
        shared[0] = install();
        if (shared[0] < 0)
            _exit(125);
        unshare(CLONE_FILES);
        close(shared[0]);
        shared[1] = 1;
        execvp(argv[0], argv);
        _exit(127);
    }
    while (shared[1] == 0 && waitpid(pid, NULL, WNOHANG) == 0)
        usleep(100);
    if (pid < 0 || shared[0] <= 0)
        fail("seccomp");
    disk.listener = shared[0];
    fcntl(disk.listener, F_SETFD, FD_CLOEXEC);
    return pid;
}

/* -------------------------------------------------------- what it is about */

static bool link_of(char *out, size_t room, pid_t pid, const char *what, int fd)
{
    char name[64];
    ssize_t n;

    if (fd >= 0)
        snprintf(name, sizeof name, "/proc/%d/fd/%d", pid, fd);
    else
        snprintf(name, sizeof name, "/proc/%d/%s", pid, what);
    n = readlink(name, out, room - 1);
    if (n < 0)
        return false;
    out[n] = '\0';
    return true;
}

/* A string of the program, which may end anywhere in a page. */
static bool text_of(char *out, size_t room, pid_t pid, uint64_t at)
{
    char name[64];
    size_t i;
    int fd;

    snprintf(name, sizeof name, "/proc/%d/mem", pid);
    fd = open(name, O_RDONLY | O_CLOEXEC);
    for (i = 0; fd >= 0 && i < room; i++)
        if (pread(fd, out + i, 1, (off_t)(at + i)) != 1 || out[i] == '\0')
            break;
    if (fd >= 0)
        close(fd);
    return fd >= 0 && i < room && out[i] == '\0';
}

static bool path_of(char *out, size_t room, const struct seccomp_notif *req,
                    const struct call *c)
{
    char name[PATH_MAX], dir[PATH_MAX];
    pid_t pid = (pid_t)req->pid;
    int fd = c->dir < 0 ? AT_FDCWD : (int)req->data.args[c->dir];

    if (c->path < 0)
        return link_of(out, room, pid, "", fd);
    if (!text_of(name, sizeof name, pid, req->data.args[c->path]))
        return false;
    if (name[0] == '/')
        return snprintf(out, room, "%s", name) < (int)room;
    return link_of(dir, sizeof dir, pid, "cwd", fd == AT_FDCWD ? -1 : fd) &&
           snprintf(out, room, "%s/%s", dir, name) < (int)room;
}

/* ----------------------------------------------------------- is there room */

static void reserve(const char *path, off_t size)
{
    struct stat st;
    size_t i;

    if (stat(path, &st) != 0)
        return;
    for (i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (reserved[i].ino == st.st_ino || reserved[i].ino == 0) {
            reserved[i].ino = st.st_ino;
            reserved[i].size = size;
            return;
        }
}

static bool has_room(const char *path)
{
    struct stat st;
    size_t i;

    if (stat(path, &st) != 0)
        return false;
    for (i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (reserved[i].ino == st.st_ino && st.st_size < reserved[i].size)
            return true;
    return false;
}

/* Whether the call counts. */
static bool counts(const struct seccomp_notif *req, const struct call *c,
                   const char *path)
{
    struct stat st;
    uint64_t flags;

    if (strncmp(path, disk.folder, strlen(disk.folder)) != 0)
        return false;
    switch (c->kind) {
    case OPEN:
        flags = req->data.args[c->flags];
        if ((flags & O_TRUNC) != 0)
            reserve(path, 0);
        return (flags & O_CREAT) != 0 && stat(path, &st) != 0;
    case WRITE:
        return stat(path, &st) == 0 && S_ISREG(st.st_mode) && !has_room(path);
    case PATH:
        return stat(path, &st) != 0;
    default:
        return true;
    }
}

static bool fails(const struct call *c)
{
    if (disk.count < disk.n)
        return false;
    if (strcmp(disk.how, "once") == 0)
        return disk.count == disk.n;
    return strcmp(disk.how, "room") != 0 ||
           (c->kind != NAME && c->kind != SYNC);
}

/* Half of what write() was given, through its own descriptor. */
static ssize_t half_of_it(const struct seccomp_notif *req)
{
    static char data[65536];
    size_t n = req->data.args[2] / 2;
    char name[64];
    int pidfd, fd, mem;
    ssize_t done = -1;

    if (req->data.nr != __NR_write || n == 0 || n > sizeof data)
        return -1;
    pidfd = (int)syscall(__NR_pidfd_open, req->pid, 0);
    fd = (int)syscall(__NR_pidfd_getfd, pidfd, (int)req->data.args[0], 0);
    snprintf(name, sizeof name, "/proc/%d/mem", (int)req->pid);
    mem = open(name, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && mem >= 0 &&
        pread(mem, data, n, (off_t)req->data.args[1]) == (ssize_t)n)
        done = write(fd, data, n);
    close(mem);
    close(fd);
    close(pidfd);
    return done;
}

static void answer(const struct seccomp_notif *req,
                   struct seccomp_notif_resp *resp)
{
    const struct call *c = calls;
    char path[PATH_MAX + NAME_MAX + 2];
    bool full;

    while (c->nr != req->data.nr)
        c++;
    resp->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    if (!path_of(path, sizeof path, req, c) || !counts(req, c, path))
        return;
    disk.count++;
    full = fails(c);
    fprintf(disk.log, "%lu %s %s%s\n", disk.count, c->name,
            path + strlen(disk.folder), full ? " full" : "");
    fflush(disk.log);
    if (full) {
        resp->flags = 0;
        resp->error = -ENOSPC;
        if (disk.count == disk.n && strcmp(disk.how, "once") != 0)
            resp->val = half_of_it(req);
        if (resp->val > 0)
            resp->error = 0;
        else
            resp->val = 0;
    } else if (c->kind == ROOM) {
        reserve(path, (off_t)(req->data.args[2] + req->data.args[3]));
    }
}

static void serve(void)
{
    struct pollfd p = { .events = POLLIN };
    struct seccomp_notif req;
    struct seccomp_notif_resp resp;

    p.fd = disk.listener;
    while (poll(&p, 1, -1) >= 0 || errno == EINTR) {
        if ((p.revents & POLLIN) == 0)
            return; /* nobody is left who could ask */
        memset(&req, 0, sizeof req);
        memset(&resp, 0, sizeof resp);
        if (ioctl(disk.listener, SECCOMP_IOCTL_NOTIF_RECV, &req) != 0)
            continue;
        resp.id = req.id;
        answer(&req, &resp);
        ioctl(disk.listener, SECCOMP_IOCTL_NOTIF_SEND, &resp);
    }
}

int main(int argc, char **argv)
{
    int status = 0;
    pid_t pid;

    if (argc < 6)
        return 125;
    disk.folder = argv[1];
    disk.n = strtoul(argv[2], NULL, 10);
    disk.how = argv[3];
    disk.log = fopen(argv[4], "we");
    if (disk.log == NULL)
        fail(argv[4]);
    pid = start(argv + 5);
    serve();
    if (waitpid(pid, &status, 0) != pid)
        return 125;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
