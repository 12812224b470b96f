"""Servers that are wrong, strange or hostile: whatever they say or leave
unsaid, the verdict is the only right one, it comes in time, and nothing is on
the wire that must not be there.

Most cases are one row of a table: what the server does, the exit status, the
words that the reason must have. What holds for every row is in rogue.judge(): a
message that the server took is never called refused or failed, one that it
did not take is never called sent, and no secret is ever readable.
"""
import socket
import ssl
import time

from fake import Dialogue, Lost, can_post_handshake
from harness import Skip, case, check, equal
from lab import head, pki
from rogue import (SECRET, TEXT, USERS, WHO, at_dot, judge, prologue, row,
                   try_script, withheld)

# --------------------------------------------------- 421, FIN, RST anywhere

STATES = ('CONNECT', 'EHLO', 'STARTTLS', 'EHLO2', 'AUTH', 'MAIL', 'RCPT',
          'DATA', 'BODY')

for state in STATES:
    row(f'421-{state}', {'replies': {state: b'421 4.3.2 going down\r\n'}}, 75,
        ('421', 'going down'), vm=state in ('MAIL', 'BODY'), quick=10)
    row(f'421-and-close-{state}',
        {'replies': {state: b'421 4.3.2 going down\r\n'},
         'act': {state: ('after', 'close')}}, 75, ('421', 'going down'),
        quick=10)
    for end in ('close', 'reset'):
        # a RST at once makes the user network refuse the connection
        row(f'{end}-before-{state}', {'act': {state: ('before', end)}},
            79 if state == 'BODY' else (74, 75) if state == 'CONNECT' else 75,
            quick=10, vm=state in ('EHLO2', 'BODY'))
        # behind a 354 the dot may have left already when the end is seen;
        # a RST may overtake the 250
        row(f'{end}-after-{state}', {'act': {state: ('after', end)}},
            {'BODY': 0 if end == 'close' else (0, 79), 'DATA': (75, 79)}.get(
                state, 75), quick=10, vm=state == 'BODY')
for end in ('close', 'reset', 'stall'):
    row(f'{end}-at-quit', {'act': {'QUIT': ('before', end)}}, 0, quick=10,
        message=1)
row('close-after-handshake', {'act': {'TLS': ('after', 'close')}}, 75)
row('reset-after-handshake', {'act': {'TLS': ('after', 'reset')}}, 75)


# ------------------------------------------------------------ wrong replies

def reply_row(name, state, text, status, words=(), **kw):
    row(f'reply-{name}', {'replies': {state: text}}, status, words, quick=10,
        **kw)


reply_row('http', 'CONNECT', b'HTTP/1.1 400 Bad Request\r\n\r\n', 76,
          ('greeting', 'HTTP/1.1 400'), vm=True)
reply_row('ssh', 'CONNECT', b'SSH-2.0-OpenSSH_9.2\r\n', 76, 'SSH-2.0')
reply_row('greeting-354', 'CONNECT', b'354 go\r\n', 76, ('greeting', '354'))
reply_row('greeting-1xx', 'CONNECT', b'150 hi\r\n', 76)
reply_row('greeting-6xx', 'CONNECT', b'650 hi\r\n', 76)
reply_row('greeting-minus', 'CONNECT', b'-20 hi\r\n', 76)
reply_row('greeting-554', 'CONNECT', b'554 5.7.1 not you\r\n', 69, 'not you')
reply_row('greeting-surplus', 'CONNECT', b'220 hi\r\n250 early\r\n', 76,
          'never said')
reply_row('greeting-surplus-lines', 'CONNECT',
          b'220 hi\r\n' + b'250 early\r\n' * 9, 76, 'never said')
reply_row('ehlo-codes', 'EHLO', b'250-a\r\n220 b\r\n', 76, 'two codes')
reply_row('ehlo-2000-lines', 'EHLO', b'250-x\r\n' * 2000 + b'250 y\r\n', 76,
          'EHLO', vm=True)
reply_row('ehlo-64k-line', 'EHLO', b'250 ' + b'x' * 65536 + b'\r\n', 76,
          'does not end')
reply_row('ehlo-64k-lines', 'EHLO', (b'250-' + b'y' * 500 + b'\r\n') * 200, 76,
          'does not end')
reply_row('ehlo-500-lines', 'EHLO',
          [b'250-x\r\n' * 500 + b'250 STARTTLS\r\n'], 0, message=1)
reply_row('ehlo-nul-8bit', 'EHLO', [b'250-\x00\xff\xfe\x1b[2J\r\n'
                                    b'250 STARTTLS\r\n'], 0, message=1,
          vm=True)
reply_row('ehlo-lf', 'EHLO', [b'250-mail.test\n250 STARTTLS\n'], 0, message=1)
reply_row('ehlo-surplus-tls', 'EHLO2', b'250-a\r\n250 AUTH PLAIN\r\n235 in\r\n',
          76, 'never said')
reply_row('mail-354', 'MAIL', b'354 go\r\n', 76, 'MAIL')
reply_row('mail-550', 'MAIL', b'550 5.1.8 bad sender\r\n', 69, 'bad sender')
reply_row('mail-garbage', 'MAIL', b'\x00\x01\x02\r\n', 76, 'MAIL')
reply_row('rcpt-354', 'RCPT', b'354 go\r\n', 76, 'RCPT')
reply_row('rcpt-surplus', 'RCPT', b'250 ok\r\n250 ok\r\n', 76, message=0)
reply_row('data-250', 'DATA', b'250 go\r\n', 76, 'DATA', message=0)
reply_row('data-554', 'DATA', b'554 5.7.1 no\r\n', 69, '554', message=0)
reply_row('data-451', 'DATA', b'451 4.3.0 no\r\n', 75, '451', message=0)
reply_row('data-surplus', 'DATA', b'354 go\r\n250 queued\r\n', 76,
          'before the message had left', vm=True)
reply_row('dot-354', 'BODY', b'354 more\r\n', 79, '354')
reply_row('dot-garbage', 'BODY', b'hello\r\n', 79, 'hello')
reply_row('dot-6xx', 'BODY', b'650 what\r\n', 79, '650')
reply_row('dot-bare', 'BODY', b'250\r\n', 0, message=1)
reply_row('dot-lines', 'BODY', b'250-a\r\n250-b\r\n250 c\r\n', 0, message=1)
reply_row('dot-surplus', 'BODY', b'250 a\r\n550 b\r\n', 0, message=1)
reply_row('dot-452', 'BODY', b'452 4.3.1 full\r\n', 75, 'full')
reply_row('dot-552', 'BODY', b'552 5.2.2 full\r\n', 69, 'full')
row('bytes-and-gaps', {}, 0, message=1, piece=7, gap=0.001)


def endless(peer):
    peer.reply('220 hi')
    peer.expect(rb'EHLO .*')
    while True:
        peer.send(b'250-' + b'z' * 60 + b'\r\n')


row('reply-without-end', endless, 76, 'EHLO', quick=10)


# ----------------------------------------------------------------- STARTTLS

def inject(*parts, gap=0.0):
    """220 and what follows it in clear; each part is a segment."""
    def script(peer):
        peer.reply('220 mail.test ESMTP')
        peer.expect(rb'EHLO .*')
        peer.send(b'250-mail.test\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS\r\n')
        peer.expect(rb'STARTTLS')
        for part in parts:
            peer.send(part)
            if gap:
                peer.sleep(gap)
        peer.tls()
        peer.expect(rb'EHLO .*')
        peer.send(b'250-mail.test\r\n250 AUTH PLAIN\r\n')
        peer.expect(rb'AUTH .*')
    return script


for name, parts, gap in (
        ('one-segment', (b'220 go\r\n250-x\r\n250 AUTH PLAIN\r\n',), 0),
        ('next-segment', (b'220 go\r\n', b'250 AUTH PLAIN\r\n'), 0),
        ('later-segment', (b'220 go\r\n', b'250 AUTH PLAIN\r\n'), 0.2),
        ('half-line', (b'220 go\r\n25',), 0),
        ('one-byte', (b'220 go\r\n\x16',), 0),
        ('line-end', (b'220 go\r\n\r\n',), 0)):
    row(f'injection-{name}', inject(*parts, gap=gap), 76, also=withheld,
        vm=name == 'one-segment', quick=10)
row('starttls-250', {'replies': {'STARTTLS': b'250 go\r\n'}}, 76,
    also=withheld)
row('starttls-354', {'replies': {'STARTTLS': b'354 go\r\n'}}, 76,
    also=withheld)
row('starttls-454', {'replies': {'STARTTLS': b'454 4.7.0 later\r\n'}}, 75,
    'later', also=withheld)
row('starttls-502', {'replies': {'STARTTLS': b'502 5.5.1 no\r\n'}}, 76, '502',
    also=withheld)
row('starttls-hidden', {'replies': {'EHLO': b'250-mail.test\r\n'
                                    b'250 XXXXXXXA AUTH PLAIN\r\n'}}, 76,
    'STARTTLS', also=withheld)
row('starttls-no-ehlo', {'ehlo': False}, 76, 'EHLO', also=withheld)
row('starttls-plain-text', [
    ('reply', '220 hi'), ('expect', rb'EHLO .*'),
    ('send', b'250-x\r\n250 STARTTLS\r\n'), ('expect', rb'STARTTLS'),
    ('reply', '220 go'), ('sleep', 0.2), ('reply', '500 what is this?'),
    ('stall',)], 76, 'what is this', also=withheld, quick=10)
row('starttls-silent', [
    ('reply', '220 hi'), ('expect', rb'EHLO .*'),
    ('send', b'250-x\r\n250 STARTTLS\r\n'), ('expect', rb'STARTTLS'),
    ('reply', '220 go'), ('stall',)], 75, 'handshake', also=withheld,
    more='timeout 2\n')


# ------------------------------------------------------------- implicit TLS

for name, text in (('line', b'220 mail.test ESMTP\r\n'),
                   ('lines', b'220-mail.test\r\n220 ESMTP\r\n'),
                   ('no-line', b'220 mail.test'), ('digit', b'2'),
                   ('blank', b'\r\n'), ('nul', b'\0\0\0\0\0\0'),
                   ('554', b'554 5.7.1 go away\r\n'),
                   ('high', bytes(range(128, 256)))):
    row(f'implicit-banner-{name}', [('send', text), ('stall',)], 76,
        'tls_starttls on', mode='implicit', also=withheld, quick=10,
        vm=name == 'line')
row('implicit-silent', [('stall',)], 75, 'handshake', mode='implicit',
    more='timeout 2\n', also=withheld)
row('implicit-close', [('close',)], 75, mode='implicit', also=withheld)
row('implicit-reset', [('reset',)], (74, 75), mode='implicit', also=withheld)
row('implicit-alert', [('send', bytes.fromhex('15030300020228')), ('close',)],
    76, 'handshake_failure', mode='implicit', also=withheld)
row('implicit-alert-reset',
    [('send', bytes.fromhex('15030300020228')), ('sleep', 0.1), ('reset',)],
    76, 'handshake_failure', mode='implicit', also=withheld)
row('implicit-record-huge', [('send', b'\x16\x03\x03\xff\xff' + b'x' * 70000),
                             ('stall',)], 76, mode='implicit', also=withheld)
row('implicit-half-record', [('send', b'\x16\x03\x03\x40\x00abc'), ('stall',)],
    75, mode='implicit', also=withheld, more='timeout 2\n')
row('implicit-greeting-silent', {'act': {'CONNECT': ('before', 'stall')}}, 75,
    'greeting', mode='implicit', also=withheld, more='timeout 2\n')


# -------------------------------------------------- TLS that ends or breaks

def records(*what, then='close'):
    """What is said at the dot, in one segment: texts become records, 'bye' a
    close_notify, bytes in a list are put in as they are."""
    def act(peer):
        out = b''
        for w in what:
            if w == 'bye':
                try:
                    peer._tls.unwrap()
                except ssl.SSLError:
                    pass
            elif isinstance(w, list):
                out += b''.join(w)
                continue
            else:
                peer._tls.write(w)
            out += peer._out.read()
        peer.send_clear(out)
        getattr(peer, then)()
    return act


BAD_RECORD = [b'\x17\x03\x03\x00\x20' + b'\xa5' * 32]
OK = b'250 2.0.0 queued\r\n'
for name, what, status in (
        ('250-bye', (OK, 'bye'), 0),
        ('250-bad-record', (OK, BAD_RECORD), 0),
        ('250-clear', (OK, [b'250 hi\r\n']), 0),
        ('bye', ('bye',), 79),
        ('bye-250', ('bye', [OK]), 79),
        ('bad-record', (BAD_RECORD,), 79),
        ('clear-250', ([OK],), 79),
        ('alert', ([bytes.fromhex('15030300020228')],), 79),
        ('no-line-end', (OK[:-2],), 79),
        ('554-bye', (b'554 5.7.1 spam\r\n', 'bye'), 69),
        ('554-bad-record', (b'554 5.7.1 spam\r\n', BAD_RECORD), 69)):
    for mode in ('starttls', 'implicit') if name == '250-bye' else (
            'starttls',):
        row(f'dot-{name}-{mode}', at_dot(records(*what), mode), status,
            'spam' if status == 69 else (), mode=mode, quick=10,
            vm=name in ('250-bye', 'clear-250'))
row('dot-250-reset', at_dot(records(OK, then='reset')), (0, 79), quick=10)
row('dot-no-end-then-silence', at_dot(records(OK[:-1], then='stall')), 79,
    timeout=6)


def broken_at_rcpt(*what):
    def script(peer):
        peer.reply('220 mail.test ESMTP')
        peer.expect(rb'EHLO .*')
        peer.send(b'250-mail.test\r\n250 STARTTLS\r\n')
        peer.starttls()
        peer.expect(rb'EHLO .*')
        peer.send(b'250-mail.test\r\n250 AUTH PLAIN\r\n')
        peer.expect(rb'AUTH PLAIN .*')
        peer.reply('235 2.7.0 welcome')
        peer.expect(rb'MAIL .*')
        peer.reply('250 2.1.0 ok')
        peer.expect(rb'RCPT .*')
        records(*what)(peer)
    return script


row('rcpt-bad-record', broken_at_rcpt(BAD_RECORD), 76,
    ('RCPT TO (', 'damaged'), message=0)
row('rcpt-clear', broken_at_rcpt([b'250 ok\r\n354 go\r\n']), 76, message=0)
row('rcpt-bye', broken_at_rcpt('bye'), 75, message=0)


@case('hostile/key-update')
def key_update():
    """Mbed TLS knows no TLS 1.3 key update: the end, but an honest one."""
    if not can_post_handshake():
        raise Skip('this Python cannot ask for a key update')
    for state, status in (('MAIL', 76), ('BODY', 79)):
        r, wires = try_script(Dialogue(users=USERS, act={
            state: ('before', 'key_update')}), tls_min='1.3')
        judge(r, wires, status)


# --------------------------------------------------------------------- AUTH

def auth_row(name, options, status, words=(), **kw):
    row(f'auth-{name}', options, status, words, quick=10, **kw)


def no_message(r, wires):
    for w in wires:
        check(TEXT.encode() not in w.inside, 'the message went out', r)


auth_row('334-for-ever', {'replies': {'AUTH': b'334 \r\n', 'AUTH1': b'334 \r\n'},
                          'auth': ('PLAIN',)}, (76, 77), also=no_message)
auth_row('334-noise', {'auth': ('LOGIN',), 'replies': {
    'AUTH1': b'334 !!!not base64\xff\r\n', 'AUTH2': b'334\r\n'}}, 0, message=1)
auth_row('login-only', {'auth': ('LOGIN',)}, 0, message=1, vm=True)
auth_row('plain-only', {'auth': ('PLAIN',)}, 0, message=1)
auth_row('none-known', {'auth': ('DIGEST-MD5', 'XOAUTH2')}, 77, 'XOAUTH2',
         also=withheld)
auth_row('only-before-tls', {'clear_auth': True, 'replies': {
    'EHLO2': b'250-mail.test\r\n250 8BITMIME\r\n'}}, 77, 'no AUTH',
    also=withheld)
auth_row('235-unasked', {'auth': ('LOGIN',), 'replies': {
    'AUTH1': b'235 welcome\r\n'}}, 76, 'AUTH', also=no_message)
auth_row('504-then-login', {'auth': ('LOGIN',), 'replies': {
    'EHLO2': b'250-mail.test\r\n250 AUTH PLAIN LOGIN\r\n'}}, 0, message=1)
auth_row('454', {'replies': {'AUTH': b'454 4.7.0 later\r\n'}}, 75, 'later')
auth_row('535', {'replies': {'AUTH': b'535 5.7.8 no\r\n'}}, 77,
         ('535', 'check user and password'), also=no_message)
auth_row('echo', {'replies': {'AUTH': f'535 you said {SECRET}\r\n'.encode()}},
         77, '535')
auth_row('challenge-huge', {'auth': ('LOGIN',), 'replies': {
    'AUTH1': b'334 ' + b'A' * 12000 + b'\r\n'}}, 0, message=1)
auth_row('challenge-bomb', {'auth': ('LOGIN',), 'replies': {
    'AUTH1': b'334 ' + b'A' * 70000 + b'\r\n'}}, 76, 'does not end')
for name, line in (('lower', b'auth plain login'), ('equals', b'AUTH=PLAIN'),
                   ('blanks', b'AUTH  CRAM-MD5   PLAIN '),
                   ('mixed', b'Auth Login pLAIN')):
    auth_row(f'offer-{name}', {'replies': {
        'EHLO2': b'250-mail.test\r\n250 ' + line + b'\r\n'}}, 0, message=1)

PASSWORDS = {
    '8-bit': 'p\u00e4ssw\u00f6rt-\u20ac', 'long': 'x' * 2400,
    'blanks': '  two  blanks  ', 'quotes': 'a"b\'c\\d', 'hash': '#no comment',
    'one': 'x', 'percent': '%s%n%d',
}


def password_row(name, text, auth):
    @case(f'hostile/password-{name}-{auth.lower()}')
    def run():
        r, wires = try_script(Dialogue(users={WHO: text}, auth=(auth,)),
                              password=text)
        judge(r, wires, 0, message=1)
        equal(r.report['outcome'], 'sent', 'outcome', r)
        if len(text) > 3:
            check(text not in r.log + r.stdout, 'the password is shown', r)


for key, value in PASSWORDS.items():
    for mech in ('PLAIN', 'LOGIN'):
        password_row(key, value, mech)


@case('hostile/password-in-the-configuration')
def password_in_conf():
    for text, value in (('"sp ace"', 'sp ace'), ('plain#word', 'plain#word'),
                        ('"q"uote', '"q"uote')):
        r, wires = try_script(Dialogue(users={WHO: value}), password=None,
                              more=f'password {text}\n')
        judge(r, wires, 0, message=1)


@case('hostile/password-echoed-8-bit')
def password_echo():
    """Echoed in an encoding of the server's own: still masked."""
    text = 'zk\u00e4qv\u00f6xj'
    for code in ('utf-8', 'latin-1'):
        echo = b'535 5.7.8 no: ' + text.encode(code) + b'\r\n'
        r, wires = try_script(Dialogue(users=USERS, replies={'AUTH': echo}),
                              password=text)
        judge(r, wires, 77)
        for part in ('zk', 'qv', 'xj'):
            check(part not in r.log + r.stdout, 'the password is shown', r)


@case('hostile/auth-policy')
def auth_policy():
    """What would give the password away is refused before a packet."""
    for mode, more, word in (('off', '', 'tls off'), (
            'starttls', 'tls_certcheck off\n', 'tls_certcheck off')):
        r, wires = try_script(Dialogue(users=USERS, clear_auth=True),
                              mode=mode, more=more)
        judge(r, wires, 78, word)
        equal(len(wires), 0, 'connections', r)


@case('hostile/certcheck-off')
def certcheck_off():
    r, wires = try_script(Dialogue(auth=()), user=None,
                          more='tls_certcheck off\n', cert='selfsigned')
    judge(r, wires, 0, message=1)
    equal(r.report['tls']['verified'], False, 'verified', r)
    r, wires = try_script(Dialogue(users=USERS), cert='selfsigned',
                          more='tls_certcheck off\nauth_unsafe on\n')
    judge(r, wires, 0, message=1)
    equal(r.report['tls']['verified'], False, 'verified', r)


def fingerprint(name):
    import hashlib
    with open(pki().cert(name)[0]) as f:
        pem = f.read()
    pem = pem[:pem.index('-----END') + len('-----END CERTIFICATE-----')]
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).digest().hex(':')


@case('hostile/fingerprint')
def fingerprints():
    right = fingerprint('selfsigned')
    wrong = ('0' if right[0] != '0' else '1') + right[1:]
    r, wires = try_script(Dialogue(users=USERS), cert='selfsigned',
                          more=f'tls_fingerprint {right}\n')
    judge(r, wires, 0, message=1)
    equal(r.report['tls']['verified'], True, 'verified', r)
    r, wires = try_script(Dialogue(users=USERS), cert='selfsigned',
                          more=f'tls_fingerprint {wrong}\n')
    judge(r, wires, 77, 'fingerprint')
    withheld(r, wires)


# --------------------------------------------------------------- recipients

def outcomes(r):
    return [x['outcome'] for x in r.report['recipients']]


LATER, NEVER = b'450 4.7.1 greylisted\r\n', b'550 5.1.1 nobody\r\n'
NAMES = ('a@mail.test', 'b@mail.test', 'c@mail.test')


def rcpt_row(name, replies, status, wanted, caps=('PIPELINING',), vm=False):
    def also(r, wires):
        equal(outcomes(r), wanted, 'outcomes', r)
        equal(sum(len(w.messages) for w in wires), int('sent' in wanted),
              'messages', r)
        for m in wires[0].messages:
            equal(m['recipients'],
                  [n for n, o in zip(NAMES, wanted) if o == 'sent'],
                  'recipients of the message', r)
        if status == 69:
            check('nobody' in r.reason, 'the reason is not the refusal', r)
    row(f'rcpt-{name}', {'rcpt': {n: x for n, x in zip(NAMES, replies) if x},
                         'caps': caps}, status, rcpts=list(NAMES), also=also,
        vm=vm)


for suffix, caps in (('', ('PIPELINING',)), ('-one-by-one', ())):
    rcpt_row('grey-and-refused' + suffix, (LATER, NEVER, LATER), 69,
             ['temporary', 'refused', 'temporary'], caps)
    rcpt_row('all-refused' + suffix, (NEVER, NEVER, NEVER), 69,
             ['refused'] * 3, caps)
    rcpt_row('all-later' + suffix, (LATER, LATER, LATER), 75,
             ['temporary'] * 3, caps, vm=not suffix)
    rcpt_row('some-later' + suffix, (None, LATER, None), 75,
             ['sent', 'temporary', 'sent'], caps)
    rcpt_row('some-refused' + suffix, (None, NEVER, LATER), 69,
             ['sent', 'refused', 'temporary'], caps)

MANY = [f'r{i:03}@mail.test' for i in range(100)]


def many_sent(r, wires):
    equal(set(outcomes(r)), {'sent'}, 'outcomes', r)
    equal(wires[0].messages[0]['recipients'], MANY, 'recipients', r)


row('rcpt-100', {}, 0, message=1, rcpts=MANY, also=many_sent, vm=True)
row('rcpt-100-one-by-one', {'caps': ()}, 0, message=1, rcpts=MANY,
    also=many_sent)


def sipping(peer):
    """Takes and gives a few bytes at a time."""
    peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1024)
    peer.set_piece(11)
    Dialogue(users=USERS)(peer)


row('rcpt-100-tiny-buffers', sipping, 0, message=1, rcpts=MANY, also=many_sent)


# --------------------------------------------------------------------- LMTP

def lmtp(*at_dot, rcpt=b'250 2.1.5 ok\r\n', count=3, last=None):
    """An LMTP server (RFC 2033); at_dot: its replies after the dot."""
    def script(peer):
        peer.reply('220 mail.test LMTP')
        peer.expect(rb'LHLO .*')
        peer.send(b'250-mail.test\r\n250 PIPELINING\r\n')
        peer.expect(rb'MAIL .*')
        peer.reply('250 ok')
        for i in range(count):
            peer.expect(rb'RCPT .*')
            peer.send(rcpt[i] if isinstance(rcpt, tuple) else rcpt)
        peer.expect(rb'DATA')
        peer.reply('354 go on')
        peer.wire.messages.append({'data': peer.data()})
        for text in at_dot:
            peer.send(text)
        if last:
            getattr(peer, last)()
        else:
            peer.expect(rb'QUIT')
            peer.reply('221 bye')
    return script


def lmtp_row(name, script, status, wanted, **kw):
    row(f'lmtp-{name}', script, status, mode='off', user=None,
        rcpts=list(NAMES), more='protocol lmtp\n', quick=10,
        also=lambda r, wires: equal(outcomes(r), wanted, 'outcomes', r), **kw)


YES, FULL, TRY = b'250 2.0.0 ok\r\n', b'552 5.2.2 full\r\n', b'452 4.2.2 x\r\n'
lmtp_row('all', lmtp(YES, YES, YES), 0, ['sent'] * 3, vm=True)
lmtp_row('mixed', lmtp(YES, FULL, TRY), 69, ['sent', 'refused', 'temporary'])
lmtp_row('full', lmtp(YES, FULL, YES), 69, ['sent', 'refused', 'sent'],
         words=('b@mail.test', 'full'))
lmtp_row('later', lmtp(TRY, YES, YES), 75, ['temporary', 'sent', 'sent'])
lmtp_row('none', lmtp(FULL, FULL, FULL), 69, ['refused'] * 3)
lmtp_row('rcpt-refused', lmtp(YES, YES, rcpt=(YES, NEVER, YES)), 69,
         ['sent', 'refused', 'sent'])
lmtp_row('lost', lmtp(YES, last='close'), 79, ['sent', 'unsure', 'unsure'])
lmtp_row('lost-all', lmtp(last='reset'), 79, ['unsure'] * 3)
lmtp_row('421', lmtp(YES, b'421 4.3.2 down\r\n', last='close'), 75,
         ['sent', 'temporary', 'temporary'])
row('lmtp-no-lhlo', {'tls': 'none', 'auth': ()}, 69, mode='off', user=None,
    more='protocol lmtp\n')


# ------------------------------------------------------- message and window

# more than sockets on the way can hold
BIG = head('big') + (TEXT.encode() + b' 0123456789' * 80 + b'\n') * 9000
row('size-too-small', {'caps': ('SIZE 100',)}, 69,
    ('larger', 'takes 100'), message=0,
    also=lambda r, wires: check(
        not any(x.startswith(b'MAIL') for w in wires for x in w.lines),
        'MAIL was sent', r))
row('size-zero', {'caps': ('SIZE 0',)}, 0, message=1)
row('size-552-at-mail', {'replies': {'MAIL': b'552 5.3.4 too big\r\n'}}, 69,
    'too big', message=0)


def in_message(mode, *steps):
    """Reads a little of the message, then the steps."""
    def script(peer):
        peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        prologue(peer, mode)
        peer._wait(1000)
        for step in steps:
            step(peer)
    return script


def say(text, piece=None):
    return lambda peer: peer.send(text, piece)


def do(name, *args):
    return lambda peer: getattr(peer, name)(*args)


def take(peer):
    peer.wire.messages.append({'data': peer.data()})
    peer.send(OK)


def half_close(peer):
    """What careful servers do: FIN behind the refusal, then read on."""
    peer.sock.shutdown(socket.SHUT_WR)
    peer.stall(5)


for mode in ('starttls', 'off'):
    kw = dict(mode=mode, message=BIG, user=None if mode == 'off' else WHO)

    def big_row(name, status, words, *steps, log='', **more):
        @case(f'hostile/big-{name}-{mode}')
        def run(kw=dict(kw), mode=mode):
            r, wires = try_script(in_message(mode, *steps), **{**kw, **more})
            judge(r, wires, status, words)
            check(log in r.log, f'the log does not say "{log}"', r)
            if status == 0:
                got = wires[0].messages[0]['data']
                equal(got, BIG.replace(b'\n', b'\r\n'), 'the message', r)
    big_row('window-resumes', 0, (), do('freeze', 3), take)
    big_row('window-resets', 75, (), do('freeze', 2), do('reset'))
    big_row('window-closes', 75, (), do('freeze', 2), do('close'))
    big_row('window-for-ever', 75, ('message',), do('freeze', 9), timeout=6,
            log='KB sent')
    big_row('window-timeout', 75, ('message',), do('freeze', 9),
            more='timeout 3\n')
    big_row('552', 69, ('552', 'too much'), say(b'552 5.3.4 too much\r\n'),
            do('stall', 5))
    big_row('552-half-close', 69, ('552', 'too much'),
            say(b'552 5.3.4 too much\r\n'), half_close)
    big_row('552-close', 69, ('552', 'too much'),
            say(b'552 5.3.4 too much\r\n'), do('sleep', 0.3), do('close'))
    big_row('554-bytes', 69, ('554', 'spam'),
            say(b'554 5.7.1 spam\r\n', 1), do('stall', 5))
    big_row('421', 75, ('421',), say(b'421 4.3.2 down\r\n'), do('close'))
    big_row('250', 76, ('before the message had left',), say(OK),
            do('stall', 5))
    big_row('354', 76, ('before the message had left',), say(b'354 go\r\n'),
            do('stall', 5))


# --------------------------------------------------------------------- time

for state in STATES[:-1]:
    row(f'stall-{state}', {'act': {state: ('before', 'stall')}}, 75,
        'took too long', more='timeout 1\n', quick=10)
row('stall-total', {'act': {'RCPT': ('before', 'stall')}}, 75, (), timeout=4,
    quick=12)


def drip(peer):
    """One byte a tenth of a second, for twenty."""
    peer.send(b'220-' + b'slow ' * 38 + b'\r\n', piece=1, gap=0.1)
    Dialogue(users=USERS)(peer)


def drip_for_ever(peer):
    peer.send(b'220-hi\r\n')
    try:
        while True:
            peer.send(b'x', gap=0.1)
    except (Lost, OSError):
        pass


row('drip-20-s', drip, 0, message=1, slow=True, timeout=60)
row('drip-for-ever', drip_for_ever, 75, 'greeting', more='timeout 3\n',
    quick=10)


# ---------------------------------------- a delivery cut at every byte of it

def cut_script(at, end, sent, mode='starttls'):
    """A whole delivery of which `at` bytes leave the server; then its end.
    sent: gets the length of each write that left whole."""
    def script(peer):
        sock = peer.sock
        left = [at]

        class Cut:
            """The socket, its output cut."""

            def __getattr__(self, name):
                return getattr(sock, name)

            def sendall(self, data):
                if left[0] is None or len(data) <= left[0]:
                    sock.sendall(data)
                    sent.append(len(data))
                    if left[0] is not None:
                        left[0] -= len(data)
                    return
                sock.sendall(data[:left[0]])
                if end == 'reset':
                    time.sleep(0.002)
                    peer.reset()
                else:
                    sock.shutdown(socket.SHUT_WR)
                    peer.stall(5)
                raise Lost('cut')
        peer.sock = Cut()
        Dialogue(users=USERS, tls=mode)(peer)
    return script


def cut_verdict(r, wire, sent, whole, where):
    """sent: the writes of this delivery that left whole; whole: those of an
    uncut one, of which the last is the 221, the one before it the 250.
    (Signatures differ in length: bytes cannot be compared.)"""
    judge(r, [wire], (0, 75, 79))
    accepted = len(sent) >= len(whole) - 1
    if r.status == 0:
        check(accepted, f'{where}: sent, without the whole 250', r)
    elif accepted:
        check('reset' in where and r.status == 79,
              f'{where}: the whole 250 had left', r)
    if wire.messages:
        check(r.status in (0, 79), f'{where}: the server has it all', r)
    if r.status == 79:
        check(wire.messages, f'{where}: unsure, but the dot never left', r)


def cut_at(at, end):
    sent = []
    r, wires = try_script(cut_script(at, end, sent), tickets=1)
    return r, wires[0], sent


@case('hostile/cut-at-some-bytes', slow=True)
def cut_some():
    """At every 97th byte of a delivery, and at every byte of its end."""
    r, wire, whole = cut_at(None, 'close')
    judge(r, [wire], 0, message=1)
    check(len(whole) > 8, f'too few writes: {whole}', r)
    total, verdicts = sum(whole), set()
    last = range(total - sum(whole[-2:]) - 4, total - whole[-1] + 4)
    for end in ('close', 'reset'):
        for at in [*range(int(time.time()) % 97, last[0], 97), *last]:
            r, wire, sent = cut_at(at, end)
            cut_verdict(r, wire, sent, whole,
                        f'cut at byte {at} of {total}, {end}')
            verdicts.add((end, r.status))
    for want in (('close', 75), ('reset', 75), ('close', 79), ('close', 0)):
        check(want in verdicts, f'{want} never came: {verdicts}')
