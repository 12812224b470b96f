/*
 * stackmark.h - how much of the stack a run has used, at most.
 *
 * The start code paints what lies below its own frame; board_stack_used() of
 * board.h looks how far up the paint is still whole. scripts/stack tells the
 * bound of it from the code; this is what a run really needed.
 */
#ifndef KERNEL_STACKMARK_H
#define KERNEL_STACKMARK_H

/* Called once, early, from a function that has called no deep one before. */
void stack_paint(void);

#endif
