/*
 * status.h - the exit statuses of design 2.5, sysexits.h's where it has the
 * number. Users' scripts rely on them; they are named here and nowhere else.
 */
#ifndef KERNEL_STATUS_H
#define KERNEL_STATUS_H

enum status {
    STATUS_SENT = 0,
    STATUS_USAGE = 64,
    STATUS_MESSAGE = 65,
    STATUS_NO_HOST = 68,
    STATUS_REFUSED = 69,
    STATUS_BUG = 70,
    STATUS_NO_NETWORK = 74,
    STATUS_TRY_LATER = 75,
    STATUS_PROTOCOL = 76,
    STATUS_AUTH = 77,
    STATUS_CONFIG = 78,
    STATUS_UNSURE = 79,
};

#endif
