"""``$select`` and ``$expand``: which properties of a record are told, its presentations, what it refers to."""

from __future__ import annotations

import operator
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from connectors.onec.sandbox.base import Record
from connectors.onec.sandbox.functions import BadQuery
from connectors.onec.sandbox.kinds import LONG, NAMESPACE, UNDEFINED, composites
from connectors.onec.sandbox.query import UnknownProperty, value_at
from connectors.onec.sandbox.shapes import Shape, Shapes
from connectors.onec.sandbox.values import Refusal

PRESENTATION = "____Presentation"
_ALL, _WITHOUT_SECTIONS = "*", "**"
_UNSEEN = uuid.UUID("5ad1a1d2-5a1f-4c62-9d15-0c4a5f1d8a11")


class Selection:
    """What a request wants of each record. Raises Refusal and BadQuery for what the type does not have."""

    def __init__(self, query: Mapping[str, str], shape: Shape, shapes: Shapes) -> None:
        self._shape = shape
        self._shapes = shapes
        self._whole: set[str] = set()
        self._inner: dict[str, list[str]] = {}
        self._presented: list[str] = []
        self._named: list[str] = []
        self._expanded = list(_names(query.get("$expand", "")))
        for name in self._expanded:
            self._check_expanded(name)
        for name in _names(query.get("$select", _ALL)):
            self._choose(name)

    def of(self, record: Record) -> Record:
        """Return what is told of a record."""
        told = self._own(record)
        for name in self._presented:
            told[f"{name}{PRESENTATION}"] = self._presentation(record, name)
        for name in self._expanded:
            found = self._shapes.follow(record, name)
            told[name] = None if found is None else self._narrowed(name, found)
        return told

    def _own(self, record: Record) -> Record:
        if not self._whole:
            return self._visible({name: record[name] for name in self._named})
        sections = self._shape.sections if _ALL not in self._whole else {}
        return self._visible({name: value for name, value in record.items() if name not in sections})

    def _narrowed(self, name: str, found: Mapping[str, Any]) -> Record:
        inner = self._inner.get(name)
        if inner is None:
            return dict(found)
        missing = [part for part in inner if part not in found]
        if missing:
            raise Refusal(f"Сегмент пути {missing[0]} не найден", status=400, code="10")
        return {part: found[part] for part in inner}

    def _choose(self, name: str) -> None:
        if name in {_ALL, _WITHOUT_SECTIONS}:
            self._whole.add(name)
        elif name == f"{_ALL}{PRESENTATION}":
            self._presented += [*self._shape.navigations, *self._shape.several]
        elif name.endswith(PRESENTATION):
            self._presented.append(name.removesuffix(PRESENTATION))
            self._check_own(self._presented[-1], presented=True)
        elif "/" in name:
            first, _, rest = name.partition("/")
            if first not in self._expanded:
                raise BadQuery(f"{first} не раскрыто: нужен $expand")
            self._inner.setdefault(first, []).append(rest)
        elif name not in self._expanded:
            self._check_own(name)
            self._named.append(name)

    def _check_own(self, name: str, *, presented: bool = False) -> None:
        known = {*self._shape.properties, *self._shape.sections}
        if name not in known and not (presented and f"{name}_Key" in known):
            raise Refusal(f"Сегмент пути {name} не найден", status=400, code="10")

    def _check_expanded(self, name: str) -> None:
        to = self._shape.navigations.get(name)
        if to is None or to not in self._shapes.published:
            raise BadQuery(f"{name} не раскрывается")

    def _visible(self, told: Record) -> Record:
        """Name what is not published as a real base does: not by its type."""
        for name in self._shape.several:
            if f"{name}_Type" in told:
                told[f"{name}_Type"] = self._type_seen(told[f"{name}_Type"])
        for section, properties in self._shape.sections.items():
            several = composites(properties) if told.get(section) else ()
            for name in several:
                told[section] = [{**row, f"{name}_Type": self._type_seen(row[f"{name}_Type"])} for row in told[section]]
        return told

    def _type_seen(self, kind: str) -> str:
        plain = kind.removeprefix(f"{NAMESPACE}.")
        if kind in {UNDEFINED, plain} or plain in self._shapes.published:
            return kind
        return f"UnavailableEntities.UnavailableEntity_{uuid.uuid5(_UNSEEN, plain)}"

    def _presentation(self, record: Record, name: str) -> str:
        ref = record.get(f"{name}_Key", record.get(name, ""))
        found = self._shapes.base.find(str(ref))
        if found is None:
            return "" if f"{name}_Key" in record else str(ref)
        kind, target = found
        if "Description" in target:
            return str(target["Description"])
        moment = re.sub(r"(\d+)-(\d+)-(\d+)T0?(.+)", r"\3.\2.\1 \4", target["Date"])
        return f"{_words(kind)} {target['Number']} от {moment}"


def ordered(rows: list[Record], source: str, shape: Shape, shapes: Shapes) -> list[Record]:
    """Return the rows in the order asked for. Raises Refusal with code 10 for what the type does not have."""
    for part in reversed(list(_names(source))):
        path, _, way = part.partition(" ")
        rows = sorted(rows, key=_sorter(path, shape, shapes), reverse=way.strip() == "desc")
    return rows


def _sorter(path: str, shape: Shape, shapes: Shapes) -> Callable[[Record], Any]:
    kind = shape.properties.get(path)
    if kind == LONG:
        return lambda row: int(row[path])
    if kind is not None:
        return operator.itemgetter(path)
    parts = path.split("/")

    def reached(row: Record) -> tuple[bool, Any]:
        try:
            value = value_at(row, parts, shapes.follow)
        except UnknownProperty as unknown:
            raise Refusal(f"Сегмент пути {path} не найден", status=400, code="10") from unknown
        return value is not None, value if value is not None else 0

    return reached


def _names(source: str) -> Iterable[str]:
    return (part.strip() for part in source.split(",") if part.strip())


def _words(kind: str) -> str:
    parts = re.findall(r"[А-ЯЁA-Z]+[а-яёa-z]*", kind.partition("_")[2])
    return " ".join(parts).capitalize()
