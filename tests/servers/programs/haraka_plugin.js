// What makes a server of Haraka: policy, passwords, and a mailbox. Loaded by
// Haraka as a plugin; programs.py writes the settings.
'use strict';

const fs = require('fs');
const path = require('path');

const run = path.dirname(__dirname);
const settings = JSON.parse(fs.readFileSync(run + '/settings.json'));
let count = 0;

exports.register = function () {
    this.inherits('auth/auth_base');
};

exports.get_plain_passwd = (user, connection, done) => {
    done(settings.users[user] || null);
};

exports.hook_mail = (next, connection) => {
    if (connection.relaying)
        return next(OK);
    next(DENY, 'Authentication required');
};

exports.hook_rcpt = (next, connection, params) => {
    const name = params[0].address().toLowerCase();

    if (name === settings.refused)
        return next(DENY, 'No such user here');
    if (name === settings.grey)
        return next(DENYSOFT, 'Greylisted, try again later');
    next(OK);
};

exports.hook_queue = (next, connection) => {
    const name = String(++count);
    const mail = connection.transaction;
    const file = fs.createWriteStream(`${run}/mail/tmp/${name}`);

    file.on('close', () => {
        fs.appendFileSync(`${run}/log/envelopes`, JSON.stringify({
            from: mail.mail_from.address(),
            to: mail.rcpt_to.map(r => r.address()),
        }) + '\n');
        fs.renameSync(`${run}/mail/tmp/${name}`, `${run}/mail/new/${name}`);
        next(OK, 'stored as ' + name);
    });
    // As on the wire: it would leave two dots where its buffers end between
    // them. programs.py takes one away.
    mail.message_stream.pipe(file, { dot_stuffed: false });
};

exports.hook_queue_outbound = exports.hook_queue;
