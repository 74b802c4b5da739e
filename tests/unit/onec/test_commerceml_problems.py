from __future__ import annotations

import re
from pathlib import Path

from connectors.onec.commerceml import CommerceML, Problem

from .commerceml_kit import catalogue, document, good, offer, package, price, write


def problems(path: Path) -> list[Problem]:
    return list(CommerceML(path).problems())


def test_a_good_with_variants_given_twice_is_named_unless_changes_repeat_it(tmp_path: Path) -> None:
    write(tmp_path / "offers0_1.xml", document(package(offer("a#1", price("1")), offer("b", price("1")))))
    for changes, codes in (("false", ["doubled_good"]), ("true", [])):
        write(tmp_path / "import0_1.xml", document(catalogue(good("a", "А"), good("b", "Б"), changes=changes)))
        write(tmp_path / "import0_2.xml", document(catalogue(good("a", "А"), good("b", "Б"), changes=changes)))
        found = problems(tmp_path)
        assert [problem.code for problem in found] == codes
    write(tmp_path / "import0_2.xml", document(catalogue(good("b", "Б"), good("a", "А"))))
    write(tmp_path / "import0_1.xml", document(catalogue(good("a", "А"))))
    (found_now,) = problems(tmp_path)
    assert found_now.places == ("import0_1.xml:6", "import0_2.xml:7")
    assert str(found_now).startswith("Товар a is given 2 times.")
    assert str(found_now).endswith("Export the catalogue again. (import0_1.xml:6, import0_2.xml:7)")


def test_what_a_run_names_itself_is_not_named_here(tmp_path: Path) -> None:
    goods = (good("a", "А"), good("b", "А"), good("c", "В"), good("c", "В"))
    write(tmp_path / "import0_1.xml", document(catalogue(*goods)))
    write(tmp_path / "offers0_1.xml", document(package(*(offer(id_, price("1")) for id_ in "abcc"))))
    assert problems(tmp_path) == []


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
    goods = [good(f"g{n}", extra="<Описание>" + "строка\n" * 20 + "</Описание>") for n in range(3000)]
    goods[2999] = good("g1500")
    for encoding, declared in (("utf-8", "UTF-8"), ("cp1251", "windows-1251"), ("utf-8-sig", "UTF-8")):
        text = document(catalogue(*goods), package(offer("g1500#1", price("1"))), encoding=declared)
        path = write(tmp_path / "import.xml", text, encoding)
        (found,) = problems(path)
        places = [match.start() for match in re.finditer("<Ид>g1500</Ид>", text)]
        assert found.places == tuple(f"import.xml:{text[:at].count(chr(10)) + 1}" for at in places)
