/*
 * log.h - the human log on the console.
 *
 * One call is one line; the newline is added. Control bytes and bytes over
 * 0x7e in the arguments come out as \xNN, so that no peer can write to the
 * user's terminal or fake a report line. A line holds at most LOG_LINE bytes;
 * more is cut with "...". Never pass a secret.
 */
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#define LOG_LINE 512

/* "   12.3 ms  text": time since entry, then the text */
void log_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* the same, only when tracing is on (trace key, --trace) */
void log_trace(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_set_trace(bool on);
bool log_tracing(void);

/* Bytes without escaping or time stamp: for the report line alone. */
void log_raw(const char *p, size_t len);

#endif
