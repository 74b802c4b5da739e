"""Receipts and retail reports: facts, read by a window of dates in every version."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from connectors.onec.odata.receipts import KINDS, RECEIPT, REPORT_BACK, Receipts
from connectors.onec.sandbox import references
from obmen.entities import Receipt
from obmen.errors import ConfigurationError
from obmen.records import Native
from tests.unit.onec.odata_people_kit import VERSIONS, Opened, canonical, natives, opened

CARD = "2900000000117"


@pytest.fixture(params=VERSIONS)
def one(request: pytest.FixtureRequest) -> Iterator[Opened]:
    with opened(request.param) as found:
        yield found


def receipts(one: Opened) -> Receipts:
    return Receipts(one.base, one.options, one.clock)


def shop(one: Opened) -> str:
    return one.ut.add_good("Чайник", "A-1", stock={"Основной склад": 50})


def records(one: Opened, good: str, cursor: str | None = None) -> dict[str, Receipt]:
    found: list[Native] = natives(receipts(one).read(cursor))
    return {native["Ref_Key"]: canonical("receipt", native, one.options, {good: "A-1"}) for native in found}


def test_a_receipt_a_return_and_a_report_are_told_apart(one: Opened) -> None:
    good = shop(one)
    buyer = one.ut.add_partner("Образцов Пример", cards=[CARD])
    card = next(iter(one.ut.base.objects["Catalog_КартыЛояльности"]))
    lines = [(good, 1, Decimal("500.50")), (good, 2, 100)]
    sale = one.ut.add_receipt(lines, card=card, partner=buyer, by_card=Decimal("300.50"))
    back = one.ut.add_receipt_return(sale, {good: 1})
    report = one.ut.close_shift()
    found = records(one, good)
    assert set(found) == {sale, back, report}
    assert {ref: record.kind for ref, record in found.items()} == {sale: "sale", back: "return", report: "report"}
    sold = found[sale]
    number = one.ut.object(sale)["Number"]
    assert (sold.channel, sold.number) == ("ut", f"Чек {number} от 15.06.2026")
    assert (sold.total, sold.currency, sold.store, sold.warehouse) == (
        Decimal("700.5"),
        "RUB",
        "Касса 1",
        "Основной склад",
    )
    assert (sold.card, sold.customer) == (CARD, buyer)
    assert [(line.sku, line.quantity, line.price, line.total, line.vat) for line in sold.lines] == [
        ("A-1", 1, Decimal("500.5"), Decimal("500.5"), "20"),
        ("A-1", 2, 100, 200, "20"),
    ]
    assert sold.payments is not None
    assert {payment.kind: payment.amount for payment in sold.payments} == {"Карта": Decimal("300.5"), "Наличные": 400}
    assert found[report].total == Decimal("700.5")
    assert [len(record.lines) for record in found.values()] == [2, 2, 2]


def test_what_was_put_off_or_annulled_is_no_sale(one: Opened) -> None:
    good = shop(one)
    for status in ("Отложен", "Аннулирован"):
        one.ut.add_receipt([(good, 1, 100)], status=status)
    punched = one.ut.add_receipt([(good, 1, 100)])
    one.ut.unpost(one.ut.add_receipt([(good, 1, 100)]))
    one.ut.mark_deleted(one.ut.add_receipt([(good, 1, 100)]))
    assert set(records(one, good)) == {punched}


def test_a_receipt_without_a_buyer_is_a_receipt_too(one: Opened) -> None:
    good = shop(one)
    one.ut.add_receipt([(good, 1, 100)])
    (record,) = records(one, good).values()
    assert (record.card, record.customer) == (None, None)
    assert record.payments is not None
    assert [payment.kind for payment in record.payments] == ["Наличные"]


def test_receipts_are_looked_up_as_they_are_read(one: Opened) -> None:
    good = shop(one)
    refs = [one.ut.add_receipt([(good, 1, n)]) for n in range(1, 25)]
    refs.append(one.ut.close_shift())
    found = {native["Ref_Key"]: native for native in natives(receipts(one).read(None))}
    assert {native["Ref_Key"]: native for native in receipts(one).look_up([*refs, references.PARTNER])} == found
    assert set(found) == set(refs)


def test_a_receipt_that_was_entered_late_is_not_lost(one: Opened) -> None:
    """A till that was offline sends its receipts days later, dated as they were punched."""
    good = shop(one)
    one.ut.add_receipt([(good, 1, 100)])
    *_, last = receipts(one).read(None)
    one.clock.advance(86400 * 3)
    late = one.ut.add_receipt([(good, 1, 55)])
    one.ut.change(late, Date="2026-06-14T10:00:00")
    assert late in records(one, good, last.cursor)
    one.clock.advance(86400 * 200)
    *_, next_ = receipts(one).read(last.cursor)
    assert records(one, good, next_.cursor) == {}, "two hundred days later they are not asked for again"


def test_the_number_of_a_record_is_its_own_in_the_base(one: Opened) -> None:
    good = shop(one)
    for _ in range(3):
        one.ut.add_receipt_return(one.ut.add_receipt([(good, 1, 100)]))
    numbers = [record.number for record in records(one, good).values()]
    assert len(set(numbers)) == len(numbers) == 6


def test_what_is_not_published_is_done_without(one: Opened) -> None:
    good = shop(one)
    receipt = one.ut.add_receipt([(good, 1, 100)])
    one.ut.published -= {*KINDS, "Catalog_КартыЛояльности", "Catalog_КассыККМ"} - {RECEIPT}
    (record,) = records(one, good).values()
    assert (record.kind, record.store) == ("sale", None)
    assert [native["Ref_Key"] for native in receipts(one).look_up([receipt])] == [receipt]
    assert one.ut.model.version != "11.4.2" or REPORT_BACK not in one.ut.model.names


def test_a_base_without_any_of_them_says_what_to_add() -> None:
    with opened() as one:
        one.ut.published -= set(KINDS)
        with pytest.raises(ConfigurationError, match=r"Документ\.ЧекККМ or Документ\.ЧекККМВозврат"):
            natives(receipts(one).read(None))
