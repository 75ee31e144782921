#!/bin/sh
# tests/take_along.sh FOLDER (make take-along): the little that a headless davidnet and its tests need beside a C compiler,
# for a host that has neither these packages nor a registry: inih, cJSON and cmocka, as Debian's sources (which any
# machine can compile) or, where its archive does not give those, as the static library that is installed here.
# make HEADLESS=1 uses the folder build-along wherever it lies in the tree. Downloads a list of Debian's sources.
set -u
[ $# = 1 ] || { echo "usage: tests/take_along.sh FOLDER" >&2; exit 2; }
mkdir -p "$1/src" "$1/include/cjson" "$1/lib" || exit 1
to=$(cd "$1" && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/parts"
chmod 755 "$work"

# The lists of sources, beside the machine's own, which are only of packages.
for file in /etc/apt/sources.list.d/*.sources; do
    [ -e "$file" ] && grep -q debian "$file" && sed 's/^Types:.*/Types: deb-src/' "$file" >"$work/parts/${file##*/}"
done
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -e "$file" ] && grep -h '^deb .*debian' "$file" | sed 's/^deb /deb-src /' >"$work/parts/${file##*/}.list"
done
apt="apt-get -q -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts=$work/parts -o Dir::State::Lists=$work/lists"
$apt update >"$work/log" 2>&1

failed=
have() { # have FILE...: all of them are there
    for file in "$@"; do [ -s "$to/$file" ] || return 1; done
}
bring() { # bring PACKAGE FILE=PATH...: PATHs of its source become FILEs of the folder
    package=$1
    shift
    (cd "$work" && $apt source --download-only "$package" >>log 2>&1 && mkdir "$package" &&
        tar -xf "$(ls "${package}"_*.orig.tar.* | grep -v asc | head -n 1)" -C "$package" --strip-components=1) || return 1
    for each in "$@"; do cp "$work/$package/${each#*=}" "$to/${each%%=*}" || return 1; done
}
installed() { # installed FILE=PATH...: the same of what is installed
    for each in "$@"; do cp "${each#*=}" "$to/${each%%=*}" 2>/dev/null || return 1; done
}
lib=/usr/lib/$(cc -dumpmachine)

bring libinih src/ini.c=ini.c include/ini.h=ini.h || installed include/ini.h=/usr/include/ini.h lib/libinih.a="$lib/libinih.a"
have include/ini.h && { have src/ini.c || have lib/libinih.a; } || failed="$failed inih"
bring cjson src/cJSON.c=cJSON.c include/cjson/cJSON.h=cJSON.h
have src/cJSON.c include/cjson/cJSON.h || failed="$failed cJSON"
bring cmocka src/cmocka.c=src/cmocka.c include/cmocka.h=include/cmocka.h include/cmocka_private.h=include/cmocka_private.h
have src/cmocka.c include/cmocka.h || failed="$failed cmocka"
[ -e "$to/src/cJSON.c" ] && cp "$to/include/cjson/cJSON.h" "$to/src/cJSON.h" # each includes its header from beside it
[ -e "$to/src/ini.c" ] && cp "$to/include/ini.h" "$to/src/ini.h"

if [ -n "$failed" ]; then
    echo "not found:$failed (what apt said: )" >&2
    grep -E '^[EW]:' "$work/log" | head -n 5 >&2
    exit 1
fi
echo "$1: $(cd "$to" && find . -type f | sed 's,^\./,,' | sort | tr '\n' ' ')"
