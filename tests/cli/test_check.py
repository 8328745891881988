"""ward check and ward inspect over the guests of tests/guests."""
import json
import unittest

from support import GUESTS, Case

KEYS = ["component", "health", "reason", "source", "probe_error", "duration_ns"]


def cases():
    for line in (GUESTS / "cases.tsv").read_text().splitlines():
        if line.startswith("#") or not line:
            continue
        file, args, health, source, error, reason, status = line.split("\t")
        yield (file, [] if args == "-" else args.split(), health, source,
               None if error == "-" else error, json.loads(f'"{reason}"'), int(status))


def leb(number):
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + leb(number >> 7)


def compile_bomb():
    """One function with many branches over many live values: some 6 MB that cost minutes."""
    def section(number, content):
        return bytes([number]) + leb(len(content)) + content
    steps = b"".join(b"\x20" + leb(i * 7 % 499) + b"\x20" + leb(i * 13 % 499) + b"\x6a\x22" +
                     leb(i * 29 % 499) + b"\x04\x40\x0c\x00\x0b" for i in range(400000))
    body = leb(1) + leb(500) + b"\x7f" + steps + b"\x41\x00\x0b"
    return (b"\0asm\1\0\0\0" + section(1, b"\1\x60\0\1\x7f") + section(3, b"\1\0") +
            section(7, b"\1\7_health\0\0") + section(10, leb(1) + leb(len(body)) + body))


class Check(Case):
    def test_every_guest(self):
        for file, args, health, source, error, reason, status in cases():
            with self.subTest(file):
                done = self.ward("check", "--json", *args, GUESTS / file)
                self.assertEqual(done.returncode, status, done)
                answer = json.loads(done.stdout)
                if status == 3:
                    self.assertEqual(list(answer), ["component", "error", "detail"])
                    continue
                self.assertEqual(list(answer), KEYS)
                self.assertEqual(answer["component"], file.removesuffix(".wat"))
                self.assertEqual((answer["health"], answer["source"], answer["probe_error"]),
                                 (health, source, error))
                self.assertIn(reason, answer["reason"])

    def test_human(self):
        done = self.ward("check", GUESTS / "degraded-borsh.wat")
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stdout.startswith("degraded-borsh: degraded: High latency\n"))
        self.assertIn("\n  source    probe\n", done.stdout)

    def test_a_trap_shows_its_backtrace(self):
        done = self.ward("check", GUESTS / "trap-unreachable.wat")
        self.assertIn("  trap      unreachable in _health\n            0: ", done.stdout)
        answer = self.ward_json("check", "--json", "-v", GUESTS / "trap-unreachable.wat")
        self.assertEqual(answer["trap"]["export"], "_health")
        self.assertGreater(len(answer["trap"]["backtrace"]), 0)
        self.assertEqual(answer["contributors"][0]["source"], "policy")

    def test_a_place_that_is_not_known(self):
        guest = self.directory() / "deep.wat"  # the stack ends before the function's first instruction
        guest.write_text('(module (func $f (export "_health") (result i32) (call $f)))')
        self.assertIn("            0: f  (function 0)\n", self.ward("check", guest).stdout)
        trap = self.ward_json("check", "--json", "-v", guest)["trap"]
        self.assertIsNone(trap["backtrace"][0]["offset"])
        self.assertGreater(trap["backtrace"][1]["offset"], 0)

    def test_a_clean_up_that_fails(self):
        done = self.ward("check", GUESTS / "cleanup-traps.wat")
        self.assertEqual(done.returncode, 0)
        self.assertIn("\n  stop      ", done.stdout)
        answer = self.ward_json("check", "--json", "-v", GUESTS / "cleanup-traps.wat")
        self.assertEqual(answer["stop"]["error"], "trap")
        answer = self.ward_json("check", "--json", "-v", GUESTS / "healthy-borsh.wat")
        self.assertIsNone(answer["stop"])

    def test_a_start_that_fails(self):
        done = self.ward("check", GUESTS / "start-traps.wat")
        self.assertEqual(done.returncode, 2)
        self.assertTrue(done.stdout.startswith("start-traps: failed: "))
        self.assertNotIn("start-traps", done.stdout.splitlines()[0][len("start-traps"):])

    def test_options_of_health(self):
        trap = GUESTS / "trap-unreachable.wat"
        for option, status in (("state", 0), ("degraded", 1), ("failed", 2)):
            self.assertEqual(self.ward("check", "--on-trap", option, trap).returncode, status)
            malformed = self.ward("check", f"--on-malformed={option}", GUESTS / "prefix-empty.wat")
            self.assertEqual(malformed.returncode, status)

    def test_limits(self):
        over = GUESTS / "memory-over-limit.wat"
        self.assertEqual(self.ward("check", over).returncode, 2)
        self.assertEqual(self.ward("check", "--memory", "4GiB", over).returncode, 0)
        loop = self.ward_json("check", "--json", "--fuel", "10000", GUESTS / "loop-health.wat")
        self.assertEqual((loop["health"], loop["probe_error"]), ("degraded", "trap"))
        dense = self.ward("check", "--profile", "dense", "--memory", "1MiB",
                          GUESTS / "healthy-borsh.wat")
        self.assertEqual(dense.returncode, 0, dense.stderr)

    def test_repeat(self):
        done = self.ward("check", "--repeat", "1000", GUESTS / "degraded-borsh.wat")
        self.assertEqual(done.returncode, 1)
        self.assertIn("  checks    0 healthy, 1000 degraded, 0 failed\n", done.stdout)
        self.assertRegex(done.stdout, r"\n  p50 \S+  p90 \S+  p99 \S+  p99.9 \S+  max \S+\n$")
        answer = self.ward_json("check", "--json", "-n", "50", GUESTS / "healthy-borsh.wat")
        self.assertEqual(answer["repeat"]["checks"], 50)
        self.assertEqual(answer["repeat"]["healthy"], 50)
        self.assertLessEqual(answer["repeat"]["p50_ns"], answer["repeat"]["max_ns"])

    def test_of_many_the_worst_counts(self):
        guest = self.directory() / "once.wat"  # degraded at its second check only
        guest.write_text(r"""(module
            (memory (export "memory") 1)
            (data (i32.const 8) "\81\0e\01\01\00\00\00x")
            (global $n (mut i32) (i32.const 0))
            (func (export "_health") (result i32)
                (global.set $n (i32.add (global.get $n) (i32.const 1)))
                (i32.mul (i32.const 8) (i32.eq (global.get $n) (i32.const 2)))))""")
        done = self.ward("check", "--json", "-n", "3", guest)
        answer = json.loads(done.stdout)
        self.assertEqual((done.returncode, answer["health"], answer["reason"]), (1, "degraded", "x"))
        self.assertEqual([answer["repeat"][k] for k in ("healthy", "degraded", "failed")], [2, 1, 0])

    def test_verbose(self):
        done = self.ward("check", "-v", GUESTS / "healthy-borsh.wat")
        for label in ("load", "start", "fast path", "memory"):
            self.assertIn(f"\n  {label:<10}", done.stdout)

    def test_verbose_object(self):
        for file, cut in (("reason-1000-bytes.wat", True), ("reason-244-bytes.wat", False)):
            self.assertIs(self.ward_json("check", "--json", "-v", GUESTS / file)["reason_cut"], cut)
        answer = self.ward_json("check", "--json", "-v", "-n", "7", GUESTS / "prefix-empty.wat")
        self.assertEqual((answer["health"], answer["figures"]["probe_errors"]),
                         ("healthy", {"prefix_empty": 7}))

    def test_without_a_place_for_the_cache(self):
        guest = GUESTS / "healthy-borsh.wat"
        done = self.ward("check", guest, XDG_CACHE_HOME="/proc")
        self.assertEqual(done.returncode, 0)
        self.assertIn("modules are compiled anew each time", done.stderr)
        asked = self.ward("check", "--cache", "/proc/x", guest)
        self.assertEqual((asked.returncode, asked.stdout), (3, ""))
        self.assertEqual(self.ward("check", "--cache", "off", guest, XDG_CACHE_HOME="/proc").stderr, "")

    def test_a_module_that_takes_minutes_to_compile(self):
        bomb = self.directory() / "bomb.wasm"
        bomb.write_bytes(compile_bomb())
        done = self.ward("check", "--start-timeout", "200ms", "--cache", "off", bomb)
        self.assertEqual(done.returncode, 2)
        self.assertIn("was not compiled in time", done.stdout)

    def test_what_is_no_file(self):
        empty = self.directory() / "empty.wasm"
        empty.write_bytes(b"")
        for path in ("/nowhere/x.wasm", GUESTS, empty, GUESTS / "cases.tsv"):
            with self.subTest(path):
                done = self.ward("check", path)
                self.assertEqual((done.returncode, done.stdout), (3, ""))
                self.assertTrue(done.stderr.startswith("ward: check: "))
                answer = self.ward_json("check", "--json", path)
                self.assertEqual(list(answer), ["component", "error", "detail"])

    def test_without_a_supervisor(self):
        guest = self.directory() / "talks.wat"
        guest.write_text(TALKS)
        answer = self.ward_json("check", "--json", guest)
        self.assertEqual((answer["health"], answer["source"]), ("healthy", "probe"), answer)


# Healthy, if what it imports of Ward says UNAVAILABLE (-15) where there is no supervisor.
TALKS = r"""(module
  (import "ward" "log" (func $log (param i32 i32 i32 i32 i32) (result i32)))
  (import "ward" "request" (func $request (param i32 i32 i32 i32 i32 i64) (result i64)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\81\0e\00")
  (func (export "_health") (result i32)
    (if (i32.ne (i32.const -15)
                (call $log (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 0)))
      (then unreachable))
    (if (i64.ne (i64.const -15)
                (call $request (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 16)
                               (i32.const 16) (i64.const 0)))
      (then unreachable))
    (i32.const 0)))"""


class Inspect(Case):
    def test_human(self):
        done = self.ward("inspect", GUESTS / "waits-health.wat")
        self.assertEqual(done.returncode, 0)
        self.assertIn("  health     _health: () -> i64", done.stdout)
        self.assertIn("  fast path  no: ", done.stdout)
        self.assertIn("imports (1)\n  wasi_snapshot_preview1  poll_oneoff  func", done.stdout)
        self.assertIn("exports (2)\n", done.stdout)

    def test_json(self):
        answer = self.ward_json("inspect", "--json", GUESTS / "waits-health.wat")
        self.assertEqual(answer["kind"], "module")
        self.assertEqual(answer["health_form"], "i64")
        self.assertFalse(answer["fast_path"])
        self.assertEqual([i["waits"] for i in answer["imports"]], [True])
        self.assertIn("_health", [e["name"] for e in answer["exports"]])
        self.assertEqual(self.ward_json("inspect", "--json", GUESTS / "component-empty.wat")["kind"],
                         "component")

    def test_missing_imports_are_all_named(self):
        done = self.ward("inspect", GUESTS / "imports-missing.wat")
        self.assertEqual(done.returncode, 1)
        for name in ("env.log", "fd_wrte", "env.table", "fd_write"):
            self.assertIn(name, done.stderr)
        self.assertEqual(done.stdout.count("  not offered\n"), 3)

    def test_missing_imports_are_shown_however_many(self):
        guest = self.directory() / "many.wat"
        imports = " ".join(f'(import "environment" "function_{i}" (func))' for i in range(200))
        guest.write_text(f'(module {imports} (import "wasi_snapshot_preview1" "fd_close"'
                         ' (func (param i32) (result i32)))'
                         ' (func (export "_health") (result i32) (i32.const 0)))')
        done = self.ward("inspect", "--json", guest)
        self.assertEqual(done.returncode, 1)
        self.assertIn("200 of 201 imports are not offered", done.stderr)
        answer = json.loads(done.stdout)
        self.assertEqual(sum(not i["offered"] for i in answer["imports"]), 200)
        self.assertEqual(answer["health_form"], "i32")

    def test_imports_of_ward(self):
        guest = self.directory() / "talks.wat"
        guest.write_text(TALKS)
        answer = self.ward_json("inspect", "--json", guest)
        self.assertEqual([(i["module"], i["name"], i["offered"], i["waits"]) for i in answer["imports"]],
                         [("ward", "log", True, False), ("ward", "request", True, True)])
        guest.write_text(TALKS.replace('"log"', '"lag"'))
        done = self.ward("inspect", guest)
        self.assertEqual(done.returncode, 1)
        self.assertIn("ward  lag      func (i32, i32, i32, i32, i32) -> i32  not offered\n", done.stdout)

    def test_what_is_no_file(self):
        self.assertEqual(self.ward("inspect", "/nowhere.wasm").returncode, 1)
        self.assertEqual(self.ward("inspect").returncode, 2)


if __name__ == "__main__":
    unittest.main()
