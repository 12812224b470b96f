/*
 * address_cli.c - address lists on standard input, each ended by a NUL, read
 * by smtp/addrlist.c: a line for each, "name<TAB>spec<TAB>" for each mailbox,
 * or where it
 * stops a byte 1 and the reason. address_cli strict|lenient
 */
/* sources: smtp/addrlist.c smtp/mailbox.c smtp/text.c */
/* includes: smtp */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addrlist.h"

static void show(struct smtp_str list, bool strict)
{
    static char buf[65536];
    struct smtp_addrlist l = { .text = list, .strict = strict };
    struct smtp_address a;
    enum smtp_addr got;

    while ((got = smtp_addrlist_next(&l, &a)) != SMTP_ADDR_END) {
        if (got == SMTP_ADDR_BAD)
            printf("\001%s", a.why);
        if (got != SMTP_ADDR_MAILBOX)
            continue;
        printf("%.*s\t", (int)smtp_address_name(a.name, buf, sizeof buf), buf);
        printf("%.*s\t", (int)smtp_address_spec(a.spec, buf, sizeof buf), buf);
    }
    putchar('\n');
}

int main(int argc, char **argv)
{
    static char text[1 << 20];
    size_t n = fread(text, 1, sizeof text, stdin), start = 0;

    if (argc != 2 || n == sizeof text)
        return 2;
    for (size_t i = 0; i < n; i++) {
        struct smtp_str list = { text + start, i - start };

        if (text[i] != '\0')
            continue;
        show(list, strcmp(argv[1], "strict") == 0);
        start = i + 1;
    }
    return 0;
}
