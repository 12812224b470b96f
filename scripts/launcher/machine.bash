# shellcheck shell=bash
#
# machine.bash: the command that runs the image: a process, or QEMU with the
# machine of the board.

guest_command() {
    if [ "$board" = posix ]; then posix_command; else qemu_command; fi
}

posix_command() {
    cmd=("$image" --initrd "$initrd" --net "$net")
    [ -z "$account" ] || cmd+=(--append "account=$account")
    [ -z "$pcap" ] || cmd+=(--pcap "$pcap")
}

# RAM for the image, its arena and the initrd, unless told otherwise.
default_memory() {
    printf '%dM' $((32 + room * (packed + 1048575) / 1048576))
}

# As QEMU takes it: MiB, or with K, M, G. QEMU lays the initrd over the image
# where both do not fit, and then nobody is left to say so.
check_memory() {
    local re='^([0-9]{1,9})([kKmMgG]?)$' size least
    [ -n "$memory" ] || return 0
    [[ $memory =~ $re ]] ||
        die $EX_USAGE "--memory \"$memory\": wants a size such as 64M"
    size=$((10#${BASH_REMATCH[1]}))
    case ${BASH_REMATCH[2]} in
    [kK]) ;;
    [gG]) size=$((size * 1048576)) ;;
    *) size=$((size * 1024)) ;;
    esac
    least=$((floor + room * (packed + 1023) / 1024))
    [ "$size" -ge "$least" ] ||
        die $EX_CONFIG "--memory $memory is too small: this message needs $(((least + 1023) / 1024))M"
}

# Each board: floor, the KiB that are needed beside the initrd; room, how often
# the initrd must fit (QEMU's virt puts it into the upper half of memory).
x86_64_board() {
    qemu=qemu-system-x86_64 package=qemu-system-x86 floor=4096 room=1
    # some distributions have just this one, with pc and q35
    [ -n "$(type -P $qemu)" ] || [ ! -x /usr/libexec/qemu-kvm ] ||
        qemu=/usr/libexec/qemu-kvm
}

aarch64_board() {
    qemu=qemu-system-aarch64 package=qemu-system-arm floor=8192 room=2
}

riscv64_board() {
    qemu=qemu-system-riscv64 package=qemu-system-misc floor=8192 room=2
}

# The machine where none was asked for, and what it needs to start quickly.
x86_64_machine() {
    if [ -z "$machine" ]; then
        machine=q35
        [ "$microvm" = no ] || machine=microvm
    fi
    case $machine in
    microvm)
        machine+=,x-option-roms=off,pic=off,pit=off,rtc=on,isa-serial=on
        machine+=,acpi=off ;;
    esac
    [[ $machine = microvm* ]] || nic=virtio-net-pci
    more=(-device "isa-debug-exit,iobase=0xf4,iosize=0x04")
}

# By default the power goes off and QEMU exits with 0 whatever happened.
aarch64_machine() {
    : "${machine:=virt}"
    if [ "$semihosting" = 1 ]; then
        more=(-semihosting-config "enable=on,target=native")
        append+=(semihosting=on)
    fi
}

# Without firmware, which takes longer than all the rest. QEMU exits with the
# image's status.
riscv64_machine() {
    : "${machine:=virt}"
    cpu=rv64 more=(-bios none)
}

qemu_command() {
    local qemu package floor room microvm=yes
    local nic=virtio-net-device cpu=max more=() append=()
    "${board}_board"
    # one that the user names is taken as it is, unless he asks for more
    if [ -n "${QEMU:-}" ]; then
        qemu=$QEMU
        : "${accel:=tcg}"
    fi
    : "${accel:=auto}"
    [ -n "$(type -P "$qemu")" ] ||
        die $EX_CONFIG "$qemu is missing: apt-get install $package"
    check_memory
    [ -n "${QEMU:-}" ] || ask_qemu
    "${board}_machine"
    choose_accel
    [ -z "$account" ] || append+=("account=$account")
    qemu_line
}

# The whole line, from what was chosen.
qemu_line() {
    local machine=$machine cpu=$cpu
    if [ "$accel" != tcg ]; then
        cpu=host
        [[ $board != aarch64 || $machine = *gic-version=* ]] ||
            machine+=,gic-version=host
    fi
    cmd=("$qemu" -nodefaults -no-user-config -no-reboot -display none
        -accel "$accel" -cpu "$cpu" -m "${memory:-$(default_memory)}")
    [ $nic != virtio-net-device ] ||
        cmd+=(-global virtio-mmio.force-legacy=false)
    cmd+=(-M "$machine" -kernel "$image" -initrd "$initrd"
        -chardev "stdio,id=console,signal=off" -serial chardev:console
        ${more[@]+"${more[@]}"})
    [ ${#append[@]} = 0 ] || cmd+=(-append "${append[*]}")
    case $net in
    user) cmd+=(-netdev "user,id=net0") ;;
    tap:*) cmd+=(-netdev "tap,id=net0,ifname=${net#tap:},script=no,downscript=no") ;;
    esac
    [ "$net" = none ] || cmd+=(-device "$nic,netdev=net0")
    [ -z "$pcap" ] || [ "$net" = none ] ||
        cmd+=(-object "filter-dump,id=dump0,netdev=net0,file=${pcap//,/,,}")
}
