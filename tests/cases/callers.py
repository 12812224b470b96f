"""What a caller may leave the launcher with: channels that are closed or that
nobody reads, exported options of his shell, a standard input that is something
else than a message. The verdict stays the verdict."""
import os
import shlex

from fake import Fake
from harness import (LAUNCHER, Skip, case, check, command, equal, new_dir,
                     private_file)
from images import image
from launcher_lib import call, members, refused
from spoollab import PLAIN, Queue, got, server
from standin import CONF, SENT, say, stand_in


def without_spool(srv, more=''):
    q = Queue(srv.port)
    private_file(q.conf, (PLAIN.format(port=srv.port) + more).encode())
    return q


@case('callers/nobody-listens')
def deaf():
    """The other end of standard output or error is gone (| head), or full: the
    message has been sent, and the status says so."""
    with Fake(server()) as srv:
        queues = Queue(srv.port), without_spool(srv, 'logfile -\n')
        for n, (q, args, end) in enumerate((
                (q, args, end) for q in queues for args, end in (
                    ('--json', '| true'), ('--json -v', '2>&1 | true'),
                    ('--json -v', '>/dev/full 2>&1'),
                    ('--json -v', '>&- 2>&-'))), 1):
            line = shlex.join(q.argv(*args.split(), 'a@mail.test'))
            done = command(['bash', '-c', f'{line} {end}; '
                            'exit ${PIPESTATUS[0]}'], 60, input=b'hello\n',
                           env=q.env())
            equal((done.returncode, len(got(srv))), (0, n), end, done.stderr)
            q.nothing_left()


@case('callers/log-at-its-limit')
def log_limit():
    """A log file that may not grow any more (ulimit -f)."""
    with Fake(server()) as srv:
        log = os.path.join(new_dir('log'), 'log')
        q = without_spool(srv, f'logfile {log}\n')
        with open(log, 'wb') as f:
            f.truncate(8 << 20)
        done = command(['sh', '-c', 'ulimit -f 8192; ' +
                        shlex.join(q.argv('a@mail.test'))], 60,
                       input=b'hello\n', env=q.env())
        equal((done.returncode, len(got(srv))), (0, 1), 'status, mails',
              done.stderr)
        check(b'cannot be written' in done.stderr, 'no word', done.stderr)
        q.nothing_left()


@case('callers/log-that-nobody-reads')
def log_fifo():
    """A FIFO for a log: the mail is not held up for long."""
    with Fake(server()) as srv:
        log = os.path.join(new_dir('log'), 'log')
        os.mkfifo(log)
        done = without_spool(srv, f'logfile {log}\n').send('a@mail.test')
        check('cannot be written' in done.log, 'no word', done.log)


@case('callers/anothers-folder')
def anothers_folder():
    """XDG_RUNTIME_DIR of another user, as su leaves it: he could put a file of
    his own in the place of one for secrets."""
    if os.geteuid() != 0:
        raise Skip('needs root: a folder of another user')
    with Fake(server()) as srv:
        q = without_spool(srv)
        theirs = new_dir('theirs')
        os.chown(theirs, 65534, 65534)
        save = os.path.join(q.dir, 'where')
        env = dict(q.env(PATH=f'{q.dir}:{os.environ["PATH"]}'),
                   XDG_RUNTIME_DIR=theirs)
        del env['TMPDIR']
        with open(os.path.join(q.dir, 'mktemp'), 'w') as f:
            f.write(f'#!/bin/sh\necho "$@" >{save}\nPATH=${{PATH#*:}} '
                    'exec mktemp "$@"\n')
        os.chmod(f.name, 0o755)
        done = command(q.argv('a@mail.test'), 60, input=b'x\n', env=env)
        equal(done.returncode, 0, 'exit status', done.stderr)
        with open(save) as f:
            text = f.read()
        check('/tmp/bootmail' in text and theirs not in text, text)


@case('callers/password-of-another')
def password_of_another():
    """A file password beside the configuration that this user cannot read is
    named: without it nobody would know why there is none."""
    folder = new_dir('etc')
    path = os.path.join(folder, 'bootmail.conf')
    with open(path, 'w') as f:
        f.write('host 10.0.2.2\nfrom a@mail.test\nauth on\nuser u\n')
    os.mkfifo(os.path.join(folder, 'password'))
    done = command([LAUNCHER, '--board', 'posix', '--net', 'none', '--image',
                    image('posix-asan'), '-C', path, 'a@mail.test'], 60,
                   input=b'x\n')
    equal(done.returncode, 78, 'exit status', done.stderr)
    check(f'{folder}/password is there'.encode() in done.stderr, 'no word',
          done.stderr)


@case('callers/exported-options')
def exported():
    """SHELLOPTS of a script that calls: set -e, set -C, set -f are for that
    script, and set -x shows no secret."""
    with Fake(server()) as srv:
        for n, option in enumerate(('errexit', 'noclobber', 'noglob',
                                    'xtrace', 'verbose'), 1):
            q = without_spool(srv, 'password Zq7-marker\n')
            done = q.send('a@mail.test', SHELLOPTS=option)
            equal(len(got(srv)), n, option)
            check('Zq7' not in done.log, option, done.log)
        q = Queue(1)
        q.send('a@mail.test')
        q.write(srv.port)
        q.send('--flush-all', SHELLOPTS='noglob:errexit')
        equal(len(got(srv)), 6, 'by --flush')
        q.nothing_left()


@case('callers/standard-input-is-not-the-message')
def not_the_message():
    """-C /dev/stdin: a mail would be empty, or hold the password."""
    folder = new_dir('stdin')
    conf = os.path.join(folder, 'conf')
    private_file(conf, (CONF + 'password x\n').encode())
    url = os.path.join(folder, 'url')
    private_file(url, b'smtp://u:secret@mail.example.org')
    for args, name in ((('-C', '/dev/stdin'), conf), (('-C', conf), conf),
                       (('-C', '/dev/fd/0'), conf),
                       (('--url-file', '/dev/stdin'), url),
                       (('--url-file', url), url)):
        drop = ('config',) if '-C' not in args else ()
        with open(name, 'rb') as f:
            refused(64, 'which is the message', *args, 'a@b.c', drop=drop,
                    stdin=None, preexec_fn=lambda f=f: os.dup2(f.fileno(), 0))
    refused(64, 'which is the message', '-C', '/dev/stdin', 'a@b.c',
            stdin=CONF.encode())
    # a check reads none
    qemu = stand_in(say(SENT.replace('"sent"', '"checked"'), 1))
    done, _ = call('--check', '-C', '/dev/stdin', stdin=CONF.encode(),
                   env={'QEMU': qemu})
    equal(done.returncode, 0, '--check', done.text)
    check('192.0.2.1' in done.text, 'the host', done.text)
    # nothing is both of them
    none = lambda: os.dup2(os.open('/dev/null', os.O_RDONLY), 0)
    done, _ = call('-C', '/dev/null', 'a@b.c', stdin=None, preexec_fn=none,
                   env={'QEMU': stand_in(say(SENT, 1))})
    equal(done.returncode, 0, '/dev/null', done.text)


@case('callers/saved-to-a-device')
def saved():
    """--save /dev/stdout is no file to be replaced."""
    folder = new_dir('save')
    link, other = (os.path.join(folder, n) for n in ('stdout', 'packed'))
    os.symlink('/proc/self/fd/1', link)
    argv = ['--board', 'posix', '--net', 'none', '--save', link]
    done, _ = call(*argv, '--image', stand_in('exit 1\n'), 'a@b.c')
    with open(other, 'wb') as f:
        f.write(done.stdout)
    check('message' in members(other), 'nothing was saved', done.text)
    check(os.path.islink(link), 'the link was replaced')
    refused(64, 'it is a folder', '--save', folder, 'a@b.c')


@case('callers/two-of-one-name')
def one_name():
    """cid:p.png is one picture."""
    folder = new_dir('inline')
    for name in ('1', '2'):
        os.mkdir(os.path.join(folder, name))
        with open(os.path.join(folder, name, 'p.png'), 'w') as f:
            f.write(name)
    refused(64, 'another of that name', '--html', folder + '/1/p.png',
            '--inline', folder + '/1/p.png', '--inline', folder + '/2/p.png',
            'a@b.c')


@case('callers/long-lines')
def long_lines():
    """A line of 2 MB in the configuration takes no time, whatever is in it."""
    for line in ('# ' + 'x' * 2000000, 'subject ' + 'x y ' * 100,
                 'y' * 2000000):
        done, _ = call('--board', 'posix', '--dry-run', '--save',
                       os.path.join(new_dir('save'), 'x'), 'a@b.c',
                       conf=CONF + line + '\n', prefix=('timeout', '20'))
        equal(done.returncode, 0, line[:20], done.text[:1000])
