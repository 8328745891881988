"""Wrong usage, help and completions."""
import shutil
import subprocess
import unittest

from support import WARD, Case, environment

COMMANDS = ["check", "inspect", "frame decode", "frame encode", "validate", "explain", "run",
            "completion",
            "help", "version"]

WRONG = [  # arguments, exit status, what is said
    ([], 2, "Usage: ward COMMAND"),
    (["chek"], 2, "there is no command `chek`; did you mean `ward check`?"),
    (["frame"], 2, "frame decode"),
    (["frame", "decod", "00"], 2, "did you mean `ward frame decode`?"),
    (["xyzzy"], 2, "Try `ward --help`."),
    (["--jsn"], 2, "there is no option --jsn"),
    (["check"], 3, "something is missing: ward check FILE"),
    (["check", "a", "b"], 3, '"b" is too much: ward check FILE'),
    (["check", "--jsn", "a"], 3, "there is no option --jsn; did you mean --json?"),
    (["check", "--repeat"], 3, "--repeat needs a value: --repeat N"),
    (["check", "--repeat", "0", "a"], 3, "--repeat must be more than nothing"),
    (["check", "--repeat", "-1", "a"], 3, "write a whole number"),
    (["check", "--timeout", "5", "a"], 3, "it has no unit: write 5s or 5ms"),
    (["check", "--memory=64MB", "a"], 3, "write 64MiB"),
    (["check", "--json=yes", "a"], 3, "--json takes no value"),
    (["check", "-x", "a"], 3, "there is no option -x"),
    (["check", "--profile", "dence", "a"], 3, "--profile takes one of: guarded, dense"),
    (["inspect"], 2, "something is missing: ward inspect FILE"),
    (["frame", "decode"], 2, "something is missing: ward frame decode HEX... | -"),
    (["validate", "a", "b"], 2, '"b" is too much'),
    (["explain", "a", "b", "c"], 2, '"c" is too much'),
    (["run", "--stop-timeout", "10 sec"], 2, "write 10s"),
    (["completion", "tcsh"], 2, "there are bash, zsh and fish"),
    (["help", "chek"], 2, "did you mean `ward check`?"),
    (["version", "x"], 2, '"x" is too much'),
]


class Usage(Case):
    def test_wrong(self):
        for args, status, said in WRONG:
            with self.subTest(args):
                done = self.ward(*args)
                self.assertEqual(done.stdout, "")
                self.assertIn(said, done.stderr)
                self.assertEqual(done.returncode, status)

    def test_help(self):
        for command in COMMANDS:
            words = command.split()
            with self.subTest(command):
                done = self.ward(*words, "--help")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertTrue(done.stdout.startswith(f"Usage: ward {command}"))
                self.assertIn("\nExamples:\n  ", done.stdout)
                self.assertLessEqual(max(map(len, done.stdout.splitlines())), 100)
                self.assertEqual(self.ward("help", *words).stdout, done.stdout)
                self.assertEqual(self.ward(*words, "x", "--nonsense", "-h").stdout, done.stdout)
        for args in (["--help"], ["-h"], ["help"]):
            self.assertIn("\n  check ", self.ward(*args).stdout)
        self.assertIn("frame encode", self.ward("frame", "--help").stdout)

    def test_help_names_every_command(self):
        shown = self.ward("--help").stdout
        for command in COMMANDS:
            self.assertIn(f"\n  {command}", shown)

    def test_version(self):
        self.assertRegex(self.ward("--version").stdout, r"^ward \d+\.\d+\.\d+ \(wasmtime [\d.]+\)\n$")
        self.assertEqual(list(self.ward_json("version", "--json")), ["ward", "engine"])

    def test_options_anywhere_and_after_dashes(self):
        self.assertEqual(self.ward("frame", "encode", "degraded", "--codec=borsh", "x").returncode, 0)
        done = self.ward("frame", "encode", "degraded", "--", "--help")
        self.assertEqual(bytes.fromhex(done.stdout)[7:], b"--help")


COMPLETE = """
source <("$WARD" completion bash)
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_ward
printf '%s\\n' "${COMPREPLY[@]}"
"""


class Completion(Case):
    def complete(self, *words, cwd=None):
        done = subprocess.run(["bash", "-c", COMPLETE, "bash", "ward", *words], capture_output=True,
                              text=True, check=True, cwd=cwd, env=environment(WARD=WARD))
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_bash(self):
        self.assertEqual(self.complete("ch"), ["check"])
        self.assertEqual(self.complete("frame", ""), ["decode", "encode"])
        self.assertEqual(self.complete("frame", "encode", "--co"), ["--codec"])
        self.assertEqual(self.complete("frame", "encode", "--codec", "c"), ["cbor"])
        self.assertEqual(self.complete("frame", "encode", "un"), ["unhealthy"])
        self.assertEqual(self.complete("check", "--js"), ["--json"])
        self.assertEqual(self.complete("check", "--profile", ""), ["guarded", "dense"])
        self.assertEqual(self.complete("check", "--repeat", ""), [])
        self.assertEqual(self.complete("completion", ""), ["bash", "zsh", "fish"])

    def test_bash_files(self):
        directory = self.directory()
        for name in ("a.wasm", "b.wat", "c.yaml", "d.txt"):
            (directory / name).touch()
        self.assertEqual(sorted(self.complete("check", "", cwd=directory)), ["a.wasm", "b.wat"])
        self.assertEqual(self.complete("run", "", cwd=directory), ["c.yaml"])
        self.assertEqual(self.complete("explain", "", cwd=directory), ["c.yaml"])

    def test_other_shells_can_read_theirs(self):
        for shell in filter(shutil.which, ("bash", "zsh", "fish")):
            with self.subTest(shell):
                script = self.directory() / "completion"
                script.write_text(self.ward("completion", shell).stdout)
                subprocess.run([shell, "-n", script], check=True, env=environment(HOME=str(script.parent)))

    @unittest.skipUnless(shutil.which("fish"), "no fish here")
    def test_fish(self):
        home = self.directory()
        script = home / "ward.fish"
        script.write_text(self.ward("completion", "fish").stdout)

        def complete(line):
            done = subprocess.run(["fish", "-c", f"source {script}; complete -C '{line}'"], text=True,
                                  capture_output=True, check=True, env=environment(HOME=str(home)))
            return [row.split("\t")[0] for row in done.stdout.splitlines()]
        self.assertEqual(complete("ward ch"), ["check"])
        self.assertEqual(complete("ward frame "), ["decode", "encode"])
        self.assertEqual(complete("ward check --profile "), ["dense", "guarded"])
        self.assertIn("check", complete("ward help "))

    def test_other_shells_know_every_option(self):
        for shell, form in (("zsh", "--{}"), ("fish", " -l {}")):
            text = self.ward("completion", shell).stdout
            for option in ("json", "repeat", "stop-timeout", "codec", "schema", "on-malformed"):
                self.assertIn(form.format(option), text)
