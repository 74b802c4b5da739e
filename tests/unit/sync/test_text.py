"""Text that a database does not take: it harms at most its own record, and in the same way on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
import pytest

from obmen.errors import Refused
from obmen.records import Batch, Native, Outcome, Page, RecordError
from obmen.state import Ledger, bindings, outbox, quarantine, runs
from obmen.state.quarantine import Entry
from obmen.testing.clock import FakeClock
from obmen.testing.peer import PeerConnector
from tests.crash.world import World, order, price, product

NUL = "\0"
SURROGATE = "\ud83d"
LONG = "Ж" * 5000
BAD = [pytest.param(NUL, id="nul"), pytest.param(SURROGATE, id="surrogate")]


@pytest.fixture
def world(state_url: str) -> Iterator[World]:
    ledger = Ledger(state_url, clock=FakeClock())
    yield World(ledger)
    ledger.close()


def set_aside(world: World) -> list[Entry]:
    with world.ledger.read() as tx:
        return quarantine.entries(tx, states=quarantine.UNSETTLED)


def only(world: World) -> Entry:
    (entry,) = set_aside(world)
    return entry


def reads(monkeypatch: pytest.MonkeyPatch, *natives: Native) -> None:
    """Let products be read as some connectors hand them over: with texts that no JSON can hold."""

    def products(_self: PeerConnector, _entity: str, _cursor: str | None) -> Iterator[Page]:
        slices = [str(number).encode() for number in range(len(natives))]
        yield Page(slices, decode=lambda raw: [natives[int(raw)]])

    monkeypatch.setattr(PeerConnector, "read", products)


# -- reading ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [*BAD, pytest.param(LONG, id="long")])
def test_a_native_id_that_cannot_be_kept_sets_its_record_aside(
    world: World, monkeypatch: pytest.MonkeyPatch, bad: str
) -> None:
    reads(monkeypatch, product(1), {**product(2), "id": f"SKU-2{bad}"}, product(3))
    (report,) = world.sync("products")
    assert report.trouble == []
    assert set(world.shop.of("product")) == {"SKU-1", "SKU-3"}
    entry = only(world)
    assert (entry.stage, entry.source, entry.code) == ("pull", "", "bad_id")
    assert "id" in entry.message
    assert len(entry.message) < 400


@pytest.mark.parametrize("bad", BAD)
def test_a_key_that_cannot_be_kept_sets_its_record_aside(
    world: World, monkeypatch: pytest.MonkeyPatch, bad: str
) -> None:
    natives = [{"id": f"guid-{n}", "sku": f"SKU-{n}", "name": "Rug"} for n in range(3)]
    natives[1]["sku"] += bad
    reads(monkeypatch, *natives)
    (report,) = world.sync("keyed")
    assert report.trouble == []
    assert set(world.shop.of("product")) == {"SKU-0", "SKU-2"}
    entry = only(world)
    assert (entry.stage, entry.source) == ("pull", "guid-1")
    assert entry.code in {"bad_id", "bad_value"}
    natives[1]["sku"] = "SKU-1"
    reads(monkeypatch, *natives, product(7))
    with world.ledger.write() as tx:
        quarantine.set_state(tx, [entry.id], "due")
    world.sync("keyed")
    assert entry.id not in [one.id for one in set_aside(world)]


def test_a_name_with_a_nul_is_carried_as_it_is(world: World) -> None:
    world.erp.put("product", product(1), {**product(2), "name": "Rug\0"}, product(3))
    world.sync("products")
    assert world.shop.of("product")["SKU-2"]["name"] == "Rug\0"
    assert len(world.shop.of("product")) == 3
    assert set_aside(world) == []


def test_a_name_that_is_no_text_sets_its_record_aside_and_a_replay_says_so_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads(monkeypatch, product(1), {**product(2), "name": f"Rug{SURROGATE}"}, product(3))
    world.sync("products")
    assert set(world.shop.of("product")) == {"SKU-1", "SKU-3"}
    entry = only(world)
    assert (entry.source, entry.code) == ("SKU-2", "bad_value")
    with world.ledger.write() as tx:
        quarantine.set_state(tx, [entry.id], "due")
    for _ in range(2):
        (report,) = world.sync("products")
        assert report.trouble == []
    assert only(world).source == "SKU-2"
    assert "SKU-2" not in world.shop.of("product")


def test_a_record_that_is_no_utf_8_is_set_aside(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def pages(_self: PeerConnector, _entity: str, _cursor: str | None) -> Iterator[Page]:
        whole = [msgspec.json.encode(product(n)) for n in range(2)]
        yield Page([whole[0], '{"id": "SKU-7", "name": "Коврик"}'.encode("cp1251"), whole[1]])

    monkeypatch.setattr(PeerConnector, "read", pages)
    (report,) = world.sync("products")
    assert report.trouble == []
    assert set(world.shop.of("product")) == {"SKU-0", "SKU-1"}
    assert only(world).code == "unreadable"


@pytest.mark.parametrize("bad", [NUL, LONG], ids=["nul", "long"])
def test_a_reference_that_nothing_can_answer_holds_up_its_record_alone(world: World, bad: str) -> None:
    world.erp.put("product", product(1))
    world.sync("products")
    lines = [{"sku": f"SKU-1{bad}"[:200], "n": 1, "price": 1}]
    world.shop.put("order", order(1), {**order(2), "lines": lines})
    for _ in range(world.attempts + 1):
        (report,) = world.sync("linked_orders")
        assert report.trouble == []
    assert set(world.erp.of("order")) == {"N-1"}
    assert (only(world).key, only(world).code) == ("shop|N-2", "unresolved")


def test_a_cursor_that_cannot_be_kept_stops_its_flow_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = PeerConnector.read

    def marked(self: PeerConnector, entity: str, cursor: str | None) -> Iterator[Page]:
        pages = honest(self, entity, cursor)
        return (Page(page.slices, cursor="1\0") for page in pages) if entity == "price" else pages

    monkeypatch.setattr(PeerConnector, "read", marked)
    world.erp.put("product", product(1))
    world.erp.put("price", price(1))
    prices, products = sorted(world.sync("prices", "products"), key=lambda report: report.flow)
    assert "U+0000" in str(prices.trouble[0])
    assert products.trouble == []
    assert set(world.shop.of("product")) == {"SKU-1"}


# -- writing ----------------------------------------------------------------------------------------------

Answer = Callable[[Batch, str], Outcome]


def answers(monkeypatch: pytest.MonkeyPatch, entity: str, id_: str, answer: Answer) -> None:
    """Let the peer answer for one record in its own way."""
    honest = PeerConnector.write

    def write(self: PeerConnector, kind: str, batch: Batch, op: str = "put") -> Iterator[Outcome]:
        for outcome in honest(self, kind, batch, op):  # type: ignore[arg-type]  # an op of ours
            yield answer(batch, id_) if kind == entity and outcome.id == id_ else outcome

    monkeypatch.setattr(PeerConnector, "write", write)


def fill(world: World) -> None:
    world.erp.put("product", *(product(n) for n in range(3)))
    world.erp.put("price", *(price(n) for n in range(3)))


@pytest.mark.parametrize("bad", BAD)
def test_a_refusal_in_strange_words_is_kept_readable(world: World, monkeypatch: pytest.MonkeyPatch, bad: str) -> None:
    fill(world)
    error = RecordError(f"bad{bad}", f"not{bad}this", "amount")
    answers(monkeypatch, "price", "SKU-1|BASE", lambda batch, id_: batch.refused(id_, [error]))
    reports = world.sync("products", "prices")
    assert [report.trouble for report in reports] == [[], []]
    assert set(world.shop.of("price")) == {f"SKU-{n}|BASE" for n in range(3)}
    assert (only(world).code, only(world).message) == ("bad\ufffd", "amount: not\ufffdthis (bad\ufffd)")


@pytest.mark.parametrize("bad", BAD)
def test_a_delay_with_strange_words_goes_on(world: World, monkeypatch: pytest.MonkeyPatch, bad: str) -> None:
    fill(world)
    answers(monkeypatch, "price", "SKU-1|BASE", lambda batch, id_: batch.later(id_, f"busy{bad}", after=0.0))
    world.attempts = 3
    world.sync("products", "prices")
    assert only(world).code == "exhausted"
    assert only(world).message.endswith("last answer: busy\ufffd (exhausted)")


@pytest.mark.parametrize("bad", BAD)
def test_a_ticket_that_cannot_be_kept_leaves_its_record_in_doubt(
    world: World, monkeypatch: pytest.MonkeyPatch, bad: str
) -> None:
    fill(world)
    answers(monkeypatch, "product", "SKU-1", lambda batch, id_: batch.accepted(id_, f"task{bad}"))
    (report,) = world.sync("products")
    assert report.trouble == []
    assert report.sent["shop"]["done"] == 2
    entry = only(world)
    assert (entry.key, entry.code) == ("SKU-1", "in_doubt")
    assert "ticket" in entry.message
    with world.ledger.read() as tx:
        assert outbox.counts(tx, "products") == {}


@pytest.mark.parametrize("bad", [*BAD, pytest.param(LONG, id="long")])
def test_a_native_id_of_the_target_that_cannot_be_kept_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch, bad: str
) -> None:
    world.shop.put("order", order(1), order(2))
    answers(monkeypatch, "order", "N-1", lambda batch, id_: batch.done(id_, f"ref{bad}"))
    (report,) = world.sync("orders")
    assert report.trouble == []
    assert world.erp.created == {"N-1": 1, "N-2": 1}
    entry = only(world)
    assert (entry.key, entry.code) == ("shop|N-1", "unkept_id")
    with world.ledger.read() as tx:
        assert bindings.native_ids(tx, "erp", "order", ["shop|N-1", "shop|N-2"]) == {"shop|N-2": "ref-N-2"}
        assert outbox.counts(tx, "orders") == {}
    world.sync("orders")
    assert world.erp.created == {"N-1": 1, "N-2": 1}


@pytest.mark.parametrize("bad", BAD)
def test_a_failure_in_strange_words_is_remembered_readable(
    world: World, monkeypatch: pytest.MonkeyPatch, bad: str
) -> None:
    def fail(_self: PeerConnector, _entity: str, _batch: Batch, _op: str = "put") -> Iterator[Outcome]:
        raise Refused(f"no{bad}", code="no")

    fill(world)
    monkeypatch.setattr(PeerConnector, "write", fail)
    world.sync("products")
    assert {entry.message for entry in set_aside(world)} == {"no\ufffd (no)"}
    world.sync("products", force=f"why{bad}")
    with world.ledger.read() as tx:
        last = runs.last(tx, "products")
    assert last is not None
    assert last.message == "forced: why\ufffd"
