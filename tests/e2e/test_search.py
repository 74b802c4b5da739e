"""An order of a channel is found by the number that 1C gave it."""

from __future__ import annotations

from pathlib import Path

from connectors.onec.sandbox import OneCSandbox
from connectors.ozon.sandbox import OzonSandbox
from runner.web.finding import Search
from tests.e2e.test_onec_and_ozon import WAREHOUSE, Site


def test_an_order_is_found_by_the_number_of_its_document_in_1c(tmp_path: Path) -> None:
    with OneCSandbox() as ut, OzonSandbox(warehouses={WAREHOUSE: 1020000000001}) as ozon:
        site = Site(tmp_path, ut, ozon)
        site.sync()
        number, other = (ozon.place_order({"A-1": 1}) for _ in range(2))
        site.sync()
        site.sync("statuses")
        document = ut.order(number)["Number"]
        assert document != ut.order(other)["Number"]
        with site.ledger.read() as tx:
            found = Search(tx, site.project, personal=False).anyhow(str(document), personal=False)
        site.ledger.close()
    assert {(one.connection, one.key) for one in found.bound} == {("ut", f"ozon|{number}"), ("ozon", f"ozon|{number}")}
