#!/bin/sh
# setup-gui.sh [test]: makes sure that what GTK programs need to be built is there, and, for their
# tests, a display server without a display, a hand that clicks, an eye, and the settings of a desktop.
# Silent when nothing is missing. Installs as setup.sh does, which it runs first. Exits 3 where that
# cannot be had.
set -eu

GTK_MIN=4.8

"${0%/*}/setup.sh"
. "${0%/*}/packages.sh"

case $manager in
    apt-get) gtk_packages=libgtk-4-dev server=xvfb xdotool=xdotool magick=imagemagick ;;
    dnf) gtk_packages=gtk4-devel server=xorg-x11-server-Xvfb xdotool=xdotool magick=ImageMagick ;;
    pacman) gtk_packages=gtk4 server=xorg-server-xvfb xdotool=xdotool magick=imagemagick ;;
    apk) gtk_packages='gtk4.0-dev font-dejavu' server=xvfb xdotool=xdotool magick=imagemagick ;;
    # Without X there, GTK draws on the desktop of a Mac itself: the tests are not for it.
    *) gtk_packages=gtk4 server='' xdotool='' magick=imagemagick ;;
esac

# Sets $packages to what has to be installed, $names to what it is.
look() {
    packages= names=
    pkg-config --exists "gtk4 >= $GTK_MIN" 2>/dev/null ||
        lacks "GTK $GTK_MIN or newer with development files" "$gtk_packages"
    [ "${1-}" = test ] || return 0
    command -v Xvfb >/dev/null 2>&1 || lacks Xvfb "$server"
    command -v xdotool >/dev/null 2>&1 || lacks xdotool "$xdotool"
    command -v import >/dev/null 2>&1 || lacks "ImageMagick's import" "$magick"
    gsettings range org.gnome.desktop.interface color-scheme >/dev/null 2>&1 ||
        lacks "the desktop's settings" gsettings-desktop-schemas
}

lacks() {
    names="$names, $1"
    packages="$packages $2"
}

look "$@"
[ -n "$names" ] || exit 0
if [ -n "$manager" ] && find_root; then
    install "${packages# }"
    look "$@"
    [ -n "$names" ] || exit 0
elif [ -n "$manager" ]; then
    by_hand "${packages# }"
fi
say "missing: ${names#, }"
say 'install that by hand and try again'
exit 3
