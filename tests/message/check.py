#!/usr/bin/env python3
"""smtp/message.c against Python's email parser: what another program makes
of the messages that are sent.

Usage: tests/message/check.py [PROGRAM]   (default: compiles message_cli.c)

Each case gives the text, the arguments of tests/host/message_cli.c, and what
the parsed message must hold. The last line is "N passed, N failed"."""
import email
import email.header
import email.policy
import email.utils
import os
import re
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
CLI = 'tests/host/message_cli.c'


def compile_cli(folder):
    with open(os.path.join(TOP, CLI)) as f:
        sources = re.search(r'/\* sources:(.*?)\*/', f.read(), re.S)[1].split()
    program = os.path.join(folder, 'message_cli')
    subprocess.run(['clang', '-std=c11', '-g', '-O1', '-Wall', '-Wextra',
                    '-Werror', '-fsanitize=address,undefined',
                    '-fno-sanitize-recover=all', '-Ismtp', CLI, *sources,
                    '-o', program], cwd=TOP, check=True)
    return program


class Checker:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.passed = self.failed = 0

    def expect(self, what, got, want):
        if got == want:
            self.passed += 1
        else:
            self.failed += 1
            print(f'{what}: got {got!r}, want {want!r}')

    def run(self, text, *args):
        with open(os.path.join(self.folder, 'text'), 'wb') as f:
            f.write(text)
        return subprocess.run([self.program, 'text', *args], cwd=self.folder,
                              capture_output=True, timeout=60)

    def send(self, name, text, *args):
        """The raw bytes, after checking what holds for every message."""
        done = self.run(text, *args)
        self.expect(name + ': exit', (done.returncode, b'line' in done.stderr),
                    (0, False))
        raw = done.stdout
        wire = re.sub(rb'\r?\n', b'\r\n', raw)
        if not wire.endswith(b'\r\n'):
            wire += b'\r\n'
        size = int(done.stderr.split()[0])
        self.expect(name + ': size', size, len(wire))
        self.expect(name + ': eight bit', done.stderr.split()[1],
                    b'1' if any(c > 127 for c in raw) else b'0')
        self.expect(name + ': line length',
                    max(map(len, wire.split(b'\r\n'))) <= 998, True)
        for chunk in (1, 61):
            self.expect(f'{name}: chunk {chunk}',
                        self.run(text, *args, f'chunk={chunk}').stdout, raw)
        return raw

    def parsed(self, name, text, *args):
        raw = self.send(name, text, *args)
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        self.expect(name + ': defects',
                    [d for part in mail.walk() for d in part.defects], [])
        return mail


SUBJECTS = [
    'short', 'Grüße', 'ünïcödé ' * 20, '日本語のとても長い件名です' * 8,
    'plain words ' * 30 + 'end', 'x' * 300, '=?utf-8?Q?not_this?=', '"quoted"',
    ' leading', 'trailing ', '😀' * 40, 'a\\b', 'two  blanks ' * 12 + 'end',
]
NAMES = ['a.txt', 'with blank.pdf', 'quote".txt', 'back\\slash', 'Grüße.pdf',
         '日本語' * 20 + '.txt', 'x' * 120 + '.log', "it's 100%.csv", '.hidden']
TEXTS = {
    'empty': b'', 'no newline': b'hello', 'dots': b'.\n..\n.x\n',
    'utf-8': 'Grüße\n'.encode(), 'crlf': b'a\r\nb\r\n', 'long': b'x' * 998,
}


def subjects(c):
    for s in SUBJECTS:
        name = 'subject ' + repr(s[:20])
        mail = c.parsed(name, b'body\n', 'subject=' + s)
        c.expect(name, mail['subject'], s)
        c.expect(name, mail.get_content(), 'body\n')


def senders(c):
    for n in ('Robot', 'The "Robot"', 'Jörg Müller', 'a, b; c <d>', 'ä' * 100):
        mail = c.parsed('name ' + n[:12], b'x\n', 'name=' + n)
        address = mail['from'].addresses[0]
        c.expect('address', address.addr_spec, 'robot@example.net')
        # The newer parser of some Pythons keeps the fold between two encoded
        # words of a phrase, against RFC 2047 6.2: the older one is right.
        raw = dict(mail.raw_items())['From']
        coded = email.utils.parseaddr(raw)[0]
        c.expect('name', str(email.header.make_header(
            email.header.decode_header(coded))), n)


def lists(c):
    many = [f'somebody.{i}@example.net' for i in range(60)]
    mail = c.parsed('to', b'x\n', *('to=' + a for a in many))
    c.expect('to', [a.addr_spec for a in mail['to'].addresses], many)
    mail = c.parsed('date', b'x\n', 'date=1795466540')
    c.expect('date', email.utils.parsedate_to_datetime(mail['date'])
             .timestamp(), 1795466540.0)
    c.expect('id', mail['message-id'], '<made.1@example.net>')


def texts(c):
    for name, text in TEXTS.items():
        mail = c.parsed(name, text)
        c.expect(name, mail.get_payload(decode=True), text)


def attachments(c, folder):
    data = [b'', b'x', bytes(range(256)) * 9, b'z' * 1026, b'y' * 57]
    for i, n in enumerate(NAMES):
        content = data[i % len(data)]
        with open(os.path.join(folder, n), 'wb') as f:
            f.write(content)
        for kind, text in TEXTS.items():
            name = f'attachment {n[:12]} to {kind}'
            mail = c.parsed(name, text, 'attach=' + n)
            c.expect(name, mail.get_content_type(), 'multipart/mixed')
            first, second = mail.get_payload()
            c.expect(name, first.get_payload(decode=True), text)
            c.expect(name, second.get_filename(), n)
            c.expect(name, second.get_payload(decode=True), content)


def nested(c):
    inner = (b'Subject: s\nMIME-Version: 1.0\n'
             b'Content-Type: multipart/alternative;\n boundary=b\n\n'
             b'--b\nContent-Type: text/plain\n\nt\n'
             b'--b\nContent-Type: text/html\n\n<p>\n--b--\n')
    mail = c.parsed('nested', inner, 'attach=a.txt', 'attach=.hidden')
    c.expect('nested', [p.get_content_type() for p in mail.walk()],
             ['multipart/mixed', 'multipart/alternative', 'text/plain',
              'text/html', 'text/plain', 'application/octet-stream'])
    c.expect('nested', mail.get_all('mime-version'), ['1.0'])
    coded = (b'From: a@b\nContent-Type: text/plain; charset=iso-8859-1\n'
             b'Content-Transfer-Encoding: quoted-printable\n\nf=FCr\n')
    mail = c.parsed('coded', coded, 'attach=a.txt')
    c.expect('coded', mail.get_payload(0).get_content(), 'für\n')
    c.expect('coded', mail['from'], 'a@b')


def recipients(c):
    header = ('To: A <a@b>, "x, y" <c@d>,\n e@f (comment)\n'
              'Cc: group: g@h, i@j;\nBcc: "q r"@s\n\nbody')
    got = c.run(header.encode(), 'rcpt').stdout.decode().split('\n')[:-1]
    want = [a for _, a in email.utils.getaddresses(
        [str(v) for k, v in email.message_from_string(header).items()])]
    c.expect('recipients', got, want)
    mail = c.parsed('bcc', header.encode())
    c.expect('bcc', mail['bcc'], None)
    mail = c.parsed('undisclosed', header.encode(), 'undisclosed')
    c.expect('undisclosed', mail['to'], 'undisclosed-recipients:;')
    head = b'Subject: x\n'
    for text in (head + b'\na\0b', head + b'\na\rb\n', head + b'y:' +
                 b'y' * 999, head + b'no colon\n'):
        done = c.run(text)
        c.expect('refused', (done.returncode, done.stdout), (65, b''))


def main():
    with tempfile.TemporaryDirectory() as folder:
        program = (os.path.abspath(sys.argv[1]) if len(sys.argv) > 1
                   else compile_cli(folder))
        c = Checker(program, folder)
        subjects(c)
        senders(c)
        lists(c)
        texts(c)
        attachments(c, folder)
        nested(c)
        recipients(c)
    print(f'{c.passed} passed, {c.failed} failed')
    return 1 if c.failed or not c.passed else 0


if __name__ == '__main__':
    sys.exit(main())
