"""The $metadata reader: real recordings, what it refuses, and its memory."""

import re
import tracemalloc
from pathlib import Path

import pytest

from connectors.onec.odata.metadata import Metadata, _elements, read_metadata, wanted
from connectors.onec.odata.order_body import DOCUMENT, ROW
from connectors.onec.sandbox.edmx import metadata
from connectors.onec.sandbox.model import TYPES
from obmen.errors import IncompleteSource, Refused, Unavailable

WHOLE = metadata(frozenset(TYPES))


def test_a_real_base_is_read(specs: Path) -> None:
    read = read_metadata((specs / "data/odata/ut11_trade_demo/msg001_metadata.xml").read_bytes())
    assert {DOCUMENT, "Catalog_Номенклатура", "Catalog_Контрагенты"} <= read.sets
    assert len(read.sets) == 38
    order = read.properties(DOCUMENT)
    assert order["Ref_Key"].type == "Edm.Guid"
    assert order["СуммаДокумента"].type == "Edm.Double"
    assert order["Товары"].rows == ROW
    assert read.properties(ROW)["LineNumber"].type == "Edm.Int64"
    assert "ВНаличииBalance" in read.properties("AccumulationRegister_ТоварыНаСкладах_Balance")
    assert "AccumulationRegister_СебестоимостьТоваров" in read.sets
    assert "AccumulationRegister_СебестоимостьТоваров" not in read.types


@pytest.mark.parametrize("number", ["01", "02", "03", "04", "05", "06", "07", "08", "09"])
def test_every_recorded_shape_is_read(specs: Path, number: str) -> None:
    (path,) = (specs / "data/odata/edmx_fixtures").glob(f"{number}-*.xml")
    sets = read_metadata(path.read_bytes()).sets
    assert sets == set(re.findall(r'<EntitySet Name="([^"]+)"', path.read_text("utf-8")))


def test_the_length_of_a_string_is_taken_where_the_base_tells_it(specs: Path) -> None:
    read = read_metadata((specs / "data/odata/edmx_fixtures/01-catalog-with-table.xml").read_bytes())
    catalog = read.properties("Catalog_Номенклатура")
    assert catalog["Code"].max_length == 11
    assert catalog["Ref_Key"].max_length is None
    assert catalog["Артикулы"].rows == "Catalog_Номенклатура_Артикулы_RowType"


def test_what_is_not_published_is_not_there() -> None:
    read = read_metadata(metadata(frozenset(TYPES) - {DOCUMENT}))
    assert DOCUMENT not in read.sets
    assert read.properties(DOCUMENT) == {}


@pytest.mark.parametrize("at", [0.3, 0.6, 0.95])
def test_metadata_that_breaks_off_is_no_smaller_base(at: float) -> None:
    with pytest.raises(IncompleteSource, match="breaks off"):
        read_metadata(WHOLE[: int(len(WHOLE) * at)])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html><body>login</body></html>",
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><edmx:Edmx>&a;</edmx:Edmx>',
    ],
)
def test_what_is_no_metadata_is_refused(content: bytes) -> None:
    with pytest.raises(Unavailable, match="not"):
        read_metadata(content)


def _known() -> Metadata:
    return read_metadata(WHOLE)


def test_a_known_body_passes() -> None:
    _known().require(DOCUMENT, {"Комментарий": "", "Товары": [{"LineNumber": "1", "Цена": 1}]})


def test_an_unknown_property_is_refused_with_the_name_that_was_meant() -> None:
    with pytest.raises(Refused, match="Did you mean 'Комментарий'") as refused:
        _known().require(DOCUMENT, {"Коментарий": ""})
    assert (refused.value.code, refused.value.field) == ("unknown_property", "Коментарий")


def test_an_unknown_property_of_a_line_is_refused_too() -> None:
    with pytest.raises(Refused) as refused:
        _known().require(DOCUMENT, {"Товары": [{"LineNumber": "1"}, {"Колво": 1}]})
    assert refused.value.field == "Товары.Колво"


@pytest.mark.parametrize(
    "name",
    ["Catalog_Номенклатура", "Catalog_Номенклатура_ДополнительныеРеквизиты_RowType", "ExchangePlan_ДляСайта"],
)
def test_what_belongs_to_a_known_object_is_kept(name: str) -> None:
    assert wanted(name)


@pytest.mark.parametrize("name", ["Catalog_НоменклатураПоставщиков", "Catalog_Ном", "Document_Заказ", ""])
def test_what_is_only_named_alike_is_not(name: str) -> None:
    assert not wanted(name)


def test_memory_does_not_follow_the_number_of_unwanted_types() -> None:
    head, _, tail = WHOLE.partition(b"<EntityType")
    unwanted = (
        b'<EntityType Name="InformationRegister_X%d"><Property Name="A" Type="Edm.String"/></EntityType>'
        b'<Association Name="A%d"><End Role="Begin"/><End Role="End" Multiplicity="0..1"/></Association>'
    )

    def peak(count: int) -> int:
        content = head + b"".join(unwanted % (at, at) for at in range(count)) + b"<EntityType" + tail
        tracemalloc.start()
        try:
            read_metadata(content)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)
    assert peak(20_000) < peak(2_000) * 3


def test_the_tree_behind_is_let_go_of() -> None:
    head, _, tail = WHOLE.partition(b"<EntityType")
    one = b'<Association Name="A"><End Role="Begin"/></Association><EntityType Name="X%d"><Property/></EntityType>'
    content = head + b"".join(one % at for at in range(20_000)) + b"<EntityType" + tail
    held = 0
    for _, element in _elements(content):
        parent = element.getparent()
        held = max(held, len(parent) if parent is not None else 0)
    assert held < 2_000, "no more than the parser has read ahead"
