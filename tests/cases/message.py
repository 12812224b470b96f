"""Messages of every shape through the process to a real server: what arrives
is what was sent, or the reason says which line is wrong."""
import email
import email.policy
import os
import random

from dialogue import Dialogue
from fake import Fake
from harness import case, check, equal, new_dir
from lab import arrived, conf, crlf, expect_sent, files, head, launch, server

DATED = (b'Date: Mon, 02 Nov 2026 10:00:00 +0000\n'
         b'From: Sender <sender@mail.test>\n')


def send(message, *args, more='', rcpt='rcpt@mail.test'):
    srv = server('exim')
    r = launch('posix', *args, *([rcpt] if rcpt else []), message=message,
               conf=conf(srv.starttls_port, more=more), files=files())
    return r, srv


def sent(message, *args, **kw):
    """Sends a text; returns what arrived, parsed, and the result."""
    r, srv = send(message, *args, **kw)
    equal(r.status, 0, 'exit status', r)
    found = arrived(srv, r.report['message_id'].split('@')[0]) or [
        m for m in srv.mails() if r.report['message_id'].encode() in m.sent]
    check(found, 'nothing was delivered', r)  # in a copy or more
    return email.message_from_bytes(
        found[0].sent, policy=email.policy.default), found[0].sent, r


def unchanged(name, message):
    @case('message/as-it-is-' + name)
    def run():
        r, srv = send(message)
        expect_sent(r, srv, name, message)


unchanged('folded', head('folded', 'X-A: 1', '\tfolded', ' again') + b'x\n')
unchanged('8bit', head(
    '8bit', 'MIME-Version: 1.0', 'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit') + b'\xc3\xbc\n')
unchanged('8bit-undeclared', head('8bit-undeclared') + b'\xc3\xbc \xff\n')
unchanged('twice', head('twice', 'Date: again', 'X-A: 1', 'X-A: 1') + b'x\n')
unchanged('mixed-ends', head('mixed-ends').replace(b'\n', b'\r\n', 3) +
          b'a\r\nb\n\r\n\n')
unchanged('998', head('998', 'X-A: ' + 'y' * 993) + b'x' * 998 + b'\n')


def to_fake(message, *args, more='', caps=(), rcpt='rcpt@mail.test'):
    """Sends to a server with these capabilities; the result, and the lines
    of the envelope and the message as they were on the wire."""
    with Fake(Dialogue(tls='none', auth=(), caps=caps)) as srv:
        r = launch('posix', *args, *([rcpt] if rcpt else []), message=message,
                   conf=conf(srv.port, tls='off', user=None, more=more))
        wires = srv.wires
    return r, wires


@case('message/server-without-8BITMIME')
def seven_bit():
    """It gets quoted-printable, and the size of that; or a refusal."""
    text = ('Gr\u00f6\u00dfe: ' + 'x' * 60 + '\n').encode() * 9
    for message in (text, DATED + b'\n' + text):
        r, wires = to_fake(message, caps=('SIZE 99999',))
        equal(r.status, 0, 'exit status', r)
        got = wires[0].messages[0]['data']
        check(max(got) < 128, '8-bit bytes to a 7-bit server', got)
        m = email.message_from_bytes(got)
        equal(m.get_payload(decode=True), crlf(text), 'the text', got)
        equal(r.report['bytes'], len(got), 'the size')
        check(b' SIZE=%d\r' % len(got) in wires[0].raw, 'SIZE', r)
    r, wires = to_fake(DATED + b'Content-Type: multipart/mixed; boundary=b\n\n'
                       b'--b\n\n\xfc\n--b--\n')
    equal((r.status, r.report['outcome']), (69, 'refused'), 'multipart', r)
    check('line 7: bytes over 0x7f' in r.reason, 'the reason', r)
    equal(r.report['recipients'][0]['outcome'], 'refused', 'recipient', r)
    check(b'QUIT' in wires[0].raw and b'MAIL' not in wires[0].raw,
          'what was said', r)


@case('message/utf-8-addresses')
def utf8_addresses():
    r, wires = to_fake(b'x\n', more='cc J\u00f6rg <j@b\u00fccher.test>\n')
    equal(r.status, 0, 'exit status', r)
    check(b'RCPT TO:<j@xn--bcher-kva.test>' in wires[0].raw, 'RCPT', r)
    check(b'Cc: =?utf-8?B?SsO2cmc=?= <j@xn--bcher-kva.test>\r\n' in
          wires[0].messages[0]['data'], 'Cc', wires[0].messages[0]['data'])
    for caps, status in ((('8BITMIME',), 69), (('8BITMIME', 'SMTPUTF8'), 0)):
        r, wires = to_fake(b'x\n', more='cc \u00fc@mail.test\n', caps=caps)
        equal(r.status, status, 'exit status', r)
        check(status == 0 or 'SMTPUTF8' in r.reason, 'the reason', r)
        check(status != 0 or b' SMTPUTF8\r' in wires[0].raw, 'MAIL', r)


@case('message/header-only')
def header_only():
    """No empty line, no body; the server writes the empty line itself."""
    message = head('header-only')
    r, srv = send(message[:-1])
    expect_sent(r, srv, 'header-only', message)


@case('message/mbox')
def mbox():
    message = head('mbox') + b'From here on\n>From there\n'
    r, srv = send(b'From a@b Mon Nov  2 10:00:00 2026\n' + message)
    expect_sent(r, srv, 'mbox', message)


@case('message/plain-text')
def plain():
    """A text without a header, though its first line looks like one."""
    for text in (b'Warning: disk full\n', b'From here on: bad\n', b'\n\nx\n',
                 b'web1: full\n\nweb2: full\n', b'', b'\xc3\xbc: 8 bits\n',
                 b'latin \xfc\n'):
        m, raw, r = sent(text, '--subject', 'A "disk" \u00fc', '-F',
                         'Robot "R2" \u00fc')
        equal(m['Subject'], 'A "disk" \u00fc', 'Subject')
        equal(m['From'].addresses[0].display_name, 'Robot "R2" \u00fc', 'From')
        equal(m['From'].addresses[0].addr_spec, 'sender@mail.test', 'From')
        equal(m['To'], 'rcpt@mail.test', 'To')
        check(m['Date'].datetime is not None, 'no Date', raw)
        want = text[1:] if text.startswith(b'\n') else text
        equal(raw.split(b'\r\n\r\n', 1)[1], crlf(want) if want else b'',
              'the text', r)


@case('message/made-fields')
def made_fields():
    """What is missing is added, and only that."""
    m, raw, _ = sent(b'X-A: 1\n\nx\n', '--subject', 'late')
    equal(raw.split(b'\r\n\r\n')[0].split(b'\r\n')[-1], b'X-A: 1', 'kept')
    equal(sorted(m.keys()), ['Date', 'From', 'Message-ID', 'Subject', 'X-A'],
          'fields')
    m, raw, _ = sent(DATED + b'Subject: own\n\nx\n', '--subject', 'late')
    equal(m.get_all('Subject'), ['own'], 'Subject')
    m, raw, _ = sent(DATED + b'BCC: a@mail.test,\n b@mail.test\nTo: c@x\n'
                     b'bcc: d@mail.test\nResent-Bcc: e@mail.test\n\nx\n')
    check(b'bcc' not in raw.lower(), 'Bcc was sent', raw)


@case('message/read-recipients')
def read_recipients():
    for fields, want in (
            ('To: a@mail.test, "B, b" <b@mail.test> (c@mail.test),\n'
             '\t(d) e@mail.test\nCC: G: f@mail.test, g@mail.test;\n'
             'Bcc: <@relay.test:h@mail.test>, "i j"@mail.test', 'abefgh'),
            ('To: a@mail.test\nResent-To: b@mail.test\n'
             'Resent-Bcc: c@mail.test', 'bc'),
            ('To: undisclosed-recipients:;\nBcc: a@mail.test', 'a')):
        r, _ = send(DATED + fields.encode() + b'\n\nx\n', '-t', rcpt=None)
        got = [x['address'] for x in r.report['recipients']]
        check(r.status == 0, 'not sent', r)
        equal([g for g in got if '"' not in g], [f'{c}@mail.test'
                                                 for c in want], fields, r)
    for fields, words in (('X-A: 1', 'no recipient'),
                          ('To: undisclosed-recipients:;', 'no recipient'),
                          ('To: nobody', 'nobody'),
                          ('To: a@mail.test b@mail.test', 'not an address'),
                          ('To: "open <a@mail.test>', 'not an address')):
        r, _ = send(DATED + fields.encode() + b'\n\nx\n', '-t', rcpt=None)
        equal(r.status, 78, fields, r)
        check(words in r.reason, f'the reason does not say "{words}"', r)


@case('message/refused')
def refused():
    ok = DATED + b'To: rcpt@mail.test\n\n'
    for message, words in (
            (DATED + b'Content-Type: multipart/mixed; boundary=b\n\n' +
             b'x' * 999 + b'\n', 'line 5: line of more than 998'),
            (DATED + b'X-A: ' + b'y' * 994 + b'\n\nx', 'line 3: line of more'),
            (ok + b'a\rb\n', 'line 5: carriage return'),
            (ok + b'a\n\r\rb\n', 'line 6: carriage return'),
            (ok + b'x\0y\n', 'line 5: NUL'),
            (DATED + b'X-A: \x1b[2J\n\nx', 'line 3: control character'),
            (DATED + b'no field\n\nx', 'line 3: neither'),
            (b'Bcc : secret@mail.test\n\nx', 'line 1: neither'),
            (b'From: a@b\r\nSubject: x\n\x00\n', 'line 3')):
        r, _ = send(message)
        equal(r.status, 65, words, r)
        check(words in r.reason, f'the reason does not say "{words}"', r)


@case('message/composed')
def composed():
    """Fields by configuration; HTML, and a picture that it shows."""
    folder = new_dir('composed')
    for name, data in (('m.html', b'<img src="cid:p.png">'), ('p.png', b'P')):
        with open(os.path.join(folder, name), 'wb') as f:
            f.write(data)
    m, raw, r = sent(
        b'x\n', '--subject', 's', '--html', folder + '/m.html', '--inline',
        folder + '/p.png',
        more='cc "Doe, J." <cc@mail.test>, Ops: a@mail.test;\n'
             'bcc hidden@mail.test\nreply_to \u00dc <r@mail.test>\n'
             'importance high\nauto_submitted auto-generated\n'
             'header X-A: \u00fcber\nheader X-B: a, b\n'
             'in_reply_to <1@x>\nreferences <0@x> <1@x>\n'
             'list_id <l.x>\nlist_unsubscribe <mailto:u@x>\n')
    equal([x['address'] for x in r.report['recipients']],
          [f'{a}@mail.test' for a in ('rcpt', 'cc', 'a', 'hidden')], 'RCPT', r)
    for name, value in (
            ('To', 'rcpt@mail.test'), ('X-A', '\u00fcber'), ('X-B', 'a, b'),
            ('Cc', '"Doe, J." <cc@mail.test>, Ops: a@mail.test;'),
            ('Reply-To', '\u00dc <r@mail.test>'), ('Importance', 'high'),
            ('Auto-Submitted', 'auto-generated'), ('In-Reply-To', '<1@x>'),
            ('References', '<0@x> <1@x>'), ('List-Id', '<l.x>'),
            ('List-Unsubscribe', '<mailto:u@x>')):
        equal(str(m[name]), value, name, raw)
    check(b'hidden' not in raw, 'Bcc was sent', raw)
    equal([p.get_content_type() for p in m.walk()],
          ['multipart/alternative', 'text/plain', 'multipart/related',
           'text/html', 'image/png'], 'parts', raw)


HEADED = b'From: a@b\nSubject: s\n\n<p>x\n'


@case('message/rewritten')
def rewritten():
    """What cron sends, to one person under one name."""
    cron = (b'From: root (Cron Daemon)\nTo: root\nSubject: Cron\n'
            b'Date: Mon, 02 Nov 2026 10:00:00 +0000\n\nx\n')
    m, raw, r = sent(cron, '-t', '-FCronDaemon', rcpt=None,
                     more='maildomain mail.test\nset_from_header on\n')
    equal(r.report['recipients'][0]['address'], 'root@mail.test', 'RCPT', r)
    equal((m['From'].addresses[0].addr_spec, m['To']),
          ('sender@mail.test', 'root'), 'From, To', raw)
    m, raw, r = sent(cron, '-i', rcpt='root',
                     more='set_to_header Ops <ops@mail.test>\n'
                          'maildomain mail.test\n')
    equal([x['address'] for x in r.report['recipients']], ['ops@mail.test'],
          'RCPT', r)
    equal(m['To'], 'Ops <ops@mail.test>', 'To', raw)
    m, raw, r = sent(b'x\n', rcpt='root', more='maildomain mail.test\n')
    equal(m['To'], 'root@mail.test', 'To', raw)
    for more, message, words in (
            ('', b'x\n', 'no @'), ('header X\n', b'x\n', 'Name: value'),
            ('header X Y: z\n', b'x\n', 'no name'),
            ('header From: x@y\n', b'x\n', 'what the key from is for'),
            ('header bcc: x@y\n', b'x\n', 'what the key bcc is for'),
            ('subject a\nheader SUBJECT: b\n', b'x\n', 'key subject'),
            ('header Sender: a\nheader X: b\nheader sender: c\n', b'x\n',
             'a second field sender'),
            ('list_id a <b.c>\nheader List-Id: d <e.f>\n', b'x\n', 'list_id'),
            ('header importance: low\nheader Importance: high\n', b'x\n',
             'a second field Importance'),
            ('header Content-Type: text/html\n', HEADED, 'the message itself'),
            ('references a\u00fc\n', b'x\n', 'References')):
        r, _ = send(message, rcpt='root' if not more else 'rcpt@mail.test',
                    more=more)
        check(r.status in (64, 65, 78) and words in r.reason, words, r)


@case('message/header-names')
def header_names():
    """In a field of addresses only the names become encoded words."""
    m, raw, _ = sent(b'x\n', more='header Reply-To: J\u00f6rg <j@x.test>\n'
                     'header Sender: "\u00dc, X" <s@x.test>\n')
    equal((str(m['Reply-To']), m['Sender'].address.addr_spec),
          ('J\u00f6rg <j@x.test>', 's@x.test'), 'fields', raw)
    check(b' <j@x.test>' in raw and b' <s@x.test>' in raw, 'addresses', raw)


@case('message/repaired')
def repaired():
    m, raw, r = sent(DATED + b'X-A: a\rb\n\na\rb\0c\n',
                     more='repair_message on\n')
    check(raw.endswith(b'X-A: a b\r\n\r\na\r\nb c\r\n'), 'repaired', raw)


def attach(folder, contents):
    args = []
    for name, data in contents:
        with open(os.path.join(folder, name), 'wb') as f:
            f.write(data)
        args += ['--attach', os.path.join(folder, name)]
    return args


@case('message/attachments')
def attachments():
    """Names and bytes as they were, for any reader of MIME."""
    rnd = random.Random(3)
    contents = [('a b.txt', b'text\r\n\n.\n'), ('quo"te\\.pdf', b'%PDF'),
                ('\u00fc\u6f22\u5b57.csv', b'a;b\n'), ('empty.bin', b''),
                ('x' * 200 + '.dat', rnd.randbytes(1000)), ('-x.gz', b'\0'),
                ('57', rnd.randbytes(57)), ('58', rnd.randbytes(58)),
                (';name=x', b'1'), ("utf-8''%41", b'2'), ('latin\u00e9', b'3')]
    args = attach(new_dir('attach'), contents)
    again = attach(new_dir('attach'), [('a b.txt', b'another')])
    m, raw, _ = sent('Gr\u00fc\u00dfe\n'.encode(), '--subject', 's', *args,
                     *again)
    got = [(p.get_filename(), p.get_payload(decode=True))
           for p in m.iter_attachments()]
    equal(got, contents + [('a b.txt', b'another')], 'attachments', raw)
    equal(m.get_body().get_content(), 'Gr\u00fc\u00dfe\r\n', 'the text')
    equal(m.defects, [], 'defects')
    check(max(map(len, raw.split(b'\r\n'))) <= 100, 'long lines', raw)


@case('message/attachment-to-a-multipart')
def nested():
    """A message that is MIME already becomes the first part."""
    inner = email.message.EmailMessage()
    inner['From'], inner['Subject'] = 'sender@mail.test', 'nested'
    inner.set_content('plain')
    inner.add_alternative('<p>html</p>', subtype='html')
    args = attach(new_dir('attach'), [('x.bin', b'12345')])
    m, raw, _ = sent(inner.as_bytes(), *args)
    equal(m.get_content_type(), 'multipart/mixed', 'type', raw)
    equal(m['Subject'], 'nested', 'Subject')
    equal([p.get_content_type() for p in m.walk()],
          ['multipart/mixed', 'multipart/alternative', 'text/plain',
           'text/html', 'application/octet-stream'], 'parts', raw)
    equal(len(m.get_all('MIME-Version')), 1, 'MIME-Version')
    equal(m.get_body(('html',)).get_content().strip(), '<p>html</p>', 'html')


@case('message/how-many-attachments')
def how_many():
    contents = [(f'f{n:02}', b'%d' % n) for n in range(65)]
    args = attach(new_dir('attach'), contents)
    m, raw, _ = sent(b'x\n', *args[:128])
    equal([p.get_filename() for p in m.iter_attachments()],
          [name for name, _ in contents[:64]], 'attachments')
    r, _ = send(b'x\n', *args)
    equal(r.status, 65, 'exit status for 65', r)
    check('64' in r.reason, 'the reason', r)


@case('message/attachment-of-30-MB', slow=True)
def large():
    data = random.Random(30).randbytes(30 * 1000 * 1000)
    args = attach(new_dir('attach'), [('large.bin', data)])
    m, _, _ = sent(b'x\n', *args)
    check(next(m.iter_attachments()).get_payload(decode=True) == data,
          'the attachment differs')
