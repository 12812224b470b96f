# shellcheck shell=bash
#
# config.bash: which configuration and which image; what a line of msmtp's
# language says.

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

find_config() {
    local f dir=${XDG_CONFIG_HOME:-${HOME:+$HOME/.config}}
    : "${config:=${BOOTMAIL_CONFIG:-}}"
    for f in "${dir:+$dir/bootmail/bootmail.conf}" \
        "${HOME:+$HOME/.bootmailrc}" /etc/bootmail.conf; do
        [ -n "$config" ] || [ ! -e "$f" ] || config=$f
    done
    [ -n "$config" ] ||
        die $EX_CONFIG "no configuration: give one with -C (see --help)"
    if [ -d "$config" ] || [ ! -r "$config" ]; then
        die $EX_CONFIG "$config: cannot be read"
    fi
}

# msmtp's rule: whoever else can read a password has it already.
private() { # host file
    local mode others=8#077
    mode=$(stat -L -c %a -- "$1") || die $EX_CONFIG "$1: cannot be read"
    [ -O "$1" ] || others=8#007 # the administrator's: his group may
    [ $((8#$mode & others)) = 0 ] ||
        die $EX_CONFIG "$1 holds a password that others can read: chmod 600 $1"
}

conf_values() { # keys, as a regular expression: "key value" of every line
    # (a taken t forgets what was replaced before)
    sed -nE "s/[[:space:]]+$//; t trimmed
        : trimmed
        s/^[[:space:]]*($1)[[:space:]]+\"(.*)\"$/\1 \2/p; t
        s/^[[:space:]]*($1)[[:space:]]+/\1 /p" "$work/files/bootmail.conf"
}

# Files the configuration names, under the name the image looks for: the path
# as written, without a leading / or ~/ or ./ (design 2.3, tls_trust_file).
# One that is missing matters only if its account is used: the image says so.

# msmtp's patterns in from and domain, which only this system can replace: %U
# user, %H host name, %C its canonical form, %M what /etc/mailname says.
replace_patterns() {
    local re='^[[:space:]]*(from|domain)[[:space:]].*%[UHCM]'
    local user host canonical mail
    grep -qE "$re" "$work/files/bootmail.conf" || return 0
    user=$(id -un) host=$(hostname)
    canonical=$(hostname -f 2>/dev/null) || canonical=$host
    mail=$(head -n 1 /etc/mailname 2>/dev/null)
    : "${mail:=$canonical}"
    case $user$host$canonical$mail in
    *[!A-Za-z0-9._-]*)
        die $EX_CONFIG "$config: a % pattern stands for something odd here" ;;
    esac
    sed -E -i "/$re/{s/%U/$user/g; s/%H/$host/g; s/%C/$canonical/g
        s/%M/$mail/g}" "$work/files/bootmail.conf"
}
