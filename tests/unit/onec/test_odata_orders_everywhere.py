"""Orders in every version: created once under every trouble there is, and read as they stand, whoever made them."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from typing import Any

import pytest

from connectors.onec import OneC
from connectors.onec.odata.client import OData
from connectors.onec.odata.order_body import DOCUMENT
from connectors.onec.odata.order_reading import OrderReader
from connectors.onec.odata.orders import Orders, order_ref
from connectors.onec.odata.statuses import Statuses
from connectors.onec.sandbox import references
from obmen.entities import Order
from obmen.errors import Denied, InDoubt, Later, Unavailable
from obmen.records import Native
from obmen.testing.sandbox import Fault
from tests.unit.onec.odata_people_kit import VERSIONS, Opened, canonical, client, natives, opened, pushed
from tests.unit.onec.odata_support import item

NUMBER = "0112233-0001-1"
REF = order_ref("ozon", NUMBER)
CREATE = rf"POST .*/{DOCUMENT}\Z"
GOOD = "f06588ab-7924-11df-b33a-0011955cba6b"
SKUS = {GOOD: "A-1", f"{GOOD}#b02e2816-720f-11df-b436-0015e92f2802": "A-2"}


@pytest.fixture(params=VERSIONS)
def one(request: pytest.FixtureRequest) -> Iterator[Opened]:
    with opened(request.param) as found:
        yield found


def order(**changes: Any) -> Order:
    return Order.model_validate(
        {
            "channel": "ozon",
            "number": NUMBER,
            "placed_at": "2026-06-15T05:50:09Z",
            "currency": "RUB",
            "lines": [
                {"sku": "A-1", "quantity": "2", "price": "1990.50"},
                {"sku": "A-1", "quantity": "1", "price": "1500"},
                {"sku": "A-2", "quantity": "1", "price": "300", "vat": "10"},
            ],
            **changes,
        }
    )


def payload(one: Opened, **changes: Any) -> Native:
    return pushed("order", order(**changes), one.options, SKUS)


def writer(one: Opened) -> Orders:
    assert one.options.order is not None
    return Orders(one.base, one.options.order)


def reader(one: Opened) -> OrderReader:
    return OrderReader(one.base, one.options, one.clock, "ut")


def deliver(one: Opened, body: Native) -> str:
    """Be one Obmen after another, each asking before it says anything again, until the fate is known."""
    for _ in range(8):
        with client(one.ut, one.clock) as again:
            try:
                return writer(again).find(item(body)) or writer(again).write(item(body))
            except (InDoubt, Unavailable, Later, Denied):
                continue
    message = "the fate of the order is still unknown"
    raise AssertionError(message)


def standing(one: Opened) -> list[Native]:
    return [row for row in one.ut.state()["orders"] if not row["DeletionMark"]]


def only(one: Opened) -> Native:
    (found,) = standing(one)
    return found


# -- once --------------------------------------------------------------------------------------------------------


def test_time_out_before_the_effect(one: Opened) -> None:
    one.ut.faults = [Fault(kind="drop", match=CREATE)]
    body = payload(one)
    with pytest.raises(InDoubt):
        writer(one).write(item(body))
    assert standing(one) == []
    assert deliver(one, body) == REF == only(one)["Ref_Key"]
    assert only(one)["Posted"] is True


def test_time_out_after_the_effect(one: Opened) -> None:
    one.ut.faults = [Fault(kind="drop_after", match=CREATE)]
    assert writer(one).write(item(payload(one))) == REF
    assert only(one)["Posted"] is True


def test_an_answer_that_never_comes() -> None:
    with opened(timeout=0.3) as one:
        one.ut.faults = [Fault(kind="hang_after", match=CREATE, seconds=1.5)]
        assert deliver(one, payload(one)) == only(one)["Ref_Key"]


def test_error_code_15(one: Opened) -> None:
    """Between the look and the creation somebody created it: the base says that it exists."""
    create = one.base.create

    def beaten(entity_set: str, body: Native) -> Native:
        one.ut.base.create(DOCUMENT, {**body, "Комментарий": "[ozon] первый"}, own_ref=True)
        return create(entity_set, body)

    one.base.create = beaten  # type: ignore[method-assign]  # somebody who is faster
    assert writer(one).write(item(payload(one))) == REF
    assert (only(one)["Комментарий"], only(one)["Posted"]) == ("[ozon] первый", True)
    assert [call.status for call in one.ut.journal if call.method == "POST"] == [400, 200]


def test_a_lost_answer_and_a_restart(one: Opened) -> None:
    body = payload(one)
    one.ut.faults = [
        Fault(kind="drop_after", match=CREATE),
        Fault(kind="drop", match="GET", skip=3, times=20),
    ]
    with pytest.raises(InDoubt):
        writer(one).write(item(body))
    one.ut.faults = []
    assert deliver(one, body) == REF
    assert only(one)["Posted"] is True


@pytest.mark.parametrize("lost", [False, True], ids=["answered", "lost"])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_base_that_ignores_our_reference(version: str, lost: bool) -> None:
    with opened(version, sandbox={"honours_ref_key": False}) as one:
        one.ut.faults = [Fault(kind="drop_after", match=CREATE)] if lost else []
        ref = deliver(one, payload(one))
        assert ref == only(one)["Ref_Key"] != REF
        assert deliver(one, payload(one)) == ref
        assert only(one)["Posted"] is True


def test_an_order_that_was_created_and_not_posted_is_found_and_posted(one: Opened) -> None:
    one.ut.faults = [Fault(kind="drop", match=r"POST .*/Post\Z", times=None)]
    with pytest.raises(Unavailable):
        writer(one).write(item(payload(one)))
    assert only(one)["Posted"] is False
    one.ut.faults = []
    assert writer(one).find(item(payload(one))) is None
    assert deliver(one, payload(one)) == REF
    assert only(one)["Posted"] is True


@pytest.mark.parametrize("honours", [True, False], ids=["own-ref", "ref-ignored"])
@pytest.mark.parametrize("version", VERSIONS)
def test_two_obmens_started_at_once(version: str, honours: bool) -> None:
    """All look before any of them creates."""
    with opened(version, sandbox={"honours_ref_key": honours}) as one, ExitStack() as stack:
        others = [stack.enter_context(client(one.ut, one.clock)) for _ in range(3)]
        looked = threading.Barrier(len(others))
        refs: list[str] = []

        def hold(create: Callable[[str, Native], Native]) -> Callable[[str, Native], Native]:
            def together(entity_set: str, body: Native) -> Native:
                looked.wait(30)
                return create(entity_set, body)

            return together

        for other in others:
            other.base.create = hold(other.base.create)  # type: ignore[method-assign]  # all at the same step
        threads = [
            threading.Thread(target=lambda other=other: refs.append(writer(other).write(item(payload(other)))))  # type: ignore[misc]
            for other in others
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(refs) == {only(one)["Ref_Key"]}
        assert only(one)["Posted"] is True
        assert deliver(one, payload(one)) == only(one)["Ref_Key"]


def _another_process(connection: dict[str, Any], body: Native, begin: Any, told: Any) -> None:
    onec = OneC("ut", OneC.Options(**connection))
    begin.wait(30)
    told.put(Orders(OData(onec.http), onec.options.order).write(item(body)))
    onec.close()


def test_two_processes_started_at_once(one: Opened) -> None:
    spawn = multiprocessing.get_context("spawn")
    begin, told = spawn.Event(), spawn.Queue()
    arguments = (one.ut.connection(), payload(one), begin, told)
    both = [spawn.Process(target=_another_process, args=arguments) for _ in range(2)]
    for process in both:
        process.start()
    begin.set()
    assert {told.get(timeout=60) for _ in both} == {REF}
    for process in both:
        process.join(30)
    assert only(one)["Posted"] is True


# -- read --------------------------------------------------------------------------------------------------------


@pytest.mark.field("B7")
def test_b7_two_lines_of_one_product_stay_two_both_ways(one: Opened) -> None:
    writer(one).write(item(payload(one)))
    (native,) = natives(reader(one).read(None))
    back = canonical("order", native, one.options, SKUS)
    assert back.key == order().key
    assert [(line.sku, line.quantity, line.price) for line in back.lines] == [
        ("A-1", 2, Decimal("1990.5")),
        ("A-1", 1, 1500),
        ("A-2", 1, 300),
    ]
    assert [line.vat for line in back.lines] == ["20", "20", "10"]
    assert (back.currency, back.total) == ("RUB", 5781)
    (again,) = reader(one).look_up([f"ozon|{NUMBER}", "ozon|нет", REF[:-1] + "0"])
    assert again == native
    assert list(reader(one).look_up([REF])) == [native]


@pytest.mark.field("E5")
def test_e5_a_line_that_was_cancelled_no_longer_stands(one: Opened) -> None:
    writer(one).write(item(payload(one)))
    lines = [dict(row) for row in only(one)["Товары"]]
    lines[1] |= {"Отменено": True, "ПричинаОтмены_Key": references.CANCEL_REASON}
    one.ut.change(REF, Товары=lines)
    (native,) = natives(reader(one).read(None))
    back = canonical("order", native, one.options, SKUS)
    assert [(line.sku, line.price) for line in back.lines] == [("A-1", Decimal("1990.5")), ("A-2", 300)]
    assert back.total == 4281
    assert [row["Цена"] for row in native["Отмененные"]] == [1500]
    one.ut.cancel(NUMBER)
    (native,) = natives(reader(one).read(None))
    assert len(canonical("order", native, one.options, SKUS).lines) == 3, "an order has lines; its status tells"


def test_orders_of_people_are_read_if_wished(one: Opened) -> None:
    buyer = one.ut.add_partner("Образцов Пример", phones=["+7 900 000-00-01"], emails=["buyer@example.com"])
    good = one.ut.add_good("Чайник")
    own = one.ut.add_order([(good, 2, Decimal("99.90"))], partner=buyer, Комментарий="[срочно] Позвонить")
    one.ut.unpost(one.ut.add_order([(good, 1, 5)]))
    assert natives(reader(one).read(None)) == []
    assert list(reader(one).look_up([own])) == []
    with client(one.ut, one.clock, own_orders=True) as wishing:
        (native,) = natives(reader(wishing).read(None))
        back = canonical("order", native, wishing.options, {good: "A-1"})
        assert list(reader(wishing).look_up([own])) == [native]
        statuses = Statuses(wishing.base, wishing.options, wishing.clock)
        (status,) = natives(statuses.read(None))
        assert list(statuses.look_up([own])) == [status]
    number = one.ut.object(own)["Number"]
    assert (back.channel, back.number, back.comment) == ("ut", f"{number}/2026", "[срочно] Позвонить")
    assert back.customer is not None
    assert (back.customer.name, back.customer.phone, back.customer.email) == (
        "Образцов Пример",
        "+7 900 000-00-01",
        "buyer@example.com",
    )
    assert (back.total, status["Состояние"]) == (Decimal("199.8"), "КОбеспечению")


def test_statuses_are_looked_up_as_they_are_read(one: Opened) -> None:
    statuses = Statuses(one.base, one.options, one.clock)
    refs = [writer(one).write(item(payload(one, number=f"N-{n}"))) for n in range(30)]
    one.ut.set_status("N-3", "КОтгрузке")
    one.ut.cancel("N-4")
    found = {native["Ref_Key"]: native for native in natives(statuses.read(None))}
    assert {native["Ref_Key"]: native for native in statuses.look_up([*refs, references.PARTNER])} == found
    assert [found[ref]["Состояние"] for ref in refs[2:5]] == ["КОбеспечению", "КОтгрузке", "Отменен"]


def test_only_versions_are_asked_for_until_something_is_new(one: Opened) -> None:
    writer(one).write(item(payload(one)))
    one.ut.journal.clear()
    first, last = list(reader(one).read(None))
    assert (len(first.slices), list(first.ids)) == (1, [REF])
    assert last.cursor == "2026-06-15T09:00:00"
    whole = [call for call in one.ut.journal if call.path.endswith(DOCUMENT) and "select" not in str(call.query)]
    assert whole == []
    one.ut.touch(REF)
    (again, _) = list(reader(one).read(last.cursor))
    assert again.slices != first.slices
