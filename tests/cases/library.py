"""smtp/ as a library: built, installed, linked by programs that know nothing
but what is installed; the driving loop of smtp/README.md as it stands there,
and a firmware's loop, against real servers."""
import os
import re
import shutil

from harness import BUILD, TOP, Skip, case, check, command, equal, new_dir, \
    once, succeed
from lab import PASSWORD, USER, arrived, crlf, head, pki, server

SIX = {'memcpy', 'memmove', 'memset', 'memcmp', 'memchr', 'strlen'}
PUBLIC = re.compile(r'(smtpd?|message|dkim)_[a-z0-9_]+$')


def make(*args, **kw):
    env = {k: v for k, v in os.environ.items() if k not in (
        'MAKEFLAGS', 'MAKELEVEL', 'MFLAGS', 'MAKEOVERRIDES', 'BOARD')}
    return succeed(['make', '--no-print-directory', *args], 600, cwd=TOP,
                   env=env, **kw)


@once
def installed():
    """An installation below a DESTDIR of its own; returns that folder."""
    root = new_dir('install')
    make('install-lib', f'DESTDIR={root}', 'PREFIX=/opt/mail',
         f'BUILD={BUILD}')
    return root


def flags():
    """What pkg-config says about the installed library."""
    if not shutil.which('pkg-config'):
        raise Skip('pkg-config is not installed')
    env = dict(os.environ, PKG_CONFIG_SYSROOT_DIR=installed(),
               PKG_CONFIG_PATH=installed() + '/opt/mail/lib/pkgconfig')
    done = succeed(['pkg-config', '--cflags', '--libs', 'libsmtp'], env=env)
    return done.stdout.decode().split()


def program(name, *more, includes=()):
    out = os.path.join(new_dir('library'), name)
    succeed(['clang', '-std=c11', '-D_GNU_SOURCE', '-g', '-O1', '-Wall',
             '-Wextra', '-Werror', '-fsanitize=address,undefined',
             *['-I' + i for i in includes], f'tests/examples/{name}.c',
             *flags(), *more, '-o', out], cwd=TOP)
    return out


@case('library/install')
def install():
    """What is installed, what it needs, what it shows."""
    root = installed()
    files = sorted(os.path.relpath(os.path.join(d, f), root)
                   for d, _, names in os.walk(root) for f in names)
    headers = [f for f in files if f.startswith('opt/mail/include/libsmtp/')]
    equal([f for f in files if f not in headers],
          ['opt/mail/lib/libsmtp.a', 'opt/mail/lib/pkgconfig/libsmtp.pc'],
          'files that are no headers')
    names = succeed(['llvm-nm', '-g', '--format=posix',
                     root + '/opt/mail/lib/libsmtp.a']).stdout.decode()
    rows = [line.split() for line in names.splitlines()
            if len(line.split()) > 1]
    wanted = {r[0] for r in rows if r[1] in 'Uw'}
    shown = {r[0] for r in rows if r[1] not in 'Uw'}
    check(wanted <= SIX, 'it needs more than six functions', wanted - SIX)
    check(len(shown) > 40, 'it shows nothing', shown)
    check(all(PUBLIC.match(n) for n in shown), 'names of other prefixes',
          [n for n in shown if not PUBLIC.match(n)])
    text = ''
    for h in headers:
        with open(os.path.join(root, h), encoding='utf-8') as f:
            text += re.sub(r'/\*.*?\*/', '', f.read(), flags=re.S)
    declared = set(re.findall(r'\b((?:smtpd?|message|dkim)_\w+)\(', text))
    equal(declared - shown, set(), 'declared and not there')
    equal(shown - declared, set(), 'there and not declared')


@case('library/headers-alone')
def headers_alone():
    """Each header compiles on its own, as C and without a C library."""
    root = installed() + '/opt/mail/include/libsmtp'
    for name in sorted(os.listdir(root)):
        source = os.path.join(new_dir('header'), 'one.c')
        with open(source, 'w', encoding='utf-8') as f:
            f.write(f'#include <{name}>\nint one;\n')
        succeed(['clang', '-std=c11', '-pedantic', '-Wall', '-Wextra',
                 '-Werror', '-ffreestanding', '-nostdlibinc', '-I' + root,
                 '-c', source, '-o', source + '.o'])


@case('library/budget')
def budget():
    """Code, session and stack of each part, as `make size` prints them: none
    is over its budget, for then the status is 1."""
    text = succeed(['scripts/libsize'], cwd=TOP).stdout.decode()
    rows = re.findall(r'^(\w+)' + r' +(\d+) of +(\d+)' * 4 + '$', text, re.M)
    check({'client', 'message', 'server', 'received'} <= {r[0] for r in rows},
          'parts are missing', text)
    for name, *numbers in rows:
        check(all(int(n) > 10 for n in numbers), f'{name}: no figures', text)
        check(all(int(n) <= int(most) for n, most in
                  zip(numbers[::2], numbers[1::2])), f'{name}: over', text)


def readme_loop():
    """The first C block behind "Driving it", as a file to include."""
    with open(os.path.join(TOP, 'smtp/README.md'), encoding='utf-8') as f:
        found = re.search(r'^## Driving it\n.*?^```c\n(.*?)^```$', f.read(),
                          re.S | re.M)
    check(found, 'smtp/README.md has no driving loop')
    folder = new_dir('loop')
    with open(os.path.join(folder, 'loop.inc'), 'w', encoding='utf-8') as f:
        f.write(found[1])
    return folder


def posix(kind):
    @case(f'library/readme-loop-{kind}')
    def run():
        srv = server(kind)
        tag = f'library-{kind}'
        message = head(tag) + b'line\n.dot\n' + b'x' * 900 + b'\n' + \
            b'more\n' * 4000
        prog = program('posix', '-lssl', '-lcrypto', includes=[readme_loop()])
        done = command([prog, '127.0.0.1', str(srv.starttls_port),
                        'mail.test', pki().ca, USER, PASSWORD,
                        'sender@mail.test', 'rcpt@mail.test'], 120,
                       input=message)
        text = done.stdout.decode(errors='replace')
        equal(done.returncode, 0, 'verdict', text + str(done.stderr))
        for line in ('> STARTTLS', '= TLS', '= AUTH', '= BODY', '\nsent'):
            check(line in text, f'no "{line}" in the log', text)
        check(PASSWORD not in text, 'the password is in the log', text)
        found = arrived(srv, tag)
        equal(len(found), 1, 'messages that arrived')
        check(crlf(message) in found[0].sent, 'another message arrived')


for k in ('exim', 'postfix'):
    posix(k)


@case('library/superloop')
def superloop():
    srv = server('exim', plain_auth=True)
    done = command([program('superloop'), '127.0.0.1', str(srv.plain_port),
                    USER, PASSWORD, 'sender@mail.test', 'rcpt@mail.test'],
                   120)
    text = done.stdout.decode(errors='replace')
    equal(done.returncode, 0, 'verdict', text + str(done.stderr))
    check(re.match(r'sent, \d+ blinks', text), 'what it said', text)
    found = arrived(srv, 'superloop')
    equal(len(found), 1, 'messages that arrived')
    check(b'the tank is full\r\n.and a line' in found[0].sent,
          'another message arrived', found[0].sent)
