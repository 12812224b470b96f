"""Header fields with UTF-8 in them, made at random, and what the composer
makes of them in ASCII: the same words and addresses, by a decoder that keeps
to the letter of RFC 2047. Then fields that are given, folded."""
import base64
import email
import email.policy
import quopri
import random
import re
from email.utils import getaddresses

from composer import HEAD, compose, parsed, refused, write
from harness import case, check, equal, new_dir

WORDS = ('ü', 'Grüße', 'a', 'plain', '=?utf-8?Q?enc=20x?=', '=?utf-8?B?w7w=?=',
         '漢字漢字漢字', '😀', 'x' * 30, 'é' * 40, '(ü)', '"q ü"', 'b,', 'c:d',
         '\u2028', '=?', 'what?=')
NAMES = ('Jörg', 'ü', 'plain', '"Doe, J"', '"ö, \\"x\\""', '"q"', 'Mr.', 'O\'N',
         '=?utf-8?Q?enc=20x?=', '漢字' * 9, '=?utf-8?B?w7w=?=', 'y' * 60)
COMMENTS = ('', '', '', ' (ü)', ' (a ü b)', ' (x (ü) y)', '(é é)',
            ' (=?utf-8?Q?c?= ü)')
BLANKS = (' ', ' ', '  ', '\t', '\n ', '\r\n\t')
CODED = re.compile(r'(\(*)=\?([^?\s]+)\?([BbQq])\?([^?\s]*)\?=(\)*)')


def decoded(s):
    """A word is coded if it stands alone between blanks or parentheses, and
    blanks between two of them are not shown (RFC 2047 5, 6.2)."""
    out, coded = '', False
    for blank, word in re.findall(r'([ \t\r\n]*)([^ \t\r\n]+)', s):
        m = CODED.fullmatch(word)
        if not (coded and m and not m[1]):
            out += blank
        if m:
            raw = (base64.b64decode(m[4]) if m[3] in 'Bb' else
                   quopri.decodestring(m[4].replace('_', ' ').encode()))
            word = m[1] + raw.decode(m[2]) + m[5]
        out, coded = out + word, m is not None and not m[5]
    return out


def unfolded(s):
    return re.sub(r'\r?\n(?=[ \t])', '', s)


def squeezed(s):
    return re.sub(r'\s+', ' ', s).strip()


def words(r):
    return r.choice(WORDS[:5]) + ''.join(
        r.choice(BLANKS) + r.choice(WORDS) for _ in range(r.randrange(1, 9)))


def mailbox(r, n):
    host = r.choice(('x.example', 'x.example', 'bücher.example'))
    name = ''.join(r.choice(NAMES) + r.choice(BLANKS)
                   for _ in range(r.randrange(4)))
    spec = f'u{n}@{host}'
    if name or r.random() < .3:
        spec = f'{name}<{spec}>'
    return spec + r.choice(COMMENTS)


def addresses(r):
    out = ''
    for n in range(r.randrange(1, 5)):
        out += r.choice((', ', ',', ',\n ')) if n else ''
        if r.random() < .1:
            out += r.choice(('Gruppe', 'Größe ü', '"g ü"')) + r.choice(
                (':', ': ')) + mailbox(r, n) + ';'
        else:
            out += mailbox(r, n)
    return out


def read_list(s):
    """Blanks apart, which a reader may put between the words of a name."""
    return [(re.sub(r'\s', '', decoded(name)),
             spec.replace('bücher', 'xn--bcher-kva'))
            for name, spec in getaddresses([s])]


def sent(field, values):
    """The values of a message that has so many fields of that name."""
    text = 'From: a@b\n' + ''.join(f'{field}: {v}\n' for v in values) + '\nx\n'
    wire, utf8 = compose(text.encode(), 'noutf8')
    head = wire.split(b'\r\n\r\n')[0].decode('ascii')
    check(not utf8 and max(map(len, head.split('\r\n'))) <= 998, 'lines', head)
    got = [unfolded(v) for v in re.findall(
        rf'^{field}: ?(.*(?:\n[ \t].*)*)', head, re.M)]
    equal(len(got), len(values), 'fields', head)
    return got


def same(seeds):
    for seed in seeds:
        r = random.Random(seed)
        values = [words(r) for _ in range(100)]
        for was, got in zip(values, sent('X-A', values)):
            equal(squeezed(decoded(got)), squeezed(decoded(unfolded(was))),
                  'words', seed, was, got)
        values = [addresses(r) for _ in range(80)]
        for was, got in zip(values, sent('Resent-To', values)):
            equal(read_list(got), read_list(unfolded(was)), 'addresses', seed,
                  was, got)
            for m in re.finditer(r'[^\s(]=\?utf-8\?B\?\S*|\S*\?=[^\s)]', got):
                check(m[0][:12] in was, 'no blank beside an encoded word',
                      seed, was, got)


@case('fields/random')
def some():
    """1,000 texts and 800 address lists."""
    same(range(10))


@case('fields/random-more', whole=True)
def more():
    same(range(10, 150))


@case('fields/blanks')
def blanks():
    """Every blank of a text comes back, however many there are in a row, and
    what only looks like an encoded word is shown as it stands."""
    many = ' ' * 450
    values = ['ü  ö', 'ü   a  ö', f'a{many}ü', f'ü{many}b', f'ü{many}ö',
              f'a{many}b{many[:400]}ü', f'=?utf-8?Q?x?={many}ü',
              f'ü{many}=?utf-8?Q?x?=', f'a{many}=?utf-8?Q?x?= ü',
              'a' + ' ' * 960 + 'ü', 'ü' + ' ' * 960 + 'bbbbbbbb',
              'ü =?foo= ö', '=?foo= ü', 'ü =?=', 'ü =?a?q?= ö',
              'ü =??q?c?= ö', 'ü =?utf-8?q?c?= ö',
              'ü =?utf-8?q?c?= =?x?= ö']
    for was, got in zip(values, sent('X-A', values)):
        equal(decoded(got), decoded(was), 'words', got)
    for was in (v for v in values if '-8?' not in v):
        wire, _ = compose(f'From: a@b\nSubject: {was}\n\nx\n'.encode())
        equal(str(parsed(wire)['Subject']), was, 'Subject', wire)


@case('fields/folded')
def folded():
    """Whatever has blanks is folded at them, quoted strings too, and comes
    back; what has none is refused."""
    for name in ('word ' * 300 + 'end', 'two  blanks  ' * 90 + '.',
                 'x\\\\y ' * 200 + '\\"'):
        wire, _ = compose(b'x\n', f'to="{name}" <a@b>, c@d', 'cc=e@f')
        m = email.message_from_bytes(wire, policy=email.policy.compat32)
        check(max(map(len, wire.split(b'\r\n'))) <= 78, 'long lines', wire)
        check(not re.search(rb'\n[ \t]*\r\n[ \t]', wire), 'a blank line', wire)
        equal(getaddresses([unfolded(m['To'])]),
              [(name.replace('\\\\', '\\').replace('\\"', '"'), 'a@b'),
               ('', 'c@d')], 'To', wire)
    said = refused(b'x\n', 'to="' + 'x' * 600 + '" <a@b>')
    check('no address list' in said, said)


@case('fields/comments')
def comments():
    """A backslash at the end of a line does not hide the line's end."""
    for end in (b'\n', b'\r\n'):
        text = (b'To: \xc3\xbc (a\\' + end + b' ' + b'0' * 80 + b') <a@b>' +
                end + b'From: c@d' + end + b'Subject: s' + end * 2 + b'b' + end)
        for args in ([], ['no8bit']):
            wire, _ = compose(text, *args)
            check(not re.search(rb'\r(?!\n)', wire), 'a bare CR', wire)
            head, body = wire.split(b'\r\n\r\n', 1)
            check(b'\r\nSubject: s' in head and b'c@d' in head, 'cut', wire)
            equal(body, b'b\r\n', 'body', wire)


@case('fields/long-lists')
def long_lists():
    """Lines of over 998 octets are not made of addresses without blanks."""
    for value in (','.join(f'a{i}@ü.de' for i in range(88)),
                  'c@d ' + '(ö)' * 230):
        wire, _ = compose(f'To: {value}\nFrom: c@d\n\nx\n'.encode())
        check(max(map(len, wire.split(b'\r\n'))) <= 100, 'long lines', wire)
        check(not re.search(rb'\n[ \t]*\r\n[ \t]', wire), 'blank line', wire)
        found = getaddresses([unfolded(email.message_from_bytes(wire)['To'])])
        want = ([('', f'a{i}@xn--tda.de') for i in range(88)] if ',' in value
                else [('', 'c@d')])
        equal([a for _, a in found], [a for _, a in want], 'To', wire)


@case('fields/wide')
def wide():
    """A multipart is labelled as its widest part (RFC 2045 6.4)."""
    path = write(new_dir('wide'), 'a', bytes(range(256)))
    for text, args, want in ((b'\xc3\xbc\n', [], '8bit'),
                             (b'\xc3\xbc\n', ['no8bit'], None),
                             (b'x\n', ['binary'], 'binary')):
        wire, _ = compose(text, 'attach=' + path, *args)
        m = parsed(wire)
        equal(m['Content-Transfer-Encoding'], want, 'encoding', wire)
        equal(next(m.iter_attachments()).get_content(), bytes(range(256)),
              'file', wire)


@case('fields/file-name')
def file_name():
    """A name that looks like an encoded word is not one."""
    name = '=?utf-8?Q?x?=.txt'
    path = write(new_dir('name'), name, b'1')
    wire, _ = compose(b'x\n', 'attach=' + path)
    equal(next(parsed(wire).iter_attachments()).get_filename(), name, 'name')
    check(b'=?' not in wire, 'an encoded word', wire)


@case('fields/signed')
def signed():
    """Nothing can be added to a message whose header is signed."""
    text = HEAD + b'DKIM-Signature: v=1\n\nx\n'
    path = write(new_dir('signed'), 'a', b'1')
    for arg in ('attach=' + path, 'html=' + path):
        said = refused(text, arg)
        check('nothing can be added' in said and 'signed' in said, said)


@case('fields/once')
def once():
    """Of what describes the body there is one: the composer's where it makes
    one, else the text's own; a given one may contradict it."""
    given = ['field=Content-Type: text/html', 'field=MIME-Version: 1.1',
             'field=content-transfer-encoding: 8bit',
             'field=Content-Language: de']
    path = write(new_dir('once'), 'a', b'1')
    for text, args, want in (
            (b'x\n', [], ['text/plain', '1.0', '7bit']),
            (b'x\n', ['attach=' + path], ['multipart/mixed', '1.0', None]),
            (HEAD + b'\nx\n', [], ['text/plain', None, None]),
            (HEAD + b'\n\xc3\xbc\n', ['no8bit'],
             ['text/plain', '1.0', 'quoted-printable'])):
        m = parsed(compose(text, *given, *args)[0])
        equal([m.get_content_type(), m['MIME-Version'],
               m['Content-Transfer-Encoding']], want, 'fields', args)
        equal(m['Content-Language'], 'de', 'Content-Language')
        for name, value in (('Content-Type', m['Content-Type']),
                            ('MIME-Version', m['MIME-Version'])):
            equal(len(m.get_all(name, [])), value is not None, name, args)
