"""Orders cancelled when it is late: after the packing, after 1C's shipment, in 1C while the carrier has the parcel."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.ozon.sandbox.returns import return_number
from obmen.state import quarantine
from tests.e2e.markets.life import WAREHOUSE, Life, quiet
from tests.e2e.markets.ozon import OzonCabinet

REQUEST, RETURN = "Document_ЗаявкаНаВозвратТоваровОтКлиента", "Document_ВозвратТоваровОтКлиента"
ALL, SOME = "SKU-0000", "SKU-0001"
BOUGHT = [(ALL, 1), (SOME, 2)]
_HOUR = 3600.0


def held(life: Life, sku: str) -> tuple[int, int]:
    """Return how much of a good 1C has, and how much of that is free."""
    there = life.ut.state()["stock"][life.ids[sku]][WAREHOUSE]
    return int(there["on_hand"]), int(there["free"])


def documents(life: Life, name: str) -> list[str]:
    """Return the numbers that documents stand for: of the channel's returns, or of the order cancelled late."""
    standing = [one for one in life.ut.base.objects[name].values() if not one["DeletionMark"]]
    return sorted(str(one["Комментарий"]).split("]")[0].split()[-1] for one in standing)


def task(life: Life) -> list[tuple[str, str]]:
    with life.ledger.read() as tx:
        return [(entry.flow, entry.code) for entry in quarantine.entries(tx)]


def shipped(life: Life) -> str:
    """Sell an order, pack it and send it off; return its number."""
    number = life.cabinet.place(BOUGHT)
    life.settle()
    life.pack([number])
    life.settle()
    life.send_off([number])
    life.settle()
    return number


@pytest.mark.field("N21")
@pytest.mark.field("E6")
def test_n21_e6_what_is_refused_at_the_door_is_free_again_when_it_is_back_and_not_before(tmp_path: Path) -> None:
    cabinet = OzonCabinet()
    with Life(tmp_path, cabinet, goods=3, categories=1) as life:
        quiet(life)
        before = {sku: held(life, sku) for sku, _ in BOUGHT}
        packed = life.cabinet.place(BOUGHT)
        life.settle()
        life.pack([packed])
        life.settle()
        life.cabinet.give_up(packed)
        quiet(life)
        assert {sku: held(life, sku) for sku, _ in BOUGHT} == before, "given up when it was packed"
        assert documents(life, REQUEST) == []

        number = shipped(life)
        out = {sku: (here - quantity, here - quantity) for sku, quantity in BOUGHT for here in [before[sku][0]]}
        cabinet.sandbox.cancel_by_buyer(number)
        life.settle()
        assert (life.set_aside(), documents(life, REQUEST)) == ([], [number])
        assert {sku: held(life, sku) for sku, _ in BOUGHT} == out, "nothing is reserved, and nothing is back"
        returns = [cabinet.sandbox.send_back(number, sku, quantity, kind="Cancellation") for sku, quantity in BOUGHT]
        life.settle()
        assert (life.set_aside(), documents(life, REQUEST)) == ([], sorted(returns))
        assert {sku: held(life, sku) for sku, _ in BOUGHT} == out
        for one in cabinet.sandbox.returned:
            cabinet.sandbox.move_return(return_number(one), "ReceivedBySeller")
        life.settle()
        assert (life.set_aside(), life.run(), documents(life, RETURN)) == ([], 0, sorted(returns))
        assert {sku: held(life, sku) for sku, _ in BOUGHT} == before


@pytest.mark.field("N21")
def test_n21_a_task_stands_once_and_closes_itself_when_a_person_has_made_the_document(tmp_path: Path) -> None:
    cabinet = OzonCabinet()
    with Life(tmp_path, cabinet, goods=3, categories=1, options={"late_cancel": "task"}) as life:
        life.settle()
        number = shipped(life)
        cabinet.sandbox.cancel_by_buyer(number)
        life.settle()
        for _ in range(2):
            assert task(life) == [("statuses", "late_cancel")]
            life.clock.advance(_HOUR)
            life.run()
        (shipment,) = life.ut.base.objects["Document_РеализацияТоваровУслуг"]
        life.ut.request_return(shipment)
        life.clock.advance(_HOUR)
        life.settle()
        assert (task(life), life.run()) == ([], 0)
        assert documents(life, RETURN) == []


@pytest.mark.field("N21")
def test_n21_what_the_seller_cancels_when_the_carrier_has_it_comes_back_as_one_entry(tmp_path: Path) -> None:
    cabinet = OzonCabinet()
    with Life(tmp_path, cabinet, goods=3, categories=1) as life:
        life.settle()
        number = life.cabinet.place(BOUGHT)
        life.settle()
        life.pack([number])
        life.settle()
        cabinet.take(number)
        life.ut.cancel(number)
        life.settle()
        (message,) = life.set_aside()
        assert "Take the cancellation back in the books" in message
        assert (task(life), life.run()) == ([("statuses_back", "too_late")], 0)
        assert cabinet.bought()[number].state == "gone"
