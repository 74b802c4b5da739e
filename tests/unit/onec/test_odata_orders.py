"""An order is created exactly once, whatever becomes of the calls and of their answers."""

from typing import Any, get_args

import pytest

from connectors.onec import OneC
from connectors.onec.doors import DoorEntity
from connectors.onec.odata.order_body import DOCUMENT
from connectors.onec.odata.orders import order_ref
from connectors.onec.sandbox import OneCSandbox
from obmen.connector import Connector
from obmen.errors import ConfigurationError, Denied, InDoubt, Unavailable
from obmen.testing.clock import FakeClock
from obmen.testing.sandbox import Fault
from tests.unit.onec.odata_support import (
    NUMBER,
    SHIRT,
    SHIRT_RED,
    connected,
    connection,
    custom,
    deliver,
    item,
    payload,
    write,
    writes,
)

REF = order_ref("ozon", NUMBER)
CREATE = rf"POST .*/{DOCUMENT}\Z"
POSTING = r"POST .*/Post\Z"


def only_order(sandbox: OneCSandbox) -> dict[str, Any]:
    (order,) = sandbox.state()["orders"]
    return dict(order)


def created(sandbox: OneCSandbox) -> int:
    return sum(call.endswith(f"/{DOCUMENT}") for call in writes(sandbox))


def test_an_order_is_looked_for_created_posted_and_looked_at() -> None:
    with connected() as (onec, sandbox):
        outcome = write(onec, payload())
        order = only_order(sandbox)
        steps = [(e.method, e.path.rpartition("/")[2][:27], e.status) for e in sandbox.journal]
    assert (outcome.kind, outcome.native_id) == ("done", REF)
    assert (order["Posted"], order["Статус"], order["НомерПоДаннымКлиента"]) == (True, "КОбеспечению", NUMBER)
    assert order["Number"] == "ОБ00-000001"
    assert steps == [
        ("GET", "Document_ЗаказКлиента(guid'", 404),
        ("GET", DOCUMENT, 200),
        ("GET", "$metadata", 200),
        ("POST", DOCUMENT, 201),
        ("POST", "Post", 200),
        ("GET", "Document_ЗаказКлиента(guid'", 200),
    ]


def test_the_reference_is_that_of_the_channel_and_the_number() -> None:
    assert order_ref("ozon", NUMBER) == "4c3e1d01-7da4-5194-a43e-e27d1d289a29"
    assert len({order_ref("ozon", "1"), order_ref("ozon", "2"), order_ref("wb", "1")}) == 3


def test_saying_it_again_writes_nothing() -> None:
    with connected() as (onec, sandbox):
        write(onec, payload())
        before = writes(sandbox)
        assert write(onec, payload()).native_id == REF
        assert onec.find("order", item(payload())) == REF
        assert writes(sandbox) == before


@pytest.mark.parametrize("honours", [True, False], ids=["own-ref", "ref-ignored"])
@pytest.mark.parametrize("call", range(6))
@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="drop"),
        Fault(kind="drop_after"),
        Fault(kind="status", status=503),
        Fault(kind="status_after", status=503),
        Fault(kind="status", status=500),
        Fault(kind="status_after", status=500),
        Fault(kind="html"),
        Fault(kind="truncate"),
        custom("html_200"),
        custom("lock"),
        custom("no_licence"),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.name or fault.status}",
)
def test_exactly_one_order_comes_of_any_fault_at_any_call(fault: Fault, call: int, honours: bool) -> None:
    with connected(sandbox={"honours_ref_key": honours}) as (onec, sandbox):
        sandbox.faults = [Fault(kind=fault.kind, status=fault.status, name=fault.name, skip=call)]
        outcome = deliver(onec, payload())
        order = only_order(sandbox)
        assert sandbox.faults[0].times == 0, "the fault was never drawn"
    assert outcome.kind == "done"
    assert outcome.native_id == order["Ref_Key"]
    assert (order["Ref_Key"] == REF) is honours
    assert order["Posted"] is True
    assert len(order["Товары"]) == 2


@pytest.mark.parametrize("honours", [True, False], ids=["own-ref", "ref-ignored"])
@pytest.mark.parametrize("kind", ["hang", "hang_after"])
def test_exactly_one_order_comes_of_a_time_out(kind: Any, honours: bool) -> None:
    with connected(sandbox={"honours_ref_key": honours}, timeout=0.3) as (onec, sandbox):
        sandbox.faults = [Fault(kind=kind, match=CREATE, seconds=1.5)]
        assert deliver(onec, payload()).kind == "done"
        assert only_order(sandbox)["Posted"] is True


def test_a_lost_answer_is_looked_into_at_once() -> None:
    with connected() as (onec, sandbox):
        sandbox.faults = [Fault(kind="drop_after", match=CREATE)]
        assert write(onec, payload()).native_id == REF
        assert only_order(sandbox)["Posted"] is True


def test_a_lost_call_is_not_said_again_without_being_asked() -> None:
    with connected() as (onec, sandbox):
        sandbox.faults = [Fault(kind="drop", match=CREATE, times=None)]
        with pytest.raises(InDoubt):
            write(onec, payload())
        assert sandbox.state()["orders"] == []
        sandbox.faults = []
        assert onec.find("order", item(payload())) is None
        assert write(onec, payload()).kind == "done"


def test_what_cannot_be_looked_into_stays_in_doubt() -> None:
    with connected() as (onec, sandbox):
        sandbox.faults = [
            Fault(kind="drop_after", match=CREATE),
            Fault(kind="drop", match="GET", skip=3, times=None),
        ]
        with pytest.raises(InDoubt):
            write(onec, payload())
        sandbox.faults = []
        assert write(onec, payload()).native_id == REF
        assert len(sandbox.state()["orders"]) == 1


def test_the_reference_that_the_base_gives_is_the_one_that_counts() -> None:
    with connected() as (onec, sandbox):
        sandbox.faults = [custom("ignore_ref_key", CREATE)]
        outcome = write(onec, payload())
        assert outcome.native_id == only_order(sandbox)["Ref_Key"] != REF
        assert deliver(onec, payload()).native_id == outcome.native_id
        assert created(sandbox) <= 1


def test_an_order_that_appears_meanwhile_is_adopted() -> None:
    """Code 15: between our look and our creation somebody created it."""

    class Racing(OneCSandbox):
        def before(self, request: Any) -> Any:
            if request.method == "POST" and not self.base.objects[DOCUMENT]:
                self.base.create(DOCUMENT, {**request.json(), "Комментарий": "первый"}, own_ref=True)
            return super().before(request)

    with Racing(journal=True) as sandbox:
        onec = connection(sandbox.url, FakeClock())
        assert write(onec, payload()).native_id == REF
        assert only_order(sandbox)["Комментарий"] == "первый"
        assert only_order(sandbox)["Posted"] is True
        assert [e.status for e in sandbox.journal if e.method == "POST"] == [400, 200]
        onec.close()


def test_an_order_that_was_created_and_not_posted_is_found_and_posted() -> None:
    with connected() as (onec, sandbox):
        sandbox.faults = [Fault(kind="drop", match=POSTING, times=None)]
        with pytest.raises(Unavailable):
            write(onec, payload())
        assert only_order(sandbox)["Posted"] is False
        sandbox.faults = []
        assert onec.find("order", item(payload())) is None, "an unposted order is not done"
        assert write(onec, payload()).native_id == REF
        assert only_order(sandbox)["Posted"] is True
        assert created(sandbox) == 1


def test_a_refused_posting_is_told_in_the_words_of_1c_and_can_be_replayed() -> None:
    with connected() as (onec, sandbox):
        sandbox.faults = [custom("post_fails", POSTING)]
        outcome = write(onec, payload())
        (error,) = outcome.errors
        assert (outcome.kind, error.code) == ("refused", "-1")
        assert "недостаточно товара" in error.message
        assert only_order(sandbox)["Posted"] is False
        assert write(onec, payload()).kind == "done"
        assert only_order(sandbox)["Posted"] is True


def test_an_exception_of_the_configuration_is_not_repeated() -> None:
    with connected(sandbox={"strict_products": True}) as (onec, sandbox):
        outcome = write(onec, payload())
        assert outcome.kind == "refused"
        assert "номенклатура" in outcome.errors[0].message
        assert len(writes(sandbox)) == 2
        sandbox.add_products(SHIRT)
        assert write(onec, payload()).kind == "done"


def test_a_call_that_is_taken_without_effect_is_no_success() -> None:
    class Lazy(OneCSandbox):
        def call(self, request: Any, name: str, ref: str, function: str) -> Any:
            return self.get_one(request, name, ref)

    with Lazy() as sandbox:
        onec = connection(sandbox.url, FakeClock())
        outcome = write(onec, payload())
        assert (outcome.kind, outcome.errors[0].code) == ("refused", "not_posted")
        onec.close()


def test_a_lock_is_left_to_this_record_alone() -> None:
    with connected() as (onec, sandbox):
        sandbox.faults = [custom("lock", CREATE)]
        outcome = write(onec, payload())
        assert (outcome.kind, outcome.after) == ("later", 20.0)
        assert sandbox.state()["orders"] == []
        assert write(onec, payload()).kind == "done"


def test_a_lock_while_looking_stops_for_a_while() -> None:
    with connected() as (onec, sandbox):
        sandbox.faults = [custom("lock", "GET")]
        with pytest.raises(Unavailable) as lock:
            onec.find("order", item(payload()))
        assert lock.value.after == 20.0


def test_a_missing_licence_is_waited_for() -> None:
    with connected() as (onec, sandbox):
        sandbox.faults = [custom("no_licence", times=3)]
        assert write(onec, payload()).kind == "done"
        assert created(sandbox) == 1


def test_an_order_of_a_person_with_the_same_number_and_day_is_adopted() -> None:
    with connected() as (onec, sandbox):
        by_hand = sandbox.base.create(
            DOCUMENT,
            {
                **{name: value for name, value in payload().items() if name not in {"Канал", "Товары"}},
                "ДатаПоДаннымКлиента": "2026-06-15T00:00:00",
                "Posted": True,
            },
            own_ref=True,
        )
        by_hand["Posted"] = True
        assert write(onec, payload()).native_id == by_hand["Ref_Key"]
        assert writes(sandbox) == []


def test_two_orders_with_the_same_number_and_day_are_an_alarm() -> None:
    with connected() as (onec, sandbox):
        for _ in range(2):
            body = {"НомерПоДаннымКлиента": NUMBER, "ДатаПоДаннымКлиента": "2026-06-15T00:00:00"}
            sandbox.base.create(DOCUMENT, body, own_ref=True)
        outcome = write(onec, payload())
        (error,) = outcome.errors
        assert (outcome.kind, error.code) == ("refused", "ambiguous")
        assert "ОБ00-000001, ОБ00-000002" in error.message
        assert onec.find("order", item(payload())) is None, "a doubt about it must not stop the others"
        assert writes(sandbox) == []


def test_the_same_number_of_another_channel_is_another_order() -> None:
    with connected(sandbox={"honours_ref_key": False}) as (onec, sandbox):
        for channel in ("ozon", "site", "ozon", "site"):
            assert deliver(onec, payload(channel=channel)).kind == "done"
        comments = sorted(order["Комментарий"] for order in sandbox.state()["orders"])
    assert comments == ["[ozon]", "[site]"]


def test_the_same_number_of_another_day_is_another_order() -> None:
    with connected(sandbox={"honours_ref_key": False}) as (onec, sandbox):
        write(onec, payload())
        write(onec, payload(Date="2027-06-15T09:50:09"))
        assert len(sandbox.state()["orders"]) == 2


def test_an_order_that_somebody_marked_for_deletion_is_left_so() -> None:
    with connected() as (onec, sandbox):
        write(onec, payload())
        sandbox.base.change(DOCUMENT, REF, {"DeletionMark": True}, None)
        before = writes(sandbox)
        assert write(onec, payload()).native_id == REF
        assert onec.find("order", item(payload())) == REF
        assert writes(sandbox) == before


def test_an_order_is_read_back_in_the_shape_of_its_payload() -> None:
    with connected(sandbox={"honours_ref_key": False}) as (onec, _):
        write(onec, payload(Комментарий="Позвонить"))
        read = list(onec.look_up("order", [f"ozon|{NUMBER}", "ozon|нет", f"site|{NUMBER}"]))
    (order,) = read
    assert {name: order[name] for name in ("Канал", "НомерПоДаннымКлиента", "Date", "Комментарий")} == {
        "Канал": "ozon",
        "НомерПоДаннымКлиента": NUMBER,
        "Date": "2026-06-15T09:50:09",
        "Комментарий": "Позвонить",
    }
    assert [(row["Товар"], row["Количество"]) for row in order["Товары"]] == [(SHIRT, 2), (SHIRT_RED, 1)]


def test_rights_that_are_missing_stop_the_flow_and_lose_nothing() -> None:
    with connected() as (onec, sandbox):
        sandbox.password = "новый пароль"
        with pytest.raises(Denied):
            write(onec, payload())
        assert sandbox.state()["orders"] == []


@pytest.mark.parametrize(("missing", "named"), [("order", "order:"), ("url", "url")])
def test_a_connection_that_lacks_a_part_says_which(missing: str, named: str) -> None:
    with connected(**{missing: None}) as (onec, _), pytest.raises(ConfigurationError, match=named):
        write(onec, payload())


def test_the_contract_is_as_the_engine_reads_it() -> None:
    spec = OneC.writers["order", "put"]
    assert issubclass(OneC, Connector)
    assert (spec.key, spec.batch, spec.absolute, spec.updates) == (
        ("Канал", "НомерПоДаннымКлиента"),
        1,
        False,
        True,
    )
    assert set(OneC.readers) == set(get_args(DoorEntity))
    assert set(OneC.finders) == {"product", "customer", "bonus_operation", "order", "return"}
    assert OneC.writers["order_status", "put"].absolute is True
