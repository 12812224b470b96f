"""Certificate chains of public suites, judged by the very code that judges a
server's (net/tls_verify.c, net/tls_trust.c) under the sanitizers. A chain
taken that should be refused is a failure unless it stands in the list of known
deviations; of those refused that should be taken only the number is bound."""
import lzma
import os

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


@case('certificates/limbo')
def limbo():
    records = read(os.path.join(MORE, 'limbo.cases'))
    wanted = table(os.path.join(MORE, 'expected.tsv'))
    with open(os.path.join(MORE, 'limbo-deviations-strict.txt')) as f:
        rows = [line.split() for line in f]
    known = {r[1] for r in rows if r and r[0] == 'ACCEPTED-BAD'}
    bad, good = differences(verdicts(records), wanted,
                            records.count(b'\nCASE ') + 1)
    equal(sorted(set(bad) - known), [], 'taken but bad, and not known')
    check(len(good) <= 20, 'refused but good: %d, at most 20' % len(good),
          *good)


@case('certificates/bettertls', slow=True)
def bettertls():
    records = read(os.path.join(MORE, 'bettertls.cases.xz'))
    wanted = table(os.path.join(MORE, 'expected.tsv'))
    bad, good = differences(verdicts(records), wanted,
                            records.count(b'\nCASE ') + 1)
    equal(bad, [], 'taken but bad')
    check(len(good) <= 796, 'refused but good: %d, at most 796' % len(good),
          *good[:20])
