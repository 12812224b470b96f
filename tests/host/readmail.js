#!/usr/bin/env node
/*
 * readmail.js - a third reader of MIME: what npm's mailparser makes of a
 * message. For each file named on standard input one line of JSON: subject,
 * from, to, text, html, and the attachments with name, id and the SHA-256 of
 * the bytes. NODE_PATH says where mailparser is.
 */
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const { simpleParser } = require('mailparser');

const people = (field) => (field ? field.value : []).map(
    (who) => [who.name, who.address]);

async function read(path)
{
    const mail = await simpleParser(fs.readFileSync(path), {
        skipHtmlToText: true, skipTextToHtml: true, skipImageLinks: true,
        skipTextLinks: true, maxHtmlLengthToParse: Infinity });
    return {
        subject: mail.subject || '', from: people(mail.from),
        to: people(mail.to), text: mail.text, html: mail.html,
        parts: mail.attachments.map((part) => ({
            name: part.filename, id: part.contentId,
            sha: crypto.createHash('sha256').update(part.content)
                .digest('hex') }))
    };
}

(async () => {
    for (const path of fs.readFileSync(0, 'utf8').split('\n').filter(Boolean))
        console.log(JSON.stringify(await read(path)));
})();
