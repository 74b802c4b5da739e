"""How fast 1C's OData is read beside bare parsers of the same bytes: ``python -m tests.bench.onec_odata``.

Two things: ``$metadata`` of a fully published base (3,800 types in 15 MB) beside ``lxml.iterparse`` alone, and the
read of goods in which nothing changed, by lists of versions, beside ``json.loads`` alone. A table, never a test. Each
stage runs in a process of its own, so that its peak of memory is its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.bench.cost import print_cost

TYPES, BYTES = 3_800, 15 << 20
_ROOT = Path(__file__).parents[2]
_PAGE = 1 << 20
_NONE = "00000000-0000-0000-0000-000000000000"
_LISTS = ("Catalog_Номенклатура", "Catalog_ХарактеристикиНоменклатуры", "InformationRegister_ШтрихкодыНоменклатуры")
_GOODS, _VARIANTS, _BARCODES = _LISTS
_SIZES = {_GOODS: 480, _VARIANTS: 320, _BARCODES: 290}
"""Bytes of a row: all of a list are as long as its longest, so that a page is found without an index."""
_VARIED = 10
_HEAD, _TAIL = b'{"value":[', b"]}"


def main() -> None:
    """Print the table."""
    asked = argparse.ArgumentParser(description="1C's OData beside bare parsers.")
    asked.add_argument("--records", type=int, default=100_000)
    asked.add_argument("--million", action="store_true", help="also a million records: minutes, 1 GB of disk")
    options = asked.parse_args()
    print(f"{'what':<44}{'seconds':>9}{'CPU s':>9}{'of bare':>9}{'MiB':>7}")
    with tempfile.TemporaryDirectory(prefix="obmen-bench-") as folder:
        _run("make_metadata", folder)
        size = (Path(folder) / "metadata.xml").stat().st_size / (1 << 20)
        bare = _line(f"$metadata, {size:.1f} MiB: lxml.iterparse alone", _run("bare_metadata", folder), None)
        _line("$metadata: read, filtered", _run("metadata", folder), bare)
        _line("$metadata: from the cache", _run("cached", folder), bare)
    for records in (options.records, *([1_000_000] if options.million else [])):
        with tempfile.TemporaryDirectory(prefix="obmen-bench-") as folder:
            _run("make_lists", folder, str(records))
            bare = _line(f"{records:,} goods: json.loads alone", _run("bare_lists", folder), None)
            _line(f"{records:,} goods: nothing changed", _run("lists", folder, str(records)), bare)


def _run(stage: str, *arguments: str) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.onec_odata", stage, *arguments]
    done = subprocess.run(command, cwd=_ROOT, stdout=subprocess.PIPE, check=True)
    cost: dict[str, float] = json.loads(done.stdout or "{}")
    return cost


def _line(title: str, cost: dict[str, float], bare: dict[str, float] | None) -> dict[str, float]:
    ratio = cost["cpu"] / bare["cpu"] if bare else 1.0
    print(f"{title:<44}{cost['seconds']:>9.2f}{cost['cpu']:>9.2f}{ratio:>9.2f}{cost['mib']:>7.0f}", flush=True)
    return cost


def make_metadata(folder: Path) -> None:
    """Write the metadata of the sandbox's base among invented types, so many and so long as a real base has."""
    from connectors.onec.sandbox.edmx import metadata  # noqa: PLC0415 - each stage pays for its own imports
    from connectors.onec.sandbox.model import model_of  # noqa: PLC0415

    model = model_of("11.5.20")
    known = metadata(model.usual, model)
    head, _, tail = known.partition(b"<EntityType")
    each = (BYTES - len(known)) // TYPES
    with (folder / "metadata.xml").open("wb") as file:
        file.write(head)
        for number in range(TYPES):
            file.write(_invented(f"Catalog_Выдуманный{number:04d}", each).encode())
        file.write(b"<EntityType" + tail)


def _invented(name: str, size: int) -> str:
    """Return a type of about so many bytes, a third of them in associations."""
    told, number = f'<EntityType Name="{name}"><Key><PropertyRef Name="Ref_Key"/></Key>', 0
    while len(told.encode()) < size * 2 // 3:
        told += f'<Property Name="ВыдуманныйРеквизит{number:03d}_Key" Type="Edm.Guid" Nullable="true"/>'
        number += 1
    told += "</EntityType>"
    while len(told.encode()) < size:
        told += (
            f'<Association Name="{name}_Реквизит{number}"><End Role="Begin" Type="StandardODATA.{name}"'
            ' Multiplicity="*"/><End Role="End" Type="StandardODATA.Catalog_Пример" Multiplicity="0..1"/></Association>'
        )
        number += 1
    return told


def bare_metadata(folder: Path) -> None:
    """Parse it, letting go of each element."""
    from lxml import etree  # noqa: PLC0415

    def parse() -> None:
        for _, element in etree.iterparse(folder / "metadata.xml"):
            element.clear()

    print_cost(parse)


def metadata(folder: Path) -> None:
    """Read it as the connector does, and keep what the cache keeps beside it."""
    from connectors.onec.odata.metadata import read_metadata  # noqa: PLC0415

    print_cost(lambda: _cache(folder).put(read_metadata((folder / "metadata.xml").read_bytes())))


def cached(folder: Path) -> None:
    """Know it again after a restart."""
    cache = _cache(folder)

    def get() -> None:
        if cache.get() is None:
            raise SystemExit("the cache is empty")

    print_cost(get)


def _cache(folder: Path) -> Any:
    from connectors.onec.odata.cache import Cache  # noqa: PLC0415
    from obmen.clock import SystemClock  # noqa: PLC0415

    file = folder / "cache"
    memory = SimpleNamespace(
        get=lambda _name: file.read_bytes() if file.exists() else None, put=lambda _name, value: file.write_bytes(value)
    )
    return Cache(lambda: memory, SystemClock(), "http://127.0.0.1/base")


def make_lists(folder: Path, records: int) -> None:
    """Write rows of one length for each list: goods, a characteristic for every tenth of them, a barcode for each."""
    group, kind = uuid.UUID(int=1), uuid.UUID(int=2)
    with (folder / _GOODS).open("wb") as file:
        for number in range(records):
            use = "ИндивидуальныеДляНоменклатуры" if number % _VARIED == 0 else "НеИспользовать"
            row = (
                f'{{"Ref_Key":"{_ref(number)}","DataVersion":"AAAAAAABAAA=","Parent_Key":"{group}",'
                f'"ИспользованиеХарактеристик":"{use}","ВидНоменклатуры_Key":"{kind}",'
                f'"ВладелецХарактеристик_Key":"{_NONE}","ТипНоменклатуры":"Товар"}}'
            )
            file.write(_padded(row, _SIZES[_GOODS]))
    with (folder / _VARIANTS).open("wb") as file:
        for number in range(0, records, _VARIED):
            row = (
                f'{{"Ref_Key":"{_ref(number, 1)}","Owner":"{_ref(number)}","DataVersion":"AAAAAAABAAA=",'
                f'"ХарактеристикаНоменклатурыДляЦенообразования_Key":"{_ref(number, 2)}"}}'
            )
            file.write(_padded(row, _SIZES[_VARIANTS]))
    with (folder / _BARCODES).open("wb") as file:
        for number in range(records):
            variant = _ref(number, 1) if number % _VARIED == 0 else _NONE
            row = (
                f'{{"Штрихкод":"2{number:012d}","Номенклатура_Key":"{_ref(number)}","Характеристика_Key":"{variant}",'
                f'"Упаковка_Key":"{_NONE}"}}'
            )
            file.write(_padded(row, _SIZES[_BARCODES]))


def _ref(number: int, of: int = 0) -> str:
    """Return references in the order in which a base gives them, which is none to us."""
    return str(uuid.UUID(int=(number * 0x9E3779B97F4A7C15F39CC0605CEDC835 + of) % (1 << 128)))


def _padded(row: str, size: int) -> bytes:
    encoded = row.encode()
    if len(encoded) > size - 1:
        raise SystemExit(f"a row has {len(encoded) + 1} bytes, and {size} are meant")
    return encoded[:-1] + b" " * (size - 1 - len(encoded)) + b"},"


def _answer(file: Any, size: int, skip: int, top: int) -> bytes:
    file.seek(skip * size)
    rows: bytes = file.read(top * size)
    return _HEAD + rows[:-1] + _TAIL


def bare_lists(folder: Path) -> None:
    """Decode the same answers one by one."""

    def parse() -> None:
        for name in _LISTS:
            size, skip = _SIZES[name], 0
            with (folder / name).open("rb") as file:
                while rows := json.loads(_answer(file, size, skip, _PAGE // size))["value"]:
                    skip += len(rows)

    print_cost(parse)


def lists(folder: Path, records: int) -> None:
    """Read goods as the connector does, and take and compare each page's fingerprints as the engine does."""
    import xxhash  # noqa: PLC0415

    from connectors.onec.odata.client import OData  # noqa: PLC0415
    from connectors.onec.odata.goods import Goods  # noqa: PLC0415
    from connectors.onec.odata.metadata import Metadata  # noqa: PLC0415
    from obmen.clock import SystemClock  # noqa: PLC0415
    from obmen.connector import ShortMemory  # noqa: PLC0415
    from obmen.http import Reply  # noqa: PLC0415

    files = {name: (folder / name).open("rb") for name in _LISTS}

    def get(address: str, **_options: Any) -> Any:
        name, _, query = address.lstrip("/").partition("?")
        asked = dict(part.partition("=")[::2] for part in query.split("&"))
        if asked.get("$filter") == "IsFolder eq true":
            return Reply(200, {}, b'{"value":[]}', what=name)
        content = _answer(files[name], _SIZES[name], int(asked.get("$skip", 0)), int(asked["$top"]))
        return Reply(200, {}, content, what=name)

    class Base(OData):
        def metadata(self) -> Metadata:
            return Metadata({}, frozenset(_LISTS))

    http: Any = SimpleNamespace(get=get, clock=SystemClock(), transport=SimpleNamespace(base_url=""))
    goods, memory = Goods(Base(http), lambda: kept), ShortMemory()
    kept: Any = memory

    def read() -> None:
        products = 0
        for page in goods.read(None):
            seed = xxhash.xxh3_64_intdigest(page.salt)
            blob = b"".join([xxhash.xxh3_128_digest(raw, seed=seed) for raw in page.slices])
            products += len(blob) // 16
        if products != records:
            raise SystemExit(f"{products} products were read of {records}")

    print_cost(read)
    for file in files.values():
        file.close()


_STAGES: dict[str, Callable[..., None]] = {
    "make_metadata": make_metadata,
    "bare_metadata": bare_metadata,
    "metadata": metadata,
    "cached": cached,
    "make_lists": make_lists,
    "bare_lists": bare_lists,
    "lists": lists,
}


def _arguments() -> Iterator[Any]:
    yield Path(sys.argv[2])
    yield from (int(count) for count in sys.argv[3:])


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] in _STAGES:
        _STAGES[sys.argv[1]](*_arguments())
    else:
        main()
