/*
 * failing_disk.c - preloaded into smartd: any file is an NVMe drive that says
 * of itself that it is read-only and worn out (NVM Express 1.4, 5.14.1.2 and
 * 5.15.2.2).
 */
#include <dlfcn.h>
#include <linux/nvme_ioctl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

enum {
    IDENTIFY = 0x06,
    GET_LOG_PAGE = 0x02,
    SMART_LOG = 0x02,
    SERIAL = 4,
    MODEL = 24,
    NAMESPACES = 516
};

/* What smartd starts is to see the machine as it is. */
__attribute__((constructor)) static void alone(void)
{
    unsetenv("LD_PRELOAD");
}

static int answer(const struct nvme_admin_cmd *c)
{
    uint8_t *to = (uint8_t *)(uintptr_t)c->addr;

    memset(to, 0, c->data_len);
    if (c->opcode == IDENTIFY && c->data_len == 4096) {
        memset(to + SERIAL, ' ', 20 + 40 + 8);
        memcpy(to + SERIAL, "FAKE0001", 8);
        memcpy(to + MODEL, "Failing Disk", 12);
        to[NAMESPACES] = 1;
    } else if (c->opcode == GET_LOG_PAGE && (c->cdw10 & 0xff) == SMART_LOG &&
               c->data_len >= 6) {
        to[0] = 0x0c; /* reliability degraded, read-only */
        to[1] = 300 & 0xff;
        to[2] = 300 >> 8; /* kelvin */
        to[3] = 3;        /* spare left, per cent */
        to[4] = 10;       /* ... and what is too little */
        to[5] = 101;      /* used */
    }
    return 0;
}

int ioctl(int fd, unsigned long request, ...)
{
    int (*real)(int, unsigned long, void *);
    va_list list;
    void *arg;

    va_start(list, request);
    arg = va_arg(list, void *);
    va_end(list);
    if (request == NVME_IOCTL_ID)
        return 1;
    if (request == NVME_IOCTL_ADMIN_CMD)
        return answer(arg);
    *(void **)&real = dlsym(RTLD_NEXT, "ioctl");
    return real(fd, request, arg);
}
