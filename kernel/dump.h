/*
 * dump.h - what an exception leaves on the console: numbers, registers, the
 * way the program came.
 *
 * Written with board_write() alone: no heap, no printf, safe in a trap.
 *
 * A dump may end up in a log or a bug report, and a register may hold eight
 * bytes of a password at that moment. So a general register is shown only
 * where it holds nothing or an address inside the image (code, constants,
 * data, heap, stacks); of all others the dump says that there was something.
 * What the processor itself says of the fault (program counter, fault
 * address, codes) is shown as it is.
 */
#ifndef KERNEL_DUMP_H
#define KERNEL_DUMP_H

#include <stdint.h>

void dump_text(const char *s);

/* label, then 16 hexadecimal digits. */
void dump_number(const char *label, uint64_t v);

/* The same, or 16 dots: see above. */
void dump_register(const char *label, uint64_t v);

/* Return addresses by the chain of frame pointers, and where the image lies
 * (what scripts/symbolize wants to know). The chain is whatever the bug left
 * of it: it is followed inside the main stack, upwards, a bounded number of
 * times. pair: where the caller's frame pointer and the return address stand,
 * in words from the frame pointer. ret: one more return address, in no frame
 * yet; 0: none. */
void dump_backtrace(uint64_t pc, uint64_t ret, uint64_t fp, int pair);

#endif
