"""All that Obmen sends to Ozon and all that the sandbox answers, judged by Ozon's own specification."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from connectors.ozon import Ozon, paths
from connectors.ozon.sandbox import Limits
from obmen.errors import Denied, Later, ObmenError, Unavailable
from obmen.records import Batch, Item
from tests.contract.ozon.conftest import Faulty, read_all, send_wrong
from tests.unit.ozon.conftest import Clock, batch, card, sell, stock

PAIR = ("offer_id", "warehouse_id")


def status(number: str, wanted: str, **more: str) -> Batch:
    return Batch([Item(id=number, payload={"posting_number": number, "status": wanted, **more})])


# -- scenarios: each leaves its exchanges in the journal ---------------------------------------------------


def checks(ozon: Ozon, cabinet: Faulty, clock: Clock) -> None:
    assert {finding.level for finding in ozon.check()} == {"ok"}
    cabinet.roles = [{"name": "Posting FBS", "methods": ["/v4/posting/fbs/list"]}]
    cabinet.warehouses |= {f"Склад {n}": 2_000_000_000_000 + n for n in range(250)}
    assert {"ok", "warning"} == {finding.level for finding in ozon.check()}


def cards(ozon: Ozon, cabinet: Faulty, clock: Clock) -> None:
    ids = sell(ozon, *(f"A-{n}" for n in range(100)), amount=0)
    again = batch("offer_id", card("A-1"), card("A-2", name="Другое имя"), card("A-3", depth=0), card("Б" * 51))
    (ticket,) = {outcome.ticket for outcome in ozon.write("product", again)}
    first = list(ozon.poll("product", ticket, again))
    kinds = {outcome.id: outcome.kind for outcome in ozon.poll("product", ticket, again)}
    assert first == []
    assert kinds == {"A-1": "done", "A-2": "done", "A-3": "refused", "Б" * 51: "refused"}
    assert len(read_all(ozon, "product")) == 100
    archived = batch("offer_id", {"offer_id": "A-1"}, native_ids={"A-1": ids["A-1"]})
    assert [outcome.kind for outcome in ozon.write("product", archived, "archive")] == ["done"]
    assert sum(native["is_archived"] for native in read_all(ozon, "product")) == 1
    assert [outcome.kind for outcome in ozon.write("product", archived, "restore")] == ["done"]
    assert ozon.find("product", Item(id="A-7", payload={})) == ids["A-7"]
    assert ozon.find("product", Item(id="нет такого", payload={})) is None
    ozon.http.post("/v4/product/info/attributes", json={"filter": {"visibility": "ALL"}, "limit": 10}, safe=True)


def refused_cards(ozon: Ozon, cabinet: Faulty, clock: Clock) -> None:
    ids = sell(ozon, "A-1", amount=3)
    too_many = {"items": [card("A-1")] * 101}
    send_wrong(ozon, cabinet, paths.PRODUCT_IMPORT, too_many, {"items": []}, {"items": [{"offer_id": "A-1"}]})
    send_wrong(ozon, cabinet, paths.IMPORT_STATE, {"task_id": 1})
    send_wrong(ozon, cabinet, paths.ARCHIVE, {"product_id": [1]})
    cabinet.place_order({"A-1": 1})
    stocked = batch("offer_id", {"offer_id": "A-1"}, native_ids=ids)
    assert [outcome.kind for outcome in ozon.write("product", stocked, "archive")] == ["later"]
    cabinet.forced = "restore_limit"
    assert [outcome.kind for outcome in ozon.write("product", stocked, "restore")] == ["later"]
    for forced in ("late_task", "empty_task", "task_gone", "item_error", "missing_details"):
        cabinet.forced = forced
        items = batch("offer_id", card(f"F-{forced}"), card("A-1", name=forced))
        for outcome in [one for one in ozon.write("product", items) if one.kind == "accepted"]:
            list(ozon.poll("product", outcome.ticket, items))
        read_all(ozon, "product")


def prices(ozon: Ozon, cabinet: Faulty, clock: Clock) -> None:
    sell(ozon, *(f"A-{n}" for n in range(30)))
    rows = [
        {"offer_id": "A-1", "price": "990.00", "old_price": "0", "currency_code": "RUB"},
        {
            "offer_id": "A-2",
            "price": "990.50",
            "old_price": "1990.00",
            "min_price": "900.00",
            "currency_code": "RUB",
        },
        {"offer_id": "A-3", "price": "990.00", "old_price": "1000.00", "currency_code": "RUB"},
        {"offer_id": "A-4", "price": "990.00", "old_price": "0", "currency_code": "CNY"},
        {"offer_id": "нет", "price": "990.00", "old_price": "0", "currency_code": "RUB"},
    ]
    kinds = [outcome.kind for outcome in ozon.write("price", batch("offer_id", *rows))]
    assert kinds == ["done", "done", "refused", "refused", "refused"]
    assert len(read_all(ozon, "price")) == 30
    assert [native["min_price"] for native in ozon.look_up("price", ["A-2", "нет"])] == ["900.00"]
    a_number = {**rows[0], "price": 990}
    for wrong in ([], [rows[0]] * 1001, [a_number]):
        send_wrong(ozon, cabinet, paths.PRICES_SET, {"prices": wrong})
    cabinet.promote("Распродажа выдумок", {"A-2": Decimal("790.5"), "A-5": Decimal(500)})
    promoted = [found for native in read_all(ozon, "price") if (found := ozon.promotion("price", native)) is not None]
    assert list(ozon.leave(promoted)) == ["A-2", "A-5"]
    assert not any(ozon.promotion("price", native) for native in read_all(ozon, "price"))
    for forced in ("item_error", "silent_row"):
        cabinet.forced = forced
        list(ozon.write("price", batch("offer_id", *rows)))


def stocks(ozon: Ozon, cabinet: Faulty, clock: Clock) -> None:
    ids = sell(ozon, "A-1", "A-2")
    main, spare = cabinet.warehouses.values()
    rows = [
        stock("A-1", ids["A-1"], main, 5),
        stock("A-1", ids["A-1"], spare, 6),
        stock("A-2", ids["A-2"], 99, 7),
        stock("A-2", ids["A-2"], spare, 1_000_000),
        stock("нет", 1, main, 7),
    ]
    kinds = [outcome.kind for outcome in ozon.write("stock", batch(PAIR, *rows))]
    assert kinds == ["done", "done", "refused", "refused", "refused"]
    assert len(read_all(ozon, "stock")) == 3
    assert [native["free_stock"] for native in ozon.look_up("stock", [f"A-1|{spare}"])] == [6]
    bare = {name: value for name, value in rows[0].items() if name != "product_id"}
    send_wrong(ozon, cabinet, paths.STOCKS_SET, {"stocks": [rows[0]] * 101}, {"stocks": [bare]})
    cabinet.limits = Limits(stock_pair_seconds=30.0, stock_calls_per_minute=1)
    clock.pass_by(seconds=90)
    list(ozon.write("stock", batch(PAIR, rows[0])))
    with pytest.raises(Unavailable):
        list(connection_once(ozon).write("stock", batch(PAIR, rows[0])))
    cabinet.limits = Limits(stock_pair_seconds=600.0)
    (waits,) = ozon.write("stock", batch(PAIR, rows[0]))
    assert waits.kind == "later"
    for forced in ("item_error", "silent_row"):
        cabinet.forced = forced
        list(ozon.write("stock", batch(PAIR, *rows[:2])))


def postings(ozon: Ozon, cabinet: Faulty, clock: Clock) -> None:
    sell(ozon, "A-1", "A-2", amount=500)
    customer = {
        "name": "Иван Образцов",
        "phone": "+70000000000",
        "address": {"address_tail": "ул. Примерная, 1"},
    }
    numbers = [cabinet.place_order({"A-1": 1, "A-2": 2}, customer=customer) for _ in range(120)]
    for entity in ("order", "order_status"):
        assert len(read_all(ozon, entity)) == 120
    assert [native["posting_number"] for native in ozon.look_up("order", numbers[3:5])] == numbers[3:5]
    ready, cancelled, taken = numbers[:3]
    cabinet.hand_over(taken)
    results = [
        *ozon.write("order_status", status(ready, "awaiting_deliver")),
        *ozon.write("order_status", status(cancelled, "cancelled", reason="Нет в наличии")),
        *ozon.write("order_status", status(taken, "cancelled")),
        *ozon.write("order_status", status("нет такого", "awaiting_deliver")),
    ]
    assert [outcome.kind for outcome in results] == ["done", "done", "refused", "refused"]
    cabinet.cancel_by_buyer(numbers[4])
    cabinet.deliver(ready)
    for number, state in ((numbers[5], "arbitration"), (numbers[6], "driver_pickup")):
        cabinet.move(number, state)
    clock.pass_by(hours=1)
    assert len(read_all(ozon, "order_status")) == 120


def refused_postings(ozon: Ozon, cabinet: Faulty, clock: Clock) -> None:
    sell(ozon, "A-1", amount=100)
    ready, wrong = cabinet.place_order({"A-1": 2}), cabinet.place_order({"A-1": 2})
    sku = cabinet.products["A-1"].sku
    whole = {"packages": [{"products": [{"product_id": sku, "quantity": 2}]}], "posting_number": ready}
    split = {"packages": [{"products": [{"product_id": sku, "quantity": 1}]}] * 2, "posting_number": wrong}
    ozon.http.post(paths.SHIP, json=whole)
    unknown = {"packages": [{"products": [{"product_id": 1, "quantity": 2}]}], "posting_number": wrong}
    too_few = {**split, "packages": split["packages"][:1]}
    send_wrong(ozon, cabinet, paths.SHIP, unknown, too_few, {**whole, "posting_number": "нет"}, whole)
    ozon.http.post(paths.SHIP, json=split)
    for reason in (1, 402):
        send_wrong(ozon, cabinet, paths.CANCEL, {"cancel_reason_id": reason, "posting_number": ready})
    period = {"since": "2024-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}
    for condition, limit in ((period, 100), ({}, 100), (period, 101)):
        send_wrong(ozon, cabinet, paths.POSTINGS, {"filter": condition, "limit": limit})
    for forced in ("ship_failed", "ship_slow"):
        cabinet.forced = forced
        (outcome,) = ozon.write("order_status", status(cabinet.place_order({"A-1": 1}), "awaiting_deliver"))
        assert outcome.kind == "later"
    cabinet.forced = "endless_list"
    with pytest.raises(ObmenError):
        read_all(ozon, "order")


def shut_out(ozon: Ozon, cabinet: Faulty, clock: Clock) -> None:
    for forced in ("expired_key", "offer_not_signed"):
        cabinet.forced = forced
        for entity in ("product", "price", "order"):
            with pytest.raises(Denied):
                read_all(ozon, entity)
    cabinet.forced = "circle_is_open"
    with pytest.raises(Unavailable):
        read_all(connection_once(ozon), "product")
    cabinet.forced, cabinet.api_key = "", "another"
    with pytest.raises(Denied):
        read_all(connection_once(ozon), "price")


def quotas(ozon: Ozon, cabinet: Faulty, clock: Clock) -> None:
    cabinet.limits = Limits(import_items_per_minute=2, calls_per_second=3)
    with pytest.raises((Unavailable, Later)):
        list(connection_once(ozon).write("product", batch("offer_id", *(card(f"A-{n}") for n in range(3)))))
    cabinet.limits = Limits(calls_per_second=1)
    clock.pass_by(seconds=2)
    once = connection_once(ozon)
    read_all(once, "price")
    with pytest.raises(Unavailable):
        read_all(once, "price")


SCENARIOS: list[Callable[[Ozon, Faulty, Clock], None]] = [
    checks, cards, refused_cards, prices, stocks, postings, refused_postings, shut_out, quotas,
]  # fmt: skip


def connection_once(ozon: Ozon) -> Ozon:
    """The same connection, with no memory of having been asked to wait, and with no patience."""
    transport = ozon.transport(ozon.options)
    impatient = type(transport.retry)(after_headers=transport.retry.after_headers, attempts=1)
    once = type(ozon)("ozon", ozon.options, clock=ozon.clock)
    once.http.close()
    once.http = type(once.http)(
        "ozon", type(transport)(**{**fields_of(transport), "retry": impatient}), clock=ozon.clock
    )
    return once


def fields_of(transport: object) -> dict[str, object]:
    return {name: getattr(transport, name) for name in transport.__slots__}


# -- the judgement -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_every_exchange_is_as_specified(scenario, ozon, cabinet, clock, judge):
    scenario(ozon, cabinet, clock)
    complaints = set()
    for exchange in cabinet.journal:
        said = judge.exchange(exchange)
        if exchange.request_body in cabinet.wrong:
            said = [text for text in said if " answer " in text]
        complaints.update(said)
    assert cabinet.journal
    assert complaints == set()


def test_a_field_that_ozon_does_not_know_would_be_seen(ozon, cabinet, judge):
    sell(ozon, "A-1")
    price = {"offer_id": "A-1", "price": "990.00", "old_prise": "1990.00"}
    list(ozon.write("price", batch("offer_id", price)))
    (complaint,) = judge.exchange(cabinet.journal[-1])
    assert "old_prise" in complaint


def test_every_path_that_obmen_uses_is_in_the_specification(judge):
    for path in paths.ALL:
        judge.operation(path.method, path)
