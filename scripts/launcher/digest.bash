# shellcheck shell=bash
#
# digest.bash: one message of all that was held for a recipient (limit.bash):
# a list of them, then each as it was handed in, in a multipart/digest (RFC 2046,
# 5.1.5).
#
# Every byte of it is ASCII and no line is long, so that there is no server it
# cannot be sent to. What is a finished message of that kind is attached byte
# for byte, less Bcc and with the fields that the image would have added; a
# plain text gets its header. Where bodies are other than that, they are in
# base64; a finished message that cannot be changed so is attached as a file.
#
# It is written at the first attempt, into a file that gets its name when it is
# whole. What is too much to be attached is in the list all the same, and the
# digest is not removed but kept in dead/, with all messages in mail/.

DIGEST_ROOM=4194304 # bytes that are attached, but always one message
DIGEST_MOST=500     # messages that are attached
DIGEST_LINES=1000   # of the list
ODD_BYTES=$'[^\001-\177]|\r.|.{991}' # no ASCII, a bare CR, or a long line

declare -A attached=()
digest_count=0 boundary=''

# The message, and with it the file cut if not all is attached.
digest_compose() {
    is_digest && [ ! -e "$call/message" ] || return 0
    digest_args | cat >"$call/args" && digest_gather &&
        digest_message | cat >"$entry/message.new" &&
        tail -n 1 -- "$entry/message.new" | grep -qxFe "--$boundary--" &&
        sync "$entry/message.new" "$call/args" "$entry" &&
        mv -T -- "$entry/message.new" "$call/message" && sync "$call" ||
        die $EX_TEMPFAIL "$entry: the digest cannot be written"
}

# Somebody has removed all that was in it, before it was written.
digest_is_gone() {
    is_digest && [ ! -e "$call/message" ] && held_is_empty "$entry" || return 1
    notice "the digest ${entry##*/} has been emptied: it is removed"
    log_event "the digest has been emptied, and is removed"
    entry_remove || die $EX_TEMPFAIL "$entry cannot be removed"
}

# Given up or sent, and there is something in it that nobody has got.
digest_stays() {
    local id=${entry##*/}
    is_digest || return 1
    [ -e "$entry/cut" ] || ! queue_has sent || return 1
    notice "what the digest $id holds is kept: $spool/dead/$id/mail"
    log_event "the digest is kept in dead"
    entry_move dead
}

# Whom it is from is the account's to say, else that of the first in it.
digest_args() {
    local digest=$entry first sender=''
    printf 'at_end poweroff\nmessage_id %s@%s\ndate %s\n' \
        "${entry##*/}" "$(host_name)" "$queued"
    # nobody else, whoever is named by cc and bcc
    sed -n '1s/.*/to "&"\nonly_to "&"/p' "$entry/to"
    case ${conf[from]-} in
    '' | *[*?[]*)
        first=("$digest"/mail/*)
        sender=$(call=${first[0]} guess_sender)
        printf 'from "%s"\n' "${sender:1:-1}" ;;
    esac
}

# ------------------------------------------------------------------ what is in it

# Of each message a line in $work/held, parted by tabs: name, kind (h: has a
# header), fields that it has, date, From, Subject as people read it. Those
# that no ASCII can carry are in $work/odd, those attached in $attached.
digest_gather() {
    local mail take
    boundary=bootmail.$(head -c 12 /dev/urandom | base64 | tr '+/' '._')
    attached=() digest_count=0
    find "$entry/mail" -mindepth 1 -maxdepth 1 -printf '%T@ %P\n' |
        sort -n | cut -d ' ' -f 2 >"$work/names" &&
        digest_summary "$entry/mail" <"$work/names" >"$work/held" || return 1
    (cd "$entry/mail" && printf '%s/message\0' * |
        xargs -0 grep -lsaE "$ODD_BYTES" --) >"$work/odd"
    [ $? -le 123 ] || return 1 # 123: grep has found none
    while IFS=' ' read -r mail take; do
        digest_count=$((digest_count + 1))
        if [ "$take" = 1 ]; then
            attached[$mail]=1
        else
            : >"$entry/cut" || return 1
        fi
    done < <(find "$entry/mail" -type f -printf '%P\t%s\n' | digest_choose)
    [ "$digest_count" != 0 ]
}

# Of each message, the oldest first, whether it is attached; files with their
# sizes on standard input. One that is too large leaves its room to others.
digest_choose() {
    awk -F '\t' -v room=$DIGEST_ROOM -v most=$DIGEST_MOST '
        NR == FNR { name[++count] = $1; next }
        { split($0, part, "/"); size[part[1]] += $NF }
        END {
            for (i = 1; i <= count; i++) {
                n = size[name[i]]
                take = !some || (all + n <= room && some < most)
                if (take) {
                    all += n
                    some++
                }
                print name[i], take
            }
        }' "$work/names" -
}

# Encoded words (RFC 2047) in UTF-8, ASCII or Latin-1 become what they mean;
# nothing that is left can end a line or is no UTF-8.
digest_summary() { # folder; names on standard input
    folder=$1 awk "$FIELD_NAME"'
        BEGIN {
            folder = ENVIRON["folder"]
            digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
                "0123456789+/"
            for (i = 0; i < 256; i++)
                byte[sprintf("%02X", i)] = sprintf("%c", i)
            power[0] = 1; power[2] = 4; power[4] = 16
        }
        function hex(n) { return byte[sprintf("%02X", n)] }
        function base64(s,  i, k, bits, n, out) {
            for (i = 1; i <= length(s); i++) {
                k = index(digits, substr(s, i, 1)) - 1
                if (k < 0)
                    break
                bits = bits * 64 + k; n += 6
                if (n >= 8) {
                    n -= 8
                    out = out hex(int(bits / power[n]))
                    bits %= power[n]
                }
            }
            return out
        }
        function quoted(s,  at, out, x) {
            gsub(/_/, " ", s)
            while ((at = index(s, "=")) > 0) {
                x = toupper(substr(s, at + 1, 2))
                out = out substr(s, 1, at - 1)
                if (x in byte) {
                    out = out byte[x]; s = substr(s, at + 3)
                } else {
                    out = out "="; s = substr(s, at + 1)
                }
            }
            return out s
        }
        function latin(s,  i, c, n, out) {
            for (i = 1; i <= length(s); i++) {
                c = substr(s, i, 1)
                for (n = 128; n < 256 && hex(n) != c; n++)
                    continue
                out = out (n == 256 ? c : hex(192 + int(n / 64)) \
                    hex(128 + n % 64))
            }
            return out
        }
        function words(s,  out, w, p, t) {
            gsub(/\?=[ \t]+=\?/, "?==?", s)
            while (match(s, /=\?[^?]+\?[BbQq]\?[^?]*\?=/)) {
                out = out substr(s, 1, RSTART - 1)
                w = substr(s, RSTART, RLENGTH)
                s = substr(s, RSTART + RLENGTH)
                split(w, p, "?")
                t = toupper(p[3]) == "B" ? base64(p[4]) : quoted(p[4])
                p[2] = tolower(p[2])
                if (p[2] == "iso-8859-1")
                    t = latin(t)
                else if (p[2] != "utf-8" && p[2] != "us-ascii")
                    t = w
                out = out t
            }
            return out s
        }
        # no more than anybody is shown, or a shell would take hours
        function clean(s) {
            if (length(s) > 2000) {
                s = substr(s, 1, 2000)
                sub(/[\300-\377][\200-\277]*$/, "", s)
            }
            s = words(s)
            gsub(/[\001-\037\177]+/, " ", s)
            if (s !~ /^([\040-\176]|[\302-\337][\200-\277]|[\340-\357][\200-\277][\200-\277]|[\360-\364][\200-\277][\200-\277][\200-\277])*$/)
                gsub(/[^\040-\176]/, "?", s)
            sub(/^ +/, "", s); sub(/ +$/, "", s)
            return s
        }
        function value(line) {
            sub(/^[^ ]* "?/, "", line); sub(/"$/, "", line)
            return line
        }
        function field(n, v) {
            if (n in want && !(n in got))
                got[n] = v
            if (n ~ mail)
                kind = "h"
        }
        {
            file = folder "/" $0 "/args"
            split("", got); split("", arg); kind = "t"
            while ((getline line <file) > 0)
                if (match(line, /^(subject|date|from) /))
                    arg[substr(line, 1, RLENGTH - 1)] = value(line)
            close(file)
            want["from"]; want["to"]; want["subject"]; want["date"]
            want["message-id"]; want["mime-version"]
            mail = "^(from|sender|reply-to|to|cc|bcc|subject|date|message-id|in-reply-to|references|mime-version|received|return-path|auto-submitted|content-.*|resent-.*|x-.*|list-.*)$"
            file = folder "/" $0 "/message"
            name = text = ""
            for (n = 1; (getline line <file) > 0; n++) {
                sub(/\r$/, "", line)
                if (n == 1 && line ~ /^From /)
                    continue
                if (line ~ /^[ \t]/ && name != "") {
                    if (length(text) < 2000)
                        text = text line
                    continue
                }
                if (name != "")
                    field(name, text)
                name = field_name(line)
                if (name == "") {
                    # no text either, which would tell
                    if (field_name(line, 1) ~ /^(resent-)?bcc$/)
                        kind = "h"
                    break
                }
                text = line
                sub(/^[^:]*:/, "", text)
            }
            if (name != "")
                field(name, text)
            close(file)
            if (kind == "t")
                split("", got)
            has = ""
            for (n in got)
                has = has " " n
            subject = clean("subject" in got ? got["subject"] : arg["subject"])
            from = clean("from" in got ? got["from"] : arg["from"])
            printf "%s\t%s\t%s \t%s\t%s\t%s\n", $0, kind, has, arg["date"],
                (from == "" ? "-" : from),
                (subject == "" ? "(no subject)" : subject)
        }'
}

# ------------------------------------------------------------------- the message

digest_message() {
    local mail kind has date from subject tab=$'\t' files=() open=0
    digest_header
    digest_list >"$work/list" && text_part "$work/list" || return 1
    while IFS=$tab read -r mail kind has date from subject; do
        [ -n "${attached[$mail]-}" ] || continue
        if cannot_be_inside; then
            files+=("$mail")
            continue
        fi
        [ $open = 1 ] || printf \
            '\n--%s\nContent-Type: multipart/digest; boundary="digest.%s"\n' \
            "$boundary" "$boundary"
        open=1
        printf '\n--digest.%s\nContent-Type: message/rfc822\n\n' "$boundary"
        digest_mail "$entry/mail/$mail" || return 1
    done <"$work/held"
    [ $open = 0 ] || printf '\n--digest.%s--\n' "$boundary"
    for mail in ${files[@]+"${files[@]}"}; do
        digest_file "$entry/mail/$mail/message" >"$work/eml" &&
            file_part application/octet-stream "$work/eml" "$mail.eml" &&
            extra_parts "$entry/mail/$mail" || return 1
    done
    printf '\n--%s--\n' "$boundary"
}

digest_header() {
    local first
    IFS= read -r first <"$work/held"
    first=${first##*$'\t'}
    shorten "$first" 60
    [ "$digest_count" = 1 ] || REPLY+=', ...'
    printf 'To: %s\nSubject: [%s] %d message%s held back: %s\n' \
        "$(head -n 1 -- "$entry/to")" "$(host_name)" "$digest_count" \
        "$(plural "$digest_count")" "$REPLY"
    cat <<X
Auto-Submitted: auto-generated
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="$boundary"

X
    printf -- '--%s\n' "$boundary"
}

plural() { # number
    [ "$1" = 1 ] || printf s
}

shorten() { # text, bytes: in $REPLY; no character of UTF-8 is cut
    local n=$2
    REPLY=$1
    [ ${#1} -gt "$n" ] || return 0
    while [[ $n -gt 0 && ${1:n:1} = [$'\x80'-$'\xbf'] ]]; do
        n=$((n - 1))
    done
    REPLY=${1:0:n}...
}

digest_list() {
    local mail kind has date from subject tab=$'\t' n=0 mark most address
    local left=$((digest_count - ${#attached[@]}))
    address=$(head -n 1 -- "$entry/to") most=$(tail -n 1 -- "$entry/to")
    printf 'This is bootmail at %s. At most %d mail%s an hour may go to\n%s.\n' \
        "$(host_name)" "$most" "$(plural "$most")" "$address"
    printf 'What came on top of that was held back: %d message%s.\n' \
        "$digest_count" "$(plural "$digest_count")"
    if [ $left = 0 ]; then
        printf 'All of it is listed here, and attached.\n\n'
    else
        printf 'All of it is listed here. What has a * (%d) would be too much and is not
attached: the host above keeps it, until somebody removes it, in
%s\n\n' $left "$spool/dead/${entry##*/}/mail"
    fi
    while IFS=$tab read -r mail kind has date from subject; do
        [ $((n++)) -lt $DIGEST_LINES ] || break
        mark=' '
        [ -n "${attached[$mail]-}" ] || mark='*'
        shorten "$from" 40
        printf '%s %s  %s\n' "$mark" "$(stamp "$date")" "$REPLY"
        shorten "$subject" 200
        printf '      %s\n' "$REPLY"
    done <"$work/held"
    [ $n -le $DIGEST_LINES ] ||
        printf '\nand %d more.\n' $((digest_count - DIGEST_LINES))
}

# --------------------------------------------------------------------- one of them

is_odd() { # mail
    grep -qxF "$1/message" "$work/odd"
}

# A finished message with lines in its header that no field has; or one that is
# no ASCII, and that base64 for its body would not make so: a multipart, an
# encoding that is there, a header of raw bytes, with a bare CR (which the image
# refuses, and all that goes with it), or of long lines.
cannot_be_inside() {
    local file=$entry/mail/$mail/message
    [ "$kind" = h ] || return 1
    mail_fields "$file" none | grep -qvaE $'^([!-9;-~]+:|[ \t])' && return
    is_odd "$mail" || return 1
    sed '/^\r\{0,1\}$/q' "$file" |
        grep -caE "$ODD_BYTES" >/dev/null && return
    mail_fields "$file" none | awk "$FIELD_NAME"'
        !/^[ \t]/ { name = field_name($0) }
        name == "content-type" && tolower($0) ~ /multipart|message/ { odd = 1 }
        name == "content-transfer-encoding" &&
            tolower($0) ~ /base64|quoted-printable/ { odd = 1 }
        END { exit !odd }'
}

# Fields that nobody is to see, as a regular expression. In a digest that is Bcc
# always: whoever wants it to be sent on did not ask for this.
hidden_fields() {
    local call=$entry/mail/$mail said
    said=$(call_setting undisclosed_recipients)
    case ${said:-${conf[undisclosed_recipients]-off}} in
    on | yes) said=on ;;
    esac
    if [ "$said" = on ] || [ -n "${conf[set_to_header]-}" ]; then
        printf 'resent-bcc|bcc|to|cc'
    else
        printf 'resent-bcc|bcc'
    fi
}

digest_file() { # file that has a header
    mail_fields "$1" "$(hidden_fields)" && printf '\n' &&
        sed '1,/^\r\{0,1\}$/d' "$1"
}

# Without extras it is the message. kind and has are its.
digest_mail() { # folder
    local drop extra odd=0
    drop=$(hidden_fields)
    extra=$(find "$1/attach" "$1/inline" "$1/message.html" -type f \
        2>/dev/null | head -n 1)
    ! is_odd "$mail" || odd=1
    made_fields "$1" | plain_lines
    if [ "$kind" = h ] && [ $odd = 0 ] && [ -z "$extra" ]; then
        mail_fields "$1/message" "$drop" && printf '\n' &&
            mail_body "$1/message"
        return
    fi
    [ "$kind" = t ] ||
        mail_fields "$1/message" "$drop|mime-version|content-.*" || return 1
    printf 'MIME-Version: 1.0\n'
    if [ -z "$extra" ]; then
        mail_text "$1"
        return
    fi
    printf 'Content-Type: multipart/mixed; boundary="mail.%s"\n\n--mail.%s\n' \
        "$boundary" "$boundary"
    mail_text "$1" && boundary=mail.$boundary extra_parts "$1" &&
        printf '\n--mail.%s--\n' "$boundary"
}

# What the image would have put before the fields that are there.
made_fields() { # folder
    local call=$1 from subject
    if [[ $has != *' from '* ]]; then
        from=$(guess_sender)
        printf 'From: %s\n' "${from:1:-1}"
    fi
    [ "$kind" = h ] || printf 'To: %s\n' "$(head -n 1 -- "$entry/to")"
    subject=$(call_setting subject)
    [[ $has = *' subject '* ]] || [ -z "$subject" ] ||
        printf 'Subject: %s\n' "$(encoded_words "$subject")"
    [[ $has = *' date '* ]] || printf 'Date: %s\n' "$(date -uR -d "@$date")"
    [[ $has = *' message-id '* ]] || printf 'Message-ID: <%s>\n' \
        "$(sed -n 's/^message_id //p' "$call/args")"
}

# A text with other bytes than ASCII as RFC 2047 has it; words are parted by
# folds.
encoded_words() { # text
    local rest=$1 n
    [[ $1 = *[!\ -~]* || $1 = *=\?* ]] || { printf '%s' "$1"; return; }
    while [ -n "$rest" ]; do
        n=42
        while [[ ${rest:n:1} = [$'\x80'-$'\xbf'] && $n -gt 38 ]]; do
            n=$((n - 1))
        done
        printf '=?utf-8?B?%s?=' "$(printf '%s' "${rest:0:n}" | base64 -w 0)"
        rest=${rest:n}
        [ -z "$rest" ] || printf '\n '
    done
}

mail_fields() { # file; those to leave out, those to keep: regular expressions
    awk -v drop="^($2)\$" -v keep="^(${3:-.*})\$" "$FIELD_NAME"'
        { sub(/\r$/, "") }
        $0 == "" { exit }
        NR == 1 && /^From / { next }
        !/^[ \t]/ { name = field_name($0, 1) }
        name !~ drop && name ~ keep' "$1"
}

mail_body() { # file that has a header
    sed '1,/^\r\{0,1\}$/d' "$1" | tr -d '\r'
}

# The text, as a part or as the only one: its Content- fields, its body.
mail_text() { # folder
    if [ "$kind" = t ]; then
        text_part "$1/message" $odd
    elif [ $odd = 0 ]; then
        mail_fields "$1/message" none 'content-.*' || return 1
        printf '\n'
        mail_body "$1/message"
    else
        mail_fields "$1/message" content-transfer-encoding 'content-.*' ||
            return 1
        printf 'Content-Transfer-Encoding: base64\n\n'
        sed '1,/^\r\{0,1\}$/d' "$1/message" | base64
    fi
}

# A plain text as it lies, or in base64 if it must be.
text_part() { # file, 1 if it must be
    local odd=${2-}
    [ -n "$odd" ] || {
        odd=0
        ! grep -qaE $'[^\001-\177]|.{991}' "$1" || odd=1
    }
    printf 'Content-Type: text/plain; charset=%s\n' \
        "$([ "$odd" = 1 ] && echo utf-8 || echo us-ascii)"
    if [ "$odd" = 1 ]; then
        printf 'Content-Transfer-Encoding: base64\n\n'
        base64 -- "$1"
    else
        printf '\n'
        tr -d '\r' <"$1"
    fi
}

# HTML, what it shows, attachments: names that begin with a dot as well.
extra_parts() { # folder
    local file files
    [ ! -e "$1/message.html" ] || file_part "text/html; charset=utf-8" "$1/message.html" '' ||
        return 1
    shopt -s dotglob
    files=("$1"/inline/* "$1"/attach/*/*)
    shopt -u dotglob
    for file in "${files[@]}"; do
        [ ! -f "$file" ] || file_part application/octet-stream "$file" \
            "${file##*/}" || return 1
    done
}

file_part() { # type, file, name
    local name=$3 out='' i c
    printf '\n--%s\nContent-Type: %s\nContent-Transfer-Encoding: base64\n' \
        "$boundary" "$1"
    if [[ $name = *[!A-Za-z0-9._-]* ]]; then # RFC 2231
        for ((i = 0; i < ${#name}; i++)); do
            c=${name:i:1}
            [[ $c = [A-Za-z0-9._-] ]] || printf -v c '%%%02X' "'$c"
            out+=$c
        done
        printf "Content-Disposition: attachment;\n filename*=utf-8''%s\n" "$out"
    elif [ -n "$name" ]; then
        printf 'Content-Disposition: attachment; filename="%s"\n' "$name"
    fi
    printf '\n'
    base64 -- "$2"
}
