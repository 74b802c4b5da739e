"""Renders the base's objects as the format's, each in the version that the node exchanges in.

The order of elements is that of the published schemas; the contract tests hold every message against them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from lxml import etree

from connectors.onec.sandbox.enterprisedata.keys import Keys, Parts, currency, unit
from connectors.onec.sandbox.enterprisedata.stock import Spec

FORMAT = "http://v8.1c.ru/edi/edi_stnd/EnterpriseData"
Element = etree._Element  # noqa: SLF001 - lxml's only name for its elements' type


class Renderer(Keys):
    """Renders objects of a base in one version of the format."""

    def render(self, kind: str, ref: str) -> list[Element]:
        """Return what an object becomes; one that is gone becomes a deletion."""
        spec = self.objects.get((kind, ref))
        if spec is None or spec.get("deleted"):
            return [self._deletion(kind, ref)]
        return [self._element(kind, parts) for parts in getattr(self, _RENDER[kind])(ref, spec)]

    def _deletion(self, kind: str, ref: str) -> Element:
        name = kind.partition(".")[2]
        pointer = _POINTERS.get(name, f"{name}Ссылка")
        return self._element("УдалениеОбъекта", [("СсылкаНаОбъект", [("СсылкаНаОбъект", [(pointer, ref)])])])

    def _element(self, name: str, content: Any) -> Element:
        made = etree.Element(f"{{{FORMAT}/{self.version}}}{name}", nsmap={None: f"{FORMAT}/{self.version}"})
        if isinstance(content, str):
            made.text = content
        else:
            made.extend(self._element(part, inner) for part, inner in content if inner not in (None, ""))
        return made

    # -- objects ------------------------------------------------------------------------------------------

    def _product(self, ref: str, spec: Spec) -> Iterator[Parts]:
        old, new = self.extras(spec)
        brand = [("Наименование", spec["brand"])] if spec.get("brand") else None
        yield [
            ("КлючевыеСвойства", self.product_key(ref)),
            ("ТипНоменклатуры", spec.get("type", "Товар")),
            ("Описание", spec.get("description")),
            ("ЕдиницаИзмерения", unit(spec)),
            ("СтавкаНДС", self.vat(spec.get("vat", ""))),
            *old,
            ("Марка", brand),
            *new,
        ]

    def _group(self, ref: str, spec: Spec) -> Iterator[Parts]:  # noqa: ARG002 - one of _RENDER
        yield [("КлючевыеСвойства", self.group_key(ref))]

    def _unit(self, ref: str, spec: Spec) -> Iterator[Parts]:
        classifier = [("Код", spec["code"]), ("Наименование", spec["name"])]
        key = [("Ссылка", ref), ("ДанныеКлассификатора", classifier)]
        yield [("КлючевыеСвойства", key), ("НаименованиеПолное", spec["full_name"])]

    def _variant(self, ref: str, spec: Spec) -> Iterator[Parts]:
        key = [
            ("Ссылка", ref),
            ("ВладелецХарактеристики", [("Номенклатура", self.product_key(spec["product"]))]),
            ("НаименованиеПолное", spec["name"]),
        ]
        old, new = self.extras(spec)
        yield [("КлючевыеСвойства", key), ("Наименование", spec["name"]), *old, *new]

    def _barcode(self, ref: str, spec: Spec) -> Iterator[Parts]:
        rows = [
            ("Строка", [("ДанныеНоменклатуры", [("Номенклатура", self.goods(product, variant))])])
            for product, variant in spec["goods"]
        ]
        yield [("Штрихкод", ref), ("Записи", rows or None)]

    def _price_type(self, ref: str, spec: Spec) -> Iterator[Parts]:
        yield [("КлючевыеСвойства", self.price_type_key(ref)), ("ЦенаВключаетНДС", spec.get("with_vat", "true"))]

    def _prices(self, ref: str, spec: Spec) -> Iterator[Parts]:
        """A document with several types of prices becomes as many objects."""
        for type_, lines in spec["types"].items():
            rows = [
                (
                    "Строка",
                    [
                        ("НомерСтрокиДокумента", str(at)),
                        ("ДанныеНоменклатуры", [*self.goods(product, variant), *self.pack(product, *packed)]),
                        ("Цена", amount),
                    ],
                )
                for at, (product, variant, amount, *packed) in enumerate(lines, 1)
            ]
            key = [("Ссылка", ref), ("Дата", spec["date"]), ("Номер", spec["number"])]
            yield [("КлючевыеСвойства", key), ("ТипЦен", self.price_type_key(type_)), ("Товары", rows)]

    def _contragent(self, ref: str, spec: Spec) -> Iterator[Parts]:
        old, new = self.extras(spec)
        person = self.person_key(spec["person"]) if self.modern and spec.get("person") else None
        yield [
            ("КлючевыеСвойства", self.party_key("Справочник.Контрагенты", ref)),
            ("КонтактнаяИнформация", contacts(spec)),
            *[part for part in old if part[0] != "Комментарий"],
            ("ФизическоеЛицо", person),
            *new,
        ]

    def _person(self, ref: str, spec: Spec) -> Iterator[Parts]:
        yield [
            ("КлючевыеСвойства", self.person_key(ref)),
            ("Пол", spec.get("gender")),
            ("КонтактнаяИнформация", contacts(spec)),
        ]

    def _card(self, ref: str, spec: Spec) -> Iterator[Parts]:
        owner = spec["owner"]
        if ("Справочник.ФизическиеЛица", owner) in self.objects:
            held: Parts = [("ФизическоеЛицо", self.person_key(owner))]
        else:
            held = [("Контрагент", self.party_key("Справочник.Контрагенты", owner))]
        yield [("КлючевыеСвойства", [("Ссылка", ref), ("НомерКарты", spec["number"]), ("ВладелецКарты", held)])]

    def _organization(self, ref: str, spec: Spec) -> Iterator[Parts]:  # noqa: ARG002 - one of _RENDER
        yield [("КлючевыеСвойства", self.party_key("Справочник.Организации", ref))]

    def _warehouse(self, ref: str, spec: Spec) -> Iterator[Parts]:  # noqa: ARG002 - one of _RENDER
        yield [("КлючевыеСвойства", self.warehouse_key(ref))]

    def _contract(self, ref: str, spec: Spec) -> Iterator[Parts]:
        key = [
            ("Ссылка", ref),
            ("ВидДоговора", "СПокупателем"),
            ("Организация", self.party_key("Справочник.Организации", spec["organization"])),
            ("Контрагент", self.party_key("Справочник.Контрагенты", spec["contragent"])),
            ("Наименование", spec["name"]),
        ]
        yield [("КлючевыеСвойства", key)]

    def _state(self, ref: str, spec: Spec) -> Iterator[Parts]:
        order = self.order_key(spec["order"])
        named = [("Наименование", "Состояние")] if self.modern else []
        key = [*named, ("Заказ", order), ("Ссылка", ref)] if not self.modern else [("Ссылка", ref), ("Заказ", order)]
        yield [("КлючевыеСвойства", key), ("СостояниеЗаказа", spec["state"])]

    def _order(self, ref: str, spec: Spec) -> Iterator[Parts]:
        old, new = self.extras(spec)
        warehouse = self.warehouse_key(spec["warehouse"]) if spec.get("warehouse") else None
        yield [
            ("КлючевыеСвойства", self.order_key(ref)),
            ("Валюта", currency(spec["currency"])),
            ("Сумма", spec.get("total")),
            ("Склад", warehouse),
            ("Контрагент", self.party_key("Справочник.Контрагенты", spec["contragent"])),
            ("АдресДоставки", spec.get("address")),
            ("СуммаВключаетНДС", "true"),
            ("Товары", list(self.rows(spec["lines"]))),
            *old,
            *new,
        ]

    def _report(self, ref: str, spec: Spec) -> Iterator[Parts]:
        organization = self.party_key("Справочник.Организации", spec["organization"])
        key = [("Ссылка", ref), ("Дата", spec["date"]), ("Номер", spec["number"]), ("Организация", organization)]
        yield [
            ("КлючевыеСвойства", key),
            ("Валюта", currency(spec["currency"])),
            ("Сумма", spec.get("total")),
            ("Склад", self.warehouse_key(spec["warehouse"])),
            ("ТоварыПродажа", list(self.rows(spec["sold"])) or None),
            ("ТоварыВозвратПродажи", list(self.rows(spec["returned"])) or None),
        ]


def contacts(spec: Spec) -> Parts | None:
    """Return contacts as the platform keeps them: XML with the text for people in an attribute."""
    said = [("Телефон", one) for one in spec.get("phones", ())]
    said += [("АдресЭлектроннойПочты", one) for one in spec.get("emails", ())]
    if spec.get("address"):
        said.append(("ФактическийАдрес", spec["address"]))
    rows = []
    for kind, value in said:
        field = etree.Element("{http://www.v8.1c.ru/ssl/contactinfo}КонтактнаяИнформация", {"Представление": value})
        raw = etree.tostring(field, encoding="unicode")
        rows.append(("Строка", [("ВидКонтактнойИнформации", kind), ("ЗначенияПолей", raw)]))
    return rows or None


_POINTERS = {"СостояниеЗаказа": "СостояниеЗаказа"}
_RENDER: Mapping[str, str] = MappingProxyType(
    {
        "Справочник.Номенклатура": "_product",
        "Справочник.НоменклатураГруппа": "_group",
        "Справочник.ХарактеристикиНоменклатуры": "_variant",
        "Справочник.ШтрихкодыНоменклатуры": "_barcode",
        "Справочник.ТипыЦен": "_price_type",
        "Справочник.ЕдиницыИзмерения": "_unit",
        "Справочник.Контрагенты": "_contragent",
        "Справочник.ФизическиеЛица": "_person",
        "Справочник.ДисконтныеКарты": "_card",
        "Справочник.Организации": "_organization",
        "Справочник.Склады": "_warehouse",
        "Справочник.Договоры": "_contract",
        "Справочник.СостояниеЗаказа": "_state",
        "Документ.ЗаказКлиента": "_order",
        "Документ.УстановкаЦенНоменклатуры": "_prices",
        "Документ.ОтчетОРозничныхПродажах": "_report",
    }
)
