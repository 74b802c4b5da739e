"""What can be asked of the base by name: objects, their tabular sections, registers, and how each looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.onec.sandbox.allocation import allocation
from connectors.onec.sandbox.base import Base, Record
from connectors.onec.sandbox.edmx import record_key, record_type
from connectors.onec.sandbox.kinds import GUID, STREAM, STRING, Properties, composites
from connectors.onec.sandbox.model import target
from connectors.onec.sandbox.objects.registers import ALLOCATION
from connectors.onec.sandbox.query import UnknownProperty
from connectors.onec.sandbox.values import Refusal


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of record: ``key`` tells one from the others, ``sections`` are lists of rows by property.

    ``several`` are the properties that refer to one of several types; ``navigations`` tell what each other
    reference points to, by its name without ``_Key``.
    """

    name: str
    properties: Properties
    key: tuple[str, ...] = ("Ref_Key",)
    sections: Mapping[str, Properties] = field(default_factory=dict)
    several: tuple[str, ...] = ()
    navigations: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        name: str,
        properties: Properties,
        key: tuple[str, ...],
        sections: Mapping[str, Properties] | None = None,
    ) -> Shape:
        """Return the shape of records with these properties; files are told by their data and type alone."""
        told = {part: kind for part, kind in properties.items() if kind != STREAM}
        owner = name.removesuffix("_RecordType")
        pointing = {
            part: to
            for part in (whole.removesuffix("_Key") for whole in told if whole.endswith("_Key"))
            if (to := target(owner, part))
        }
        return cls(name, told, key, sections or {}, tuple(composites(told)), pointing)

    def row_type(self, section: str) -> str:
        """Return the type of a section's rows."""
        owner = self.name if section == "RecordSet" else f"{self.name}_{section}"
        return f"{owner}_RowType"

    def address(self, record: Mapping[str, Any]) -> str:
        """Return the record's address inside the interface."""
        if self.key == ("Ref_Key",):
            return f"{self.name}(guid'{record.get('Ref_Key', '')}')"
        key = (f"{part}={self._literal(part, record.get(part, ''))}" for part in self.key)
        return f"{self.name}({', '.join(key)})"

    def _literal(self, name: str, value: Any) -> str:
        kind = self.properties.get(name, STRING)
        if kind == GUID:
            return f"guid'{value}'"
        if kind == "Edm.DateTime":
            return f"datetime'{value}'"
        return f"'{value}'" if kind == STRING else str(value)


class Shapes:
    """The published sets of a base, and their records."""

    def __init__(self, base: Base, published: frozenset[str]) -> None:
        self.base = base
        self.published = published
        self._known: dict[str, Shape] = {}

    def of(self, name: str) -> Shape:
        """Return the shape of a published set, or refuse with code 8."""
        if name not in self._known:
            shape = self._object(name) or self._section(name) or self._register(name)
            if shape is None:
                raise Refusal(f"Сущность {name} не найдена", status=404, code="8")
            self._known[name] = shape
        return self._known[name]

    def publish(self, names: frozenset[str]) -> None:
        """Make these objects the published ones."""
        self.published = names
        self._known.clear()

    def rows(self, name: str) -> list[Record]:
        """Return all records of a published set, in the order in which they lie."""
        model, registers = self.base.model, self.base.registers
        if name in model.types:
            return list(self.base.objects[name].values())
        if name == ALLOCATION:
            return allocation(registers)
        if name in model.registers:
            return registers.sets(name) if model.registers[name].recorded else registers.rows(name)
        if name.endswith("_RecordType"):
            return registers.rows(name.removesuffix("_RecordType"))
        owner, section = self._owner(name)
        return [
            {"Ref_Key": record["Ref_Key"], **row}
            for record in self.base.objects[owner].values()
            for row in record[section]
        ]

    def follow(self, record: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
        """Return the object that a reference points to, None where it is empty or broken.

        Raises UnknownProperty where there is no such reference, or only to what is not published.
        """
        if f"{name}_Key" not in record:
            raise UnknownProperty(name)
        found = self.base.find(record[f"{name}_Key"])
        if found is not None and found[0] not in self.published:
            raise UnknownProperty(name)
        return found[1] if found is not None else None

    def _object(self, name: str) -> Shape | None:
        kind = self.base.model.types.get(name)
        if kind is None or name not in self.published:
            return None
        return Shape.of(name, kind.properties, ("Ref_Key",), kind.sections)

    def _section(self, name: str) -> Shape | None:
        owner, section = self._owner(name)
        if not owner:
            return None
        own = {"Ref_Key": GUID, **self.base.model.types[owner].sections[section]}
        return Shape.of(name, own, ("Ref_Key", "LineNumber"))

    def _owner(self, name: str) -> tuple[str, str]:
        """Return the object and the section that a set of rows belongs to; empty where it is none."""
        owner, _, section = name.rpartition("_")
        kind = self.base.model.types.get(owner)
        found = kind is not None and section in kind.sections and owner in self.published
        return (owner, section) if found else ("", "")

    def _register(self, name: str) -> Shape | None:
        plain = name.removesuffix("_RecordType")
        register = self.base.model.registers.get(plain)
        if register is None or plain not in self.published or (plain != name and not register.recorded):
            return None
        if not register.recorded:
            return Shape.of(name, register.own, tuple(register.dimensions))
        row = record_type(register)
        if plain != name:
            return Shape.of(name, row, record_key(register))
        whole = {"Recorder": STRING, "Recorder_Type": STRING}
        return Shape.of(name, whole, ("Recorder", "Recorder_Type"), {"RecordSet": row})
