"""The rules, tried on any picture: they never fail, have words for all they find, and blame no trouble on itself."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obmen.entities import OrderStatus
from obmen.errors import StateError
from obmen.project import Project
from obmen.project.alerts import RulesModel
from obmen.state import Ledger, outbox
from obmen.state.failing import Failing
from obmen.state.outbox import Decided
from obmen.state.quarantine import Group
from obmen.state.runs import Run
from runner.daemon.pulse import LaneNow, PausedNow, Pulse
from runner.observe.deadlines import Deadlines
from runner.observe.late import age
from runner.observe.snapshot import Due, FlowNow, Held, Snapshot
from runner.observe.troubles import evaluate
from runner.observe.words import RULES, Words
from tests.unit.observe.kit import NOON, watched
from tests.unit.observe.test_troubles_of_a_day import STATUSES, put_order
from tests.unit.project_kit import CONNECTIONS, project

NOW = NOON.timestamp()
ZONE = ZoneInfo("Europe/Moscow")
FLOWS = """\
  goods: { entity: product, from: ut, to: shop }
  prices: { entity: price, from: ut, to: [shop, second], every: 10m }
  orders: { entity: order, from: shop, to: ut, every: 1m }
alerts:
  rules: { silence: [{ entity: order, connection: shop, for: 2h }] }
"""
SAID = st.text(string.ascii_letters + "{}|%'\" ", max_size=20)
AGO = st.floats(0, 5 * 86400).map(lambda seconds: NOW - seconds)
STATUS = st.sampled_from(["done", "partial", "failed", "emptied", "held", "running", "stopped", "attention"])
CONNECTION = st.sampled_from(["ut", "shop", "second"])


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return project(tmp_path_factory.mktemp("rules"), CONNECTIONS + FLOWS)


@st.composite
def flow_now(draw: Any, made: Project, name: str) -> FlowNow:
    flow = made.flows[name]
    read_at = draw(st.none() | AGO)
    runs = [
        Run(number, name, "sync", at, at + 1, draw(STATUS), {"read": 1}, draw(SAID))
        for number, at in enumerate(draw(st.lists(AGO, max_size=4)))
    ]
    groups = [
        Group(
            name,
            draw(CONNECTION),
            flow.entity,
            "deliver",
            draw(SAID),
            "open",
            many,
            NOW - 9,
            NOW,
            1,
            "K",
            "",
            draw(SAID),
        )
        for many in draw(st.lists(st.integers(1, 400), max_size=2))
    ]
    return FlowNow(
        flow=flow,
        read_at=read_at,
        age=None if read_at is None else age(flow, RulesModel(), ZONE, read_at, NOW),
        runs=runs,
        outbox={(target, "pending"): draw(st.integers(0, 9)) for target in flow.targets},
        failing=draw(st.dictionaries(CONNECTION, st.builds(Failing, st.integers(1, 9), AGO, SAID, st.booleans()))),
        oldest={target: draw(AGO) for target in flow.targets if draw(st.booleans())},
        held=[Held(flow.targets[0], 3, draw(SAID))] if draw(st.booleans()) else [],
        aside=groups,
    )


@settings(max_examples=30)
@given(st.data())
def test_whatever_is_found_has_words_in_both_languages(shop: Project, data: st.DataObject) -> None:
    paused = data.draw(st.lists(st.builds(PausedNow, CONNECTION, st.floats(0, 600), SAID), max_size=2))
    lane = LaneNow("ut", "calm", "reading goods", "goods", 12.0, 5, 9)
    pulse = Pulse(NOW - 9000, NOW - data.draw(st.sampled_from([1.0, 500.0])), "server:1", (lane,), tuple(paused))
    now = Snapshot(
        at=NOW,
        project=shop,
        pulse=data.draw(st.none() | st.just(pulse)),
        flows=tuple(data.draw(flow_now(shop, name)) for name in shop.flows),
        due=tuple(
            data.draw(st.lists(st.builds(Due, CONNECTION, st.integers(0, 9), AGO, st.just(("1", "2"))), max_size=2))
        ),
        happened=(data.draw(st.none() | AGO),),
    )
    found = evaluate(now)
    assert found == evaluate(now)
    for name, trouble in found.items():
        assert trouble.name == name
        assert trouble.rule in RULES
        assert name not in trouble.because
        for language in ("ru", "en"):
            assert len(Words(language, ZONE).trouble(trouble).splitlines()) >= 2


def test_lengths_of_time_are_spelt_for_people() -> None:
    words = Words("en", ZONE)
    spelt = [words.spell(seconds) for seconds in (5, 90, 7200, 9000, 90000, 2 * 86400)]
    assert spelt == ["0 min", "2 min", "2 h", "2 h 30 min", "1 d 1 h", "2 d"]


@pytest.mark.field("N8")
def test_what_the_channel_told_counts_before_anybody_confirmed_it(tmp_path: Path) -> None:
    with watched(tmp_path, flows=STATUSES) as one:
        put_order(one, "77", NOON)
        ledger, judge = one.works.ledger, Deadlines(one.works.plant.project)
        with ledger.read() as tx:
            assert [due.numbers for due in judge(tx)] == [("77",)]
        step = OrderStatus.model_validate({"channel": "shop", "number": "77", "status": "shipped"})
        change = Decided(step.key, "put", "changed", b"", step.encoded(), 1)
        with ledger.write() as tx:
            outbox.put(tx, "statuses", "shop", "order_status", [change], 1)
        with ledger.read() as tx:
            assert judge(tx), "the channel itself does not know it yet"
        with ledger.write() as tx:
            outbox.put(tx, "statuses", "erp", "order_status", [change], 1)
        with ledger.read() as tx:
            assert judge(tx) == ()


def test_a_state_that_fails_stops_neither_the_service_nor_the_watchman(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise StateError("The state database is locked.")

    with watched(tmp_path) as one:
        one.works.peers["erp"].down = True
        one.pass_time(300, tick=60)
        with monkeypatch.context() as patched:
            patched.setattr(Ledger, "read", broken)
            one.works.clock.advance(60)
            one.watchman.look()
        one.pass_time(300, tick=60)
        assert one.heard.told("down") == [("trouble", "warning", "erp")]
