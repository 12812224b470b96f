"""A whole submission server for fake.py's connections, right or wrong."""
import base64
import re

import sasl

CAPS = ('SIZE 52428800', '8BITMIME', 'ENHANCEDSTATUSCODES', 'PIPELINING')


class Dialogue:
    """A submission server that can be wrong in one place.

    tls       'starttls', 'implicit' or 'none'
    caps      EHLO keywords besides STARTTLS and AUTH; BDAT always works
    auth      mechanisms offered ((): none, no login needed)
    clear_auth  offer AUTH outside TLS too
    ehlo      False: EHLO gets 502, HELO works
    replies   {state: bytes, or list of bytes used in turn; None in the list
              means the proper one}: said instead of the proper reply. States:
              CONNECT EHLO (before TLS, or all) EHLO2 (after TLS) HELO
              STARTTLS AUTH (verdict) AUTH1 AUTH2 (challenges) MAIL RCPT DATA
              BODY (after the final dot) RSET NOOP QUIT
    rcpt      {address: reply bytes}
    act       {state: (when, step, arguments...)}: `when` is 'before' or
              'after' the reply of that state; step is a method of Peer
              ('close', 'reset', 'stall', 'ticket', 'key_update', ...). The
              script ends after close, reset and stall. BODY 'early' acts
              inside the message, after its first line.
    """

    def __init__(self, tls='starttls', caps=CAPS, auth=('PLAIN', 'LOGIN'),
                 users=None, clear_auth=False, ehlo=True, replies=None,
                 rcpt=None, act=None, greeting=b'220 mail.test ESMTP\r\n'):
        self.tls, self.caps, self.auth = tls, tuple(caps), tuple(auth)
        self.users = users or {'test': 'secret'}
        self.clear_auth, self.ehlo = clear_auth, ehlo
        self.replies, self.rcpt = dict(replies or {}), dict(rcpt or {})
        self.act, self.greeting = dict(act or {}), greeting

    def __call__(self, peer):
        Session(self, peer).run()


class Ended(Exception):
    pass


class Session:
    """One connection of a Dialogue."""

    def __init__(self, plan, peer):
        self.plan, self.peer = plan, peer
        self.secure = self.logged_in = False
        self.used = {}
        self.sender, self.recipients = None, []
        self.chunks = b''

    def run(self):
        try:
            if self.plan.tls == 'implicit':
                self.peer.tls()
                self.secure = True
            self.say('CONNECT', self.plan.greeting)
            while True:
                self.command(self.peer.line())
        except Ended:
            pass

    def say(self, state, proper):
        """Answer in `state`; returns the code of what was said."""
        self.do(state, 'before')
        text = self.plan.replies.get(state)
        if isinstance(text, (list, tuple)):
            n = self.used.get(state, 0)
            self.used[state] = n + 1
            text = text[n] if n < len(text) else None
        text = proper if text is None else text
        self.peer.send(text)
        self.do(state, 'after')
        return text[:3]

    def do(self, state, when):
        act = self.plan.act.get(state)
        if act and act[0] == when:
            getattr(self.peer, act[1])(*act[2:])
            if act[1] in ('close', 'reset', 'stall'):
                raise Ended

    def command(self, line):
        verb = line.split(b' ')[0].upper().decode('latin-1')
        handler = getattr(self, 'on_' + verb.lower(), None)
        if handler is None:
            self.peer.send(b'500 5.5.2 what?\r\n')
        else:
            handler(line)

    def on_ehlo(self, line):
        state = 'EHLO'
        if self.secure and self.plan.tls == 'starttls' \
                and {'EHLO2'} & (set(self.plan.replies) | set(self.plan.act)):
            state = 'EHLO2'
        if not self.plan.ehlo:
            self.say(state, b'502 5.5.1 not here\r\n')
            return
        words = ['mail.test greets you', *self.plan.caps]
        if self.plan.tls == 'starttls' and not self.secure:
            words.append('STARTTLS')
        if self.plan.auth and (self.secure or self.plan.clear_auth):
            words.append('AUTH ' + ' '.join(self.plan.auth))
        text = ''.join('250%s%s\r\n' % (' ' if i == len(words) - 1 else '-', w)
                       for i, w in enumerate(words))
        self.say(state, text.encode())

    def on_helo(self, line):
        self.say('HELO', b'250 mail.test\r\n')

    def on_starttls(self, line):
        if self.plan.tls != 'starttls' or self.secure:
            self.say('STARTTLS', b'502 5.5.1 not here\r\n')
            return
        if self.say('STARTTLS', b'220 2.0.0 go ahead\r\n') == b'220':
            self.peer.tls()
            self.secure = True
            self.do('TLS', 'after')

    def on_auth(self, line):
        words = line.decode('latin-1').split(' ')
        mech = words[1].upper() if len(words) > 1 else ''
        first = words[2] if len(words) > 2 else None
        if mech not in self.plan.auth:
            self.say('AUTH', b'504 5.5.4 mechanism not offered\r\n')
            return
        try:
            if mech in sasl.MECHANISMS:
                self.verdict(sasl.MECHANISMS[mech](self, first))
                return
            if mech == 'PLAIN':
                text = first or self.ask('AUTH1', b'334 \r\n')
                _, user, password = base64.b64decode(text).split(b'\0')
            else:
                text = first or self.ask('AUTH1', b'334 VXNlcm5hbWU6\r\n')
                user = base64.b64decode(text)
                password = base64.b64decode(
                    self.ask('AUTH2', b'334 UGFzc3dvcmQ6\r\n'))
        except ValueError:
            self.say('AUTH', b'501 5.5.2 not base64\r\n')
            return
        good = self.plan.users.get(user.decode('latin-1'))
        self.verdict(good is not None and good.encode() == password)

    def verdict(self, good):
        if good:
            code = self.say('AUTH', b'235 2.7.0 welcome\r\n')
        else:
            code = self.say('AUTH', b'535 5.7.8 wrong user or password\r\n')
        self.logged_in = code[:1] == b'2'

    def ask(self, state, challenge):
        if self.say(state, challenge) != b'334':
            raise ValueError
        return self.peer.line().decode('latin-1')

    def on_mail(self, line):
        if self.plan.auth and not self.logged_in \
                and 'MAIL' not in self.plan.replies:
            self.say('MAIL', b'530 5.7.0 log in first\r\n')
            return
        self.recipients, self.chunks = [], b''
        m = re.search(rb'<(.*?)>', line)
        self.sender = m.group(1).decode('utf-8', 'replace') if m else None
        self.say('MAIL', b'250 2.1.0 ok\r\n')

    def on_rcpt(self, line):
        m = re.search(rb'<(.*?)>', line)
        address = m.group(1).decode('utf-8', 'replace') if m else ''
        proper = self.plan.rcpt.get(address, b'250 2.1.5 ok\r\n')
        if self.say('RCPT', proper)[:1] == b'2':
            self.recipients.append(address)

    def on_data(self, line):
        if not self.recipients and 'DATA' not in self.plan.replies:
            self.say('DATA', b'554 5.5.1 no valid recipients\r\n')
            return
        if self.say('DATA', b'354 go on\r\n')[:1] != b'3':
            return
        if self.plan.act.get('BODY', ('',))[0] == 'early':
            while b'\r\n' not in self.peer.pending():
                self.peer._more()
            self.do('BODY', 'early')
        self.take(self.peer.data())

    def take(self, text):
        self.peer.wire.messages.append(
            {'sender': self.sender, 'recipients': list(self.recipients),
             'data': text})
        self.say('BODY', b'250 2.0.0 queued as 1\r\n')

    def on_bdat(self, line):
        words = line.split()
        self.chunks += self.peer.read(int(words[1]))
        if words[2:] == [b'LAST']:
            self.take(self.chunks)
        else:
            self.say('BDAT', b'250 2.0.0 more\r\n')

    def on_rset(self, line):
        self.recipients = []
        self.say('RSET', b'250 2.0.0 ok\r\n')

    def on_noop(self, line):
        self.say('NOOP', b'250 2.0.0 ok\r\n')

    def on_quit(self, line):
        self.say('QUIT', b'221 2.0.0 bye\r\n')
        raise Ended
