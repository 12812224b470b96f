# shellcheck shell=bash
#
# configure.bash: --configure ADDRESS, and what --check says about the settings.
# Finds the submission server of an address and prints a configuration: SRV records (RFC 6186, 8314), then what
# the domain's MX says about its provider, then well-known names.
#
# DNS answers are not proven: whoever forges them could name a server of his
# own, with a certificate of its own. So nothing is sent here, the file says
# where its lines come from, and a server outside the address's domain is for
# the user to approve (RFC 6186 section 6).

# Providers that publish no SRV records, by the domain of their mail exchangers
# (or of the address): host, port.
provider_of() { # domain name
    case .$1 in
    *.google.com | *.googlemail.com | .gmail.com)
        printf 'smtp.gmail.com 465' ;;
    *.mail.protection.outlook.com | *.mx.microsoft)
        printf 'smtp.office365.com 587' ;;
    *.olc.protection.outlook.com) printf 'smtp-mail.outlook.com 587' ;;
    *.messagingengine.com) printf 'smtp.fastmail.com 465' ;;
    *.protonmail.ch) printf 'smtp.protonmail.ch 587' ;;
    *.gmx.net) printf 'mail.gmx.net 465' ;;
    *.web.de) printf 'smtp.web.de 465' ;;
    *.zoho.com) printf 'smtp.zoho.com 465' ;;
    *.zoho.eu) printf 'smtp.zoho.eu 465' ;;
    *.yahoodns.net) printf 'smtp.mail.yahoo.com 465' ;;
    *.mail.icloud.com) printf 'smtp.mail.me.com 587' ;;
    *) return 1 ;;
    esac
}

# One record a line, as in a zone file; nothing where there is none. Fails with
# 9 if no name server answers.
lookup() { # type, name
    local out
    if command -v dig >/dev/null; then
        out=$(dig +short +time=3 +tries=2 "$1" "$2" 2>/dev/null) || return 9
        sed '/^;/d' <<<"$out"
        return
    fi
    command -v host >/dev/null || return 0
    host -W 5 -t "$1" "$2" 2>/dev/null |
        sed -nE 's/.* (has SRV record|mail is handled by) //p; /timed out/q9'
}

name_ok() { # domain name from outside
    [[ $1 =~ ^[A-Za-z0-9_]([A-Za-z0-9._-]{0,252})$ ]]
}

# The best record: least priority, then greatest weight. Sets $host, $port.
best_srv() { # records
    local priority weight p h
    host=''
    while read -r priority weight p h; do
        h=${h%.}
        [[ $priority$weight$p =~ ^[0-9]{3,15}$ ]] || continue
        name_ok "$h" && ((10#$p >= 1 && 10#$p <= 65535)) || continue
        host=$h port=$((10#$p))
        break
    done < <(sort -k1,1n -k2,2nr <<<"$1")
    [ -n "$host" ]
}

# Sets $host, $port, $implicit and $found, or returns 1.
by_srv() { # domain
    local records service refused=0
    for service in _submissions _submission; do
        records=$(lookup SRV "$service._tcp.$1") || [ $? != 9 ] ||
            die $EX_TEMPFAIL "the name server does not answer"
        [[ $records =~ ^[0-9]+\ [0-9]+\ [0-9]+\ \.$ ]] && refused=1
        best_srv "$records" || continue
        implicit=off
        [ $service = _submission ] || implicit=on
        found="DNS SRV $service._tcp.$1"
        return 0
    done
    [ $refused = 0 ] ||
        die $EX_CONFIG "$1 says in DNS (SRV) that it has no submission server"
    return 1
}

by_provider() { # domain
    local preference mx at
    while read -r preference mx; do
        name_ok "$mx" && at=$(provider_of "${mx%.}") || continue
        read -r host port <<<"$at"
        found="the address"
        [ "$mx" = "$1" ] || found="the mail exchanger of $1, ${mx%.}"
        return 0
    done < <(printf '0 %s\n' "$1"; lookup MX "$1" | sort -n)
    return 1
}

# A name that is customary, if something answers there.
by_custom() { # domain
    local name p
    for name in "smtp.$1" "mail.$1" "$1"; do
        getent ahosts "$name" >/dev/null || continue
        for p in 465 587; do
            # shellcheck disable=SC2016
            timeout 5 bash -c ': <"/dev/tcp/$1/$2"' - "$name" $p 2>/dev/null ||
                continue
            host=$name port=$p found="the customary name $name, which answers on port $p"
            return 0
        done
    done
    return 1
}

configure() { # address
    local address=$1 domain=${1##*@} host port='' implicit='' found
    domain=${domain,,}
    [[ $address = ?*@* && $address != *[[:space:]\"]* ]] &&
        [[ $domain = *.* ]] && name_ok "$domain" ||
        die $EX_USAGE "--configure wants an address such as robot@example.org"
    command -v dig host >/dev/null ||
        printf 'bootmail: neither dig nor host is here: DNS is not asked (apt-get install bind9-dnsutils)\n' >&2
    by_srv "$domain" || by_provider "$domain" || by_custom "$domain" ||
        die $EX_CONFIG "found no submission server for $domain: ask its provider for host and port"
    [ -n "$implicit" ] || case $port in
    465) implicit=on ;;
    *) implicit=off ;;
    esac
    printf '# by bootmail --configure, from %s\n' "$found"
    printf 'host %s\nport %s\ntls on\n' "$host" "$port"
    printf 'tls_starttls %s\n' "$([ $implicit = on ] && echo off || echo on)"
    printf 'auth on\nuser %s\nfrom %s\n' "$address" "$address"
    case .$host in
    *."$domain") ;;
    *) printf 'bootmail: %s is not of %s: make sure that it is its provider\n' \
        "$host" "$domain" >&2 ;;
    esac
    if [ -t 1 ]; then
        printf 'bootmail: save this as ~/.config/bootmail/bootmail.conf, the password as a file\nnamed password beside it (chmod 600), then try: bootmail --check\n' >&2
    fi
}

# --check: what the account in use comes down to, before the machine says what
# became of it. The password is not looked at.
explain_settings() {
    local port how=STARTTLS login='no login' from=${conf[from]-}
    port=587
    conf_on tls yes || port=25 how='NO encryption'
    if conf_on tls yes && ! conf_on tls_starttls yes; then
        port=465 how='TLS from the first byte'
    fi
    [ "${conf[protocol]-}" != lmtp ] || port=24
    conf_on tls_certcheck yes || how+=', certificate NOT checked'
    case ${conf[auth]-off} in
    off) ;;
    on | '') login="login as ${conf[user]-?}, by the best mechanism" ;;
    *) login="login as ${conf[user]-?} by ${conf[auth]}" ;;
    esac
    printf 'bootmail: %s, account %s\n' "${config:-settings without a file}" \
        "${account:-default}" >&2
    printf 'bootmail: %s port %s, %s; %s; from %s\n' "${conf[host]-no host}" \
        "${conf[port]:-$port}" "$how" "$login" \
        "${from:-the message says}" >&2
}
