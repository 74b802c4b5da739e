"""Whether a call was never sent (repeat it) or its answer was lost (look before repeating)."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import urllib3

from obmen.errors import ConfigurationError, InDoubt, LeaseLost, Refused, Unavailable
from obmen.http import Http, Retry

from .conftest import Peer, answer, raw, silence

Make = Callable[..., Peer]
Connect = Callable[..., Http]
ONCE = Retry(attempts=1)
HALF = b'HTTP/1.1 200 X\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{"id":'


def _reset(connection: socket.socket, _request: bytes) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def tls_port() -> Iterator[Callable[[bytes | None], int]]:
    """A port that takes the first bytes of a TLS handshake and answers with these; None resets it."""
    listeners: list[tuple[socket.socket, threading.Thread]] = []

    def make(reply: bytes | None) -> int:
        listener = socket.create_server(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                connection.recv(1 << 16)
                if reply is None:
                    _reset(connection, b"")
                else:
                    connection.sendall(reply)
                    connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        listeners.append((listener, thread))
        return int(listener.getsockname()[1])

    yield make
    for listener, thread in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        listener.close()


class TestNeverSent:
    """Nothing left, so even a write may be said again, and ends as Unavailable."""

    def test_refused(self, http: Connect) -> None:
        with pytest.raises(Unavailable, match=r"nothing was sent \(ConnectionRefusedError: .*\)\. Check"):
            http(f"http://127.0.0.1:{_closed_port()}").post("/create", json={})

    def test_unknown_name(self, http: Connect) -> None:
        with pytest.raises(Unavailable, match=r"nothing was sent \(gaierror"):
            http("http://nowhere.invalid").post("/create", json={})

    @pytest.mark.parametrize("reply", [b"HTTP/1.1 400 Bad Request\r\n\r\n", None], ids=["plain", "reset"])
    def test_a_handshake_that_fails(
        self, tls_port: Callable[[bytes | None], int], http: Connect, reply: bytes | None
    ) -> None:
        with pytest.raises(Unavailable, match=r"nothing was sent \((SSL|ConnectionReset)"):
            http(f"https://127.0.0.1:{tls_port(reply)}").post("/create", json={})

    def test_it_is_repeated_even_for_a_write(self, http: Connect, clock: Any) -> None:
        with pytest.raises(Unavailable):
            http(f"http://127.0.0.1:{_closed_port()}", retry=Retry(attempts=4)).post("/create", json={})
        assert len(clock.sleeps) == 3

    @pytest.mark.parametrize(
        ("url", "headers"),
        [
            ("1c.example/trade", {}),
            ("ftp://1c.example", {}),
            ("http://", {}),
            ("http://127.0.0.1:99999", {}),
            ("http://127.0.0.1:9", {"Api-Key": "line\nbreak-secret"}),
            ("http://127.0.0.1:9", {"Api-Key": "ключ-secret"}),
        ],
    )
    def test_what_can_never_be_sent_is_a_fault_of_the_project(
        self, http: Connect, url: str, headers: dict[str, str]
    ) -> None:
        with pytest.raises(ConfigurationError) as caught:
            http(url, headers=headers).post("/create", json={})
        assert "shop: POST /create" in str(caught.value)
        assert "secret" not in str(caught.value).replace("its secrets", "")

    def test_an_address_that_cannot_be_read_is_told_before_any_call(self, http: Connect) -> None:
        with pytest.raises(ConfigurationError, match="shop: the connection's address"):
            http("http://[::1")


class TestLost:
    """Something left, so a write is in doubt and a read is made again."""

    LOSSES: tuple[tuple[str, Any], ...] = (
        ("reset after the request", _reset),
        ("hang-up instead of an answer", raw(b"", hang_up=True)),
        ("hang-up in the headers", raw(b"HTTP/1.1 200 X\r\nContent-Le", hang_up=True)),
        ("half a body", raw(HALF, hang_up=True)),
        (
            "half a chunked body",
            raw(b'HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{"id"', hang_up=True),
        ),
        (
            "a chunk of no size",
            raw(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n", hang_up=True),
        ),
        ("a body that is not gzip", answer(b"plainly not", Content_Encoding="gzip")),
        (
            "half a gzip",
            raw(
                b"HTTP/1.1 200 X\r\nContent-Encoding: deflate\r\n\r\n" + zlib.compress(b'{"id": 1}' * 99)[:20],
                hang_up=True,
            ),
        ),
        ("not HTTP at all", raw(b"SSH-2.0-OpenSSH\r\n\r\n", hang_up=True)),
        ("half a JSON without a length", raw(b'HTTP/1.1 200 X\r\n\r\n{"id": 1, "na', hang_up=True)),
        ("HTML with a good status", answer(b"<html>502</html>", Content_Type="text/html")),
        ("nothing with a good status", answer(b"")),
    )

    @pytest.mark.parametrize("script", [loss[1] for loss in LOSSES], ids=[loss[0] for loss in LOSSES])
    def test_a_write_is_in_doubt_and_a_read_is_made_again(self, peer: Make, http: Connect, script: Any) -> None:
        shop = peer(script)
        with pytest.raises(InDoubt, match="effect is unknown"):
            http(shop.url).post("/create", json={})
        assert len(shop.requests) == 1
        again = peer(script, answer(b'{"ok": 1}'))
        assert http(again.url).get("/list")["ok"] == 1

    def test_no_answer_in_time(self, peer: Make, http: Connect) -> None:
        session = http(peer(silence).url, timeout=(5.0, 0.05))
        with pytest.raises(InDoubt, match="imeout"):
            session.post("/create", json={})
        with pytest.raises(Unavailable):
            session.get("/list")

    def test_an_answer_that_comes_byte_by_byte_without_end(self, peer: Make, http: Connect) -> None:
        stop = threading.Event()

        def drip(connection: socket.socket, _request: bytes) -> None:
            connection.sendall(b"HTTP/1.1 200 X\r\nContent-Length: 1000000\r\n\r\n")
            while not stop.wait(0.001):
                connection.sendall(b" ")

        clock = _Hurrying()
        session = http(peer(drip).url, timeout=(5.0, 5.0), retry=ONCE)
        session.clock = clock
        with pytest.raises(InDoubt, match=r"answer was lost \(ReadTimeout\)"):
            session.post("/create", json={})
        stop.set()

    def test_a_connection_that_was_kept_open_and_dies_under_the_call(self, peer: Make, http: Connect) -> None:
        shop = peer(answer(), raw(b"", hang_up=True))
        session = http(shop.url)
        session.get("/list")
        with pytest.raises(InDoubt):
            session.post("/create", json={})


class _Hurrying:
    """A clock on which each look takes ten seconds."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> Any:
        raise AssertionError

    def monotonic(self) -> float:
        self.seconds += 10
        return self.seconds

    def sleep(self, seconds: float) -> None:
        raise AssertionError


class TestWhatTheLibrariesRaise:
    """Their exceptions, raised on purpose before and after the sending, which alone decides."""

    ERRORS: tuple[Exception, ...] = (
        requests.exceptions.ConnectionError("x"),
        requests.exceptions.ConnectTimeout("x"),
        requests.exceptions.ReadTimeout("x"),
        requests.exceptions.SSLError(ssl.SSLError(1, "record layer failure")),
        requests.exceptions.ProxyError("x"),
        requests.exceptions.ChunkedEncodingError("x"),
        requests.exceptions.ContentDecodingError("x"),
        requests.exceptions.RetryError("x"),
        requests.exceptions.RequestException("x"),
        urllib3.exceptions.ProtocolError("x"),
        urllib3.exceptions.DecodeError("x"),
        urllib3.exceptions.IncompleteRead(1, 2),
        urllib3.exceptions.SSLError("x"),
        urllib3.exceptions.ReadTimeoutError(None, None, "x"),  # type: ignore[arg-type]  # any pool will do
        urllib3.exceptions.HTTPError("x"),
    )

    @pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
    @pytest.mark.parametrize("sent", [False, True])
    def test_each_means_the_same_before_and_after_the_sending(
        self, http: Connect, monkeypatch: pytest.MonkeyPatch, error: Exception, sent: bool
    ) -> None:
        session = http("http://127.0.0.1:9", retry=ONCE)

        def fail(*_args: Any, **_kwargs: Any) -> None:
            raise error

        monkeypatch.setattr(session._session, "request", fail)
        monkeypatch.setattr(type(session._wire), "sent", property(lambda _self: sent))
        with pytest.raises(InDoubt if sent else Unavailable):
            session.post("/create", json={})
        with pytest.raises(Unavailable):
            session.get("/list")


class TestBounds:
    """A huge answer is refused before it fills the memory."""

    def test_by_its_size(self, peer: Make, http: Connect) -> None:
        session = http(peer(answer(b'"' + b"x" * 5000 + b'"')).url, largest_answer=4096)
        with pytest.raises(Refused, match="larger than 4096 bytes") as caught:
            session.get("/list")
        assert caught.value.code == "too_large"
        with pytest.raises(InDoubt, match="larger than 4096 bytes"):
            session.post("/create", json={})

    def test_by_its_size_unpacked(self, peer: Make, http: Connect) -> None:
        bomb = zlib.compress(b" " * 50_000_000)
        session = http(peer(answer(bomb, Content_Encoding="deflate")).url, largest_answer=1 << 20)
        with pytest.raises(Refused, match="larger than"):
            session.get("/list")

    def test_an_answer_just_within_it_passes(self, peer: Make, http: Connect) -> None:
        body = b'"' + b"x" * 4094 + b'"'
        assert http(peer(answer(body)).url, largest_answer=4096).get("/list").content == body


def test_a_connection_is_kept_open_for_the_next_call(peer: Make, http: Connect) -> None:
    shop = peer(answer(b"[1]" * 1))
    session = http(shop.url)
    for _ in range(5):
        session.get("/list")
    assert len(shop.requests) == 5
    assert shop.connections == 1


def test_every_call_carries_an_id_and_its_repeats_the_same_one(peer: Make, http: Connect) -> None:
    shop = peer(answer(status=503), answer(), answer())
    session = http(shop.url)
    first = session.get("/list")
    second = session.get("/list")
    ids = [
        line.partition(b": ")[2].decode()
        for request in shop.requests
        for line in request.split(b"\r\n")
        if line.startswith(b"X-Request-Id")
    ]
    assert ids == [first.request_id, first.request_id, second.request_id]
    assert first.request_id != second.request_id


class TestAProxy:
    """What a proxy is told to build the connection is not the call yet."""

    def test_one_that_refuses_the_tunnel(self, peer: Make, http: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
        proxy = peer(raw(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", hang_up=True))
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(Unavailable, match="nothing was sent"):
            http("https://shop.example", retry=ONCE).post("/create", json={})
        assert proxy.requests[0].startswith(b"CONNECT shop.example:443 ")

    def test_one_that_loses_the_answer(self, peer: Make, http: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
        proxy = peer(raw(b"", hang_up=True))
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        with pytest.raises(InDoubt):
            http("http://shop.example", retry=ONCE).post("/create", json={})
        assert proxy.requests[0].startswith(b"POST http://shop.example/create ")

    def test_one_that_passes_on(self, peer: Make, http: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTP_PROXY", peer(answer(b"[1]")).url)
        assert http("http://shop.example").get("/list").json() == [1]


def test_a_proxy_in_the_environment_is_not_asked_for_loopback(
    peer: Make, http: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{_closed_port()}")
    assert http(peer(answer(b"[]")).url).get("/list").status == 200
    with pytest.raises(Unavailable, match="nothing was sent"):
        http("http://shop.example", retry=ONCE).post("/create", json={})


def test_what_the_guard_forbids_never_leaves(peer: Make, http: Connect) -> None:
    shop = peer(answer(b"[]"))
    session = http(shop.url)
    asked = []

    def guard() -> None:
        asked.append(len(shop.requests))
        raise LeaseLost("somebody else is at it")

    with session.guarded(guard), pytest.raises(LeaseLost):
        session.post("/orders", json={"number": "1"})
    assert (asked, shop.requests) == ([0], [])
    assert session.post("/orders", json={"number": "1"}).status == 200
