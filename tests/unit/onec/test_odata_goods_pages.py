"""Pages of goods: what they are told apart by, and that a page that is as it was costs nothing more."""

from collections import Counter
from collections.abc import Callable

import pytest

from connectors.onec.odata.needs import GOODS
from connectors.onec.odata.parts import Tally
from connectors.onec.sandbox.hands.goods import Variant
from obmen.records import Page
from tests.unit.onec.goods_kit import by_item, door, natives, natives_of


def test_a_page_holds_all_of_some_goods_and_a_new_good_moves_none_of_them() -> None:
    def goods_of(page: Page) -> set[bytes]:
        return {raw.partition(b"#")[0].partition(b'",')[0] for raw in page.slices}

    with door() as one:
        one.ut.fill(1200)
        pages = [(page.mark, goods_of(page)) for page in one.goods().read(None)]
        one.ut.add_good("Чайник")
        after = [(page.mark, goods_of(page)) for page in one.goods().read(None)]
    assert sum(len(goods) for _, goods in pages) == len(set().union(*(goods for _, goods in pages))) == 1200
    assert len(pages) == len(after) == 4
    assert min(len(goods) for _, goods in pages) > 200
    assert sum(before != now for before, now in zip(pages, after, strict=True)) == 1


@pytest.mark.parametrize(
    "act",
    ["nothing", "good", "characteristic", "barcode", "barcode away", "picture", "group renamed", "unit", "brand"],
)
def test_the_mark_of_a_page_changes_with_whatever_changes_its_slices(act: str) -> None:
    def marks() -> list[tuple[bytes, bytes]]:
        return [(page.salt, page.mark) for page in one.goods().read(None)]

    with door() as one:
        group = one.ut.add_group("Куртки")
        coat = one.ut.add_good("Куртка", group=group, brand="Выдумка", characteristics=[Variant("S")])
        package = one.ut.add_unit(coat, "короб", 12)
        small = one.ut.characteristic(coat, "S")
        one.ut.add_barcode(small, "2000000000022")
        before = marks()
        acts: dict[str, Callable[[], object]] = {
            "nothing": lambda: None,
            "good": lambda: one.ut.touch(coat),
            "characteristic": lambda: one.ut.touch(small.partition("#")[2]),
            "barcode": lambda: one.ut.add_barcode(small, "2000000000039"),
            "barcode away": lambda: one.ut.remove_barcode("2000000000022"),
            "picture": lambda: one.ut.add_image(coat, b"x"),
            "group renamed": lambda: one.ut.change(group, Description="Пуховики"),
            "unit": lambda: one.ut.change(package, ТипИзмеряемойВеличины="КоличествоШтук"),
            "brand": lambda: one.ut.change(one.ut.object(coat)["Марка_Key"], Description="Задумка"),
        }
        acts[act]()
        after = marks()
    assert len(before) == len(after) == 1
    assert (before == after) == (act == "nothing")


def test_an_unchanged_base_is_read_without_decoding_a_row_or_asking_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    with door() as one:
        one.ut.fill(50)
        asked = [page.mark for page in one.goods().read(None)]
        one.asked()
        monkeypatch.setattr("connectors.onec.odata.goods._Slices.of", lambda *_: pytest.fail("slices were made"))
        assert [page.mark for page in one.goods().read(None)] == asked
        assert all(count == 1 for name, count in Counter(one.asked()).items() if name != GOODS)


def test_a_first_read_asks_for_the_barcodes_of_many_goods_at_once() -> None:
    with door() as one:
        one.ut.fill(400)
        one.asked()
        found = by_item(natives(one.goods().read(None)))
        asked = one.asked()
        some = list(found)[::7]
        assert natives_of(one, *some) == {item: found[item] for item in some}
    assert asked.count("InformationRegister_ШтрихкодыНоменклатуры") <= 4
    assert all(native["Штрихкоды"] for native in found.values())


def test_what_belongs_to_a_good_is_counted_in_any_order_and_nothing_of_it_is_missed() -> None:
    rows = [(f"good {number % 50}", f"part {number}") for number in range(500)]
    forth, back, less = Tally(), Tally(), Tally()
    forth.add(rows)
    back.add(rows[250:])
    back.add(reversed(rows[:250]))
    less.add(rows[:-1])
    owners = [f"good {number}" for number in range(50)]
    assert [forth.of(owner) for owner in owners] == [back.of(owner) for owner in owners]
    assert [owner for owner in owners if forth.of(owner) != less.of(owner)] == ["good 49"]
    assert forth.of("good 50") == 0
