#!/usr/bin/python3
"""dkimverify.py RECORD - dkimpy's verdict on each message named on standard
input, one line each: good, or why not. RECORD: the TXT record's text."""
import sys

import dkim

record = sys.argv[1].encode()
for path in sys.stdin.read().split():
    with open(path, 'rb') as f:
        message = f.read()
    try:
        good = dkim.DKIM(message).verify(dnsfunc=lambda *_, **__: record)
        print('good' if good else 'bad')
    except dkim.DKIMException as e:
        print('bad:', e)
