"""Two connections to one base read each other's statuses: those of the other's orders are no problem to be solved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from connectors.onec.sandbox import references
from obmen.connector import Page, reader
from obmen.mapping import Context, parse_mapping
from obmen.project import load_project
from obmen.state import quarantine
from obmen.sync.assemble import Assembly
from obmen.sync.engine import Engine
from obmen.sync.flow import Flow
from obmen.sync.passes import FlowReport
from obmen.testing.peer import PeerConnector
from tests.crash.world import World, order, status

BY_SUBJECT = "entity: order_status\nsubject: ref\nfields:\n  status: status\n"


class Window(PeerConnector):
    """Tells all statuses of a window of dates at every read, as 1C does by OData."""

    @reader("order_status", key="number", channel="channel")
    def statuses(self, _cursor: str | None) -> Iterator[Page]:
        return self._pages("order_status")


@dataclass
class Base(World):
    """The ERP is shared: it also holds orders that came from elsewhere, and tells the statuses of all."""

    reading: type[PeerConnector] = PeerConnector

    def flows(self) -> list[Flow]:
        by_subject = parse_mapping(BY_SUBJECT, "status.yaml").bind(
            Context(connection="erp", options={}, zone=ZoneInfo("Europe/Moscow"))
        )
        back = replace(
            self.flow("statuses_back", "order_status", "erp", "shop"),
            source=self.reading("erp", self.erp, clock=self.clock),
            pull=by_subject,
            orders_of=frozenset({"shop"}),
        )
        return [self.flow("orders", "order", "shop", "erp"), back]

    def tell(self, number: int, value: str, channel: str) -> None:
        """Let a person in the ERP bring an order to a status."""
        self.erp.put("order_status", {**status(number, value), "ref": f"ref-N-{number}", "channel": channel})

    def told(self, *names: str) -> FlowReport:
        """Run; return what became of the statuses."""
        self.clock.advance(120)
        return Engine(self.ledger, self.flows()).sync(names, patience=60.0)[-1]

    def lies(self) -> dict[str, int]:
        """What a person sees of the statuses in quarantine."""
        with self.ledger.read() as tx:
            assert sum(one.count for one in quarantine.groups(tx)) == sum(
                quarantine.counts(tx, "statuses_back").values()
            )
            return quarantine.counts(tx, "statuses_back")


@pytest.fixture(params=[PeerConnector, Window])
def base(world: World, request: pytest.FixtureRequest) -> Base:
    return Base(world.ledger, reading=request.param)


def test_a_status_of_another_channels_order_is_counted_and_does_not_wait(base: Base) -> None:
    base.tell(1, "ready", "market")
    report = base.told("statuses_back")
    assert (report.status, report.read["elsewhere"], report.read["refused"]) == ("done", 1, 0)
    assert base.lies() == {}
    base.tell(1, "shipped", "market")
    assert base.told("statuses_back").read["elsewhere"] == 1, "also when it has gone on"
    assert (base.lies(), base.shop.of("order_status")) == ({}, {})


def test_a_status_that_comes_before_our_own_order_waits_and_arrives(base: Base) -> None:
    base.tell(1, "ready", "shop")
    report = base.told("statuses_back")
    assert (base.lies(), report.read["elsewhere"]) == ({"waiting": 1}, 0)
    base.shop.put("order", order(1))
    base.told("orders")
    base.told("statuses_back")
    assert (base.lies(), base.shop.steps) == ({}, {"N-1": ["ready"]})


@pytest.mark.parametrize("step", ["ready", "shipped"])
def test_an_order_that_turns_out_to_be_ours_still_brings_its_status(base: Base, step: str) -> None:
    """Somebody else wrote it into the base; our channel tells of it only afterwards, and the base says nothing new."""
    base.tell(1, "ready", "")
    base.told("statuses_back")
    if step != "ready":
        base.tell(1, step, "")
    base.told("statuses_back")
    base.told("statuses_back")
    assert base.lies() == {}
    base.shop.put("order", order(1))
    base.told("orders")
    base.told("statuses_back")
    assert base.shop.steps == {"N-1": [step]}
    base.told("statuses_back")
    assert (base.lies(), base.shop.steps) == ({}, {"N-1": [step]})


def test_where_orders_may_be_of_any_channel_all_statuses_wait(base: Base) -> None:
    base.tell(1, "ready", "market")
    flows = [replace(one, orders_of=None) for one in base.flows()]
    Engine(base.ledger, flows).sync(["statuses_back"], patience=60.0)
    assert base.lies() == {"waiting": 1}


def test_looking_again_at_what_is_left_out_writes_nothing(base: Base) -> None:
    base.tell(1, "ready", "market")
    base.told("statuses_back")
    with base.ledger.read() as tx:
        before = quarantine.entries(tx, states=("elsewhere", "closed"))
    report = base.told("statuses_back")
    assert (report.read["elsewhere"], report.read["changed"]) == (int(base.reading is Window), 0)
    with base.ledger.read() as tx:
        assert quarantine.entries(tx, states=("elsewhere", "closed")) == before


def _orders_of(folder: Path, **flows: dict[str, object]) -> frozenset[str] | None:
    books: dict[str, object] = {
        "connector": "onec",
        "url": "http://127.0.0.1:9/ut",
        "username": "obmen",
        "password": "invented-password",
    }
    books["order"] = references.order_options("11.5.20")
    shop = {"connector": "ozon", "client_id": "1", "api_key": "invented-key", "warehouses": {"main": 1}}
    told = {"entity": "order_status", "from": "ut", "to": "ozon"}
    project = {"connections": {"ut": books, "ozon": shop, "wb": shop}, "flows": {"told": told, **flows}}
    (folder / "obmen.yaml").write_bytes(msgspec.json.encode(project))
    with Assembly(load_project(folder)) as assembly:
        return next(one.orders_of for one in assembly.flows if one.name == "told")


@pytest.mark.parametrize(
    ("where", "known"),
    [(None, {"ozon", "wb"}), ({"channel": "crm"}, {"ozon", "wb", "crm"}), ({"currency": "RUB"}, None), ({}, None)],
)
def test_whose_orders_a_base_may_come_to_have(tmp_path: Path, where: dict[str, str] | None, known: set[str]) -> None:
    """Those of the channels that are told, and of the channels that write there; whatever a flow reads there."""
    taken: dict[str, object] = {"entity": "order", "from": "wb", "to": "ut"}
    read: dict[str, object] = {"entity": "order", "from": "ut", "to": [], "where": where}
    flows = {"taken": taken} if where is None else {"taken": taken, "read": read}
    assert _orders_of(tmp_path, **flows) == known
