/*
 * string.c - what the compiler expects to find, without a library: UEFI
 * programs are built for another target than the image.
 */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t len);
void *memset(void *to, int c, size_t len);
int memcmp(const void *a, const void *b, size_t len);
size_t strlen(const char *s);

void *memcpy(void *restrict to, const void *restrict from, size_t len)
{
    void *start = to;

    __asm__ volatile("rep movsb"
                     : "+D"(to), "+S"(from), "+c"(len)
                     :
                     : "memory");
    return start;
}

void *memset(void *to, int c, size_t len)
{
    void *start = to;

    __asm__ volatile("rep stosb" : "+D"(to), "+c"(len) : "a"(c) : "memory");
    return start;
}

int memcmp(const void *a, const void *b, size_t len)
{
    const uint8_t *x = a, *y = b;

    for (; len != 0; len--, x++, y++)
        if (*x != *y)
            return *x < *y ? -1 : 1;
    return 0;
}

size_t strlen(const char *s)
{
    const char *p = s;

    while (*p != '\0')
        p++;
    return (size_t)(p - s);
}
