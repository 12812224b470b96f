/*
 * mime.h - the pieces of MIME that a sender needs: base64 lines, encoded
 * words, media types, file names.
 */
#ifndef SMTP_MIME_H
#define SMTP_MIME_H

#include "smtp.h"
#include "text.h"

#define MIME_LINE_IN  57 /* bytes that make one base64 line (RFC 2045 6.8) */
#define MIME_LINE_OUT 78 /* that line with its CRLF                       */

/* Base64 lines, each with CRLF; n is a multiple of MIME_LINE_IN but at the
 * end of the data. */
void mime_base64(struct text *, const uint8_t *from, size_t n);
uint64_t mime_base64_size(uint64_t n); /* octets of the lines for n bytes */

/* The same for text, whose line ends count as CRLF (6.8): fills out with the
 * bytes to encode, from where *at and *half (zeroed at first: inside a line
 * end) stand. Returns how many. */
size_t mime_canonical(const uint8_t *p, size_t n, size_t *at, bool *half,
                      uint8_t *out, size_t room);

/* One line of quoted-printable, MIME_LINE_OUT octets at most with its line
 * end, from a text whose lines end in LF or CRLF; p is where the last call
 * stopped. Returns the bytes used. Whatever the bytes, they come back. */
size_t mime_qp_line(struct text *, const uint8_t *p, size_t n);
/* Quoted-printable would leave it readable, and shorter than base64. */
bool mime_readable(const uint8_t *p, size_t n);

/* True if every byte is printable ASCII. */
bool mime_ascii(struct smtp_str s);
bool mime_utf8(const uint8_t *p, size_t n);
bool mime_eight_bit(struct smtp_str s); /* a byte over 0x7f */
/* ASCII that nobody takes for an encoded word. */
bool mime_plain(struct smtp_str s);

#define MIME_WORD_BYTES 42 /* that an encoded word carries at most         */

/* How many bytes an encoded word can carry that begins at this column of a
 * line of 76 (RFC 2047 2); never less than one character. */
size_t mime_word_room(size_t column, bool utf8);
/* How many bytes of s, at most room, make one encoded word without cutting a
 * character. */
size_t mime_word_bytes(struct smtp_str s, size_t room);
/* "=?utf-8?B?...?=", at most 75 characters (RFC 2047 2). */
void mime_word(struct text *, struct smtp_str s, bool utf8);
/* All of s as encoded words from this column on, each further one on a line
 * of its own. */
void mime_words(struct text *, struct smtp_str s, size_t column, bool utf8);

/* Where to fold ASCII for a line with this much room: before a blank, a single
 * one if there is one. All of s if it fits or has no such place. */
size_t mime_fold(struct smtp_str s, size_t room);

/* s in double quotes with the escapes of RFC 5322 3.2.4. */
void mime_quoted(struct text *, struct smtp_str s);

/* The media type that the file name's ending stands for. */
const char *mime_type(struct smtp_str name);

/* One line "; filename..." of Content-Disposition from offset *at of name
 * (RFC 2183; RFC 2231 3 and 4 where a quoted string will not do); section
 * counts the calls. False when the name is through. */
bool mime_filename(struct text *, struct smtp_str name, size_t *at,
                   unsigned section);

#endif
