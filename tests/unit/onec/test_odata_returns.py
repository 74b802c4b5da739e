"""Returns: asked for until the goods are here, brought in once, and read with the order that they came back from."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from connectors.onec.odata.orders import Orders
from connectors.onec.odata.return_body import REQUEST, RETURN, SHIPMENT
from connectors.onec.odata.returns import Returns, return_ref
from connectors.onec.sandbox import references
from obmen.entities import Order, Return
from obmen.errors import ConfigurationError, InDoubt, Refused, Unavailable
from obmen.records import Native
from obmen.testing.sandbox import Fault
from tests.unit.onec.odata_people_kit import VERSIONS, Opened, canonical, client, natives, opened, pushed, writes
from tests.unit.onec.odata_support import item

REF = return_ref(RETURN, "ozon", "R-1")
ASKED = return_ref(REQUEST, "ozon", "R-1")


@pytest.fixture(params=VERSIONS)
def one(request: pytest.FixtureRequest) -> Iterator[Opened]:
    with opened(request.param) as found:
        yield found


def returns(one: Opened) -> Returns:
    return Returns(one.base, one.options, one.clock, "ut")


def sold(one: Opened, number: str = "15", quantity: int = 3, price: str = "100.00") -> str:
    """Sell a good in the channel ozon and ship it; return the good."""
    good = one.ut.add_good("Чайник", "A-1", stock={"Основной склад": 50})
    assert one.options.order is not None
    taken = Order.model_validate(
        {
            "channel": "ozon",
            "number": number,
            "placed_at": "2026-06-14T05:50:09Z",
            "currency": "RUB",
            "lines": [{"sku": "A-1", "quantity": quantity, "price": price}],
        }
    )
    Orders(one.base, one.options.order).write(item(pushed("order", taken, one.options, {good: "A-1"})))
    one.ut.ship(number)
    one.ut.journal.clear()
    return good


def record(**changes: Any) -> Return:
    return Return.model_validate(
        {
            "channel": "ozon",
            "number": "R-1",
            "order": "15",
            "state": "received",
            "occurred_at": "2026-06-15T05:00:00Z",
            "currency": "RUB",
            "reason": "Не подошло",
            "lines": [{"sku": "A-1", "quantity": "1"}],
            **changes,
        }
    )


def payload(one: Opened, good: str, **changes: Any) -> Native:
    return pushed("return", record(**changes), one.options, {good: "A-1"})


def kept(one: Opened, name: str) -> list[Native]:
    return list(one.ut.base.objects[name].values())


def on_hand(one: Opened, good: str) -> Any:
    return one.ut.state()["stock"][good]["Основной склад"]["on_hand"]


# -- written -----------------------------------------------------------------------------------------------------


def test_goods_that_are_here_come_back_to_stock_once(one: Opened) -> None:
    good = sold(one)
    assert on_hand(one, good) == 47
    body = payload(one, good)
    assert returns(one).find(body) is None
    assert returns(one).write(body) == REF
    before = writes(one.ut)
    assert returns(one).write(body) == REF
    assert returns(one).find(body) == REF
    assert writes(one.ut) == before
    assert on_hand(one, good) == 48
    (document,) = kept(one, RETURN)
    (row,) = document["Товары"]
    (shipment,) = kept(one, SHIPMENT)
    assert (document["ДокументРеализации"], row["ДокументРеализации"]) == (shipment["Ref_Key"], shipment["Ref_Key"])
    assert (document["Комментарий"], document["СуммаДокумента"]) == ("[возврат ozon R-1] Не подошло", 100)
    assert (row["Цена"], row["СуммаСНДС"]) == (100, 100), "what was paid, for the channel does not tell"


def test_what_is_only_asked_for_brings_nothing_back_to_stock(one: Opened) -> None:
    good = sold(one)
    assert returns(one).write(payload(one, good, state="requested")) == ASKED
    assert returns(one).write(payload(one, good, state=None)) == ASKED
    assert returns(one).find(payload(one, good, state="requested")) is None
    assert [row["Статус"] for row in kept(one, REQUEST)] == ["НеСогласована"]
    assert returns(one).write(payload(one, good, state="in_transit")) == ASKED
    assert [row["Статус"] for row in kept(one, REQUEST)] == ["КВозврату"]
    assert (on_hand(one, good), kept(one, RETURN)) == (47, [])
    assert returns(one).write(payload(one, good)) == REF
    assert on_hand(one, good) == 48
    assert [row["ЗаявкаНаВозврат"] for row in kept(one, RETURN)] == [ASKED]
    assert returns(one).write(payload(one, good, state="approved")) == REF, "never back"
    assert (len(kept(one, REQUEST)), len(kept(one, RETURN))) == (1, 1)


def test_a_return_that_does_not_happen_is_taken_back(one: Opened) -> None:
    good = sold(one)
    returns(one).write(payload(one, good, state="rejected"))
    assert kept(one, REQUEST) == []
    returns(one).write(payload(one, good, state="approved"))
    for state in ("cancelled", "rejected"):
        returns(one).write(payload(one, good, state=state))
    assert [(row["Posted"], row["DeletionMark"]) for row in kept(one, REQUEST)] == [(False, True)]
    returns(one).write(payload(one, good))
    with pytest.raises(Refused, match="are here already") as refused:
        returns(one).write(payload(one, good, state="cancelled"))
    assert refused.value.code == "already_received"


def test_a_share_of_a_line_is_taken_back_to_the_kopeck(one: Opened) -> None:
    good = sold(one, price="33.33")
    shipment = kept(one, SHIPMENT)[0]["Ref_Key"]
    row = {**one.ut.object(shipment)["Товары"][0], "Сумма": Decimal("100.00"), "СуммаСНДС": Decimal("100.00")}
    one.ut.change(shipment, Товары=[row])
    for n in range(3):
        returns(one).write(payload(one, good, number=f"R-{n}"))
    sums = [document["СуммаДокумента"] for document in kept(one, RETURN)]
    assert sums == [Decimal("33.33")] * 3
    returns(one).write(payload(one, good, number="R-all", lines=[{"sku": "A-1", "quantity": "3"}]))
    assert kept(one, RETURN)[-1]["СуммаДокумента"] == 100


def test_what_the_channel_tells_of_a_price_counts(one: Opened) -> None:
    good = sold(one)
    lines = [
        {"sku": "A-1", "quantity": "1", "price": "80"},
        {"sku": "A-1", "quantity": "2", "price": "90", "total": "170"},
    ]
    returns(one).write(payload(one, good, lines=lines))
    (document,) = kept(one, RETURN)
    assert [row["СуммаСНДС"] for row in document["Товары"]] == [80, 170]
    assert document["СуммаДокумента"] == 250


def test_a_return_of_an_order_that_nobody_knows_is_tied_to_nothing(one: Opened) -> None:
    good = sold(one)
    returns(one).write(payload(one, good, order="нет такого", lines=[{"sku": "A-1", "quantity": "1", "price": "5"}]))
    (document,) = kept(one, RETURN)
    assert document["ДокументРеализации"] in ("", "00000000-0000-0000-0000-000000000000")
    with pytest.raises(Refused) as refused:
        returns(one).write(payload(one, good, number="R-2", order="нет такого"))
    assert refused.value.code == "bad_value", "no shipment tells what was paid"


@pytest.mark.field("E7")
@pytest.mark.parametrize("honours", [True, False], ids=["own-ref", "ref-ignored"])
@pytest.mark.parametrize("kind", ["drop", "drop_after", "html"])
@pytest.mark.parametrize("version", VERSIONS)
def test_e7_a_return_is_created_once_whatever_becomes_of_the_calls(version: str, kind: Any, honours: bool) -> None:
    with opened(version, sandbox={"honours_ref_key": honours}) as one:
        good = sold(one)
        one.ut.faults = [Fault(kind=kind, status=503, match=rf"POST .*/{RETURN}\Z")]
        one.ut.faults += [Fault(kind=kind, status=503, match=r"POST .*/Post\Z")]
        for _ in range(5):
            with client(one.ut, one.clock) as again:
                body = payload(again, good)
                try:
                    if returns(again).find(body) is None:
                        returns(again).write(body)
                except (InDoubt, Unavailable):
                    continue
        assert [row["Posted"] for row in kept(one, RETURN)] == [True]
        assert on_hand(one, good) == 48


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Товары": []}, "no_lines"),
        ({"Date": None}, "no_date"),
        ({"Номер": "R [1]"}, "bad_id"),
        ({"Ошибка": "да"}, "unknown_property"),
        ({"Товары": [{"Товар": "нет", "Количество": 1, "Цена": 1}]}, "bad_product"),
        ({"Товары": [{"Товар": references.PARTNER, "Количество": 1}]}, "bad_value"),
    ],
)
def test_what_cannot_be_written_is_refused_before(changes: Native, code: str) -> None:
    with opened() as one:
        good = sold(one)
        with pytest.raises(Refused) as refused:
            returns(one).write({**payload(one, good), **changes})
        assert refused.value.code == code
        assert kept(one, RETURN) == []


def test_without_the_references_of_orders_nothing_is_written() -> None:
    with opened() as one:
        good = sold(one)
        body = payload(one, good)
        with client(one.ut, one.clock, order=None) as bare, pytest.raises(ConfigurationError, match="order:"):
            returns(bare).write(body)


# -- read --------------------------------------------------------------------------------------------------------


def test_returns_are_read_with_their_order_and_channel(one: Opened) -> None:
    good = sold(one)
    shipment = kept(one, SHIPMENT)[0]["Ref_Key"]
    by_hand = one.ut.add_return(shipment, {good: 1}, reason="Брак")
    one.ut.request_return(shipment, {good: 1})
    returns(one).write(payload(one, good))
    returns(one).write(payload(one, good, number="R-2", state="approved"))
    returns(one).write(payload(one, good, number="R-3", state="approved"))
    returns(one).write(payload(one, good, number="R-3"))
    found = {native["Номер"]: native for native in natives(returns(one).read(None))}
    own = f"{one.ut.object(by_hand)['Number']}/2026"
    assert set(found) == {own, "R-1", "R-2", "R-3"}, "each return once, and a person's request not at all"
    records = {name: canonical("return", native, one.options, {good: "A-1"}) for name, native in found.items()}
    told = {name: (one.channel, one.order, one.state, one.reason, one.total) for name, one in records.items()}
    assert told == {
        own: ("ozon", "15", "received", "Брак", 100),
        "R-1": ("ozon", "15", "received", None, 100),
        "R-2": ("ozon", "15", "approved", None, 100),
        "R-3": ("ozon", "15", "received", None, 100),
    }
    assert records["R-1"].occurred_at == record().occurred_at
    refs = [native["Ref_Key"] for native in found.values()]
    assert {native["Номер"]: native for native in returns(one).look_up(refs)} == found
    assert list(returns(one).look_up(["ozon|R-1"])) == [found["R-1"]]
    assert list(returns(one).look_up(["ozon|R-3"])) == [found["R-3"]]


def test_a_return_without_an_order_belongs_to_the_connection(one: Opened) -> None:
    good = one.ut.add_good("Чайник", stock={"Основной склад": 5})
    one.ut.add_order([(good, 2, 10)])
    (number,) = (row["Number"] for row in one.ut.state()["orders"])
    one.ut.add_return(one.ut.ship(number), {good: 1})
    (native,) = natives(returns(one).read(None))
    back = canonical("return", native, one.options, {good: "A-1"})
    assert (back.channel, back.order) == ("ut", f"{number}/2026")
    returns(one).write(payload(one, good, channel="ut", order=f"{number}/2026"))
    assert kept(one, RETURN)[-1]["ДокументРеализации"] == kept(one, SHIPMENT)[0]["Ref_Key"]
