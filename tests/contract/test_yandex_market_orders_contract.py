"""All that Obmen and the sandbox of Yandex Market say of orders to each other, judged by Market's specification."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from connectors.yandex_market import YandexMarket, paths
from connectors.yandex_market.sandbox import YandexMarketSandbox
from obmen.errors import Denied, IncompleteSource, Later, ObmenError, Refused
from obmen.http import encode_json
from obmen.records import Batch
from tests.clocked import by
from tests.contract.openapi_judge import Judge
from tests.unit.yandex_market.conftest import Clock
from tests.unit.yandex_market.order_kit import (
    CANCELLED,
    DBS,
    DELIVERED,
    DELIVERY,
    READY,
    SHOPS,
    box,
    item,
    numbers,
    put,
    read,
    sell,
)

ORDER_SCOPES = {"INVENTORY_AND_ORDER_PROCESSING", "FINANCE_AND_ACCOUNTING"}
OPERATIONS = [one for one in paths.ALL if one.scope in ORDER_SCOPES or one is paths.REPORT]
MARK = "0103041094787443215Qbag!\u001d93Zjqw"
SHOP = "/v2/campaigns/2001"


class Faulty(YandexMarketSandbox):
    """A sandbox whose custom faults are switched by hand, so that their answers are kept in the journal.

    ``wrong`` holds the bodies that a test sent wrong on purpose: of these only the answer is judged.
    """

    forced = ""

    def reset(self) -> None:
        super().reset()
        self.wrong: set[bytes] = set()
        self.forced = ""

    def fault(self, name: str) -> bool:
        return name == self.forced


@pytest.fixture(scope="module")
def judge(specs: Path) -> Judge:
    return Judge.load(specs / "specs" / "yandex-market" / "partner.openapi.json")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cabinet(clock: Clock) -> Iterator[Faulty]:
    with by(clock, Faulty)(journal=True, shops=list(SHOPS)) as sandbox:
        sell(sandbox, A_1="100.5", A_2="50", A_3="33.33")
        yield sandbox


@pytest.fixture
def ym(cabinet: Faulty, clock: Clock) -> Iterator[YandexMarket]:
    orders = {"confirm_shipments": True, "decline_cancellations": True, "test_orders": True}
    made = YandexMarket("ym", YandexMarket.Options(**cabinet.connection(), orders=orders), clock=clock)
    yield made
    made.close()


def send_wrong(ym: YandexMarket, cabinet: Faulty, method: str, path: str, body: Any) -> None:
    cabinet.wrong.add(encode_json(body))
    with pytest.raises(Refused):
        ym.http.request(method, path, json=body, safe=True)


# -- scenarios ---------------------------------------------------------------------------------------------


def listing(ym: YandexMarket, cabinet: Faulty, clock: Clock) -> None:
    placed = [cabinet.place_order({"A-1": 1}) for _ in range(55)]
    cabinet.place_order({"A-1": 3, "A-3": 7}, campaign=DBS, pickup=True, points="10", subsidy="5", notes="Проба")
    cabinet.place_order({"A-2": 1}, prepaid=False, fake=True)
    cabinet.remove_item(placed[0], "A-1")
    _, cursor = numbers(ym)
    clock.pass_by(days=3)
    cabinet.deliver(placed[1])
    cabinet.cancel_by_buyer(placed[2])
    numbers(ym, cursor)
    assert len(list(ym.look_up("order", [*placed[:3], "1"]))) == 3
    over = cabinet.place_order({"A-1": 1}, campaign=DBS)
    cabinet.move(over, "DELIVERED")
    for campaign, number in ((2001, placed[0]), (DBS, over), (DBS, "1")):
        with pytest.raises((Refused, Denied)):
            ym.http.get(f"/v2/campaigns/{campaign}/orders/{number}/buyer")
    for forced in ("unknown_status", "endless_list"):
        cabinet.forced = forced
        with suppress(ObmenError):
            read(ym, "order_status")


def packing(ym: YandexMarket, cabinet: Faulty, clock: Clock) -> None:
    marks = {"A-1": ("CIS",), "A-2": ("UIN",), "A-3": ("GTD", "RNPT")}
    number = cabinet.place_order({"A-1": 1, "A-2": 1, "A-3": 2}, marks=marks)
    packed = [{"lines": [{"offerId": "A-1", "count": 1, "marks": [MARK]}]}, box(A_3=1)]
    packed[1]["lines"].append({"offerId": "A-2", "count": 1, "marks": ["1234567890123456"]})
    cabinet.check_seconds = 60.0
    assert put(ym, number, READY, packages=packed, externalOrderId="UT-1").kind == "later"
    cabinet.check_seconds, cabinet.bad_marks = 0.0, {MARK}
    assert put(ym, number, READY, packages=packed).kind == "refused"
    cabinet.bad_marks = set()
    assert put(ym, number, READY, packages=packed).kind == "done"
    read(ym)
    other = cabinet.place_order({"A-1": 1})
    path = f"{SHOP}/orders/{other}/boxes"
    for boxes in ([], [{"items": []}], [{"items": [{"id": 9, "fullCount": 1}]}], [{"items": [{"id": 1}]}]):
        send_wrong(ym, cabinet, "PUT", path, {"boxes": boxes})
    send_wrong(ym, cabinet, "PUT", path, {"boxes": [{"items": [{"id": 1, "fullCount": 2}]}]})
    send_wrong(ym, cabinet, "PUT", f"{SHOP}/orders/1/boxes", {"boxes": [{"items": [{"id": 1, "fullCount": 1}]}]})
    send_wrong(ym, cabinet, "POST", f"{SHOP}/orders/{number}/external-id", {"externalOrderId": "UT-2"})


def moving(ym: YandexMarket, cabinet: Faulty, clock: Clock) -> None:
    placed = [cabinet.place_order({"A-1": 1}, campaign=campaign) for campaign in (2001, 2002, DBS, DBS)]
    list(ym.write("order_status", Batch([item(number, READY) for number in placed])))
    cabinet.forced = "step_refused"
    assert put(ym, placed[0], CANCELLED).kind == "refused"
    cabinet.forced = "step_forgotten"
    assert list(ym.write("order_status", Batch([item(placed[0], CANCELLED)]))) == []
    cabinet.forced = ""
    assert put(ym, placed[1], DELIVERY).kind == "later"
    clock.pass_by(hours=13)
    assert put(ym, placed[1], DELIVERY).kind == "done"
    assert put(ym, placed[2], DELIVERED).kind == "done"
    cabinet.move(placed[3], "DELIVERY")
    cabinet.cancel_by_buyer(placed[3])
    assert put(ym, placed[3], DELIVERY).kind == "done"
    cabinet.cancel_by_buyer(placed[3])
    assert put(ym, placed[3], CANCELLED).kind == "done"
    read(ym)
    too_many = [{"id": 1, "status": "PROCESSING", "substatus": "READY_TO_SHIP"}] * 31
    send_wrong(ym, cabinet, "POST", f"{SHOP}/orders/status-update", {"orders": too_many})
    accept = f"/v2/campaigns/{DBS}/orders/{placed[3]}/cancellation/accept"
    send_wrong(ym, cabinet, "PUT", accept, {"accepted": True})
    shipment = f"{SHOP}/first-mile/shipments"
    send_wrong(ym, cabinet, "POST", f"{shipment}/1/confirm", {})


def papers(ym: YandexMarket, cabinet: Faulty, clock: Clock) -> None:
    placed = [cabinet.place_order({"A-1": 1}) for _ in range(2)]
    for orders in (placed[:1], placed):
        with pytest.raises(Later):
            list(ym.papers("label", orders))
    clock.pass_by(minutes=1)
    with pytest.raises(Refused):
        list(ym.papers("label", placed))
    list(ym.write("order_status", Batch([item(number, READY) for number in placed])))
    assert list(ym.papers("label", placed[:1]))
    with pytest.raises(Later):
        list(ym.papers("label", placed))
    clock.pass_by(minutes=1)
    assert list(ym.papers("label", placed))
    ids = [int(placed[0])] * 2
    generate = "/v2/reports/documents/labels/generate"
    send_wrong(ym, cabinet, "POST", generate, {"businessId": cabinet.business_id, "orderIds": ids})
    with pytest.raises(Refused):
        ym.http.get("/v2/reports/info/1")


def coming_back(ym: YandexMarket, cabinet: Faulty, clock: Clock) -> None:
    delivered = cabinet.place_order({"A-1": 3, "A-2": 1}, points="10", subsidy="5")
    cabinet.deliver(delivered)
    first = cabinet.give_back(delivered, {"A-1": 1})
    cabinet.give_back(delivered, {"A-2": 1}, keeps_goods=True)
    other = cabinet.place_order({"A-1": 1}, campaign=DBS)
    cabinet.move(other, "DELIVERY")
    cabinet.refuse(other)
    cabinet.move_return(first, goods="PICKED", money="REFUNDED")
    _, cursor = read(ym, "return")
    read(ym, "return", cursor)
    assert list(ym.look_up("return", [f"{delivered}|{first}"]))
    clock.pass_by(hours=1)
    found, cursor = read(ym, "accrual")
    assert found
    read(ym, "accrual", cursor)
    both = {"dateFrom": "2026-06-01", "updateFrom": "2026-06-01"}
    send_wrong(ym, cabinet, "POST", f"{SHOP}/stats/orders", both)


def paying(ym: YandexMarket, cabinet: Faulty, clock: Clock) -> None:
    cabinet.report_seconds = 400.0
    cabinet.deliver(cabinet.place_order({"A-1": 3, "A-2": 1}, points="10", subsidy="5"))
    cabinet.charge("Хранение", "-15.50")
    cabinet.pay_out()
    clock.pass_by(days=1)
    told, cursor = set(), None
    for _ in range(4):
        found, cursor = read(ym, "accrual", cursor)
        told |= {native["type"] for native in found}
        clock.pass_by(minutes=7)
    assert told >= {"payout:BANK", "unordered:storage"}
    for forced, largest in (("report_failed", 0), ("", 5), ("", 0)):
        cabinet.forced, cabinet.largest_report = forced, largest
        clock.pass_by(days=1)
        for _ in range(2):
            with suppress(IncompleteSource):
                _, cursor = read(ym, "accrual", cursor)
            clock.pass_by(minutes=7)
    generate = f"{paths.PAYMENTS_REPORT.path}?format=CSV"
    period = {"dateFrom": "2026-05-01", "dateTo": "2026-06-01"}
    for wrong in ({}, {**period, "dateFrom": "2026-01-01"}, {**period, "dateTo": "2027-06-01"}):
        send_wrong(ym, cabinet, "POST", generate, {"businessId": cabinet.business_id, **wrong})


def shut_out(ym: YandexMarket, cabinet: Faulty, clock: Clock) -> None:
    cabinet.forced = "expired_key"
    for entity in ("order", "return", "accrual"):
        with pytest.raises(Denied):
            read(ym, entity)


SCENARIOS: list[Callable[[YandexMarket, Faulty, Clock], None]] = [
    listing, packing, moving, papers, coming_back, paying, shut_out,
]  # fmt: skip


# -- the judgement -----------------------------------------------------------------------------------------


def complaints(cabinet: Faulty, judge: Judge) -> set[str]:
    found = set()
    for exchange in cabinet.journal:
        if exchange.path.startswith("/files/"):
            continue
        said = judge.exchange(exchange)
        if exchange.request_body in cabinet.wrong:
            said = [text for text in said if " answer " in text]
        found.update(said)
    return found


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_every_exchange_is_as_specified(
    scenario: Callable[..., None], ym: YandexMarket, cabinet: Faulty, clock: Clock, judge: Judge
) -> None:
    scenario(ym, cabinet, clock)
    assert cabinet.journal
    assert complaints(cabinet, judge) == set()


def test_a_field_that_market_does_not_know_would_be_seen(ym: YandexMarket, cabinet: Faulty, judge: Judge) -> None:
    number = cabinet.place_order({"A-1": 1})
    body = {"boxes": [{"items": [{"id": 1, "fullCount": 1, "quantity": 1}]}]}
    ym.http.request("PUT", f"{SHOP}/orders/{number}/boxes", json=body, safe=True)
    (complaint,) = judge.exchange(cabinet.journal[-1])
    assert "quantity" in complaint


def test_every_method_of_orders_is_in_the_specification_and_is_judged(
    ym: YandexMarket, cabinet: Faulty, clock: Clock, judge: Judge
) -> None:
    for operation in OPERATIONS:
        assert not judge.operation(operation.method, operation.path).get("deprecated")
    called: set[str] = set()
    for scenario in (listing, packing, moving, papers, coming_back, paying):
        cabinet.reset()
        sell(cabinet, A_1="100.5", A_2="50", A_3="33.33")
        scenario(ym, cabinet, clock)
        called |= set(cabinet.calls)
    assert called >= {operation.group for operation in OPERATIONS}
