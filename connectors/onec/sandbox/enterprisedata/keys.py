"""What objects are named by in the format: key properties, VAT rates, rows of goods."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from connectors.onec.sandbox.enterprisedata.stock import Objects, Spec

Parts = Iterable[tuple[str, Any]]
_WORDS = {"0", "10", "18", "20"}
_KIND = {"none": "БезНДС", "0": "Нулевая", "10": "Пониженная"}
_PERSON = {"Фамилия": "last_name", "Имя": "first_name", "Отчество": "middle_name", "ДатаРождения": "birthday"}


class Keys:
    """The keys of a base's objects in one version of the format."""

    def __init__(self, objects: Objects, version: str) -> None:
        self.objects = objects
        self.version = version

    @property
    def modern(self) -> bool:
        """Whether VAT rates are objects and comments are among the common properties: from 1.17 on."""
        return self.version not in {"1.6", "1.7", "1.8"}

    def product_key(self, ref: str) -> Parts:
        """Return what a good is named by."""
        spec = self.objects["Справочник.Номенклатура", ref]
        return [
            ("Ссылка", ref),
            ("НаименованиеПолное", spec.get("full_name") or spec["name"]),
            ("КодВПрограмме", spec.get("code")),
            ("Артикул", spec.get("article")),
            ("Наименование", spec["name"]),
            ("Группа", self.group_key(spec["group"]) if spec.get("group") else None),
        ]

    def group_key(self, ref: str) -> Parts:
        """Return what a group is named by, with those above it."""
        spec = self.objects["Справочник.НоменклатураГруппа", ref]
        above = self.group_key(spec["parent"]) if spec.get("parent") else None
        return [("Ссылка", ref), ("Наименование", spec["name"]), ("Группа", above)]

    def goods(self, product: str, variant: str = "") -> Parts:
        """Return a good with its characteristic, as rows of documents name it."""
        own = None
        if variant:
            own = [
                ("Ссылка", variant),
                ("ВладелецХарактеристики", [("Номенклатура", self.product_key(product))]),
                ("НаименованиеПолное", self.objects["Справочник.ХарактеристикиНоменклатуры", variant]["name"]),
            ]
        return [("Номенклатура", self.product_key(product)), ("Характеристика", own)]

    def pack(self, product: str, name: str = "", factor: str = "") -> Parts:
        """Return a pack of a good, as rows of documents name it; nothing without a name."""
        if not name:
            return []
        own_unit = unit(self.objects["Справочник.Номенклатура", product])
        key = [("Номенклатура", self.product_key(product)), ("ЕдиницаИзмерения", own_unit)]
        return [("Упаковка", [*key, ("Коэффициент", factor), ("Наименование", name)])]

    def party_key(self, kind: str, ref: str) -> Parts:
        """Return what a contragent or an organization is named by."""
        spec = self.objects[kind, ref]
        return [
            ("Ссылка", ref),
            ("Наименование", spec["name"]),
            ("НаименованиеПолное", spec.get("full_name")),
            ("ИНН", spec.get("inn")),
            ("КПП", spec.get("kpp")),
            ("ЮридическоеФизическоеЛицо", spec.get("legal", "ЮридическоеЛицо")),
        ]

    def person_key(self, ref: str) -> Parts:
        """Return what a person is named by."""
        spec = self.objects["Справочник.ФизическиеЛица", ref]
        parts = [(name, spec.get(field)) for name, field in _PERSON.items()]
        return [("Ссылка", ref), ("ФИО", spec["name"]), *parts]

    def warehouse_key(self, ref: str) -> Parts:
        """Return what a warehouse is named by."""
        return [("Ссылка", ref), ("Наименование", self.objects["Справочник.Склады", ref]["name"])]

    def order_key(self, ref: str) -> Parts:
        """Return what an order is named by."""
        spec = self.objects["Документ.ЗаказКлиента", ref]
        incoming = spec.get("incoming")
        return [
            ("Ссылка", ref),
            ("Дата", spec["date"]),
            ("Номер", spec["number"]),
            ("Организация", self.party_key("Справочник.Организации", spec["organization"])),
            ("ДанныеВходящегоДокумента", [("НомерВходящегоДокумента", incoming)] if incoming else None),
        ]

    def price_type_key(self, ref: str) -> Parts:
        """Return what a type of prices is named by."""
        spec = self.objects["Справочник.ТипыЦен", ref]
        return [("Ссылка", ref), ("Наименование", spec["name"]), ("ВалютаЦены", currency(spec["currency"]))]

    def vat(self, rate: str) -> Any:
        """Return a VAT rate: a word up to 1.8, an object later; None where the version has no such rate."""
        if not rate or (not self.modern and rate != "none" and rate not in _WORDS):
            return None
        if not self.modern:
            return "БезНДС" if rate == "none" else f"НДС{rate}"
        return [
            ("Ставка", "0" if rate == "none" else rate),
            ("РасчетнаяСтавка", "false"),
            ("НеОблагается", str(rate == "none").lower()),
            ("ВидСтавки", _KIND.get(rate, "Общая")),
        ]

    def extras(self, spec: Spec) -> tuple[Parts, Parts]:
        """Return the comment and the additional attributes, as 1.8 has them and as later versions do."""
        attributes = [
            ("Строка", [("ЗначениеСвойства", [("Строка", value)]), ("Свойство", [("Наименование", name)])])
            for name, value in (spec.get("attributes") or {}).items()
        ]
        own = [("ДополнительныеРеквизиты", attributes or None), ("Комментарий", spec.get("comment"))]
        if not self.modern:
            return own, []
        common = [own[1], own[0]]
        said = any(value for _, value in common)
        return [], [("ОбщиеСвойстваОбъектовФормата", common if said else None)]

    def rows(self, lines: Iterable[Spec]) -> Iterator[tuple[str, Parts]]:
        """Yield the rows of goods of a document."""
        for at, line in enumerate(lines, 1):
            amount = Decimal(line["price"]) * Decimal(line["quantity"])
            yield (
                "Строка",
                [
                    ("НомерСтрокиДокумента", str(at)),
                    ("ДанныеНоменклатуры", self.goods(line["product"], line.get("variant", ""))),
                    ("ЕдиницаИзмерения", unit(self.objects["Справочник.Номенклатура", line["product"]])),
                    ("Количество", line["quantity"]),
                    ("Сумма", format(Decimal(line.get("total") or amount), "f")),
                    ("Цена", line["price"]),
                    ("СтавкаНДС", self.vat(line.get("vat", ""))),
                ],
            )


def currency(code: str) -> Parts:
    """Return the key properties of a currency."""
    return [("ДанныеКлассификатора", [("Код", code)])]


def unit(spec: Spec) -> Parts:
    """Return the key properties of a good's unit."""
    code, name = spec.get("unit", ("796", "шт"))
    return [("ДанныеКлассификатора", [("Код", code), ("Наименование", name)])]
