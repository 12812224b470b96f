"""Postfix (with OpenSSL) as a test server, and the password check it asks;
see servers.py."""
import base64
import os
import socket
import threading
import time

from server import GREY, REFUSED, Server


def _b64(text):
    return base64.b64encode(text.encode()).decode()


class DovecotAuth:
    """The password check Postfix asks over a socket.

    Postfix has none of its own. This speaks Dovecot's auth protocol (version
    1), so no Dovecot is needed, whose configuration differs between the
    distributions. PLAIN and LOGIN.
    """

    def __init__(self, path, users):
        self.users = users
        self._sock = socket.socket(socket.AF_UNIX)
        # a socket's path is limited to 107 bytes, a run folder's is not
        folder = os.open(os.path.dirname(path), os.O_RDONLY)
        try:
            self._sock.bind('/proc/self/fd/%d/%s'
                            % (folder, os.path.basename(path)))
        finally:
            os.close(folder)
        os.chmod(path, 0o666)
        self._sock.listen(16)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._sock.close()

    def _accept(self):
        while True:
            try:
                conn, _ = self._sock.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(conn,),
                             daemon=True).start()

    def _serve(self, conn):
        hello = ('VERSION\t1\t2\nMECH\tPLAIN\tplaintext\n'
                 'MECH\tLOGIN\tplaintext\nSPID\t%d\nCUID\t1\n'
                 'COOKIE\t%s\nDONE\n' % (os.getpid(), os.urandom(16).hex()))
        login = {}
        try:
            with conn, conn.makefile('rw', newline='\n') as f:
                f.write(hello)
                f.flush()
                for line in f:
                    reply = self._line(line.rstrip('\n').split('\t'), login)
                    if reply:
                        f.write(reply + '\n')
                        f.flush()
        except (OSError, ValueError):
            pass

    def _line(self, words, login):
        if words[0] not in ('AUTH', 'CONT') or len(words) < 3:
            return None
        number, resp = words[1], None
        if words[0] == 'CONT':
            mech, resp = login[number]['mech'], words[2]
        else:
            mech = words[2].upper()
            login[number] = {'mech': mech}
            for word in words[3:]:
                if word.startswith('resp='):
                    resp = word[5:]
        try:
            data = None if resp is None else base64.b64decode(resp)
        except ValueError:
            return 'FAIL\t%s\treason=invalid base64' % number
        return self._step(number, mech, data, login[number])

    def _step(self, number, mech, data, state):
        if mech == 'PLAIN':
            if data is None:
                return 'CONT\t%s\t' % number
            parts = data.split(b'\0')
            if len(parts) != 3:
                return 'FAIL\t%s\treason=invalid response' % number
            return self._verdict(number, parts[1], parts[2])
        if mech != 'LOGIN':
            return 'FAIL\t%s\treason=unsupported mechanism' % number
        if data is None:
            return 'CONT\t%s\t%s' % (number, _b64('Username:'))
        if 'user' not in state:
            state['user'] = data
            return 'CONT\t%s\t%s' % (number, _b64('Password:'))
        return self._verdict(number, state['user'], data)

    def _verdict(self, number, user, password):
        user = user.decode(errors='replace')
        if self.users.get(user, '\0') == password.decode(errors='replace'):
            return 'OK\t%s\tuser=%s' % (number, user)
        return 'FAIL\t%s\tuser=%s' % (number, user)


POSTFIX_MAIN = '''
compatibility_level = 3.6
queue_directory = @RUN@/queue
data_directory = @RUN@/data
daemon_directory = @ROOT@/usr/lib/postfix/sbin
command_directory = @ROOT@/usr/sbin
shlib_directory = @ROOT@/usr/lib/postfix
meta_directory = @RUN@/etc
mail_owner = postfix
setgid_group = postdrop
default_privs = nobody
import_environment = MAIL_CONFIG TZ LC_ALL LD_PRELOAD LD_LIBRARY_PATH
    NSS_WRAPPER_PASSWD NSS_WRAPPER_GROUP UID_WRAPPER UID_WRAPPER_ROOT
maillog_file = @RUN@/log/maillog
maillog_file_prefixes = @RUN@
myhostname = mail.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_peername_lookup = no
local_recipient_maps =
alias_maps =
alias_database =
message_size_limit = @SIZE@
smtpd_recipient_limit = @RCPTS@
mailbox_size_limit = 0
virtual_mailbox_limit = 0
queue_minfree = 0
virtual_mailbox_domains = static:all
virtual_mailbox_base = @RUN@
virtual_mailbox_maps = static:mail/
virtual_uid_maps = static:@UID@
virtual_gid_maps = static:@GID@
virtual_minimum_uid = 1
local_header_rewrite_clients =
message_drop_headers =
always_add_missing_headers = no
smtputf8_enable = yes
strict_smtputf8 = no
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_error_sleep_time = 0
smtpd_banner = mail.test ESMTP Postfix
smtpd_tls_chain_files = @RUN@/srv.key, @RUN@/srv.pem
smtpd_tls_security_level = @LEVEL@
smtpd_tls_auth_only = yes
smtpd_tls_loglevel = 1
smtpd_tls_protocols = @VERSIONS@
smtpd_tls_mandatory_protocols = @VERSIONS@
smtpd_sasl_type = dovecot
smtpd_sasl_path = @SASL@
smtpd_sasl_auth_enable = yes
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = check_recipient_access inline:{
    {@REFUSED@ = 550 5.1.1 No such user here}
    {@GREY@ = 450 4.2.0 Greylisted, try again later} }
'''

POSTFIX_MASTER = '''
127.0.0.1:@STARTTLS@ inet n - n - - smtpd
127.0.0.1:@TLS@ inet n - n - - smtpd
    -o smtpd_tls_wrappermode=yes
127.0.0.1:@PLAIN@ inet n - n - - smtpd
    -o smtpd_tls_security_level=none
    -o smtpd_tls_auth_only=no
    -o smtpd_sasl_auth_enable=@PLAINAUTH@
    -o smtpd_relay_restrictions=permit_mynetworks,reject
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
'''

QUEUES = ('active', 'bounce', 'corrupt', 'defer', 'deferred', 'flush', 'hold',
          'incoming', 'maildrop', 'pid', 'private', 'public', 'saved',
          'trace')


class Postfix(Server):
    """Postfix with OpenSSL: another reading of SMTP, another TLS library.

    sasl: the socket of a Dovecot that knows more mechanisms than ours.
    """

    name = 'postfix'
    account = 'postfix'
    added_headers = ('Return-Path', 'X-Original-To', 'Delivered-To',
                     'Received')

    def __init__(self, sasl=None, **kw):
        super().__init__(**kw)
        self.sasl, self._auth = sasl, None

    def _configure(self):
        for sub in QUEUES:
            os.makedirs(self._path('queue/' + sub))
        os.makedirs(self._path('data'))
        os.makedirs(self._path('etc'))
        values = {
            'RUN': self.run_dir, 'ROOT': self.root, 'SIZE': self.size_limit,
            'RCPTS': self.rcpt_limit,
            'UID': self.uid, 'GID': self.gid,
            'STARTTLS': self.starttls_port, 'TLS': self.tls_port,
            'PLAIN': self.plain_port,
            'LEVEL': 'encrypt' if self.starttls else 'none',
            'VERSIONS': '>=TLSv%s, <=TLSv%s' % (self.tls_min, self.tls_max),
            'PLAINAUTH': 'yes' if self.plain_auth else 'no',
            'REFUSED': REFUSED, 'GREY': GREY,
            'SASL': self.sasl or 'private/auth',
        }
        for name, text in (('etc/main.cf', POSTFIX_MAIN),
                           ('etc/master.cf', POSTFIX_MASTER)):
            for key, value in values.items():
                text = text.replace('@%s@' % key, str(value))
            self._write(name, text)
            # It waits until a configuration is two seconds old, lest it
            # read one half written.
            os.utime(self._path(name), (time.time() - 60,) * 2)
        if not self.sasl:
            self._auth = DovecotAuth(self._path('queue/private/auth'),
                                     self.users)
        env = self._environment('nss', 'uid')
        env.update(UID_WRAPPER='1', UID_WRAPPER_ROOT='1',
                   MAIL_CONFIG=self._path('etc'))
        return ([os.path.join(self.root, 'usr/lib/postfix/sbin/master'),
                 '-c', self._path('etc'), '-s'], env)

    def _stopped(self):
        auth, self._auth = self._auth, None
        if auth:
            auth.close()
