"""What goes wrong ends with the right status, the reason named, and nothing
secret on the wire."""
import os
import threading

from dnsserver import DROP, NXDOMAIN, SERVFAIL, DnsServer
from fake import Dialogue, Fake, can_post_handshake
from harness import Skip, case, check, equal, new_dir
from lab import (arrived, conf, expect_sent, files, head, launch, pki,
                 port53, qemu_with, server)

SECRET = 'pw-77c1d2e3'
WHO = 'user-9f3a55'
TEXT = 'unmistakable-body-text'
MACHINES = ('posix', 'microvm')


def both(name, **kw):
    """Registers function(machine) for the process and for the image."""
    def register(function):
        for machine in MACHINES:
            case(f'failures/{name}-{machine}', **kw)(
                lambda machine=machine: function(machine))
        return function
    return register


def try_fake(machine, script, mode='starttls', cert='ec', rcpts=None, more='',
             timeout=40, user=WHO, **kw):
    """One run against a scripted server; returns (result, wires)."""
    with Fake(script, pki=pki(), cert=cert, **kw) as srv:
        r = launch(machine, *(rcpts or ['rcpt@mail.test']),
                   message=head('fake') + TEXT.encode() + b'\n',
                   conf=conf(srv.port, mode, user=user, more=more),
                   files=files(password=SECRET), timeout=timeout)
    return r, srv.wires


def nothing_leaked(r, wires):
    for wire in wires:
        for where in (wire.clear, wire.inside):
            check(TEXT.encode() not in where, 'the message went out', r)
        found = wire.leaks(SECRET, WHO, TEXT)
        check(not found, f'on the wire: {found}', r)
        check(not wire.inside or SECRET.encode() not in wire.inside,
              'the password went out', r)


def expect(r, status, outcome, *words):
    equal(r.status, status, 'exit status', r)
    check(r.report is not None, 'no report', r)
    equal(r.report['exit'], status, 'exit in the report', r)
    if outcome:
        equal(r.report['outcome'], outcome, 'outcome', r)
    for word in words:
        check(word.lower() in r.reason.lower(),
              f'the reason does not say "{word}"', r)
    check(SECRET not in r.log + r.stdout, 'the password is in the log', r)


# ------------------------------------------------------ accounts and servers

@both('wrong-password')
def wrong_password(machine):
    srv = server('exim')
    r = launch(machine, 'rcpt@mail.test', message=head('wrong-pw') + b'x\n',
               conf=conf(srv.starttls_port), files=files(password='wr0ng'))
    expect(r, 77, 'refused', '535')
    equal(arrived_now(srv, 'wrong-pw'), 0, 'delivered', r)


def arrived_now(srv, tag):
    return sum(tag.encode() in m for m in srv.mailbox())


@both('host-override')
def host_override(machine):
    r, wires = try_fake(machine, Dialogue(users={WHO: SECRET}),
                        more='tls_host_override mail.test\n')
    expect(r, 0, 'sent')
    equal(wires[0].tls['sni'], 'mail.test', 'SNI', r)


@both('no-starttls')
def no_starttls(machine):
    r, wires = try_fake(machine, Dialogue(tls='none', clear_auth=True))
    check(r.status in (76, 77), 'exit status', r)
    expect(r, r.status, 'refused', 'STARTTLS')
    nothing_leaked(r, wires)


@both('starttls-454')
def starttls_454(machine):
    r, wires = try_fake(machine, Dialogue(
        replies={'STARTTLS': b'454 4.7.0 not now\r\n'}))
    check(r.status in (75, 76), 'exit status', r)
    expect(r, r.status, 'temporary', '454')
    nothing_leaked(r, wires)


@both('starttls-injection')
def injection(machine):
    r, wires = try_fake(machine, Dialogue(replies={
        'STARTTLS': b'220 go\r\n250-fake\r\n250 AUTH PLAIN\r\n'}))
    expect(r, 76, None)
    nothing_leaked(r, wires)


@both('one-of-three-refused')
def one_refused(machine):
    srv = server('postfix')
    tag = 'partial-' + machine
    message = head(tag) + b'x\n'
    r = launch(machine, 'a@mail.test', 'refused@mail.test', 'b@mail.test',
               message=message, conf=conf(srv.starttls_port), files=files())
    expect(r, 69, 'refused', 'refused@mail.test')
    equal({x['address']: x['outcome'] for x in r.report['recipients']},
          {'a@mail.test': 'sent', 'refused@mail.test': 'refused',
           'b@mail.test': 'sent'}, 'recipients', r)
    equal(len(arrived(srv, tag, 2)), 2, 'delivered', r)


@both('greylisted')
def greylisted(machine):
    srv = server('exim')
    r = launch(machine, 'grey@mail.test', message=head('grey') + b'x\n',
               conf=conf(srv.starttls_port), files=files())
    expect(r, 75, 'temporary', '450')


# ---------------------------------------------------------------- TLS mistakes

@both('starttls-to-implicit-port')
def starttls_to_implicit(machine):
    srv = server('exim')
    r = launch(machine, 'rcpt@mail.test', message=head('wrongmode') + b'x\n',
               conf=conf(srv.tls_port, 'starttls'), files=files())
    expect(r, 76, None, 'tls_starttls off')


@both('implicit-to-starttls-port')
def implicit_to_starttls(machine):
    srv = server('exim')
    r = launch(machine, 'rcpt@mail.test', message=head('wrongmode2') + b'x\n',
               conf=conf(srv.starttls_port, 'implicit'), files=files())
    expect(r, 76, None, 'tls_starttls on')


def tickets(mode, **kw):
    @both(f'tickets-{mode}-{"-".join(kw) or "plain"}')
    def run(machine):
        if kw.get('act') and not can_post_handshake():
            raise Skip('this Python cannot send tickets in mid-session')
        r, wires = try_fake(machine, Dialogue(
            tls=mode, users={WHO: SECRET}, **kw), mode, tls_min='1.3',
            tickets=4)
        expect(r, 0, 'sent')
        equal(len(wires[0].messages), 1, 'messages', r)


tickets('starttls')
tickets('implicit')
tickets('starttls', act={'DATA': ('after', 'ticket', 2)})
tickets('implicit', act={'MAIL': ('before', 'ticket', 3)})


# ----------------------------------------------------------------- the network

@both('name-not-found')
def no_name(machine):
    with port53, DnsServer({'bad.test': SERVFAIL}, NXDOMAIN,
                           port53=True) as dns:
        if not dns.on_53:
            raise Skip('port 53 of the loopback cannot be had')
        r = launch(machine, 'rcpt@mail.test', message=head('dns') + b'x\n',
                   conf=conf(587, host='no-such-host.test',
                             more='dns 10.0.2.2\n'), files=files())
        expect(r, 68, 'permanent', 'no-such-host.test')
        r = launch(machine, 'rcpt@mail.test', message=head('dns') + b'x\n',
                   conf=conf(587, host='bad.test', more='dns 10.0.2.2\n'),
                   files=files())
        expect(r, 68, 'temporary', 'bad.test')


@both('name-found', slow=False)
def name_found(machine):
    srv = server('exim')
    with port53, DnsServer({'mail.test': [DROP, '10.0.2.2']},
                           port53=True) as dns:
        if not dns.on_53:
            raise Skip('port 53 of the loopback cannot be had')
        tag = 'byname-' + machine
        message = head(tag) + b'x\n'
        r = launch(machine, 'rcpt@mail.test', message=message, conf=conf(
            srv.starttls_port, host='mail.test', more='dns 10.0.2.2\n'),
            files=files())
        expect_sent(r, srv, tag, message)


@case('failures/no-device')
def no_device():
    for machine in ('microvm', 'q35'):
        r = launch(machine, '--net', 'none', 'rcpt@mail.test',
                   message=head('x') + b'x\n', conf=conf(587), files=files())
        expect(r, 74, 'temporary', 'no network device')


@case('failures/no-dhcp')
def no_dhcp():
    """A network on which nobody answers."""
    r = launch('microvm', 'rcpt@mail.test', message=head('x') + b'x\n',
               conf=conf(587), files=files(), env={'QEMU': qemu_with(
                   'nodhcp', ('user,id=net0',
                              'hubport,id=net0,hubid=0'))})
    expect(r, 74, 'temporary', 'DHCP')
    check('still waiting' in r.log, 'silent for too long', r)


@both('connection-refused')
def refused(machine):
    from server import free_ports
    r = launch(machine, 'rcpt@mail.test', message=head('x') + b'x\n',
               conf=conf(free_ports(1)[0]), files=files())
    expect(r, 74, 'temporary', 'refused')


@both('static-address')
def static(machine):
    srv = server('exim')
    tag = 'static-' + machine
    message = head(tag) + b'x\n'
    r = launch(machine, 'rcpt@mail.test', message=message, conf=conf(
        srv.starttls_port, more='ip 10.0.2.15/24\ngateway 10.0.2.2\n'),
        files=files())
    expect_sent(r, srv, tag, message)


# ---------------------------------------------------------- lost connections

@both('lost-before-dot')
def lost_before(machine):
    for act in ('close', 'reset'):
        r, _ = try_fake(machine, Dialogue(
            users={WHO: SECRET}, act={'DATA': ('before', act)}))
        expect(r, 75, 'temporary')


@both('lost-after-dot')
def lost_after(machine):
    for act in ('close', 'reset'):
        r, _ = try_fake(machine, Dialogue(
            users={WHO: SECRET}, act={'BODY': ('before', act)}))
        expect(r, 79, 'unsure', 'may have been delivered')


@both('silent-after-dot')
def silent_after(machine):
    r, _ = try_fake(machine, Dialogue(
        users={WHO: SECRET}, act={'BODY': ('before', 'stall')}), timeout=8)
    expect(r, 79, 'unsure')


@both('silent-server')
def silent(machine):
    r, _ = try_fake(machine, [('stall',)], timeout=8)
    expect(r, 75, 'temporary')


@both('refuses-message')
def refuses_message(machine):
    r, _ = try_fake(machine, Dialogue(users={WHO: SECRET}, replies={
        'BODY': b'554 5.7.1 looks like spam\r\n'}))
    expect(r, 69, 'refused', 'looks like spam')


@both('slow-greeting')
def slow_greeting(machine):
    """A server that is only slow is not taken for one that speaks TLS, and
    keeps its connection."""
    r, wires = try_fake(machine, Dialogue(
        users={WHO: SECRET}, act={'CONNECT': ('before', 'sleep', 3)}))
    expect(r, 0, 'sent')
    equal(len(wires[0].messages), 1, 'messages on the first connection', r)


@both('byte-by-byte')
def slow_bytes(machine):
    """Replies and records in single bytes."""
    r, wires = try_fake(machine, Dialogue(users={WHO: SECRET}), piece=1)
    expect(r, 0, 'sent')
    equal(len(wires[0].messages), 1, 'messages', r)


# ------------------------------------------------------------- configuration

BAD = {
    'unknown-key': ('host x\nhots y\n', 'line 2, column 1', 'host'),
    'bad-port': ('host x\nport 99999\n', 'line 2, column 6', 'port'),
    'bad-switch': ('host x\n  tls maybe\n', 'line 2, column 7', 'tls'),
    'no-host': ('from a@b.example\n', '', 'host'),
}


def bad_config(name, text, where, word):
    @both('config-' + name)
    def run(machine):
        pcap = os.path.join(new_dir('pcap'), 'net')
        r = launch(machine, '--pcap', pcap, 'rcpt@mail.test', conf=text,
                   message=b'x\n', files={'ca.pem': b''})
        expect(r, 78, 'invalid', where, word)
        check(not os.path.exists(pcap) or os.path.getsize(pcap) <= 24,
              'packets were sent', r)


for key, value in BAD.items():
    bad_config(key, *value)


@both('message-bare-cr')
def bare_cr(machine):
    r = launch(machine, 'rcpt@mail.test', message=head('cr') + b'a\nb\rc\n',
               conf=conf(587), files=files())
    expect(r, 65, 'invalid', 'line 8')


@both('no-trust')
def no_trust(machine):
    r = launch(machine, 'rcpt@mail.test', message=head('t') + b'x\n',
               conf=conf(587), files={'ca.pem': b'no certificate\n',
                                      'password': b'x'})
    expect(r, 78, 'invalid')


@both('certcheck-off-with-fingerprint')
def certcheck_and_fingerprint(machine):
    """A pin is never dropped in silence."""
    r = launch(machine, 'rcpt@mail.test', message=head('pin') + b'x\n',
               conf=conf(587, user=None, more='tls_certcheck off\n'
                         'tls_fingerprint ' + ':'.join(['AB'] * 32) + '\n'),
               files=files())
    expect(r, 78, 'invalid', 'tls_fingerprint')


@both('too-many-recipients')
def too_many(machine):
    """-t of a huge list ends at once with a reason."""
    who = ', '.join(f'a{n}@mail.test' for n in range(20000))
    r = launch(machine, '-t', message=f'To: {who}\n\nx\n'.replace(
        ', ', ',\n ').encode(), conf=conf(587), files=files())
    expect(r, 65, 'invalid', '1000 recipients')
