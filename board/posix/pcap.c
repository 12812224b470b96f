/*
 * pcap.c - the capture file that tcpdump and Wireshark read (libpcap's
 * classic format, link type 1, microseconds).
 */
#include <stdio.h>
#include <time.h>

#include "posix.h"

static FILE *out;

static void put(const void *p, size_t len)
{
    if (out != NULL && fwrite(p, 1, len, out) != len) {
        fclose(out); /* a full disk ends the capture, not the mail */
        out = NULL;
    }
}

void pcap_open(const char *path)
{
    static const uint32_t head[6] = { 0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1 };

    out = fopen(path, "wbe");
    if (out == NULL)
        posix_die("cannot write", path);
    setvbuf(out, NULL, _IONBF, 0); /* whole up to the last frame, always */
    put(head, sizeof(head));
}

void pcap_frame(const uint8_t *frame, size_t len)
{
    struct {
        uint32_t sec, usec, kept, length;
        uint8_t data[POSIX_FRAME];
    } r;
    struct timespec now;
    size_t i;

    if (out == NULL || len > sizeof(r.data))
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    r.sec = (uint32_t)now.tv_sec;
    r.usec = (uint32_t)(now.tv_nsec / 1000);
    r.kept = r.length = (uint32_t)len;
    for (i = 0; i < len; i++)
        r.data[i] = frame[i];
    put(&r, 16 + len);
}
