"""The verdict cannot lie: the launcher believes a whole report line that
agrees with the machine's own exit, and nothing else. A stand-in for QEMU
plays every way to go wrong; selftest.py does the same with the real image."""
import base64
import os
import signal
import subprocess
import time

from fake import Dialogue, Fake
from harness import (LAUNCHER, Skip, bootmail, case, check, command, equal,
                     new_dir, succeed)
from images import image
from lab import conf as lab_conf, files as lab_files, launch, pki
from launcher_lib import call, packed, refused
from spoollab import heed_signals
from standin import CONF, SENT, play, say, stand_in

REFUSED = SENT.replace('"sent","exit":0', '"refused","exit":69')


def expect(name, script, status, **kw):
    @case('launcher/' + name)
    def run():
        r = play(script, **kw)
        equal(r.status, status, 'exit status', r)


expect('sent', say('hello\n' + SENT, 1), 0)
expect('refused', say(REFUSED, 139), 69)
expect('sent-without-debug-exit', say(SENT, 0), 70)
expect('sent-but-other-status', say(SENT, 139), 70)
expect('refused-but-exit-sent', say(REFUSED, 1), 70)
expect('outcome-and-exit-disagree',
       say(SENT.replace('"exit":0', '"exit":75'), 151), 70)
expect('refused-with-exit-0', say(REFUSED.replace(':69', ':0'), 1), 70)
expect('nothing-exit-0', 'exit 0\n', 70)
expect('log-only', say('hello', 1), 70)
expect('report-not-last', say(SENT + '\nmore', 1), 70)
expect('report-without-newline', f"printf '%s' '{SENT}'; exit 1\n", 70)
expect('killed', 'kill -9 $$\n', 75)
expect('killed-after-report', f"echo '{SENT}'; kill -9 $$\n", 70)
expect('hang', 'exec sleep 60\n', 75, timeout=1)


def cut_report(step):
    for n in range(0, len(SENT), step):
        for end in ('\\n', ''):
            r = play(f"printf '%s{end}' '{SENT[:n]}'; exit 1\n")
            check(r.status in (70, 75), f'cut at {n}: exit {r.status}', r)


@case('launcher/report-cut')
def cut_some():
    """A line cut short, with and without a line end, is never believed."""
    cut_report(13)


@case('launcher/report-cut-at-every-byte', slow=True)
def cut_all():
    cut_report(1)


@case('launcher/terminated')
def terminated():
    """SIGTERM to the launcher ends the guest and leaves nothing."""
    folder = new_dir('term')
    pidfile = os.path.join(folder, 'pid')
    qemu = stand_in(f'echo $$ >{pidfile}\nexec sleep 100\n')
    with open(os.path.join(folder, 'conf'), 'w') as f:
        f.write(CONF)
    tmp = os.path.join(folder, 'tmp')
    os.mkdir(tmp)
    env = dict(os.environ, QEMU=qemu, TMPDIR=tmp)
    env.pop('XDG_RUNTIME_DIR', None)
    p = subprocess.Popen([LAUNCHER, '--image', qemu, '-C',
                          os.path.join(folder, 'conf'), 'x@example.org'],
                         stdin=subprocess.DEVNULL, env=env,
                         stderr=subprocess.DEVNULL)
    end = time.monotonic() + 30
    while not os.path.exists(pidfile) or not open(pidfile).read().strip():
        check(time.monotonic() < end, 'the guest never started')
        time.sleep(0.05)
    guest = int(open(pidfile).read())
    p.send_signal(signal.SIGTERM)
    equal(p.wait(30), 75, 'exit status')
    check(not os.path.exists(f'/proc/{guest}'), 'the guest lives on')
    equal(os.listdir(tmp), [], 'files left behind')


# Sourced by bash: a signal comes as early as the guest can be there.
EARLY = """set -T
trap 'if [ "$BASH_COMMAND" = "guest=\\$!" ] &&
    [ "$FUNCNAME" != read_message ]; then
    until [ -s {pid} ]; do sleep 0.01; done
    kill -TERM $BASHPID
fi' DEBUG
"""


@case('launcher/terminated-as-it-starts')
def terminated_early():
    """Whoever has started is ended, even if nobody knows his number yet."""
    folder, tmp = new_dir('early'), new_dir('tmp')
    pid, early, conf = (os.path.join(folder, x) for x in (
        'pid', 'early', 'conf'))
    slow = f'echo $$ >{pid}; exec sleep 100'
    with open(early, 'w') as f:
        f.write(EARLY.format(pid=pid))
    for what, text in (('guest', ''), ('eval', f'passwordeval {slow}\n')):
        with open(conf, 'w') as f:
            f.write(CONF + text)
        qemu = stand_in(slow + '\n')
        done = command([LAUNCHER, '--image', qemu, '-C', conf,
                        'x@example.org'], 60, input=b'x\n',
                       env=dict(os.environ, QEMU=qemu, TMPDIR=tmp,
                                BASH_ENV=early))
        equal(done.returncode, 75, f'exit status, {what}', done.stderr)
        with open(pid) as f:
            check(not os.path.exists(f'/proc/{f.read().strip()}'),
                  f'{what}: it lives on')
        os.unlink(pid)
        equal(os.listdir(tmp), [], f'files left behind, {what}')


@case('launcher/usage')
def usage():
    for args in (['--no-such-option'], ['--board', 'vax', 'a@b.c'],
                 ['--timeout', 'soon', 'a@b.c'], ['-f'],
                 ['a@b.c\nRCPT TO:<x@y.z>'], ['--net', 'wifi', 'a@b.c']):
        r = bootmail(*args, conf=CONF)
        equal(r.status, 64, f'exit status of {args}', r)


@case('launcher/no-secret-in-arguments')
def secrets():
    r = play('echo "$@" >&2; tr "\\0" "\\n" </proc/$$/environ >&2; exit 3\n',
             files={'password': b'S3cr3t-w0rd\n'})
    check('S3cr3t-w0rd' not in r.log, 'the password is in the arguments or '
          'the environment', r)
    check('initrd' in r.log, 'the stand-in did not run', r)


# -------------------------------------------------- what is packed, and how

@case('launcher/sendmail-flags')
def sendmail_flags():
    """As cron, mailx, smartd, git and mutt call it."""
    for args, lines in (
            (['-i', 'a@b.c'], ['to "a@b.c"']),
            (['-oi', '-oem', '-odi', '-om', 'a@b.c'], ['to "a@b.c"']),
            (['-t', '-oi'], ['read_recipients on']),
            (['-ti'], ['read_recipients on']),
            (['-it', '-B8BITMIME', '-Am', '-G', '-U', '-bm'],
             ['read_recipients on']),
            (['-FCronDaemon', '-i', '-B8BITMIME', '-oem', 'root@b.c'],
             ['from_full_name "CronDaemon"', 'to "root@b.c"']),
            (['-F', 'A "B" \u00fc', 'a@b.c'],
             ['from_full_name "A "B" \u00fc"', 'to "a@b.c"']),
            (['-froot@x.y', 'a@b.c'], ['from "root@x.y"', 'to "a@b.c"']),
            (['-r', 'root@x.y', '--', '-a@b.c', '-t'],
             ['from "root@x.y"', 'to "-a@b.c"', 'to "-t"']),
            (['-i', '--', 'a@b.c'], ['to "a@b.c"']),
            (['-f', '', 'a@b.c'], ['from ""', 'to "a@b.c"']),
            (['-f', '<>', '<a@b.c>'], ['from ""', 'to "a@b.c"']),
            (['-f<x@y.z>', 'a@b.c'], ['from "x@y.z"', 'to "a@b.c"']),
            (['-N', 'never', '-R', 'full', 'a@b.c'],
             ['dsn_notify never', 'dsn_return full', 'to "a@b.c"']),
            (['-VQ314', 'a@b.c'], ['dsn_envid "Q314"', 'to "a@b.c"']),
            (['-i', '-V', 'Q 3=+"', 'a@b.c'],
             ['dsn_envid "Q 3=+""', 'to "a@b.c"']),
            (['-Nfailure,DELAY', '-Rhdrs', 'a@b.c'],
             ['dsn_notify failure,delay', 'dsn_return headers',
              'to "a@b.c"']),
            (['-N', 'off', '-Roff', '-L', 'tag', '-X/dev/null', '-o', 'i',
              '-O', 'x=y', '-h5', 'a@b.c'],
             ['dsn_notify off', 'dsn_return off', 'to "a@b.c"']),
            (['--subject', 'a "b" \u00fc', '--from=x@y.z', '--trace', 'a@b.c'],
             ['from "x@y.z"', 'subject "a "b" \u00fc"', 'trace on',
              'to "a@b.c"']),
            (['--timeout', '08', '"a b"@c', '\u00fc@b.c'],
             ['total_timeout 8', 'to ""a b"@c"', 'to "\u00fc@b.c"'])):
        got = packed(*args)['args'].decode().splitlines()
        equal(got[1:], ['at_end poweroff', *lines], f'{args}')


@case('launcher/usage-words')
def usage_words():
    for word, *args in (
            ('by -t', '-bs'), ('no server', '-bd'), ('-bm', '-bt'), ('-bm', '-bv', 'a@b'),
            ('-bm', '-b', 's'), ('never', '-N', 'always', 'a@b'),
            ('never', '-N', 'never,delay', 'a@b'),
            ('never', '-N', 'delay,', 'a@b'), ('full', '-Rsome', 'a@b'), ('seconds', '--timeout', '0'),
            ('seconds', '--timeout='), ('seconds', '--timeout', '86401'),
            ('printable', '-V', '\u00fc', 'a@b'), ('printable', '-V', '', 'a@b'),
            ('unknown', '-Z'), ('unknown', '-tZ'), ('unknown', '--frob=1'),
            ('empty', ''), ('empty', '<>'), ('needs a value', '--attach'),
            ('control', '--subject', 'a\nto x@y'), ('control', '-f', 'a\rb'),
            ('control', '--attach', 'a\nb'), ('control', 'a\x7fb'),
            ('not a name', '-a', 'x y', 'a@b')):
        refused(64, word, *args)


@case('launcher/attachments')
def attachments():
    folder = new_dir('files')
    names = ['a b', "it's", 'q"uote', '-dash', '\u00fc\u6f22', '$(id)', 'x;y',
             'sub/a b', 'empty', 'n' * 240]
    os.mkdir(os.path.join(folder, 'sub'))
    args = []
    for n, name in enumerate(names):
        with open(os.path.join(folder, name), 'wb') as f:
            f.write(b'' if name == 'empty' else b'%d' % n)
        args += ['--attach', name]
    os.symlink('a b', os.path.join(folder, 'link'))
    got = packed(*args, '--attach', 'link', 'a@b.c', cwd=folder)
    got = [(k, v) for k, v in got.items() if k.startswith('attach/')]
    want = [(f'attach/{n + 1:03}/{os.path.basename(name)}',
             b'' if name == 'empty' else b'%d' % n)
            for n, name in enumerate(names)]
    equal(got, want + [('attach/011/link', b'0')], 'attachments')
    for bad in ('/dev/null', folder, '/no/such', ''):
        refused(65, 'cannot be read', '--attach', bad, 'a@b.c')
    with open(os.path.join(folder, 'n' * 241), 'w'):
        refused(65, 'too long', '--attach', 'n' * 241, 'a@b.c', cwd=folder)


@case('launcher/named-files')
def named_files():
    """tls_trust_file and its kin, in every way a path is written."""
    home, other = new_dir('home'), new_dir('other dir')
    for folder, name in ((home, 'h.pem'), (other, 'o.pem')):
        with open(os.path.join(folder, name), 'w') as f:
            f.write(name)
    text = (f'account a\ntls_trust_file ~/h.pem\r\n'
            f'account b\n\ttls_trust_file "{other}/o.pem"  \n'
            'account c\ntls_cert_file ./c.pem\ntls_key_file "sub/k e y"\n'
            'account d\ntls_trust_file system\n'
            'account e\ntls_trust_file /no/such\n')
    folder = new_dir('confs')
    os.mkdir(os.path.join(folder, 'sub'))
    for name in ('c.pem', 'sub/k e y', 'ca.pem', 'seed'):
        with open(os.path.join(folder, name), 'w') as f:
            f.write(name)
    path = os.path.join(folder, 'it"s \' conf')
    with open(path, 'w', newline='') as f:
        f.write(text)
    got = packed('-C', path, 'a@b.c', env={'HOME': home}, cwd='/')
    equal(sorted(got), sorted([
        'args', 'bootmail.conf', 'message', 'h.pem', f'{other}/o.pem'[1:],
        'c.pem', 'sub/k e y', 'ca.pem', 'seed']), 'packed')
    equal(got['bootmail.conf'], text.encode(), 'the configuration')
    refused(78, '..', 'a@b.c', conf='tls_trust_file a/../../b\n')


@case('launcher/where-the-configuration-is')
def where():
    home = new_dir('home')
    for path in ('.bootmailrc', '.config/bootmail/bootmail.conf',
                 'xdg/bootmail/bootmail.conf', '.msmtprc',
                 '.config/msmtp/config'):
        path = os.path.join(home, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w') as f:
            f.write('# ' + path)

    def used(**env):
        got = packed('a@b.c', env=env, cwd='/', drop=['config', *(
            n for n in ('HOME', 'XDG_CONFIG_HOME') if n not in env)])
        return got['bootmail.conf'].decode()[2 + len(home) + 1:]
    equal(used(HOME=home), '.config/bootmail/bootmail.conf', 'HOME')
    equal(used(HOME=home, XDG_CONFIG_HOME=home + '/xdg'),
          'xdg/bootmail/bootmail.conf', 'XDG_CONFIG_HOME')
    os.unlink(os.path.join(home, '.config/bootmail/bootmail.conf'))
    for path in ('.bootmailrc', '.msmtprc', '.config/msmtp/config'):
        if path == '.bootmailrc' or not os.path.exists('/etc/bootmail.conf'):
            equal(used(HOME=home), path, 'the next one')
        os.unlink(os.path.join(home, path))
    for bad in ('/no/such', home):
        refused(78, 'cannot be read', '-C', bad, 'a@b.c')
    if not any(map(os.path.exists, ('/etc/bootmail.conf', '/etc/msmtprc'))):
        refused(78, 'no configuration', 'a@b.c',
                drop=['config', 'HOME', 'XDG_CONFIG_HOME'])
    link = os.path.join(home, 'sendmail link')
    os.symlink(LAUNCHER, link)
    packed('a@b.c', launcher=link, cwd='/')


@case('launcher/private-passwords')
def private():
    """msmtp's rule: others may not read what holds a password."""
    secret = CONF + 'password x\n'
    for mode in (0o644, 0o640, 0o604):
        refused(78, 'chmod 600', 'a@b.c', conf=secret, mode=mode)
        refused(78, 'chmod 600', 'a@b.c', files={'password': b'x'}, mode=mode)
    for mode in (0o600, 0o400):
        packed('a@b.c', conf=secret, files={'password': b'x'}, mode=mode)
    packed('a@b.c', mode=0o644)


@case('launcher/places-and-tools')
def places():
    spaced = new_dir('with some space')
    packed('a@b.c', env={'TMPDIR': spaced})
    refused(75, 'private folder', 'a@b.c', env={'TMPDIR': '/no/such'})
    refused(78, 'apt-get install qemu', 'a@b.c', env={'QEMU': 'no-such-qemu'})
    refused(78, 'no image', '--image', '/no/such', 'a@b.c')
    refused(65, 'closed', 'a@b.c', stdin=None,
            preexec_fn=lambda: os.close(0))
    qemu = stand_in('echo "frob: unsupported machine" >&2; exit 1\n')
    refused(78, 'frob: unsupported machine', 'a@b.c', env={'QEMU': qemu})


@case('launcher/full-disk')
def full_disk():
    """No room: 75, whatever was being written, and nothing left."""
    folder = new_dir('small')
    if os.geteuid() != 0 or command(
            ['mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs',
             folder]).returncode != 0:
        raise Skip('needs root, to mount a small file system')
    try:
        env = {'TMPDIR': folder}
        anchors = {'ca.pem': b'x'}
        refused(75, 'No space', 'a@b.c', env=env, files=anchors,
                stdin=b'x' * 100000)
        refused(75, 'No space', 'a@b.c', env=env, files=anchors,
                stdin=b'x' * 40000)  # twice is too much: the archive
        refused(75, 'No space', 'a@b.c', env=env,
                files={'ca.pem': b'x' * 100000})
    finally:
        succeed(['umount', folder])


@case('launcher/quiet')
def quiet():
    """cron mails every word: none on success, one line otherwise."""
    for report, code, args, out, err in (
            (SENT, 1, [], 0, 0), (SENT, 1, ['--json'], 1, 0),
            (REFUSED, 139, [], 0, 1), (REFUSED, 139, ['--json'], 1, 1),
            ('panic', 1, ['--json'], 0, 1), (SENT, 1, ['-v'], 0, 3)):
        qemu = stand_in('echo warning >&2; echo boot; echo log\n' +
                        say(report, code))
        done, _ = call(*args, 'a@b.c', env={'QEMU': qemu})
        got = done.stdout.count(b'\n'), done.stderr.count(
            b'\n') - (1 if code != 1 or report == 'panic' else 0) * (
            b'warning' in done.stderr)
        equal(got, (out, err), f'lines for {report[:40]} {args}', done.text)


@case('launcher/dry-run-can-be-pasted')
def paste():
    folder = new_dir('it is')
    save = os.path.join(folder, "o'clock.cpio")
    done, _ = call('--board', 'posix', '--net', 'none', '--dry-run', '--save',
                   save, '--image', image('posix-asan'), 'a@b.c',
                   conf='account x\n' + CONF + 'tls off\n')
    line = done.stdout.decode().split('command:\n')[1]
    again = command(['bash', '-c', line], 60)
    equal(again.returncode, 74, 'exit status of ' + line, again.stdout)
    check('password' not in line, 'a secret')


def ended_by(name):
    """While the message is awaited, and while the guest runs."""
    @case('launcher/ended-by-' + name)
    def run():
        number = getattr(signal, name)
        for phase in ('message', 'guest'):
            folder, tmp = new_dir('end'), new_dir('tmp')
            qemu = stand_in('exec sleep 100\n')
            with open(os.path.join(folder, 'conf'), 'w') as f:
                f.write(CONF)
            env = dict(os.environ, QEMU=qemu, TMPDIR=tmp)
            p = subprocess.Popen(
                [LAUNCHER, '--image', qemu, '-C', folder + '/conf', 'a@b.c'],
                stdin=subprocess.PIPE, env=env, stderr=subprocess.DEVNULL,
                start_new_session=True, preexec_fn=heed_signals)
            if phase == 'guest':
                p.stdin.close()
            want = 'console' if phase == 'guest' else 'message'
            end = time.monotonic() + 20
            while not any(want in names for _, _, names in os.walk(tmp)):
                check(time.monotonic() < end, phase + ' never came')
                time.sleep(0.02)
            time.sleep(0.1)
            p.send_signal(number)
            equal(p.wait(20), 75, f'exit status, {phase}')
            equal(os.listdir(tmp), [], f'files left, {phase}')
            left = [x for x in command(
                ['ps', '-o', 'stat=,args=', '-s', str(p.pid)]
            ).stdout.splitlines() if not x.startswith(b'Z')]
            equal(left, [], f'processes left, {phase}')
            if phase == 'message':
                p.stdin.close()


for signal_name in ('SIGINT', 'SIGTERM', 'SIGHUP'):
    ended_by(signal_name)


def trace(machine):
    @case('launcher/trace-' + machine)
    def run():
        """The dialogue, without the password or its base64; the traffic."""
        secret = 'p4ss-W0rd-7731'
        pcap = os.path.join(new_dir('pcap'), 'a,b c.pcap')
        for mode in ('plain', 'login'):
            with Fake(Dialogue(users={'me': secret}), pki=pki()) as srv:
                r = launch(machine, '--trace', '--pcap', pcap,
                           'rcpt@mail.test', message=b'hello\n',
                           conf=lab_conf(srv.port, user='me').replace(
                               'auth on', 'auth ' + mode),
                           files=lab_files(password=secret))
            equal(r.status, 0, 'exit status', r)
            for word in ('EHLO', 'AUTH', 'MAIL FROM', '250'):
                check(word in r.log, f'no {word} in the trace', r)
            coded = [secret, base64.b64encode(secret.encode()).decode(),
                     base64.b64encode(b'\0me\0' + secret.encode()).decode()]
            for text in coded:
                check(text not in r.log + r.stdout, 'a secret', r)
            equal(r.stdout.count('\n'), 1, 'lines on standard output', r)
            check(0 < r.report['memory']['peak'] < 131072,
                  "the arena's high-water mark", r)
            with open(pcap, 'rb') as f:
                head = f.read()
            equal(head[:4], b'\xd4\xc3\xb2\xa1', 'magic number of the pcap')
            check(secret.encode() not in head, 'the password on the wire')
            check(b'STARTTLS' in head, 'no STARTTLS on the wire')


trace('posix')
trace('microvm')
