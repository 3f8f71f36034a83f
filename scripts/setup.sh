#!/bin/sh
# Makes sure that what the build needs outside of Rust is there: cc, pkg-config and the
# development files of GLib. Silent when nothing is missing. Installs with the system's package
# manager; where that is not possible, says exactly what to install and exits 1.
set -eu

GLIB_MIN=2.66

. "${0%/*}/packages.sh"

has_cc() { command -v cc >/dev/null 2>&1; }
has_pkg_config() { command -v pkg-config >/dev/null 2>&1; }
has_glib() { has_pkg_config && pkg-config --exists "glib-2.0 >= $GLIB_MIN" 2>/dev/null; }

if ! command -v cargo >/dev/null 2>&1; then
    say 'cargo is not on the PATH: install Rust with rustup (https://rustup.rs) and try again'
    exit 1
fi

if has_cc && has_glib; then
    exit 0
fi

# Packages of each part. A compiler without the C library's headers cannot link, and not every
# package manager pulls them in.
case $manager in
    apt-get) cc_packages='gcc libc6-dev' pkg_config_packages=pkg-config glib_packages=libglib2.0-dev ;;
    dnf) cc_packages='gcc glibc-devel' pkg_config_packages=pkgconf-pkg-config glib_packages=glib2-devel ;;
    pacman) cc_packages=gcc pkg_config_packages=pkgconf glib_packages=glib2 ;;
    apk) cc_packages='gcc musl-dev' pkg_config_packages=pkgconf glib_packages=glib-dev ;;
    # The compiler of a Mac comes from Apple, not from Homebrew.
    *) cc_packages='' pkg_config_packages=pkgconf glib_packages=glib ;;
esac

# Without pkg-config nobody can tell whether GLib is there, so it is asked for as well.
packages=
has_cc || packages="$packages $cc_packages"
has_pkg_config || packages="$packages $pkg_config_packages"
has_glib || packages="$packages $glib_packages"
packages=${packages# }

missing() {
    has_cc || say 'missing: a C compiler named cc'
    has_pkg_config || say 'missing: pkg-config'
    has_glib && return
    if has_pkg_config && found=$(pkg-config --modversion glib-2.0 2>/dev/null); then
        say "missing: GLib $GLIB_MIN or newer with development files (found $found, too old)"
    else
        say "missing: GLib $GLIB_MIN or newer with development files"
    fi
}

if [ -z "$manager" ]; then
    missing
    say 'no apt-get, dnf, pacman, apk or brew here; install the above by hand and try again'
    say '(GLib: libglib2.0-dev on Debian, glib2-devel on Fedora, glib2 on Arch, glib-dev on Alpine)'
    exit 1
fi

if [ "$manager" = brew ] && ! has_cc; then
    missing
    say 'install a C compiler (on macOS: xcode-select --install) and try again'
    exit 1
fi

if ! find_root; then
    missing
    by_hand "$packages"
    exit 1
fi
install "$packages"

if ! { has_cc && has_glib; }; then
    missing
    say 'install the above by hand and try again'
    exit 1
fi
