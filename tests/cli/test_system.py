"""With the system: levels for the journal, --ready-fd, what the manager is told of a failure, and a control socket
for a group."""
import fcntl
import grp
import json
import os
import pty
import signal
import socket
import stat
import subprocess
import termios
import threading
import unittest

from support import LIMIT_S, WARD, Case, environment, wait_for

TALKS = r"""(module
  (import "ward" "log" (func $log (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1) (data (i32.const 0) "\81\0e\00") (data (i32.const 16) "over")
  (func (export "_health") (result i32)
    (drop (call $log (i32.const 1) (i32.const 16) (i32.const 4) (i32.const 0) (i32.const 0)))
    (drop (call $log (i32.const 2) (i32.const 16) (i32.const 4) (i32.const 0) (i32.const 0)))
    (drop (call $log (i32.const 3) (i32.const 16) (i32.const 4) (i32.const 0) (i32.const 0)))
    (drop (call $log (i32.const 4) (i32.const 16) (i32.const 4) (i32.const 0) (i32.const 0)))
    (i32.const 0)))"""


def stream_of(fd):
    at = os.fstat(fd)
    return f"{at.st_dev}:{at.st_ino}"


class Started(Case):
    def start(self, config, *args, **more):
        process = subprocess.Popen([WARD, "run", str(config), *args], text=True, **more)

        def close():
            if process.poll() is None:
                process.kill()
            process.wait()
        self.addCleanup(close)
        return process

    def pipe(self):
        read, write = os.pipe()
        lines = []

        def take():
            with os.fdopen(read, encoding="utf-8") as ends:
                lines.extend(ends)
        thread = threading.Thread(target=take)
        thread.start()
        self.addCleanup(thread.join)
        return write, lines


class Journal(Started):
    def talking(self):
        guest = self.directory() / "talks.wat"
        guest.write_text(TALKS)
        return self.config(f"  talks: {{path: {guest}, health: {{interval: 20ms}}}}\n"
                           "  dim: {path: GUESTS/degraded-borsh.wat, health: {interval: 20ms}}\n"
                           "  ends: {path: GUESTS/start-traps.wat, restart: {policy: temporary}}\n")

    def test_each_line_has_its_level(self):
        write, lines = self.pipe()
        process = self.start(self.talking(), "--log-level", "debug", stdout=write, stderr=write,
                             env=environment(JOURNAL_STREAM=stream_of(write)))
        os.close(write)
        wait_for(lambda: all(any(what in line for line in list(lines)) for what in
                             ('"error"', '"given_up"', '"degraded"')), "lines")
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: any("reloaded" in line and "ward:" in line for line in list(lines)), "the reload")
        process.terminate()
        self.assertEqual(process.wait(LIMIT_S), 0)
        seen = set()
        for line in list(lines):
            self.assertRegex(line, r"^<[3-7]>")
            level, rest = int(line[1]), line[3:]
            if rest.startswith("ward: "):
                seen.add(("ward", level))
                continue
            event = json.loads(rest)
            if event["event"] == "log":
                seen.add((event["level"], level))
            elif event["event"] in ("given_up", "health", "operator", "evidence"):
                seen.add((event["event"], event.get("to"), level))
        for wanted in (("debug", 7), ("info", 6), ("warn", 4), ("error", 3), ("ward", 6),
                       ("given_up", None, 3), ("health", "degraded", 4), ("operator", None, 5),
                       ("evidence", None, 3)):
            self.assertIn(wanted, seen)

    def test_mistakes(self):
        write, lines = self.pipe()
        process = self.start(self.config("  a: {pth: x}\n  b: {path: nowhere.wasm}\n"), stderr=write,
                             env=environment(JOURNAL_STREAM=stream_of(write)))
        os.close(write)
        self.assertEqual(process.wait(LIMIT_S), 78)
        wait_for(lambda: any("mistakes" in line for line in lines), "the mistakes")
        self.assertTrue(all(line.startswith("<3>") for line in lines), lines)

    def test_another_stream_is_none_of_its(self):
        write, lines = self.pipe()
        process = self.start(self.talking(), stdout=write, stderr=subprocess.DEVNULL,
                             env=environment(JOURNAL_STREAM="1:2"))
        os.close(write)
        wait_for(lambda: len(lines) > 3, "lines")
        process.terminate()
        self.assertEqual(process.wait(LIMIT_S), 0)
        self.assertTrue(all(line.startswith("{") for line in lines))


class Terminal(Started):
    def test_one_that_has_gone_ends_it(self):
        """Who closes a terminal means what runs in it; a SIGHUP by hand is another matter."""
        parent, child = pty.openpty()
        write, lines = self.pipe()
        process = self.start(self.config("  a: {path: GUESTS/healthy-borsh.wat}\n"), stdin=child, stdout=write,
                             stderr=subprocess.DEVNULL, env=environment(), start_new_session=True,
                             preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(child)
        os.close(write)
        wait_for(lambda: any('"ready":true' in line for line in list(lines)), "ready")
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: any("reloaded" in line for line in list(lines)), "the reload")
        self.assertIsNone(process.poll())
        os.close(parent)
        self.assertEqual(process.wait(LIMIT_S), 0)


class Manager(Started):
    ONE = "  a: {path: GUESTS/healthy-borsh.wat}\n"

    def test_ready_fd(self):
        read, write = os.pipe()
        process = self.start(self.config(self.ONE), "--ready-fd", str(write), pass_fds=[write],
                             stdout=subprocess.DEVNULL, env=environment())
        os.close(write)
        with os.fdopen(read) as ends:
            self.assertEqual(ends.read(), "\n")  # and it is closed
        process.terminate()
        self.assertEqual(process.wait(LIMIT_S), 0)

    def test_a_ready_fd_that_is_none(self):
        for number, words in (("1", "standard stream"), ("77", "not open"), ("99999999999", "so large")):
            said = self.ward("run", self.config(self.ONE), "--ready-fd", number)
            self.assertEqual(said.returncode, 2, said.stderr)
            self.assertIn(words, said.stderr)

    def heard(self, config, **changes):
        place = self.directory() / "notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(str(place))
            manager.settimeout(20)
            status = self.ward("run", config, NOTIFY_SOCKET=str(place), **changes).returncode
            return status, manager.recv(4096).decode()

    def test_what_could_not_start(self):
        status, said = self.heard(self.config("  a: {pth: x}\n"))
        self.assertEqual((status, said),
                         (78, "ERRNO=22\nSTATUS=not started: mistakes in the configuration"))
        status, said = self.heard(self.config(self.ONE), WARD_HTTP="nonsense")
        self.assertEqual((status, said), (1, "STATUS=not started: the log says why"))


class Members(Started):
    """surfaces.control_group and read_group: their members get as far as the socket."""

    def place(self):
        place = self.directory()
        place.chmod(0o755)
        return place

    def group(self):
        """One that this user may give files to."""
        return grp.getgrgid(1 if os.geteuid() == 0 else os.getgid()).gr_name

    def run_at(self, place, groups=None, **more):
        groups = groups or f"control_group: {self.group()}"
        config = place / "ward.yaml"
        config.write_text(f"version: 1\nsurfaces: {{{groups}}}\ncomponents:\n"
                          f"  a: {{path: {self.guests}/healthy-borsh.wat}}\n")
        write, lines = self.pipe()
        process = self.start(config, stdout=subprocess.DEVNULL, stderr=write, env=environment(**more))
        os.close(write)
        return process, lines

    def setUp(self):
        from support import GUESTS
        self.guests = GUESTS

    def test_the_directory_lets_them_through(self):
        place = self.place()
        where = place / "new" / "run" / "control.sock"
        process, lines = self.run_at(place, WARD_CONTROL=str(where))
        wait_for(where.exists, "the socket")
        gid = grp.getgrnam(self.group()).gr_gid
        for directory in (where.parent, where.parent.parent):
            at = directory.stat()
            self.assertEqual((stat.S_IMODE(at.st_mode), at.st_gid), (0o710, gid))
        self.assertEqual(stat.S_IMODE(where.stat().st_mode), 0o660)
        if os.geteuid() == 0:
            command = [WARD, "ps", "-o", "name", "-s", str(where)]
            member = subprocess.run(command, user=65534, group=gid, extra_groups=[], text=True,
                                    capture_output=True, env=environment())
            self.assertEqual((member.stdout, member.stderr), ("a\n", ""))
            other = subprocess.run(command, user=65534, group=65534, extra_groups=[], text=True,
                                   capture_output=True, env=environment())
            self.assertEqual(other.returncode, 1)
        process.terminate()
        self.assertEqual(process.wait(LIMIT_S), 0)
        self.assertEqual(lines, [])

    def asked_by(self, where, gid):
        """What one of that group gets, who is nobody else."""
        asked = subprocess.run([WARD, "ps", "-o", "name", "-s", str(where)], user=65534, group=gid, extra_groups=[],
                               text=True, capture_output=True, env=environment())
        return asked.stdout

    def test_readers_alone(self):
        place = self.place()
        where = place / "run" / "control.sock"
        process, lines = self.run_at(place, f"read_group: {self.group()}", WARD_CONTROL=str(where))
        wait_for(where.exists, "the socket")
        self.assertEqual(stat.S_IMODE(where.parent.stat().st_mode), 0o710)
        if os.geteuid() == 0:
            self.assertEqual(self.asked_by(where, grp.getgrnam(self.group()).gr_gid), "a\n")
            self.assertEqual(self.asked_by(where, 65534), "")
        process.terminate()
        self.assertEqual(process.wait(LIMIT_S), 0)
        self.assertEqual(lines, [])

    @unittest.skipUnless(os.geteuid() == 0, "takes two groups")
    def test_both(self):
        place = self.place()
        where = place / "run" / "control.sock"
        process, lines = self.run_at(place, f"control_group: {grp.getgrgid(1).gr_name}, "
                                     f"read_group: {grp.getgrgid(2).gr_name}", WARD_CONTROL=str(where))
        wait_for(where.exists, "the socket")
        self.assertEqual(stat.S_IMODE(where.parent.stat().st_mode), 0o711)
        self.assertEqual([self.asked_by(where, gid) for gid in (1, 2, 65534)], ["a\n", "a\n", ""])
        process.terminate()
        self.assertEqual(process.wait(LIMIT_S), 0)
        self.assertEqual(lines, [])

    def test_both_are_shut_out(self):
        place = self.directory()
        place.chmod(0o700)
        group = self.group()
        process, lines = self.run_at(place, f"control_group: {group}, read_group: {group}",
                                     WARD_CONTROL=str(place / "run" / "control.sock"))
        wait_for(lambda: lines, "a warning")
        self.assertIn(f"members of the groups {group} and {group} can't reach the control socket: {place} does "
                      "not let them through", lines[0])
        process.terminate()
        self.assertEqual(process.wait(LIMIT_S), 0)

    def test_the_one_by_default_is_opened_up(self):
        place = self.place()
        (place / "ward").mkdir(mode=0o700)  # by an earlier one
        more = {"XDG_RUNTIME_DIR": str(place)}
        before = os.environ.pop("WARD_CONTROL", None)
        self.addCleanup(lambda: before and os.environ.__setitem__("WARD_CONTROL", before))
        process, _ = self.run_at(place, WARD_CONTROL="", **more)
        wait_for((place / "ward" / "control.sock").exists, "the socket")
        self.assertEqual(stat.S_IMODE((place / "ward").stat().st_mode), 0o710)
        process.terminate()
        self.assertEqual(process.wait(LIMIT_S), 0)

    def test_what_shuts_them_out_is_said(self):
        place = self.directory()
        place.chmod(0o700)
        process, lines = self.run_at(place, WARD_CONTROL=str(place / "run" / "control.sock"))
        wait_for(lambda: lines, "a warning")
        self.assertIn(f"members of the group {self.group()} can't reach the control socket: {place} does not "
                      "let them through", lines[0])
        process.terminate()
        self.assertEqual(process.wait(LIMIT_S), 0)
