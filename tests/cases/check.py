"""check on: as far as a mail would get, and not one byte of it sent."""
import re

from dialogue import Dialogue
from fake import Fake
from harness import case, check, equal
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
