"""What providers say, and the next step that the launcher adds to it. The
replies are theirs as they are met in the field; a stand-in for QEMU reports
them, and one case meets its reply on the wire."""
import json

from fake import Dialogue, Fake
from harness import case, check, equal
from lab import conf as lab_conf, files as lab_files, launch, pki
from standin import play, say

OUTLOOK = 'smtp.office365.com'
SES = 'email-smtp.eu-west-1.amazonaws.com'
# host, the server's reply, a word of the next step
REPLIES = (
    ('smtp.gmail.com', '535 5.7.8 Username and Password not accepted. For '
     'more information, go to\n5.7.8  https://support.google.com/mail/?p='
     'BadCredentials x - gsmtp', 'apppasswords'),
    ('smtp.gmail.com', '534 5.7.9 Application-specific password required.',
     'apppasswords'),
    ('smtp.gmail.com', '534 5.7.14 Please log in via your web browser',
     'apppasswords'),
    ('smtp.gmail.com', '530 5.7.0 Authentication Required.', 'auth on'),
    ('smtp.gmail.com', '550 5.4.5 Daily user sending limit exceeded.',
     'limit'),
    ('smtp-relay.gmail.com', '550 5.7.1 Invalid credentials for relay [x]. '
     'Unauthorized', 'Admin console'),
    (OUTLOOK, '535 5.7.139 Authentication unsuccessful, '
     'SmtpClientAuthentication is disabled for the Tenant.', 'administrator'),
    (OUTLOOK, '535 5.7.139 Authentication unsuccessful, '
     'SmtpClientAuthentication is disabled for the Mailbox.',
     'Authenticated SMTP'),
    ('smtp-mail.outlook.com', '535 5.7.139 Authentication unsuccessful, '
     'basic authentication is disabled.', 'xoauth2'),
    (OUTLOOK, '550 5.7.30 Basic authentication is not supported for Client '
     'Submission.', 'xoauth2'),
    (OUTLOOK, "535 5.7.139 Authentication unsuccessful, user is locked by "
     "your organization's security defaults policy.", 'policy'),
    (OUTLOOK, '535 5.7.3 Authentication unsuccessful', 'password'),
    (OUTLOOK, '554 5.2.252 SendAsDenied; a@x not allowed to send as b@x',
     'Send as'),
    (OUTLOOK, '550 5.7.60 SMTP; Client does not have permissions to send as '
     'this sender', 'Send as'),
    (OUTLOOK, '530 5.7.57 Client not authenticated to send mail.', 'auth on'),
    (OUTLOOK, '432 4.3.2 STOREDRV.ClientSubmit; sender thread limit '
     'exceeded', 'less often'),
    (SES, '535 Authentication Credentials Invalid', 'each region'),
    (SES, '554 Message rejected: Email address is not verified. The '
     'following identities failed the check in region EU-WEST-1: a@x',
     'sandbox'),
    (SES, '454 Throttling failure: Maximum sending rate exceeded.', 'quota'),
    ('smtp.fastmail.com', '535 5.7.0 Incorrect username or password.',
     'app password'),
    ('smtp.fastmail.com', '551 5.7.1 Not authorised to send from this header '
     'address', 'alias'),
    ('smtp.protonmail.ch', '535 5.7.8 Error: authentication failed:',
     'SMTP token'),
    ('mail.gmx.net', '535 Authentication credentials invalid', 'POP3/IMAP'),
    ('mail.gmx.net', '550 Requested action not taken: mailbox unavailable '
     'Sender address is not allowed.', 'this mailbox'),
    ('smtp.web.de', '535 Authentication credentials invalid', 'POP3/IMAP'),
    ('smtp.zoho.eu', '535 Authentication Failed', 'data centre'),
    ('smtp.zoho.com', '553 Relaying disallowed as a@example.org', 'aliases'),
    ('smtp.mail.yahoo.com', '535 5.7.0 (#AUTH005) Too many bad auth '
     'attempts.', 'app password'),
    ('smtp.mail.me.com', '535 5.7.8 Error: authentication failed', 'Apple'),
    ('smtp.sendgrid.net', '535 Authentication failed: Bad username / '
     'password', 'apikey'),
    ('smtp.sendgrid.net', '550 The from address does not match a verified '
     'Sender Identity.', 'verify'),
    ('smtp-relay.brevo.com', '525 5.7.1 Unauthorized IP address', "host's"),
    ('mail.example.org', '553 5.7.1 <a@b>: Sender address rejected: not '
     'owned by user c@b', 'of its own'),
    ('mail.example.org', '554 5.7.1 <a@b>: Relay access denied', 'auth on'),
    ('mail.example.org', '535 5.7.8 Error: authentication failed:',
     'whole address'),
    # a name that only looks like the provider's, and words nobody knows
    ('smtp.gmail.com.example.org', '534 5.7.9 Application-specific password '
     'required.', None),
    ('mail.example.org', '550 5.1.1 no such user here', None),
    ('smtp.gmail.com', '550 5.1.1 The email account does not exist', None),
)


def report(host, reply, recipients=()):
    return json.dumps({
        'bootmail': 1, 'outcome': 'refused', 'exit': 69,
        'reason': 'refused' if recipients else reply, 'message_id': None,
        'host': host, 'address': None, 'tls': None,
        'recipients': list(recipients), 'bytes': 1, 'attempts': 1,
        'ms': {'total': 1.0}}, separators=(',', ':'))


def judge(r, word, what):
    lines = [x for x in r.log.splitlines() if x.startswith('bootmail: ')]
    equal(r.status, 69, 'exit status', r)
    if word is None:
        equal(len(lines), 0, 'lines of advice for ' + what, r)
        return
    equal(len(lines), 1, 'lines of advice for ' + what, r)
    check(word in lines[0], f'no "{word}" for {what}', r)


@case('explain/replies')
def replies():
    for host, reply, word in REPLIES:
        judge(play(say(report(host, reply), 139)), word, host + ' ' + reply)


@case('explain/replies-to-recipients')
def to_recipients():
    """The reason may be about some of them; their replies say why."""
    rows = [{'address': 'a@b', 'outcome': 'sent', 'code': 250,
             'enhanced': '2.1.5', 'text': 'ok 554 not verified'},
            {'address': 'c@d', 'outcome': 'refused', 'code': 550,
             'enhanced': None, 'text': 'plain "refusal"'},
            {'address': 'e@f', 'outcome': 'refused', 'code': 554,
             'enhanced': '5.7.1', 'text': '<e@f>: Relay access denied'}]
    judge(play(say(report('h', '', rows), 139)), 'auth on', 'a recipient')
    judge(play(say(report('h', '', rows[:2]), 139)), None, 'no reply known')


@case('explain/on-the-wire')
def wire():
    said = b'554 5.7.1 <b@example.org>: Relay access denied\r\n'
    with Fake(Dialogue(auth=(), rcpt={'b@example.org': said}),
              pki=pki()) as server:
        r = launch('posix', 'b@example.org', message=b'x\n',
                   conf=lab_conf(server.port, user=None), files=lab_files())
    equal(r.status, 69, 'exit status', r)
    check('bootmail: the server sends to others only for those who log in'
          in r.log, 'no advice', r)
