# shellcheck shell=bash
#
# config.bash: which configuration and which image; what a configuration in
# msmtp's language says. The parser is the image's (kernel/conf.c), as far as
# the launcher needs it: faults are left for the image to find and to explain.
#
#   conf_read FILE     the lines of a file, in conf_keys and conf_values
#   conf_account NAME  the settings of one account, in conf
#   conf_get KEY       one of them, as written; "" if it is not set
#   conf_on KEY yes    is that switch on? yes or no: its default

# of every line of the file: its key ("" for an empty line), its value
conf_keys=() conf_values=()
# of the account in use: what each key is set to; of two lines the later
declare -A conf=()
# accounts that one account is put together from: conf.c has the same bound
conf_budget=0

find_image() {
    local dir
    if [ -n "$image" ]; then
        [ -r "$image" ] || die $EX_CONFIG "$image: no image"
        return
    fi
    for dir in "$here/../build/$board" "$here/../lib/bootmail/$board"; do
        image=$dir/bootmail
        [ ! -r "$image" ] || return 0
    done
    die $EX_CONFIG "no image for $board: run make image BOARD=$board"
}

# What a service manager or a container gives to this program alone comes first,
# msmtp's own files last: an msmtprc works as it stands.
find_config() {
    local f dir=${XDG_CONFIG_HOME:-${HOME:+$HOME/.config}}
    [ -z "$made" ] || return 0
    : "${config:=${BOOTMAIL_CONFIG:-}}"
    for f in "${CREDENTIALS_DIRECTORY:+$CREDENTIALS_DIRECTORY/bootmail.conf}" \
        /run/secrets/bootmail.conf "${dir:+$dir/bootmail/bootmail.conf}" \
        "${HOME:+$HOME/.bootmailrc}" /etc/bootmail.conf \
        "${HOME:+$HOME/.msmtprc}" "${dir:+$dir/msmtp/config}" /etc/msmtprc; do
        [ -n "$config" ] || [ ! -e "$f" ] || config=$f
    done
    [ -n "$config" ] ||
        die $EX_CONFIG "no configuration: none of the usual files is there \
(${dir:+$dir/bootmail/bootmail.conf, }/etc/bootmail.conf); give one with -C, \
or have one written: bootmail --configure ADDRESS"
    readable "$config" || die $EX_CONFIG "$REPLY"
    not_the_message "$config"
}

# Else a mail would be empty, or be that file with the secrets in it. (Both may
# be /dev/null: nothing there is lost.)
not_the_message() { # file
    [ $mode$checking = send0 ] && [ "$1" -ef /dev/stdin ] &&
        ! [ "$1" -ef /dev/null ] || return 0
    die $EX_USAGE "$1 is standard input, which is the message"
}

# Or says why not, in $REPLY. (It may be a pipe.)
readable() { # file
    if [ ! -e "$1" ]; then
        REPLY="$1: cannot be read: there is no such file"
    elif [ -d "$1" ]; then
        REPLY="$1: cannot be read: it is a folder"
    else
        REPLY="$1: cannot be read by $(id -un)"
        [ -r "$1" ]
        return
    fi
    return 1
}

# msmtp's rule: whoever else can read a password has it already. In these two
# places modes say nothing: who sees them is whoever the manager lets in.
private() { # host file
    local mode others=8#077
    case $1 in
    "${CREDENTIALS_DIRECTORY:-/run/secrets}"/* | /run/secrets/*) return 0 ;;
    esac
    mode=$(stat -L -c %a -- "$1") || die $EX_CONFIG "$1: cannot be read"
    [ -O "$1" ] || others=8#007 # the administrator's: his group may
    [ $((8#$mode & others)) = 0 ] ||
        die $EX_CONFIG "$1 holds a password that others can read: chmod 600 $1"
}

# ----------------------------------------------------------------- the file

trim() { # text: without the blanks around it, in $REPLY
    REPLY=${1#"${1%%[! $'\t']*}"}
    REPLY=${REPLY%"${REPLY##*[! $'\t']}"}
}

# One line into $key and $value; key is "" where it says nothing. (What looks
# for the end of a long line by % and a pattern takes minutes.)
conf_split() { # line
    local line=$1
    key='' value=''
    [[ $line != *$'\r' ]] || line=${line%?}
    trim "$line"
    case $REPLY in '' | '#'*) return ;; esac
    [[ $REPLY =~ ^[^$' \t']+ ]]
    key=${BASH_REMATCH[0]}
    trim "${REPLY:${#key}}"
    value=$REPLY
    case $value in '"'*'"') [ ${#value} = 1 ] || value=${value:1:-1} ;; esac
}

conf_read() { # host file
    local line key value
    conf_keys=() conf_values=()
    while IFS= read -r line || [ -n "$line" ]; do
        [ ${#conf_keys[@]} != 0 ] || line=${line#$'\xef\xbb\xbf'}
        conf_split "$line"
        conf_keys+=("$key") conf_values+=("$value")
    done <"$1"
}

conf_values() { # keys, as a regular expression: "key value" of every line
    local i
    for i in "${!conf_keys[@]}"; do
        [[ ! ${conf_keys[i]} =~ ^($1)$ ]] ||
            printf '%s %s\n' "${conf_keys[i]}" "${conf_values[i]}"
    done
}

# ------------------------------------------------------------- the accounts

# Keys above any section are the account default, too.
conf_headless() {
    local key
    for key in "${conf_keys[@]}"; do
        case $key in
        '') ;;
        account | defaults) return 1 ;;
        *) return 0 ;;
        esac
    done
    return 1
}

# Where the account $1 begins that is above line $2: $body; and who its parents
# are: $parents.
conf_find() {
    local i name
    body=0 parents=''
    [ "$1" != default ] || ! conf_headless || return 0
    for ((i = 0; i < $2; i++)); do
        [ "${conf_keys[i]}" = account ] || continue
        name=${conf_values[i]}
        trim "${name%%:*}"
        [ "$REPLY" = "$1" ] || continue
        body=$((i + 1))
        [[ $name != *:* ]] || parents=${name#*:}
        return
    done
    return 1
}

# The lines from $1 on, up to the next section. Older spellings become those
# of today.
conf_section() {
    local i key value here=' '
    for ((i = $1; i < ${#conf_keys[@]}; i++)); do
        key=${conf_keys[i]} value=${conf_values[i]}
        case $key in
        '') continue ;;
        account | defaults) return ;;
        keepbcc | tls_nocertcheck | tls_nostarttls)
            [ "$value" = off ] && value=on || value=off
            key=${key/nocert/cert} key=${key/nostart/start}
            key=${key/keepbcc/remove_bcc_headers} ;;
        add_missing_from_header | add_missing_date_header)
            key=set_${key#add_missing_} value=${value/on/auto} ;;
        esac
        # lists grow within a section, and begin anew in the next one
        case $key in
        to | cc | bcc | set_to_header)
            [[ $here != *" $key "* ]] || [ -z "$value" ] ||
                value=${conf[$key]}${conf[$key]:+, }$value
            here+="$key " ;;
        esac
        conf[$key]=$value
    done
}

# Parents stand above their children, so this ends.
conf_apply() { # where it begins, its parents
    local body parents list=${2:+$2,}
    ((conf_budget-- > 0)) || return 0
    while [ -n "$list" ]; do
        trim "${list%%,*}"
        list=${list#*,}
        ! conf_find "$REPLY" "$1" || conf_apply "$body" "$parents"
    done
    conf_section "$1"
}

# The names of the accounts, one on each line.
conf_accounts() {
    local i
    ! conf_headless || echo default
    for i in "${!conf_keys[@]}"; do
        [ "${conf_keys[i]}" = account ] || continue
        trim "${conf_values[i]%%:*}"
        printf '%s\n' "$REPLY"
    done
}

# The account that is used if none is named: the only one, or default.
conf_default() {
    local names
    mapfile -t names < <(conf_accounts)
    [ ${#names[@]} = 1 ] && [ -n "${names[0]}" ] || names=(default)
    printf '%s' "${names[0]}"
}

conf_account() { # name; empty: the one that is used if none is named
    local i body parents=''
    conf=() conf_budget=64
    conf_find "${1:-$(conf_default)}" ${#conf_keys[@]} || {
        # a file of defaults alone is an account as well
        [ -z "$1" ] && [ -z "$(conf_accounts)" ] || return 1
        body=${#conf_keys[@]}
    }
    for ((i = 0; i < body; i++)); do
        [ "${conf_keys[i]}" != defaults ] || conf_section $((i + 1))
    done
    conf_apply "$body" "$parents"
}

conf_get() { # key
    printf '%s' "${conf[$1]-}"
}

conf_on() { # key, its default
    case ${conf[$1]-$2} in yes | on | '') return 0 ;; *) return 1 ;; esac
}

# ------------------------------------------- what only this system can answer

# By sed, into a new file: what is read has been opened before that.
edit_ready() { # options for sed
    {
        hide ready ready_fd
        sed "$@" >"$ready" || die $EX_TEMPFAIL "cannot store $config"
    } <"$ready"
}

# msmtp's patterns in from and domain: %U user, %H host name, %C its canonical
# form, %M what /etc/mailname says.
replace_patterns() {
    local re='^[[:space:]]*(from|domain)[[:space:]].*%[UHCM]'
    local user host canonical mail
    grep -qE "$re" "$ready" || return 0
    user=$(id -un) host=$(hostname)
    canonical=$(hostname -f 2>/dev/null) || canonical=$host
    mail=$(head -n 1 /etc/mailname 2>/dev/null)
    : "${mail:=$canonical}"
    case $user$host$canonical$mail in
    *[!A-Za-z0-9._-]*)
        die $EX_CONFIG "$config: a % pattern stands for something odd here" ;;
    esac
    edit_ready -E "/$re/{s/%U/$user/g; s/%H/$host/g; s/%C/$canonical/g
        s/%M/$mail/g}"
}

# The first line of what a command of the configuration prints, into a file
# without a name. What else it says, on either channel, may be a secret: it goes
# nowhere.
run_command() { # key, its command, file
    local status output='' output_fd=''
    hide output output_fd
    guest_starts
    env LC_ALL="$locale" \
        timeout --foreground -k 5 "${timeout:-300}" sh -c "$2" \
        </dev/null >"$output" 2>/dev/null &
    guest=$!
    wait "$guest"
    status=$?
    guest=''
    [ $status != 124 ] ||
        die $EX_CONFIG "$config: the command of $1 did not end in time"
    [ $status = 0 ] ||
        die $EX_CONFIG "$config: the command of $1 ended with status $status"
    head -n 1 <"$output" >"$3" ||
        die $EX_TEMPFAIL "cannot store what the command of $1 printed"
    close_fd "$output_fd"
    grep -q '[^[:space:]]' "$3" ||
        die $EX_CONFIG "$config: the command of $1 printed nothing"
}

# As msmtp does it: each eval line becomes what its command prints, in every
# account, when the file is read. The other lines keep their numbers.
replace_evals() {
    local i line key value script='' answer='' answer_fd=''
    for i in "${!conf_keys[@]}"; do
        [ "${conf_keys[i]}" = eval ] || continue
        hide answer answer_fd
        run_command "eval in line $((i + 1))" "${conf_values[i]}" "$answer"
        IFS= read -r line <"$answer"
        conf_split "$line"
        conf_keys[i]=$key conf_values[i]=$value
        script+="$((i + 1))c\\"$'\n'"${line//\\/\\\\}"$'\n'
    done
    close_fd "$answer_fd"
    # by a pipe: what the commands said must not be seen in a list of processes
    sed -f <(printf '%s' "$script") <"$conf_file" >"$ready" ||
        die $EX_TEMPFAIL "cannot store $config"
}

# What the launcher does itself leaves the file: the image would refuse it.
drop_lines() { # keys, as a regular expression
    local i script=''
    for i in "${!conf_keys[@]}"; do
        [[ ! ${conf_keys[i]} =~ ^($1)$ ]] || script+="$((i + 1))s/.*/#/;"
    done
    [ -z "$script" ] || edit_ready -e "$script"
}

# ------------------------------------------------------- which account it is

# As in msmtp: a pattern is the shell's for file names; anything else is
# compared without regard to case; user+detail is user as well.
from_matches() { # address, what an account has as from
    local plain=$1 one status=1
    [[ $2 = *+* || $1 != *+*@* ]] || plain=${1%%+*}@${1#*@}
    shopt -u extglob
    for one in "$1" "$plain"; do
        case $2 in
        *[?*[]*)
            # shellcheck disable=SC2254 # a pattern is what it is
            case $one in $2) status=0 ;; esac ;;
        *) [ "${one,,}" != "${2,,}" ] || status=0 ;;
        esac
    done
    shopt -s extglob
    return $status
}

# The account: -a, else the first whose from is the sender's, else the usual;
# then what the command line says of it.
choose_account() {
    find_account
    with_settings
}

with_settings() {
    local i
    for ((i = 0; i < ${#settings[@]}; i += 2)); do
        conf[${settings[i]}]=${settings[i + 1]}
    done
}

find_account() {
    local name
    if [ -z "$account" ] && [ $set_from = 1 ]; then
        while IFS= read -r name; do
            conf_account "$name" || continue
            [ -n "${conf[from]+set}" ] || continue
            ! from_matches "$from" "${conf[from]}" || {
                account=$name
                return
            }
        done < <(conf_accounts)
    fi
    conf_account "$account" || conf=()
}

# msmtp's older way to say: whoever calls, at maildomain. It beats -f.
auto_from() {
    conf_on auto_from off || return 0
    from=$(id -un) set_from=1
    [ -z "${conf[maildomain]-}" ] || from+=@${conf[maildomain]}
}
