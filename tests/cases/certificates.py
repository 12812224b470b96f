"""Certificate chains of public suites, judged by the very code that judges a
server's (net/tls_verify.c, net/tls_trust.c) under the sanitizers. A chain
judged otherwise than the suite wants is a failure unless it stands, with the
reason, in tests/data/certs/*.differences; so is one that stands there and is
judged as wanted."""
import lzma
import os
import time

import certs
import chains
from harness import BUILD, TOP, Skip, case, check, equal, once, succeed

HERE = os.path.join(TOP, 'tests', 'data', 'certs')
MORE = os.environ.get('CERT_DATA') or os.path.join(
    os.path.dirname(TOP), 'shared', 'data', 'certificates')


@once
def judge():
    succeed(['make', '--no-print-directory', 'verifycert', 'SAN=1'], 1200,
            cwd=TOP)
    return os.path.join(BUILD, 'posix-asan', 'verifycert')


def table(path):
    """id -> SUCCESS or FAILURE"""
    with open(path) as f:
        return dict(line.rstrip('\n').split('\t')[:2] for line in f)


def verdicts(records):
    """id -> (SUCCESS or FAILURE, reason)"""
    done = succeed([judge()], 600, input=records)
    rows = [line.split('\t') for line in done.stdout.decode().splitlines()]
    return {name: (verdict, why) for name, verdict, why in rows}


def differences(got, wanted, count):
    """What was wrongly taken, what was wrongly refused."""
    equal(len(got), count, 'cases judged')
    bad = sorted(n for n in got if got[n][0] == 'SUCCESS' and
                 wanted[n] != 'SUCCESS')
    good = sorted(n for n in got if got[n][0] != 'SUCCESS' and
                  wanted[n] == 'SUCCESS')
    return bad, good


def read(path):
    if not os.path.exists(path):
        raise Skip('%s is not here' % os.path.relpath(path, TOP))
    with (lzma.open if path.endswith('.xz') else open)(path, 'rb') as f:
        return f.read()


@case('certificates/sample')
def sample():
    wanted = table(os.path.join(HERE, 'sample.tsv'))
    got = verdicts(read(os.path.join(HERE, 'sample.cases')))
    bad, good = differences(got, wanted, len(wanted))
    equal(bad, [], 'taken but bad')
    equal(good, [], 'refused but good')


@case('certificates/sample-judges')
def sample_judges():
    """The case above can fail: one flipped verdict is seen."""
    wanted = table(os.path.join(HERE, 'sample.tsv'))
    got = verdicts(read(os.path.join(HERE, 'sample.cases')))
    for name in ('webpki::san::exact-dns-san', 'webpki::v1-cert'):
        flipped = dict(wanted)
        flipped[name] = 'FAILURE' if wanted[name] == 'SUCCESS' else 'SUCCESS'
        check(name in sum(differences(got, flipped, len(wanted)), []),
              f'{name} flipped, and not seen')


def compare(cases, differences_of):
    """Exactly the differences that are listed, and no others."""
    with open(os.path.join(HERE, differences_of)) as f:
        rows = [line.split(None, 2) for line in f if not line.startswith('#')]
    listed = {(r[0], r[1].rstrip(':')) for r in rows}
    records = read(os.path.join(MORE, cases))
    got = verdicts(records)
    bad, good = differences(got, table(os.path.join(MORE, 'expected.tsv')),
                            records.count(b'\nCASE ') + 1)
    found = {('taken', n) for n in bad} | {('refused', n) for n in good}
    equal(sorted(found - listed), [], 'differences that are not listed')
    equal(sorted(listed - found), [], 'listed, and no difference')


@case('certificates/limbo')
def limbo():
    compare('limbo.cases', 'limbo.differences')


@case('certificates/bettertls', slow=True)
def bettertls():
    compare('bettertls.cases.xz', 'bettertls.differences')


@case('certificates/with-lists')
def with_lists():
    """Records that carry revocation lists."""
    def record(name, crl):
        parts, _ = certs.by_int(name)(m)
        out = f'CASE {name}\nNAME mail.test\nTIME {int(time.time())}\n'
        for key, pem in (('ROOTS', m.text('root')), ('CHAIN', m.text(*parts)),
                         ('CRL', crl)):
            out += f'{key} {len(pem)}\n{pem.decode()}'
        return out.encode()
    m = chains.maker()
    crl = certs.lists(certs.TAKEN)()
    got = verdicts(record('good', crl) + record('taken', crl) +
                   record('nocrl', b'none\n'))
    equal(got['good'][0], 'SUCCESS', 'one that is not listed', got)
    equal(got['taken'][0], 'FAILURE', 'one that is', got)
    check('has been revoked' in got['taken'][1], got['taken'][1])
    equal(got['nocrl'][0], 'FAILURE', 'with no list in the file', got)
