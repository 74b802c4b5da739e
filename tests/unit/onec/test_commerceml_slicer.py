from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from connectors.onec.commerceml import CommerceML, outline, slicer
from connectors.onec.commerceml.files import find_sources
from obmen.errors import IncompleteSource, Refused

from .commerceml_kit import (
    NAMESPACE,
    REAL,
    batches,
    by_id,
    catalogue,
    document,
    everything,
    good,
    natives,
    offer,
    only_source,
    package,
    price,
    was_cut,
    write,
)

BOTH = document(
    catalogue(good("a", "А-1", "<Описание>Да! Что? A&lt;B &amp; C</Описание>"), good("b")),
    package(offer("a", price("5")), offer("b", price("6") + "<Количество>7</Количество>")),
)


@pytest.mark.parametrize("folder", REAL)
def test_both_ways_of_reading_agree_on_every_real_file(specs: Path, folder: str) -> None:
    sources = find_sources(specs / "data" / "commerceml" / folder)
    assert sources
    for source in sources:
        assert was_cut(source), f"{source.name} can be cut"
        assert everything(source, cut=True) == everything(source, cut=False)


def test_orders_hold_no_goods_of_a_catalogue(specs: Path) -> None:
    for source in find_sources(specs / "data" / "commerceml" / "site-orders-2.05-cp1251"):
        for cut in (True, False):
            assert batches(source, cut=cut)[0] == []


@pytest.mark.parametrize("folder", ["ut-2.07", "bitrix-module-2.09"])
def test_real_files_in_windows_1251_say_the_same(specs: Path, tmp_path: Path, folder: str) -> None:
    for source in find_sources(specs / "data" / "commerceml" / folder):
        text = source.path.read_text("utf-8-sig").replace('encoding="UTF-8"', 'encoding="windows-1251"')
        path = tmp_path / source.name
        path.write_bytes(text.encode("cp1251", "xmlcharrefreplace"))
        copy = only_source(path)
        assert copy.encoding == "cp1251"
        assert was_cut(copy)
        assert everything(copy, cut=True) == everything(source, cut=True) == everything(copy, cut=False)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "koi8-r", "utf-16"])
def test_chunks_may_end_anywhere(tmp_path: Path, encoding: str) -> None:
    declared = {"utf-8-sig": "UTF-8", "cp1251": "windows-1251"}.get(encoding, encoding.upper())
    path = write(tmp_path / "both.xml", BOTH.replace("UTF-8", declared), encoding)
    source = only_source(path)
    whole, _ = batches(source)
    expected = [piece for batch in whole for piece in batch.slices]
    places = [batch.place(n) for batch in whole for n in range(len(batch.slices))]
    assert len(expected) == 4
    width = 2 if encoding == "utf-16" else 1
    for size in range(2 * width, source.size + 1, width):
        found, _ = batches(source, size=size)
        assert not any(batch.lines for batch in found)
        assert [piece for batch in found for piece in batch.slices] == expected
        assert [batch.place(n) for batch in found for n in range(len(batch.slices))] == places


def test_one_file_may_hold_both(tmp_path: Path) -> None:
    source = CommerceML(write(tmp_path / "all.xml", BOTH))
    assert by_id(natives(source.products()))["a"]["Описание"] == "Да! Что? A<B & C"
    assert {native["Ид"]: native["ЦенаЗаЕдиницу"] for native in natives(source.prices())} == {"a": "5", "b": "6"}
    assert [native["Количество"] for native in natives(source.stocks())] == ["7"]


OTHER = BOTH.replace("<Товары>", '<Товары xmlns:o="urn:other">')
HOSTILE = {
    "a comment between records": BOTH.replace("<Товар><Ид>b", "<!-- <Товар><Ид>x</Ид></Товар> --><Товар><Ид>b"),
    "a comment that hides a seam": BOTH.replace("</Товар>\n\t\t<Товар>", "<!--</Товар>\n\t\t<Товар>--></Товар><Товар>"),
    "a comment in a name": BOTH.replace("Вещь", "Ве<!-- щ -->щь"),
    "CDATA": BOTH.replace("Вещь", "<![CDATA[</Товар> & <Товар>]]>"),
    "an instruction": BOTH.replace("</Товар>\n\t\t<Товар>", "<?x </Товар> <Товар> ?></Товар>\n\t\t<Товар>"),
    "an instruction at the head": BOTH.replace("?>\n", "?>\n<?xml-stylesheet href='x'?>\n", 1),
    "nested records": BOTH.replace("<Ид>a</Ид>", "<Ид>a</Ид><Состав><Товар><Ид>z</Ид></Товар></Состав>"),
    "nested containers": BOTH.replace("<Ид>a</Ид>", "<Ид>a</Ид><Товары><Товар><Ид>z</Ид></Товар></Товары>"),
    "text between records": BOTH.replace("</Товар>\n", "</Товар>\nи\n"),
    "strange elements between records": BOTH.replace("</Товар>\n", "</Товар><Товарищ>x</Товарищ>\n"),
    "strange elements in records": BOTH.replace("<Ид>a", "<ТоварнаяГруппа>7</ТоварнаяГруппа><Ид>a"),
    "strange elements first": BOTH.replace("<Товары>\n", "<Товары><Всего>2</Всего>\n"),
    "a record that closes itself": BOTH.replace("<Товары>\n", "<Товары><Товар/>\n"),
    "spaces in tags": BOTH.replace("<Товар>", "<Товар  \n>").replace("</Товар>", "</Товар >"),
    "spaces in the container's tags": BOTH.replace("<Товары>", "<Товары\t>").replace("</Товары>", "</Товары\n>"),
    "attributes": BOTH.replace("<Товар>", '<Товар Статус="Новый &lt; > старый">'),
    "a > in the container's tag": BOTH.replace("<Товары>", '<Товары a="1>2">'),
    "windows line ends": BOTH.replace("\n", "\r\n"),
    "no white space at all": BOTH.replace("\n", "").replace("\t", ""),
    "empty containers": document(catalogue(), package()),
    "self-closed containers": document(
        "<Каталог><Товары/></Каталог><ПакетПредложений><Предложения/></ПакетПредложений>"
    ),
    "containers elsewhere": document(
        f"<Документ><Товары>{good('x')}</Товары></Документ><Каталог><А><Товары>{good('y')}</Товары></А></Каталог>",
        catalogue(good("a")),
    ),
    "two catalogues": document(catalogue(good("a"), good("b")), catalogue(good("c"))),
    "offers first": document(package(offer("a", price("1"))), catalogue(good("a"))),
    "no namespace": BOTH.replace(f' xmlns="{NAMESPACE}"', ""),
    "another namespace": BOTH.replace(NAMESPACE, "urn:1C.ru:commerceml_3"),
    "a namespace inside": BOTH.replace("<Товары>", '<Товары xmlns="urn:other">'),
    "a declared prefix": BOTH.replace(
        f'xmlns="{NAMESPACE}"', f'xmlns="{NAMESPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ).replace("<Наименование>", '<Наименование xsi:type="xs:string">'),
    "a prefixed child": OTHER.replace("<Артикул>", "<o:Ш>1</o:Ш><Артикул>"),
    "a prefixed record": OTHER.replace("<Товар>", "<o:Товар>", 1).replace("</Товар>", "</o:Товар>", 1),
    "many signs": BOTH.replace("Вещь", "Вещь!?" * 200),
    "many signs and a comment": BOTH.replace("Вещь", "Вещь!?" * 200 + "<!-- -->"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_both_ways_of_reading_agree_on_strange_files(tmp_path: Path, case: str) -> None:
    source = only_source(write(tmp_path / "strange.xml", HOSTILE[case]))
    parsed = everything(source, cut=False)
    assert parsed or "empty" in case or "self-closed" in case
    for size in (7, 64, 1 << 17):
        assert everything(source, cut=True, size=size) == parsed


PREFIXED = (
    BOTH.replace("</", "</c:")
    .replace("<", "<c:")
    .replace("<c:/c:", "</c:")
    .replace("<c:?", "<?")
    .replace("xmlns=", "xmlns:c=")
)


def test_prefixed_files_are_read_like_any_other(tmp_path: Path) -> None:
    prefixed = only_source(write(tmp_path / "p" / "prefixed.xml", PREFIXED))
    plain = only_source(write(tmp_path / "plain.xml", BOTH))
    assert not was_cut(prefixed)
    assert everything(prefixed, cut=True) == everything(plain, cut=True)
    assert by_id(natives(CommerceML(prefixed.path).prices())).keys() == {"a", "b"}


def test_what_was_given_before_a_comment_is_not_given_again(tmp_path: Path) -> None:
    goods = [good(f"g{number}", f"А-{number}") for number in range(5000)]
    text = document(catalogue(*goods[:4900], "<!-- half of it -->", *goods[4900:]), package(offer("o", price("1"))))
    source = only_source(write(tmp_path / "import.xml", text))
    found, _ = batches(source)
    assert {batch.lines for batch in found} == {True, False}, "first cut, then parsed"
    assert sum(len(batch.slices) for batch in found) == 5001
    assert everything(source, cut=True) == everything(source, cut=False)


def test_a_broken_record_harms_only_itself(tmp_path: Path) -> None:
    goods = [good(f"g{number}", f"А-{number}") for number in range(3)]
    for name, broken in {
        "tags": goods[1].replace("</Наименование>", "</Название>"),
        "an ampersand": goods[1].replace("Вещь", "Ве & щь"),
        "an entity": goods[1].replace("Вещь", "Ве&bomb;щь"),
        "a character": goods[1].replace("Вещь", "Ве\x01щь"),
        "no id": goods[1].replace("<Ид>g1</Ид>", ""),
        "an empty id": goods[1].replace("g1", " "),
        "depth": goods[1].replace("Вещь", "<а>" * 99 + "</а>" * 99),
    }.items():
        path = write(tmp_path / "import.xml", document(catalogue(goods[0], broken, goods[2])))
        (page,) = CommerceML(path).products()
        first, second, third = (page.decode(piece) for piece in page.slices)
        assert [native["Артикул"] for decoded in (first, third) for native in decoded] == ["А-0", "А-2"], name
        with pytest.raises(Refused, match=r"^import\.xml:7: The ") as caught:
            list(second)
        assert caught.value.code in {"not_xml", "no_id", "too_deep"}


def test_bytes_that_are_no_text_harm_only_their_record(tmp_path: Path) -> None:
    for encoding, declared, spoilt in (("utf-8", "UTF-8", b"\xff"), ("cp1251", "windows-1251", b"\x98")):
        text = document(catalogue(good("a"), good("b", "!"), good("c")), encoding=declared)
        path = tmp_path / "import.xml"
        path.write_bytes(text.encode(encoding).replace(b"!", spoilt))
        (page,) = CommerceML(path).products()
        refused = []
        for piece in page.slices:
            try:
                assert len(list(page.decode(piece))) == 1
            except Refused as error:
                refused.append((error.code, str(error)))
        ((code, message),) = refused
        assert code == "not_xml"
        assert message.startswith("import.xml:7: ")


def test_a_break_around_the_records_is_named_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "import.xml", BOTH.replace("</Каталог>", "</Катало>"))
    with pytest.raises(IncompleteSource, match=r"^import\.xml:9: this is no XML"):
        natives(CommerceML(path).products())
    path = write(tmp_path / "import.xml", BOTH.replace("</Товары>", ""))
    with pytest.raises(IncompleteSource, match=r"^import\.xml:\d+: this is no XML"):
        natives(CommerceML(path).products())


def test_two_documents_in_one_file_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "import.xml", BOTH + BOTH)
    with pytest.raises(IncompleteSource, match="this is no XML"):
        natives(CommerceML(path).products())


@pytest.mark.parametrize("cut", [True, False])
def test_memory_is_bounded_whatever_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: bool) -> None:
    for module in (outline, slicer):
        monkeypatch.setattr(module, "LARGEST", 1 << 20)
    fill = "<а>б</а>" * 200_000
    for text in (
        document(catalogue(good("a", extra=fill))),
        document(f"<Владелец>{fill}</Владелец>", catalogue(good("a"))),
    ):
        source = only_source(write(tmp_path / "import.xml", text))
        with pytest.raises(IncompleteSource, match=r"import\.xml holds a piece larger than 1 MiB"):
            batches(source, cut=cut)


def test_the_signs_of_markup_are_found_at_every_seam() -> None:
    assert slicer._plain(b"a!b?c", 0, ord("<") - 1)
    assert not slicer._plain(b"!--", 0, ord("<"))
    assert not slicer._plain(b"a<!", 0, 0)
    assert not slicer._plain(b"a?<?", 0, 0)
    assert slicer._plain(b"<?xml a?> b", len(b"<?xml a?>"), 0)
    crowd = b"!?" * 500
    assert slicer._plain(crowd, 0, 0)
    assert not slicer._plain(crowd + b"<!", 0, 0)
    assert not slicer._plain(crowd + b"<?", 0, 0)


def test_a_mark_of_byte_order_is_no_part_of_the_first_record(tmp_path: Path) -> None:
    path = tmp_path / "import.xml"
    path.write_bytes(codecs.BOM_UTF8 + BOTH.encode())
    assert everything(only_source(path), cut=True) == everything(only_source(path), cut=False)
