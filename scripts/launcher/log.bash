# shellcheck shell=bash
#
# log.bash: one line for each attempt, as msmtp writes it, into logfile and to
# syslog (which journald takes as well). What a server says cannot make a
# second line of it, end a quotation, or reach a terminal as a command.
#
# No log, and no place to write it to, ever changes what becomes of a mail.

log_names=([0]=EX_OK [64]=EX_USAGE [65]=EX_DATAERR [68]=EX_NOHOST
    [69]=EX_UNAVAILABLE [70]=EX_SOFTWARE [74]=EX_IOERR [75]=EX_TEMPFAIL
    [76]=EX_PROTOCOL [77]=EX_NOPERM [78]=EX_CONFIG)

wanted_log() {
    [ -n "${conf[logfile]-}" ] || [ "${conf[syslog]-off}" != off ]
}

log_attempt() {
    local line
    wanted_log || return 0
    log_envelope
    line="host=$(word "${conf[host]-}") tls=${conf[tls]-on}"
    if [ "${conf[auth]-off}" = off ]; then
        line+=' auth=off'
    else
        line+=" auth=on user=$(word "${conf[user]-}")"
    fi
    line+=" from=$from_said recipients=$rcpt_said"
    [ -z "$bytes_said" ] || line+=" mailsize=$bytes_said"
    [ "$code_said" = - ] ||
        line+=" smtpstatus=$code_said smtpmsg='$code_said $text_said'"
    [ "$status" = 0 ] || line+=" errormsg='$(clean "$why")'"
    line+=" exitcode=${log_names[status]-$status}"
    [ -z "$entry" ] || line+=" queue=${entry##*/}"
    log_line "$line"
}

# From the report: who, and the words about the first who has not got it; the
# size, if anybody has.
log_envelope() {
    local rest address result code enhanced text plain worst=0
    local re='"bytes":([0-9]+),'
    from_said='' rcpt_said='' code_said=- text_said='' bytes_said=''
    [ "$reported" = 1 ] || return 0
    ! report_text from || from_said=$(word "$plain")
    rest=${last#*'"recipients":['}
    while report_rcpt; do
        rcpt_said+=${rcpt_said:+,}$(word "$address")
        [ "$result" != sent ] || ! [[ $last =~ $re ]] ||
            bytes_said=${BASH_REMATCH[1]}
        [ $worst = 0 ] || continue
        [ "$result" = sent ] || worst=1
        code_said=$code text_said=$(clean "$text")
        [ "$enhanced" = - ] || text_said="$enhanced $text_said"
    done
}

# An event of the queue.
log_event() { # words
    ! wanted_log || log_line "queue=${entry##*/} $(clean "$1")"
}

clean() { # text
    printf '%s' "${1//[[:cntrl:]\']/?}"
}

word() { # text that stands without quotation marks
    clean "${1// /?}"
}

log_line() { # text
    local file=${conf[logfile]-} stamp facility=${conf[syslog]-off}
    if [ -n "$file" ]; then
        stamp=$(date "+${conf[logfile_time_format]-%b %d %H:%M:%S}")
        case $file in \~/*) file=${HOME:-}/${file#\~/} ;; esac
        if [ "$file" = - ]; then
            printf '%s %s\n' "$stamp" "$1"
        else
            # whoever does not read it (a FIFO), or a mount, may be waited for
            # shellcheck disable=SC2016
            printf '%s %s\n' "$stamp" "$1" |
                timeout 5 sh -c 'cat >>"$1"' - "$file" 2>/dev/null ||
                notice "the log file $file cannot be written"
        fi
    fi
    case ${facility,,} in
    off) ;;
    on | log_mail) log_syslog mail "$1" ;;
    log_user) log_syslog user "$1" ;;
    log_local[0-7]) log_syslog "${facility:4}" "$1" ;;
    *) notice "syslog \"$facility\": wants on, off, LOG_MAIL, LOG_USER or LOG_LOCAL0 to 7" ;;
    esac
}

# The text goes through standard input: an argument list is for everybody.
log_syslog() { # facility, text
    local priority=info
    [ "$status" = 0 ] || priority=err
    printf '%s\n' "$2" |
        timeout 5 logger -t bootmail -p "${1,,}.$priority" 2>/dev/null ||
        notice "syslog does not take the line"
}
