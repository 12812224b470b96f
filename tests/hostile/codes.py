"""Codes that have no place there, in each state; replies out of order."""
from fake import Dialogue
from harness import check
from scenario import TEXT, USERS, group, prologue, row, until_mail

group('codes')

# What each state may hear, and what the verdict on each wrong code is. A
# client that takes the class of a code for the code is caught here.
STATUS = {'CONNECT': 'greeting', 'EHLO': 'EHLO', 'EHLO2': 'EHLO',
          'STARTTLS': '', 'AUTH': '', 'MAIL': 'MAIL', 'RCPT': 'RCPT',
          'DATA': 'DATA', 'BODY': ''}
WRONG = {
    'CONNECT': ('334', '199', '000', '999', '2200'),
    'EHLO': ('334', '354', '150', '999', '25'),
    'EHLO2': ('334', '354', '150', '999'),
    'STARTTLS': ('200', '221', '235', '334', '150', '999', '22'),
    'AUTH': ('354', '150', '999', '23'),
    'MAIL': ('334', '354', '150', '999', '25'),
    'RCPT': ('334', '354', '150', '999', '25'),
    'DATA': ('220', '221', '250', '150', '999', '35'),
    'BODY': ('334', '354', '150', '999', '25', '2500'),
}
for state, codes in WRONG.items():
    for code in codes:
        row(f'code-{state}-{code}', {'replies': {
            state: f'{code} 2.0.0 fine\r\n'.encode()}},
            {'BODY': 79, 'AUTH': (76, 77)}.get(state, 76), STATUS[state],
            quick=10,
            message=None if state == 'BODY' else 0,
            withheld=state in ('CONNECT', 'EHLO', 'STARTTLS'))

# Unknown codes of the right class are as good (RFC 5321 4.2).
for state, codes in (('CONNECT', ('200', '250')), ('AUTH', ('200', '250')),
                     ('MAIL', ('200', '252')), ('RCPT', ('220', '251', '252')),
                     ('DATA', ('355',)), ('BODY', ('200', '251'))):
    for code in codes:
        row(f'code-{state}-{code}', {'replies': {
            state: f'{code} 2.0.0 fine\r\n'.encode()}}, 0, message=1,
            only_ours='' if code == '251' else 'it may be stricter')

# the two codes that a state may know besides the good one
for state in WRONG:
    for code, status in (('451', 75), ('554', {
            'AUTH': 77, 'EHLO2': 77, 'STARTTLS': 76, 'EHLO': 76}.get(
                state, 69))):
        row(f'code-{state}-{code}', {'replies': {
            state: f'{code} 4.3.0 not now\r\n'.encode()}}, status,
            'not now', quick=10, message=None if state == 'BODY' else 0)

for name, text in (('plus', b'+250 ok\r\n'), ('minus', b'-250 ok\r\n'),
                   ('blank', b' 250 ok\r\n'), ('tab', b'\t250 ok\r\n'),
                   ('hex', b'0xfa ok\r\n'), ('nul-first', b'\x00250 ok\r\n'),
                   ('nul-inside', b'25\x000 ok\r\n'),
                   ('letters', b'2SO ok\r\n'), ('wide', '２５０ ok\r\n'
                                                .encode()),
                   ('no-separator', b'250ok\r\n'), ('empty', b'\r\n'),
                   ('lmtp', b'OK\r\n'), ('imap', b'* OK [CAPABILITY]\r\n')):
    row(f'number-{name}-MAIL', {'replies': {'MAIL': text}}, 76, 'MAIL',
        message=0, quick=10)
    row(f'number-{name}-BODY', {'replies': {'BODY': text}}, 79, quick=10)


# --------------------------------------------------------- order, pipelining

def piped(*answers, tail=b''):
    """All answers to MAIL, RCPT and DATA at once, whatever was asked."""
    def script(peer):
        until_mail(peer, b'PIPELINING')
        peer.send(b''.join(a + b'\r\n' for a in answers) + tail)
        peer.stall(5)
    return script


for name, answers, status in (
        ('all-early', (b'250 ok', b'250 ok', b'354 go', b'250 queued'), 76),
        ('one-too-many', (b'250 ok', b'250 ok', b'250 ok', b'354 go'), 76),
        ('data-first', (b'354 go', b'250 ok', b'250 ok'), 76),
        ('two-354', (b'250 ok', b'250 ok', b'354 go', b'354 go'), 76),
        ('bye-between', (b'250 ok', b'221 bye', b'354 go'), (76, 79)),
        ('354-after-refusal', (b'550 no', b'550 no', b'354 go',
                               b'250 queued'), (69, 76)),
        ('codes-mixed', (b'250-ok', b'354 go', b'250 ok'), 76)):
    row(f'pipelined-{name}', piped(*answers), status, message=0, quick=10)


def refused_but_354(peer):
    """RFC 2920 3.1: DATA may be taken though nobody is; then only a dot."""
    until_mail(peer, b'PIPELINING')
    peer.reply('250 ok')
    peer.expect(rb'RCPT .*')
    peer.reply('550 5.1.1 nobody')
    peer.expect(rb'DATA|QUIT|RSET')
    peer.reply('354 go on')
    peer.stall(5)


def no_text(run, wires):
    for w in wires:
        check(TEXT.encode() not in w.inside, 'the message went out', run)


row('refused-but-354', refused_but_354, 69, 'nobody', message=0,
    also=no_text, quick=10)


def same_twice(state, text):
    """A reply said twice: the second answers what was not asked yet."""
    return {'replies': {state: text + text}}


for state, text, status in (
        ('CONNECT', b'220 mail.test\r\n', 76), ('MAIL', b'250 ok\r\n', 76),
        ('AUTH', b'235 in\r\n', 76), ('DATA', b'354 go\r\n', 76),
        ('BODY', b'250 queued\r\n', 0)):
    row(f'twice-{state}', same_twice(state, text), status,
        message=int(status == 0), quick=10)


def swapped(peer):
    """The refusal of the second recipient comes before the first's yes."""
    Dialogue(users=USERS, replies={'RCPT': [b'550 5.1.1 first\r\n',
                                            b'250 second\r\n']})(peer)


row('rcpt-refused-then-taken', swapped, 69, ('a@mail.test', 'first'),
    rcpts=('a@mail.test', 'b@mail.test'), outcomes=['refused', 'sent'])


def early_354(peer):
    """354 for the RCPT: the client must not start with the message."""
    prologue_until_rcpt(peer)
    peer.reply('354 go on')
    peer.stall(5)


def prologue_until_rcpt(peer):
    until_mail(peer)
    peer.reply('250 ok')
    peer.expect(rb'RCPT .*')


row('early-354', early_354, 76, 'RCPT', message=0, also=no_text, quick=10)


def quit_refused(peer):
    prologue(peer)
    peer.wire.messages.append({'data': peer.data()})
    peer.reply('250 2.0.0 queued')
    peer.expect(rb'QUIT')
    peer.reply('554 5.0.0 I never took it')


row('quit-554', quit_refused, 0, message=1)
row('quit-garbage', {'replies': {'QUIT': b'\0\xff\r\n'}}, 0, message=1)
row('quit-endless', {'replies': {'QUIT': b'221-' + b'x' * 100000}}, 0,
    message=1, quick=10)
