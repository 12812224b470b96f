"""One message stays one: dots, bare CR and LF, line ends where none belong.

The bytes between DATA and the final dot are looked at as they came, not as a
lenient server would read them: a bare CR or LF there ends the message for one
server on the way and not for another (CVE-2023-51764 and its kin).
"""
import re

from fake import Dialogue
from harness import check, equal
from lab import head
from scenario import USERS, WHO, group, row

group('smuggling')

EVIL = b'MAIL FROM:<evil@mail.test>\nRCPT TO:<victim@mail.test>\nDATA\nevil'


def one_message(body, wanted=None):
    """The server has heard one MAIL, and this text, dots undone."""
    def also(run, wires):
        if run.status != 0:
            return
        w, = wires
        mails = [x for x in w.lines if x.upper().startswith(b'MAIL')]
        equal(len(mails), 1, 'MAIL commands', run)
        equal(len(w.messages), 1, 'messages', run)
        raw = w.inside[w.inside.index(b'DATA\r\n') + 6:]
        raw = raw[:raw.rindex(b'\r\n.\r\n') + 5]
        check(not re.search(rb'\r(?!\n)|(?<!\r)\n', raw),
              'a bare CR or LF is on the wire', run)
        check(b'\0' not in raw, 'a NUL is on the wire', run)
        if run.ours:
            got = w.messages[0]['data']
            equal(got, wanted if wanted is not None else
                  body.replace(b'\r\n', b'\n').replace(b'\n', b'\r\n'),
                  'the message', run)
    return also


BODIES = {
    'dot-alone': b'.\n', 'dot-first': b'.hidden\n', 'dots': b'..\n...\n.\n.\n',
    'dot-crlf-dot': b'a\r\n.\r\n' + EVIL.replace(b'\n', b'\r\n') + b'\r\n',
    'dot-lf-dot': b'a\n.\n' + EVIL + b'\n',
    'dot-lf-dot-crlf': b'a\n.\r\n' + EVIL + b'\n',
    'dot-crlf-dot-lf': b'a\r\n.\n' + EVIL + b'\n',
    'dot-twice': b'a\n.\n.\n.\n',
    'dot-at-end': b'the end\n.', 'dot-behind-blank': b'\n\n.\n\n.\n',
    'quit-inside': b'.\nQUIT\n.\nRSET\n',
    'ends-with-crlf-dot': b'a\r\n.\r\n',
}
for name, body in BODIES.items():
    whole = head('smuggle') + body
    wanted = whole.replace(b'\r\n', b'\n').replace(b'\n', b'\r\n')
    row(f'body-{name}', {}, 0, message=1, body=whole,
        also=one_message(whole, wanted if wanted.endswith(b'\r\n')
                         else wanted + b'\r\n'),
        vm=name == 'dot-lf-dot-crlf')

# a bare CR: refused (65), never sent as it is
CARRIAGE = {
    'cr-dot-cr': b'a\r.\r' + EVIL + b'\n', 'lf-dot-cr': b'a\n.\r' + EVIL + b'\n',
    'cr-dot-lf': b'a\r.\n' + EVIL + b'\n',
    'crlf-dot-cr': b'a\r\n.\r' + EVIL + b'\n',
    'cr-cr-lf': b'a\r\r\n.\r\r\n' + EVIL + b'\n', 'cr-at-end': b'a\nb\r',
    'cr-in-header': None, 'nul': b'a\0\n.\0\n', 'nul-before-dot': b'a\n\0.\n',
}
whole_header = head('cr').replace(
    b'Subject: cr', b'Subject: cr\rBcc: victim@mail.test') + b'x\n'
for name, body in CARRIAGE.items():
    whole = head('cr') + body if body else whole_header
    row(f'body-{name}', {}, 65, 'line', message=0, body=whole, withheld=True,
        vm=name == 'cr-dot-cr')
    if name.startswith('nul') or not body:
        continue
    row(f'body-{name}-repaired', {}, 0, message=1, body=whole,
        more='repair_message on\n', also=one_message(whole, re.sub(
            rb'\r\n|\r|\n', b'\r\n', whole) + (
                b'' if whole[-1:] in b'\r\n' else b'\r\n')))

row('body-cr-in-header-repaired', {}, 0, message=1, body=whole_header,
    more='repair_message on\n', also=one_message(whole_header, whole_header
                                                 .replace(b'\r', b' ')
                                                 .replace(b'\n', b'\r\n')))

LONG = head('long') + b'x' * 998 + b'\n' + b'y' * 997 + b'\n.' + b'z' * 997 + \
    b'\n'
row('body-longest-lines', {}, 0, message=1, body=LONG, also=one_message(LONG))


def one_by_one(peer):
    """The server takes a byte at a time and answers only at the end."""
    peer.sock.setsockopt(1, 8, 1024)    # SOL_SOCKET, SO_RCVBUF
    Dialogue(users=USERS)(peer)


DOTS = head('many-dots') + b'.\n..\n' * 20000
row('body-dots-at-every-edge', one_by_one, 0, message=1, body=DOTS,
    also=one_message(DOTS), timeout=60)


# ----------------------------------------- commands inside what is not text

def heard_nothing_of(*words):
    def also(run, wires):
        for w in wires:
            for line in w.lines:
                for word in words:
                    check(word not in line, f'{word} is a command', run)
    return also


OTHERS_QUOTE = 'an argument list of another shape'
for name, rcpt in (('crlf', 'rcpt@mail.test>\r\nRCPT TO:<victim@mail.test'),
                   ('lf', 'rcpt@mail.test\nRCPT TO:<victim@mail.test>'),
                   ('cr', 'rcpt@mail.test\rDATA'),
                   ('angle', 'rcpt@mail.test> SIZE=1 <victim@mail.test'),
                   ('blank', 'rcpt@mail.test NOTIFY=NEVER'),
                   ('quoted-crlf', '"a\r\nDATA\r\nb"@mail.test')):
    row(f'rcpt-argument-{name}', {}, (64, 65, 78), message=0, rcpts=(rcpt,),
        withheld=True, also=heard_nothing_of(b'victim', b'NEVER'))
for name, sender in (('angle', 'a@mail.test> AUTH=<x'),
                     ('blank', 'a@mail.test SIZE=1'),
                     ('cr', 'a@mail.test\rRCPT TO:<victim@mail.test>')):
    row(f'sender-{name}', {}, 78, message=0, sender=sender, withheld=True,
        also=heard_nothing_of(b'victim', b'AUTH=', b'SIZE=1 '))
for name, domain in (('blank', 'a b'), ('angle', 'a>'), ('cr', 'a\rb'),
                     ('8-bit', 'a\u00e9')):
    row(f'ehlo-name-{name}', {}, 78, 'domain', message=0, withheld=True,
        more=f'domain {domain}\n')
row('user-with-line-end', {'users': {WHO: 'x'}}, 78, message=0, withheld=True,
    more='user "a\rb"\n')
