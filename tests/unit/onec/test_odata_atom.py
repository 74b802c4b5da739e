"""Atom entries become the same records as JSON ones, whatever the version; what is no feed is told so."""

from decimal import Decimal

import pytest

from connectors.onec.odata.atom import entries
from connectors.onec.odata.entry import Deleted, Entry
from connectors.onec.odata.metadata import Metadata, Property
from connectors.onec.sandbox import references
from obmen.errors import IncompleteSource
from tests.unit.onec.odata_people_kit import VERSIONS, opened

HEAD = (
    '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:at="http://purl.org/atompub/tombstones/1.0"'
    ' xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices"'
    ' xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">'
)
ENTRY = '<entry><category term="StandardODATA.Catalog_X"/><content><m:properties>{}</m:properties></content></entry>'
REF = "8d1d7287-6240-11f1-9296-08002761f3c5"
TYPES = Metadata(
    {
        "Catalog_X": {
            name: Property(kind)
            for name, kind in {
                "Ref_Key": "Edm.Guid",
                "Цена": "Edm.Double",
                "Счет": "Edm.Int64",
                "Мало": "Edm.Int16",
                "Да": "Edm.Boolean",
                "Когда": "Edm.DateTime",
                "Имя": "Edm.String",
                "Строки": "Collection(StandardODATA.Catalog_X_Строки_RowType)",
                "Отбор": "StandardODATA.Отбор",
            }.items()
        },
        "Catalog_X_Строки_RowType": {"LineNumber": Property("Edm.Int64"), "Сумма": Property("Edm.Double")},
        "Отбор": {"Длина": Property("Edm.Int32")},
    },
    frozenset({"Catalog_X"}),
)


def read(inner: str) -> list[Entry | Deleted]:
    return list(entries(f"{HEAD}{inner}</feed>".encode(), TYPES))


def properties(inner: str) -> dict[str, object]:
    (one,) = read(ENTRY.format(inner))
    assert isinstance(one, Entry)
    return one.native


@pytest.mark.parametrize(
    ("xml", "value"),
    [
        ("<d:Цена>10000</d:Цена>", 10000),
        ("<d:Цена>3333.33</d:Цена>", Decimal("3333.33")),
        ("<d:Цена>-1E+3</d:Цена>", Decimal("-1E+3")),
        ("<d:Цена/>", None),
        ("<d:Мало>7</d:Мало>", 7),
        ("<d:Счет>7</d:Счет>", "7"),
        ("<d:Да>true</d:Да>", True),
        ("<d:Да>false</d:Да>", False),
        ("<d:Когда>0001-01-01T00:00:00</d:Когда>", "0001-01-01T00:00:00"),
        ("<d:Имя/>", ""),
        ("<d:Имя> две\nстроки </d:Имя>", " две\nстроки "),
        ('<d:Имя m:null="true"/>', None),
        ('<d:Неизвестное m:type="Edm.Boolean">true</d:Неизвестное>', True),
        ("<d:Неизвестное>5</d:Неизвестное>", "5"),
        ("<d:Отбор><d:Длина>3</d:Длина></d:Отбор>", {"Длина": 3}),
        ('<d:Строки m:type="Collection(StandardODATA.Catalog_X_Строки_RowType)"/>', []),
        (
            "<d:Строки><d:element><d:LineNumber>1</d:LineNumber><d:Сумма>2.5</d:Сумма></d:element></d:Строки>",
            [{"LineNumber": "1", "Сумма": Decimal("2.5")}],
        ),
        ('<d:Слова m:type="Collection(Edm.String)"><d:element>а</d:element><d:element/></d:Слова>', ["а", ""]),
    ],
)
def test_values_are_those_of_json(xml: str, value: object) -> None:
    (found,) = properties(xml).values()
    assert (found, type(found)) == (value, type(value))


def test_deleted_objects_are_named_by_their_key() -> None:
    root = "http://ut.example/base/odata/standard.odata/"
    found = read(
        f"<at:deleted-entry ref=\"{root}Catalog_X(guid'{REF}')\" when='2026-06-15T10:00:00'/>"
        f"<at:deleted-entry ref=\"{root}AccumulationRegister_Y(Recorder='{REF}', Recorder_Type='StandardODATA.Z')\"/>"
    )
    assert found == [
        Deleted("Catalog_X", {"Ref_Key": REF}),
        Deleted("AccumulationRegister_Y", {"Recorder": REF, "Recorder_Type": "StandardODATA.Z"}),
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (f"{HEAD}{ENTRY.format('<d:Имя>а</d:Имя>')}", "breaks off"),
        ("<html><body>login</body></html>", "no Atom feed"),
        (f"<!DOCTYPE feed [<!ENTITY a 'b'>]>{HEAD}</feed>", "document type"),
        (f"{HEAD}<entry><title/></entry></feed>", "does not say what it is"),
        (f"{HEAD}<at:deleted-entry ref='http://ut.example/'/></feed>", "no address"),
        (f"{HEAD}{ENTRY.format('<d:Цена>много</d:Цена>')}</feed>", "number is meant"),
        (f"{HEAD}{ENTRY.format('<d:Цена>NaN</d:Цена>')}</feed>", "number is meant"),
        ("", "breaks off"),
    ],
)
def test_what_is_no_whole_feed_is_told(content: str, told: str) -> None:
    with pytest.raises(IncompleteSource, match=told):
        list(entries(content.encode(), TYPES))


def test_what_stands_before_a_fault_is_given() -> None:
    feed = entries(f"{HEAD}{ENTRY.format('<d:Имя>а</d:Имя>')}<entry/>".encode(), TYPES)
    assert next(feed) == Entry("Catalog_X", {"Имя": "а"})
    with pytest.raises(IncompleteSource):
        next(feed)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_changed_object_is_the_same_record_as_by_its_reference(version: str) -> None:
    """The sandbox writes both dresses: every object of the feed equals what JSON tells of it."""
    with opened(version, sandbox={"exchange_plan": True}) as one:
        good = one.ut.add_good("Чайник", "A-1", prices={"Розничная": Decimal("1990.5")}, stock={"Основной склад": 5})
        one.ut.add_partner("Образцов Пример", phones=["+7 900 000-00-01"], cards=["2900000000117"])
        one.ut.add_order([(good, 2, Decimal("1990.5"))], number="15")
        (plan,) = (name for name in one.base.metadata().sets if name.startswith("ExchangePlan_"))
        feed = one.base.changes(plan, references.NODE, 1)
        found = [entry for entry in entries(feed.content, one.base.metadata()) if isinstance(entry, Entry)]
        compared = {entry.set for entry in found if "Ref_Key" in entry.native}
        assert {"Catalog_Номенклатура", "Catalog_Партнеры", "Document_ЗаказКлиента"} <= compared
        for entry in found:
            if "Ref_Key" not in entry.native or not one.base.metadata().properties(entry.set):
                continue
            told = one.base.get(entry.set, entry.native["Ref_Key"])
            assert told is not None
            assert {name: told[name] for name in entry.native} == entry.native, entry.set
