"""STARTTLS taken away, refused, answered in clear, injected into; TLS where
there is none, and none where there is."""
from scenario import group, row

group('starttls')


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
    row(f'injection-{name}', inject(*parts, gap=gap), 76, withheld=True,
        vm=name == 'one-segment', quick=10)
row('starttls-250', {'replies': {'STARTTLS': b'250 go\r\n'}}, 76,
    withheld=True)
row('starttls-354', {'replies': {'STARTTLS': b'354 go\r\n'}}, 76,
    withheld=True)
row('starttls-454', {'replies': {'STARTTLS': b'454 4.7.0 later\r\n'}}, 75,
    'later', withheld=True)
row('starttls-502', {'replies': {'STARTTLS': b'502 5.5.1 no\r\n'}}, 76, '502',
    withheld=True)
row('starttls-hidden', {'replies': {'EHLO': b'250-mail.test\r\n'
                                    b'250 XXXXXXXA AUTH PLAIN\r\n'}}, 76,
    'STARTTLS', withheld=True)
row('starttls-no-ehlo', {'ehlo': False}, 76, 'EHLO', withheld=True)
row('starttls-plain-text', [
    ('reply', '220 hi'), ('expect', rb'EHLO .*'),
    ('send', b'250-x\r\n250 STARTTLS\r\n'), ('expect', rb'STARTTLS'),
    ('reply', '220 go'), ('sleep', 0.2), ('reply', '500 what is this?'),
    ('stall',)], 76, 'what is this', withheld=True, quick=10)
row('starttls-silent', [
    ('reply', '220 hi'), ('expect', rb'EHLO .*'),
    ('send', b'250-x\r\n250 STARTTLS\r\n'), ('expect', rb'STARTTLS'),
    ('reply', '220 go'), ('stall',)], 75, 'handshake', withheld=True,
    patience=2)


# ------------------------------------------------------------- implicit TLS

for name, text in (('line', b'220 mail.test ESMTP\r\n'),
                   ('lines', b'220-mail.test\r\n220 ESMTP\r\n'),
                   ('no-line', b'220 mail.test'), ('digit', b'2'),
                   ('blank', b'\r\n'), ('nul', b'\0\0\0\0\0\0'),
                   ('554', b'554 5.7.1 go away\r\n'),
                   ('high', bytes(range(128, 256)))):
    row(f'implicit-banner-{name}', [('send', text), ('stall',)], 76,
        'tls_starttls on', mode='implicit', withheld=True, quick=10,
        vm=name == 'line')
row('implicit-silent', [('stall',)], 75, 'handshake', mode='implicit',
    patience=2, withheld=True)
row('implicit-close', [('close',)], 75, mode='implicit', withheld=True)
row('implicit-reset', [('reset',)], (74, 75), mode='implicit', withheld=True)
row('implicit-alert', [('send', bytes.fromhex('15030300020228')), ('close',)],
    76, 'handshake_failure', mode='implicit', withheld=True)
row('implicit-alert-reset',
    [('send', bytes.fromhex('15030300020228')), ('sleep', 0.1), ('reset',)],
    76, 'handshake_failure', mode='implicit', withheld=True)
row('implicit-record-huge', [('send', b'\x16\x03\x03\xff\xff' + b'x' * 70000),
                             ('stall',)], 76, mode='implicit', withheld=True)
row('implicit-half-record', [('send', b'\x16\x03\x03\x40\x00abc'), ('stall',)],
    75, mode='implicit', withheld=True, patience=2)
row('implicit-greeting-silent', {'act': {'CONNECT': ('before', 'stall')}}, 75,
    'greeting', mode='implicit', withheld=True, patience=2)

