/*
 * loop.h - one turn of the event loop for whoever waits for the network.
 */
#ifndef APP_LOOP_H
#define APP_LOOP_H

#include <stdbool.h>
#include <stdint.h>

/* Sleeps until an interrupt, the stack's next timer or until_ms, whichever
 * comes first. Returns the time. Call it only when nothing moved: the
 * device's interrupt is armed on the way, and nothing is slept away. */
uint64_t loop_sleep(uint64_t until_ms);

/* Poll the stack, sleep if nothing came. For phases that move no data. */
uint64_t loop_turn(uint64_t until_ms);

/* A line "still waiting for WHAT (5 s)" each 5 s, or each so many ms, so that
 * a person sees life. Zero-initialise before a phase. */
struct loop_notice {
    uint64_t since, next, each; /* ms */
};
void loop_notice(struct loop_notice *, uint64_t now_ms, const char *what);

#endif
