# shellcheck shell=bash
#
# run.bash: the guest runs; its console, its report, the status that both
# prove.

# Reads the console; leaves the last line in $last if it was a whole one, and
# in $lines how many came.
watch_console() {
    local line
    last='' lines=0
    while IFS= read -r line; do
        line=${line%$'\r'}
        last=$line lines=$((lines + 1))
        case $line in
        '{"bootmail":1,'*) ;;
        *) [ $verbose = 0 ] || printf '%s\n' "$line" >&2 ;;
        esac
    done
    # a line without its end is no line
    [ -z "$line" ] || last=''
}

# The status in a whole report line; fails for anything else.
report_status() {
    local re='^\{"bootmail":1,"outcome":"([a-z]+)","exit":([0-9]{1,3}),.*"ms":\{[^{}]*\}\}$'
    [[ $last =~ $re ]] || return 1
    status=${BASH_REMATCH[2]}
    # these and 0 go together, or neither can be believed
    case ${BASH_REMATCH[1]} in
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

run() {
    local exited want started=$SECONDS
    mkfifo "$work/console" || die $EX_TEMPFAIL "mkfifo failed"
    timeout --kill-after=5 "$limit" "${cmd[@]}" \
        >"$work/console" 2>"$work/errors" </dev/null &
    guest=$!
    watch_console <"$work/console"
    wait "$guest"
    exited=$?
    guest=''
    if ! report_status; then
        no_report "$exited" "$limit" $((SECONDS - started))
        return
    fi
    [ $verbose = 0 ] || sed 's/^/bootmail: /' "$work/errors" >&2
    [ $json = 0 ] || printf '%s\n' "$last"
    want=$status
    case $board in
    x86_64) want=$((2 * status + 1)) ;;
    aarch64) [ $semihosting = 1 ] || want=0 ;;
    esac
    if [ "$exited" != "$want" ]; then
        printf 'bootmail: the report says %s, the machine exited with %s\n' \
            "$status" "$exited" >&2
        status=$EX_BUG
    elif [ "$status" != 0 ] && [ $verbose = 0 ]; then
        printf 'bootmail: %s\n' "$(reason)" >&2
    fi
    [ "$status" = 0 ] || explain "$last"
    [ "$status" != $EX_CONFIG ] || [ ${#notes[@]} = 0 ] ||
        printf 'bootmail: %s\n' "${notes[@]}" >&2
}

reason() {
    local re='"reason":"(([^"\\]|\\.)*)"' text=''
    [[ $last =~ $re ]] && text=${BASH_REMATCH[1]//\\\"/\"}
    printf '%s' "${text//\\\\/\\}"
}

no_report() { # exit status of the machine, time limit, time it took
    local why
    sed 's/^/bootmail: /' "$work/errors" >&2
    case $1 in
    12[5-7])
        why="${cmd[0]} cannot be run" status=$EX_CONFIG ;;
    # HUP, INT, KILL, TERM. (Other numbers over 128 are what isa-debug-exit
    # makes of a status of ours.)
    124 | 129 | 130 | 137 | 143)
        status=$EX_TEMPFAIL
        why="killed by signal $(($1 - 128)) before its report"
        [ "$3" -lt "$2" ] || why="hung: no verdict within $2 s, killed" ;;
    *)
        why="ended (status $1) without a whole report line: it crashed"
        status=$EX_BUG
        if [ "$lines" = 0 ] && [ "$1" = 1 ] && [ -s "$work/errors" ]; then
            why="${cmd[0]} did not start the machine" status=$EX_CONFIG
        fi ;;
    esac
    printf 'bootmail: %s\n' "$why" >&2
}

# What would be done, for people to read and to paste.
show() {
    printf 'files, as %q (written by --save):\n' "$initrd"
    cpio -it --quiet <"$work/initrd" | sed 's/^/  /'
    printf 'command:\n  %s\n' "${cmd[*]@Q}"
}
