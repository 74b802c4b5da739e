"""A base of 1C by OData, for the bench: lists of versions in files, and the goods that they stand for, made on demand.

It answers in this process, so that HTTP is no part of what is measured; the bare parser reads the same answers.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from mmap import mmap
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

GOODS, VARIANTS = "Catalog_Номенклатура", "Catalog_ХарактеристикиНоменклатуры"
BARCODES = "InformationRegister_ШтрихкодыНоменклатуры"
_SIZES = {GOODS: 460, VARIANTS: 320, BARCODES: 290}
"""Bytes of a row: all of a list are about as long as its longest, so that a page is found without an index."""
_PAGE = 1 << 20
_VARIED = 10
_HEAD, _TAIL = b'{"value":[', b"]}"
_NONE = "00000000-0000-0000-0000-000000000000"
_STRIDE, _ALL = 0x9E3779B97F4A7C15F39CC0605CEDC835, 1 << 128
_BACK = pow(_STRIDE, -1, _ALL)
_VERSION = b'"DataVersion":"AAAAAAABAAA='
_REFERENCE = re.compile(r"guid'([0-9a-f-]{36})'")


def make(path: Path, records: int) -> None:
    """Write the lists beside ``path``: goods, a characteristic for every tenth of them, a barcode for each."""
    from connectors.onec.sandbox.edmx import metadata  # noqa: PLC0415 - only those that make data need the sandbox

    (path.parent / "metadata.xml").write_bytes(metadata(frozenset(_SIZES)))
    group, kind = uuid.UUID(int=1), uuid.UUID(int=2)
    with path.open("wb") as goods, _file(path, VARIANTS, "wb") as variants, _file(path, BARCODES, "wb") as barcodes:
        for number in range(records):
            ref, variant = _ref(number), _NONE
            use = "НеИспользовать"
            if number % _VARIED == 0:
                use, variant = "ИндивидуальныеДляНоменклатуры", _ref(number, 1)
                row = (
                    f'{{"Ref_Key":"{variant}","Owner":"{ref}","DataVersion":"AAAAAAABAAA=",'
                    f'"ХарактеристикаНоменклатурыДляЦенообразования_Key":"{_ref(number, 2)}"}}'
                )
                variants.write(_padded(row, _SIZES[VARIANTS]))
            row = (
                f'{{"Ref_Key":"{ref}","DataVersion":"AAAAAAABAAA=","Parent_Key":"{group}",'
                f'"ИспользованиеХарактеристик":"{use}","ВидНоменклатуры_Key":"{kind}",'
                f'"ВладелецХарактеристик_Key":"{_NONE}","ТипНоменклатуры":"Товар"}}'
            )
            goods.write(_padded(row, _SIZES[GOODS]))
            row = (
                f'{{"Штрихкод":"2{number:012d}","Номенклатура_Key":"{ref}","Характеристика_Key":"{variant}",'
                f'"Упаковка_Key":"{_NONE}"}}'
            )
            barcodes.write(_padded(row, _SIZES[BARCODES]))


def change(path: Path, every: int) -> None:
    """Give a new version to every so many-th good."""
    with path.open("r+b") as file, mmap(file.fileno(), 0) as rows:
        for start in range(0, len(rows), _SIZES[GOODS] * every):
            digit = rows.find(_VERSION, start) + len(_VERSION) - 5
            rows[digit] += 1


def answers(path: Path) -> Iterator[bytes]:
    """Yield the answers that a read in which nothing changed gets."""
    for name, size in _SIZES.items():
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

        self._path = path
        self._files = {name: _file(path, name) for name in _SIZES}
        self.clock, self.transport = SystemClock(), SimpleNamespace(base_url="http://127.0.0.1/base")

    def get(self, address: str, **_options: Any) -> Any:
        """Answer a read as 1C does."""
        from obmen.http import Reply  # noqa: PLC0415 - as above

        name, _, query = address.lstrip("/").partition("?")
        if name == "$metadata":
            return Reply(200, {}, (self._path.parent / "metadata.xml").read_bytes(), what=name)
        asked = dict(part.partition("=")[::2] for part in query.split("&"))
        where = asked.get("$filter", "")
        if refs := _REFERENCE.findall(where):
            rows = [row for ref in refs for row in self._rows(name, ref)]
            return Reply(200, {}, json.dumps({"value": rows}, ensure_ascii=False).encode(), what=name)
        if where == "IsFolder eq true":
            return Reply(200, {}, _HEAD + _TAIL, what=name)
        content = _answer(self._files[name], _SIZES[name], int(asked.get("$skip", 0)), int(asked["$top"]))
        return Reply(200, {}, content, what=name)

    def close(self) -> None:
        """Close the lists."""
        for file in self._files.values():
            file.close()

    def _rows(self, name: str, ref: str) -> Iterator[dict[str, Any]]:
        number = (uuid.UUID(ref).int - (name == VARIANTS)) * _BACK % _ALL
        place = number // _VARIED if name == VARIANTS else number
        if place * _SIZES[name] >= self._files[name].seek(0, 2):  # a group, of which there is none
            return
        (row,) = json.loads(_answer(self._files[name], _SIZES[name], place, 1))["value"]
        text = f"Выдуманный товар № {number}, {row.get('DataVersion')}"
        told = {"Description": text, "НаименованиеПолное": text, "Описание": text * 3, "Артикул": f"A-{number:07d}"}
        yield row | ({"Description": f"цвет {number % 7}"} if name == VARIANTS else told if name == GOODS else {})


def _file(path: Path, name: str, mode: str = "rb") -> Any:
    return (path if name == GOODS else path.parent / name).open(mode)


def _ref(number: int, of: int = 0) -> str:
    """Return references in the order in which a base gives them, which is none to us."""
    return str(uuid.UUID(int=(number * _STRIDE + of) % _ALL))


def _padded(row: str, size: int) -> bytes:
    encoded = row.encode()
    if len(encoded) > size - 1:
        raise SystemExit(f"a row has {len(encoded) + 1} bytes, and {size} are meant")
    return encoded[:-1] + b" " * (size - 1 - len(encoded)) + b"},"


def _answer(file: BinaryIO, size: int, skip: int, top: int) -> bytes:
    file.seek(skip * size)
    return _HEAD + file.read(top * size)[:-1] + _TAIL
