#!/bin/bash
# tests/screenshots.sh FOLDER [OPTION]...: remakes the pictures in FOLDER from real runs. DAVIDNET_BIN is the program.
#
# A campaign of the preset `quick`, then a run of it, beside the campaign's: on the data set that is found
# ($DAVIDNET_DATA, ./data, the XDG data folder), or on synthetic images. The options are that run's.
# $DAVIDNET_SHOTS_RUNS is a folder of runs with a campaign among them, to take instead of training one: it is copied.
set -eu
out=${1:?usage: tests/screenshots.sh FOLDER [OPTION]...}
shift
bin=${DAVIDNET_BIN:-./davidnet}
work=$(mktemp -d -t davidnet-XXXX)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"

export XDG_STATE_HOME=$work/state XDG_CONFIG_HOME=$work/config # no guide, no recipes of the user's
mkdir -p "$XDG_STATE_HOME/davidnet"
touch "$XDG_STATE_HOME/davidnet/guide-seen"

if [ -n "${DAVIDNET_SHOTS_RUNS-}" ]; then
    cp -a "$DAVIDNET_SHOTS_RUNS" "$work/runs"
fi
export DAVIDNET_RUNS=$work/runs # what was trained before, too: the forecast is made from that
if [ ! -d "$DAVIDNET_RUNS" ]; then
    "$bin" campaign --preset quick --on label_smoothing --runs 3
fi

# Every screen while the run trains, with the two runs before it marked; and what is of many runs when it has ended.
cat >"$work/live" <<SCRIPT
:size 120x40
5
:until runs
Home
Down
Space
Down
Space
1
:until step 250
2
:dump $out/layers.png
r
:dump $out/roofline.png
r
3
:until images
:dump $out/samples.png
4
Down
Down
Down
Down
Down
Down
Down
Down
:dump $out/tricks.png
Home
e
:dump $out/learning-rate.png
Esc
1
:until end
:dump $out/run.png
5
:until runs
:dump $out/runs.png
6
:until runs
Home
Enter
:dump $out/compare.png
7
:until runs
:dump $out/ladder.png
SCRIPT
"$bin" tui --name quick --preset quick --script "$work/live" "$@"
cat >"$work/done" <<SCRIPT
:size 80x24
:dump $out/run-80x24.png
SCRIPT
"$bin" tui --run quick --script "$work/done"
cat >"$work/plain" <<SCRIPT
:size 80x24
:dump $out/run-ascii-mono.png
SCRIPT
"$bin" tui --run quick --ascii --no-color --script "$work/plain"
ls "$out"
