#!/usr/bin/env python3
"""Real mail servers on loopback for the demo and the tests.

    with Exim(pki=Pki(dir)) as exim:
        ... submit to 127.0.0.1 port exim.starttls_port, user test/secret ...
        for mail in exim.wait_mail(1):
            assert mail.sent == what_was_submitted      # CRLF, byte for byte

Ports: starttls_port (STARTTLS, then AUTH), tls_port (TLS from the first byte,
AUTH), plain_port (no TLS offered, no AUTH needed). refused@mail.test gets 550
and grey@mail.test 450; every other recipient is accepted. How it works is
told in server.py.

Command line, for use by hand:
  servers.py NAME --run DIR [--cert NAME] [--tls-min V] [--tls-max V]
prints the ports as JSON, runs until standard input ends or SIGTERM.
"""
import argparse
import json
import os
import signal
import ssl
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
if HERE not in sys.path:
    sys.path.insert(0, HERE)
import fetch                                        # noqa: E402
from dovecot import Dovecot                         # noqa: E402
from exim import Exim                               # noqa: E402
from pki import Pki                                 # noqa: E402
from postfix import Postfix                         # noqa: E402
from programs import Aiosmtpd, Haraka, SmtpServer   # noqa: E402
from server import (FULL, GREY, REFUSED, TLS_VERSIONS,  # noqa: E402
                    Mail, ServerError)

__all__ = ['Exim', 'Postfix', 'Dovecot', 'Pki', 'Mail', 'ServerError',
           'SERVERS', 'GREY', 'REFUSED', 'FULL', 'client_context']

SERVERS = {'exim': Exim, 'postfix': Postfix, 'dovecot': Dovecot,
           'aiosmtpd': Aiosmtpd, 'smtp-server': SmtpServer, 'haraka': Haraka}


def client_context(pki, cert='ec', version=None):
    """A verifying client, for trying a server out with smtplib."""
    ctx = ssl.create_default_context(cafile=pki.anchor(cert))
    if version:
        v = getattr(ssl.TLSVersion, 'TLSv' + version.replace('.', '_'))
        ctx.minimum_version = ctx.maximum_version = v
    return ctx


def main(argv):
    p = argparse.ArgumentParser(description='run one mail server on loopback')
    p.add_argument('server', choices=sorted(SERVERS))
    p.add_argument('--run', help='run folder, empty or new; removed at the '
                                 'end')
    p.add_argument('--pki', help='folder of certificates (made if absent)')
    p.add_argument('--cert', default='ec')
    p.add_argument('--tls-min', default='1.2', choices=TLS_VERSIONS)
    p.add_argument('--tls-max', default='1.3', choices=TLS_VERSIONS)
    p.add_argument('--ports', help='STARTTLS,TLS,PLAIN instead of free ones')
    args = p.parse_args(argv)
    ports = [int(n) for n in args.ports.split(',')] if args.ports else None
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with SERVERS[args.server](
                pki=Pki(args.pki) if args.pki else None, run_dir=args.run,
                ports=ports, cert=args.cert, tls_min=args.tls_min,
                tls_max=args.tls_max) as server:
            print(json.dumps(server.info()), flush=True)
            while sys.stdin.buffer.read1(4096):
                pass
    except KeyboardInterrupt:
        return 130
    except (ServerError, fetch.FetchError, OSError) as e:
        print('servers: %s' % e, file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
