"""Marking codes: read in full from what was scanned into an order's shipment, and told of nobody else's units."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import structlog

from connectors.onec import OneC
from connectors.onec.odata.marking import whole_code
from connectors.onec.odata.orders import order_ref
from connectors.onec.sandbox import OneCSandbox, references
from connectors.onec.sandbox.hands.codes import normalised
from connectors.onec.sandbox.model import NEWEST, model_of
from connectors.onec.sandbox.objects.orders import MARKS, SCANNED, SHIPMENT
from connectors.onec.sandbox.objects.registers import MARKS_IN_FULL
from obmen.errors import Refused
from obmen.records import Native
from tests.unit.onec.odata_support import NUMBER, SHIRT, SHIRT_RED, connected, custom, payload, write

GS = "\x1d"
TAIL = "SECRETTAIL"


def code(serial: str) -> str:
    return f"010460000000001521{serial}{GS}91EE06{GS}92{TAIL}"


FIRST, SECOND, THIRD = code("5EXAMPLE00001"), code("5(2)AMPLE00002"), code("5EXAMPLE00003")
REF = order_ref("ozon", NUMBER)


@contextmanager
def shop(status: str = "КОтгрузке", **changes: Any) -> Iterator[tuple[OneC, OneCSandbox]]:
    """One order, of two shirts and a red one, that may be packed."""
    with connected(**changes) as (onec, sandbox):
        for good in (SHIRT, SHIRT_RED):
            sandbox.move_stock(good, 50)
        write(onec, payload())
        sandbox.set_status(NUMBER, status)
        yield onec, sandbox


def read(onec: OneC) -> list[Native | Refused]:
    """What the reader tells, codes fetched as the engine has them fetched."""
    found: list[Native | Refused] = []
    for page in onec.read("order_status", None):
        if page.expand is None:
            found += [native for raw in page.slices for native in page.decode(raw)]
            continue
        assert len(page.ids) == len(page.slices)
        for one in page.expand(page.slices):
            found += [one] if isinstance(one, Refused) else list(one)
    return found


def told(onec: OneC) -> dict[str, tuple[Any, list[str]]]:
    """Product → how many are packed and their codes, the same by both ways of reading."""
    (native,) = read(onec)
    assert not isinstance(native, Refused), native
    assert list(onec.look_up("order_status", [REF])) == [native]
    assert "Отгрузки" not in native
    lines = [line for package in native.get("Упаковки", ()) for line in package["Товары"]]
    return {line["Товар"]: (line["Количество"], line.get("КодыМаркировки", [])) for line in lines}


def refused(onec: OneC) -> str:
    (one,) = read(onec)
    assert isinstance(one, Refused)
    with pytest.raises(Refused) as found:
        list(onec.look_up("order_status", [REF]))
    assert found.value.code == one.code
    assert TAIL not in str(one)
    assert "5EXAMPLE" not in str(one)
    return one.code


@pytest.mark.field("E9")
@pytest.mark.parametrize("kept", ["base64", "plain"])
def test_codes_that_were_scanned_are_told_in_full_before_the_goods_leave(kept: str) -> None:
    with shop() as (onec, sandbox):
        assert told(onec) == {}
        sandbox.scan(NUMBER, SHIRT, FIRST, kept=kept)
        shipment = sandbox.scan(NUMBER, SHIRT, SECOND, kept=kept)
        assert sandbox.object(shipment)["Posted"] is False
        expected = {SHIRT: (2, [FIRST, SECOND]), SHIRT_RED: (1, [])}
        assert told(onec) == expected
        sandbox.ship(NUMBER)
        assert told(onec) == expected
        sandbox.set_status(NUMBER, "Закрыт")
        assert told(onec) == expected
        sandbox.mark_deleted(shipment)
        assert told(onec) == {}


def test_an_order_that_may_not_be_packed_yet_tells_no_codes() -> None:
    with shop("КОбеспечению") as (onec, sandbox):
        sandbox.scan(NUMBER, SHIRT, FIRST)
        assert told(onec) == {}


@pytest.mark.parametrize("version", ["11.5.8", "11.5.20"])
def test_boxes_are_opened_and_each_unit_counts_once(version: str) -> None:
    with shop(sandbox={"version": version}) as (onec, sandbox):
        box = "(00)046000000000000015"
        sandbox.scan(NUMBER, SHIRT_RED, FIRST, box=box)
        sandbox.scan(NUMBER, SHIRT_RED, FIRST)
        assert told(onec) == {SHIRT: (2, []), SHIRT_RED: (1, [FIRST])}
        sandbox.scan(NUMBER, SHIRT_RED, SECOND, box=box)
        assert refused(onec) == "marks_too_many"


def test_more_codes_than_units_are_told_of_none_once_the_order_is_shipped() -> None:
    with shop() as (onec, sandbox):
        for one in (FIRST, SECOND, THIRD):
            sandbox.scan(NUMBER, SHIRT, one)
        assert refused(onec) == "marks_too_many"
        sandbox.ship(NUMBER)
        assert told(onec) == {}


def test_a_code_that_is_not_there_in_full_is_scanned_again() -> None:
    with shop() as (onec, sandbox):
        shipment = sandbox.scan(NUMBER, SHIRT, FIRST, in_full=False)
        assert refused(onec) == "marks_not_full"
        sandbox.scan(NUMBER, SHIRT, SECOND)
        assert told(onec) == {SHIRT: (2, [SECOND]), SHIRT_RED: (1, [])}
        sandbox.scan(NUMBER, SHIRT, FIRST)
        assert told(onec)[SHIRT] == (2, [SECOND, FIRST])
        sandbox.unscan(shipment)
        assert told(onec) == {}


def test_the_bracketed_form_is_never_told() -> None:
    with shop() as (onec, sandbox):
        sandbox.scan(NUMBER, SHIRT, FIRST, in_full=False)
        sandbox.base.registers.put(
            MARKS_IN_FULL,
            {**sandbox.pool_row(FIRST), "ПолныйКодМаркировки": normalised(FIRST)},
        )
        assert refused(onec) == "marks_not_full"
        sandbox.ship(NUMBER)
        assert told(onec) == {}


def test_a_code_of_a_shape_that_is_not_gs1_and_of_another_product_keeps_nothing_back() -> None:
    with shop() as (onec, sandbox):
        sandbox.scan(NUMBER, SHIRT, "RU-430301-AAA0000001", in_full=False)
        sandbox.scan(NUMBER, "00000000-0000-0000-0000-00000000000a", SECOND)
        assert told(onec) == {}


@pytest.mark.parametrize("missing", [MARKS, MARKS_IN_FULL, SHIPMENT])
def test_a_base_that_does_not_publish_codes_is_read_as_before(missing: str) -> None:
    with shop(sandbox={"published": model_of(NEWEST).usual - {missing}}) as (onec, sandbox):
        sandbox.scan(NUMBER, SHIRT, FIRST)
        assert told(onec) == {}


def test_a_version_without_codes_is_read_as_before() -> None:
    options = references.order_options("11.4.2")
    with connected(sandbox={"version": "11.4.2"}, order=options) as (onec, sandbox):
        assert not {MARKS, MARKS_IN_FULL} & sandbox.published
        assert SCANNED not in sandbox.model.types[SHIPMENT].sections
        write(onec, payload())
        sandbox.set_status(NUMBER, "КОтгрузке")
        assert told(onec) == {}


def test_a_base_that_knows_no_any_tells_the_same() -> None:
    with shop() as (onec, sandbox):
        sandbox.scan(NUMBER, SHIRT, FIRST)
        sandbox.faults = [custom("no_lambda")]
        assert told(onec) == {SHIRT: (2, [FIRST]), SHIRT_RED: (1, [])}


def test_codes_that_may_not_be_read_keep_an_order_until_it_is_shipped() -> None:
    with shop() as (onec, sandbox):
        sandbox.scan(NUMBER, SHIRT, FIRST)
        sandbox.hide(next(iter(sandbox.base.objects[MARKS])))
        assert refused(onec) == "marks_hidden"
        sandbox.ship(NUMBER)
        assert told(onec) == {}


def test_what_people_left_of_an_order_is_told_with_its_codes() -> None:
    with shop() as (onec, sandbox):
        sandbox.cancel_lines(NUMBER, {SHIRT: 1})
        assert told(onec) == {SHIRT: (1, []), SHIRT_RED: (1, [])}
        sandbox.scan(NUMBER, SHIRT, FIRST)
        assert told(onec) == {SHIRT: (1, [FIRST]), SHIRT_RED: (1, [])}


def test_codes_are_fetched_anew_only_where_a_shipment_changed() -> None:
    with shop() as (onec, sandbox):
        sandbox.scan(NUMBER, SHIRT, FIRST)
        before = [bytes(raw) for page in onec.read("order_status", None) for raw in page.slices]
        assert [bytes(raw) for page in onec.read("order_status", None) for raw in page.slices] == before
        sandbox.scan(NUMBER, SHIRT, SECOND)
        assert [bytes(raw) for page in onec.read("order_status", None) for raw in page.slices] != before


@pytest.mark.field("E9")
def test_no_code_stands_in_an_address_a_version_or_the_log() -> None:
    with shop() as (onec, sandbox), structlog.testing.capture_logs() as logs:
        sandbox.scan(NUMBER, SHIRT, FIRST)
        told(onec)
        slices = [bytes(raw) for page in onec.read("order_status", None) for raw in page.slices]
        asked = [f"{one.path} {one.query}" for one in sandbox.journal]
    for text in (str(logs), str(slices), str(asked)):
        assert "EXAMPLE" not in text
        assert TAIL not in text
    assert any("ХешСуммаКодаМаркировки" in one for one in asked)


@pytest.mark.parametrize(
    ("kept", "as_catalog", "whole"),
    [
        (FIRST, normalised(FIRST), FIRST),
        (base64.b64encode(FIRST.encode()).decode(), normalised(FIRST), FIRST),
        (GS + FIRST, normalised(FIRST), GS + FIRST),
        (normalised(FIRST), normalised(FIRST), ""),
        (base64.b64encode(normalised(FIRST).encode()).decode(), normalised(FIRST), ""),
        (FIRST.replace("0460", "0461"), normalised(FIRST), ""),
        ("", normalised(FIRST), ""),
        ("04600000000015abcdefgAAAABBBB", "04600000000015abcdefg", "04600000000015abcdefgAAAABBBB"),
        (f"01046000000000152{GS}", "(01)04600000000015", f"01046000000000152{GS}"),
    ],
)
def test_the_pool_keeps_codes_in_two_ways(kept: str, as_catalog: str, whole: str) -> None:
    assert whole_code(kept, as_catalog) == whole
