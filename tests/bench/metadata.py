"""What a base publishes, ``$metadata``, as large as that of a fully published one: 3,800 types in 15 MB.

``python -m tests.bench.metadata STAGE FILE``: each stage runs in a process of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.bench.cost import print_cost

TYPES, BYTES = 3_800, 15 << 20


def make(path: Path) -> None:
    """Write the metadata of the sandbox's base among invented types, so many and so long as a real base has."""
    from connectors.onec.sandbox.edmx import metadata  # noqa: PLC0415 - each stage pays for its own imports
    from connectors.onec.sandbox.model import model_of  # noqa: PLC0415 - as above

    model = model_of("11.5.20")
    known = metadata(model.usual, model)
    head, _, tail = known.partition(b"<EntityType")
    each = (BYTES - len(known)) // TYPES
    with path.open("wb") as file:
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


def bare(path: Path) -> None:
    """Parse it, letting go of each element."""
    from lxml import etree  # noqa: PLC0415 - only here

    for _, element in etree.iterparse(path):
        element.clear()


def main(stage: str, path: Path) -> None:
    """Print what a stage costs: ``read`` it as the connector does and keep what the cache keeps; know it ``cached``."""
    if stage == "make":
        print_cost(lambda: make(path))
    elif stage == "bare":
        print_cost(lambda: bare(path))
    else:
        print_cost(_reading(path) if stage == "read" else _remembering(path))


def _reading(path: Path) -> Any:
    from connectors.onec.odata.metadata import read_metadata  # noqa: PLC0415 - each stage pays for its own imports

    cache = _cache(path)
    return lambda: cache.put(read_metadata(path.read_bytes()))


def _remembering(path: Path) -> Any:
    cache = _cache(path)

    def get() -> None:
        if cache.get() is None:
            raise SystemExit("the cache is empty")

    return get


def _cache(path: Path) -> Any:
    from connectors.onec.odata.cache import Cache  # noqa: PLC0415 - each stage pays for its own imports
    from obmen.clock import SystemClock  # noqa: PLC0415 - as above

    file = path.with_name("cache")
    memory: Any = SimpleNamespace(
        get=lambda _name: file.read_bytes() if file.exists() else None, put=lambda _name, value: file.write_bytes(value)
    )
    return Cache(lambda: memory, SystemClock(), "http://127.0.0.1/base")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
