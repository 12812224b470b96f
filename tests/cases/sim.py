"""The simulation (tests/sim): a part of what `make sim` runs, and proof that
it can fail: with each of these changes to the app or to the server a report is
not true, and it says so."""
import os
import re
import shlex

from harness import BUILD, DEPS, TOP, case, check, command, new_dir, once, \
    succeed

FOLDER = os.path.join(BUILD, 'posix-asan', 'sim')
NO_MAKE = {k: v for k, v in os.environ.items()
           if k not in ('MAKEFLAGS', 'MAKELEVEL', 'MFLAGS', 'MAKEOVERRIDES')}


@once
def built():
    succeed(['make', '--no-print-directory', 'sim-build'], 1800, cwd=TOP,
            env=NO_MAKE)
    return os.path.join(FOLDER, 'sim')


def sim(*args, program=None, limit=1200):
    """(exit status, output)"""
    done = command([program or built(), *args], limit, cwd=TOP)
    return done.returncode, (done.stdout + done.stderr).decode(
        errors='replace')


def all_true(*args):
    status, text = sim(*args)
    check(status == 0, f'exit {status}', text[-4000:])
    return text


@case('sim/random')
def random():
    """500 deliveries: every kind of fault was met, every kind of end."""
    text = all_true('--count', '500')
    check(re.search(r'random: 500 runs, 0 not true', text), 'no figures', text)
    for word in ('sent', 'refused', 'temporary', 'unsure'):
        check(re.search(rf' {word} \d', text), f'nothing was {word}', text)
    for kind in ('loss', 'dup', 'swap', 'flip', 'forge', 'trunc', 'fin', 'rst',
                 'bit', 'alloc', 'reboot', 'link', 'nora', 'liera', 'withdraw',
                 'renumber', 'liar', 'twin', 'icmp', 'dead4', 'dead6',
                 'newmac'):
        check(re.search(rf'\n  {kind} +[1-9]', text), f'no {kind}', text)


@case('sim/loss')
def loss():
    text = all_true('--table', '--count', '12')
    check(re.search(r' 0 % +12 of 12 sent', text), 'even without loss', text)


@case('sim/loss-ipv6')
def loss6():
    """A fifth lost, both ways, and IPv6 alone: not three questions for a
    router and no more, with which 7 of 200 had no address."""
    text = all_true('--loss', '20', '--ipv6', '--count', '200')
    sent = re.search(r' 20 % +(\d+) of 200 sent', text)
    check(sent and int(sent.group(1)) >= 199, 'not sent', text)


@case('sim/torture')
def torture():
    """The n-th of everything, each fiftieth; `make sim` takes them all."""
    check(re.search(r'torture: [1-9]\d\d+ runs, 0 not true',
                    all_true('--torture', '--step', '50')), 'no figures')


@case('sim/cuts')
def cuts():
    all_true('--cuts', '--step', '97')


@case('sim/again')
def again():
    """A seed is the same run each time, watched or not."""
    traces = set()
    for args in ([], [], ['-v']):
        for seed in ('7', '19'):
            text = all_true('--seed', seed, *args)
            traces.add((seed, re.search(r'trace ([0-9a-f]{16})',
                                        text).group(1)))
    check(len(traces) == 2, 'not the same run', traces)


MUTANTS = [
    # the app says sent before the reply; says failed when it cannot know
    ('smtp/state.c', 'verdict = SMTP_UNSURE;', 'verdict = SMTP_SENT;'),
    ('smtp/state.c', 'verdict = SMTP_UNSURE;', 'verdict = SMTP_TRY_LATER;'),
    # a dot of the message is lost
    ('smtp/dotstuff.c', 'mid_line = true;\n    return 2;',
     'mid_line = true;\n    return 1;'),
    # no end in time
    ('kernel/app/submit.c', 'if (!closed(s) && now >= s->give_up)',
     'if (s == NULL)', '--first', '150', '--count', '2000'),
    # memory that is not there
    ('net/netif.c', 'if (f == NULL)\n        return NULL;\n    f->bytes',
     'f->bytes', '--torture', '--step', '7'),
    # one status in the report, another for the host
    ('kernel/app/report.c', '(int)r->status', '(int)r->status / 2'),
    # the password on the console
    ('kernel/app/submit.c', 'log_trace("-- %.*s", n, e.text);',
     'log_trace("-- %.*s", (int)s->job->password.len, s->job->password.p);'),
    # the server keeps what it took twice, or not at all
    ('tests/sim/server.c', 'put(s, s->accepted[i]);',
     '{ put(s, s->accepted[i]); put(s, s->accepted[i]); }'),
    ('tests/sim/server.c', '    stored_count++;\n', ''),
    # IPv6: segments that not each link carries
    ('net/tcp.c', '#define MSS6 (1280 - 40 - 20)', '#define MSS6 1440'),
    # another family's address that comes late, or never, is not waited for as
    # it should be; is not tried; is tried, and not what is reported
    ('kernel/app/network.c', '|| !await_family(family, limit)',
     '|| stack_address(family).len == 0', '--count', '8000'),
    ('kernel/app/network.c', '? give_up : limit;',
     '? give_up : UINT64_MAX;'),
    ('kernel/app/submit.c', 'if (network_other(', 'if (s == NULL && '
     'network_other('),
    ('kernel/app/submit.c', 'if (try_address(s) == TCP_OK)\n',
     'if (try_address(s) == TCP_OK && ((s->report->address = first).len))\n'),
    # whoever sends ICMPv6 rules the connection
    ('net/frame.c', 'case 128: /* echo request */',
     'case 137: case 128:', '--count', '8000'),
    ('net/tcp.c', 't->pcb->lastack == u->seq;', 'u != NULL;',
     '--count', '8000'),
    # the name server that the router has named is forgotten
    ('net/stack.c', 'self.ra_dns[n] = a;', '(void)a;'),
    # who has another MAC address is not looked for
    ('net/stack6.c', 'if (is_known(hop))', 'if (hop == NULL)'),
]


def changed(path, old, new):
    """The simulation with one file compiled anew."""
    program = built()
    folder = new_dir('mutant')
    source = os.path.join(folder, os.path.basename(path))
    with open(os.path.join(TOP, path)) as f:
        text = f.read()
    check(text.count(old) == 1, f'"{old}" is not in {path} once')
    with open(source, 'w') as f:
        f.write(text.replace(old, new))
    includes = [os.path.dirname(path), *'smtp smtp/server net kernel '
                'kernel/virtio kernel/app board tests/sim'.split()]
    flags = shlex.split(
        '-std=c11 -g -O1 -fPIE -D_GNU_SOURCE -fsanitize=address,undefined '
        '-fno-sanitize-recover=all')
    succeed(['clang', *flags, *['-I' + i for i in includes],
             '-isystem', os.path.join(DEPS, 'lwip/src/include'),
             '-c', source, '-o', source + '.o'], cwd=TOP)
    with open(program + '.objects') as f:
        objects = f.read().split()
    objects = [source + '.o' if o.endswith('/' + path + '.o') else o
               for o in objects]
    check(source + '.o' in objects, f'{path} is no part of the simulation')
    mutant = os.path.join(folder, 'sim')
    with open(mutant + '.objects', 'w') as f:
        f.write('\n'.join(objects))
    succeed(['clang', '-fsanitize=address,undefined', '-fuse-ld=lld', '-pie',
             '-Wl,--gc-sections', f'@{mutant}.objects', '-o', mutant], cwd=TOP)
    return mutant


def seen(program, *args):
    status, text = sim(*(args or ('--count', '2000')), '--stop',
                       program=program)
    return status == 1 and re.search(r'NOT TRUE: (.*)\n.*--\w+ (\w+)', text)


def mutant(number, path, old, new, *args):
    @case(f'sim/mutant-{number}')
    def run():
        check(seen(changed(path, old, new), *args),
              f'"{new}" in {path}: not seen')


for n, m in enumerate(MUTANTS):
    mutant(n, *m)


def shrunk(program, seed):
    """How many faults are left; they are enough."""
    status, text = sim('--seed', seed, '--shrink', program=program)
    left = re.search(r'(\d+) of (\d+) faults are needed:\s+(--only \S+)', text)
    check(status == 1 and left, f'exit {status}', text[-2000:])
    check(int(left.group(1)) <= int(left.group(2)), 'more than there were',
          text[:300])
    status, text = sim('--seed', seed, *left.group(3).split(),
                       program=program)
    check(status == 1 and 'NOT TRUE' in text, 'they are not enough', text)
    return int(left.group(1))


@case('sim/shrink')
def shrink():
    """Of runs that are not true, few faults are left. Not of each: some take
    half a dozen, in that order."""
    program = changed(*MUTANTS[1])
    _, text = sim('--count', '2000', program=program)
    seeds = sorted(map(int, re.findall(r'NOT TRUE: .*\n.*--seed (\d+)', text)))
    check(len(seeds) >= 3, 'the mutant was not seen', text[-2000:])
    left = [shrunk(program, str(seed)) for seed in seeds[:3]]
    check(min(left) < 4, 'not shrunk', seeds[:3], left)
