"""Clients that mean no good, and a process that has run out of descriptors: probes are answered all the same."""
import http.client
import os
import resource
import select
import socket
import subprocess
import threading
import time

import test_run
from support import Case, wait_for
from test_run import Run

ONE = "  a: {path: GUESTS/healthy-borsh.wat, health: {interval: 20ms}}\n"


class Crowded(Case):
    def start(self, more=""):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        before = test_run.environment
        test_run.environment = lambda **changes: before(
            **{"WARD_HTTP": f"127.0.0.1:{self.port}", **changes})
        self.addCleanup(setattr, test_run, "environment", before)
        run = Run(self, self.config(ONE, head=f"version: 1\nsurfaces: {{{more}}}\n"))
        run.wait_event(event="ready", component="a")
        wait_for(lambda: self.probe() == 200, "ready")
        return run

    def probe(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status
        finally:
            connection.close()

    def crowd(self, count):
        """Connections that say nothing; it goes on where the door makes earlier ones leave."""
        idle = []
        self.addCleanup(lambda: [one.close() for one in idle])
        for _ in range(count):
            one = socket.create_connection(("127.0.0.1", self.port), timeout=20)
            idle.append(one)
        return idle

    def test_more_than_may_be(self):
        self.start("connections_max: 50")
        self.crowd(400)
        for _ in range(20):
            self.assertEqual(self.probe(), 200)

    def test_ten_thousand(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and hard < 10200:
            self.skipTest("HERE NO PROCESS MAY OPEN 10,000 FILES")
        resource.setrlimit(resource.RLIMIT_NOFILE, (10200, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        self.start()
        self.crowd(10000)
        began = time.monotonic()
        for _ in range(50):
            self.assertEqual(self.probe(), 200)
        self.assertLess(time.monotonic() - began, 20)

    def test_no_descriptors(self):
        run = self.start()
        self.crowd(10)
        pid = run.process.pid

        def taken_in():
            try:
                names = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
            except FileNotFoundError:  # closed meanwhile
                return False
            return sum(name.startswith("socket:") for name in names) > 10  # one listens
        wait_for(taken_in, "all to be taken in")
        used = max(int(fd) for fd in os.listdir(f"/proc/{pid}/fd"))
        subprocess.run(["prlimit", f"--pid={pid}", f"--nofile={used + 1}:{used + 1}"], check=True)
        for _ in range(30):
            self.assertEqual(self.probe(), 200)
        self.assertIsNone(run.process.poll())

    def test_half_a_request(self):
        """A byte a second keeps nobody's place for long."""
        self.start()
        slow = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        self.addCleanup(slow.close)
        gone = threading.Event()

        def drip():
            for byte in b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 60:
                try:
                    slow.send(bytes([byte]))
                except OSError:
                    break
                if select.select([slow], [], [], 0.2)[0]:
                    break
            gone.set()
        thread = threading.Thread(target=drip)
        thread.start()
        for _ in range(10):
            self.assertEqual(self.probe(), 200)
        self.assertTrue(gone.wait(20))
        thread.join()
