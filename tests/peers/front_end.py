#!/usr/bin/env python3
"""What the front end costs, measured on a real run (by hand; not part of make test).

    tests/peers/front_end.py [--size 120x40] [--seconds 120] [--block 10] [-- TRAIN OPTIONS...]

Trains headless and, in alternating blocks of seconds, attaches the workbench to the run in a pseudo-terminal or leaves
it alone. Prints the front end's share of a core, the bytes a second that it sends, the median step time with it and
without it, and their ratio with its 95 % interval: a bootstrap over pairs of neighbouring blocks, because what else
the machine does makes the steps of one block alike. A step counts for a block only if it lies wholly in it, and not in
its first second.
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
import threading
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


def interval(pairs, rounds=2000):
    """Of the median over pairs of blocks of: median step with it / median step without."""
    rng = random.Random(1)
    ratios = [statistics.median(a) / statistics.median(b) for a, b in pairs]
    medians = sorted(statistics.median(rng.choices(ratios, k=len(ratios))) for _ in range(rounds))
    return statistics.median(ratios), medians[int(0.025 * rounds)], medians[int(0.975 * rounds)]


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
                               env=env, stdout=subprocess.PIPE, bufsize=0)
    pipe = trainer.stdout.fileno()
    steps, blocks = [], []  # (end by the run's wall clock, seconds); (begin, end, attached)
    last, rest, behind = None, b"", float("inf")  # behind: monotonic clock at the run's wall clock's zero

    def take(until):
        """Reads events until then. They come in bunches, so a step's end is told by the run's own clock."""
        nonlocal last, rest, behind
        while (left := until - time.monotonic()) > 0:
            if not select.select([pipe], [], [], left)[0]:
                continue
            data = os.read(pipe, 65536)
            if not data:
                return
            now = time.monotonic()
            *lines, rest = (rest + data).split(b"\n")
            for event in map(json.loads, lines):
                if event["event"] != "step":
                    continue
                behind = min(behind, now - event["wall_seconds"])
                if last is not None:
                    steps.append((event["wall_seconds"], event["train_seconds"] - last))
                last = event["train_seconds"]

    while not steps and trainer.poll() is None:
        take(time.monotonic() + 1)
    begin, sent, cpu, first, watched, attached = time.monotonic(), 0, 0.0, [], 0.0, False
    while time.monotonic() - begin < options.seconds and trainer.poll() is None:
        attached = not attached
        start = time.monotonic()
        if attached:
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
    while os.read(pipe, 65536):
        pass
    trainer.wait()
    shutil.rmtree(home, ignore_errors=True)

    times = [[seconds for ended, seconds in steps
              if start + 1 < ended + behind - seconds and ended + behind <= end] for start, end, _ in blocks]
    pairs = [(a, b) for a, b in zip(times[::2], times[1::2]) if a and b]  # the first block is with it
    if len(pairs) < 2:
        sys.exit("too few blocks with steps in them: give it more --seconds or a longer --block")
    a, b = [x for pair in pairs for x in pair[0]], [x for pair in pairs for x in pair[1]]
    ratio, low, high = interval(pairs)
    print("size %s, %d blocks of %g s, %d steps with and %d without the front end" %
          (options.size, len(blocks), options.block, len(a), len(b)))
    print("front end: %.2f %% of a core, %.2f KB/s (the first screen: %.1f KB)" %
          (100 * cpu / watched, sent / watched / 1000, statistics.mean(first) / 1000))
    print("step: median %.4f s with, %.4f s without; ratio of neighbouring blocks: median %.4f, 95 %% interval %.4f to %.4f"
          % (statistics.median(a), statistics.median(b), ratio, low, high))


main()
