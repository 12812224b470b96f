"""`make install`: what is there afterwards works from where it is, with
nothing of this tree, and replaces no sendmail of others."""
import os
import re
import shutil
import stat
import subprocess
import time

from dialogue import Dialogue
from fake import Fake
from harness import (BUILD, DEPS, LAUNCHER, TOP, Skip, case, check, command,
                     equal, new_dir, once, private_file, succeed)
from images import image
from lab import files, pki, read
from vm import MESSAGE, PLAIN


def clean_environment():
    return {k: v for k, v in os.environ.items() if k not in (
        'MAKEFLAGS', 'MAKELEVEL', 'MFLAGS', 'MAKEOVERRIDES', 'ONLY', 'QUICK',
        'BOARD', 'BUILD', 'DEPS')}


def install(dest, *args, hang=600):
    return command(['make', '--no-print-directory', 'install-command',
                    'PREFIX=/usr', f'DESTDIR={dest}', f'BUILD={BUILD}',
                    f'DEPS={DEPS}', *args], hang, cwd=TOP,
                   env=clean_environment())


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


# ------------------------------------------- the README's way, and a real cron

def readme_commands(port):
    """The commands that README.md gives for cron, for our server."""
    text = read(os.path.join(TOP, 'README.md')).decode()
    block = text[text.index('mails through bootmail after\n\n'):]
    lines = [line[4:] for line in block.split('\n\n')[1].split('\n')]
    commands, here = [], False
    for line in lines:
        if here:
            commands[-1] += '\n' + line
        else:
            commands.append(line)
        here = "<<'END'" in line or (here and line != 'END')
    equal(len(commands), 3, 'commands in the README')
    return [c.replace('host mail.example.org', f'host 10.0.2.2\nport {port}\n'
                      'tls_trust_file ~/anchors.pem') for c in commands]


def cron_mails(tree, before, variables):
    """The commands as a user without rights, sudo where they say so; then a
    real cron runs a job of his, and his mail must arrive."""
    if os.geteuid() != 0 or command(['unshare', '-m', 'true']).returncode != 0:
        raise Skip('needs root, for a machine of its own')
    users = {'robot@example.org': 'secret'}
    folder = new_dir('fresh')
    for path in (os.path.dirname(folder), folder):
        os.chmod(path, 0o755)
    os.mkdir(os.path.join(folder, 'home'))
    anchors = os.path.join(folder, 'home', 'anchors.pem')
    with open(anchors, 'wb') as f:
        f.write(files()['ca.pem'])
    os.chmod(anchors, 0o644)
    with Fake(Dialogue(users=users), pki=pki()) as srv:
        commands = [c.replace('sudo make', 'sudo make ' + variables)
                    for c in readme_commands(srv.port)]
        log = os.path.join(folder, 'log')
        with open(log, 'wb') as out:
            p = subprocess.Popen(
                [os.path.join(TOP, 'tests/host/fresh-machine'), folder, tree,
                 *before, *commands], stdout=out, stderr=out,
                stdin=subprocess.DEVNULL, env=clean_environment())
        try:
            end = time.monotonic() + 1500
            while not any(w.messages for w in srv.wires):
                said = read(log).decode(errors='replace')[-3000:]
                check(p.poll() is None, f'it ended with {p.returncode}', said)
                check(time.monotonic() < end, 'HANG: no mail', said)
                time.sleep(0.2)
        finally:
            p.kill()  # the namespace goes with it
            p.wait(30)
        mail = next(m for w in srv.wires for m in w.messages)
    equal((mail['sender'], mail['recipients']),
          ('robot@example.org', ['ops@example.org']), 'envelope')
    check(re.search(rb'Subject: Cron <mailer@.*> echo fresh', mail['data']) and
          mail['data'].endswith(b'\r\n\r\nfresh from cron\r\nmailer\r\n'),
          'the mail', mail['data'])


@case('install/cron', alone=True)
def cron():
    image('x86_64')
    cron_mails(TOP, [], f'BUILD={BUILD} DEPS={DEPS}')


@case('install/cron-from-a-fresh-clone', whole=True, alone=True)
def fresh_clone():
    """All of it as a user without rights: clone, make demo, then the same."""
    folder = new_dir('clone')
    for path in (os.path.dirname(folder), folder):
        os.chmod(path, 0o755)
    tree = os.path.join(folder, 'bootmail')
    succeed(['git', 'clone', '-q', TOP, tree])
    shutil.copytree(DEPS, os.path.join(tree, 'build/deps'), symlinks=True)
    succeed(['chown', '-R', '64999:64999', folder])
    cron_mails(tree, ['make demo'], '')


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
