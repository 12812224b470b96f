"""check on: as far as a mail would get, and not one byte of it sent."""
import os
import re

from dialogue import Dialogue
from fake import Fake
from harness import case, check, equal, new_dir
from lab import conf, files, launch, pki, server

CHECK = 'check on\n'


def run(machine, port, more=CHECK, **kw):
    return launch(machine, conf=conf(port, more=more), message=b'',
                  files=files(**kw))


def nobody_got_mail(wires, r):
    equal(len(wires), 1, 'connections', r)
    verbs = [line.split(b' ')[0].upper() for line in wires[0].lines]
    equal(verbs, [b'EHLO', b'STARTTLS', b'EHLO', b'AUTH', b'NOOP', b'QUIT'],
          'commands', r)


def well(machine):
    @case(f'check/well-{machine}')
    def one():
        with Fake(Dialogue(caps=('SIZE 12345', 'PIPELINING')), pki=pki()) as srv:
            r = run(machine, srv.port)
        equal(r.status, 0, 'exit status', r)
        equal(r.report['outcome'], 'checked', 'outcome', r)
        equal(r.report['recipients'], [], 'recipients', r)
        check(re.match(r'checked: TLSv1.\d verified, login accepted, nothing '
                       r'sent$', r.reason), 'reason', r)
        for offer in ('SIZE 12345', 'PIPELINING', 'AUTH PLAIN LOGIN'):
            equal(r.log.count('the server offers: ' + offer), 1, offer, r)
        nobody_got_mail(srv.wires, r)


well('posix')
well('microvm')


@case('check/recipients-get-nothing')
def recipients():
    """Recipients and a message may be there: they are not looked at."""
    srv = server('exim')
    before = len(srv.mailbox())
    r = launch('posix', 'rcpt@mail.test', message=b'x\n', files=files(),
               conf=conf(srv.starttls_port, more=CHECK))
    equal((r.status, r.report['outcome']), (0, 'checked'), 'verdict', r)
    check('MAIL FROM' not in r.log, 'MAIL', r)
    equal(len(srv.mailbox()), before, 'mails', r)


@case('check/password')
def password():
    r = run('posix', server('exim').starttls_port, password='wr0ng')
    equal((r.status, r.report['outcome']), (77, 'refused'), 'verdict', r)
    check('535' in r.reason, 'reason', r)


@case('check/trust')
def trust():
    with Fake(Dialogue(), pki=pki(), cert='other') as srv:
        r = run('posix', srv.port)
    equal((r.status, r.report['outcome']), (77, 'refused'), 'verdict', r)


@case('check/login-wanted')
def login_wanted():
    with Fake(Dialogue(replies={'NOOP': b'530 5.7.0 log in\r\n'}),
              pki=pki()) as srv:
        r = launch('posix', message=b'', files=files(),
                   conf=conf(srv.port, user='', more=CHECK))
    equal((r.status, r.report['outcome']), (77, 'refused'), 'verdict', r)
    check('log in' in r.reason, 'reason', r)


def asked(*args, conf_text, machine='posix'):
    return launch(machine, *args, conf=conf_text, message=b'not read',
                  files=files())


@case('check/by-the-launcher')
def launcher():
    """--check needs neither sender, recipient nor message, and explains."""
    with Fake(Dialogue(), pki=pki()) as srv:
        text = conf(srv.port).replace('from sender@mail.test\n', '')
        r = asked('--check', conf_text=text)
        equal(r.status, 0, 'exit status', r)
        equal(r.report['outcome'], 'checked', 'outcome', r)
        check(f'10.0.2.2 port {srv.port}, STARTTLS; login as test, by the best'
              ' mechanism; from the message says' in r.log, 'explained', r)
        check('the server offers: AUTH PLAIN LOGIN' in r.log, 'offers', r)
        nobody_got_mail(srv.wires, r)


@case('check/serverinfo')
def serverinfo():
    with Fake(Dialogue(), pki=pki()) as srv:
        r = asked('--serverinfo', conf_text=conf(srv.port))
        equal((r.status, r.report['outcome']), (0, 'checked'), 'verdict', r)
        verbs = [line.split(b' ')[0] for line in srv.wires[0].lines]
        equal(verbs, [b'EHLO', b'STARTTLS', b'EHLO', b'NOOP', b'QUIT'],
              'commands', r)


@case('check/keeps-nothing')
def spool():
    """A check that cannot connect is not kept for later."""
    folder = new_dir('spool')
    r = asked('--check', '--spool', folder, conf_text=conf(1))
    equal(r.status, 74, 'exit status', r)
    left = [n for _, _, names in os.walk(folder) for n in names]
    equal(left, [], 'files in the spool', r)
