/*
 * torture.c - not at random but every one: in a delivery where else nothing
 * goes wrong, the n-th allocation, entropy call, frame or byte.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

static struct torment {
    uint8_t plan;
    struct fault fault;
} * torments;
static uint32_t count, room, seen;

/* Each step-th of them. */
static void add(int plan, struct fault f, uint32_t step)
{
    if (seen++ % step != 0)
        return;
    if (count == room) {
        room = room * 2 + 1000;
        torments = realloc(torments, room * sizeof *torments);
        if (torments == NULL)
            abort();
    }
    torments[count++] = (struct torment){ (uint8_t)plan, f };
}

static void make(uint32_t i, struct plan *p)
{
    plan_named(p, plan_name(torments[i].plan));
    p->exact[0] = torments[i].fault;
    p->exacts = 1;
}

static void again(uint32_t i, char *to, size_t size)
{
    char name[48];

    fault_print(&torments[i].fault, name, sizeof name);
    snprintf(to, size, "--plan %s --fault %s", plan_name(torments[i].plan),
             name);
}

/* How much there is of everything: the run without a fault. */
static void measure(int i, struct result *r)
{
    struct plan p;

    plan_named(&p, plan_name(i));
    if (run_one(&p, NULL, false, r) && r->outcome == O_SENT)
        return;
    fprintf(stderr, "sim: plan %s does not even work undisturbed: %s\n",
            plan_name(i), r->why);
    exit(1);
}

static struct tally run(const char *title, int jobs, bool stop)
{
    struct batch b = { title, count, jobs, stop, make, again };
    struct tally t = batch_run(&b);

    tally_print(title, &t);
    free(torments);
    torments = NULL;
    count = room = seen = 0;
    return t;
}

static void frames(int plan, const struct result *r, uint32_t step)
{
    static const uint8_t kinds[] = { F_LOSS,  F_DUP,  F_TRUNC, F_FLIP,
                                     F_FORGE, F_SWAP, F_LATE };

    for (size_t k = 0; k < sizeof kinds; k++)
        for (uint8_t dir = UP; dir <= DOWN; dir++)
            for (uint32_t n = 0; n < r->frames[dir]; n++)
                add(plan, (struct fault){ kinds[k], dir, n, 0 }, step);
}

struct tally torture_run(int jobs, uint32_t step, bool stop)
{
    struct result *r = new_result();

    for (int i = 0; plan_name(i) != NULL; i++) {
        measure(i, r);
        printf("  %-10s %u allocations, %u entropy calls, %u frames up, %u "
               "down\n",
               plan_name(i), r->allocs, r->entropies, r->frames[UP],
               r->frames[DOWN]);
        for (uint32_t n = 1; n <= r->allocs; n++)
            add(i, (struct fault){ F_ALLOC, 0, n, 0 }, step);
        for (uint32_t n = 1; n <= r->entropies; n++)
            add(i, (struct fault){ F_ENTROPY, 0, n, 0 }, 1);
        for (uint32_t n = 0; n < r->frames[UP]; n++)
            add(i, (struct fault){ F_TXFULL, 0, n, 0 }, step);
        frames(i, r, step);
    }
    return run("torture", jobs, stop);
}

struct tally cuts_run(int jobs, uint32_t step, bool stop)
{
    static const uint8_t kinds[] = { F_FIN, F_RST, F_BIT };
    struct result *r = new_result();

    for (int i = 0; plan_name(i) != NULL; i++) {
        measure(i, r);
        printf("  %-10s %llu bytes up, %llu down\n", plan_name(i),
               (unsigned long long)r->passed[UP],
               (unsigned long long)r->passed[DOWN]);
        for (size_t k = 0; k < sizeof kinds; k++)
            for (uint8_t dir = UP; dir <= DOWN; dir++)
                for (uint32_t n = 0; n < r->passed[dir]; n++)
                    add(i,
                        (struct fault){ kinds[k], dir, n,
                                        (uint16_t)(n * 5 % 8) },
                        step);
    }
    return run("cut or flipped at every byte", jobs, stop);
}
