"""aiosmtpd as a server: started by programs.py with its settings."""
import asyncio
import json
import os
import re
import ssl
import sys

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


def message_id(content):
    found = re.search(rb'^Message-ID: *(<.*>)', content, re.M | re.I)
    return found and found.group(1).decode()


class Handler:
    def __init__(self, settings):
        self.settings, self.count = settings, 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.lower() == self.settings['refused']:
            return '550 5.1.1 No such user here'
        if address.lower() == self.settings['grey']:
            return '450 4.2.0 Greylisted, try again later'
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.append(options)
        return '250 2.1.5 OK'

    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        run = self.settings['run']
        with open(os.path.join(run, 'log/envelopes'), 'a') as f:
            f.write(json.dumps({
                'from': envelope.mail_from, 'to': envelope.rcpt_tos,
                'mail': envelope.mail_options, 'rcpt': envelope.rcpt_options,
                'login': session.auth_data, 'utf8': envelope.smtp_utf8,
                'id': message_id(envelope.original_content)}) + '\n')
        new = os.path.join(run, 'mail/tmp/%d' % self.count)
        with open(new, 'wb') as f:
            f.write(envelope.original_content)
        os.rename(new, os.path.join(run, 'mail/new/%d' % self.count))
        return '250 2.0.0 stored as %d' % self.count


def authenticator(users):
    def check(server, session, envelope, mechanism, data):
        good = isinstance(data, LoginPassword) and users.get(
            data.login.decode()) == data.password.decode()
        # handled: the reply is aiosmtpd's own
        return AuthResult(success=good, handled=good,
                          auth_data='%s %s' % (mechanism, data.login.decode()))
    return check


async def main(settings):
    loop, handler = asyncio.get_running_loop(), Handler(settings)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(settings['run'] + '/srv.pem',
                            settings['run'] + '/srv.key')
    for name in ('min', 'max'):
        version = getattr(ssl.TLSVersion, 'TLSv' + settings[
            'tls_' + name].replace('.', '_'))
        setattr(context, name + 'imum_version', version)
    common = {'hostname': 'mail.test', 'enable_SMTPUTF8': True,
              'data_size_limit': settings['size'], 'loop': loop}
    login = {'authenticator': authenticator(settings['users']),
             'auth_required': True}
    kinds = {
        'starttls': (SMTP, None, {**login, 'tls_context': context,
                                  'require_starttls': True}),
        'tls': (SMTP, context, {**login, 'auth_require_tls': False}),
        'plain': (SMTP, None, {'auth_exclude_mechanism': ['LOGIN', 'PLAIN']}),
        'lmtp': (LMTP, None, {'auth_exclude_mechanism': ['LOGIN', 'PLAIN']}),
    }
    for name, (kind, tls, more) in kinds.items():
        def make(kind=kind, more=more):
            return kind(handler, **common, **more)
        await loop.create_server(make, '127.0.0.1', settings['ports'][name],
                                 ssl=tls)
    await asyncio.Event().wait()


if __name__ == '__main__':
    with open(sys.argv[1]) as settings_file:
        asyncio.run(main(json.load(settings_file)))
