"""One card's attributes held against its category: names found, numbers and units made fit, faults gathered."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from obmen import units
from obmen.categories.model import CategoryAttribute, Fault, Filled
from obmen.errors import Refused

_SHOWN = 6
_YES = {"true", "да", "есть", "yes", "1"}
_NO = {"false", "нет", "no", "0"}


class Card:
    """The attributes of one payload, on their way to the vendor's terms.

    An entry of the payload is {attribute: name or id, values: [text], unit: ""}; one that says ``general`` is
    meant for every category that has such an attribute, so elsewhere it is left out.
    """

    def __init__(self, described: Sequence[CategoryAttribute], entries: Iterable[Mapping[str, Any]]) -> None:
        self._described = described
        self._faults: list[Fault] = []
        self._values: dict[str, tuple[CategoryAttribute, tuple[str, ...]]] = {}
        self._ids: dict[str, Mapping[str, str]] = {}
        for entry in entries:
            self._add(entry)

    def choosable(self) -> Iterator[tuple[CategoryAttribute, tuple[str, ...]]]:
        """Yield the attributes whose values are to be looked up, with these."""
        yield from [(one, values) for one, values in self._values.values() if one.choices]

    def choose(self, attribute: CategoryAttribute, known: Mapping[str, str]) -> None:
        """Take text → value id of the vendor's list, so far as it is known."""
        self._ids[attribute.id] = known

    def result(self) -> tuple[list[Filled], list[Fault]]:
        """Return what is filled, and what is wrong."""
        filled = [Filled(one, values, self._ids_of(one, values)) for one, values in self._values.values()]
        given = set(self._values) | {fault.attribute for fault in self._faults}
        for one in self._described:
            if one.required and one.id not in given and one.name not in given:
                self._fault("missing", one, f"'{one.name}' is required and has no value")
        return filled, self._faults

    def _add(self, entry: Mapping[str, Any]) -> None:
        name, general = str(entry["attribute"]), bool(entry.get("general"))
        attribute = find_attribute(self._described, name)
        if attribute is None:
            if not general:
                self._faults.append(Fault("unknown", name, unknown_attribute(self._described, name)))
            return
        if attribute.id in self._values:
            if not general:
                self._fault("twice", attribute, f"'{attribute.name}' is given by two rules")
            return
        unit = str(entry.get("unit") or "")
        texts = dict.fromkeys(text for value in entry["values"] if (text := str(value).strip()))
        values = tuple(fit for text in texts if (fit := self._fit(attribute, text, unit)) is not None)
        most = attribute.most if attribute.many else 1
        if most is not None and len(values) > most:
            takes = "one value" if most == 1 else f"{most} values"
            self._fault("many", attribute, f"'{attribute.name}' takes {takes}, not {len(values)}")
        if values:
            self._values[attribute.id] = (attribute, values)

    def _fit(self, attribute: CategoryAttribute, text: str, unit: str) -> str | None:
        if attribute.choices:
            return text
        if attribute.kind == "boolean":
            return self._truth(attribute, text)
        if attribute.kind == "number" or (unit and attribute.unit):
            return self._number(attribute, text, unit)
        return text

    def _truth(self, attribute: CategoryAttribute, text: str) -> str | None:
        if text.casefold() in _YES:
            return "true"
        if text.casefold() in _NO:
            return "false"
        self._fault("value", attribute, f"'{attribute.name}' is yes or no, and '{text}' is neither", text)
        return None

    def _number(self, attribute: CategoryAttribute, text: str, unit: str) -> str | None:
        found = units.measured(text)
        if found is None:
            self._fault("value", attribute, f"'{attribute.name}' is a number, and '{text}' is not", text)
            return None
        number, own = found
        told = own or unit
        if not told or not attribute.unit:
            if own and not attribute.unit:
                message = f"'{attribute.name}' is a number without a unit, and '{text}' has one: say `unit` in its rule"
                self._fault("value", attribute, message, text)
                return None
            return f"{number:f}"
        converted = units.convert(number, told, attribute.unit)
        if converted is None:
            message = f"'{attribute.name}' is taken in {attribute.unit}, and {told} does not convert to it"
            self._fault("value", attribute, message, text)
            return None
        return f"{converted:f}"

    def _ids_of(self, attribute: CategoryAttribute, values: tuple[str, ...]) -> tuple[str | None, ...]:
        if not attribute.choices:
            return (None,) * len(values)
        known = self._ids.get(attribute.id, {})
        for text in values:
            if text not in known:
                near = difflib.get_close_matches(text, known, n=1, cutoff=0.6)
                meant = f" (is '{near[0]}' meant?)" if near else ""
                message = f"the list of '{attribute.name}' has no '{text}'{meant}"
                self._fault("choice", attribute, message, text)
        return tuple(known.get(text) for text in values)

    def _fault(self, kind: Any, attribute: CategoryAttribute, message: str, value: str = "") -> None:
        self._faults.append(Fault(kind, attribute.id, message, value))


def find_attribute(described: Iterable[CategoryAttribute], name: str) -> CategoryAttribute | None:
    """Return the attribute of this id, else the first of this name, whatever its letters' case."""
    folded = _folded(name)
    named = None
    for attribute in described:
        if attribute.id == name:
            return attribute
        if named is None and _folded(attribute.name) == folded:
            named = attribute
    return named


def unknown_attribute(described: Sequence[CategoryAttribute], name: str) -> str:
    """Say that a category has no such attribute, and which one may be meant."""
    names = {_folded(attribute.name): attribute.name for attribute in described}
    near = difflib.get_close_matches(_folded(name), names, n=1, cutoff=0.6)
    if near:
        return f"the category has no attribute '{name}' (is '{names[near[0]]}' meant?)"
    listed = ", ".join(list(names.values())[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
    return f"the category has no attribute '{name}'" + (f" (it has {listed})" if listed else "")


def refusal(category: str, faults: Sequence[Fault]) -> Refused:
    """Return one refusal for all that is wrong with a card's attributes."""
    told = "; ".join(fault.message for fault in faults)
    where = f"Category {category}: " if category else ""
    message = f"{where}{told}. Mend the rules in the categories file of the connection, or the product."
    return Refused(message, code="bad_attributes", field="attributes")


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())
