"""A list that changes while it is read by pages: each row once, and none left out."""

import random
from collections.abc import Callable

import pytest

from connectors.onec.odata.client import OData
from connectors.onec.odata.needs import GOODS
from connectors.onec.odata.tables import balance, either, slice_last
from connectors.onec.odata.walk import LARGEST_TOP, walk
from obmen.errors import Refused, Unavailable
from obmen.http import Transport
from tests.unit.onec.goods_kit import door

ROW = 20_000
"""Bytes of a row: about fifty make a page."""


class List:
    """A list that people change between two calls."""

    def __init__(self, rows: range) -> None:
        self.rows = list(rows)
        self.calls: list[tuple[int, int]] = []
        self.between: Callable[[int], None] = lambda _call: None

    def fetch(self, skip: int, top: int) -> tuple[list[int], int]:
        if self.calls:
            self.between(len(self.calls))
        self.calls.append((skip, top))
        page = self.rows[skip : skip + top]
        return page, ROW * len(page)

    def read(self) -> list[int]:
        return [row for page in walk(self.fetch, lambda row: row) for row in page]


def test_a_list_that_stands_still_is_read_with_one_row_in_common() -> None:
    told = List(range(230))
    assert told.read() == list(range(230))
    assert told.calls == [(0, 100), (99, 51), (149, 51), (199, 51)]


@pytest.mark.parametrize("gone", [range(1), range(98, 99), range(99, 100), range(50), range(95, 105), range(30, 99)])
def test_what_is_deleted_hides_nothing_that_stays(gone: range) -> None:
    told = List(range(400))

    def delete(call: int) -> None:
        if call == 1:
            told.rows = [row for row in told.rows if row not in gone]

    told.between = delete
    found = told.read()
    assert len(found) == len(set(found))
    assert set(found) >= set(range(400)) - set(gone)


@pytest.mark.parametrize("count", [1, 3, 49, 140])
def test_what_is_added_before_the_place_repeats_nothing(count: int) -> None:
    told = List(range(1000, 1400))

    def add(call: int) -> None:
        if call == 2:
            told.rows = [*range(count), *told.rows]

    told.between = add
    found = told.read()
    assert found == list(range(1000, 1400))


def test_any_changes_leave_out_nothing_that_was_there_all_the_time() -> None:
    for seed in range(60):
        draw = random.Random(seed)
        told = List(range(0, 3000, 3))
        stays = set(told.rows)

        def change(_call: int, told: List = told, draw: random.Random = draw, stays: set[int] = stays) -> None:
            for row in draw.sample(told.rows, draw.randrange(4)):
                stays.discard(row)
                told.rows.remove(row)
            told.rows = sorted({*told.rows, *(3 * draw.randrange(1000) + 1 for _ in range(draw.randrange(4)))})

        told.between = change
        found = told.read()
        assert len(found) == len(set(found)), seed
        assert stays <= set(found), seed


@pytest.mark.parametrize("left", [range(1000, 1400), range(150, 400)])
def test_a_place_that_is_lost_ends_the_read_instead_of_guessing(left: range) -> None:
    told = List(range(400))

    def replace(call: int) -> None:
        if call == 1:
            told.rows = list(left)

    told.between = replace
    with pytest.raises(Unavailable, match="the place in it is lost"):
        told.read()


def test_pages_grow_with_small_rows_and_not_beyond_a_bound() -> None:
    rows = list(range(25_000))
    tops: list[int] = []

    def fetch(skip: int, top: int) -> tuple[list[int], int]:
        tops.append(top)
        return rows[skip : skip + top], 2 * len(rows[skip : skip + top])

    assert sum(len(page) for page in walk(fetch, lambda row: row)) == 25_000
    assert tops == [100, LARGEST_TOP + 1, LARGEST_TOP + 1, LARGEST_TOP + 1]


def test_an_answer_that_is_too_large_is_asked_for_in_parts() -> None:
    rows, most = list(range(300)), 30

    def fetch(skip: int, top: int) -> tuple[list[int], int]:
        page = rows[skip : skip + top]
        if len(page) > most:
            raise Refused("too much", code="too_large")
        return page, ROW * len(page)

    assert [row for page in walk(fetch, lambda row: row) for row in page] == rows


def test_a_real_answer_that_is_too_large_is_asked_for_in_parts() -> None:
    with door() as one:
        one.ut.fill(120)
        old = one.onec.http.transport
        one.onec.http.transport = Transport(
            base_url=old.base_url, headers=old.headers, auth=old.auth, explain=old.explain, largest_answer=200_000
        )
        pages = list(one.base().pages(GOODS, where="IsFolder eq false"))
        tops = [int(exchange.query["$top"]) for exchange in one.ut.journal if "$top" in exchange.query]
    assert sum(map(len, pages)) == 120
    assert tops[:2] == [100, 25]


def test_a_good_that_is_deleted_between_two_pages_hides_no_other() -> None:
    with door() as one:
        one.ut.fill(150)
        base = OData(one.onec.http)
        pages = base.pages(GOODS, where="IsFolder eq false", select=("Ref_Key",))
        first = next(pages)
        refs = [row["Ref_Key"] for row in first]
        one.ut.delete_for_good(refs[0])
        one.ut.delete_for_good(refs[-1])
        refs += [row["Ref_Key"] for page in pages for row in page]
    assert len(refs) == len(set(refs)) == 150


@pytest.mark.parametrize("count", [1, 100])
def test_a_long_condition_does_not_stand_in_a_part_of_the_address(count: int) -> None:
    refs = [f"bbbbbbbb-0000-4000-8000-{number:012d}" for number in range(count)]
    for where in either("Номенклатура_Key", refs):
        for table in (
            slice_last("InformationRegister_ЦеныНоменклатуры", (), "datetime'2026-06-15T09:00:00'", where),
            balance("AccumulationRegister_ТоварыНаСкладах", (), ("Номенклатура", "Склад"), where),
        ):
            assert all(len(part) <= 260 for part in table.path.split("/"))
            assert "guid''" in f"{table.path}{table.options}"


@pytest.mark.parametrize("version", ["11.4.2", "11.5.20"])
def test_a_web_server_that_refuses_long_addresses_serves_everything(version: str) -> None:
    with door(version, sandbox={"iis": True}) as one:
        one.ut.fill(40)
        items = list(one.ut.state()["stock"])
        prices, stock = list(one.prices().look_up(items)), list(one.stock().look_up(items))
        assert {native["Ид"] for native in prices} == {native["Ид"] for native in stock} == set(items)
        assert one.asked()
