"""What deploy/ ships, by the tools that it is for."""
import json
import os
import re
import shutil

from harness import TOP, Skip, case, check, command, equal, new_dir, succeed
from images import image

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
