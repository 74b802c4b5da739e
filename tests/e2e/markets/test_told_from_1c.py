"""What only the seller can say of an order reaches the marketplace from 1C: why it is cancelled, the buyer's code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.e2e.markets.life import WAREHOUSE, Life, quiet
from tests.e2e.markets.ozon import OzonCabinet
from tests.e2e.markets.wildberries import WildberriesCabinet

CODE = "741852"


class DefectsByName(OzonCabinet):
    """A cabinet to which 1C's «Брак» is Ozon's reason 400."""

    def options(self, folder: Path) -> dict[str, Any]:
        return {**super().options(folder), "cancel_reasons": {"Брак": 400}, "cancel_reason": 352}


class OwnCouriers(WildberriesCabinet):
    """A cabinet that also sells by DBS."""

    def options(self, folder: Any) -> dict[str, Any]:
        return {**super().options(folder), "schemes": ["fbs", "dbs"]}

    def order(self) -> str:
        return self.sandbox.place_order("SKU-0001", warehouse=WAREHOUSE, scheme="dbs", code=CODE)

    def told(self, number: str) -> str:
        return self.sandbox.assembly[int(number)].supplier


def run(life: Life, times: int = 4) -> None:
    """A carrier of Wildberries takes nothing here."""
    for _ in range(times):
        life.run()


@pytest.fixture
def dbs(tmp_path: Path) -> Iterator[tuple[Life, OwnCouriers, str]]:
    """An order by DBS that the seller's courier has taken."""
    cabinet = OwnCouriers()
    with Life(tmp_path, cabinet, goods=4, categories=2) as life:
        quiet(life)
        number = cabinet.order()
        run(life)
        life.ut.set_status(number, "КОтгрузке")
        run(life)
        life.ut.ship(number)
        run(life)
        assert (cabinet.told(number), life.set_aside()) == ("deliver", [])
        yield life, cabinet, number


@pytest.mark.field("E3")
def test_an_order_by_dbs_is_delivered_with_the_code_from_its_comment(dbs: tuple[Life, OwnCouriers, str]) -> None:
    life, cabinet, number = dbs
    life.ut.note(number, f"[код {CODE}]")
    life.ut.set_status(number, "Закрыт")
    run(life)
    assert (cabinet.told(number), life.set_aside()) == ("receive", [])


@pytest.mark.field("E3")
def test_a_code_that_is_written_later_or_mended_closes_what_waits_for_it(dbs: tuple[Life, OwnCouriers, str]) -> None:
    life, cabinet, number = dbs
    life.ut.set_status(number, "Закрыт")
    run(life)
    (said,) = life.set_aside()
    assert "[код 741852]" in said
    life.ut.note(number, "[код 111111]")
    run(life)
    assert cabinet.told(number) == "deliver"
    (said,) = life.set_aside()
    assert "StatusMismatch" in said
    comment = life.ut.order(number)["Комментарий"].replace("111111", CODE)
    life.ut.change(life.ut.order(number)["Ref_Key"], Комментарий=comment)
    run(life)
    assert (cabinet.told(number), life.set_aside()) == ("receive", [])


@pytest.mark.field("E5")
@pytest.mark.parametrize(("title", "reason"), [("Брак", 400), ("Отказ покупателя", 352)])
def test_ozon_is_told_why_1c_cancelled(tmp_path: Path, title: str, reason: int) -> None:
    with Life(tmp_path, DefectsByName(), goods=4, categories=2) as life:
        quiet(life)
        number = life.cabinet.place([("SKU-0001", 1)])
        quiet(life)
        sandbox = life.cabinet.sandbox
        sandbox._keep_journal = True
        life.ut.cancel(number, life.ut.add_cancel_reason(title))
        quiet(life)
        (told,) = [
            msgspec.json.decode(one.request_body) for one in sandbox.journal if one.path == "/v2/posting/fbs/cancel"
        ]
        assert (told["cancel_reason_id"], told["cancel_reason_message"]) == (reason, title)
        assert life.cabinet.bought()[number].state == "cancelled"
