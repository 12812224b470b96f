"""TLS of real libraries at its edges: old versions, record sizes, tickets,
renegotiation, alerts, what is no TLS at all."""
from fake import Dialogue, Peer, can_post_handshake
from scenario import USERS, group, row

group('records')

OLD = 'ALL:@SECLEVEL=0'
for version in ('1.0', '1.1'):
    for mode in ('starttls', 'implicit'):
        row(f'tls-{version}-{mode}', {}, 76, 'protocol_version', message=0,
            mode=mode, tls_min=version, tls_max=version, ciphers=OLD,
            withheld=True, vm=mode == 'starttls')
for version in ('1.2', '1.3'):
    row(f'tls-{version}', {}, 0, message=1, tls_min=version, tls_max=version)
row('tls-1.2-where-1.3-is-the-least', {}, 76, 'protocol_version', message=0,
    tls_max='1.2', more='tls_min_version 1.3\n', withheld=True)
for name, suites, status in (
        ('null', 'aNULL:eNULL:@SECLEVEL=0', 76),
        ('cbc', 'ECDHE-ECDSA-AES128-SHA256:@SECLEVEL=0', 76),
        ('sha1', 'ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0', 76),
        ('ccm', 'ECDHE-ECDSA-AES128-CCM', 76),
        ('gcm', 'ECDHE-ECDSA-AES128-GCM-SHA256', 0),
        ('chacha', 'ECDHE-ECDSA-CHACHA20-POLY1305', 0)):
    row(f'tls-1.2-{name}', {}, status, 'handshake_failure' if status else (),
        message=int(not status), tls_max='1.2', ciphers=suites,
        withheld=bool(status), only_ours='its choice of suites is its own'
        if status and name != 'null' else '')


def by_bytes(peer):
    peer.send = lambda data, *_: [
        Peer.send(peer, data[i:i + 1]) for i in range(len(data))]
    Dialogue(users=USERS)(peer)


row('tls-one-byte-records', by_bytes, 0, message=1)
row('tls-full-records', {'replies': {'EHLO2': b''.join(
    b'250-X-%04d %s\r\n' % (i, b'x' * 200) for i in range(100)) +
    b'250 AUTH PLAIN\r\n'}}, 0, message=1)

# ----------------------------------------------------------- in mid-session

for state in ('AUTH', 'MAIL', 'DATA', 'BODY', 'QUIT'):
    row(f'ticket-before-{state}', {'act': {state: ('before', 'ticket', 3)}}, 0,
        message=1, tls_min='1.3', needs=can_post_handshake)
    # told that there is none of it, the server gives up, at once or later
    row(f'renegotiation-before-{state}', {'act': {
        state: ('before', 'renegotiate')}},
        {'BODY': (0, 79), 'QUIT': 0}.get(state, (75, 76, 79)), tls_max='1.2',
        needs=can_post_handshake, only_ours='it may take part')
    row(f'bye-before-{state}', {'act': {state: ('before', 'close_notify')}},
        {'BODY': 79, 'QUIT': 0}.get(state, 75), message=int(
            state in ('BODY', 'QUIT')), only_ours='it may listen on'
        if state == 'BODY' else '')
row('bye-after-250', {'act': {'BODY': ('after', 'close_notify')}}, 0,
    message=1)
for tickets in (0, 1, 20):
    row(f'tickets-{tickets}', {}, 0, message=1, tls_min='1.3',
        tickets=tickets)


# ------------------------------------------------------- the first answer

def greeting(*then):
    return [('send', b'220 mail.test\r\n'), ('expect', rb'EHLO .*'),
            ('send', b'250-mail.test\r\n250 STARTTLS\r\n'),
            ('expect', rb'STARTTLS'), ('send', b'220 go\r\n'), *then]


def mirror(peer):
    """Everything the client says, said back."""
    for step in greeting():
        getattr(peer, step[0])(*step[1:])
    while True:
        peer.send(peer.read(1))


for name, data, status, words in (
        ('alert-40', b'\x15\3\3\0\2\2\x28', 76, 'handshake_failure'),
        ('alert-48', b'\x15\3\3\0\2\2\x30', 76, 'unknown_ca'),
        ('alert-70', b'\x15\3\1\0\2\2\x46', 76, 'protocol_version'),
        ('alert-112', b'\x15\3\3\0\2\2\x70', 76, 'unrecognized_name'),
        ('alert-255', b'\x15\3\3\0\2\2\xff', 76, 'unknown'),
        ('close-notify', b'\x15\3\3\0\2\1\0', 76, ()),
        ('data', b'\x17\3\3\0\5hello', 76, ()),
        ('change', b'\x14\3\3\0\1\1', 75, ()),
        ('changes', b'\x14\3\3\0\1\1' * 500, (75, 76), ()),
        ('warnings', b'\x15\3\3\0\2\1\x5a' * 500, (75, 76), ()),
        ('empty-records', b'\x16\3\3\0\0' * 500, 76, ()),
        ('huge-record', b'\x16\3\3\xff\xff' + b'x' * 100, 76, ()),
        ('half-record', b'\x16\3\3\0\x50\2', 75, ()),
        ('half-head', b'\x16\3', 75, ()),
        ('sslv2', b'\x80\x2e\1\3\1' + bytes(43), 76, ()),
        ('client-hello', b'\x16\3\1\0\4\1\0\0\0', 76, ()),
        ('hello-request', b'\x16\3\3\0\4\0\0\0\0', (75, 76), ()),
        ('finished', b'\x16\3\3\0\x10\x14\0\0\x0c' + bytes(12), 76, ()),
        ('message-of-16-mb', b'\x16\3\3\x40\0\2\xff\xff\xff' + bytes(16381),
         (75, 76), ()),
        ('text', b'554 no TLS for you\r\n', 76, 'no TLS for you'),
        ('http', b'HTTP/1.0 400 Bad\r\n\r\n', 76, 'HTTP/1.0'),
        ('smtp', b'250-mail.test\r\n250 AUTH PLAIN\r\n', 76, '250-mail')):
    row('first-' + name, greeting(('read', 5), ('send', data), ('stall', 3)),
        status, words, message=0, withheld=True, timeout=8)
row('first-mirror', mirror, 76, message=0, withheld=True, timeout=8)
