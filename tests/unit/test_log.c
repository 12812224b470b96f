/* sources: kernel/log.c kernel/panic.c */
/* includes: kernel board */
/*
 * test_log.c - what a line of the log and the last words of a bug may hold.
 */
#include <sys/wait.h>

#include "../profile.h"
#include "board.h"
#include "check.h"
#include "log.h"
#include "panic.h"

static char said[4096];
static size_t said_len;
static uint64_t now_ns;
static int pipe_out = -1;

void board_write(const char *p, size_t len)
{
    if (pipe_out >= 0) {
        CHECK_EQ(write(pipe_out, p, len), (int64_t)len);
        return;
    }
    CHECK(len <= sizeof(said) - said_len);
    memcpy(said + said_len, p, len);
    said_len += len;
}

uint64_t board_now_ns(void)
{
    return now_ns;
}

_Noreturn void board_exit(int status)
{
    end_child(status);
}

static void lines(void)
{
    now_ns = 12345678;
    log_say("%s", "a \"b\" \\ ~");
    CHECK_MEM(said, said_len, "    12.3 ms  a \"b\" \\ ~\n", 23);
    said_len = 0;
    now_ns = 0;
    log_say("\x1b[2J\r\nx\xc3\xa9\x7f");
    CHECK_MEM(said, said_len,
              "     0.0 ms  \\x1b[2J\\x0d\\x0ax\\xc3\\xa9\\x7f\n", 42);
    said_len = 0;
    log_raw("\1\n", 2);
    CHECK_MEM(said, said_len, "\1\n", 2);
    said_len = 0;
}

/* Cut, with dots, and never in the middle of an escape. */
static void long_lines(void)
{
    static char text[2 * LOG_LINE];

    memset(text, 'x', sizeof(text) - 1);
    log_say("%s", text);
    CHECK(said_len > LOG_LINE && said_len <= LOG_LINE + 24);
    CHECK_MEM(said + said_len - 5, 5, "x...\n", 5);
    for (size_t lead = 0; lead < 4; lead++) {
        said_len = 0;
        memset(text, '\x01', sizeof(text) - 1);
        memset(text, 'x', lead);
        log_say("%s", text);
        CHECK(said_len <= LOG_LINE + 24);
        CHECK_MEM(said + said_len - 5, 5, "\\x01\n", 5);
    }
    said_len = 0;
}

static void traces(void)
{
    log_trace("one");
    CHECK_EQ(said_len, 0);
    CHECK(!log_tracing());
    log_set_trace(true);
    CHECK(log_tracing());
    log_trace("two");
    CHECK(said_len != 0);
    log_set_trace(false);
    said_len = 0;
}

static void twice(void)
{
    panic("again");
}

/* What a child says until it ends with 70. */
static void last_words(const char *text, void (*tell)(void), const char *want)
{
    char got[1200] = "";
    int fd[2], status = 0;
    size_t n = 0;
    ssize_t r;
    pid_t pid;

    CHECK_EQ(pipe(fd), 0);
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        pipe_out = fd[1];
        panic_tell(tell);
        panic("%s", text);
    }
    close(fd[1]);
    while ((r = read(fd[0], got + n, sizeof(got) - 1 - n)) > 0)
        n += (size_t)r;
    close(fd[0]);
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK(WIFEXITED(status));
    CHECK_EQ(WEXITSTATUS(status), 70);
    CHECK(strncmp(got, want, strlen(want)) == 0);
    CHECK_EQ(got[n - 1], '\n');
    CHECK(strchr(got + 1, '\n') == got + n - 1); /* one line */
}

static void panics(void)
{
    static char text[600];

    last_words("bug: a.c:1: x", NULL,
               "\n{\"bootmail\":1,\"outcome\":\"bug\",\"exit\":70,\"reason\":"
               "\"bug: a.c:1: x\",");
    last_words("a \"b\\\n\x7f\xe9", NULL,
               "\n{\"bootmail\":1,\"outcome\":\"bug\",\"exit\":70,\"reason\":"
               "\"a .b....\",");
    memset(text, 'x', sizeof(text) - 1);
    last_words(text, twice, /* a panic in it ends it, no second report */
               "\n{\"bootmail\":1,\"outcome\":\"bug\",\"exit\":70,\"reason\":"
               "\"xxxxxxxxx");
}

static const struct check_case cases[] = {
    { "lines", lines },
    { "long_lines", long_lines },
    { "traces", traces },
    { "panics", panics },
};

CHECK_MAIN(cases)
