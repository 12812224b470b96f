/*
 * job.c - the job is judged before a byte is sent.
 *
 * Whatever ends up in a command line is checked here, once and for all: a
 * host name of ours that is one word, addresses that smtp_mailbox_ok() takes,
 * credentials without NUL (RFC 4616 uses NUL to part them). So no value can
 * end a line early or add a parameter to a command.
 */
#include "idna.h"
#include "session.h"

#include <string.h>

#define HELO_MAX       255 /* RFC 5321 4.5.3.1.2 */
#define PATH_MAX_BYTES 254 /* 4.5.3.1.3 less the <> */

static const struct smtp_str nothing = { "", 0 };

static bool helo_ok(struct session *s)
{
    struct smtp_str h = s->job->helo;

    if (h.len == 0 || h.len > HELO_MAX) {
        reason_job(s, "our own name for EHLO", nothing,
                   "it is empty or longer than 255 bytes");
        return false;
    }
    for (size_t i = 0; i < h.len; i++) {
        if (h.p[i] > 0x20 && h.p[i] < 0x7f)
            continue;
        reason_job(s, "our own name for EHLO", h,
                   "it holds a blank, a control byte or non-ASCII");
        return false;
    }
    return true;
}

/* RFC 4616 parts user and password by NUL, RFC 7628 the fields of a token by
 * 0x01; a line end in one would be no secret any more. */
static const char *secret_fault(const struct smtp_job *job, struct smtp_str s)
{
    bool token =
        job->auth == SMTP_AUTH_OAUTHBEARER || job->auth == SMTP_AUTH_XOAUTH2;

    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == 0)
            return "it holds a NUL byte";
        if (token && (uint8_t)s.p[i] < 0x20)
            return "it holds a control byte";
    }
    return NULL;
}

static bool login_ok(struct session *s)
{
    const struct smtp_job *job = s->job;
    bool external = job->auth == SMTP_AUTH_EXTERNAL;
    const char *why;

    if (job->auth == SMTP_AUTH_OFF)
        return true;
    why = job->user.len == 0 && !external ? "there is none"
                                          : secret_fault(job, job->user);
    if (why != NULL) {
        reason_job(s, "user name", nothing, why);
        return false;
    }
    why = job->password.len == 0 && !external
              ? "there is none"
              : secret_fault(job, job->password);
    if (why != NULL)
        reason_job(s, "password", nothing, why);
    return why == NULL;
}

/* A domain in UTF-8 goes out as DNS knows it; only a local part needs more of
 * the server (SMTPUTF8). */
static bool address_ok(struct session *s, const char *what,
                       struct smtp_str address)
{
    char buf[PATH_MAX_BYTES];
    struct text t = text_into(buf, sizeof buf);
    const char *why = NULL;
    bool utf8 = false;

    if (!smtp_mailbox_ok(address, &utf8, &why) ||
        (utf8 && !idna_address(&t, address, &utf8, &why))) {
        reason_job(s, what, address, why);
        return false;
    }
    if (t.full) {
        reason_job(s, what, address, "it is too long in the form for DNS");
        return false;
    }
    s->utf8 = s->utf8 || utf8;
    return true;
}

static bool envelope_ok(struct session *s)
{
    const struct smtp_job *job = s->job;

    s->utf8 = false;
    if (job->from.len != 0 && !address_ok(s, "sender", job->from))
        return false;
    for (size_t i = 0; i < job->rcpt_count; i++) {
        if (!address_ok(s, "recipient", job->rcpt[i].address))
            return false;
    }
    if (job->check && job->rcpt_count != 0) {
        reason_job(s, "recipients", nothing, "a check is sent to nobody");
        return false;
    }
    if (!job->check && (job->rcpt_count == 0 || job->rcpt_count > UINT32_MAX)) {
        reason_job(s, "recipients", nothing, "there are none");
        return false;
    }
    return true;
}

static bool buffer_ok(struct session *s)
{
    if (s->out != NULL && s->out_size >= SMTP_OUT_MIN)
        return true;
    reason_job(s, "buffer for what is sent", nothing, "there is none");
    return false;
}

bool job_ok(struct session *s)
{
    return buffer_ok(s) && helo_ok(s) && envelope_ok(s) && params_ok(s) &&
           login_ok(s);
}
