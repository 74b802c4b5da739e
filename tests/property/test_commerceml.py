"""CommerceML that nobody wrote: both ways of reading agree, and nothing but a typed error ever comes out."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from connectors.onec.commerceml import CommerceML, join, pages
from obmen.errors import IncompleteSource, ObmenError, Refused
from tests.unit.onec.commerceml_kit import (
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
    write,
)

WORDS = st.text(alphabet="абв &<>'\"!?#;]-\t\n№é𝄞", max_size=8).map(
    lambda text: text.replace("&", "&amp;").replace("<", "&lt;").replace("]]>", "")
)
TAGS = st.sampled_from(("Ид", "Наименование", "Артикул", "Товарность", "Предложения2", "Цены", "Количество", "а"))
NOISES = (
    "",
    "\n\t",
    "<!-- ? -->",
    "<!--</Товар><Товар>-->",
    "<!-- <Предложения> -->",
    "<![CDATA[</Предложение>\n<Предложение>]]>",
    "<![CDATA[ & <Товары> ]]>",
    "<?до </Товар> <Товар> ?>",
    "&#1046;&#x416;",
    "<Товар><Ид>вложен</Ид></Товар>",
    "<Предложение/>",
    "<Товары><Товар/></Товары>",
    "<п:Товар xmlns:п='urn:p'>1</п:Товар>",
    "<Товар />",
)
NOISE = st.sampled_from(NOISES)
SELDOM = st.sampled_from(("",) * 5 * len(NOISES) + NOISES)
GAPS = st.sampled_from(("", "\n\t\t", " ", "\r\n", "<!-- между -->", "<?между?>", "текст", "<Чужой/>", "&#32;"))

# Strategies are made here, once: to make them anew in every draw takes longer than to read what is drawn.
ATTRIBUTES = st.sampled_from(("", " Код='1'", ' Статус="Удален"', " а='&lt;Товар>'"))


def elements(inner: st.SearchStrategy[list[str]]) -> st.SearchStrategy[str]:
    return st.tuples(TAGS, ATTRIBUTES, WORDS, SELDOM, inner).map(
        lambda drawn: f"<{drawn[0]}{drawn[1]}>{drawn[2]}{drawn[3]}{''.join(drawn[4])}</{drawn[0]}>"
    )


ELEMENTS = elements(st.just([]))
for _ in range(2):
    ELEMENTS = elements(st.lists(ELEMENTS, max_size=3))
IDS = st.sampled_from(("<Ид>x</Ид>", "<Ид> x#y </Ид>", "<Ид>&#120;</Ид>", "\n\t<Ид>z</Ид>", ""))
SAID = st.sampled_from(("", "<Наименование>Н</Наименование>", price("5"), "<Количество>3</Количество>"))


def containers(name: str, record: str) -> st.SearchStrategy[str]:
    """A list of records; what stands before and after each may be anything."""
    opening = st.sampled_from((f"<{record}>", f"<{record} >", f"<{record}\n а='1>0'>"))
    closing = st.sampled_from((f"</{record}>",) * 5 + (f"</{record} >",))
    inner = st.lists(ELEMENTS, max_size=3).map("".join)
    records = st.tuples(GAPS, opening, IDS, SAID, inner, closing).map("".join)
    return st.tuples(st.lists(records, max_size=4), GAPS).map(
        lambda drawn: f"<{name}>{''.join(drawn[0])}{drawn[1]}</{name}>"
    )


PARTS = (
    containers("Товары", "Товар").map("<Каталог>{}</Каталог>\n".format),
    containers("Предложения", "Предложение").map("<ПакетПредложений>{}</ПакетПредложений>\n".format),
    containers("Товары", "Товар").map("<Документ>{}</Документ>\n".format),
    ELEMENTS.map("<Классификатор>{}</Классификатор>\n".format),
    NOISE.map("{}\n".format),
)
ORDERS = st.permutations(PARTS)
HOW_MANY = st.integers(1, len(PARTS))


@st.composite
def documents(draw: st.DrawFn) -> str:
    return document(*map(draw, draw(ORDERS)[: draw(HOW_MANY)]))


@settings(max_examples=200, deadline=None)
@given(documents(), st.integers(2, 300))
def test_both_ways_of_reading_agree(text: str, size: int) -> None:
    etree.fromstring(text.encode())
    with tempfile.TemporaryDirectory() as folder:
        source = only_source(write(Path(folder) / "any.xml", text))
        assert everything(source, cut=True, size=size) == everything(source, cut=False)


@settings(max_examples=150, deadline=None)
@given(documents(), st.data())
def test_spoilt_files_give_typed_errors_only(text: str, data: st.DataObject) -> None:
    raw = bytearray(text.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "import.xml"
        path.write_bytes(raw)
        source = CommerceML(path)
        for read in (source.products, source.prices, source.stocks):
            assert outcome(read) in {"read", "refused"}
        assert outcome(source.problems) in {"read", "refused"}


def outcome(read: Callable[[], Any]) -> str:
    """Read everything; a broken record is refused alone, a broken file is refused."""
    try:
        for page in read():
            for piece in getattr(page, "slices", ()):
                try:
                    assert all("Ид" in native for native in page.decode(piece))
                except Refused:
                    continue
    except ObmenError as error:
        assert str(error)  # noqa: PT017 - both outcomes are right; only another exception is wrong
        return "refused"
    return "read"


FILES = st.lists(
    st.tuples(
        st.sampled_from(("goods", "offers")),
        st.booleans(),
        st.lists(st.sampled_from(("", "<Наименование>Н</Наименование>", price("5"))), max_size=2),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=150, deadline=None)
@given(FILES)
def test_nothing_is_gone_of_what_an_export_does_not_speak_of(files: list[tuple[str, bool, list[str]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for number, (kind, changes, told) in enumerate(files):
            flag = "true" if changes else "false"
            ids = [f"{number}-{n}" for n in range(len(told))]
            if kind == "goods":
                part = catalogue(*map(good, ids), changes=flag)
            else:
                part = package(*(offer(id_, one, name="") for id_, one in zip(ids, told, strict=True)), changes=flag)
            write(Path(folder) / f"{number}.xml", document(part))
        source = CommerceML(Path(folder))
        read = {"goods": list(source.products()), "prices": list(source.prices()), "stocks": list(source.stocks())}
    offers = [(changes, told) for kind, changes, told in files if kind == "offers"]
    goods = [(changes, told) for kind, changes, told in files if kind == "goods"]
    unspoken = any(told for _, told in offers) or all(changes for changes, _ in offers)
    assert [(page.partial, len(page.slices)) for page in read["stocks"]] == [(unspoken, 0)]
    priced = [changes for changes, told in offers if price("5") in told]
    if priced:
        assert sorted(page.partial for page in read["prices"]) == sorted(priced)
    else:
        assert [(page.partial, len(page.slices)) for page in read["prices"]] == [(unspoken, 0)]
    if not any(told for _, told in goods) and not any("<Наименование>" in "".join(told) for _, told in offers):
        assert [page.partial for page in read["goods"]] == [all(changes for changes, _ in goods)]
    else:
        assert {page.partial for page in read["goods"]} == {any(changes for _, changes, _ in files)}


@settings(max_examples=100, deadline=None)
@given(documents(), st.integers(0, 1 << 20))
def test_a_file_that_is_cut_gives_nothing(text: str, where: int) -> None:
    whole = text.rstrip().encode()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "import.xml"
        path.write_bytes(whole[: where % len(whole)])
        try:
            CommerceML(path).products()
        except IncompleteSource as error:
            assert "import.xml" in str(error)  # noqa: PT017 - the else branch asserts that it was raised
        else:
            raise AssertionError("it was taken for whole")


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(0, 12), unique=True, max_size=12),
    st.lists(st.tuples(st.integers(0, 14), st.integers(0, 3)), unique=True, max_size=30),
    st.integers(1, 6),
    st.booleans(),
)
def test_every_good_and_every_offer_is_sold_exactly_once(
    goods: list[int], offers: list[tuple[int, int]], window: int, changes: bool
) -> None:
    ids = [f"g{number}#{variant}" if variant else f"g{number}" for number, variant in offers]
    sold = {number for number, _ in offers}
    expected = {*ids, *(f"g{number}" for number in goods if number not in sold)}
    flag = "true" if changes else "false"
    kept = join.WINDOW, pages.PAGE
    join.WINDOW, pages.PAGE = window, 3
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write(
                folder / "import.xml",
                document(catalogue(*(good(f"g{n}", f"А{n}") for n in goods), changes=flag)),
            )
            write(
                folder / "offers.xml",
                document(package(*(offer(id_, name=f"Н {id_}") for id_ in ids), changes=flag)),
            )
            found = by_id(natives(CommerceML(folder).products()))
    finally:
        join.WINDOW, pages.PAGE = kept
    assert found.keys() == expected
    for id_, native in found.items():
        number = int(id_[1:].partition("#")[0])
        assert native.get("Артикул", native.get("АртикулТовара")) == (f"А{number}" if number in goods else None)
