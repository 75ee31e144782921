#!/bin/bash
# tests/screenshots.sh FOLDER: remakes the pictures in FOLDER from a real run. DAVIDNET_BIN is the program.
#
# The run is the preset `quick` on the data set that is found ($DAVIDNET_DATA, ./data, the XDG data folder), or on
# synthetic images; $DAVIDNET_SHOTS_RUN names a finished run to take instead of training one, and $DAVIDNET_SHOTS_RUNS a
# folder of runs with a campaign among them, for the Compare and Ladder screens, instead of training that.
set -eu
out=${1:?usage: tests/screenshots.sh FOLDER}
bin=${DAVIDNET_BIN:-./davidnet}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"

export XDG_STATE_HOME=$work/state XDG_CONFIG_HOME=$work/config # no guide, no recipes of the user's
mkdir -p "$XDG_STATE_HOME/davidnet"
touch "$XDG_STATE_HOME/davidnet/guide-seen"

if [ -n "${DAVIDNET_SHOTS_RUN-}" ]; then
    run=$DAVIDNET_SHOTS_RUN
else
    # An earlier run to compare with, and then every screen while one trains.
    "$bin" train --out "$work/runs" --preset quick --off cutout --name no-cutout
    cat >"$work/live" <<SCRIPT
:size 120x40
:until step 250
2
:dump $out/layers.png
3
:until images
:dump $out/samples.png
4
:dump $out/tricks.png
?
:dump $out/help.png
Esc
:until end
5
:until runs
:dump $out/runs.png
SCRIPT
    "$bin" tui --out "$work/runs" --name quick --script "$work/live"
    run=$work/runs/quick
fi
runs=${DAVIDNET_SHOTS_RUNS-}
if [ -z "$runs" ]; then
    runs=$work/campaign
    "$bin" campaign --out "$runs" --preset quick --on label_smoothing --runs 3
fi
cat >"$work/sets" <<SCRIPT
:size 120x40
6
:until runs
:dump $out/compare.png
7
:until runs
:dump $out/ladder.png
SCRIPT
DAVIDNET_RUNS=$runs "$bin" tui --run last --script "$work/sets"
cat >"$work/done" <<SCRIPT
:size 120x40
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
