"""``obmen serve`` and the host behind it: calls reach their connection, whole or not, and no secret is logged."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
import requests
import structlog
from shelf import Shelf  # found by the kit

from obmen.endpoint import Endpoint, Request, Response
from runner import serve
from runner.serve import application, listening, query_of, web_server
from tests.unit.cli.kit import Place, Ran

Cli = Callable[..., Ran]


class Echo:
    """Tells what it was called with, or does what ``answer`` does."""

    def __init__(self, answer: Callable[[Request], Response] | None = None) -> None:
        self.asked: list[tuple[Request, bytes]] = []
        self.broken: list[OSError] = []
        self.closed = False
        self._answer = answer

    def handle(self, request: Request) -> Response:
        if self._answer is not None:
            return self._answer(request)
        try:
            body = request.body.read()
        except OSError as error:
            self.broken.append(error)
            return Response(body=b"failure\nbroken")
        self.asked.append((request, body))
        return Response(200, b"success\n" + body, headers={"X-Said": "yes"})

    def close(self) -> None:
        self.closed = True


@contextmanager
def served(endpoints: Mapping[str, Endpoint]) -> Iterator[str]:
    with listening("127.0.0.1", 0) as (listener, port):
        server = web_server(application(endpoints, threads=4))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as events:
        yield events


class TestHost:
    def test_a_call_reaches_its_connection(self, logged: list[Any]) -> None:
        one, other = Echo(), Echo()
        with served({"ut": one, "ут два": other}) as url:
            answer = requests.post(
                f"{url}/ut/a/b?type=x&mode=file&filename=%EC%E8%F0&x=1&x=2", data=b"body", timeout=30
            )
            assert answer.content == b"success\nbody"
            assert answer.headers["X-Said"] == "yes"
            assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
            assert "server" not in answer.headers
            assert requests.get(f"{url}/ут два", timeout=30).status_code == 200
            assert requests.get(f"{url}/none", timeout=30).status_code == 404
            assert requests.get(f"{url}/", timeout=30).status_code == 404
        ((request, body),) = one.asked
        assert (request.method, request.path, body, request.client) == ("POST", "/a/b", b"body", "127.0.0.1")
        assert request.query == {"type": "x", "mode": "file", "filename": "мир", "x": "2"}
        assert request.headers["content-length"] == "4"
        ((request, _),) = other.asked
        assert request.path == ""
        assert logged[0]["filename"] == "мир"

    def test_a_large_body_arrives_as_it_comes(self, logged: list[Any]) -> None:
        def answer(request: Request) -> Response:
            first = request.body.read(10)
            rest = 0
            while piece := request.body.read(1 << 20):
                rest += len(piece)
            return Response(body=f"{first!r} {rest}".encode())

        with served({"ut": Echo(answer)}) as url:
            body = b"0123456789" + b"x" * (9 << 20)
            assert requests.post(f"{url}/ut", data=body, timeout=60).text == f"{body[:10]!r} {9 << 20}"
            chunked = (piece for piece in (b"0123456789", b"x" * 100))
            assert requests.post(f"{url}/ut", data=chunked, timeout=60).text == f"{body[:10]!r} 100"

    def test_one_that_is_too_large_is_not_read(self, logged: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(serve, "LARGEST_BODY", 100)
        echo = Echo()
        with served({"ut": echo}) as url:
            assert requests.post(f"{url}/ut", data=b"x" * 101, timeout=30).status_code == 413
            assert requests.post(f"{url}/ut", data=(b"x" * 60 for _ in range(2)), timeout=30).text == "failure\nbroken"
        assert echo.asked == []

    def test_one_that_breaks_off_is_told_to_the_endpoint(self, logged: list[Any]) -> None:
        echo = Echo()
        with served({"ut": echo}) as url:
            port = int(url.rpartition(":")[2])
            with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
                line.sendall(b"POST /ut HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
            assert requests.get(f"{url}/ut", timeout=30).text == "success\n"
        assert [body for _, body in echo.asked] == [b""]
        assert len(echo.broken) == 1

    def test_one_that_never_comes_is_given_up(self, logged: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(serve, "LONGEST_BODY", 0.0)
        echo = Echo()
        with served({"ut": echo}) as url:
            port = int(url.rpartition(":")[2])
            with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
                line.sendall(b"POST /ut HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
                answered = b""
                while b"failure\nbroken" not in answered and (more := line.recv(1000)):
                    answered += more
                assert b"failure\nbroken" in answered
        assert isinstance(echo.broken[0], TimeoutError)

    def test_a_bug_shows_nothing(self, logged: list[Any]) -> None:
        def answer(_request: Request) -> Response:
            raise ValueError("secret inside")

        with served({"ut": Echo(answer)}) as url:
            answered = requests.get(f"{url}/ut", timeout=30)
        assert answered.status_code == 500
        assert "secret" not in answered.text
        assert {"serve.failed", "serve.call"} <= {event["event"] for event in logged}

    def test_logs_tell_the_step_and_no_secret(self, logged: list[Any]) -> None:
        texts = {"init": b"zip=yes", "query": b"failure\n\xd1\x83\xd0\xb2\xd1\x8b\nmore"}
        echo = Echo(lambda request: Response(body=texts[request.query["mode"]]))
        secret = {"Authorization": "Basic c2VjcmV0", "Cookie": "obmen=secret"}
        with served({"ut": echo}) as url:
            for mode in texts:
                requests.get(f"{url}/ut?type=sale&mode={mode}&sessid=secret", headers=secret, timeout=30)
        assert "secret" not in repr(logged)
        assert "c2VjcmV0" not in repr(logged)
        assert [(event["log_level"], event["mode"], event.get("said")) for event in logged] == [
            ("info", "init", None),
            ("warning", "query", "увы"),
        ]

    @pytest.mark.parametrize(
        ("raw", "found"),
        [
            (b"", {}),
            (b"a=1&b=&c", {"a": "1", "b": "", "c": ""}),
            (b"a=1+2%2B3&=x", {"a": "1 2+3"}),
            ("filename=каталог.xml".encode(), {"filename": "каталог.xml"}),
            ("filename=каталог.xml".encode("cp1251"), {"filename": "каталог.xml"}),
            (b"a=%zz&b=%", {"a": "%zz", "b": "%"}),
        ],
    )
    def test_queries(self, raw: bytes, found: dict[str, str]) -> None:
        assert query_of(raw) == found


PROJECT = """\
connections:
  one: { connector: shelf, folder: . }
  two: { connector: shelf, folder: . }
"""


class TestCommand:
    @pytest.fixture
    def echo(self, monkeypatch: pytest.MonkeyPatch) -> Echo:
        echo = Echo()
        monkeypatch.setattr(Shelf, "endpoint", lambda self: echo if self.name == "two" else None)
        return echo

    def test_it_prints_the_address_to_type(
        self, place: Place, cli: Cli, echo: Echo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (place.folder / "obmen.yaml").write_text(PROJECT)
        monkeypatch.setattr(serve, "run", lambda _app, listener: listener.getsockname())
        ran = cli("serve", "--port", "0")
        assert ran.code == 0
        first, second, third = ran.out.strip().splitlines()
        assert first.startswith("Obmen answers at http://127.0.0.1:")
        assert second == f"  two: the address for Shelf is {first.split()[-1]}/two"
        assert third == "Ctrl-C ends it."
        assert "https" not in ran.err
        assert echo.closed
        assert "https" in cli("serve", "--port", "0", "--host", "0.0.0.0").err

    def test_a_webhook_alone_is_served(self, place: Place, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
        (place.folder / "obmen.yaml").write_text(f"""{PROJECT}flows:
  goods: {{ entity: product, from: one, to: [] }}
service:
  webhooks: {{ one: {{ secret: an-invented-secret }} }}
""")
        monkeypatch.setattr(serve, "run", lambda _app, listener: listener.getsockname())
        ran = cli("serve", "--port", "0")
        assert ran.code == 0
        first, second, _ = ran.out.strip().splitlines()
        assert second == f"  one: {first.split()[-1]}/one/wake wakes its flows"

    def test_nothing_to_serve(self, place: Place, cli: Cli) -> None:
        (place.folder / "obmen.yaml").write_text(PROJECT)
        ran = cli("serve", "--port", "0")
        assert ran.code == 2
        assert "there is nothing to serve" in ran.err

    def test_a_port_that_is_taken(self, place: Place, cli: Cli, echo: Echo) -> None:
        (place.folder / "obmen.yaml").write_text(PROJECT)
        with listening("127.0.0.1", 0) as (_, port):
            ran = cli("serve", "--port", str(port))
        assert ran.code == 2
        assert f"127.0.0.1:{port} cannot be used" in ran.err
        assert echo.closed

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (("shelf", "--push", "http://a:b@127.0.0.1:1/x"), "has nothing to push"),
            (("onec", "--push", "http://127.0.0.1:1/ut"), "missing its login and password"),
            (("onec", "--push", "http://a:b@127.0.0.1:1/ut", "--folder", "none"), "There is no folder none"),
            (("onec", "--push", "http://a:b@127.0.0.1:1/ut"), "cannot be reached"),
        ],
    )
    def test_pushing_that_cannot_be(self, place: Place, cli: Cli, words: tuple[str, ...], said: str) -> None:
        ran = cli("sandbox", *words)
        assert ran.code in (2, 4)
        assert said in ran.err
