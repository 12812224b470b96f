"""The verdict cannot lie: the launcher believes a whole report line that
agrees with the machine's own exit, and nothing else. A stand-in for QEMU
plays every way to go wrong; selftest.py does the same with the real image."""
import os

from harness import bootmail, case, check, equal, new_dir

CONF = 'host 192.0.2.1\nfrom a@example.org\n'
SENT = ('{"bootmail":1,"outcome":"sent","exit":0,"reason":"accepted: 250 ok",'
        '"message_id":"x@y","host":"h","address":null,"tls":null,'
        '"recipients":[],"bytes":1,"attempts":1,"ms":{"total":1.0}}')
REFUSED = SENT.replace('"sent","exit":0', '"refused","exit":69')


def play(script, **kw):
    """Runs the launcher over a shell script in QEMU's place."""
    folder = new_dir('qemu')
    path = os.path.join(folder, 'qemu')
    with open(path, 'w') as f:
        f.write('#!/bin/sh\n' + script)
    os.chmod(path, 0o755)
    return bootmail('--image', path, 'b@example.org', conf=CONF,
                    env={'QEMU': path}, **kw)


def say(text, exit_status):
    return f"cat <<'X'\n{text}\nX\nexit {exit_status}\n"


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


@case('launcher/report-cut-at-every-byte')
def cut():
    """All prefixes, in one go each for ends with and without a newline."""
    for n in range(0, len(SENT), 7):
        r = play(f"printf '%s\\n' '{SENT[:n]}'; exit 1\n")
        check(r.status in (70, 75), f'cut at {n}: exit {r.status}', r)


@case('launcher/terminated')
def terminated():
    """SIGTERM to the launcher ends the guest and leaves nothing."""
    import signal
    import subprocess
    import time
    from harness import LAUNCHER, scratch
    folder = new_dir('term')
    qemu = os.path.join(folder, 'qemu')
    pidfile = os.path.join(folder, 'pid')
    with open(qemu, 'w') as f:
        f.write(f'#!/bin/sh\necho $$ >{pidfile}\nexec sleep 100\n')
    os.chmod(qemu, 0o755)
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
