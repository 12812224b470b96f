"""The page tables of a stopped machine, walked from outside by the books, and
judged. Nothing here asks QEMU what it thinks a page is.

    leaves, faults = walk(stub, 'x86_64')
    faults += judge(leaves, layout)

x86_64: Intel SDM volume 3, 4.5. riscv64: Privileged Architecture, 4.4 (Sv39,
Sv48). aarch64: Arm ARM, D8.2 (VMSAv8-64, 4 KiB granule, the lower range).
"walk" reads only register(name) and read(at, size): the self-test gives it
both from a dictionary.
"""
import bisect
import collections
import struct

PAGE = 4096

# What one entry maps: rights are the processor's final word, all levels and
# the control registers taken together.
Leaf = collections.namedtuple('Leaf', 'at size phys w x user')


def bit(value, n):
    return value >> n & 1


class Walk:
    """Goes down the levels; "entry" of a subclass reads one entry."""
    levels = 4

    def __init__(self, stub):
        self.stub, self.leaves, self.faults = stub, [], []
        self.seen = set()

    def fault(self, words, *numbers):
        self.faults.append(words + ' '.join(hex(n) for n in numbers))

    def table(self, at, level, base, state):
        if (at, level) in self.seen and level == 0:
            self.fault('a table is used twice: ', at)
        self.seen.add((at, level))
        if len(self.seen) > 4096:
            raise RuntimeError('tables without end')
        shift = 12 + 9 * level
        page = self.stub.read(at, PAGE)
        for i, e in enumerate(struct.unpack('<512Q', page)):
            va = base | i << shift
            kind, phys, below = self.entry(e, level, state)
            if kind == 'table':
                self.table(phys, level - 1, va, below)
            elif kind == 'leaf':
                if phys & ((1 << shift) - 1):
                    self.fault('a large page lies across its size: ', va)
                w, x, user = below
                self.leaves.append(Leaf(va, 1 << shift, phys, w, x, user))


class X86(Walk):
    """state: (writable, executable, user) so far"""

    def run(self):
        cr0, cr4, efer = map(self.stub.register, ('cr0', 'cr4', 'efer'))
        for value, n, what in (
                (cr0, 31, 'paging'), (cr0, 16, 'write protection (CR0.WP)'),
                (cr4, 5, 'PAE'), (efer, 10, 'long mode'),
                (efer, 11, 'no-execute (EFER.NXE)')):
            if not bit(value, n):
                self.fault(f'{what} is off')
        for n, what in ((11, 'UMIP'), (20, 'SMEP'), (21, 'SMAP')):
            if not bit(cr4, n):
                self.fault(f'{what} is off')
        self.nx = bit(efer, 11)
        root = self.stub.register('cr3') & 0x000ffffffffff000
        self.table(root, 4 if bit(cr4, 12) else 3, 0, (True, True, True))

    def entry(self, e, level, state):
        if not bit(e, 0):
            return None, 0, None
        w, x, user = state
        state = (w and bool(bit(e, 1)), x and not (self.nx and bit(e, 63)),
                 user and bool(bit(e, 2)))
        phys = e & 0x000ffffffffff000
        if level != 0 and not bit(e, 7):
            return 'table', phys, state
        if level > 2:
            self.fault('an entry with PS set at level ', level)
            return None, 0, None
        return 'leaf', phys & ~0x1000 if level else phys, state


class Riscv(Walk):
    def run(self):
        satp, status = map(self.stub.register, ('satp', 'mstatus'))
        top = {8: 2, 9: 3, 10: 4}.get(satp >> 60)
        if top is None:
            self.fault('paging is off: satp is ', satp)
            return
        for n, what in ((18, 'SUM: reaches pages of users'),
                        (19, 'MXR: reads what is executable only')):
            if bit(status, n):
                self.fault(f'{what} is on')
        self.table((satp & (1 << 44) - 1) << 12, top, 0, None)

    def entry(self, e, level, state):
        if not bit(e, 0):
            return None, 0, None
        r, w, x, user = (bool(bit(e, n)) for n in (1, 2, 3, 4))
        phys = (e >> 10 & (1 << 44) - 1) << 12
        if w and not r:
            self.fault('an entry is writable and not readable: ', e)
        if not (r or w or x):
            if level:
                return 'table', phys, None
            self.fault('a pointer at the last level: ', e)
            return None, 0, None
        return 'leaf', phys, (w, x, user)


class Arm(Walk):
    """state: (writable, executable at EL1, reached from EL0) so far"""

    def run(self):
        sctlr, tcr = map(self.stub.register, ('SCTLR', 'TCR_EL1')) \
            if self.stub.has('SCTLR') else \
            map(self.stub.register, ('SCTLR_EL1', 'TCR_EL1'))
        if not bit(sctlr, 0):
            self.fault('the MMU is off')
        self.wxn = bit(sctlr, 19)
        if not self.wxn:
            self.fault('SCTLR_EL1.WXN is off')
        # Armv8.1: taking an exception must not leave PAN off
        if bit(self.stub.register('cpsr'), 22) == 0:
            self.fault('PAN is off')
        if not bit(tcr, 23):
            self.fault('the upper range (TTBR1_EL1) is walked')
        if tcr >> 14 & 3:
            self.fault('the granule is not 4 KiB')
            return
        bits = 64 - (tcr & 63)
        if bits not in (39, 48):
            self.fault('addresses have neither 39 nor 48 bits: ', bits)
            return
        level = (bits - 13) // 9
        root = self.stub.register('TTBR0_EL1') & 0x0000fffffffff000
        self.table(root, level, 0, (True, True, True))

    def entry(self, e, level, state):
        if not bit(e, 0):
            return None, 0, None
        w, x, user = state
        phys = e & 0x0000fffffffff000
        if bit(e, 1) and level:
            state = (w and not bit(e, 62), x and not bit(e, 59),
                     user and not bit(e, 61))
            return 'table', phys, state
        if not level and not bit(e, 1) or level > 2:
            self.fault('an entry of a kind that is reserved: ', e)
            return None, 0, None
        w = w and not bit(e, 7)
        user = user and bool(bit(e, 6))
        x = x and not bit(e, 53)
        # the tables are to say so themselves, not only WXN (D8.4)
        if w and x:
            self.fault('an entry is writable and executable: ', e)
        x = x and not (w and (self.wxn or user))
        return 'leaf', phys, (w, x, user or not bit(e, 54))


WALKS = {'x86_64': X86, 'riscv64': Riscv, 'aarch64': Arm}


def walk(stub, isa):
    """([Leaf], [what is wrong with the registers or the tables])"""
    w = WALKS[isa](stub)
    w.run()
    return w.leaves, w.faults


Range = collections.namedtuple('Range', 'name start end rights')


def layout(symbols, slide):
    """What the linker's symbols promise: ranges with "rx", "r", "rw" or ""
    (not mapped)."""
    def at(name):
        return symbols[name] + slide

    fixed = symbols.get('__relro_end', symbols['__rodata_end']) + slide
    ranges = [Range('text', at('__text_start'), at('__text_end'), 'rx'),
              Range('constants', at('__text_end'), fixed, 'r')]
    guards = sorted(n for n in symbols if n.startswith('__guard_') and
                    n != '__guard_init')
    ranges += [Range(n, at(n), at(n) + PAGE, '') for n in guards]
    holes = sorted([r.start for r in ranges if not r.rights] +
                   ([at('__window')] if '__window' in symbols else []))
    start = fixed
    for hole in [*holes, at('__image_end')]:
        if start < hole:
            ranges.append(Range('data', start, hole, 'rw'))
        start = hole + PAGE
    return ranges


def finder(leaves):
    """page -> the leaf that maps it, or None"""
    leaves = sorted(leaves)
    starts = [leaf.at for leaf in leaves]

    def find(page):
        i = bisect.bisect_right(starts, page) - 1
        if i >= 0 and page < leaves[i].at + leaves[i].size:
            return leaves[i]
        return None
    return find


def judge(leaves, ranges):
    """Everything that is wrong, in words; []: nothing."""
    wrong = []
    for leaf in leaves:
        where = f'page {leaf.at:#x} ({leaf.size:#x} bytes)'
        if leaf.w and leaf.x:
            wrong.append(f'{where} is writable and executable')
        if leaf.user:
            wrong.append(f'{where} is for users')
        if leaf.at < PAGE:
            wrong.append(f'{where}: null is mapped')
        if leaf.phys != leaf.at:
            wrong.append(f'{where} is not one to one: {leaf.phys:#x}')
        if leaf.x and not any(r.rights == 'rx' and r.start <= leaf.at and
                              leaf.at + leaf.size <= r.end for r in ranges):
            wrong.append(f'{where} is executable and not text')
    find = finder(leaves)
    for r in ranges:
        for page in range(r.start, r.end, PAGE):
            leaf = find(page)
            got = '' if leaf is None else ('r' + 'w' * leaf.w + 'x' * leaf.x)
            if got != r.rights:
                wrong.append(f'{r.name}, page {page:#x}: "{got}", not '
                             f'"{r.rights}"')
    return wrong + aliases(leaves)


def aliases(leaves):
    """Memory that one page executes and another one writes."""
    code = [(x.phys, x.phys + x.size) for x in leaves if x.x]
    return [f'page {a.at:#x} writes to code at {a.phys:#x}'
            for a in leaves if a.w and not a.x
            for start, end in code if a.phys < end and start < a.phys + a.size]


def find_slide(leaves, symbols):
    """How far the image lies from where it was linked: the lowest executable
    page is the start of its text."""
    code = [leaf.at for leaf in leaves if leaf.x]
    return min(code) - symbols['__text_start'] if code else 0
