/*
 * auth.c - PLAIN and LOGIN. See auth.h.
 *
 * PLAIN is NUL user NUL password in one line; LOGIN (never standardised, but
 * the only thing some servers offer) is user and password in a line each. The
 * words of LOGIN's prompts differ between servers and are not looked at.
 */
#include "auth.h"

#include "base64.h"

/* An echo of this many characters is masked even when it goes no further. */
#define ECHO_MIN 12

enum smtp_auth auth_choose(const struct ehlo *e, enum smtp_auth allowed,
                           bool without_plain)
{
    bool any = allowed == SMTP_AUTH_ANY;

    if ((any || allowed == SMTP_AUTH_PLAIN) && e->auth_plain && !without_plain)
        return SMTP_AUTH_PLAIN;
    if ((any || allowed == SMTP_AUTH_LOGIN) && e->auth_login)
        return SMTP_AUTH_LOGIN;
    return SMTP_AUTH_OFF;
}

static size_t part_len(const struct smtp_job *job, enum auth_part part)
{
    if (part == AUTH_PART_USER)
        return job->user.len;
    if (part == AUTH_PART_PASSWORD)
        return job->password.len;
    return job->user.len + job->password.len + 2;
}

static uint8_t part_byte(const struct smtp_job *job, enum auth_part part,
                         size_t i)
{
    if (part == AUTH_PART_USER)
        return (uint8_t)job->user.p[i];
    if (part == AUTH_PART_PASSWORD)
        return (uint8_t)job->password.p[i];
    if (i == 0 || i == job->user.len + 1)
        return 0;
    if (i <= job->user.len)
        return (uint8_t)job->user.p[i - 1];
    return (uint8_t)job->password.p[i - job->user.len - 2];
}

size_t auth_encoded_len(const struct smtp_job *job, enum auth_part part)
{
    return base64_len(part_len(job, part));
}

/* The four characters of group g, which exists. */
static void group(const struct smtp_job *job, enum auth_part part, size_t g,
                  char to[4])
{
    size_t n = part_len(job, part) - g * 3;
    uint8_t raw[3] = { 0, 0, 0 };

    if (n > sizeof raw)
        n = sizeof raw;
    for (size_t i = 0; i < n; i++)
        raw[i] = part_byte(job, part, g * 3 + i);
    base64_group(to, raw, n);
    text_wipe(raw, sizeof raw);
}

void auth_encode(const struct smtp_job *job, enum auth_part part,
                 struct text *to)
{
    size_t len = auth_encoded_len(job, part);
    size_t at = to->skip < len ? to->skip / 4 * 4 : len;
    char four[4];

    /* What is to be passed over need not be made. */
    to->skip -= at;
    for (; at < len && !to->full; at += 4) {
        group(job, part, at / 4, four);
        text_mem(to, four, sizeof four);
    }
    text_wipe(four, sizeof four);
}

/* True if p begins with the encoded part, or with enough of it. */
static bool encoded_here(const struct smtp_job *job, enum auth_part part,
                         const char *p, size_t n)
{
    size_t len = auth_encoded_len(job, part);
    char four[4];
    bool same = true;

    if (len > ECHO_MIN)
        len = ECHO_MIN;
    if (len == 0 || n < len)
        return false;
    for (size_t i = 0; i < len && same; i++) {
        if (i % 4 == 0)
            group(job, part, i / 4, four);
        same = p[i] == four[i % 4];
    }
    text_wipe(four, sizeof four);
    return same;
}

/* What text_clean(), or a server's idea of encodings, makes a '?' of. */
static bool turns_odd(char c)
{
    return c == '?' || (uint8_t)c < 0x20 || (uint8_t)c > 0x7e;
}

/* Bytes of the password that p begins with, 0 if too few to tell. A run of
 * '?' stands for any run of bytes that are not ASCII. */
static size_t password_here(const struct smtp_job *job, const char *p, size_t n)
{
    const char *password = job->password.p;
    size_t len = job->password.len, same = 0, at = 0;

    while (same < len && at < n) {
        if (p[at] == password[same]) {
            at++;
            same++;
            continue;
        }
        if (p[at] != '?' || !turns_odd(password[same]))
            break;
        while (at < n && p[at] == '?')
            at++;
        while (same < len && turns_odd(password[same]))
            same++;
    }
    if (len < 4) /* three letters are in every sentence */
        return 0;
    return same == len || same >= ECHO_MIN ? at : 0;
}

void auth_redact(const struct smtp_job *job, char *line, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        size_t n = password_here(job, line + i, len - i);

        if (n == 0 && !encoded_here(job, AUTH_PART_PLAIN, line + i, len - i) &&
            !encoded_here(job, AUTH_PART_USER, line + i, len - i) &&
            !encoded_here(job, AUTH_PART_PASSWORD, line + i, len - i))
            continue;
        /* The password, blanks of its own included, and the word's rest. */
        for (size_t k = 0; i < len && (k < n || line[i] != ' '); i++, k++)
            line[i] = '*';
    }
}
