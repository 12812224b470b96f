/*
 * relocate.c - for Dovecot, unpacked and not installed; preloaded.
 *
 * Programs and modules that it looks for below /usr, and has no setting for,
 * are looked for below $RELOCATE_ROOT/usr first. And libnss_wrapper keeps
 * pointers into the environment, which Dovecot overwrites with the title of
 * its process: setenv() makes copies that stay.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void keep_names(void)
{
    static const char *const names[] = { "NSS_WRAPPER_PASSWD",
                                         "NSS_WRAPPER_GROUP" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);

        if (value)
            setenv(names[i], value, 1);
    }
}

static const char *moved(const char *path, char *buf, size_t size)
{
    const char *root = getenv("RELOCATE_ROOT");
    int n;

    if (!root || !path || strncmp(path, "/usr/", 5) != 0)
        return path;
    n = snprintf(buf, size, "%s%s", root, path);
    return n > 0 && (size_t)n < size && access(buf, F_OK) == 0 ? buf : path;
}

DIR *opendir(const char *path)
{
    char buf[4096];

    return REAL(opendir)(moved(path, buf, sizeof buf));
}

void *dlopen(const char *path, int flags)
{
    char buf[4096];

    return REAL(dlopen)(moved(path, buf, sizeof buf), flags);
}

int execv(const char *path, char *const argv[])
{
    char buf[4096];

    return REAL(execv)(moved(path, buf, sizeof buf), argv);
}
