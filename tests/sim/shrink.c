/*
 * shrink.c - the fewest faults with which a run is still not true: delta
 * debugging (Zeller and Hildebrandt's ddmin) by leaving faults out.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim.h"

static bool fails(const struct plan *p, const struct fault *list, int count,
                  struct result *scratch)
{
    struct kept k = { list, count };

    return !run_one(p, &k, false, scratch);
}

/* Without the piece [from, to). */
static int without(const struct fault *list, int count, int from, int to,
                   struct fault *out)
{
    memcpy(out, list, (size_t)from * sizeof *list);
    memcpy(out + from, list + to, (size_t)(count - to) * sizeof *list);
    return count - (to - from);
}

/* One round with pieces of that size; true: something could go. */
static bool round_of(const struct plan *p, struct fault *list, int *count,
                     int size, struct result *scratch)
{
    static struct fault rest[APPLIED];
    bool less = false;
    int at = 0;

    while (at < *count) {
        int to = at + size < *count ? at + size : *count;
        int n = without(list, *count, at, to, rest);

        if (fails(p, rest, n, scratch)) {
            memcpy(list, rest, (size_t)n * sizeof *list);
            *count = n;
            less = true;
        } else {
            at = to;
        }
    }
    return less;
}

/* A sanitizer's report once is enough. */
static int silence(void)
{
    int kept = dup(2), null = open("/dev/null", O_WRONLY);

    dup2(null, 2);
    close(null);
    return kept;
}

int shrink(const struct plan *p, const struct result *r, struct fault *left)
{
    struct result *scratch = new_result();
    int count = r->applied_count, size = count, err = silence();

    memcpy(left, r->applied, (size_t)count * sizeof *left);
    if (fails(p, left, count, scratch)) {
        while (size > 0) {
            bool less = round_of(p, left, &count, size, scratch);

            size = size == 1 && less ? 1 : size / 2;
        }
    } else {
        count = -1;
    }
    dup2(err, 2);
    close(err);
    return count;
}
