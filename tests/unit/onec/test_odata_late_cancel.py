"""Orders that are cancelled too late: what was shipped comes back once, and into stock only when it is here."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from connectors.onec.odata.order_body import DOCUMENT as ORDER
from connectors.onec.odata.return_body import REQUEST, RETURN
from connectors.onec.odata.statuses import Statuses
from connectors.onec.sandbox.model import model_of
from obmen.errors import InDoubt, Later, Refused, Unavailable
from obmen.records import Item
from obmen.testing.sandbox import Fault
from tests.unit.onec.odata_late_kit import REF, Desk
from tests.unit.onec.odata_people_kit import VERSIONS, Opened, client, opened, writes


@pytest.fixture(params=VERSIONS)
def everywhere(request: pytest.FixtureRequest) -> Iterator[Opened]:
    with opened(request.param) as found:
        yield found


@pytest.fixture
def one() -> Iterator[Opened]:
    with opened() as found:
        yield found


@pytest.mark.field("E6")
@pytest.mark.parametrize("status", ["НеСогласован", "КОбеспечению", "КОтгрузке"])
def test_e6_a_cancel_before_the_shipment_frees_the_reserve_also_of_what_is_assembled(one: Opened, status: str) -> None:
    desk = Desk(one, status)
    desk.cancel()
    assert (desk.standing(), desk.stocks, desk.told()) == ({}, [(50, 50), (50, 50)], "Отменен")
    assert desk.kept(REQUEST) == []


@pytest.mark.field("N21")
def test_n21_a_cancel_after_the_shipment_asks_for_the_goods_once_and_stock_waits_for_them(everywhere: Opened) -> None:
    desk = Desk(everywhere)
    shipment = desk.ut.ship("15")
    assert desk.stocks == [(47, 47), (49, 49)]
    assert desk.cancel() == REF
    before = writes(desk.ut)
    assert (desk.cancel(), desk.cancel(attempt=2)) == (REF, REF)
    again = [call for call in writes(desk.ut)[len(before) :] if call != "POST Post"]
    assert again == [], "said again, nothing is written"
    assert desk.stocks == [(47, 47), (49, 49)], "reserve is 0, and what is not here is not free"
    (request,) = desk.kept(REQUEST)
    assert (request["ДокументОснование"], request["Комментарий"][:17]) == (shipment, "[отмена ozon 15] ")
    assert {row["ДокументРеализации"] for row in request["ВозвращаемыеТовары"]} == {shipment}
    assert (request["СуммаДокумента"], desk.awaited()) == (Decimal("333.33"), {"A-1": 3, "A-2": 1})
    order = desk.ut.order("15")
    assert (order["Статус"], order["Posted"], desk.standing()) == ("Закрыт", True, {"A-1": 3, "A-2": 1})
    assert desk.told() == "Отменен", "and not as delivered"
    desk.ut.add_return(shipment)
    assert desk.stocks == [(50, 50), (50, 50)]


@pytest.mark.field("N21")
def test_n21_of_an_order_that_was_shipped_in_part_only_the_rest_is_cancelled(everywhere: Opened) -> None:
    desk = Desk(everywhere)
    desk.ut.ship("15", {desk.kettle: 2})
    desk.cancel()
    assert (desk.standing(), desk.awaited()) == ({"A-1": 2}, {"A-1": 2})
    assert desk.stocks == [(48, 48), (50, 50)]
    order = desk.ut.order("15")
    assert order["СуммаДокумента"] == 200
    cancelled = [(row["Количество"], row["Сумма"]) for row in order["Товары"] if row["Отменено"]]
    assert cancelled == [(1, 100), (1, Decimal("33.33"))]


@pytest.mark.field("N21")
def test_n21_what_was_closed_as_delivered_comes_back_too(one: Opened) -> None:
    desk = Desk(one)
    desk.ut.ship("15")
    desk.ut.set_status("15", "Закрыт")
    assert desk.told() == "Закрыт"
    desk.cancel()
    assert (desk.told(), desk.awaited()) == ("Отменен", {"A-1": 3, "A-2": 1})


@pytest.mark.field("N21")
def test_n21_what_people_or_the_channel_bring_back_already_is_not_asked_for_again(one: Opened) -> None:
    desk = Desk(one)
    shipment = desk.ut.ship("15")
    desk.ut.request_return(shipment, {desk.kettle: 1})
    desk.come_back("R-1", "A-1", 1, "in_transit")
    desk.ut.add_return(shipment, {desk.cup: 1})
    desk.cancel()
    assert desk.awaited() == {"A-1": 3}
    assert len(desk.kept(REQUEST)) == 3


@pytest.mark.field("N21")
def test_n21_returns_of_the_channel_take_the_place_of_the_request(everywhere: Opened) -> None:
    desk = Desk(everywhere)
    desk.ut.ship("15")
    desk.cancel()
    desk.come_back("R-1", "A-1", 2, "in_transit")
    assert (desk.awaited(), len(desk.kept(REQUEST))) == ({"A-1": 3, "A-2": 1}, 2)
    desk.come_back("R-2", "A-2", 1, "received")
    assert desk.stocks == [(47, 47), (50, 50)]
    desk.come_back("R-3", "A-1", 1, "in_transit")
    assert desk.awaited() == {"A-1": 3}
    assert sorted(one["Комментарий"][:18] for one in desk.kept(REQUEST)) == [
        "[возврат ozon R-1]",
        "[возврат ozon R-3]",
    ]
    desk.come_back("R-1", "A-1", 2, "received")
    desk.come_back("R-3", "A-1", 1, "received")
    desk.cancel()
    assert (desk.stocks, len(desk.kept(RETURN))) == ([(50, 50), (50, 50)], 3)


@pytest.mark.field("N21")
def test_n21_goods_that_a_person_took_in_by_the_request_are_not_taken_in_twice(one: Opened) -> None:
    desk = Desk(one)
    shipment = desk.ut.ship("15")
    desk.cancel()
    (request,) = desk.kept(REQUEST)
    taken = desk.ut.add_return(shipment, {desk.kettle: 3})
    basis = {"ЗаявкаНаВозврат": request["Ref_Key"], "ЗаявкаНаВозврат_Type": f"StandardODATA.{REQUEST}"}
    desk.ut.change(taken, **basis)
    with pytest.raises(Refused, match="drop the record") as refused:
        desk.come_back("R-1", "A-1", 3, "received")
    assert (refused.value.code, desk.stock(desk.kettle)) == ("already_received", (50, 50))
    desk.come_back("R-2", "A-2", 1, "received")
    assert desk.stocks == [(50, 50), (50, 50)]
    assert desk.awaited() == {"A-1": 3}, "what a person went on from stays"


@pytest.mark.field("N21")
@pytest.mark.parametrize("publishes", [True, False], ids=["by-option", "not-published"])
def test_n21_a_task_says_what_to_do_and_is_done_when_a_person_has_done_it(publishes: bool) -> None:
    published = {} if publishes else {"published": model_of("11.5.20").usual - {REQUEST}}
    with opened(sandbox=published, late_cancel="task" if publishes else "return") as one:
        desk = Desk(one)
        shipment = desk.ut.ship("15", {desk.kettle: 3})
        for _ in range(2):
            with pytest.raises(Refused, match=r"Возврат товаров от\s+клиента") as refused:
                desk.cancel()
            assert refused.value.code == "late_cancel"
            assert f"3 × {desk.kettle}" in str(refused.value)
            assert ("is published" in str(refused.value)) is not publishes
        assert (desk.kept(REQUEST), desk.stocks) == ([], [(47, 47), (50, 50)]), "what was not shipped is free at once"
        assert desk.told() == "Отменен"
        desk.ut.add_return(shipment, {desk.kettle: 2})
        with pytest.raises(Refused, match=f"1 × {desk.kettle}"):
            desk.cancel()
        desk.ut.add_return(shipment, {desk.kettle: 1})
        assert desk.cancel() == REF


@pytest.mark.field("N21")
@pytest.mark.parametrize(
    ("kind", "honours"), [("drop", True), ("drop_after", True), ("drop_after", False), ("html", False)]
)
@pytest.mark.parametrize("call", range(4))
def test_n21_it_is_asked_for_once_whatever_becomes_of_the_calls(kind: Any, call: int, honours: bool) -> None:
    with opened(sandbox={"honours_ref_key": honours}) as one:
        desk = Desk(one)
        ref = next(iter(desk.ut.base.objects[ORDER]))
        desk.ut.ship("15", {desk.kettle: 2})
        desk.ut.faults = [Fault(kind=kind, status=503, match=r"(POST|PATCH) .*", skip=call)]
        payload = {"Ref_Key": ref, "Состояние": "Отменен"}
        attempt = 1
        for _ in range(5):
            with client(one.ut, one.clock) as again:
                try:
                    statuses = Statuses(again.base, again.options, again.clock)
                    statuses.write(Item(id=ref, payload=payload, attempt=attempt))
                    break
                except (InDoubt, Later):
                    attempt += 1
                except Unavailable:
                    continue
        else:
            raise AssertionError("it never arrived")
        assert (desk.standing(), desk.awaited(), len(desk.kept(REQUEST))) == ({"A-1": 2}, {"A-1": 2}, 1)
        assert desk.stocks == [(48, 48), (50, 50)]


@pytest.mark.field("N21")
@pytest.mark.parametrize("quantity", [1, 3])
def test_n21_a_return_is_not_done_before_the_request_has_made_room_for_it(one: Opened, quantity: int) -> None:
    desk = Desk(one)
    desk.ut.ship("15", {desk.kettle: 3})
    desk.cancel()
    desk.ut.faults = [Fault(kind="drop", match=rf"POST .*/{REQUEST}\(.*|PATCH .*", times=None)]
    with pytest.raises((Unavailable, InDoubt)):
        desk.come_back("R-1", "A-1", quantity, "received")
    assert not desk.is_back("R-1", "A-1", quantity)
    desk.ut.faults = []
    desk.come_back("R-1", "A-1", quantity, "received")
    assert desk.is_back("R-1", "A-1", quantity)
    assert desk.awaited() == ({"A-1": 2} if quantity == 1 else {})
    assert (desk.stock(desk.kettle), len(desk.kept(RETURN))) == ((47 + quantity, 47 + quantity), 1)


@pytest.mark.field("N21")
def test_n21_shipped_while_it_was_being_cancelled_it_is_cancelled_as_shipped(one: Opened) -> None:
    desk = Desk(one)
    post, base = desk.ut.base.post, desk.ut.base

    def ships_first(name: str, ref: str) -> Any:
        base.post = post  # type: ignore[method-assign]
        rows = base.objects[ORDER][REF]["Товары"]
        for row in rows:
            row["Отменено"] = False
        desk.ut.ship("15", {desk.kettle: 1})
        for row in rows:
            row["Отменено"] = True
        return post(name, ref)

    base.post = ships_first  # type: ignore[method-assign]
    desk.cancel()
    assert (desk.standing(), desk.awaited()) == ({"A-1": 1}, {"A-1": 1})
    assert desk.stocks == [(49, 49), (50, 50)]


@pytest.mark.field("N21")
def test_n21_a_request_that_a_person_has_deleted_is_not_made_again(one: Opened) -> None:
    desk = Desk(one)
    desk.ut.ship("15")
    desk.cancel()
    (request,) = desk.kept(REQUEST)
    desk.ut.base.change(REQUEST, request["Ref_Key"], {"DeletionMark": True}, None)
    assert (desk.cancel(), desk.kept(REQUEST)) == (REF, [])


def test_a_user_who_may_not_make_requests_leaves_a_task(one: Opened) -> None:
    desk = Desk(one)
    desk.ut.ship("15")
    desk.ut.faults = [Fault(kind="status", status=403, match=rf"POST .*/{REQUEST}\Z", times=None)]
    with pytest.raises(Refused, match="may not make it") as refused:
        desk.cancel()
    assert refused.value.code == "late_cancel"
    desk.ut.faults = []
    assert (desk.cancel(), desk.awaited()) == (REF, {"A-1": 3, "A-2": 1})


@pytest.mark.field("N21")
@pytest.mark.parametrize(
    ("how", "after"),
    [("on_receipt", [47, 47, 48]), ("on_refund", [47, 48, 48]), ("never", [47, 47, 47])],
)
def test_n21_goods_of_a_return_come_back_to_stock_when_the_setting_says(how: str, after: list[int]) -> None:
    with opened(returned_goods=how) as one:
        desk = Desk(one)
        desk.ut.ship("15")
        found = []
        for state in ("in_transit", "refunded", "received"):
            desk.come_back("R-1", "A-1", 1, state)
            desk.come_back("R-1", "A-1", 1, state)
            found.append(desk.stock(desk.kettle)[0])
        assert found == after
        assert (len(desk.kept(REQUEST)), len(desk.kept(RETURN))) == (1, 0 if how == "never" else 1)
