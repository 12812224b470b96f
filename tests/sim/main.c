/*
 * main.c - sim: deliveries in a simulated world.
 *
 *   sim [--first N] [--count N]      so many seeds (20000 from 1)
 *   sim --seed N [-v] [--only LIST] [--shrink]      one of them again
 *   sim --plan NAME [--fault LIST] [-v] ...         a plan without a seed
 *   sim --loss PERCENT [--count N | --seed N]       loss both ways alone
 *   sim --table [--count N]          the same for 0 to 40 %
 *   sim --torture | --cuts [--step K]    every n-th of everything
 *   --ipv6      ... loss by IPv6 alone, not IPv4
 *   --jobs N    processors (all)
 *   --stop      at the first report that is not true
 *
 * Exit status 1: a report was not true.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim.h"

char sim_ca[2048];

static struct {
    uint64_t first, seed;
    uint32_t count, step;
    int jobs, loss; /* -1: none */
    bool one, verbose, shrink, table, torture, cuts, stop, ipv6;
    const char *plan, *fault, *only;
} opt = { .first = 1, .step = 1, .loss = -1 };

/* Without it each run would wait for a tracer; the heap is counted. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0:handle_abort=1:exitcode=99";
}

static _Noreturn void usage(const char *what)
{
    fprintf(stderr, "sim: %s; see tests/sim/README.md\n", what);
    exit(64);
}

static uint64_t number(const char *s)
{
    char *end;
    uint64_t n = s != NULL ? strtoull(s, &end, 10) : 0;

    if (s == NULL || end == s || *end != '\0')
        usage("a number is missing");
    return n;
}

static bool flag(const char *a)
{
    static const struct {
        const char *name;
        bool *to;
    } flags[] = {
        { "-v", &opt.verbose },    { "--shrink", &opt.shrink },
        { "--table", &opt.table }, { "--torture", &opt.torture },
        { "--cuts", &opt.cuts },   { "--stop", &opt.stop },
        { "--ipv6", &opt.ipv6 },
    };

    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (strcmp(a, flags[i].name) == 0)
            return *flags[i].to = true;
    return false;
}

static void valued(const char *a, const char *v)
{
    if (v == NULL)
        usage("an option's value is missing, or it is unknown");
    if (strcmp(a, "--seed") == 0)
        opt.seed = number(v), opt.one = true;
    else if (strcmp(a, "--first") == 0)
        opt.first = number(v);
    else if (strcmp(a, "--count") == 0)
        opt.count = (uint32_t)number(v);
    else if (strcmp(a, "--step") == 0)
        opt.step = (uint32_t)number(v);
    else if (strcmp(a, "--jobs") == 0)
        opt.jobs = (int)number(v);
    else if (strcmp(a, "--loss") == 0)
        opt.loss = (int)number(v);
    else if (strcmp(a, "--plan") == 0)
        opt.plan = v, opt.one = true;
    else if (strcmp(a, "--fault") == 0)
        opt.fault = v;
    else if (strcmp(a, "--only") == 0)
        opt.only = v;
    else
        usage("an option is unknown");
}

/* ------------------------------------------------ one run */

static void make_one(uint64_t seed, struct plan *p)
{
    if (opt.plan != NULL) {
        if (!plan_named(p, opt.plan))
            usage("no plan of that name");
    } else if (opt.loss >= 0) {
        plan_loss(p, seed, (unsigned)opt.loss, opt.ipv6);
    } else {
        plan_make(p, seed);
    }
}

static void show_shrunk(const struct plan *p, struct result *r)
{
    static struct fault left[APPLIED];
    int all = r->applied_count, n = shrink(p, r, left);
    struct kept k = { left, n };
    char name[48];

    if (n < 0) {
        printf("with the faults that were noted alone the report is true\n");
        return;
    }
    printf("%d of %d faults are needed:\n\n  --only ", n, all);
    for (int i = 0; i < n; i++) {
        fault_print(&left[i], name, sizeof name);
        printf("%s%s", i != 0 ? "," : "", name);
    }
    printf("\n\n");
    run_one(p, &k, true, r);
    printf("%s\n", r->why);
}

static int one(void)
{
    static struct fault only[APPLIED];
    struct kept k = { only, 0 };
    struct plan p;
    struct result *r = new_result();
    bool good;

    make_one(opt.seed, &p);
    if (opt.fault != NULL) {
        p.exacts = fault_parse(opt.fault, p.exact, EXACT);
        if (p.exacts < 0)
            usage("--fault is not understood");
    }
    if (opt.only != NULL) {
        k.count = fault_parse(opt.only, only, APPLIED);
        if (k.count < 0)
            usage("--only is not understood");
    }
    if (opt.verbose)
        plan_print(&p);
    good = run_one(&p, opt.only != NULL ? &k : NULL, opt.verbose, r);
    printf("%s %s, exit %d, after %.3f s; %d faults; trace %016llx%s%s\n",
           good ? "true:" : "NOT TRUE:", outcome_word(r->outcome), r->status,
           (double)r->ms / 1000, r->applied_count, (unsigned long long)r->hash,
           r->why[0] != '\0' ? ": " : "", r->why);
    if (!good && opt.shrink)
        show_shrunk(&p, r);
    return good ? 0 : 1;
}

/* ------------------------------------------------ many runs */

static void make(uint32_t i, struct plan *p)
{
    make_one(opt.first + i, p);
}

static void again(uint32_t i, char *to, size_t size)
{
    char loss[24] = "";

    if (opt.loss >= 0)
        snprintf(loss, sizeof loss, " --loss %d%s", opt.loss,
                 opt.ipv6 ? " --ipv6" : "");
    snprintf(to, size, "--seed %llu%s", (unsigned long long)(opt.first + i),
             loss);
}

static int random_runs(void)
{
    struct batch b = { "random", opt.count != 0 ? opt.count : 20000,
                       opt.jobs, opt.stop,
                       make,     again };
    struct tally t = batch_run(&b);

    printf("seeds %llu to %llu\n", (unsigned long long)opt.first,
           (unsigned long long)(opt.first + b.count - 1));
    tally_print("random", &t);
    printf("  in clear, with forged bytes: counted, not judged: part of %u\n\n",
           t.forged);
    printf("  fault      runs with it   in all\n");
    for (int k = 0; k < FAULTS; k++)
        printf("  %-10s %12u %8llu\n", fault_word((enum fault_kind)k),
               t.with[k], (unsigned long long)t.hits[k]);
    return t.untrue != 0;
}

static int loss_row(int percent)
{
    struct batch b = { "loss",   opt.count != 0 ? opt.count : 200,
                       opt.jobs, opt.stop,
                       make,     again };
    struct tally t;

    opt.loss = percent;
    t = batch_run(&b);
    printf("  %4d %% %6u of %u sent (%5.1f %%), %3u temporary, %3u unsure, "
           "%.1f s each, %u not true\n",
           percent, t.outcomes[O_SENT], t.runs,
           100.0 * t.outcomes[O_SENT] / t.runs,
           t.outcomes[O_TEMPORARY] + t.outcomes[O_PERMANENT],
           t.outcomes[O_UNSURE], (double)t.ms / 1000 / t.runs, t.untrue);
    fflush(stdout);
    return t.untrue != 0;
}

static int table(void)
{
    static const int rows[] = { 0, 5, 10, 20, 30, 40 };
    int bad = 0;

    printf("loss both ways, within the default time-outs (seeds from %llu):\n",
           (unsigned long long)opt.first);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        bad |= loss_row(rows[i]);
    return bad;
}

/* The server's certificate has its name and all its addresses. */
static bool start_tls(void)
{
    struct peer_addr a[PEER_NAMED] = {
        { 4,
          { SIM_GATEWAY >> 24, SIM_GATEWAY >> 16 & 255, SIM_GATEWAY >> 8 & 255,
            SIM_GATEWAY & 255 } },
        { 4,
          { SIM_BEHIND >> 24, SIM_BEHIND >> 16 & 255, SIM_BEHIND >> 8 & 255,
            SIM_BEHIND & 255 } },
        { 16, { 0 } },
        { 16, { 0 } },
    };

    memcpy(a[2].b, sim_near6[0], 16);
    memcpy(a[3].b, sim_behind6, 16);
    return peer_tls_setup(SIM_HOST, a, PEER_NAMED, sim_ca, sizeof sim_ca);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (!flag(argv[i])) {
            valued(argv[i], argv[i + 1]);
            i++;
        }
    if (opt.jobs < 1)
        opt.jobs = (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (opt.step < 1)
        usage("--step is at least 1");
    world.peer_random = (struct dice){ 1, 0 };
    if (!start_tls())
        usage("Mbed TLS does not start");
    if (opt.one)
        return one();
    if (opt.table)
        return table();
    if (opt.torture)
        return torture_run(opt.jobs, opt.step, opt.stop).untrue != 0;
    if (opt.cuts)
        return cuts_run(opt.jobs, opt.step, opt.stop).untrue != 0;
    return opt.loss >= 0 ? loss_row(opt.loss) : random_runs();
}
