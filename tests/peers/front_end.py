#!/usr/bin/env python3
"""What the front end costs, measured on a real run (by hand; not part of make test).

    tests/peers/front_end.py [--size 120x40] [--seconds 120] [--block 10] [-- TRAIN OPTIONS...]

Trains headless and, in alternating blocks of seconds, attaches the workbench to the run in a pseudo-terminal or leaves
it alone. Prints the front end's share of a core, the bytes a second that it sends, and the ratio of the median step
time with it to that without it, with a bootstrap interval.
"""
import argparse
import fcntl
import json
import os
import pty
import random
import select
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time

PROGRAM = os.path.abspath(os.environ.get("DAVIDNET_BIN", "./davidnet"))


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid) as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def watch(run, size, seconds, env):
    """The front end on `run` for that long: (bytes sent, CPU seconds, bytes of the first second)."""
    width, height = size
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(PROGRAM, [PROGRAM, "tui", "--run", run], env)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    begin, sent, first, cpu = time.monotonic(), 0, 0, 0
    while (now := time.monotonic() - begin) < seconds:
        if select.select([fd], [], [], 0.1)[0]:
            try:
                count = len(os.read(fd, 65536))
            except OSError:
                break
            sent += count
            first += count if now < 1 else 0
        cpu = cpu_seconds(pid)
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and os.waitpid(pid, os.WNOHANG)[0] == 0:
        if select.select([fd], [], [], 0.05)[0]:
            try:
                os.read(fd, 65536)
            except OSError:
                pass
    os.close(fd)
    return sent, cpu, first


def interval(with_it, without, rounds=2000):
    rng = random.Random(1)
    ratios = sorted(statistics.median(rng.choices(with_it, k=len(with_it))) /
                    statistics.median(rng.choices(without, k=len(without))) for _ in range(rounds))
    return ratios[int(0.025 * rounds)], ratios[int(0.975 * rounds)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="120x40")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--block", type=float, default=10)
    parser.add_argument("train", nargs="*", help="options of davidnet train")
    options = parser.parse_args()
    size = tuple(int(x) for x in options.size.split("x"))
    home = tempfile.mkdtemp(prefix="davidnet-front-end-")
    env = dict(os.environ, DAVIDNET_RUNS=home, TERM="xterm-256color", LC_ALL="C.UTF-8")
    trainer = subprocess.Popen([PROGRAM, "train", "--name", "measured", "--json", *(options.train or ["--preset", "quick"])],
                               env=env, stdout=subprocess.PIPE, text=True, bufsize=1)
    steps, blocks = [], []  # (arrival, seconds of the step); (begin, end, attached)
    last = None

    def take(until):
        nonlocal last
        while time.monotonic() < until and trainer.poll() is None:
            if not select.select([trainer.stdout], [], [], 0.05)[0]:
                continue
            line = trainer.stdout.readline()
            if not line:
                return
            event = json.loads(line)
            if event["event"] == "step":
                if last is not None:
                    steps.append((time.monotonic(), event["train_seconds"] - last))
                last = event["train_seconds"]

    while not steps and trainer.poll() is None:
        take(time.monotonic() + 1)
    begin, sent, cpu, first, watched, attached = time.monotonic(), 0, 0.0, [], 0.0, False
    while time.monotonic() - begin < options.seconds and trainer.poll() is None:
        attached = not attached
        start = time.monotonic()
        if attached:
            import threading
            result = []
            thread = threading.Thread(target=lambda: result.append(watch("measured", size, options.block, env)))
            thread.start()
            while thread.is_alive():
                take(time.monotonic() + 0.2)
            sent, cpu = sent + result[0][0], cpu + result[0][1]
            first.append(result[0][2])
            watched += options.block
        else:
            take(start + options.block)
        blocks.append((start, time.monotonic(), attached))
    trainer.send_signal(signal.SIGTERM)
    trainer.communicate()
    shutil.rmtree(home, ignore_errors=True)

    times = {True: [], False: []}
    for when, seconds in steps:
        for start, end, attached in blocks:
            if start + 1 < when <= end:
                times[attached].append(seconds)
    if not times[True] or not times[False]:
        sys.exit("too few steps: give it more --seconds")
    a, b = statistics.median(times[True]), statistics.median(times[False])
    low, high = interval(times[True], times[False])
    print("size %s, %d blocks of %g s, %d steps with and %d without the front end" %
          (options.size, len(blocks), options.block, len(times[True]), len(times[False])))
    print("front end: %.2f %% of a core, %.2f KB/s (the first screen: %.1f KB)" %
          (100 * cpu / watched, sent / watched / 1000, statistics.mean(first) / 1000))
    print("step: median %.4f s with, %.4f s without: ratio %.4f, 95 %% interval %.4f to %.4f" % (a, b, a / b, low, high))


main()
