# shellcheck shell=bash
#
# probe.bash: what this system's QEMU can do, found out once and remembered.
#
# A device node is no proof that the hypervisor behind it can run us: nested
# ones abort, hang, or lack what QEMU wants of them. So the image itself is
# booted on it, without a message and without a network: its report, that
# nothing could be sent, is the proof. What was found stays in the user's cache
# until QEMU, the image or the machine changes, or the system is booted anew.

TESTED_QEMU='5.2 to 11.1' # make test-qemu

# An answer found earlier, if the question is still the same.
recall() { # name, question
    local question answer
    [ -n "$cache" ] && [ -O "$cache/$1" ] && [ -f "$cache/$1" ] || return 1
    {
        IFS= read -r question && IFS= read -r answer
    } <"$cache/$1" && [ "$question" = "$2" ] && printf '%s' "$answer"
}

# Where there is no place for it, it is asked again the next time.
remember() { # name, question, answer
    local new=$cache/$1.$$
    [ -n "$cache" ] || return 0
    {
        mkdir -p -- "$cache" && printf '%s\n' "$2" "$3" >"$new" &&
            mv -f -- "$new" "$cache/$1"
    } 2>/dev/null || rm -f -- "$new"
}

state_of() { # files: what changes when they do
    stat -L -c '%n %s %Y %G %a' -- "$@" 2>/dev/null | tr '\n' ' '
}

# Sets $microvm to no where QEMU has no such machine.
ask_qemu() {
    local question answer version
    question=$(state_of "$(type -P "$qemu")")
    if ! answer=$(recall "$board.qemu" "$question"); then
        # what says nothing of the kind will say why when it is to run
        version=$(timeout 10 "$qemu" --version 2>/dev/null |
            sed -nE '1s/.*version ([0-9]{1,3}\.[0-9]{1,3}).*/\1/p')
        [ -n "$version" ] || return 0
        [ "${version%%.*}" -gt 5 ] || [ "$version" = 5.2 ] ||
            printf 'bootmail: QEMU %s is older than those that were tested (%s)\n' \
                "$version" "$TESTED_QEMU" >&2
        answer=no
        timeout 10 "$qemu" -M help 2>/dev/null | grep -q '^microvm ' &&
            answer=yes
        remember "$board.qemu" "$question" "$answer"
    fi
    microvm=$answer
}

# The hypervisor that could run this board here, if any.
hypervisor() {
    local host
    host=$(uname -m)
    [ "${host/arm64/aarch64}" = "$board" ] || return 1
    case $(uname -s) in
    Linux) [ -e /dev/kvm ] && printf kvm ;;
    Darwin) printf hvf ;;
    *) return 1 ;;
    esac
}

# Sets $accel where the user left it to us.
choose_accel() {
    local question answer candidate why=''
    [ "$accel" = auto ] || return 0
    accel=tcg
    candidate=$(hypervisor) || return 0
    if [ "$candidate" = kvm ] && { [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ]; }
    then
        [ $verbose = 0 ] ||
            echo 'bootmail: /dev/kvm is not open to this user: emulating' >&2
        return
    fi
    question="$(cat /proc/sys/kernel/random/boot_id 2>/dev/null || uname -r)"
    question+=" $machine $(state_of "$(type -P "$qemu")" "$image" /dev/kvm)"
    answer=$(recall "$board.accel" "$question") || answer=''
    case $answer in
    kvm | hvf | tcg) accel=$answer ;;
    *)
        if try_accel "$candidate"; then
            accel=$candidate
        else
            printf 'bootmail: %s does not run the machine (%s): emulating\n' \
                "$candidate" "$why" >&2
        fi
        remember "$board.accel" "$question" "$accel" ;;
    esac
}

# Boots the image on it. Without its firm limit a hypervisor that hangs would
# hold up the mail. Leaves the reason of a failure in $why.
try_accel() { # hypervisor
    local cmd=() accel=$1 net=none memory=64M pcap='' account=''
    local initrd=$work/empty append=()
    local report='^\{"bootmail":1,"outcome":"(invalid|temporary)",'
    (: | cpio -o -H newc --quiet) >"$initrd"
    qemu_line
    # in braces, for the shell's own word about a child that aborts
    { timeout --kill-after=1 10 "${cmd[@]}" >"$work/probe" </dev/null; } \
        2>"$work/errors"
    ! grep -qaE "$report" "$work/probe" || return 0
    why=$(head -n 1 -- "$work/errors" | tr -d '[:cntrl:]')
    why=${why#*: }
    : "${why:=no report within 10 seconds}"
    return 1
}
