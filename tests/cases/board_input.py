"""What goes into the x86_64 image: how much memory, which initrd, which of
the four sources of files wins, any command line; and what differs or does not
from boot to boot. Like board.py, without the launcher where it can be."""
import gzip
import os
import re
import shutil
import struct
import time

from dialogue import Dialogue
from fake import Fake, Silent
from harness import TOP, bootmail, case, check, equal, new_dir, succeed
from images import image
from lab import pki, read
from vm import (KERNEL, MACHINES, MESSAGE, PLAIN, Machine, boot, cpio, entry,
                expect_delivery, expect_refusal, plain_files, plain_server,
                refuses, tls_files)

# --------------------------------------------------- memory and the initrd

def pad(size):
    return {'pad': b'x' * size}


def around_initrd(machine):
    @case(f'board/initrd-and-memory-{machine}')
    def run():
        """From 1.5 MiB more than the initrd on: delivered, or said why not.
        (With less the loader puts the initrd over the whole image.)"""
        with plain_server() as srv:
            data = cpio(plain_files(srv.port, **pad(7600000)))
            seen = set()
            for more in (1536, 1800, 2048, 2500, 2700, 2900, 3072, 4096):
                kb = (len(data) // 1024 + more) // 4 * 4 + 4
                b = boot(image(KERNEL), machine=machine, memory=f'{kb}K',
                         initrd=data)
                seen.add(b.exit)
                check(b.exit in (0, 78), f'initrd + {more} KiB', b)
                check(b.exit == 0 or 'overlaps' in b.reason, 'reason', b)
                check(b.exit == 0 or more < 3072, f'initrd + {more} KiB', b)
            equal(seen, {0, 78}, 'exits')


for m in MACHINES:
    around_initrd(m)


def big(machine):
    @case(f'board/25-MiB-{machine}')
    def run():
        """In the smallest machine the launcher would give it."""
        body = (b'0123456789.bcdefghijklmnopqrstuvwxyz' * 2 + b'\n') * 359000
        message = MESSAGE + body

        def files(port):
            return {**plain_files(port), 'message': message}
        size = len(cpio(files(10000)))
        b, got = expect_delivery(files, machine=machine, hang=120,
                                 memory=f'{8 + size // 1048576 + 1}M')
        check(got['data'] == message.replace(b'\n', b'\r\n'),
              'the message differs', b)


for m in MACHINES:
    big(m)


@case('board/memory-smaller-than-the-message')
def memory_smaller():
    """--memory that QEMU would fill with the initrd from top to bottom, image
    included: refused before it starts."""
    for memory in ('8M', '8', '8192K', '1M'):
        r = bootmail('--image', image(KERNEL), '--memory', memory,
                     'rcpt@mail.test', message=MESSAGE + b'x\n' * 3800000,
                     conf=PLAIN.format(port=9), timeout=3)
        equal(r.status, 78, 'exit status', r)
        check('memory' in r.log, 'the reason', r)


refuses('initrd-absent', 78, 'host is not set', make=lambda: None)
refuses('initrd-empty', 78, 'host is not set', make=lambda: b'')
refuses('initrd-garbage', 78, 'initrd, byte 0', 'cpio',
        make=lambda: bytes(range(255, 0, -1)) * 5)
refuses('initrd-gzip', 78, 'gzip', 'unpack it first',
        make=lambda: gzip.compress(cpio(plain_files(9))))
refuses('initrd-ten-thousand', 78, 'too many files',
        make=lambda: cpio([(f'f{i}', b'x') for i in range(10000)]))
refuses('initrd-dotdot', 78, '".."',
        make=lambda: cpio([('a/../../bootmail.conf', b'host x\n')]))
refuses('initrd-long-name', 78, 'too long',
        make=lambda: cpio([('a' * 300, b'')]))
refuses('initrd-huge-size', 78, 'cut short', make=lambda: (
    entry('a', b'x')[:54] + b'FFFFFFFF' + entry('a', b'x')[62:]))


@case('board/initrd-truncated')
def truncated():
    data = cpio(plain_files(9))
    for n in (1, 50, 110, 115, 200, len(data) // 2, len(data) - 130,
              len(data) - 10):
        expect_refusal(78, 'initrd, byte', initrd=data[:n])


@case('board/initrd-names')
def names():
    """Absolute names, "./", doubles: the later wins."""
    def files(port):
        conf = PLAIN.format(port=port).encode()
        return [('/bootmail.conf', conf), ('message', b'Subject: one\n\n1\n'),
                ('./message', b'Subject: two\n\n2\n')]
    b, got = expect_delivery(files)
    check(b'Subject: two' in got['data'], 'the message', got)


@case('board/initrd-two-archives')
def two_archives():
    with plain_server() as srv:
        data = cpio(plain_files(srv.port)) + b'\0' * 512 + cpio(
            {'message': MESSAGE.replace(b'vm', b'second')})
        b = boot(image(KERNEL), initrd=data)
        equal(b.exit, 0, 'exit', b)
        check(b'Subject: second' in srv.wires[0].messages[0]['data'],
              'the later archive wins', b)


# ------------------------------------------- where configuration comes from

def level(name, port):
    return (PLAIN.format(port=port).replace('sender@', name + '@') +
            f'subject {name}\n').encode()


def appliance(port):
    """The image with files linked in; the objects are those of the image."""
    build, folder = new_dir('build'), new_dir('files')
    for name, data in (('bootmail.conf', level('builtin', port)),
                       ('message', b'hello\n')):
        with open(os.path.join(folder, name), 'wb') as f:
            f.write(data)
    shutil.copytree(os.path.dirname(image(KERNEL)),
                    os.path.join(build, 'x86_64'))
    succeed(['make', 'image', 'BOARD=x86_64', 'FILES=' + folder,
             'BUILD=' + build, 'DEPS=' + os.environ.get(
                 'DEPS', os.path.join(TOP, 'build', 'deps'))], cwd=TOP)
    return os.path.join(build, 'x86_64', 'bootmail')


@case('board/precedence')
def precedence():
    """built-in < initrd < fw_cfg < command line"""
    with plain_server() as srv:
        kernel = appliance(srv.port)
        fwcfg = os.path.join(new_dir('fwcfg'), 'conf')
        with open(fwcfg, 'wb') as f:
            f.write(level('fwcfg', srv.port))
        initrd = cpio({'bootmail.conf': level('initrd', srv.port)})
        fw = ['-fw_cfg', f'name=opt/org.bootmail/bootmail.conf,file={fwcfg}']
        more = 'subject=cmdline from=cmdline@mail.test'
        count = 0
        for machine in MACHINES:
            for wanted, kw in (
                    ('builtin', {}), ('initrd', {'initrd': initrd}),
                    ('fwcfg', {'initrd': initrd, 'extra': fw}),
                    ('cmdline', {'initrd': initrd, 'extra': fw,
                                 'append': more})):
                b = boot(kernel, machine=machine, **kw)
                equal(b.exit, 0, 'exit', b)
                got = srv.wires[count].messages[0]
                count += 1
                check(f'{wanted}@mail.test' in str(got['sender']),
                      f'sender, {machine}: not {wanted}', got, b)
                check(f'Subject: {wanted}'.encode() in got['data'],
                      f'subject, {machine}: not {wanted}', got, b)


def header_only(port):
    return {**plain_files(port), 'message': b'hello\n'}


def command_line(name, text, subject, **kw):
    @case('board/cmdline-' + name)
    def run():
        b, got = expect_delivery(header_only, append=text, **kw)
        m = re.search(rb'^Subject: (.*?)\r?$', got['data'], re.M)
        equal(m and m[1].decode(), subject, 'Subject', b)


command_line('foreign', 'console=ttyS0 quiet ro init=/bin/sh '
             'virtio_mmio.device=garbage subject=one', 'one')
command_line('dashes', 'nonsense=1 -- subject=two', 'two')
command_line('quoted', 'subject="three words here"', 'three words here')
command_line('long', 'x' * 5000 + ' ' + 'y=' + 'z' * 2500 + ' subject=four',
             'four')
command_line('4000-q35', 'x' * 4000 + ' subject=five', 'five', machine='q35')
refuses('cmdline-unknown', 78, 'command line, line 1, column',
        append='console=ttyS0 -- bogus=1')
refuses('cmdline-too-long', 78, 'command line is longer than 8191',
        append='x' * 9000)
refuses('cmdline-too-long-q35', 78, '4095', machine='q35', append='x' * 6000)


@case('board/fwcfg-empty-and-odd')
def fwcfg_odd():
    expect_refusal(78, 'fw_cfg', initrd=cpio(plain_files(9)), extra=[
        '-fw_cfg', 'name=opt/org.bootmail/../message,string=x'])
    expect_delivery(extra=['-fw_cfg', 'name=opt/org.example/message,string=x',
                           '-fw_cfg', 'name=opt/org.bootmail,string=x'])


# -------------------------------------------------------- many boots, idling

def pcap_syns(path):
    """Sequence numbers of the SYNs that went out."""
    data, at, found = read(path), 24, []
    while at + 16 <= len(data):
        size = struct.unpack_from('<I', data, at + 8)[0]
        frame = data[at + 16:at + 16 + size]
        at += 16 + size
        if frame[12:14] != b'\x08\x00' or frame[23] != 6:
            continue
        tcp = frame[14 + (frame[14] & 15) * 4:]
        if tcp[13] & 0x12 == 2:
            found.append(struct.unpack_from('>I', tcp, 4)[0])
    return found


def many(machine, count, slow):
    @case(f'board/{count}-boots-differ-{machine}', slow=slow)
    def run():
        """No two runs share a Message-ID, a TLS random or a first sequence
        number."""
        ids, randoms, isns = [], [], []
        pcap = os.path.join(new_dir('pcap'), 'pcap')
        with Fake(Dialogue(auth=()), pki=pki()) as srv:
            files = {**tls_files(srv.port), 'message': b'hello\n'}
            for n in range(count):
                b = boot(image(KERNEL), machine=machine, initrd=cpio(files),
                         extra=['-object', 'filter-dump,id=d,netdev=n,file=' +
                                pcap])
                equal((b.status, b.exit), (1, 0), f'boot {n}', b)
                ids.append(b.report['message_id'])
                hello = re.search(rb'STARTTLS\r\n\x16\x03.{2}.\x01.{3}\x03\x03'
                                  rb'(.{32})', srv.wires[n].raw, re.S)
                check(hello, 'no ClientHello', b)
                randoms.append(hello[1])
                isns += pcap_syns(pcap)
            equal(sum(len(w.messages) for w in srv.wires), count, 'delivered')
        equal(len(isns), count, 'SYNs')
        for what, values in (('Message-ID', ids), ('TLS random', randoms),
                             ('sequence number', isns)):
            equal(len(set(values)), count, 'different values of ' + what,
                  values)


many('microvm', 12, False)
many('q35', 20, True)
many('pc', 20, True)


def idle(machine, nic=True):
    name = machine if nic is True else machine + '-no-interrupt'

    @case('board/idle-' + name)
    def run():
        """A guest that waits leaves the host alone."""
        with Silent() as srv, Machine(
                image(KERNEL), machine=machine, nic=nic,
                initrd=cpio(plain_files(srv.port))) as vm:
            vm.wait_for('connected to')
            time.sleep(1.5)
            before = vm.cpu_seconds()
            time.sleep(3)
            used = vm.cpu_seconds() - before
        check(used < 1.5, f'{used:.2f} s of 3 s CPU while idle')


for m in MACHINES:
    idle(m)
idle('q35', 'virtio-net-pci,vectors=0')
