"""A scenario: a server that is wrong, strange or hostile in one way, the only
right outcome, and the judgement, which is the same for every client.

    row(name, script, status, ...)      registers one; the rest of its fields
                                        are in Scenario's head
    perform(scenario, client)           one run: (Run, its wires)
    judge(scenario, run, wires)         raises harness.Failure

What holds for every scenario: a message that the server took is never called
refused or failed, one that it did not take whole is never called sent, and no
secret is ever readable on the wire, in the log or in the report. A client of
ours must also have the exit status, the outcome and the words of the reason;
of others (clients.py) only the verdict counts, sent or not.
"""
from dataclasses import dataclass, field

from fake import Dialogue, Fake
from harness import check, equal
from lab import head, pki

SECRET = 'pw-77c1d2e3'
WHO = 'user-9f3a55'
TEXT = 'unmistakable-body-text'
USERS = {WHO: SECRET}
OUTCOMES = {0: ('sent',), 64: ('invalid',), 65: ('invalid',),
            69: ('refused',), 74: ('temporary',),
            75: ('temporary',), 76: ('refused', 'temporary'),
            77: ('refused',), 78: ('invalid',), 79: ('unsure',)}
HANG = 120      # seconds; no scenario is meant to last that long

scenarios = []


@dataclass
class Scenario:
    name: str
    group: str               # the class of bugs: the file it stands in
    script: object           # for Fake; a dict: a Dialogue with these options
    status: object           # the exit status, or a tuple of right ones
    words: object = ()       # what the reason must say
    message: int = None      # how often it must have arrived whole
    withheld: bool = False   # no login, no message, not even inside TLS
    also: object = None      # function(run, wires): more that must hold
    outcomes: list = None    # of the recipients, in the report
    quick: float = None      # seconds the run may take, as a hang detector
    vm: bool = False         # on the image in QUICK=1 too
    slow: bool = False
    only_ours: str = ''      # why another client cannot be asked this
    needs: object = None     # function: can this machine's Python do it?
    # what the client is told
    mode: str = 'starttls'   # starttls, implicit, off
    protocol: str = 'smtp'   # smtp, lmtp
    rcpts: tuple = ('rcpt@mail.test',)
    sender: str = 'sender@mail.test'
    body: bytes = None       # the whole message, lines ended by LF
    user: str = WHO
    password: str = SECRET
    host: str = None         # the name to verify; None: the IP address
    anchor: object = None    # function: PEM to trust; None: pki's ca.pem
    crl: object = None       # function: PEM of revocation lists
    patience: int = None     # seconds a state may take (key timeout)
    timeout: int = 20        # seconds a run may take
    more: object = ''        # configuration that is ours alone; or a function
    # the server's
    fake: dict = field(default_factory=dict)     # options of Fake
    server: object = Fake

    @property
    def statuses(self):
        return self.status if isinstance(self.status, tuple) else (
            self.status,)

    def text(self):
        return self.body or head('fake') + TEXT.encode() + b'\n'


class Run:
    """What a client made of it. ours: the launcher's Result, or None."""

    def __init__(self, status, log, seconds=0.0, ours=None, hung=False):
        self.status, self.log, self.seconds = status, log, seconds
        self.ours, self.hung = ours, hung

    def __str__(self):
        return str(self.ours) if self.ours else \
            f'status {self.status}\n{self.log[-2000:]}'


SERVER = ('cert', 'tls_min', 'tls_max', 'tickets', 'piece', 'gap', 'ciphers')
_group = ['']


def group(name):
    """What is registered from here on belongs to this class."""
    _group[0] = name


def row(name, script, status, words=(), message=None, **kw):
    """Registers one scenario; options of Fake are told from the rest."""
    if any(s.name == name for s in scenarios):
        raise RuntimeError('two scenarios are named ' + name)
    fake = {k: kw.pop(k) for k in SERVER if k in kw}
    fake.update(kw.pop('fake', {}))
    if kw.get('more') and not kw.get('only_ours'):
        kw['only_ours'] = 'its configuration: ' + kw['more'].strip()
    scenarios.append(Scenario(name, _group[0], script, status, words, message,
                              fake=fake, **kw))


def script_of(s):
    if not isinstance(s.script, dict):
        return s.script
    return Dialogue(**{'users': USERS, 'tls': s.mode if s.mode != 'off'
                       else 'none', **s.script})


def perform(s, client):
    """One run of the client against the scenario's server."""
    with s.server(script_of(s), **{'pki': pki(), **s.fake}) as srv:
        run = client(s, srv.port)
        srv.wait(srv.connections, 5)
    return run, srv.wires


# ---------------------------------------------------------------- judgement

def judge(s, run, wires):
    check(not run.hung, 'it hangs: no end long after its time was up', run)
    if run.ours is not None:
        judge_report(s, run)
    else:
        sent = 0 in s.statuses
        check(sent if run.status == 0 else set(s.statuses) != {0},
              f'exit status {run.status}, wanted {s.status}', run,
              *(w.error for w in wires))
    arrived = sum(len(w.messages) for w in wires)
    if run.status == 0 and s.message is None:
        check(arrived, 'called sent, and nothing arrived', run)
    elif s.message is not None and (run.status == 0 or not s.message):
        equal(arrived, s.message, 'messages that arrived whole', run)
    judge_wires(s, run, wires)
    if s.also:
        s.also(run, wires)


def judge_wires(s, run, wires):
    for w in wires:
        check(not (w.error or '').startswith('script:'), w.error or '', run)
        found = w.leaks(SECRET, WHO, TEXT) if w.tls or b'\x16\x03' in w.raw \
            else w.leaks(SECRET, WHO)
        check(not found, f'readable on the wire: {found}', run)
        if not s.withheld:
            continue
        for what in (SECRET, WHO, TEXT):
            check(what.encode() not in w.inside, f'{what} went out', run)
        check(b'AUTH ' not in w.inside, 'a login went out', run)


def judge_report(s, run):
    """What the launcher of ours says, beyond its exit status."""
    r = run.ours
    check(r.status in s.statuses, f'exit status {r.status}, wanted {s.status}',
          r)
    if r.status == 64 and r.report is None:
        return          # the launcher's own refusal: nothing was started
    check(r.report is not None, 'no report', r)
    equal(r.report['exit'], r.status, 'exit in the report', r)
    check(r.report['outcome'] in OUTCOMES[r.status],
          f'outcome {r.report["outcome"]}', r)
    for word in [s.words] if isinstance(s.words, str) else s.words:
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
    if s.outcomes:
        equal([x['outcome'] for x in r.report['recipients']], s.outcomes,
              'outcomes', r)
    if s.quick:
        check(r.report['ms']['total'] < s.quick * 1000,
              f'it took {r.report["ms"]["total"]} ms', r)


# ------------------------------------------------- scripts to start from

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
        log_in(peer)
    peer.expect(rb'MAIL .*')
    peer.reply('250 2.1.0 ok')
    for _ in range(rcpts):
        peer.expect(rb'RCPT .*')
        peer.reply('250 2.1.5 ok')
    peer.expect(rb'DATA')
    peer.reply('354 go on')


def until_mail(peer, *offers):
    """STARTTLS, with so much offered inside, and the login; MAIL has come, and
    waits for its answer."""
    peer.reply('220 mail.test ESMTP')
    peer.expect(rb'EHLO .*')
    peer.send(b'250-mail.test\r\n250 STARTTLS\r\n')
    peer.starttls()
    peer.expect(rb'EHLO .*')
    peer.send(b'250-mail.test\r\n' + b''.join(
        b'250-' + offer + b'\r\n' for offer in offers) +
        b'250 AUTH PLAIN\r\n')
    log_in(peer)
    peer.expect(rb'MAIL .*')


def log_in(peer):
    """AUTH PLAIN, with the answer in the command or behind a 334."""
    if b' ' not in peer.expect(rb'AUTH PLAIN.*')[5:]:
        peer.reply('334 ')
        peer.line()
    peer.reply('235 2.7.0 welcome')


def at_dot(act, mode='starttls'):
    """A script that takes the whole message and then calls act(peer)."""
    def script(peer):
        prologue(peer, mode)
        peer.wire.messages.append({'data': peer.data()})
        act(peer)
    return script
