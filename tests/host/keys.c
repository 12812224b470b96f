/*
 * keys.c - prints the tables of configuration keys from the one table in
 * kernel/app/config_keys.c: for README.md, and with --man as a list in mdoc(7)
 * for bootmail.conf(5). scripts/readme-keys puts them there.
 */
/* sources: kernel/app/config_keys.c */
/* includes: kernel kernel/app */
#include <stdio.h>
#include <string.h>

#include "config.h"

/* "|" would end a cell */
static void cell(const char *s)
{
    for (; *s != '\0'; s++) {
        if (*s == '|' || *s == '<')
            putchar('\\');
        putchar(*s);
    }
}

static void values(const struct conf_key *k)
{
    size_t i;

    switch (k->type) {
    case CONF_BOOL:
    case CONF_NOT:
        printf("on, off");
        break;
    case CONF_U16:
        printf("%u to %u", (unsigned)k->min, (unsigned)k->max);
        break;
    case CONF_SECONDS:
        printf("%s%u to %u seconds", k->min == 0 ? "off, " : "",
               (unsigned)(k->min == 0 ? 1 : k->min), (unsigned)k->max);
        break;
    case CONF_CHOICE:
        for (i = 0; k->choices[i] != NULL; i++)
            printf("%s%s", i != 0 ? ", " : "", k->choices[i]);
        break;
    case CONF_IPV4:
        printf("IPv4 address");
        break;
    case CONF_LIST:
        printf("list");
        break;
    case CONF_LINES:
        printf("text; may be repeated");
        break;
    case CONF_HEX32:
        printf("32 bytes, 01:23:..");
        break;
    case CONF_SECRET:
        printf("secret");
        break;
    case CONF_STR:
    case CONF_IGNORED:
    case CONF_LAUNCHER:
    case CONF_HOST_ONLY:
        printf("text");
        break;
    }
}

static bool is_plain(const struct conf_key *k)
{
    return k->type != CONF_IGNORED && k->type != CONF_HOST_ONLY;
}

/* a line of mdoc: no macro by accident, and a backslash shown as one */
static void line(const char *s)
{
    if (*s == '.' || *s == '\'')
        printf("\\&");
    for (; *s != '\0'; s++) {
        if (*s == '\\')
            printf("\\e");
        else
            putchar(*s);
    }
}

static void man(void)
{
    const struct conf_key *k = config_keys;
    size_t i;

    printf(".Bl -tag -width Ds\n");
    for (i = 0; i < config_key_count; i++, k++) {
        printf(".It Ic %s\n", k->name);
        if (k->type == CONF_IGNORED)
            printf("(msmtp's; ignored)\n");
        else if (k->type == CONF_HOST_ONLY)
            printf("(msmtp's; refused)\n");
        line(k->help);
        if (k->type == CONF_HOST_ONLY && k->dflt != NULL)
            printf(" (%s%s is taken)", k->dflt[0] != '\0' ? "" : "empty",
                   k->dflt);
        printf(".\n");
        if (!is_plain(k))
            continue;
        printf("Values: ");
        values(k);
        if (k->dflt != NULL && k->dflt[0] != '\0')
            printf("; default: %s", k->dflt);
        printf(".\n");
    }
    printf(".El\n");
}

static void readme(void)
{
    const struct conf_key *k = config_keys;
    size_t i;

    printf("| key | values | default | meaning |\n|---|---|---|---|\n");
    for (i = 0; i < config_key_count; i++, k++) {
        if (!is_plain(k))
            continue;
        printf("| `%s` | ", k->name);
        values(k);
        printf(" | %s | ", k->dflt != NULL ? k->dflt : "");
        cell(k->help);
        printf(" |\n");
    }
    printf("\nKeys of msmtp's that the image ignores or refuses:\n\n"
           "| key | | why |\n|---|---|---|\n");
    for (i = 0, k = config_keys; i < config_key_count; i++, k++) {
        if (is_plain(k))
            continue;
        printf("| `%s` | %s | ", k->name,
               k->type == CONF_IGNORED ? "ignored" : "refused");
        cell(k->help);
        if (k->type == CONF_HOST_ONLY && k->dflt != NULL)
            printf(" (%s%s is taken)", k->dflt[0] != '\0' ? "" : "empty",
                   k->dflt);
        printf(" |\n");
    }
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--man") == 0)
        man();
    else
        readme();
    return 0;
}
