# shellcheck shell=bash
#
# settings.bash: a configuration without a file: by a URL, by --host and its
# kin, by the environment. All of them end as lines of the same language, in
# $made, and the password apart from them, in $secret.
#
# Who says it wins over what lies about: the command line, then the environment,
# then a file. BOOTMAIL_URL or SMTP_HOST make the environment the configuration,
# whole: no file is read then, so that a password meant for one server is never
# sent to another.

# A file with one value: without the newline at its end.
read_value() { # what names it, file
    local size
    [ -f "$2" ] && [ -r "$2" ] || die $EX_CONFIG "$1: $2 cannot be read"
    not_the_message "$2"
    size=$(stat -L -c %s -- "$2")
    { REPLY=$(cat -- "$2" && printf x); } 2>/dev/null ||
        die $EX_CONFIG "$1: $2 cannot be read"
    REPLY=${REPLY%x}
    [ ${#REPLY} = "$size" ] || die $EX_CONFIG "$1: $2 holds a NUL"
    REPLY=${REPLY%$'\n'}
    case $REPLY in
    *[[:cntrl:]]*) die $EX_CONFIG "$1: $2 must be one line of text" ;;
    esac
}

# What the environment says: the file that NAME_FILE names, else NAME. Fails if
# neither is there, or the value is empty.
value_of() { # NAME
    local file=$1_FILE
    file=${!file:-} REPLY=${given[$1]-}
    if [ -n "$file" ]; then
        read_value "$1_FILE" "$file"
        [[ $1 != *_PASSWORD ]] || private "$file"
    fi
    [ -n "$REPLY" ]
}

# Control characters were refused where each value came from.
make_line() { # key, value
    made+="$1 \"$2\""$'\n'
}

# ------------------------------------------------------------------ the URL

# Nothing of it is repeated: a misplaced sign may have made any part of it the
# password.
url_fault() { # words
    die $EX_USAGE "the URL: $1"
}

percent_decode() { # text: in $REPLY
    local text=$1 out='' hex
    while [[ $text = *%* ]]; do
        out+=${text%%%*} text=${text#*%}
        hex=${text:0:2} text=${text:2}
        [[ $hex =~ ^[0-9A-Fa-f]{2}$ ]] ||
            url_fault "a % that two hex digits do not follow is written %25"
        [[ ! $hex =~ ^([01].|7[Ff])$ ]] ||
            url_fault "control characters are not allowed"
        printf -v hex %b "\\x$hex"
        out+=$hex
    done
    REPLY=$out$text
}

url_scheme() { # smtp://...: tls, protocol, port
    case ${1%%://*} in
    smtp) ;;
    smtps) make_line tls_starttls off ;;
    smtp+plain) make_line tls off ;;
    lmtp) make_line protocol lmtp ;;
    lmtp+plain) make_line protocol lmtp; make_line tls off ;;
    *) url_fault "wants smtps://, smtp:// (STARTTLS), lmtp://, or in the clear \
smtp+plain://, lmtp+plain://" ;;
    esac
}

url_server() { # [user[:password]@]host[:port]
    local server=${1##*@} user='' port=''
    if [[ $1 = *@* ]]; then
        user=${1%@*}
        if [[ $user = *:* ]]; then
            percent_decode "${user#*:}"
            secret=$REPLY secret_given=1
        fi
        percent_decode "${user%%:*}"
        [ -n "$REPLY" ] || url_fault "there is no user before the @"
        user=$REPLY
        make_line user "$user"
    fi
    if [[ $server =~ ^(\[[^]]*\]|[^:]*):(.*)$ ]]; then
        port=${BASH_REMATCH[2]} server=${BASH_REMATCH[1]}
        [[ $port =~ ^[0-9]{1,5}$ ]] ||
            url_fault "the port is no number; / ? # in a password are written \
%2F %3F %23"
    elif [[ $made = *'protocol "lmtp"'* ]]; then
        port=24 # RFC 2033 leaves it open; IANA does not
    fi
    [[ $server =~ ^[A-Za-z0-9.:_-]+$|^\[[0-9A-Fa-f:.]+\]$ ]] ||
        url_fault "there is no host name; / ? # in a password are written \
%2F %3F %23"
    make_line host "$server"
    [ -z "$port" ] || make_line port "$((10#$port))"
    url_user=$user
}

url_query() { # key=value&...
    local pair key seen=' ' rest=$1
    while [ -n "$rest" ]; do
        pair=${rest%%&*}
        rest=${rest:${#pair}} rest=${rest#&}
        key=${pair%%=*}
        case $key in
        from | from_full_name | domain | maildomain | auth | timeout | \
            tls_trust_file | tls_crl_file | tls_fingerprint | \
            tls_cert_file | tls_key_file | \
            tls_host_override | tls_min_version) ;;
        *) url_fault "unknown key behind the ? (see man bootmail)" ;;
        esac
        [[ $pair = *=* ]] || url_fault "$key wants a value: $key=..."
        [[ $seen != *" $key "* ]] || url_fault "$key is there twice"
        seen+="$key "
        percent_decode "${pair#*=}"
        make_line "$key" "$REPLY"
    done
    [ -z "$url_user" ] || [[ $seen = *' auth '* ]] || make_line auth on
    # who logs in as an address sends as that address
    [[ $url_user != *@* || $seen = *' from '* ]] || make_line from "$url_user"
}

# RFC 3986: the server ends at the first / ? or #.
parse_url() { # URL
    local rest=${1#*://} server url_user=''
    made='' secret='' secret_given=0
    [[ $rest != *'#'* ]] || url_fault "a # is written %23"
    server=${rest%%[/?]*}
    rest=${rest:${#server}}
    rest=${rest#/}
    case $rest in
    '' | '?'*) ;;
    *) url_fault "only ?key=value can follow the host; / ? # in a password \
are written %2F %3F %23" ;;
    esac
    url_scheme "$1"
    url_server "$server"
    url_query "${rest#'?'}"
}

# ---------------------------------------------------------- the environment

environment_settings() {
    local tls=''
    made=''
    make_line host "$REPLY"
    ! value_of SMTP_PORT || make_line port "$REPLY"
    if value_of SMTP_TLS; then tls=$REPLY; fi
    ! value_of SMTP_PORT || [ "$REPLY" != 465 ] || : "${tls:=implicit}"
    case $tls in
    '' | starttls | on) ;;
    implicit) make_line tls_starttls off ;;
    off) make_line tls off ;;
    *) die $EX_CONFIG "SMTP_TLS wants starttls, implicit or off" ;;
    esac
    ! value_of SMTP_FROM || make_line from "$REPLY"
    if value_of SMTP_USER; then
        make_line user "$REPLY"
        make_line auth on
    fi
    if value_of SMTP_PASSWORD; then
        secret=$REPLY secret_given=1
    fi
}

# Leaves $made and $secret; or neither, and a file is what counts.
find_settings() {
    if [ -n "$url" ]; then
        config='the URL'
        parse_url "$url"
        [ $secret_given = 0 ] || die $EX_USAGE "the URL: everybody can read a \
password on the command line (ps): put the URL into a file that only you can \
read and name that by --url-file, or the password by BOOTMAIL_PASSWORD_FILE"
    elif [ -n "$url_file" ]; then
        config=$url_file
        read_value --url-file "$url_file"
        parse_url "$REPLY"
        [ $secret_given = 0 ] || private "$url_file"
    elif [ $host_given = 1 ]; then
        config='the command line' made='# by --host'$'\n'
    elif [ -z "$config$account" ]; then
        if value_of BOOTMAIL_URL; then
            config=BOOTMAIL_URL
            parse_url "$REPLY"
            [ $secret_given = 0 ] || [ -z "${BOOTMAIL_URL_FILE:-}" ] ||
                private "$BOOTMAIL_URL_FILE"
        elif value_of SMTP_HOST; then
            config='the environment'
            environment_settings
        fi
        [ -z "$made" ] || [ -z "${BOOTMAIL_CONFIG:-}" ] ||
            die $EX_CONFIG "$config and BOOTMAIL_CONFIG: one or the other"
    fi
    if value_of BOOTMAIL_PASSWORD; then
        secret=$REPLY secret_given=1
    fi
}
