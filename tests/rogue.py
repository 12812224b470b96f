"""What the cases about hostile servers share: one run against a script, the
judgement that holds for every verdict, scripts to start from."""
from fake import Dialogue, Fake
from harness import case, check, equal
from lab import conf, files, head, launch, pki

SECRET = 'pw-77c1d2e3'
WHO = 'user-9f3a55'
TEXT = 'unmistakable-body-text'
USERS = {WHO: SECRET}
OUTCOMES = {0: ('sent',), 69: ('refused',), 74: ('temporary',),
            75: ('temporary',), 76: ('refused', 'temporary'),
            77: ('refused',), 78: ('invalid',), 79: ('unsure',)}


def try_script(script, machine='posix', mode='starttls', rcpts=None,
               message=None, more='', user=WHO, password=SECRET, timeout=20,
               **kw):
    """One run against a scripted server: (result, its wires)."""
    with Fake(script, pki=pki(), **kw) as srv:
        r = launch(machine, *(rcpts or ['rcpt@mail.test']),
                   message=message or head('fake') + TEXT.encode() + b'\n',
                   conf=conf(srv.port, mode, user=user, more=more),
                   files=files(password=password), timeout=timeout, hang=120)
        srv.wait(srv.connections, 5)
    return r, srv.wires


def judge(r, wires, status, words=(), message=None, quick=None):
    """message: how often it must have arrived whole, None: unsaid. quick:
    seconds the run may have taken."""
    wanted = status if isinstance(status, tuple) else (status,)
    check(r.status in wanted, f'exit status {r.status}, wanted {status}', r,
          *(w.error for w in wires))
    check(r.report is not None, 'no report', r)
    equal(r.report['exit'], r.status, 'exit in the report', r)
    check(r.report['outcome'] in OUTCOMES[r.status],
          f'outcome {r.report["outcome"]}', r)
    for word in [words] if isinstance(words, str) else words:
        check(word.lower() in r.reason.lower(),
              f'the reason does not say "{word}"', r)
    check(r.reason.count('may have been delivered') == (r.status == 79),
          'the reason doubts the delivery once, if at all', r)
    check(SECRET not in r.log + r.stdout, 'the password is in the log', r)
    for x in r.report['recipients']:
        if r.status in (0, 79):
            check(x['outcome'] in ('sent', 'unsure', 'refused', 'temporary'),
                  'a recipient without outcome', r)
        if r.status == 0:
            equal(x['outcome'], 'sent', 'a recipient of a sent mail', r)
    for w in wires:
        check(not (w.error or '').startswith('script:'), w.error or '', r)
        found = w.leaks(SECRET, WHO, TEXT) if w.tls or b'\x16\x03' in w.raw \
            else w.leaks(SECRET, WHO)
        check(not found, f'readable on the wire: {found}', r)
    if message is not None:
        equal(sum(len(w.messages) for w in wires), message,
              'messages that arrived whole', r)
    if quick is not None:
        check(r.report['ms']['total'] < quick * 1000,
              f'it took {r.report["ms"]["total"]} ms', r)


def withheld(r, wires):
    """Neither login nor message, not even inside TLS."""
    for w in wires:
        for what in (SECRET, WHO, TEXT):
            check(what.encode() not in w.inside, f'{what} went out', r)
        check(b'AUTH ' not in w.inside, 'a login went out', r)


def row(name, script, status, words=(), message=None, vm=False, slow=False,
        also=None, quick=None, **kw):
    """Registers one row; script: a Dialogue's options, or a script."""
    for machine in ('posix', 'microvm') if vm else ('posix',):
        @case(f'hostile/{name}-{machine}', slow=slow)
        def run(machine=machine):
            s = script
            if isinstance(s, dict):
                s = Dialogue(**{'users': USERS, 'tls': kw.get(
                    'mode', 'starttls'), **s})
            r, wires = try_script(s, machine, **kw)
            judge(r, wires, status, words, message, quick)
            if also:
                also(r, wires)


def prologue(peer, mode='starttls', rcpts=1):
    """Everything up to the 354, done properly and without PIPELINING."""
    if mode == 'implicit':
        peer.tls()
    peer.reply('220 mail.test ESMTP')
    peer.expect(rb'EHLO .*')
    if mode == 'starttls':
        peer.send(b'250-mail.test\r\n250 STARTTLS\r\n')
        peer.starttls()
        peer.expect(rb'EHLO .*')
    if mode == 'off':
        peer.send(b'250-mail.test\r\n250 8BITMIME\r\n')
    else:
        peer.send(b'250-mail.test\r\n250-AUTH PLAIN\r\n250 8BITMIME\r\n')
        peer.expect(rb'AUTH PLAIN .*')
        peer.reply('235 2.7.0 welcome')
    peer.expect(rb'MAIL .*')
    peer.reply('250 2.1.0 ok')
    for _ in range(rcpts):
        peer.expect(rb'RCPT .*')
        peer.reply('250 2.1.5 ok')
    peer.expect(rb'DATA')
    peer.reply('354 go on')


def at_dot(act, mode='starttls'):
    """A script that takes the whole message and then calls act(peer)."""
    def script(peer):
        prologue(peer, mode)
        peer.wire.messages.append({'data': peer.data()})
        act(peer)
    return script
