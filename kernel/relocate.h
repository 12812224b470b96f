/*
 * relocate.h - an image that was linked at 0 comes to where it lies.
 */
#ifndef KERNEL_RELOCATE_H
#define KERNEL_RELOCATE_H

#include <stdint.h>

/* Adds base to every pointer that the section .relr.dyn names. Called once,
 * before anything that uses one; may itself use none. */
void relocate(uintptr_t base, const uint64_t *relr, const uint64_t *end);

/* The same for an image off bytes from where it was linked, whose pointers
 * have to change by add. */
void relocate_by(uintptr_t off, uintptr_t add, const uint64_t *relr,
                 const uint64_t *end);

#endif
