"""`make install`: what is there afterwards works from where it is, with
nothing of this tree, and replaces no sendmail of others."""
import os
import re
import stat
import subprocess

from dialogue import Dialogue
from fake import Fake
from harness import (BUILD, DEPS, LAUNCHER, TOP, case, check, command, equal,
                     new_dir, once, private_file, succeed)
from images import image
from lab import read
from vm import MESSAGE, PLAIN


def install(dest, *args, hang=600):
    env = {k: v for k, v in os.environ.items() if k not in (
        'MAKEFLAGS', 'MAKELEVEL', 'MFLAGS', 'MAKEOVERRIDES', 'ONLY', 'QUICK',
        'BOARD')}
    return command(['make', '--no-print-directory', 'install-command',
                    'PREFIX=/usr', f'DESTDIR={dest}', f'BUILD={BUILD}',
                    f'DEPS={DEPS}', *args], hang, cwd=TOP, env=env)


@once
def installed():
    image('x86_64')
    dest = new_dir('dest')
    done = install(dest, 'SENDMAIL=1')
    equal(done.returncode, 0, 'make install', done.stderr.decode())
    return os.path.join(dest, 'usr')


@case('install/what-is-there', alone=True)
def contents():
    top = installed()
    got = {os.path.relpath(os.path.join(d, n), top): os.lstat(
        os.path.join(d, n)).st_mode for d, _, names in os.walk(top)
        for n in names}
    parts = {f'lib/bootmail/launcher/{n}' for n in
             os.listdir(os.path.join(TOP, 'scripts/launcher'))}
    equal(set(got), {
        'bin/bootmail', 'bin/mailq', 'bin/newaliases', 'sbin/sendmail',
        'lib/bootmail/x86_64/bootmail', 'share/man/man1/bootmail.1',
        'share/man/man5/bootmail.conf.5',
        'share/bash-completion/completions/bootmail'} | parts, 'files')
    for name, mode in got.items():
        if not stat.S_ISLNK(mode):
            equal(stat.S_IMODE(mode), 0o755 if name.startswith('bin/')
                  else 0o644, name)
            check(TOP.encode() not in read(os.path.join(top, name)),
                  f'{name} holds a path of this tree')


@case('install/delivers', alone=True)
def delivers():
    """By the name sendmail, as cron calls it, from another folder."""
    home = new_dir('home')
    with Fake(Dialogue(tls='none', auth=())) as srv:
        private_file(os.path.join(home, '.bootmailrc'),
                     PLAIN.format(port=srv.port).encode())
        env = {'PATH': os.environ['PATH'], 'HOME': home}
        for _ in range(2):  # the first may say that it has to emulate
            done = command([os.path.join(installed(), 'sbin/sendmail'), '-i',
                            '-FCronDaemon', '-B8BITMIME', '-oem',
                            'rcpt@mail.test'], 120, input=MESSAGE, cwd='/',
                           env=env)
            equal(done.returncode, 0, 'exit status', done.stderr.decode())
        equal(done.stdout + done.stderr, b'', 'words')
        equal([m['recipients'] for w in srv.wires for m in w.messages],
              [['rcpt@mail.test']] * 2, 'delivered')
    for name, words in (('mailq', b'the queue is empty\n'),
                        ('newaliases', b'')):
        done = command([os.path.join(installed(), 'bin', name)], 60,
                       stdin=subprocess.DEVNULL, env=env)
        equal((done.returncode, done.stdout), (0, words), name)


@case('install/sendmail-of-others', alone=True)
def others():
    """It stays, and nothing else is installed beside it."""
    image('x86_64')
    dest = new_dir('dest')
    path = os.path.join(dest, 'usr/sbin/sendmail')
    os.makedirs(os.path.dirname(path))
    os.symlink('../bin/msmtp', path)
    private_file(os.path.join(dest, 'usr/msmtp'), b'')
    os.mkdir(os.path.join(dest, 'usr/bin'))
    private_file(os.path.join(dest, 'usr/bin/msmtp'), b'')
    done = install(dest, 'SENDMAIL=1')
    check(done.returncode != 0, 'it was taken')
    check(b'not ours' in done.stdout, done.stdout.decode())
    equal(os.readlink(path), '../bin/msmtp', 'the link')
    check(not os.path.exists(os.path.join(dest, 'usr/bin/bootmail')), 'half')
    equal(install(dest).returncode, 0, 'without SENDMAIL')
    equal(os.readlink(path), '../bin/msmtp', 'the link')


# ------------------------------------------------------------ completion

def complete(*words):
    """What bash offers for the last word."""
    script = ('. "$1/scripts/completion"; shift; COMP_WORDS=("$@"); '
              'COMP_CWORD=$(($# - 1)); '
              '_bootmail "$1" "${@: -1}" "${@: -2:1}"; '
              '[ ${#COMPREPLY[@]} = 0 ] || printf "%s\\n" "${COMPREPLY[@]}"')
    done = succeed(['bash', '-c', script, 'bash', TOP, LAUNCHER, *words])
    equal(done.stderr, b'', 'words of bash')
    return done.stdout.decode().split('\n')[:-1]


@case('install/completion')
def completion():
    helped = succeed([LAUNCHER, '--help']).stdout.decode()
    options = set(re.findall(r'--[a-z][a-z-]*', helped))
    check(len(options) > 25, 'options')
    equal(set(complete('--')), options, 'options')
    equal(complete('-i', '--accou'), ['--account'], 'one of them')
    folder = new_dir('files')
    for name in ('one', 'two words'):
        private_file(os.path.join(folder, name), b'account a\naccount b : a\n')
    for option in ('-C', '--attach', '--url-file', '--tls-trust-file'):
        equal(sorted(complete(option, folder + '/')),
              [f'{folder}/one', f'{folder}/two words'], option)
    equal(complete('-C', f'{folder}/one', '-a', ''), ['a', 'b'], 'accounts')
    equal(complete('--board', 'a'), ['aarch64'], 'boards')
    equal(complete('some'), [], 'a recipient')


@case('install/options-are-described')
def described():
    """--help, what parse() takes, and the manual page name the same."""
    text = read(os.path.join(TOP, 'scripts/launcher/arguments.bash')).decode()
    body = text[text.index('\nparse() {'):]
    body = body[:body.index('\n}\n')]
    helped = set(re.findall(r'--([a-z][a-z-]+)', succeed(
        [LAUNCHER, '--help']).stdout.decode()))
    page = read(os.path.join(TOP, 'scripts/man/bootmail.1')).decode()
    named = set(re.findall(r'(?<=[ ,]-)[a-z][a-z-]+', page))
    for name in sorted(helped):
        done = command([LAUNCHER, '--' + name, '--help'], 60,
                       stdin=subprocess.DEVNULL)
        check(b'unknown option' not in done.stderr, f'--{name} is not taken')
        check(name in named, f'bootmail.1 has no --{name}')
    for name in sorted(set(re.findall(r'--([a-z][a-z-]*[a-z])(?=[ )|])',
                                      body)) - {'help'}):
        check(name in named, f'bootmail.1 has no --{name}')
