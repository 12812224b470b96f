/*
 * loop.c - sleeping without losing a wake-up, and saying so when it is long.
 */
#include "loop.h"

#include "board.h"
#include "clock.h"
#include "log.h"
#include "stack.h"
#include "watchdog.h"

#define NOTICE_MS 5000

uint64_t loop_sleep(uint64_t until_ms)
{
    uint64_t now = clock_ms();
    uint64_t wake = stack_deadline(now), within;

    if (wake > until_ms)
        wake = until_ms;
    watchdog_feed(now, &within);
    if (wake > now && wake - now > within)
        wake = now + within;
    if (wake > now)
        board_idle(wake > UINT64_MAX / 1000000 ? UINT64_MAX : wake * 1000000);
    return clock_ms();
}

uint64_t loop_turn(uint64_t until_ms)
{
    uint64_t now = clock_ms(), within;

    watchdog_feed(now, &within);
    return stack_poll(now) ? clock_ms() : loop_sleep(until_ms);
}

void loop_notice(struct loop_notice *n, uint64_t now_ms, const char *what)
{
    if (n->next == 0) {
        n->since = now_ms;
        n->next = now_ms + (n->each != 0 ? n->each : NOTICE_MS);
    } else if (now_ms >= n->next) {
        n->next += n->each != 0 ? n->each : NOTICE_MS;
        log_say("still waiting for %s (%lu s)", what,
                (unsigned long)((now_ms - n->since) / 1000));
    }
}
