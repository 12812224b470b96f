/*
 * account.c - what the image's parser makes of a configuration, for tests:
 *
 *   account ACCOUNT < bootmail.conf
 *
 * prints each key of the table with its value for that account ("" is the one
 * that is used if none is named), secrets included, or "error LINE: WHY" with
 * exit status 78. Only the parser: nothing is checked across keys.
 */
/* sources: kernel/app/config_keys.c kernel/conf.c kernel/conf_value.c */
/* includes: kernel kernel/app smtp net */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

#define TEXT_MAX (1u << 20)

static void show(const struct conf_key *key, const struct config *c)
{
    static char line[TEXT_MAX + 100];
    size_t len = conf_print(key, c, line, sizeof line);
    struct blob secret;

    if (key->type == CONF_SECRET) {
        memcpy(&secret, (const uint8_t *)c + key->offset, sizeof secret);
        printf("%s %.*s\n", key->name, (int)secret.len,
               secret.p != NULL ? (const char *)secret.p : "");
    } else {
        printf("%.*s\n", (int)len, line);
    }
}

int main(int argc, char **argv)
{
    static uint8_t text[TEXT_MAX];
    static struct config c;
    struct conf_error err;
    size_t len = fread(text, 1, sizeof text, stdin), i;

    if (argc != 2 || !conf_defaults(config_keys, config_key_count, &c, &err))
        return 64;
    if (!conf_parse(config_keys, config_key_count, &c, "bootmail.conf",
                    blob_of(text, len), blob_str(argv[1]), &err)) {
        printf("error %u: %s\n", err.line, err.why);
        return 78;
    }
    for (i = 0; i < config_key_count; i++)
        show(&config_keys[i], &c);
    return 0;
}
