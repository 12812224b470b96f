"""A mail server on this host's loopback, as an msmtprc names it: `host localhost`.
In the guest that would be the guest. The launcher names the address by which
the user network knows this host; certificate and SNI keep to the name given."""
import os

from dialogue import Dialogue
from fake import Fake
from harness import case, check, equal, private_file
from lab import files as lab_files, launch, pki
from launcher_lib import call, members, packed, refused
from spoollab import DEAD_PORT, Queue, got, server

IPV4, IPV6 = '127.0.0.1', '::1'


def conf(host, port, more=''):
    return f'host {host}\nport {port}\nfrom sender@mail.test\n{more}'


def send(host, listen, cert, machine='posix', more=''):
    with Fake(Dialogue(auth=()), pki=pki(), cert=cert, host=listen) as srv:
        r = launch(machine, 'rcpt@mail.test', message=b'hello\n',
                   conf=conf(host, srv.port, more),
                   files={'ca.pem': lab_files()['ca.pem']})
    return r, srv.wires[0].tls if srv.wires else None


@case('loopback/delivers')
def delivers():
    """Verified, by a certificate that knows nothing of 10.0.2.2."""
    for host, listen, sni in (('localhost', IPV4, 'localhost'),
                              ('LocalHost', IPV4, 'LocalHost'),
                              ('127.0.0.1', IPV4, None), ('::1', IPV6, None),
                              ('[::1]', IPV6, None)):
        r, tls = send(host, listen, 'loopback')
        equal(r.status, 0, f'exit status for host {host}', r)
        equal((tls or {}).get('sni'), sni, f'SNI for host {host}')


@case('loopback/delivers-microvm')
def microvm():
    for host, listen in (('localhost', IPV4), ('::1', IPV6)):
        r, _ = send(host, listen, 'loopback', 'microvm')
        equal(r.status, 0, f'exit status for host {host}', r)


@case('loopback/certificate-is-for-the-name-given')
def certificate():
    for host, listen in (('localhost', IPV4), (IPV4, IPV4), (IPV6, IPV6)):
        r, _ = send(host, listen, 'gateway')
        equal(r.status, 77, f'exit status for host {host}', r)
        check(host in r.reason, f'no word of {host}', r.reason)
    r, tls = send('localhost', IPV4, 'ec', more='tls_host_override mail.test\n')
    equal((r.status, tls['sni']), (0, 'mail.test'), 'with tls_host_override', r)


def lines(*args, **kw):
    return [line for line in packed(*args, 'a@b.c', **kw)[
        'args'].decode().splitlines() if line.split()[0] in
        ('host', 'tls_host_override')]


@case('loopback/named-in-any-way')
def anyway():
    want = ['host "10.0.2.2"', 'tls_host_override "localhost"']
    bare = {'drop': ['config', 'HOME', 'XDG_CONFIG_HOME']}
    equal(lines(conf=conf('localhost', 25)), want, 'by a file')
    equal(lines('smtp://localhost', **bare), want, 'by a URL')
    equal(lines(env={'SMTP_HOST': 'localhost'}, **bare), want, 'by environment')
    equal(lines('--host', 'localhost', **bare)[-2:], want, 'by an option')
    equal(lines('-a', 'b', conf=conf('m.test', 25) + 'account b\n' +
                conf('localhost', 25)), want, 'by an account')
    equal(lines(conf='eval echo host localhost\nfrom a@b.c\n'), want, 'by eval')
    for host in ('localhost.', 'localhost.localdomain'):
        equal(lines(conf=conf(host, 25)),
              [want[0], f'tls_host_override "{host}"'], host)
    for host in ('localhost.example.org', '127.example.org', '128.0.0.1',
                 'mylocalhost', '::2', '10.0.2.2'):
        equal(lines(conf=conf(host, 25)), [], host)
    equal(lines('--net', 'none', conf=conf('localhost', 25)), want, 'no net')


@case('loopback/another-address-is-another-server')
def another():
    """127.0.0.2 is not what listens at 127.0.0.1; who asks for it hears so."""
    for host in ('127.0.0.2', '127.1.2.3', '127.255.255.254', '127.0.0.2.'):
        refused(78, 'reaches 127.0.0.1 and ::1 alone', '--board', 'posix',
                '--dry-run', 'a@b.c', conf=conf(host, 25))
    with Fake(server(), host=IPV4) as srv:
        r = launch('posix', 'a@b.c', message=b'x\n',
                   conf=conf('127.0.0.2', srv.port, 'tls off\n'))
        equal((r.status, len(srv.wires)), (78, 0), 'exit status, connections')


@case('loopback/words')
def words():
    """Whoever reads of 10.0.2.2 is told what that is; a tap has no such
    address."""
    r = launch('posix', 'a@b.c', message=b'x\n',
               conf=conf('localhost', DEAD_PORT, 'tls off\n'))
    equal(r.status, 74, 'exit status', r)
    check('localhost is this host: the guest reaches it as 10.0.2.2' in r.log,
          'no word of it', r.log)
    refused(78, 'the machine itself', '--net', 'tap:none', '--board', 'posix',
            '--dry-run', 'a@b.c', conf=conf('localhost', 25))
    done, _ = call('--net', 'tap:none', '--board', 'posix', '--dry-run',
                   'a@b.c', conf=conf('m.test', 25))
    equal(done.returncode, 0, 'another host over a tap', done.text)


@case('loopback/kept')
def kept():
    """The spool keeps the call as it was made: where the server is, is looked
    up anew."""
    with Fake(server()) as srv:
        q = Queue(DEAD_PORT)
        text = f'from sender@mail.test\ntls off\nspool {q.spool}\n'
        for port in (DEAD_PORT, srv.port):
            private_file(q.conf, (text + f'host localhost\nport {port}\n')
                         .encode())
            if port == DEAD_PORT:
                q.send('b@mail.test')
                name, = q.entries()
                with open(os.path.join(q.spool, 'new', name, 'call',
                                       'args')) as f:
                    check('10.0.2.2' not in f.read(), 'the address is kept')
        save = os.path.join(q.dir, 'packed')
        q.flush('--save', save)
        check(b'10.0.2.2' in members(save)['args'], 'not looked up')
        equal(len(got(srv)), 1, 'messages')
        q.nothing_left()
