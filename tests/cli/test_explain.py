"""ward explain: what it says, and that `ward run` keeps to it."""
import datetime
import json

from support import Case
from test_run import Run

LINE = ("version: 1\n"
        "groups:\n"
        "  shop: {}\n"
        "  line: {group: shop, strategy: rest_for_one}\n"
        "  pair: {strategy: one_for_all}\n"
        "  inner: {group: pair}\n")
MEMBERS = ("  a: {path: GUESTS/healthy-borsh.wat, group: line}\n"
           "  b: {path: GUESTS/healthy-borsh.wat, group: line}\n"
           "  c: {path: GUESTS/healthy-borsh.wat, group: line, needs: [b]}\n"
           "  x: {path: GUESTS/healthy-borsh.wat, group: pair}\n"
           "  y: {path: GUESTS/healthy-borsh.wat, group: inner, health: {on_trap: state}}\n"
           "  z: {path: GUESTS/healthy-borsh.wat, needs: [x], restart: {with: needs},\n"
           "      health: {fall: 1}}\n"
           "  last: {path: GUESTS/healthy-borsh.wat, restart: {policy: temporary}}\n")


def when(event):
    return datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00"))


def nanoseconds(earlier, later):
    return (when(later) - when(earlier)) / datetime.timedelta(microseconds=1) * 1000


class Explain(Case):
    def explained(self, config, component):
        return self.ward_json("explain", "--json", config, component)["components"][0]

    def test_who_goes_along(self):
        config = self.config(MEMBERS, head=LINE)
        for name, group, strategy, along, dependents in (
                ("a", "line", "rest_for_one", ["b", "c"], []),
                ("c", "line", "rest_for_one", [], []),
                ("x", "pair", "one_for_all", ["y"], ["z"]),
                ("y", "inner", "one_for_one", [], []),
                ("z", None, "one_for_one", [], [])):
            with self.subTest(name):
                told = self.explained(config, name)
                self.assertEqual(list(told), ["component", "group", "strategy", "along",
                                              "dependents", "faults"])
                self.assertEqual((told["group"], told["strategy"], told["along"],
                                  told["dependents"]), (group, strategy, along, dependents))

    def test_the_root_has_a_strategy_too(self):
        config = self.config(MEMBERS, head=LINE + "supervisor: {strategy: one_for_all}\n")
        self.assertEqual(self.explained(config, "last")["along"], ["a", "b", "c", "x", "y", "z"])

    def test_json(self):
        config = self.config(MEMBERS, head=LINE)
        whole = self.ward_json("explain", "--json", config)
        self.assertEqual([c["component"] for c in whole["components"]],
                         ["a", "b", "c", "x", "y", "z", "last"])
        for component in whole["components"]:
            self.assertEqual([f["fault"] for f in component["faults"]],
                             ["trap", "hang", "unhealthy", "message_trap", "message_hang"])
            for fault in component["faults"]:
                for phase, name in (("detect", "detect"), ("recover", "recover")):
                    for case in ("worst_ns", "typical_ns"):
                        terms = [t[case] for t in fault["terms"] if t["phase"] == phase]
                        if None in terms or (phase == "recover" and not fault["restarted"]):
                            self.assertIsNone(fault[f"{name}_{case}"])
                        else:
                            self.assertEqual(sum(terms), fault[f"{name}_{case}"])
        trap = whole["components"][4]["faults"][0]
        self.assertEqual((trap["detected"], trap["restarted"], trap["detect_worst_ns"]),
                         (False, False, None))

    def test_people(self):
        config = self.config(MEMBERS, head=LINE)
        shown = self.ward("explain", config).stdout
        self.assertLessEqual(max(map(len, shown.splitlines())), 100)
        self.assertFalse([line for line in shown.splitlines() if line != line.rstrip()])
        for text in (
                "a is checked every 10s. 3 bad checks in a row are a failure, and it is restarted.\n"
                "  With it restart those after it of group line: b, c.\n"
                "  More than 10 restarts in 1m, and it is given up, which is a failure of its group.\n",
                "  With it restart all others of group pair: y.\n"
                "  With it restart those that asked to, for they need it: z.\n",
                "z is checked every 10s. One bad check is a failure, and it is restarted.\n"
                "  Nobody restarts with it.\n",
                "and it is given up: temporary.\n",
                "\n  is seen within                         63s        25s        63s        26s        63s"
                "        25s\n",
                "\n    messages that hold checks up         32s          -        32s          -"
                "        32s          -\n",
                "\n                                   a message that traps  a message that hangs\n",
                "\n  is seen within                     at once          -        10s        10s\n",
                "At worst: "):
            self.assertIn(text, shown)

    def test_mistakes(self):
        config = self.config(MEMBERS.replace("group: inner", "group: iner"), head=LINE)
        done = self.ward("explain", config)
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        self.assertEqual(done.stdout, self.ward("validate", config).stdout)
        self.assertIn("did you mean `inner`?", done.stdout)
        self.assertFalse(self.ward_json("explain", "--json", config)["valid"])
        for args, said in ((("/nowhere.yaml",), "there is no such file"),
                           ((self.config(MEMBERS, head=LINE), "lasst"), "did you mean `last`?"),
                           ((self.config(MEMBERS, head=LINE), "nobody"), "leave it out to see all")):
            done = self.ward("explain", *args)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(said, done.stderr)

    # What is measured is never more than what was computed. There is an interval of slack, since the
    # first check follows the start at once.
    MEASURED = ("  a: {path: GUESTS/GUEST, group: pair, needs: [mate], start_timeout: 1s,\n"
                "      health: {interval: 300ms, timeout: 100ms, fall: 2, on_trap: failed},\n"
                "      restart: {backoff: fixed, initial: 50ms}}\n"
                "  mate: {path: GUESTS/cleanup-loops.wat, group: pair, stop_timeout: 400ms}\n")

    def test_run_keeps_to_it(self):
        head = "version: 1\ngroups:\n  pair: {strategy: one_for_all}\n"
        for guest, number in (("loop-health.wat", 1), ("unhealthy-borsh.wat", 2)):
            with self.subTest(guest):
                config = self.config(self.MEASURED.replace("GUEST,", guest + ","), head=head)
                fault = self.explained(config, "a")["faults"][number]
                run = Run(self, config)
                run.wait_event(event="state", component="mate", to="ready")
                run.wait_event(event="restart", component="a")
                run.wait_event(event="state", component="a", to="failed")
                events = [e for e in run.events() if e.get("component") == "a" and "to" in e]
                run.process.terminate()
                run.end()
                states = [e for e in events if e["event"] == "state"]
                started, failed = (next(e for e in states if e["to"] == to)
                                   for to in ("ready", "failed"))
                again = next(e for e in run.events() if e.get("component") == "a" and
                             e["event"] == "state" and e["to"] == "ready" and
                             e["sequence"] > failed["sequence"])
                self.assertLessEqual(nanoseconds(started, failed), fault["detect_worst_ns"])
                self.assertLessEqual(nanoseconds(failed, again), fault["recover_worst_ns"])
                if number == 1:
                    self.assertGreaterEqual(nanoseconds(started, failed), 390e6)
