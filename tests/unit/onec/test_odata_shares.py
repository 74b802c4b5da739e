"""Shares of lists: whatever becomes otherwise has its page looked at again, and no page of another good."""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.onec.odata import needs, shares
from connectors.onec.odata.goods import Goods
from connectors.onec.odata.metadata import Metadata
from connectors.onec.odata.prices import Prices
from connectors.onec.odata.stock import Stock
from connectors.onec.odata.tables import NO_REF, Table, Told, cut_rows, decoder, told_in
from connectors.onec.odata.variants import OWN, UNUSED
from connectors.onec.options import OneCOptions
from obmen.connector import Memory, ShortMemory
from obmen.records import Page
from obmen.testing.clock import FakeClock
from tests.unit.onec.goods_kit import natives

Rows = dict[str, list[dict[str, Any]]]
KIND, PLACE, OTHER_PLACE, RETAIL, WHOLESALE = (f"{number:08x}-0000-4000-8000-00000000aaaa" for number in range(5))
REFS = [f"{number * 7919:08x}-0000-4000-8000-00000000bbbb" for number in range(24)]
VARIANTS = [f"{number * 104729:08x}-0000-4000-8000-00000000cccc" for number in range(12)]
OPTIONS = OneCOptions(url="http://127.0.0.1/base")
CLASSIFIERS = {
    needs.PRICE_TYPES: [{"Ref_Key": RETAIL, "Description": "Розничная"}, {"Ref_Key": WHOLESALE, "Description": "Опт"}],
    needs.WAREHOUSES: [{"Ref_Key": PLACE, "Description": "Склад"}, {"Ref_Key": OTHER_PLACE, "Description": "Другой"}],
    needs.CURRENCIES: [],
}


class Base:
    """Stands where a base does, with rows that a test makes up."""

    def __init__(self, rows: Rows) -> None:
        self._rows = {**rows, **CLASSIFIERS}

    def metadata(self) -> Metadata:
        return Metadata({}, frozenset(self._rows))

    def has_rows(self, _table: Table, _name: str) -> bool:
        return True

    def rows(self, table: Table, kind: Any, *, where: str = "") -> Iterator[list[Any]]:
        yield [msgspec.convert(row, kind, strict=False) for row in self._of(table, where)]

    def raw_rows(self, table: Table, _kind: Any, *, where: str = "") -> Iterator[Told]:
        found = self._of(table, where)
        for start in range(0, len(found), 5):
            told = ",".join(json.dumps(row, ensure_ascii=False) for row in found[start : start + 5])
            yield Told(memoryview(told.encode()), len(found[start : start + 5]))

    def _of(self, table: Table, where: str) -> list[dict[str, Any]]:
        name = table.type.removesuffix("_Balance").removesuffix("_RecordType")
        found = [] if where == "IsFolder eq true" else self._rows.get(name, [])
        return [row for row in found if f"ne '{UNUSED}'" not in where or row["ИспользованиеХарактеристик"] != UNUSED]


def goods(rows: Rows, memory: Memory) -> Iterator[Page]:
    base: Any = Base(rows)
    return Goods(base, lambda: memory).read(None)


def prices(rows: Rows, memory: Memory) -> Iterator[Page]:
    base: Any = Base(rows)
    return Prices(base, OPTIONS, lambda: memory, FakeClock()).read(None)


def stock(rows: Rows, memory: Memory) -> Iterator[Page]:
    base: Any = Base(rows)
    return Stock(base, OPTIONS, lambda: memory).read(None)


READERS = {"goods": goods, "prices": prices, "stock": stock}
CHANGED: dict[str, set[str]] = {
    "goods": {needs.GOODS, needs.CHARACTERISTICS, needs.BARCODES, needs.PICTURES, needs.CHARACTERISTIC_PICTURES},
    "prices": {needs.GOODS, needs.CHARACTERISTICS, needs.PRICES_25},
    "stock": {needs.GOODS, needs.CHARACTERISTICS, needs.SUPPLY_AND_NEED},
}


TROUBLE = """{}[],:\\"ё """
SAID_OF_GOODS = [
    (entity, name) for entity in READERS for name in sorted(CHANGED[entity]) if name != needs.CHARACTERISTIC_PICTURES
]
"""All but the pictures of characteristics, for which each page with characteristics is looked at."""


@st.composite
def bases(draw: st.DrawFn) -> Rows:
    """Goods without characteristics, with their own, and with those of their kind; and rows of them in every list."""
    refs = draw(st.lists(st.sampled_from(REFS), min_size=1, unique=True))
    uses = {ref: draw(st.sampled_from([UNUSED, OWN, "ОбщиеДляВидаНоменклатуры"])) for ref in refs}
    owners = {variant: draw(st.sampled_from([*refs, KIND])) for variant in draw(st.sets(st.sampled_from(VARIANTS)))}
    some = st.lists(st.sampled_from(refs), max_size=12)
    return {
        needs.GOODS: [good(ref, use) for ref, use in uses.items()],
        needs.CHARACTERISTICS: [
            {"Ref_Key": variant, "Owner": owner, "DataVersion": "v1", "Цена": 1} for variant, owner in owners.items()
        ],
        needs.BARCODES: [barcode(ref, number) for number, ref in enumerate(draw(some))],
        needs.PICTURES: [picture(ref, f"p{number}") for number, ref in enumerate(draw(some))],
        needs.CHARACTERISTIC_PICTURES: [picture(variant, "c") for variant in owners],
        needs.PRICES_25: [price(ref, kind) for ref in sorted({*draw(some)}) for kind in (RETAIL, WHOLESALE)],
        needs.SUPPLY_AND_NEED: [rest(ref, draw(st.sampled_from([PLACE, OTHER_PLACE]))) for ref in draw(some)],
    }


def good(ref: str, use: str) -> dict[str, Any]:
    told = {"ВидНоменклатуры_Key": KIND, "ИспользованиеХарактеристик": use, "ТипНоменклатуры": "Товар"}
    return {"Ref_Key": ref, "DataVersion": "v1", **told}


def barcode(ref: str, number: int) -> dict[str, Any]:
    return {"Номенклатура_Key": ref, "Штрихкод": f"{number}", "Упаковка_Key": NO_REF}


def picture(owner: str, name: str) -> dict[str, Any]:
    return {"Ref_Key": name, "ВладелецФайла_Key": owner, "DataVersion": "v1", "Description": name, "Расширение": "jpg"}


def price(ref: str, kind: str, amount: int = 10) -> dict[str, Any]:
    return {"Номенклатура_Key": ref, "ВидЦены_Key": kind, "Цена": amount}


def rest(ref: str, place: str, number: int = 3) -> dict[str, Any]:
    return {"Номенклатура_Key": ref, "Склад_Key": place, "ВНаличииBalance": number}


_OTHER: dict[str, dict[str, Any]] = {
    needs.GOODS: {"DataVersion": "v2", "ИспользованиеХарактеристик": UNUSED},
    needs.CHARACTERISTICS: {"DataVersion": "v2", "Owner": KIND},
    needs.BARCODES: {"Штрихкод": "999", "Номенклатура_Key": REFS[0]},
    needs.PICTURES: {"DataVersion": "v2", "Description": "other"},
    needs.CHARACTERISTIC_PICTURES: {"DataVersion": "v2", "ВладелецФайла_Key": VARIANTS[0]},
    needs.PRICES_25: {"Цена": 11, "Номенклатура_Key": REFS[0]},
    needs.SUPPLY_AND_NEED: {"ВНаличииBalance": 4, "Склад_Key": OTHER_PLACE},
}


def otherwise(draw: Callable[[st.SearchStrategy[Any]], Any], rows: Rows, name: str) -> Rows:
    """Return the rows with one of a list changed in one property, gone, or told before all others."""
    changed = deepcopy(rows)
    if not changed[name]:
        return changed
    at = draw(st.integers(0, len(changed[name]) - 1))
    act = draw(st.sampled_from(["change", "remove", "move"]))
    row = changed[name].pop(at)
    if act == "change":
        told = draw(st.sampled_from(sorted(_OTHER[name])))
        changed[name].insert(at, row | {told: _OTHER[name][told]})
    elif act == "move":
        changed[name].insert(0, row)
    return changed


def taken(pages: Iterator[Page]) -> list[tuple[bytes, tuple[bytes, ...]]]:
    """Return what each page is told apart by, and what is on it."""
    return [(page.salt + page.mark, tuple(page.slices)) for page in pages]


@pytest.mark.parametrize("entity", READERS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_pages_of_one_mark_hold_the_same_whatever_row_became_otherwise(entity: str, data: st.DataObject) -> None:
    read, rows = READERS[entity], data.draw(bases())
    changed = otherwise(data.draw, rows, data.draw(st.sampled_from(sorted(CHANGED[entity]))))
    memory = ShortMemory()
    with patch.object(shares, "ROWS", 3):
        before, after = taken(read(rows, memory)), taken(read(changed, memory))
        fresh = taken(read(changed, ShortMemory()))
    assert [slices for _, slices in fresh] == [slices for _, slices in after]
    assert [mark for mark, _ in fresh] == [mark for mark, _ in after]
    if len(before) == len(after):
        for (mark, slices), (mark_now, slices_now) in zip(before, after, strict=True):
            assert mark != mark_now or slices == slices_now


@pytest.mark.parametrize("entity", READERS)
@settings(max_examples=30, deadline=None)
@given(rows=bases())
def test_shares_hold_together_what_one_share_of_all_holds(entity: str, rows: Rows) -> None:
    read = READERS[entity]
    whole = taken(read(rows, ShortMemory()))
    with patch.object(shares, "ROWS", 1):
        cut = taken(read(rows, ShortMemory()))
    assert len(whole) == 1
    assert sorted(one for _, slices in cut for one in slices) == sorted(whole[0][1])


def many() -> Rows:
    """Return a base of two dozen goods, of which every third has a characteristic of its own."""
    uses = {ref: OWN if number % 3 == 0 else UNUSED for number, ref in enumerate(REFS)}
    owned = [(VARIANTS[number], ref) for number, ref in enumerate(ref for ref, use in uses.items() if use == OWN)]
    return {
        needs.GOODS: [good(ref, use) for ref, use in uses.items()],
        needs.CHARACTERISTICS: [{"Ref_Key": ref, "Owner": owner, "DataVersion": "v1"} for ref, owner in owned],
        needs.BARCODES: [barcode(ref, number) for number, ref in enumerate(REFS)],
        needs.PICTURES: [picture(ref, f"p{number}") for number, ref in enumerate(REFS)],
        needs.CHARACTERISTIC_PICTURES: [],
        needs.PRICES_25: [price(ref, kind) for ref in REFS for kind in (RETAIL, WHOLESALE)],
        needs.SUPPLY_AND_NEED: [rest(ref, PLACE) for ref in REFS],
    }


@pytest.mark.parametrize(("entity", "name"), SAID_OF_GOODS)
def test_a_row_that_is_gone_has_one_page_looked_at_again(entity: str, name: str) -> None:
    rows, memory = many(), ShortMemory()
    fewer = {**rows, name: rows[name][:3] + rows[name][4:]}
    with patch.object(shares, "ROWS", 4):
        before, after = taken(READERS[entity](rows, memory)), taken(READERS[entity](fewer, memory))
    assert len(before) == (16 if entity == "prices" else 8)
    assert sum(one != other for (one, _), (other, _) in zip(before, after, strict=True)) == 1


@pytest.mark.parametrize("entity", READERS)
def test_lists_that_are_as_they_were_are_not_dealt_again(entity: str, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = ShortMemory()
    marks = [page.mark for page in READERS[entity](many(), memory)]
    monkeypatch.setattr(shares.Shares, "_deal", lambda *_: pytest.fail("rows were dealt"))
    assert [page.mark for page in READERS[entity](many(), memory)] == marks


def test_a_lost_memory_costs_no_more_than_looking_again() -> None:
    memory = ShortMemory()
    marks = [page.mark for page in stock(many(), memory)]
    for wrong in (b"", b"x", (memory.get("odata.marks.stock") or b"")[:-1]):
        memory.put("odata.marks.stock", wrong)
        assert [page.mark for page in stock(many(), memory)] == marks


def test_what_a_price_is_for_is_known_again_though_no_row_is_decoded() -> None:
    rows, memory, box = many(), ShortMemory(), "00000009-0000-4000-8000-00000000dddd"
    rows[needs.PRICES_25][0]["УпаковкаЦО_Key"] = box
    base: Any = Base(rows | {needs.UNITS: []})
    asked: list[set[str]] = []
    with patch("connectors.onec.odata.words.Words.look_up", lambda _self, _name, refs: asked.append(set(refs))):
        for _ in range(2):
            list(Prices(base, OPTIONS, lambda: memory, FakeClock()).read(None))
    assert asked == [{box}, {box}]


def test_rests_in_several_rows_are_one_sum() -> None:
    rows = many()
    rows[needs.SUPPLY_AND_NEED] = [rest(REFS[1], PLACE, 3), rest(REFS[1], PLACE, 4), rest(REFS[1], "nowhere", 5)]
    told = {
        native["Ид"]: native["Количество"] for native in natives(stock(rows, ShortMemory())) if native["Количество"]
    }
    assert told == {REFS[1]: 7}


@given(
    st.lists(st.dictionaries(st.sampled_from("ab"), st.text(TROUBLE, max_size=4), min_size=1), min_size=1, max_size=6),
    st.sampled_from([None, 0, 2]),
    st.data(),
)
def test_rows_are_told_as_they_stand_in_an_answer_however_it_is_written(
    rows: list[dict[str, str]], indent: int | None, data: st.DataObject
) -> None:
    last = data.draw(st.integers(1, len(rows)))
    answer = json.dumps({"odata.metadata": "[{", "value": rows, "odata.count": "]}"}, indent=indent).encode()
    told = told_in(answer, decoder(msgspec.Raw).decode(answer).value, last)
    assert msgspec.json.decode(b"[" + told.rows + b"]") == rows[-last:]
    assert told.number == last
    assert [msgspec.json.decode(raw) for raw in cut_rows(bytes(told.rows))] == rows[-last:]
