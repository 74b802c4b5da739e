"""Lists that are too long for the project's own file, or that another program writes: kits and stop-lists."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from pydantic import ValidationInfo

from obmen.errors import ConfigurationError
from obmen.mapping.yaml import read_text, read_yaml

_COLUMNS = ("kit", "part", "quantity")
_DELIMITERS = ";\t,"


@dataclass(frozen=True)
class Files:
    """Where a project's relative paths start from, and which files its rules were read from."""

    folder: Path
    read: list[Path] = field(default_factory=list)


def read_kits(value: Any, info: ValidationInfo) -> Any:
    """Return a table of kits, read from the file where only its path is given."""
    if not isinstance(value, str):
        return value
    path = _found(value, info, "kits are written here, or in a file")
    return _kits_of_csv(path) if path.suffix == ".csv" else _kits_of_yaml(path)


def read_stop(value: Any, info: ValidationInfo) -> Any:
    """Return a list of SKUs, read from the file where only its path is given."""
    if not isinstance(value, str):
        return value
    path = _found(value, info, f"SKUs are written as a list: [{value}]; or in a file")
    lines = (line.strip() for line in read_text(path).splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _found(value: str, info: ValidationInfo, otherwise: str) -> Path:
    files = info.context if isinstance(info.context, Files) else Files(Path())
    path = files.folder / value
    if not path.is_file():
        raise ValueError(f"there is no file {path}; {otherwise}")
    if path not in files.read:
        files.read.append(path)
    return path


def _kits_of_yaml(path: Path) -> Any:
    document = read_yaml(path)
    if not isinstance(document.data, dict):
        raise _wrong(path, 1, "Kits are written as SKU: { SKU of a part: how many }.")
    for kit, parts in document.data.items():
        if not isinstance(parts, dict) or not parts:
            raise ConfigurationError(
                f"'{kit}' is meant to have its parts, each with how many of it.", where=document.where(kit)
            )
        for part, quantity in parts.items():
            _positive(quantity, document.where(kit, part))
    return document.data


def _kits_of_csv(path: Path) -> dict[str, dict[str, Decimal]]:
    lines = read_text(path).splitlines()
    head = lines[0] if lines else ""
    delimiter = max(_DELIMITERS, key=head.count)
    rows = csv.reader(lines, delimiter=delimiter)
    columns = [name.strip().lower() for name in next(rows, [])]
    for name in _COLUMNS:
        if name not in columns:
            raise _wrong(path, 1, f"The first line names the columns kit, part and quantity; '{name}' is missing.")
    kits: dict[str, dict[str, Decimal]] = {}
    for row in rows:
        if not any(cell.strip() for cell in row):
            continue
        line = rows.line_num
        if len(row) < len(columns):
            raise _wrong(path, line, f"There are {len(row)} of {len(columns)} columns here.")
        kit, part, quantity = (row[columns.index(name)].strip() for name in _COLUMNS)
        if not kit or not part:
            raise _wrong(path, line, "A kit and its part are named in each line.")
        if part in kits.setdefault(kit, {}):
            raise _wrong(path, line, f"'{part}' is a part of '{kit}' twice. Add the quantities.")
        kits[kit][part] = _positive(quantity.replace(",", "."), f"{path}:{line}")
    return kits


def _positive(value: Any, where: str) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal(0)
    if isinstance(value, bool) or not number.is_finite() or number <= 0:
        message = f"'{value}' is meant to be how many of the part are in one kit, more than 0."
        raise ConfigurationError(message, where=where)
    return number


def _wrong(path: Path, line: int, message: str) -> ConfigurationError:
    return ConfigurationError(message, where=f"{path}:{line}")
