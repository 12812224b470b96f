"""Every extension and mechanism that real servers offer, on both kinds of
TLS and by LMTP. What was negotiated is asserted, from the trace and from what
the server made of it; mailboxes are compared byte for byte. The table of what
was shown is printed at the end of the run."""
import os
import re
import threading

from harness import TOP, at_end, case, check, equal, once
from lab import (PASSWORD, arrived, conf, crlf, expect_sent, files, head,
                 launch, pki, read, server)
from traced import mechanisms, offered, said, turns

LIMIT = 400000      # the servers' SIZE
BODY = b'one\n.\n..two\n.three\n\n' + b'x' * 998 + b'\nlast\n'
TOKENS = ('OAUTHBEARER', 'XOAUTH2')
PLAIN = ('PLAIN', 'LOGIN')
DOVECOT = (*PLAIN, 'CRAM-MD5', 'SCRAM-SHA-1', 'SCRAM-SHA-256', *TOKENS)


# All that the engine knows: a server offers what its Kind says, nothing else.
KNOWN = {'PIPELINING', 'SIZE', '8BITMIME', 'SMTPUTF8', 'DSN', 'CHUNKING',
         'BINARYMIME', 'ENHANCEDSTATUSCODES', 'REQUIRETLS', 'DELIVERBY',
         'MT-PRIORITY', 'FUTURERELEASE', 'LIMITS', 'STARTTLS'}


class Kind:
    """What a server offers within TLS.

    words  extensions; `auth`: mechanisms, `best`: the one for `auth on`;
    lmtp   ways to reach its LMTP
    """

    def __init__(self, words, auth, best, lmtp=()):
        self.words, self.auth, self.best = words.split(), auth, best
        self.lmtp = lmtp


KINDS = {
    'postfix': Kind('PIPELINING SIZE 8BITMIME SMTPUTF8 DSN CHUNKING '
                    'ENHANCEDSTATUSCODES', DOVECOT, 'SCRAM-SHA-256'),
    'exim': Kind('PIPELINING SIZE 8BITMIME SMTPUTF8 DSN CHUNKING',
                 (*PLAIN, 'CRAM-MD5', 'EXTERNAL'), 'CRAM-MD5'),
    'dovecot': Kind('PIPELINING SIZE 8BITMIME CHUNKING ENHANCEDSTATUSCODES',
                    (*DOVECOT, 'EXTERNAL'), 'SCRAM-SHA-256',
                    ('off', 'starttls', 'implicit')),
    'aiosmtpd': Kind('SIZE 8BITMIME SMTPUTF8', PLAIN, 'PLAIN', ('off',)),
    'smtp-server': Kind('PIPELINING SIZE 8BITMIME SMTPUTF8 DSN '
                        'ENHANCEDSTATUSCODES REQUIRETLS',
                        (*PLAIN, 'CRAM-MD5', 'XOAUTH2'), 'CRAM-MD5',
                        ('off', 'starttls', 'implicit')),
    'haraka': Kind('PIPELINING SIZE 8BITMIME SMTPUTF8',
                   (*PLAIN, 'CRAM-MD5'), 'CRAM-MD5'),
}

_shown = []
_lock = threading.Lock()


@once
def _print_at_end():
    """The table: server, column, what was shown in it."""
    def table():
        rows = {}
        for kind, column, what in sorted(_shown):
            rows.setdefault(kind, {}).setdefault(column, []).append(what)
        for kind in KINDS:
            for column, cells in rows.get(kind, {}).items():
                print(f'      {kind:11} {column:10} {" ".join(cells)}')
    at_end(table)


def shown(kind, column, what):
    _print_at_end()
    with _lock:
        _shown.append((kind, column, what))


def peer(kind):
    """The server of that kind: one for the whole group."""
    if kind == 'postfix':           # with the passwords of a Dovecot
        return peer('dovecot').relay
    return server(kind, size_limit=LIMIT, all_mechanisms=True)


def secret(kind, mech):
    """What the file password holds."""
    if mech in TOKENS and kind in ('postfix', 'dovecot'):
        import dovecot
        return dovecot.token('test')
    return PASSWORD


def keys(kind, mech):
    """The files for a login."""
    if mech != 'EXTERNAL':
        return files(password=secret(kind, mech))
    chain, key = pki().cert('client')
    return {**files(password=None), 'cert.pem': read(chain),
            'key.pem': read(key)}


def submit(kind, mode, tag, *to, body=BODY, more='', machine='posix', mech='',
           args=(), lmtp=False):
    """One mail; returns the server, the message and the result."""
    srv = peer(kind)
    port = {'starttls': srv.starttls_port, 'implicit': srv.tls_port}
    if lmtp:
        more += 'protocol lmtp\nauth off\n'
        port = {'off': srv.lmtp_port, 'starttls': srv.lmtp_port,
                'implicit': srv.lmtp_tls_port}
    message = head(tag) + body
    r = launch(machine, '--trace', *args, *(to or ['rcpt@mail.test']),
               message=message, conf=conf(port[mode], mode, more=more),
               files=keys(kind, mech))
    return srv, message, r


def same(srv, tag, message, count, r):
    """`count` copies arrived, each of them what was sent."""
    found = arrived(srv, tag, count)
    equal([m.sent for m in found], [crlf(message)] * count, 'mailbox', r)
    return found


def login_seen(kind, srv, mech, mail):
    """The server says the same of the login as we do."""
    name = re.escape(mech)
    log = srv.log()
    mark = re.search(rb'Message-ID: (<.*>)', mail.sent).group(1).decode()
    if kind == 'exim':
        driver = {'PLAIN': 'plain', 'LOGIN': 'login', 'CRAM-MD5': 'cram',
                  'EXTERNAL': 'external'}[mech]
        return re.search(f' A={driver}:test .* id={mark[1:-1]}', log)
    if kind == 'postfix':
        queue = re.search(f'(\\w+): message-id={mark}', log).group(1)
        return re.search(f'{queue}: client=.*sasl_method={name}, '
                         'sasl_username=test', log)
    if kind == 'dovecot':
        return re.search(f'Login: user=<test>, method={name}, ', log)
    if kind == 'haraka':
        return re.search(rf'auth=pass \({name.lower()}\)', mail.raw.decode())
    mails = [e['login'] for e in srv.envelopes() if e['id'] == mark]
    return mails == [f'{mech} test']


def login(kind, mode, setting, mech, machine='posix'):
    name = f'servers/{kind}-{mode}-auth-{setting}' + (
        '' if machine == 'posix' else '-' + machine)

    @case(name)
    def run():
        tag = name.replace('/', '-')
        srv, message, r = submit(kind, mode, tag, more=f'auth {setting}\n',
                                 mech=mech, machine=machine)
        expect_sent(r, srv, tag, message)
        equal(mechanisms(r), [mech], 'mechanism', r)
        check(secret(kind, mech) not in r.log, 'the secret is in the log', r)
        check(login_seen(kind, srv, mech, arrived(srv, tag)[0]),
              'the server knows of no such login', srv.log()[-3000:])
        equal(KNOWN & set(offered(r)), set(KINDS[kind].words), 'offered', r)
        wanted = set(KINDS[kind].auth)
        if kind == 'exim' and mech != 'EXTERNAL':   # only with a certificate
            wanted.remove('EXTERNAL')
        equal(set(offered(r)['AUTH'].split()), wanted, 'mechanisms', r)
        shown(kind, mode, mech if setting != 'on' else f'on={mech}' + (
            '' if machine == 'posix' else f'({machine})'))


def wrong_secret(kind):
    """A wrong secret: 77, for every mechanism that has one."""
    @case(f'servers/{kind}-wrong-secret')
    def run():
        srv = peer(kind)
        for mech in KINDS[kind].auth:
            if mech == 'EXTERNAL':
                continue
            tag = f'wrong-{kind}-{mech.lower()}'
            r = launch('posix', '--trace', 'rcpt@mail.test',
                       message=head(tag) + BODY,
                       conf=conf(srv.tls_port, 'implicit',
                                 more=f'auth {mech.lower()}\n'),
                       files=files(password='another'))
            equal(r.status, 77, f'exit status with {mech}', r)
            equal(mechanisms(r), [mech], 'mechanism', r)
            check(not [c for c in said(r) if c.startswith('MAIL')],
                  'it went on', r)
        shown(kind, 'also', 'wrong-secret')


for k in KINDS:
    for m in ('starttls', 'implicit'):
        for a in KINDS[k].auth:
            login(k, m, a.lower(), a)
        login(k, m, 'on', KINDS[k].best)
    login(k, 'starttls', 'on', KINDS[k].best, 'microvm')
    wrong_secret(k)


def extension(word, without=True):
    """A case for each server: run(kind, tag, offered). It is told whether
    the server has the extension; without=False: only run where it has."""
    def register(function):
        for kind in KINDS:
            has = word in KINDS[kind].words
            if has or without:
                _register(kind, word, has, function)
        return function
    return register


def _register(kind, word, has, function):
    @case(f'servers/{kind}-{word.lower()}')
    def run():
        what = function(kind, f'{word.lower()}-{kind}', has)
        shown(kind, 'extensions', what or (word if has else f'no-{word}'))


def not_sent(kind, r, tag, words):
    """Refused by us, for that reason, before the envelope."""
    equal(r.status, 69, 'exit status', r)
    check(words in r.reason, 'the reason does not say', words, r)
    check(not [c for c in said(r) if c.startswith('MAIL')], 'MAIL was said', r)
    equal(len([m for m in peer(kind).mails() if tag.encode() in m.sent]), 0,
          'messages delivered', r)


def mail_line(r):
    return [c for c in said(r) if c.startswith('MAIL')][0]


@extension('SIZE')
def size(kind, tag, _):
    """The size is told; what is too large is refused before it is sent."""
    srv, message, r = submit(kind, 'starttls', tag)
    expect_sent(r, srv, tag, message)
    told = re.search(r' SIZE=(\d+)', mail_line(r))
    check(told and int(told.group(1)) >= len(crlf(message)), 'SIZE', r)
    big = b'0123456789abcdef' * 4 + b'\n'
    _, _, r = submit(kind, 'starttls', tag + '-big',
                     body=big * (LIMIT // len(big) + 100))
    not_sent(kind, r, tag + '-big', str(LIMIT))


@extension('8BITMIME')
def eight_bit(kind, tag, _):
    body = 'Grüße\n.\nаб\n'.encode() + b'\xff\xfe\n' + BODY
    srv, message, r = submit(kind, 'implicit', tag, body=body)
    expect_sent(r, srv, tag, message)
    check(' BODY=8BITMIME' in mail_line(r), 'MAIL', r)


@extension('SMTPUTF8')
def utf8(kind, tag, has):
    srv, message, r = submit(kind, 'starttls', tag, 'jürgen@mail.test')
    if not has:
        return not_sent(kind, r, tag, 'SMTPUTF8')
    expect_sent(r, srv, tag, message)
    check('SMTPUTF8' in mail_line(r).split(), 'MAIL', r)
    check(r'RCPT TO:<j\xc3\xbcrgen@mail.test>' in said(r), 'RCPT', r)
    if hasattr(srv, 'envelopes'):
        check(['jürgen@mail.test'] in [e['to'] for e in srv.envelopes()],
              'recipient', srv.envelopes())
    else:
        check('jürgen@mail.test' in srv.log(), 'recipient',
              srv.log()[-2000:])


@extension('DSN')
def dsn(kind, tag, has):
    srv, message, r = submit(kind, 'implicit', tag, more='dsn_return headers\n'
                             'dsn_notify failure,delay\ndsn_envid a+b\n')
    if not has:
        return not_sent(kind, r, tag, 'DSN')
    expect_sent(r, srv, tag, message)
    check(' RET=HDRS ENVID=a+2Bb' in mail_line(r), 'MAIL', r)
    check('RCPT TO:<rcpt@mail.test> NOTIFY=FAILURE,DELAY '
          'ORCPT=rfc822;rcpt@mail.test' in said(r), 'RCPT', r)
    if kind == 'smtp-server':
        seen = [e for e in srv.envelopes() if e['rcpt'][0] and
                'NOTIFY' in e['rcpt'][0]]
        equal([(e['mail']['RET'], e['rcpt'][0]) for e in seen],
              [('HDRS', {'NOTIFY': 'FAILURE,DELAY',
                         'ORCPT': 'rfc822;rcpt@mail.test'})], 'DSN', seen)


@extension('REQUIRETLS')
def require_tls(kind, tag, has):
    srv, message, r = submit(kind, 'starttls', tag, more='require_tls on\n')
    if not has:
        return not_sent(kind, r, tag, 'REQUIRETLS')
    expect_sent(r, srv, tag, message)
    check('REQUIRETLS' in mail_line(r).split(), 'MAIL', r)
    equal([e['mail'].get('REQUIRETLS') for e in srv.envelopes()
           if e['id'] == f'<{tag}@mail.test>'], [True], 'REQUIRETLS', r)


def never_offered(word, setting):
    """None of them has it: the mail is not sent without it."""
    @extension(word)
    def run(kind, tag, _):
        _, _, r = submit(kind, 'implicit', tag, more=setting + '\n')
        not_sent(kind, r, tag, word)


never_offered('MT-PRIORITY', 'mt_priority 3')
never_offered('DELIVERBY', 'deliver_by 3600 notify')
never_offered('FUTURERELEASE', 'hold_for 60')

# An image that speaks BDAT has a key for it; asked for below once it has.
KEY = b'"chunking"' in read(os.path.join(TOP, 'kernel/app/config_keys.c'))
BODIES = {'empty': b'', 'one-byte': b'x', 'dots': b'.\n..\n.\n',
          '300-kb': b''.join(b'%d\n.\n' % i for i in range(34000))}


def bdat(r):
    """The sizes of the chunks, and whether the last one is called so."""
    chunks = [c.split()[1:] for c in said(r) if c.startswith('BDAT')]
    last = [c[1:] == ['LAST'] for c in chunks]
    return [int(c[0]) for c in chunks], last == [False] * (
        len(last) - 1) + [True]


@extension('CHUNKING')
def chunking(kind, tag, has):
    """By BDAT, byte for byte, where it is offered; by DATA if not, or if the
    user wants that."""
    srv = peer(kind)
    for setting in ('on', 'off') if has and KEY else ('on',):
        for name, body in BODIES.items():
            mark = f'{tag}-{name}-{setting}'
            _, message, r = submit(kind, 'implicit', mark, body=body,
                                   more=f'chunking {setting}\n' * KEY)
            expect_sent(r, srv, mark, message)
            by_bdat = has and KEY and setting == 'on'
            equal('DATA' in said(r), not by_bdat, 'DATA', r)
            if by_bdat:
                sizes, last = bdat(r)
                equal(sum(sizes), len(crlf(message)), 'bytes in chunks', r)
                check(last, 'LAST', r)
            else:
                equal(bdat(r)[0], [], 'BDAT', r)
    return None if KEY else 'bodies-by-DATA'


@extension('PIPELINING')
def pipelining(kind, tag, has):
    """The whole envelope in one round trip, or each command in its own."""
    to = ['a@mail.test', 'b@mail.test', 'c@mail.test']
    srv, message, r = submit(kind, 'implicit', tag, *to)
    equal(r.status, 0, 'exit status', r)
    trips = [t for t in turns(r) if t[0][:4] in ('MAIL', 'RCPT', 'DATA',
                                                 'BDAT')]
    words = [[c.split()[0] for c in t] for t in trips]
    if has:
        equal(words[0][:4], ['MAIL', 'RCPT', 'RCPT', 'RCPT'], 'round trip', r)
    else:
        equal(words[:4], [['MAIL'], ['RCPT'], ['RCPT'], ['RCPT']],
              'round trips', r)
    copies = 1 if hasattr(srv, 'envelopes') else 3   # for each recipient
    same(srv, tag, message, copies, r)


def told(r):
    """{recipient: (outcome, code, enhanced)}"""
    return {x['address']: (x['outcome'], x['code'], x['enhanced'])
            for x in r.report['recipients']}


@extension('ENHANCEDSTATUSCODES')
def enhanced(kind, tag, has):
    """Some recipients are refused: each has its verdict, with the enhanced
    code where the server has them."""
    srv, message, r = submit(kind, 'starttls', tag, 'a@mail.test',
                             'refused@mail.test', 'grey@mail.test')
    found = told(r)
    equal({a: x[:2] for a, x in found.items()}, {
        'a@mail.test': ('sent', 250), 'refused@mail.test': ('refused', 550),
        'grey@mail.test': ('temporary', 450)}, 'recipients', r)
    if has:                         # smtp-server has its own for 450
        equal([found['refused@mail.test'][2], found['grey@mail.test'][2]],
              ['5.1.1', '4.2.1' if kind == 'smtp-server' else '4.2.0'],
              'enhanced codes', r)
    equal(r.status, 69, 'exit status', r)
    same(srv, tag, message, 1, r)


def lmtp(kind, mode):
    @case(f'servers/{kind}-lmtp-{mode}')
    def run():
        """One mailbox takes it, one is full after the dot, one is none."""
        tag = f'lmtp-{kind}-{mode}'
        to = ['rcpt@mail.test']
        if kind != 'aiosmtpd':      # it answers but once behind the dot
            to += ['full@mail.test', 'refused@mail.test']
        srv, message, r = submit(kind, mode, tag, *to, lmtp=True)
        wanted = {'rcpt@mail.test': ('sent', 250),
                  'full@mail.test': ('refused', 552),
                  'refused@mail.test': ('refused', 550)}
        equal({a: x[:2] for a, x in told(r).items()},
              {a: wanted[a] for a in to}, 'recipients', r)
        equal(r.status, 69 if len(to) > 1 else 0, 'exit status', r)
        check(any(c.startswith('LHLO') for c in said(r)), 'LHLO', r)
        equal('STARTTLS' in said(r), mode == 'starttls', 'STARTTLS', r)
        same(srv, tag, message, 1, r)
        shown(kind, 'LMTP', mode)


for k in KINDS:
    for m in KINDS[k].lmtp:
        lmtp(k, m)
