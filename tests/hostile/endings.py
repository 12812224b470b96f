"""TLS that ends or breaks inside a dialogue."""
import ssl

from fake import can_post_handshake
from scenario import at_dot, group, row, until_mail

group('tls-end')

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
        until_mail(peer)
        peer.reply('250 2.1.0 ok')
        peer.expect(rb'RCPT .*')
        records(*what)(peer)
    return script


row('rcpt-bad-record', broken_at_rcpt(BAD_RECORD), 76,
    ('RCPT TO (', 'damaged'), message=0)
row('rcpt-clear', broken_at_rcpt([b'250 ok\r\n354 go\r\n']), 76, message=0)
row('rcpt-bye', broken_at_rcpt('bye'), 75, message=0)
# Mbed TLS knows no TLS 1.3 key update: the end, but an honest one.
for state, status in (('MAIL', 76), ('BODY', 79)):
    row(f'key-update-{state}', {'act': {state: ('before', 'key_update')}},
        status, tls_min='1.3', needs=can_post_handshake,
        only_ours='it may take them')
