"""The digest of what rate_limit held back: everything is in it, and nothing that
a server or the image could refuse."""
import os
import shutil

from fake import Fake
from harness import case, check, equal, succeed
from limitlab import age, alert, attached, nothing_left
from spoollab import Queue, got, rest, server, strike


@case('digest/shapes')
def shapes():
    """Texts, files, other bytes than ASCII, what has no place in a message:
    the digest is ASCII, and everything is in it."""
    with Fake(server(caps=('SIZE 52428800', 'PIPELINING'))) as srv:
        q = Queue(srv.port, 'rate_limit 1\n')
        extra = os.path.join(q.dir, 'n\u00f6te 1.bin')
        with open(extra, 'wb') as f:
            f.write(bytes(range(256)))
        html = os.path.join(q.dir, 'x.html')
        with open(html, 'w') as f:
            f.write('<p>\u00e9</p>\n')
        to = 'ops@mail.test'
        text = 'f\u00fcr alle\n' * 3
        subject = '\u00dcberlauf ' * 12
        multi = ('From: a@mail.test\nSubject: m\nMIME-Version: 1.0\n'
                 'Content-Type: multipart/mixed; boundary=x\n\n--x\n\n'
                 '\u00e9\n--x--\n').encode()
        eight = ('From: c@mail.test (Cron)\nTo: root\n'
                 'Subject: =?utf-8?Q?C=C3=A9_?=\n =?UTF-8?b?4oKs?=\n'
                 'MIME-Version: 1.0\n'
                 'Content-Type: text/plain; charset=utf-8\n'
                 'Content-Transfer-Encoding: 8bit\nBcc: secret@mail.test\n'
                 f'\n{text}').encode()
        raw = 'From: d@mail.test\nSubject: \u00e9\n\nx\n'.encode()
        hide = b'Bcc: y@mail.test,\n  z@mail.test\n'
        q.send(to)
        q.send(to, '--subject', subject.strip(), '--attach', extra,
               message=text.encode())
        q.send(to, message=b'')
        q.send(to, message=eight)
        q.send(to, message=multi)
        q.send(to, message=hide + raw)
        q.send(to, '--html', html, message=alert(5))
        q.send(to, message=b'From: x@mail.test\nBcc: y@mail.test\n\nlong ' +
               b'x' * 2000 + b'\n')
        age(q)
        q.send('--flush')
        nothing_left(q)
        m = got(srv)[-1][2]
        data = srv.wires[-1].messages[0]['data']
        check(data.isascii(), 'not ASCII')
        check(b'secret' not in data and b'y@mail' not in data, 'Bcc is told')
        a = attached(m)
        equal(len(a), 5, 'attached')
        equal(a[0]['Subject'], subject.strip(), 'Subject')
        check(a[0]['From'] == 'sender@mail.test' and a[0]['To'] == to and
              a[0]['Date'] and a[0]['Message-ID'], 'header', a[0])
        parts = list(a[0].iter_parts())
        equal(parts[0].get_content(), text, 'text')
        equal((parts[1].get_filename(), parts[1].get_content()),
              ('n\u00f6te 1.bin', bytes(range(256))), 'attachment')
        equal(a[1].get_content(), '', 'empty text')
        equal((a[2].get_content(), a[2]['Subject']), (text, 'C\u00e9 \u20ac'),
              '8-bit text')
        parts = list(a[3].iter_parts())
        equal((parts[0].get_content().replace('\r', ''),
               parts[1].get_content()),
              (alert(5).decode().split('\n\n', 1)[1], '<p>\u00e9</p>\n'),
              'with HTML')
        equal(a[4].get_content(), 'long ' + 'x' * 2000 + '\n', 'long line')
        files = [(p.get_filename()[-4:], p.get_content())
                 for p in list(m.iter_parts())[2:]]
        equal(files, [('.eml', multi), ('.eml', raw)], 'files')
        text = next(m.iter_parts()).get_content()
        for word in ('(no subject)', ' C\u00e9 \u20ac\n', ' \u00e9\n'):
            check(word in text, f'{word} is not in the list', text)


@case('digest/what-the-image-refuses')
def unfit():
    """Messages that the image would refuse take no others along: each is a
    file in the digest, to the byte but for line ends, or in base64."""
    head = b'From: a@mail.test\nSubject: s\n'
    bad = [head + b'X-A: a\rb\n\nx\n', head + b'X-A: a\r\r\n\nx\n',
           head + b'X-A: a\0b\n\nx\n',
           head + b'X-A: ' + b'a' * 1200 + b'\n\nx\n',
           b'From \rx\n' + head + b'\nx\n',
           head + b'this is no field\n\nx\n',
           head + b'Content-Transfer-Encoding:\n base64\n\n' +
           b'a' * 1200 + b'\n']
    body = [head + b'\na\rb\n', head + b'\na\0b\n',
            head + b'\n' + b'a' * 1200 + b'\n', b'\rno header\0\n']
    with Fake(server()) as srv:
        q = Queue(srv.port, 'rate_limit 1\n')
        q.send('ops@mail.test')
        for text in [alert(1), *bad, *body, alert(2)]:
            q.send('ops@mail.test', message=text)
        age(q)
        q.send('--flush')
        nothing_left(q)
        m = got(srv)[-1][2]
        inside = attached(m)
        equal([inside[0]['Subject'], inside[-1]['Subject']],
              ['alert 1', 'alert 2'], 'the others')
        equal([p.get_payload(decode=True) for p in inside[1:-1]],
              [t.split(b'\n\n')[-1] for t in body], 'with odd bodies')
        equal([p.get_content() for p in list(m.iter_parts())[2:]],
              [t.split(b'From \rx\n')[-1] for t in bad[:1]] +
              [bad[1].replace(b'\r\r', b'\r')] + bad[2:4] +
              [bad[4].split(b'\n', 1)[1]] + bad[5:], 'as files')


@case('digest/no-bcc')
def no_bcc():
    """No digest tells of Bcc, whatever the configuration or the call says, nor
    with a blank before its colon."""
    text = (b'From: a@mail.test\nTo: ops@mail.test\nSubject: s\n'
            b'Bcc: secret@mail.test,\n secret2@mail.test\n%s\nx\n')
    blank = b'Bcc : secret3@mail.test\n'
    with Fake(server()) as srv:
        for conf in ('off', 'on'):
            for option in ('on', 'off'):
                q = Queue(srv.port, 'rate_limit 1\n'
                          f'remove_bcc_headers {conf}\n')
                option = '--remove-bcc-headers=' + option
                q.send('ops@mail.test')
                q.send('ops@mail.test', option, message=text % b'')
                q.send('ops@mail.test', option, message=text % blank)
                q.send('ops@mail.test', option, message=blank + b'\nx\n')
                age(q)
                q.send('--flush')
                nothing_left(q)
                m = got(srv)[-1][2]
                one, = attached(m)
                file, last = [p.get_content()
                              for p in list(m.iter_parts())[-2:]]
                for told in (bytes(one), file):
                    check(b'ops@' in told and b'secret' not in told,
                          f'{conf} {option}', told)
                equal(last, b'\nx\n', f'{conf} {option}')


@case('digest/undisclosed')
def undisclosed():
    """--undisclosed-recipients of the call hides To and Cc there as well."""
    with Fake(server()) as srv:
        q = Queue(srv.port, 'rate_limit 1\n')
        for option in (), (), ('--undisclosed-recipients=on',):
            q.send('ops@mail.test', *option,
                   message=b'Cc: other@mail.test\n' + alert(1))
        age(q)
        q.send('--flush')
        nothing_left(q)
        equal([m['Cc'] for m in attached(got(srv)[-1][2])],
              ['other@mail.test', None], 'Cc')


@case('digest/long-subject')
def long_subject():
    """One of 1.8 MB, on a line or folded, holds nothing up."""
    word = 'n\u00f6te'.encode() + b' '
    with Fake(server()) as srv:
        q = Queue(srv.port, 'rate_limit 1\n')
        q.send('ops@mail.test')
        for fold in (b'', b'\n '):
            text = b'Subject: ' + (word * 100 + fold) * 3000 + b'\n\nx\n'
            q.send('ops@mail.test', message=text)
        age(q)
        q.send('--flush')
        nothing_left(q)
        m = got(srv)[-1][2]
        check(m['Subject'].count('n\u00f6te') > 8, 'Subject', m['Subject'])
        equal(len([p for p in m.iter_parts() if p.get_filename()]), 2, 'files')
        text = next(m.iter_parts()).get_content()
        check(text.count('n\u00f6te') > 60 and len(text) < 2000, 'list', text)


@case('digest/dot-names')
def dot_names():
    """Files whose names begin with a dot are attached like others."""
    with Fake(server()) as srv:
        q = Queue(srv.port, 'rate_limit 1\n')
        names = {}
        for name in ('.env', '.inline', 'x.html'):
            names[name] = os.path.join(q.dir, name)
            with open(names[name], 'w') as f:
                f.write(f'<p>{name}</p>\n')
        to = 'ops@mail.test'
        q.send(to)
        q.send(to, '--attach', names['.env'])
        q.send(to, '--html', names['x.html'], '--inline', names['.inline'],
               '--attach', names['.env'])
        age(q)
        q.send('--flush')
        nothing_left(q)
        files = [sorted(p.get_filename() or '' for p in a.iter_parts())
                 for a in attached(got(srv)[-1][2])]
        equal(files, [['', '.env'], ['', '', '.env', '.inline']], 'files')


@case('digest/emptied')
def emptied():
    """Whoever removes the last message that is held has removed the digest."""
    with Fake(server()) as srv:
        q = Queue(srv.port, 'rate_limit 1\n')
        for n in range(2):
            q.send('ops@mail.test', message=alert(n))
        folder = os.path.join(q.spool, 'held', *q.entries('held'), 'mail')
        for name in os.listdir(folder):
            shutil.rmtree(os.path.join(folder, name))
        age(q)
        q.send('--flush')
        nothing_left(q)
        equal(len(got(srv)), 1, 'mails')


@case('digest/emptied-on-its-way')
def emptied_late():
    """The same when it waits in new/ for its first attempt."""
    for what in ('mail/*', 'mail'):
        with Fake(server()) as srv:
            q = Queue(srv.port, 'rate_limit 1\n')
            for n in range(2):
                q.send('ops@mail.test', message=alert(n))
            age(q)
            # killed when it has got its place
            q.run('--flush', PATH=strike(
                'sync', f'[ "$1" = {q.spool}/new ]', 'KILL'))
            rest(q)
            succeed(['sh', '-c', f'rm -r {q.tmp}/*'])
            folder = os.path.join(q.spool, 'new', *q.entries())
            succeed(['sh', '-c', f'rm -r {folder}/{what}'])
            done = q.send('--flush')
            check('has been emptied' in done.log, 'no word', done.log)
            nothing_left(q)
            equal(len(got(srv)), 1, 'mails')
