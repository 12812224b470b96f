"""DKIM: random messages signed by smtp/dkim.c, judged by three verifiers
that know nothing of it, dkimpy, OpenDKIM and Perl's Mail::DKIM (RSA only), and
by smtp/dkim_check.c, which also judges what the first and the last sign. Then
through the process to a server, with the key that the configuration names."""
import base64
import functools
import itertools
import os
import random
import subprocess

from ctest import build
from harness import TOP, Skip, case, check, equal, new_dir, once, succeed
from lab import arrived, conf, files, head, launch, server

EACH = 100
FORMS = ('r/r', 'r/s', 's/r', 's/s')
VERIFIERS = {
    'dkimpy': ('/usr/bin/python3', 'tests/host/dkimverify.py',
               ['/usr/bin/python3', '-c', 'import dkim, nacl'],
               'python3-dkim python3-nacl'),
    'Mail::DKIM': ('perl', 'tests/host/dkimverify.pl',
                   ['perl', '-MMail::DKIM::Verifier', '-e', '1'],
                   'libmail-dkim-perl'),
    'opendkim': ('/usr/bin/python3', 'tests/host/dkimverify-opendkim.py',
                 ['/usr/sbin/opendkim', '-V'], 'opendkim'),
}


@functools.lru_cache(None)
def cli():
    return build('tests/host/dkim_cli.c')


@once
def keys():
    """{algorithm: (path of the key, TXT record)}"""
    folder, out = new_dir('dkim'), {}
    for kind, options in (('rsa', ['-algorithm', 'rsa', '-pkeyopt',
                                   'rsa_keygen_bits:2048']),
                          ('ed25519', ['-algorithm', 'ed25519'])):
        path = os.path.join(folder, kind + '.pem')
        succeed(['openssl', 'genpkey', *options, '-out', path])
        der = succeed(['openssl', 'pkey', '-in', path, '-pubout', '-outform',
                       'DER']).stdout
        raw = der if kind == 'rsa' else der[-32:]
        out[kind] = (path, f'v=DKIM1; k={kind}; p=' +
                     base64.b64encode(raw).decode())
    return out


def verdicts(name, record, paths):
    program, script, probe, package = VERIFIERS[name]
    if subprocess.run(probe, capture_output=True).returncode != 0:
        raise Skip(f'no {name}: apt-get install {package}')
    done = succeed([program, os.path.join(TOP, script), record],
                   input='\n'.join(paths).encode() + b'\n')
    lines = done.stdout.decode().splitlines()
    equal(len(lines), len(paths), f'verdicts of {name}', done.stderr)
    return lines


def random_message(r):
    """Fields in any order and number, with blanks and folds; a body with
    blanks and empty lines wherever they may matter."""
    blank = lambda: r.choice((' ', '  ', '\t', ' \t ', '\n ', '\n\t  '))
    fields = []
    for _ in range(r.randrange(1, 12)):
        name = r.choice(('Subject', 'To', 'CC', 'x-a', 'Received', 'rEPLY-tO',
                         'References', 'List-Id', 'Content-Type', 'Sender'))
        value = ''.join(r.choice(('a', 'B', ':', '"', ';', blank()))
                        for _ in range(r.randrange(30)))
        fields.append(f'{name}:{r.choice(("", blank()))}{value or "x"}')
    fields.append('X-Last: 1')
    body = ''.join(r.choice(('a', 'line', ' ', '  ', '\t', '\n', '\n', '\n\n',
                             '.', '\u00fc', ' \n', '-- \n'))
                   for _ in range(r.choice((0, 1, 3, 40, 400))))
    ends = r.choice(('\n', '\r\n'))
    text = '\n'.join(fields) + '\n\n' + body
    return text.replace('\n', ends).encode()


def signed(seed, algorithm, form, folder, text=None):
    r = random.Random(seed)
    path = os.path.join(folder, f'{seed}-{form.replace("/", "")}')
    with open(path, 'wb') as f:
        f.write(text or random_message(r))
    extra = [path] if r.random() < .3 else []
    done = subprocess.run([cli(), path, keys()[algorithm][0], algorithm, form,
                           *extra], capture_output=True, timeout=60)
    check(done.returncode == 0, f'not signed: {seed} {form}', done.stderr)
    equal(len(done.stdout), int(done.stderr), 'size as announced', seed)
    with open(path + '.eml', 'wb') as f:
        f.write(done.stdout)
    return path + '.eml'


def sample(algorithm):
    folder = new_dir('signed')
    return [signed(seed, algorithm, form, folder)
            for seed in range(EACH) for form in FORMS]


SAMPLES = {kind: once(functools.partial(sample, kind))
           for kind in ('rsa', 'ed25519')}


def verified(name, algorithm):
    @case(f'dkim/{algorithm}-by-{name.replace("::", "-")}')
    def run():
        record, paths = keys()[algorithm][1], SAMPLES[algorithm]()
        # its test mode rebuilds the header as a milter is told of it: blanks
        # behind a colon, which simple signs, are gone
        if name == 'opendkim':
            paths = [p for p in paths if p[-6] == 'r']
            equal(len(paths), 2 * EACH, 'messages')
        for path, verdict in zip(paths, verdicts(name, record, paths)):
            equal(verdict, 'good', path)


verified('dkimpy', 'rsa')
verified('dkimpy', 'ed25519')
verified('Mail::DKIM', 'rsa')
verified('opendkim', 'rsa')
verified('opendkim', 'ed25519')


@functools.lru_cache(None)
def checker():
    return build('tests/host/dkim_check_cli.c')


def ours(record, paths, *more):
    done = succeed([checker(), record, *map(str, more)],
                   input='\n'.join(paths).encode() + b'\n')
    return done.stdout.decode().splitlines()


for kind in SAMPLES:
    @case(f'dkim/{kind}-by-ours')
    def by_ours(kind=kind):
        record, paths = keys()[kind][1], SAMPLES[kind]()
        for chunk in (0, 1, 7):
            equal(ours(record, paths, -1, chunk), ['good'] * len(paths),
                  f'verdicts on {len(paths)}, {chunk} bytes at once')


def theirs(name, kind):
    @case(f'dkim/{kind}-of-{name.replace("::", "-")}')
    def run():
        """What others sign is good, and is not once a bit of it flips."""
        program, script, probe, package = VERIFIERS[name]
        if subprocess.run(probe, capture_output=True).returncode != 0:
            raise Skip(f'no {name}: apt-get install {package}')
        path, record = keys()[kind]
        script = os.path.join(TOP, script.replace('verify', 'sign'))
        for form in FORMS:
            folder, paths = new_dir('theirs'), []
            for seed in range(EACH):
                paths.append(os.path.join(folder, str(seed)))
                text = b'From: a@mail.test\n' + random_message(
                    random.Random(seed)).replace(b'\r', b'')
                text += b'' if text.endswith(b'\n') else b'\n'
                with open(paths[-1], 'wb') as f:
                    f.write(text.replace(b'\n', b'\r\n'))
            succeed([program, script, path, kind, form],
                    input='\n'.join(paths).encode() + b'\n')
            signed_paths = [p + '.signed' for p in paths]
            equal(ours(record, signed_paths), ['good'] * EACH, form)
            for p in signed_paths:
                with open(p, 'r+b') as f:
                    data = f.read()
                    f.seek(data.index(b'From: a') + 6)
                    f.write(b'b')
            for verdict in ours(record, signed_paths):
                check(verdict.startswith('bad: '), f'{form}: {verdict}')


theirs('dkimpy', 'rsa')
theirs('dkimpy', 'ed25519')
theirs('Mail::DKIM', 'rsa')


@case('dkim/what-is-signed')
def what():
    """A changed byte, or one more field of those that matter, is noticed."""
    record, folder = keys()['rsa'][1], new_dir('changed')
    for seed in range(8):
        good = signed(seed, 'rsa', 'r/r', folder)
        with open(good, 'rb') as f:
            data = f.read()
        edits = (data.replace(b'X-Last: 1', b'X-Last: 2'),
                 data.replace(b'X-Last: 1', b'Subject: another\r\nX-Last: 1'),
                 data.replace(b'From: robot', b'From: Robot'),
                 b'From: a@b\r\n' + data, data + b'x\r\n')
        paths = []
        for n, edit in enumerate(edits):
            check(edit != data, f'edit {n} changed nothing')
            paths.append(f'{good}.{n}')
            with open(paths[-1], 'wb') as f:
                f.write(edit)
        for name in ('dkimpy', 'opendkim'):
            said = verdicts(name, record, paths)
            equal([s == 'good' for s in said],
                  [True, False, False, False, False],
                  f'verdicts of {name}', seed, said)


@case('dkim/bare-cr')
def bare_cr():
    """A CR that no LF follows is a byte like others, wherever it comes to
    stand: that it was not there when the message was signed is noticed."""
    record, folder = keys()['ed25519'][1], new_dir('bare')
    for form in FORMS:
        good = signed(3, 'ed25519', form, folder,
                      b'From: robot@mail.test\n\na b \n\n\tc\n \n\n')
        with open(good, 'rb') as f:
            head, _, body = f.read().partition(b'\r\n\r\n')
        head += b'\r\n\r\n'
        at = head.index(b'From: robot')
        edits = [head + body[:n] + b'\r' + body[n:]
                 for n in range(len(body) + 1)]
        edits += [head[:n] + b'\r' + head[n:] + body
                  for n in range(at + 1, at + 20)]
        paths = []
        for n, edit in enumerate(edits):
            paths.append(f'{good}.{n}')
            with open(paths[-1], 'wb') as f:
                f.write(edit)
        for chunk in (0, 1):
            said = ours(record, [good, *paths], -1, chunk)
            equal(said[0], 'good', 'unchanged', form)
            for n, verdict in enumerate(said[1:]):
                check(verdict.startswith('bad: '), f'{form}: {verdict}', n,
                      edits[n])


@case('dkim/delivered')
def delivered():
    """Signed with the key beside the configuration, of either kind."""
    srv, folder = server('exim'), new_dir('delivered')
    for n, (kind, form) in enumerate(itertools.product(
            ('rsa', 'ed25519'), ('relaxed/relaxed', 'simple/simple'))):
        path, record = keys()[kind]
        with open(path, 'rb') as f:
            key = f.read()
        tag = f'dkim-{n}'
        where = 'microvm' if n == 3 else 'posix'
        r = launch(where, 'rcpt@mail.test', files={**files(), 'dkim.pem': key},
                   message=head(tag) + b'body \n\n', conf=conf(
                       srv.starttls_port, more='dkim_domain mail.test\n'
                       f'dkim_selector s1\ndkim_canonicalization {form}\n'))
        equal(r.status, 0, 'exit status', r)
        got = arrived(srv, tag)[0].sent
        place = os.path.join(folder, tag)
        with open(place, 'wb') as f:
            f.write(got)
        equal(verdicts('dkimpy', record, [place]), ['good'], 'verdict', got)
        check(f'a={kind}-sha256'.encode() in got, 'the algorithm', got)
        equal(r.report['bytes'], len(got), 'the size', r)
        check(b'PRIVATE' not in r.log.encode() + got, 'the key', r)


@case('dkim/refused')
def refused():
    curve = succeed(['openssl', 'genpkey', '-algorithm', 'ec', '-pkeyopt',
                     'ec_paramgen_curve:P-256']).stdout
    montgomery = succeed(['openssl', 'genpkey', '-algorithm', 'x25519']).stdout
    short = succeed(['openssl', 'genrsa', '-traditional', '768']).stdout
    both = 'dkim_domain mail.test\ndkim_selector s1\n'
    for more, extra, words in (
            (both, {}, 'dkim_key: no such file'),
            ('dkim_domain mail.test\n', {}, 'dkim_selector'),
            ('dkim_selector s1\n', {}, 'dkim_domain'),
            (both, {'dkim.pem': b'x\n'}, 'PEM'),
            (both, {'dkim.pem': curve}, 'no key of RSA or Ed25519'),
            (both, {'dkim.pem': montgomery}, 'no key of RSA or Ed25519'),
            (both, {'dkim.pem': short}, 'less than 1,024 bits')):
        r = launch('posix', 'rcpt@mail.test', message=b'x\n',
                   conf=conf(9, more=more), files={**files(), **extra})
        equal(r.status, 78, more, r)
        check(words in r.reason, f'it does not say "{words}"', r)
