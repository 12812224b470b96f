"""IPv6: by the router's answer alone, beside IPv4, and where one of the two
leads nowhere. QEMU's and libslirp's user networks have a router, fec0::2,
which is the host's ::1."""
import socket

from dnsserver import NODATA, DnsServer
from fake import Dialogue, Fake
from harness import Skip, case, check, equal
from lab import conf, crlf, files, launch, pki, port53, qemu_with
from netlab import MESSAGE, SECRET, USERS, WHO, expect

A, AAAA = 1, 28
HOST4, HOST6 = '10.0.2.2', 'fec0::2'
NAME = 'tls_host_override mail.test\n'
BOTH = ('posix', 'microvm', 'q35', 'aarch64', 'riscv64')


def record(address):
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    return socket.inet_pton(family, address)


def names(*addresses):
    """A name server's answer with these."""
    return {kind: [record(a) for a in addresses if (':' in a) == (kind == AAAA)]
            for kind in (A, AAAA)}


def network(machine, options):
    """The user network with other options of QEMU's, to pass to launch()."""
    if machine == 'posix':
        raise Skip('libslirp has them only by QEMU')
    return {'env': {'QEMU': qemu_with('ipv6', ('user,id=net0',
                                               'user,id=net0,' + options))}}


def send(machine, server, host, more='', **kw):
    if machine != 'posix':
        kw.setdefault('timeout', 40)
    return launch(machine, 'rcpt@mail.test', message=MESSAGE,
                  conf=conf(server.port, host=host, user=WHO,
                            more=NAME + more),
                  files=files(password=SECRET), **kw)


def listening(host='::1', port=0, **kw):
    try:
        return Fake(Dialogue(users=USERS), pki=pki(), host=host, port=port,
                    **kw)
    except OSError:
        raise Skip('no IPv6 loopback here')


def delivered(r, srv, address):
    expect(r, 0, 'sent')
    equal(r.report['address'], address, 'address in the report', r)
    equal([m['data'] for m in srv.wires[0].messages], [crlf(MESSAGE)],
          'messages', r)


def on(name, machines=BOTH):
    def register(function):
        for machine in machines:
            case(f'ipv6/{name}-{machine}')(
                lambda machine=machine: function(machine))
        return function
    return register


@on('address')
def literal(machine):
    for host in (HOST6, f'[{HOST6}]', 'FEC0:0:0::0:2'):
        with listening() as srv:
            delivered(send(machine, srv, host), srv, HOST6)


@on('off', ('posix', 'microvm'))
def off(machine):
    with listening() as srv:
        r = send(machine, srv, HOST6, more='ipv6 off\n')
        equal(srv.wires, [], 'connections', r)
    expect(r, 74, 'temporary', 'no route', HOST6)


@on('alone', ('microvm', 'q35'))
def alone(machine):
    """No IPv4 in the network at all, not even a DHCP server."""
    with listening() as srv:
        r = send(machine, srv, HOST6, **network(machine, 'ipv4=off,ipv6=on'))
        delivered(r, srv, HOST6)
        check('[IPv6:fec0::' in str(srv.wires[0].lines), 'EHLO', r)


@on('no-router', ('microvm',))
def no_router(machine):
    """Nobody answers for IPv6: IPv4 does not wait for it."""
    with listening(host='127.0.0.1') as srv:
        r = send(machine, srv, HOST4, **network(machine, 'ipv6=off'))
        delivered(r, srv, HOST4)
    with listening() as srv:
        r = send(machine, srv, HOST6, **network(machine, 'ipv6=off'))
    expect(r, 74, 'temporary', 'no route', HOST6)


def named(machine, answer, srv, more=''):
    with port53:
        with DnsServer({'mail.test': answer}, port53=True) as dns:
            if not dns.on_53:
                raise Skip('port 53 cannot be bound')
            r = launch(machine, 'rcpt@mail.test', message=MESSAGE, timeout=90,
                       conf=conf(srv.port, host='mail.test', user=WHO,
                                 more='dns 10.0.2.2\n' + more),
                       files=files(password=SECRET))
            return r, [kind for _, kind in dns.queries]


@on('name-with-ipv6-only', ('posix', 'microvm'))
def only6(machine):
    with listening() as srv:
        r, asked = named(machine, names(HOST6), srv)
        delivered(r, srv, HOST6)
    equal(asked, [A, AAAA], 'questions', r)


@on('name-with-both', ('posix', 'microvm'))
def both(machine):
    """IPv4, and no question about the other."""
    with listening(host='127.0.0.1') as srv:
        r, asked = named(machine, names(HOST4, HOST6), srv)
        delivered(r, srv, HOST4)
    equal(asked, [A], 'questions', r)


@on('name-with-neither', ('posix',))
def neither(machine):
    with listening() as srv:
        r, asked = named(machine, NODATA, srv)
        expect(r, 68, 'permanent', 'knows no address')
        equal(asked, [A, AAAA], 'questions', r)
        r, asked = named(machine, names(HOST6), srv, more='ipv6 off\n')
        expect(r, 68, 'permanent', 'knows no address')
        equal(asked, [A], 'questions', r)


@on('ipv4-refuses', ('posix', 'microvm'))
def refused(machine):
    """A port that only IPv6 listens on: the other address is tried; without
    one that works, the first failure is what is told."""
    with listening() as srv:
        r, _ = named(machine, names(HOST4, HOST6), srv)
        delivered(r, srv, HOST6)
        check('no connection to 10.0.2.2: trying fec0::2' in r.log, 'log', r)
    r, _ = named(machine, names(HOST4, HOST6), srv)
    expect(r, 74, 'temporary', 'cannot connect to 10.0.2.2', 'refused')
