"""Small mappings of a few lines, with what an entity requires beside them filled in."""

from __future__ import annotations

from datetime import UTC, datetime
from textwrap import dedent, indent
from typing import Any

from obmen.entities import ENTITIES, Product, Record
from obmen.mapping import BoundMapping, Context, parse_mapping

REFS: dict[tuple[str, str], str] = {}
GIVEN = {
    "sku": "S",
    "price_type": "base",
    "warehouse": "W",
    "currency": "RUB",
    "channel": "C",
    "number": "N",
    "status": "new",
    "amount": "1",
    "available": "1",
    "placed_at": "2026-06-15T06:50:09Z",
}
ORDER = {
    "channel": "ozon",
    "number": "1",
    "placed_at": datetime(2026, 6, 15, 6, 50, 9, tzinfo=UTC),
    "currency": "RUB",
    "lines": [{"sku": "A-1", "quantity": 2, "price": "10"}],
}


def bound(entity: str, fields: str, rest: str = "", **context: Any) -> BoundMapping:
    """Bind a mapping of the given lines, all required fields of the entity beside them being constants."""
    named = {line.split(":")[0].strip() for line in dedent(fields).strip().splitlines()}
    model = ENTITIES[entity]
    missing = [name for name, info in model.model_fields.items() if info.is_required() and name in GIVEN]
    lines = [f'  {name}: {{ fixed: "{GIVEN[name]}" }}' for name in missing if name not in named]
    if entity == "order" and "lines" not in named:
        lines.append('  lines: { expr: "`[]`" }')
    text = f"entity: {entity}\nfields:\n{indent(dedent(fields).strip(), '  ')}\n" + "\n".join(lines)
    return parse_mapping(f"{text}\n{dedent(rest)}").bind(Context("ozon", **context))


def pulled(mapping: BoundMapping, native: dict[str, Any], name: str) -> Any:
    return mapping.pull(native, REFS).get(name, "absent")


def product(**fields: Any) -> Record:
    return Product(sku="A-1", **fields)
