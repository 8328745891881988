"""What the end-to-end tests share: where things are, and how the binary is run."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

TESTS = pathlib.Path(__file__).resolve().parent.parent
GUESTS = TESTS / "guests"
WARD = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "ward"
# Many run at once, and most are not about who watches.
QUIET = {f"WARD_{what}": "off" for what in ("HTTP", "GRPC", "CONTROL", "JOURNAL")}
LIMIT_S = 60  # generous: only a hang reaches it

HEALTHY = "810e00"
HIGH_LATENCY = "810e010c00000048696768206c6174656e6379"


def environment(**changes):
    """The caller's environment without what changes the output, and with a cache of its own."""
    plain = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "WARD_NO_COLOR")}
    return {**plain, "TERM": "xterm", "XDG_CACHE_HOME": Case.cache.name, **QUIET, **changes}


class Case(unittest.TestCase):
    maxDiff = None
    cache = tempfile.TemporaryDirectory(prefix="ward-test-")

    def ward(self, *args, stdin="", **changes):
        """Runs to the end; standard streams are pipes."""
        return subprocess.run([WARD, *map(str, args)], input=stdin, capture_output=True,
                              text=True, timeout=LIMIT_S, env=environment(**changes))

    def ward_json(self, *args, **more):
        return json.loads(self.ward(*args, **more).stdout)

    def directory(self):
        made = tempfile.TemporaryDirectory(prefix="ward-test-")
        self.addCleanup(made.cleanup)
        return pathlib.Path(made.name)

    def config(self, components, head="version: 1\n"):
        """A ward.yaml of `components`: lines below `components:`. GUESTS stands for their directory."""
        path = self.directory() / "ward.yaml"
        path.write_text(head + "components:\n" + components.replace("GUESTS", str(GUESTS)))
        return path


def wait_for(condition, what):
    until = time.monotonic() + LIMIT_S
    while time.monotonic() < until:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError("waited in vain for " + what)
