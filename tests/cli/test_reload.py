"""Another ward.yaml while all runs: by SIGHUP, and by `ward reload`."""
import json
import os
import signal
import socket
import threading

import test_run
from support import GUESTS, Case, wait_for
from test_run import Run

COUNTER = ('(module (global $n (mut i32) (i32.const 0)) (memory (export "memory") 1)'
           ' (data (i32.const 16) "\\81\\0e\\00") (func (export "_health") (result i32) i32.const 16)'
           ' (func (export "bump") (result i32)'
           '  (global.set $n (i32.add (global.get $n) (i32.const STEP))) (global.get $n)))')
FAST = "health: {interval: 20ms}"


class Reloaded(Case):
    def start(self, components, head="version: 1\n"):
        self.config_file = self.config(components, head)
        self.place = self.config_file.parent
        self.guest("counter.wat", 1)
        self.where = {"WARD_CONTROL": str(self.place / "run" / "control.sock"),
                      "WARD_JOURNAL": str(self.place / "state" / "journal.db")}
        before = test_run.environment
        test_run.environment = lambda **changes: before(**{**self.where, **changes})
        self.addCleanup(setattr, test_run, "environment", before)
        self.run_ = Run(self, self.config_file)

    def guest(self, name, step):
        new = self.place / (name + ".new")
        new.write_text(COUNTER.replace("STEP", str(step)))
        new.rename(self.place / name)

    def write(self, components, head="version: 1\n"):
        self.config_file.write_text(
            head + "components:\n" + components.replace("GUESTS", str(GUESTS)))

    def do(self, *args):
        return self.ward(*args, **self.where)

    def reload(self, *args):
        result = self.do("reload", "--json", *args)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def bump(self, name):
        result = self.do("call", name, "bump")
        self.assertEqual(result.returncode, 0, result.stderr)
        return int(result.stdout)

    def wait_names(self, *names):
        wait_for(lambda: self.do("ps", "-o", "name", "-c", "healthy").stdout.split() == sorted(names),
                 f"{names} to be healthy")

    def hup(self):
        self.run_.process.send_signal(signal.SIGHUP)

    def wait_error(self, words):
        return wait_for(lambda: [line for line in list(self.run_.errors) if words in line], words)

    def stop(self, status=0):
        self.run_.process.terminate()
        self.assertEqual(self.run_.end(), status)


class Reload(Reloaded):
    def test_what_comes_changes_goes_and_stays(self):
        self.start(f"  keep: {{path: counter.wat, needs: [base], {FAST}}}\n"
                   f"  base: {{path: counter.wat, {FAST}}}\n"
                   f"  many: {{path: counter.wat, instances: 3, {FAST}}}\n"
                   f"  gone: {{path: counter.wat, needs: [base], {FAST}}}\n")
        self.wait_names("keep", "base", "gone", "many.0", "many.1", "many.2")
        self.assertEqual([self.bump("keep"), self.bump("base"), self.bump("many.0")], [1, 1, 1])
        self.write(f"  keep: {{path: counter.wat, needs: [base], {FAST}}}\n"
                   f"  base: {{path: counter.wat, stop_timeout: 1s, {FAST}}}\n"
                   f"  many: {{path: counter.wat, instances: 5, {FAST}}}\n"
                   f"  new: {{path: counter.wat, needs: [base, many], {FAST}}}\n")
        self.hup()
        self.assertEqual(self.wait_error("reloaded"),
                         ["ward: reloaded: 1 added, 1 replaced, 1 resized, 1 removed, 1 unchanged\n"])
        self.wait_names("keep", "base", "new", *(f"many.{i}" for i in range(5)))
        self.assertEqual(self.bump("keep"), 2)  # its instance and state are the same
        self.assertEqual(self.bump("base"), 1)
        self.assertEqual(self.bump("many.0"), 2)
        self.assertEqual(self.bump("many.4"), 1)
        told = self.run_.wait_event(event="operator", reason="reloaded: 1 added, 1 replaced, "
                                    "1 resized, 1 removed, 1 unchanged")
        self.assertNotIn("component", told)
        who = [e["reason"] for e in self.run_.events() if "SIGHUP" in e.get("reason", "")]
        self.assertRegex(who[0], rf"^reload, by SIGHUP of .* \(uid {os.getuid()}, pid {os.getpid()}\)$")
        restarts = [e for e in self.run_.events() if e["event"] == "restart"]
        self.assertEqual(restarts, [])
        self.write(f"  keep: {{path: counter.wat, needs: [base], {FAST}}}\n"
                   f"  base: {{path: counter.wat, stop_timeout: 1s, {FAST}}}\n"
                   f"  many: {{path: counter.wat, instances: 2, {FAST}}}\n"
                   f"  new: {{path: counter.wat, needs: [base, many], {FAST}}}\n")
        document = self.reload()
        self.assertEqual(document["components"]["resized"], [{"name": "many", "why": "instances"}])
        self.wait_names("keep", "base", "new", "many.0", "many.1")
        self.assertEqual(self.bump("keep"), 3)
        self.stop()

    def test_another_module_of_the_same_name(self):
        self.start(f"  a: {{path: counter.wat, {FAST}}}\n  b: {{path: other.wat, {FAST}}}\n")
        self.guest("other.wat", 1)
        self.run_.close()
        self.run_ = Run(self, self.config_file)
        self.wait_names("a", "b")
        self.assertEqual([self.bump("a"), self.bump("b")], [1, 1])
        self.guest("other.wat", 100)
        document = self.reload()
        self.assertEqual(document["components"]["changed"],
                         [{"name": "b", "why": "the file of its module"}])
        self.wait_names("a", "b")
        self.assertEqual([self.bump("a"), self.bump("b")], [2, 100])
        self.assertEqual(self.reload()["components"]["unchanged"], 2)
        self.assertEqual([self.bump("a"), self.bump("b")], [3, 200])
        self.stop()

    def test_mistakes_change_nothing(self):
        self.start(f"  a: {{path: counter.wat, {FAST}}}\n")
        self.wait_names("a")
        self.assertEqual(self.bump("a"), 1)
        self.write("  a: {path: nowhere.wat}\n  b: {pth: counter.wat}\n")
        self.hup()
        self.wait_error("not reloaded")
        said = "".join(self.run_.errors)
        self.assertRegex(said, r"ward\.yaml:3:\d+: .*nowhere")
        self.assertRegex(said, r"ward\.yaml:4:\d+: .*did you mean `path`")
        self.assertIn("all goes on as it was", said)
        failed = self.do("reload")
        self.assertEqual((failed.returncode, failed.stdout), (1, ""))
        self.assertRegex(failed.stderr, r"ward\.yaml:3:\d+: .*nowhere")
        self.assertRegex(failed.stderr, r"ward: reload: .*ward\.yaml: \d mistakes")
        problem = json.loads(self.do("reload", "--json").stdout)
        self.assertEqual((problem["status"], problem["configuration"]["mistakes"][0]["line"]), (409, 3))
        self.config_file.unlink()
        failed = self.do("reload")
        self.assertEqual(failed.returncode, 1)
        self.assertIn("no such file", failed.stderr)
        wait_for(lambda: any("not reloaded" in e.get("reason", "") for e in self.run_.events()),
                 "the event")
        self.assertEqual(self.bump("a"), 2)
        self.stop()

    def test_what_takes_a_restart_is_said_each_time(self):
        self.start(f"  a: {{path: counter.wat, {FAST}}}\n")
        self.wait_names("a")
        head = "version: 1\nhost: {workers: 3}\nsurfaces: {connections_max: 50}\n"
        self.write(f"  a: {{path: counter.wat, {FAST}}}\n  b: {{path: counter.wat, {FAST}}}\n", head)
        for added in (["b"], []):
            document = self.reload()
            self.assertEqual(document["takes_restart"], ["host.workers", "surfaces.connections_max"])
            self.assertEqual(document["components"]["added"], added)
        self.wait_names("a", "b")
        self.assertIn("host.workers, surfaces.connections_max: this is otherwise in the file",
                      "".join(self.run_.errors))
        text = self.do("reload")
        self.assertEqual(text.returncode, 0)
        self.assertEqual(text.stdout, "reloaded: 2 unchanged; some of it takes a restart\n")
        self.assertIn("reload: host.workers is otherwise in the file", text.stderr)
        self.stop()

    def test_more_than_it_was_started_with(self):
        self.start("  a: {path: counter.wat}\n", "version: 1\nhost: {components_max: 2}\n")
        wait_for(lambda: self.do("ps", "-o", "name").stdout == "a\n", "a")
        self.write("  a: {path: counter.wat, instances: 3}\n",
                   "version: 1\nhost: {components_max: 3}\n")
        failed = self.do("reload")
        self.assertEqual(failed.returncode, 1)
        self.assertIn("was started with room for 2 components", failed.stderr)
        self.stop()

    def test_groups(self):
        group = "version: 1\ngroups:\n  g: {GROUP}\n"
        members = (f"  a: {{path: counter.wat, group: g, {FAST}}}\n"
                   f"  b: {{path: counter.wat, group: g, {FAST}}}\n")
        self.start(members, group.replace("GROUP", "strategy: one_for_one"))
        self.wait_names("a", "b")
        self.assertEqual(self.bump("a"), 1)
        self.write(members, group.replace("GROUP", "strategy: one_for_all, healthy_when: any"))
        document = self.reload()
        self.assertEqual(document["groups"]["changed"], [{"name": "g", "why": "strategy"}])
        self.assertEqual(document["components"]["unchanged"], 2)
        self.run_.wait_event(event="group", group="g", to="changed")
        self.assertEqual(self.bump("a"), 2)
        # A group that moves takes all in it along.
        self.write(members, "version: 1\ngroups:\n  top: {}\n  g: {group: top}\n")
        document = self.reload()
        self.assertEqual([c["name"] for c in document["components"]["anew"]], ["a", "b"])
        self.wait_names("a", "b")
        self.assertEqual(self.bump("a"), 1)
        self.write(f"  a: {{path: counter.wat, {FAST}}}\n")
        document = self.reload()
        self.assertEqual((document["groups"]["removed"], document["components"]["removed"]),
                         (["g", "top"], ["b"]))
        self.assertEqual(self.do("ps", "--groups", "-o", "name").stdout, "")
        self.wait_names("a")
        self.stop()

    def test_one_that_cannot_start_is_there_to_be_seen(self):
        self.start(f"  a: {{path: counter.wat, {FAST}}}\n")
        self.wait_names("a")
        (self.place / "broken.wasm").write_bytes(b"\0asm\1\0\0\0\xff\xff")
        self.write(f"  a: {{path: counter.wat, {FAST}}}\n"
                   "  broken: {path: broken.wasm, restart: {policy: temporary}}\n"
                   f"  c: {{path: counter.wat, {FAST}}}\n")
        self.assertEqual(self.reload()["components"]["added"], ["broken", "c"])
        self.wait_names("a", "c")
        self.run_.wait_event(event="given_up", component="broken")
        self.assertIn("broken", self.do("ps", "-c", "unhealthy", "-o", "name").stdout)
        self.stop()

    def test_what_hangs_is_waited_for_and_the_rest_serves(self):
        self.start(f"  a: {{path: counter.wat, {FAST}}}\n"
                   "  hangs: {path: GUESTS/cleanup-loops.wat, stop_timeout: 1s}\n")
        self.run_.wait_event(event="state", component="hangs", to="ready")
        self.wait_names("a", "hangs")
        self.write(f"  a: {{path: counter.wat, {FAST}}}\n"
                   "  hangs: {path: counter.wat}\n")
        self.hup()
        self.run_.wait_event(event="state", component="hangs", to="stopping")
        self.assertEqual(self.bump("a"), 1)
        # Once more while it is at it: done after it, and it finds all as it is to be.
        self.write(f"  a: {{path: counter.wat, {FAST}}}\n"
                   f"  hangs: {{path: counter.wat}}\n  late: {{path: counter.wat, {FAST}}}\n")
        self.hup()
        self.hup()
        wait_for(lambda: "late" in self.do("ps", "-o", "name").stdout, "late")
        self.wait_error("1 added, 2 unchanged")
        self.assertEqual(self.bump("hangs"), 1)
        self.assertEqual(self.bump("a"), 2)
        self.stop()

    def test_many_signals_at_once(self):
        self.start(f"  a: {{path: counter.wat, {FAST}}}\n")
        self.wait_names("a")
        self.write(f"  a: {{path: counter.wat, {FAST}}}\n  b: {{path: counter.wat, {FAST}}}\n")
        for _ in range(200):
            self.hup()
        self.wait_names("a", "b")
        askers = [threading.Thread(target=self.reload) for _ in range(3)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
        self.assertEqual(self.bump("a"), 1)
        self.stop()
        self.assertFalse([line for line in self.run_.errors if "ended at once" in line])

    def test_while_stopping(self):
        self.start("  slow: {path: GUESTS/cleanup-loops.wat, stop_timeout: 1s}\n")
        self.run_.wait_event(event="state", component="slow", to="ready")
        self.write("  slow: {path: counter.wat}\n")
        self.run_.process.terminate()
        self.run_.wait_event(event="state", component="slow", to="stopping")
        self.hup()
        self.assertEqual(self.run_.end(), 0)
        self.assertIn("ward: SIGHUP: nothing is reloaded any more: stopping\n", self.run_.errors)

    def test_a_stop_overtakes_it(self):
        self.start("  slow: {path: GUESTS/cleanup-loops.wat, stop_timeout: 1s}\n"
                   f"  a: {{path: counter.wat, {FAST}}}\n")
        self.run_.wait_event(event="state", component="slow", to="ready")
        self.write("  slow: {path: counter.wat}\n  b: {path: counter.wat}\n")
        asked = []
        asker = threading.Thread(target=lambda: asked.append(self.do("reload")))
        asker.start()
        self.run_.wait_event(event="state", component="slow", to="stopping")
        self.run_.process.terminate()
        self.assertEqual(self.run_.end(), 0)
        asker.join()
        self.assertEqual(asked[0].returncode, 1)

    def test_by_hand_and_by_file(self):
        """What somebody has stopped stays so; what somebody has removed, the file brings back."""
        self.start(f"  a: {{path: counter.wat, {FAST}}}\n  b: {{path: counter.wat, {FAST}}}\n"
                   f"  c: {{path: counter.wat, {FAST}}}\n")
        self.wait_names("a", "b", "c")
        self.do("stop", "a")
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(self.where["WARD_CONTROL"])
            control.sendall(b"DELETE /api/v1/components/b HTTP/1.1\r\nHost: w\r\n\r\n")
            self.assertIn(b" 202 ", control.recv(4096))
        wait_for(lambda: self.do("ps", "-o", "name").stdout == "a\nc\n", "b to be gone")
        self.write(f"  a: {{path: counter.wat, stop_timeout: 1s, {FAST}}}\n"
                   f"  b: {{path: counter.wat, {FAST}}}\n  c: {{path: counter.wat, {FAST}}}\n")
        document = self.reload()
        self.assertEqual((document["components"]["added"], document["components"]["unchanged"]),
                         (["b"], 1))
        self.wait_names("b", "c")
        self.assertEqual(self.do("ps", "a", "-c", "stopped", "-o", "name").stdout, "a\n")
        self.do("start", "a")
        self.wait_names("a", "b", "c")
        self.stop()

    def test_all_that_is_left_ends_it(self):
        """A reload is no hand that will have more to say."""
        self.start(f"  a: {{path: counter.wat, {FAST}}}\n")
        self.wait_names("a")
        self.write("  b: {path: GUESTS/start-traps.wat, restart: {policy: temporary}}\n")
        self.hup()
        self.assertEqual(self.run_.end(), 1)
        self.assertIn("every component has ended", "".join(self.run_.errors))


class Notified(Reloaded):
    """As systemd starts it: told when it is read anew, and when that is over."""

    def test_states(self):
        place = self.directory()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(listener.close)
        listener.bind(str(place / "notify"))
        listener.settimeout(20)
        before = test_run.environment
        test_run.environment = lambda **changes: before(
            **{"NOTIFY_SOCKET": str(place / "notify"), **changes})
        self.addCleanup(setattr, test_run, "environment", before)
        said = []

        def hear(words):
            while not any(line.startswith(words) for line in said):
                said.extend(listener.recv(4096).decode().split("\n"))
            state = [line for line in said if line.startswith(words)][0]
            said.clear()
            return state
        self.start(f"  a: {{path: counter.wat, {FAST}}}\n")
        hear("READY=1")
        self.hup()
        hear("RELOADING=1")
        hear("READY=1")
        self.write("  a: {}\n")
        self.assertEqual(self.do("reload").returncode, 1)
        hear("RELOADING=1")
        hear("READY=1")
        self.stop()
        hear("STOPPING=1")
