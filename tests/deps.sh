#!/bin/sh
# tests/deps.sh [--check] GROUP...: are the packages there that GROUP (build, test, lint, or headless, headless-test in
# their place) needs, and if not, install them with apt. As root or with CI=true it goes on; on a terminal it asks once; otherwise, and with --check, it
# prints the line to type and fails. When nothing is missing it costs a few hundredths of a second and asks no apt.
# What `test` only wishes for (group wish) is asked for with the rest, or fetched where nobody is asked; without it some
# tests are skipped, and say so.
set -u

# The one list: group, Debian package (the same names in Ubuntu), how to see that it is there.
packages='
build gcc                  tool ${CC:-cc}
build libc6-dev            header stdio.h
build pkg-config           tool pkg-config
build libdnnl-dev          header oneapi/dnnl/dnnl.h
build libncurses-dev       pc ncursesw
build libpng-dev           pc libpng
build libcairo2-dev        pc cairo
build liblapacke-dev      header lapacke.h
build libcjson-dev         pc libcjson
build libinih-dev          pc inih
build zlib1g-dev           pc zlib
build libcurl4-openssl-dev pc libcurl
build libarchive-dev       pc libarchive
build libssl-dev           pc libcrypto
build fonts-dejavu-core    file /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf
build ca-certificates      file /etc/ssl/certs/ca-certificates.crt
test  libcmocka-dev        pc cmocka
test  g++                  tool g++
test  python3              tool python3
wish  python3-pyte         file /usr/lib/python3/dist-packages/pyte/__init__.py
headless gcc               tool ${CC:-cc}
headless libc6-dev         header stdio.h
headless libcjson-dev      header cjson/cJSON.h
headless libinih-dev       header ini.h
headless-test libcmocka-dev header cmocka.h
lint  clang                tool clang
lint  clang-format         tool clang-format
lint  clang-tidy           tool clang-tidy
'

check_only=
[ "${1-}" = --check ] && check_only=1 && shift
groups=" $* "
cc=${CC:-cc}
export PKG_CONFIG_PATH="${PKG_CONFIG_PATH-}"

has() { # has HOW WHAT
    case $1 in
    tool) command -v ${2%% *} >/dev/null 2>&1 ;;
    header) printf '#include <%s>\n' "$2" | $cc ${DNNL_PREFIX:+-I"$DNNL_PREFIX/include"} ${ALONG:+-I"$ALONG/include"} -E -x c - >/dev/null 2>&1 ;;
    pc) pkg-config --exists "$2" 2>/dev/null ;;
    file) [ -e "$2" ] ;;
    esac
}

# Prints the packages of the groups that are not there; one question to pkg-config answers for most of them.
missing() {
    all_pc=$(echo "$packages" | while read -r group _ how what; do
        case $groups in *" ${group:-none} "*) [ "$how" = pc ] && echo "$what" ;; esac
    done)
    pc_all_there=
    pkg-config --exists $all_pc 2>/dev/null && pc_all_there=1
    echo "$packages" | while read -r group package how what; do
        case $groups in *" ${group:-none} "*) ;; *) continue ;; esac
        [ "$how" = pc ] && [ -n "$pc_all_there" ] && continue
        [ "$what" = '${CC:-cc}' ] && what=$cc
        has "$how" "$what" || printf '%s ' "$package"
    done
}

# Installed is not enough: some releases have an oneDNN that lacks what is needed.
old_onednn() {
    case $groups in *" build "*) ;; *) return 1 ;; esac
    printf '#include <oneapi/dnnl/dnnl_version.h>\n#if DNNL_VERSION_MAJOR * 100 + DNNL_VERSION_MINOR < 206\n#error\n#endif\n' |
        $cc ${DNNL_PREFIX:+-I"$DNNL_PREFIX/include"} -E -x c - >/dev/null 2>&1 && return 1
    echo "davidnet needs oneDNN 2.6 or newer; this system's is older (Ubuntu 22.04 has 2.2)." >&2
    echo "Use Debian 12, Ubuntu 24.04 or newer, or build oneDNN elsewhere and say make DNNL_PREFIX=/where/it/is" >&2
}

# Where nobody is asked, or who was said yes; a failure is no error, and costs no refreshing of apt's lists.
grant_wish() {
    [ -n "$wish" ] && [ -z "$check_only" ] && command -v apt-get >/dev/null 2>&1 || return 0
    if [ "$(id -u)" = 0 ]; then as_root=; elif [ "${CI-}" = true ]; then as_root='sudo -n '; elif [ -z "$yes" ]; then return 0; fi
    echo "Installing: $wish(for tests that are skipped without)"
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=60 -o Dpkg::Use-Pty=0 \
        install -y --no-install-recommends $wish >/dev/null 2>&1 ||
        echo "apt could not install it; by hand: apt-get install $wish"
}

yes=
need=$(missing)
wish=
case $groups in *" test "*) wish=$(groups=' wish ' && missing) ;; esac
if [ -z "$need" ]; then
    old_onednn && exit 1
    grant_wish
    exit 0
fi

if ! command -v apt-get >/dev/null 2>&1; then
    echo "davidnet needs what Debian calls: $need" >&2
    echo "There is no apt-get here; install them with your system's package manager and try again." >&2
    exit 1
fi
as_root=
[ "$(id -u)" = 0 ] || as_root='sudo '
line="${as_root}apt-get install --no-install-recommends $need$wish"
if [ -n "$check_only" ]; then
    echo "davidnet needs packages that are not installed. Run 'make deps', or:" >&2
    echo "    $line" >&2
    exit 1
fi

if [ "$(id -u)" = 0 ] || [ "${CI-}" = true ]; then
    yes=1
elif [ -t 0 ] && [ -t 2 ]; then
    printf 'davidnet needs packages that are not installed: %s\nInstall them now with "%s"? [Y/n] ' "$need$wish" "$line" >&2
    read -r answer && case $answer in '' | y | Y | yes | Yes) yes=1 ;; esac
fi
if [ -n "$as_root" ] && ! command -v sudo >/dev/null 2>&1; then
    yes=
    line="su -c 'apt-get install --no-install-recommends $need'"
fi
if [ -z "$yes" ]; then
    echo "davidnet needs packages that are not installed. Install them and try again:" >&2
    echo "    $line" >&2
    exit 1
fi

[ "${CI-}" = true ] && [ -n "$as_root" ] && as_root='sudo -n '
echo "Installing: $need"
apt="env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0"
$as_root $apt update >/dev/null || echo "apt-get update failed; trying with the lists that are here" >&2
if ! $as_root $apt install -y --no-install-recommends $need; then
    echo "apt could not install: $need" >&2
    echo "See its message above. By hand: $line" >&2
    exit 1
fi

left=$(missing)
if [ -z "$left" ]; then
    old_onednn && exit 1
    grant_wish
    exit 0
fi
echo "Installed, but not found afterwards: $left" >&2
echo "Is another compiler, pkg-config or folder first in PATH, CC or PKG_CONFIG_PATH?" >&2
exit 1
