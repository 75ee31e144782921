#!/usr/bin/env python3
"""On one GPU, in one run: airbench94 (Muon) as its author wrote it, and davidnet's sprint-94 (by hand, or by gpu_check).

    tests/peers/airbench.py --airbench airbench94_muon.py [--runs 10] [--preset sprint-94 [--preset ...]]

FILE is K. Jordan's airbench94_muon.py (https://github.com/KellerJordan/cifar10-airbench). It wants a GPU, torch and
torchvision, and would fetch CIFAR-10: it gets the images from the *.bin files of DAVIDNET_DATA instead, as the train.pt
and test.pt that it keeps for itself. All that is changed of it, in a copy, is how many runs it does after the one that
warms up (not counted). Its clock counts whitening, training and the evaluation with its views, which are davidnet's
speedrun clock, too; neither counts compiling. davidnet (DAVIDNET_BIN) is `train --device cuda --json`, a half of its
runs before airbench's and a half after, so that a GPU that gets slower favours nobody.

Ends with a line a program and how many times as fast the first preset is. Status 1: something failed; 3: everything ran
and the first preset is not the faster one; 0: it is.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile

CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
RECORD, PLANE = 3073, 1024 # a label, then three planes of a colour each
RUNS = re.compile(r"(main\(run, model\) for run in range\()\d+\)")


def fail(text):
    sys.exit("airbench.py: " + text)


def convert(torch, names, to):
    """CIFAR-10's binary files as airbench keeps it: images [n, 32, 32, 3] of bytes and labels."""
    images, labels = bytearray(), []
    for name in names:
        with open(name, "rb") as file:
            data = file.read()
        if not data or len(data) % RECORD:
            fail("%s has %d bytes, no multiple of %d: it is no file of CIFAR-10's" % (name, len(data), RECORD))
        for at in range(0, len(data), RECORD):
            image = bytearray(3 * PLANE)
            for colour in range(3):
                begin = at + 1 + colour * PLANE
                image[colour::3] = data[begin:begin + PLANE]
            images += image
            labels.append(data[at])
    pixels = torch.frombuffer(images, dtype=torch.uint8).reshape(len(labels), 32, 32, 3)
    torch.save({"images": pixels, "labels": torch.tensor(labels), "classes": CLASSES}, to)


def prepare(folder, args):
    """The folder that airbench runs in: its images, and its program with as many runs as are wanted."""
    source = os.environ.get("DAVIDNET_DATA") or fail("set DAVIDNET_DATA to the folder of CIFAR-10's *.bin files")
    try:
        import torch
    except ImportError as missing:
        fail("%s; set PYTHON to one that has torch and torchvision" % missing)
    os.mkdir(os.path.join(folder, "cifar10"))
    try:
        convert(torch, [os.path.join(source, "data_batch_%d.bin" % i) for i in range(1, 6)],
                os.path.join(folder, "cifar10", "train.pt"))
        convert(torch, [os.path.join(source, "test_batch.bin")], os.path.join(folder, "cifar10", "test.pt"))
        with open(args.airbench) as file:
            text, found = RUNS.subn(r"\g<1>%d)" % args.runs, file.read())
    except OSError as error:
        fail(str(error))
    if found != 1:
        fail("%s has %d places that say how many runs it does, and one was expected: is it another version?" % (
            args.airbench, found))
    program = os.path.join(folder, "airbench.py")
    with open(program, "w") as file:
        file.write(text)
    return program


def theirs(folder, program, runs):
    """Seconds and accuracies, in percent, of its runs. What it says is passed on as it comes."""
    seconds, accuracy = [], []
    with subprocess.Popen([sys.executable, "-u", program], cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            # |  run  |  epoch  |  train_acc  |  val_acc  |  tta_val_acc  |  time_seconds  |
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if len(cells) == 6 and cells[1] == "eval":
                accuracy.append(100 * float(cells[4]))
                seconds.append(float(cells[5]))
    if process.returncode:
        fail("airbench94 failed with status %d" % process.returncode)
    if len(seconds) != runs + 1:
        fail("airbench94 told of %d runs, and the one that warms up; %d were expected" % (len(seconds) - 1, runs))
    return seconds[1:], accuracy[1:]


def ours(preset, first, runs):
    """The same of davidnet's. Its status 3 says that a run missed the target, which the accuracy shows."""
    if not runs:
        return [], []
    command = [os.path.abspath(os.environ.get("DAVIDNET_BIN", "./davidnet")), "train", "--preset", preset, "--device",
               "cuda", "--seed", str(first), "--runs", str(runs), "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    ended = [event for event in events if event["event"] == "done"]
    if done.returncode not in (0, 3) or len(ended) != runs:
        fail("davidnet trained %d of %d runs of %s (status %d)" % (len(ended), runs, preset, done.returncode))
    for event in ended:
        print("davidnet, %s: %.3f s, %.2f %%" % (preset, event["speedrun_seconds"], event["test_acc"]), flush=True)
    return [event["speedrun_seconds"] for event in ended], [event["test_acc"] for event in ended]


def tell(name, seconds, accuracy):
    print("%s: %.3f s (median of %d runs, %.3f to %.3f), %.2f %% on average" % (
        name, statistics.median(seconds), len(seconds), min(seconds), max(seconds), statistics.mean(accuracy)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--airbench", metavar="FILE", required=True)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--preset", action="append", help="the first is compared (sprint-94)")
    args = parser.parse_args()
    presets = args.preset or ["sprint-94"]
    if args.runs < 1:
        parser.error("--runs: give at least 1")
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        program = prepare(folder, args)
        before = {preset: ours(preset, 1, args.runs // 2) for preset in presets}
        results["airbench94"] = theirs(folder, program, args.runs)
        for preset in presets:
            after = ours(preset, 1 + args.runs // 2, args.runs - args.runs // 2)
            results[preset] = tuple(a + b for a, b in zip(before[preset], after))
    print()
    for name, (seconds, accuracy) in results.items():
        tell(name if name == "airbench94" else "davidnet, " + name, seconds, accuracy)
    ratio = statistics.median(results["airbench94"][0]) / statistics.median(results[presets[0]][0])
    print("%s is %.2f times as fast as airbench94" % (presets[0], ratio))
    return 0 if ratio > 1 else 3


if __name__ == "__main__":
    sys.exit(main())
