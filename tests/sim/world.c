/*
 * world.c - the run: virtual time, what happens when, what was applied.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../profile.h"
#include "board.h"
#include "heap.h"
#include "sim.h"

#define LONGEST_MS (3u * 3600 * 1000) /* longer than any deadline */

struct world world;

static int8_t decided[EVENTS];    /* 0: not yet, 1: it is on, -1: left out */
static uint64_t frozen_until;     /* ns: the app's machine stands still     */
static uint64_t boundaries_until; /* ms: events' edges before it are done   */
static bool server_off;

void say(const char *fmt, ...)
{
    va_list ap;

    if (!world.verbose)
        return;
    printf("%10.3f ms  ", (double)world.now / MS);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
}

uint64_t sim_ms(void)
{
    return world.now / MS;
}

void sim_peer_random(void *to, size_t n)
{
    uint8_t *p = to;

    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(dice_next(&world.peer_random) >> 11);
}

/* ------------------------------------------------ faults */

static bool kept(enum fault_kind kind, int dir, uint32_t n)
{
    const struct kept *k = world.kept;

    for (int i = 0; k != NULL && i < k->count; i++)
        if (k->list[i].kind == kind && k->list[i].dir == dir &&
            k->list[i].n == n)
            return true;
    return k == NULL;
}

bool world_fault(enum fault_kind kind, int dir, uint32_t n)
{
    struct result *r = world.result;
    struct fault f = { (uint8_t)kind, (uint8_t)dir, n, 0 };
    char name[48];

    if (!kept(kind, dir, n))
        return false;
    r->hits[kind]++;
    if (kind == F_FORGE || (kind == F_BIT && dir == UP))
        r->forged = true;
    if (r->applied_count < APPLIED)
        r->applied[r->applied_count++] = f;
    else
        r->applied_more = true;
    fault_print(&f, name, sizeof name);
    say("!! %s", name);
    return true;
}

const struct fault *world_exact(enum fault_kind kind, int dir, uint32_t n)
{
    const struct plan *p = world.plan;

    for (int i = 0; i < p->exacts; i++)
        if (p->exact[i].kind == kind && p->exact[i].dir == dir &&
            p->exact[i].n == n)
            return &p->exact[i];
    return NULL;
}

static bool is_on(int i)
{
    if (decided[i] == 0)
        decided[i] =
            world_fault(world.plan->event[i].kind, 0, (uint32_t)i) ? 1 : -1;
    return decided[i] > 0;
}

const struct event *world_event(enum fault_kind kind)
{
    const struct plan *p = world.plan;
    uint64_t ms = sim_ms();

    for (int i = 0; i < p->events; i++) {
        const struct event *e = &p->event[i];

        if (e->kind == kind && ms >= e->at && ms - e->at < e->lasts && is_on(i))
            return e;
    }
    return NULL;
}

/* ------------------------------------------------ edges of events */

static void edge(const struct event *e, bool begins)
{
    switch (e->kind) {
    case F_REBOOT:
        server_off = begins;
        say("== the server %s", begins ? "is off" : "is back");
        if (begins)
            server_reboot();
        break;
    case F_LINK:
        say("== the cable is %s", begins ? "out" : "in");
        break;
    case F_PAUSE:
        if (!begins)
            break;
        say("== the machine stands still for %u ms", e->lasts);
        frozen_until = (uint64_t)(e->at + e->lasts) * MS;
        world.paused += (uint64_t)e->lasts * MS;
        break;
    case F_GATEWAY:
        peer_address(begins ? SIM_GATEWAY + 7 : SIM_GATEWAY);
        break;
    default:
        router_edge(e, begins);
        break;
    }
}

/* The others are looked at when they would matter. */
static bool has_edges(enum fault_kind k)
{
    return k == F_REBOOT || k == F_LINK || k == F_PAUSE || k == F_GATEWAY ||
           k == F_WITHDRAW || k == F_RENUMBER || k == F_LIAR || k == F_TWIN ||
           k == F_DEAD4 || k == F_DEAD6 || k == F_NEWMAC;
}

/* What begins or ends up to now. */
static void edges(void)
{
    const struct plan *p = world.plan;
    uint64_t ms = sim_ms();

    for (int i = 0; i < p->events; i++) {
        const struct event *e = &p->event[i];
        uint64_t end = (uint64_t)e->at + e->lasts;

        if (!has_edges(e->kind))
            continue;
        if (e->at >= boundaries_until && e->at <= ms && is_on(i))
            edge(e, true);
        if (end >= boundaries_until && end <= ms && decided[i] > 0)
            edge(e, false);
    }
    boundaries_until = ms + 1;
}

static uint64_t next_edge(void)
{
    const struct plan *p = world.plan;
    uint64_t next = UINT64_MAX;

    for (int i = 0; i < p->events; i++) {
        uint64_t at = p->event[i].at, end = at + p->event[i].lasts;

        at = at >= boundaries_until ? at : end;
        if (at >= boundaries_until && at < next)
            next = at;
    }
    return next == UINT64_MAX ? next : next * MS;
}

/* ------------------------------------------------ going on */

bool cable_link(void)
{
    return world_event(F_LINK) == NULL;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t next_moment(void)
{
    uint64_t next = least(cable_next(), next_edge()), ms;

    if (server_off)
        return next;
    ms = least(sim_ms() + peer_wait_ms(), least(server_next(), router_next()));
    return least(next, ms == UINT64_MAX ? ms : ms * MS);
}

/* The peer's answers to what it got are made at once: it is fast. */
static void others(void)
{
    edges();
    cable_deliver();
    if (server_off)
        return;
    router_poll();
    peer_poll();
    server_poll();
}

static _Noreturn void fail(const char *why)
{
    say("== %s", why);
    snprintf(world.result->why, sizeof world.result->why, "%s", why);
    end_child(0);
}

void world_until(uint64_t until)
{
    bool link = cable_link();

    for (;;) {
        uint64_t next = next_moment();
        bool frozen = frozen_until > world.now;

        if (frozen && until < frozen_until)
            until = frozen_until;
        if (next > until || next == UINT64_MAX)
            break;
        if (sim_ms() > LONGEST_MS)
            fail("no end in three hours");
        if (next > world.now)
            world.now = next;
        others();
        frozen = frozen_until > world.now;
        if (!frozen && (card_waiting() || cable_link() != link))
            return;
        /* what is due "now" and yet not done would keep us here */
        if (next_moment() <= world.now)
            world.now += MS;
    }
    if (until == UINT64_MAX)
        fail("the app sleeps without a deadline, and nothing will come");
    if (until > world.now)
        world.now = until;
}

/* The server's side hears only what is sent while it is on. */
bool world_server_off(void)
{
    return server_off;
}

/* ------------------------------------------------ the run */

void sim_tapped(void)
{
    const struct fault *f = &world.plan->exact[0];

    /* the tap is the first of the exact faults: plan.c */
    world_fault(f->kind, f->dir, f->n);
}

static void set_tap(void)
{
    static const uint8_t kinds[][2] = { { F_FIN, TAP_FIN },
                                        { F_RST, TAP_RST },
                                        { F_BIT, TAP_FLIP } };
    const struct fault *f = &world.plan->exact[0];

    for (size_t i = 0; i < 3; i++)
        if (world.plan->exacts > 0 && f->kind == kinds[i][0] &&
            kept(f->kind, f->dir, f->n))
            peer_tap(kinds[i][1], f->dir, f->n, f->value % 8);
}

static void start_peer(const struct plan *p)
{
    struct peer_net net = { .gateway = SIM_GATEWAY,
                            .behind = SIM_BEHIND,
                            .mss = p->mss };

    memcpy(net.near6, sim_near6, sizeof net.near6);
    memcpy(net.behind6, sim_behind6, sizeof net.behind6);
    peer_start(&net);
}

static void set_failing(void)
{
    const struct plan *p = world.plan;

    for (int i = 0; i < p->exacts; i++)
        if (p->exact[i].kind == F_ALLOC &&
            world_fault(F_ALLOC, 0, p->exact[i].n))
            heap_fail_at(p->exact[i].n);
}

_Noreturn void world_run(void)
{
    const struct plan *p = world.plan;
    enum board_end how;
    struct heap_stats heap;
    int status;

    world.app_random = (struct dice){ sim_hash(p->seed, 'a', 0, 0), 0 };
    world.peer_random = (struct dice){ sim_hash(p->seed, 'p', 0, 0), 0 };
    start_peer(p);
    names_start();
    server_start();
    set_tap();
    set_failing();
    status = app_main(&how);
    heap = heap_stats();
    world.result->allocs = heap.count + heap.failed;
    oracle_judge(status);
    end_child(0);
}
