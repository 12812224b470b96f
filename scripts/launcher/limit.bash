# shellcheck shell=bash
#
# limit.bash: rate_limit N: at most N mails an hour to a recipient; the rest
# waits for one digest (digest.bash), so that a storm of alerts does not become
# a storm of mails.
#
#   SPOOL/limit        who got a mail within the last hour: lines of
#                      TIME, ID, ADDRESS (lower case), parted by tabs
#   SPOOL/limit.lock   held while that, or held/, is read and changed
#   SPOOL/held/ID      what waits for one recipient by one account, in
#                      order: mail/ID is the call of a message; to has the
#                      address, the account, the configuration, N
#
# A mail counts from the moment its attempt begins; it no longer does if the
# attempt ends and he has not got it. Each of the last 3,600 seconds counts, not
# the hour of the clock. A time that lies ahead (the clock was set back) becomes
# now: nothing is held for longer than an hour by that. What is lost with this
# file is the count, never a mail: so it need not be on the disk.
#
# Whoever is over the limit, or has something held already, so that order is
# kept and the digest gets its turn, is parted from the message: his copy (hard
# links) gets its place in held/ by rename(2), then the journal of the message
# says so and the others are sent to. The caller sees 0, as for everything that
# is on the disk. A crash between the two leaves him in both: then nothing in
# that folder is sent before the message knows (limit_due), and the next
# attempt finds the copy that is there.
#
# As soon as the hour has room for one mail the folder is renamed to new/: from
# there on it is a message of the spool like others, a digest, which is written
# at its first attempt. Whoever comes first does it: a --flush, or a call that
# has just held something. One recipient has one digest; nobody sees in it who
# else was sent to, and a mail for one account goes by no other.
#
# Digests and the notes of bounce.bash are never held; digests count.

LIMIT_WINDOW=3600
LIMIT_NONE=999999

# N, or 0 for no limit. What the call said is among its arguments.
limit_most() {
    local most
    most=$(call_setting rate_limit)
    case ${most:=${conf[rate_limit]-off}} in
    off | '') printf 0 ;;
    *[!0-9]* | 0* | ???????*)
        die $EX_CONFIG "rate_limit \"$most\": wants off, or how many mails an hour" ;;
    *) printf '%s' "$most" ;;
    esac
}

# The last value of a key among the arguments of the call.
call_setting() { # key
    [ ! -e "$call/args" ] || call_settings "$1" | tail -n 1
}

call_settings() { # key
    sed -n "s/^$1 \"\\(.*\\)\"\$/\\1/p" "$call/args"
}

# Before anything is kept.
limit_check() {
    limit_most >/dev/null || exit
}

# A limit without a spool would lose mail. If that is because the key is
# mistyped, or anything else is wrong, the image knows: without a network.
limit_wants_spool() {
    [ -z "$spool" ] || return 0
    case ${conf[rate_limit]-} in '' | off) return 0 ;; esac
    if [ $dry = 0 ]; then
        net=none verbose=0
        settings+=(auth off) # nobody is asked for a password
        echo 'auth off' >>"$call/args"
        make_initrd
        guest_command
        prepare_run
        : >"$console"
        run 2>"$work/said"
        case $status in
        64 | 65 | "$EX_CONFIG")
            cat -- "$work/said" >&2
            exit "$status" ;;
        esac
        reported=0
    fi
    die $EX_CONFIG "rate_limit wants a spool, which keeps what is held back"
}

# -------------------------------------------------------------- the recipients

# Who is to get the call, one on a line, as kernel/app/envelope.c reads it.
# Nothing, so that all get it at once, if one of them
# - is no address: the image will refuse them all;
# - is one that the image spells otherwise, quoted where it need not be or in
#   more than one piece: the report would not name him, and he who is parted
#   from others would get it again and again.
call_recipients() {
    local domain list label
    local atom="([A-Za-z0-9!#\$%&'*+/=?^_\`{|}~-]|"$'[\x80-\xff])+'
    local quoted=$'"([] !#-[^-~]|[\x80-\xff]|\\\\["\\])*"'
    label=$'[A-Za-z0-9\x80-\xff]'
    label="$label(${label/]/-]}{0,61}$label)?"
    domain=$(call_setting maildomain)
    : "${domain:=${conf[maildomain]-}}"
    list=$(call_lists | addresses | grep .) || return 0
    case $domain in *[!][A-Za-z0-9.:_-]*) return 0 ;; esac
    [ -z "$domain" ] || list=$(sed "/@/!s/\$/@$domain/" <<<"$list")
    ! grep -qavE "^($atom(\\.$atom)*|$quoted)@($label(\\.$label)*|\\[[A-Za-z0-9.:-]+])\$" \
        <<<"$list" || return 0
    awk '!seen[$0]++' <<<"$list"
}

call_lists() {
    local read
    if [ -n "${conf[set_to_header]-}" ]; then
        printf '%s\n' "${conf[set_to_header]}"
        return
    fi
    call_settings to | grep . || printf '%s\n' "${conf[to]-}"
    printf '%s\n' "${conf[cc]-}" "${conf[bcc]-}"
    read=$(sed -n 's/^read_recipients //p' "$call/args")
    case ${read:-${conf[read_recipients]-off}} in
    on | yes) header_lines recipients ;;
    esac
}

# At the call, when evals have been run and aliases looked up.
limit_remember() {
    local most
    most=$(limit_most) || exit
    [ "$most" = 0 ] || call_recipients >"$entry/rcpt" ||
        die $EX_TEMPFAIL "cannot keep the message"
}

# ------------------------------------------------------------------- the count

# For the shell that calls: until limit_unlock.
limit_lock() {
    { exec 5<>"$spool/limit.lock"; } 2>/dev/null || return 1
    flock -w 60 5 || { limit_unlock; return 1; }
}

limit_unlock() {
    exec 5>&-
}

# Mails to each but this one, in limit_had, their lines in limit_lines; when
# each got this one, in limit_own.
declare -A limit_had=() limit_own=()
limit_lines=() limit_tried=() limit_attempts=0
held=0 # something has been, by this call
limit_load() { # id
    local IFS=$'\t' time id address now
    limit_had=() limit_own=() limit_lines=() now=$(now)
    [ -r "$spool/limit" ] || return 0
    while read -r time id address; do
        [[ $time =~ ^[0-9]{1,12}$ ]] && [ -n "$address" ] || continue
        [ "$time" -le "$now" ] || time=$now
        [ "$time" -gt $((now - LIMIT_WINDOW)) ] || continue
        if [ "$id" = "$1" ]; then
            limit_own[$address]=$time
        else
            limit_lines+=("$time$IFS$id$IFS$address")
            limit_had[$address]=$((${limit_had[$address]-0} + 1))
        fi
    done <"$spool/limit"
}

# Where there is no room for it, the count stays as it was.
limit_store() { # id
    local address tab=$'\t'
    for address in "${!limit_own[@]}"; do
        [ -z "${limit_own[$address]}" ] ||
            limit_lines+=("${limit_own[$address]}$tab$1$tab$address")
    done
    {
        printf '%s\n' ${limit_lines[@]+"${limit_lines[@]}"} |
            cat >"$spool/limit.new" && mv -T -- "$spool/limit.new" "$spool/limit"
    } 2>/dev/null || notice "the rate limit cannot be counted: $spool/limit"
}

# After an attempt: of those who were tried the ones count who got it, or may
# have got it. Without a report it is the same for all.
limit_settle() {
    local address gone=$q_outcome
    [ ${#limit_tried[@]} != 0 ] || return 0
    limit_lock || return 0
    limit_load "${entry##*/}"
    for address in "${limit_tried[@]}"; do
        case ${fate[$address]-$gone} in
        sent | unsure) ;;
        *) limit_own[${address,,}]='' ;; # unset would run what is in $()
        esac
    done
    limit_store "${entry##*/}"
    limit_unlock
    limit_tried=()
}

# The launcher ends before the attempt has begun that was counted.
limit_abandon() {
    [ ${#limit_tried[@]} != 0 ] && [ -n "$entry" ] && [ -d "$entry" ] &&
        journal_read && [ "$attempts" = "$limit_attempts" ] || return 0
    limit_settle
}

# ------------------------------------------------------------- before an attempt

is_digest() {
    [ -f "$entry/to" ]
}

# Who is to be tried, into all; how many mails he may have had, into most.
# Fails where nothing is counted.
limit_who() {
    case ${entry##*/} in *.@(refused|expired|unsure).+([0-9])) return 1 ;; esac
    if is_digest; then
        most=$LIMIT_NONE
        mapfile -t all < <(head -n 1 -- "$entry/to")
        return
    fi
    most=$(limit_most) || exit
    if [ "$most" = 0 ]; then
        # the limit has gone since a crash between copy and journal
        all=("$spool"/held/*/mail/"${entry##*/}")
        [ -d "${all[0]}" ] || return 1
        most=$LIMIT_NONE
    fi
    if [ ${#only[@]} != 0 ]; then
        all=("${only[@]}")
    elif [ -e "$entry/rcpt" ]; then
        mapfile -t all <"$entry/rcpt"
    else
        mapfile -t all < <(call_recipients)
    fi
}

# Parts those from the message who must not get it now: only has the others.
# 1: there are none. 2: it could not be done.
limit_entry() {
    local most all=() go=() over=() address id=${entry##*/}
    limit_tried=()
    limit_who || return 0
    limit_lock || return 2
    limit_load "$id"
    held_at=() held_for=()
    is_digest || held_read
    for address in ${all[@]+"${all[@]}"}; do
        if [ "${limit_had[${address,,}]-0}" -ge "$most" ] ||
            [ -n "${held_for[${address,,}]-}" ]; then
            over+=("$address")
        else
            go+=("$address")
            limit_own[${address,,}]=$(now)
        fi
    done
    hold_all || { limit_unlock; return 2; }
    limit_tried=(${go[@]+"${go[@]}"}) limit_attempts=$attempts
    limit_store "$id"
    limit_unlock
    [ ${#over[@]} != 0 ] || return 0
    only=(${go[@]+"${go[@]}"})
    [ ${#go[@]} != 0 ]
}

# --------------------------------------------------------------- what is held

# Folders of held/ by whom, by which account they are; held_for: somebody has
# one.
declare -A held_at=() held_for=()
held_read() {
    local dir address held_account held_config held_most tab=$'\t'
    for dir in "$spool"/held/*; do
        held_to "$dir" || continue
        held_for[${address,,}]=1
        held_at[$address$tab$held_account$tab$held_config]=$dir
    done
}

held_to() { # folder: into address, held_account, held_config, held_most
    {
        IFS= read -r address && IFS= read -r held_account &&
            IFS= read -r held_config && IFS= read -r held_most
    } 2>/dev/null <"$1/to"
}

# A copy of the call for each of $over, then the journal.
hold_all() {
    local address lines=('') tab=$'\t'
    [ ${#over[@]} != 0 ] || return 0
    for address in "${over[@]}"; do
        hold_one "$address" || {
            notice "$entry: cannot be held back in $spool/held"
            return 1
        }
        lines+=("held$tab$address")
    done
    sync "$spool/held" "$spool/tmp" || return 1
    for address in ${go[@]+"${go[@]}"}; do
        lines+=("left$tab$address")
    done
    journal "${lines[@]}" parted && journal_read || return 1
    held=1
    notice "held back for a digest (rate_limit $most): ${over[*]}"
    log_event "held back for a digest: ${over[*]}"
}

# The digest's name, and Message-ID, is made of the message that it begins with
# and the address: another attempt may hold somebody else.
hold_one() { # address
    local id=${entry##*/} tab=$'\t' dir copy sum
    dir=${held_at[$1$tab$q_account$tab$q_config]-}
    [ -z "$dir" ] || [ ! -d "$dir/mail/$id" ] || {
        rm -rf -- "$spool/tmp/$id".digest.*
        return 0
    }
    sum=$(printf '%s' "$1" | sha256sum) || return 1
    copy=$spool/tmp/$id.digest.${sum:0:16}
    rm -rf -- "$copy"
    mkdir -- "$copy" "$copy/mail" && {
        cp -rl -- "$call" "$copy/mail/$id" 2>/dev/null ||
            { rm -rf -- "$copy/mail/$id" && cp -r -- "$call" "$copy/mail/$id"; }
    } && {
        printf '%s\n' "$1" "$q_account" "$q_config" "$most" | cat >"$copy/to"
    } && sync_all "$copy" || { rm -rf -- "$copy"; return 1; }
    if [ -z "$dir" ]; then
        dir=$spool/held/${copy##*/}
        mv -T -- "$copy" "$dir"
    else
        mv -T -- "$copy/mail/$id" "$dir/mail/$id" && sync "$dir/mail" &&
            rm -rf -- "$copy"
    fi
} 2>/dev/null

# The caller is about to hear that the call, or the message, is not valid, or
# that it was interrupted: then nobody gets it, and he may hand it in anew. (Who
# was held by an earlier attempt was accepted with it.) Fails if a copy stays.
hold_taken_back() {
    local copies copy dir gone kept=0 id=${entry##*/}
    copies=("$spool"/held/*/mail/"$id")
    rm -rf -- "$spool/tmp/$id".digest.*
    [ -d "${copies[0]}" ] || return 0
    limit_lock || return 1
    for copy in "${copies[@]}"; do
        dir=${copy%/mail/*} gone=$spool/tmp/$id.back
        [ -d "$copy" ] || continue # on its way already
        [ "$(ls -A -- "$dir/mail")" != "$id" ] || copy=$dir
        rm -rf -- "$gone"
        mv -T -- "$copy" "$gone" && sync "$spool/held" || kept=1
        rm -rf -- "$gone"
    done
    limit_unlock
    [ $kept = 0 ] || return 1
    notice "nobody gets it: what was held back for a digest is removed"
    log_event "what was held back for a digest is removed"
    held=0
}

# ------------------------------------------------------------- back from there

# Whatever the hour has room for becomes an entry of new/: their folders are in
# limit_released.
limit_released=()
limit_due() {
    local dir address held_account held_config held_most had tab=$'\t'
    limit_released=()
    [ -n "$(ls -A -- "$spool/held")" ] && limit_lock || return 0
    limit_load ''
    for dir in "$spool"/held/*; do
        held_to "$dir" || continue
        ! held_is_empty "$dir" || { rm -rf -- "$dir"; continue; }
        had=${limit_had[${address,,}]-0}
        [ "$had" -lt "$held_most" ] || [ $flush_all = 1 ] || continue
        held_is_known "$dir" || continue
        held_release "$dir" || {
            notice "$dir: there is no room for its digest"
            continue
        }
        limit_had[${address,,}]=$((had + 1))
        limit_lines+=("$(now)$tab${dir##*/}$tab${address,,}")
        limit_released+=("$spool/new/${dir##*/}")
    done
    limit_store ''
    limit_unlock
}

# Somebody has removed all that was in it.
held_is_empty() { # folder
    rmdir -- "$1/mail" 2>/dev/null
    [ ! -e "$1/mail" ]
}

# Does each message in it that is still in new/ know that it is held? (One whose
# journal cannot be read is never sent, and must not stop the others.)
held_is_known() { # folder
    local mail
    for mail in "$1"/mail/*; do
        [ ! -e "$spool/new/${mail##*/}" ] || (
            entry=$spool/new/${mail##*/}
            ! journal_read || [ "${fate[$address]-}" = held ]
        ) || return 1
    done
} 2>/dev/null

held_release() { # folder
    mkdir -p -- "$1/call" && : >"$1/lock" && : >"$1/console" && {
        printf 'queued\t%s\t%s\t%s\n' "$(now)" "${held_account:--}" \
            "${held_config:--}" | cat >"$1/journal"
    } && { fallocate -n -l $JOURNAL_ROOM "$1/journal" 2>/dev/null; true; } &&
        sync "$1/call" "$1/lock" "$1/console" "$1/journal" "$1" &&
        mv -T -- "$1" "$spool/new/${1##*/}" &&
        sync "$spool/new" "$spool/held"
} 2>/dev/null

# For a call that has held something: if the digest may go, it goes.
limit_after_call() {
    local dir account=''
    limit_due
    for dir in ${limit_released[@]+"${limit_released[@]}"}; do
        (
            fresh=0 entry='' config_ready=0 verdict='' json=0
            flush_one "$dir"
        )
    done
}

# mailq's word on what is held.
list_held() { # folder
    local address held_account held_config held_most mail
    held_to "$1" || return 0
    mail=("$1"/mail/*)
    printf '%s  %d messages, held back for a digest\n' "${1##*/}" \
        "${#mail[@]}"
    printf '    %s: rate_limit %s\n' "$address" "$held_most"
}
