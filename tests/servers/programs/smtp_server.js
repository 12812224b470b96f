// npm's smtp-server as a server: started by programs.py with its settings.
'use strict';

const fs = require('fs');
const { SMTPServer } = require('smtp-server');

const settings = JSON.parse(fs.readFileSync(process.argv[2]));
const { run, users, ports } = settings;
let count = 0;

function refusal(code, text) {
    return Object.assign(new Error(text), { responseCode: code });
}

function onAuth(auth, session, done) {
    const password = users[auth.username];
    const given = auth.method === 'XOAUTH2' ? auth.accessToken : auth.password;
    const good = password && (auth.method === 'CRAM-MD5'
        ? auth.validatePassword(password) : given === password);

    if (good)
        return done(null, { user: auth.method + ' ' + auth.username });
    if (auth.method === 'XOAUTH2')
        return done(null, { data: { status: '401', schemes: 'bearer' } });
    done(refusal(535, 'Authentication credentials invalid'));
}

function onRcptTo(address, session, done) {
    const name = address.address.toLowerCase();

    if (name === settings.refused)
        return done(refusal(550, 'No such user here'));
    if (name === settings.grey)
        return done(refusal(450, 'Greylisted, try again later'));
    done();
}

function messageId(path) {
    const mail = fs.readFileSync(path, 'latin1');
    const found = /^Message-ID: *(<.*>)/mi.exec(mail);

    return found && found[1];
}

function verdict(address) {
    return address === settings.full
        ? refusal(552, 'Mailbox is full') : 'stored as ' + count;
}

function onData(stream, session, done) {
    const name = String(++count);
    const file = fs.createWriteStream(`${run}/mail/tmp/${name}`);

    stream.pipe(file);
    file.on('finish', () => {
        const { mailFrom, rcptTo } = session.envelope;

        if (stream.sizeExceeded)
            return done(refusal(552, 'Message too big'));
        fs.appendFileSync(`${run}/log/envelopes`, JSON.stringify({
            from: mailFrom.address, to: rcptTo.map(r => r.address),
            mail: mailFrom.args, rcpt: rcptTo.map(r => r.args),
            login: session.user, id: messageId(`${run}/mail/tmp/${name}`),
        }) + '\n');
        fs.renameSync(`${run}/mail/tmp/${name}`, `${run}/mail/new/${name}`);
        if (session.transmissionType.startsWith('LMTP'))
            return done(null, rcptTo.map(r => verdict(r.address)));
        done(null, verdict());
    });
}

function listen(name, more) {
    new SMTPServer({
        name: 'mail.test', size: settings.size, disableReverseLookup: true,
        key: fs.readFileSync(run + '/srv.key'),
        cert: fs.readFileSync(run + '/srv.pem'),
        minVersion: 'TLSv' + settings.tls_min,
        maxVersion: 'TLSv' + settings.tls_max,
        authMethods: ['PLAIN', 'LOGIN', 'CRAM-MD5', 'XOAUTH2'],
        hideENHANCEDSTATUSCODES: false, hideDSN: false,
        hideREQUIRETLS: false,
        onAuth, onRcptTo, onData, ...more,
    }).on('error', error => console.log(name, error.message))
        .listen(ports[name], '127.0.0.1');
}

listen('starttls', {});
listen('tls', { secure: true });
listen('plain', { authOptional: true, hideSTARTTLS: true,
    disabledCommands: ['STARTTLS', 'AUTH'] });
listen('lmtp', { lmtp: true, authOptional: true, disabledCommands: ['AUTH'] });
listen('lmtp_tls', { lmtp: true, secure: true, authOptional: true,
    disabledCommands: ['AUTH'] });
