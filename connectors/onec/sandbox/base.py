"""The sandbox's base: what 1C fills in, cuts, ignores and refuses when objects are written and posted."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from connectors.onec.sandbox.model import (
    FLAG,
    GUID,
    LENGTHS,
    LONG,
    MOMENT,
    NUMBER,
    ORDER,
    SHORT,
    STATUSES,
    STRING,
    SUPPLY,
    TYPES,
    empty,
)
from connectors.onec.sandbox.references import SEED

Record = dict[str, Any]
NO_REF = "00000000-0000-0000-0000-000000000000"

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_LONG = re.compile(r"-?\d{1,18}")
_MUST_EXIST = {
    "Организация_Key": "Catalog_Организации",
    "Партнер_Key": "Catalog_Партнеры",
    "Контрагент_Key": "Catalog_Контрагенты",
    "Соглашение_Key": "Catalog_СоглашенияСКлиентами",
    "Валюта_Key": "Catalog_Валюты",
    "Склад_Key": "Catalog_Склады",
}
_KEPT = frozenset({"Ref_Key", "DataVersion", "Posted"})
_MUST_BE_SAID = ("НалогообложениеНДС", "ХозяйственнаяОперация", "СпособДоставки")


class Refusal(Exception):  # noqa: N818 - the base's answer, by its code
    """The base refuses; ``status`` and ``code`` are as 1C gives them."""

    def __init__(self, text: str, *, status: int = 500, code: str = "-1") -> None:
        super().__init__(text)
        self.status = status
        self.code = code


class Base:
    """All objects of the base. ``now`` tells its local time, naive."""

    def __init__(self, now: Callable[[], datetime], *, strict_products: bool, random: Any) -> None:
        self._now = now
        self._strict_products = strict_products
        self._random = random
        self.objects: dict[str, dict[str, Record]] = {name: {} for name in TYPES}
        self._last_number = 0
        for name, records in SEED.items():
            for ref, properties in records.items():
                self.create(name, {"Ref_Key": ref, **properties}, own_ref=True)

    def get(self, name: str, ref: str) -> Record:
        """Return an object, or refuse with code 9."""
        record = self.objects[name].get(ref.lower())
        if record is None:
            raise Refusal(f"Экземпляр {name} с ключом {ref} не найден", status=404, code="9")
        return record

    def create(self, name: str, body: Mapping[str, Any], *, own_ref: bool) -> Record:
        """Write a new object; without ``own_ref`` the base gives it a reference of its own."""
        asked = str(body.get("Ref_Key", NO_REF)).lower()
        ref = asked if own_ref and asked != NO_REF else self._new_ref()
        if ref in self.objects[name]:
            raise Refusal(f"Экземпляр {name} с ключом {ref} уже существует", status=400, code="15")
        record = {**empty(TYPES[name].properties), **{section: [] for section in TYPES[name].sections}}
        self._fill(name, record, body)
        record["Ref_Key"] = ref
        record["DataVersion"] = ""
        if TYPES[name].is_document:
            self._number(record, body)
        self.objects[name][ref] = record
        self._touch(record)
        return record

    def change(self, name: str, ref: str, body: Mapping[str, Any], version: str | None) -> Record:
        """Write the named properties; a tabular section is replaced whole."""
        record = self.get(name, ref)
        if version is not None and version != record["DataVersion"]:
            raise Refusal("Объект был изменен", status=412, code="-1")
        draft = dict(record)
        self._fill(name, draft, {key: value for key, value in body.items() if key not in _KEPT})
        if draft["DeletionMark"] and "Posted" in draft:
            draft["Posted"] = False
        record.update(draft)
        self._touch(record)
        return record

    def delete(self, name: str, ref: str) -> None:
        """Delete for good, as 1C's OData does."""
        self.get(name, ref)
        del self.objects[name][ref.lower()]

    def post(self, name: str, ref: str) -> Record:
        """Post a document, or refuse with the reason."""
        record = self.get(name, ref)
        if record["DeletionMark"]:
            raise Refusal("Помеченный на удаление документ не может быть проведен")
        if name == ORDER:
            wrong = [*self._wrong_head(record), *self._wrong_lines(record)]
            if wrong:
                raise Refusal("Документ не проведен: " + "; ".join(wrong))
        record["Posted"] = True
        self._touch(record)
        return record

    def unpost(self, name: str, ref: str) -> Record:
        """Take a document's posting back."""
        record = self.get(name, ref)
        record["Posted"] = False
        self._touch(record)
        return record

    def _wrong_head(self, order: Record) -> Iterator[str]:
        for name, catalog in _MUST_EXIST.items():
            if order[name] not in self.objects[catalog]:
                yield f"поле {name.removesuffix('_Key')} не заполнено или указывает на удаленный объект"
        yield from (f"поле {name} не заполнено" for name in _MUST_BE_SAID if not order[name])
        if order["Статус"] not in STATUSES:
            yield f"нет статуса «{order['Статус']}»"
        if not order["СкидкиРассчитаны"]:
            yield "скидки не рассчитаны"
        if order["ЭтоЗаказКакСчет"] and order["Статус"] != STATUSES[0]:
            yield "заказ как счет может быть только несогласованным"
        if not order["Товары"]:
            yield "нет строк"

    def _wrong_lines(self, order: Record) -> Iterator[str]:
        goods = self.objects["Catalog_Номенклатура"]
        for at, row in enumerate(order["Товары"], 1):
            product = row["Номенклатура_Key"]
            if product == NO_REF or (self._strict_products and product not in goods):
                yield f"строка {at}: номенклатура не заполнена или удалена"
            if row["СтавкаНДС_Key"] not in self.objects["Catalog_СтавкиНДС"]:
                yield f"строка {at}: ставка НДС не заполнена"
            if row["ВариантОбеспечения"] not in SUPPLY:
                yield f"строка {at}: нет варианта обеспечения «{row['ВариантОбеспечения']}»"
            if Decimal(str(row["Количество"])) <= 0 or Decimal(str(row["КоличествоУпаковок"])) <= 0:
                yield f"строка {at}: количество не заполнено"

    def _fill(self, name: str, record: Record, body: Mapping[str, Any]) -> None:
        """Take over what the type has, and nothing else, without a word: so 1C does."""
        kind = TYPES[name]
        for key, value in body.items():
            if key in kind.properties:
                record[key] = _taken(key, value, kind.properties[key])
            elif key in kind.sections:
                record[key] = [
                    self._row(at, row, kind.sections[key], numbered=key == "Товары")
                    for at, row in enumerate(_rows(key, value), 1)
                ]
        if "Товары" in kind.sections:
            record["МаксимальныйКодСтроки"] = str(len(record["Товары"]))

    def _row(self, at: int, row: Mapping[str, Any], properties: Mapping[str, str], *, numbered: bool) -> Record:
        if "LineNumber" not in row:
            raise Refusal("Поле объекта не обнаружено (LineNumber)")
        filled = empty(properties)
        filled.update({key: _taken(key, row[key], properties[key]) for key in row if key in properties})
        filled["LineNumber"] = str(at)
        if numbered and filled["КодСтроки"] == "0":
            filled["КодСтроки"] = str(at)
        return filled

    def _number(self, record: Record, body: Mapping[str, Any]) -> None:
        record["Posted"] = False
        if not body.get("Number"):
            self._last_number += 1
            record["Number"] = f"ОБ00-{self._last_number:06d}"
        if "Date" not in body:
            record["Date"] = self._now().replace(microsecond=0).isoformat()

    def _new_ref(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def _touch(self, record: Record) -> None:
        before = int.from_bytes(base64.b64decode(record["DataVersion"] or ""), "big")
        record["DataVersion"] = base64.b64encode((before + 1).to_bytes(8, "big")).decode()


def _rows(name: str, value: Any) -> list[Mapping[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise Refusal(f"Неверное значение табличной части {name}", status=400, code="4")
    return value


def _taken(name: str, value: Any, kind: str) -> Any:
    """Return the value as the base keeps it: strings cut to the field's length, references in lower case."""
    number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    fits = {
        GUID: isinstance(value, str) and bool(_GUID.fullmatch(value)),
        STRING: isinstance(value, str),
        MOMENT: isinstance(value, str) and bool(_MOMENT.fullmatch(value)),
        FLAG: isinstance(value, bool),
        NUMBER: number,
        LONG: bool(_LONG.fullmatch(str(value))) and not isinstance(value, bool),
        SHORT: number,
    }
    if not fits[kind]:
        raise Refusal(f"Неверное значение свойства {name}", status=400, code="4")
    if kind == STRING:
        return value[: LENGTHS.get(name, len(value))]
    if kind == LONG:
        return str(value)
    return value.lower() if kind == GUID else value
