"""Pages with a mark: while it is as at the last read their slices are not made; a mark that lies is never taken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from obmen.connector import Batch, Connector, Options, Outcome, Page, reader, writer
from obmen.entities import Price
from obmen.mapping import Context, parse_mapping
from obmen.records import Late
from obmen.state import Ledger, bindings, seen
from obmen.sync.engine import Engine
from obmen.sync.flow import Flow, Target
from obmen.testing.clock import FakeClock

_FIELDS = "sku: id, amount: { path: price, as: money_string }, currency: { path: currency }"
_PULL = f"entity: price\nonly: pull\nfields: {{ {_FIELDS}, price_type: {{ fixed: base }} }}\n"
_PUSH = f"entity: price\nonly: push\nfields: {{ {_FIELDS} }}\n"


class Source(Connector):
    """Pages of prices, each with the mark that is told; it notes which pages' slices were asked for."""

    def __init__(self) -> None:
        super().__init__("source", Options())
        self.pages: list[tuple[bytes, dict[str, str]]] = []
        self.salt = b""
        self.made: list[int] = []

    @reader("price", key="id", complete=True)
    def prices(self, cursor: str | None) -> Iterator[Page]:
        for number, (mark, prices) in enumerate(self.pages):
            yield Page(Late(partial(self._slices, number, prices)), mark=mark, salt=self.salt)

    def _slices(self, number: int, prices: dict[str, str]) -> list[bytes]:
        self.made.append(number)
        return [json.dumps({"id": id_, "price": price, "currency": "RUB"}).encode() for id_, price in prices.items()]


class Shelf(Connector):
    """Keeps every price."""

    def __init__(self) -> None:
        super().__init__("shelf", Options())
        self.prices: dict[str, str] = {}

    @writer("price", key="id", batch=100, absolute=True)
    def set_prices(self, batch: Batch) -> Iterator[Outcome]:
        for item in batch.items:
            self.prices[item.id] = item.payload["price"]
            yield batch.done(item.id)


class World:
    def __init__(self, ledger: Ledger) -> None:
        self.source, self.shelf, self.ledger = Source(), Shelf(), ledger
        pull = parse_mapping(_PULL).bind(Context("source"), "pull")
        push = parse_mapping(_PUSH).bind(Context("shelf"), "push")
        where = {"price_type": "base"}
        self.flow = Flow("prices", Price, self.source, pull, (Target("shelf", self.shelf, push),), where=where)
        with ledger.write() as tx:
            for connection in ("source", "shelf"):
                bindings.bind(tx, connection, "product", {one: one for one in "ABCDE"})

    def sync(self) -> dict[str, int]:
        self.source.made.clear()
        (report,) = Engine(self.ledger, [self.flow]).sync()
        assert report.status == "done"
        return dict(report.read)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    ledger = Ledger(f"sqlite:///{tmp_path}/state.db", clock=FakeClock())
    made = World(ledger)
    made.source.pages = [(b"1", {"A": "1.00", "B": "2.00"}), (b"2", {"C": "3.00"})]
    yield made
    ledger.close()


def test_an_unchanged_page_is_counted_and_never_made(world: World) -> None:
    assert world.sync()["read"] == 3
    assert world.shelf.prices == {"A": "1.00", "B": "2.00", "C": "3.00"}
    counts = world.sync()
    assert world.source.made == []
    assert (counts["read"], counts["unchanged"]) == (3, 3)


def test_a_page_with_another_mark_is_made_and_only_what_is_new_in_it_is_written(world: World) -> None:
    world.sync()
    world.source.pages[0] = (b"1a", {"A": "1.00", "B": "2.50"})
    counts = world.sync()
    assert world.source.made == [0]
    assert world.shelf.prices == {"A": "1.00", "B": "2.50", "C": "3.00"}
    assert (counts["read"], counts["unchanged"]) == (3, 2)


def test_a_new_mark_for_the_same_slices_writes_nothing_and_is_known_from_then_on(world: World) -> None:
    world.sync()
    world.shelf.prices.clear()
    world.source.pages = [(mark + b"x", prices) for mark, prices in world.source.pages]
    assert world.sync()["unchanged"] == 3
    assert world.source.made == [0, 1]
    assert world.shelf.prices == {}
    world.sync()
    assert world.source.made == []


def test_what_decides_the_decoding_is_part_of_the_mark(world: World) -> None:
    world.sync()
    world.source.salt = b"other words"
    world.sync()
    assert world.source.made == [0, 1]


def test_all_is_made_anew_when_a_flow_is_to_forget(world: World) -> None:
    world.sync()
    with world.ledger.write() as tx:
        seen.forget(tx, "prices")
    world.sync()
    assert world.source.made == [0, 1]


def test_without_a_mark_slices_are_compared(world: World) -> None:
    world.source.pages = [(b"", prices) for _, prices in world.source.pages]
    world.sync()
    world.source.pages[1] = (b"", {"C": "3.50"})
    world.sync()
    assert world.source.made == [0, 1]
    assert world.shelf.prices["C"] == "3.50"


def test_a_record_that_moves_to_another_page_is_not_gone_and_one_that_left_is(world: World) -> None:
    world.sync()
    world.source.pages = [(b"1", {"A": "1.00", "B": "2.00"}), (b"3", {"D": "4.00"})]
    world.sync()
    with world.ledger.read() as tx:
        assert seen.count(tx, "prices") == 3
        assert not seen.by_source(tx, "prices", ["C"])
        assert set(seen.by_source(tx, "prices", ["A", "B", "D"])) == {"A", "B", "D"}


def test_many_pages_whose_marks_alone_changed_are_kept_as_they_come(world: World) -> None:
    ids = [f"{number:03d}" for number in range(200)]
    with world.ledger.write() as tx:
        for connection in ("source", "shelf"):
            bindings.bind(tx, connection, "product", {one: one for one in ids})
    world.source.pages = [(id_.encode(), {id_: "1.00"}) for id_ in ids]
    world.sync()
    world.source.pages = [(mark + b"x", prices) for mark, prices in world.source.pages]
    assert world.sync()["unchanged"] == 200
    world.sync()
    assert world.source.made == []
