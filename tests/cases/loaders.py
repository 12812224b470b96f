"""The x86_64 image, started by loaders other than QEMU's own: GRUB from a CD
with a BIOS and with UEFI (OVMF), and its own UEFI program from a disk. Without
the launcher, as in board.py."""
import base64
import os
import re
import shutil
import time

from dialogue import Dialogue
from fake import Fake
from harness import (BUILD, TOP, case, check, equal, new_dir, once,
                     private_file, succeed)
from images import image
from lab import pki, read
from vm import (KERNEL, MESSAGE, Machine, boot, cpio, firmware, plain_files,
                plain_server, tls_files, wait_until)

FIRMWARE = ('bios', 'ovmf')
GRUB_MODULES = 'multiboot2 normal iso9660 part_msdos part_gpt fat'


def grub_cd(files, words='', modules=('/files.cpio',), kernel=None):
    """A CD that GRUB starts the image from, with a BIOS and with UEFI."""
    folder = new_dir('grub')
    tree = os.path.join(folder, 'tree')
    os.makedirs(os.path.join(tree, 'boot/grub'))
    shutil.copy(kernel or image(KERNEL), os.path.join(tree, 'bootmail.elf'))
    with open(os.path.join(tree, 'files.cpio'), 'wb') as f:
        f.write(cpio(files))
    with open(os.path.join(tree, 'boot/grub/grub.cfg'), 'w') as f:
        f.write(f'multiboot2 /bootmail.elf {words}\n' +
                ''.join(f'module2 {m}\n' for m in modules) + 'boot\n')
    cd = os.path.join(folder, 'cd.iso')
    succeed(['grub-mkrescue', '-o', cd, '--fonts=', '--locales=', '--themes=',
             '--install-modules=' + GRUB_MODULES, tree],
            env={**os.environ, 'TMPDIR': folder})
    return cd


def grub_boot(cd, fw='bios', machine='q35', **kw):
    return boot(None, hang=90, machine=machine, memory='128M',
                extra=['-cdrom', cd, *firmware(fw)], **kw)


def grub_delivers(fw, machine='q35'):
    @case(f'loaders/grub-{fw}-{machine}')
    def run():
        """Over TLS 1.3, with one key from the command line."""
        with Fake(Dialogue(auth=()), pki=pki()) as srv:
            b = grub_boot(grub_cd(tls_files(srv.port), 'subject=given'), fw,
                          machine)
            equal((b.status, b.exit), (1, 0), 'the end', b)
            check('multiboot2' in b.text, 'started by another way', b)
            equal(b.report['tls']['version'], 'TLSv1.3', 'TLS', b)
            equal(sum(len(w.messages) for w in srv.wires), 1, 'delivered')


for fw in FIRMWARE:
    grub_delivers(fw)
grub_delivers('bios', 'pc')


@case('loaders/grub-large')
def grub_large():
    """Files that do not fit below 1 MiB, where GRUB puts small ones."""
    message = MESSAGE + b'0123456789abcdef' * 4 + b'\n'
    message += b'line of a long message\n' * 200000
    for fw in FIRMWARE:
        with plain_server() as srv:
            b = grub_boot(grub_cd({**plain_files(srv.port),
                                   'message': message}), fw)
            equal((b.status, b.exit), (1, 0), 'the end', b)
            got = srv.wires[0].messages[0]['data']
            check(got == message.replace(b'\n', b'\r\n'), 'the message', b)


@case('loaders/grub-refusals')
def grub_refusals():
    for wanted, how in (
            ('host is not set', {'modules': ()}),
            ('more than one module', {'modules': ('/files.cpio',) * 2}),
            ('initrd, byte 0', {'modules': ('/bootmail.elf',)}),
            ('longer than 8191', {'words': ' '.join(['a' * 1000] * 9)})):
        b = grub_boot(grub_cd(plain_files(9), **how))
        equal((b.status, b.exit), (157, 78), wanted, b)
        check(wanted in b.reason, wanted, b)


# ------------------------------------------------------------ the UEFI disk

@once
def program():
    """build/x86_64/BOOTX64.EFI"""
    image(KERNEL)
    succeed(['make', '--no-print-directory', 'disk', 'FILES='], cwd=TOP)
    return os.path.join(BUILD, 'x86_64', 'BOOTX64.EFI')


def folder(files):
    """A folder with these files."""
    top = new_dir('files')
    for name, data in files.items():
        path = os.path.join(top, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        private_file(path, data)
    return top


def disk(files):
    out = os.path.join(new_dir('disk'), 'bootmail.img')
    succeed([os.path.join(TOP, 'scripts/disk'), program(), out,
             folder(files)])
    return out


def disk_arguments(image_file, bus='virtio'):
    drive = f'file={image_file},format=raw,id=d,if=none'
    device = {'virtio': 'virtio-blk-pci', 'sata': 'ide-hd', 'nvme':
              'nvme,serial=1', 'usb': 'usb-storage'}[bus]
    extra = ['-device', 'qemu-xhci'] if bus == 'usb' else []
    return [*firmware('ovmf'), '-drive', drive, *extra, '-device',
            device + ',drive=d']


def disk_boot(image_file, bus='virtio', machine='q35', extra=(), **kw):
    return boot(None, hang=90, machine=machine,
                memory=kw.pop('memory', '128M'),
                extra=[*disk_arguments(image_file, bus), *extra], **kw)


def disk_delivers(name, bus='virtio', status=1, memory='128M', **kw):
    @case('loaders/disk-' + name)
    def run():
        """STARTTLS and TLS 1.3, an attachment, a name FAT has no short form
        for."""
        files = {'attach/A long name.txt': b'attached\n'}
        with Fake(Dialogue(auth=()), pki=pki()) as srv:
            b = disk_boot(disk({**tls_files(srv.port), **files}), bus,
                          memory=memory, **kw)
            equal((b.status, b.exit), (status, 0), 'the end', b)
            equal(b.report['tls']['version'], 'TLSv1.3', 'TLS', b)
            got = [x for w in srv.wires for x in w.messages]
            equal(len(got), 1, 'delivered', b)
            check(b'A long name.txt' in got[0]['data'], 'the attachment', got)


disk_delivers('q35')
disk_delivers('power-off', status=0, debug_exit=None)
disk_delivers('sata', bus='sata')
disk_delivers('usb', bus='usb')
disk_delivers('above-4-GiB', memory='5G')
disk_delivers('e1000e', nic='e1000e')


@case('loaders/disk-large')
def disk_large():
    """A message of 12 MB."""
    message = MESSAGE + b'line of a long message\n' * 520000
    with plain_server() as srv:
        b = disk_boot(disk({**plain_files(srv.port), 'message': message}))
        equal((b.status, b.exit), (1, 0), 'the end', b)
        got = srv.wires[0].messages[0]['data']
        check(got == message.replace(b'\n', b'\r\n'), 'the message', b)


def disk_refuses(name, status, words, make):
    @case('loaders/disk-' + name)
    def run():
        b = disk_boot(make())
        equal((b.status, b.exit), (2 * status + 1, status), 'the end', b)
        check(words in b.reason, f'the reason does not say "{words}"', b)


disk_refuses('no-files', 78, 'host is not set', lambda: disk({}))
disk_refuses('too-many-files', 78, 'more than 256 files',
             lambda: disk({f'f{i}': b'' for i in range(257)}))
disk_refuses('too-deep', 78, 'too deep', lambda: disk({'a/b/c/d/e/f': b''}))


def damaged():
    """A program whose image is none, as a broken build might make it."""
    path = os.path.join(new_dir('damaged'), 'BOOTX64.EFI')
    data = read(program())
    at = data.index(b'\x7fELF')
    with open(path, 'wb') as f:
        f.write(data[:at] + b'\x7fELFx' + data[at + 5:])
    out = os.path.join(new_dir('disk'), 'bootmail.img')
    succeed([os.path.join(TOP, 'scripts/disk'), path, out])
    return out


disk_refuses('damaged', 70, 'is broken', damaged)


@case('loaders/disk-refused-power-off')
def disk_refused_off():
    """Without isa-debug-exit the firmware switches the machine off."""
    b = disk_boot(damaged(), debug_exit=None)
    equal((b.status, b.exit), (0, 70), 'the end', b)


@case('loaders/disk-edited')
def disk_edited():
    """The command of scripts/disk: a file changed on a finished disk."""
    with plain_server() as srv:
        out = disk({**plain_files(srv.port), 'message': b'Subject: a\n\nold\n'})
        new = os.path.join(folder({'message': MESSAGE}), 'message')
        text = read(os.path.join(TOP, 'scripts/disk')).decode()
        line = re.search(r'^#   (mcopy .*)$', text, re.M)[1]
        argv = [{'message': new}.get(a, a.replace('IMAGE', out))
                for a in line.split()]
        succeed(argv)
        b = disk_boot(out)
        equal((b.status, b.exit), (1, 0), 'the end', b)
        check(b'Subject: vm' in srv.wires[0].messages[0]['data'], 'message',
              b)


@case('loaders/disk-reproducible')
def disk_reproducible():
    """The same files from another folder at another time: the same bytes."""
    files = {**plain_files(9), 'attach/b': b'x', 'attach/a': b'y'}
    first = disk(files)
    time.sleep(2.1)  # FAT's dates count by two seconds
    other = disk(dict(reversed(files.items())))
    check(read(first) == read(other), 'the bytes differ')


@case('loaders/disk-command-line')
def disk_command_line():
    """Load options, as a boot entry or the UEFI shell gives them: OVMF passes
    them on from QEMU."""
    with plain_server() as srv:
        text = (f'host=10.0.2.2 port={srv.port} tls=off to=a@mail.test '
                'from=b@mail.test')
        b = boot(program(), hang=90, machine='q35', memory='128M',
                 append=text, extra=firmware('ovmf'))
        equal((b.status, b.exit), (131, 65), 'the end', b)
        check('message' in b.reason, 'the reason', b)


@case('loaders/disk-secrets')
def disk_secrets():
    """Neither the image nor what the firmware left behind holds the password
    when the machine goes."""
    secret = b'pAsSw0rd-on-a-disk-51f0'
    path = os.path.join(new_dir('ram'), 'ram')
    with Fake(Dialogue(users={'u': secret.decode()}), pki=pki()) as srv:
        conf = tls_files(srv.port)['bootmail.conf'].replace(
            b'auth off', b'auth plain\nuser u')
        files = {**tls_files(srv.port), 'bootmail.conf': conf,
                 'password': secret + b'\n'}
        with Machine(None, machine='q35', memory='128M', debug_exit=None,
                     extra=['-no-shutdown',
                            *disk_arguments(disk(files))]) as vm:
            vm.wait_for('"ms":{', 90)
            check('"outcome":"sent"' in vm.text, 'the outcome', vm.text)
            wait_until(lambda: 'shutdown' in vm.monitor('info status'))
            vm.monitor(f'pmemsave 0 {128 << 20:#x} "{path}"')
    ram = read(path)
    check(b'host is not set' in ram, 'this is not the RAM of the guest')
    check(secret not in ram, 'the password is still in RAM')


# ------------------------------------------------------- SMBIOS credentials

def credentials(files):
    """QEMU's arguments: text as it is, the rest in base64 from a file."""
    argv = []
    for name, data in files.items():
        if name == 'bootmail.conf':
            name = 'conf'
        else:
            name = name.replace(',', ',,')
        tag = f'io.systemd.credential.binary:bootmail.{name}='
        path = os.path.join(new_dir('credential'), 'value')
        private_file(path, tag.encode() + base64.b64encode(data))
        argv += ['-smbios', 'type=11,path=' + path]
    return argv


def smbios(machine):
    @case('loaders/smbios-' + machine)
    def run():
        """All files by credentials, one of them in plain text; fw_cfg would
        win, an initrd does not. Afterwards the password is nowhere."""
        secret = b'pAsSw0rd-by-smbios-77ab'
        path = os.path.join(new_dir('ram'), 'ram')
        with Fake(Dialogue(users={'u': secret.decode()}), pki=pki()) as srv:
            files = tls_files(srv.port)
            files['bootmail.conf'] = files['bootmail.conf'].replace(
                b'auth off', b'auth plain\nuser u')
            files['attach/one'] = b'attached\n'
            extra = ['-no-shutdown', *credentials(files), '-smbios',
                     'type=11,value=io.systemd.credential:bootmail.password='
                     + secret.decode(), '-smbios',
                     'type=11,value=io.systemd.credential:other=1']
            with Machine(image(KERNEL), machine=machine, memory='32M',
                         debug_exit=None, initrd=cpio(plain_files(9)),
                         extra=extra) as vm:
                vm.wait_for('"ms":{', 60)
                check('"outcome":"sent"' in vm.text, 'the outcome', vm.text)
                wait_until(lambda: 'shutdown' in vm.monitor('info status'))
                vm.monitor(f'pmemsave 0 {32 << 20:#x} "{path}"')
            got = srv.wires[0].messages[0]['data']
        check(b'filename=one' in got or b'filename="one"' in got,
              'the attachment', got)
        ram = read(path)
        check(b'host is not set' in ram, 'this is not the RAM of the guest')
        check(secret not in ram, 'the password is still in RAM')


smbios('q35')
smbios('pc')


@case('loaders/smbios-refusals')
def smbios_refusals():
    for value, words in (
            ('io.systemd.credential:bootmail.message', 'no "="'),
            ('io.systemd.credential.binary:bootmail.message=*', 'base64'),
            ('io.systemd.credential:bootmail.../x=1', '".."'),
            ('io.systemd.credential:bootmail.conf=bogus 1', 'unknown key')):
        b = boot(image(KERNEL), machine='q35',
                 extra=['-smbios', 'type=11,value=' + value])
        equal((b.status, b.exit), (157, 78), value, b)
        check(words in b.reason, f'the reason does not say {words}', b)
