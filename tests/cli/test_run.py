"""ward run: events, signals, and the exit status."""
import json
import os
import pty
import re
import signal
import subprocess
import threading
import time

from support import LIMIT_S, WARD, Case, environment, wait_for

TWO = ("  first: {path: GUESTS/healthy-borsh.wat, health: {interval: 20ms}}\n"
       "  second: {path: GUESTS/degraded-borsh.wat, needs: [first], health: {interval: 20ms}}\n")


class Run:
    """A running `ward run`, whose lines are read as they come."""

    def __init__(self, case, config, *args, stdout=subprocess.PIPE):
        self.errors = []
        self.lines = []
        self.process = subprocess.Popen([WARD, "run", str(config), *args], stdout=stdout,
                                        stderr=subprocess.PIPE, text=True, env=environment())
        self.threads = [threading.Thread(target=self.errors.extend, args=(self.process.stderr,))]
        if stdout == subprocess.PIPE:
            self.threads.append(
                threading.Thread(target=self.lines.extend, args=(self.process.stdout,)))
        for thread in self.threads:
            thread.start()
        case.addCleanup(self.close)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for thread in self.threads:
            thread.join()
        self.process.stderr.close()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def events(self):
        return [json.loads(line) for line in list(self.lines)]

    def wait_event(self, **wanted):
        def found():
            for event in self.events():
                if all(event.get(k) == v for k, v in wanted.items()):
                    return event
            assert self.process.poll() is None, (self.process.poll(), self.lines, self.errors)
            return None
        return wait_for(found, str(wanted))

    def end(self):
        status = self.process.wait(LIMIT_S)
        self.close()
        # Said when stopping takes its time: on a busy machine, of any run.
        self.waited = [line for line in self.errors if "still stopping" in line]
        self.errors = [line for line in self.errors if "still stopping" not in line]
        return status


class RunEvents(Case):
    def test_in_order_of_needs_and_stopped_by_a_signal(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                run = Run(self, self.config(TWO))
                run.wait_event(event="health", component="second", to="degraded")
                run.process.send_signal(number)
                self.assertEqual(run.end(), 0)
                events = run.events()
                self.assertEqual(events[-1]["event"], "stopped")
                self.assertNotIn("component", events[-1])
                self.assertEqual([e["sequence"] for e in events], list(range(1, len(events) + 1)))
                order = [(e["component"], e["to"]) for e in events if e["event"] == "state"]
                for earlier, later in ((("first", "ready"), ("second", "starting")),
                                       (("second", "terminated"), ("first", "stopping"))):
                    self.assertLess(order.index(earlier), order.index(later))
                self.assertEqual(run.errors, [])

    def test_shape(self):
        run = Run(self, self.config(TWO))
        health = run.wait_event(event="health", component="second", to="degraded")
        state = run.wait_event(event="state", component="first", to="ready")
        ready = run.wait_event(event="ready", component="second")
        run.process.terminate()
        run.end()
        self.assertRegex(health["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
        common = ["time", "sequence", "event", "component"]
        self.assertEqual(list(health), common + ["from", "to", "source", "probe_error", "reason"])
        self.assertEqual((health["source"], health["probe_error"], health["reason"]),
                         ("probe", None, "High latency"))
        self.assertEqual(list(state), common + ["from", "to", "reason"])
        self.assertEqual(list(ready), common + ["ready", "reason"])

    def test_version(self):
        run = Run(self, self.config(
            "  a: {path: GUESTS/healthy-borsh.wat, version: 1.2.0, health: {interval: 1s}}\n"))
        state = run.wait_event(event="state", component="a", to="ready")
        run.process.terminate()
        self.assertEqual(run.end(), 0)
        self.assertEqual(state["version"], "1.2.0")

    def test_restart(self):
        config = self.config("  a: {path: GUESTS/trap-unreachable.wat, restart: {initial: 1ms},\n"
                             "      health: {interval: 10ms, fall: 1, on_trap: failed}}\n")
        run = Run(self, config)
        restart = run.wait_event(event="restart", component="a", attempt=2)
        run.process.terminate()
        self.assertEqual(run.end(), 0)
        self.assertEqual(restart["cause"], "crash")
        self.assertGreater(restart["delay_ns"], 0)
        self.assertIn("unreachable", restart["reason"])

    def test_quiet(self):
        run = Run(self, self.config(TWO), "--quiet")
        time.sleep(0.3)
        run.process.terminate()
        self.assertEqual((run.end(), run.lines, run.errors), (0, [], []))

    def test_people_on_a_terminal(self):
        parent, child = pty.openpty()
        run = Run(self, self.config(TWO), stdout=child)
        os.close(child)
        shown = b""
        while b"High latency" not in shown:
            shown += os.read(parent, 65536)
        run.process.terminate()
        self.assertEqual(run.end(), 0)
        shown += os.read(parent, 65536)
        os.close(parent)
        plain = re.sub(r"\x1b\[\d*m", "", shown.decode()).replace("\r", "")
        self.assertIn("\x1b[33mdegraded\x1b[0m", shown.decode())
        self.assertRegex(plain, r"(?m)^\d\d:\d\d:\d\d\.\d{3}  first   started$")
        self.assertRegex(plain, r"(?m)^\d\d:\d\d:\d\d\.\d{3}  second  degraded: High latency$")


class RunLog(Case):
    """A guest that talks at each of its health checks, and is denied to publish."""
    GUEST = r"""(module
      (import "ward" "log" (func $log (param i32 i32 i32 i32 i32) (result i32)))
      (import "ward" "publish" (func $publish (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (data (i32.const 0) "\81\0e\00")
      (data (i32.const 16) "over\0a00:00:00.000  b  failed\1b[2J")
      (data (i32.const 64) "key\00value\00n\001")
      (data (i32.const 96) "orders.created")
      (func (export "_health") (result i32)
        (drop (call $log (i32.const 0) (i32.const 16) (i32.const 4) (i32.const 0) (i32.const 0)))
        (drop (call $log (i32.const 2) (i32.const 16) (i32.const 4) (i32.const 64) (i32.const 13)))
        (drop (call $log (i32.const 3) (i32.const 16) (i32.const 32) (i32.const 0) (i32.const 0)))
        (drop (call $publish (i32.const 96) (i32.const 14) (i32.const 0) (i32.const 0)))
        (i32.const 0)))"""

    def talking(self, more=""):
        guest = self.directory() / "talks.wat"
        guest.write_text(self.GUEST)
        return self.config(f"  talks: {{path: {guest}, health: {{interval: 20ms}}{more}}}\n")

    def test_lines_among_the_events(self):
        run = Run(self, self.talking())
        info = run.wait_event(event="log", level="info")
        warn = run.wait_event(event="log", level="warn")
        denied = run.wait_event(event="denied")
        run.process.terminate()
        self.assertEqual((run.end(), run.errors), (0, []))
        self.assertEqual(list(info), ["time", "event", "component", "level", "text", "fields"])
        self.assertEqual((info["component"], info["text"], info["fields"]),
                         ("talks", "over", {"key": "value", "n": "1"}))
        self.assertEqual(warn["text"], "over\n00:00:00.000  b  failed\x1b[2J")
        self.assertEqual(list(denied), ["time", "sequence", "event", "component", "reason"])
        self.assertEqual(denied["component"], "talks")
        self.assertIn("orders.created", denied["reason"])
        self.assertFalse([e for e in run.events() if e.get("level") == "trace"])
        numbers = [e["sequence"] for e in run.events() if "sequence" in e]
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))

    def test_levels(self):
        for level, seen in (("trace", {"trace", "info", "warn"}), ("warn", {"warn"}), ("error", set())):
            with self.subTest(level):
                run = Run(self, self.talking(), "--log-level", level)
                run.wait_event(event="denied")
                run.process.terminate()
                self.assertEqual(run.end(), 0)
                self.assertEqual({e["level"] for e in run.events() if e["event"] == "log"}, seen)

    def test_what_its_rate_kept_back_is_told(self):
        run = Run(self, self.talking(", limits: {log_rate: 1}"))
        kept = run.wait_event(event="log_suppressed", component="talks")
        run.process.terminate()
        self.assertEqual(run.end(), 0)
        self.assertEqual(list(kept), ["time", "event", "component", "count"])
        self.assertGreater(kept["count"], 0)

    def test_what_is_granted_is_not_denied(self):
        run = Run(self, self.talking(', grants: {publish: ["orders.*"]}'))
        run.wait_event(event="log", level="warn")
        run.process.terminate()
        self.assertEqual(run.end(), 0)
        self.assertFalse([e for e in run.events() if e["event"] == "denied"])

    def test_more_than_a_line_holds(self):
        guest = self.directory() / "floods.wat"
        guest.write_text(r"""(module
          (import "ward" "log" (func $log (param i32 i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (data (i32.const 0) "\81\0e\00")
          (func (export "_health") (result i32)
            (memory.fill (i32.const 4096) (i32.const 107) (i32.const 6000))
            (drop (call $log (i32.const 2) (i32.const 4096) (i32.const 6000)
                             (i32.const 4096) (i32.const 6000)))
            (i32.const 0)))""")
        run = Run(self, self.config(f"  a: {{path: {guest}, health: {{interval: 20ms}}}}\n"))
        line = run.wait_event(event="log")
        run.process.terminate()
        self.assertEqual((run.end(), run.errors), (0, []))
        self.assertEqual(line["text"], "k" * 1024)
        self.assertEqual(line["fields"], {"k" * 2046: ""})

    def test_quiet(self):
        run = Run(self, self.talking(), "-q")
        time.sleep(0.3)
        run.process.terminate()
        self.assertEqual((run.end(), run.lines), (0, []))

    def test_people_on_a_terminal(self):
        parent, child = pty.openpty()
        run = Run(self, self.talking(), stdout=child)
        os.close(child)
        shown = b""
        while b"denied" not in shown:
            shown += os.read(parent, 65536)
        run.process.terminate()
        self.assertEqual(run.end(), 0)
        shown += os.read(parent, 65536)
        os.close(parent)
        self.assertIn("log \x1b[33mwarn\x1b[0m: over", shown.decode())
        plain = re.sub(r"\x1b\[\d*m", "", shown.decode()).replace("\r", "")
        for line in (r"talks  log info: over key=value n=1",
                     r"talks  log warn: over\\n00:00:00.000  b  failed\\x1b\[2J",
                     r"talks  denied: .*orders\.created.*"):
            self.assertRegex(plain, rf"(?m)^\d\d:\d\d:\d\d\.\d{{3}}  {line}$")


class RunEvidence(Case):
    """A guest that logs a line and traps in a function of its own, at its second check."""
    GUEST = r"""(module
      (import "ward" "log" (func $log (param i32 i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1) (global $n (mut i32) (i32.const 0))
      (data (i32.const 0) "\81\0e\00") (data (i32.const 16) "queue\1b[2J")
      (func $look unreachable)
      (func (export "_health") (result i32)
        (global.set $n (i32.add (global.get $n) (i32.const 1)))
        (drop (call $log (i32.const 1) (i32.const 16) (i32.const 9) (i32.const 0) (i32.const 0)))
        (if (i32.gt_u (global.get $n) (i32.const 1)) (then (call $look)))
        (i32.const 0)))"""

    def trapping(self, head="version: 1\n", more=""):
        """Each ends once, so that no later end takes the place of its evidence."""
        guest = self.directory() / "traps.wat"
        guest.write_text(self.GUEST)
        return self.config(f"  traps: {{path: {guest}, restart: {{policy: temporary}}{more},\n"
                           "    health: {interval: 10ms, fall: 1, on_trap: failed}}\n", head=head)

    def test_each_end_has_its_own(self):
        run = Run(self, self.trapping(more=", instances: 3"))
        self.assertEqual(run.end(), 1)
        events = run.events()
        ends = [i for i, e in enumerate(events) if e.get("to") == "failed" and e["event"] == "state"]
        self.assertEqual(len(ends), 3)
        for i in ends:
            state, evidence = events[i], events[i + 1]
            self.assertEqual((evidence["event"], evidence["component"], evidence["number"]),
                             ("evidence", state["component"], state["evidence"]))

    def test_shape(self):
        dumps = self.directory()
        run = Run(self, self.trapping(f"version: 1\nsupervisor: {{core_dumps: {dumps}}}\n"))
        evidence = run.wait_event(event="evidence", number=1)
        self.assertEqual(run.end(), 1)
        self.assertEqual(list(evidence), [
            "time", "event", "component", "number", "cause", "reason", "state", "health", "trap",
            "memory_bytes", "memory_bytes_max", "fuel_peak", "fuel_per_call", "uptime_ns",
            "detected_ns", "messages_handled", "messages_waiting", "messages", "log", "changes", "core_dump",
            "core_dump_error"])
        self.assertEqual((evidence["component"], evidence["cause"]), ("traps", "crash"))
        trap = evidence["trap"]
        self.assertEqual((trap["error"], trap["cause"], trap["export"]),
                         ("trap", "unreachable", "_health"))
        self.assertEqual(trap["backtrace"][0]["function"], "look")
        self.assertEqual([(line["level"], line["text"]) for line in evidence["log"]],
                         [("debug", "queue\x1b[2J")] * 2)
        self.assertEqual(evidence["memory_bytes"], 65536)
        self.assertEqual(evidence["changes"][-1]["to"], "failed")
        self.assertTrue(os.path.exists(evidence["core_dump"]))
        self.assertIsNone(evidence["core_dump_error"])

    def test_a_dump_that_cannot_be_written(self):
        dumps = self.directory()
        (dumps / "traps.1.coredump.wasm").mkdir()
        run = Run(self, self.trapping(f"version: 1\nsupervisor: {{core_dumps: {dumps}}}\n"))
        evidence = run.wait_event(event="evidence", number=1)
        self.assertEqual(run.end(), 1)
        self.assertIsNone(evidence["core_dump"])
        self.assertIn("traps.1.coredump.wasm: Is a directory", evidence["core_dump_error"])

    def test_people_on_a_terminal(self):
        parent, child = pty.openpty()
        run = Run(self, self.trapping(more=", instances: 3"), stdout=child)
        os.close(child)
        shown = b""
        while True:  # a terminal that its last writer has closed is an error to read
            try:
                shown += os.read(parent, 65536)
            except OSError:
                break
        self.assertEqual(run.end(), 1)
        os.close(parent)
        plain = re.sub(r"\x1b\[\d*m", "", shown.decode()).replace("\r", "")
        self.assertRegex(plain, r"(?m)traps\.\d  failed: _health trapped: unreachable\n"
                         r" {14}cause    crash after \d.*; memory 64KiB of 256MiB\n"
                         r" {14}trap     unreachable in _health\n"
                         r" {23}0: look  \(function 1, at 0x[0-9a-f]+\)\n")
        self.assertRegex(plain, r" {14}log      [\d:.]{12}  debug: queue\\x1b\[2J\n")
        self.assertEqual(plain.count("trap     unreachable"), 1)
        self.assertIn("… evidence of 2 more ends is not shown: like that of ", plain)


class RunEnds(Case):
    # Its _cleanup never returns: stopping lasts until the stop_timeout.
    SLOW = "  slow: {path: GUESTS/cleanup-loops.wat, stop_timeout: 20s}\n"

    def test_second_signal_ends_at_once(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                run = Run(self, self.config(self.SLOW), "--stop-timeout", "30s")
                run.wait_event(event="state", component="slow", to="ready")
                run.process.send_signal(number)
                run.wait_event(event="state", component="slow", to="stopping")
                time.sleep(0.2)  # sooner, it is the same signal: see below
                run.process.send_signal(number)
                begin = time.monotonic()
                self.assertEqual(run.end(), 128 + number)
                self.assertLess(time.monotonic() - begin, 10)
                self.assertIn("ended at once", run.errors[0])

    def test_a_signal_that_comes_twice_is_one(self):
        run = Run(self, self.config("  slow: {path: GUESTS/cleanup-loops.wat, stop_timeout: 300ms}\n"))
        run.wait_event(event="state", component="slow", to="ready")
        run.process.terminate()
        run.wait_event(event="state", component="slow", to="stopping")
        run.process.terminate()
        self.assertEqual((run.end(), run.errors), (0, []))

    def test_what_is_waited_for_is_said(self):
        run = Run(self, self.config("  slow: {path: GUESTS/cleanup-loops.wat, stop_timeout: 20s}\n"))
        run.wait_event(event="state", component="slow", to="ready")
        run.process.terminate()
        wait_for(lambda: run.errors, "a message")
        run.process.terminate()
        self.assertEqual(run.end(), 143)
        self.assertEqual(run.waited, ["ward: run: still stopping, once more ends at once; "
                                      "waiting for: slow\n"])

    def test_a_stop_that_is_cut_short(self):
        config = self.config("  slow: {path: GUESTS/cleanup-loops.wat, stop_timeout: 1s}\n")
        run = Run(self, config, "--stop-timeout", "100ms")
        run.wait_event(event="state", component="slow", to="ready")
        run.process.terminate()
        self.assertEqual(run.end(), 1)
        self.assertIn("cut short", "".join(run.errors))

    def test_clean_ups_that_add_up(self):
        config = self.config("".join(
            f"  slow{i}: {{path: GUESTS/cleanup-loops.wat, stop_timeout: 10m}}\n" for i in range(3)))
        run = Run(self, config, "--stop-timeout", "100ms")
        for i in range(3):
            run.wait_event(event="state", component=f"slow{i}", to="ready")
        run.process.terminate()
        self.assertEqual(run.end(), 1)
        self.assertIn("cut short: not stopped in time: slow0, slow1, slow2", "".join(run.errors))

    def test_nothing_is_left(self):
        config = self.config("  a: {path: GUESTS/start-traps.wat, restart: {initial: 1ms, limit: 2}}\n")
        run = Run(self, config)
        self.assertEqual(run.end(), 1)
        self.assertEqual(len([e for e in run.events() if e["event"] == "given_up"]), 1)
        self.assertIn("every component has ended or was given up", run.errors[0])

    def test_one_that_is_left_goes_on(self):
        config = self.config("  a: {path: GUESTS/start-traps.wat, restart: {policy: temporary}}\n"
                             "  b: {path: GUESTS/healthy-borsh.wat}\n")
        run = Run(self, config)
        run.wait_event(event="given_up", component="a")
        time.sleep(0.2)
        self.assertIsNone(run.process.poll())
        run.process.terminate()
        self.assertEqual(run.end(), 0)


class RunGroups(Case):
    # Traps at its first check: failed, and restarted with whom its group says.
    BAD = ("  bad: {path: GUESTS/trap-unreachable.wat, group: pair, health: {on_trap: failed},\n"
           "        restart: {backoff: fixed, initial: 20ms, limit: 2}}\n")
    MATE = "  mate: {path: GUESTS/healthy-borsh.wat, group: pair}\n"
    PAIR = "version: 1\ngroups:\n  pair: {strategy: one_for_all, restart: {policy: temporary}}\n"

    def test_a_crash_takes_its_mate_along(self):
        config = self.config(self.BAD + self.MATE + "  other: {path: GUESTS/healthy-borsh.wat}\n",
                             head=self.PAIR.replace("temporary", "permanent"))
        run = Run(self, config)
        self.assertEqual(run.wait_event(event="restart", component="bad")["cause"], "crash")
        mate = run.wait_event(event="restart", component="mate")
        self.assertEqual((mate["cause"], mate["attempt"]), ("sibling", 0))
        run.wait_event(event="group", group="pair", to="running")
        run.process.terminate()
        self.assertEqual(run.end(), 0)
        events = run.events()
        self.assertFalse([e for e in events if e["event"] == "restart" and e["component"] == "other"])
        group = next(e for e in events if e["event"] == "group" and e["to"] == "restarting")
        self.assertEqual(list(group), ["time", "sequence", "event", "group", "to", "cause", "delay_ns"])
        self.assertEqual(group["cause"], "sibling")
        self.assertGreater(group["delay_ns"], 0)

    def test_rest_for_one_goes_by_the_order_of_the_file(self):
        head = self.PAIR.replace("one_for_all", "rest_for_one")
        # One that stays: else the run is over once the group is given up, maybe before it is told to stop.
        run = Run(self, self.config(self.MATE + self.BAD + self.MATE.replace("mate", "late") +
                                    "  other: {path: GUESTS/healthy-borsh.wat}\n", head=head))
        run.wait_event(event="restart", component="late", cause="sibling")
        run.process.terminate()
        self.assertEqual(run.end(), 0)
        self.assertFalse([e for e in run.events()
                          if e["event"] == "restart" and e["component"] == "mate"])

    def test_one_that_is_given_up_leaves_the_rest(self):
        run = Run(self, self.config(self.BAD + self.MATE + "  other: {path: GUESTS/healthy-borsh.wat}\n",
                                    head=self.PAIR))
        run.wait_event(event="given_up", component="bad")
        run.wait_event(event="group", group="pair", to="given up")
        time.sleep(0.2)
        self.assertIsNone(run.process.poll())
        run.process.terminate()
        self.assertEqual(run.end(), 0)

    def test_nothing_is_left_but_a_group_that_is_given_up(self):
        run = Run(self, self.config(self.BAD + self.MATE, head=self.PAIR))
        self.assertEqual(run.end(), 1)
        self.assertIn("every component has ended or was given up", run.errors[0])

    def test_the_supervisor_is_exhausted_and_serves_on(self):
        head = "version: 1\nsupervisor: {failures: {limit: 0}}\n"
        run = Run(self, self.config(self.BAD.replace("group: pair, ", "") +
                                    "  other: {path: GUESTS/healthy-borsh.wat}\n", head=head))
        self.assertIsNone(run.wait_event(event="group", to="exhausted")["group"])
        run.wait_event(event="ready", component="other", ready=True)
        run.process.terminate()
        self.assertEqual(run.end(), 0)

    WEB = ("  web: {path: GUESTS/healthy-borsh.wat, instances: 20, instances_healthy_when: 90%}\n"
           "  api: {path: GUESTS/healthy-borsh.wat, needs: [web.7]}\n")

    def test_instances_are_a_group(self):
        run = Run(self, self.config(self.WEB))
        event = run.wait_event(event="group_health", group="web", to="healthy", ready=True)
        self.assertEqual(event["from"], "degraded")
        self.assertNotIn("component", event)
        run.wait_event(event="ready", component="web.19", ready=True)
        run.wait_event(event="ready", component="api", ready=True)
        run.process.terminate()
        self.assertEqual(run.end(), 0)
        self.assertEqual(sum(e["event"] == "group_health" for e in run.events()), 1)

    def test_all_instances_are_given_up(self):
        run = Run(self, self.config("  web: {path: GUESTS/start-traps.wat, instances: 3, "
                                    "restart: {policy: temporary}}\n"))
        self.assertEqual(run.end(), 1)
        self.assertIn("every component has ended or was given up", run.errors[0])
        last = [e for e in run.events() if e["event"] == "group_health"][-1]
        self.assertEqual((last["to"], last["ready"]), ("failed", False))
        self.assertIn(" unhealthy", last["reason"])

    def test_people_see_a_group_of_instances_once(self):
        parent, child = pty.openpty()
        run = Run(self, self.config(self.WEB), stdout=child)
        os.close(child)
        text = ""
        while "group healthy" not in re.sub(r"\x1b\[\d*m", "", text):
            text += os.read(parent, 10000).decode()
        run.process.terminate()
        self.assertEqual(run.end(), 0)
        try:
            while more := os.read(parent, 10000).decode():
                text += more
        except OSError:  # nobody writes any more
            pass
        os.close(parent)
        plain = re.sub(r"\x1b\[\d*m", "", text)
        self.assertIn("web     group healthy", plain)
        self.assertIn("  api     ", plain)
        self.assertNotIn("  web.", plain)

    def test_as_deep_as_is_valid(self):
        head = "version: 1\ngroups:\n  g0: {}\n" + "".join(
            f"  g{i}: {{group: g{i - 1}}}\n" for i in range(1, 62))
        run = Run(self, self.config("  a: {path: GUESTS/healthy-borsh.wat, group: g61}\n", head=head))
        run.wait_event(event="ready", component="a", ready=True)
        run.process.terminate()
        self.assertEqual(run.end(), 0)

    def test_people_on_a_terminal(self):
        parent, child = pty.openpty()
        run = Run(self, self.config(self.BAD + self.MATE, head=self.PAIR), stdout=child)
        os.close(child)
        shown = b""
        while b"given up\x1b[0m: too many" not in shown:
            shown += os.read(parent, 65536)
        self.assertEqual(run.end(), 1)
        os.close(parent)
        plain = re.sub(r"\x1b\[\d*m", "", shown.decode()).replace("\r", "")
        for line in (r"pair  group stopping: a member failed", r"mate  restart \(sibling\)",
                     r"pair  group restarting in \d+ms: a member failed", r"pair  group running",
                     r"pair  group given up: too many failures"):
            self.assertRegex(plain, rf"(?m)^\d\d:\d\d:\d\d\.\d{{3}}  {line}$")


class RunStreams(Case):
    BUSY = ("  a: {path: GUESTS/trap-unreachable.wat,\n"
            "      restart: {initial: 1ms, max: 1ms, limit: 255, window: 1ms},\n"
            "      health: {interval: 1ms, fall: 1, on_trap: failed}}\n")

    def test_a_reader_that_is_gone_stops_it(self):
        read, write = os.pipe()
        run = Run(self, self.config(self.BUSY), stdout=write)
        os.close(write)
        os.close(read)
        self.assertEqual((run.end(), run.errors), (0, []))

    def test_a_full_disk_does_not(self):
        with open("/dev/full", "w") as full:
            run = Run(self, self.config(self.BUSY), stdout=full)
            wait_for(lambda: run.errors, "a message")
            time.sleep(0.3)
            self.assertIsNone(run.process.poll())
            run.process.terminate()
            self.assertEqual(run.end(), 0)
        self.assertEqual(len(run.errors), 1)
        self.assertIn("No space left on device; the components go on", run.errors[0])

    def test_a_reader_that_sleeps_delays_nothing(self):
        read, write = os.pipe()
        run = Run(self, self.config(self.BUSY), stdout=write)
        os.close(write)
        time.sleep(2)  # the pipe fills, then the ring
        begin = time.monotonic()
        run.process.terminate()
        self.assertEqual(run.end(), 0)
        self.assertLess(time.monotonic() - begin, 10)
        os.close(read)
