from __future__ import annotations

from pathlib import Path

import pytest

from connectors.onec.commerceml import CommerceML, Problem

from .commerceml_kit import catalogue, document, good, offer, package, price, write


def problems(path: Path) -> list[Problem]:
    return list(CommerceML(path).problems())


@pytest.mark.field("N19")
def test_doubled_articles_are_named_with_every_line(tmp_path: Path) -> None:
    goods = [
        good("a", "А &amp; 1"),
        good("b", "Б"),
        good("c", "А &amp; 1"),
        good("d", "Г"),
        good("e", "Б"),
        good("f", "В"),
    ]
    write(tmp_path / "import0_1.xml", document(catalogue(*goods)))
    sold = [offer(id_, price("1")) for id_ in "abcdef"]
    single = [offer("x", "<Артикул>В</Артикул>" + price("1")), offer("y", "<Артикул>Д</Артикул>" + price("1"))]
    write(tmp_path / "offers0_1.xml", document(package(*sold, *single)))
    found = problems(tmp_path)
    assert {problem.code for problem in found} == {"doubled_article"}
    assert {problem.message.split("'")[1]: problem.places for problem in found} == {
        "А & 1": ("import0_1.xml:6", "import0_1.xml:8"),
        "Б": ("import0_1.xml:7", "import0_1.xml:10"),
        "В": ("import0_1.xml:11", "offers0_1.xml:12"),
    }
    assert str(found[0]) == (
        "Артикул 'А & 1' stands for 2 goods. Give each its own in 1C. (import0_1.xml:6, import0_1.xml:8)"
    )


def test_variants_may_share_the_article_of_their_good(tmp_path: Path) -> None:
    coded = "<Артикул>{}</Артикул>" + price("1")
    offers = [("a#0", "А"), ("a#1", "А"), ("a#2", "А"), ("b#1", "А-1"), ("z#1", "Я"), ("z#2", "Я")]
    text = document(
        catalogue(good("a", "А"), good("b", "Б")),
        package(*(offer(id_, coded.format(article)) for id_, article in offers)),
    )
    assert problems(write(tmp_path / "all.xml", text)) == []
    other = text.replace("<Ид>b#1</Ид>", "<Ид>a#9</Ид>").replace("<Артикул>Б<", "<Артикул>А-1<")
    assert [problem.code for problem in problems(write(tmp_path / "all.xml", other))] == ["doubled_article"]


def test_a_good_given_twice_is_named_unless_changes_repeat_it(tmp_path: Path) -> None:
    for changes, codes in (("false", ["doubled_id"]), ("true", [])):
        write(tmp_path / "import0_1.xml", document(catalogue(good("a", "А"), changes=changes)))
        write(tmp_path / "import0_2.xml", document(catalogue(good("a", "А"), changes=changes)))
        found = problems(tmp_path)
        assert [problem.code for problem in found] == codes
    write(tmp_path / "import0_2.xml", document(catalogue(good("b", "Б"), good("b", "Б"))))
    write(tmp_path / "import0_1.xml", document(catalogue(good("a", "А"))))
    (found,) = problems(tmp_path)
    assert found.places == ("import0_2.xml:6", "import0_2.xml:7")
    assert "Товар b is given 2 times" in found.message


def test_offers_without_a_price_are_counted_and_the_first_are_named(tmp_path: Path) -> None:
    write(tmp_path / "offers.xml", document(package(*(offer(f"o{n}") for n in range(9)))))
    write(tmp_path / "prices.xml", document(package(offer("o0", price("5"), name=""))))
    (found,) = problems(tmp_path)
    assert found.code == "no_price"
    assert "without a price: 8" in found.message
    assert found.places == tuple(f"offers.xml:{line}" for line in range(7, 12))


def test_changes_without_a_price_are_no_problem(tmp_path: Path) -> None:
    assert problems(write(tmp_path / "offers.xml", document(package(offer("a"), changes="true")))) == []


def test_places_are_right_in_every_encoding_and_however_long_the_file_is(tmp_path: Path) -> None:
    goods = [good(f"g{n}", f"А-{n}", "<Описание>" + "строка\n" * 20 + "</Описание>") for n in range(3000)]
    goods[2999] = good("last", "А-1500")
    for encoding, declared in (("utf-8", "UTF-8"), ("cp1251", "windows-1251"), ("utf-8-sig", "UTF-8")):
        text = document(catalogue(*goods), encoding=declared)
        path = write(tmp_path / "import.xml", text, encoding)
        (found,) = problems(path)
        lines = [text[: text.index(f"<Ид>{id_}</Ид>")].count("\n") + 1 for id_ in ("g1500", "last")]
        assert found.places == tuple(f"import.xml:{line}" for line in lines)
