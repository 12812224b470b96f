/*
 * mutated.c - what tests/mutate links to a program in which every condition
 * is mutated(SITE, condition): one build holds all mutants, and MUTANT=n in
 * the environment says which of them this run is. Without it the conditions
 * are as they were, and the file named by MUTATE_SEEN notes what each was.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOT, TRUE, FALSE, EDGE }; /* as MUTATIONS has them */
enum { WAS_FALSE = 1, WAS_TRUE = 2, EDGE_DIFFERS = 4 };

unsigned mutated_now; /* 4 * site + which; sites begin at 1 */

static unsigned char *seen; /* a byte a site; children share it */

__attribute__((constructor(101))) static void begin(void)
{
    const char *number = getenv("MUTANT"), *path = getenv("MUTATE_SEEN");
    struct stat st;
    int fd;

    if (number != NULL)
        mutated_now = (unsigned)strtoul(number, NULL, 10);
    if (path == NULL)
        return;
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        abort();
    seen = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED,
                fd, 0);
    if (seen == MAP_FAILED)
        abort();
    close(fd);
}

int mutated(unsigned site, int value)
{
    if (seen != NULL)
        seen[site] |= value ? WAS_TRUE : WAS_FALSE;
    if (mutated_now / 4 != site)
        return value;
    switch (mutated_now % 4) {
    case NOT:
        return !value;
    case TRUE:
        return 1;
    case FALSE:
        return 0;
    default:
        return value;
    }
}

/* A condition without side effects, and what it would be one off. */
int mutated_edge(unsigned site, int value, int other)
{
    if (seen != NULL && value != other)
        seen[site] |= EDGE_DIFFERS;
    return mutated_now == 4 * site + EDGE ? other : mutated(site, value);
}
