"""The doors of ``obmen run`` go with its project: what is changed under ``service:`` needs no new start."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest
import requests

SECRET = "an-invented-secret-of-ut"


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        made = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in made]


class Running:
    """A service with nothing to carry, and what it answers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "exchange").mkdir()
        self.process: subprocess.Popen[bytes] | None = None

    def write(self, more: Mapping[str, object] | None = None, **service: object) -> None:
        onec = {"connector": "onec", "commerceml": "exchange", "timezone": "Europe/Moscow", **(more or {})}
        flows = {"goods": {"entity": "product", "from": "ut", "to": [], "every": "off"}}
        text = msgspec.json.encode({"connections": {"ut": onec}, "flows": flows, "service": service})
        scratch = self.folder / "obmen.new"
        scratch.write_bytes(text)
        scratch.replace(self.folder / "obmen.yaml")

    def start(self) -> None:
        words = [sys.executable, "-m", "runner.cli", "--project", str(self.folder), "run"]
        with (self.folder / "service.log").open("wb") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT)

    def said(self) -> str:
        return (self.folder / "service.log").read_text("utf-8")

    def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert self.process is not None
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.1)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path)
    yield made
    if made.process is not None:
        made.process.send_signal(signal.SIGTERM)
        assert made.process.wait(60) == 0, made.said()


def status(port: int, path: str = "/", method: str = "GET") -> int | None:
    """Return how a door answers; None if it is shut."""
    try:
        headers = {"X-Obmen-Secret": SECRET}
        return requests.request(method, f"http://127.0.0.1:{port}{path}", headers=headers, timeout=20).status_code
    except requests.ConnectionError:
        return None


def test_the_page_moves_and_is_shut_and_a_first_webhook_is_answered(running: Running) -> None:
    one, two, calls = free_ports(3)
    running.write(page={"address": f"127.0.0.1:{one}"}, endpoints=f"127.0.0.1:{calls}")
    running.start()
    running.until(lambda: status(one) == 200)
    assert status(calls) is None, "nobody calls yet"

    hooks = {"ut": {"secret": SECRET}}
    running.write(page={"address": f"127.0.0.1:{two}"}, endpoints=f"127.0.0.1:{calls}", webhooks=hooks)
    running.until(lambda: status(two) == 200)
    assert status(one) is None
    running.until(lambda: status(calls, "/ut/wake", "POST") == 200)
    assert f"The page is at http://127.0.0.1:{two}" in running.said()

    running.write(page={"address": f"127.0.0.1:{calls}"}, endpoints=f"127.0.0.1:{two}", webhooks=hooks)
    running.until(lambda: status(two, "/ut/wake", "POST") == 200)
    assert status(calls) == 200, "they take each other's place"

    running.write(page={"address": "off"}, endpoints=f"127.0.0.1:{two}")
    running.until(lambda: status(calls) is None)
    running.until(lambda: status(two) is None)
    running.until(lambda: "The page is nowhere any more." in running.said())

    exchange = {"login": "1c", "password": "an invented password"}
    running.write({"exchange": exchange}, page={"address": "off"}, endpoints=f"127.0.0.1:{two}")
    running.until(lambda: status(two, "/ut?type=catalog&mode=checkauth") is not None)


def test_an_address_that_is_taken_refuses_the_change_whole(running: Running) -> None:
    (one,) = free_ports(1)
    running.write(page={"address": f"127.0.0.1:{one}"})
    running.start()
    running.until(lambda: status(one) == 200)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        running.write(page={"address": f"127.0.0.1:{taken.getsockname()[1]}"}, webhooks={"ut": {"secret": SECRET}})
        running.until(lambda: "project.refused" in running.said())
    assert "Write another address under 'service:'" in running.said()
    running.until(lambda: status(one) == 200)
