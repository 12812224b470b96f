/*
 * mime.c - see mime.h. RFC 2045 (base64), 2047 (encoded words), 2183 and
 * 2231 (file names).
 */
#include "mime.h"

#include <string.h>

#include "base64.h"

#define WORD_LINE  76 /* columns of a line with encoded words (RFC 2047 2) */
#define NAME_PLAIN 60 /* longest file name given as one quoted string     */
#define NAME_PIECE 54 /* characters of an RFC 2231 section                */

void mime_base64(struct text *t, const uint8_t *from, size_t n)
{
    char line[MIME_LINE_OUT];

    while (n != 0) {
        size_t take = n < MIME_LINE_IN ? n : MIME_LINE_IN;

        text_mem(t, line, base64_encode(line, from, take));
        text_str(t, "\r\n");
        from += take;
        n -= take;
    }
}

size_t mime_canonical(const uint8_t *p, size_t n, size_t *at, bool *half,
                      uint8_t *out, size_t room)
{
    size_t made = 0;

    while (*at < n && made < room) {
        uint8_t c = p[*at];
        bool bare = c == '\n' && (*at == 0 || p[*at - 1] != '\r');

        if (bare && !*half) {
            out[made++] = '\r';
            *half = true;
            continue;
        }
        *half = false;
        out[made++] = c;
        ++*at;
    }
    return made;
}

uint64_t mime_base64_size(uint64_t n)
{
    return (n + 2) / 3 * 4 + (n + MIME_LINE_IN - 1) / MIME_LINE_IN * 2;
}

bool mime_ascii(struct smtp_str s)
{
    size_t i;

    for (i = 0; i < s.len; i++) {
        if (s.p[i] < 0x20 || s.p[i] > 0x7e)
            return false;
    }
    return true;
}

bool mime_eight_bit(struct smtp_str s)
{
    size_t i;

    for (i = 0; i < s.len; i++)
        if ((uint8_t)s.p[i] > 0x7f)
            return true;
    return false;
}

bool mime_plain(struct smtp_str s)
{
    return mime_ascii(s) && !text_contains(s.p, s.len, "=?");
}

bool mime_utf8(const uint8_t *p, size_t n)
{
    while (n != 0) {
        size_t c = *p < 0x80 ? 1 : text_char((const char *)p, n);

        if (c == 0)
            return false;
        p += c;
        n -= c;
    }
    return true;
}

size_t mime_word_room(size_t column, bool utf8)
{
    size_t around = utf8 ? 12 : 19; /* characters of a word without text */
    size_t room;

    if (column + around + 8 > WORD_LINE)
        return 4;
    room = (WORD_LINE - column - around) / 4 * 3;
    return room < MIME_WORD_BYTES ? room : MIME_WORD_BYTES;
}

size_t mime_word_bytes(struct smtp_str s, size_t room)
{
    size_t n = 0, c;

    if (s.len <= room)
        return s.len;
    while (n < room) {
        c = text_char(s.p + n, s.len - n);
        if (c == 0) /* not UTF-8: there are no characters to cut */
            c = 1;
        if (n + c > room)
            break;
        n += c;
    }
    return n;
}

void mime_word(struct text *t, struct smtp_str s, bool utf8)
{
    char coded[(MIME_WORD_BYTES + 2) / 3 * 4];

    text_str(t, utf8 ? "=?utf-8?B?" : "=?unknown-8bit?B?");
    text_mem(t, coded, base64_encode(coded, (const uint8_t *)s.p, s.len));
    text_str(t, "?=");
}

void mime_words(struct text *t, struct smtp_str s, size_t column, bool utf8)
{
    for (; s.len != 0; column = 1) {
        size_t room = mime_word_room(column, utf8);
        struct smtp_str piece = { s.p, mime_word_bytes(s, room) };

        mime_word(t, piece, utf8);
        s.p += piece.len;
        s.len -= piece.len;
        if (s.len != 0)
            text_str(t, "\r\n ");
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

size_t mime_fold(struct smtp_str s, size_t room)
{
    size_t i, single = s.len, any = s.len, last = s.len;

    if (s.len <= room)
        return s.len;
    while (last != 0 && is_blank(s.p[last - 1]))
        last--; /* no line is made of blanks alone */
    for (i = 1; i < last && (i <= room || (single == s.len && any == s.len));
         i++) {
        if (!is_blank(s.p[i]) || is_blank(s.p[i - 1]) || s.p[i - 1] == '\\')
            continue;
        if (!is_blank(s.p[i + 1]))
            single = i;
        else
            any = i;
    }
    return single != s.len ? single : any;
}

void mime_quoted(struct text *t, struct smtp_str s)
{
    size_t i;

    text_str(t, "\"");
    for (i = 0; i < s.len; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\')
            text_str(t, "\\");
        text_mem(t, s.p + i, 1);
    }
    text_str(t, "\"");
}

struct media {
    const char *ending, *type;
};

const char *mime_type(struct smtp_str name)
{
    /* message/rfc822 may not be base64 (RFC 2046 5.2.1): .eml is not here */
    static const struct media table[] = {
        { "txt", "text/plain; charset=utf-8" },
        { "log", "text/plain; charset=utf-8" },
        { "conf", "text/plain; charset=utf-8" },
        { "md", "text/markdown; charset=utf-8" },
        { "csv", "text/csv; charset=utf-8" },
        { "htm", "text/html; charset=utf-8" },
        { "html", "text/html; charset=utf-8" },
        { "diff", "text/x-diff; charset=utf-8" },
        { "patch", "text/x-diff; charset=utf-8" },
        { "ics", "text/calendar; charset=utf-8" },
        { "json", "application/json" },
        { "xml", "application/xml" },
        { "pdf", "application/pdf" },
        { "zip", "application/zip" },
        { "gz", "application/gzip" },
        { "tgz", "application/gzip" },
        { "bz2", "application/x-bzip2" },
        { "xz", "application/x-xz" },
        { "zst", "application/zstd" },
        { "tar", "application/x-tar" },
        { "pcap", "application/vnd.tcpdump.pcap" },
        { "doc", "application/msword" },
        { "docx", "application/vnd.openxmlformats-officedocument."
                  "wordprocessingml.document" },
        { "xls", "application/vnd.ms-excel" },
        { "xlsx", "application/vnd.openxmlformats-officedocument."
                  "spreadsheetml.sheet" },
        { "odt", "application/vnd.oasis.opendocument.text" },
        { "ods", "application/vnd.oasis.opendocument.spreadsheet" },
        { "png", "image/png" },
        { "jpg", "image/jpeg" },
        { "jpeg", "image/jpeg" },
        { "gif", "image/gif" },
        { "webp", "image/webp" },
        { "svg", "image/svg+xml" },
        { "mp3", "audio/mpeg" },
        { "wav", "audio/wav" },
        { "mp4", "video/mp4" },
    };
    size_t dot = name.len, i;

    while (dot != 0 && name.p[dot - 1] != '.')
        dot--;
    for (i = 0; dot != 0 && i < sizeof table / sizeof *table; i++) {
        if (text_same(name.p + dot, name.len - dot, table[i].ending))
            return table[i].type;
    }
    return "application/octet-stream";
}

/* attribute-char of RFC 2231 7, less than all of them */
static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

static void percent(struct text *t, char c)
{
    static const char hex[] = "0123456789ABCDEF";
    char coded[3];

    coded[0] = '%';
    coded[1] = hex[(uint8_t)c >> 4];
    coded[2] = hex[(uint8_t)c & 15];
    text_mem(t, coded, sizeof coded);
}

bool mime_filename(struct text *t, struct smtp_str name, size_t *at,
                   unsigned section)
{
    size_t start = t->len;

    if (section != 0 && *at >= name.len)
        return false;
    if (section == 0 && name.len <= NAME_PLAIN && mime_plain(name)) {
        text_str(t, ";\r\n filename=");
        mime_quoted(t, name);
        *at = name.len;
        return true;
    }
    text_str(t, ";\r\n filename*");
    text_u64(t, section);
    text_str(t, "*=");
    if (section == 0)
        text_str(t, mime_utf8((const uint8_t *)name.p, name.len)
                        ? "utf-8''"
                        : "unknown-8bit''");
    for (; *at < name.len && t->len - start < 18 + NAME_PIECE; ++*at) {
        if (is_plain(name.p[*at]))
            text_mem(t, name.p + *at, 1);
        else
            percent(t, name.p[*at]);
    }
    return true;
}
