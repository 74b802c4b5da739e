"""What Wildberries sends back out of its own warehouses is no buyer's return: 1C books none, whatever comes with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.wildberries.sandbox.claims import BLOCKED
from tests.e2e.markets.life import Life, quiet
from tests.e2e.markets.wildberries import WildberriesCabinet


@pytest.mark.field("E7")
def test_goods_that_come_back_unsold_make_no_return_in_1c(tmp_path: Path) -> None:
    cabinet = WildberriesCabinet()
    with Life(tmp_path, cabinet, goods=3, categories=1) as life:
        quiet(life)
        number = cabinet.place([("SKU-0001", 1)])
        life.settle()
        life.pack([number])
        life.settle()
        life.send_off([number])
        life.settle()
        cabinet.deliver(number)
        life.settle()
        cabinet.sandbox.send_back(number, kind=BLOCKED)
        cabinet.sandbox.give_back(number)
        cabinet.sandbox.send_stock_back("SKU-0002")
        life.settle()
        assert life.ut.state()["documents"]["Document_ВозвратТоваровОтКлиента"] == []
        assert life.set_aside() == []
