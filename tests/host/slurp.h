/* slurp.h - a whole file, or the end of the program. */
#ifndef TESTS_HOST_SLURP_H
#define TESTS_HOST_SLURP_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint8_t *slurp(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    uint8_t *p;

    if (f == NULL || fseek(f, 0, SEEK_END) != 0) {
        perror(path);
        exit(2);
    }
    *len = (size_t)ftell(f);
    rewind(f);
    p = malloc(*len + 1);
    if (p == NULL || fread(p, 1, *len, f) != *len)
        exit(2);
    fclose(f);
    return p;
}

#endif
