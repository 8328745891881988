"""A ward on another machine: the commands over TLS, by token and by certificate, and what goes wrong."""
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest

import support
import test_run
from support import Case, wait_for
from test_control import ADDER
from test_run import Run

FLEET = ("  adder: {path: adder.wat, health: {interval: 20ms}}\n"
         "  hangs: {path: GUESTS/loop-health.wat, health: {interval: 20ms, timeout: 50ms, fall: 1},\n"
         "          restart: {initial: 20ms, limit: 1}}\n")


def openssl(*args):
    subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True)


class Authority:
    """Signs certificates, all of which end with the directory."""

    def __init__(self, place, name):
        self.place, self.name = place, name
        self.file = place / f"{name}.pem"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-subj", f"/CN={name}", "-days", "2", "-keyout", place / f"{name}.key", "-out", self.file)

    def sign(self, name, alternative, usage, *more):
        """A pair of files."""
        key, request, made, extra = (self.place / f"{name}.{end}" for end in ("key", "csr", "pem", "ext"))
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
                f"/CN={name}", "-keyout", key, "-out", request)
        extra.write_text(f"subjectAltName={alternative}\nextendedKeyUsage={usage}\n")
        openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey",
                self.place / f"{self.name}.key", "-CAcreateserial", "-extfile", extra, "-out", made,
                *(more or ("-days", "2")))
        return made, key


def token(path, mode=0o600):
    made = os.urandom(32).hex()
    path.write_text(made + "\n")
    path.chmod(mode)
    return made


@unittest.skipUnless(shutil.which("openssl"), "HERE IS NO openssl: CONTROL OVER TCP IS NOT TRIED END TO END")
class Remote(Case):
    @classmethod
    def setUpClass(cls):
        cls.made = tempfile.TemporaryDirectory(prefix="ward-tls-")
        cls.tls = place = pathlib.Path(cls.made.name)
        cls.ca = Authority(place, "ca")
        cls.strange = Authority(place, "strange")
        cls.server = cls.ca.sign("server", "DNS:localhost,IP:127.0.0.1", "serverAuth")
        cls.elsewhere = cls.ca.sign("elsewhere", "DNS:elsewhere.example", "serverAuth")
        cls.old = cls.ca.sign("old", "DNS:localhost", "serverAuth", "-days", "0")
        cls.ops = cls.ca.sign("ops", "DNS:ops.example", "clientAuth")
        cls.watcher = cls.ca.sign("watcher", "DNS:watcher.example", "clientAuth")
        cls.forged = cls.strange.sign("forged", "DNS:ops.example", "clientAuth")
        cls.write, cls.read = place / "write.token", place / "read.token"
        cls.write_text, cls.read_text = token(cls.write), token(cls.read)

    @classmethod
    def tearDownClass(cls):
        cls.made.cleanup()

    def start(self, server=None, **more):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        certificate, key = server or self.server
        head = ("version: 1\nsurfaces:\n"
                f"  remote: 127.0.0.1:{self.port}\n"
                f"  tls: {{certificate: {certificate}, key: {key}, client_ca: {self.ca.file}}}\n"
                f"  tokens: [{{name: deploys, file: {self.write}, grant: write}},\n"
                f"           {{name: looks, file: {self.read}, grant: read}}]\n"
                "  clients: [{name: ops.example, grant: write}, {name: watcher.example, grant: read}]\n")
        config = self.config(FLEET, head=head)
        (config.parent / "adder.wat").write_text(ADDER)
        before = test_run.environment
        journal = str(config.parent / "journal.db")
        test_run.environment = lambda **changes: before(**{"WARD_JOURNAL": journal, **more, **changes})
        self.addCleanup(setattr, test_run, "environment", before)
        self.run_ = Run(self, config)
        self.run_.wait_event(event="given_up", component="hangs")
        self.run_.wait_event(event="ready", component="adder", ready=True)
        self.url = f"https://localhost:{self.port}"

    def do(self, *args, url=None, token=None, ca=True, **more):
        where = {"WARD_CONTROL": url or self.url}
        if ca:
            where["WARD_CA_FILE"] = str(self.ca.file)
        if token:
            where["WARD_TOKEN_FILE"] = str(token)
        return self.ward(*args, **{**where, **more})

    def done(self, *args, **more):
        result = self.do(*args, **{"token": self.write, **more})
        self.assertEqual((result.returncode, result.stderr), (0, ""), args)
        return result.stdout

    def refused(self, *args, **more):
        result = self.do(*args, **more)
        self.assertEqual(result.returncode, 1, args)
        self.assertEqual(result.stdout, "")
        for secret in (self.write_text, self.read_text):
            self.assertNotIn(secret, result.stderr)
        return result.stderr


class Everything(Remote):
    def test_all_commands_by_token(self):
        self.start()
        wait_for(lambda: "adder" in self.done("ps", "-c", "healthy", "-o", "name"), "adder")
        self.assertIn("hangs  unhealthy", self.done("tree"))
        self.assertIn("What to do: ", self.done("why", "hangs"))
        self.assertEqual(json.loads(self.done("evidence", "hangs", "--json"))["cause"], "hang")
        self.assertIn("ward_build_info", self.done("metrics"))
        self.assertEqual(self.do("health", "adder", token=self.read).returncode, 0)
        self.assertEqual(self.do("health", token=self.read).returncode, 1)  # one is given up
        self.assertEqual(self.done("logs"), "")
        self.assertEqual(self.done("call", "adder", "add", "2", "3"), "5\n")
        self.done("send", "adder", "hello")
        self.done("stop", "adder")
        self.done("start", "adder")
        self.done("restart", "adder")
        self.done("quarantine", "adder")
        self.done("release", "adder", "hangs")
        who = self.run_.wait_event(event="operator", component="adder")
        self.assertRegex(who["reason"], r"^call of add, by token deploys \(127\.0\.0\.1:\d+\)$")
        self.run_.process.send_signal(signal.SIGTERM)
        self.run_.end()
        for secret in (self.write_text, self.read_text):
            self.assertNotIn(secret, "".join(self.run_.lines + self.run_.errors))

    def test_events_of_the_past_come_from_there(self):
        self.start()
        def lines(*more):
            return [json.loads(line) for line in self.done("events", *more, token=self.read).splitlines()]
        wait_for(lambda: any(e["event"] == "given_up" for e in lines("-c", "hangs")), "the journal")
        self.assertEqual({e["component"] for e in lines("-c", "hangs")}, {"hangs"})
        self.assertEqual(len(lines("-n", "2")), 2)
        recent, all_of_it = lines("--since", "1h", "-n", "3"), lines()
        self.assertEqual(len(recent), 3)
        self.assertLessEqual(recent[0]["sequence"], all_of_it[-1]["sequence"])
        self.assertEqual(sorted(e["sequence"] for e in recent), [e["sequence"] for e in recent])

    def test_following(self):
        self.start()
        seen = []
        follower = subprocess.Popen(
            [support.WARD, "events", "-f", "--json", "-c", "adder", "--host", self.url, "--ca-file",
             str(self.ca.file), "--token-file", str(self.read)],
            stdout=subprocess.PIPE, text=True, env=support.environment())
        thread = threading.Thread(target=seen.extend, args=(follower.stdout,))
        thread.start()
        try:
            def restarted():
                self.done("restart", "adder")
                return any(json.loads(line)["event"] == "restart" for line in list(seen))
            wait_for(restarted, "a restart in the stream")
        finally:
            follower.terminate()
            follower.wait()
            thread.join()
            follower.stdout.close()

    def test_by_certificate(self):
        self.start()
        certificate, key = map(str, self.ops)
        named = {"WARD_CERT_FILE": certificate, "WARD_KEY_FILE": key}
        self.done("restart", "adder", token=None, **named)
        who = self.run_.wait_event(event="operator", component="adder")
        self.assertRegex(who["reason"], r"^restart, by certificate ops\.example \(127")
        said = self.do("ps", "--host", self.url, "--cert", self.watcher[0], "--key", self.watcher[1],
                       WARD_CONTROL="off")
        self.assertEqual((said.returncode, said.stderr), (0, ""))
        said = self.refused("restart", "adder", WARD_CERT_FILE=str(self.watcher[0]),
                            WARD_KEY_FILE=str(self.watcher[1]))
        self.assertIn("watcher.example may only read", said)
        both = self.tls / "both.pem"
        both.write_text(self.ops[0].read_text() + self.ops[1].read_text())
        both.chmod(0o600)
        self.done("ps", token=None, WARD_CERT_FILE=str(both))


class Refused(Remote):
    def test_who_may_not(self):
        self.start()
        said = self.refused("ps")
        self.assertIn("--token-file", said)
        self.assertIn("WARD_TOKEN_FILE", said)
        self.assertIn("The token looks may only read", self.refused("restart", "adder", token=self.read))
        other = self.directory() / "other.token"
        token(other)
        self.assertIn("this token is nobody's", self.refused("ps", token=other))
        said = self.refused("ps", WARD_CERT_FILE=str(self.forged[0]), WARD_KEY_FILE=str(self.forged[1]))
        self.assertTrue("signed by nobody" in said or "neither has come" in said, said)
        wait_for(lambda: any(event["event"] == "operator" and "refused over TLS" in event["reason"]
                             for event in self.run_.events()), "what is told of it")

    def test_whom_not_to_trust(self):
        self.start()
        self.assertIn("--ca-file", self.refused("ps", ca=False, token=self.write))
        self.assertIn("--ca-file", self.refused("ps", token=self.write, WARD_CA_FILE=str(self.strange.file)))
        self.assertIn("holds no certificates", self.refused("ps", token=self.write, WARD_CA_FILE="/dev/null"))
        self.done("ps", url=f"https://127.0.0.1:{self.port}/")
        self.done("ps", "--host", f"localhost:{self.port}", WARD_CONTROL="off")  # nothing else is spoken

    def test_names(self):
        self.start(self.elsewhere)
        self.assertIn("not for this name", self.refused("ps", token=self.write))

    def test_expired(self):
        self.start(self.old)
        self.assertIn("has expired", self.refused("ps", token=self.write))

    def test_places(self):
        self.start()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            nobody = f"https://localhost:{free.getsockname()[1]}"
            self.assertIn("nobody answers there", self.refused("ps", url=nobody, token=self.write))
        for url, words in (("http://localhost:1", "with TLS alone"), ("https://u:p@localhost", "stands in files"),
                           ("https://localhost/api", "has a path"), ("ftp://localhost", "no place like"),
                           ("https://", "no place like"), ("https://name.invalid:1", "nothing has that name")):
            self.assertIn(words, self.refused("ps", url=url, token=self.write), url)
        self.assertIn("two places", self.refused("ps", "--socket", "x", "--host", self.url))

    def test_files(self):
        self.start()
        loose = self.directory() / "loose.token"
        token(loose, 0o644)
        self.assertIn("chmod o=", self.refused("ps", token=loose))
        loose.write_text("two words")
        loose.chmod(0o600)
        self.assertIn("it is no token", self.refused("ps", token=loose))
        loose.write_text("")
        self.assertIn("no token in it", self.refused("ps", token=loose))
        self.assertIn("No such file", self.refused("ps", token=loose.parent / "nothing"))
        self.assertIn("without a certificate", self.refused("ps", WARD_KEY_FILE=str(self.ops[1])))
        self.assertIn("can't be used", self.refused("ps", WARD_CERT_FILE=str(self.ops[0]),
                                                    WARD_KEY_FILE=str(self.watcher[1])))

    def test_others_clients(self):
        """What is no TLS, and old TLS; and a client of Python's."""
        self.start()
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as plain:
            plain.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertNotIn(b"200", plain.recv(1000))
        context = ssl.create_default_context(cafile=str(self.ca.file))
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as tcp, \
                context.wrap_socket(tcp, server_hostname="localhost") as secure:
            self.assertIn(secure.version(), ("TLSv1.3", "TLSv1.2"))
            secure.sendall(f"GET /api/v1/host HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
                           f"{self.read_text}\r\nConnection: close\r\n\r\n".encode())
            answer = b""
            while piece := secure.recv(65536):
                answer += piece
        self.assertTrue(answer.startswith(b"HTTP/1.1 200"), answer)

    def test_what_ward_refuses_to_start_with(self):
        loose = self.directory() / "loose.token"
        token(loose, 0o644)
        head = ("version: 1\nsurfaces:\n  remote: 127.0.0.1:0\n"
                f"  tls: {{certificate: {self.server[0]}, key: {self.server[1]}}}\n"
                f"  tokens: [{{name: a, file: {loose}, grant: read}}]\n")
        config = self.config("  a: {path: GUESTS/healthy-borsh.wat}\n", head=head)
        said = self.ward("run", config)
        self.assertEqual(said.returncode, 1)
        self.assertIn(str(loose), said.stderr)
        self.assertIn("chmod o=", said.stderr)
        config.write_text(config.read_text().replace("  tls:", "  # tls:"))
        said = self.ward("validate", config)
        self.assertEqual(said.returncode, 1)
        self.assertIn("takes TLS", said.stdout + said.stderr)
