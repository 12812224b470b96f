/*
 * fault.c - names of faults, and random numbers that depend on the seed and
 * on what they are for, never on what was asked before.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

static const struct {
    const char *word;
    enum fault_count counted;
} kinds[FAULTS] = {
#define X(name, word, counted) { word, counted },
#include "fault.def"
#undef X
};

const char *fault_word(enum fault_kind k)
{
    return kinds[k].word;
}

enum fault_count fault_counted(enum fault_kind k)
{
    return kinds[k].counted;
}

static bool has_direction(unsigned kind)
{
    return kinds[kind].counted == FRAME || kinds[kind].counted == BYTE;
}

void fault_print(const struct fault *f, char *to, size_t size)
{
    char value[8] = "";

    if (f->value != 0)
        snprintf(value, sizeof value, ".%u", f->value);
    snprintf(to, size, "%s:%s%u%s", kinds[f->kind].word,
             !has_direction(f->kind) ? ""
             : f->dir == UP          ? "up:"
                                     : "down:",
             f->n, value);
}

static bool parse_one(const char *text, size_t len, struct fault *f)
{
    char word[40], *at = word, *end;
    unsigned k;

    if (len >= sizeof word)
        return false;
    memcpy(word, text, len);
    word[len] = '\0';
    memset(f, 0, sizeof *f);
    for (k = 0; k < FAULTS; k++) {
        len = strlen(kinds[k].word);
        if (strncmp(word, kinds[k].word, len) == 0 && word[len] == ':')
            break;
    }
    if (k == FAULTS)
        return false;
    f->kind = (uint8_t)k;
    at += len + 1;
    if (has_direction(k)) {
        f->dir = strncmp(at, "down:", 5) == 0 ? DOWN : UP;
        at = strchr(at, ':');
        if (at++ == NULL)
            return false;
    }
    f->n = (uint32_t)strtoul(at, &end, 10);
    if (end != at && *end == '.')
        f->value = (uint16_t)strtoul(end + 1, &end, 10);
    return end != at && *end == '\0';
}

int fault_parse(const char *text, struct fault *list, int max)
{
    int count = 0;

    while (*text != '\0') {
        size_t len = strcspn(text, ",");

        if (count == max || !parse_one(text, len, &list[count++]))
            return -1;
        text += len + (text[len] == ',');
    }
    return count;
}

/* ------------------------------------------------ random numbers */

/* splitmix64's finisher */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

uint64_t sim_hash(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    return mix(mix(mix(mix(a) ^ b) ^ c) ^ d);
}

uint64_t dice_next(struct dice *s)
{
    return mix(mix(s->seed) ^ s->n++);
}

uint32_t dice_below(struct dice *s, uint32_t n)
{
    return (uint32_t)(dice_next(s) % n);
}
