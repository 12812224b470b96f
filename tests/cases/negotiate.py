"""What is negotiated with real servers: every extension and mechanism they
offer. The dialogue itself is asserted, from the trace, not only that mail
arrived."""
import email
import os

from dialogue import Dialogue, Ended, Session
from fake import Fake
from harness import case, check, equal, new_dir, succeed
from lab import (PASSWORD, arrived, conf, crlf, expect_sent, files, head, launch,
                 pki, server)
from traced import mechanisms, said


def submit(machine, srv, tag, more='', body=b'hello\n', args=(), **kw):
    """One mail with STARTTLS and AUTH; returns it and the result."""
    message = head(tag) + body
    r = launch(machine, '--trace', *args, 'rcpt@mail.test', message=message,
               conf=conf(srv.starttls_port, more=more), files=files(**kw))
    return message, r


def expect_notes(r, when):
    mail = [c for c in said(r) if c.startswith('MAIL')]
    equal(len(mail), 1, 'MAIL', r)
    check(mail[0].endswith(' RET=HDRS'), 'RET', mail, r)
    check(f'RCPT TO:<rcpt@mail.test> NOTIFY={when} '
          'ORCPT=rfc822;rcpt@mail.test' in said(r), 'RCPT', r)


@case('negotiate/dsn-exim')
def dsn_exim():
    srv = server('exim')
    message, r = submit('posix', srv, 'dsn-exim', 'dsn_return headers\n'
                        'dsn_notify failure,delay\n')
    expect_sent(r, srv, 'dsn-exim', message)
    expect_notes(r, 'FAILURE,DELAY')


def note_comes_back(machine):
    """Postfix makes the note that is asked for, about the address given."""
    @case(f'negotiate/dsn-postfix-{machine}')
    def run():
        tag = f'dsn-{machine}'
        srv = server('postfix')
        message, r = submit(machine, srv, tag, 'dsn_notify delay\n',
                            args=('-N', 'success,failure', '-R', 'hdrs'))
        equal(r.status, 0, 'exit status', r)
        expect_notes(r, 'SUCCESS,FAILURE')
        found = arrived(srv, tag, 2)  # the note quotes the Message-ID
        equal(len(found), 2, 'the mail and the note', r, srv.log()[-2000:])
        note = next(m.sent for m in found if m.sent != crlf(message))
        check(b'Original-Recipient: rfc822;rcpt@mail.test' in note and
              b'Action: delivered' in note, 'the note', note)


note_comes_back('posix')
note_comes_back('microvm')


WISHES = {'DSN': ('dsn_envid Q 3\n', ' ENVID=Q+203'),
          'REQUIRETLS': ('require_tls on\n', ' REQUIRETLS'),
          'DELIVERBY 60': ('deliver_by 3600 return trace\n', ' BY=3600;RT'),
          'MT-PRIORITY': ('mt_priority -2\n', ' MT-PRIORITY=-2'),
          'FUTURERELEASE 9999 2030-01-01T00:00:00Z':
              ('hold_for 500\n', ' HOLDFOR=500')}


def wish(caps, more):
    with Fake(Dialogue(caps=caps, users={'test': PASSWORD}), pki=pki()) as srv:
        return launch('posix', '--trace', 'rcpt@mail.test',
                      message=head('wishes') + b'x\n',
                      conf=conf(srv.port, more=more), files=files())


@case('negotiate/wishes')
def wishes():
    """What the configuration asks for is said, or nothing is sent."""
    r = wish(WISHES, ''.join(key for key, _ in WISHES.values()))
    equal(r.status, 0, 'exit status', r)
    mail = [c for c in said(r) if c.startswith('MAIL')]
    check(len(mail) == 1 and mail[0].endswith(
        ''.join(words for _, words in WISHES.values())), 'MAIL', mail, r)
    for cap, (key, _) in WISHES.items():
        r = wish([c for c in WISHES if c != cap], key)
        equal(r.status, 69, f'exit status without {cap}', r)
        check(not [c for c in said(r) if c.startswith('MAIL')], 'MAIL', r)
        check(cap.split()[0] in r.reason, 'reason', r.reason)


def login(kind, mech, setting, **kw):
    """A mechanism that the server offers, by name or as the best."""
    @case(f'negotiate/auth-{kind}-{setting}-{mech.lower()}')
    def run():
        tag = f'auth-{kind}-{setting}-{mech.lower()}'
        srv = server(kind, **kw)
        message, r = submit('posix', srv, tag, f'auth {setting}\n')
        expect_sent(r, srv, tag, message)
        equal(mechanisms(r), [mech], 'mechanism', r)
        check(PASSWORD not in r.log, 'the password is in the log', r)


for name in ('plain', 'login'):
    login('exim', name.upper(), name)


def sasl(mech, setting, machine):
    """Against a server that computes with Python's hashes: the right secret,
    and a wrong one."""
    @case(f'negotiate/sasl-{mech.lower()}-{setting}-{machine}')
    def run():
        offered = (mech, 'PLAIN', 'LOGIN') if setting == 'on' else (
            'PLAIN', 'LOGIN', mech)
        for password, status in ((PASSWORD, 0), ('another', 77)):
            tag = f'sasl-{mech.lower()}-{status}'
            with Fake(Dialogue(auth=offered), pki=pki()) as srv:
                r = launch(machine, '--trace', 'rcpt@mail.test',
                           message=head(tag) + b'hello\n',
                           conf=conf(srv.port, more=f'auth {setting}\n'),
                           files=files(password=password))
                got = [m for w in srv.wires for m in w.messages]
            equal(r.status, status, 'exit status', r)
            equal(len(got), 0 if status else 1, 'messages delivered', r)
            equal(mechanisms(r), [mech], 'mechanism', r)
            check(password not in r.log, 'the password is in the log', r)


for name in ('SCRAM-SHA-1', 'SCRAM-SHA-256', 'CRAM-MD5', 'XOAUTH2',
             'OAUTHBEARER'):
    sasl(name, name.lower(), 'posix')
sasl('SCRAM-SHA-256', 'on', 'posix')
sasl('SCRAM-SHA-256', 'on', 'microvm')
sasl('SCRAM-SHA-256', 'on', 'aarch64')
sasl('SCRAM-SHA-256', 'on', 'riscv64')


def chunking(kind, machine, setting):
    """The message by BDAT where it is offered, unless turned off: the same
    bytes arrive, in one chunk or in many."""
    @case(f'negotiate/chunking-{setting}-{kind}-{machine}')
    def run():
        tag = f'chunking-{setting}-{kind}-{machine}'
        srv = server(kind)
        body = b'.dot\n.\n' + b'x' * 700 + b'\n' + b'.many lines\n' * 2000
        message, r = submit(machine, srv, tag, f'chunking {setting}\n', body)
        expect_sent(r, srv, tag, message)
        verbs = [c for c in said(r) if c.startswith(('BDAT', 'DATA', '.'))]
        if setting == 'off':
            equal(verbs, ['DATA', '.'], 'commands', r)
            return
        check(len(verbs) > 4, 'chunks', verbs, r)
        equal([c.endswith(' LAST') for c in verbs],
              [False] * (len(verbs) - 1) + [True], 'LAST', r)
        check(all(c.startswith('BDAT ') for c in verbs), 'DATA', verbs, r)


for name in ('exim', 'postfix'):
    chunking(name, 'posix', 'on')
    chunking(name, 'posix', 'off')
chunking('exim', 'microvm', 'on')


EVERY = bytes(range(256)) * 40 + b'\r\n.\r\n\n.\r.\0--'
BINARY = ('PIPELINING', 'SIZE', 'CHUNKING', 'BINARYMIME')


def with_file(machine, caps, more='', key=None):
    """A text and a file of every byte: what MAIL said, and what came."""
    folder = new_dir('binary')
    path = os.path.join(folder, 'every.bin')
    with open(path, 'wb') as f:
        f.write(EVERY)
    with Fake(Dialogue(caps=caps, users={'test': PASSWORD}), pki=pki()) as srv:
        r = launch(machine, '--trace', '--attach', path, 'rcpt@mail.test',
                   message='Gr\u00fc\u00dfe\n.\n'.encode(),
                   conf=conf(srv.port, more=more),
                   files={**files(), **(key or {})})
        wires = list(srv.wires)
    equal(r.status, 0, 'exit status', r)
    mail = [x for w in wires for x in w.lines if x.startswith(b'MAIL')]
    data = wires[0].messages[0]['data']
    equal(len(mail), 1, 'MAIL', r)
    check(f' SIZE={len(data)}'.encode() in mail[0], 'SIZE', mail, len(data), r)
    m = email.message_from_bytes(data)
    equal(m.defects, [], 'defects', data[:2000])
    text, part = m.get_payload()
    equal(part.get_payload(decode=True), EVERY, 'the file', r)
    equal(text.get_payload(decode=True).split(),
          ['Gr\u00fc\u00dfe'.encode(), b'.'], 'the text', r)
    return mail[0], data, part['Content-Transfer-Encoding']


def binary(machine):
    """A file goes as it is where BINARYMIME is offered, else in base64; what
    is signed is 7-bit, so that no hop has to convert it."""
    @case(f'negotiate/binary-{machine}')
    def run():
        mail, data, how = with_file(machine, BINARY)
        check(mail.endswith(b' BODY=BINARYMIME') and EVERY in data and
              how == 'binary', 'BINARYMIME', mail, how)
        for caps, more in ((BINARY[:-1], ''), (BINARY[:2] + BINARY[3:], ''),
                           (BINARY, 'chunking off\n')):
            mail, data, how = with_file(machine, caps, more)
            check(b'BODY=' not in mail and how == 'base64', 'base64', mail,
                  how)
            check(max(data) < 128, '7-bit', caps)
        if machine != 'posix':
            return
        mail, data, how = with_file(
            machine, BINARY + ('8BITMIME',),
            'dkim_domain mail.test\ndkim_selector s\n',
            {'dkim.pem': succeed(['openssl', 'genpkey', '-algorithm',
                                  'ed25519']).stdout})
        check(b'BODY=' not in mail and how == 'base64' and max(data) < 128 and
              data.startswith(b'DKIM-Signature:'), 'signed', mail, how)


binary('posix')
binary('microvm')


def many(kind, machine, count=250, limit=100):
    """More recipients than the server takes at once: as many transactions as
    it needs, and everybody gets the message."""
    @case(f'negotiate/many-recipients-{kind}-{machine}')
    def run():
        tag = f'many-{kind}-{machine}'
        srv = server(kind, rcpt_limit=limit)
        who = [f'many{n}@mail.test' for n in range(count)]
        message = head(tag).replace(b'To: rcpt@mail.test\n', b'')[:-1]
        message += b'To: ' + ',\n '.join(who).encode() + b'\n\nhello\n.\n'
        r = launch(machine, '--trace', '-t', message=message, files=files(),
                   conf=conf(srv.starttls_port))
        equal(r.status, 0, 'exit status', r)
        equal([p['address'] for p in r.report['recipients']], who, 'who', r)
        equal({p['outcome'] for p in r.report['recipients']}, {'sent'},
              'outcomes', r)
        equal(sum(c.startswith('MAIL FROM:') for c in said(r)), 3,
              'transactions', r)
        found = arrived(srv, tag, count)
        equal(sorted(m.recipient for m in found), sorted(who), 'who got it', r)
        equal({m.sent for m in found}, {crlf(message)}, 'what arrived', r)


many('exim', 'posix')
many('postfix', 'posix')
many('postfix', 'microvm')


class Parted(Dialogue):
    """Takes one recipient at a time; second: what becomes of the second
    message, once it is 100 KB long or, if nothing is said, before it begins.
    """

    def __init__(self, second=None, **kw):
        super().__init__(users={'test': PASSWORD}, **kw)
        self.second, self.mails = second, 0

    def __call__(self, peer):
        Parting(self, peer).run()


class Parting(Session):
    def on_mail(self, line):
        self.plan.mails += 1
        if self.plan.mails == 2 and self.plan.second == b'':
            self.peer.close()
            raise Ended
        super().on_mail(line)

    def on_rcpt(self, line):
        if self.recipients:
            self.say('RCPT', b'452 4.5.3 one at a time\r\n')
        else:
            super().on_rcpt(line)

    def on_bdat(self, line):
        if not self.recipients:
            self.peer.read(int(line.split()[1]))
            self.peer.send(b'503 5.5.1 no recipients\r\n')
        elif self.plan.mails == 2 and self.plan.second and \
                len(self.chunks) > 100000:
            self.peer.read(int(line.split()[1]))
            self.recipients = []
            self.peer.send(self.plan.second)
        else:
            super().on_bdat(line)


def parted(machine, *args):
    """A file by BINARYMIME to one recipient after the other: each gets the
    same bytes, and if the second does not, that is what the report says."""
    who = ['a@one.test', 'b@two.test', 'c@one.test']
    data = EVERY * 30
    folder = new_dir('parted')
    path = os.path.join(folder, 'every.bin')
    with open(path, 'wb') as f:
        f.write(data)

    def run(caps, second, status, outcomes):
        plan = Parted(second, caps=caps)
        with Fake(plan, pki=pki()) as srv:
            r = launch(machine, *args, '--attach', path, *who, message=b'x\n',
                       conf=conf(srv.port), files=files())
            got = [m for w in srv.wires for m in w.messages]
        equal(r.status, status, 'exit status', caps, r)
        equal([p['outcome'] for p in r.report['recipients']], outcomes, 'who',
              r)
        equal([m['recipients'] for m in got],
              [[w] for w, o in zip(who, outcomes) if o == 'sent'], 'sent', r)
        equal(len({m['data'] for m in got}), 1, 'messages', r)
        part = email.message_from_bytes(got[0]['data']).get_payload()[1]
        equal((part.get_payload(decode=True), len(got[0]['data'])),
              (data, r.report['bytes']), 'the file', r)

    run((*BINARY, 'LIMITS RCPTMAX=1'), None, 0, ['sent'] * 3)
    if machine != 'posix':
        return
    run(BINARY[1:], None, 0, ['sent'] * 3)  # without PIPELINING or LIMITS
    for more, second in (('LIMITS RCPTMAX=1', b''), ('DSN', b'451 4.3.0 no\r\n'),
                         ('LIMITS RCPTMAX=1 MAILMAX=1', None)):
        run((*BINARY, more), second, 75, ['sent', 'temporary', 'temporary'])
    run(BINARY, b'554 5.6.0 no\r\n', 69, ['sent', 'refused', 'refused'])


@case('negotiate/parted-binary-posix')
def parted_posix():
    parted('posix')


@case('negotiate/parted-binary-microvm')
def parted_microvm():
    parted('microvm', '--memory', '20M')
