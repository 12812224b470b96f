/* sources: smtp/mailbox.c smtp/text.c */
/* includes: smtp tests/fuzz */
/*
 * smtp_address.c - any bytes as an address: what is accepted prints, parses to
 * the same again, and can end no command line.
 */
#include "trace.h"

#include "mailbox.h"

static void check(const struct smtp_mailbox *m)
{
    char text[600], once[600];
    size_t n = smtp_mailbox_print(m, text, sizeof text), len;
    struct smtp_mailbox again;
    const char *why;

    MUST(n != 0);
    for (size_t i = 0; i < n; i++)
        MUST((uint8_t)text[i] >= 0x20 && text[i] != 0x7f);
    MUST(smtp_mailbox_parse((struct smtp_str){ text, n }, &again, &why));
    MUST(smtp_mailbox_same(m, &again) && smtp_mailbox_same(&again, m));
    len = smtp_mailbox_print(&again, once, sizeof once);
    MUST(len == n && memcmp(text, once, n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t *block = exact(data, len);
    struct smtp_str s = { (const char *)block + 1, len };
    struct smtp_mailbox m;
    const char *why = NULL;
    bool utf8, parsed = smtp_mailbox_parse(s, &m, &why);
    size_t used;

    MUST(parsed == smtp_mailbox_ok(s, &utf8, &why));
    MUST(parsed || why != NULL);
    if (parsed)
        check(&m);
    used = smtp_path_parse(s, &m, &why);
    MUST(used <= len && (used != 0 || why != NULL));
    if (used != 0 && m.kind != MAILBOX_NULL)
        check(&m);
    (void)smtp_domain_ok(s, &utf8);
    free(block);
    return 0;
}
