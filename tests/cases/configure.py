"""bootmail --configure: which server it finds, by real dig and host against a
name server of ours; what is said when there is none."""
import os

from dnsserver import DROP, MX, SRV, DnsServer, mx, srv
from harness import LAUNCHER, Skip, case, check, command, equal, new_dir
from images import image

ZONE = {
    '_submissions._tcp.both.test': {SRV: [srv(0, 1, 465, 'mail.both.test')]},
    '_submission._tcp.both.test': {SRV: [srv(0, 1, 587, 'old.both.test')]},
    '_submission._tcp.start.test': {SRV: [srv(0, 1, 587, 'mail.start.test')]},
    '_submissions._tcp.order.test': {SRV: [
        srv(20, 9, 465, 'c.order.test'), srv(10, 1, 465, 'b.order.test'),
        srv(10, 50, 4650, 'a.order.test')]},
    '_submissions._tcp.none.test': {SRV: [srv(0, 0, 0, '')]},
    '_submission._tcp.none.test': {SRV: [srv(0, 0, 0, '')]},
    '_submissions._tcp.half.test': {SRV: [srv(0, 0, 0, '')]},
    '_submission._tcp.half.test': {SRV: [srv(0, 1, 587, 'mail.half.test')]},
    '_submissions._tcp.evil.test': {SRV: [srv(0, 1, 465, 'a;b c.evil.test'),
                                          srv(1, 1, 465, 'ok.evil.test')]},
    '_submissions._tcp.zero.test': {SRV: [srv(0, 1, 0, 'a.zero.test'),
                                          srv(1, 1, 465, 'b.zero.test')]},
    '_submissions._tcp.away.test': {SRV: [srv(0, 1, 465, 'smtp.other.test')]},
    'space.test': {MX: [mx(5, 'alt1.aspmx.l.google.com'),
                        mx(1, 'aspmx.l.google.com')]},
    'office.test': {MX: [mx(0, 'office-test.mail.protection.outlook.com')]},
    'own.test': {MX: [mx(10, 'mx.own.test')]},
}

# domain, host, port, starttls, a word of the first line, words on stderr
FOUND = (
    ('both.test', 'mail.both.test', 465, 'off', '_submissions._tcp', 0),
    ('BOTH.test', 'mail.both.test', 465, 'off', '_submissions._tcp', 0),
    ('start.test', 'mail.start.test', 587, 'on', '_submission._tcp', 0),
    ('order.test', 'a.order.test', 4650, 'off', '_submissions._tcp', 0),
    ('half.test', 'mail.half.test', 587, 'on', '_submission._tcp', 0),
    ('evil.test', 'ok.evil.test', 465, 'off', '_submissions._tcp', 0),
    ('zero.test', 'b.zero.test', 465, 'off', '_submissions._tcp', 0),
    ('away.test', 'smtp.other.test', 465, 'off', '_submissions._tcp', 1),
    ('space.test', 'smtp.gmail.com', 465, 'off', 'aspmx', 1),
    ('office.test', 'smtp.office365.com', 587, 'on', 'outlook', 1),
    ('gmail.com', 'smtp.gmail.com', 465, 'off', 'the address', 0),
)


def tools(tool, port):
    """A PATH whose resolver tools ask our server, all but `tool` missing."""
    folder = new_dir('path')
    options = {'dig': f'@127.0.0.1 -p {port}', 'host': f'-p {port}'}
    path = '/usr/bin/' + tool
    if not os.path.exists(path):
        raise Skip(f'{path} is not installed')
    for name in os.listdir('/usr/bin'):
        if name not in ('dig', 'kdig', 'host', 'getent'):
            os.symlink('/usr/bin/' + name, os.path.join(folder, name))
    with open(os.path.join(folder, tool), 'w') as f:
        f.write(f'#!/bin/sh\nexec {path} {options[tool]} "$@"' +
                (' 127.0.0.1\n' if tool == 'host' else '\n'))
    # customary names: none of them is anywhere
    with open(os.path.join(folder, 'getent'), 'w') as f:
        f.write('#!/bin/sh\nexit 2\n')
    for name in (tool, 'getent'):
        os.chmod(os.path.join(folder, name), 0o755)
    return dict(os.environ, PATH=folder)


def configure(address, env):
    return command([LAUNCHER, '--configure', address], 120, env=env)


def ask(tool):
    @case('configure/by-' + tool)
    def run():
        with DnsServer(ZONE) as dns:
            env = tools(tool, dns.port)
            for domain, host, port, starttls, word, words in FOUND:
                address = 'robot+x@' + domain
                done = configure(address, env)
                text = done.stdout.decode()
                equal(done.returncode, 0, f'exit status for {domain}',
                      done.stderr)
                equal(text.splitlines()[1:], [
                    f'host {host}', f'port {port}', 'tls on',
                    f'tls_starttls {starttls}', 'auth on', f'user {address}',
                    f'from {address}'], domain)
                check(word in text.splitlines()[0], 'where it is from', text)
                equal(done.stderr.count(b'\n'), words, 'words for ' + domain,
                      done.stderr)
            for domain, word in (('none.test', b'no submission server'),
                                 ('own.test', b'found no'),
                                 ('nowhere.test', b'found no')):
                done = configure('a@' + domain, env)
                equal(done.returncode, 78, f'exit status for {domain}')
                check(word in done.stderr, domain, done.stderr)
                equal(done.stdout, b'', 'output for ' + domain)


ask('dig')
ask('host')


@case('configure/name-server-is-mute')
def mute():
    with DnsServer({}, default=DROP) as dns:
        done = configure('a@mute.test', tools('dig', dns.port))
    equal(done.returncode, 75, 'exit status', done.stderr)


@case('configure/what-it-wrote-is-taken')
def taken():
    """The image reads what --configure writes."""
    image('posix')
    with DnsServer(ZONE) as dns:
        text = configure('robot@both.test', tools('dig', dns.port)).stdout
    folder = new_dir('conf')
    path = os.path.join(folder, 'bootmail.conf')
    with open(path, 'wb') as f:
        f.write(text)
    done = command([LAUNCHER, '--board', 'posix', '--net', 'none', '-C', path,
                    'b@example.org'], 60, input=b'x\n')
    # no password yet: that is what it complains about
    equal(done.returncode, 78, 'exit status', done.stderr)
    check(b'password' in done.stderr, 'reason', done.stderr)


@case('configure/usage')
def usage():
    for address in ('robot', '@example.org', 'a@b', 'a b@example.org',
                    'a@-x.org', 'a@exam"ple.org', ''):
        done = command([LAUNCHER, '--configure', address], 60)
        equal(done.returncode, 64, f'exit status for "{address}"')
