/*
 * boot.c - refusing a machine aloud, words of a command line, constructors.
 *
 * boot_fail() needs the console and nothing else.
 */
#include "boot.h"

#include <string.h>

#include "board.h"
#include "panic.h"

extern void (*const __init_array_start[])(void);
extern void (*const __init_array_end[])(void);

static void say(const char *s)
{
    board_write(s, strlen(s));
}

_Noreturn void boot_fail(int status, const char *reason)
{
    say("bootmail: ");
    say(reason);
    say(status == STATUS_CONFIG
            ? "\n{\"bootmail\":1,\"outcome\":\"invalid\",\"exit\":78,"
            : "\n{\"bootmail\":1,\"outcome\":\"bug\",\"exit\":70,");
    say("\"reason\":\"");
    say(reason);
    say(PANIC_REPORT_TAIL);
    board_exit(status);
}

bool boot_word(struct blob *rest, struct blob *word)
{
    size_t i = 0, n;

    while (i < rest->len && rest->p[i] <= ' ')
        i++;
    n = i;
    while (n < rest->len && rest->p[n] > ' ')
        n++;
    *word = blob_of(rest->p + i, n - i);
    *rest = blob_of(rest->p + n, rest->len - n);
    return word->len != 0;
}

void boot_constructors(void)
{
    void (*const *f)(void);

    for (f = __init_array_start; f != __init_array_end; f++)
        (*f)();
}
