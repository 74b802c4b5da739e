"""Stock: rows that go out are of one shape, and a refusal takes only the rows that it names."""

import pytest

from connectors.wildberries import paths
from obmen.errors import Denied, Refused
from obmen.testing.sandbox import Fault
from tests.unit.wildberries.conftest import MAIN, PAIR, SPARE, added, batch, kinds, natives, stock


@pytest.mark.field("D1")
def test_stock_is_set_by_size_and_read_back_in_each_warehouse(wb, sandbox):
    one, two = added(sandbox, "A-1"), added(sandbox, "A-2")
    rows = [stock(one, 7), stock(one, 3, SPARE), stock(two, 0)]
    assert set(kinds(wb.write("stock", batch(PAIR, *rows))).values()) == {"done"}
    assert sandbox.calls[f"PUT /api/v3/stocks/{MAIN}"] == sandbox.calls[f"PUT /api/v3/stocks/{SPARE}"] == 1
    assert sorted(natives(wb, "stock"), key=str) == sorted(rows, key=str)
    assert list(wb.look_up("stock", [f"{one}|{SPARE}", f"{two}|{SPARE}"])) == [stock(one, 3, SPARE)]


def test_a_misspelt_name_is_answered_with_204_and_changes_nothing(wb, sandbox):
    """The trap itself, which the connector cannot fall into: its rows are of one typed shape."""
    product = added(sandbox, "A-1")
    number = int(product.partition(":")[2])
    for row in ({"chrtID": number, "amount": 5}, {"chrtId": number, "quantity": 5}):
        parts = {"warehouseId": MAIN}
        reply = wb.call(paths.STOCKS_SET, parts=parts, json={"stocks": [row]}, safe=True)
        assert reply.status == 204
    assert natives(wb, "stock") == []
    assert kinds(wb.write("stock", batch(PAIR, {**stock(product, 5), "quantity": 9}))) == {f"{product}|{MAIN}": "done"}
    assert natives(wb, "stock") == [stock(product, 5)]


def test_barcodes_are_refused_where_sizes_are_wanted(wb):
    with pytest.raises(Refused, match="chrtId"):
        wb.call(paths.STOCKS_SET, parts={"warehouseId": MAIN}, json={"stocks": [{"sku": "1", "amount": 1}]}, safe=True)


def test_rows_that_a_refusal_names_are_refused_and_the_others_are_said_again(wb, sandbox):
    ids = [added(sandbox, f"A-{n}") for n in range(4)]
    sandbox.heavy.add(int(ids[1].partition(":")[2]))
    rows = [stock(ids[0], 1), stock(ids[1], 1), stock(ids[2], 100_001), stock("9:9", 1), stock(ids[3], 4)]
    outcomes = {one.id: one for one in wb.write("stock", batch(PAIR, *rows))}
    assert [outcomes[f"{row['product']}|{MAIN}"].kind for row in rows] == [
        "done",
        "refused",
        "refused",
        "later",
        "done",
    ]
    assert outcomes[f"{ids[1]}|{MAIN}"].errors[0].code == "CargoWarehouseRestrictionSGT"
    assert sandbox.calls[f"PUT /api/v3/stocks/{MAIN}"] == 2
    assert sandbox.written["stocks"] == 2


def test_a_warehouse_that_is_being_changed_makes_its_rows_wait(wb, sandbox):
    product = added(sandbox, "A-1")
    sandbox.processing.add(MAIN)
    outcomes = kinds(wb.write("stock", batch(PAIR, stock(product, 1), stock(product, 2, SPARE))))
    assert outcomes == {f"{product}|{MAIN}": "later", f"{product}|{SPARE}": "done"}


def test_a_warehouse_that_is_not_there_is_named(wb, sandbox):
    (outcome,) = wb.write("stock", batch(PAIR, stock(added(sandbox, "A-1"), 1, 99)))
    assert outcome.errors[0].code == "no_warehouse"


def test_an_account_whose_stock_is_blocked_stops_the_flow(wb, sandbox):
    sandbox.faults.append(Fault(kind="custom", name="banned"))
    with pytest.raises(Denied, match="blocked"):
        list(wb.write("stock", batch(PAIR, stock(added(sandbox, "A-1"), 1))))


def test_swallowed_rows_are_seen_by_reading_back(wb, sandbox):
    ids = [added(sandbox, f"A-{n}") for n in range(100)]
    sandbox.faults.append(Fault(kind="custom", name="swallowed"))
    rows = [stock(one, 5) for one in ids]
    assert set(kinds(wb.write("stock", batch(PAIR, *rows))).values()) == {"done"}
    there = {row["product"] for row in wb.look_up("stock", [f"{one}|{MAIN}" for one in ids])}
    assert set(ids) - there == set(ids[:7])


def test_a_page_of_a_proxy_is_no_success(wb, sandbox):
    product = added(sandbox, "A-1")
    sandbox.faults.append(Fault(kind="html", match="PUT"))
    assert set(kinds(wb.write("stock", batch(PAIR, stock(product, 5)))).values()) == {"done"}
    assert natives(wb, "stock") == [stock(product, 5)]


def test_a_thousand_rows_are_one_call(wb, sandbox):
    ids = [added(sandbox, f"A-{n}") for n in range(1000)]
    list(wb.write("stock", batch(PAIR, *(stock(one, 5) for one in ids))))
    assert sandbox.calls[f"PUT /api/v3/stocks/{MAIN}"] == 1
    assert len(natives(wb, "stock")) == 1000
    assert sandbox.calls[f"POST /api/v3/stocks/{MAIN}"] == 1
