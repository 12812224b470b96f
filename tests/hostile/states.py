"""A server that goes away, or says what has no place there, in each state."""
from scenario import group, row

group('states')


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

