"""What the cases of rate_limit and of its digest share."""
import os
import re

from harness import check, equal
from spoollab import got

OLD = 3600


def alert(n, more=''):
    return (f'From: Robot <robot@mail.test>\nTo: ops@mail.test\n'
            f'Subject: alert {n}\nDate: Thu, 26 Nov 2026 10:00:{n:02} +0000\n'
            f'Message-ID: <alert-{n}@mail.test>\n{more}\n'
            f'.disk {n} is full\n\nFrom here on: look.\n').encode()


def held(q):
    """{address: names of the messages that are held for it}"""
    out = {}
    folder = os.path.join(q.spool, 'held')
    for name in os.listdir(folder):
        with open(os.path.join(folder, name, 'to')) as f:
            address = f.readline().rstrip('\n')
        check(address not in out, 'two folders for ' + address)
        out[address] = sorted(os.listdir(os.path.join(folder, name, 'mail')))
    return out


def age(q, seconds=OLD):
    """The count, as if so much time had passed."""
    path = os.path.join(q.spool, 'limit')
    with open(path) as f:
        lines = [line.split('\t', 1) for line in f]
    with open(path, 'w') as f:
        for when, rest in lines:
            f.write(f'{int(when) - seconds}\t{rest}')


def attached(m):
    """The messages in a digest, to the byte."""
    part, = [p for p in m.iter_parts()
             if p.get_content_type() == 'multipart/digest']
    equal(part.defects, [], 'defects')
    return [p.get_payload(0) for p in part.iter_parts()]


def pieces(srv, number):
    """The bytes of each message/rfc822 in the digest that came so."""
    data = [m['data'] for w in srv.wires for m in w.messages][number]
    inner = re.search(rb'multipart/digest; boundary="(.*?)"', data)[1]
    parts = data.split(b'\r\n--' + inner)[1:-1]
    return [p.split(b'\r\n\r\n', 1)[1] for p in parts]


def nothing_left(q):
    q.nothing_left()
    equal(q.entries('held'), [], 'left in held/')


def arrivals(srv):
    """{(recipient, Subject): how often}, of digests what is in them"""
    out = {}
    for _, rcpt, m in got(srv):
        inside = [m]
        if m.get_content_type() == 'multipart/mixed':
            inside = attached(m)
        for one in inside:
            for r in rcpt:
                key = r, str(one['Subject'])
                out[key] = out.get(key, 0) + 1
    return out
