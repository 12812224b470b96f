#!/usr/bin/env python3
"""The test servers tested: what they promise to the tests is tried here with
Python's own smtplib, so that a failing mail test means bootmail.

  selftest.py [WORD ...]     only the cases whose name holds one of the words
"""
import os
import smtplib
import ssl
import subprocess
import sys
import tempfile
import time
import traceback

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import fake                                         # noqa: E402
from dnsserver import DnsServer, query              # noqa: E402
from pki import Pki                                 # noqa: E402
from servers import (GREY, REFUSED, Exim, Postfix,  # noqa: E402
                     client_context)

MESSAGE = (b'From: a@mail.test\r\nSubject: test\r\nBcc: b@mail.test\r\n'
           b'Return-Path: <x@y.z>\r\n\r\n'
           b'.\r\n..two\r\n.x\r\nSm\xc3\xb8r 8-bit \xff\r\n'
           + b'y' * 998 + b'\r\nFrom me\r\n\r\nend\r\n')
CASES = []


def case(f):
    CASES.append(f)
    return f


def same(got, want):
    if got != want:
        raise AssertionError('got %.300r, expected %.300r' % (got, want))


def raises(kind, f):
    try:
        f()
    except kind as e:
        return e
    raise AssertionError('no %s' % kind)


def connect(server, how, version=None, cert='ec'):
    ctx = client_context(server.pki, cert, version)
    if how == 'tls':
        return smtplib.SMTP_SSL('127.0.0.1', server.tls_port, timeout=20,
                                context=ctx)
    if how == 'plain':
        return smtplib.SMTP('127.0.0.1', server.plain_port, timeout=20)
    s = smtplib.SMTP('127.0.0.1', server.starttls_port, timeout=20)
    s.starttls(context=ctx)
    return s


def submit(server, how, message=MESSAGE, to=('r@mail.test',), version=None,
           cert='ec', login=True):
    with connect(server, how, version, cert) as s:
        if login:
            s.login('test', 'secret')
        tls = s.sock.version() if how != 'plain' else None
        return tls, s.sendmail('s@mail.test', list(to), message)


def check_server(kind, pki):
    started = time.monotonic()
    with kind(pki=pki) as server:
        ready = time.monotonic() - started
        for how, login in (('starttls', True), ('tls', True),
                           ('plain', False)):
            server.clear()
            submit(server, how, login=login)
            mail, = server.wait_mail(1)
            same(mail.sent, MESSAGE)
            same(mail.sender, 's@mail.test')
            same(mail.recipient, 'r@mail.test')
        check_policy(server)
        check_big(server)
        run_dir = server.run_dir
    same(os.path.exists(run_dir), False)
    print('      %s ready in %.2f s, ended with all its processes in %.2f s'
          % (server.name, ready, stop_time(kind, pki)))


def stop_time(kind, pki):
    server = kind(pki=pki).start()
    before = time.monotonic()
    server.stop()
    return time.monotonic() - before


def check_policy(server):
    server.clear()
    _, refused = submit(server, 'tls', to=('a@mail.test', REFUSED, GREY,
                                           'b@mail.test'))
    same({a: c for a, (c, _) in refused.items()}, {REFUSED: 550, GREY: 450})
    mails = server.wait_mail(2)
    same(sorted(m.recipient for m in mails), ['a@mail.test', 'b@mail.test'])
    with connect(server, 'starttls') as s:
        e = raises(smtplib.SMTPAuthenticationError,
                   lambda: s.login('test', 'wrong'))
        same(e.smtp_code, 535)
    with connect(server, 'starttls') as s:
        e = raises((smtplib.SMTPSenderRefused, smtplib.SMTPRecipientsRefused),
                   lambda: s.sendmail('s@mail.test', ['r@mail.test'], b'x'))
    with connect(server, 'plain') as s:
        s.ehlo()
        same(s.has_extn('starttls') or s.has_extn('auth'), False)
    with smtplib.SMTP('127.0.0.1', server.starttls_port) as s:
        s.ehlo()
        same((s.has_extn('starttls'), s.has_extn('auth')), (True, False))
        same(s.docmd('MAIL', 'FROM:<a@mail.test>')[0] // 100, 5)


def check_big(server):
    server.clear()
    big = b'Subject: big\r\n\r\n' + (b'z' * 76 + b'\r\n') * 650000
    submit(server, 'tls', message=big)
    mail, = server.wait_mail(1)
    same(len(mail.sent), len(big))
    same(mail.sent == big, True)


def check_versions(kind, pki):
    for version, other in (('1.2', '1.3'), ('1.3', '1.2')):
        with kind(pki=pki, tls_min=version, tls_max=version) as server:
            tls, _ = submit(server, 'starttls')
            same(tls, 'TLSv' + version)
            tls, _ = submit(server, 'tls')
            same(tls, 'TLSv' + version)
            raises((ssl.SSLError, ConnectionError),
                   lambda: submit(server, 'tls', version=other))
            server.wait_mail(2)


@case
def exim_delivers(pki):
    check_server(Exim, pki)


@case
def exim_tls_versions(pki):
    check_versions(Exim, pki)


@case
def postfix_delivers(pki):
    check_server(Postfix, pki)


@case
def postfix_tls_versions(pki):
    check_versions(Postfix, pki)


@case
def certificates(pki):
    """Each kind of certificate is served, and refused for what it is."""
    for kind in (Exim, Postfix):
        for cert in ('rsa', 'chain'):
            with kind(pki=pki, cert=cert) as server:
                submit(server, 'starttls', cert=cert)
                server.wait_mail(1)
    for cert in ('nochain', 'other', 'selfsigned', 'expired', 'future',
                 'wronghost', 'wrongeku', 'ncbad', 'ncsoft'):
        with fake.Fake(fake.Dialogue(tls='implicit'), pki=pki,
                       cert=cert) as server:
            raises(ssl.SSLCertVerificationError, lambda: smtplib.SMTP_SSL(
                'localhost', server.port, timeout=10,
                context=client_context(pki)))


@case
def side_by_side(pki):
    with Exim(pki=pki) as a, Exim(pki=pki) as b, Postfix(pki=pki) as c:
        for server in (a, b, c):
            submit(server, 'starttls')
        for server in (a, b, c):
            same(len(server.wait_mail(1)), 1)


@case
def caller_killed(pki):
    """SIGKILL of the program that started a server ends the server."""
    for name in ('exim', 'postfix'):
        with tempfile.TemporaryDirectory() as d:
            os.chmod(d, 0o755)
            p = subprocess.Popen(
                [sys.executable, os.path.join(HERE, 'servers.py'), name,
                 '--run', d + '/run', '--pki', pki.dir],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            p.stdout.readline()
            same(bool(processes(d)), True)
            p.kill()
            p.communicate()
            deadline = time.monotonic() + 10
            while processes(d):
                if time.monotonic() > deadline:
                    raise AssertionError('left running: %r' % processes(d))
                time.sleep(0.01)
            while os.path.exists(d + '/run'):
                if time.monotonic() > deadline:
                    raise AssertionError('the run folder is left')
                time.sleep(0.01)


def processes(word):
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open('/proc/%s/environ' % pid, 'rb') as f:
                if word.encode() in f.read():
                    found.append(int(pid))
        except OSError:
            pass
    return [p for p in found if p != os.getpid()]


# ------------------------------------------------------------- fake server
def fake_submit(server, how='starttls', message=MESSAGE, to=('r@mail.test',),
                user='test', password='secret'):
    ctx = client_context(server.pki)
    kind = smtplib.SMTP_SSL if how == 'tls' else smtplib.SMTP
    extra = {'context': ctx} if how == 'tls' else {}
    s = kind('127.0.0.1', server.port, timeout=10, **extra)
    try:
        if how == 'starttls':
            s.starttls(context=ctx)
        if user:
            s.login(user, password)
        return s.sendmail('s@mail.test', list(to), message)
    finally:
        s.close()


@case
def fake_dialogues(pki):
    for how, tls in (('starttls', 'starttls'), ('tls', 'implicit')):
        for version in ('1.2', '1.3'):
            for piece in (None, 1):
                with fake.Fake(fake.Dialogue(tls=tls), pki=pki, piece=piece,
                               tls_min=version, tls_max=version) as server:
                    fake_submit(server, how)
                    wire, = server.wait(1)
                    same(wire.messages[0]['data'], MESSAGE)
                    same(wire.messages[0]['recipients'], ['r@mail.test'])
                    same(wire.tls['version'], 'TLSv' + version)
                    same(wire.leaks('secret', 'Subject: test'), [])
                    same(b'secret' in wire.inside, False)
                    same(b'Subject: test' in wire.inside, True)


@case
def fake_sees_leaks(pki):
    plan = fake.Dialogue(tls='none', clear_auth=True,
                         users={'joseph': 'pa55wd'})
    with fake.Fake(plan, pki=pki) as server:
        fake_submit(server, 'plain', user='joseph', password='pa55wd')
        wire, = server.wait(1)
        same(wire.leaks('joseph', 'pa55wd', 'Subject: test', 'absent'),
             [b'joseph', b'pa55wd', b'Subject: test'])


@case
def fake_is_wrong_in_one_place(pki):
    plan = fake.Dialogue(replies={'AUTH': b'535 5.7.8 no\r\n'})
    with fake.Fake(plan, pki=pki) as server:
        raises(smtplib.SMTPAuthenticationError, lambda: fake_submit(server))
    plan = fake.Dialogue(replies={'STARTTLS': b'454 4.7.0 not now\r\n'})
    with fake.Fake(plan, pki=pki) as server:
        raises(smtplib.SMTPException, lambda: fake_submit(server))
        same(server.wait(1)[0].clear.split(b'\r\n')[1], b'STARTTLS')
    plan = fake.Dialogue(replies={
        'STARTTLS': b'220 go\r\n250 injected\r\n'})
    with fake.Fake(plan, pki=pki) as server:
        s = smtplib.SMTP('127.0.0.1', server.port, timeout=10)
        s.ehlo()
        s.sock.sendall(b'STARTTLS\r\n')
        same(s.getreply()[0], 220)
        same(s.getreply()[1], b'injected')
        s.close()
    plan = fake.Dialogue(rcpt={'b@x': b'550 no\r\n'})
    with fake.Fake(plan, pki=pki) as server:
        same(list(fake_submit(server, to=('a@x', 'b@x', 'c@x'))), ['b@x'])
        same(server.wait(1)[0].messages[0]['recipients'], ['a@x', 'c@x'])
    plan = fake.Dialogue(tls='none', auth=(), ehlo=False)
    with fake.Fake(plan, pki=pki) as server:
        fake_submit(server, 'plain', user=None)
        same(server.wait(1)[0].lines[1][:4], b'helo')
    plan = fake.Dialogue(auth=('LOGIN',), act={'EHLO2': ('after', 'sleep', 0)})
    with fake.Fake(plan, pki=pki) as server:
        fake_submit(server)
        same(server.wait(1)[0].lines[3][:10], b'AUTH LOGIN')


@case
def fake_states(pki):
    """421 at each state, a close before and after the reply, a reset."""
    states = ('CONNECT', 'EHLO', 'STARTTLS', 'EHLO2', 'AUTH', 'MAIL', 'RCPT',
              'DATA', 'BODY')
    for state in states:
        for plan in (fake.Dialogue(replies={state: b'421 4.3.2 bye\r\n'}),
                     fake.Dialogue(act={state: ('before', 'close')}),
                     fake.Dialogue(act={state: ('before', 'reset')}),
                     fake.Dialogue(act={state: ('after', 'close')})):
            with fake.Fake(plan, pki=pki, timeout=5) as server:
                if state == 'BODY' and plan.act.get('BODY', '')[:1] == (
                        'after',):
                    fake_submit(server)
                else:
                    raises((smtplib.SMTPException, OSError),
                           lambda: fake_submit(server))
                wire, = server.wait(1)
                same(len(wire.messages), 1 if state == 'BODY' else 0)
                same((wire.error or '').startswith('script'), False)


@case
def fake_steps(pki):
    steps = [('send', b'220 hi\r\n', 1), ('expect', rb'EHLO .*'),
             ('send', b'250-x\r\n250 STARTTLS\r\n', 3), ('starttls',),
             ('expect', rb'NOOP'), ('send', b'250 ok\r\n'), ('reset',)]
    with fake.Fake(steps, pki=pki) as server:
        with smtplib.SMTP('127.0.0.1', server.port, timeout=10) as s:
            s.starttls(context=client_context(pki))
            same(s.noop()[0], 250)
            raises(Exception, s.noop)
            s.close()
        same(server.wait(1)[0].error, None)
    with fake.Fake([('send', b'220 hi\r\n'), ('expect', rb'EHLO .*')],
                   pki=pki) as server:
        with smtplib.SMTP('127.0.0.1', server.port, timeout=10) as s:
            raises(smtplib.SMTPServerDisconnected, s.noop)
            s.close()
        same(server.wait(1)[0].error.startswith('Unexpected: got'), True)


@case
def fake_tls_at_the_wrong_time(pki):
    with fake.Fake(fake.Dialogue(tls='implicit'), pki=pki,
                   timeout=1) as server:
        s = smtplib.SMTP(timeout=10)
        raises((smtplib.SMTPException, OSError),
               lambda: s.connect('127.0.0.1', server.port))
        same(server.wait(1)[0].tls, None)
    with fake.Fake(fake.Dialogue(tls='none'), pki=pki) as server:
        raises(ssl.SSLError, lambda: fake_submit(server, 'tls'))


@case
def fake_session_tickets(pki):
    """Tickets after the handshake and in mid-session, and key updates."""
    if not fake.can_post_handshake():
        raise AssertionError('libssl not reachable by ctypes here')
    for state in ('EHLO2', 'AUTH', 'MAIL', 'RCPT', 'DATA', 'BODY'):
        for step in (('ticket', 2), ('key_update', False),
                     ('key_update', True)):
            plan = fake.Dialogue(act={state: ('before', *step)})
            with fake.Fake(plan, pki=pki, tls_min='1.3') as server:
                fake_submit(server)
                wire, = server.wait(1)
                same(wire.messages[0]['data'], MESSAGE)
    counts = [tickets_seen(pki, n, mid) for n, mid in ((2, 0), (0, 3))]
    same(counts, [2, 3])


def tickets_seen(pki, first, middle):
    """New session tickets that `openssl s_client` reports."""
    steps = [('tls',), ('send', b'220 hi\r\n'), ('line',)]
    steps += [('ticket', middle)] if middle else []
    steps += [('send', b'221 bye\r\n'), ('close',)]
    with fake.Fake(steps, pki=pki, tickets=first, tls_min='1.3') as server:
        p = subprocess.run(
            ['openssl', 's_client', '-connect', '127.0.0.1:%d' % server.port,
             '-CAfile', pki.ca, '-ign_eof', '-crlf'], input=b'quit\n',
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20)
    return p.stdout.count(b'Post-Handshake New Session Ticket arrived')


@case
def dns_answers(pki):
    answers = {'mail.test': '10.0.2.2', 'two.test': ['10.0.2.2', '10.0.2.9'],
               'bad.test': 'SERVFAIL', 'none.test': 'NODATA',
               'gone.test': 'DROP', 'late.test': ['DROP', '10.0.2.2'],
               'spoof.test': 'WRONGID'}
    with DnsServer(answers) as dns:
        same(query(dns.port, 'MAIL.test'), (0, ['10.0.2.2']))
        same(query(dns.port, 'mail.test', kind=28), (0, []))
        same(query(dns.port, 'two.test'), (0, ['10.0.2.2', '10.0.2.9']))
        same(query(dns.port, 'bad.test'), (2, []))
        same(query(dns.port, 'none.test'), (0, []))
        same(query(dns.port, 'other.test'), (3, []))
        same(query(dns.port, 'gone.test', timeout=0.1), None)
        same(query(dns.port, 'late.test', timeout=0.1), None)
        same(query(dns.port, 'late.test'), (0, ['10.0.2.2']))
        same(query(dns.port, 'spoof.test'), None)
        same(dns.queries[0], ('mail.test', 1))
    with DnsServer({'a.test': '192.0.2.1'}, port53=True) as dns:
        same(query(dns.port, 'a.test'), (0, ['192.0.2.1']))


def main(words):
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix='bm-self-') as d:
        started = time.monotonic()
        pki = Pki(d)
        print('      certificates made in %.2f s'
              % (time.monotonic() - started))
        for f in CASES:
            if words and not any(w in f.__name__ for w in words):
                continue
            started = time.monotonic()
            try:
                f(pki)
                passed, word = passed + 1, 'ok'
            except Exception:
                failed, word = failed + 1, 'FAIL'
                traceback.print_exc(file=sys.stdout)
            print('%-5s %s (%.1f s)' % (word, f.__name__,
                                        time.monotonic() - started),
                  flush=True)
    print('%d passed, %d failed' % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
