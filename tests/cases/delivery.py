"""Real mail, real servers, the real image: what arrives is what was sent."""
import os
import random

from delivery_body import BODY
from harness import DEPS, TOP, case, check, equal, new_dir, succeed
from lab import (MACHINES, PASSWORD, arrived, conf, crlf, expect_sent, files,
                 head, launch, server)


def port(srv, mode):
    return srv.starttls_port if mode == 'starttls' else srv.tls_port


def deliver(machine, kind, mode, tls):
    tag = f'{kind}-{machine}-{mode}-{tls}'.replace('.', '')

    @case(f'delivery/{machine}/{kind}-{mode}-tls{tls}')
    def run():
        srv = server(kind, tls)
        message = head(tag) + BODY
        r = launch(machine, 'rcpt@mail.test', message=message,
                   conf=conf(port(srv, mode), mode), files=files())
        expect_sent(r, srv, tag, message)
        equal(r.report['tls']['version'], 'TLSv' + tls, 'TLS version', r)
        equal(r.report['tls']['verified'], True, 'verified', r)
        equal(r.report['message_id'], f'{tag}@mail.test', 'message_id', r)
        equal(r.report['bytes'], len(crlf(message)), 'bytes', r)
        equal([x['outcome'] for x in r.report['recipients']], ['sent'],
              'recipients', r)
        check(PASSWORD not in r.log.replace('secrets', ''),
              'the password is in the log', r)


for m in MACHINES:
    for k in ('exim', 'postfix'):
        for s in ('starttls', 'implicit'):
            for v in ('1.2', '1.3'):
                deliver(m, k, s, v)


def certificate(name):
    @case(f'delivery/certificate-{name}')
    def run():
        srv = server('exim', cert=name)
        message = head('cert-' + name) + b'hello\n'
        r = launch('microvm', 'rcpt@mail.test', message=message,
                   conf=conf(srv.starttls_port),
                   files=files('rsa' if name == 'rsa' else 'ec'))
        expect_sent(r, srv, 'cert-' + name, message)


for c in ('rsa', 'chain'):
    certificate(c)


def bodies(machine):
    @case(f'delivery/bodies-{machine}')
    def run():
        srv = server('exim')
        shapes = {
            'empty': b'', 'newline': b'\n', 'dot': b'.', 'dots': b'.\n.\n.',
            'crlf': b'a\r\n.b\r\n..\r\n', 'mixed': b'a\nb\r\nc\n',
            'lines': b''.join(b'%d\n' % i for i in range(3000)),
        }
        for name, body in shapes.items():
            tag = f'body-{machine}-{name}'
            message = head(tag) + body
            r = launch(machine, 'rcpt@mail.test', message=message,
                       conf=conf(srv.starttls_port), files=files())
            expect_sent(r, srv, tag, message)


bodies('microvm')
bodies('posix')


def big(machine, memory, slow=True):
    @case(f'delivery/25-MiB-{machine}', slow=slow)
    def run():
        srv = server('exim')
        rnd = random.Random(25)
        line = bytes(rnd.choice(b'abcdefghijklmnop.') for _ in range(76))
        tag = 'big-' + machine
        message = head(tag) + (line + b'\n') * (25 * 1024 * 1024 // 77 + 1)
        size = len(message) // 1048576 + 1
        r = launch(machine, '--memory', f'{memory + size}M', 'rcpt@mail.test',
                   message=message, conf=conf(srv.starttls_port),
                   files=files(), timeout=500, hang=560)
        expect_sent(r, srv, tag, message)


big('microvm', 8)
big('q35', 8)
big('posix', 8)


@case('delivery/three-recipients')
def three():
    srv = server('postfix')
    message = head('three') + b'hello\n'
    r = launch('microvm', 'a@mail.test', 'b@mail.test', 'a@mail.test',
               'c@mail.test', message=message,
               conf=conf(srv.starttls_port), files=files())
    equal(r.status, 0, 'exit status', r)
    equal(len(r.report['recipients']), 3, 'recipients, doubles dropped', r)


@case('delivery/attachment')
def attachment():
    import email
    import email.policy
    srv = server('exim')
    data = bytes(random.Random(1).randbytes(100000))
    path = os.path.join(new_dir('attach'), 'data \u00fc.bin')
    with open(path, 'wb') as f:
        f.write(data)
    r = launch('microvm', '--attach', path, '--subject', 'with attachment',
               'rcpt@mail.test', message=b'see the attachment\n',
               conf=conf(srv.starttls_port), files=files())
    equal(r.status, 0, 'exit status', r)
    found = arrived(srv, r.report['message_id'].split('@')[0])
    check(len(found) == 1, 'not delivered', r)
    parsed = email.message_from_bytes(found[0].sent,
                                      policy=email.policy.default)
    equal(parsed['Subject'], 'with attachment', 'Subject')
    parts = list(parsed.iter_attachments())
    equal(len(parts), 1, 'attachments')
    equal(parts[0].get_content(), data, 'the attachment')
    equal(parts[0].get_filename(), 'data \u00fc.bin', 'its name')
    equal(parsed.get_body().get_content().strip(), 'see the attachment',
          'the text')


@case('delivery/read-recipients')
def read_recipients():
    srv = server('exim')
    message = head('dash-t', 'Cc: other@mail.test',
                   'Bcc: hidden@mail.test') + b'x\n'
    r = launch('microvm', '-t', message=message,
               conf=conf(srv.starttls_port), files=files())
    equal(r.status, 0, 'exit status', r)
    equal(sorted(x['address'] for x in r.report['recipients']),
          ['hidden@mail.test', 'other@mail.test', 'rcpt@mail.test'],
          'recipients', r)
    for m in arrived(srv, 'dash-t'):
        check(b'hidden' not in m.sent, 'Bcc was sent')
        equal(m.sent, crlf(message).replace(b'Bcc: hidden@mail.test\r\n',
                                            b''), 'the rest')


@case('delivery/built-in-files', alone=True)
def built_in():
    """An appliance: one self-contained file (make image FILES=dir)."""
    srv = server('exim')
    folder = new_dir('appliance')
    tag = 'appliance'
    message = head(tag) + b'built in\n'
    for name, data in {**files(), 'message': message, 'bootmail.conf': (
            conf(srv.starttls_port) + 'to rcpt@mail.test\n').encode()}.items():
        with open(os.path.join(folder, name), 'wb') as f:
            f.write(data)
    build = new_dir('build')
    succeed(['make', '-j2', 'image', 'FILES=' + folder, 'BUILD=' + build,
             'DEPS=' + DEPS], cwd=TOP)
    from harness import command
    done = command(['timeout', '60', 'qemu-system-x86_64', '-M',
                    'microvm,rtc=on,acpi=off', '-cpu', 'max', '-m', '32M',
                    '-nodefaults', '-no-reboot', '-display', 'none',
                    '-serial', 'stdio', '-kernel',
                    os.path.join(build, 'x86_64', 'bootmail'),
                    '-netdev', 'user,id=n', '-device',
                    'virtio-net-device,netdev=n', '-device',
                    'isa-debug-exit'], stdin=-3)
    text = done.stdout.decode(errors='replace')
    equal(done.returncode, 1, 'isa-debug-exit', text)
    check('"outcome":"sent"' in text.splitlines()[-1], 'not sent', text)
    equal(len(arrived(srv, tag)), 1, 'delivered')
