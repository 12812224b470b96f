"""Servers that are libraries, each with a small program of ours around it:
aiosmtpd, and the npm packages smtp-server and Haraka; see servers.py.

The program gets its settings as JSON. It stores each message as it came, and
beside it, in log/envelopes, one line of JSON with what was said of it:
sender, recipients, and the parameters of both.
"""
import json
import os
import re
import shutil
import subprocess
import sys

from server import (FULL, GREY, REFUSED, Mail, Server, ServerError,
                    split_added)

HERE = os.path.dirname(os.path.abspath(__file__))


class Program(Server):
    program = ''

    def _write_accounts(self):
        pass                        # these do not ask who they are

    def _configure(self):
        self._write('settings.json', json.dumps({
            'run': self.run_dir, 'root': self.root, 'users': self.users,
            'size': self.size_limit, 'refused': REFUSED, 'grey': GREY,
            'full': FULL, 'tls_min': self.tls_min, 'tls_max': self.tls_max,
            'ports': {n: getattr(self, n + '_port')
                      for n in self.port_names}}))
        shutil.copyfile(os.path.join(HERE, 'programs', self.program),
                        self._path(self.program))
        return self._command()

    def _command(self):
        """argv and environment"""
        node = shutil.which('node') or shutil.which('nodejs')
        if not node:
            raise ServerError('there is no node (package nodejs)')
        return ([node, self._path(self.program), self._path('settings.json')],
                {'PATH': '/usr/bin:/bin', 'LC_ALL': 'C', 'TZ': 'UTC',
                 'HOME': self.run_dir,
                 'NODE_PATH': os.path.join(self.root, 'node_modules')})

    @classmethod
    def strip(cls, raw):
        end = split_added(raw, cls.added_headers)
        return Mail(raw, raw[:end], raw[end:])

    def envelopes(self):
        """What was said of each message, oldest first."""
        path = self._path('log/envelopes')
        if not os.path.exists(path):
            return []
        with open(path) as f:
            return [json.loads(line) for line in f]


class Aiosmtpd(Program):
    name = 'aiosmtpd'
    program = 'aiosmtpd_main.py'
    port_names = ('starttls', 'tls', 'plain', 'lmtp')

    def _command(self):
        # Debian's own Python: the package is for that one
        python = '/usr/bin/python3'
        if not os.path.exists(python):
            python = sys.executable
        return ([python, self._path(self.program),
                 self._path('settings.json')],
                {'LC_ALL': 'C', 'TZ': 'UTC', 'PYTHONDONTWRITEBYTECODE': '1',
                 'PYTHONPATH': os.path.join(
                     self.root, 'usr/lib/python3/dist-packages')})


class SmtpServer(Program):
    name = 'smtp-server'
    program = 'smtp_server.js'
    port_names = ('starttls', 'tls', 'plain', 'lmtp', 'lmtp_tls')


class Haraka(Program):
    name = 'haraka'
    program = 'haraka_plugin.js'
    added_headers = ('Authentication-Results', 'Received')
    port_names = ('starttls', 'tls')

    def _command(self):
        config = {
            'me': 'mail.test\n',
            'plugins': 'tls\nbootmail\n',
            'log.ini': 'loglevel=info\n',
            'smtp.ini': 'listen=127.0.0.1:%d,127.0.0.1:%d\nsmtps_port=%d\n'
                        'nodes=0\n' % (self.starttls_port, self.tls_port,
                                       self.tls_port),
            'connection.ini': self._connection(),
            'tls.ini': 'key=tls_key.pem\ncert=tls_cert.pem\n'
                       'requestCert=false\nminVersion=TLSv%s\n'
                       % self.tls_min,
        }
        for sub in ('config', 'plugins', 'queue'):
            os.makedirs(self._path(sub))
        for name, text in config.items():
            self._write('config/' + name, text)
        shutil.copyfile(self._path('srv.pem'),
                        self._path('config/tls_cert.pem'))
        shutil.copyfile(self._path('srv.key'), self._path('config/tls_key.pem'))
        # else it makes one itself, which takes minutes
        subprocess.run(['openssl', 'genpkey', '-genparam', '-algorithm', 'DH',
                        '-pkeyopt', 'group:ffdhe2048',
                        '-out', self._path('config/dhparams.pem')], check=True)
        os.rename(self._path(self.program), self._path('plugins/bootmail.js'))
        argv, env = super()._command()
        argv[1:] = [os.path.join(self.root, 'node_modules/Haraka/bin/haraka'),
                    '-c', self.run_dir]
        return argv, env

    @classmethod
    def strip(cls, raw):
        mail = super().strip(raw)
        return mail._replace(sent=re.sub(rb'^\.\.', b'.', mail.sent,
                                         flags=re.M))

    def _connection(self):
        """Haraka takes this file whole: its own, with our limit on size, and
        that of RFC 5321 on lines (4.5.3.1.6), which it would break at 992."""
        with open(os.path.join(self.root, 'node_modules/Haraka/config',
                               'connection.ini')) as f:
            text = f.read()
        for key, value in (('bytes', self.size_limit),
                           ('data_line_length', 1000)):
            text = re.sub('^%s=.*' % key, '%s=%d' % (key, value), text,
                          flags=re.M)
        return text
