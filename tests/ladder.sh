#!/bin/sh
# The ladder on the real CIFAR-10: trains the rungs that are not measured yet (hours on a CPU; stop it at any time, the
# same call goes on), then writes the table of all rungs into README.md, between its two marks.
#
#   tests/ladder.sh [--table] [davidnet ladder's options]      --table: only the table, from the runs that there are
set -eu
cd "$(dirname "$0")/.."
bin=${DAVIDNET_BIN:-./davidnet}
readme=${LADDER_README:-README.md}
if [ "${1:-}" = --table ]; then
    shift
else
    code=0
    "$bin" ladder --run "$@" || code=$?
    # Stopped by a signal: what there is goes into the table when it has gone on.
    [ "$code" -lt 128 ] || exit "$code"
fi
grep -q '^<!-- ladder -->$' "$readme" && grep -q '^<!-- end of ladder -->$' "$readme" || {
    echo "$readme has no lines '<!-- ladder -->' and '<!-- end of ladder -->' for the table" >&2
    exit 1
}
table=$(mktemp)
trap 'rm -f "$table" "$table.new"' EXIT
"$bin" ladder --markdown > "$table"
awk -v table="$table" '
    /^<!-- end of ladder -->$/ { skip = 0 }
    !skip
    /^<!-- ladder -->$/ { skip = 1; while ((getline line < table) > 0) print line }
' "$readme" > "$table.new"
cmp -s "$table.new" "$readme" || cat "$table.new" > "$readme"
