"""The live page tables of a running image, walked from outside (pagewalk.py)
on every board and machine; and the walker itself, on tables that are wrong."""
import contextlib
import os
import re
import struct

from fake import Silent
from gdbstub import Stub
from harness import case, check, equal, new_dir
from images import image
from pagewalk import PAGE, WALKS, find_slide, judge, layout, walk
from vm import BOARDS, MACHINES, Machine, boot, cpio, plain_files, symbols

# ------------------------------------------------------ the walker's own test

SYMBOLS = {'__text_start': 0x100000, '__text_end': 0x102000,
           '__rodata_end': 0x103000, '__image_end': 0x108000,
           '__guard_stack': 0x105000}
GOOD = {0x100000: 'rx', 0x101000: 'rx', 0x102000: 'r', 0x103000: 'rw',
        0x104000: 'rw', 0x106000: 'rw', 0x107000: 'rw'}
BIG = 0x200000  # one 2 MiB page of RAM behind the image
ROOT, DIR, LAST, TOP = 0x10000, 0x11000, 0x12000, 0x13000


class Tables:
    """A stub made of dictionaries: three or four levels, by the book."""

    def __init__(self, isa):
        self.isa, self.words = isa, {}
        self.registers = {
            'x86_64': {'cr0': 0x80010001, 'cr4': 0x300820, 'efer': 0xc00,
                       'cr3': TOP},
            'riscv64': {'satp': 8 << 60 | ROOT >> 12, 'mstatus': 0},
            'aarch64': {'SCTLR': 1 << 19 | 1, 'TCR_EL1': 1 << 23 | 25,
                        'TTBR0_EL1': ROOT, 'cpsr': 1 << 22}}[isa].copy()
        if isa == 'x86_64':
            self.put(TOP, 0, self.pointer(ROOT))
        self.put(ROOT, 0, self.pointer(DIR))
        self.put(DIR, 0, self.pointer(LAST))
        self.put(DIR, 1, self.leaf(BIG, 'rw', big=True))
        for at, rights in GOOD.items():
            self.page(at, rights)

    def put(self, table, i, entry):
        self.words[table + 8 * i] = entry

    def page(self, at, rights, phys=None, more=0):
        self.put(LAST, at >> 12 & 511,
                 self.leaf(at if phys is None else phys, rights) | more)

    def pointer(self, to):
        if self.isa == 'riscv64':
            return to >> 12 << 10 | 1
        return to | (7 if self.isa == 'x86_64' else 3)

    def leaf(self, to, rights, big=False):
        w, x, u = ('w' in rights, 'x' in rights, 'u' in rights)
        if self.isa == 'x86_64':
            return to | 1 | w << 1 | u << 2 | big << 7 | (not x) << 63
        if self.isa == 'riscv64':
            return to >> 12 << 10 | 3 | w << 2 | x << 3 | u << 4
        return (to | (1 if big else 3) | u << 6 | (not w) << 7 | 1 << 10 |
                (not x) << 53 | 1 << 54)

    def register(self, name):
        return self.registers[name]

    def has(self, name):
        return name in self.registers

    def read(self, at, size):
        return b''.join(struct.pack('<Q', self.words.get(at + i, 0))
                        for i in range(0, size, 8))


def verdict(tables):
    leaves, faults = walk(tables, tables.isa)
    return faults + judge(leaves, layout(SYMBOLS, 0))


# what is done to good tables, and a word of what must be said
SPOILED = [
    ('all', 'writable text', 'writable and exec|"rw", not "rx"',
     lambda t: t.page(0x101000, 'rwx')),
    ('all', 'executable data', 'not text|writable and executable',
     lambda t: t.page(0x104000, 'rwx')),
    ('all', 'executable constants', 'not text',
     lambda t: t.page(0x102000, 'rx')),
    ('all', 'writable constants', '"rw", not "r"',
     lambda t: t.page(0x102000, 'rw')),
    ('all', 'read-only data', '"r", not "rw"',
     lambda t: t.page(0x103000, 'r')),
    ('all', 'a guard that is mapped', '__guard_stack',
     lambda t: t.page(0x105000, 'rw')),
    ('all', 'null', 'null is mapped', lambda t: t.page(0, 'r')),
    ('all', 'a page for users', 'for users',
     lambda t: t.page(0x104000, 'rwu')),
    ('all', 'text that is not there', '"", not "rx"',
     lambda t: t.put(LAST, 0x101, 0)),
    ('all', 'a second way to the text', 'writes to code',
     lambda t: t.page(0x109000, 'rw', phys=0x100000)),
    ('all', 'a large page over the text', 'writes to code|not "rx"',
     lambda t: t.put(DIR, 0, t.leaf(0, 'rw', big=True))),
    ('all', 'a large page across its size', 'across its size',
     lambda t: t.put(DIR, 1, t.leaf(BIG, 'rw', big=True) |
                     (1 << 12 if t.isa == 'riscv64' else 1 << 13))),
    ('x86_64', 'no-execute off', 'EFER.NXE',
     lambda t: t.registers.update(efer=0x400)),
    ('x86_64', 'write protection off', 'CR0.WP',
     lambda t: t.registers.update(cr0=0x80000001)),
    ('x86_64', 'SMEP off', 'SMEP', lambda t: t.registers.update(cr4=0x200820)),
    ('x86_64', 'SMAP off', 'SMAP', lambda t: t.registers.update(cr4=0x100820)),
    ('x86_64', 'UMIP off', 'UMIP', lambda t: t.registers.update(cr4=0x300020)),
    ('riscv64', 'paging off', 'paging is off',
     lambda t: t.registers.update(satp=0)),
    ('riscv64', 'SUM on', 'SUM', lambda t: t.registers.update(mstatus=1 << 18)),
    ('riscv64', 'MXR on', 'MXR', lambda t: t.registers.update(mstatus=1 << 19)),
    ('riscv64', 'write-only page', 'not readable',
     lambda t: t.put(LAST, 0x109, 0x109 << 10 | 5)),
    ('riscv64', 'a pointer at the end', 'last level',
     lambda t: t.put(LAST, 0x109, t.pointer(ROOT))),
    ('aarch64', 'MMU off', 'MMU', lambda t: t.registers.update(SCTLR=1 << 19)),
    ('aarch64', 'WXN off', 'WXN', lambda t: t.registers.update(SCTLR=1)),
    ('aarch64', 'PAN off', 'PAN', lambda t: t.registers.update(cpsr=0)),
    ('aarch64', 'the upper range', 'upper range',
     lambda t: t.registers.update(TCR_EL1=25)),
    ('aarch64', 'EL0 executes', 'for users', lambda t: t.put(
        LAST, 0x104, t.leaf(0x104000, 'rw') & ~(1 << 54))),
]


def selftest(isa):
    @case('pagetables/walker-' + isa)
    def run():
        equal(verdict(Tables(isa)), [], 'good tables')
        for which, what, words, spoil in SPOILED:
            if which not in ('all', isa):
                continue
            tables = Tables(isa)
            spoil(tables)
            said = verdict(tables)
            check(any(re.search(words, line) for line in said),
                  f'{what}: not seen', said)


for i in WALKS:
    selftest(i)


@case('pagetables/walker-levels')
def levels():
    """What an upper level takes away, the last one cannot give back."""
    t = Tables('x86_64')
    t.put(DIR, 0, t.pointer(LAST) & ~2)
    check(all(not leaf.w for leaf in walk(t, 'x86_64')[0]
              if leaf.at < BIG), 'x86_64: write')
    t.put(ROOT, 0, t.pointer(DIR) | 1 << 63)
    check(not any(leaf.x for leaf in walk(t, 'x86_64')[0]), 'x86_64: execute')
    t = Tables('aarch64')
    t.put(DIR, 0, t.pointer(LAST) | 1 << 62 | 1 << 59)
    check(not any(leaf.w or leaf.x for leaf in walk(t, 'aarch64')[0]
                  if leaf.at < BIG), 'aarch64: write, execute')


# ------------------------------------------------------------- live machines

def code_of(path):
    """(address, bytes) of the executable segment of an ELF64 file."""
    with open(path, 'rb') as f:
        data = f.read()
    at, = struct.unpack_from('<Q', data, 32)
    size, count = struct.unpack_from('<HH', data, 54)
    for i in range(at, at + size * count, size):
        kind, flags, offset, va, _, n = struct.unpack_from('<IIQQQQ', data, i)
        if kind == 1 and flags & 1:
            return va, data[offset:offset + n]


@contextlib.contextmanager
def stopped(board, **kw):
    """A machine that waits for a server's greeting, and its stub."""
    path = os.path.join(new_dir('gdb'), 'stub')
    with Silent() as srv, Machine(
            image(board), board=board, initrd=cpio(plain_files(srv.port)), **kw,
            extra=['-gdb', f'unix:{path},server=on,wait=off']) as vm:
        vm.wait_for('connected to')
        with Stub(path) as stub:
            yield stub


def examine(stub, isa, board):
    """(faults, slide)"""
    s = symbols(board)
    leaves, faults = walk(stub, isa)
    check(len(leaves) > 100, 'these tables map nothing', leaves)
    slide = find_slide(leaves, s)
    faults += judge(leaves, layout(s, slide))
    # and the slide is the true one: the code lies there
    va, code = code_of(image(board) + '.elf')
    for at in range(0, len(code), 7 * PAGE):
        n = min(64, len(code) - at)
        equal(stub.read(va + slide + at, n), code[at:at + n],
              f'code at {va + slide + at:#x}')
    return faults, slide


def live(board, isa, machine):
    @case(f'pagetables/{board}-{machine}')
    def run():
        with stopped(board, machine=machine) as stub:
            equal(examine(stub, isa, board)[0], [], 'found wrong')


for m in MACHINES:
    live('x86_64', 'x86_64', m)
for m in ('virt', 'virt,gic-version=3', 'virt,virtualization=on'):
    live('aarch64', 'aarch64', m)
for m in ('virt', 'virt,aia=aplic-imsic'):
    live('riscv64', 'riscv64', m)


@case('pagetables/live-and-spoiled')
def spoiled():
    """One bit of a running machine's tables is turned over, and seen."""
    with stopped('x86_64') as stub:
        leaves, _ = walk(stub, 'x86_64')
        text = next(x for x in leaves if x.x)
        table = stub.register('cr3') & ~0xfff
        for level in (3, 2, 1):
            table = struct.unpack('<Q', stub.read(
                table + 8 * (text.at >> 12 + 9 * level & 511), 8))[0]
            table &= 0x000ffffffffff000
        at = table + 8 * (text.at >> 12 & 511)
        entry, = struct.unpack('<Q', stub.read(at, 8))
        stub.write(at, struct.pack('<Q', entry | 2))
        said = examine(stub, 'x86_64', 'x86_64')[0]
        check(any('writable and executable' in line for line in said),
              'a writable page of the text is not seen', said)


# ------------------------------------------------------------------ the slide

def base(board, **kw):
    """Where the image was, by the dump of a fault on purpose."""
    b = boot(image(board + '-selftest'), board=board, nic=None,
             append='selftest=null ' + kw.pop('append', ''), **kw)
    m = re.search(r'^image +([0-9a-f]{16})', b.text, re.M)
    check(m, 'no dump', b)
    return int(m[1], 16)


def bases(board, name, times, least, **kw):
    @case(f'pagetables/bases-{name}')
    def run():
        seen = [base(board, memory='32M', **kw) for _ in range(times)]
        check(len(set(seen)) >= least, f'{len(set(seen))} bases',
              [hex(b) for b in seen])
        start = max(0x100000, BOARDS[board].ram)
        for b in seen:
            check(b % PAGE == 0, hex(b))
            check(start <= b < BOARDS[board].ram + (32 << 20), hex(b))


bases('x86_64', 'x86_64', 20, 15)
bases('x86_64', 'x86_64-q35', 8, 6, machine='q35')
bases('x86_64', 'x86_64-no-rdrand', 20, 15, cpu='qemu64')
bases('aarch64', 'aarch64', 12, 9)
bases('aarch64', 'aarch64-no-rndr', 12, 9, cpu='cortex-a53')


@case('pagetables/base-fixed')
def fixed():
    """For a debugger, and where there is no room for a second image."""
    linked = symbols('x86_64-selftest')['__image_start']
    equal(base('x86_64', append='nokaslr'), linked, 'nokaslr')
    equal(base('x86_64', memory='4M'), linked, 'no room')
    equal(base('aarch64', append='nokaslr'), 0x40200000, 'nokaslr')
