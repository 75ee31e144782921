#!/usr/bin/env python3
"""Do removal and timers agree about norm and activation, where nothing is fused? (by hand; not part of make test)

    tests/peers/ablate_agreement.py [--preset davidnet-79] [--width 2] [--batches 8,16] [--rounds 20] [--threads 1]
                                    [--out FOLDER]

Measures the ref family, a step of which is one row of the plan, with `davidnet lab ablate`, and prints for each batch
size what norm and activation cost by removal, what the timers of the removed steps say, and their ratio; and what the
timers of the full step say, which works on images and not on the random batch, so that its times may be others. Exits
with 1 where removal and timers differ by more than 10 %, and with 2 where other programs disturbed more than 10 % of
the measurements, so that nothing can be said: repeat it on a quiet machine. Steps take few milliseconds and the network
is narrow, so that norm and activation are a sixth of a step and not lost in the noise of its convolutions.

DAVIDNET_BIN names the program (./davidnet). What --out keeps can be copied to tests/fixtures/ablate-ref.jsonl, from
which tests/test_ablate_study.c checks the same.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

PROGRAM = os.path.abspath(os.environ.get("DAVIDNET_BIN", "./davidnet"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="davidnet-79")
    parser.add_argument("--width", type=int, default=2)
    parser.add_argument("--batches", default="8,16")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", help="keep the measurements there")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        text = subprocess.run(
            [PROGRAM, "lab", "ablate", "--preset", args.preset, "--device", "ref", "--set", "width=%d" % args.width,
             "--data", "synthetic:1:2000", "--batches", args.batches, "--rounds", str(args.rounds),
             "--threads", str(args.threads), "--format", "json", "--out", args.out or temporary],
            check=True, stdout=subprocess.PIPE, text=True).stdout
    result = json.loads(text)
    print(result["command"])
    print("%s, %d threads, davidnet %s" % (result["device"], result["threads"], result["commit"]))
    apart = disturbed = False
    for case in result["cases"]:
        norm = next(cost for cost in case["costs"] if cost["name"] == "norm_act")
        ratio = norm["ms"] / norm["timers_ms"]
        noisy = sum(variant["noisy"] for variant in case["variants"])
        rounds = sum(variant["rounds"] for variant in case["variants"])
        disturbed |= noisy > 0.1 * rounds
        apart |= abs(ratio - 1) > 0.1
        print("batch %4d: by removal %8.3f ms, by timers %8.3f ms, ratio %.3f; in the full step %8.3f ms; %d of %d "
              "measurements disturbed"
              % (case["batch"], norm["ms"], norm["timers_ms"], ratio, norm["step_timers_ms"], noisy, rounds))
    return 2 if disturbed else 1 if apart else 0


if __name__ == "__main__":
    sys.exit(main())
