"""The real program on a pseudo-terminal, for the scripts that drive it; only Python's standard library is needed.

With emulate=True, and pyte there, Session.screen is a terminal emulator that has taken everything so far, and
Session.lines() what it shows. Otherwise output is only kept. As a terminal does, a session answers status reports.
"""
import concurrent.futures
import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import traceback

try:
    import pyte
except ImportError:
    sys.path.append("/usr/lib/python3/dist-packages")  # Debian's, for a Python that is not Debian's
    try:
        import pyte
    except ImportError:
        pyte = None

BIN = os.path.abspath(os.environ.get("DAVIDNET_BIN", "./davidnet"))
GUARD = 180.0  # seconds: so that a program that hangs fails instead of hanging us
# A run that begins at once and cannot end by itself: tests must not depend on how fast the machine is.
SMALL = ["--data", "synthetic:1:3000", "--set", "batch=32", "--set", "width=8", "--epochs", "1000"]
SMCUP, RMCUP, CNORM = b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[?25h"
QUESTION, ANSWER = b"\x1b[5n", b"\x1b[0n"


class Failed(Exception):
    pass


def expect(condition, what):
    if not condition:
        raise Failed(what)


def set_size(fd, width, height):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))


class Session:
    """A program on a terminal of its own. folder: where its runs and state are; nothing of the user's is touched."""

    def __init__(self, arguments, folder, term="xterm-256color", env=None, size=(80, 24), shell=None, answers=True,
                 emulate=False):
        self.master, self.slave = pty.openpty()
        set_size(self.slave, *size)
        self.before = termios.tcgetattr(self.slave)
        self.output = b""
        self.answers = answers
        self.asked = 0  # bytes of the output that have been looked at for questions
        self.screen = self.stream = None
        if emulate and pyte:
            self.screen = pyte.Screen(*size)
            self.stream = pyte.ByteStream(self.screen)
        environment = dict(os.environ, TERM=term, LC_ALL="C.UTF-8", DAVIDNET_RUNS=folder + "/runs",
                           XDG_DATA_HOME=folder + "/data", XDG_STATE_HOME=folder + "/state",
                           XDG_CONFIG_HOME=folder + "/config", HOME=folder)
        for name in ("DAVIDNET_DATA", "NO_COLOR", "COLORTERM"):
            environment.pop(name, None)
        environment.update(env or {})
        # setsid gives it the terminal; it becomes the program (no fork), so the process is the program's.
        os.makedirs(folder + "/home", exist_ok=True)
        command = ["setsid", "--ctty"] + (shell or []) + [BIN] + arguments
        self.process = subprocess.Popen(command, stdin=self.slave, stdout=self.slave, stderr=self.slave,
                                        env=environment, close_fds=True, cwd=folder + "/home")

    def read(self, seconds, most=65536):
        """Takes what came, waiting so long for it; False: nothing."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self.master, most)
        except OSError:
            return False
        self.take(data)
        return bool(data)

    def take(self, data):
        self.output += data
        questions = self.output.count(QUESTION, self.asked)
        if questions:
            self.asked = self.output.rindex(QUESTION) + len(QUESTION)
            if self.answers:
                try:
                    os.write(self.master, ANSWER * questions)
                except OSError:
                    pass
        if self.stream:
            self.stream.feed(data)

    def lines(self):
        return [line.rstrip() for line in self.screen.display]

    def wait_for(self, *patterns, start=0):
        """Reads until one of the patterns has come after `start`; returns where it ends."""
        deadline = time.monotonic() + GUARD
        while True:
            for pattern in patterns:
                found = re.search(pattern, self.output[start:], re.S)
                if found:
                    return start + found.end()
            expect(time.monotonic() < deadline, "%r did not come; the last output was %r"
                   % (patterns, self.output[-2000:]))
            expect(self.read(0.2) or self.process.poll() is None, "the program ended (%s) before %r; output %r"
                   % (self.process.returncode, patterns, self.output[-2000:]))

    def send(self, keys):
        """All of it, reading meanwhile, or a program that is busy writing could never take it."""
        deadline = time.monotonic() + GUARD
        os.set_blocking(self.master, False)
        while keys:
            expect(time.monotonic() < deadline, "the program takes no input")
            expect(self.process.poll() is None, "the program has ended: %r" % self.output[-1000:])
            try:
                keys = keys[os.write(self.master, keys[:4096]):]
            except BlockingIOError:
                self.read(0.01)
        os.set_blocking(self.master, True)

    def resize(self, width, height):
        set_size(self.slave, width, height)
        if self.screen:
            self.screen.resize(height, width)

    def shows(self, keys, *patterns):
        """Sends keys, and Ctrl-L so that all of the screen is sent again, and waits for a pattern."""
        start = len(self.output)
        self.send(keys + b"\x0c")
        return self.wait_for(*patterns, start=start)

    def end(self):
        deadline = time.monotonic() + GUARD
        while self.process.poll() is None:
            expect(time.monotonic() < deadline, "the program does not end; output %r" % self.output[-2000:])
            self.read(0.02)
        while self.read(0.02):
            pass
        return self.process.returncode

    def expect_modes(self):
        after = termios.tcgetattr(self.slave)
        expect(after == self.before, "modes differ: before %r, after %r" % (self.before, after))

    def expect_restored(self, full=True):
        """full: this terminal has an alternate screen."""
        self.expect_modes()
        for on, off in ((b"\x1b[?2004h", b"\x1b[?2004l"), (b"\x1b[?1000h", b"\x1b[?1000l"),
                        (b"\x1b[?1006;1000h", b"\x1b[?1006;1000l")):
            expect(self.output.rfind(off) >= self.output.rfind(on), "%r is still on" % on)
        if full:
            expect(SMCUP in self.output, "the alternate screen was never entered")
            tail = self.output[self.output.rindex(SMCUP):]
            expect(RMCUP in tail, "the alternate screen was not left: %r" % tail[-300:])
            expect(CNORM in tail or b"\x1b[?12l\x1b[?25h" in tail, "the cursor is still hidden: %r" % tail[-300:])

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
        self.hang_up()

    def hang_up(self):
        """The terminal is gone."""
        if self.master >= 0:
            os.close(self.slave)
            os.close(self.master)
        self.master = self.slave = -1


class Suite:
    """Tests over one folder, some at a time, each a function of the suite. Prints TAP in their order."""

    def __init__(self):
        self.root = tempfile.mkdtemp(prefix="davidnet-pty-")
        self.local = threading.local()

    @property
    def folder(self):
        """Of the test that asks: its own, so that no other's keys reach its runs."""
        return getattr(self.local, "folder", self.root)

    def fresh(self):
        """The runs are as they were."""
        shutil.rmtree(self.folder + "/runs", ignore_errors=True)
        shutil.copytree(self.root + "/runs", self.folder + "/runs")

    def open(self, arguments, **options):
        session = Session(arguments, self.folder, **options)
        self.local.sessions.append(session)
        return session

    def train(self, name, **options):
        session = self.open(["tui", "--delay", "0.02"] + SMALL + ["--name", name], **options)
        session.wait_for(b"loading|compiling|training")
        return session

    def run(self, *arguments):
        return subprocess.run([BIN, *arguments], capture_output=True, stdin=subprocess.DEVNULL,
                              env=dict(os.environ, DAVIDNET_RUNS=self.folder + "/runs", HOME=self.folder))

    def make_run(self, name):
        """One that was stopped, to look at."""
        result = self.run("train", "--preset", "quick", *SMALL, "--data", "synthetic:1:320", "--name", name,
                          "--stop-after", "2")
        expect(result.returncode == 0, "cannot train: %r" % result.stderr)

    def one(self, test):
        self.local.sessions = []
        start = time.monotonic()
        try:
            self.local.folder = "%s/%s" % (self.root, test.__name__)
            os.makedirs(self.local.folder + "/state/davidnet")
            open(self.local.folder + "/state/davidnet/guide-seen", "w").close()  # the guide is a test of its own
            self.fresh()
            test(self)
            return None, time.monotonic() - start
        except Exception as failure:  # whatever it is, the other tests still count
            return (str(failure) if isinstance(failure, Failed) else traceback.format_exc()), time.monotonic() - start
        finally:
            for session in self.local.sessions:
                session.close()
            self.local.__dict__.clear()

    def main(self, tests, at_once=4):
        """tests: functions; (function, why) is skipped."""
        failures = 0
        print("1..%d" % len(tests))
        try:
            with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
                results = [None if isinstance(test, tuple) else pool.submit(self.one, test) for test in tests]
                for i, (test, result) in enumerate(zip(tests, results)):
                    if result is None:
                        print("ok %d - %s # SKIP %s\nSKIPPED: %s" % (i + 1, test[0].__name__[5:], test[1], test[1]))
                        continue
                    text, seconds = result.result()
                    failures += text is not None
                    print("%s %d - %s\n# %.1f s" % ("ok" if text is None else "not ok", i + 1, test.__name__[5:], seconds))
                    if text is not None:
                        print("\n".join("# " + line for line in text.splitlines()), flush=True)
                    sys.stdout.flush()
        finally:
            shutil.rmtree(self.root, ignore_errors=True)
        return 1 if failures else 0
