"""The examples of the documents are tried."""
import re
import shlex

from support import TESTS, Case

MODULE = b"\0asm\x01\0\0\0"


def blocks(name, language):
    text = (TESTS.parent / name).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


class Documents(Case):
    def check_yaml(self, text):
        path = self.directory() / "ward.yaml"
        path.write_text(text)
        for module in re.findall(r"path: (\S+\.wasm)", text):
            (path.parent / module).write_bytes(MODULE)
        done = self.ward("validate", "--load", path)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)

    def test_whole_files_are_valid(self):
        found = 0
        for name in ("docs/configuration.md", "docs/health-monitoring.md", "README.md"):
            for text in blocks(name, "yaml"):
                if text.startswith("version:"):
                    found += 1
                    with self.subTest(name, text=text):
                        self.check_yaml(text)
        page = (TESTS.parent / "man/ward.yaml.5").read_text()
        self.check_yaml(re.search(r"^(version: 1\n.*?)^\.Ed", page, re.MULTILINE | re.DOTALL)[1])
        self.assertGreaterEqual(found, 2)

    def test_frames_are_what_is_shown(self):
        found = 0
        for text in blocks("docs/cli.md", "console"):
            for command, shown in re.findall(r"^\$ ward (frame [^|\n]*)\n([^$].*)$", text, re.MULTILINE):
                found += 1
                self.assertEqual(self.ward(*shlex.split(command)).stdout, shown + "\n")
        self.assertEqual(found, 2)
