# shellcheck shell=bash
#
# report.bash: what the report line, $last, says. Text that comes out of it
# holds no control characters, whatever a server sent.

# The text of a JSON string, in UTF-8, into $plain.
unescape() {
    local s=$1 n low bytes
    plain=''
    while [[ $s = *\\* ]]; do
        plain+=${s%%\\*} s=${s#*\\}
        if [[ $s != u* ]]; then
            plain+=${s:0:1} s=${s:1}
            continue
        fi
        n=$((16#${s:1:4})) s=${s:5}
        if ((n >= 0xd800 && n < 0xdc00)) && [[ $s = \\u* ]]; then
            low=$((16#${s:2:4})) s=${s:6}
            n=$((0x10000 + (n - 0xd800) * 1024 + low - 0xdc00))
        fi
        utf8 $n
        plain+=$bytes
    done
    plain+=$s
}

utf8() { # code point, into $bytes
    local n=$1 form
    if ((n < 0x20 || n >= 0x7f && n < 0xa0)); then
        bytes=' '
        return
    elif ((n < 0x80)); then
        printf -v form '\\x%x' "$n"
    elif ((n < 0x800)); then
        printf -v form '\\x%x\\x%x' $((0xc0 | n >> 6)) $((0x80 | n & 63))
    elif ((n < 0x10000)); then
        printf -v form '\\x%x\\x%x\\x%x' $((0xe0 | n >> 12)) \
            $((0x80 | n >> 6 & 63)) $((0x80 | n & 63))
    else
        printf -v form '\\x%x\\x%x\\x%x\\x%x' $((0xf0 | n >> 18)) \
            $((0x80 | n >> 12 & 63)) $((0x80 | n >> 6 & 63)) $((0x80 | n & 63))
    fi
    printf -v bytes '%b' "$form"
}

# A text of the report by its key, into $plain; fails for null.
report_text() { # key
    local re='"'$1'":"(([^"\\]|\\.)*)"'
    plain=''
    [[ $last =~ $re ]] && unescape "${BASH_REMATCH[1]}"
}

# The recipients, one after the other: of the list $rest, which starts as
# ${last#*'"recipients":['}. Fails behind the last one. What is not known is -.
report_rcpt() {
    local re='^,?\{"address":"(([^"\\]|\\.)*)","outcome":"([a-z]+)","code":([0-9]+|null),"enhanced":("([0-9.]+)"|null),"text":"(([^"\\]|\\.)*)"\}'
    local m plain
    [[ $rest =~ $re ]] || return 1
    m=("${BASH_REMATCH[@]}")
    rest=${rest:${#m[0]}}
    result=${m[3]} code=${m[4]/null/-} enhanced=${m[6]:--}
    unescape "${m[1]}"
    address=$plain
    unescape "${m[7]}"
    text=${plain:--}
}

# The fate of a recipient. A refusal that is not about him or the message, but
# about the account, the configuration or TLS, may be mended: he is hindered.
report_fate() { # outcome, code, status of the whole
    case $1 in
    sent | unsure | temporary | checked) printf '%s' "$1" ;;
    bug) printf temporary ;;
    *)
        if [ "$3" = 65 ] || [ "$3" = 69 ] ||
            { [ "$1" = refused ] && [ "$2" != - ] && [ "$3" != 77 ]; }; then
            printf refused
        else
            printf hindered
        fi ;;
    esac
}

# ------------------------------------------------------------ for --json

# The line of the last attempt; if there was none, and the message is in our
# care, one of our own with the same keys. No line: nobody has got it.
print_report() { # exit status
    if [ "$reported" = 1 ]; then
        printf '%s\n' "$last"
    elif [ "$1" = 0 ] && [ $fresh = 1 ]; then
        print_own
    fi
}

print_own() {
    local address list='' outcome=held
    for address in "${!fate[@]}"; do
        [ "${fate[$address]}" = held ] || outcome=kept
        list+=${list:+,}"{\"address\":$(quoted "$address"),\"outcome\":"
        list+="\"${fate[$address]}\",\"code\":null,\"enhanced\":null,\"text\":\"\"}"
    done
    [ ${#fate[@]} != 0 ] || outcome=kept
    printf '{"bootmail":1,"outcome":"%s","exit":0,"reason":%s,' $outcome \
        "$(quoted "${reason:-$outcome in the spool}")"
    printf '"message_id":null,"host":%s,"address":null,"from":null,"tls":null,' \
        "$(quoted "${conf[host]-}")"
    printf '"recipients":[%s],"bytes":0,"attempts":%d,"ms":{"total":null}}\n' \
        "$list" "$attempts"
}

# As JSON: nothing but printable characters in UTF-8.
quoted() { # text
    local text=${1//[[:cntrl:]]/?}
    local utf8=$'^([ -~]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]'
    utf8+=$'|[\xe1-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})*$'
    [[ $text =~ $utf8 ]] || text=${text//[!\ -~]/?}
    text=${text//\\/\\\\}
    printf '"%s"' "${text//\"/\\\"}"
}
