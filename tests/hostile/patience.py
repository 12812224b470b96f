"""Silence, slowness, closed windows, answers before their time."""
import socket

from fake import Dialogue, Lost
from harness import check, equal
from lab import head
from scenario import TEXT, USERS, WHO, group, prologue, row
from states import STATES

OK = b'250 2.0.0 queued\r\n'

group('patience')

# ------------------------------------------------------- message and window

# more than sockets on the way can hold
BIG = head('big') + (TEXT.encode() + b' 0123456789' * 80 + b'\n') * 9000
row('size-too-small', {'caps': ('SIZE 100',)}, 69,
    ('larger', 'takes 100'), message=0,
    also=lambda run, wires: check(
        not run.ours or
        not any(x.startswith(b'MAIL') for w in wires for x in w.lines),
        'MAIL was sent', run))
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
    def big_row(name, status, words, *steps, log='', mode=mode, **more):
        def also(run, wires):
            check(not run.ours or log in run.log,
                  f'the log does not say "{log}"', run)
            if run.status == 0:
                equal(wires[0].messages[0]['data'],
                      BIG.replace(b'\n', b'\r\n'), 'the message', run)
        row(f'big-{name}-{mode}', in_message(mode, *steps), status, words,
            body=BIG, mode=mode, user=None if mode == 'off' else WHO,
            also=also, **more)
    big_row('window-resumes', 0, (), do('freeze', 3), take)
    big_row('window-resets', 75, (), do('freeze', 2), do('reset'))
    big_row('window-closes', 75, (), do('freeze', 2), do('close'))
    big_row('window-for-ever', 75, ('message',), do('freeze', 9), timeout=6,
            log='KB sent')
    big_row('window-timeout', 75, ('message',), do('freeze', 9),
            patience=3)
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
        'took too long', patience=1, quick=10)
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
row('drip-for-ever', drip_for_ever, 75, 'greeting', patience=3,
    quick=10)

