#!/usr/bin/env python3
"""What the front end costs, measured on a real run (by hand; not part of make test).

    tests/peers/front_end.py [--size 120x40] [--seconds 120] [--block 10] [--run RUN | -- TRAIN OPTIONS...]

Trains headless and, in alternating blocks of seconds, attaches the workbench to the run in a pseudo-terminal or leaves
it alone; with --run it attaches to a run that another process trains, and leaves it training. Prints the front end's
share of a core, the bytes a second that it sends, the median step time with it and without it, and their ratio with its
95 % interval: a bootstrap over pairs of neighbouring blocks, because what else the machine does makes the steps of one
block alike. A step counts for a block only if it lies wholly in it, and not in its first second. What is attached is a
process of its own, which reads the run's files: it costs what the front end in the trainer's process does, and the
reading besides.
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
ENVIRONMENT = dict(os.environ, TERM="xterm-256color", LC_ALL="C.UTF-8")


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


class Trained:
    """A run of our own, whose steps are read from its events as they come."""

    def __init__(self, options):
        self.home = tempfile.mkdtemp(prefix="davidnet-front-end-")
        self.name, self.env = "measured", dict(ENVIRONMENT, DAVIDNET_RUNS=self.home)
        self.process = subprocess.Popen([PROGRAM, "train", "--name", self.name, "--json", *(options or ["--preset", "quick"])],
                                        env=self.env, stdout=subprocess.PIPE, bufsize=0)
        self.ended, self.last, self.rest, self.found = False, None, b"", []
        self.behind = float("inf")  # unix time at the zero of the run's wall clock
        while not self.found and not self.ended:
            self.go_on(time.time() + 1)

    def go_on(self, until):
        """Reads events until then. They come in bunches, so a step's end is told by the run's own clock."""
        pipe = self.process.stdout.fileno()
        while not self.ended and (left := until - time.time()) > 0:
            if not select.select([pipe], [], [], left)[0]:
                continue
            data = os.read(pipe, 65536)
            self.ended = not data
            now = time.time()
            *lines, self.rest = (self.rest + data).split(b"\n")
            for event in map(json.loads, lines):
                if event["event"] != "step":
                    continue
                self.behind = min(self.behind, now - event["wall_seconds"])
                if self.last is not None:
                    self.found.append((event["wall_seconds"], event["train_seconds"] - self.last))
                self.last = event["train_seconds"]

    def steps(self):
        """(unix time of its end, seconds) of each."""
        self.process.send_signal(signal.SIGTERM)
        while os.read(self.process.stdout.fileno(), 65536):
            pass
        self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)
        return [(ended + self.behind, seconds) for ended, seconds in self.found]


class Followed:
    """A run that another process trains: its status file ties its clock to ours, its log has the steps."""

    def __init__(self, name):
        self.name, self.env, self.behind = name, ENVIRONMENT, float("inf")
        shown = subprocess.run([PROGRAM, "show", name, "--json"], stdout=subprocess.PIPE, check=True, env=self.env)
        self.status = os.path.join(json.loads(shown.stdout)["path"], "status")
        self.ended = False
        self.go_on(0)

    def go_on(self, until):
        while True:
            with open(self.status) as file:
                status, written = json.load(file), os.fstat(file.fileno()).st_mtime
            self.behind = min(self.behind, written - status["wall_seconds"])
            self.ended = status["phase"] in ("done", "stopped", "failed")
            if self.ended or (left := until - time.time()) <= 0:
                return
            time.sleep(min(left, 1))

    def steps(self):
        curves = json.loads(subprocess.run([PROGRAM, "curves", self.name, "--json"], stdout=subprocess.PIPE, check=True,
                                           env=self.env).stdout)["runs"][0]["steps"]
        wall, train = curves["wall_seconds"], curves["train_seconds"]
        return [(w + self.behind, now - before) for w, before, now in zip(wall[1:], train, train[1:])]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="120x40")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--block", type=float, default=10)
    parser.add_argument("--run", help="one that trains already")
    parser.add_argument("train", nargs="*", help="options of davidnet train")
    options = parser.parse_args()
    size = tuple(int(x) for x in options.size.split("x"))
    run = Followed(options.run) if options.run else Trained(options.train)
    blocks = []  # (begin, end, attached), unix times
    begin, sent, cpu, first, watched, attached = time.time(), 0, 0.0, [], 0.0, False
    while time.time() - begin < options.seconds and not run.ended:
        attached = not attached
        start = time.time()
        if attached:
            result = []
            thread = threading.Thread(target=lambda: result.append(watch(run.name, size, options.block, run.env)))
            thread.start()
            while thread.is_alive():
                run.go_on(time.time() + 0.2)
                time.sleep(0.01)
            sent, cpu = sent + result[0][0], cpu + result[0][1]
            first.append(result[0][2])
            watched += options.block
        else:
            run.go_on(start + options.block)
        blocks.append((start, time.time(), attached))
    steps = run.steps()

    times = [[seconds for ended, seconds in steps
              if start + 1 < ended - seconds and ended <= end] for start, end, _ in blocks]
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
