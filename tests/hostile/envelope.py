"""Some recipients are taken and some are not, in SMTP and LMTP."""
import socket

from fake import Dialogue
from harness import equal
from scenario import USERS, group, row

group('envelope')

# --------------------------------------------------------------- recipients

LATER, NEVER = b'450 4.7.1 greylisted\r\n', b'550 5.1.1 nobody\r\n'
NAMES = ('a@mail.test', 'b@mail.test', 'c@mail.test')


def rcpt_row(name, replies, status, wanted, caps=('PIPELINING',), vm=False):
    def also(run, wires):
        if run.ours:
            equal(sum(len(w.messages) for w in wires), int('sent' in wanted),
                  'messages', run)
        for m in (m for w in wires for m in w.messages):
            equal(m['recipients'],
                  [n for n, o in zip(NAMES, wanted) if o == 'sent'],
                  'recipients of the message', run)
    row(f'rcpt-{name}', {'rcpt': {n: x for n, x in zip(NAMES, replies) if x},
                         'caps': caps}, status,
        words='nobody' if status == 69 else (), rcpts=NAMES, also=also,
        outcomes=wanted, vm=vm)


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
ALL_SENT = ['sent'] * 100


def many_sent(run, wires):
    equal(wires[0].messages[0]['recipients'], MANY, 'recipients', run)


row('rcpt-100', {}, 0, message=1, rcpts=MANY,
    outcomes=ALL_SENT, also=many_sent, vm=True)
row('rcpt-100-one-by-one', {'caps': ()}, 0, message=1, rcpts=MANY,
    outcomes=ALL_SENT,
    also=many_sent)


def sipping(peer):
    """Takes and gives a few bytes at a time."""
    peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1024)
    peer.set_piece(11)
    Dialogue(users=USERS)(peer)


row('rcpt-100-tiny-buffers', sipping, 0, message=1, rcpts=MANY,
    outcomes=ALL_SENT, also=many_sent)


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
    row(f'lmtp-{name}', script, status, mode='off', user=None, rcpts=NAMES,
        protocol='lmtp', quick=10, outcomes=wanted, **kw)


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
    protocol='lmtp')

