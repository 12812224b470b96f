/*
 * log.c - one line per call, escaped, time-stamped, to the board's console.
 */
#include "log.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "board.h"

static bool trace_on;

/* Appends s, with control bytes and non-ASCII as \xNN; returns the new
 * length. A byte that does not fit whole is left out, and so is the rest. */
static size_t escape(char *out, size_t at, size_t cap, const char *s)
{
    static const char hex[] = "0123456789abcdef";

    for (; *s != '\0'; s++) {
        uint8_t c = (uint8_t)*s;

        if (c >= 0x20 && c < 0x7f) {
            if (cap - at < 1)
                break;
            out[at++] = (char)c;
        } else {
            if (cap - at < 4)
                break;
            out[at++] = '\\';
            out[at++] = 'x';
            out[at++] = hex[c >> 4];
            out[at++] = hex[c & 15];
        }
    }
    return at;
}

static void say(const char *fmt, va_list ap)
{
    char text[LOG_LINE], line[LOG_LINE + 24];
    uint64_t us = board_now_ns() / 1000;
    int n;
    size_t at;

    n = vsnprintf(text, sizeof(text), fmt, ap);
    if (n < 0)
        return;
    if ((size_t)n >= sizeof(text))
        memcpy(text + sizeof(text) - 4, "...", 4);
    n = snprintf(line, sizeof(line), "%6lu.%lu ms  ",
                 (unsigned long)(us / 1000), (unsigned long)(us % 1000 / 100));
    if (n < 0 || (size_t)n >= sizeof(line))
        return;
    at = escape(line, (size_t)n, sizeof(line) - 1, text);
    line[at++] = '\n';
    board_write(line, at);
}

void log_say(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    say(fmt, ap);
    va_end(ap);
}

void log_trace(const char *fmt, ...)
{
    va_list ap;

    if (!trace_on)
        return;
    va_start(ap, fmt);
    say(fmt, ap);
    va_end(ap);
}

void log_set_trace(bool on)
{
    trace_on = on;
}

bool log_tracing(void)
{
    return trace_on;
}

void log_raw(const char *p, size_t len)
{
    board_write(p, len);
}
