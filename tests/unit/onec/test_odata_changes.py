"""An exchange plan: what a change means, when it is forgotten, and what shows that something was missed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from connectors.onec.doors import ENTITIES
from connectors.onec.odata.changes import Changes
from connectors.onec.sandbox import references
from connectors.onec.sandbox.model import EXCHANGE_PLAN
from obmen.errors import Refused, Unavailable
from obmen.records import Hints
from obmen.testing.sandbox import Fault
from tests.unit.onec.odata_people_kit import VERSIONS, Opened, client, opened

NODE = references.NODE
PLAN = {"name": EXCHANGE_PLAN.removeprefix("ExchangePlan_"), "node": NODE}
EVERYTHING = {**PLAN, "entities": list(ENTITIES)}


def told(one: Opened, cursor: str | None = None) -> Hints | None:
    found = list(Changes(one.base, one.options).read(cursor))
    assert len(found) <= 1
    return found[0] if found else None


def ids(one: Opened, cursor: str | None = None) -> dict[str, list[str]]:
    """Read a message and confirm it."""
    hints = told(one, cursor)
    if hints is None:
        return {}
    Changes(one.base, one.options).acknowledge(hints.cursor)
    return {entity: list(ids) for entity, ids in hints.ids.items()}


def with_plan(version: str = "11.5.20", **more: Any) -> Any:
    sandbox = {"exchange_plan": True, **more.pop("sandbox", {})}
    return opened(version, sandbox=sandbox, exchange_plan=more.pop("plan", EVERYTHING), **more)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_message_is_told_again_until_it_is_confirmed(version: str) -> None:
    with with_plan(version) as one:
        changes = Changes(one.base, one.options)
        assert told(one) is None, "nothing changed yet"
        first = one.ut.add_partner("Образцов Пример")
        hints = told(one)
        assert hints is not None
        assert (list(hints.ids["customer"]), hints.cursor, hints.lost) == (
            [first],
            f"{EXCHANGE_PLAN}/{NODE}/1",
            False,
        )
        second = one.ut.add_partner("Выдумкин Пример")
        again = told(one)
        assert again is not None
        assert list(again.ids["customer"]) == sorted([first, second]), "old and new under the same number"
        changes.acknowledge(again.cursor)
        changes.acknowledge(again.cursor)
        assert told(one, again.cursor) is None
        one.ut.touch(second)
        later = told(one, again.cursor)
        assert later is not None
        assert (list(later.ids["customer"]), later.cursor.rpartition("/")[2], later.lost) == ([second], "2", False)


@pytest.mark.parametrize("version", VERSIONS)
def test_goods_mean_products_prices_and_stock(version: str) -> None:
    with with_plan(version) as one:
        good = one.ut.add_good("Чайник", "A-1", characteristics=["Красный", "Синий"])
        red = one.ut.characteristic(good, "Красный")
        found = ids(one)
        assert set(found["product"]) == {good, *one.ut.items(good)}
        assert "price" not in found
        one.ut.set_price(red, "Розничная", Decimal(100))
        assert set(ids(one, f"{EXCHANGE_PLAN}/{NODE}/1")["price"]) == {good, red}
        one.ut.move_stock(red, 5)
        assert set(ids(one, f"{EXCHANGE_PLAN}/{NODE}/2")["stock"]) == {red}


def test_characteristics_of_a_kind_mean_every_good_of_it() -> None:
    with with_plan() as one:
        kind = one.ut.add_kind("Ткани", characteristics=["Лён"])
        goods = {one.ut.add_good(name, kind=kind) for name in ("Отрез", "Рулон")}
        cursor = f"{EXCHANGE_PLAN}/{NODE}/1"
        ids(one)
        variant = one.ut.characteristic(next(iter(goods)), "Лён").partition("#")[2]
        one.ut.touch(variant)
        assert set(ids(one, cursor)["product"]) == {*goods, *(f"{good}#{variant}" for good in goods)}


@pytest.mark.parametrize("version", VERSIONS)
def test_sales_mean_orders_statuses_receipts_returns_and_points(version: str) -> None:
    with with_plan(version) as one:
        good = one.ut.add_good("Чайник", "A-1", stock={"Основной склад": 50})
        buyer = one.ut.add_partner("Образцов Пример", cards=["2900000000117"])
        card = next(ref for ref, row in one.ut.base.objects["Catalog_КартыЛояльности"].items())
        cursor = f"{EXCHANGE_PLAN}/{NODE}"
        assert ids(one)["customer"] == [buyer]
        order = one.ut.add_order([(good, 2, 100)], number="15")
        found = ids(one, f"{cursor}/1")
        assert (found["order"], found["order_status"]) == ([order], [order])
        shipment = one.ut.ship("15")
        found = ids(one, f"{cursor}/2")
        assert found["order_status"] == [order]
        assert found["stock"] == [good]
        assert "order" not in found
        back = one.ut.add_return(shipment, {good: 1})
        assert ids(one, f"{cursor}/3")["return"] == [back]
        receipt = one.ut.add_receipt([(good, 1, 100)], card=card, partner=buyer)
        found = ids(one, f"{cursor}/4")
        assert (found["receipt"], found["bonus_account"]) == ([receipt], [card])
        points = one.ut.accrue_bonuses(buyer, 30)
        found = ids(one, f"{cursor}/5")
        assert (found["bonus_operation"], found["bonus_account"]) == ([points], [card])
        one.ut.change(card, Статус="Аннулирована")
        found = ids(one, f"{cursor}/6")
        assert (found["bonus_account"], found["customer"]) == ([card], [buyer])


def test_a_contragent_means_its_partner() -> None:
    with with_plan() as one:
        buyer = one.ut.add_partner("Образцов Пример")
        ids(one)
        legal = next(
            ref for ref, row in one.ut.base.objects["Catalog_Контрагенты"].items() if row["Партнер_Key"] == buyer
        )
        one.ut.change(legal, ИНН="7700000000")
        assert ids(one, f"{EXCHANGE_PLAN}/{NODE}/1") == {"customer": [buyer]}


def test_what_was_deleted_is_told_and_what_that_leaves_open_too() -> None:
    with with_plan() as one:
        buyer = one.ut.add_partner("Образцов Пример")
        good = one.ut.add_good("Чайник", characteristics=["Красный"])
        variant = one.ut.characteristic(good, "Красный").partition("#")[2]
        ids(one)
        one.ut.delete_for_good(buyer)
        hints = told(one, f"{EXCHANGE_PLAN}/{NODE}/1")
        assert hints is not None
        assert (hints.ids["customer"], hints.lost) == ([buyer], False)
        one.ut.delete_for_good(variant)
        hints = told(one, f"{EXCHANGE_PLAN}/{NODE}/1")
        assert hints is not None
        assert hints.lost is True, "nothing tells whose characteristic it was"


@pytest.mark.parametrize(
    ("cursor", "lost"),
    [
        (None, False),
        (f"{EXCHANGE_PLAN}/{NODE}/0", False),
        (f"{EXCHANGE_PLAN}/{NODE}/7", True),
        (f"{EXCHANGE_PLAN}/{references.THIS_NODE}/0", True),
        ("ExchangePlan_Другой/" + NODE + "/0", True),
    ],
    ids=["first", "in step", "went backwards", "another node", "another plan"],
)
def test_numbers_that_are_not_ours_mean_that_something_was_missed(cursor: str | None, lost: bool) -> None:
    with with_plan() as one:
        one.ut.add_partner("Образцов Пример")
        hints = told(one, cursor)
        assert hints is not None
        assert (hints.lost, hints.cursor) == (lost, f"{EXCHANGE_PLAN}/{NODE}/1")


def test_a_node_that_somebody_else_reads_is_noticed_even_if_nothing_is_left() -> None:
    with with_plan() as one:
        one.ut.add_partner("Образцов Пример")
        first = told(one)
        assert first is not None
        Changes(one.base, one.options).acknowledge(first.cursor)
        one.ut.add_partner("Выдумкин Пример")
        one.base.confirm_changes(EXCHANGE_PLAN, NODE, 2)
        hints = told(one, first.cursor)
        assert hints is not None
        assert (hints.lost, hints.cursor.rpartition("/")[2]) == (True, "3")


def test_a_node_that_is_gone_means_reading_everything_until_it_is_there_again() -> None:
    with with_plan() as one:
        kept = dict(one.ut.base.objects[EXCHANGE_PLAN].pop(NODE))
        changes = Changes(one.base, one.options)
        hints = told(one, f"{EXCHANGE_PLAN}/{NODE}/0")
        assert hints is not None
        assert (dict(hints.ids), hints.lost) == ({}, True)
        changes.acknowledge(hints.cursor)
        assert not any("NotifyChangesReceived" in call.path for call in one.ut.journal)
        one.ut.base.objects[EXCHANGE_PLAN][NODE] = kept
        again = told(one, hints.cursor)
        assert again is not None
        assert again.lost is True, "what changed while there was no node was registered nowhere"


def test_a_text_that_xml_cannot_carry_is_explained() -> None:
    with with_plan() as one:
        one.ut.add_partner("Образцов\x01Пример")
        with pytest.raises(Refused, match=r"character that XML does not allow.*read by lists of versions"):
            told(one)
        assert one.ut.base.objects[EXCHANGE_PLAN][NODE]["ReceivedNo"] == "0"


def test_half_a_message_is_not_taken() -> None:
    with with_plan() as one:
        one.ut.add_partner("Образцов Пример")
        one.ut.faults = [Fault(kind="truncate", match="POST .*SelectChanges", times=None)]
        with pytest.raises(Unavailable, match="SelectChanges"):
            told(one)


def test_only_what_the_plan_covers_and_the_base_publishes_is_listened_to() -> None:
    with with_plan(plan={**PLAN, "entities": ["product", "bonus_account", "order"]}) as one:
        changes = Changes(one.base, one.options)
        assert [entity for entity in ("product", "order", "bonus_account", "customer") if changes.listens(entity)] == [
            "product",
            "order",
            "bonus_account",
        ]
        assert changes.way("product") == "ПланОбмена.ОбменСКаналами"
        assert changes.way("customer") == "lists of versions"
        one.ut.add_partner("Образцов Пример")
        assert told(one) is None
    hidden = {"Document_ЗаказКлиента", "AccumulationRegister_БонусныеБаллы"}
    hidden.add("Document_НачислениеИСписаниеБонусныхБаллов")
    with with_plan() as one:
        one.ut.published -= hidden
        changes = Changes(one.base, one.options)
        assert not any(changes.listens(entity) for entity in ("order", "order_status", "bonus_account"))
        assert changes.listens("product")


def test_without_a_plan_nothing_is_listened_to() -> None:
    with opened(sandbox={"exchange_plan": True}) as one:
        changes = Changes(one.base, one.options)
        assert not changes.listens("product")
        assert list(changes.read(None)) == []
    with opened(exchange_plan=PLAN) as one:
        assert not Changes(one.base, one.options).listens("product"), "the plan is not published"


def test_stock_is_not_listened_to_unless_the_project_says_so() -> None:
    """A line that is taken out of a document leaves its product unnamed, and stock read too high sells air."""
    with with_plan(plan=PLAN) as one:
        changes = Changes(one.base, one.options)
        assert not changes.listens("stock")
        assert changes.listens("price")


def test_two_clients_of_one_node_tell_each_other_nothing() -> None:
    """The engine holds a lease; without one, the second would see the first's confirmation as a gap."""
    with with_plan() as one, client(one.ut, one.clock, exchange_plan=EVERYTHING) as other:
        one.ut.add_partner("Образцов Пример")
        first, second = told(one), told(other)
        assert first is not None
        assert second is not None
        assert first.ids == second.ids, "nothing is taken away by reading"
        Changes(one.base, one.options).acknowledge(first.cursor)
        assert told(other, f"{EXCHANGE_PLAN}/{NODE}/0") is not None


def test_a_check_tells_what_the_plan_needs_and_what_is_wrong_with_it() -> None:
    with with_plan(plan={**PLAN, "entities": ["customer", "order"]}) as one:
        (fine,) = Changes(one.base, one.options).check()
        assert fine.level == "ok"
        assert "tells changes of customer, order" in fine.message
        assert "Документ.ЗаказКлиента, Справочник.Контрагенты, Справочник.Партнеры" in fine.message
        del one.ut.base.objects[EXCHANGE_PLAN][NODE]
        (gone,) = Changes(one.base, one.options).check()
        assert (gone.level, gone.option) == ("problem", "exchange_plan.node")
    with opened(exchange_plan=PLAN) as one:
        (hidden,) = Changes(one.base, one.options).check()
        assert (hidden.level, "ПланОбмена.ОбменСКаналами is not published" in hidden.message) == ("warning", True)
    with opened() as one:
        assert list(Changes(one.base, one.options).check()) == []


def test_more_changes_than_one_answer_holds_are_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    with with_plan() as one:
        one.ut.add_partner("Образцов Пример")
        transport = one.base._http.transport
        monkeypatch.setattr(one.base._http, "transport", replace(transport, largest_answer=2000))
        with pytest.raises(Refused, match="Clear the node's registration"):
            told(one)
