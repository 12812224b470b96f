#!/usr/bin/python3
"""dkimsign.py KEY.pem rsa|ed25519 CANON - signs each message named on standard
input by dkimpy, into a file of that name with ".signed" behind it. CANON: r/r,
r/s, s/r or s/s."""
import base64
import sys

import dkim

key, algorithm, form = sys.argv[1:]
with open(key, 'rb') as f:
    pem = f.read()
if algorithm == 'ed25519':  # it takes the seed alone, in base64
    der = base64.b64decode(b''.join(pem.split(b'\n')[1:-2]))
    pem = base64.b64encode(der[-32:])
words = {'r': b'relaxed', 's': b'simple'}
for path in sys.stdin.read().split():
    with open(path, 'rb') as f:
        message = f.read()
    field = dkim.DKIM(message, signature_algorithm=algorithm.encode() +
                      b'-sha256').sign(
        b's1', b'mail.test', pem, length=path[-1] in '02468',
        canonicalize=(words[form[0]], words[form[2]]))
    with open(path + '.signed', 'wb') as f:
        f.write(field + message)
