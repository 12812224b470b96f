/*
 * nic_memory.h - the frames' buffers, for whichever card is open: one is at
 * a time, and its driver divides them as it likes.
 */
#ifndef NET_NIC_MEMORY_H
#define NET_NIC_MEMORY_H

#include <stdint.h>

#define NIC_MEMORY (2u * 64u * 1536u)

extern uint8_t nic_memory[NIC_MEMORY]; /* page aligned */

#endif
