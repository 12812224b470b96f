# shellcheck shell=bash
#
# flush.bash: the spool is worked through, or shown.

# Every message whose time has come, each by itself: what one of them meets
# does not stop the others. Nothing to do, and somebody else doing it, are no
# failure.
queue_flush() {
    local dir
    status=0
    [ -n "$spool" ] || return 0
    find_image
    spool_open
    { exec 6<>"$spool/lock"; } 2>/dev/null ||
        die $EX_TEMPFAIL "nothing can be written in $spool"
    flock -n 6 || {
        notice "another --flush is at work in $spool"
        return 0
    }
    for dir in "$spool"/tmp/*; do
        [ ! -d "$dir" ] || (sweep "$dir")
    done
    flush_these "$spool"/new/*
    # after those, which may be held: what the hour has room for
    limit_due
    flush_these ${limit_released[@]+"${limit_released[@]}"}
}

flush_these() { # folders in new/
    local dir
    for dir; do
        [ -d "$dir" ] || continue
        (flush_one "$dir")
        case $? in
        0) ;;
        $EX_CONFIG) status=$EX_CONFIG ;;
        *) [ "$status" != 0 ] || status=$EX_TEMPFAIL ;;
        esac
    done
}

# What is left of a launcher that was killed while it wrote or removed. (One
# that has just begun may not hold the lock yet.)
sweep() { # folder in tmp/
    entry=$1
    case $entry in
    *.gone) ;;
    *)
        [ -n "$(find "$entry" -maxdepth 0 -mmin +60)" ] || return 0
        ! promised "${entry##*/}" || return 0 ;;
    esac
    [ ! -e "$entry/lock" ] || entry_lock || return 0
    rm -rf -- "$entry"
}

# In a subshell: an entry, its lock, a folder of its own for the work.
flush_one() { # folder in new/
    entry=$1 call=$1/call console=$1/console
    entry_lock || return 0 # it is being sent
    [ -d "$entry" ] || return 0
    make_work
    journal_read || die $EX_DATAERR "$entry: its journal cannot be read"
    account=$q_account # that of its call, and no other
    # nothing of this call's own: its password may be for another server
    if [ -n "$q_config" ]; then
        config=$q_config made='' secret='' secret_given=0 settings=()
        [ -r "$q_config" ] || die $EX_TEMPFAIL "$entry: $q_config cannot be read"
        store_config "$q_config"
    else
        conf_read "$conf_file"
    fi
    conf_account "$account" || conf=()
    notes_leave && queue_settle ||
        die $EX_TEMPFAIL "$entry: the journal cannot be written"
    account=$q_account # settling names that of the attempt
    if digest_is_gone; then
        exit 0
    elif ! queue_left; then
        queue_conclude
    elif [ "$next" -le "$(now)" ] || [ $flush_all = 1 ] || expired; then
        queue_send
    fi
    [ "$status" != $EX_UNSURE ] || status=0
    exit 0
}

# One paragraph a message, the oldest first.
queue_list() {
    local dir count=0
    status=0
    if [ -n "$spool" ]; then
        spool_open
        for dir in "$spool"/{new,unsure,dead}/*; do
            [ -d "$dir" ] || continue
            count=$((count + 1))
            list_one "$dir"
        done
        for dir in "$spool"/held/*; do
            [ -d "$dir" ] || continue
            count=$((count + 1))
            list_held "$dir"
        done
    fi
    [ $count != 0 ] || echo "the queue is empty"
}

list_one() { # folder
    local state=${1%/*} bytes address
    entry=$1
    journal_read || return 0
    state=${state##*/} bytes=$(stat -c %s -- "$entry/call/message" 2>/dev/null)
    case $state in
    new)
        state="waits, next attempt $(stamp "$next")"
        if ! (entry_lock); then
            state='is being sent'
        elif [ -n "$begun" ]; then
            state='was interrupted, the next --flush judges it'
        elif [ "$next" -le "$(now)" ]; then
            state='waits for the next --flush'
        fi ;;
    unsure) state='may have been delivered, is not sent again' ;;
    dead)
        state='given up'
        ! is_digest || ! queue_has sent ||
            state='sent, and not all of it attached' ;;
    esac
    ! is_digest || state="a digest, $state"
    printf '%s  %s bytes, since %s, %d attempts: %s\n' "${entry##*/}" \
        "${bytes:-?}" \
        "$(stamp "$queued")" "$attempts" "$state"
    [ -z "$sender" ] || printf '    from %s\n' "$sender"
    for address in "${!fate[@]}"; do
        printf '    %s: %s\n' "$address" "${fate[$address]}"
    done
    [ -z "$reason" ] || printf '    (%s)\n' "$reason"
}

stamp() { # seconds since 1970
    printf '%(%Y-%m-%d %H:%M:%S)T' "$1"
}
