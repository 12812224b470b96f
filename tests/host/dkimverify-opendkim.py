"""dkimverify-opendkim.py RECORD - OpenDKIM's verdict on each message named on
standard input, one line each, by its test mode: no socket, no DNS. RECORD: the
TXT record's text."""
import os
import re
import subprocess
import sys
import tempfile

paths = sys.stdin.read().split()
names = set()
for path in paths:
    with open(path, 'rb') as f:
        text = re.sub(rb'\s+', b'', f.read(4000)).decode('latin-1')
    names.add(re.search(r';s=([^;]*)', text)[1] + '._domainkey.' +
              re.search(r';d=([^;]*)', text)[1])
with tempfile.TemporaryDirectory() as folder:
    keys, conf = os.path.join(folder, 'keys'), os.path.join(folder, 'conf')
    with open(keys, 'w') as f:
        f.writelines(f'{name} {sys.argv[1]}\n' for name in names)
    with open(conf, 'w') as f:
        f.write(f'Mode v\nTestPublicKeys {keys}\nSyslog no\n')
    verdict = {}
    for at in range(0, len(paths), 50):
        done = subprocess.run(
            ['/usr/sbin/opendkim', '-x', conf, '-t',
             ','.join(paths[at:at + 50])], capture_output=True, text=True)
        for line in (done.stdout + done.stderr).splitlines():
            found = re.match(r'opendkim: (\S+): verification \(.*\) (.*)$',
                             line)
            if found:
                verdict[found[1]] = found[2]
for path in paths:
    said = verdict.get(path, 'nothing said')
    print('good' if said == 'succeeded' else 'bad: ' + said)
