# shellcheck shell=bash
#
# run.bash: the guest runs; its console, its report, the status that both
# prove.

# What the image says before the final dot of a message can leave it.
MARK='end of the message: from here on it may be accepted'

# One whole line of the console.
see() {
    last=${1%$'\r'} lines=$((lines + 1))
    case $last in
    '{"bootmail":1,'*) return ;;
    *" ms  $MARK") marked=1 ;;
    esac
    [ $verbose = 0 ] || show_line "$last"
}

# ------------------------------------------------------------- on a terminal

# The guest's log; and below it, once its last line is a second old, one line
# that says each second what is going on. Nobody but a terminal gets that, nor
# more than each fifth of the lines that say that nothing happens.
width=0 doing='' since=0 told=0

watch_begin() {
    local rows
    width=0 doing='starting the machine' since=$SECONDS told=0
    [ $verbose = 1 ] && [ -t 2 ] || return 0
    read -r rows width < <(stty size <&2 2>/dev/null)
    [[ $rows$width =~ ^[0-9]+$ ]] && ((width > 20)) || width=80
}

show_line() {
    local text=${1#*" ms  "}
    if [[ $text =~ ^still\ (waiting\ for\ .*)\ \(([0-9]+)\ s\)$ ]]; then
        doing=${BASH_REMATCH[1]}
        ((width == 0 && BASH_REMATCH[2] % 5 == 0)) || return 0
    else
        doing=$text since=$SECONDS
    fi
    watch_wipe
    printf '%s\n' "$1" >&2
}

watch_tick() {
    local text
    ((width != 0 && SECONDS > since && SECONDS != told)) || return 0
    told=$SECONDS
    text="    ... $doing"
    printf '\r%-*s' $((width - 1)) \
        "${text:0:width - 12} ($((SECONDS - since)) s)" >&2
}

watch_wipe() {
    ((width != 0 && told != 0)) || return 0
    printf '\r%*s\r' $((width - 1)) '' >&2
    told=0
}

# Follows the console, a file, until no process of the guest holds the FIFO
# $end. Leaves the last line in $last if it was a whole one, in $lines how many
# came, in $marked whether the message may have gone.
watch_console() {
    local line part='' over=0
    last='' lines=0 marked=0
    watch_begin
    while :; do
        while IFS= read -r line; do
            see "$part$line"
            part=''
        done
        part+=$line
        [ $over = 0 ] || break
        watch_tick
        read -r -t 0.1 line <&"$end"
        [ $? -gt 128 ] || over=1 # and once more for what came last
    done <"$console"
    watch_wipe
    [ -z "$part" ] || last=''
}

# The status and the outcome in a whole report line; fails for anything else.
report_status() {
    local re='^\{"bootmail":1,"outcome":"([a-z]+)","exit":([0-9]{1,3}),.*"ms":\{[^{}]*\}\}$'
    [[ $last =~ $re ]] || return 1
    outcome=${BASH_REMATCH[1]} status=${BASH_REMATCH[2]}
    # these and 0 go together, or neither can be believed
    case $outcome in
    sent | checked) [ "$status" = 0 ] ;;
    *) [ "$status" != 0 ] ;;
    esac
}

# The image keeps its own time; this bound is for one that hangs.
time_limit() {
    local most=900 key n
    while read -r key n; do
        case $n in
        '' | *[!0-9]* | ??????*) ;; # the image says what is wrong with it
        *) [ "$((10#$n))" -le "$most" ] || most=$((10#$n)) ;;
        esac
    done < <(conf_values total_timeout)
    printf '%d' $((${timeout:-$most} + 15))
}

# All that may fail for want of room, before anything is said of an attempt.
prepare_run() {
    rm -f -- "$work/end"
    mkfifo "$work/end" && : >"$work/errors" ||
        die $EX_TEMPFAIL "no room in $work"
}

# Leaves what came of it in $status, $outcome and $why; $reported says whether
# the report, $last, can be believed.
run() {
    local exited want end keep other started=$SECONDS
    # held while both ends are opened: neither waits for the other
    exec {keep}<>"$work/end"
    other=${conf_fd:-$keep} # not for the guest, either
    # a file, so that what was said stays when the launcher is killed
    guest_starts
    timeout --kill-after=5 "$limit" "${cmd[@]}" \
        >>"$console" 2>"$work/errors" </dev/null 9>"$work/end" {keep}>&- \
        {other}<&- &
    guest=$!
    exec {end}<"$work/end" {keep}>&-
    watch_console
    exec {end}<&-
    wait "$guest"
    exited=$?
    guest='' reported=0
    if ! report_status; then
        no_report "$exited" "$limit" $((SECONDS - started))
        return
    fi
    [ $verbose = 0 ] || sed 's/^/bootmail: /' "$work/errors" >&2
    want=$status
    report_text reason
    reported=1
    in_our_words "$plain"
    case $board in
    x86_64) want=$((2 * status + 1)) ;;
    aarch64) [ $semihosting = 1 ] || want=0 ;;
    esac
    if [ "$exited" != "$want" ]; then
        why="the report says $status, the machine exited with $exited"
        printf 'bootmail: %s\n' "$why" >&2
        [ $marked = 0 ] && [ "$status" != 0 ] && outcome=bug || outcome=unsure
        status=$EX_BUG reported=0
    elif [ "$status" != 0 ] && [ $verbose = 0 ]; then
        printf 'bootmail: %s\n' "$why" >&2
    fi
    [ "$status" = 0 ] || explain
    [ -z "$loopback" ] || [[ $why != *"$loopback"* ]] ||
        notice "(${conf[host]} is this host: the guest reaches it as $loopback)"
    [ "$status" != $EX_CONFIG ] || [ ${#notes[@]} = 0 ] ||
        printf 'bootmail: %s\n' "${notes[@]}" >&2
}

# The image calls the configuration by the name it got; options of the command
# line are lines to it.
in_our_words() { # reason
    local args="the launcher's arguments (args), line "
    why=$1
    case $why in
    'bootmail.conf, line '*) why=$config${why#bootmail.conf} ;;
    "$args"*) why=${why#*: } ;;
    esac
}

no_report() { # exit status of the machine, time limit, time it took
    sed 's/^/bootmail: /' "$work/errors" >&2
    case $1 in
    12[5-7])
        why="${cmd[0]} cannot be run" status=$EX_CONFIG outcome=invalid ;;
    # HUP, INT, KILL, TERM. (Other numbers over 128 are what isa-debug-exit
    # makes of a status of ours.)
    124 | 129 | 130 | 137 | 143)
        status=$EX_TEMPFAIL outcome=temporary
        why="killed by signal $(($1 - 128)) before its report"
        [ "$3" -lt "$2" ] || why="hung: no verdict within $2 s, killed" ;;
    *)
        why="ended (status $1) without a whole report line: it crashed"
        status=$EX_BUG outcome=bug
        if [ "$lines" = 0 ] && [ "$1" = 1 ] && [ -s "$work/errors" ]; then
            why="${cmd[0]} did not start the machine" status=$EX_CONFIG
            outcome=invalid
        fi ;;
    esac
    if [ $marked = 1 ]; then
        why+="; the message may have been delivered"
        status=$EX_UNSURE outcome=unsure
    fi
    printf 'bootmail: %s\n' "$why" >&2
}

# The accounts to try in turn: the one that was asked for, then whatever its
# fallback names, each once.
accounts() {
    local name list=${conf[fallback]-}
    printf '%s\n' "$account"
    for name in ${list//,/ }; do
        case $name in
        *[!A-Za-z0-9._@-]*) die $EX_CONFIG "fallback \"$name\": not a name" ;;
        esac
        [ "$name" = "$account" ] || printf '%s\n' "$name"
    done
}

# Whoever was not reached may be by the next account.
goes_on() {
    { [ "$outcome" = temporary ] || [ "$status" = 68 ]; } &&
        [ $marked = 0 ] && [ ${#all[@]} != 0 ]
}

# One attempt with each account in turn, until one is reached: those whose
# fallback is used have sent nothing.
deliver() {
    local all
    all=$(accounts) || exit
    mapfile -t all <<<"$all"
    while :; do
        account=${all[0]} all=("${all[@]:1}")
        make_initrd 6>&- 7>&-
        guest_command
        prepare_run
        if [ -z "$entry" ]; then
            : >"$console"
        elif ! attempt_begin; then
            notice "$entry: no room for an attempt"
            return
        fi
        run
        # a message without a spool has it now, unless another account is tried
        [ -n "$entry" ] || goes_on || verdict=$status
        log_attempt
        if [ -n "$entry" ]; then
            attempt_end || return
        fi
        goes_on || return
        notice "the account ${account:-default} is not reached, ${all[0]} is tried"
    done
}

# What would be done, for people to read and to paste.
show() { # names of the files
    printf 'files, as %q (written by --save):\n  %s\n' "$initrd" \
        "${1//$'\n'/$'\n  '}"
    printf 'command:\n  %s\n' "${cmd[*]@Q}"
}
