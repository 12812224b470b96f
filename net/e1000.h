/*
 * e1000.h - Intel's gigabit cards with legacy descriptors: 8254x, 82574.
 */
#ifndef NET_E1000_H
#define NET_E1000_H

#include "nic_driver.h"

/* One card at a time: its rings and buffers are static. */
extern const struct nic_driver e1000_driver;

#endif
