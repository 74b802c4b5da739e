"""Numbers and acknowledgements: whatever is lost, in whichever step, no message is lost and none counts twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import pytest

from connectors.onec.enterprisedata.door import EnterpriseData
from connectors.onec.enterprisedata.mirror import Node, node_of
from connectors.onec.sandbox.enterprisedata import EnterpriseDataSandbox
from obmen.errors import ConfigurationError, Denied, IncompleteSource, InDoubt, Refused, Unavailable
from obmen.testing.clock import FakeClock
from obmen.testing.sandbox import Fault

from .enterprisedata_kit import (
    HAT,
    JACKET,
    ORDER,
    calls,
    connected,
    custom,
    door,
    fill,
    item,
    natives,
    orders,
    payload,
    write,
)

STEPS_OF_READING = ("prepared", "downloaded", "keeping", "kept", "numbered", "uploaded", "put", "started", "loaded")
STEPS_OF_WRITING = ("numbered", "uploaded", "put", "started", "loaded")


class Crashed(BaseException):
    """The process is gone: nothing after it runs."""


def crash_at(step: str, nth: int = 1) -> Any:
    left = [nth]

    def on_step(reached: str) -> None:
        if reached == step:
            left[0] -= 1
            if left[0] == 0:
                raise Crashed

    return on_step


def node(opened: EnterpriseData) -> Node:
    with opened.exchange.mirror.reading() as database:
        return node_of(database)


def names(opened: EnterpriseData) -> list[str]:
    return [native["Наименование"] for native in natives(opened.products())]


GOODS = ["Куртка «Проба» (XL)", "Шапка"]


def test_what_was_received_is_acknowledged_and_not_sent_again(tmp_path: Path) -> None:
    with connected(tmp_path) as (opened, base):
        fill(base)
        assert names(opened) == GOODS
        assert base.node.registered == {}
        assert (node(opened).received, node(opened).owed, node(opened).sent) == (1, False, 1)
        before = len(base.journal)
        assert names(opened) == GOODS
        assert "PutData" not in calls(base)[before:], "nothing was sent, so nothing is to be acknowledged"


def test_a_lost_acknowledgement_neither_loses_nor_doubles(tmp_path: Path) -> None:
    with connected(tmp_path) as (opened, base):
        fill(base)
        base.faults.append(Fault(kind="drop", match="PutData$", times=1))
        assert names(opened) == GOODS, "what is kept is read, although the acknowledgement did not arrive"
        assert base.node.registered
        assert node(opened).owed
        base.shelf.put("Справочник.Номенклатура", HAT, name="Шапка тёплая")
        assert names(opened) == ["Куртка «Проба» (XL)", "Шапка тёплая"]
        assert base.node.registered == {}


def test_an_acknowledgement_that_arrived_while_its_answer_was_lost(tmp_path: Path) -> None:
    with connected(tmp_path) as (opened, base):
        fill(base)
        base.faults.append(Fault(kind="drop_after", match="PutData$", times=1))
        assert names(opened) == GOODS
        assert base.node.registered == {}, "it did arrive"
        assert names(opened) == GOODS
        assert not node(opened).owed
        assert node(opened).sent == base.node.received, "no number was used for nothing"


@pytest.mark.parametrize("step", STEPS_OF_READING)
def test_a_crash_after_any_step_of_reading(tmp_path: Path, step: str) -> None:
    with connected(tmp_path) as (other, base):
        fill(base)
        dying = door(base, tmp_path, on_step=crash_at(step))
        with pytest.raises(Crashed):
            natives(dying.products())
        dying.close()
        base.shelf.put("Справочник.Номенклатура", HAT, name="Шапка тёплая")
        assert names(other) == ["Куртка «Проба» (XL)", "Шапка тёплая"]
        assert base.node.registered == {}
        assert node(other).whole
        assert not node(other).owed


@pytest.mark.parametrize("step", STEPS_OF_WRITING)
def test_a_crash_after_any_step_of_writing(tmp_path: Path, step: str) -> None:
    """What the engine does with a record in doubt: look for it, and say it again if it is not found."""
    with connected(tmp_path) as (other, base):
        fill(base)
        natives(other.products())
        dying = door(base, tmp_path, on_step=crash_at(step))
        with pytest.raises(Crashed):
            write(dying, payload())
        dying.close()
        arrived = step in {"put", "started", "loaded"}
        assert set(orders(base)) == ({"0112233-0001-1"} if arrived else set())
        found = other.find_order(item(payload()))
        assert (found is not None) is arrived
        if found is None:
            (outcome,) = write(other, payload())
            found = outcome.native_id
        assert set(orders(base)) == {"0112233-0001-1"}
        assert ("Документ.ЗаказКлиента", found) in base.shelf.objects
        assert len(base.shelf.named("Документ.ЗаказКлиента")) == 2, "the one that 1C had, and ours"


def test_a_crash_in_the_acknowledgement_and_then_in_the_next_one(tmp_path: Path) -> None:
    with connected(tmp_path) as (other, base):
        fill(base)
        for step in ("put", "uploaded", "started"):
            dying = door(base, tmp_path, on_step=crash_at(step))
            base.shelf.put("Справочник.Номенклатура", HAT, name=f"Шапка {step}")
            with pytest.raises(Crashed):
                natives(dying.products())
            dying.close()
        assert names(other) == ["Куртка «Проба» (XL)", "Шапка started"]
        assert base.node.registered == {}


def test_an_order_whose_answer_was_lost_is_found_by_its_action(tmp_path: Path) -> None:
    with connected(tmp_path) as (opened, base):
        fill(base)
        natives(opened.products())
        base.faults.append(Fault(kind="drop", match="PutDataActionResult$", times=None))
        with pytest.raises(InDoubt, match="has not told how that ended"):
            write(opened, payload())
        base.faults.clear()
        before = len(base.journal)
        assert opened.find_order(item(payload())) is not None
        assert set(calls(base)[before:]) == {"PutDataActionResult"}, "nothing was fetched or sent for it"


def test_an_order_whose_action_nobody_knows_is_found_by_the_next_header(tmp_path: Path) -> None:
    with connected(tmp_path) as (opened, base):
        fill(base)
        natives(opened.products())
        base.faults.append(custom("lost_action", "PutDataActionResult"))
        with pytest.raises(InDoubt):
            write(opened, payload())
        assert opened.find_order(item(payload())) is not None
        assert write(opened, payload())[0].kind == "done"
        assert len(orders(base)) == 1


def test_a_message_that_failed_is_not_taken_for_received_when_a_later_one_is(tmp_path: Path) -> None:
    """The base's number goes on with the next message, and says nothing of the one before."""
    with connected(tmp_path) as (opened, base):
        fill(base)
        natives(opened.products())
        base.faults.append(Fault(kind="drop", match="PutDataActionResult$", times=None))
        base.faults.append(custom("action_failed", "PutData"))
        with pytest.raises(InDoubt):
            write(opened, payload("1"))
        base.faults.clear()
        assert write(opened, payload("2"))[0].kind == "done"
        assert opened.find_order(item(payload("1"))) is None
        assert set(orders(base)) == {"2"}


def test_our_number_is_always_above_what_the_base_has_received(tmp_path: Path) -> None:
    """1C passes over a message with a number that it knows, and says that all is well."""
    with connected(tmp_path / "old") as (opened, base):
        fill(base)
        natives(opened.products())
        base.node.received = 40
        for kind, ref in base.shelf.objects:
            base.node.register(kind, ref)
        new = door(base, tmp_path / "new")
        assert write(new, payload())[0].kind == "done"
        assert set(orders(base)) == {"0112233-0001-1"}
        assert base.node.received == 41
        new.close()


def test_a_folder_that_begins_late_does_not_count_as_whole(tmp_path: Path) -> None:
    with connected(tmp_path / "old") as (opened, base):
        fill(base)
        assert not any(page.partial for page in opened.products())
        new = door(base, tmp_path / "new")
        base.shelf.put("Справочник.Номенклатура", HAT)
        pages = list(new.products())
        assert [page.partial for page in pages] == [True]
        assert any("does not hold everything" in finding.message.replace("\n", " ") for finding in new.check())
        new.close()


def test_a_base_that_was_put_back_from_a_copy(tmp_path: Path) -> None:
    """Its numbers go back; what it sends now is what it holds, and nothing that is not kept is acknowledged."""
    with connected(tmp_path) as (opened, base):
        fill(base)
        natives(opened.products())
        for _ in range(5):
            base.shelf.put("Справочник.Номенклатура", HAT)
            natives(opened.products())
        assert write(opened, payload())[0].kind == "done"
        assert opened.find_order(item(payload())) is not None
        base.node.sent, base.node.received = 1, 1
        base.shelf.objects.pop(("Документ.ЗаказКлиента", opened.find_order(item(payload())) or ""))
        base.shelf.put("Справочник.Номенклатура", HAT, name="Шапка прежняя")
        assert names(opened) == ["Куртка «Проба» (XL)", "Шапка прежняя"]
        assert base.node.registered == {}
        assert opened.find_order(item(payload())) is None, "the base has forgotten it"
        assert write(opened, payload())[0].kind == "done"
        assert len(orders(base)) == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (custom("part_missing", "GetDataPart"), IncompleteSource),
        (custom("action_failed", "PrepareDataForGetting"), IncompleteSource),
        (custom("lost_action", "PrepareDataActionResult"), IncompleteSource),
        (custom("locked", "PrepareDataForGetting"), Unavailable),
        (custom("licence", "PrepareDataForGetting", times=None), Unavailable),
        (Fault(kind="truncate", match="GetDataPart$", times=None), Unavailable),
        (Fault(kind="html", match="PrepareDataForGetting$", times=None), Unavailable),
        (Fault(kind="status", status=403, match="PrepareDataForGetting$"), Denied),
    ],
    ids=lambda value: getattr(value, "name", "") or getattr(value, "kind", "") or value.__name__,
)
def test_a_read_that_fails_keeps_and_acknowledges_nothing(tmp_path: Path, fault: Fault, error: type[Exception]) -> None:
    with connected(tmp_path) as (opened, base):
        fill(base)
        base.faults.append(fault)
        with pytest.raises(error):
            natives(opened.products())
        assert base.node.registered
        assert node(opened).commits == 0
        base.faults.clear()
        assert names(opened) == GOODS


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (custom("expired_file", "PutData"), Unavailable),
        (custom("licence", "PutFilePart", times=None), Unavailable),
        (custom("licence", "PutData", times=None), Unavailable),
        (Fault(kind="drop", match="PutFilePart$", times=None), Unavailable),
        (Fault(kind="hang", seconds=0.2, match="PutData$"), InDoubt),
        (Fault(kind="html", match="PutData$"), InDoubt),
        (custom("action_failed", "PutData"), Refused),
    ],
    ids=lambda value: getattr(value, "name", "") or getattr(value, "kind", "") or value.__name__,
)
def test_a_write_that_fails_is_said_again(tmp_path: Path, fault: Fault, error: type[Exception]) -> None:
    with connected(tmp_path) as (opened, base):
        fill(base)
        natives(opened.products())
        base.faults.append(fault)
        with pytest.raises(error):
            write(opened, payload())
        base.faults.clear()
        assert opened.find_order(item(payload())) is None
        assert write(opened, payload())[0].kind == "done"
        assert len(orders(base)) == 1


def test_a_long_action_is_waited_for_and_given_up_in_time(tmp_path: Path) -> None:
    clock = FakeClock()
    with connected(tmp_path, clock=clock, options={"poll": 5, "patience": 60}, active=4) as (opened, base):
        fill(base)
        assert names(opened) == GOODS
        assert clock.sleeps == [5.0] * 8, "four looks at the message, four at its acknowledgement"
        base.active = 1000
        with pytest.raises(Unavailable, match="still puts its message together"):
            natives(opened.products())


def test_a_loading_that_does_not_end_is_in_doubt(tmp_path: Path) -> None:
    with connected(tmp_path, options={"patience": 30}) as (opened, base):
        fill(base)
        natives(opened.products())
        write(opened, payload("1"))
        base.active = 1000
        with pytest.raises(InDoubt):
            write(opened, payload("2"))


def test_a_setting_that_is_not_finished_is_answered_with_our_own(tmp_path: Path) -> None:
    with connected(tmp_path, finished=False) as (opened, base):
        fill(base)
        with pytest.raises(ConfigurationError, match="not finished in 1C"):
            natives(opened.products())
        assert base.node.peer_versions == ("1.8", "1.17", "1.21")
        assert node(opened).commits == 0
        base.node.finished = True
        assert names(opened) == GOODS


def test_the_folder_belongs_to_one_node(tmp_path: Path) -> None:
    with connected(tmp_path) as (opened, base):
        natives(opened.products())
        other = door(base, tmp_path, node="ДРУГОЙ")
        with pytest.raises(ConfigurationError, match="belongs to the node 'ОБМЕН'"):
            natives(other.products())
        other.close()


def test_two_at_one_node_take_turns(tmp_path: Path) -> None:
    with connected(tmp_path) as (opened, base):
        fill(base)
        other = door(base, tmp_path, timeout=0.2)
        with opened.exchange.mirror.alone():
            before = len(base.journal)
            with pytest.raises(Unavailable, match="Another process exchanges"):
                natives(other.products())
            assert len(base.journal) == before, "not a word was said to the base"
        assert names(other) == GOODS
        other.close()


def test_parts_are_put_together_in_order(tmp_path: Path) -> None:
    with connected(tmp_path, options={"part_size_kb": 16}) as (opened, base):
        for number in range(600):
            ref = str(uuid5(NAMESPACE_OID, str(number)))
            base.shelf.add_product(ref, f"Товар {ref}", description=ref[::-1], article=ref[:8])
        assert len(natives(opened.products())) == 600
        assert calls(base).count("GetDataPart") > 2
        assert base.files == {}, "the base was told that it may delete its file"


def test_a_batch_goes_as_one_message(tmp_path: Path) -> None:
    with connected(tmp_path) as (opened, base):
        fill(base)
        natives(opened.products())
        before = len(base.journal)
        outcomes = write(opened, *(payload(str(number)) for number in range(5)))
        assert [outcome.kind for outcome in outcomes] == ["done"] * 5
        assert calls(base)[before:].count("PutData") == 1
        assert ORDER in base.shelf.named("Документ.ЗаказКлиента")


def test_one_bad_record_fails_the_message_and_halves_find_it(tmp_path: Path) -> None:
    """1C does not say which object it means; the engine sends the batch again in halves."""
    with connected(tmp_path) as (opened, base):
        fill(base)
        natives(opened.products())
        base.shelf.objects.pop(("Справочник.Номенклатура", HAT))
        good = payload("1", Товары=[{"Товар": JACKET, "Количество": 1, "Цена": 10}])
        with pytest.raises(Refused, match="Номенклатура"):
            write(opened, good, payload("2"))
        assert write(opened, good)[0].kind == "done"
        with pytest.raises(Refused, match="Номенклатура"):
            write(opened, payload("2"))
        assert set(orders(base)) == {"1"}


def test_a_reset_of_the_sandbox_forgets_every_message() -> None:
    with EnterpriseDataSandbox() as base:
        base.node.received = 5
        assert base.state()["node"] == {"sent": 0, "received": 5, "registered": len(base.shelf.objects)}
        base.reset()
        assert base.state()["node"]["received"] == 0


def test_one_exchange_serves_all_readers_of_a_run(tmp_path: Path) -> None:
    with connected(tmp_path) as (opened, base):
        fill(base)
        for times in (1, 2):
            assert natives(opened.products())
            assert natives(opened.prices())
            assert natives(opened.customers())
            assert sum(name.startswith("PrepareDataForGetting") for name in calls(base)) == times, calls(base)
            assert base.node.registered == {}, "what was read is kept, so it is acknowledged"
        base.shelf.put("Справочник.Номенклатура", HAT, name="Шапка новая")
        assert "Шапка новая" in {one["Наименование"] for one in natives(opened.products())}
