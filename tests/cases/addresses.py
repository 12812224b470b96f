"""Address lists: 1,000 of them made of RFC 5322's grammar, read by
smtp/addrlist.c and by Python's email, both to what was meant."""
import email.headerregistry
import email.policy
import functools
import os
import random
import subprocess

from ctest import build
from harness import TOP, case, check, equal, new_dir

EACH = 500
REGISTRY = email.headerregistry.HeaderRegistry()


@functools.lru_cache(None)
def cli():
    return build('tests/host/address_cli.c')


def read(mode, lists):
    """[[(name, spec)]], or a reason for each list"""
    done = subprocess.run([cli(), mode], capture_output=True, timeout=120,
                          input=b''.join(t.encode() + b'\0' for t in lists))
    check(done.returncode == 0, f'exit {done.returncode}', done.stderr)
    rows = done.stdout.decode().split('\n')[:-1]
    equal(len(rows), len(lists), 'lists read')
    return [row if '\x01' in row else
            list(zip(*[iter(row.split('\t')[:-1])] * 2)) for row in rows]


class Maker:
    """Writes lists down in one of the ways there are, and knows what they
    mean. obsolete: RFC 5322 section 4 too."""

    def __init__(self, seed, obsolete):
        self.r, self.obsolete = random.Random(seed), obsolete

    def comment(self, depth=0):
        inner = self.r.choice(('', 'x', 'a b', '\\)', 'c, <d@e>;', '"'))
        if depth < 2 and self.r.random() < .3:
            inner += self.comment(depth + 1)
        return f'({inner})'

    def cfws(self, least=''):
        r = self.r.random()
        if r < .6:
            return least
        blank = self.r.choice((' ', '\t', '\r\n ', '  '))
        return blank if r < .85 else blank + self.comment() + ' '

    def atom(self):
        return ''.join(self.r.choice("abcXYZ019!#$%&'*+-/=?^_`{|}~")
                       for _ in range(self.r.randrange(1, 6)))

    def word(self):
        """(written, meant)"""
        if self.r.random() < .6:
            text = self.atom()
            return text, text
        text = ''.join(self.r.choice('ab ,;:<>()@.\\"[]')
                       for _ in range(self.r.randrange(1, 7))).strip() or 'q'
        return '"%s"' % text.replace('\\', '\\\\').replace('"', '\\"'), text

    def name(self):
        words = [self.word() for _ in range(self.r.randrange(1, 4))]
        written = words[0][0]
        for w, _ in words[1:]:
            written += self.cfws(' ') + w
        return written, ' '.join(m for _, m in words)

    def spec(self):
        dot = lambda: '.' if not self.obsolete else \
            self.cfws() + '.' + self.cfws()
        labels = [self.r.choice(('a', 'x-y', 'mail', '0', 'test'))
                  for _ in range(self.r.randrange(1, 4))]
        atoms = [self.atom() for _ in range(self.r.randrange(1, 3))]
        if self.r.random() < .2:
            text = self.r.choice(('a b', 'x@y', 'q', 'a..b', '(', '>', ','))
            local = meant = f'"{text}"'
        else:
            meant = '.'.join(atoms)
            local = atoms[0] + ''.join(dot() + a for a in atoms[1:])
        if self.r.random() < .15:
            domain = host = self.r.choice(('[192.0.2.1]', '[IPv6:2001:db8::1]'))
        else:
            host = '.'.join(labels)
            domain = labels[0] + ''.join(dot() + a for a in labels[1:])
        return (self.cfws() + local + self.cfws() + '@' + self.cfws() + domain +
                self.cfws(), f'{meant}@{host}')

    def mailbox(self):
        spec, meant = self.spec()
        if self.r.random() < .3:
            return spec, ('', meant)
        name, shown = self.name() if self.r.random() < .8 else ('', '')
        if self.obsolete and self.r.random() < .2:
            spec = '@relay.test,@[192.0.2.1]:' + spec
        return f'{self.cfws()}{name}{self.cfws(" ")}<{spec}>{self.cfws()}', (
            shown, meant)

    def list(self):
        written, meant = [], []
        for _ in range(self.r.randrange(1, 5)):
            rows = [self.mailbox() for _ in range(self.r.randrange(1, 4))]
            if self.r.random() < .25:
                rows = rows[:self.r.randrange(len(rows) + 1)]
                inner = ','.join(w for w, _ in rows) or self.cfws()
                written.append(f'{self.name()[0]}{self.cfws()}:{inner};'
                               + self.cfws())
            else:
                written.append(','.join(w for w, _ in rows))
            meant += [m for _, m in rows]
        glue = ',' if not self.obsolete else self.r.choice((',', ', ,', ',,'))
        return glue.join(written), meant


def python(text):
    """As email reads them; it keeps no local part's quotes."""
    # Python's value has no folds left when it is parsed from a message
    try:
        addresses = REGISTRY('To', text.replace('\r\n', '')).addresses
    except AttributeError:  # of Python 3.11, at an empty group with a comment
        return None
    return [(a.display_name, a.username, a.domain) for a in addresses]


def bare(meant):
    local, host = meant.rsplit('@', 1)
    return local[1:-1] if local.startswith('"') else local, host


@case('addresses/as-meant-and-as-python')
def modern():
    made = [Maker(seed, False).list() for seed in range(EACH)]
    for mode in ('strict', 'lenient'):
        for seed, ((text, meant), got) in enumerate(
                zip(made, read(mode, [t for t, _ in made]))):
            equal(got, meant, f'seed {seed}, {mode}', text)
    gave_up = 0
    for seed, (text, meant) in enumerate(made):
        got = python(text)
        gave_up += got is None
        if got is not None:
            equal(got, [(name, *bare(spec)) for name, spec in meant],
                  f'seed {seed}, Python', text)
    check(gave_up < EACH // 10, f'Python gave up on {gave_up} of {EACH}')


@case('addresses/obsolete')
def obsolete():
    """Lenient: to what was meant. Strict: that, or a reason."""
    made = [Maker(seed, True).list() for seed in range(EACH)]
    texts = [t for t, _ in made]
    refused = 0
    for seed, ((text, meant), soft, hard) in enumerate(
            zip(made, read('lenient', texts), read('strict', texts))):
        equal(soft, meant, f'seed {seed}', text)
        if hard != meant:
            check('\x01' in hard, f'seed {seed} read otherwise', hard, text)
            refused += 1
    check(refused > EACH // 5, f'only {refused} refused')


@case('addresses/launcher')
def launcher():
    """aliases and rate_limit want to know whom the image will send to."""
    folder, count = new_dir('lists'), 100
    meant = []
    for n in range(2 * count):
        text, rows = Maker(n, n >= count).list()
        meant.append([spec for _, spec in rows])
        os.mkdir(f'{folder}/{n}')
        with open(f'{folder}/{n}/message', 'wb') as f:
            f.write(f'To: {text}\r\n\r\nx\r\n'.encode())
    done = subprocess.run(
        ['bash', '-c', '. "$1/scripts/launcher/recipients.bash"\n'
         f'for ((i = 0; i < {2 * count}; i++)); do call=$2/$i\n'
         'header_lines recipients | addresses; echo; done', '-', TOP, folder],
        capture_output=True, timeout=120, env=dict(os.environ, LC_ALL='C'))
    equal(done.stderr, b'', 'errors')
    got = [[]]
    for line in done.stdout.decode().split('\n')[:-1]:
        if line:
            got[-1].append(line)
        else:
            got.append([])
    equal(got[:-1], meant, 'addresses')
