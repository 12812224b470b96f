/*
 * slide.h - the image moves to a random place in RAM, and begins anew there.
 *
 * What an attacker learns about one boot is then no help with the next. A
 * board's start code does, on the loader's boot information:
 *
 *   slide_keep()              the first C of all
 *   ...                       memory map read; what is somebody's cut (ram.h)
 *   to = slide_choose(...)    0: it stays, slide_state() says why
 *   slide_copy(to)            where all RAM may be written
 *   a jump to the copy's entry, with what the loader had given
 *
 * The copy goes the same way; its slide_choose() is 0. Addresses stay
 * physical ones. Nothing is left at the old place that anybody uses: it is
 * free RAM to the copy.
 */
#ifndef KERNEL_SLIDE_H
#define KERNEL_SLIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sets .data aside as it was linked, for the copy. */
void slide_keep(void);

/* A page-aligned place for the image in free RAM below end, each as likely as
 * the next; 0: this is the copy already, wanted is false, or there is no
 * room. random: 64 bits from the best source there is. */
uintptr_t slide_choose(uint64_t end, uint64_t random, bool wanted);

/* Makes the copy at to, as a loader would: .bss is zero. off: how far that is
 * from where it was linked; add: what is added to each pointer. (An image
 * that adjusts its own pointers at its entry wants its own adjustment taken
 * back, others off again.) */
void slide_copy(uintptr_t to, uintptr_t off, uintptr_t add);

/* One word for the log: "random", or why not. Never the place itself. */
const char *slide_state(void);

#endif
