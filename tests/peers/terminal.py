#!/usr/bin/env python3
"""What the workbench asks of a terminal and its line, measured while a run trains (by hand; not part of make test).

    tests/peers/terminal.py [--seconds 20] [--keys 40] [--baud 9600] [-- TUI OPTIONS...]

For every screen, at 80x24 and 120x40: bytes and frames a second in steady state, bytes of a full redraw, the share of
a core that the front end's thread takes, and the time from a key to the frame that answers it. Then the same screens
over a line of so many baud (10 bits a byte): how long until a key is answered, and until everything is redrawn.
Steps a second are told with each, to see whether the training notices.
"""
import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from pty_session import BIN, QUESTION, SMALL, Session  # noqa: E402


def thread_seconds(pid):
    """CPU time of the process's first thread: the front end."""
    with open("/proc/%d/task/%d/stat" % (pid, pid)) as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Line:
    """What lies between a terminal and the program: so many bytes a second, in order; None: as fast as it comes."""

    def __init__(self, session, bytes_a_second=None):
        self.session, self.rate = session, bytes_a_second
        self.free = 0  # from when on it takes more

    def until(self, seconds, pattern=None):
        """Carries bytes for so long, or until the pattern has arrived; returns the seconds it took, or None."""
        start, at = time.monotonic(), len(self.session.output)
        while (now := time.monotonic()) < start + seconds:
            if self.rate and now < self.free:
                time.sleep(self.free - now)
            before = len(self.session.output)
            self.session.read(min(0.2, start + seconds - now), 64 if self.rate else 65536)
            if self.rate:  # the line is busy for as long as these bytes take
                self.free = max(self.free, time.monotonic() - 0.01) + (len(self.session.output) - before) / self.rate
            if pattern and re.search(pattern, self.session.output[at:], re.S):
                return time.monotonic() - start
        return None


def key_times(line, session, keys, patience):
    """From a key to all of its answer: the menu opens, down to 'close' in the footer; Backspace closes it again."""
    times = []
    for _ in range(keys):
        line.until(0.35 if not line.rate else 3)
        session.send(b":")
        seconds = line.until(patience, b"Commands.*?lose.*?" + re.escape(QUESTION))
        if seconds is None:
            return None
        times.append(seconds)
        session.send(b"\x7f")
    line.until(0.35 if not line.rate else 3)
    return times


def redraw_time(line, session, patience):
    line.until(1)
    start = len(session.output)
    session.send(b"\x0c")
    seconds = line.until(patience, rb"\x1b\[H\x1b\[2?J.*?quit.*?" + re.escape(QUESTION))
    return seconds, len(session.output) - start


def show(value, form, missing="none came"):
    return missing if value is None else form % value


def count_screens(folder):
    """Those in the header of a terminal that is wide enough for all of them."""
    out = folder + "/screens.txt"
    subprocess.run([BIN, "tui", "--size", "200x24", "--script", "-", "--dump", out] + SMALL,
                   env=dict(os.environ, DAVIDNET_RUNS=folder + "/none", HOME=folder), stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, check=True)
    with open(out, encoding="utf-8") as file:
        return len(re.findall(r"\d [A-Z]", file.readline()))


def measure(options, folder, size, baud, screens):
    session = Session(["tui", "--name", "r%d%s" % (size[0], "s" if baud else "")] + options.tui, folder, size=size)
    line = Line(session, baud / 10 if baud else None)
    try:
        if line.until(60, rb"training") is None:  # over the line from the first byte, as by that its speed is told
            raise SystemExit("no training: %r" % session.output[-500:])
        for screen in range(1, screens + 1):
            session.send(b"%d" % screen)
            line.until(3)
            begin, cpu, at = time.monotonic(), thread_seconds(session.process.pid), len(session.output)
            line.until(options.seconds if not baud else options.seconds / 2)
            seconds, sent = time.monotonic() - begin, len(session.output) - at
            cpu = (thread_seconds(session.process.pid) - cpu) / seconds
            frames = session.output.count(QUESTION, at) / seconds
            times = key_times(line, session, options.keys if not baud else 3, 20)
            redraw, redraw_bytes = redraw_time(line, session, 30)
            print("%-8s %6s  %d  %8.0f  %6.1f  %7.2f  %9d  %s  %s" % (
                "%dx%d" % size, baud or "-", screen, sent / seconds, frames, 100 * cpu, redraw_bytes,
                show(times and (1000 * statistics.median(times), 1000 * max(times)), "%7.0f %7.0f"),
                show(redraw and 1000 * redraw, "%8.0f")), flush=True)
    finally:
        session.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--keys", type=int, default=40)
    parser.add_argument("--baud", type=int, default=9600)
    parser.add_argument("tui", nargs="*", default=[])
    options = parser.parse_args()
    options.tui = options.tui or ["--preset", "quick", "--epochs", "1000"]
    folder = tempfile.mkdtemp(prefix="davidnet-terminal-")
    os.makedirs(folder + "/state/davidnet")
    open(folder + "/state/davidnet/guide-seen", "w").close()
    print("%-8s %6s  %s  %8s  %6s  %7s  %9s  %15s  %s" % (
        "size", "baud", "screen"[:1], "bytes/s", "fps", "% core", "redraw B", "key ms: med max", "redraw ms"))
    try:
        screens = count_screens(folder)
        for baud in (None, options.baud):
            for size in ((80, 24), (120, 40)):
                measure(options, folder, size, baud, screens)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


main()
