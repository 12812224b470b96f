"""Network cards: which of several is used, links that come and go, what is
said of a card that cannot be driven."""
from dialogue import Dialogue
from fake import Fake
from harness import case, check, equal
from images import image
from netlab import expect, send
from vm import (KERNEL, boot, cpio, expect_delivery, plain_files,
                plain_server)

FIRST, SECOND = '52:54:00:00:00:01', '52:54:00:00:00:02'


def cards(first, second, up=2):
    """Two cards; only number up has a network behind it, the other a hub
    that nobody else is on."""
    nets = [['-netdev', 'user,id=n1'], ['-netdev', 'hubport,id=n1,hubid=1']]
    args = nets[0 if up == 1 else 1] + ['-device',
                                        f'{first},netdev=n1,mac={FIRST}']
    if up == 2:
        args += ['-netdev', 'user,id=n2']
    else:
        args += ['-netdev', 'hubport,id=n2,hubid=1']
    return args + ['-device', f'{second},netdev=n2,mac={SECOND}']


def configured(**keys):
    """plain_files() with more keys."""
    def files(port):
        out = plain_files(port)
        out['bootmail.conf'] += ''.join(
            f'{k} "{v}"\n' for k, v in keys.items()).encode()
        return out
    return files


def chosen(name, machine, value, first, second, up=2, *log):
    @case(f'nic/{name}')
    def run():
        b, _ = expect_delivery(
            configured(interface=value), machine=machine, nic=None,
            extra=cards(first, second, up))
        for words in (SECOND if up == 2 else FIRST, *log):
            check(words in b.text, f'the log does not say "{words}"', b)


MMIO, PCI = 'virtio-net-device', 'virtio-net-pci'
chosen('mac-microvm', 'microvm', SECOND, MMIO, MMIO)
chosen('mac-q35', 'q35', SECOND.upper().replace(':', '-'), PCI, PCI)
chosen('mac-first-q35', 'q35', FIRST, PCI, PCI, 1)
chosen('name-q35', 'q35', 'virtio-net pci 0:2.0', PCI, PCI)
chosen('name-tail-q35', 'q35', '0:1.0', PCI, PCI, 1)


@case('nic/choice-on-the-command-line')
def command_line():
    expect_delivery(machine='q35', nic=None, append=f'interface={SECOND}',
                    extra=cards(PCI, PCI))


@case('nic/no-such')
def no_such():
    """The reason names what there is, and nothing is sent."""
    for value in ('52:54:00:00:00:09', 'eth0'):
        with plain_server() as srv:
            b = boot(image(KERNEL), machine='q35', nic=None,
                     extra=cards(PCI, PCI, 1),
                     initrd=cpio(configured(interface=value)(srv.port)))
            equal(b.exit, 74, 'report', b)
            for words in (f'interface {value}', 'virtio-net pci 0:1.0',
                          'virtio-net pci 0:2.0'):
                check(words in b.reason, f'the reason lacks "{words}"', b)
            check(value == 'eth0' or FIRST in b.reason, 'no address', b)
            equal(srv.connections, 0, 'connections')


@case('nic/posix')
def posix():
    """The process has one card, and the key is honoured there, too."""
    with Fake(Dialogue(users={}), pki=None) as srv:
        r = send('posix', srv.port, more=f'interface {FIRST}\n')
        expect(r, 74, 'temporary', f'interface {FIRST}', 'libslirp')
        equal(srv.connections, 0, 'connections')
