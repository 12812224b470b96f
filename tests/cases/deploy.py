"""What deploy/ ships, by the tools that it is for."""
import json
import os
import re
import shutil

from fake import Fake
from harness import (LAUNCHER, TOP, Skip, case, check, command, equal, new_dir,
                     private_file, succeed)
from images import image
from spoollab import PLAIN, got, server

DEPLOY = os.path.join(TOP, 'deploy')


def shipped(name):
    return os.path.join(DEPLOY, name)


@case('deploy/libvirt')
def libvirt():
    succeed(['virt-xml-validate', shipped('libvirt.xml'), 'domain'])


@case('deploy/systemd')
def systemd():
    """Understood by systemd, every line; exposed as little as it says."""
    folder = new_dir('units')
    names = ('bootmail-flush.service', 'bootmail-flush.timer')
    if shutil.which('systemd-analyze') is None:
        raise Skip('no systemd-analyze: apt-get install systemd')
    for name in names:
        with open(shipped('systemd/' + name)) as f:
            text = f.read()
        with open(os.path.join(folder, name), 'w') as f:
            f.write(text.replace('/usr/local/bin/bootmail',
                                 os.path.join(TOP, 'scripts/bootmail')))
    done = succeed(['systemd-analyze', 'verify', '--man=no',
                    *(os.path.join(folder, n) for n in names)])
    equal(done.stderr.decode(), '', 'what systemd says about them')


@case('deploy/systemd-spool')
def systemd_spool():
    """The spool that the unit, the manual page and its head name is one that
    the unit may write to."""
    with open(shipped('systemd/bootmail-flush.service')) as f:
        unit = f.read()
    place, = re.findall(r'says spool (/\S+)\.', unit)
    state, = re.findall(r'^StateDirectory=(\S+)$', unit, re.M)
    check('ProtectSystem=strict' in unit, 'no ProtectSystem=strict')
    check(place.startswith(f'/var/lib/{state}/'), 'the spool is elsewhere',
          place)
    with open(os.path.join(TOP, 'scripts/man/bootmail.1')) as f:
        page = f.read()
    for dir_ in (f'/var/lib/{state}', *re.findall(r' -(/var/spool/\S+)', unit)):
        check(f'.Pa {dir_}' in page, f'{dir_} is not in the manual page')
    if command(['unshare', '-m', 'true']).returncode != 0:
        raise Skip('needs root, to mount')
    program = os.path.abspath(image('posix-asan'))
    for spool, status in ((place, 0), ('/var/cache/bootmail', 75)):
        folder = new_dir('unit')
        conf = os.path.join(folder, 'bootmail.conf')
        with Fake(server()) as srv:
            private_file(conf, (PLAIN.format(port=1) + f'spool {spool}\n'
                                'eval echo port $(cat port)\n').encode())
            # the file system as the unit has it
            script = f'''set -e
mount -t tmpfs none /var/lib
mkdir -m 700 /var/lib/{state}
mount -o remount,ro,bind /
cd /var/lib/{state}
mkdir tmp
echo 1 >port
echo hello | {LAUNCHER} --board posix --image {program} -C {conf} b@mail.test
echo {srv.port} >port
{LAUNCHER} --board posix --image {program} -C {conf} --flush-all
{LAUNCHER} --board posix --image {program} -C {conf} -bp
'''
            done = command(['unshare', '-m', 'sh', '-c', script], 60, env={
                'PATH': os.environ['PATH'],
                'TMPDIR': f'/var/lib/{state}/tmp'})
            equal(done.returncode, status, f'status with spool {spool}',
                  done.stderr)
            equal(len(got(srv)), 1 - bool(status), 'messages', done.stderr)
            check(bool(status) or b'the queue is empty' in done.stdout,
                  'left in the spool', done.stdout)


@case('deploy/yaml')
def yaml():
    names = [n for n in os.listdir(DEPLOY) if n.endswith(('.yaml', '.yml'))]
    check(len(names) >= 3, 'files are missing', names)
    succeed(['yamllint', '-s', '-d',
             '{extends: default, rules: {line-length: {max: 80}}}'] +
            [shipped(n) for n in names])


@case('deploy/ci-jobs')
def ci_jobs():
    """The commands of the two CI jobs are those that are tested here."""
    wanted = ['scripts/setup --for demo', 'make image',
              'sh deploy/smoke-test build/x86_64/bootmail']
    for name, lead in (('github-actions.yml', '- run: '),
                       ('gitlab-ci.yml', '- ')):
        with open(shipped(name)) as f:
            lines = [x.strip() for x in f]
        equal([x[len(lead):] for x in lines if x.startswith(lead) and
               'uses:' not in x], wanted, name)


@case('deploy/smoke-test')
def smoke():
    done = succeed(['sh', shipped('smoke-test'), image('x86_64')])
    check(b'it boots' in done.stdout, 'its word', done.stdout)
    folder = new_dir('qemu')
    for script in ('exit 0', 'exit 1', 'echo "{\\"bootmail\\":1,"', 'sleep 0'):
        qemu = os.path.join(folder, 'qemu')
        with open(qemu, 'w') as f:
            f.write('#!/bin/sh\n' + script + '\n')
        os.chmod(qemu, 0o755)
        done = command(['sh', shipped('smoke-test'), '/dev/null'], 60,
                       env=dict(os.environ, QEMU=qemu))
        equal(done.returncode, 1, f'exit status for {script}', done.stdout)


@case('deploy/container')
def container():
    """Built without a network; it holds the two files and nothing else."""
    folder = new_dir('oci')
    for name, data in (('build/x86_64/bootmail', b'kernel'),
                       ('build/files.cpio', b'files')):
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as f:
            f.write(data)
    store = ['buildah', '--storage-driver', 'vfs', '--root', folder + '/root',
             '--runroot', folder + '/run']
    if command(store + ['images'], 60).returncode != 0:
        raise Skip('buildah cannot make name spaces here')
    succeed(store + ['bud', '--isolation', 'chroot', '-t', 'bootmail', '-f',
                     shipped('Containerfile'), folder])
    out = os.path.join(folder, 'out')
    succeed(store + ['push', 'bootmail', 'dir:' + out])
    with open(os.path.join(out, 'manifest.json')) as f:
        manifest = json.load(f)
    tree = os.path.join(folder, 'tree')
    os.mkdir(tree)
    for layer in manifest['layers']:
        succeed(['tar', '-xzf', os.path.join(
            out, layer['digest'].split(':')[1]), '-C', tree])
    found = {os.path.relpath(os.path.join(at, n), tree)
             for at, _, names in os.walk(tree) for n in names}
    equal(found, {'boot/bootmail', 'boot/files.cpio'}, 'files in the image')
    with open(shipped('kubevirt.yaml')) as f:
        paths = re.findall(r'(?:kernel|initrd)Path: /(.*)', f.read())
    equal(set(paths), found, 'files that KubeVirt is told of')
    shutil.rmtree(folder, ignore_errors=True)
