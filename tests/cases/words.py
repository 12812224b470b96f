"""What is printed for the mistakes that everybody makes: the cause, in the words
of whoever made it, and what to do."""
import os

from dialogue import Dialogue
from fake import Fake
from harness import LAUNCHER, case, check, command, equal, new_dir, private_file
from images import image
from lab import files as lab_files, pki

BASE = 'host localhost\nport {port}\nfrom sender@mail.test\n'


def run(conf, *args, port=1, rcpt='b@mail.test', anchors=True):
    """(status, the lines of standard error, FILE for the configuration)."""
    folder = new_dir('words')
    path = os.path.join(folder, 'mine')
    private_file(path, conf.format(port=port).encode())
    if anchors:
        private_file(os.path.join(folder, 'ca.pem'), lab_files()['ca.pem'])
    env = {k: v for k, v in os.environ.items() if not k.startswith('XDG_')}
    done = command([LAUNCHER, '--board', 'posix', '--image',
                    image('posix-asan'), '-C', path, *args, rcpt], 60,
                   input=b'hello\n', env={**env, 'HOME': folder,
                                          'TMPDIR': new_dir('tmp')})
    return done.returncode, done.stderr.decode(
        errors='replace').replace(path, 'FILE')


def says(status, words, conf, *args, **kw):
    got, text = run(conf, *args, **kw)
    equal(got, status, f'exit status of {conf!r} {args}', text)
    for word in words:
        check(word in text, f'{conf!r} {args}: no word of "{word}"', text)


@case('words/configuration')
def configuration():
    for status, words, conf in (
            (78, ['FILE, line 4, column 1: unknown key; did you mean user?'],
             BASE + 'usr u\n'),
            (78, ['FILE, line 2, column 6: port must be'],
             'host x\nport x\nfrom a@b.c\n'),
            (78, ['FILE, line 4', 'no such file', '/no/such.pem'],
             BASE + 'tls_trust_file /no/such.pem\n'),
            (78, ['host is not set'], 'from a@b.c\n'),
            (78, ['auth needs user'], BASE + 'auth on\npassword x\n'),
            (78, ['auth needs a password', 'the file password'],
             BASE + 'auth on\nuser u\n'),
            (78, ['the command of passwordeval', 'status 1'],
             BASE + 'auth on\nuser u\npasswordeval false\n'),
            (74, ['nothing listens there', 'localhost is this host'],
             BASE + 'tls off\n')):
        says(status, words, conf)


@case('words/command-line')
def command_line():
    off = BASE + 'tls off\n'
    says(78, ['no account "work"', 'the accounts of FILE: default home'],
         off + 'account home\n' + off, '-a', 'work')
    for rcpt in ('root', 'a b@c'):
        says(64, [f'bootmail: to "{rcpt}" is not an address'], off, rcpt=rcpt)
    says(64, ['maildomain DOMAIN', 'aliases FILE'], off, rcpt='root')
    says(65, ['/no/such: cannot be read: there is no such file'], off,
         '--attach', '/no/such')
    says(65, ['/: cannot be read: it is a folder'], off, '--html', '/')
    says(78, ['/no/such: cannot be read: there is no such file'], off, '-C',
         '/no/such')
    says(78, ['/dev: cannot be read: it is a folder'], off, '-C', '/dev')
    empty = new_dir('home')
    done = command([LAUNCHER, 'a@b.c'], 60, input=b'x\n', env={
        'PATH': os.environ['PATH'], 'HOME': empty})
    if done.returncode == 78:  # nobody has a /etc/bootmail.conf here
        for word in (f'{empty}/.config/bootmail/bootmail.conf', '-C',
                     '--configure ADDRESS'):
            check(word in done.stderr.decode(), f'no {word}', done.stderr)


@case('words/server')
def server():
    rows = (
        (77, ['535 5.7.8', 'check user'], dict(users={'u': 'right'}),
         'auth on\nuser u\npassword Wr0ng\n', {}),
        (77, ['is not among the', 'tls_trust_file'], dict(auth=()), '',
         {'anchors': False}),
        (76, ['set tls_starttls on'], dict(auth=()), 'tls_starttls off\n', {}),
        (76, ['set tls_starttls off'], dict(tls='implicit', auth=()),
         'timeout 5\n', {}),
        (76, ['does not offer STARTTLS', 'tls_starttls off'],
         dict(tls='none', auth=()), '', {}))
    for status, words, kw, more, how in rows:
        with Fake(scripts=[Dialogue(**kw) for _ in range(3)], pki=pki()) as srv:
            says(status, words, BASE + more, port=srv.port, **how)
