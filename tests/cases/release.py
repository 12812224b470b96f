"""`make release`: the same tarball from two clones, a delivery from nothing but
the unpacked one, the list of what is inside, manual pages that render."""
import glob
import hashlib
import json
import os
import re
import shutil
import tarfile

from fake import Fake
from dialogue import Dialogue
from harness import (DEPS, TOP, Skip, case, check, command, equal,
                     new_dir, once, private_file, succeed)
from lab import read
from vm import MESSAGE, PLAIN

MAN = ('bootmail.1', 'bootmail.conf.5')


def clone(name):
    """The tree as it is, at another path, nothing built."""
    tree = os.path.join(new_dir(name), name)
    shutil.copytree(TOP, tree, symlinks=True, ignore=lambda folder, names: [
        n for n in names if n == '__pycache__' or
        (folder == TOP and n == 'build')])
    return tree


def release(tree, **env):
    full = {k: v for k, v in os.environ.items() if k not in (
        'MAKEFLAGS', 'MAKELEVEL', 'MFLAGS', 'MAKEOVERRIDES', 'BUILD', 'ONLY',
        'QUICK', 'BOARD')}
    succeed(['make', '--no-print-directory', 'release', 'BOARDS=x86_64',
             'DEPS=' + DEPS], 1200, cwd=tree, env={**full, **env})
    found = glob.glob(os.path.join(tree, 'build', 'release', '*.tar.gz'))
    equal(len(found), 1, 'tarballs')
    return found[0]


@once
def tarball():
    return release(clone('here'))


@once
def unpacked():
    folder = new_dir('release')
    with tarfile.open(tarball()) as tar:
        tar.extractall(folder)
    names = os.listdir(folder)
    equal(names, [os.path.basename(tarball())[:-len('.tar.gz')]], 'at the top')
    return os.path.join(folder, names[0])


@case('release/reproducible', slow=True, alone=True)
def reproducible():
    other = release(clone('somewhere-else-with-a-long-name'),
                    TZ='Pacific/Kiritimati', LC_ALL='C')
    equal(os.path.basename(other), os.path.basename(tarball()), 'names')
    equal(hashlib.sha256(read(other)).hexdigest(),
          hashlib.sha256(read(tarball())).hexdigest(), 'SHA-256')


@case('release/delivers', alone=True)
def delivers():
    """A folder, QEMU, and nothing else of ours or of a compiler's."""
    path = os.path.join(new_dir('path'), 'bin')
    os.mkdir(path)
    wanted = set('bash env cat mkdir mktemp rm stat readlink timeout sed cpio '
                 'find sort head tail tr wc qemu-system-x86_64 chmod cp date '
                 'cut dd od touch dirname basename grep awk id ln mv sleep '
                 'uname tee printf kill mkfifo sha256sum seq ls'.split())
    for folder in os.get_exec_path():
        for name in wanted & set(os.listdir(folder)
                                 if os.path.isdir(folder) else ()):
            if not os.path.lexists(os.path.join(path, name)):
                os.symlink(os.path.join(folder, name),
                           os.path.join(path, name))
    with Fake(Dialogue(tls='none', auth=())) as srv:
        conf = os.path.join(new_dir('conf'), 'bootmail.conf')
        private_file(conf, PLAIN.format(port=srv.port).encode())
        done = command([os.path.join(unpacked(), 'bin', 'bootmail'), '--json',
                        '-C', conf, 'rcpt@mail.test'], 120, input=MESSAGE,
                       cwd=new_dir('cwd'),
                       env={'PATH': path, 'HOME': new_dir('home')})
        equal(done.returncode, 0, 'exit status', done.stderr.decode())
        equal(json.loads(done.stdout)['outcome'], 'sent', 'outcome')
        equal(len(srv.wires[0].messages), 1, 'delivered')


@case('release/disk', alone=True)
def disk():
    """A disk for UEFI from the tarball: the program in it is the tarball's."""
    top = unpacked()
    folder, image = new_dir('files'), os.path.join(new_dir('disk'), 'disk.img')
    with open(os.path.join(folder, 'message'), 'wb') as f:
        f.write(MESSAGE)
    efi = os.path.join(top, 'lib/bootmail/x86_64/BOOTX64.EFI')
    succeed([os.path.join(top, 'bin', 'bootmail-disk'), efi, image, folder])
    for name, data in (('EFI/BOOT/BOOTX64.EFI', read(efi)),
                       ('bootmail/message', MESSAGE)):
        got = succeed(['mcopy', '-n', '-i', image + '@@1M', '::' + name, '-'])
        equal(got.stdout, data, name)


@case('release/contents', alone=True)
def contents():
    top = unpacked()
    succeed(['sha256sum', '--quiet', '-c', 'SHA256SUMS'], cwd=top)
    listed = {line.split()[1] for line in
              read(os.path.join(top, 'SHA256SUMS')).decode().splitlines()}
    there = {os.path.relpath(os.path.join(d, n), top)
             for d, _, names in os.walk(top) for n in names}
    equal(there - listed, {'SHA256SUMS'}, 'files without a sum')
    for part in ('lwip', 'mbedtls', 'picolibc', 'sodium'):
        check(any(n.startswith(f'share/doc/bootmail/licences/{part}/')
                  for n in there), f'no licence of {part}')
    check('share/doc/bootmail/LICENSE' in there, 'no licence of ours')


@case('release/spdx', alone=True)
def spdx():
    """SPDX 2.3, clauses 6 to 11: what must be there is, and is true."""
    top = unpacked()
    doc = json.loads(read(os.path.join(top,
                                       'share/doc/bootmail/bootmail.spdx.json')))
    equal((doc['spdxVersion'], doc['dataLicense'], doc['SPDXID']),
          ('SPDX-2.3', 'CC0-1.0', 'SPDXRef-DOCUMENT'), 'head')
    check(re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ',
                       doc['creationInfo']['created']), 'created')
    check(doc['name'] and ':' in doc['documentNamespace'] and
          doc['creationInfo']['creators'], 'name, namespace, creators')
    ids = ['SPDXRef-DOCUMENT']
    for x in doc['packages'] + doc['files']:
        check(re.fullmatch(r'SPDXRef-[A-Za-z0-9.-]+', x['SPDXID']),
              x['SPDXID'])
        ids.append(x['SPDXID'])
    equal(len(set(ids)), len(ids), 'ids')
    for p in doc['packages']:
        check(p['name'] and p['downloadLocation'] and p['versionInfo'], p)
    for r in doc['relationships']:
        check(r['spdxElementId'] in ids and r['relatedSpdxElement'] in ids, r)
    shas = []
    for f in doc['files']:
        data = read(os.path.join(top, f['fileName']))
        sums = {c['algorithm']: c['checksumValue'] for c in f['checksums']}
        equal(sums, {'SHA1': hashlib.sha1(data).hexdigest(),
                     'SHA256': hashlib.sha256(data).hexdigest()},
              f['fileName'])
        shas.append(sums['SHA1'])
    equal(doc['packages'][0]['packageVerificationCode'][
        'packageVerificationCodeValue'],
        hashlib.sha1(''.join(sorted(shas)).encode()).hexdigest(),
        'verification code')
    locked = read(os.path.join(TOP, 'scripts/deps.lock')).decode()
    parts = {p['SPDXID'][8:]: p for p in doc['packages']}
    for name in ('lwip', 'mbedtls', 'picolibc', 'sodium'):
        digest = parts[name]['checksums'][0]['checksumValue']
        check(re.search(rf'(?m)^{name} .* {digest}$', locked), name)
        check(any(r['relationshipType'] == 'STATIC_LINK' and
                  r['relatedSpdxElement'] == 'SPDXRef-' + name
                  for r in doc['relationships']), f'{name} is not linked')


@case('release/man')
def man():
    """No warning, and every long option of --help is there."""
    tools = [t for t in (['groff', '-mdoc', '-ww', '-z', '-Tutf8'],
                         ['mandoc', '-T', 'lint', '-W', 'warning'])
             if shutil.which(t[0])]
    for page in MAN:
        path = os.path.join(TOP, 'scripts', 'man', page)
        for tool in tools:
            done = command([*tool, path])
            equal((done.returncode, done.stdout + done.stderr), (0, b''),
                  f'{tool[0]} on {page}')
    helped = succeed([os.path.join(TOP, 'scripts/bootmail'), '--help'])
    text = read(os.path.join(TOP, 'scripts/man/bootmail.1')).decode()
    for option in re.findall(r'--([a-z]+)', helped.stdout.decode()):
        check(re.search(rf'(?m)^\.It Fl (.* , )?-{option}\b', text),
              f'bootmail.1 has no --{option}')
    if not tools:
        raise Skip('neither groff nor mandoc is here')
