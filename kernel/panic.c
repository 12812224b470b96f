/*
 * panic.c - the last words of a bug.
 *
 * Uses the stack, vsnprintf and the console only. The report line has the
 * keys of design 2.5 that can still be told truthfully.
 */
#include "panic.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "board.h"
#include "status.h"

/* Keeps what JSON and a terminal take as it is, drops the rest. */
static void tame(char *s)
{
    for (; *s != '\0'; s++)
        if (*s < 0x20 || *s > 0x7e || *s == '"' || *s == '\\')
            *s = '.';
}

static void (*tell_host)(void);

void panic_tell(void (*tell)(void))
{
    tell_host = tell;
}

_Noreturn void panic(const char *fmt, ...)
{
    static bool again;
    static const char head[] = "\n{\"bootmail\":1,\"outcome\":\"bug\","
                               "\"exit\":70,\"reason\":\"";
    static const char tail[] = PANIC_REPORT_TAIL;
    char text[256];
    va_list ap;
    int n;

    if (again)
        board_exit(STATUS_BUG);
    again = true;
    va_start(ap, fmt);
    n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (n < 0)
        text[0] = '\0';
    tame(text);
    board_write(head, sizeof(head) - 1);
    board_write(text, strlen(text));
    board_write(tail, sizeof(tail) - 1);
    if (tell_host != NULL)
        tell_host();
    board_exit(STATUS_BUG);
}
