"""A base of 1C by OData, for the bench: its lists in files, and the goods that they stand for, made on demand.

It answers in this process, so that HTTP is no part of what is measured; the bare parser reads the same answers.
The file that is named tells which records: goods.rows, prices.rows or stock.rows. It is the list that changes; the
others lie beside it under their own names.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from mmap import mmap
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

GOODS, VARIANTS = "Catalog_Номенклатура", "Catalog_ХарактеристикиНоменклатуры"
BARCODES = "InformationRegister_ШтрихкодыНоменклатуры"
PRICES, STOCK = "InformationRegister_ЦеныНоменклатуры25", "AccumulationRegister_ЗапасыИПотребности"
_RECORD = {"prices": PRICES, "stock": STOCK}
_SIZES = {
    "goods": {GOODS: 460, VARIANTS: 320, BARCODES: 290},
    "prices": {PRICES: 440, GOODS: 385, VARIANTS: 280},
    "stock": {GOODS: 385, VARIANTS: 130, STOCK: 460},
}
"""Bytes of a row: all of a list are about as long as its longest, so that a page is found without an index."""
_PAGE = 1 << 20
_VARIED = 10
_HEAD, _TAIL = b'{"value":[', b"]}"
_NONE = "00000000-0000-0000-0000-000000000000"
_STRIDE, _ALL = 0x9E3779B97F4A7C15F39CC0605CEDC835, 1 << 128
_BACK = pow(_STRIDE, -1, _ALL)
_GROUP, _KIND, _PLACE, _TYPE, _CURRENCY = (str(uuid.UUID(int=number)) for number in range(1, 6))
_REFERENCE = re.compile(r"guid'([0-9a-f-]{36})'")
_CHANGES = {
    "goods": b'"DataVersion":"AAAAAAABAAA=',
    "prices": '"Цена":10000'.encode(),
    "stock": '"ВНаличииBalance":10000'.encode(),
}
"""What has a digit for the change, and how far the digit stands from the end of it."""
_FROM_END = {"goods": 5, "prices": 1, "stock": 1}
_CLASSIFIERS = {
    "Catalog_ВидыЦен": {"Ref_Key": _TYPE, "Description": "Розничная", "ВалютаЦены_Key": _CURRENCY},
    "Catalog_Валюты": {"Ref_Key": _CURRENCY, "Description": "RUB", "Code": "643"},
    "Catalog_Склады": {"Ref_Key": _PLACE, "Description": "Основной склад", "IsFolder": False, "DeletionMark": False},
}


def make(path: Path, records: int) -> None:
    """Write the lists: every tenth good has a characteristic; each thing a barcode, a price, and something in store."""
    from connectors.onec.sandbox.edmx import metadata  # noqa: PLC0415 - only those that make data need the sandbox

    part, sizes = path.stem, _SIZES[path.stem]
    published = frozenset(sizes) | (frozenset() if part == "goods" else frozenset(_CLASSIFIERS))
    (path.parent / "metadata.xml").write_bytes(metadata(published))
    with ExitStack() as stack:
        files = {name: stack.enter_context(_file(path, name, "wb")) for name in sizes}
        for number in range(records):
            for name, row in _rows_of(part, number):
                files[name].write(_padded(row, sizes[name]))


def _rows_of(part: str, number: int) -> Iterator[tuple[str, str]]:
    """Yield what the lists say of a good, each with the list's name."""
    ref, is_varied = _ref(number), number % _VARIED == 0
    variant = _ref(number, 1) if is_varied else _NONE
    version, parent = '"DataVersion":"AAAAAAABAAA=",', f'"Parent_Key":"{_GROUP}",'
    if part != "prices" or is_varied:
        yield (
            GOODS,
            (
                f'{{"Ref_Key":"{ref}",{version + parent if part == "goods" else ""}'
                f'"ИспользованиеХарактеристик":"{"ИндивидуальныеДляНоменклатуры" if is_varied else "НеИспользовать"}",'
                f'"ВидНоменклатуры_Key":"{_KIND}","ВладелецХарактеристик_Key":"{_NONE}","ТипНоменклатуры":"Товар"}}'
            ),
        )
    if is_varied:
        priced = f'"ХарактеристикаНоменклатурыДляЦенообразования_Key":"{_ref(number, 2)}"'
        told = {"goods": f",{version}{priced}", "prices": f",{priced}", "stock": ""}[part]
        yield VARIANTS, f'{{"Ref_Key":"{variant}","Owner":"{ref}"{told}}}'
    of_good = f'"Номенклатура_Key":"{ref}"'
    if part == "goods":
        yield (
            BARCODES,
            (f'{{"Штрихкод":"2{number:012d}",{of_good},"Характеристика_Key":"{variant}","Упаковка_Key":"{_NONE}"}}'),
        )
    elif part == "prices":
        yield (
            PRICES,
            (
                f'{{{of_good},"ХарактеристикаЦО_Key":"{_NONE}","СерияЦО_Key":"{_NONE}","УпаковкаЦО_Key":"{_NONE}",'
                f'"ВидЦены_Key":"{_TYPE}","Цена":10000.{number % 90 + 10},"Валюта_Key":"{_CURRENCY}"}}'
            ),
        )
    else:
        yield (
            STOCK,
            (
                f'{{{of_good},"Характеристика_Key":"{variant}","Склад":"{_PLACE}",'
                f'"Склад_Type":"StandardODATA.Catalog_Склады","ВНаличииBalance":10000,'
                f'"РезервироватьНаСкладеBalance":{number % 90},"РезервироватьПоМереПоступленияBalance":0}}'
            ),
        )


def items(records: int) -> Iterator[list[str]]:
    """Yield the ids of the things that are sold, some at a time."""
    for start in range(0, records, 1000):
        numbers = range(start, min(start + 1000, records))
        yield [_ref(number) if number % _VARIED else f"{_ref(number)}#{_ref(number, 1)}" for number in numbers]


def change(path: Path, every: int) -> None:
    """Give every so many-th good a new version, or another price, or another quantity."""
    told = _CHANGES[path.stem]
    with path.open("r+b") as file, mmap(file.fileno(), 0) as rows:
        for start in range(0, len(rows), _SIZES[path.stem][_main(path)] * every):
            digit = rows.find(told, start) + len(told) - _FROM_END[path.stem]
            rows[digit] += 1


def answers(path: Path) -> Iterator[bytes]:
    """Yield the answers that a read in which nothing changed gets."""
    for name, size in _SIZES[path.stem].items():
        with _file(path, name) as file:
            rows = range(0, file.seek(0, 2) // size, _PAGE // size)
            yield from (_answer(file, size, skip, _PAGE // size) for skip in rows)


def bare(path: Path) -> None:
    """Decode these answers one by one."""
    for answer in answers(path):
        json.loads(answer)


class Base:
    """Stands where the connector's HTTP session does."""

    def __init__(self, path: Path) -> None:
        from obmen.clock import SystemClock  # noqa: PLC0415 - each stage pays for its own imports

        self._path, self._sizes = path, _SIZES[path.stem]
        self._files = {name: _file(path, name) for name in self._sizes}
        self.clock, self.transport = SystemClock(), SimpleNamespace(base_url="http://127.0.0.1/base")

    def get(self, address: str, **_options: Any) -> Any:
        """Answer a read as 1C does."""
        from obmen.http import Reply  # noqa: PLC0415 - as above

        name, _, query = address.lstrip("/").partition("?")
        name = name.partition("/")[0].removesuffix("_RecordType")
        if name == "$metadata":
            return Reply(200, {}, (self._path.parent / "metadata.xml").read_bytes(), what=name)
        asked = dict(part.partition("=")[::2] for part in query.split("&"))
        where = asked.get("$filter", "")
        if refs := _REFERENCE.findall(where):
            rows = [row for ref in refs for row in self._rows(name, ref)]
            return Reply(200, {}, json.dumps({"value": rows}, ensure_ascii=False).encode(), what=name)
        if where == "IsFolder eq true" or name in _CLASSIFIERS:
            told = json.dumps(_CLASSIFIERS[name], ensure_ascii=False).encode() if name in _CLASSIFIERS else b""
            return Reply(200, {}, _HEAD + told + _TAIL, what=name)
        content = _answer(self._files[name], self._sizes[name], int(asked.get("$skip", 0)), int(asked["$top"]))
        return Reply(200, {}, content, what=name)

    def close(self) -> None:
        """Close the lists."""
        for file in self._files.values():
            file.close()

    def _rows(self, name: str, ref: str) -> Iterator[dict[str, Any]]:
        number = (uuid.UUID(ref).int - (name == VARIANTS)) * _BACK % _ALL
        place = number // _VARIED if name == VARIANTS else number
        if place * self._sizes[name] >= self._files[name].seek(0, 2):  # a group, of which there is none
            return
        (row,) = json.loads(_answer(self._files[name], self._sizes[name], place, 1))["value"]
        text = f"Выдуманный товар № {number}, {row.get('DataVersion')}"
        told = {"Description": text, "НаименованиеПолное": text, "Описание": text * 3, "Артикул": f"A-{number:07d}"}
        yield row | ({"Description": f"цвет {number % 7}"} if name == VARIANTS else told if name == GOODS else {})


def _file(path: Path, name: str, mode: str = "rb") -> Any:
    return (path if name == _main(path) else path.parent / name).open(mode)


def _main(path: Path) -> str:
    return _RECORD.get(path.stem, GOODS)


def _ref(number: int, of: int = 0) -> str:
    """Return references in the order in which a base gives them, which is none to us."""
    return str(uuid.UUID(int=(number * _STRIDE + of) % _ALL))


def _padded(row: str, size: int) -> bytes:
    encoded = row.encode()
    if len(encoded) > size - 1:
        raise SystemExit(f"a row has {len(encoded) + 1} bytes, and {size} are meant")
    return encoded[:-1] + b" " * (size - 1 - len(encoded)) + b"},"


def _answer(file: BinaryIO, size: int, skip: int, top: int) -> bytes:
    left = file.seek(0, 2) // size - skip
    file.seek(skip * size)
    return b"".join((_HEAD, file.read(max(min(top, left) * size - 1, 0)), _TAIL))
