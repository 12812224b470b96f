/*
 * ram.c - a list of ranges: added, cut, taken from the front.
 *
 * Two lists: what is free, and what was ever said to be RAM. Both are short
 * (a machine has a handful of ranges) and searched from the start.
 */
#include "ram.h"

#define RANGES 32
#define BIG    (2ull << 20) /* mapped by one entry instead of a table of them */

struct range {
    uint64_t start, end;
    uint64_t mapped; /* ram_take(): up to here; 0: nothing yet */
};

static struct range unused[RANGES], all[RANGES];
static unsigned unused_count, all_count;
static uint64_t limit;

static bool overlaps(const struct range *r, uint64_t start, uint64_t end)
{
    return start < r->end && r->start < end;
}

/* The end of a range whose length may be nonsense. */
static uint64_t end_of(uint64_t start, uint64_t len)
{
    return len > UINT64_MAX - start ? UINT64_MAX : start + len;
}

void ram_init(uint64_t end)
{
    unused_count = all_count = 0;
    limit = end;
}

void ram_add(uint64_t start, uint64_t len)
{
    uint64_t end = end_of(start, len);

    if (start > limit)
        return;
    if (end > limit)
        end = limit;
    start = (start + RAM_PAGE - 1) & ~(RAM_PAGE - 1);
    end &= ~(RAM_PAGE - 1);
    if (start >= end || unused_count == RANGES || all_count == RANGES)
        return;
    unused[unused_count++] = (struct range){ start, end, 0 };
    all[all_count++] = (struct range){ start, end, 0 };
}

void ram_cut(uint64_t start, uint64_t len)
{
    uint64_t end = end_of(start, len);
    unsigned i, n = unused_count;

    if (len == 0)
        return;
    start &= ~(RAM_PAGE - 1);
    if (end < UINT64_MAX - RAM_PAGE)
        end = (end + RAM_PAGE - 1) & ~(RAM_PAGE - 1);
    for (i = 0; i < unused_count; i++) {
        struct range *r = &unused[i];
        uint64_t tail = r->end;

        if (!overlaps(r, start, end))
            continue;
        r->end = r->start < start ? start : r->start;
        if (tail <= end)
            continue;
        if (r->start == r->end)
            *r = (struct range){ end, tail, 0 };
        else if (n < RANGES)
            unused[n++] = (struct range){ end, tail, 0 };
    }
    unused_count = n;
}

bool ram_free(uint64_t start, uint64_t len)
{
    uint64_t end = end_of(start, len);
    unsigned i, turn;

    for (turn = 0; turn < RANGES && start < end; turn++) {
        for (i = 0; i < unused_count; i++) {
            if (unused[i].start <= start && start < unused[i].end) {
                start = unused[i].end;
                break;
            }
        }
        if (i == unused_count)
            return false;
    }
    return start >= end;
}

bool ram_has(uint64_t start, uint64_t len)
{
    uint64_t end = end_of(start, len);
    unsigned i;

    for (i = 0; i < all_count; i++)
        if (overlaps(&all[i], start, end))
            return true;
    return false;
}

static bool map_until(struct range *r, uint64_t end,
                      bool (*map)(uint64_t start, uint64_t len))
{
    if (r->mapped < r->start)
        r->mapped = r->start;
    if (end <= r->mapped)
        return true;
    end = (end + BIG - 1) & ~(BIG - 1);
    if (end > r->end)
        end = r->end;
    if (!map(r->mapped, end - r->mapped))
        return false;
    r->mapped = end;
    return true;
}

uint64_t ram_take(size_t bytes, bool (*map)(uint64_t start, uint64_t len))
{
    uint64_t want, at;
    unsigned i;

    if (bytes == 0 || bytes > SIZE_MAX - RAM_PAGE)
        return 0;
    want = (bytes + RAM_PAGE - 1) & ~(RAM_PAGE - 1);
    for (i = 0; i < unused_count; i++) {
        struct range *r = &unused[i];

        if (r->end - r->start < want)
            continue;
        if (!map_until(r, r->start + want, map))
            return 0;
        at = r->start;
        r->start += want;
        return at;
    }
    return 0;
}

/* How many places for want bytes the range has. */
static uint64_t places(const struct range *r, uint64_t want, uint64_t end)
{
    uint64_t stop = r->end < end ? r->end : end & ~(RAM_PAGE - 1);

    return r->start < stop && stop - r->start >= want
               ? (stop - r->start - want) / RAM_PAGE + 1
               : 0;
}

uint64_t ram_place(size_t bytes, uint64_t end, uint64_t random)
{
    uint64_t want = (bytes + RAM_PAGE - 1) & ~(RAM_PAGE - 1), sum = 0, n;
    unsigned i;

    for (i = 0; i < unused_count; i++)
        sum += places(&unused[i], want, end);
    if (bytes == 0 || sum == 0)
        return 0;
    random %= sum;
    for (i = 0; i < unused_count; i++) {
        n = places(&unused[i], want, end);
        if (random < n)
            return unused[i].start + random * RAM_PAGE;
        random -= n;
    }
    return 0;
}
