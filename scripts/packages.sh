# Sourced by the set-up scripts: which package manager there is, and how it installs.

say() { printf 'setup: %s\n' "$*" >&2; }

manager=
for candidate in apt-get dnf pacman apk brew; do
    if command -v "$candidate" >/dev/null 2>&1; then
        manager=$candidate
        break
    fi
done

# Sets $as_root to what goes in front of a command to run it as root. Homebrew refuses to run as
# root, so it gets nothing. Fails where nobody can become root.
find_root() {
    as_root=
    if [ "$manager" = brew ] || [ "$(id -u)" = 0 ]; then
        return
    fi
    command -v sudo >/dev/null 2>&1 || return 1
    as_root=sudo
    # Nobody is there to type a password: fail rather than hang.
    [ -t 0 ] || as_root='sudo -n'
}

# by_hand PACKAGES: says what to type as root.
by_hand() {
    say 'not root, and no sudo; run this as root and try again:'
    case $manager in
        apt-get) say "    apt-get update && apt-get install -y $1" ;;
        dnf) say "    dnf install -y $1" ;;
        pacman) say "    pacman -S --needed $1" ;;
        apk) say "    apk add $1" ;;
    esac
}

# install PACKAGES: the lists of words are meant to be split, $as_root and the packages stand
# without quotes.
install() {
    say "installing with $manager: $1"
    case $manager in
        apt-get)
            # One broken source must not stop the others; the caller's check has the last word.
            $as_root apt-get -q update || say 'apt-get update failed, trying to install anyway'
            $as_root env DEBIAN_FRONTEND=noninteractive \
                apt-get -q -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 install -y --no-install-recommends $1
            ;;
        dnf) $as_root dnf install -y $1 ;;
        pacman)
            # Refreshing the lists without a full upgrade is a last resort on Arch.
            $as_root pacman -S --needed --noconfirm $1 ||
                $as_root pacman -Sy --needed --noconfirm $1
            ;;
        apk) $as_root apk add --no-cache $1 ;;
        brew) brew install $1 ;;
    esac >&2 || say "$manager failed"
}
