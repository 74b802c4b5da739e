"""A file of costs: what each good costs the seller, as a table that people keep."""

from __future__ import annotations

import csv
from decimal import Decimal, InvalidOperation
from pathlib import Path

from obmen.errors import ConfigurationError

_COLUMNS = ("sku", "cost")
_CURRENCY = "RUB"


def costs_of(file: Path) -> dict[tuple[str, str], Decimal]:
    """Return (SKU, currency) → cost of one unit.

    The file is CSV with the columns ``sku`` and ``cost``, and ``currency`` where it is not RUB; semicolons or commas
    between. Raises ConfigurationError that names the line.
    """
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The file of costs cannot be read ({error}).", where=str(file)) from error
    head = text.partition("\n")[0]
    table = csv.DictReader(text.splitlines(), delimiter=";" if ";" in head else ",")
    if not set(_COLUMNS) <= set(table.fieldnames or ()):
        raise ConfigurationError(f"The file of costs needs the columns {' and '.join(_COLUMNS)}.", where=str(file))
    found: dict[tuple[str, str], Decimal] = {}
    for row in table:
        sku = (row["sku"] or "").strip()
        try:
            cost = Decimal((row["cost"] or "").replace("\u00a0", "").replace(" ", "").replace(",", "."))
        except InvalidOperation:
            cost = Decimal(-1)
        if not sku or not cost.is_finite() or cost < 0:
            message = f"'{row['cost']}' is no cost of '{sku}'. Write it like 199.90."
            raise ConfigurationError(message, where=f"{file}:{table.line_num}")
        found[sku, (row.get("currency") or _CURRENCY).strip()] = cost
    return found
