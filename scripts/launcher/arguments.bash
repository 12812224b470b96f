# shellcheck shell=bash
#
# arguments.bash: the command line, as sendmail(1) and --help have it. Leaves
# the options in the variables that bootmail declares; checks all that can be
# checked without reading a file.

usage() {
    cat <<'X'
usage: bootmail [options] [--] recipient... < message

Boots a virtual machine that submits the message and nothing else.

  -C, --file FILE     configuration (msmtp's language); default: the first of
                      $BOOTMAIL_CONFIG, ~/.config/bootmail/bootmail.conf,
                      ~/.bootmailrc, /etc/bootmail.conf, then msmtp's own
  --url URL, or as first recipient: smtps://USER@HOST[:PORT][?KEY=VALUE&...],
                      smtp:// (STARTTLS), lmtp://; in the clear smtp+plain://,
                      lmtp+plain://; instead of a file
  --url-file FILE     the URL is in this file, and may hold a password
  --host NAME         no file: all by options, as in msmtp: --port --tls --auth
                      --user --tls-starttls --tls-trust-file --passwordeval ...
  -a, --account NAME  account of the configuration to use
  -f, -r, --from ADDR envelope sender
  -F NAME             full name for a From field that has to be made
  -N WHEN, -R WHAT    delivery notes: never, or failure,delay,success; with
                      full or hdrs of the message (dsn_notify, dsn_return)
  -V ENVID            a name for this delivery in such notes (dsn_envid)
  -t                  recipients also from To, Cc and Bcc of the message
  --read-envelope-from  the sender is the message's From; with this or -f the
                      first account with such a from is used (msmtp's rule)
  --subject TEXT      subject for a message that has none
  --html FILE         the same text in HTML, beside the plain one
  --inline FILE       a picture that the HTML shows as cid:NAME
  --attach FILE       attach a file; may be repeated
  -bp, -bi, -q        sendmail's; list the queue, do nothing, try it again; also
                      by the names mailq and newaliases
  -i, -oi, ...        sendmail's; a lone dot never ends the message anyway
  -v, --verbose       show the guest's log (default: on a terminal)
  --trace             show the dialogue too, secrets replaced
  --json              print the report line on standard output
  --dry-run, --pretend  show what would be packed and run, run nothing
  --save FILE         keep the packed files, secrets and all (an initrd)
  --spool DIR         keep what cannot be sent now, and exit with 0
  --rate-limit N      at most N mails an hour to a recipient; with a spool, which
                      keeps the rest for one digest
  --flush             try what is due in the spool; reads no message
  --flush-all         try all that is in the spool, due or not
  --queue, -bp        list the spool; the program's name mailq does so too
  --timeout SECONDS   of the whole run (default: the configuration's)

  --configure ADDRESS find the mail server of an address by DNS (SRV, MX) or by
                      customary names, and print a configuration
  --check             say what the configuration means, connect, verify, log in,
                      list what the server offers; send nothing
  -S, --serverinfo    the same without a login

  --board NAME        x86_64 (default; a release: its own), aarch64, riscv64, or
                      posix (a process of this system)
  --machine NAME      QEMU's, with options: microvm (x86_64's default), q35, pc;
                      virt (aarch64's and riscv64's)
  --memory SIZE       RAM, such as 64M (default: what the message needs)
  --accel NAME        kvm, hvf or tcg (default, auto: kvm or hvf if it
                      really runs the image, else tcg)
  --net HOW           user (default; localhost is this host, 10.0.2.2 there),
                      tap:INTERFACE, none
  --pcap FILE         record the guest's network traffic
  --image FILE        boot this image
  --semihosting       aarch64: the machine exits with the status too. QEMU then
                      gives the guest this user's files: for images you trust

exit status: 0 every recipient accepted, 64 usage, 65 message, 68 host name,
69 refused, 70 bug, 74 no network, 75 try later, 76 protocol, 77 authentication
or certificate, 78 configuration, 79 may have been delivered
X
}

need() { # option, count of words left
    [ "$2" -ge 2 ] || die $EX_USAGE "option $1 needs a value (see --help)"
}

one_line() { # option, value: it becomes one line of a file
    case $2 in
    *[[:cntrl:]]*) die $EX_USAGE "$1: control characters are not allowed" ;;
    esac
}

# A key of the configuration. Files are named from where we are now.
setting() { # --some-key, value
    local key=${1#--} file=$2
    key=${key//-/_}
    case $key in
    host) host_given=1 ;;
    tls_*_file | aliases | logfile)
        [[ $file = @(''|/*|~/*|system) ]] || file=$PWD/$file ;;
    esac
    settings+=("$key" "$file")
}

parse() {
    local name
    while [ $# -gt 0 ]; do
        case $1 in
        --help) usage; exit 0 ;;
        --) shift; rcpt+=("$@"); return ;;
        --url) value "$@"; url=$2; shift ;;
        --url-file) value "$@"; url_file=$2; shift ;;
        # keys of the configuration, as msmtp takes them; these may stand alone
        --@(auth|auto-from|tls|tls-starttls|tls-certcheck|syslog)?(=*) | \
            --@(set-@(from|date|msgid)-header|remove-bcc-headers)?(=*) | \
            --undisclosed-recipients?(=*))
            name=${1%%=*}
            value "$name" "${1:${#name}+1}"
            setting "$name" "${1:${#name}+1}" ;;
        --@(host|port|protocol|domain|user|passwordeval|tls-trust-file) | \
            --tls-@(crl-file|cert-file|key-file|fingerprint|host-override) | \
            --tls-min-version | \
            --@(maildomain|aliases|logfile|source-ip|dsn-notify|dsn-return) | \
            --logfile-time-format | \
            --rate-limit)
            value "$@"; setting "$1" "$2"; shift ;;
        -X) value "$@"; setting --logfile "$2"; shift ;;
        --*=*) set -- "${1%%=*}" "${1#*=}" "${@:2}"; continue ;;
        -C | --file) need "$1" $#; config=$2; shift ;;
        -a | --account) value "$@"; account=$2; shift ;;
        -f | -r | --from) value "$@"; from=$2 set_from=1; shift ;;
        -F) value "$@"; fullname=$2; shift ;;
        --subject) value "$@"; subject=$2 set_subject=1; shift ;;
        --html) value "$@"; html=$2; shift ;;
        --inline) value "$@"; inline+=("$2"); shift ;;
        --attach) value "$@"; attach+=("$2"); shift ;;
        --@(board|machine|memory|net|accel|pcap|save|image|spool))
            value "$@"; printf -v "${1#--}" %s "$2"; shift ;;
        --timeout) value "$@"; check_seconds "$2"; shift ;;
        -t | --read-recipients) read_rcpt=1 ;;
        --read-envelope-from) read_from=1 ;;
        -v | --verbose) verbose=1 ;;
        --trace) trace=1 verbose=1 ;;
        --json) json=1 ;;
        --dry-run | --pretend) dry=1 ;;
        --flush) mode=flush ;;
        --flush-all) mode=flush flush_all=1 ;;
        --queue) mode=list ;;
        --check) checking=1 settings+=(check on) verbose=1 ;;
        -S | --serverinfo)
            checking=1 settings+=(check on auth off) verbose=1 ;;
        --configure) value "$@"; address=${2:-?}; shift ;;
        --semihosting) semihosting=1 ;;
        # sendmail's, without meaning here: one message is sent, at once
        -i | -G | -m | -n | -U | -bm | -[oBAhLO]?*) ;;
        -[oBAhLO]) value "$@"; shift ;;
        -N) value "$@"; check_notify "${2,,}"; notify=${2,,}; shift ;;
        -R) value "$@"; [[ ${2,,} = @(off|full|hdrs) ]] ||
            die $EX_USAGE "-R wants full or hdrs"; what=${2,,}; shift ;;
        -V) value "$@"; check_envid "$2"; settings+=(dsn_envid "$2"); shift ;;
        -bp) mode=list ;;
        -q*) mode=flush ;;
        -bi) exit 0 ;; # aliases are read when they are needed
        -bs) die $EX_USAGE "-bs: SMTP is not spoken on standard input; give \
the message there, and recipients as arguments or by -t" ;;
        -b[dD]) die $EX_USAGE "$1: this is no server; it sends one message" ;;
        -b*) die $EX_USAGE "$1: only -bm (sending), -bp and -bi can be done" ;;
        -[CafrFNRVX]?*) set -- "${1:0:2}" "${1:2}" "${@:2}"; continue ;;
        -[tviGmnU]?*) set -- "${1:0:2}" "-${1:2}" "${@:2}"; continue ;;
        -?*) die $EX_USAGE "unknown option $1 (see --help)" ;;
        @(smtp?(s)|lmtp)?(+plain)://*) value URL "$1"; url=$1 ;;
        *) rcpt+=("$1") ;;
        esac
        shift
    done
}

# sendmail has names for some of its modes; without a configuration there is nothing to
# list, and nothing to try again.
special_modes() {
    case ${0##*/} in
    mailq) mode=list ;;
    newaliases) exit 0 ;;
    esac
    case $mode$config${BOOTMAIL_CONFIG:-}$spool in
    list | flush) ;;
    *) return ;;
    esac
    ! (find_config) 2>/dev/null || return 0
    [ $mode != list ] || echo "the queue is empty"
    exit 0
}

value() {
    need "$1" $#
    one_line "$1" "$2"
}

check_notify() {
    local one='(failure|delay|success)'
    [[ $1 =~ ^(off|never|$one(,$one)*)$ ]] ||
        die $EX_USAGE "-N wants never, or some of failure,delay,success"
}

check_envid() {
    case $1 in
    '' | *[!\ -~]*) die $EX_USAGE "-V wants a name of printable ASCII" ;;
    esac
}

check_seconds() {
    case $1 in
    '' | *[!0-9]* | ??????*) timeout=0 ;;
    *) timeout=$((10#$1)) ;;
    esac
    ((timeout >= 1 && timeout <= 86400)) ||
        die $EX_USAGE "--timeout wants seconds, from 1 to 86400"
}

# A release holds the image of one board, and is for that one.
default_board() {
    local dir
    [ -z "$board" ] || return 0
    board=x86_64
    for dir in "$here"/../lib/bootmail/{x86_64,aarch64,riscv64,posix}; do
        [ -d "$dir" ] || continue
        board=${dir##*/}
        return
    done
}

check_arguments() {
    local i
    default_board
    case $account in
    *[!A-Za-z0-9._@-]*) die $EX_USAGE "account \"$account\": not a name" ;;
    esac
    case $board in
    x86_64 | aarch64 | riscv64 | posix) ;;
    *) die $EX_USAGE "no board \"$board\": x86_64, aarch64, riscv64 or posix" ;;
    esac
    [ $semihosting = 0 ] || [ "$board" = aarch64 ] ||
        die $EX_USAGE "--semihosting is for the board aarch64"
    case $net in
    user | none | tap:?*) ;;
    *) die $EX_USAGE "--net wants user, tap:INTERFACE or none" ;;
    esac
    case ${url:+u}${url_file:+u}${host_given/0/}${config:+C}${account:+C} in
    *[u1]*[u1C]*) die $EX_USAGE "a URL, --host and -C or -a: one of them" ;;
    esac
    [ $read_from = 0 ] || [ $set_from = 0 ] ||
        die $EX_USAGE "--read-envelope-from and -f: not both"
    [ ! -d "$save" ] || die $EX_USAGE "--save $save: it is a folder"
    case $accel in
    '' | auto | tcg | kvm | hvf) ;;
    *) die $EX_USAGE "--accel wants auto, tcg, kvm or hvf" ;;
    esac
    case $net$machine$memory in
    *[[:space:]]*) die $EX_USAGE "an option's value holds white space" ;;
    esac
    case $from in # sendmail's way to write an address, the null sender too
    '<'*'>') from=${from:1:-1} ;;
    esac
    for i in ${rcpt[@]+"${!rcpt[@]}"}; do
        one_line recipient "${rcpt[i]}"
        case ${rcpt[i]} in
        '<'*'>') rcpt[i]=${rcpt[i]:1:-1} ;;
        esac
        [ -n "${rcpt[i]}" ] || die $EX_USAGE "an empty recipient"
    done
}
