"""A push that is cut anywhere and repeated leaves what one clean push leaves, and in between all of it or nothing."""

from __future__ import annotations

import io
import signal
import socket
import subprocess
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.onec.sandbox.pusher import Answer, Base, ExchangeFailed, HttpWire, Pusher, Wire
from connectors.onec.sandbox.pusher.wire import Dialogue
from connectors.onec.site.endpoint import SiteEndpoint
from connectors.onec.site.orders import SiteOrders, read_answers
from connectors.onec.site.steps import STEPS, Step
from obmen.records import Batch, Item
from obmen.testing.clock import FakeClock
from tests.forks import command
from tests.unit.onec.commerceml_kit import catalogue, document, good, natives, offer, package, price
from tests.unit.onec.site_kit import LOGIN, PASSWORD, Cut, DirectWire, an_order, options, served, site, standing

OLD = {
    "import0_1.xml": document(catalogue(*(good(f"{n}", f"A-{n}") for n in range(3)))).encode(),
    "offers0_1.xml": document(package(*(offer(f"{n}", price("1")) for n in range(3)))).encode(),
    "import_files/1.jpg": b"old",
}
GOODS = catalogue(*(good(f"{n}", f"A-{n}", "<Картинка>import_files/1.jpg</Картинка>") for n in range(9)))
NEW = {
    "import0_1.xml": document(GOODS, made_at="2026-03-03T00:00:00").encode(),
    "offers0_1.xml": document(package(*(offer(f"{n}", price("2")) for n in range(9)))).encode(),
    "import_files/1.jpg": b"new",
}
CHANGES = {"offers0_1.xml": document(package(offer("1", price("3")), changes="true")).encode()}
Way = tuple[bool, dict[str, bytes]]
WAYS: dict[str, Way] = {"files": (False, NEW), "archive": (True, NEW), "changes": (False, CHANGES)}


def push(endpoint: SiteEndpoint, files: dict[str, bytes], wire: DirectWire | None = None) -> DirectWire:
    wire = wire or DirectWire(endpoint)
    Pusher(wire, LOGIN, PASSWORD).push(files)
    return wire


def prepared(folder: Path, zipped: bool) -> SiteEndpoint:
    endpoint = site(folder, zip=zipped, file_limit=1024)
    push(endpoint, OLD)
    return endpoint


def cutting(at: int, size: int) -> Callable[[int, bytes], Any]:
    return lambda number, body: Cut(body, size) if number == at and size < len(body) else io.BytesIO(body)


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    return WAYS[request.param]


@pytest.fixture
def clean(tmp_path: Path, way: Way) -> tuple[dict[str, Any], dict[str, Any], DirectWire]:
    """What stands before a clean push, what after it, and the calls that it takes."""
    zipped, files = way
    endpoint = prepared(tmp_path / "clean", zipped)
    before = standing(tmp_path / "clean")
    wire = push(endpoint, files)
    endpoint.close()
    return before, standing(tmp_path / "clean"), wire


def without_pictures(state: dict[str, Any]) -> dict[str, Any]:
    """Each picture comes in a step of its own, before the goods that show it."""
    return {**state, "pictures": None}


def test_at_each_step(tmp_path: Path, way: Way, clean: tuple[dict[str, Any], dict[str, Any], DirectWire]) -> None:
    zipped, files = way
    before, after, wire = clean
    for number in range(len(wire.calls)):
        for size in (0, 1, 500, None):  # None: everything arrives, and the answer is lost
            folder = tmp_path / f"{number}-{size}"
            endpoint = prepared(folder, zipped)
            broken = DirectWire(endpoint)
            if size is None:
                broken.lost = lambda call, number=number: call == number  # type: ignore[misc]
            else:
                broken.body = cutting(number, size)
            with suppress(ExchangeFailed, OSError):
                push(endpoint, files, broken)
            assert without_pictures(standing(folder)) in (without_pictures(before), without_pictures(after))
            push(endpoint, files)
            assert standing(folder) == after
            endpoint.close()


def test_at_each_byte_of_a_file(tmp_path: Path) -> None:
    endpoint = site(tmp_path / "exchange", zip=False)
    text = OLD["import0_1.xml"]
    wire = DirectWire(endpoint)
    dialogue = Dialogue(wire, "catalog")
    dialogue.checkauth(LOGIN, PASSWORD)
    dialogue.init()
    half = len(text) // 2
    dialogue.send("import0_1.xml", text[:half], 0)
    for size in range(len(text) - half):
        wire.body = cutting(len(wire.calls), size)
        with pytest.raises(ExchangeFailed, match=r"оборвалось|полностью"):
            dialogue.send("import0_1.xml", text[half:], 0)
    dialogue.send("import0_1.xml", text[half:], 0)
    dialogue.imported("import0_1.xml")
    assert len(standing(tmp_path / "exchange")["records"]["products"]) == 3
    endpoint.close()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 2000), st.booleans()), min_size=1, max_size=4))
@pytest.mark.parametrize("way", ["files", "archive"], indirect=True)
def test_at_any_steps_and_bytes_however_often(
    tmp_path_factory: pytest.TempPathFactory,
    way: Way,
    clean: tuple[dict[str, Any], dict[str, Any], DirectWire],
    cuts: list[tuple[int, int, bool]],
) -> None:
    zipped, files = way
    before, after, _ = clean
    folder = tmp_path_factory.mktemp("cut") / "exchange"
    endpoint = prepared(folder, zipped)
    for number, size, lost in cuts:
        broken = DirectWire(endpoint)
        if lost:
            broken.lost = lambda call, number=number: call == number  # type: ignore[misc]
        else:
            broken.body = cutting(number, size)
        with suppress(ExchangeFailed, OSError):
            push(endpoint, files, broken)
        assert without_pictures(standing(folder)) in (without_pictures(before), without_pictures(after))
    push(endpoint, files)
    assert standing(folder) == after
    endpoint.close()


class HalfWire:
    """Sends so many bytes of one request, head and body, then hangs up; the others go whole."""

    def __init__(self, url: str, number: int, size: int) -> None:
        self._url, self._number, self._size = url, number, size
        self._whole = HttpWire(url)
        self.sent: list[int] = []

    def call(self, method: str, query: Any, headers: Any, body: bytes) -> Answer:
        parts = urlsplit(self._url)
        lines = [f"{method} {parts.path}?{urlencode(query)} HTTP/1.1", f"Host: {parts.netloc}"]
        lines += [f"{name}: {value}" for name, value in headers.items()] + [f"Content-Length: {len(body)}", "", ""]
        raw = "\r\n".join(lines).encode() + body
        self.sent.append(len(raw))
        if len(self.sent) - 1 != self._number:
            return self._whole.call(method, query, headers, body)
        with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30) as line:
            line.sendall(raw[: self._size])
        raise ConnectionResetError("cut")

    def close(self) -> None:
        self._whole.close()


def test_on_the_wire(tmp_path: Path) -> None:
    endpoint = prepared(tmp_path / "exchange", zipped=False)
    before = standing(tmp_path / "exchange")
    with served(endpoint) as url, closing(HalfWire(url, -1, 0)) as whole:
        other = prepared(tmp_path / "clean", zipped=False)
        push(other, NEW)
        other.close()
        after = standing(tmp_path / "clean")
        for number in range(7):
            for size in (1, 40, 200, 330, 900):
                with closing(HalfWire(url, number, size)) as half:
                    with pytest.raises(OSError, match="cut"):
                        Pusher(half, LOGIN, PASSWORD).push(NEW)
                    state = without_pictures(standing(tmp_path / "exchange"))
                    assert state in (without_pictures(before), without_pictures(after))
        Pusher(whole, LOGIN, PASSWORD).push(NEW)
    assert standing(tmp_path / "exchange") == after
    endpoint.close()


SHIPPED = {"posted": True, "shipped_at": datetime(2026, 6, 16, tzinfo=UTC)}


def exchanged(wire: Wire, base: Base) -> None:
    """Push goods, fetch orders, ship one of them, and tell so; as far as that was not done before."""
    sender = Pusher(wire, LOGIN, PASSWORD, base=base)
    sender.push(NEW)
    sender.exchange_orders()
    if not any(order.posted for order in base.orders.values()):
        base.change(next(iter(base.orders)), **SHIPPED)
        sender.exchange_orders()


def killed(folder: Path, step: Step, base: Base) -> None:
    """Exchange with a server in a process of its own that kills itself at a step, as kill -9 does."""
    call = [*command("tests.unit.onec.site_killed"), str(folder), step]
    with subprocess.Popen(call, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        with closing(HttpWire(process.stdout.readline().strip())) as wire, suppress(OSError, ExchangeFailed):
            exchanged(wire, base)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == -signal.SIGKILL, f"it was to be killed at {step}"


def laid_ready(folder: Path, *numbers: str) -> None:
    orders = SiteOrders(folder, options(), FakeClock())
    list(orders.write(Batch([Item(f"ozon|{number}", an_order(number)) for number in numbers])))


@pytest.mark.parametrize("step", STEPS)
def test_kill_at_each_step(tmp_path: Path, step: Step) -> None:
    folder, plain = tmp_path / "exchange", tmp_path / "clean"
    base, clean_base = Base(), Base()
    for place in (folder, plain):
        prepared(place, zipped=True).close()
        laid_ready(place, "1", "2")
    killed(folder, step, base)
    for place, which in ((folder, base), (plain, clean_base)):
        endpoint = prepared_again(place)
        exchanged(DirectWire(endpoint), which)
        endpoint.close()
    assert standing(folder) == standing(plain)
    assert len(list(folder.glob("push-*/*.xml"))) == len(list(plain.glob("push-*/*.xml")))
    assert sorted(base.orders) == sorted(clean_base.orders)
    assert base.mistaken == base.cut == []
    assert SiteOrders(folder, options(), FakeClock()).waiting() == (0, None)
    assert natives(read_answers(folder, None)) == natives(read_answers(plain, None))


def prepared_again(folder: Path) -> SiteEndpoint:
    return site(folder, file_limit=1024)
