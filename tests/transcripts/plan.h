/*
 * plan.h - what both runners of dialogues do: each dialogue byte by byte, then
 * at every chunk size, then cut behind every byte; the command line; and the
 * line that plays a failure again.
 */
#ifndef TRANSCRIPTS_PLAN_H
#define TRANSCRIPTS_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#define PLAN_FOLDER "tests/transcripts/"
#define NO_CUT      ((size_t)-1)

struct plan {
    size_t in, out, body;   /* chunk sizes; the most there is: whole */
    size_t cut_in, cut_out; /* bytes, or NO_CUT */
};

/* One kind of dialogue. Both plays give NULL, or why it failed. */
struct plan_kind {
    const char *folder; /* below PLAN_FOLDER, with a slash, or "" */
    void *(*load)(const char *path); /* NULL: it has said why */
    void (*free)(void *script);
    /* byte by byte: what all others are compared with */
    const char *(*first)(const void *script, const struct plan *);
    const char *(*again)(const void *script, const struct plan *);
    /* bytes that passed in the first play */
    void (*length)(size_t *in, size_t *out);
    /* for a person: of the first play, or of the last one */
    void (*show)(bool first);
};

/* The runner's main(): the exit status. */
int plan_main(const struct plan_kind *, int argc, char **argv);

#endif
