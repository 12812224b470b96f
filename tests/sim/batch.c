/*
 * batch.c - each run in a child of its own: the app is written for one run,
 * and a crash ends nothing else.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim.h"

#define CPU_S    60 /* a hang detector: a run takes a hundredth of that */
#define JOBS_MAX 64

static void *shared(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED) {
        perror("sim: mmap");
        exit(70);
    }
    return p;
}

struct result *new_result(void)
{
    return shared(sizeof(struct result));
}

static _Noreturn void child(const struct plan *p, const struct kept *kept,
                            bool verbose, struct result *r)
{
    const struct rlimit cpu = { CPU_S, CPU_S };

    setrlimit(RLIMIT_CPU, &cpu);
    world.plan = p;
    world.kept = kept;
    world.result = r;
    world.verbose = verbose;
    world_run();
}

static pid_t must_fork(void)
{
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid < 0) {
        perror("sim: fork");
        exit(70);
    }
    return pid;
}

bool run_one(const struct plan *p, const struct kept *kept, bool verbose,
             struct result *r)
{
    int status = 0;
    pid_t pid;

    memset(r, 0, sizeof *r);
    r->outcome = O_NONE;
    pid = must_fork();
    if (pid == 0)
        child(p, kept, verbose, r);
    waitpid(pid, &status, 0);
    if (r->finished && status == 0)
        return r->judged_true;
    r->judged_true = false;
    if (WIFSIGNALED(status))
        snprintf(r->why, sizeof r->why, "ended by signal %d%s",
                 WTERMSIG(status),
                 WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL
                     ? ": it hangs"
                     : "");
    else if (WEXITSTATUS(status) != 0)
        snprintf(r->why, sizeof r->why,
                 "ended with %d: a sanitizer or an assertion",
                 WEXITSTATUS(status));
    return false;
}

/* ------------------------------------------------ many */

struct work {
    atomic_uint next, told;
    struct tally tally[JOBS_MAX];
};

static void count(struct tally *t, const struct result *r)
{
    t->runs++;
    t->untrue += !r->judged_true;
    t->forged += r->forged;
    t->faultless += r->applied_count == 0;
    t->outcomes[r->outcome]++;
    t->ms += r->ms;
    t->frames += r->frames[UP] + r->frames[DOWN];
    for (int k = 0; k < FAULTS; k++) {
        t->with[k] += r->hits[k] != 0;
        t->hits[k] += r->hits[k];
    }
}

static void worker(const struct batch *b, struct work *w, struct tally *t)
{
    struct result *r = new_result();
    struct plan p;
    char again[120];
    uint32_t i;

    while ((i = atomic_fetch_add(&w->next, 1)) < b->count) {
        b->make(i, &p);
        if (!run_one(&p, NULL, false, r) &&
            atomic_fetch_add(&w->told, 1) < 20) {
            b->again(i, again, sizeof again);
            printf("NOT TRUE: %s\n  again: make sim ARGS='%s -v --shrink'\n",
                   r->why, again);
            fflush(stdout);
        }
        count(t, r);
        if (b->stop && atomic_load(&w->told) != 0)
            break;
    }
}

static void add(struct tally *to, const struct tally *t)
{
    to->runs += t->runs;
    to->untrue += t->untrue;
    to->forged += t->forged;
    to->faultless += t->faultless;
    to->ms += t->ms;
    to->frames += t->frames;
    for (int i = 0; i < OUTCOMES; i++)
        to->outcomes[i] += t->outcomes[i];
    for (int k = 0; k < FAULTS; k++) {
        to->with[k] += t->with[k];
        to->hits[k] += t->hits[k];
    }
}

struct tally batch_run(const struct batch *b)
{
    struct work *w = shared(sizeof *w);
    struct tally all = { 0 };
    int jobs = b->jobs < JOBS_MAX ? b->jobs : JOBS_MAX, i, status;
    bool lost = false;

    for (i = 0; i < jobs; i++) {
        if (must_fork() != 0)
            continue;
        worker(b, w, &w->tally[i]);
        fflush(stdout);
        _exit(0);
    }
    for (i = 0; i < jobs; i++)
        lost |= wait(&status) < 0 || status != 0;
    for (i = 0; i < jobs; i++)
        add(&all, &w->tally[i]);
    if (lost || (all.runs != b->count && !b->stop)) {
        fprintf(stderr, "sim: %u of %u runs were made\n", all.runs, b->count);
        exit(70);
    }
    munmap(w, sizeof *w);
    return all;
}

void tally_print(const char *title, const struct tally *t)
{
    printf("%s: %u runs, %u not true; %.1f hours of virtual time, %llu "
           "frames\n ",
           title, t->runs, t->untrue, (double)t->ms / 3600000,
           (unsigned long long)t->frames);
    for (int i = 0; i < OUTCOMES; i++)
        if (t->outcomes[i] != 0)
            printf(" %s %u,", outcome_word((enum outcome)i), t->outcomes[i]);
    printf(" nothing went wrong in %u\n", t->faultless);
}
