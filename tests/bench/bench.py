#!/usr/bin/env python3
"""The figures of the README, measured: `make bench`.

One small mail (STARTTLS, AUTH, verified TLS) through the x86_64 image in QEMU
to Exim on loopback. Instructions are counted by a QEMU plugin (insn.c) and
are stable; milliseconds are this machine's and are not.
"""
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE),
                os.path.join(os.path.dirname(HERE), 'servers')]
sys.dont_write_bytecode = True

from harness import Failure, finish, new_dir, succeed  # noqa: E402
from images import image  # noqa: E402
from lab import conf, files, head, launch, server  # noqa: E402

CASES = (('1.3', 'ec', 'TLS 1.3, P-256 certificate'),
         ('1.3', 'rsa', 'TLS 1.3, RSA-2048 certificate'),
         ('1.2', 'ec', 'TLS 1.2, P-256 certificate'))
RUNS = 3


def counting_qemu():
    """QEMU with the plugin, as the launcher calls it."""
    folder = new_dir('plugin')
    plugin = os.path.join(folder, 'insn.so')
    succeed(['clang', '-shared', '-fPIC', '-O2', '-o', plugin,
             os.path.join(HERE, 'insn.c')])
    path = os.path.join(folder, 'qemu')
    with open(path, 'w') as f:
        f.write(f'#!/bin/sh\nexec qemu-system-x86_64 -plugin {plugin} "$@"\n')
    os.chmod(path, 0o755)
    return path


def one(srv, cert, qemu):
    """(guest instructions or None, milliseconds in the guest, peak)"""
    r = launch('microvm', '--trace', 'rcpt@mail.test',
               message=head('bench') + b'hello\n',
               conf=conf(srv.starttls_port),
               files=files('rsa' if cert == 'rsa' else 'ec'),
               env={'QEMU': qemu} if qemu else None)
    if r.status != 0:
        raise Failure(f'not delivered\n{r}')
    insns = re.search(r'insns=(\d+)', r.log)
    peak = re.search(r'memory: (\d+) of', r.log)
    return (int(insns.group(1)) if insns else None, r.report['ms']['total'],
            int(peak.group(1)) if peak else None)


def main():
    path = image('x86_64')
    print(f'image                          {os.path.getsize(path):>12,} bytes')
    version = subprocess.run(['qemu-system-x86_64', '--version'],
                             stdout=subprocess.PIPE, text=True, check=True)
    print(version.stdout.splitlines()[0])
    qemu = counting_qemu()
    for tls, cert, words in CASES:
        srv = server('exim', tls, cert=cert)
        counted = sorted(one(srv, cert, qemu)[0] for _ in range(RUNS))
        timed = sorted(one(srv, cert, None)[1:] for _ in range(RUNS))
        print(f'{words:30} {counted[RUNS // 2]:>12,} guest instructions, '
              f'{timed[RUNS // 2][0]:.0f} ms in the guest, '
              f'{timed[RUNS // 2][1]:,} bytes of heap at the peak')


if __name__ == '__main__':
    try:
        main()
    finally:
        finish()
