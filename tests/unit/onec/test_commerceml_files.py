from __future__ import annotations

import os
from pathlib import Path

import pytest

from connectors.onec.commerceml import CommerceML
from connectors.onec.commerceml.files import find_sources, natural
from obmen.errors import ConfigurationError, IncompleteSource

from .commerceml_kit import catalogue, document, good, natives, offer, package, price, write

WHOLE = document(catalogue(good("a")))


def names(path: Path) -> list[str]:
    return [source.name for source in find_sources(path)]


def test_portions_stand_in_natural_order_whatever_wrote_them(tmp_path: Path) -> None:
    for name in ("offers0_10.xml", "offers0_2.xml", "import0_1.XML", "import___b815e2db.xml", "rests___1af6.xml"):
        write(tmp_path / name, WHOLE)
    assert names(tmp_path) == [
        "import0_1.XML",
        "import___b815e2db.xml",
        "offers0_2.xml",
        "offers0_10.xml",
        "rests___1af6.xml",
    ]
    assert natural("p2/x") < natural("p10/x")


def test_subfolders_are_read_and_other_things_are_not(tmp_path: Path) -> None:
    write(tmp_path / "000000002" / "goods" / "1" / "import___x.xml", WHOLE)
    write(tmp_path / "000000010" / "goods" / "1" / "import___x.xml", WHOLE)
    write(tmp_path / "orders-1.xml", "not even XML")
    write(tmp_path / "sitemap.xml", '<?xml version="1.0"?><urlset><url/></urlset>')
    write(tmp_path / "readme.txt", "hello")
    write(tmp_path / "._import.xml", "left by an archiver")
    (tmp_path / "folder.xml").mkdir()
    assert names(tmp_path) == ["000000002/goods/1/import___x.xml", "000000010/goods/1/import___x.xml"]


def test_nothing_there_names_the_path_and_what_was_expected(tmp_path: Path) -> None:
    for path in (tmp_path / "missing", tmp_path / "missing.xml"):
        with pytest.raises(ConfigurationError, match=r"There is no .*missing.*import\*\.xml and offers\*\.xml"):
            CommerceML(path).products()
    with pytest.raises(ConfigurationError, match=r"holds no CommerceML file.*Run the export"):
        CommerceML(tmp_path).prices()


def test_a_file_of_another_format_is_a_mistake_in_the_project(tmp_path: Path) -> None:
    path = write(tmp_path / "import.xml", "<html><body>Not found</body></html>")
    with pytest.raises(ConfigurationError, match="its root is html"):
        find_sources(path)


def test_a_file_without_rights_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "import.xml", WHOLE)

    def denied(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(ConfigurationError, match=r"import\.xml cannot be read: Permission denied"):
        find_sources(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "utf-16"])
def test_a_file_cut_anywhere_is_refused_before_anything_is_taken(tmp_path: Path, encoding: str) -> None:
    declared = {"cp1251": "windows-1251", "utf-16": "UTF-16"}.get(encoding, "UTF-8")
    text = document(catalogue(good("a", "А-1")), package(offer("a", price("5"))), encoding=declared)
    whole = text.rstrip().encode(encoding)
    path = tmp_path / "import.xml"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(IncompleteSource, match=r"import\.xml.*(Nothing was taken|Export it in UTF-8)"):
            CommerceML(path).products()
    path.write_bytes(whole)
    assert [native["Артикул"] for native in natives(CommerceML(path).products())] == ["А-1"]


def test_one_cut_portion_stops_all_of_them(tmp_path: Path) -> None:
    write(tmp_path / "import0_1.xml", WHOLE)
    write(tmp_path / "import0_2.xml", WHOLE[: len(WHOLE) // 2])
    with pytest.raises(IncompleteSource, match=r"import0_2\.xml is not whole"):
        CommerceML(tmp_path).products()


def test_a_bomb_of_entities_is_refused_unopened(tmp_path: Path) -> None:
    bomb = (
        '<?xml version="1.0"?>\n<!-- a comment first -->\n'
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>\n'
        "<КоммерческаяИнформация>&b;</КоммерческаяИнформация>"
    )
    path = write(tmp_path / "import.xml", bomb)
    for target in (path, tmp_path):
        with pytest.raises(IncompleteSource, match="document type") as caught:
            CommerceML(target).products()
        assert "import.xml" in str(caught.value)


def test_an_unknown_encoding_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "import.xml", WHOLE.replace("UTF-8", "UTF-7"))
    with pytest.raises(IncompleteSource, match="UTF-7, which is not read here"):
        find_sources(path)


def test_a_file_that_is_not_in_its_encoding_is_refused(tmp_path: Path) -> None:
    text = document(catalogue(good("a")), encoding="UTF-16").encode("utf-16")
    middle = len(text) // 2 // 2 * 2
    path = tmp_path / "import.xml"
    path.write_bytes(text[:middle] + b"\x00\xd8" + text[middle:])
    with pytest.raises(IncompleteSource, match="not in utf-16-le"):
        natives(CommerceML(path).products())


def test_a_file_that_changes_meanwhile_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "offers.xml", document(package(*(offer(f"o{n}", price("1")) for n in range(5000)))))
    pages = CommerceML(path).prices()
    os.utime(path, (1, 1))
    with pytest.raises(IncompleteSource, match="changed while it was being read"):
        next(pages)
    pages = CommerceML(path).prices()
    assert len(next(pages).slices) == 1000
    os.utime(path, (2, 2))
    with pytest.raises(IncompleteSource, match="changed while it was being read"):
        list(pages)


def test_an_exchange_that_speaks_of_nothing_takes_nothing_for_gone(tmp_path: Path) -> None:
    write(tmp_path / "import.xml", '<?xml version="1.0"?><КоммерческаяИнформация ВерсияСхемы="2.07"/>')
    assert empty(tmp_path) == {"products": "silent", "prices": "silent", "stocks": "silent"}


def empty(path: Path) -> dict[str, str]:
    """What each read of an export without records tells: that there are none, or nothing of what there is."""
    source = CommerceML(path)
    told = {}
    for read in (source.products, source.prices, source.stocks):
        (page,) = read()
        assert not page.slices
        told[read.__name__] = "silent" if page.partial else "none"
    return told


REST = "<Количество>2</Количество>"
SELF_CLOSED = document("\t<ПакетПредложений>\n\t<Ид>c#</Ид><Предложения/></ПакетПредложений>\n")
NO_CONTAINER = document("\t<ПакетПредложений>\n\t<Ид>c#</Ид></ПакетПредложений>\n")
CHANGED_PACKAGE = document(package()).replace("ПакетПредложений", "ИзмененияПакетаПредложений")


@pytest.mark.parametrize(
    ("files", "products", "prices", "stocks"),
    [
        ([document(catalogue(), package())], "none", "none", "none"),
        ([document(catalogue()), document(package())], "none", "none", "none"),
        ([document(catalogue()), document(package()), document(package())], "none", "none", "none"),
        ([SELF_CLOSED], "silent", "none", "none"),
        ([NO_CONTAINER], "silent", "silent", "silent"),
        ([document(catalogue())], "none", "silent", "silent"),
        ([document(package())], "silent", "none", "none"),
        ([document(catalogue(changes="true")), document(package(changes="true"))], "silent", "silent", "silent"),
        ([document(catalogue(changes="true")), document(package())], "silent", "none", "none"),
        ([document(catalogue()), document(package(changes="true"))], "none", "silent", "silent"),
        ([document(catalogue()), CHANGED_PACKAGE], "none", "silent", "silent"),
        ([document(package()), document(package(changes="true"))], "silent", "none", "none"),
        ([document(package(changes="true")), document(package())], "silent", "none", "none"),
    ],
)
@pytest.mark.parametrize("note", ["", "<!-- parsed -->"])
def test_a_whole_container_without_records_says_that_there_are_none(
    tmp_path: Path, files: list[str], products: str, prices: str, stocks: str, note: str
) -> None:
    for number, text in enumerate(files, 1):
        dated = text.replace("2026-02-02", f"2026-02-0{number}").replace("</Ид>", f"</Ид>{note}")
        write(tmp_path / f"portion0_{number}.xml", dated)
    assert empty(tmp_path) == {"products": products, "prices": prices, "stocks": stocks}


@pytest.mark.parametrize("other", [[], [package()], [package(changes="true")]])
def test_offers_that_do_not_speak_of_prices_or_rests_take_none_for_gone(tmp_path: Path, other: list[str]) -> None:
    for number, part in enumerate(other):
        write(tmp_path / f"other0_{number}.xml", document(part))
    path = tmp_path / "offers.xml"
    write(path, document(package(offer("a"))))
    source = CommerceML(tmp_path)
    assert [(page.partial, list(page.slices)) for page in source.prices()] == [(True, [])]
    assert [(page.partial, list(page.slices)) for page in source.stocks()] == [(True, [])]
    write(path, document(package(offer("a", REST, name=""))))
    assert [(page.partial, list(page.slices)) for page in source.prices()] == [(True, [])]
    assert [page.partial for page in source.stocks()] == [False]
    assert [(page.partial, list(page.slices)) for page in source.products()] == [(True, [])]


def test_changes_beside_a_whole_container_without_records_are_changes(tmp_path: Path) -> None:
    write(tmp_path / "import0_1.xml", document(catalogue(), made_at="2026-02-01T09:00:00"))
    write(tmp_path / "offers0_1.xml", document(package(), made_at="2026-02-01T09:00:00"))
    write(tmp_path / "offers0_2.xml", document(package(offer("a", price("5") + REST), changes="true")))
    source = CommerceML(tmp_path)
    for read in (source.products, source.prices, source.stocks):
        assert [native["Ид"] for native in natives(read())] == ["a"]
        assert {page.partial for page in read()} == {True}
