"""aliases: who of the recipients is local, and what msmtp's file makes of him.
Each row is given to msmtp too, where it is installed: the same recipients."""
import os
import re
import shutil

from harness import Skip, case, check, command, equal, new_dir
from launcher_lib import packed, refused

FILE = ('# who reads it\n'
        'root: admin@example.org, operator   # both\n'
        'operator : op@example.org\r\n'
        'team:a@b.c,root\n'
        '\n'
        'a1: a2\na2: a3\na3: deep@example.org\n')
MORE = 'default: rest@example.org\n'
BASE = 'host h\nfrom a@example.org\n'
FIELDS = ('To: Root <root>, x@y.z (a, b),\r\n "q, <r>" <a1>\r\n'
          'cc: undisclosed-recipients:;\nBCC: team:operator,"odd one"@y.z;\n')

# recipients, -t with this header, file -> who gets it
TABLE = [
    (['root'], '', FILE, ['admin@example.org', 'op@example.org']),
    (['x@y.z'], '', 'no such file', ['x@y.z']),
    (['x@y.z', 'team', 'nobody'], '', FILE,
     ['x@y.z', 'a@b.c', 'admin@example.org', 'op@example.org', 'nobody']),
    (['a1'], '', FILE, ['deep@example.org']),
    (['Root'], '', FILE, ['Root']),
    (['Root', 'root'], '', FILE + MORE,
     ['rest@example.org', 'admin@example.org', 'op@example.org']),
    (['nobody'], '', MORE + 'nobody: x@y.z\n', ['x@y.z']),
    ([], FIELDS, FILE,
     ['admin@example.org', 'op@example.org', 'x@y.z', 'deep@example.org',
      'op@example.org', '"odd one"@y.z']),
    (['team'], 'To: x@y.z\n', FILE,
     ['a@b.c', 'admin@example.org', 'op@example.org', 'x@y.z']),
    ([], 'Resent-To: root\nReceived: x\nResent-To: no@y.z\nTo: no@y.z\n',
     FILE, ['admin@example.org', 'op@example.org']),
    ([], 'To: operator\nSubject: x\n\nCc: no@y.z\n', FILE,
     ['op@example.org']),
]


def prepared(text):
    path = os.path.join(new_dir('aliases'), 'file')
    if text != 'no such file':
        with open(path, 'w', newline='') as f:
            f.write(text)
    return path


def ours(rcpt, header, path):
    got = packed(*(['-t'] if header else []), *rcpt, conf=BASE +
                 f'aliases {path}\n', stdin=(header + '\nx\n').encode())
    args = got['args'].decode()
    check(not header or 'read_recipients off' in args, 'read twice', args)
    check(b'aliases' not in got['bootmail.conf'], 'not dropped')
    return re.findall(r'(?m)^to "(.*)"$', args)


def theirs(rcpt, header, path):
    """What msmtp says on the way to a server that is not there."""
    log = path + '.log'
    done = command(['msmtp', '-C', '/dev/null', '--host=127.0.0.1',
                    '--port=1', '-f', 'a@b.c', f'--aliases={path}', '-X', log,
                    *(['-t'] if header else []), '--', *rcpt], 60,
                   input=(header + '\nx\n').encode())
    check(os.path.exists(log), 'msmtp wrote no log', done.stderr.decode())
    with open(log) as f:
        return re.search(r'recipients=(\S.*?) (?:mailsize|errormsg)=',
                         f.read())[1].split(',')


@case('aliases/table')
def table():
    for rcpt, header, text, want in TABLE:
        path = prepared(text)
        equal(ours(rcpt, header, path), want, f'{rcpt} {header!r}')


@case('aliases/as-msmtp')
def as_msmtp():
    if not shutil.which('msmtp'):
        raise Skip('no msmtp: apt-get install msmtp')
    for rcpt, header, text, want in TABLE:
        # msmtp 1.8.23 forgets the local one behind a local one
        if 'odd one' not in header and rcpt != ['Root', 'root']:
            equal(sorted(theirs(rcpt, header, prepared(text))), sorted(want),
                  f'{rcpt} {header!r}')


@case('aliases/none-is-local')
def none_local():
    """Then the image reads the message, and the file is not looked for."""
    got = packed('-t', 'N <x@y.z>', conf=BASE + 'aliases /no/such\n',
                 stdin=b'To: a@b.c\n\nx\n')
    equal(got['args'].splitlines()[2:],
          [b'read_recipients on', b'to "N <x@y.z>"'], 'args')


@case('aliases/faults')
def faults():
    for text, word in (
            ('no such file', 'cannot be read'),
            ('root\n', 'line 1'), ('a: b\nroot: a: b\n', 'line 2'),
            ('a@b: c@d\n', 'not a local name'), (': c@d\n', 'line 1'),
            ('root: a@b\nroot: c@d\n', 'there already'),
            ('root: |/bin/prog\n', 'only addresses'),
            ('root: a@b, /dev/null\n', 'only addresses'),
            ('root: "|prog a@b"\n', 'only addresses'),
            ('root:\n', 'line 1'), ('root: a@b,,c@d\n', 'line 1'),
            ('root: a\na: b\nb: root\n', 'circle'),
            ('root: root\n', 'circle'), ('root: a\ndefault: b\n', 'circle')):
        refused(78, word, 'root', conf=BASE + f'aliases {prepared(text)}\n')
