"""ward frame: every row of the vectors, both ways."""
import json

from support import HEALTHY, HIGH_LATENCY, TESTS, WARD, Case, environment
import subprocess


def vectors():
    for line in (TESTS / "vectors.tsv").read_text().splitlines():
        if line.startswith("#") or not line:
            continue
        name, frame, outcome, reason = (line.split("\t") + ["", ""])[:4]
        yield (name, "" if frame == "-" else frame, outcome,
               reason if outcome == "error" else reason.encode().decode("unicode_escape"))


class FrameDecode(Case):
    def test_every_vector_as_json(self):
        rows = list(vectors())
        self.assertGreater(len(rows), 90)
        done = self.ward("frame", "decode", "--json", "-", stdin="".join(r[1] + "\n" for r in rows))
        self.assertEqual(done.returncode, 1)  # some are errors
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), len(rows))
        for (name, _, outcome, reason), line in zip(rows, lines):
            answer = json.loads(line)
            with self.subTest(name):
                if outcome == "error":
                    self.assertEqual(list(answer), ["error", "detail"])
                    self.assertEqual(answer["error"], reason)
                    self.assertNotEqual(answer["detail"], "")
                else:
                    self.assertEqual(list(answer), ["codec", "status", "reason"])
                    self.assertEqual((answer["status"], answer["reason"]), (outcome, reason))
                    self.assertIn(answer["codec"], ("borsh", "cbor", "json"))

    def test_every_vector_as_argument(self):
        for name, frame, outcome, _ in vectors():
            with self.subTest(name):
                done = self.ward("frame", "decode", frame)
                self.assertEqual(done.returncode, 1 if outcome == "error" else 0)
                if outcome == "error":
                    self.assertEqual(done.stdout, "")
                    self.assertTrue(done.stderr.startswith("ward: frame decode: "))
                else:
                    self.assertTrue(done.stdout.startswith(outcome))

    def test_human(self):
        self.assertEqual(self.ward("frame", "decode", HIGH_LATENCY).stdout,
                         "degraded: High latency (borsh)\n")
        self.assertEqual(self.ward("frame", "decode", "0x81 0E 00").stdout, "healthy (borsh)\n")

    def test_several(self):
        done = self.ward("frame", "decode", HEALTHY, HIGH_LATENCY)
        self.assertEqual(done.stdout, "healthy (borsh)\ndegraded: High latency (borsh)\n")

    def test_what_is_no_hex(self):
        done = self.ward("frame", "decode", "810g")
        self.assertEqual(done.returncode, 1)
        self.assertIn("character 4 is no hex digit", done.stderr)
        self.assertIn("half a byte", self.ward("frame", "decode", "810").stderr)
        answer = self.ward_json("frame", "decode", "--json", "xx")
        self.assertEqual(answer["error"], "not-hex")

    def test_an_answer_a_line_at_once(self):
        with subprocess.Popen([WARD, "frame", "decode", "--json", "-"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True, env=environment()) as ward:
            for _ in range(3):
                ward.stdin.write(HEALTHY + "\n")
                ward.stdin.flush()
                self.assertEqual(json.loads(ward.stdout.readline())["status"], "healthy")
            ward.stdin.close()
            self.assertEqual(ward.wait(), 0)

    def test_a_reason_cannot_play_with_the_terminal(self):
        reason = "a\x1b[2Jb\nc\u202ed"
        frame = self.ward("frame", "encode", "degraded", reason).stdout.strip()
        self.assertEqual(self.ward("frame", "decode", frame).stdout,
                         "degraded: a\\x1b[2Jb\\nc\\xe2\\x80\\xaed (borsh)\n")
        self.assertEqual(self.ward_json("frame", "decode", "--json", frame)["reason"], reason)


class FrameEncode(Case):
    def test_as_the_documents_say(self):
        self.assertEqual(self.ward("frame", "encode", "degraded", "High latency").stdout,
                         HIGH_LATENCY + "\n")

    def test_round_trip(self):
        reasons = ["", "x", "データベース接続不可", "🔥 disk 🔥", 'say "no" \\', "x" * 255]
        for codec in ("borsh", "cbor", "json"):
            for status in ("degraded", "unhealthy"):
                for reason in reasons:
                    with self.subTest(codec=codec, status=status, reason=reason):
                        frame = self.ward("frame", "encode", "--codec", codec, status, reason).stdout
                        answer = self.ward_json("frame", "decode", "--json", frame)
                        self.assertEqual(answer, {"codec": codec, "status": status, "reason": reason})
            frame = self.ward("frame", "encode", "-c", codec, "healthy").stdout
            self.assertEqual(self.ward_json("frame", "decode", "--json", frame),
                             {"codec": codec, "status": "healthy", "reason": ""})

    def test_raw(self):
        done = subprocess.run([WARD, "frame", "encode", "--raw", "healthy"], capture_output=True,
                              env=environment(), check=True)
        self.assertEqual(done.stdout, bytes.fromhex(HEALTHY))

    def test_wrong_usage(self):
        for args in (["great"], ["healthy", "reason"], ["--codec", "xml", "healthy"], []):
            with self.subTest(args):
                done = self.ward("frame", "encode", *args)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn("Try `ward frame encode --help`.", done.stderr)
