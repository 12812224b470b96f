/*
 * chunk.c - the message by BDAT instead of DATA (RFC 3030): no doubled dots,
 * no wait for 354, and with BINARYMIME any bytes at all.
 *
 * A chunk is made whole in the out buffer, where nothing else is then: bytes
 * are gathered behind a space for the command, which says how many there
 * are. Every chunk but the last is as long as the buffer allows, so that how
 * the message is handed in makes no difference on the wire. A text is made
 * one byte longer at times (LF behind CR); that byte begins the next chunk.
 *
 * Without PIPELINING each chunk waits for a reply: DATA is faster then, unless
 * one chunk does.
 */
#include "session.h"

#include <string.h>

#define HEAD 24 /* "BDAT 4294967295 LAST" and the line end */

_Static_assert(SMTP_OUT_MIN > HEAD + 2, "no room for a chunk");

static size_t size_of(const struct session *s)
{
    size_t most = s->out_size < UINT32_MAX ? s->out_size : UINT32_MAX;

    return most - HEAD - 1;
}

bool chunk_wanted(const struct session *s)
{
    if (!s->caps.chunking || s->job->no_chunking)
        return false;
    return s->content == SMTP_BINARY || session_pipelines(s) ||
           (s->size != 0 && s->size < size_of(s));
}

bool chunk_ready(const struct session *s)
{
    return s->out_len == 0 &&
           (session_pipelines(s) || s->answered == s->written);
}

/* Puts the command in front of what was gathered. */
static void make(struct session *s, size_t n, enum command cmd)
{
    char head[HEAD];
    struct text t = text_into(head, sizeof head);

    command_line(s, cmd, n, &t);
    text_str(&t, "\r\n");
    memcpy(s->out + HEAD - t.len, head, t.len);
    s->out_at = HEAD - t.len;
    s->out_len = HEAD + n;
    s->gathered -= n;
    s->chunk = CHUNK_MADE;
    command_event(s, SMTP_EV_SENT, cmd, 0, n);
}

size_t chunk_add(struct session *s, const uint8_t *p, size_t n)
{
    size_t most = size_of(s), room = most - s->gathered, made = 0;
    uint8_t *to = s->out + HEAD + s->gathered;

    if (!chunk_ready(s))
        return 0;
    if (s->content == SMTP_BINARY) {
        n = made = n < room ? n : room;
        memcpy(to, p, n);
    } else {
        n = dotstuff(&s->dots, to, room + 1, &made, p, n);
    }
    s->gathered += made;
    if (s->gathered >= most && !s->dots.bad) {
        s->written++;
        make(s, most, CMD_BDAT);
    }
    return n;
}

void chunk_end(struct session *s)
{
    uint8_t *to = s->out + HEAD + s->gathered;

    if (s->dots.mid_line) { /* a text ends in a line end, as behind DATA */
        memcpy(to, "\r\n", 2);
        s->gathered += 2;
    }
    make(s, s->gathered, CMD_LAST);
    state_set(s, STATE_DOT); /* it tells the reply to this one apart */
}

void chunk_left(struct session *s)
{
    s->chunk = CHUNK_NONE;
    s->left = s->written;
    if (s->gathered != 0)
        s->out[HEAD] = s->out[s->out_len];
}

/* A reply to a chunk that is not the last. Refused, the message has failed,
 * and no further chunk may begin (RFC 3030 section 4.2); one that has begun
 * is finished, since a server counts its bytes. */
void chunk_reply(struct session *s, unsigned class)
{
    bool last = s->state == STATE_DOT;

    if (class == 2) {
        if (!last)
            state_arm(s, STATE_BODY);
        return;
    }
    if (s->chunk == CHUNK_MADE) {
        s->written -= last ? 0 : 1;
        command_drop(s);
    } else if (last) {
        s->written++;
        s->left += s->chunk == CHUNK_NONE ? 1 : 0;
    }
    dialogue_failed(s);
    state_enter(s, STATE_DRAIN, CMD_RSET);
}
