/*
 * test_conf.c - the configuration language: semantics as msmtp 1.8 shows them
 * (probed with msmtp --pretend), errors with their place, random bytes.
 */
/* sources: kernel/conf.c kernel/conf_value.c */
/* includes: kernel */
#include "check.h"

#include "conf.h"

struct out {
    struct blob host, user, from;
    struct blob password;
    bool tls, check;
    uint16_t port;
    uint32_t timeout, addr;
    uint8_t auth;
    struct conf_list to;
    struct conf_hex print;
    bool log;
};

static const char *const auths[] = { "off", "on", "plain", NULL };

#define AT(f) offsetof(struct out, f)

static const struct conf_key keys[] = {
    { "host", CONF_STR, AT(host), NULL, NULL, 0, 0, "" },
    { "user", CONF_STR, AT(user), NULL, NULL, 0, 0, "" },
    { "from", CONF_STR, AT(from), NULL, NULL, 0, 0, "" },
    { "password", CONF_SECRET, AT(password), NULL, NULL, 0, 0, "" },
    { "tls", CONF_BOOL, AT(tls), "on", NULL, 0, 0, "" },
    { "tls_certcheck", CONF_BOOL, AT(check), "on", NULL, 0, 0, "" },
    { "tls_nocertcheck", CONF_NOT, AT(check), NULL, NULL, 0, 0, "" },
    { "port", CONF_U16, AT(port), "25", NULL, 1, 65535, "" },
    { "timeout", CONF_SECONDS, AT(timeout), "off", NULL, 0, 3600, "" },
    { "source_ip", CONF_IPV4, AT(addr), NULL, NULL, 0, 0, "" },
    { "auth", CONF_CHOICE, AT(auth), "off", auths, 0, 0, "" },
    { "to", CONF_LIST, AT(to), NULL, NULL, 0, 0, "" },
    { "tls_fingerprint", CONF_HEX32, AT(print), NULL, NULL, 0, 0, "" },
    { "logfile", CONF_IGNORED, AT(log), NULL, NULL, 0, 0, "" },
    { "passwordeval", CONF_HOST_ONLY, 0, "", NULL, 0, 0, "no shell" },
};

#define KEYS keys, sizeof keys / sizeof *keys

static struct out out;
static struct conf_error err;

/* In a block of its exact size, so that a byte too far is seen. */
static char *text_copy;

static bool parse_bytes(const void *text, size_t len, const char *account)
{
    free(text_copy);
    text_copy = malloc(len != 0 ? len : 1);
    memcpy(text_copy, text, len);
    memset(&out, 0, sizeof out);
    if (!conf_defaults(KEYS, &out, &err))
        return false;
    return conf_parse(KEYS, &out, "rc", blob_of(text_copy, len),
                      blob_str(account), &err);
}

static bool parse(const char *text, const char *account)
{
    return parse_bytes(text, strlen(text), account);
}

static bool cmdline(const char *text)
{
    size_t len = strlen(text);

    free(text_copy);
    text_copy = malloc(len != 0 ? len : 1);
    memcpy(text_copy, text, len);
    memset(&out, 0, sizeof out);
    return conf_defaults(KEYS, &out, &err) &&
           conf_cmdline(KEYS, &out, blob_of(text_copy, len), &err);
}

#define IS(blob, want) CHECK_MEM((blob).p, (blob).len, want, strlen(want))

static void defaults(void)
{
    CHECK(parse("", ""));
    CHECK(out.host.p == NULL);
    CHECK_EQ(out.port, 25);
    CHECK_EQ(out.timeout, 0);
    CHECK(out.tls);
    CHECK_EQ(out.auth, 0);
    CHECK_EQ(out.to.count, 0);
}

static void values(void)
{
    CHECK(parse(" host   a b \t\r\nfrom\tx@y # c\n#port 3\n  # port 4\n"
                "tls off\nauth\nport 587\ntimeout 30\nlogfile ~/x\n"
                "source_ip 10.0.2.15\nuser \"a \"b\"\npassword \" p\" ",
                ""));
    IS(out.host, "a b");
    IS(out.from, "x@y # c");
    IS(out.user, "a \"b");
    IS(out.password, " p");
    CHECK(!out.tls);
    CHECK_EQ(out.auth, 1);
    CHECK_EQ(out.port, 587);
    CHECK_EQ(out.timeout, 30);
    CHECK_EQ(out.addr, 0x0a00020f);
    CHECK(out.log);
    CHECK(parse("\xef\xbb\xbfhost a\nfrom \"\"\nuser\nhost \"b\n", ""));
    IS(out.host, "\"b");
    CHECK(out.from.p != NULL && out.from.len == 0);
    CHECK(out.user.p != NULL && out.user.len == 0);
    CHECK(parse("tls off\ntls\ntls_nocertcheck\n", ""));
    CHECK(out.tls && !out.check);
}

static void fingerprint(void)
{
    char line[128] = "tls_fingerprint ";
    int i;

    for (i = 0; i < 32; i++)
        snprintf(line + strlen(line), 8, i == 0 ? "%02x" : ":%02X", i * 8);
    CHECK(parse(line, ""));
    CHECK_EQ(out.print.len, 32);
    CHECK_EQ(out.print.byte[31], 248);
    line[strlen(line) - 1] = '\0';
    CHECK(!parse(line, ""));
    CHECK(parse("tls_fingerprint", ""));
    CHECK_EQ(out.print.len, 0);
}

static void lists(void)
{
    CHECK(parse("to a@b, \"c,\\\"d\"@e ,f@g\nto h@i\n", ""));
    CHECK_EQ(out.to.count, 4);
    IS(out.to.item[1], "\"c,\\\"d\"@e");
    IS(out.to.item[3], "h@i");
    /* an account's own list replaces what it inherits */
    CHECK(parse("defaults\nto x@y\naccount a\nhost h\naccount b : a\nto q@r\n"
                "to s@t\n",
                "b"));
    CHECK_EQ(out.to.count, 2);
    CHECK(parse("account a\nto x@y\naccount b : a\nhost h\n", "b"));
    CHECK_EQ(out.to.count, 1);
    CHECK(parse("to x@y\nto\n", ""));
    CHECK_EQ(out.to.count, 0);
    CHECK(!parse("to a@b,,c@d\n", ""));
    CHECK_EQ(err.line, 1);
    CHECK_EQ(err.column, 4);
}

static void list_limit(void)
{
    static char text[7 * CONF_LIST_MAX + 8];
    size_t i;

    for (i = 0; i < CONF_LIST_MAX; i++)
        memcpy(text + 7 * i, "to a@b\n", 7);
    CHECK(parse(text, ""));
    CHECK_EQ(out.to.count, CONF_LIST_MAX);
    memcpy(text + 7 * i, "to a@b\n", 7);
    CHECK(!parse(text, ""));
    CHECK_STR(err.why, "to has too many items; the limit is 100");
    CHECK_EQ(err.line, CONF_LIST_MAX + 1);
}

static void accounts(void)
{
    /* a parent's own keys count, not the defaults it had */
    CHECK(parse("defaults\nport 99\naccount a\nhost h\ndefaults\nport 77\n"
                "account b : a\nfrom q\naccount default : b\n",
                ""));
    IS(out.host, "h");
    IS(out.from, "q");
    CHECK_EQ(out.port, 77);
    CHECK(parse("account a\nhost h\nport 5\ndefaults\nport 6\naccount b:a\n"
                "user u\ndefaults\nport 7\naccount default : b\n",
                ""));
    CHECK_EQ(out.port, 5);
    IS(out.user, "u");
    CHECK(parse("account a\nhost h\naccount c\nport 98\nhost c\n"
                "account b : a, c\n",
                "b"));
    IS(out.host, "c");
    CHECK_EQ(out.port, 98);
    /* defaults behind an account are not its own */
    CHECK(parse("account a\nhost h\ndefaults\nport 7\n", ""));
    CHECK_EQ(out.port, 25);
    /* loose keys are the account default, which others may inherit */
    CHECK(parse("host h\naccount b : default\nport 9\n", "b"));
    IS(out.host, "h");
    CHECK(parse("host h\naccount b\nport 9\n", ""));
    CHECK_EQ(out.port, 25);
    CHECK(parse("account \"default\"\nhost x\n", ""));
    IS(out.host, "x");
    CHECK(parse("account x y\nhost x\n", "x y"));
}

static void other_accounts(void)
{
    /* a key that is refused matters only where it is used */
    const char *text = "account a\nhost h\npasswordeval cat x\n"
                       "account b\nhost i\npasswordeval\n";

    CHECK(parse(text, "b"));
    CHECK(!parse(text, "a"));
    CHECK_EQ(err.line, 3);
    CHECK_EQ(err.column, 14);
    CHECK_STR(err.why, "passwordeval is refused: no shell");
}

struct bad {
    const char *text;
    unsigned line, column;
    const char *why;
};

static void errors(void)
{
    static const struct bad bad[] = {
        { "host a\n  prot 3\n", 2, 3, "unknown key; did you mean port?" },
        { "Host a\n", 1, 1, "unknown key; did you mean host?" },
        { "tls_cert_check on\n", 1, 1,
          "unknown key; did you mean tls_certcheck?" },
        { "passwrod hunter2\n", 1, 1, "unknown key; did you mean password?" },
        { "hunter2\n", 1, 1, "unknown key" },
        { "\n\ntls  maybe\n", 3, 6, "tls must be on or off, not \"maybe\"" },
        { "port smtp\n", 1, 6, "port must be a number from 1 to 65535" },
        { "port 0\n", 1, 6, "port must be a number from 1 to 65535" },
        { "port 65536\n", 1, 6, "port must be a number from 1 to 65535" },
        { "port 4294967297\n", 1, 6, "port must be a number from 1 to 65535" },
        { "port\n", 1, 1, "port must be a number from 1 to 65535" },
        { "timeout 0\n", 1, 9,
          "timeout must be off or seconds from 1 to "
          "3600" },
        { "auth kerberos\n", 1, 6,
          "auth must be off, on or plain, not "
          "\"kerberos\"" },
        { "auth \x80\xff\n", 1, 6,
          "auth must be off, on or plain, not "
          "\"??\"" },
        { "source_ip 1.2.3\n", 1, 11,
          "source_ip must be an IPv4 address, "
          "not \"1.2.3\"" },
        { "source_ip 1.2.3.04\n", 1, 11,
          "source_ip must be an IPv4 address, "
          "not \"1.2.3.04\"" },
        { "source_ip 1.2.3.256", 1, 11,
          "source_ip must be an IPv4 address, "
          "not \"1.2.3.256\"" },
        { "tls_fingerprint 00:11\n", 1, 17,
          "tls_fingerprint must be a SHA-256 fingerprint, 32 bytes as "
          "01:23:.., not \"00:11\"" },
        { "host a\001b\n", 1, 6, "host holds a control character" },
        { "password se\001cret\n", 1, 10,
          "password holds a control "
          "character" },
        { "account a\naccount a\n", 2, 9, "account \"a\" is there already" },
        { "host h\naccount default\n", 2, 9,
          "account \"default\" is there already" },
        { "account default : a\n", 1, 19,
          "account \"a\" is not defined above this line" },
        { "account a\naccount b : a,\n", 2, 15, "an account name is missing" },
        { "account\n", 1, 1, "account needs a name" },
        { "account : a\n", 1, 1, "account needs a name" },
        { "account a :\n", 1, 12, "an account name is missing" },
        { "defaults x\n", 1, 10, "defaults takes no value" },
        { "account a\nhost h\naccount b\ntls no\n", 4, 5,
          "tls must be on or off, not \"no\"" },
        { "account a\nhost h\naccount b\nhost i\n", 0, 0,
          "there is no account \"default\": choose one with account=NAME" },
    };
    size_t i;

    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(!parse(bad[i].text, ""));
        if (!CHECK_STR(err.why, bad[i].why) ||
            !CHECK_EQ(err.line, bad[i].line) ||
            !CHECK_EQ(err.column, bad[i].column))
            printf("  in: %s\n", bad[i].text);
        CHECK_STR(err.file, "rc");
    }
    CHECK(!parse("account a\nhost h\n", "x"));
    CHECK_STR(err.why, "there is no account \"x\"");
}

/* Inheritance that doubles at each step must not take forever. */
static void doubling(void)
{
    char text[4096] = "account a0\nhost h\n";
    int i;

    for (i = 1; i < 60; i++)
        snprintf(text + strlen(text), 64, "account a%d : a%d, a%d\n", i, i - 1,
                 i - 1);
    CHECK(!parse(text, "a59"));
    CHECK_STR(err.why, "too many accounts inherited from");
    CHECK(parse(text, "a4"));
    IS(out.host, "h");
}

static void long_line(void)
{
    static char text[100020] = "password ";
    size_t i;

    for (i = 9; i < 100009; i++)
        text[i] = 'x';
    CHECK(parse(text, ""));
    CHECK_EQ(out.password.len, 100000);
}

static void command_line(void)
{
    CHECK(cmdline("console=ttyS0 quiet host=h port=587 tls BOOT_IMAGE=/x "
                  "prot=3 user=\"a b\" \"from=c d\" tls_certcheck=off "
                  "virtio_mmio.device=512@0xfeb00e00:12"));
    IS(out.host, "h");
    IS(out.user, "a b");
    IS(out.from, "c d");
    CHECK_EQ(out.port, 587);
    CHECK(out.tls && !out.check);
    CHECK(cmdline("console=x -- host=h auth to=a@b,c@d "
                  "virtio_mmio.device=512@0xfeb00e00:12 from=\"\""));
    CHECK_EQ(out.auth, 1);
    CHECK_EQ(out.to.count, 2);
    CHECK(out.from.p != NULL && out.from.len == 0);
    CHECK(cmdline("host=a host=b  to=a@b to=c@d"));
    IS(out.host, "b");
    CHECK_EQ(out.to.count, 2);
    CHECK(cmdline("x=\"open host=h"));
    CHECK(cmdline(""));
    CHECK(!cmdline("host=\"open port=3"));
    CHECK_STR(err.why, "a quote is not closed");
    CHECK(!cmdline("host=h -- hots=i"));
    CHECK_STR(err.why, "unknown key; did you mean host?");
    CHECK_STR(err.file, "command line");
    CHECK_EQ(err.column, 11);
    CHECK(!cmdline("host=h port=x"));
    CHECK_EQ(err.column, 13);
    CHECK(!cmdline("-- quiet"));
    CHECK(!cmdline("passwordeval=ls"));
}

static void replaces(void)
{
    static const char line[] = "to=z@z";

    CHECK(parse("to a@b\nto c@d\nport 3\n", ""));
    CHECK(conf_cmdline(KEYS, &out, blob_of(line, 6), &err));
    CHECK_EQ(out.to.count, 1);
    CHECK_EQ(out.port, 3);
}

static void printing(void)
{
    char text[64];
    size_t i, n;

    CHECK(parse("host h\nuser u\npassword sesame\ntls off\nport 7\nto a@b\n"
                "to c@d\nauth on\nsource_ip 10.0.2.15\ntimeout off\n",
                ""));
    static const char *const want[] = {
        "host h",
        "user u",
        "from ",
        "password ***",
        "tls off",
        "tls_certcheck on",
        "tls_nocertcheck off",
        "port 7",
        "timeout off",
        "source_ip 10.0.2.15",
        "auth on",
        "to a@b, c@d",
        "tls_fingerprint ",
        "logfile off",
        "passwordeval ",
    };
    for (i = 0; i < sizeof keys / sizeof *keys; i++) {
        n = conf_print(&keys[i], &out, text, sizeof text);
        CHECK_MEM(text, n, want[i], strlen(want[i]));
        CHECK_EQ(conf_print(&keys[i], &out, text, 3), 3);
    }
}

/* Lines made of pieces that mean something, and pure noise: any answer, but
 * no crash, and every refusal has its reason and a place in the text. */
static void noise(void)
{
    static const char *const piece[] = {
        "account ",
        "default",
        "defaults",
        " : ",
        "a",
        "b",
        ",",
        "\n",
        "\n",
        "\n",
        "\r\n",
        "host ",
        "to ",
        "tls ",
        "on",
        "off",
        "\"",
        "#",
        " ",
        "\t",
        "password ",
        "port 25",
        "tls_fingerprint ",
        "00:",
        "=",
        "--",
        "virtio_mmio.",
        "source_ip 1.2.3.4",
        "auth",
        "\xef\xbb\xbf",
        "timeout",
    };
    uint64_t r = check_seed;
    unsigned round;

    for (round = 0; round < 100000; round++) {
        char text[160];
        size_t len = 0, want = check_random(&r) % sizeof text;

        while (len < want) {
            uint64_t x = check_random(&r) >> 8;
            const char *p = piece[x % (sizeof piece / sizeof *piece)];
            size_t n = strlen(p);

            if (round % 4 == 0) {
                text[len++] = (char)x;
            } else {
                n = n < sizeof text - len ? n : sizeof text - len;
                memcpy(text + len, p, n);
                len += n;
            }
        }
        if (!parse_bytes(text, len, round % 3 == 0 ? "a" : "") &&
            (!CHECK(err.why[0] != '\0') || !CHECK(err.line <= len + 1)))
            return;
        memset(&out, 0, sizeof out);
        if (!conf_cmdline(KEYS, &out, blob_of(text_copy, len), &err) &&
            !CHECK(err.why[0] != '\0' && err.column != 0))
            return;
    }
}

static const struct check_case cases[] = {
    { "defaults", defaults },
    { "values", values },
    { "fingerprint", fingerprint },
    { "lists", lists },
    { "list_limit", list_limit },
    { "accounts", accounts },
    { "other_accounts", other_accounts },
    { "errors", errors },
    { "doubling", doubling },
    { "long_line", long_line },
    { "command_line", command_line },
    { "replaces", replaces },
    { "printing", printing },
    { "noise", noise },
};

CHECK_MAIN(cases)
