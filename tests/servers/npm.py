"""npm packages, pinned by npm.lock, fetched by npm and unpacked by us.

Each file is compared with its SHA-512 before it is looked at; no script of a
package runs. What npm.lock does not name is not fetched: of Haraka's 180
packages it names those that are loaded. `npm.py --loaded DIR` reads on its
standard input what a process of node's loaded below DIR/node_modules and
prints the lines for npm.lock from DIR/package-lock.json.
"""
import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
LOCK = os.path.join(HERE, 'npm.lock')


class NpmError(Exception):
    pass


def locked(name):
    """(folder below node_modules, package, version, integrity) of a server."""
    found = []
    with open(LOCK) as f:
        for line in f:
            words = line.split()
            if words and words[0] == name:
                _, folder, version, integrity = words
                found.append((folder, folder.rpartition('node_modules/')[2],
                              version, integrity))
    if not found:
        raise NpmError('%s is not in npm.lock' % name)
    return found


def _stamp(name):
    return hashlib.sha256(repr(locked(name)).encode()).hexdigest()


def is_ready(name, root):
    try:
        with open(os.path.join(root, '.complete')) as f:
            return f.read() == _stamp(name)
    except FileNotFoundError:
        return False


def _pack(specs, work):
    """Fetches packages; returns {spec: file}."""
    got = subprocess.run(
        ['npm', 'pack', '--json', '--ignore-scripts', '--pack-destination',
         work, *specs], cwd=work, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if got.returncode:
        raise NpmError('npm pack: ' + got.stderr.strip()[-300:])
    return {'%s@%s' % (p['name'], p['version']): os.path.join(
        work, p['filename'].replace('@', '').replace('/', '-'))
        for p in json.loads(got.stdout)}


def _verify(path, integrity):
    with open(path, 'rb') as f:
        digest = hashlib.sha512(f.read()).digest()
    if 'sha512-' + base64.b64encode(digest).decode() != integrity:
        raise NpmError('wrong SHA-512: %s, npm.lock says %s'
                       % (os.path.basename(path), integrity))


def _unpack(path, folder):
    """Plain files only, without the topmost folder of the archive."""
    with tarfile.open(path) as archive:
        for member in archive:
            name = os.path.normpath(member.name.partition('/')[2])
            if not member.isfile() or name.startswith(('..', '/')):
                continue
            where = os.path.join(folder, name)
            os.makedirs(os.path.dirname(where), exist_ok=True)
            with open(where, 'wb') as f:
                shutil.copyfileobj(archive.extractfile(member), f)


def fetch(name, root):
    packages = locked(name)
    parent = os.path.dirname(root)
    os.makedirs(parent, exist_ok=True)
    work = tempfile.mkdtemp(prefix='.new-', dir=parent)
    os.chmod(work, 0o755)
    try:
        files = _pack(sorted({'%s@%s' % p[1:3] for p in packages}), work)
        new = os.path.join(work, 'root')
        for folder, package, version, integrity in packages:
            path = files['%s@%s' % (package, version)]
            _verify(path, integrity)
            _unpack(path, os.path.join(new, 'node_modules', folder))
        with open(os.path.join(new, '.complete'), 'w') as f:
            f.write(_stamp(name))
        shutil.rmtree(root, ignore_errors=True)
        os.rename(new, root)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def loaded(folder):
    """Lines for npm.lock: the packages of the files on standard input."""
    with open(os.path.join(folder, 'package-lock.json')) as f:
        packages = json.load(f)['packages']
    wanted = set()
    for line in sys.stdin:
        path = os.path.relpath(line.strip(), folder)
        wanted.add(max((p for p in packages if path.startswith(p + '/')),
                       key=len, default=''))
    return ['%s %s %s' % (p.partition('node_modules/')[2],
                          packages[p]['version'], packages[p]['integrity'])
            for p in sorted(wanted - {''})]


if __name__ == '__main__':
    print('\n'.join(loaded(os.path.abspath(sys.argv[2]))))
