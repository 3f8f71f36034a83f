#!/bin/sh
# Checks scripts/setup.sh and scripts/setup-gui.sh without a network: they see a PATH that holds fake
# commands only, which write down how they were called.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
shell=$(command -v dash || command -v sh)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

bin=$tmp/bin
count=0
setup=setup.sh
arguments=

# fake NAME BODY: a command on the fake PATH.
fake() {
    printf '#!%s\n%s\n' "$shell" "$2" >"$bin/$1"
    chmod +x "$bin/$1"
}

# machine UID [COMMAND]...: starts over with an empty machine that has these commands.
machine() {
    rm -rf "$bin" "$tmp/log" "$tmp/glib" "$tmp/gtk"
    mkdir "$bin"
    : >"$tmp/log"
    fake id "echo $1"
    shift
    ln -s "$(command -v env)" "$bin/env"
    ln -s "$(command -v cp)" "$bin/cp"
    for command in "$@"; do
        case $command in
            pkg-config) cp "$tmp/pkg-config" "$bin" ;;
            sudo) fake sudo "echo sudo \"\$@\" >>'$tmp/log'; [ \"\$1\" != -n ] || shift; exec \"\$@\"" ;;
            cargo | cc | Xvfb | xdotool | import | gsettings) fake "$command" : ;;
            *) manager "$command" ;;
        esac
    done
}

# A package manager that delivers everything when told to install.
manager() {
    fake "$1" "echo $1 \"\$@\" >>'$tmp/log'
case \" \$* \" in
    *' install '* | *' add '* | *' -S '*)
        echo 2.80.0 >'$tmp/glib'
        case \" \$* \" in *gtk*) : >'$tmp/gtk' ;; esac
        for command in cc Xvfb xdotool import gsettings; do cp '$tmp/true' '$bin/'\$command; done
        cp '$tmp/pkg-config' '$bin/pkg-config' ;;
esac"
}

# What package managers deliver. The version of GLib is in a file; without the file there is none.
mkdir "$bin"
fake true :
fake pkg-config "[ -e '$tmp/glib' ] || exit 1
read -r version <'$tmp/glib'
case \$1 in
    --modversion) echo \$version ;;
    --exists)
        case \$2 in
            'glib-2.0 >= 2.66') [ \$version != 2.58.0 ] ;;
            'gtk4 >= 4.8') [ -e '$tmp/gtk' ] ;;
            *) exit 1 ;;
        esac ;;
esac"
mv "$bin/true" "$bin/pkg-config" "$tmp"

# expect NAME STATUS [LINE]...: runs setup and compares its exit status and the log of calls.
expect() {
    name=$1 wanted_status=$2
    shift 2
    : >"$tmp/wanted"
    [ $# = 0 ] || printf '%s\n' "$@" >"$tmp/wanted"
    status=0
    PATH=$bin "$shell" "$here/$setup" $arguments </dev/null >"$tmp/out" 2>&1 || status=$?
    count=$((count + 1))
    if [ "$status" != "$wanted_status" ] || ! diff "$tmp/wanted" "$tmp/log" >"$tmp/diff"; then
        printf 'setup_test: %s: exit %s, expected %s\n' "$name" "$status" "$wanted_status"
        sed 's/^/    calls: /' "$tmp/diff"
        sed 's/^/    output: /' "$tmp/out"
        exit 1
    fi
}

# says TEXT: the last run printed this.
says() {
    grep -qF -e "$1" "$tmp/out" && return
    printf 'setup_test: %s: nowhere says "%s"\n' "$name" "$1"
    sed 's/^/    output: /' "$tmp/out"
    exit 1
}

silent() {
    [ ! -s "$tmp/out" ] && return
    printf 'setup_test: %s: not silent\n' "$name"
    sed 's/^/    output: /' "$tmp/out"
    exit 1
}

for script in "$here"/*.sh; do
    "$shell" -n "$script"
done

machine 0 cargo cc pkg-config apt-get
echo 2.66.0 >"$tmp/glib"
expect 'complete machine' 0
silent

machine 0 cc pkg-config apt-get
expect 'no cargo' 1
says 'https://rustup.rs'
[ "$(wc -l <"$tmp/out")" -eq 1 ]

apt='apt-get -q -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 install -y --no-install-recommends'
machine 0 cargo apt-get
expect 'apt-get, everything' 0 'apt-get -q update' "$apt gcc libc6-dev pkg-config libglib2.0-dev"
expect 'apt-get, second run' 0 'apt-get -q update' "$apt gcc libc6-dev pkg-config libglib2.0-dev"
silent

machine 0 cargo cc pkg-config apt-get
expect 'apt-get, GLib only' 0 'apt-get -q update' "$apt libglib2.0-dev"

machine 1000 cargo apt-get sudo
expect 'apt-get, with sudo' 0 \
    'sudo -n apt-get -q update' 'apt-get -q update' \
    "sudo -n env DEBIAN_FRONTEND=noninteractive $apt gcc libc6-dev pkg-config libglib2.0-dev" \
    "$apt gcc libc6-dev pkg-config libglib2.0-dev"

machine 1000 cargo apt-get
expect 'apt-get, neither root nor sudo' 1
says 'apt-get update && apt-get install -y gcc libc6-dev pkg-config libglib2.0-dev'

machine 0 cargo cc
fake apt-get "echo apt-get \"\$@\" >>'$tmp/log'; exit 100"
expect 'apt-get, broken' 1 'apt-get -q update' "$apt pkg-config libglib2.0-dev"
says 'missing: pkg-config'
says 'missing: GLib 2.66 or newer'

machine 0 cargo dnf
expect 'dnf' 0 'dnf install -y gcc glibc-devel pkgconf-pkg-config glib2-devel'

machine 1000 cargo dnf sudo
expect 'dnf, with sudo' 0 \
    'sudo -n dnf install -y gcc glibc-devel pkgconf-pkg-config glib2-devel' \
    'dnf install -y gcc glibc-devel pkgconf-pkg-config glib2-devel'

machine 0 cargo pacman
expect 'pacman' 0 'pacman -S --needed --noconfirm gcc pkgconf glib2'

machine 0 cargo cc
fake pacman "echo pacman \"\$@\" >>'$tmp/log'; exit 1"
expect 'pacman, stale lists' 1 \
    'pacman -S --needed --noconfirm pkgconf glib2' 'pacman -Sy --needed --noconfirm pkgconf glib2'

machine 0 cargo apk
expect 'apk' 0 'apk add --no-cache gcc musl-dev pkgconf glib-dev'

machine 501 cargo cc brew sudo
expect 'brew never uses sudo' 0 'brew install pkgconf glib'

machine 501 cargo brew
expect 'brew without a compiler' 1
says 'xcode-select --install'

machine 0 cargo
expect 'no package manager' 1
says 'missing: a C compiler named cc'
says 'missing: pkg-config'
says 'missing: GLib 2.66 or newer'

machine 0 cargo cc pkg-config
echo 2.58.0 >"$tmp/glib"
expect 'GLib too old' 1
says 'found 2.58.0, too old'

setup=setup-gui.sh
machine 0 cargo cc pkg-config apt-get
echo 2.66.0 >"$tmp/glib"
expect 'GTK to be built' 0 'apt-get -q update' "$apt libgtk-4-dev"
expect 'GTK is there' 0 'apt-get -q update' "$apt libgtk-4-dev"
silent

arguments=test
machine 0 cargo cc pkg-config apt-get Xvfb
echo 2.66.0 >"$tmp/glib"
expect 'GTK to be tested' 0 'apt-get -q update' \
    "$apt libgtk-4-dev xdotool imagemagick gsettings-desktop-schemas"
expect 'GTK can be tested' 0 'apt-get -q update' \
    "$apt libgtk-4-dev xdotool imagemagick gsettings-desktop-schemas"
silent

machine 1000 cargo cc pkg-config dnf
echo 2.66.0 >"$tmp/glib"
expect 'GTK to be tested, neither root nor sudo' 3
says 'dnf install -y gtk4-devel xorg-x11-server-Xvfb xdotool ImageMagick gsettings-desktop-schemas'
says 'missing: GTK 4.8 or newer with development files, Xvfb, xdotool'

machine 0 cargo cc pkg-config
echo 2.66.0 >"$tmp/glib"
expect 'GTK to be tested, no package manager' 3
says 'missing: GTK 4.8'

machine 0 cc
expect 'GTK to be tested, no cargo' 1

# What is there decides, not how the installation went.
machine 0 cargo cc pkg-config
fake apt-get "echo apt-get \"\$@\" >>'$tmp/log'; exit 100"
echo 2.66.0 >"$tmp/glib"
expect 'GTK to be tested, no network' 3 'apt-get -q update' \
    "$apt libgtk-4-dev xvfb xdotool imagemagick gsettings-desktop-schemas"

printf 'setup_test: %s cases passed\n' "$count"
