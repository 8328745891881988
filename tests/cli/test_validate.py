"""ward validate: every mistake at once; the messages one by one are tests/unit/cli/test_config.c."""
import json
import os

from support import GUESTS, TESTS, Case


class Validate(Case):
    def test_good(self):
        path = self.config("  a: {path: GUESTS/healthy-borsh.wat}\n")
        done = self.ward("validate", path)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, f"{path}: 1 component, no mistakes\n")
        answer = self.ward_json("validate", "--json", path)
        self.assertEqual(answer, {"file": str(path), "valid": True, "components": 1,
                                  "mistake_count": 0, "mistakes": [],
                                  "warning_count": 0, "warnings": []})

    def test_warnings_keep_nothing_from_running(self):
        path = self.config("  a: {path: GUESTS/start-traps.wat, grants: {send: [b]}, restart: {policy: temporary}}\n"
                           "  b: {path: GUESTS/start-traps.wat, restart: {policy: temporary}}\n")
        done = self.ward("validate", path)
        column = path.read_text().splitlines()[2].index("[b]") + 2
        line = (f"{path}:3:{column}: warning: a may send to b, but b does not grant to be called by a; "
                "write `called_by: [a]` there, or take this out\n")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, line + f"{path}: 2 components, no mistakes, 1 warning\n")
        answer = self.ward_json("validate", "--json", path)
        self.assertEqual((answer["valid"], answer["mistake_count"], answer["warning_count"]), (True, 0, 1))
        self.assertEqual(list(answer["warnings"][0]), ["line", "column", "message"])
        run = self.ward("run", path)
        self.assertEqual(run.stderr.splitlines(True)[0], line)

    def test_of_the_component_model(self):
        guest = self.directory() / "commented.wat"
        guest.write_text(";; what it is shows when it is loaded\n(component)\n")
        path = self.config(f"  a: {{path: {guest}, metadata: {{a: b}}}}\n"
                           f"  b: {{path: {guest}, wasi: {{dirs: [{{host: /etc, guest: /}}]}}}}\n")
        self.assertEqual(self.ward("validate", path).returncode, 0)
        done = self.ward("validate", "--load", path)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"metadata: {guest} is of the component model", done.stdout)
        self.assertIn(f"wasi.dirs: {guest} is of the component model", done.stdout)
        self.assertTrue(done.stdout.endswith(": 2 mistakes\n"))

    def test_every_mistake_at_once(self):
        path = self.config("  a: {path: nowhere.wasm, needs: [b]}\n"
                           "  b: {path: GUESTS/no-export.wat, needs: [a], heath: 1}\n"
                           "  a: {path: GUESTS/no-export.wat, limits: {memory: 1TiB}}\n")
        done = self.ward("validate", path)
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        lines = done.stdout.splitlines()
        self.assertEqual(lines[-1], f"{path}: 5 mistakes")
        places = [line.removeprefix(str(path) + ":").split(":")[:2] for line in lines[:-1]]
        self.assertEqual(places, sorted(places, key=lambda p: (int(p[0]), int(p[1]))))
        self.assertEqual([p[0] for p in places], ["3", "4", "4", "5", "5"])
        for part in ("there is no file", "a cycle: ", "did you mean `health`?",
                     "a second component", "the most is 4GiB"):
            self.assertIn(part, done.stdout)
        answer = self.ward_json("validate", "--json", path)
        self.assertEqual((answer["valid"], answer["mistake_count"]), (False, 5))
        self.assertEqual(list(answer["mistakes"][0]), ["line", "column", "message"])

    def test_load(self):
        path = self.config("  a: {path: GUESTS/imports-missing.wat}\n"
                           "  b: {path: GUESTS/healthy-borsh.wat}\n"
                           "  c: {path: GUESTS/export-type-nothing.wat}\n")
        self.assertEqual(self.ward("validate", path).returncode, 0)
        done = self.ward("validate", "--load", path)
        self.assertEqual(done.returncode, 1)
        self.assertIn(":3:13: ", done.stdout)
        self.assertIn("fd_wrte", done.stdout)
        self.assertIn(":5:13: ", done.stdout)
        self.assertTrue(done.stdout.endswith(": 2 mistakes\n"))

    def test_modules_that_begin_with_more_than_their_limits(self):
        path = self.config("  a: {path: GUESTS/memory-over-limit.wat, limits: {memory: 1MiB}}\n"
                           "  b: {path: GUESTS/table-over-limit.wat}\n")
        self.assertEqual(self.ward("validate", path).returncode, 0)
        done = self.ward("validate", "--load", path)
        self.assertEqual(done.returncode, 1)
        self.assertIn(":3:13: needs 512MiB, limit 1MiB: raise limits.memory\n", done.stdout)
        self.assertIn(":4:13: needs a table of 200000 elements, limit 100000: raise limits.table",
                      done.stdout)

    def test_a_host_that_this_machine_cannot_hold(self):
        path = self.config("  a: {path: GUESTS/healthy-borsh.wat}\n",
                           "version: 1\nhost: {components_max: 16000000}\n")
        done = self.ward("validate", path)
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stdout.startswith(f"{path}:2:24: "), done.stdout)
        self.assertIn("components_max", done.stdout)
        self.assertEqual(self.ward("run", path).returncode, 1)

    def test_looking_makes_no_directory(self):
        cache = self.directory()
        path = self.config("  a: {path: GUESTS/healthy-borsh.wat}\n")
        self.assertEqual(self.ward("validate", path, XDG_CACHE_HOME=str(cache)).returncode, 0)
        self.assertEqual(list(cache.iterdir()), [])

    def test_no_file(self):
        done = self.ward("validate", "/nowhere/ward.yaml")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("there is no such file", done.stderr)

    def test_default_is_ward_yaml_here(self):
        before = os.getcwd()
        self.addCleanup(os.chdir, before)
        os.chdir(self.config("  a: {path: GUESTS/healthy-borsh.wat}\n").parent)
        self.assertEqual(self.ward("validate").stdout, "ward.yaml: 1 component, no mistakes\n")

    def test_schema(self):
        schema = json.loads(self.ward("validate", "--schema").stdout)
        committed = (TESTS.parent / "schema" / "ward.schema.json").read_text()
        self.assertEqual(schema, json.loads(committed))
        keys = schema["$defs"]["component"]["properties"]
        self.assertIn("startup", keys["health"]["properties"])

    def test_run_refuses_what_validate_refuses(self):
        path = self.config("  a: {path: nowhere.wasm, colour: red}\n")
        validated, run = self.ward("validate", path), self.ward("run", path)
        self.assertEqual(run.returncode, 78)
        self.assertEqual((run.stdout, run.stderr), ("", validated.stdout))
        self.assertEqual(self.ward("run", "/nowhere/ward.yaml").returncode, 1)
        self.assertTrue(GUESTS.is_dir())
