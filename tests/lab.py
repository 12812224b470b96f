"""The laboratory of the boot tests: one certificate authority, servers kept
for the whole run, the machines a delivery is tried on, a delivery itself."""
import os
import stat
import threading

from harness import (Failure, at_end, bootmail, check, equal, new_dir, once,
                     scratch)
from images import image
from pki import Pki

USER, PASSWORD = 'test', 'secret'
MACHINES = ('microvm', 'legacy', 'q35', 'pc', 'aarch64', 'riscv64', 'posix')


@once
def pki():
    return Pki(os.path.join(scratch(), 'pki'))


def read(path):
    with open(path, 'rb') as f:
        return f.read()


@once
def _servers():
    return {}


_lock = threading.Lock()
port53 = threading.Lock()  # one name server of ours at a time


def server(kind, tls='1.2-1.3', **kw):
    """A running server, shared by all cases that ask for the same.
    tls: "1.2", "1.3" or "1.2-1.3"."""
    import servers
    low, high = (tls.split('-') * 2)[:2]
    key = (kind, tls, tuple(sorted(kw.items())))
    with _lock:
        running = _servers()
        if key not in running:
            running[key] = servers.SERVERS[kind](
                pki=pki(), tls_min=low, tls_max=high, **kw).start()
            at_end(running[key].stop)
        return running[key]


def qemu_with(name, *edits):
    """A stand-in for QEMU that edits its arguments: (old, new) texts."""
    path = os.path.join(new_dir('qemu'), name)
    with open(path, 'w') as f:
        f.write('#!/usr/bin/env bash\nargs=()\nfor a; do\n')
        for old, new in edits:
            f.write(f"    a=${{a//'{old}'/'{new}'}}\n")
        f.write('    args+=("$a")\ndone\n'
                'exec qemu-system-x86_64 "${args[@]}"\n')
    os.chmod(path, stat.S_IRWXU)
    return path


def launch(machine, *args, env=None, **kw):
    """bootmail() on one of MACHINES, images built."""
    env = dict(env or {})
    if machine == 'posix':
        image('posix-asan')
        return bootmail(*args, board='posix', env=env, **kw)
    if machine in ('aarch64', 'riscv64'):
        image(machine)
        return bootmail(*args, board=machine, env=env, **kw)
    image('x86_64')
    if machine == 'legacy':
        env['QEMU'] = qemu_with('legacy', (
            'virtio-mmio.force-legacy=false', 'virtio-mmio.force-legacy=true'))
        machine = 'microvm'
    return bootmail(*args, machine=machine, env=env, **kw)


def conf(port, tls='starttls', host='10.0.2.2', user=USER, more=''):
    """tls: starttls, implicit or off"""
    return (f'host {host}\nport {port}\nfrom sender@mail.test\n'
            f'tls {"off" if tls == "off" else "on"}\n'
            f'tls_starttls {"off" if tls == "implicit" else "on"}\n' +
            (f'auth on\nuser {user}\n' if user else 'auth off\n') + more)


def files(anchor='ec', password=PASSWORD):
    out = {'ca.pem': read(pki().anchor(anchor))}
    if password is not None:
        out['password'] = password.encode() + b'\n'
    return out


def head(tag, *lines):
    """A complete header, so that nothing needs to be added."""
    fields = ['From: Sender <sender@mail.test>', 'To: rcpt@mail.test',
              f'Subject: {tag}', 'Date: Mon, 02 Nov 2026 10:00:00 +0000',
              f'Message-ID: <{tag}@mail.test>', *lines]
    return '\n'.join(fields).encode() + b'\n\n'


def crlf(data):
    """What must arrive: CRLF line ends, the last line ended."""
    data = data.replace(b'\r\n', b'\n')
    if not data.endswith(b'\n'):
        data += b'\n'
    return data.replace(b'\n', b'\r\n')


def arrived(srv, tag, wanted=1):
    """The delivered messages that carry the tag as Message-ID."""
    import time
    end = time.monotonic() + 30
    mark = f'<{tag}@mail.test>'.encode()
    while True:
        found = [m for m in srv.mails() if mark in m.sent[:4000]]
        if len(found) >= wanted or time.monotonic() > end:
            return found
        time.sleep(0.02)


def expect_sent(r, srv, tag, message):
    equal(r.status, 0, 'exit status', r)
    check(r.report is not None, 'no report', r)
    equal(r.report['outcome'], 'sent', 'outcome', r)
    found = arrived(srv, tag)
    equal(len(found), 1, 'messages delivered', r, srv.log()[-2000:])
    if found[0].sent != crlf(message):
        raise Failure('the delivered message differs\n' +
                      difference(found[0].sent, crlf(message)) + f'\n{r}')


def difference(got, wanted):
    at = next((i for i, (a, b) in enumerate(zip(got, wanted)) if a != b),
              min(len(got), len(wanted)))
    return (f'lengths {len(got)} and {len(wanted)}, first at byte {at}:\n'
            f'got    {got[max(0, at - 40):at + 60]!r}\n'
            f'wanted {wanted[max(0, at - 40):at + 60]!r}')

