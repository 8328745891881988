"""The examples of the documents are tried."""
import re
import shlex
import shutil
import subprocess
import textwrap
import unittest

from support import TESTS, Case

MODULE = b"\0asm\x01\0\0\0"


def blocks(name, language):
    text = (TESTS.parent / name).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def anchor(heading):
    """As GitHub makes it of a heading."""
    plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading.lstrip("# ")).lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


class Documents(Case):
    def test_links_lead_somewhere(self):
        root, found = TESTS.parent, 0
        for file in [*root.glob("*.md"), *root.glob("docs/**/*.md"), root / "examples/README.md"]:
            for link in re.findall(r"\]\(([^)\s]+)\)", file.read_text()):
                if re.match(r"\w+:", link):
                    continue
                name, _, place = link.partition("#")
                target = file.parent / name if name else file
                found += 1
                with self.subTest(file=file.name, link=link):
                    self.assertTrue(target.exists())
                    if place and target.suffix == ".md":
                        lines = target.read_text().splitlines()
                        self.assertIn(place, [anchor(line) for line in lines if line.startswith("#")])
        self.assertGreater(found, 100)

    def check_yaml(self, text):
        path = self.directory() / "ward.yaml"
        path.write_text(text)
        for module in re.findall(r"path: (\S+\.wasm)", text):
            (path.parent / module).write_bytes(MODULE)
        done = self.ward("validate", "--load", path)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)

    def test_whole_files_are_valid(self):
        found = 0
        for name in ("docs/configuration.md", "docs/health-monitoring.md", "docs/supervision.md",
                     "README.md"):
            for text in blocks(name, "yaml"):
                if text.startswith("version:"):
                    found += 1
                    with self.subTest(name, text=text):
                        self.check_yaml(text)
        page = (TESTS.parent / "man/ward.yaml.5").read_text()
        self.check_yaml(re.search(r"^(version: 1\n.*?)^\.Ed", page, re.MULTILINE | re.DOTALL)[1])
        self.assertGreaterEqual(found, 6)

    def test_pieces_are_valid_where_they_belong(self):
        found = 0
        for text in blocks("docs/health-monitoring.md", "yaml"):
            depth = len(text) - len(text.lstrip(" "))
            if text.startswith("components:"):
                whole = text
            elif depth == 2:
                whole = "components:\n" + text
            else:
                whole = "components:\n  a:\n    path: a.wasm\n" + textwrap.indent(
                    textwrap.dedent(text), "    ")
            for need in re.findall(r"needs: \[(\w+)\]", text):
                whole += f"  {need}: {{path: {need}.wasm}}\n"
            whole = whole.replace(".wat", ".wasm")
            found += 1
            with self.subTest(text=text):
                self.check_yaml("version: 1\n" + whole)
        self.assertGreaterEqual(found, 5)

    @unittest.skipUnless(shutil.which("wasm-ld"), "no linker for guests here")
    def test_guests_build_as_shown(self):
        found = 0
        for name in ("README.md", "docs/guest-abi.md", "examples/README.md"):
            sources = [text for text in blocks(name, "c") if "<ward_guest.h>" in text]
            commands = re.findall(r"^clang --target=wasm32 .*$", (TESTS.parent / name).read_text(), re.MULTILINE)
            self.assertEqual((len(sources), len(commands)), (1, 1), name)
            words = shlex.split(commands[0])
            directory = self.directory()
            (directory / "sdk").symlink_to(TESTS.parent / "sdk")
            (directory / words[-1]).write_text(sources[0])
            with self.subTest(name):
                subprocess.run(words, cwd=directory, check=True)
                module = directory / words[words.index("-o") + 1]
                self.assertIn(self.ward("check", module).returncode, (0, 1))
                self.assertIn(self.ward_json("inspect", "--json", module)["health_form"], ("i64", "i32"))
                found += 1
        self.assertEqual(found, 3)

    def test_the_guest_by_hand(self):
        path = self.directory() / "hand.wat"
        path.write_text(blocks("docs/guest-abi.md", "wat")[0])
        self.assertEqual(self.ward_json("check", "--json", path)["reason"], "High latency")

    def test_frames_are_what_is_shown(self):
        found = 0
        for text in blocks("docs/cli.md", "console"):
            for command, shown in re.findall(r"^\$ ward (frame [^|\n]*)\n([^$].*)$", text, re.MULTILINE):
                found += 1
                self.assertEqual(self.ward(*shlex.split(command)).stdout, shown + "\n")
        self.assertEqual(found, 2)
