#!/bin/bash
# tests/screenshots.sh FOLDER: remakes the pictures in FOLDER from a real run. DAVIDNET_BIN is the program.
#
# The run is the preset `quick` on the data set that is found ($DAVIDNET_DATA, ./data, the XDG data folder), or on
# synthetic images; $DAVIDNET_SHOTS_RUN names a finished run to take instead of training one.
set -eu
out=${1:?usage: tests/screenshots.sh FOLDER}
bin=${DAVIDNET_BIN:-./davidnet}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"

if [ -n "${DAVIDNET_SHOTS_RUN-}" ]; then
    run=$DAVIDNET_SHOTS_RUN
else
    # Live: half-way through, in the terminal that most people have; the help; then the end.
    cat >"$work/live" <<SCRIPT
:size 100x30
:until step 250
:dump $out/run-training.png
?
:dump $out/help.png
Esc
:until end
SCRIPT
    "$bin" tui --out "$work/runs" --name quick --script "$work/live"
    run=$work/runs/quick
fi
cat >"$work/done" <<SCRIPT
:size 160x48
:dump $out/run.png
:size 80x24
:dump $out/run-80x24.png
SCRIPT
"$bin" tui --run "$run" --script "$work/done"
cat >"$work/plain" <<SCRIPT
:size 80x24
:dump $out/run-ascii-mono.png
SCRIPT
"$bin" tui --run "$run" --ascii --no-color --script "$work/plain"
ls "$out"
