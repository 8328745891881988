"""A ward that serves, for clients of others: what tests/cli has, with ports that are known."""
import pathlib
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cli"))
import test_run  # noqa: E402
from support import LIMIT_S, Case, wait_for  # noqa: E402,F401

HOST = "127.0.0.1"
SKIPPED = 77  # what ctest takes for it

# become(0) well, 1 hangs: at its next health check. It takes messages, and answers with nothing.
GUEST = """(module (memory (export "memory") 32)
  (global $mode (mut i32) (i32.const 0))
  (func (export "become") (param i32) (result i32) (global.set $mode (local.get 0)) (i32.const 0))
  (func (export "_health") (result i64)
    (if (i32.eq (global.get $mode) (i32.const 1)) (then (loop $forever (br $forever))))
    (i64.const 0))
  (func (export "ward_alloc") (param i32) (result i32) i32.const 1024)
  (func (export "handle-message") (param i32 i32) (result i64) (i64.const 0)))"""


def loud(what):
    print(f"***** SKIPPED: {what} *****", flush=True)


def free_ports(count):
    """Ports that nobody listens on; all are held until all are known."""
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind((HOST, 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def ask(*command, timeout=LIMIT_S):
    """The exit status of a program, and what it said."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          check=False, timeout=timeout)
    return done.returncode, (done.stdout + done.stderr).strip()


class Served(Case):
    """`components` are lines of ward.yaml; guest.wat is GUEST."""

    def serve(self, components, head="version: 1\n"):
        config = self.config(components, head=head)
        place = config.parent
        (place / "guest.wat").write_text(GUEST)
        self.http, self.grpc = free_ports(2)
        self.where = {"WARD_HTTP": f"{HOST}:{self.http}", "WARD_GRPC": f"{HOST}:{self.grpc}",
                      "WARD_CONTROL": str(place / "control.sock"),
                      "WARD_JOURNAL": str(place / "journal.db")}
        before = test_run.environment
        test_run.environment = lambda **changes: before(**{**self.where, **changes})
        self.addCleanup(setattr, test_run, "environment", before)
        return test_run.Run(self, config)

    def do(self, *args):
        done = self.ward(*args, **self.where)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout
