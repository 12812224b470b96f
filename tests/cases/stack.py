"""How deep the stack gets: the bound from the code (scripts/stack), what a run
really needed, and that the bound notices what it is there for."""
import os
import re
import shutil
import stat

from harness import TOP, case, check, command, equal, new_dir
from images import image
from lab import conf, files, head, launch, server

STACK = 64 << 10
HALF, MOST = STACK // 2, STACK * 3 // 4


def bound(board, script='scripts/stack', budget=HALF):
    done = command([os.path.join(TOP, script), board,
                    image(board) + '.elf', str(budget)])
    text = (done.stdout + done.stderr).decode()
    m = re.search(r'^\w+: (\d+) bytes at most', text, re.M)
    check(m, 'no bound', text)
    return done.returncode, int(m[1]), text


def bounded(board):
    @case('stack/bound-' + board)
    def run():
        status, most, text = bound(board)
        equal(status, 0, 'status', text)
        check(most > 4000, 'too good to be true', text)
        equal(bound(board, budget=most - 1)[0], 1, 'status over the budget')


for b in ('x86_64', 'aarch64', 'riscv64'):
    bounded(b)


def depth(tls, cert):
    @case(f'stack/run-{tls}-{cert}')
    def run():
        """Painted, and looked at after a whole delivery."""
        tag = f'stack-{tls}-{cert}'.replace('.', '')
        srv = server('exim', tls, cert=cert)
        r = launch('microvm', '--trace', 'rcpt@mail.test',
                   message=head(tag) + b'x\n' * 20000,
                   conf=conf(srv.starttls_port),
                   files=files('rsa' if cert == 'rsa' else 'ec'))
        equal(r.status, 0, 'exit status', r)
        m = re.search(r'stack: (\d+) of (\d+) bytes', r.log)
        check(m, 'no word of the stack', r)
        used = int(m[1])
        equal(int(m[2]), STACK, 'the stack', r)
        check(2000 < used <= MOST, f'{used} bytes used', r)
        most = bound('x86_64')[1]
        check(used <= most, f'{used} bytes used, and the bound is {most}', r)


for version in ('1.2', '1.3'):
    for kind in ('ec', 'rsa'):
        depth(version, kind)


@case('stack/bound-notices')
def notices():
    """A call through a pointer that nobody explained, and a recursion."""
    top = new_dir('stack')
    script = os.path.join(top, 'stack')
    shutil.copy(os.path.join(TOP, 'scripts', 'stack'), script)
    os.chmod(script, stat.S_IRWXU)
    with open(os.path.join(TOP, 'scripts', 'stack.calls')) as f:
        table = f.read()
    for line, words in (('vfprintf', 'vfprintf calls through a pointer'),
                        ('recursion apply_account',
                         'recursion without a bound: apply_account')):
        kept = [x for x in table.splitlines() if not x.startswith(line)]
        equal(len(kept), len(table.splitlines()) - 1, 'lines taken out')
        with open(os.path.join(top, 'stack.calls'), 'w') as f:
            f.write('\n'.join(kept) + '\n')
        status, _, text = bound('x86_64', script)
        check(status == 1 and words in text, f'without {line}', text)
