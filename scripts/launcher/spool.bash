# shellcheck shell=bash
#
# spool.bash: mail that is kept until there is a verdict on every recipient.
#
#   SPOOL/tmp/ID     being written, or being removed: of no meaning
#   SPOOL/new/ID     accepted: waits, or is being sent
#   SPOOL/unsure/ID  may have been delivered; nobody tries again by himself
#   SPOOL/dead/ID    given up, and there is no sender to tell
#   SPOOL/held/ID    waits for a digest: limit.bash
#   SPOOL/lock       held while a --flush runs
#
# An entry is a folder: call/ (arguments, message, attachments; no secret),
# journal, console (what the guest of the last attempt said), lock. It gets its
# place by rename(2), when everything in it is on the disk; every line of the
# journal is on the disk before anybody acts on it.
#
# The lock is an open file that the guest inherits: as long as a machine runs,
# with or without its launcher, nobody else takes up its message.
#
# The journal: lines, fields parted by tabs, times in seconds since 1970.
#
#   queued TIME ACCOUNT CONFIG
#   begun TIME BOOT PROOF ACCOUNT   an attempt; a guest may start from here on
#   from <ADDRESS>                  the envelope sender
#   rcpt OUTCOME ADDRESS CODE ENHANCED TEXT
#   verdict TIME STATUS OUTCOME NEXT REASON
#   bounced ADDRESS NOTE            its sender is told, by that entry: if it is
#                                   in tmp/ still, it has to go to new/
#   held ADDRESS                    his copy is in held/: he gets a digest
#   left ADDRESS                    the others, who are still to get it
#   parted                          both count from here on
#
# A last line without its end, which a full disk or a crash leaves, is none.
#
# from and rcpt count once the verdict below them is there. An attempt without
# one is judged by its console (queue_settle): a whole report is the verdict. If
# not even the image's MARK is there, the final dot never left the machine,
# provided that nothing written to the console can be missing from it: the
# system has not been restarted since (BOOT), the image is one that says MARK,
# and the room for its words was reserved before (PROOF). Else it is unsure.

CONSOLE_ROOM=65536
JOURNAL_ROOM=16384

spool='' entry='' fresh=0
proof=0 # of the attempt at hand: silence of its console proves something

now() {
    printf '%(%s)T' -1
}

boot_id() {
    local id=none
    read -r id 2>/dev/null </proc/sys/kernel/random/boot_id
    printf '%s' "$id"
}

# Where it is; made on first use. What lies in it is mail: nobody else's.
spool_open() {
    local dir parent
    case $spool in
    /*) ;;
    \~/*) spool=${HOME:-}/${spool#\~/} ;;
    *) spool=$PWD/$spool ;;
    esac
    one_line --spool "$spool"
    command -v flock >/dev/null ||
        die $EX_CONFIG "flock is missing: apt-get install util-linux"
    for dir in "$spool" "$spool"/{tmp,new,unsure,dead,held}; do
        parent=${dir%/*}
        [ -d "$dir" ] || {
            mkdir -p -m 700 -- "$dir" && sync "${parent:-/}"
        } 2>/dev/null || die $EX_TEMPFAIL "cannot make the folder $dir"
    done
    [ -O "$spool" ] && [ $((8#$(stat -Lc %a -- "$spool") & 8#022)) = 0 ] ||
        die $EX_CONFIG "$spool: others can write there, or it is another's"
}

# Everything in a folder, and the folder, on the disk.
sync_all() {
    find "$1" -print0 | xargs -0 sync
}

# ------------------------------------------------------------------- entries

# A new one, locked, in tmp/; what is to be sent goes to $call. Names in order
# are messages in order.
entry_new() { # a name, if it has one already
    entry=$spool/tmp/${1:-$(date -u +%Y%m%dT%H%M%S.%6N).$$}
    call=$entry/call
    mkdir -- "$entry" "$call" && : >"$entry/lock" && : >"$entry/console" ||
        die $EX_TEMPFAIL "cannot keep a message in $spool"
    entry_lock || die $EX_TEMPFAIL "$entry: locked by another"
}

entry_lock() {
    { exec 7<>"$entry/lock"; } 2>/dev/null && flock -n 7
}

# Whatever is no name for a Message-ID does not get into one.
host_name() {
    local name
    name=$(hostname 2>/dev/null)
    case $name in
    '' | *[!A-Za-z0-9.-]* | .* | *. | *..*) name=localhost ;;
    esac
    printf '%s' "$name"
}

# From here on the message is in our care. Name and date are given now, so
# that every attempt sends the same one.
entry_commit() { # account, configuration
    local id=${entry##*/}
    entry_complete "$@" && entry_arrive "$id" ||
        die $EX_TEMPFAIL "cannot keep the message in $spool"
    entry=$spool/new/$id call=$entry/call
}

# (What bash prints itself, line by line, it may lose in the middle without a
# word; cat says so.)
entry_complete() { # account, configuration
    local id=${entry##*/} time
    time=$(now)
    printf 'message_id %s@%s\ndate %s\n' "$id" "$(host_name)" "$time" |
        cat >>"$call/args" &&
        printf 'queued\t%s\t%s\t%s\n' "$time" "${1:--}" "${2:--}" \
            >"$entry/journal" || return 1
    fallocate -n -l $JOURNAL_ROOM "$entry/journal" 2>/dev/null
    sync_all "$entry"
}

entry_arrive() { # its name
    mv -T -- "$spool/tmp/$1" "$spool/new/$1" &&
        sync "$spool/new" "$spool/tmp"
}

# Out of sight by one rename, then away; by the next --flush if it must be.
entry_remove() {
    local gone=$spool/tmp/${entry##*/}.gone
    mv -T -- "$entry" "$gone" || return 1
    entry=''
    ! sync "$spool/new" || rm -rf -- "$gone"
}

entry_move() { # folder of the spool
    mv -T -- "$entry" "$spool/$1/${entry##*/}" &&
        sync "$spool/new" "$spool/$1"
    entry=''
}

# The rename may have been the last that was done before a signal.
entry_arrived() {
    [ -z "$entry" ] || [ ! -d "$spool/new/${entry##*/}" ] ||
        entry=$spool/new/${entry##*/}
}

# The launcher ends before its time. A new message that it did not accept, or
# refuses for its arguments or the configuration before anything was tried, is
# the caller's. Fails if it is ours, and the caller must be told so.
queue_abandon() { # exit status
    entry_arrived
    limit_abandon
    [ -n "$entry" ] && [ $fresh = 1 ] && [ "$1" != 0 ] &&
        [ "$1" != $EX_UNSURE ] || return 0
    case $entry in
    "$spool"/tmp/*) rm -rf -- "$entry" ;;
    "$spool"/new/*)
        [ -d "$entry" ] || return 0
        journal_read
        case $1 in
        64 | 65 | 78)
            # where somebody is held, the others are kept as well
            [ $attempts != 0 ] || queue_has held || ! entry_remove ||
                return 0 ;;
        esac
        notice "kept in $spool as ${entry##*/}, to be tried by --flush"
        return 1 ;;
    esac
}

# ------------------------------------------------------------------- journal

# What is not sure to be there is taken back, so that nobody believes it later.
journal() { # whole lines
    local file=$entry/journal size
    [ "$(tail -c 1 -- "$file" | tr '\n\0' 'nz')" = n ] ||
        truncate -s "$(head -n "$(wc -l <"$file")" -- "$file" | wc -c)" \
            -- "$file" || return 1
    size=$(stat -c %s -- "$file") || return 1
    printf '%s\n' "$@" | cat >>"$file" && sync "$file" || {
        truncate -s "$size" -- "$file"
        return 1
    }
} 2>/dev/null

# What the journal says:
#   queued, q_account, q_config, attempts, next, q_status, q_outcome, reason
#   sender              "<address>", or nothing yet
#   fate[ADDRESS]       outcome; said[ADDRESS]  code, enhanced code, text
#   bounced[ADDRESS]    the note that tells its sender
#   begun               the line of an attempt without verdict, or nothing
#   since               the first attempt that does not lie ahead, or nothing
declare -A fate=() said=() bounced=()
journal_read() {
    local IFS=$'\t' line f batch=() parted=() now
    now=$(now) since=''
    queued=0 attempts=0 next=0 q_status='' q_outcome='' reason='' sender=''
    begun='' q_account='' q_config='' fate=() said=() bounced=()
    while IFS= read -r line; do
        read -ra f <<<"$line"
        case ${f[0]-} in
        queued) queued=${f[1]} q_account=${f[2]#-} q_config=${f[3]#-} ;;
        begun)
            begun=$line batch=() attempts=$((attempts + 1))
            [ "${f[1]}" -gt "$now" ] || : "${since:=${f[1]}}" ;;
        from | rcpt) batch+=("$line") ;;
        bounced) bounced[${f[1]}]=${f[2]-} ;;
        '') parted=() ;;
        held | left) parted+=("$line") ;;
        parted) journal_part ${parted[@]+"${parted[@]}"} ;;
        verdict)
            begun='' q_status=${f[2]} q_outcome=${f[3]} next=${f[4]}
            reason=${f[5]}
            [ "${f[1]}" -le "$now" ] || next=0 # the clock was set back
            journal_take "$q_outcome" ${batch[@]+"${batch[@]}"} ;;
        esac
    done < <(tr -d '\0' <"$entry/journal")
    [ "$queued" != 0 ]
}

journal_part() { # lines held and left
    local line
    for line; do
        case $line in
        held*) fate[${line#*$'\t'}]=held ;;
        *) : "${fate[${line#*$'\t'}]:=temporary}" ;;
        esac
    done
}

# An attempt that left no report is the same for all that were open.
journal_take() { # outcome of the attempt, lines from and rcpt
    local IFS=$'\t' line f
    if [[ $* != *"rcpt"$'\t'* ]]; then
        for f in "${!fate[@]}"; do
            case ${fate[$f]} in temporary | hindered) fate[$f]=$1 ;; esac
        done
    fi
    for line in "${@:2}"; do
        read -ra f <<<"$line"
        case ${f[0]} in
        from) sender=${f[1]} ;;
        rcpt) fate[${f[2]}]=${f[1]} said[${f[2]}]="${f[3]} ${f[4]} ${f[5]-}" ;;
        esac
    done
}

# ------------------------------------------------------------------ attempts

# Before the guest starts. Fails if there is no room to say so.
attempt_begin() {
    local words
    proof=0
    : >"$entry/console" || return 1
    grep -qaF "$MARK" "$image" && proof=1
    words=$(fallocate -n -l $CONSOLE_ROOM "$entry/console" 2>&1) || proof=0
    case $words in *'No space'* | *quota*) return 1 ;; esac
    case $(stat -f -c %T -- "$entry") in
    btrfs | zfs | bcachefs | nfs) proof=0 ;; # what is reserved may be full
    esac
    sync "$entry/console" &&
        journal "begun"$'\t'"$(now)"$'\t'"$(boot_id)"$'\t'$proof$'\t'"${account:--}"
}

# After its end: $status, $outcome, $why, and $last if $reported.
attempt_end() {
    local batch=() rest address result code enhanced text tab=$'\t'
    if [ "$reported" = 1 ]; then
        ! report_text from || batch+=("from$tab<$plain>")
        rest=${last#*'"recipients":['}
        while report_rcpt; do
            result=$(report_fate "$result" "$code" "$status")
            batch+=("rcpt$tab$result$tab$address$tab$code$tab$enhanced$tab$text")
        done
    fi
    # what was said may be missing from the console
    case $reported$outcome in
    0temporary | 0bug)
        [ $proof = 1 ] && [ "$(stat -c %s -- "$entry/console")" -lt \
            $CONSOLE_ROOM ] || outcome=unsure status=$EX_UNSURE ;;
    esac
    [ "$outcome" = unsure ] ||
        outcome=$(report_fate "$outcome" - "$status")
    batch+=("verdict$tab$(now)$tab$status$tab$outcome$tab$(back_off)$tab$why")
    journal "${batch[@]}"
}

# 1, 2, 4 ... minutes after the 1st, 2nd, 3rd attempt, and never over 4 hours.
back_off() {
    local wait=240
    ((attempts >= 8)) || wait=$((1 << attempts))
    printf '%d' $(($(now) + 60 * wait))
}

# An attempt that nobody saw the end of: its console is the witness.
queue_settle() {
    local f boot proof
    [ -n "$begun" ] || return 0
    IFS=$'\t' read -ra f <<<"$begun"
    boot=${f[2]} proof=${f[3]} account=${f[4]#-}
    console_read "$entry/console"
    reported=0 status=$EX_UNSURE outcome=unsure
    why='interrupted; it may have been delivered'
    if report_status; then
        report_text reason
        reported=1 why=$plain
    elif [ $marked = 0 ] && [ "$proof" = 1 ] && [ "$boot" = "$(boot_id)" ] &&
        [ "$(stat -c %s -- "$entry/console")" -lt $CONSOLE_ROOM ]; then
        status=$EX_TEMPFAIL outcome=temporary
        why='interrupted before the message was out'
    fi
    attempt_end && journal_read
}

# The whole lines of a console, as watch_console() leaves them.
console_read() { # file
    local line
    last='' lines=0 marked=0
    while IFS= read -r line; do
        line=${line%$'\r'}
        last=$line lines=$((lines + 1))
        case $line in *" ms  $MARK") marked=1 ;; esac
    done <"$1"
    [ -z "$line" ] || last=''
}

# ------------------------------------------------------------ after a verdict

# Those to be tried again, into only; true if there are any. Without a word
# on single recipients the whole message shares the outcome. Whoever was given
# up in a note stays so.
queue_left() {
    local address
    only=()
    for address in "${!fate[@]}"; do
        case ${bounced[$address]-} in *.expired.*) continue ;; esac
        ! again "${fate[$address]}" || only+=("$address")
    done
    [ ${#only[@]} != 0 ] || { [ ${#fate[@]} = 0 ] &&
        [[ ${bounced[*]-} != *.expired.* ]] &&
        { [ -z "$q_outcome" ] || again "$q_outcome"; }; }
}

# Whom the account or the configuration hinders, a caller hears of who is
# there; later on it may be mended before queue_lifetime is over.
again() { # fate
    case $1 in
    temporary) return 0 ;;
    unsure) conf_on retry_unsure off ;;
    hindered) [ $fresh = 0 ] ;;
    *) return 1 ;;
    esac
}

queue_has() { # outcome
    local address
    [ ${#fate[@]} != 0 ] || [ "$q_outcome" != "$1" ] || return 0
    for address in "${!fate[@]}"; do
        [ "${fate[$address]}" != "$1" ] || return 0
    done
    return 1
}

# The state of the entry, once its journal has been read and settled. Sets
# $status to what a caller who hands in the message shall see.
queue_conclude() {
    local left=0 untold=0
    ! queue_left || left=1
    [ $left = 0 ] && [ $fresh = 1 ] || tell_refused || untold=1
    if [ $left = 1 ] && expired && [ $fresh = 0 ]; then
        tell_expired
        return
    fi
    if [ $left = 1 ]; then
        status=0
        final
        say_kept
    elif queue_has unsure; then
        status=$EX_UNSURE
        final
        [ $fresh = 1 ] || tell_unsure
        notice "may have been delivered: set aside as $spool/unsure/${entry##*/}"
        log_event "may have been delivered, kept in unsure: $reason"
        entry_move unsure
    elif [ $untold = 1 ]; then
        notice "refused, and there is no sender to tell: $spool/dead/${entry##*/}: $reason"
        log_event "refused, kept in dead: $reason"
        final
        entry_move dead
    else
        [ "$attempts" != 0 ] || status=0 # all is held
        digest_stays || remove_concluded
    fi
}

# What the caller is told, whatever happens from here on. (If the entry stays in
# new/ it is 0 in the end: cleanup.)
final() {
    [ $fresh = 0 ] || verdict=$status
}

# One that cannot be removed is concluded again by the next --flush, and whoever
# was refused is then told of by mail.
remove_concluded() {
    final
    entry_remove || {
        status=0
        final
        notice "$entry cannot be removed now: the next --flush does it"
    }
}

# (Where the clock was set back, the time counts from the first attempt by it.)
expired() {
    local now from=$queued
    now=$(now)
    [ "$from" -le "$now" ] || from=${since:-$now}
    [ "$now" -ge $((from + $(lifetime))) ]
}

lifetime() {
    seconds queue_lifetime "${conf[queue_lifetime]-5d}"
}

# A length of time: seconds, or a number with m, h or d.
seconds() { # key, value
    local re='^([0-9]{1,6})([smhd]?)$' n
    [[ $2 =~ $re ]] ||
        die $EX_CONFIG "$1 \"$2\": wants seconds, or such as 30m, 12h, 5d"
    n=$((10#${BASH_REMATCH[1]}))
    case ${BASH_REMATCH[2]} in
    m) n=$((n * 60)) ;;
    h) n=$((n * 3600)) ;;
    d) n=$((n * 86400)) ;;
    esac
    printf '%d' "$n"
}

say_kept() {
    local wait=$((next - $(now)))
    notice "kept in $spool as ${entry##*/}, to be tried again in $((wait > 0 ? wait : 0)) s: ${reason:-not tried yet}"
}

# --------------------------------------------------------------- a new message

# Keeps the call in hand, then sends it: nothing that happens from the rename
# on can lose it.
queue_call() {
    can_be_read_again
    fresh=1
    entry_new
    gather_call 7>&-
    limit_remember
    entry_commit "$account" "$(config_path)"
    queue_send
    [ "$held" = 0 ] || limit_after_call
}

# A retry takes server, login and password from the configuration as it is
# then. What is said in another way would be missing, or worse, be mixed with
# what some other server was meant for.
can_be_read_again() {
    local i
    [ -z "$made" ] && [ $secret_given = 0 ] && [ -n "$(config_path)" ] ||
        die $EX_CONFIG "a spool wants the configuration, password included, in files"
    one_line --file "$(config_path)" # the journal has it
    for ((i = 0; i < ${#settings[@]}; i += 2)); do
        case ${settings[i]} in
        host | port | protocol | auth | user | passwordeval | tls*)
            die $EX_CONFIG "a spool wants ${settings[i]} in the configuration, not as an option" ;;
        esac
    done
}

# Only a file can be read again; by the name it was given, for what lies beside
# a link is not what lies beside the file.
config_path() {
    [ -f "$config" ] || return 0
    [[ $config = /* ]] || printf '%s/' "$PWD"
    printf '%s' "$config"
}

# One attempt with each account in turn; then what is to become of the entry.
queue_send() {
    journal_read || die $EX_TEMPFAIL "$entry: its journal cannot be read"
    queue_left
    console=$entry/console
    digest_compose
    limit_entry
    case $? in
    0) deliver ;;
    1) ;; # nobody may get it now
    *)
        notice "kept in $spool as ${entry##*/}, to be tried by --flush"
        return ;;
    esac
    if journal_read && notes_leave && queue_settle; then
        case $fresh$status in
        164 | 165 | 178) hold_taken_back ;;
        esac
        limit_settle
        queue_conclude
        return
    fi
    # no room for the verdict: the console keeps it for the next --flush
    notice "$entry: the journal cannot be written"
    case $outcome in
    sent) remove_concluded ;;
    unsure) ;;
    *) status=0 ;;
    esac
}

# The launcher is told to go: what the guest has come to is known all the same.
# Whoever types ^C takes the message back, if it is not too late.
queue_interrupted() { # signal
    entry_arrived
    case $entry in "$spool"/new/*) ;; *) return ;; esac
    [ -d "$entry" ] || return
    reported=0
    journal_read || return
    [ -n "$begun" ] || status=${q_status:-$status}
    notes_leave && queue_settle || return
    limit_settle
    if [ "$1" = INT ] && [ $fresh = 1 ] && ! queue_has unsure &&
        ! queue_has sent && ! queue_has held && hold_taken_back &&
        entry_remove; then
        return
    fi
    queue_conclude
}
