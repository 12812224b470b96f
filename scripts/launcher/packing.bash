# shellcheck shell=bash
#
# packing.bash: the initrd. A private folder is filled with the files of the
# image's table and packed as cpio "newc"; secrets travel in it alone. They are
# in the folder as links: to where they lie, or to files without a name (hide).

pack() { # host file, name in the archive, folder
    local to=${3:-$work/files}/$2
    if ! mkdir -p -- "${to%/*}" || ! cat -- "$1" >"$to"; then
        die $EX_TEMPFAIL "cannot store $1"
    fi
}

pack_link() { # host file, name in the archive
    local file=$1 to=$work/files/$2
    [[ $file = /* ]] || file=$PWD/$file
    if ! mkdir -p -- "${to%/*}" || ! ln -sfT -- "$file" "$to"; then
        die $EX_TEMPFAIL "cannot store $1"
    fi
}

# Files the configuration names, under the name the image looks for: the path
# as written, without a leading / or ~/ or ./ (design 2.3, tls_trust_file).
# One that is missing matters only if its account is used: the image says so.
pack_named() {
    local key path name file i
    while IFS=' ' read -r key path; do
        case $path in
        '' | system) continue ;;
        \~/*) file=${HOME:-}/${path#\~/} ;;
        /*) file=$path ;;
        *) file=$PWD/$path
            [ -n "$made" ] || file=$(dirname -- "$config")/$path ;;
        esac
        name=${path##+(/|\~/|./)}
        case /$name/ in
        */../*) die $EX_CONFIG "$config: $key $path: .. is not allowed" ;;
        esac
        if [ -f "$file" ] && [ -r "$file" ]; then
            pack_link "$file" "$name"
        else
            notes+=("$key: $file cannot be read")
        fi
    done < <(conf_values 'tls_trust_file|tls_crl_file|tls_cert_file|tls_key_file|dkim_key'
        for ((i = 0; i < ${#settings[@]}; i += 2)); do
            [[ ${settings[i]} != tls_@(trust|crl|cert|key)_file ]] ||
                printf '%s %s\n' "${settings[i]}" "${settings[i + 1]}"
        done)
}

# Files with the names of design 2.2: beside the configuration, then systemd's
# credentials, then a container's secrets, which other programs share.
pack_siblings() {
    local dir='' name file bundle
    [ -n "$made" ] || dir=$(dirname -- "$config")
    [ "$dir" != /run/secrets ] || dir=''
    for name in ca.pem cert.pem key.pem dkim.pem password seed; do
        for file in "${dir:+$dir/$name}" \
            "${CREDENTIALS_DIRECTORY:+$CREDENTIALS_DIRECTORY/$name}" \
            "/run/secrets/bootmail.$name"; do
            [ ! -e "$work/files/$name" ] && [ -e "$file" ] || continue
            if ! [ -f "$file" ] || ! [ -r "$file" ]; then
                notes+=("$file is there, and cannot be read by $(id -un)")
                continue
            fi
            [ "$name" != password ] || private "$file"
            pack_link "$file" "$name"
        done
    done
    # no anchors of one's own: those of this system
    for bundle in /etc/ssl/certs/ca-certificates.crt \
        /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem \
        /etc/ssl/cert.pem; do
        [ -e "$work/files/ca.pem" ] || [ ! -r "$bundle" ] ||
            pack_link "$bundle" ca.pem
    done
}

# What this call adds to the configuration: lines of the same language.
arguments() {
    local a
    # quoted: the parser drops the outermost pair and nothing else
    printf '# the arguments of the launcher\n'
    # the machine's end is waited for, whatever the configuration wants
    printf 'at_end poweroff\n'
    [ $set_from = 0 ] || printf 'from "%s"\n' "$from"
    [ -z "$fullname" ] || printf 'from_full_name "%s"\n' "$fullname"
    [ $set_subject = 0 ] || printf 'subject "%s"\n' "$subject"
    case $read_rcpt in
    1) printf 'read_recipients on\n' ;;
    off) printf 'read_recipients off\n' ;; # read, and all named below
    esac
    [ $trace = 0 ] || printf 'trace on\n'
    [ -z "$notify" ] || printf 'dsn_notify %s\n' "$notify"
    [ -z "$what" ] || printf 'dsn_return %s\n' "${what/hdrs/headers}"
    for ((a = 0; a < ${#settings[@]}; a += 2)); do
        case ${settings[a]} in
        passwordeval | aliases | auto_from | logfile* | syslog) ;; # ours
        *) printf '%s "%s"\n' "${settings[a]}" "${settings[a + 1]}" ;;
        esac
    done
    [ -z "$timeout" ] || printf 'total_timeout %s\n' "$timeout"
    for a in ${rcpt[@]+"${rcpt[@]}"}; do
        printf 'to "%s"\n' "$a"
    done
}

# In the background, so that a signal ends the wait for somebody's pipe.
read_message() {
    [ ! -t 0 ] || echo "bootmail: the message, please; Ctrl-D ends it" >&2
    guest_starts
    cat <&0 >"$call/message" &
    guest=$!
    wait "$guest" || die $EX_TEMPFAIL "cannot store the message"
    guest=''
}

check_files() {
    local f
    for f in ${html:+"$html"} ${inline[@]+"${inline[@]}"} \
        ${attach[@]+"${attach[@]}"}; do
        readable "$f" || die $EX_DATAERR "$REPLY"
        [ -f "$f" ] || die $EX_DATAERR "$f: cannot be read: it is no file"
    done
}

# The configuration as the image gets it: without what only this system knows.
ready_config() {
    conf_read "$conf_file"
    [ -z "$(conf_values password)" ] || private "$config"
    hide ready ready_fd
    replace_evals
    replace_patterns
    conf_read "$ready"
}

# One that was handed in counts; then, as msmtp has it, what is written out
# comes first, and a command is asked only if somebody is going to log in.
ask_password() {
    local command=${conf[passwordeval]-} auth=${conf[auth]-off}
    password=''
    if [ $secret_given = 1 ]; then
        drop_lines password
        hide password password_fd
        printf '%s\n' "$secret" | cat >"$password" ||
            die $EX_TEMPFAIL "cannot store the password"
        return
    fi
    [ -n "$command" ] && [ -z "${conf[password]-}" ] || return 0
    case $auth in off | external) return ;; esac
    hide password password_fd
    run_command passwordeval "$command" "$password"
}

# What this call alone brings, into the folder $call: arguments, message and
# what goes with it. No secret is among them.
gather_call() {
    local f n=0 name
    mkdir -p "$call/attach" || die $EX_TEMPFAIL "cannot make $call"
    check_files
    read_message
    ready_config
    config_ready=1
    sender_of_message
    choose_account
    limit_check
    auto_from
    apply_aliases
    check_recipients
    f=$(arguments)
    printf '%s\n' "$f" | cat >"$call/args" ||
        die $EX_TEMPFAIL "cannot store the arguments"
    [ -z "$html" ] || pack "$html" message.html "$call"
    for f in ${inline[@]+"${inline[@]}"}; do
        name=inline/${f##*/}
        [ ! -e "$call/$name" ] ||
            die $EX_USAGE "--inline $f: there is another of that name"
        pack "$f" "$name" "$call"
    done
    for f in ${attach[@]+"${attach[@]}"}; do
        name=${f##*/}
        [ ${#name} -le 240 ] || die $EX_DATAERR "$f: the name is too long"
        # a number keeps the order, and two files of one name apart
        printf -v n '%03d' $((10#$n + 1))
        pack "$f" "attach/$n/$name" "$call"
    done
}

# What this attempt adds to the arguments: the recipients that are left of an
# earlier one, many on a line, for there may be 100 lines; where this host is.
arguments_now() {
    local lines=() i some
    for ((i = 0; i < ${#only[@]}; i += 20)); do
        some=$(printf ', %s' "${only[@]:i:20}")
        lines+=("only_to \"${some:2}\"")
    done
    if [ -n "$loopback" ]; then
        lines+=("host \"$loopback\"")
        [ -n "${conf[tls_host_override]-}" ] ||
            lines+=("tls_host_override \"$(bare_host)\"")
    fi
    [ ${#lines[@]} != 0 ] || return 0
    rm -- "$work/files/args" && cat -- "$call/args" >"$work/files/args" &&
        printf '%s\n' "${lines[@]}" | cat >>"$work/files/args"
}

bare_host() { # an IPv6 address without its brackets
    local host=${conf[host]#'['}
    printf '%s' "${host%']'}"
}

# A server on this host's loopback: the guest has a loopback of its own, but its
# user network knows ours by another address. The certificate is still held
# against the name that the configuration gives. Of IPv4's loopback addresses the
# network knows one alone: another would be another server.
find_loopback() {
    local re='^(localhost|localhost\.localdomain|127\.0\.0\.1)\.?$'
    local host=${conf[host]-}
    loopback=''
    if [[ ${host,,} =~ $re ]]; then
        loopback=10.0.2.2
    else
        case ${host,,} in
        ::1 | '[::1]' | ip6-localhost | ip6-loopback) loopback=fec0::2 ;;
        127.+([0-9]).+([0-9]).+([0-9])?(.))
            die $EX_CONFIG "$config: host $host: of this host's loopback a \
machine reaches 127.0.0.1 and ::1 alone; let the server listen there" ;;
        esac
    fi
    case ${loopback:+$net} in
    tap:*)
        die $EX_CONFIG "$config: host $host: over a tap that is the machine \
itself; give the address that this host has there" ;;
    esac
}

# The call, and the configuration for its account, read anew for each attempt.
# The call lies where it lies: links stand for it.
make_initrd() {
    [ $config_ready = 1 ] || ready_config
    config_ready=0
    conf_account "$account" || conf=()
    with_settings
    find_loopback
    ask_password
    drop_lines 'passwordeval|aliases|auto_from'
    rm -rf -- "$work/files"
    pack_link "$ready" bootmail.conf
    [ -z "$password" ] || pack_link "$password" password
    pack_named
    pack_siblings
    hide initrd initrd_fd
    cp -rs --remove-destination -- "$call/." "$work/files/" && arguments_now &&
        (cd "$work/files" && find -L . -type f -print0 | sort -z |
            cpio -0 -oL -H newc -R 0:0 --quiet) >"$initrd" ||
        die $EX_TEMPFAIL "cannot pack the files"
    limit=$(time_limit)
    rm -rf -- "$work/files"
    close_fd "$ready_fd"
    close_fd "$password_fd"
    ready_fd='' password_fd=''
    packed=$(stat -L -c %s -- "$initrd")
    [ -z "$save" ] || save_copy || die $EX_TEMPFAIL "cannot write $save"
}

# A file of our own in the place of one that is there; never in that of a device,
# such as /dev/stdout, or of a link to one.
save_copy() {
    if [ -L "$save" ] || { [ -e "$save" ] && [ ! -f "$save" ]; }; then
        cat -- "$initrd" >"$save"
    else
        install -m 600 -- "$initrd" "$save"
    fi
}
