/* sources: kernel/fwcfg.c */
/* includes: kernel board */
/*
 * test_fwcfg.c - a firmware configuration device in memory, honest and not.
 */
#include "fwcfg.h"

#include "board.h"
#include "check.h"

static uint8_t dir[4 + 64 * 300];
static char contents[300][16];
static size_t items;
static const char *signature = "QEMU";
static uint16_t selected;
static size_t offset, pages_left;
static unsigned dir_reads, change_at;

static void fake_select(uint16_t key)
{
    selected = key;
    offset = 0;
    if (key == 0x19 && ++dir_reads == change_at)
        dir[3]--; /* one item less than before */
}

static void fake_read(uint8_t *out, size_t len)
{
    const uint8_t *p = dir;
    size_t have = sizeof(dir);

    if (selected == 0) {
        p = (const uint8_t *)signature;
        have = 4;
    } else if (selected != 0x19) {
        p = (const uint8_t *)contents[selected - 0x20];
        have = sizeof(contents[0]);
    }
    for (size_t i = 0; i < len; i++, offset++)
        out[i] = offset < have ? p[offset] : 0;
}

static const struct fwcfg_io io = { fake_select, fake_read };

/* exactly the bytes asked for, so that the sanitizer sees one more */
static void *given[400];
static size_t given_count;

void *board_pages(size_t bytes)
{
    if (bytes > pages_left)
        return NULL;
    pages_left -= bytes;
    return given[given_count++] = calloc(1, bytes);
}

static void begin(void)
{
    while (given_count > 0)
        free(given[--given_count]);
    memset(dir, 0, sizeof(dir));
    items = 0;
    signature = "QEMU";
    pages_left = 1 << 20;
    dir_reads = 0;
    change_at = 0;
}

static void put(const char *name, const char *data, uint32_t size)
{
    uint8_t *e = dir + 4 + 64 * items;
    uint16_t key = (uint16_t)(0x20 + items);
    size_t n = strlen(name);

    snprintf(contents[items], sizeof(contents[0]), "%s", data);
    for (unsigned i = 0; i < 4; i++)
        e[i] = (uint8_t)(size >> (24 - 8 * i));
    e[4] = (uint8_t)(key >> 8);
    e[5] = (uint8_t)key;
    memcpy(e + 8, name, n < 56 ? n : 56);
    items++;
    dir[2] = (uint8_t)(items >> 8);
    dir[3] = (uint8_t)items;
}

static char got[8192];
static size_t accept_max;

static bool found(void *ctx, struct blob name, struct blob data)
{
    size_t at = strlen(got);

    CHECK(ctx == got);
    CHECK(data.p != NULL);
    snprintf(got + at, sizeof(got) - at, "%.*s=%.*s;", (int)name.len,
             (const char *)name.p, (int)data.len, (const char *)data.p);
    return accept_max-- > 0;
}

static const char *run(void)
{
    const char *why = "";
    bool ok;

    got[0] = '\0';
    accept_max = SIZE_MAX;
    ok = fwcfg_each(&io, found, got, &why);
    return ok ? got : why;
}

static void good(void)
{
    begin();
    CHECK_STR(run(), "");
    CHECK_EQ(given_count, 0);
    put("etc/boot-menu-wait", "x", 1);
    put("opt/org.bootmail/bootmail.conf", "host a", 6);
    put("opt/org.bootmail", "no", 2);
    put("opt/org.bootmailx/y", "no", 2);
    put("opt/org.bootmail/attach/b", "", 0);
    put("opt/org.bootmail/seed", "0123456789", 4);
    CHECK_STR(run(), "bootmail.conf=host a;attach/b=;seed=0123;");
}

static void not_qemu(void)
{
    begin();
    put("opt/org.bootmail/a", "1", 1);
    signature = "\xff\xff\xff\xff";
    CHECK_STR(run(), "");
}

static void bad_directory(void)
{
    char name[57];

    begin();
    memset(dir, 0xff, 4);
    CHECK_STR(run(),
              "the directory says that it has an impossible number of items");
    begin();
    dir[2] = 0x10; /* 4096: allowed, and all of them nameless */
    CHECK_STR(run(), "");
    dir[3] = 1;
    CHECK_STR(run(),
              "the directory says that it has an impossible number of items");

    begin();
    memset(name, 'n', 56);
    name[56] = '\0';
    put("opt/org.bootmail/a", "1", 1);
    put(name, "1", 1);
    CHECK_STR(run(), "a name in the directory has no end");
    begin();
    name[55] = '\0';
    put(name, "1", 1);
    CHECK_STR(run(), "");

    begin();
    put("opt/org.bootmail/", "1", 1);
    CHECK_STR(run(), "an item has no name behind opt/org.bootmail/");

    begin();
    for (unsigned i = 0; i < 257; i++)
        put("opt/org.bootmail/a", "1", 1);
    CHECK_STR(run(), "there are too many items");
}

static void changes_meanwhile(void)
{
    begin();
    put("opt/org.bootmail/a", "1", 1);
    put("opt/org.bootmail/b", "2", 1);
    change_at = 2;
    CHECK_STR(run(), "the directory changed while it was read");
    /* and more of them at the second look */
    begin();
    put("opt/org.bootmail/a", "1", 1);
    put("opt/org.bootmail/b", "2", 1);
    change_at = 1;
    CHECK_STR(run(), "a=1;");
    dir[3] = 1;
    dir_reads = 0;
    change_at = 0;
    CHECK_STR(run(), "a=1;");
}

static void memory_runs_out(void)
{
    begin();
    put("opt/org.bootmail/a", "1", 1);
    put("opt/org.bootmail/b", "2", 0xffffffff);
    CHECK_STR(run(), "an item is larger than the memory that is left");
    CHECK_STR(got, "a=1;");
    pages_left = 127;
    CHECK_STR(run(), "no memory for the directory");
}

static void caller_refuses(void)
{
    const char *why = "";

    begin();
    put("opt/org.bootmail/a", "1", 1);
    put("opt/org.bootmail/b", "2", 1);
    got[0] = '\0';
    accept_max = 1;
    CHECK(!fwcfg_each(&io, found, got, &why));
    CHECK_STR(why, "an item was not accepted");
    CHECK_STR(got, "a=1;b=2;");
}

static void clean_up(void)
{
    begin();
    CHECK_EQ(given_count, 0);
}

static const struct check_case cases[] = {
    { "good", good },
    { "not_qemu", not_qemu },
    { "bad_directory", bad_directory },
    { "changes_meanwhile", changes_meanwhile },
    { "memory_runs_out", memory_runs_out },
    { "caller_refuses", caller_refuses },
    { "clean_up", clean_up }, /* last: for the leak check */
};

CHECK_MAIN(cases)
