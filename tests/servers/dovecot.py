"""Dovecot 2.3 as a test server: submission and LMTP, and the passwords of a
Postfix; see servers.py.

Its submission service is a proxy: it relays to a Postfix of its own, whose
plain port it uses and which in turn asks this Dovecot for passwords on the
other ports. LMTP delivers by itself: refused@mail.test has no mailbox,
full@mail.test one without room.
"""
import base64
import hmac
import json
import os
import re
import shutil
import subprocess
import time

from postfix import Postfix
from server import FULL, Server, ServerError, free_ports

KEEP = ('TZ', 'PATH', 'LC_ALL', 'LD_PRELOAD', 'LD_LIBRARY_PATH',
        'NSS_WRAPPER_PASSWD', 'NSS_WRAPPER_GROUP', 'RELOCATE_ROOT')
KEY = b'a key of the tests, 32 bytes long'
CONF = '''
base_dir = @RUN@/base
state_dir = @RUN@/base
log_path = @RUN@/log/dovecot
libexec_dir = @ROOT@/usr/lib/dovecot
mail_plugin_dir = @ROOT@/usr/lib/dovecot/modules
import_environment = @KEEP@
default_internal_user = dovecot
default_internal_group = dovecot
default_login_user = dovecot
first_valid_uid = 1
protocols = submission lmtp
listen = 127.0.0.1
hostname = mail.test
ssl = required
ssl_cert = <@RUN@/srv.pem
ssl_key = <@RUN@/srv.key
ssl_min_protocol = TLSv@TLSMIN@
ssl_ca = <@RUN@/ca.pem
ssl_require_crl = no
ssl_verify_client_cert = yes
auth_ssl_username_from_cert = yes
auth_failure_delay = 0
auth_mechanisms = @MECHANISMS@
mail_location = maildir:~/
passdb {
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = @RUN@/oauth2
}
passdb {
  driver = static
  mechanisms = external
  args = nopassword=y
}
passdb {
  driver = passwd-file
  args = @RUN@/users
}
userdb {
  driver = passwd-file
  args = @RUN@/mailboxes
}
submission_relay_host = 127.0.0.1
submission_relay_port = @RELAY@
submission_max_mail_size = @SIZE@
plugin {
  quota = count:mailbox
  quota_vsizes = yes
}
protocol lmtp {
  mail_plugins = quota
}
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  chroot =
}
service auth {
  unix_listener auth-client {
    mode = 0666
  }
}
service submission-login {
  chroot =
  inet_listener submission {
    port = @STARTTLS@
  }
  inet_listener submissions {
    port = @TLS@
    ssl = yes
  }
}
service lmtp {
  user = dovecot
  inet_listener lmtp {
    port = @LMTP@
  }
  inet_listener lmtps {
    port = @LMTPTLS@
    ssl = yes
  }
}
'''
MECHANISMS = ('plain login cram-md5 scram-sha-1 scram-sha-256 oauthbearer '
              'xoauth2 external')


def _part(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=')


def token(user):
    """A token that the server takes for an hour (RFC 7519, HS256)."""
    head = {'alg': 'HS256', 'typ': 'JWT'}
    claims = {'sub': user, 'exp': int(time.time()) + 3600}
    signed = b'.'.join(_part(json.dumps(x).encode()) for x in (head, claims))
    return (signed + b'.' + _part(hmac.digest(KEY, signed, 'sha256'))).decode()


class Dovecot(Server):
    """Dovecot with OpenSSL: the most ways to log in, and the best LMTP."""

    name = 'dovecot'
    account = 'dovecot'
    added_headers = ('Return-Path', 'Delivered-To', 'Received')
    port_names = ('starttls', 'tls', 'lmtp', 'lmtp_tls')
    relay = None

    def _start_once(self):
        ports = free_ports(3)
        self.relay_port = ports[2]
        super()._start_once()
        self.relay = Postfix(
            sasl=self._path('base/auth-client'), pki=self.pki, ports=ports,
            cert=self.cert, size_limit=self.size_limit)
        self.relay.start()

    def _configure(self):
        self._version()
        for sub in ('base', 'keys/default/HS256', 'full'):
            os.makedirs(self._path(sub))
        self._write('keys/default/HS256/default',
                    base64.b64encode(KEY).decode())
        self._write('oauth2', 'introspection_mode = local\n'
                    'local_validation_key_dict = fs:posix:prefix=%s/\n'
                    'username_attribute = sub\n' % self._path('keys'))
        self._write('users', ''.join('%s:{PLAIN}%s\n' % u
                                     for u in self.users.items()))
        self._write_mailboxes()
        shutil.copyfile(self.pki.ca, self._path('ca.pem'))
        values = {
            'RUN': self.run_dir, 'ROOT': self.root, 'KEEP': ' '.join(KEEP),
            'TLSMIN': self.tls_min, 'SIZE': self.size_limit,
            'STARTTLS': self.starttls_port, 'TLS': self.tls_port,
            'LMTP': self.lmtp_port, 'LMTPTLS': self.lmtp_tls_port,
            'RELAY': self.relay_port, 'MECHANISMS': MECHANISMS,
        }
        text = CONF
        for key, value in values.items():
            text = text.replace('@%s@' % key, str(value))
        self._write('dovecot.conf', text)
        env = self._environment('nss')
        env['LD_PRELOAD'] += ' ' + self._relocate()
        env.update(RELOCATE_ROOT=self.root, DOVECOT_PRESERVE_ENVS=' '.join(
            KEEP))
        return ([os.path.join(self.root, 'usr/sbin/dovecot'), '-F',
                 '-c', self._path('dovecot.conf')], env)

    def _write_mailboxes(self):
        home, lines = self._path('mail'), []
        for name in list(self.users) + [n + '@mail.test' for n in (
                'rcpt', 'a', 'b', 'c')]:
            lines.append('%s::%d:%d::%s\n' % (name, self.uid, self.gid, home))
        lines.append('%s::%d:%d::%s::userdb_quota_rule=*:bytes=10\n' % (
            FULL, self.uid, self.gid, self._path('full')))
        self._write('mailboxes', ''.join(lines))

    def _version(self):
        """2.4 has another language of configuration."""
        path = os.path.join(self.root, 'usr/lib/dovecot/libdovecot.so')
        with open(path, 'rb') as f:
            if not re.search(rb'\b2\.3\.\d+', f.read()):
                raise ServerError('the settings here are for Dovecot 2.3')

    def _relocate(self):
        path = self._path('relocate.so')
        here = os.path.dirname(os.path.abspath(__file__))
        subprocess.run([os.environ.get('CC', 'clang'), '-O1', '-shared',
                        '-fPIC', '-o', path,
                        os.path.join(here, 'relocate.c')], check=True)
        return path

    def _stopped(self):
        relay, self.relay = self.relay, None
        if relay:
            relay.stop()

    # What came by submission lies with the relay, what came by LMTP here.
    def mails(self):
        found = [self.strip(raw) for raw in self.mailbox()]
        for raw in self.relay.mailbox():
            found.append(self.strip(self.relay.strip(raw).sent.replace(
                b'\r\n', b'\n')))
        return found

    def log(self):
        return super().log() + (self.relay.log() if self.relay else '')
