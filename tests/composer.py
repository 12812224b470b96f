"""Runs the message composer on this machine (host/message_cli.c)."""
import email
import email.policy
import functools
import os
import re
import subprocess

from ctest import build
from harness import check, equal, new_dir

HEAD = b'From: a@b\nTo: c@d\nDate: x\nMessage-ID: <i@d>\nSubject: s\n'


@functools.lru_cache(None)
def cli():
    return build('tests/host/message_cli.c')


def write(folder, name, data):
    path = os.path.join(folder, name)
    with open(path, 'wb') as f:
        f.write(data)
    return path


def compose(text, *args):
    """Runs the composer: the bytes as the client sends them, and what was
    announced: size, 8-bit, SMTPUTF8."""
    path = text if isinstance(text, str) else write(new_dir('text'), 'text',
                                                    text)
    done = subprocess.run([cli(), path, *args], capture_output=True,
                          timeout=300)
    said = done.stderr.decode(errors='replace').strip()
    check(done.returncode == 0, f'exit {done.returncode}: {said}', args)
    size, content, _, utf8 = said.split()[:4]
    wire = done.stdout
    if content != '2':
        wire = re.sub(rb'(?<!\r)\n', b'\r\n', wire)
        if not wire.endswith(b'\r\n'):
            wire += b'\r\n'
        equal(any(b > 127 for b in wire), content == '1', '8-bit as announced',
              args)
    equal(len(wire), int(size), 'octets sent, and announced', args)
    return wire, utf8 == '1'


def refused(text, *args, status=65):
    path = write(new_dir('text'), 'text', text)
    done = subprocess.run([cli(), path, *args], capture_output=True,
                          timeout=60)
    equal(done.returncode, status, 'exit status', args, done.stderr)
    equal(done.stdout, b'', 'nothing is written', args)
    return done.stderr.decode(errors='replace')


def parsed(wire):
    return email.message_from_bytes(wire, policy=email.policy.default)
