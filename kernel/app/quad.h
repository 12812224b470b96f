/*
 * quad.h - printing an IPv4 address: "%s" QUAD_FMT, ..., QUAD(address)
 */
#ifndef APP_QUAD_H
#define APP_QUAD_H

#define QUAD_FMT "%u.%u.%u.%u"
#define QUAD(a)                                         \
    (unsigned)((a) >> 24), (unsigned)((a) >> 16 & 255), \
        (unsigned)((a) >> 8 & 255), (unsigned)((a)&255)

#endif
