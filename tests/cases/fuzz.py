"""The fuzz targets on their committed corpora: what was found once stays
found. And the corpora on drivers with a check taken out: a harness that sees
nothing would be of no use."""
import os
import re
import shutil
import sys

from harness import TOP, case, check, command, new_dir

sys.path.append(os.path.join(TOP, 'tests', 'fuzz'))
from fuzzing import compile_target, targets, unpack  # noqa: E402


def run_corpus(name, top=TOP):
    """(status, output): every input of the corpus, once."""
    corpus = os.path.join(new_dir('corpus'), name)
    count = unpack(name, corpus)
    check(count > 10, f'{name} has no corpus to speak of')
    done = command([compile_target(name, top=top), '-runs=0', '-timeout=5',
                    f'-artifact_prefix={corpus}/', corpus], 300, cwd=top)
    return done.returncode, done.stderr.decode(errors='replace')


def target(name):
    @case('fuzz/' + name)
    def run():
        status, text = run_corpus(name)
        check(status == 0, f'exit {status}', text[-4000:])


for t in targets():
    target(t)


# target, file, what is taken out, what stands there then
MUTANTS = [
    ('virtio_ring', 'kernel/virtio/ring.c', 'got_id >= vr->size', '0'),
    ('virtio_ring', 'kernel/virtio/ring.c',
     '!vr->slot[got_id].device_owned', '0'),
    ('virtio_ring', 'kernel/virtio/ring.c',
     'got_len > vr->slot[got_id].len', '0'),
    ('virtio_net', 'kernel/virtio/ring.c',
     '!vr->slot[got_id].device_owned', '0'),
    ('virtio_net', 'net/virtio_net.c',
     'n >= (uint32_t)v->hdr + ETH_HDR', '1'),
    ('virtio_net', 'net/virtio_net.c', 'v->rx_len = 0;\n    rx_give',
     'rx_give'),
    ('virtio_rng', 'kernel/virtio/rng.c', 'rng->have = len;',
     'rng->have = len + 1;'),
    ('virtio_rng', 'kernel/virtio/ring.c', 'got_len > vr->slot[got_id].len',
     '0'),
    ('virtio_console', 'kernel/virtio/console.c',
     'con->out.slot[id].device_owned', '0'),
    ('e1000', 'net/e1000.c', 'len > BUFFER', '0'),
    ('smtp_reply', 'smtp/reply.c', 'text_clean(r->line, r->line_len);', ''),
    ('smtp_server', 'smtp/server/server.c', 'if (s->line_wire == 0)\n', ''),
    ('smtp_server', 'smtp/server/receive.c', 's->bad.code == 0 && '
     's->cfg->size_max != 0 &&\n', '!s->dots.bad && s->cfg->size_max != 0 &&'),
    ('smtp_address', 'smtp/mailbox.c', "c == '\"' || ", ''),
    ('smtp_sasl', 'smtp/server/scramd.c', 'return differs == 0;',
     'return differs + 1 != 0;'),
    ('smtp_sasl', 'smtp/server/creds.c', 'return differs == 0;',
     'return differs + 1 != 0;'),
    ('smtp_sasl', 'smtp/scram.c', 'return differs == 0;',
     'return differs + 1 != 0;'),
    ('files', 'kernel/fwcfg.c', 'wipe(p, size);', ''),
    ('dt', 'kernel/dt/irq.c', 'pi == 0 || pi > DT_IRQ_CELLS || ', ''),
    ('certs', 'net/tls_verify.c',
     '(flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0', 'flags == 1'),
    ('smbios', 'board/x86_64/smbios.c', ' || mem_in_image(at, len)', ''),
    ('pci', 'kernel/pci_dev.c', ' || len > b->size - off', ''),
    ('pci', 'kernel/pci_dev.c', 'ram_has(b->addr, b->size)', '0'),
    ('pci', 'kernel/pci.c', 'n < CAPS_MAX && ', ''),
    ('pci', 'kernel/virtio/pci.c',
     'at + sizeof(uint16_t) > dev->notify_len || ', ''),
    ('frames', 'net/tcp.c', 'pcb->snd_wnd_max = LEAST_WINDOW;', ';'),
    ('frames', 'net/frame.c', 'end - at < 2 || p[at + 1] < 2 || ', ''),
]


def mutant(number, name, path, old, new):
    @case(f'fuzz/mutant-{number}-{name}')
    def run():
        top = os.path.join(new_dir('mutant'), 'tree')
        for folder in ('kernel', 'net', 'smtp', 'board', 'tests/fuzz',
                       'tests/host', 'tests/unit'):
            shutil.copytree(os.path.join(TOP, folder),
                            os.path.join(top, folder))
        with open(os.path.join(top, path)) as f:
            text = f.read()
        check(text.count(old) == 1, f'"{old}" is not in {path} once')
        with open(os.path.join(top, path), 'w') as f:
            f.write(text.replace(old, new))
        status, said = run_corpus(name, top)
        check(status != 0 and re.search('ERROR: |not true|runtime error',
                                        said),
              f'"{old}" taken out of {path}: not seen', said[-3000:])


for n, m in enumerate(MUTANTS):
    mutant(n, *m)
