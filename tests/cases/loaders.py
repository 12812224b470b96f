"""The x86_64 image, started by loaders other than QEMU's own: GRUB from a CD
with a BIOS and with UEFI (OVMF). Without the launcher, as in board.py."""
import os
import shutil

from dialogue import Dialogue
from fake import Fake
from harness import case, check, equal, new_dir, succeed
from images import image
from lab import pki
from vm import (KERNEL, MESSAGE, boot, cpio, firmware, plain_files,
                plain_server, tls_files)

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
