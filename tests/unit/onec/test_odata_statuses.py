"""Statuses: read within a window, written forwards only, and never half done."""

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.onec import OneC
from connectors.onec.odata.client import NO_REF
from connectors.onec.odata.order_body import DOCUMENT
from connectors.onec.odata.orders import order_ref
from connectors.onec.sandbox import OneCSandbox, references
from obmen.errors import Denied, InDoubt, Unavailable
from obmen.records import Outcome
from obmen.testing.clock import FakeClock
from obmen.testing.sandbox import Fault
from tests.unit.onec.odata_support import (
    NUMBER,
    SHIRT,
    SHIRT_RED,
    connected,
    connection,
    custom,
    item,
    payload,
    set_status,
    states,
    write,
    writes,
)

REF = order_ref("ozon", NUMBER)
PATCH, POSTING = "PATCH", r"POST .*/Post\Z"


def order(sandbox: OneCSandbox, number: str = NUMBER) -> dict[str, Any]:
    return dict(sandbox.order(number))


def lines(sandbox: OneCSandbox) -> list[tuple[bool, str]]:
    return [(line["Отменено"], line["ПричинаОтмены_Key"]) for line in order(sandbox)["Товары"]]


# -- reading -----------------------------------------------------------------------------------------------


def test_what_a_person_sets_in_1c_is_read() -> None:
    with connected() as (onec, sandbox):
        for number in ("1", "2", "3", "4"):
            write(onec, payload(number))
        sandbox.set_status("2", "КОтгрузке")
        sandbox.set_status("3", "Закрыт")
        sandbox.cancel("4")
        assert states(onec) == {"1": "КОбеспечению", "2": "КОтгрузке", "3": "Закрыт", "4": "Отменен"}


@pytest.mark.field("E7")
def test_an_order_that_1c_shipped_is_told_as_shipped_until_it_is_closed() -> None:
    with connected() as (onec, sandbox):
        for good in (SHIRT, SHIRT_RED):
            sandbox.move_stock(good, 50)
        for number in ("1", "2", "3", "4"):
            write(onec, payload(number))
        for number in ("1", "2", "3"):
            sandbox.set_status(number, "КОтгрузке")
        for number in ("2", "3", "4"):
            shipment = sandbox.ship(number)
        sandbox.set_status("3", "Закрыт")
        expected = {"1": "КОтгрузке", "2": "Отгружен", "3": "Закрыт", "4": "КОбеспечению"}
        assert states(onec) == expected
        natives = onec.look_up("order_status", [order_ref("ozon", number) for number in expected])
        assert {native["НомерПоДаннымКлиента"]: native["Состояние"] for native in natives} == expected
        sandbox.set_status("4", "КОтгрузке")
        sandbox.base.unpost("Document_РеализацияТоваровУслуг", shipment)
        assert states(onec)["4"] == "КОтгрузке"


def test_a_closed_order_with_one_line_left_is_not_cancelled() -> None:
    with connected() as (onec, sandbox):
        write(onec, payload())
        sandbox.cancel(NUMBER)
        rows = order(sandbox)["Товары"]
        rows[0]["Отменено"] = False
        sandbox.base.change(DOCUMENT, REF, {"Товары": rows}, None)
        assert states(onec) == {NUMBER: "Закрыт"}


def told(onec: OneC, name: str) -> dict[str, str | None]:
    return {
        native["НомерПоДаннымКлиента"]: native.get(name)
        for page in onec.read("order_status", None)
        for raw in page.slices
        for native in page.decode(raw)
    }


def test_why_people_cancelled_is_told_by_the_reasons_name() -> None:
    with connected() as (onec, sandbox):
        for number in ("1", "2", "3", "4"):
            write(onec, payload(number))
        reason = sandbox.add_cancel_reason("Брак")
        sandbox.cancel("1", reason)
        sandbox.cancel("2", NO_REF)
        sandbox.set_status("3", "КОтгрузке")
        sandbox.cancel_lines("3", {SHIRT: 1}, reason)
        assert told(onec, "Причина") == {"1": "Брак", "2": None, "3": "Брак", "4": None}
        (native,) = onec.look_up("order_status", [order_ref("ozon", "1")])
        assert native["Причина"] == "Брак"


def test_a_reason_whose_catalog_is_not_published_is_not_told() -> None:
    with connected() as (onec, sandbox):
        sandbox.published = sandbox.published - {"Catalog_ПричиныОтменыЗаказовКлиентов"}
        write(onec, payload())
        sandbox.cancel(NUMBER)
        assert told(onec, "Причина") == {NUMBER: None}


@pytest.mark.parametrize(
    ("comment", "code"),
    [("[код 741852]", "741852"), ("звонил [Код: 0042 ] в 12", "0042"), ("код 741852", None), ("[код ]", None)],
)
def test_the_buyers_code_is_told_of_a_closed_order(comment: str, code: str | None) -> None:
    with connected() as (onec, sandbox):
        for number in ("1", "2"):
            write(onec, payload(number))
            sandbox.note(number, comment)
        sandbox.set_status("1", "Закрыт")
        assert told(onec, "КодПолучения") == {"1": code, "2": None}


def test_only_posted_orders_with_a_number_of_the_client_are_read() -> None:
    with connected() as (onec, sandbox):
        for number in ("kept", "unposted", "deleted"):
            write(onec, payload(number))
        sandbox.base.create(DOCUMENT, {"Комментарий": "свой заказ"}, own_ref=True)["Posted"] = True
        sandbox.base.unpost(DOCUMENT, order_ref("ozon", "unposted"))
        sandbox.base.change(DOCUMENT, order_ref("ozon", "deleted"), {"DeletionMark": True}, None)
        assert states(onec) == {"kept": "КОбеспечению"}


def test_a_record_tells_what_1c_calls_the_order() -> None:
    with connected() as (onec, _):
        write(onec, payload())
        (native,) = [
            native for page in onec.read("order_status", None) for raw in page.slices for native in page.decode(raw)
        ]
    assert native == {
        "Ref_Key": REF,
        "Number": "ОБ00-000001",
        "Date": "2026-06-15T09:50:09",
        "Статус": "КОбеспечению",
        "НомерПоДаннымКлиента": NUMBER,
        "Канал": "ozon",
        "Состояние": "КОбеспечению",
    }


@pytest.mark.parametrize(
    ("comment", "number", "channel"),
    [
        ("[another] позвонили", NUMBER, "another"),
        ("позвонили", NUMBER, "ut"),
        ("[ozon]", "", "ut"),
    ],
)
def test_a_record_tells_whose_order_it_is(comment: str, number: str, channel: str) -> None:
    """Another connection's, another program's, and one that was made in 1C; the order itself tells the same."""
    with connected(own_orders=True) as (onec, sandbox):
        write(onec, payload())
        sandbox.base.change(DOCUMENT, REF, {"Комментарий": comment, "НомерПоДаннымКлиента": number}, None)
        pages = onec.read("order_status", None)
        told = [native for page in pages for raw in page.slices for native in page.decode(raw)]
        told += [native for entity in ("order", "order_status") for native in onec.look_up(entity, [REF])]
    assert [native["Канал"] for native in told] == [channel] * 3


def test_a_change_that_is_no_status_leaves_the_record_as_it_was() -> None:
    with connected() as (onec, sandbox):
        write(onec, payload())
        before = [page.slices for page in onec.read("order_status", None)]
        sandbox.base.change(DOCUMENT, REF, {"Комментарий": "[ozon] позвонили"}, None)
        assert [page.slices for page in onec.read("order_status", None)] == before


def test_the_window_reaches_back_from_the_last_whole_read() -> None:
    clock = FakeClock(datetime(2026, 6, 15, 7, 0, tzinfo=UTC))
    with connected(clock, lookback_days=10) as (onec, _):
        write(onec, payload())
        pages = list(onec.read("order_status", None))
        assert [page.cursor for page in pages] == [None, "2026-06-15T10:00:00"]
        clock.advance(9 * 86400)
        assert states(onec) == {NUMBER: "КОбеспечению"}
        clock.advance(30 * 86400)
        assert states(onec) == {}
        assert states(onec, "2026-06-15T10:00:00") == {NUMBER: "КОбеспечению"}, "a long stop loses nothing"


def test_the_cursor_moves_only_after_the_whole_read() -> None:
    with connected() as (onec, sandbox):
        write(onec, payload())
        pages = onec.read("order_status", None)
        assert next(pages).cursor is None
        sandbox.password = "новый"
        assert next(pages).cursor is not None
        with pytest.raises(Denied):
            next(onec.read("order_status", None))


def test_a_base_that_knows_no_lambda_is_read_all_the_same() -> None:
    with connected() as (onec, sandbox):
        write(onec, payload())
        sandbox.cancel(NUMBER)
        sandbox.faults = [custom("no_lambda", times=None)]
        assert states(onec) == {NUMBER: "Отменен"}


# -- writing -----------------------------------------------------------------------------------------------


def test_a_status_is_compared_changed_posted_and_compared_again() -> None:
    with connected() as (onec, sandbox):
        write(onec, payload())
        sandbox.journal.clear()
        outcome = set_status(onec, REF, "КОтгрузке")
        assert (outcome.kind, outcome.native_id) == ("done", REF)
        assert (order(sandbox)["Статус"], order(sandbox)["Posted"]) == ("КОтгрузке", True)
        assert [e.method for e in sandbox.journal] == ["GET", "PATCH", "POST", "GET", "GET"]
        (patch,) = [e for e in sandbox.journal if e.method == "PATCH"]
    assert patch.request_body.decode() == '{"Статус":"КОтгрузке"}'
    assert patch.request_headers["if-match"].endswith("=")


@pytest.mark.parametrize(
    ("now", "target"),
    [
        ("КОтгрузке", "КОтгрузке"),
        ("КОтгрузке", "КОбеспечению"),
        ("Закрыт", "КОтгрузке"),
        ("Закрыт", "Закрыт"),
    ],
)
def test_an_order_is_never_taken_a_step_back(now: str, target: str) -> None:
    with connected() as (onec, sandbox):
        write(onec, payload())
        sandbox.set_status(NUMBER, now)
        sandbox.journal.clear()
        assert set_status(onec, REF, target).kind == "done"
        assert order(sandbox)["Статус"] == now
        assert writes(sandbox) == []


def test_a_cancellation_cancels_every_line_with_its_reason_and_closes_the_order() -> None:
    with connected() as (onec, sandbox):
        write(onec, payload())
        before = order(sandbox)
        assert set_status(onec, REF, "Отменен", Причина="Покупатель передумал").kind == "done"
        after = order(sandbox)
    assert [(line["Отменено"], line["ПричинаОтмены_Key"]) for line in after["Товары"]] == [
        (True, references.CANCEL_REASON)
    ] * 2
    assert (after["Статус"], after["Posted"]) == ("Закрыт", True)
    assert after["Комментарий"] == "[ozon]\nПокупатель передумал"
    for was, is_now in zip(before["Товары"], after["Товары"], strict=True):
        changed = {name for name in was if was[name] != is_now[name]}
        assert changed == {"Отменено", "ПричинаОтмены_Key"}


def test_a_cancellation_is_said_once() -> None:
    with connected() as (onec, sandbox):
        write(onec, payload())
        set_status(onec, REF, "Отменен", Причина="Передумал")
        first = writes(sandbox)
        assert set_status(onec, REF, "Отменен", Причина="Передумал").kind == "done"
        assert writes(sandbox) == first


def test_a_base_without_cancelled_lines_only_closes_the_order() -> None:
    with connected(order={**references.ORDER_OPTIONS, "cancel_reason": None}) as (onec, sandbox):
        write(onec, payload())
        assert set_status(onec, REF, "Отменен").kind == "done"
        assert lines(sandbox) == [(True, "00000000-0000-0000-0000-000000000000")] * 2


@pytest.mark.parametrize("target", ["КОтгрузке", "Отменен"])
@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="drop"),
        Fault(kind="drop_after"),
        Fault(kind="status_after", status=503),
        Fault(kind="html"),
        Fault(kind="truncate"),
        custom("html_200"),
        custom("lock"),
        custom("no_licence"),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.name}",
)
@pytest.mark.parametrize("call", range(5))
def test_a_status_arrives_and_is_posted_whatever_fails(fault: Fault, call: int, target: str) -> None:
    with connected() as (onec, sandbox):
        write(onec, payload())
        posted_at: list[str] = []
        watch_posting(sandbox, posted_at)
        sandbox.faults = [Fault(kind=fault.kind, status=fault.status, name=fault.name, skip=call)]
        outcome = said_again(onec, target)
        assert outcome.kind == "done"
        assert sandbox.faults[0].times == 0
        assert states(onec) == {NUMBER: target}
        assert posted_at[-1] == order(sandbox)["Статус"], "it was posted as it stands"


def test_a_crash_between_the_change_and_the_posting_is_made_good() -> None:
    with connected() as (onec, sandbox):
        write(onec, payload())
        posted_at: list[str] = []
        watch_posting(sandbox, posted_at)
        sandbox.faults = [Fault(kind="drop", match=POSTING, times=None)]
        with pytest.raises(InDoubt):
            set_status(onec, REF, "КОтгрузке")
        assert order(sandbox)["Статус"] == "КОтгрузке"
        assert posted_at == []
        sandbox.faults = []
        assert set_status(onec, REF, "КОтгрузке", attempt=2).kind == "done"
        assert posted_at == ["КОтгрузке"]


def test_a_change_that_1c_will_not_post_is_taken_back() -> None:
    with connected() as (onec, sandbox):
        write(onec, payload())
        before = order(sandbox)
        sandbox.faults = [custom("post_fails", POSTING)]
        outcome = set_status(onec, REF, "Отменен", Причина="Передумал")
        after = order(sandbox)
    assert outcome.kind == "refused"
    assert "недостаточно товара" in outcome.errors[0].message
    assert {name: after[name] for name in after if name != "DataVersion"} == {
        name: before[name] for name in before if name != "DataVersion"
    }


def test_a_change_made_meanwhile_is_seen_and_kept() -> None:
    class Busy(OneCSandbox):
        touched = False

        def before(self, request: Any) -> Any:
            if request.method == "PATCH" and not self.touched:
                self.touched = True
                self.base.change(DOCUMENT, REF, {"Комментарий": "правка менеджера"}, None)
            return super().before(request)

    with Busy(journal=True) as sandbox:
        onec = connection(sandbox.url, FakeClock())
        write(onec, payload())
        assert set_status(onec, REF, "КОтгрузке").kind == "done"
        assert [e.status for e in sandbox.journal if e.method == "PATCH"] == [412, 200]
        assert order(sandbox)["Комментарий"] == "правка менеджера"
        onec.close()


def test_a_base_that_does_not_look_at_the_version_takes_the_status_too() -> None:
    class Busy(OneCSandbox):
        def before(self, request: Any) -> Any:
            if request.method == "PATCH":
                self.base.change(DOCUMENT, REF, {"Комментарий": "правка менеджера"}, None)
            return super().before(request)

    with Busy(journal=True) as sandbox:
        onec = connection(sandbox.url, FakeClock())
        write(onec, payload())
        sandbox.faults = [custom("ignore_if_match", PATCH)]
        assert set_status(onec, REF, "КОтгрузке").kind == "done"
        assert order(sandbox)["Комментарий"] == "правка менеджера"
        assert order(sandbox)["Статус"] == "КОтгрузке"
        onec.close()


def test_an_order_that_changes_all_the_time_is_tried_later() -> None:
    class Restless(OneCSandbox):
        def before(self, request: Any) -> Any:
            if request.method == "PATCH":
                self.base.change(DOCUMENT, REF, {"Комментарий": "правка"}, None)
            return super().before(request)

    with Restless() as sandbox:
        onec = connection(sandbox.url, FakeClock())
        write(onec, payload())
        assert set_status(onec, REF, "КОтгрузке").kind == "later"
        onec.close()


def test_a_base_that_ignores_a_write_without_a_word_is_caught() -> None:
    class Deaf(OneCSandbox):
        def patch_one(self, request: Any, name: str, ref: str) -> Any:
            return self.get_one(request, name, ref)

    with Deaf() as sandbox:
        onec = connection(sandbox.url, FakeClock())
        write(onec, payload())
        outcome = set_status(onec, REF, "КОтгрузке")
        assert (outcome.kind, outcome.errors[0].code) == ("refused", "not_applied")
        onec.close()


def test_an_order_that_is_gone_is_refused() -> None:
    with connected() as (onec, sandbox):
        write(onec, payload())
        sandbox.base.delete(DOCUMENT, REF)
        outcome = set_status(onec, REF, "КОтгрузке")
        assert (outcome.kind, outcome.errors[0].code) == ("refused", "not_found")


def test_an_order_marked_for_deletion_takes_no_status_but_its_cancellation() -> None:
    with connected() as (onec, sandbox):
        write(onec, payload())
        sandbox.base.change(DOCUMENT, REF, {"DeletionMark": True}, None)
        before = writes(sandbox)
        assert set_status(onec, REF, "Отменен").kind == "done"
        outcome = set_status(onec, REF, "КОтгрузке")
        assert (outcome.kind, outcome.errors[0].code) == ("refused", "deletion_mark")
        assert writes(sandbox) == before


def test_a_status_that_1c_does_not_have_is_refused_with_the_one_that_was_meant() -> None:
    with connected() as (onec, _):
        outcome = set_status(onec, REF, "КОтгрузки")
        assert outcome.errors[0].code == "unknown_status"
        assert "Did you mean 'КОтгрузке'" in outcome.errors[0].message


def test_an_adopted_order_of_a_person_takes_statuses_too() -> None:
    with connected(sandbox={"honours_ref_key": False}) as (onec, _):
        ref = str(write(onec, payload()).native_id)
        assert set_status(onec, ref, "КОтгрузке").kind == "done"
        assert onec.find("order", item(payload())) == ref
        assert states(onec) == {NUMBER: "КОтгрузке"}


def test_a_change_that_could_not_be_taken_back_is_still_in_doubt() -> None:
    with connected() as (onec, sandbox):
        write(onec, payload())
        sandbox.faults = [
            custom("post_fails", POSTING),
            Fault(kind="drop", match=r"(GET|PATCH)", skip=2, times=None),
        ]
        with pytest.raises(InDoubt):
            set_status(onec, REF, "КОтгрузке")
        sandbox.faults = []
        assert set_status(onec, REF, "КОтгрузке", attempt=2).kind == "done"
        assert order(sandbox)["Posted"] is True


def said_again(onec: OneC, target: str) -> Outcome:
    """Say a status until it has an outcome; only what may have had an effect counts as an attempt."""
    attempt = 1
    for _ in range(8):
        try:
            outcome = set_status(onec, REF, target, attempt=attempt)
        except Unavailable:
            continue
        except InDoubt:
            attempt += 1
            continue
        if outcome.kind != "later":
            return outcome
        attempt += 1
    message = "the status never arrived"
    raise AssertionError(message)


def watch_posting(sandbox: OneCSandbox, seen: list[str]) -> None:
    """Note the status that the order has at each posting that succeeds."""
    post = sandbox.base.post

    def noted(name: str, ref: str) -> Any:
        record = post(name, ref)
        seen.append(record["Статус"])
        return record

    sandbox.base.post = noted  # type: ignore[method-assign]
