/*
 * heap.h - the one arena, with a known bound and a known peak.
 *
 * lwIP and Mbed TLS allocate through these two functions and nothing else
 * does after start-up. On the bare boards the arena is a linker-sized region
 * under picolibc's malloc; on posix it is the host's malloc with the same
 * bound counted. NULL is a normal answer: every caller must survive it.
 */
#ifndef KERNEL_HEAP_H
#define KERNEL_HEAP_H

#include <stddef.h>
#include <stdint.h>

#define HEAP_LIMIT (512u * 1024u) /* bytes handed out at once, overhead in */

void *heap_calloc(size_t count, size_t size); /* zeroed; NULL: none left */
void heap_free(void *p);

struct heap_stats {
    size_t used, peak, limit; /* bytes, allocator overhead included     */
    uint32_t count, failed;   /* calls that succeeded, that returned NULL */
};
struct heap_stats heap_stats(void);

/* Tests: let the n-th allocation from now (1 = the next) fail, once; or that
 * one and all that follow. 0 switches it off. */
void heap_fail_at(uint32_t n);
void heap_fail_from(uint32_t n);

#endif
