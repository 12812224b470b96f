"""A body that shows whether every byte arrives as it was sent: leading dots,
8-bit text, lines of 998 bytes, no final newline."""
BODY = (b'..two dots\n.\n.one dot\nline\n...\n'
        b'\xc3\xa4\xc3\xb6\xc3\xbc 8-bit \xff\xfe\n' + b'x' * 998 + b'\n' +
        b'.' * 998 + b'\n\n\nno final newline')
