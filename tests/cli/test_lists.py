"""Lists in an order, while those who are on them go."""
import http.client
import json
import socket
import threading

import test_run
from support import Case, wait_for
from test_run import Run

MANY = "  many: {path: GUESTS/healthy-borsh.wat, instances: 1000, health: {interval: 10s}}\n"


class Control(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("ward", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)

    def ask(self, method, target):
        self.request(method, target)
        answer = self.getresponse()
        return answer.status, answer.read()


class Lists(Case):
    def test_who_goes_is_left_out_and_nobody_else(self):
        config = self.config(MANY)
        path = str(config.parent / "s")
        before = test_run.environment
        test_run.environment = lambda **changes: before(**{"WARD_CONTROL": path, **changes})
        self.addCleanup(setattr, test_run, "environment", before)
        Run(self, config, "--quiet")
        control = wait_for(lambda: self.try_to(path), "the socket")
        wait_for(lambda: json.loads(control.ask("GET", "/api/v1/host")[1])
                 ["components"]["healthy"] == 1000, "all of them")
        over, wrong, seen = threading.Event(), [], [0]

        def look(sort, reverse):
            connection = Control(path)
            while not over.is_set():
                status, body = connection.ask(
                    "GET", f"/api/v1/components?figures&limit=1000&sort={sort}{reverse}")
                rows = [row["name"] for row in json.loads(body)["components"]]
                numbers = [int(name.split(".")[1]) for name in rows]
                if status != 200 or numbers != sorted(set(numbers), reverse=bool(reverse)):
                    wrong.append((status, "order", numbers))
                if not stay <= set(numbers):
                    wrong.append(("missing", stay - set(numbers)))
                seen[0] += 1
            connection.close()

        goes = range(0, 1000, 10)
        stay = set(range(1000)) - set(goes)
        threads = [threading.Thread(target=look, args=(sort, reverse))
                   for sort in ("name", "restarts") for reverse in ("", "&reverse")]
        for thread in threads:
            thread.start()
        try:
            for number in goes:
                status, body = control.ask("DELETE", f"/api/v1/components/many.{number}")
                self.assertEqual(status, 202, body)
            wait_for(lambda: json.loads(control.ask(
                "GET", "/api/v1/components?sort=name&limit=1")[1])["count"] == 900, "100 to go")
        finally:
            over.set()
            for thread in threads:
                thread.join()
        control.close()
        self.assertEqual(wrong[:1], [])
        self.assertGreater(seen[0], len(threads))

    @staticmethod
    def try_to(path):
        control = Control(path)
        try:
            return control if control.ask("GET", "/livez")[0] == 200 else None
        except OSError:
            control.close()
            return None
