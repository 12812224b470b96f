# shellcheck shell=bash
#
# recipients.bash: what the launcher must know of the message's header before
# the image reads it: who sends (which account is that?), and who of the
# recipients is local (what do the aliases make of him?).

# For awk: the name of the field that begins in a line, in lower case, or "".
# What is a field to the image (smtp/header.c) has no blank before the colon, or
# others would get the message; with odd = 1 one may be there (RFC 5322, 4.5).
# shellcheck disable=SC2016
FIELD_NAME='
    function field_name(line, odd) {
        if (!match(line, odd ? "^[!-9;-~]+[ \t]*:" : "^[!-9;-~]+:"))
            return ""
        line = tolower(substr(line, 1, RLENGTH - 1))
        sub(/[ \t]+$/, "", line)
        return line
    }
'

# The fields of the message with addresses of one kind, each on one line.
# from: From, or a Resent-From above it. recipients: To, Cc and Bcc, or those
# of the first block of Resent- fields.
header_lines() { # from | recipients
    awk -v want="$1" "$FIELD_NAME"'
        function field_end() {
            if (name ~ /^resent-/) {
                if (block == 0)
                    block = 1
            } else if (block == 1)
                block = 2
            if (want == "from") {
                if (plain == "" && (name == "from" || name == "resent-from"))
                    plain = text "\n"
            } else if (name ~ /^resent-(to|cc|bcc)$/) {
                if (block == 1)
                    resent = resent text "\n"
            } else if (name ~ /^(to|cc|bcc)$/)
                plain = plain text "\n"
            name = ""
        }
        { sub(/\r$/, "") }
        /^$/ { exit }
        NR == 1 && /^From / { next }
        /^[ \t]/ && name != "" { text = text $0; next }
        name != "" { field_end() }
        {
            name = field_name($0, want == "from")
            if (name == "")
                exit
            text = $0
            sub(/^[^:]*:/, "", text)
        }
        END {
            if (name != "")
                field_end()
            printf "%s", (want != "from" && block != 0 ? resent : plain)
        }' "$call/message"
}

# Lists of addresses (RFC 5322, 3.4) as one address on each line: what stands
# in <>, else all but comments, blanks and the name of a group.
addresses() {
    awk '
        function address(  a) {
            a = angle == 2 ? inner : text
            sub(/^@[^:]*:/, "", a)
            if (a != "")
                print a
            angle = 0; text = inner = ""
        }
        function add(c) {
            if (angle == 1)
                inner = inner c
            else
                text = text c
        }
        {
            depth = quoted = literal = angle = 0; text = inner = ""
            n = length($0)
            for (i = 1; i <= n; i++) {
                c = substr($0, i, 1)
                if (c == "\\" && (depth || quoted)) {
                    if (!depth)
                        add(c substr($0, i + 1, 1))
                    i++
                } else if (depth)
                    depth += (c == "(") - (c == ")")
                else if (quoted || c == "\"") {
                    if (c == "\"")
                        quoted = !quoted
                    add(c)
                } else if (c == "(")
                    depth = 1
                else if (c == "[" || c == "]") {
                    literal = c == "["
                    add(c)
                } else if (c == "<") {
                    angle = 1; inner = ""
                } else if (c == ">")
                    angle = 2
                else if (c == "," && angle != 1 || c == ";")
                    address()
                else if (c == ":" && angle != 1 && !literal)
                    text = ""
                else if (c != " " && c != "\t")
                    add(c)
            }
            address()
        }'
}

# --read-envelope-from
sender_of_message() {
    local found
    [ $read_from = 1 ] || return 0
    IFS= read -r found < <(header_lines from | addresses) ||
        die $EX_USAGE "--read-envelope-from: the message has no From field"
    one_line "From field" "$found"
    from=$found set_from=1
}

# ---------------------------------------------------------------- aliases

# msmtp's file: "name: address, name, ..." in each line, # starts a comment.
# Who is not in it is what "default" says, if that is there.
declare -A alias_of=()
expanded=()

read_aliases() { # file
    local line name n=0 none_or_other=',[[:blank:]]*([|/"\\]|,|$)'
    alias_of=()
    [ -f "$1" ] && [ -r "$1" ] || die $EX_CONFIG "aliases: $1 cannot be read"
    while IFS= read -r line || [ -n "$line" ]; do
        n=$((n + 1))
        line=${line%%#*}
        trim "${line%$'\r'}"
        [ -n "$REPLY" ] || continue
        [[ $REPLY = *:* && $REPLY != *:*:* ]] ||
            die $EX_CONFIG "$1: line $n: wants \"name: address, ...\""
        line=${REPLY#*:}
        trim "${REPLY%%:*}"
        name=$REPLY
        case $name in
        '' | *@*) die $EX_CONFIG "$1: line $n: not a local name" ;;
        esac
        [ -z "${alias_of[$name]+set}" ] ||
            die $EX_CONFIG "$1: line $n: \"$name\" is there already"
        alias_of[$name]=$line
        [[ ! ,$line =~ $none_or_other ]] ||
            die $EX_CONFIG "$1: line $n: only addresses and names can be given"
    done <"$1"
}

# A name by the aliases, their names by the aliases too, ten deep as in msmtp.
expand_alias() { # name, depth, file
    local list rest
    list=${alias_of[$1]-${alias_of[default]-}}
    [ -n "$list" ] || { expanded+=("$1"); return; }
    [ "$2" -le 10 ] ||
        die $EX_CONFIG "aliases: $3: \"$1\" leads round in a circle"
    rest=$list,
    while [ -n "$rest" ]; do
        trim "${rest%%,*}"
        rest=${rest#*,}
        case $REPLY in
        *@*) expanded+=("$REPLY") ;;
        *) expand_alias "$REPLY" $(($2 + 1)) "$3" ;;
        esac
    done
}

# Local recipients become what the aliases say, those of the message too; then
# the list is whole, and the image reads none from the message.
apply_aliases() {
    local file=${conf[aliases]-} one all=() more=()
    [ -n "$file" ] || return 0
    [ ${#rcpt[@]} = 0 ] ||
        mapfile -t all < <(printf '%s\n' "${rcpt[@]}" | addresses)
    if [ $read_rcpt = 1 ] || conf_on read_recipients off; then
        mapfile -t more < <(header_lines recipients | addresses)
    fi
    all+=(${more[@]+"${more[@]}"})
    for one in ${all[@]+"${all[@]}"}; do
        [[ $one = *@* ]] || break
    done
    [[ ${one-@} != *@* ]] || return 0
    case $file in \~/*) file=${HOME-}/${file#\~/} ;; esac
    read_aliases "$file"
    for one in "${all[@]}"; do
        case $one in
        *@*) expanded+=("$one") ;;
        *) expand_alias "$one" 0 "$file" ;;
        esac
    done
    rcpt=("${expanded[@]}") read_rcpt=off
    for one in "${rcpt[@]}"; do
        one_line aliases "$one"
    done
}

# sendmail's status for a call that names nobody. Whom the message or the
# configuration names, the image finds out.
check_recipients() {
    local key
    [ $mode$read_rcpt${#rcpt[@]} = send00 ] || return 0
    for key in to cc bcc set_to_header read_recipients check; do
        [ -z "${conf[$key]+set}" ] || return 0
    done
    # an account that cannot be found is the image's to explain
    [ ${#conf[@]} = 0 ] || die $EX_USAGE "no recipients: name some, or use -t"
}
