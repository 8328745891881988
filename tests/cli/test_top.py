"""ward top, on a real terminal: tmux is one, with a size, that tells what it shows. Run by test_screen.py, but for what
needs none."""
import os
import re
import shlex
import signal
import subprocess

import support
from support import LIMIT_S, WARD, Case, wait_for
from test_control import Watched
from test_run import Run

NO_TMUX = "no tmux here: ward top is NOT tried on a terminal; tools/setup --for ci installs it"


class Terminal:
    """A terminal of tmux's, which runs a command and then tells how that has left the terminal."""

    def __init__(self, case, command, lines=24, columns=80, **changes):
        self.place = case.directory()
        self.environment = support.environment(LC_ALL="C.UTF-8", **changes)
        self.environment.pop("TMUX", None)
        pid = self.place / "pid"
        inner = shlex.quote(f"echo $$ > {pid}; exec {shlex.join(map(str, command))}")
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", columns, "-y", lines,
                  f"sh -c {inner}; echo left $?; stty -a; exec cat")
        case.addCleanup(self.tmux, "kill-server", check=False)
        self.pid = int(wait_for(lambda: pid.exists() and pid.read_text().strip(), "the process"))

    def tmux(self, *args, check=True):
        done = subprocess.run(["tmux", "-S", self.place / "tmux", *map(str, args)], text=True,
                              capture_output=True, check=False, timeout=LIMIT_S,
                              env=self.environment)
        assert done.returncode == 0 or not check, (args, done.stderr)
        return done.stdout

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def shown(self, *more):
        return self.tmux("capture-pane", "-p", *more)

    def wait(self, pattern, flags=re.MULTILINE):
        try:
            return wait_for(lambda: re.search(pattern, self.shown(), flags), pattern)
        except AssertionError as missing:
            raise AssertionError(f"{missing} in:\n{self.shown()}") from None

    def resize(self, lines, columns):
        self.tmux("resize-window", "-x", columns, "-y", lines)

    def is_full_screen(self):
        return self.tmux("display-message", "-p", "#{alternate_on}").strip() == "1"

    def left(self, case):
        """The exit status; the terminal is as it was before."""
        status = int(self.wait(r"^left (\d+)")[1])
        modes = self.wait(r"\n(.* icanon(?:.|\n)*)")[1]
        case.assertNotRegex(modes, r"-icanon|-echo\b|-icrnl|-isig|-opost")
        case.assertFalse(self.is_full_screen())
        case.assertEqual(self.tmux("display-message", "-p", "#{cursor_flag}").strip(), "1")
        return status


class Top(Watched):
    def top(self, *args, lines=24, columns=80, **changes):
        return Terminal(self, [WARD, "top", "--interval", "250ms", *args], lines, columns,
                        **{**self.where, **changes})

    def test_the_worst_first_and_fresh(self):
        terminal = self.top()
        terminal.wait(r"^>!hangs +unhealthy .*\n ~dim +degraded .*\n  adder +healthy ")
        terminal.wait(r"^ward \d.* up \d+s .*\[each 250ms\]$")
        terminal.wait(r"^6 components  1 unhealthy  1 degraded  4 healthy$")
        terminal.wait(r"^workers \d/\d busy  cpu \d.*%  memory \d+M  events .*/s  restarts \d+$")
        terminal.wait(r"^ ~dim .* \d+ +0/64 +0 +\S+s +64K/256M +\S+% High")  # rates come with time
        terminal.wait(r"^hangs unhealthy for \d+s: Health check timeout")
        self.done("stop", "adder")
        terminal.wait(r"^ -adder +stopped ")
        terminal.wait(r"^6 components  .*1 stopped")
        terminal.keys("q")
        self.assertEqual(terminal.left(self), 0)

    def test_details_and_places(self):
        terminal = self.top(lines=40)
        terminal.wait(r"^>!hangs ")
        terminal.keys("Enter")
        terminal.wait(r"^hangs is unhealthy, for .*\nIts last end:\n(.*\n)*What to do: ")
        terminal.keys("Down")
        terminal.wait(r"^>~dim ")
        terminal.wait(r"^dim is degraded, for .*: High latency\nNo run of it has ended by itself")
        terminal.keys("Escape", "End")
        terminal.wait(r"^> many\.2 ")
        terminal.keys("Home")
        terminal.wait(r"^>!hangs ")
        terminal.keys("s")
        terminal.wait(r"NAME▼(.*\n)> adder ")
        terminal.keys("S")
        terminal.wait(r"NAME▲(.*\n)> many\.2 ")
        terminal.keys("g")
        terminal.wait(r"\[groups\](.*\n)*> many/ ")
        terminal.keys("Enter")
        terminal.wait(r"\[in many\](.*\n)*> many\.2 ")
        terminal.keys("Escape", "g", "/", "ad", "Enter")
        terminal.wait(r"\[filter ad\](.*\n)*> adder ")
        self.assertNotIn("dim", terminal.shown())
        terminal.keys("?")
        terminal.wait(r"^Up Down k j")
        terminal.keys("q", "p")
        terminal.wait(r"\[paused\]$")

    def test_commands_after_a_question(self):
        terminal = self.top("adder")
        terminal.wait(r"^> adder ")
        terminal.keys("r")
        terminal.wait(r"^restart adder\? y or n")
        terminal.keys("n")
        terminal.wait(r"^nothing was done")
        terminal.keys("x", "y")
        terminal.wait(r"^stop is asked for: adder")
        self.wait_condition("adder", "stopped")
        terminal.keys("t", "y")
        self.wait_condition("adder", "healthy")
        self.assertFalse([e for e in self.run_.events()
                          if e["event"] == "operator" and "restart" in e["reason"]])
        terminal.keys("l", "y")
        terminal.wait(r"^release adder: \S")  # why it can't be

    def test_sizes(self):
        terminal = self.top()
        terminal.wait(r"^>!hangs ")
        terminal.resize(10, 40)
        terminal.wait(r"\A.*\n.*\n  NAME +CONDITION▼ REASON\n>!hangs .*Health(.*\n)*q quit.*1 of 6\n\Z")
        terminal.resize(2, 15)
        terminal.wait(r"too small")
        terminal.resize(40, 120)
        terminal.wait(r"^  NAME .*RDY +RST +MBOX +MSG/S +LAT +MEM +CPU REASON\n>!hangs ")
        self.assertEqual(terminal.shown().rstrip("\n").count("\n"), 39)

    def test_every_end_gives_the_terminal_back(self):
        for how, status in (("C-c", 0), (signal.SIGTERM, 143), (signal.SIGINT, 0),
                            (signal.SIGHUP, 129), (signal.SIGQUIT, 131),
                            (signal.SIGSEGV, None), (signal.SIGABRT, None)):
            with self.subTest(how):
                terminal = self.top()
                terminal.wait(r"^>!hangs ")
                if how == "C-c":
                    terminal.keys(how)
                else:
                    os.kill(terminal.pid, how)
                ended = terminal.left(self)
                self.assertTrue(ended != 0 if status is None else ended == status, ended)

    def test_stopped_and_taken_up_again(self):
        shell = Terminal(self, ["bash", "--norc", "-i"], **self.where)
        shell.keys(f"{WARD} top", "Enter")
        shell.wait(r"^>!hangs ")
        for _ in range(2):
            shell.keys("C-z")
            shell.wait(r"Stopped")
            self.assertFalse(shell.is_full_screen())
            shell.keys("clear; stty -a | grep -o ' icanon'", "Enter")
            shell.wait(r"^ icanon$")
            shell.keys("fg", "Enter")
            shell.wait(r"^>!hangs ")
        shell.keys("q")
        shell.wait(r"fg\n.*top\n.*[$#] ?\n*\Z")
        self.assertFalse(shell.is_full_screen())

    def test_the_host_goes_and_comes_back(self):
        terminal = self.top()
        terminal.wait(r"^>!hangs ")
        self.run_.process.kill()
        self.run_.end()
        terminal.wait(r"\ANO ANSWER for \d+s, asking again: no ward answers at ")
        self.assertRegex(terminal.shown(), r"\n>!hangs ")  # what was known stays
        again = Run(self, self.config("  other: {path: GUESTS/healthy-borsh.wat}\n"))
        again.wait_event(event="ready", component="other")
        terminal.wait(r"\Award (.*\n)*> other +healthy ")

    def test_colours(self):
        red = "\x1b[31m"
        for changes, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
            with self.subTest(changes):
                terminal = self.top(**changes)
                terminal.wait(r"^>!hangs +unhealthy ")
                self.assertEqual(red in terminal.shown("-e"), coloured)
                self.assertRegex(terminal.shown("-e"), r"\x1b\[(\d;)?7m")  # reverse is no colour
        terminal = self.top("--no-color")
        terminal.wait(r"^>!hangs +unhealthy ")
        self.assertNotIn(red, terminal.shown("-e"))


HOSTILE = r"""(module (memory (export "memory") 1)
  (data (i32.const 0) "\81\0e\01\20\00\00\00a\1b[2Jb\e2\80\aec\0d\0ad\c2\9be\ff\e6\97\a5\e6\9c\ac....")
  (func (export "_health") (result i32) i32.const 0))"""


class TopHostile(Case):
    def test_a_guest_does_not_draw(self):
        config = self.config("  evil: {path: evil.wat, health: {interval: 20ms}}\n")
        (config.parent / "evil.wat").write_text(HOSTILE)
        where = {"WARD_CONTROL": str(config.parent / "s")}
        run = subprocess.Popen([WARD, "run", config], stdout=subprocess.DEVNULL,
                               env=support.environment(**where))
        self.addCleanup(run.wait)
        self.addCleanup(run.kill)
        wait_for(lambda: "evil" in self.ward("ps", **where).stdout, "evil")
        terminal = Terminal(self, [WARD, "top", "--interval", "250ms"], columns=120, **where)
        terminal.wait(r"^>.evil +\w+ ")
        terminal.keys("Enter")
        terminal.wait(r"^evil is ")
        shown = terminal.shown()
        self.assertTrue(shown.startswith("ward "), shown)
        self.assertNotIn("\u202e", shown)


class TopWithout(Case):
    def test_names_and_orders_complete(self):
        text = self.ward("completion", "bash").stdout
        self.assertRegex(text, r"'top'\)\n +options='--interval --sort .*\n +arguments=\$\(ward ps -o name")
        self.assertRegex(text, r"'top:--sort'\) COMPREPLY=\(\$\(compgen -W 'condition name age .*cpu'")

    def said(self, **changes):
        done = self.ward("top", **changes)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("`ward ps --watch`", done.stderr)
        return done.stderr

    def test_no_terminal(self):
        self.assertIn("must be a terminal", self.said())

    def test_terminals_that_cannot(self):
        for name, words in (("dumb", "TERM=dumb"), ("", "TERM is not set")):
            done = subprocess.run(["script", "-qec", f"{WARD} top", "/dev/null"], text=True,
                                  capture_output=True, stdin=subprocess.DEVNULL, timeout=LIMIT_S,
                                  env=support.environment(TERM=name), check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(words, done.stdout)
            self.assertIn("`ward ps --watch`", done.stdout)
            self.assertNotIn("\x1b[?1049h", done.stdout)
