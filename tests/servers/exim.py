"""Exim (with GnuTLS) as a test server; see servers.py."""
import base64
import calendar
import os
import re
import shutil
import time

from server import GREY, REFUSED, TLS_VERSIONS, Server

EXIM_CONF = '''
primary_hostname = mail.test
timezone = UTC
spool_directory = @RUN@/spool
log_file_path = @RUN@/log/%slog
pid_file_path = @RUN@/exim.pid
exim_path = @ROOT@/usr/sbin/exim4
log_selector = +millisec
keep_environment = ^LD_ : ^NSS_WRAPPER
local_interfaces = 127.0.0.1
daemon_smtp_ports = @STARTTLS@ : @TLS@ : @PLAIN@
tls_on_connect_ports = @TLS@
tls_advertise_hosts = @ADVERTISE@
tls_certificate = @RUN@/srv.pem
tls_privatekey = @RUN@/srv.key
tls_require_ciphers = @VERSIONS@
@CLIENTS@
auth_advertise_hosts = ${if or{{def:tls_in_cipher}@PLAINAUTH@}{*}{}}
smtputf8_advertise_hosts = *
dsn_advertise_hosts = *
chunking_advertise_hosts = *
prdr_enable = true
message_size_limit = @SIZE@
recipients_max = @RCPTS@
return_path_remove = false
envelope_to_remove = false
delivery_date_remove = false
acl_smtp_mail = acl_mail
acl_smtp_rcpt = acl_rcpt
acl_smtp_data = acl_data
host_lookup =
rfc1413_query_timeout = 0s
smtp_accept_max = 0
smtp_accept_max_per_connection = 100000
smtp_accept_queue_per_connection = 0
check_spool_space = 0
check_spool_inodes = 0
check_log_space = 0
check_log_inodes = 0
begin acl
acl_mail:
  accept condition = ${if eq{$received_port}{@PLAIN@}}
  deny   message = 530 5.7.0 Must issue a STARTTLS command first
         !encrypted = *
  deny   message = 530 5.7.0 Authentication required
         !authenticated = *
  accept
acl_rcpt:
  deny   message = 550 5.1.1 No such user here
         condition = ${if eqi{$local_part@$domain}{@REFUSED@}}
  defer  message = 450 4.2.0 Greylisted, try again later
         condition = ${if eqi{$local_part@$domain}{@GREY@}}
  accept
acl_data:
  accept
begin routers
all:
  driver = accept
  transport = maildir
begin transports
maildir:
  driver = appendfile
  maildir_format
  directory = @RUN@/mail
  return_path_add
  envelope_to_add
  delivery_date_add
begin retry
* * F,1h,1m
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if eq{${base64:$auth3}}\\
    {${lookup{${base64:$auth2}}lsearch{@RUN@/users}{$value}fail}}}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${if eq{${base64:$auth2}}\\
    {${lookup{${base64:$auth1}}lsearch{@RUN@/users}{$value}fail}}}
  server_set_id = $auth1
'''


def _base64(text):
    return base64.b64encode(text.encode()).decode()


# What PLAIN and LOGIN do not need: EXTERNAL takes the user from the common
# name of a client's certificate.
CLIENTS = '''
tls_verify_certificates = @RUN@/ca.pem
tls_try_verify_hosts = *
'''
MECHANISMS = '''
cram:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = ${base64d:${lookup{${base64:$auth1}}\\
    lsearch{@RUN@/users}{$value}fail}}
  server_set_id = $auth1
external:
  driver = external
  public_name = EXTERNAL
  server_advertise_condition = $tls_in_certificate_verified
  server_param2 = ${certextract{subject,CN}{$tls_in_peercert}}
  server_condition = ${if eq{$auth1}{$auth2}}
  server_set_id = $auth1
'''


class Exim(Server):
    """Exim with GnuTLS: the everyday server."""

    name = 'exim'
    account = 'Debian-exim'
    added_headers = ('Return-path', 'Envelope-to', 'Delivery-date',
                     'Received')

    def _configure(self):
        os.makedirs(self._path('spool'))
        # users and passwords as base64: no character needs quoting
        self._write('users', ''.join('%s: %s\n' % (_base64(u), _base64(p))
                                     for u, p in self.users.items()))
        versions = [v for v in TLS_VERSIONS
                    if self.tls_min <= v <= self.tls_max]
        hosts = '${if eq{$received_port}{%s}{}{*}}' % self.plain_port
        values = {
            'RUN': self.run_dir, 'ROOT': self.root,
            'STARTTLS': self.starttls_port, 'TLS': self.tls_port,
            'PLAIN': self.plain_port, 'SIZE': self.size_limit, 'RCPTS': self.rcpt_limit,
            'ADVERTISE': hosts if self.starttls else '',
            'VERSIONS': 'NORMAL:-VERS-ALL' + ''.join(':+VERS-TLS' + v
                                                    for v in versions),
            'PLAINAUTH': '{eq{$received_port}{%d}}' % self.plain_port
                         if self.plain_auth else '',
            'REFUSED': REFUSED, 'GREY': GREY,
        }
        text = EXIM_CONF.replace('@CLIENTS@', '')
        if self.all_mechanisms:
            text = EXIM_CONF.replace('@CLIENTS@', CLIENTS) + MECHANISMS
            shutil.copyfile(self.pki.ca, self._path('ca.pem'))
        for key, value in values.items():
            text = text.replace('@%s@' % key, str(value))
        self._write('exim.conf', text)
        os.chmod(self._path('exim.conf'), 0o644)
        return ([os.path.join(self.root, 'usr/sbin/exim4'),
                 '-C', self._path('exim.conf'), '-bdf'],
                self._environment('nss'))

    def log(self):
        # it never had a privilege to lose
        return re.sub(r'.* exim user lost privilege for using -C option\n',
                      '', super().log())

    def accepted_at(self):
        """When each message got its 250, seconds since 1970, by the log."""
        times = []
        for m in re.finditer(r'^(\S+ \S+)\.(\d+) \S+ <= ', self.log(), re.M):
            whole = time.strptime(m.group(1) + ' UTC', '%Y-%m-%d %H:%M:%S %Z')
            times.append(calendar.timegm(whole) + float('0.' + m.group(2)))
        return times
