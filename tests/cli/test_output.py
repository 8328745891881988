"""Streams: full disks, readers that go away, colours."""
import json
import os
import pty
import subprocess

from support import GUESTS, HIGH_LATENCY, WARD, Case, environment

CHECK = ["check", str(GUESTS / "degraded-borsh.wat")]
DECODE = ["frame", "decode", HIGH_LATENCY]


def on_terminal(*args, **changes):
    """What a terminal gets, and the exit status."""
    parent, child = pty.openpty()
    with subprocess.Popen([WARD, *args], stdin=child, stdout=child, stderr=child,
                          env=environment(**changes)) as ward:
        os.close(child)
        shown = b""
        while True:
            try:
                part = os.read(parent, 65536)
            except OSError:  # the other side is gone
                break
            if not part:
                break
            shown += part
        status = ward.wait()
    os.close(parent)
    return shown.decode(), status


class Output(Case):
    def test_a_full_disk_is_said(self):
        for args, status in ((CHECK, 3), (CHECK + ["--json"], 3), (DECODE, 1), (["--help"], 1),
                             (["validate", "--schema"], 1), (["version"], 1),
                             (["completion", "bash"], 1)):
            with self.subTest(args), open("/dev/full", "w") as full:
                done = subprocess.run([WARD, *args], stdout=full, stderr=subprocess.PIPE, text=True,
                                      env=environment())
                self.assertEqual(done.returncode, status)
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
                self.assertIn("cannot write to standard output: ", done.stderr)

    def test_a_closed_stream_is_no_other_file(self):
        config = self.config("  a: {path: GUESTS/healthy-borsh.wat}\n")
        run = subprocess.Popen(["sh", "-c", f"exec '{WARD}' run '{config}' >&-"], text=True,
                               stderr=subprocess.PIPE, env=environment())
        self.addCleanup(run.wait)
        self.addCleanup(run.kill)
        self.assertIn("Bad file descriptor", run.stderr.readline())
        run.stderr.close()

    def test_names_of_files_are_any_bytes(self):
        place = os.fsencode(self.directory())
        guest = place + b"/\xff\x1b[31m.wat"
        with open(guest, "wb") as file:
            file.write((GUESTS / "no-export.wat").read_bytes())
        for command, path, key in (("inspect", guest, "file"), ("check", place + b"/\xffx.wat", "detail")):
            done = subprocess.run([WARD, command, "--json", path], capture_output=True, env=environment())
            self.assertIn("\ufffd", json.loads(done.stdout)[key])
        with open(place + b"/ward.yaml", "w") as file:
            file.write('version: 1\ncomponents: {a: {path: "\\e[31mx.wasm"}}\n')
        for args in (["inspect", guest], ["validate", place + b"/ward.yaml"]):
            done = subprocess.run([WARD, *args], capture_output=True, env=environment())
            self.assertIn(b"\\x1b[31m", done.stdout)
            self.assertNotIn(b"\x1b", done.stdout)

    def test_a_reader_that_is_gone_is_no_failure(self):
        for args, status, stdin in ((CHECK, 1, b""), (DECODE, 0, b""), (["--help"], 0, b""),
                                    (["frame", "decode", "-"], 0, b"810e00\n" * 100000)):
            with self.subTest(args):
                read, write = os.pipe()
                os.close(read)
                done = subprocess.run([WARD, *args], stdout=write, stderr=subprocess.PIPE,
                                      input=stdin, env=environment())
                os.close(write)
                self.assertEqual((done.returncode, done.stderr), (status, b""))

    def test_colours_only_on_a_terminal(self):
        self.assertNotIn("\x1b", self.ward(*DECODE).stdout)
        shown, status = on_terminal(*CHECK)
        self.assertEqual(status, 1)
        self.assertIn("\x1b[33mdegraded\x1b[0m: High latency", shown)
        for change in ({"NO_COLOR": "1"}, {"WARD_NO_COLOR": "1"}, {"TERM": "dumb"}):
            with self.subTest(change):
                self.assertNotIn("\x1b", on_terminal(*CHECK, **change)[0])
        self.assertIn("\x1b", on_terminal(*CHECK, NO_COLOR="")[0])  # set to nothing is not set
        self.assertNotIn("\x1b", on_terminal("--no-color", *CHECK)[0])
        self.assertNotIn("\x1b", on_terminal(*CHECK, "--no-color")[0])

    def test_streams_are_looked_at_apart(self):
        parent, child = pty.openpty()
        done = subprocess.run([WARD, "check", "/nowhere"], stdout=child, stderr=subprocess.PIPE,
                              env=environment())
        os.close(child)
        os.close(parent)
        self.assertNotIn(b"\x1b", done.stderr)

    def test_raw_bytes_are_nothing_for_a_terminal(self):
        shown, status = on_terminal("frame", "encode", "--raw", "healthy")
        self.assertEqual(status, 2)
        self.assertIn("send them to a file", shown)
