from __future__ import annotations

import random
from pathlib import Path

import pytest

from connectors.onec.commerceml import CommerceML, join, pages
from connectors.onec.commerceml.files import CHUNK
from obmen.errors import IncompleteSource, Refused
from obmen.records import Native

from .commerceml_kit import by_id, catalogue, document, good, natives, offer, package, price, write

TRAITS = (
    "<ХарактеристикиТовара><ХарактеристикаТовара><Наименование>Размер</Наименование>"
    "<Значение>{}</Значение></ХарактеристикаТовара></ХарактеристикиТовара>"
)
COLOUR = (
    "<ЗначенияСвойств><ЗначенияСвойства><Ид>Цвет</Ид><Значение>синий</Значение></ЗначенияСвойства></ЗначенияСвойств>"
)


def products(path: Path) -> dict[str, Native]:
    return by_id(natives(CommerceML(path).products()))


def test_a_good_is_sold_by_its_variants(tmp_path: Path) -> None:
    text = document(
        catalogue(
            good("a", "А-1", "<Описание>Общее</Описание><Штрихкод>1</Штрихкод>" + COLOUR),
            good("b", "Б-1"),
        ),
        package(
            offer("a#1", "<Артикул>А-1</Артикул><Штрихкод>11</Штрихкод>" + TRAITS.format("S"), name="Вещь (S)"),
            offer("a#2", "<Артикул>А-1-M</Артикул>" + TRAITS.format("M"), name="Вещь (M)"),
        ),
    )
    found = products(write(tmp_path / "all.xml", text))
    assert found.keys() == {"a#1", "a#2", "b"}
    assert found["a#1"] == {
        "Ид": "a#1",
        "ИдТовара": "a",
        "АртикулТовара": "А-1",
        "Наименование": "Вещь (S)",
        "Описание": "Общее",
        "Штрихкод": ["11"],
        "Свойства": {"Цвет": "синий", "Размер": "S"},
        "Удален": False,
    }
    assert (found["a#2"]["Артикул"], found["a#2"]["АртикулТовара"]) == ("А-1-M", "А-1")
    assert found["a#2"]["Штрихкод"] == ["1"], "inherited"
    assert found["b"] == {"Ид": "b", "Артикул": "Б-1", "Наименование": "Вещь", "Удален": False}


def test_an_offer_fills_in_what_its_good_lacks_and_overrules_nothing(tmp_path: Path) -> None:
    text = document(
        catalogue(good("a", "А-1", "<Описание/>", name="Из каталога")),
        package(offer("a", "<Описание>Из предложения</Описание><Штрихкод>7</Штрихкод>", name="Из предложения")),
    )
    (found,) = products(write(tmp_path / "all.xml", text)).values()
    assert found["Наименование"] == "Из каталога"
    assert found["Описание"] == "Из предложения"
    assert found["Штрихкод"] == ["7"]


def test_a_good_and_its_variant_may_both_be_sold(tmp_path: Path) -> None:
    text = document(catalogue(good("a", "А-1")), package(offer("a"), offer("a#1")))
    assert products(write(tmp_path / "all.xml", text)).keys() == {"a", "a#1"}


def test_a_catalogue_may_list_variants_as_goods(tmp_path: Path) -> None:
    text = document(
        catalogue(good("a#1", "А-1"), good("a#2", "А-1")), package(offer("a#2"), offer("a#1"), offer("a#3"))
    )
    found = products(write(tmp_path / "all.xml", text))
    assert found.keys() == {"a#1", "a#2", "a#3"}
    assert {native["ИдТовара"] for native in found.values()} == {"a"}


@pytest.mark.parametrize("window", [1, 4096])
def test_a_good_that_is_listed_twice_does_not_double_its_offers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    monkeypatch.setattr(join, "WINDOW", window)
    offers = (offer("z"), offer("y"), offer("a#1", "<Штрихкод>1</Штрихкод>"), offer("a#2", "<Штрихкод>2</Штрихкод>"))
    text = document(catalogue(good("a"), good("a#1"), good("y"), good("z")), package(*offers))
    found = natives(CommerceML(write(tmp_path / "all.xml", text)).products())
    assert sorted(native["Штрихкод"][0] for native in found if "Штрихкод" in native) == ["1", "2"]


def test_a_variant_without_its_good_is_known_by_its_id(tmp_path: Path) -> None:
    text = document(package(offer("a#1", "<Артикул>А-1</Артикул>"), offer("a#2", "<Артикул>А-1</Артикул>")))
    for native in products(write(tmp_path / "all.xml", text)).values():
        assert "Артикул" not in native
        assert native["АртикулТовара"] == "А-1"


def test_deletion_of_the_good_or_of_the_offer_counts(tmp_path: Path) -> None:
    text = document(
        catalogue(good("a").replace("<Товар>", '<Товар Статус="Удален">'), good("b")),
        package(offer("a#1"), offer("b#1", "<ПометкаУдаления>true</ПометкаУдаления>"), offer("b#2")),
    )
    found = products(write(tmp_path / "all.xml", text))
    assert {id_: native["Удален"] for id_, native in found.items()} == {"a#1": True, "b#1": True, "b#2": False}


@pytest.mark.parametrize(
    "daily",
    [
        "{}<Количество>{}</Количество>",
        '{}<Количество>1</Количество><Склад ИдСклада="w" КоличествоНаСкладе="{}"/>\n<Склад ИдСклада="v" Остаток="1"/>',
        "{}<Остатки><Остаток><Склад><Ид>w</Ид><Количество>{}</Количество></Склад></Остаток></Остатки>",
        "{}<НомерВерсии>1</НомерВерсии><Количество>{}</Количество>",
    ],
)
def test_a_new_price_or_rest_leaves_the_product_as_it_was(tmp_path: Path, daily: str) -> None:
    def slices(amount: str, count: str) -> list[bytes]:
        text = document(
            catalogue(good("a")), package(offer("a", daily.format(price(amount), count)), offer("b", price(amount)))
        )
        return [piece for page in CommerceML(write(tmp_path / "all.xml", text)).products() for piece in page.slices]

    assert slices("5", "1") == slices("6", "200")


def test_prices_and_rests_alone_are_no_products(tmp_path: Path) -> None:
    write(tmp_path / "import.xml", document(catalogue(good("a"))))
    rest = "<Остатки><Остаток><Склад><Ид>w</Ид><Количество>1</Количество></Склад></Остаток></Остатки>"
    write(
        tmp_path / "prices.xml", document(package(offer("a#1", price("5"), name=""), offer("z", price("6"), name="")))
    )
    write(tmp_path / "rests.xml", document(package(offer("z", rest, name=""))))
    assert products(tmp_path).keys() == {"a"}


def export(folder: Path, goods: list[str], offers: list[str], encoding: str = "utf-8", note: str = "") -> Path:
    declared = {"cp1251": "windows-1251"}.get(encoding, "UTF-8")
    half = len(offers) // 2
    write(folder / "import0_1.xml", document(catalogue(*map(good, goods), note), encoding=declared), encoding)
    for portion, some in enumerate((offers[:half], offers[half:]), 1):
        text = document(package(*(offer(id_, price("1"), name=f"Н {id_}") for id_ in some), note), encoding=declared)
        write(folder / f"offers0_{portion}.xml", text, encoding)
    return folder


@pytest.mark.parametrize("window", [4, 4096])
@pytest.mark.parametrize(("encoding", "note"), [("utf-8", ""), ("cp1251", ""), ("utf-8", "<!-- parsed -->")])
def test_the_order_of_files_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: int, encoding: str, note: str
) -> None:
    """Goods in any order, with or without offers; offers in any order, with or without goods."""
    monkeypatch.setattr(join, "WINDOW", window)
    monkeypatch.setattr(pages, "PAGE", 7)
    dice = random.Random(5)
    goods = [f"g{number}" for number in range(60)]
    offers = [f"g{number}#{v}" for number in range(20, 40) for v in range(3)]
    offers += [f"g{number}" for number in range(40, 70)]
    expected = {*(f"g{number}" for number in range(20)), *offers}
    for shuffled in range(4):
        if shuffled:
            dice.shuffle(goods)
            dice.shuffle(offers)
        folder = export(tmp_path / str(shuffled), goods, offers, encoding, note)
        found = products(folder)
        assert found.keys() == expected
        for id_, native in found.items():
            assert native["Наименование"] == ("Вещь" if "#" not in id_ and id_ in goods else f"Н {id_}")
        assert [len(page.slices) for page in CommerceML(folder).products()] == [7] * (110 // 7) + [110 % 7]


def test_giants_are_held_a_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(join, "WINDOW_BYTES", 20_000)
    monkeypatch.setattr(pages, "PAGE_BYTES", 30_000)
    fat = "<Описание>" + "о" * 5000 + "</Описание>"
    ids = [f"g{number}" for number in range(20)]
    offers = (offer(id_, fat + price("1")) for id_ in reversed(ids))
    text = document(catalogue(*(good(id_, extra=fat) for id_ in ids)), package(*offers))
    source = CommerceML(write(tmp_path / "all.xml", text))
    assert by_id(natives(source.products())).keys() == set(ids)
    assert by_id(natives(source.prices())).keys() == set(ids)
    for read in (source.products, source.prices):
        sizes = [sum(map(len, page.slices)) for page in read()]
        assert len(sizes) > 1
        assert max(sizes) < 30_000 + CHUNK


def test_a_file_that_changes_before_an_offer_is_looked_up_again_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(join, "WINDOW", 1)
    monkeypatch.setattr(pages, "PAGE", 1)
    folder = export(tmp_path, ["a", "b", "c"], ["x", "c", "b", "a"])
    found = CommerceML(folder).products()
    next(found)
    path = folder / "offers0_1.xml"
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(IncompleteSource, match="changed while it was being read"):
        natives(found)


def test_a_broken_offer_is_named_with_both_places(tmp_path: Path) -> None:
    write(tmp_path / "import.xml", document(catalogue(good("a"))))
    write(tmp_path / "offers.xml", document(package(offer("a#1"), offer("a#2").replace("</Наименование>", ""))))
    (page,) = CommerceML(tmp_path).products()
    fine, broken = page.slices
    assert len(list(page.decode(fine))) == 1
    with pytest.raises(Refused, match=r"^import\.xml:6 with offers\.xml:7: The record is no XML"):
        list(page.decode(broken))


DAY = "2026-02-0{}T09:00:00"


def test_the_newest_of_overlapping_files_counts_and_each_id_is_given_once(tmp_path: Path) -> None:
    def portion(name: str, day: int, changes: str, amount: str, *ids: str) -> None:
        offers = (offer(id_, price(amount) + f"<Количество>{amount}</Количество>", name=f"Н {amount}") for id_ in ids)
        text = document(package(*offers, changes=changes), made_at=DAY.format(day))
        write(tmp_path / name, text)

    portion("offers0_2.xml", 1, "false", "1", "a", "b", "c")
    portion("offers0_1.xml", 3, "true", "3", "b", "d#1")
    portion("offers0_10.xml", 2, "true", "2", "b", "c")
    source = CommerceML(tmp_path)
    expected = {"a": "1", "b": "3", "c": "2", "d#1": "3"}
    for read, field in ((source.prices, "ЦенаЗаЕдиницу"), (source.stocks, "Количество")):
        assert {id_: native[field] for id_, native in by_id(natives(read())).items()} == expected
        assert {page.where: page.partial for page in read()} == {
            "offers0_1.xml": True,
            "offers0_10.xml": True,
            "offers0_2.xml": False,
        }
    assert {id_: native["Наименование"] for id_, native in products(tmp_path).items()} == {
        id_: f"Н {amount}" for id_, amount in expected.items()
    }


def test_files_of_one_moment_are_told_apart_by_their_names(tmp_path: Path) -> None:
    for number in (2, 10):
        text = document(package(offer("a", price(str(number))), changes="true"))
        write(tmp_path / f"prices0_{number}.xml", text)
    (found,) = natives(CommerceML(tmp_path).prices())
    assert found["ЦенаЗаЕдиницу"] == "10"


def test_variants_whose_characteristic_stands_apart_are_told_apart(tmp_path: Path) -> None:
    for day, number in ((1, 1), (2, 2)):
        apart = (offer("a", f"<ИдХарактеристики>{n}</ИдХарактеристики>" + price("5")) for n in (number, 3))
        write(tmp_path / f"{day}.xml", document(package(*apart, changes="true"), made_at=DAY.format(day)))
    assert by_id(natives(CommerceML(tmp_path).prices())).keys() == {"a#1", "a#2", "a#3"}
    assert products(tmp_path).keys() == {"a#1", "a#2", "a#3"}


def test_a_newer_file_that_says_nothing_of_prices_hides_none(tmp_path: Path) -> None:
    write(
        tmp_path / "prices.xml",
        document(package(offer("a", price("5"), name=""), changes="true"), made_at=DAY.format(1)),
    )
    rest = document(package(offer("a", "<Количество>2</Количество>", name=""), changes="true"), made_at=DAY.format(2))
    write(tmp_path / "rests.xml", rest)
    write(tmp_path / "import.xml", document(catalogue(good("a", "А-1"), changes="true"), made_at=DAY.format(1)))
    source = CommerceML(tmp_path)
    assert [native["ЦенаЗаЕдиницу"] for native in natives(source.prices())] == ["5"]
    assert [native["Количество"] for native in natives(source.stocks())] == ["2"]
    assert products(tmp_path)["a"]["Артикул"] == "А-1"


def test_only_changes_by_another_name_are_changes_too(tmp_path: Path) -> None:
    text = document(package(offer("a", price("5")))).replace("ПакетПредложений", "ИзмененияПакетаПредложений")
    (page,) = CommerceML(write(tmp_path / "offers.xml", text)).prices()
    assert page.partial
    assert len(page.slices) == 1


def test_names_come_from_whatever_file_tells_them_the_newest_first(tmp_path: Path) -> None:
    def storages(day: int, name: str) -> str:
        named = f"<Склад><Ид>w</Ид><Наименование>{name}</Наименование></Склад>"
        return document(f"<Классификатор><Склады>{named}</Склады></Классификатор>", made_at=DAY.format(day))

    write(tmp_path / "storages" / "1" / "storages___1.xml", storages(1, "Старый"))
    write(tmp_path / "storages" / "2" / "storages___2.xml", storages(2, "Новый"))
    text = document(package(offer("a", '<Склад ИдСклада="w" КоличествоНаСкладе="1"/>')), made_at=DAY.format(1))
    write(tmp_path / "rests" / "1" / "rests___1.xml", text)
    (found,) = natives(CommerceML(tmp_path).stocks())
    assert found["Склад"] == "Новый"


def test_a_file_that_mixes_what_cannot_be_ordered_is_refused(tmp_path: Path) -> None:
    text = document(catalogue(good("a")), package(offer("a", price("1"))), catalogue(good("b")))
    with pytest.raises(IncompleteSource, match="in turns"):
        natives(CommerceML(write(tmp_path / "import.xml", text)).products())
