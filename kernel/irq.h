/*
 * irq.h - what is known of a device's interrupt, which does nothing but end
 * board_idle().
 */
#ifndef KERNEL_IRQ_H
#define KERNEL_IRQ_H

enum irq {
    IRQ_NONE,    /* there is none: the device must be polled           */
    IRQ_GUESSED, /* it should arrive, but nobody has proven it: polled
                  * as well, unless the driver proves it               */
    IRQ_SURE,    /* it arrives                                         */
};

#endif
