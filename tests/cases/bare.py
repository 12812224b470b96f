"""The x86_64 image on machines without what a PC has always had: no serial
port, no PIT, no PIC, no CMOS clock, no PCI ports. The console is virtio's, PCI
is found by ACPI. QEMU's microvm with those devices taken away stands for the
micro-VM monitors of that kind."""
import os
import threading

from dialogue import Dialogue
from fake import Fake
from harness import Skip, case, check, equal, new_dir
from images import image
from lab import pki, read
from ntpserver import NtpServer
from vm import (KERNEL, boot, cpio, expect_delivery, plain_files,
                plain_server, tls_files)

BARE = ('microvm,x-option-roms=off,isa-serial=off,pic=off,pit=off,rtc=off,'
        'acpi=')


def console(bus, to='stdio'):
    """A virtio console on that bus."""
    return ['-chardev', to + ',id=c', '-device', f'virtio-serial-{bus}',
            '-device', 'virtconsole,chardev=c']


def bare(name, machine, bus, status=1, more=(), **kw):
    @case('bare/' + name)
    def run():
        expect_delivery(machine=machine, serial='none', status=status,
                        extra=[*console(bus), *more], **kw)


bare('mmio', BARE + 'off', 'device')
bare('mmio-acpi', BARE + 'on', 'device')
bare('mmio-legacy', BARE + 'on', 'device',
     more=['-global', 'virtio-mmio.force-legacy=true'])
bare('mmio-power-off', BARE + 'on', 'device', debug_exit=None, status=0)
bare('pci', BARE + 'on,pcie=on', 'pci', nic='virtio-net-pci')
bare('pci-power-off', BARE + 'on,pcie=on', 'pci', nic='virtio-net-pci',
     debug_exit=None, status=0)
bare('pci-root-port', BARE + 'on,pcie=on', 'pci', nic=None, more=[
    '-device', 'pcie-root-port,id=b,chassis=1',
    '-netdev', 'user,id=n', '-device', 'virtio-net-pci,netdev=n,bus=b'])
bare('pci-3G', BARE + 'on,pcie=on', 'pci', nic='virtio-net-pci', memory='3G')
bare('pci-no-msix', BARE + 'on,pcie=on', 'pci',
     nic='virtio-net-pci,vectors=0')


@case('bare/configuration-error')
def configuration_error():
    """The report line is whole although nothing but the console is there."""
    for machine, bus in ((BARE + 'off', 'device'),
                         (BARE + 'on,pcie=on', 'pci')):
        b = boot(image(KERNEL), machine=machine, serial='none', nic=None,
                 extra=console(bus))
        equal((b.status, b.exit), (157, 78), 'the end', b)
        check('bootmail ' in b.text, 'what was said before', b)


@case('bare/panic')
def panic():
    for kind, words in (('panic', 'self-test'), ('null', 'page fault')):
        b = boot(image('x86_64-selftest'), machine=BARE + 'off',
                 serial='none', append=f'selftest={kind}',
                 extra=console('device'))
        equal((b.status, b.exit), (141, 70), 'the end', b)
        check(words in b.text, 'what happened', b)


@case('bare/long-report')
def long_report():
    """More recipients than the console takes at once."""
    people = ','.join(f'person-{i:03}@mail.test' for i in range(90))
    with plain_server() as srv:
        files = plain_files(srv.port)
        files['bootmail.conf'] += f'to {people}\n'.encode()
        b = boot(image(KERNEL), machine=BARE + 'off', serial='none',
                 initrd=cpio(files), extra=console('device'))
        equal((b.status, b.exit), (1, 0), 'the end', b)
        equal(len(b.report['recipients']), 91, 'recipients', b)


@case('bare/both-consoles')
def both():
    """With COM1 as well both say the same, from the first line on."""
    path = os.path.join(new_dir('console'), 'text')
    for machine, bus in (('q35', 'pci'), ('microvm', 'device')):
        b, _ = expect_delivery(machine=machine, extra=console(
            bus, f'file,path={path}'))
        equal(read(path).decode().splitlines(), b.text.splitlines(),
              'the virtio console', b)


@case('bare/nobody-reads')
def nobody_reads():
    """A console that is full: the mail goes out all the same."""
    pipe = os.path.join(new_dir('console'), 'pipe')
    os.mkfifo(pipe)
    fd = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    try:
        while True:
            os.write(fd, b'x' * 4096)
    except BlockingIOError:
        pass
    try:
        with plain_server() as srv:
            b = boot(image(KERNEL), machine=BARE + 'off', serial='none',
                     initrd=cpio(plain_files(srv.port)),
                     extra=console('device', f'pipe,path={pipe}'))
            equal(b.status, 1, 'the end', b)
            equal(len(srv.wires[0].messages), 1, 'delivered')
    finally:
        os.close(fd)


@case('bare/no-clock')
def no_clock():
    """TLS cannot judge a certificate without the date, and says so."""
    with Fake(Dialogue(auth=()), pki=pki()) as srv:
        b = boot(image(KERNEL), machine=BARE + 'off', serial='none',
                 initrd=cpio(tls_files(srv.port)), extra=console('device'))
        check(b.exit not in (0, None), 'the end', b)
        check('no clock' in b.reason, 'the reason', b)


_port123 = threading.Lock()


def time_server(kind):
    """On port 123, which one at a time can have, and only root."""
    try:
        return NtpServer(kind)
    except PermissionError as e:
        raise Skip('port 123 of the loopback cannot be had') from e


def ntp(kind, *words, conf='ntp 10.0.2.2\n', tries=None):
    """words: of the reason; none: the mail is delivered"""
    @case('bare/ntp-' + kind)
    def run():
        with _port123, time_server(kind) as times, Fake(
                Dialogue(auth=()), pki=pki()) as srv:
            files = tls_files(srv.port)
            files['bootmail.conf'] += conf.encode()
            b = boot(image(KERNEL), machine=BARE + 'off', serial='none',
                     initrd=cpio(files), extra=console('device'))
            if words:
                equal((b.status, b.exit), (149, 74), 'the end', b)
                equal(srv.connections, 0, 'connections', b)
            else:
                equal((b.status, b.exit), (1, 0), 'the end', b)
            for word in words:
                check(word in b.reason, f'the reason lacks "{word}"', b)
            asked = times.questions
        equal(len(asked), tries or 1, 'questions', b)
        equal(len({q[40:48] for q in asked}), len(asked), 'nonces', asked)
        for q in asked:
            equal((len(q), q[:40]), (48, b'\x23' + bytes(39)), 'question')


ntp('right')
ntp('late')
ntp('silent', 'time server 10.0.2.2', 'does not answer', tries=3)
ntp('nonce', 'does not answer', tries=3)
ntp('short', 'does not answer', tries=3)
ntp('kiss', 'does not serve us')
ntp('old', 'before this image was built')
ntp('unset', 'clock is not set')


@case('bare/ntp-not-needed')
def ntp_not_needed():
    """A machine that knows the date asks nobody."""
    with _port123, time_server('right') as times:
        expect_delivery(lambda port: {
            **plain_files(port), 'bootmail.conf': plain_files(port)[
                'bootmail.conf'] + b'ntp 10.0.2.2\n'})
        equal(times.questions, [], 'questions')


@case('bare/ntp-second-server')
def ntp_second():
    """The first is no address that answers; and the Date field is right."""
    with _port123, time_server('right'), plain_server() as srv:
        files = plain_files(srv.port)
        files['bootmail.conf'] += b'ntp 10.0.2.99,10.0.2.2\n'
        files['message'] = b'Subject: x\n\nx\n'
        b = boot(image(KERNEL), machine=BARE + 'off', serial='none',
                 initrd=cpio(files), extra=console('device'))
        equal((b.status, b.exit), (1, 0), 'the end', b)
        check('no time from 10.0.2.99' in b.text, 'the first', b)
        got = srv.wires[0].messages[0]['data']
        check(b'\r\nDate: ' in b'\r\n' + got, 'no Date field', got)
