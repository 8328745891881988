"""The line that tells how far a long beginning is, on a terminal of our own."""
import os
import pty
import re
import select
import signal
import subprocess
import time

import support
from support import LIMIT_S, WARD, Case

# Its start takes a second and a half, in poll_oneoff.
SLEEPER = r"""(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 80) "\01")
  (data (i32.const 88) "\00\2f\68\59\00\00\00\00")
  (func (export "_initialize") (drop (call $poll (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 512)))))
"""
SLOW = ("  quick: {path: GUESTS/healthy-borsh.wat, health: {interval: 20ms}}\n"
        "  talks: {path: GUESTS/degraded-borsh.wat, health: {interval: 20ms}}\n"
        "  slow: {path: slow.wat}\n"
        "  last: {path: GUESTS/healthy-borsh.wat, needs: [slow]}\n")
BAR = re.compile(r"\r(\w+ [^\r\n]*?)\x1b\[K")


class Bar(Case):
    def begin(self, *args, **changes):
        """What `ward run` writes to a terminal until all is ready, and then some."""
        config = self.config(SLOW)
        (config.parent / "slow.wat").write_text(SLEEPER)
        parent, child = pty.openpty()
        environment = support.environment(**changes)
        for name in ("CI",):
            if name not in changes:
                environment.pop(name, None)
        # A session of its own, whose terminal it is: a bar is for who is in the foreground.
        run = subprocess.Popen(["setsid", "--ctty", "--wait", WARD, "run", config, *args],
                               stdin=child, stdout=child, stderr=child, env=environment)
        os.close(child)
        self.addCleanup(run.wait)
        self.addCleanup(run.kill)
        return run, parent

    def read(self, parent, until, for_s=LIMIT_S):
        written, end = "", time.monotonic() + for_s
        while not until(written) and time.monotonic() < end:
            if select.select([parent], [], [], 0.05)[0]:
                try:
                    written += os.read(parent, 65536).decode()
                except OSError:  # everybody has closed it
                    break
        return written

    def end(self, run, parent):
        os.write(parent, b"\x03")
        written = self.read(parent, lambda text: "all components are stopped" in text)
        run.wait(LIMIT_S)
        os.close(parent)
        return written

    def test_it_comes_and_goes_and_lines_stay_whole(self):
        run, parent = self.begin()
        written = self.read(parent, lambda text: re.search(r"  last +\S*healthy", text))
        written += self.end(run, parent)
        bars = [bar for bar in BAR.findall(written)]
        self.assertTrue(bars, written)
        self.assertTrue(any(re.match(r"starting [23]/4 \[#+\.+\] \d s$", bar) for bar in bars), bars)
        # Each is taken away before anything else comes, and nothing of it is left in any line.
        lines = BAR.sub("", written).replace("\r\x1b[K", "").split("\r\n")
        for line in lines:
            plain = re.sub(r"\x1b\[\d*m", "", line)
            self.assertRegex(plain, r"^($|\d\d:\d\d:\d\d\.\d{3}  |\^C|ward: )", repr(line))
        for drawn in re.finditer(BAR, written):
            self.assertEqual(written[drawn.end()], "\r", written[drawn.start():drawn.end() + 20])

    def test_where_there_is_none(self):
        for args, changes in (([], {"CI": "true"}), ([], {"TERM": "dumb"}), (["--quiet"], {})):
            with self.subTest(args=args, changes=changes):
                run, parent = self.begin(*args, **changes)
                written = self.read(parent, lambda text: re.search(r"  last +\S*healthy", text),
                                    3 if args else LIMIT_S)
                self.assertNotIn("\x1b[K", written)
                os.write(parent, b"\x03")
                self.read(parent, lambda text: False, 0.3)
                run.wait(LIMIT_S)
                os.close(parent)

    def test_none_in_pipes(self):
        config = self.config(SLOW)
        (config.parent / "slow.wat").write_text(SLEEPER)
        run = subprocess.Popen([WARD, "run", config], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, env=support.environment())
        self.addCleanup(run.wait)
        self.addCleanup(run.kill)
        for line in run.stdout:
            if '"last"' in line and '"to":"ready"' in line:
                break
        run.send_signal(signal.SIGTERM)
        out, err = run.communicate(timeout=LIMIT_S)
        self.assertNotIn("\x1b", out + err)
        self.assertEqual(err, "")
