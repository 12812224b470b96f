/*
 * dump.c - a fault in numbers, without secrets; nothing here can fault again
 * but on a stack that is not there, and that is looked at first.
 */
#include "dump.h"

#include <stdbool.h>
#include <stddef.h>

#include "board.h"

#define FRAMES   24
#define IN_A_ROW 4

extern char __image_start[], __image_end[], __text_start[], __text_end[];
extern char __stack_bottom[], __stack_top[];

/* The image lies below that on every board; above it a return address may
 * carry a signature. */
#define ADDRESS ((1ull << 39) - 1)

static bool inside(uint64_t v, const char *start, const char *end)
{
    return v >= (uintptr_t)start && v < (uintptr_t)end;
}

void dump_text(const char *s)
{
    size_t n = 0;

    while (s[n] != '\0')
        n++;
    board_write(s, n);
}

void dump_number(const char *label, uint64_t v)
{
    static const char digits[] = "0123456789abcdef";
    char text[16];
    unsigned i;

    for (i = 0; i < 16; i++)
        text[i] = digits[v >> (60 - 4 * i) & 15];
    dump_text(label);
    board_write(text, sizeof text);
}

void dump_register(const char *label, uint64_t v)
{
    if (v == 0 || inside(v, __image_start, __image_end)) {
        dump_number(label, v);
        return;
    }
    dump_text(label);
    dump_text("................");
}

void dump_backtrace(uint64_t pc, uint64_t ret, uint64_t fp, int pair)
{
    uint64_t low = (uintptr_t)__stack_bottom, high = (uintptr_t)__stack_top;
    unsigned i = 1;

    dump_number("backtrace ", pc);
    ret &= ADDRESS;
    if (inside(ret, __text_start, __text_end)) {
        dump_number(" ", ret);
        i++;
    }
    for (; i < FRAMES; i++) {
        uint64_t at = fp + (uint64_t)((int64_t)pair * 8);
        const uint64_t *frame;
        uint64_t to;

        if (at < low || at > high - 16 || at % 8 != 0)
            break;
        frame = (const uint64_t *)(uintptr_t)at;
        to = frame[1] & ADDRESS;
        if (!inside(to, __text_start, __text_end))
            break;
        dump_number(i % IN_A_ROW == 0 ? "\n          " : " ", to);
        low = at + 16;
        fp = frame[0];
    }
    dump_number("\nimage     ", (uintptr_t)__image_start);
    dump_text("\n");
}
