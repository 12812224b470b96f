/*
 * nic_memory.c - see nic_memory.h.
 */
#include "nic_memory.h"

_Alignas(4096) uint8_t nic_memory[NIC_MEMORY];
