"""The message composer on this machine (host/message_cli.c), read back by four
readers that know nothing of it: Python's email, Perl's MIME-tools, npm's
mailparser, mutt. Seeded; a failure names its case."""
import email
import email.policy
import hashlib
import json
import os
import random
import re
import resource
import shutil
import subprocess
from email.header import decode_header, make_header
from email.utils import getaddresses

import mutt
from composer import HEAD, compose, parsed, refused, write
from ctest import build
from fetch import fetch
from harness import TOP, Skip, case, check, equal, new_dir, once, succeed
from lab import read

CASES = 240

SUBJECTS = (
    '', 'disk full', 'Grüße aus Köln', '漢字かな交じり文です' * 8, 'x' * 700,
    '😀' * 40, 'a  double  blank ', ' leading', '=?utf-8?Q?not_coded?=',
    'word ' * 60 + 'end', 'עברית אחרי English', 'e\u0301\u0301 combining ' * 9,
    'ends in = and ?', 'tab\there', '"quoted", (comment) <angle>',
    'ü' + 'y' * 300, 'ß', '\u00a0non-breaking', 'ý' * 21 + 'x' + 'ý' * 21)
NAMES = (
    '', 'Robot', 'Jörg Müller', 'Doe, John', 'The "Robot" \\ R2',
    '山田太郎', 'x' * 250, 'ü' * 120, 'a (comment) b', 'a@b.c', 'Mr. 😀',
    '=?utf-8?B?eA==?=', "O'Neill; group: x")
# in a list that is written by hand an encoded word may be meant as one
LISTED = [n for n in NAMES if n and '=?' not in n]
FILES = (
    'a.txt', 'with blank.pdf', 'quo"te\\.bin', 'üñï.csv', '漢字' * 20 + '.png',
    'x' * 200 + '.dat', "utf-8''%41", '-', ';name=x.html', '😀.eml', 'a=b.tar.gz',
    "it's 100%.log")
EVERY = bytes(range(256))
TEXTS = (
    b'', b'x', b'hello\n', b'no newline', b'a\r\nb\r\n', 'Grüße\n'.encode(),
    EVERY, EVERY * 40, b'x' * 998 + b'\n', b'x' * 999 + b'\n', b'y' * 5000,
    '漢字\n'.encode() * 300, b'latin \xfc\xe9\n', b'.\n..\n.x\n',
    b'From here\n>From\nFrom \n', b'blanks \n tabs\t\n \n', b'a\rb\r\r\nc\r',
    b'nul\0nul\n', b' \n\n\n', b'=3D =\n=\n', ('ä' * 600 + '\n').encode() * 3,
    b'--\nfoo\n', b'--=_' + b'61' * 16 + b'a\n--=_' + b'61' * 16 + b'a--\n',
    b'\t', b' ', ('😀' * 300).encode(), b'caf\xc3', b'a' * 76 + b'\n' +
    b'b' * 75 + b' \n' + b'c' * 74 + b'=\n', b'Warning: disk full\n')
HTML = (b'<p>x</p>', '<p>Grüße</p>\n'.encode(), b'<p>' + b'z' * 3000,
        EVERY[32:] + b'\n', b'--=_' + b'61' * 16 + b'b\n')


class Generated:
    """One message of the matrix, made from a seed."""

    def __init__(self, seed):
        r = random.Random(seed)
        self.seed, self.folder = seed, new_dir('compose')
        self.subject = SUBJECTS[seed % len(SUBJECTS)]
        self.name = NAMES[seed // 2 % len(NAMES)]
        self.text = TEXTS[seed % len(TEXTS)]
        self.html = r.choice(HTML) if r.random() < .4 else None
        self.seven = r.random() < .4
        self.names = [(r.choice(LISTED), f'r{n}@example.org')
                      for n in range(r.randrange(4))]
        self.inline = ([(f'pic{n}.png', r.randbytes(r.randrange(300)))
                        for n in range(r.randrange(3))] if self.html else [])
        self.attach = [(r.choice(FILES), self.content(r))
                       for _ in range(r.choice((0, 0, 1, 1, 2, 4)))]
        self.binary = seed % 5 == 0 and self.inline + self.attach != []

    @staticmethod
    def content(r):
        return r.choice((b'', b'0', EVERY, r.randbytes(57), r.randbytes(58),
                         r.randbytes(r.randrange(5000)), b'text\r\n\n.\n'))

    def arguments(self):
        args = ['random=a', 'date=1795466540', f'subject={self.subject}',
                f'name={self.name}', f'chunk={self.seed % 90 + 1}']
        args += ['to=' + address(n, a) for n, a in self.names]
        args += ['no8bit'] if self.seven else []
        args += ['binary'] if self.binary else []
        if self.html is not None:
            args += ['html=' + write(self.folder, 'message.html', self.html)]
        for kind, files in (('inline', self.inline), ('attach', self.attach)):
            for n, (name, data) in enumerate(files):
                place = os.path.join(self.folder, f'{kind}{n}')
                os.mkdir(place)
                args += [f'{kind}=' + write(place, name, data)]
        return args

    def wire(self):
        text = write(self.folder, 'text', self.text)
        wire, _ = compose(text, *self.arguments())
        return wire


def address(name, spec):
    """As a person who minds the quotes writes it."""
    quoted = name.replace('\\', '\\\\').replace('"', '\\"')
    return f'"{quoted}" <{spec}>'


def one_line_end(data):
    return data.replace(b'\r\n', b'\n')


def same_text(got, want, whole, what, *about):
    """Line ends are a text's own; the last one may be the client's."""
    got, want = one_line_end(got), one_line_end(want)
    if whole and got == want + b'\n':
        got = want
    equal(got, want, what, *about)


def layout(wire, g):
    if g.binary:  # whatever is in the files; and the multiparts around
        how = b'Content-Transfer-Encoding: binary'
        equal(wire.count(how), wire.count(b'Content-Type: multipart/') +
              sum(data != b'' for _, data in g.inline + g.attach), 'binary',
              g.seed)
        return
    lines = wire.split(b'\r\n')
    check(max(map(len, lines)) <= 998, 'a line of more than 998', g.seed)
    for line in wire.split(b'\r\n\r\n')[0].split(b'\r\n'):
        if b'=?' in line:
            check(len(line) <= 76, 'encoded words beyond column 76', line)
    check(g.seven <= (max(wire) < 128), '8-bit to a 7-bit server', g.seed)
    check(b'\0' not in wire, 'NUL')
    check(b'\r' not in wire.replace(b'\r\n', b''), 'a bare CR')


def mailboxes(field):
    """By the older of email's two parsers: the newer one puts blanks between
    the encoded words of one name."""
    return [(str(make_header(decode_header(name))), spec)
            for name, spec in getaddresses([field])]


def read_back(g, m, old):
    equal(m.defects, [], 'defects', g.seed)
    equal(str(m['Subject'] or ''), g.subject, 'Subject', g.seed)
    equal(mailboxes(old['From']), [(g.name, 'robot@example.net')], 'From', g.seed)
    if g.names:
        equal(mailboxes(old['To']), g.names, 'To', g.seed)
    leaves = [p for p in m.walk() if not p.is_multipart()]
    whole = len(leaves) == 1
    text = leaves.pop(0) if g.text or g.html is None else None
    if text is not None:
        equal(text.get_content_type(), 'text/plain', 'type', g.seed)
        same_text(text.get_payload(decode=True), g.text, whole, 'text', g.seed)
    if g.html is not None:
        html = leaves.pop(0)
        equal(html.get_content_type(), 'text/html', 'type', g.seed)
        same_text(html.get_payload(decode=True), g.html, whole, 'HTML', g.seed)
    for name, data in g.inline:
        part = leaves.pop(0)
        equal(part['Content-ID'], f'<{name}>', 'Content-ID', g.seed)
        equal(part.get_payload(decode=True), data, name, g.seed)
    equal([(p.get_filename(), p.get_payload(decode=True)) for p in leaves],
          g.attach, 'attachments', g.seed)
    check(all(p.defects == [] for p in m.walk()), 'defects', g.seed)


@once
def made():
    """The messages, and where they lie."""
    all_of_them = [Generated(seed) for seed in range(CASES)]
    return [(g, write(g.folder, 'wire', g.wire())) for g in all_of_them]


def read_by(*argv, **kw):
    """What another reader makes of them, a line of JSON each."""
    done = succeed([*argv], input=b''.join(p.encode() + b'\n'
                                           for _, p in made()), **kw)
    lines = done.stdout.decode().splitlines()
    equal(len(lines), CASES, 'messages read')
    return [(g, json.loads(line)) for (g, _), line in zip(made(), lines)]


@case('compose/matrix')
def matrix():
    """240 messages; Python's email gets back what went in."""
    for g, path in made():
        wire = read(path)
        layout(wire, g)
        read_back(g, email.message_from_bytes(
            wire, policy=email.policy.default), email.message_from_bytes(wire))


def text_sha(data, whole):
    data = data.replace(b'\r', b'')
    return {hashlib.sha256(d).hexdigest()
            for d in ((data, data + b'\n') if whole else (data,))}


@case('compose/matrix-perl')
def matrix_perl():
    """The same, and Perl's MIME-tools get it back too."""
    if subprocess.run(['perl', '-MMIME::Parser', '-e', '1'],
                      capture_output=True).returncode != 0:
        raise Skip('no MIME-tools: apt-get install libmime-tools-perl')
    for g, got in read_by('perl', os.path.join(TOP, 'tests/host/readmail.pl')):
        perl_agrees(g, got)


def perl_agrees(g, got):
    equal((got['subject'] or ''), g.subject.lstrip(' ') if g.subject.isascii()
          and '=?' not in g.subject and g.subject == g.subject.strip()
          else g.subject, 'Subject', g.seed)
    parts = got['parts']
    whole = len(parts) == 1
    if g.text or g.html is None:
        check(parts.pop(0)['sha'] in text_sha(g.text, whole), 'text', g.seed)
    if g.html is not None:
        check(parts.pop(0)['sha'] in text_sha(g.html, whole), 'HTML', g.seed)
    for name, data in g.inline:
        part = parts.pop(0)
        equal(part['id'], f'<{name}>', 'Content-ID', g.seed)
        equal(part['sha'], hashlib.sha256(data).hexdigest(), name, g.seed)
    equal([p['sha'] for p in parts],
          [hashlib.sha256(d).hexdigest() for _, d in g.attach], 'attachments',
          g.seed)


@case('compose/matrix-mailparser')
def matrix_mailparser():
    """The same, and npm's mailparser: it shows texts, so those that are UTF-8
    are compared as such, and files by their bytes."""
    for program in ('node', 'npm'):
        if shutil.which(program) is None:
            raise Skip(f'no {program}: apt-get install nodejs npm')
    modules = os.path.join(fetch('mailparser'), 'node_modules')
    texts = sum(mailparser_agrees(g, got) for g, got in read_by(
        'node', os.path.join(TOP, 'tests/host/readmail.js'),
        env={**os.environ, 'NODE_PATH': modules}))
    check(texts > CASES, f'only {texts} texts were compared')


def mailparser_agrees(g, got):
    equal(got['subject'], g.subject, 'Subject', g.seed)
    equal(got['from'], [[g.name, 'robot@example.net']], 'From', g.seed)
    if g.names:
        equal(got['to'], [list(n) for n in g.names], 'To', g.seed)
    compared = 0
    for key, data in (('text', g.text), ('html', g.html or b'')):
        try:
            text = data.decode().replace('\r\n', '\n').rstrip('\n')
        except UnicodeDecodeError:
            continue
        equal((got.get(key) or '').rstrip('\n'), text, key, g.seed)
        compared += 1
    files, inline = g.inline + g.attach, len(g.inline)
    equal([p['sha'] for p in got['parts']],
          [hashlib.sha256(d).hexdigest() for _, d in files], 'files', g.seed)
    equal([p['name'] for p in got['parts'][inline:]], [n for n, _ in g.attach],
          'names', g.seed)
    equal([p['id'] for p in got['parts'][:inline]],
          [f'<{n}>' for n, _ in g.inline], 'Content-ID', g.seed)
    return compared


@case('compose/matrix-mutt')
def matrix_mutt():
    """The same, less those with binary files, and mutt: names, Subject, text as
    it shows them, files as it saves them."""
    if shutil.which('mutt') is None:
        raise Skip('no mutt: apt-get install mutt')
    some = [(g, path) for g, path in made() if not g.binary]
    shown, places = mutt.read([read(path) for _, path in some],
                              [len(g.attach) for g, _ in some])
    equal(len(shown), len(some), 'messages shown')
    for (g, _), text, folders in zip(some, shown, places):
        mutt_agrees(g, text, folders)


def mutt_agrees(g, text, folders):
    """It takes quotes and backslashes out of names, shows a tab as "?", and
    a text file's line ends are its own."""
    head, _, body = text.partition('\n\n')
    fields = dict(line.split(': ', 1) for line in head.split('\n')
                  if ': ' in line)
    plain = str.maketrans('', '', '"\\')
    equal(fields.get('Subject', ''), g.subject.replace('\t', '?'), 'Subject',
          g.seed)
    equal(fields['From'].translate(plain),
          f'{g.name} <robot@example.net>'.translate(plain) if g.name else
          'robot@example.net', 'From', g.seed)
    if g.names:
        equal(fields['To'].translate(plain), ', '.join(
            f'{n} <{a}>' for n, a in g.names).translate(plain), 'To', g.seed)
    want = one_line_end(g.text).decode(errors='replace')
    if want.replace('\n', '').isprintable() and '\ufffd' not in want:
        check(body.startswith(want), 'text', g.seed, body)
    for (name, data), folder in zip(g.attach, folders):
        equal(os.listdir(folder), [name], 'names', g.seed)
        got = read(os.path.join(folder, name))
        if data.startswith(b'text'):
            got, data = got.replace(b'\r', b''), data.replace(b'\r', b'')
        equal(got, data, name, g.seed)


# ------------------------------------------------------- finished messages

@case('compose/kept-encoded-anew')
def kept():
    """A finished text that the server cannot take as it is."""
    eight = 'Die Größe der Datei\n'.encode()
    cjk = '漢字\n'.encode() * 9
    for fields, body, args, encoding in (
            (b'', eight, ['no8bit'], 'quoted-printable'),
            (b'', cjk, ['no8bit'], 'base64'),
            (b'', b'x' * 999 + b'\n', [], 'quoted-printable'),
            (b'', eight * 200 + b'y' * 2000, [], 'quoted-printable'),
            (b'MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n'
             b'Content-Transfer-Encoding:\n 8bit\n', eight, ['no8bit'],
             'quoted-printable'),
            (b'Content-Type: TEXT/html;\n charset=utf-8\n', eight, ['no8bit'],
             'quoted-printable'),
            (b'Content-Type: text/plain; charset=latin1\n', b'\xfc\n',
             ['no8bit'], 'quoted-printable')):
        wire, _ = compose(HEAD + fields + b'\n' + body, *args)
        m = parsed(wire)
        equal(m['Content-Transfer-Encoding'], encoding, 'encoding', fields)
        same_text(m.get_payload(decode=True), body, True, 'body', fields)
        for name in ('MIME-Version', 'Content-Type',
                     'Content-Transfer-Encoding'):
            equal(len(m.get_all(name)), 1, name, wire)
        check('latin1' in wire.decode() if b'latin1' in fields else
              m.get_content_charset() == 'utf-8', 'charset', wire)
        m = parsed(compose(HEAD + fields + b'\n' + body, *args, 'attach=' +
                           write(new_dir('a'), 'f', b'1'))[0])
        part = next(m.iter_parts())
        same_text(part.get_payload(decode=True), body, False, 'part', fields)
        equal(part['Content-Transfer-Encoding'], encoding, 'of the part')


@case('compose/kept-as-it-is')
def as_it_is():
    """What needs no change gets none."""
    for rest in (b'\nbody\r\nbody\n', b'X-A: 1\r\n  folded\n\n\n\n', b'',
                 b'\n', b'Content-Type: text/plain; charset=latin1\n\n\xfc\n',
                 b'Content-Type: multipart/mixed; boundary=b\n\n--b\n\n\xc3\xbc'
                 b'\n--b--\n', b'\n\xc3\xbc\n', b'\n\xfc\n',
                 b'MIME-Version: 1.0\n\n\xc3\xbc\n'):
        wire, _ = compose(HEAD + rest)
        equal(wire, re.sub(rb'(?<!\r)\n', b'\r\n', HEAD + rest), 'wire')


@case('compose/kept-refused')
def kept_refused():
    multi = HEAD + b'Content-Type: multipart/mixed; boundary=b\n\n--b\n\n'
    signed = HEAD + b'DKIM-Signature: v=1\n\n'
    for text, args, status, words in (
            (multi + b'\xfc\n--b--\n', ['no8bit'], 69, 'line 10: bytes over'),
            (multi + b'x' * 999, [], 65, 'line 10: line of more than 998'),
            (signed + b'\xfc', ['no8bit'], 69, 'line 8: bytes over'),
            (signed + b'\xfc', ['no8bit'], 69, 'it is signed'),
            (signed + b'y' * 999, [], 65, 'it is signed'),
            (HEAD + b'Content-Transfer-Encoding: base64\n\n\xfc', ['no8bit'],
             69, 'an encoding of its own'),
            (HEAD + b'Content-Type: message/rfc822\n\n\xfc', ['no8bit'], 69,
             'a message in the message'),
            (HEAD + b'\na\rb', [], 65, 'line 7: carriage return'),
            (HEAD + b'\na\0b', [], 65, 'line 7: NUL'),
            (HEAD + b'X: \x1b\n\n', ['repair'], 0, ''),
            ('From: ü@x\nDate: x\n\n'.encode(), ['noutf8'], 69, 'SMTPUTF8'),
            ('From: a@b\nReferences: ü\n\n'.encode(), ['noutf8'], 69,
             'References'),
            ('From: a@ü\u2063\n\n'.encode(), ['noutf8'], 69, 'From'),
            (signed.replace(b'Subject: s', 'Subject: ü'.encode()) + b'x',
             ['noutf8'], 69, 'Subject')):
        if status == 0:
            compose(text, *args)
            continue
        said = refused(text, *args, status=status)
        check(words in said, f'it does not say "{words}"', said)


@case('compose/repair')
def repair():
    wire, _ = compose(HEAD + b'X-A: a\x1bb\rc\n\na\rb\0c\r\nd\r', 'repair')
    equal(wire.split(b'Subject: s\r\n')[1],
          b'X-A: a b c\r\n\r\na\r\nb c\r\nd\r\n', 'repaired')
    wire, _ = compose('From: a@b\nSubject: \x01ü\rx\0\n\ny'.encode(), 'repair')
    equal(parsed(wire)['Subject'].split(), ['ü', 'x'], 'Subject', wire)


@case('compose/header-in-utf-8')
def header_utf8():
    """Raw UTF-8 in a finished header: no server on the way needs SMTPUTF8."""
    long = 'Übergrößenträger ' * 30
    wire, utf8 = compose((
        'From: Jörg Müller <jm@bücher.example>\n'
        'To: "Dörte, D." <d@x>, Grüße: "ä \\"b\\"" <e@x>,\n\tf@x;,'
        ' g@x (Büro (nördlich) ost), "ü"<h@x>\n'
        f'Subject: Re: {long}\n'
        'X-Much: ' + 'ü' * 400 + ' end\n'
        'X-A: plain ü plain \n\nbody\n').encode(), 'noutf8')
    check(not utf8 and max(wire) < 128, 'ASCII', wire)
    m = email.message_from_bytes(wire)
    equal(mailboxes(m['From']), [('Jörg Müller', 'jm@xn--bcher-kva.example')],
          'From')
    equal([a for a in mailboxes(m['To']) if a[1] != 'g@x' and a[1]],
          [('Dörte, D.', 'd@x'), ('ä "b"', 'e@x'), ('', 'f@x'), ('ü', 'h@x')],
          'To', wire)
    check('Büro (nördlich) ost' in str(make_header(decode_header(m['To']))),
          'comment', wire)
    equal(str(make_header(decode_header(m['Subject']))).rstrip(),
          'Re: ' + long.rstrip(), 'Subject')
    equal(str(make_header(decode_header(m['X-Much']))), 'ü' * 400 + ' end', 'X')
    equal(str(make_header(decode_header(m['X-A']))), 'plain ü plain', 'X-A')
    check(max(map(len, wire.split(b'\r\n'))) <= 78, 'long lines', wire)
    wire, utf8 = compose('From: ü@x\nSubject: ä\nDate: x\n\nx\n'.encode())
    check(utf8 and 'From: ü@x\r\nSubject: ä'.encode() in wire, 'SMTPUTF8', wire)
    wire, utf8 = compose(b'From: a@b\nSubject: latin \xfc\n\nx\n', 'noutf8')
    check(b'=?unknown-8bit?B?/A==?=' in wire, 'not UTF-8', wire)


@case('compose/structure')
def structure():
    """One level for each thing there is, and no more."""
    folder = new_dir('structure')
    html = 'html=' + write(folder, 'h', b'<p>')
    pic = 'inline=' + write(folder, 'p.png', b'p')
    file = 'attach=' + write(folder, 'f.bin', b'f')
    for text, args, want in (
            (b'x', [], 'plain'), (b'x', [file], 'mixed plain octet-stream'),
            (b'', [html], 'html'), (b'x', [html], 'alternative plain html'),
            (b'', [html, pic], 'related html png'),
            (b'x', [html, pic, file],
             'mixed alternative plain related html png octet-stream'),
            (HEAD + b'Content-Type: text/markdown\n\nx', [html],
             'alternative markdown html'),
            (HEAD + b'\n', [html], 'html'), (HEAD + b'\n', [file],
                                             'mixed plain octet-stream')):
        m = parsed(compose(text, *args)[0])
        equal(' '.join(p.get_content_subtype() for p in m.walk()), want,
              'parts')
        equal([p.defects for p in m.walk() if p.defects], [], 'defects')
    for text, args, words in (
            (b'x', [pic], 'no HTML'),
            (b'x', [html, 'inline=' + write(folder, 'a b', b'')], 'cid:'),
            (HEAD + b'Content-Type: multipart/mixed\n\nx', [html],
             'it is a multipart')):
        said = refused(text, *args)
        check(words in said, f'it does not say "{words}"', said)


@case('compose/text-files')
def text_files():
    """A file is labelled UTF-8 if it is, and else no text at all: no reader
    shows what its author did not write."""
    folder, octets = new_dir('texts'), 'application/octet-stream'
    for name, data, want in (
            ('a.txt', 'Grüße\n'.encode() * 9, 'text/plain'),
            ('a.txt', 'Grüße\n'.encode('latin-1'), octets),
            ('b.csv', 'ü;1\r\n'.encode('utf-16'), octets),
            ('c.html', b'<p>' + b'x' * 4000 + b'\xc3', octets),
            ('d.log', b'plain\n', 'text/plain'), ('e.md', b'',
                                                  'text/markdown'),
            ('f.json', b'\xfc', 'application/json')):
        path = write(folder, name, data)
        for how in ([], ['binary']):
            m = parsed(compose(b'x\n', 'attach=' + path, *how)[0])
            part = next(m.iter_attachments())
            equal(part.get_content_type(), want, name, data[:20])
            equal(part.get_content_charset(), 'utf-8' if 'text' in want
                  else None, 'charset', name)
            equal(part.get_payload(decode=True), data, 'bytes', name)
            equal(part.get_filename(), name, 'name')


@case('compose/content-id')
def content_id():
    """A picture is called what the HTML calls it: by its name, or by that with
    a domain, which makes the msg-id that RFC 2045 wants."""
    folder = new_dir('cid')
    for html, names, want in (
            (b'cid:p.png', ['p.png'], ['p.png']),
            (b'<img src="cid:p.png@x.example">', ['p.png'],
             ['p.png@x.example']),
            (b'"cid:p.png@x.example" cid:p.png', ['p.png'], ['p.png']),
            (b'cid:p@x cid:p', ['p', 'p@x'], ['p', 'p@x']),
            (b'cid:p.png@x cid:q.png@y"', ['q.png', 'p.png'],
             ['q.png@y', 'p.png@x']),
            (b'cid:p.png2@x cid:q', ['p.png'], ['p.png']),
            (b'cid:p.png@' + b'x' * 2000, ['p.png'], None),
            (b'cid:p.png@', ['p.png'], ['p.png@']),
            (b'no reference', ['p.png'], ['p.png'])):
        args = ['inline=' + write(folder, name, b'P') for name in names]
        wire, _ = compose(b'x', 'html=' + write(folder, 'm', html), *args)
        got = [p['Content-ID'] for p in parsed(wire).walk()
               if 'Content-ID' in p]
        check(max(map(len, wire.split(b'\r\n'))) < 2100, 'lines', wire)
        if want is None:
            equal(len(got), 1, 'pictures', wire)
            check(len(got[0]) < 600, 'a long line', got)
        else:
            equal(got, [f'<{w}>' for w in want], 'Content-ID', html)


@case('compose/rewrite')
def rewrite():
    text = b'From: root\nTo: root, b@c\nCc: d@e\nBcc: f@g\nSubject: s\n\nx\n'
    wire, _ = compose(text, 'replace', 'replaceto', 'to=Ops <ops@x>')
    m = parsed(wire)
    equal([(k, str(v)) for k, v in m.items() if k in ('From', 'To', 'Cc')],
          [('From', 'robot@example.net'), ('To', 'Ops <ops@x>')], 'fields')
    check(b'f@g' not in wire, 'Bcc', wire)
    wire, _ = compose(text, 'undisclosed', 'to=a@b', 'cc=y@z')
    equal(parsed(wire)['To'], 'undisclosed-recipients:;', 'To')
    check(b'Cc:' not in wire, 'Cc', wire)
    wire, _ = compose(b'x', 'cc=A <a@b>', 'cc=c@d, e@f', 'field=X-A: ü',
                      'field=X-B: b')
    m = parsed(wire)
    equal((m['To'], m['Cc'], m['X-A'], m['X-B']),
          (None, 'A <a@b>, c@d, e@f', 'ü', 'b'), 'fields', wire)


@case('compose/25-MiB')
def large():
    data = random.Random(25).randbytes(25 << 20)
    path = write(new_dir('large'), 'large.bin', data)
    m = parsed(compose(b'x\n', 'attach=' + path)[0])
    check(next(m.iter_attachments()).get_payload(decode=True) == data,
          'the attachment differs')


@case('compose/1-GiB-in-constant-memory')
def sparse():
    """The composer may have 8 MiB of data; the file is mapped."""
    program = build('tests/host/message_cli.c', '-O2', '-fno-sanitize=all')
    folder = new_dir('sparse')
    path = write(folder, 'sparse.bin', b'')
    os.truncate(path, 1 << 30)
    done = subprocess.run(
        [program, write(folder, 'text', b'x\n'), 'attach=' + path, 'measure'],
        capture_output=True, timeout=300, preexec_fn=lambda:
        resource.setrlimit(resource.RLIMIT_DATA, (8 << 20, 8 << 20)))
    equal(done.returncode, 0, 'exit status', done.stderr)
    announced, _, sent = map(int, done.stderr.split()[:3])
    equal(sent, announced, 'octets')
    check(sent > (1 << 30) * 4 // 3, 'all of it')
