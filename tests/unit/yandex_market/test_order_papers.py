"""Labels: one at once, many later, and a batch that cannot be made says so as a whole."""

import pytest

from connectors.yandex_market import paths
from obmen.errors import Later, Refused
from obmen.testing.sandbox import Fault
from tests.unit.yandex_market.order_kit import READY, SHOPS, put, sell


@pytest.fixture
def market(make_sandbox):
    made = make_sandbox(journal=True, shops=list(SHOPS))
    sell(made, A_1="100")
    return made


@pytest.fixture
def packed(ym, market):
    placed = [market.place_order({"A-1": 1}, campaign=campaign) for campaign in (2001, 2002, 2001)]
    for number in placed:
        assert put(ym, number, READY).kind == "done"
    return placed


@pytest.mark.field("E8")
def test_the_label_of_one_order_is_had_at_once(ym, market, packed):
    (document,) = ym.papers("label", packed[:1])
    assert (document.name, document.media_type) == (f"labels-{packed[0]}.pdf", "application/pdf")
    assert document.orders == (packed[0],)
    assert document.content.startswith(b"%PDF")
    assert packed[0].encode() in document.content


@pytest.mark.field("E8")
def test_labels_that_are_not_ready_come_later(ym, market):
    number = market.place_order({"A-1": 1})
    with pytest.raises(Later):
        list(ym.papers("label", [number]))
    assert put(ym, number, READY).kind == "done"
    assert list(ym.papers("label", [number]))
    market.deliver(number)
    with pytest.raises(Refused, match="not available"):
        list(ym.papers("label", [number]))
    with pytest.raises(Refused, match="no order 999"):
        list(ym.papers("label", ["999"]))
    with pytest.raises(Refused, match="digits"):
        list(ym.papers("label", [number, "41517061-0214-1"]))


@pytest.mark.field("E8")
def test_labels_of_many_orders_are_asked_for_once_and_fetched_when_they_are_made(ym, market, clock, packed):
    for _ in range(3):
        with pytest.raises(Later) as later:
            list(ym.papers("label", packed))
        assert 0 < later.value.after <= 30
    clock.pass_by(seconds=31)
    (document,) = ym.papers("label", packed)
    assert document.orders == tuple(packed)
    assert all(number.encode() in document.content for number in packed)
    assert market.calls[paths.LABELS_REPORT.group] == 1
    with pytest.raises(Later):
        list(ym.papers("label", packed))
    assert market.calls[paths.LABELS_REPORT.group] == 2


@pytest.mark.field("E8")
def test_one_order_without_labels_spoils_the_batch_and_not_the_halves(ym, market, clock, packed):
    unpacked = market.place_order({"A-1": 1})
    with pytest.raises(Later):
        list(ym.papers("label", [*packed, unpacked]))
    clock.pass_by(seconds=31)
    with pytest.raises(Refused, match="RESOURCE_NOT_FOUND"):
        list(ym.papers("label", [*packed, unpacked]))
    with pytest.raises(Later):
        list(ym.papers("label", packed))
    clock.pass_by(seconds=31)
    assert list(ym.papers("label", packed))


def test_the_key_does_not_travel_to_where_files_are_kept(ym, market, clock, packed):
    with pytest.raises(Later):
        list(ym.papers("label", packed))
    clock.pass_by(seconds=31)
    assert list(ym.papers("label", packed))
    (fetched,) = [exchange for exchange in market.journal if exchange.path.startswith("/files/")]
    assert "api-key" not in {name.lower() for name in fetched.request_headers}


def test_a_page_instead_of_a_pdf_is_not_kept(ym, market, packed):
    market.faults.append(Fault(kind="html", match="labels"))
    with pytest.raises(Later, match="no PDF"):
        list(ym.papers("label", packed[:1]))


def test_a_report_that_market_forgot_is_begun_anew(ym, market, clock, packed):
    with pytest.raises(Later):
        list(ym.papers("label", packed))
    market.reports.clear()
    with pytest.raises(Refused):
        list(ym.papers("label", packed))
    with pytest.raises(Later):
        list(ym.papers("label", packed))
