"""Clients under a scenario: ours on its boards, others of Debian's, and two
that never listen.

Each is a function (scenario, port) -> Run. Others get the same server,
certificates, message and login, by their own options; their passwords stand
in files, never in an argument list.
"""
import os
import shutil
import subprocess
import time

from harness import command, new_dir, private_file
from lab import conf, files, launch, pki, read
from scenario import HANG, Run


class Ours:
    """The program on a board ('posix') or in a machine ('microvm', ...)."""

    def __init__(self, machine):
        self.name = self.machine = machine

    def __call__(self, s, port):
        more = s.more() if callable(s.more) else s.more
        text = conf(port, s.mode, user=s.user, more=more).replace(
            'from sender@mail.test\n', f'from {s.sender}\n')
        beside = files(password=s.password)
        if s.host:
            text += f'tls_host_override {s.host}\n'
        if s.protocol != 'smtp':
            text += f'protocol {s.protocol}\n'
        if s.patience:
            text += f'timeout {s.patience}\n'
        if s.anchor:
            beside['ca.pem'] = s.anchor()
        if s.crl:
            text += 'tls_crl_file crl.pem\n'
            beside['crl.pem'] = s.crl()
        start = time.monotonic()
        r = launch(self.machine, *s.rcpts, message=s.text(), conf=text,
                   files=beside, timeout=s.timeout, hang=HANG)
        return Run(r.status, r.log, time.monotonic() - start, ours=r)


def other(argv, s, env=None):
    """A program of someone else's, stopped some seconds after it should."""
    start = time.monotonic()
    try:
        done = subprocess.run(argv, input=s.text(), timeout=s.timeout + 10,
                              stdout=subprocess.PIPE, env=env,
                              stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired:
        return Run(-1, '', time.monotonic() - start, hung=True)
    return Run(done.returncode, done.stdout.decode(errors='replace'),
               time.monotonic() - start)


def prepared(s):
    """A folder with the anchors, and the revocation lists if there are any."""
    folder = new_dir('client')
    for name, data in (('ca.pem', s.anchor() if s.anchor else read(pki().ca)),
                       ('crl.pem', s.crl() if s.crl else None)):
        if data is not None:
            private_file(os.path.join(folder, name), data)
    return folder


def curl(s, port):
    """curl's SMTP client, told to insist on TLS."""
    folder = prepared(s)
    host = s.host or '127.0.0.1'
    lines = [f'url = "{"smtps" if s.mode == "implicit" else "smtp"}://'
             f'{host}:{port}"', f'connect-to = "{host}:{port}:127.0.0.1:{port}"',
             f'cacert = "{folder}/ca.pem"', 'silent', 'show-error', 'crlf',
             'upload-file = "-"',
             f'max-time = {s.patience + 2 if s.patience else s.timeout}']
    if s.mode == 'starttls':
        lines.append('ssl-reqd')
    if s.user:
        lines.append(f'user = "{s.user}:{s.password}"')
    if s.crl:
        lines.append(f'crlfile = "{folder}/crl.pem"')
    private_file(os.path.join(folder, 'curlrc'),
                 '\n'.join(lines).encode() + b'\n')
    argv = ['curl', '-q', '-K', folder + '/curlrc', '--mail-from', s.sender]
    for r in s.rcpts:
        argv += ['--mail-rcpt', r]
    try:
        return other(argv, s)
    finally:
        shutil.rmtree(folder)


def msmtp(s, port):
    folder = prepared(s)
    lines = [f'host 127.0.0.1', f'port {port}', f'protocol {s.protocol}',
             f'from {s.sender}', f'timeout {s.patience or s.timeout}',
             f'tls {"off" if s.mode == "off" else "on"}',
             f'tls_starttls {"off" if s.mode == "implicit" else "on"}',
             f'tls_trust_file {folder}/ca.pem']
    if s.host:
        lines.append(f'tls_host_override {s.host}')
    if s.user:
        lines += ['auth on', f'user {s.user}', f'password "{s.password}"']
    if s.crl:
        lines.append(f'tls_crl_file {folder}/crl.pem')
    private_file(os.path.join(folder, 'msmtprc'),
                 '\n'.join(['account default', *lines]).encode() + b'\n')
    try:
        return other(['msmtp', '-C', folder + '/msmtprc', '--', *s.rcpts], s)
    finally:
        shutil.rmtree(folder)


def yes(s, port):
    """Says that all is well, whatever happens."""
    return Run(0, 'accepted')


def no(s, port):
    """Says that it could not be done, whatever happens."""
    return Run(75, 'failed')


def cannot(client, s):
    """Why a client of someone else's cannot be asked this, or ''."""
    if s.only_ours:
        return s.only_ours
    if client is curl and s.protocol != 'smtp':
        return 'no LMTP'
    return ''


def version(name):
    return command([name, '--version']).stdout.decode().split('\n')[0]
