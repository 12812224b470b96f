"""Without memory, entropy or a clock: what still can be done is done, the
rest is refused with its reason, and nothing leaks."""
import json
import os
import re

from fake import Dialogue, Fake
from harness import case, check, command, equal, new_dir, succeed
from images import image
from lab import conf, crlf, files, launch, pki, qemu_with
from netlab import (MESSAGE, SECRET, TEXT, USERS, WHO, expect, extra_qemu,
                    nothing_leaked, on, send)


# -------------------------------------------------------------------- memory

class Process:
    """The posix process itself, over one initrd, many times."""

    def __init__(self, port, name, more=''):
        self.image = image(name)
        folder = new_dir('memory')
        self.initrd = os.path.join(folder, 'initrd')
        inside = dict(files(password=SECRET), message=MESSAGE)
        inside['bootmail.conf'] = conf(
            port, user=WHO, more='trace on\nto rcpt@mail.test\n'
            'total_timeout 30\n' + more).encode()
        for name, data in inside.items():
            with open(os.path.join(folder, name), 'wb') as f:
                f.write(data)
        succeed(['sh', '-c', 'printf "%s\\0" ' + ' '.join(inside) +
                 ' | cpio -0 -o -H newc --quiet >initrd'], cwd=folder)

    def run(self, **env):
        done = command([self.image, '--initrd', self.initrd], 60,
                       env=dict(os.environ, **env))
        self.text = (done.stdout + done.stderr).decode(errors='replace')
        lines = done.stdout.decode(errors='replace').splitlines()
        try:
            report = json.loads(lines[-1])
        except (IndexError, ValueError):
            report = None
        what = f'{env}\n{self.text[-3000:]}'
        check(report is not None, f'no report, exit {done.returncode}', what)
        equal(report['exit'], done.returncode, 'exit', what)
        check(SECRET not in self.text, 'the password is in the log', what)
        return report, what


def without_memory(name, variable, which, steps, slow=False):
    @case('network/memory-' + name, slow=slow)
    def run():
        """Whatever allocation fails: sent, or "out of memory", try later."""
        with Fake(Dialogue(users=USERS), pki=pki()) as srv:
            process = Process(srv.port, which)
            for n in steps:
                before = len(srv.wires)
                report, what = process.run(**{variable: str(n)})
                srv.wait(len(srv.wires))
                got = [m for w in srv.wires[before:] for m in w.messages]
                for w in srv.wires[before:]:
                    check(not w.leaks(SECRET, WHO, TEXT), 'leaked', what)
                if report['exit'] == 0:
                    equal([m['data'] for m in got], [crlf(MESSAGE)],
                          'messages', what)
                    continue
                check(report['exit'] in (74, 75, 79), 'verdict', what)
                equal(got, [] if report['exit'] != 79 else got, 'messages',
                      what)
                check('memory' in report['reason'] or variable.endswith(
                    'FROM'), 'the reason does not say memory', what)


def steps(upto, end, stride):
    return [*range(1, upto), *range(upto, end, stride)]


without_memory('each', 'BOOTMAIL_FAIL_ALLOC', 'posix', steps(60, 4800, 97))
without_memory('each-asan', 'BOOTMAIL_FAIL_ALLOC', 'posix-asan',
               steps(40, 4800, 401))
without_memory('every', 'BOOTMAIL_FAIL_ALLOC', 'posix', range(1, 4800),
               slow=True)
without_memory('no-more', 'BOOTMAIL_FAIL_FROM', 'posix-asan',
               steps(8, 4800, 239), slow=True)


@case('network/memory-peak')
def peak():
    """The arena's high-water mark, and what a run still holds at its end: a
    multicast group (48), with DHCP its state and its UDP port (188), and where
    the server's FIN was faster than our reset one control block in TIME_WAIT
    (264)."""
    with Fake(Dialogue(users=USERS), pki=pki()) as srv:
        for more, held in (('ip 10.0.2.15/24\n', 320), ('', 512)):
            process = Process(srv.port, 'posix-asan', more)
            report, what = process.run()
            equal(report['exit'], 0, 'exit', what)
            at, still, refused = map(int, re.search(
                r'memory: (\d+) of \d+ bytes at the peak, (\d+) still held, '
                r'(\d+) requests refused', process.text).groups())
            check(at < 128 * 1024, f'{at} bytes at the peak', what)
            check(still <= held, f'{still} bytes still held', what)
            equal(refused, 0, 'requests refused', what)


# ---------------------------------------------------------- entropy and time

def nothing_sent(r, pcap):
    check(not os.path.exists(pcap) or os.path.getsize(pcap) <= 24,
          'packets were sent', r)


def weak(machine, *edits):
    """What takes the entropy away."""
    if machine == 'posix':
        return {'BOOTMAIL_NO_ENTROPY': '1'}
    return {'QEMU': extra_qemu(edits=(('max', 'max,-rdrand,-rdseed'), *edits))}


@on('no-entropy')
def no_entropy(machine):
    pcap = os.path.join(new_dir('pcap'), 'net')
    r = send(machine, 587, '--pcap', pcap, env=weak(machine))
    check(r.status in (75, 76, 78), 'exit status', r)
    expect(r, r.status, r.report['outcome'], 'random')
    nothing_sent(r, pcap)


@on('no-entropy-no-tls')
def no_entropy_no_tls(machine):
    with Fake(Dialogue(tls='none', auth=()), pki=pki()) as srv:
        r = launch(machine, 'rcpt@mail.test', message=MESSAGE,
                   conf=conf(srv.port, 'off', user=None), files={},
                   env=weak(machine))
    expect(r, 0, 'sent')


@on('seed-file')
def seed_file(machine):
    with Fake(Dialogue(users=USERS), pki=pki()) as srv:
        r = send(machine, srv.port, '--trace', env=weak(machine),
                 extra={'seed': os.urandom(64)})
        expect(r, 0, 'sent')
        check('seed file' in r.log, 'no word of the seed file', r)
        for poor in (b'', b'\0' * 64, b'12345678' * 8, os.urandom(31)):
            r = send(machine, srv.port, env=weak(machine),
                     extra={'seed': poor})
            check('random' in r.reason, 'a poor seed was good enough', r)
        equal(len(srv.wires), 1, 'connections', r)


@case('network/virtio-rng')
def virtio_rng():
    with Fake(Dialogue(users=USERS), pki=pki()) as srv:
        r = send('microvm', srv.port, '--trace', env={'QEMU': extra_qemu(
            '-device', 'virtio-rng-device',
            edits=(('max', 'max,-rdrand,-rdseed'),))})
    expect(r, 0, 'sent')
    check('virtio-rng' in r.log, 'no word of the entropy device', r)


def clock_is(name, seconds, date, status, *words,
             machines=('posix', 'microvm')):
    @on('clock-' + name, machines)
    def run(machine):
        env = ({'BOOTMAIL_TIME': str(seconds)} if machine == 'posix' else
               {'QEMU': extra_qemu('-rtc', 'base=' + date)})
        with Fake(Dialogue(users=USERS), pki=pki()) as srv:
            r = send(machine, srv.port, env=env)
        check(r.status == status, 'exit status', r)
        expect(r, status, r.report['outcome'], *words)
        nothing_leaked(r, srv.wires)
        if status != 77:
            equal(srv.wires, [], 'connections', r)


# (a CMOS clock of two digits takes 1970 for 2070)
clock_is('1970', 0, '', 76, 'before this image was built',
         machines=('posix',))
clock_is('2000', 946684800, '2000-01-01T00:00:00', 76,
         'before this image was built')
clock_is('2099', 4070908800, '2099-01-01T00:00:00', 77, 'expired')


@case('network/clock-none')
def clock_none():
    r = send('microvm', 587, env={'QEMU': qemu_with(
        'nortc', ('rtc=on', 'rtc=off'))})
    expect(r, 76, 'temporary', 'clock')
