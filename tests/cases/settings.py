"""A configuration without a file: by a URL, by options, by the environment, by
what service managers and containers hand in. What comes of it is read in the
archive that the image would get; where a secret goes, in /proc."""
import base64
import glob
import os
import re
import resource
import secrets as random
import signal
import subprocess
import time
import urllib.parse

from dialogue import Dialogue
from fake import Fake
from harness import LAUNCHER, Skip, case, check, command, equal, new_dir, \
    private_file
from lab import files as lab_files, launch, pki
from launcher_lib import call, members, packed, refused
from spoollab import DEAD_PORT, Queue
from standin import SENT, stand_in

NOFILE = {'drop': ['config', 'HOME', 'XDG_CONFIG_HOME']}


def settings(*args, **kw):
    """{key: value} of the configuration that was made, and the password."""
    got = packed(*args, 'to@b.c', **{**NOFILE, **kw})
    out = {}
    for name in ('bootmail.conf', 'args'):
        for line in got[name].decode().splitlines():
            key, _, value = line.partition(' ')
            if not line.startswith('#') and key not in ('to', 'at_end'):
                out[key] = value[1:-1] if value[:1] == '"' else value
    return out, got.get('password')


def secret_file(data, mode=0o600):
    path = os.path.join(new_dir('secret'), 'value')
    private_file(path, data)
    os.chmod(path, mode)
    return path


ON = {'auth': 'on'}
# URL -> the lines, the password
URLS = {
    'smtps://m.example.org': (
        {'host': 'm.example.org', 'tls_starttls': 'off'}, None),
    'smtp://m': ({'host': 'm'}, None),
    'smtp://m/': ({'host': 'm'}, None),
    'smtp+plain://m:2525': ({'host': 'm', 'tls': 'off', 'port': '2525'}, None),
    'lmtp://m': ({'host': 'm', 'protocol': 'lmtp', 'port': '24'}, None),
    'lmtp+plain://m:25/': (
        {'host': 'm', 'protocol': 'lmtp', 'tls': 'off', 'port': '25'}, None),
    'smtps://u@[::2]:465': ({**ON, 'host': '[::2]', 'port': '465', 'user': 'u',
                             'tls_starttls': 'off'}, None),
    'smtp://joe@x.org@m': ({**ON, 'host': 'm', 'user': 'joe@x.org',
                            'from': 'joe@x.org'}, None),
    'smtp://joe%40x.org@m?from=o@x.org': (
        {**ON, 'host': 'm', 'user': 'joe@x.org', 'from': 'o@x.org'}, None),
    'smtp://m?from=a%26b@c.d&timeout=9&domain=e.f': (
        {'host': 'm', 'from': 'a&b@c.d', 'timeout': '9', 'domain': 'e.f'},
        None),
    'smtp://u@m/?auth=login&from_full_name=A%20%22B%22%25+C': (
        {'auth': 'login', 'user': 'u', 'host': 'm',
         'from_full_name': 'A "B"%+C'}, None),
    'smtp://u:p%40%26%25%2F%23%3F%3A@m': ({**ON, 'host': 'm', 'user': 'u'},
                                          b'p@&%/#?:\n'),
    'smtp://u:a@b&c:d@m:25': ({**ON, 'host': 'm', 'user': 'u', 'port': '25'},
                              b'a@b&c:d\n'),
    'smtp://u:"%C3%BC "@m': ({**ON, 'host': 'm', 'user': 'u'},
                             '"\u00fc "\n'.encode()),
    'smtp://u:@m': ({**ON, 'host': 'm', 'user': 'u'}, b'\n'),
}
BAD_URLS = (
    ('wants smtps', 'http://m'), ('wants smtps', 'smtp+tls://m'),
    ('no host', 'smtp://'), ('no host', 'smtp://u@'), ('no host', 'smtp://a b'),
    ('no user', 'smtp://@m'), ('no user', 'smtp://:S3cr3t@m'),
    ('no number', 'smtp://m:'), ('no number', 'smtp://m:x'),
    ('only ?key', 'smtp://u:S3cr3t/x@m'), ('no number', 'smtp://u:S3cr3t?x@m'),
    ('only ?key', 'smtp://m/path'), ('only ?key', 'smtp://u:12/S3cr3t@m'),
    ('unknown key', 'smtp://u:12?S3cr3t@m'), ('%23', 'smtp://u:S3cr3t#x@m'),
    ('unknown key', 'smtp://m?frob=1'), ('unknown key', 'smtp://m?from=a&=b'),
    ('unknown key', 'smtp://m?tls_certcheck=off'),
    ('unknown key', 'smtp://m?password=S3cr3t'),
    ('wants a value', 'smtp://m?from'), ('twice', 'smtp://m?from=a&from=b'),
    ('%25', 'smtp://u:S3cr3t%@m'), ('%25', 'smtp://u:%zzS3cr3t@m'),
    ('control', 'smtp://u%0aS3cr3t@m'), ('control', 'smtp://u:%00@m'),
    ('control', 'smtp://m?from=a%7f'),
)


@case('settings/url')
def url():
    for text, (want, password) in URLS.items():
        equal(settings('--url-file', secret_file(text.encode() + b'\n')),
              (want, password), text)
    text = 'smtp://joe%40x.org@m'
    for args in (['--url', text], [text], ['-i', '--url=' + text]):
        equal(settings(*args), (URLS['smtp://joe@x.org@m'][0], None), text)


@case('settings/url-faults')
def url_faults():
    for word, text in BAD_URLS:
        done, _ = call('--url-file', secret_file(text.encode()), 'a@b.c',
                       **NOFILE)
        equal(done.returncode, 64, text, done.text)
        check(word in done.text, f'{text}: no word of "{word}"', done.text)
        check('S3cr3t' not in done.text, 'the password is shown', done.text)


@case('settings/url-and-password')
def url_password():
    """Not where ps shows it; not in a file that others can read."""
    for args in (['--url', 'smtp://u:p@m'], ['smtp://u:p@m']):
        refused(64, '--url-file', *args, 'a@b.c', **NOFILE)
    for mode in (0o644, 0o640, 0o604):
        path = secret_file(b'smtp://u:p@m', mode)
        refused(78, 'chmod 600', '--url-file', path, 'a@b.c', **NOFILE)
        refused(78, 'chmod 600', 'a@b.c', env={'BOOTMAIL_URL_FILE': path},
                **NOFILE)
    settings('--url-file', secret_file(b'smtp://u@m', 0o644))
    refused(64, 'one of them', 'smtp://m', '-a', 'x', 'a@b.c', **NOFILE)
    refused(64, 'one of them', '--url', 'smtp://m', '-C', '/x', 'a@b.c')
    refused(64, 'one of them', '--host', 'm', 'smtp://m', 'a@b.c', **NOFILE)
    got = packed('--', 'smtp://m', env={'SMTP_HOST': 'h'}, **NOFILE)
    check(b'to "smtp://m"' in got['args'], 'behind -- it is a recipient')


@case('settings/options')
def options():
    """msmtp's way: all on the command line."""
    anchor = secret_file(b'x')
    got = packed('--host=m', '--port=26', '--tls', '--auth=login', '--user=u',
                 '--tls-starttls=off', f'--tls-trust-file={anchor}',
                 '--passwordeval=echo pw', '--from=a@b.c', '--tls-certcheck',
                 'to@b.c', **NOFILE)
    for line in ('host "m"', 'port "26"', 'tls ""', 'auth "login"', 'user "u"',
                 'tls_starttls "off"', f'tls_trust_file "{anchor}"',
                 'tls_certcheck ""', 'from "a@b.c"'):
        check(line in got['args'].decode().splitlines(), line, got['args'])
    check(b'passwordeval' not in got['args'], 'the command went along')
    equal((got['password'], got[anchor[1:]]), (b'pw\n', b'x'), 'files')
    got, _ = settings('--port', '26', '-X', '/tmp/x.log', conf='host c\n',
                      drop=())
    equal(got, {'host': 'c', 'port': '26'}, 'over those of a file')
    refused(64, 'needs a value', '--host')
    refused(64, 'control', '--auth=a\nb', 'a@b.c')


@case('settings/msmtp-options-of-the-message')
def message_options():
    log = os.path.join(new_dir('log'), 'log')
    with Fake(Dialogue(tls='none', auth=())) as srv:
        text = f'host 10.0.2.2\nport {srv.port}\ntls off\nfrom a@mail.test\n'
        for args, hidden in (([], False), (['--undisclosed-recipients'], True),
                             (['--undisclosed-recipients=on'], True),
                             (['--undisclosed-recipients=off'], False)):
            r = launch('posix', '--logfile-time-format=at %Y!', '-X', log,
                       *args, 'b@mail.test', conf=text,
                       message=b'From: a@mail.test\nTo: b@mail.test\n\nx\n')
            equal(r.status, 0, f'exit status with {args}', r)
            data = srv.wires[-1].messages[-1]['data']
            equal(b'undisclosed-recipients:;' in data, hidden, f'{args}', data)
    with open(log) as f:
        lines = f.read().splitlines()
    check(len(lines) == 4 and all(re.match(r'at \d{4}! host=', line)
                                  for line in lines), 'the log', lines)


FULL = {'SMTP_HOST': 'h', 'SMTP_PORT': '26', 'SMTP_USER': 'u v',
        'SMTP_PASSWORD': 'p "w"=', 'SMTP_FROM': 'a@b.c', 'SMTP_TLS': 'off'}
LINES = {'host': 'h', 'port': '26', 'user': 'u v', 'auth': 'on',
         'from': 'a@b.c', 'tls': 'off'}


@case('settings/environment')
def environment():
    equal(settings(env=FULL), (LINES, b'p "w"=\n'), 'by value')
    env = {k + '_FILE': secret_file(v.encode() + b'\n')
           for k, v in FULL.items()}
    equal(settings(env=env), (LINES, b'p "w"=\n'), 'by file')
    equal(settings(env={**env, **{k: 'wrong' for k in FULL}}),
          (LINES, b'p "w"=\n'), 'the file wins')
    for more, want in (
            ({}, {}), ({'SMTP_TLS': 'starttls'}, {}), ({'SMTP_TLS': 'on'}, {}),
            ({'SMTP_TLS': 'implicit'}, {'tls_starttls': 'off'}),
            ({'SMTP_PORT': '465'}, {'tls_starttls': 'off', 'port': '465'}),
            ({'SMTP_PORT': '465', 'SMTP_TLS': 'off'},
             {'tls': 'off', 'port': '465'}), ({'SMTP_USER': ''}, {})):
        equal(settings(env={'SMTP_HOST': 'h', **more}),
              ({'host': 'h', **want}, None), f'{more}')
    for value, password in ((b'p\n\n', None), (b'p\r\n', None), (b'p', b'p\n'),
                            (b'p\n', b'p\n'), (b' p ', b' p \n'),
                            (b'p\0q', None), (b'', None)):
        env = {'SMTP_HOST': 'h', 'SMTP_PASSWORD_FILE': secret_file(value)}
        if password is None and value:
            refused(78, 'SMTP_PASSWORD_FILE', 'a@b.c', env=env, **NOFILE)
        else:
            equal(settings(env=env), ({'host': 'h'}, password), repr(value))


@case('settings/environment-faults')
def environment_faults():
    for name in ('SMTP_HOST', 'SMTP_PORT', 'SMTP_USER', 'SMTP_PASSWORD',
                 'SMTP_FROM', 'SMTP_TLS', 'BOOTMAIL_URL', 'BOOTMAIL_PASSWORD'):
        for path in ('/no/such', '/', '/dev/null'):
            refused(78, name + '_FILE', 'a@b.c', **NOFILE,
                    env={'SMTP_HOST': 'h', name + '_FILE': path})
    for env, word in (({'SMTP_HOST': 'h', 'SMTP_TLS': 'maybe'}, 'implicit'),
                      ({'SMTP_HOST': 'h\nport 1'}, 'one line'),
                      ({'SMTP_HOST': 'h', 'BOOTMAIL_CONFIG': '/x'}, 'other')):
        refused(78, word, 'a@b.c', env=env, **NOFILE)
    for mode in (0o640, 0o644):
        for name in ('SMTP_PASSWORD_FILE', 'BOOTMAIL_PASSWORD_FILE'):
            refused(78, 'chmod 600', 'a@b.c', **NOFILE, env={
                'SMTP_HOST': 'h', name: secret_file(b'p', mode)})
    settings(env={'SMTP_HOST': 'h', 'SMTP_USER_FILE': secret_file(b'u', 0o644)})


@case('settings/who-wins')
def who_wins():
    """A configuration is one man's: his host never gets another's password."""
    got, password = settings(conf='host c\n', drop=(), env=FULL, files={
        'password': b'file\n'})
    equal((got, password), ({'host': 'c'}, b'file\n'), '-C is before it')
    got, password = settings('smtp://m', env=FULL)
    equal((got, password), ({'host': 'm'}, None), 'the URL is before it')
    text = 'host c\nauth on\nuser u\npassword inside\n'
    path = secret_file(b'given\n')
    got = packed('a@b.c', conf=text, files={'password': b'file\n'},
                 env={'BOOTMAIL_PASSWORD_FILE': path})
    equal(got['password'], b'given\n', 'the password that was handed in')
    check(b'inside' not in got['bootmail.conf'], 'the other is still there')
    got = packed('a@b.c', drop=['config', 'HOME', 'XDG_CONFIG_HOME'],
                 env={'BOOTMAIL_CONFIG': secret_file(b'# mine\n')})
    equal(got['bootmail.conf'], b'# mine\n', 'BOOTMAIL_CONFIG')


@case('settings/credentials')
def credentials():
    """systemd's LoadCredential: a folder for this unit alone."""
    folder = new_dir('creds')
    for name, data in (('bootmail.conf', b'host h\npassword x\n'),
                       ('password', b'pw\n'), ('ca.pem', b'anchor')):
        private_file(os.path.join(folder, name), data)
        os.chmod(os.path.join(folder, name), 0o444)
    home = new_dir('home')
    private_file(os.path.join(home, '.bootmailrc'), b'host other\n')
    got = packed('a@b.c', env={'CREDENTIALS_DIRECTORY': folder, 'HOME': home},
                 drop=['config', 'XDG_CONFIG_HOME'])
    equal([got[n] for n in ('bootmail.conf', 'password', 'ca.pem')],
          [b'host h\npassword x\n', b'pw\n', b'anchor'], 'files')
    got = packed('a@b.c', conf='host c\n', env={'CREDENTIALS_DIRECTORY': folder})
    equal((got['bootmail.conf'], got['password']), (b'host c\n', b'pw\n'),
          'a password beside a configuration of elsewhere')


@case('settings/container')
def container():
    """/run/secrets, as Docker and Podman fill it: readable for all inside."""
    script = ('set -e; mkdir -p /run/secrets; mount -t tmpfs none /run/secrets;'
              'cd /run/secrets; umask 022; echo "host h" >bootmail.conf;'
              'echo pw >bootmail.password; echo x >password; "$@"')
    prefix = ['unshare', '-m', 'sh', '-c', script, 'sh']
    if command([*prefix, 'true']).returncode != 0:
        raise Skip('needs root, to mount over /run/secrets')
    got = packed('a@b.c', prefix=prefix, **NOFILE)
    equal((got['bootmail.conf'], got['password']), (b'host h\n', b'pw\n'),
          'files')
    got = packed('a@b.c', prefix=prefix, **NOFILE, env={
        'SMTP_HOST': 'h', 'SMTP_PASSWORD_FILE': '/run/secrets/password'})
    equal(got['password'], b'x\n', 'by its variable')


# ------------------------------------------------------------ where it goes

# Everything that every process shows, while the guest runs; all files of this
# call; its initrd. It stays as long as a file wait is there.
SPY = '''exec 2>/dev/null
cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline | tr '\\0' '\\n' >{out}/seen
find "$TMPDIR" -type f -exec cat {{}} + >{out}/files
cat /proc/self/limits >{out}/limits
while [ $# -gt 0 ]; do [ "$1" != -initrd ] || cp "$2" {out}/initrd; shift; done
echo $$ >{out}/running
while [ -e {out}/wait ]; do sleep 0.05; done
cat <<'X'
{sent}
X
exit 1
'''


def forms(secret):
    """The secret as it may be written down: plain, in a URL, in base64 alone
    and where AUTH PLAIN has it."""
    out = {secret, urllib.parse.quote(secret, safe='')}
    for i in range(3):
        text = base64.b64encode(b'x' * i + secret.encode()).decode()
        out.add(text[4 * bool(i):-4])
    return out


def shows(path, secret):
    with open(path, errors='replace') as f:
        text = f.read()
    return any(f in text for f in forms(secret))


def travels(name, how):
    @case('settings/secret-by-' + name)
    def run():
        secret = 'S3cr3t-' + random.token_hex(8)
        out = new_dir('spy')
        spy = stand_in(SPY.format(out=out, sent=SENT))
        args, kw = how(secret)
        logs = [os.path.join(out, 'log'), os.path.join(out, 'syslog')]
        script('logger', f'cat >>{logs[1]}', out)
        env = {'QEMU': spy, **kw.pop('env', {}),
               'PATH': out + ':' + os.environ['PATH']}
        if 'conf' in kw:
            kw['conf'] += 'syslog on\n'
        done, _ = call('--board', 'x86_64', '-v', '--trace', '-X', logs[0],
                       *args, 'a@b.c', env=env, **kw)
        equal(done.returncode, 0, 'exit status', done.text)
        check(not any(f in done.text for f in forms(secret)), 'it is shown')
        with open(os.path.join(out, 'seen'), errors='replace') as f:
            check('-initrd' in f.read(), 'the spy saw nothing')
        check(not shows(os.path.join(out, 'seen'), secret), 'a process shows it')
        check(not shows(os.path.join(out, 'files'), secret),
              'a file has it while the guest runs')
        for log in logs[:1] + logs[1:] * ('conf' in kw):
            check(os.path.getsize(log) > 0, f'nothing in {log}')
            check(not shows(log, secret), f'{log} has it')
        with open(os.path.join(out, 'limits')) as f:
            core = [x.split()[4:6] for x in f if x.startswith('Max core')]
        equal(core, [['1', '1']], 'most of a core file (bytes)')
        got = members(os.path.join(out, 'initrd'))
        check(any(secret.encode() in data for data in got.values()),
              'it did not get to the image')
        check(all(secret.encode() not in got[n] for n in ('args', 'message')),
              'it is in the wrong file')


def credential(secret):
    path = os.path.join(new_dir('creds'), 'password')
    private_file(path, secret.encode())
    return path


CONF = 'host h\nfrom a@b.c\nauth on\nuser u\n'
BARE = {'drop': ['config', 'HOME', 'XDG_CONFIG_HOME', 'CREDENTIALS_DIRECTORY']}

travels('environment', lambda s: ([], {**BARE, 'env': {
    'SMTP_HOST': 'h', 'SMTP_USER': 'u', 'SMTP_PASSWORD': s}}))
travels('environment-file', lambda s: ([], {**BARE, 'env': {
    'SMTP_HOST': 'h', 'SMTP_PASSWORD_FILE': secret_file(s.encode())}}))
travels('password-file', lambda s: ([], {'conf': CONF, 'env': {
    'BOOTMAIL_PASSWORD_FILE': secret_file(s.encode())}}))
travels('url-in-environment', lambda s: ([], {**BARE, 'env': {
    'BOOTMAIL_URL': f'smtps://u:{s}@h'}}))
travels('url-file', lambda s: (
    ['--url-file', secret_file(f'smtps://u:{s}@h'.encode())], BARE))
travels('configuration', lambda s: ([], {'conf': CONF + f'password {s}\n'}))
travels('file', lambda s: ([], {'conf': CONF,
                                'files': {'password': s.encode()}}))
travels('passwordeval', lambda s: ([], {
    'conf': CONF + f'passwordeval cat {secret_file(s.encode())}\n'}))
travels('credentials', lambda s: ([], {'conf': CONF, 'env': {
    'CREDENTIALS_DIRECTORY': os.path.dirname(credential(s))}}))
travels('eval', lambda s: ([], {
    'conf': CONF + f'eval cat {secret_file(b"password " + s.encode())}\n'}))


def script(name, text, folder):
    path = os.path.join(folder, name)
    with open(path, 'w') as f:
        f.write('#!/bin/sh\n' + text + '\n')
    os.chmod(path, 0o755)
    return path


def wait_for(path):
    end = time.monotonic() + 30
    while not os.path.exists(path) or not os.path.getsize(path):
        check(time.monotonic() < end, f'HANG: no {path}')
        time.sleep(0.02)


@case('settings/secret-after-kill')
def killed():
    """SIGKILL for the launcher, SIGSEGV for its guest: what they leave behind
    in TMPDIR, in the spool and where they ran has no secret in it."""
    for spool in (True, False):
        secret = 'S3cr3t-' + random.token_hex(8)
        out, tmp, here = new_dir('spy'), new_dir('tmp'), new_dir('here')
        for name in ('wait', 'image'):
            with open(os.path.join(out, name), 'w'):
                pass
        path = os.path.join(out, 'bootmail.conf')
        private_file(path, (CONF + f'password {secret}\n' +
                            f'spool {here}/spool\n' * spool).encode())
        launcher = subprocess.Popen(
            [LAUNCHER, '--image', os.path.join(out, 'image'), '-C', path,
             'a@b.c'], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            cwd=here, preexec_fn=lambda: resource.setrlimit(
                resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2),
            env={**os.environ, 'TMPDIR': tmp, 'QEMU': stand_in(
                SPY.format(out=out, sent=SENT))})
        wait_for(os.path.join(out, 'running'))
        launcher.kill()
        launcher.wait()
        with open(os.path.join(out, 'running')) as f:
            os.kill(int(f.read()), signal.SIGSEGV)
        left = command(['grep', '-rlF', '\n'.join(forms(secret)), tmp, here])
        equal(left.stdout, b'', 'files with the secret', left.stderr)
        names = [n for _, _, files in os.walk(here) for n in files]
        check(not any('core' in n for n in names), f'a core file: {names}')
        check(os.listdir(tmp), 'nothing was left: was it killed?')


def kill_at(what, conf, message, path=None):
    """The launcher dies while somebody takes his time: the writer of the
    message, or a program that says so in a file and waits for another to go."""
    out, tmp = new_dir('slow'), new_dir('tmp')
    held, running = os.path.join(out, 'wait'), os.path.join(out, 'running')
    slow = f'echo $$ >{running}; while [ -e {held} ]; do sleep 0.05; done'
    with open(held, 'w'):
        pass
    private_file(os.path.join(out, 'bootmail.conf'),
                 conf.format(slow=slow).encode())
    if path:
        script(path, slow, out)
    keep, feed = os.pipe()
    launcher = subprocess.Popen(
        [LAUNCHER, '--board', 'posix', '--image', '/bin/true', '-C',
         os.path.join(out, 'bootmail.conf'), 'a@b.c'], stdin=keep,
        stderr=subprocess.DEVNULL, env={**os.environ, 'TMPDIR': tmp, 'PATH':
                                        out + ':' + os.environ['PATH']})
    os.close(keep)
    try:
        if message:
            os.write(feed, b'x')
            found = f'{tmp}/*/call/message'
            while not any(map(os.path.getsize, glob.glob(found))):
                check(launcher.poll() is None, f'{what}: it has ended')
                time.sleep(0.02)
        else:
            os.close(feed)
            wait_for(running)
        launcher.kill()
        launcher.wait()
        left = command(['grep', '-rlF', 'S3cr3t-x7', tmp])
        equal(left.stdout, b'', f'{what}: files with the secret', left.stderr)
        check(os.listdir(tmp), f'{what}: nothing was left: was it killed?')
    finally:
        os.unlink(held)
        if message:
            os.close(feed)


@case('settings/secret-after-early-kill')
def killed_early():
    """SIGKILL before the guest runs, wherever that may take long."""
    word, login = 'password S3cr3t-x7\n', 'host h\nauth on\nuser u\n'
    kill_at('message', login + word, True)
    kill_at('eval', login + word + 'eval {slow}; echo port 26\n', False)
    kill_at('second eval', login + 'eval echo ' + word +
            'eval {slow}; echo port 26\n', False)
    kill_at('passwordeval', login + 'passwordeval echo S3cr3t-x7; {slow}\n' +
            'account b\n' + word, False)
    kill_at('cpio', login + word, False, 'cpio')


@case('settings/no-proc')
def no_proc():
    """Where descriptors have no names the accounts cannot be read, nor secrets
    be hidden: nothing is sent as if there were none."""
    prefix = ['unshare', '-m', 'sh', '-c',
              'mount -t tmpfs none /proc && "$@"', 'sh']
    if command([*prefix, 'true']).returncode != 0:
        raise Skip('needs root, to mount over /proc')
    refused(78, 'mount /proc', '--board', 'posix', 'a@b.c', prefix=prefix,
            conf='account x\nhost h\nfrom a@b.c\nspool /no/such\n')


@case('settings/locale-of-a-command')
def locale():
    """A command prints its password in the caller's characters, not in ASCII."""
    for value in ('C.UTF-8', ''):
        for more in ({}, {'SMTP_FROM': 'a@b.c'}):  # with it, it starts anew
            got = packed('a@b.c', conf=CONF + 'passwordeval echo "x$LC_ALL"\n',
                         env={'LC_ALL': value, **more})
            equal(got['password'], f'x{value}\n'.encode(), 'password')


@case('settings/what-a-command-leaves')
def grandchild():
    """A command of the configuration starts something that stays, an agent
    for example: it is not waited for, and holds neither the message nor what
    the caller reads."""
    fifo = os.path.join(new_dir('fifo'), 'end')
    os.mkfifo(fifo)
    stay = f'cat {fifo} >&2 & '
    try:
        got = packed('a@b.c', conf=CONF + f'passwordeval {stay} echo pw\n')
        equal(got['password'], b'pw\n', 'password')
        got = packed('a@b.c', conf=CONF + f'eval {stay} echo port 26\n')
        check(b'port 26' in got['bootmail.conf'], 'eval', got)
        q = Queue(DEAD_PORT, 'auth plain\nauth_unsafe on\nuser u\n'
                  f'passwordeval {stay} echo pw\n')
        q.send('b@mail.test')
        check('next attempt' in q.send('-bp').stdout.decode(),
              'the message is held')
    finally:
        with open(os.open(fifo, os.O_RDWR), 'wb'):
            pass  # whoever waits for it goes on to its end


@case('settings/delivers')
def delivers():
    """A password that no URL holds as it is, all the way into a server."""
    secret, anchor = '@ & % / # ? : \u00fc', secret_file(lab_files()['ca.pem'])
    with Fake(Dialogue(users={'me': secret}), pki=pki()) as srv:
        for where in ('file', 'environment'):
            text = (f'smtp://me:{urllib.parse.quote(secret, safe="")}@10.0.2.2:'
                    f'{srv.port}?from=sender%40mail.test&tls_trust_file='
                    f'{urllib.parse.quote(anchor)}')
            r = launch('posix', 'rcpt@mail.test', message=b'hello\n',
                       env={'BOOTMAIL_URL_FILE': secret_file(text.encode())}
                       if where == 'file' else {'BOOTMAIL_URL': text})
            equal(r.status, 0, f'exit status, URL in {where}', r)
