"""Marking codes that are scanned in 1C reach the marketplace, and what waited for them goes on by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.markets.life import WAREHOUSE, Life, quiet
from tests.e2e.markets.ozon import OzonCabinet
from tests.e2e.markets.wildberries import WildberriesCabinet

GS, TAIL = "\x1d", "SECRETTAIL"
SKU, OTHER = "SKU-0001", "SKU-0002"


def code(number: int) -> str:
    return f"010460000000001521EXAMPLE{number:06d}{GS}91EE06{GS}92{TAIL}"


@pytest.mark.field("E9")
def test_ozon_gets_the_codes_of_a_shipment_that_is_scanned_after_it_asked_for_them(tmp_path: Path) -> None:
    cabinet = OzonCabinet()
    with Life(tmp_path, cabinet, goods=4, categories=2) as life:
        quiet(life)
        cabinet.sandbox.demand(SKU)
        number = cabinet.place([(SKU, 2), (OTHER, 1)])
        quiet(life)
        life.ut.set_status(number, "КОтгрузке")
        life.settle()
        assert cabinet.bought()[number].state == "open"
        (said,) = life.set_aside()
        assert "Scan them in 1C" in said
        life.ut.scan(number, life.ids[SKU], code(1))
        life.settle()
        (said,) = life.set_aside()
        assert "1 are told" in said
        life.ut.scan(number, life.ids[SKU], code(2))
        quiet(life)
        assert cabinet.bought()[number].state == "packed"
        told = [mark["mark"] for unit in cabinet.sandbox.postings[number].units for mark in unit.marks]
        assert sorted(told) == [code(1), code(2)]
        life.send_off([number])
        quiet(life)


@pytest.mark.field("E9")
def test_a_code_that_1c_has_not_in_full_is_scanned_again(tmp_path: Path) -> None:
    cabinet = OzonCabinet()
    with Life(tmp_path, cabinet, goods=4, categories=2) as life:
        quiet(life)
        cabinet.sandbox.demand(SKU)
        number = cabinet.place([(SKU, 1)])
        quiet(life)
        shipment = life.ut.scan(number, life.ids[SKU], code(1), in_full=False)
        life.ut.set_status(number, "КОтгрузке")
        life.settle()
        (said,) = life.set_aside()
        assert "Scan them again" in said
        assert "EXAMPLE" not in said
        life.ut.unscan(shipment)
        life.ut.scan(number, life.ids[SKU], code(2))
        quiet(life)
        assert cabinet.bought()[number].state == "packed"


@pytest.mark.field("E9")
def test_wildberries_gets_the_code_of_an_order_that_needs_one(tmp_path: Path) -> None:
    cabinet = WildberriesCabinet()
    with Life(tmp_path, cabinet, goods=4, categories=2) as life:
        quiet(life)
        sandbox = cabinet.sandbox
        marked = sandbox.place_order(SKU, warehouse=WAREHOUSE, needs=("sgtin",))
        free = sandbox.place_order(OTHER, warehouse=WAREHOUSE)
        quiet(life)
        life.pack([marked, free])
        life.settle()
        (said,) = life.set_aside()
        assert "sgtin" in said
        life.ut.scan(marked, life.ids[SKU], code(1))
        life.ut.scan(free, life.ids[OTHER], code(2))
        life.settle()
        assert life.set_aside() == []
        assert {kind: mark.codes for kind, mark in sandbox.assembly[int(marked)].marks.items()} == {"sgtin": [code(1)]}
        assert sandbox.assembly[int(free)].marks == {}
        life.send_off([marked, free])
        quiet(life)
        assert {cabinet.bought()[number].state for number in (marked, free)} == {"gone"}
