"""Network cards: which of several is used, links that come and go, what is
said of a card that cannot be driven."""
from dialogue import Dialogue
from fake import Fake, Silent
from harness import case, check, equal
from images import image
from netlab import expect, send
from vm import (KERNEL, Machine, boot, configured, cpio, expect_delivery,
                plain_files, plain_server)

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


CARDS = ('e1000', 'e1000-82544gc', 'e1000-82545em', 'e1000e')


def delivers(name, arrives, **kw):
    @case('nic/' + name)
    def run():
        b, _ = expect_delivery(configured(trace='on'), **kw)
        check(('interrupts arrive' in b.text) == arrives, 'its interrupt', b)


for card in CARDS:
    for m in ('q35', 'pc'):
        delivers(f'{card}-{m}', card != 'e1000e', machine=m, nic=card)


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


# ------------------------------------------------------------------ the link

def steered(port, steps, more='', **kw):
    """A machine that is stopped before its first instruction; steps(vm) says
    when it goes. Returns the report and the log."""
    files = plain_files(port)
    files['bootmail.conf'] += more.encode()
    with Machine(image(KERNEL), initrd=cpio(files), **{
            **kw, 'extra': [*kw.get('extra', ()), '-S']}) as vm:
        steps(vm)
        return vm.end()


def steps(*what):
    """Texts: commands for the monitor; after ":" a text: wait for that."""
    def run(vm):
        for word in what:
            if word.startswith(':'):
                vm.wait_for(word[1:])
            else:
                vm.monitor(word)
    return run


for machine, first, second in (('microvm', MMIO, MMIO), ('q35', PCI, PCI),
                               ('q35', 'e1000', 'e1000e'), ('pc', PCI, 'e1000')):
    @case(f'nic/auto-{machine}-{first}-{second}')
    def auto(machine=machine, first=first, second=second):
        """The first card has no link: the second is taken."""
        with plain_server() as srv:
            b = steered(srv.port, steps('set_link n1 off', 'c'),
                         machine=machine, nic=None,
                         extra=cards(first, second))
            equal(b.exit, 0, 'report', b)
            check(f'{FIRST}, no link' in b.text, 'the log', b)


@case('nic/auto-none')
def auto_none():
    """No card has a link: the first one waits for it."""
    with plain_server() as srv:
        b = steered(srv.port, steps(
            'set_link n1 off', 'set_link n2 off', 'c',
            f':pci 0:2.0, address {SECOND}, no link', 'set_link n1 on'),
            machine='q35', nic=None, extra=cards(PCI, PCI, 1))
    equal(b.exit, 0, 'report', b)


for card in ('virtio-net-pci', 'e1000', 'e1000e'):
    @case(f'nic/link-comes-{card}')
    def comes(card=card):
        with plain_server() as srv:
            b = steered(srv.port, steps('set_link n off', 'c', ':address',
                                         'set_link n on'),
                         machine='q35', nic=card)
            equal(b.exit, 0, 'report', b)

    @case(f'nic/link-lost-{card}')
    def lost(card=card):
        """In the middle of the session; the reason says so."""
        with Silent() as srv:
            b = steered(srv.port, steps('c', ':connected to',
                                         'set_link n off'),
                         machine='q35', nic=card, more='total_timeout 5\n')
        equal(b.exit, 75, 'report', b)
        check('the network link is down' in b.reason, 'reason', b)

    @case(f'nic/link-lost-and-back-{card}')
    def back(card=card):
        """TCP goes on where it was; all is not over before the link is."""
        with plain_server(act={'CONNECT': ('before', 'sleep', 3)}) as srv:
            b = steered(srv.port, steps('c', ':connected to',
                                         'set_link n off', 'set_link n on'),
                         machine='q35', nic=card)
            equal(b.exit, 0, 'report', b)
