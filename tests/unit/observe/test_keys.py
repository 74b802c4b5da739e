"""The end of a key that only its system knows: asked once a day, kept, and told by all without another call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import structlog

from connectors.ozon import Ozon
from connectors.ozon.sandbox import OzonSandbox
from obmen import keys
from obmen.connector import check
from obmen.project import Project, load_project
from obmen.project.service import Address, PageModel
from obmen.state import Ledger
from obmen.state.memory import LedgerMemory
from obmen.sync.assemble import equip
from runner.cli.run import House
from runner.daemon.clock import ServiceClock
from runner.observe import examine, snapshot
from runner.observe.key_watch import AGAIN, DAY, KeyWatch
from runner.observe.troubles import evaluate
from runner.render import Screen
from tests.clocked import Clock, started
from tests.crash.world import MAPPINGS
from tests.unit.observe.kit import at_once
from tests.unit.project_kit import SYSTEMS
from tests.unit.web.kit import Look, Site

ROLES = "/v1/roles"


@dataclass
class Shop:
    """A cabinet, a project that names it, and the watch over its key."""

    folder: Path
    clock: Clock
    sandbox: OzonSandbox
    ledger: Ledger

    def __post_init__(self) -> None:
        self.project = self.written()
        self.watch = self.watching()

    def written(self) -> Project:
        """Write and load the project."""
        options = f"url: {self.sandbox.url}, client_id: {self.sandbox.client_id}, api_key: {self.sandbox.api_key}"
        text = f"""
            connections:
              ut: {{ connector: base }}
              ozon: {{ connector: ozon, {options} }}
            flows:
              prices: {{ entity: price, from: ut, to: ozon }}
        """
        mapping = self.folder / "mappings" / "base" / "price.yaml"
        mapping.parent.mkdir(parents=True, exist_ok=True)
        mapping.write_text(MAPPINGS["price"], encoding="utf-8")
        (self.folder / "obmen.yaml").write_text(dedent(text), encoding="utf-8")
        return load_project(self.folder, connectors={**SYSTEMS, "ozon": Ozon}, environment={})

    def watching(self) -> KeyWatch:
        return KeyWatch(self.ledger, self.project, self.clock, start=at_once)

    @property
    def asked(self) -> int:
        return self.sandbox.calls[ROLES]

    def ends_in(self, **span: float) -> datetime:
        at = self.clock.now() + timedelta(**span)
        self.sandbox.key_expires_at = at.timestamp()
        return at

    def pass_by(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.watch.look()

    def known(self) -> dict[str, datetime]:
        return dict(snapshot.take(self.ledger, self.project).keys)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    clock = Clock()
    with started(clock, OzonSandbox) as make:
        ledger = Ledger(f"sqlite:///{tmp_path}/state.db", clock=clock)
        yield Shop(tmp_path, clock, make(), ledger)
        ledger.close()
    structlog.reset_defaults()


def test_it_is_asked_once_a_day_and_known_without_a_call(shop: Shop) -> None:
    ends = shop.ends_in(days=100)
    assert shop.known() == {}
    for _ in range(3):
        shop.watch.look()
    assert (shop.asked, shop.known()) == (1, {"ozon": ends})
    for _ in range(24):
        shop.pass_by(DAY / 24 - 1)
    assert shop.asked == 1
    later = shop.ends_in(days=180)
    shop.pass_by(120)
    assert (shop.asked, shop.known()) == (2, {"ozon": later})


def test_a_restart_does_not_ask_again(shop: Shop) -> None:
    shop.watch.look()
    for _ in range(3):
        shop.watch = shop.watching()
        shop.watch.look()
    assert shop.asked == 1


def test_a_new_key_voids_what_was_said_of_the_old_one_and_is_asked_at_once(shop: Shop) -> None:
    shop.ends_in(days=1)
    shop.watch.look()
    shop.sandbox.api_key = "a-key-that-was-made-anew"
    shop.project = shop.written()
    assert shop.known() == {}
    ends = shop.ends_in(days=180)
    shop.watch = shop.watching()
    shop.watch.look()
    assert (shop.asked, shop.known()) == (2, {"ozon": ends})
    with shop.ledger.read() as tx:
        kept = snapshot.memory.everywhere(tx, keys.NAME)["ozon"]
    assert b"a-key" not in kept


def test_who_does_not_answer_is_asked_again_after_an_hour_and_what_was_known_stays(shop: Shop) -> None:
    ends = shop.ends_in(days=1.5)
    shop.watch.look()
    shop.pass_by(DAY)
    assert shop.asked == 2
    shop.clock.advance(DAY)
    for _ in range(5):
        shop.pass_by(AGAIN / 6)
    assert shop.asked == 3, "the key has ended, so it is refused"
    shop.pass_by(AGAIN)
    assert shop.asked == 4
    assert shop.known() == {"ozon": ends}


def test_the_alert_and_the_doctor_tell_it(shop: Shop) -> None:
    ends = shop.ends_in(days=20)
    shop.watch.look()
    asked = sum(shop.sandbox.calls.values())
    found = {one.about: one for one in examine.service(shop.ledger, shop.project)}
    assert (found["ozon"].level, f"{ends:%Y-%m-%d}" in found["ozon"].message) == ("ok", True)
    assert "expires|ozon" not in evaluate(snapshot.take(shop.ledger, shop.project))
    for days, level in ((10, "warning"), (9, "critical"), (2, "critical")):
        shop.clock.pass_by(days=days)
        trouble = evaluate(snapshot.take(shop.ledger, shop.project))["expires|ozon"]
        assert trouble.level == level
    assert {one.about: one.level for one in examine.service(shop.ledger, shop.project)}["ozon"] == "problem"
    assert sum(shop.sandbox.calls.values()) == asked


def test_a_check_that_has_a_state_keeps_it_and_the_page_shows_it(shop: Shop) -> None:
    ends = shop.ends_in(days=33)
    page = PageModel(address=Address(host="127.0.0.1", port=8080))
    project = replace(shop.project, service=shop.project.service.model_copy(update={"page": page}))
    site = Site(Look(project, shop.ledger))
    browser = site.browser()
    assert "The key ends" not in browser.get("/connections").text
    ozon = Ozon("ozon", project.connections["ozon"].options, clock=shop.clock)
    equip(ozon, shop.ledger)
    assert check(ozon)
    ozon.close()
    asked = shop.asked
    said = browser.get("/connections").text
    browser.client.close()
    site.app.state.jobs.stop()
    assert "The key ends" in said
    assert ends.isoformat(timespec="minutes")[:10] in said
    assert shop.asked == asked == 1


def test_a_check_without_a_state_keeps_nothing(shop: Shop) -> None:
    ozon = Ozon("ozon", shop.project.connections["ozon"].options, clock=shop.clock)
    assert check(ozon)
    ozon.close()
    assert shop.known() == {}


def test_what_another_version_kept_counts_as_nothing(shop: Shop) -> None:
    LedgerMemory(shop.ledger, "ozon").put(keys.NAME, b"[]")
    assert shop.known() == {}
    shop.watch.look()
    assert set(shop.known()) == {"ozon"}


def test_who_cannot_tell_is_not_asked(shop: Shop) -> None:
    one = shop.project.connections["ut"]
    assert not keys.only_told(one.connector, one.options)


def test_the_service_looks(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(KeyWatch, "look", lambda watch: seen.append(watch._project))

    class Idle:
        def __init__(self, project: Project) -> None:
            self.project = project

    house = House(shop.ledger, ServiceClock(), Idle, Screen(quiet=True))  # type: ignore[arg-type]  # it never works
    house.build(shop.project)
    house.look()
    house.close()
    assert seen == [shop.project]
