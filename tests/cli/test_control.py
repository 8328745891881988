"""The commands that talk to a ward that runs, as people and scripts use them."""
import json
import os
import signal
import subprocess
import threading
import time

from support import Case, QUIET, wait_for
from test_run import Run

import support
import test_run

ADDER = ('(module (memory (export "memory") 1)'
         ' (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)'
         ' (func (export "half") (param f64) (result f64) local.get 0 f64.const 2 f64.div)'
         ' (func (export "ward_alloc") (param i32) (result i32) i32.const 1024)'
         ' (func (export "handle-message") (param i32 i32) (result i64) i64.const 0))')
FLEET = ("  adder: {path: adder.wat, version: '1.2', health: {interval: 20ms}}\n"
         "  dim: {path: GUESTS/degraded-borsh.wat, health: {interval: 20ms}}\n"
         "  many: {path: GUESTS/healthy-borsh.wat, instances: 3, health: {interval: 20ms}}\n"
         "  hangs: {path: GUESTS/loop-health.wat, health: {interval: 20ms, timeout: 50ms, fall: 1},\n"
         "          restart: {initial: 20ms, limit: 2}}\n")


class Watched(Case):
    """A ward that runs, with its socket and its journal in a directory of its own."""

    def setUp(self):
        self.config_file = self.config(FLEET)
        self.place = self.config_file.parent
        (self.place / "adder.wat").write_text(ADDER)
        self.where = {"WARD_CONTROL": str(self.place / "run" / "control.sock"),
                      "WARD_JOURNAL": str(self.place / "state" / "journal.db"),
                      "WARD_HTTP": "127.0.0.1:0"}
        before = test_run.environment
        test_run.environment = lambda **changes: before(**{**self.where, **changes})
        self.addCleanup(setattr, test_run, "environment", before)
        self.run_ = Run(self, self.config_file)
        self.run_.wait_event(event="given_up", component="hangs")
        self.run_.wait_event(event="ready", component="adder", ready=True)
        wait_for(lambda: "many.2" in self.do("ps", "-c", "healthy", "-o", "name").stdout, "many.2")

    def do(self, *args, **more):
        return self.ward(*args, **{**self.where, **more})

    def done(self, *args, **more):
        result = self.do(*args, **more)
        self.assertEqual((result.returncode, result.stderr), (0, ""), args)
        return result.stdout

    def condition(self, name):
        for member in json.loads(self.done("ps", "-o", "json")):
            if member["name"] == name:
                return member["condition"]
        return None

    def wait_condition(self, name, wanted):
        wait_for(lambda: self.condition(name) == wanted, f"{name} to be {wanted}")


class Looking(Watched):
    def test_ps(self):
        lines = self.done("ps").splitlines()
        self.assertRegex(lines[0], r"^NAME +CONDITION +FOR +GROUP +REASON$")
        self.assertEqual([line.split()[0] for line in lines[1:]],
                         ["adder", "dim", "hangs", "many.0", "many.1", "many.2"])
        self.assertRegex(self.done("ps", "dim"), r"\ndim +degraded +\d+s +High latency\n$")
        self.assertEqual(self.done("ps", "-g", "many", "-o", "name"), "many.0\nmany.1\nmany.2\n")
        self.assertEqual(self.done("ps", "--groups", "-o", "name"), "many\n")
        self.assertEqual(self.done("ps", "--sort", "condition", "-o", "name").split()[:2], ["hangs", "dim"])
        wide = self.done("ps", "-o", "wide").splitlines()
        self.assertIn("LAST CAUSE", wide[0])
        self.assertRegex(wide[3], r"^hangs +unhealthy .* failed .* hang ")
        yaml = self.done("ps", "dim", "-o", "yaml")
        self.assertIn("- \"name\": \"dim\"\n", yaml)
        self.assertIn("\"condition\": \"degraded\"\n", yaml)
        self.assertEqual(self.do("ps", "-c", "ill").returncode, 2)
        self.assertIn("no group", self.do("ps", "-g", "nobody").stderr)

    def test_tree(self):
        text = self.done("tree")
        self.assertIn("├─ many  healthy\n│  └─ 3 healthy\n", text)
        self.assertIn("hangs  unhealthy", text)
        self.assertEqual({c["name"] for c in json.loads(self.done("tree", "--json"))["components"]},
                         {"adder", "dim", "hangs", "many.0", "many.1", "many.2"})

    def test_health(self):
        self.assertEqual(self.do("health", "adder").returncode, 0)
        self.assertEqual(self.do("health", "dim", "-q").stdout, "")
        self.assertEqual(self.do("health", "--live").returncode, 0)
        sick = self.do("health", "hangs")
        self.assertEqual(sick.returncode, 1)
        whole = self.do("health")  # one is given up
        self.assertEqual(whole.returncode, 1)
        self.assertIn("hangs", whole.stderr + whole.stdout)
        self.assertEqual(self.do("health", "nobody").returncode, 1)

    def test_why_and_evidence(self):
        text = self.done("why", "hangs")
        self.assertRegex(text, r"^hangs is unhealthy, for .*: ")
        for words in ("Its last end:", "What happened: it did not come back in time",
                      "What was tried: it was restarted 2 times (hang 2)",
                      "What happens next: nothing, until somebody says `ward release hangs`",
                      "What to do: ", "_health"):
            self.assertIn(words, text)
        self.assertIn("No run of it has ended by itself", self.done("why", "adder"))
        evidence = json.loads(self.done("evidence", "hangs", "--json"))
        self.assertEqual((evidence["component"], evidence["cause"]), ("hangs", "hang"))
        older = json.loads(self.done("evidence", "hangs", "-n", "1", "--json"))
        self.assertEqual(older["number"], 1)
        self.assertIn("_health", self.done("evidence", "hangs"))
        self.assertEqual(self.do("evidence", "adder").returncode, 1)

    def test_events(self):
        def lines(*more):
            return [json.loads(line) for line in self.done("events", *more).splitlines()]
        wait_for(lambda: any(e["event"] == "given_up" for e in lines("-c", "hangs")), "the journal")
        self.assertEqual({e["component"] for e in lines("-c", "hangs")}, {"hangs"})
        self.assertEqual({e["component"] for e in lines("-c", "many", "--since", "1h")
                          if "component" in e} , {"many.0", "many.1", "many.2"})
        self.assertEqual(len(lines("-n", "2")), 2)
        self.run_.process.send_signal(signal.SIGTERM)
        self.run_.end()
        self.assertEqual(lines("-n", "1")[0]["event"], "stopped")  # nobody runs, and it is there

    def test_metrics(self):
        text = self.done("metrics")
        self.assertIn("# TYPE ward_build_info gauge\n", text)
        self.assertIn('component="adder"', self.done("metrics", "adder"))

    def test_nobody_there(self):
        for command in (["ps"], ["health"], ["why", "a"], ["stop", "a"], ["call", "a", "b"]):
            said = self.do(*command, WARD_CONTROL=str(self.place / "nowhere"))
            self.assertEqual(said.returncode, 1)
            self.assertIn("no ward answers at", said.stderr)
            self.assertIn("--socket", said.stderr)


class Talking(Case):
    def test_logs(self):
        config = test_run.RunLog.talking(self)
        where = {"WARD_CONTROL": str(config.parent / "s")}
        before = test_run.environment
        test_run.environment = lambda **changes: before(**{**where, **changes})
        self.addCleanup(setattr, test_run, "environment", before)
        run = Run(self, config)
        run.wait_event(event="log", component="talks")
        lines = [json.loads(line) for line in self.ward("logs", "--json", **where).stdout.splitlines()]
        self.assertEqual({line["level"] for line in lines} - {"trace", "info", "warn"}, set())
        self.assertEqual({line["component"] for line in lines}, {"talks"})
        warned = self.ward("logs", "talks", "-l", "warn", "-n", "2", **where).stdout
        self.assertEqual(warned.count("log warn:"), 2)
        self.assertNotIn("\x1b", warned)  # of the guest's
        self.assertEqual(self.ward("logs", "nobody", **where).stdout, "")

    GUEST = test_run.RunLog.GUEST


class Commanding(Watched):
    def test_stop_and_start(self):
        self.done("stop", "adder", "many")
        self.wait_condition("adder", "stopped")
        self.wait_condition("many.1", "stopped")
        self.done("start", "adder", "many")
        self.wait_condition("adder", "healthy")
        self.wait_condition("many.1", "healthy")
        who = self.run_.wait_event(event="operator", component="adder")
        self.assertIn("stop", who["reason"])
        self.assertRegex(who["reason"], r"uid %d|root" % os.getuid())

    def test_restart_quarantine_release(self):
        self.done("restart", "adder")
        self.run_.wait_event(event="restart", component="adder", cause="operator")
        self.wait_condition("adder", "healthy")
        self.done("quarantine", "adder")
        self.wait_condition("adder", "unhealthy")
        self.done("release", "adder", "hangs")
        self.wait_condition("adder", "healthy")
        self.assertIsNone(self.run_.process.poll())
        for words in (["restart", "nobody"], ["release", "adder"]):
            said = self.do(*words)
            self.assertEqual(said.returncode, 1)
            self.assertIn(words[1], said.stderr)

    def test_call_and_send(self):
        self.assertEqual(self.done("call", "adder", "add", "2", "3"), "5\n")
        self.assertEqual(self.done("call", "adder", "add", "--", "-2", "3"), "1\n")
        self.assertEqual(self.done("call", "adder", "half", "1.5"), "0.75\n")
        self.assertIn("no such export", self.do("call", "adder", "nothing").stderr)
        self.assertEqual(self.do("call", "adder", "add", "x", "3").returncode, 2)
        self.done("send", "adder", "hello")
        self.done("send", "adder", stdin="a longer one")
        self.assertEqual(self.do("send", "nobody", "x").returncode, 1)

    def test_everything_stopped_by_hand_goes_on(self):
        self.done("stop", "adder", "dim", "many")
        self.wait_condition("many.2", "stopped")
        self.done("quarantine", "adder")
        time.sleep(0.2)
        self.assertIsNone(self.run_.process.poll())

    def test_follow(self):
        seen = []
        follower = subprocess.Popen([support.WARD, "events", "-f", "--json", "-c", "adder"],
                                    stdout=subprocess.PIPE, text=True,
                                    env=support.environment(**self.where))
        thread = threading.Thread(target=seen.extend, args=(follower.stdout,))
        thread.start()
        try:
            def restarted():
                self.do("restart", "adder")
                return any(json.loads(line)["event"] == "restart" for line in list(seen))
            wait_for(restarted, "a restart in the stream")
        finally:
            follower.terminate()
            follower.wait()
            thread.join()
            follower.stdout.close()
        self.assertEqual({json.loads(line)["component"] for line in seen}, {"adder"})


class Places(Case):
    def test_taken(self):
        where = {"WARD_CONTROL": str(self.directory() / "s"), "WARD_JOURNAL": str(self.directory() / "j.db")}
        before = test_run.environment
        test_run.environment = lambda **changes: before(**{**where, **changes})
        self.addCleanup(setattr, test_run, "environment", before)
        config = self.config("  a: {path: GUESTS/healthy-borsh.wat}\n")
        first = Run(self, config)
        first.wait_event(event="ready", component="a")
        for free in ("WARD_CONTROL", "WARD_JOURNAL"):
            second = self.ward("run", config, **{**QUIET, free: where[free]})
            self.assertEqual(second.returncode, 1)
            self.assertIn(where[free], second.stderr)
            self.assertIn("another", second.stderr)
        bad = self.ward("run", config, WARD_HTTP="nonsense")
        self.assertEqual(bad.returncode, 1)
        self.assertIn("HOST:PORT", bad.stderr)
        first.process.kill()
        first.end()
        again = Run(self, config)  # what a killed one leaves behind is in nobody's way
        again.wait_event(event="ready", component="a")
