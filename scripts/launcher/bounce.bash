# shellcheck shell=bash
#
# bounce.bash: notes to the sender of a message that somebody will not get, or
# may not have got (RFC 3464), through the account it went by.

# Those that the server refused, each once.
tell_refused() {
    tell failed refused 'was refused by the mail server'
}

# Nobody is left to wait for: the entry goes.
tell_expired() {
    local address
    for address in "${only[@]}"; do
        fate[$address]=expired
    done
    if ! tell failed expired "was tried for ${conf[queue_lifetime]-5d}, in vain"; then
        notice "given up: ${entry##*/} is in $spool/dead: $reason"
        log_event "given up, kept in dead: $reason"
        entry_move dead
        return
    fi
    notice "given up: ${entry##*/}: $reason"
    log_event "given up, ${sender:-the sender} is told: $reason"
    digest_stays || entry_remove
}

# The connection was lost after the final dot: it is kept, and not sent again.
tell_unsure() {
    tell delayed unsure 'may have been delivered, or not; it is kept and not sent again'
}

# A note about everybody of that fate who has had none. Fails if there is
# nobody to send it to.
tell() { # action, fate, words
    local address about=() note=$1 from to=${sender:-$(guess_sender)}
    for address in "${!fate[@]}"; do
        [ "${fate[$address]}" != "$2" ] || [ -n "${bounced[$address]-}" ] ||
            about+=("$address")
    done
    if [ ${#about[@]} = 0 ]; then
        [ ${#fate[@]} = 0 ] || return 0
        case $2 in "$q_outcome" | expired) ;; *) return 0 ;; esac
        mapfile -t about < <(guess_recipients)
    fi
    [ "$to" != '<>' ] && [ -n "$to" ] || return 1
    bounce "$@"
}

# The note is written, whole, in tmp/; then the journal of the message promises
# it; then it becomes an entry of the spool. Whenever that is cut short, it is
# finished later, and there is one note.
bounce() { # action, fate, words
    local of_call=$call lines=() a id=${entry##*/}.$2.$attempts
    (
        rm -rf -- "$spool/tmp/$id"
        entry_new "$id"
        printf 'at_end poweroff\nfrom ""\nto "%s"\n' "${to:1:-1}" |
            cat >"$call/args" && bounce_message "$@" | cat >"$call/message" &&
            entry_complete "$q_account" "$q_config"
    ) || note_failed
    for a in "${about[@]}"; do
        lines+=("bounced"$'\t'"$a"$'\t'"$id")
    done
    journal "${lines[@]}" || note_failed
    for a in "${about[@]}"; do
        bounced[$a]=$id
    done
    notes_leave || note_failed
}

note_failed() {
    promised "$id" || rm -rf -- "$spool/tmp/$id"
    die $EX_TEMPFAIL "$entry: the note to its sender cannot be kept"
}

# Whether the message that a note is about will see to it.
promised() { # name of the note
    grep -qsaF $'\t'"$1" -- "$spool/new/${1%.*.*}/journal"
}

# Notes that the journal promises, and that are still where they were written.
notes_leave() {
    local id
    for id in ${bounced[@]+"${bounced[@]}"}; do
        [ -z "$id" ] || [ ! -d "$spool/tmp/$id" ] || entry_arrive "$id" ||
            return 1
    done
}

bounce_message() { # action, fate, words
    local boundary a
    boundary=bootmail.$(head -c 12 /dev/urandom | base64 | tr '+/' '._')
    cat <<X || return 1
From: bootmail <postmaster@$(bounce_domain)>
To: ${to:1:-1}
Subject: Your message $([ "$1" = failed ] && echo could not || echo may not) be delivered
Date: $(date -R)
Message-ID: <${entry##*/}@$(bounce_domain)>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
 boundary="$boundary"

--$boundary
Content-Type: text/plain; charset=us-ascii

This is bootmail at $(host_name). Your message of
$(date -R -d "@$queued") $3:

X
    for a in "${about[@]}"; do
        printf '  <%s>\n      %s\n' "$a" "${said[$a]:-$reason}"
    done | plain_lines
    printf '\n--%s\nContent-Type: message/delivery-status\n\n' "$boundary"
    printf 'Reporting-MTA: dns; %s\nArrival-Date: %s\n' "$(host_name)" \
        "$(date -R -d "@$queued")"
    for a in "${about[@]}"; do
        status_fields "$1" "$2" "$a"
    done | plain_lines
    printf '\n--%s\nContent-Type: text/rfc822-headers\n\n' "$boundary"
    original_header | plain_lines
    printf '\n--%s--\n' "$boundary"
}

status_fields() { # action, fate, address
    local code enhanced text default=5.0.0
    read -r code enhanced text <<<"${said[$3]-}"
    case $2 in
    expired) default=4.4.7 ;; # RFC 3463: delivery time expired
    unsure) default=4.4.2 ;;  # bad connection
    esac
    [ "$2" = refused ] && [ "${enhanced:--}" != - ] || enhanced=$default
    printf '\nFinal-Recipient: rfc822; %s\nAction: %s\nStatus: %s\n' \
        "$3" "$1" "$enhanced"
    [ "${code:--}" = - ] ||
        printf 'Diagnostic-Code: smtp; %s %s\n' "$code" "$text"
}

# What no server can stumble over: ASCII, lines that are not too long.
plain_lines() {
    tr -d '\0\r' | tr '\200-\377' '?' | cut -b 1-900
}

# Of a finished message its header, of a plain text what it was given.
original_header() {
    if grep -qiE -m 1 '^(From|To|Subject|Date|Received|MIME-Version|Message-ID):' \
        <(head -n 1 "$of_call/message"); then
        sed '/^\r\{0,1\}$/q' "$of_call/message"
        return
    fi
    printf 'Date: %s\nMessage-ID: <%s>\n' "$(date -R -d "@$queued")" \
        "$(sed -n 's/^message_id //p' "$of_call/args")"
    sed -n 's/^subject "\(.*\)"$/Subject: \1/p' "$of_call/args"
}

bounce_domain() {
    local domain=${to##*@}
    printf '%s' "${domain%>}"
}

# Where no report has ever named them: as far as the call itself does.
guess_sender() {
    local from
    from=$(sed -n 's/^from "\(.*\)"$/\1/p' "$call/args" | tail -n 1)
    [ -n "$from" ] || grep -q '^from ""$' "$call/args" ||
        from=${conf[from]-$(header_lines from | addresses | head -n 1)}
    printf '<%s>' "$from"
}

guess_recipients() {
    {
        sed -n 's/^to "\(.*\)"$/\1/p' "$call/args" | addresses
        printf '%s\n' "${conf[to]-}" | addresses
        ! grep -qx 'read_recipients on' "$call/args" ||
            header_lines recipients | addresses
    } | grep . || echo unknown
}
