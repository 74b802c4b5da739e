"""An integrator's categories file: which category of the vendor's a product goes to, and what fills its attributes.

It is checked whole when it is loaded, with the line and the word that was meant: an attribute that is misspelt
here would otherwise be missing from every card.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from obmen import units
from obmen.entities import Product
from obmen.errors import ConfigurationError, Refused, meant
from obmen.mapping.canonical import field_of
from obmen.mapping.values import BadValue
from obmen.mapping.yaml import Document

EVERY = "*"
ENTRY_WORDS: dict[str, str] = {
    "category": "the vendor's category id, as text",
    "attributes": "vendor's attribute (its name or id): what fills it",
}
RULE_WORDS: dict[str, str] = {
    "field": "the canonical field of the product that fills it",
    "attribute": "the product's own attribute that fills it, by name",
    "value": "a fixed value, or a list of them",
    "values": "canonical: vendor's value; what is not listed passes as it is, `~` is not sent",
    "unit": "the unit that the vendor takes; a number told in another is converted",
    "split": "what stands between several values in one text",
    "when_absent": "what is sent for a product that has no value",
}
_SOURCES = ("field", "attribute", "value")
_CONVERSIONS = ("values", "unit", "split", "when_absent")
_NAMED_UNIT = re.compile(r".*(?:,\s*|\()([^,()]+)\)?")
_FIELD_UNITS = {"kg": "кг", "mm": "мм"}


@dataclass(frozen=True)
class AttributeRule:
    """What fills one attribute of the vendor's.

    ``general``: it stands above the entry that names the category, so it serves those categories that have such
    an attribute. ``told_in``: the unit that the canonical name itself tells.
    """

    name: str
    where: str
    field: str = ""
    attribute: str = ""
    fixed: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, ...]] | None = None
    unit: str = ""
    told_in: str = ""
    split: str = ""
    absent: tuple[str, ...] = ()
    general: bool = False

    @property
    def source(self) -> str:
        """What it is filled from, as a person would name it."""
        return f"product.attributes.{self.attribute}" if self.attribute else f"product.{self.field}"

    def texts(self, product: Product) -> list[str]:
        """Return the vendor's values for a product, in the rule's unit. Raises Refused."""
        if self.fixed:
            return list(self.fixed)
        told = [text for one in self._told(product) if (text := one.strip())]
        if self.split:
            told = [text for one in told for part in one.split(self.split) if (text := part.strip())]
        found = [text for one in told for text in self._converted(one)]
        return list(dict.fromkeys(found)) or list(self.absent)

    def _told(self, product: Product) -> list[str]:
        own = product.attributes or {}
        value = own.get(self.attribute) if self.attribute else getattr(product, self.field)
        if value is None:
            return []
        if isinstance(value, bool):
            return ["true" if value else "false"]
        if isinstance(value, Decimal):
            return [f"{value:f}"]
        return list(value) if isinstance(value, tuple) else [str(value)]

    def _converted(self, text: str) -> tuple[str, ...]:
        if self.values is not None and text in self.values:
            return self.values[text]
        if not self.unit:
            return (text,)
        found = units.measured(text)
        if found is None:
            raise self._refused(text, "is not a number")
        number, own = found
        told_in = own or self.told_in
        converted = units.convert(number, told_in, self.unit) if told_in else number
        if converted is None:
            raise self._refused(text, f"cannot be told in {self.unit}")
        return (f"{converted:f}",)

    def _refused(self, text: str, reason: str) -> Refused:
        message = f'{self.source}: "{text[:60]}" {reason}. Correct it in the source, or see {self.where}.'
        return Refused(message, code="bad_value", field="attributes")


@dataclass(frozen=True)
class Entry:
    """What the file says of one canonical category and of those below it."""

    name: str
    where: str
    category: str
    rules: Mapping[str, AttributeRule | None]


@dataclass(frozen=True)
class Filling:
    """How the products of one canonical category are filled: the vendor's category, and the rules by attribute."""

    category: str
    where: str
    rules: tuple[AttributeRule, ...]

    def attributes(self, product: Product) -> list[dict[str, Any]]:
        """Return the attributes as a payload carries them; those without a value are left out. Raises Refused."""
        found: list[dict[str, Any]] = []
        for rule in self.rules:
            if texts := rule.texts(product):
                entry: dict[str, Any] = {"attribute": rule.name, "values": texts, "unit": rule.unit}
                found.append({**entry, "general": True} if rule.general else entry)
        return found


class CategoryRules:
    """A categories file that was checked. ``connection`` is for the words of a refusal."""

    def __init__(self, document: Document, connection: str) -> None:
        """Check the file. Raises ConfigurationError with ``file:line``."""
        self.document, self.connection = document, connection
        self.entries = {entry.name: entry for entry in _Reader(document).entries()}
        self._fillings: dict[str, Filling | None] = {}

    def of(self, path: tuple[str, ...] | None) -> Filling | None:
        """Return how a product of this canonical category is filled; None where no entry names a category for it."""
        name = joined(path)
        if name not in self._fillings:
            self._fillings[name] = self._filling(name)
        return self._fillings[name]

    def filling(self, product: Product) -> Filling:
        """Return how a product is filled. Raises Refused (code ``unmapped_category``) where no entry says it."""
        found = self.of(product.category)
        if found is None:
            raise self._unmapped(joined(product.category))
        return found

    def _filling(self, name: str) -> Filling | None:
        above = [entry for entry in self.entries.values() if _holds(entry.name, name)]
        above.sort(key=lambda entry: (entry.name != EVERY, len(entry.name)))
        naming = next((number for number in range(len(above) - 1, -1, -1) if above[number].category), None)
        if naming is None:
            return None
        rules: dict[str, AttributeRule | None] = {}
        for number, entry in enumerate(above):
            for key, rule in entry.rules.items():
                rules.pop(key, None)
                rules[key] = rule if rule is None else replace(rule, general=number < naming)
        chosen = tuple(rule for rule in rules.values() if rule is not None)
        return Filling(above[naming].category, above[naming].where, chosen)

    def _unmapped(self, name: str) -> Refused:
        file = self.document.name
        if not name:
            message = f"The product has no category, and {file} has no `category` under '{EVERY}' for such."
            return Refused(message, code="unmapped_category", field="category")
        message = (
            f"The category '{name}' has no entry in {file}. Add one: '{name}: {{ category: … }}'; "
            f"obmen categories {self.connection} TEXT finds the vendor's id."
        )
        return Refused(message, code="unmapped_category", field="category")


def joined(path: tuple[str, ...] | None) -> str:
    """Return a canonical category as it is written in the file."""
    return "/".join(name.strip() for name in path or ())


def _holds(entry: str, name: str) -> bool:
    return entry in (EVERY, name) or name.startswith(f"{entry}/")


class _Reader:
    """Reads the entries; every error names the line."""

    def __init__(self, document: Document) -> None:
        self.document = document

    def entries(self) -> list[Entry]:
        data = {} if self.document.data is None else self.document.data
        if not isinstance(data, dict):
            raise self._error("a categories file is canonical category: { category: …, attributes: … }")
        return [self._entry(str(key), key, value) for key, value in data.items()]

    def _entry(self, name: str, key: Any, value: Any) -> Entry:
        clean = joined(tuple(name.split("/")))
        if not all(clean.split("/")):
            raise self._error(f"the category '{name}' has an empty name: write names joined by '/'", key)
        words = self._words(value, ENTRY_WORDS, f"the category '{name}'", key)
        category = words.get("category")
        if category is not None and (not isinstance(category, str | int) or isinstance(category, bool)):
            raise self._error(f"'{name}': `category` is the vendor's id; put it in quotes", key, "category")
        attributes = words.get("attributes") or {}
        if not isinstance(attributes, dict):
            raise self._error(f"'{name}': `attributes` is vendor's attribute: what fills it", key, "attributes")
        rules = {str(one): self._rule(str(one), rule, (key, "attributes", one)) for one, rule in attributes.items()}
        where = self.document.where(key)
        return Entry(clean, where, "" if category is None else str(category).strip(), rules)

    def _rule(self, name: str, value: Any, path: tuple[Any, ...]) -> AttributeRule | None:
        if value is None:
            return None
        words = {"field": value} if isinstance(value, str) else value
        words = self._words(words, RULE_WORDS, f"the attribute '{name}'", *path)
        sources = [word for word in _SOURCES if word in words]
        if len(sources) != 1:
            raise self._error(f"'{name}' is filled from one of {', '.join(_SOURCES)}", *path)
        rule = AttributeRule(name, self.document.where(*path))
        if sources == ["value"]:
            idle = next((word for word in _CONVERSIONS if word in words and word != "unit"), None)
            if idle is not None:
                raise self._error(f"'{name}': `{idle}` has no meaning beside `value`", *path, idle)
            fixed = self._texts(words["value"], *path, "value")
            return replace(rule, fixed=fixed, unit=self._text(words, "unit", path))
        rule = self._sourced(rule, words, path)
        return replace(
            rule,
            values=self._table(words, path),
            unit=self._text(words, "unit", path),
            split=self._text(words, "split", path, strip=False),
            absent=self._texts(words["when_absent"], *path, "when_absent") if "when_absent" in words else (),
        )

    def _sourced(self, rule: AttributeRule, words: dict[str, Any], path: tuple[Any, ...]) -> AttributeRule:
        if "attribute" in words:
            attribute = self._text(words, "attribute", path)
            named = _NAMED_UNIT.fullmatch(attribute)
            told_in = named[1].strip() if named is not None and units.known(named[1]) else ""
            return replace(rule, attribute=attribute, told_in=told_in)
        name = words["field"]
        try:
            field = field_of(Product, name)
        except BadValue as error:
            raise self._error(error, *path) from None
        if field.in_map or field.kind == "map":
            raise self._error(f"'{rule.name}': write a product's own attribute as {{ attribute: … }}", *path)
        return replace(rule, field=str(name), told_in=_FIELD_UNITS.get(str(name).rpartition("_")[2], ""))

    def _table(self, words: dict[str, Any], path: tuple[Any, ...]) -> dict[str, tuple[str, ...]] | None:
        if "values" not in words:
            return None
        table = words["values"]
        if not isinstance(table, dict) or not table:
            raise self._error("`values` is canonical: vendor's value", *path, "values")
        return {
            _spelt(key): () if value is None else self._texts(value, *path, "values", key)
            for key, value in table.items()
        }

    def _text(self, words: dict[str, Any], word: str, path: tuple[Any, ...], *, strip: bool = True) -> str:
        if word not in words:
            return ""
        value = words[word]
        if not isinstance(value, str) or not value or (strip and not value.strip()):
            raise self._error(f"`{word}` is a text, not {value!r}", *path, word)
        return value.strip() if strip else value

    def _texts(self, value: Any, *path: Any) -> tuple[str, ...]:
        values = value if isinstance(value, list) else [value]
        if not values or any(one is None or isinstance(one, dict | list) for one in values):
            raise self._error(f"this is a value or a list of values, not {value!r}", *path)
        return tuple(_spelt(one) for one in values)

    def _words(self, value: Any, known: Mapping[str, str], what: str, *path: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self._error(f"{what} is a set of words ({', '.join(known)}), not {value!r}", *path)
        for word in value:
            if word not in known:
                raise self._error(f"{what} has no word '{word}'.{meant(str(word), known)}", *path, word)
        return value

    def _error(self, message: object, *path: Any) -> ConfigurationError:
        return ConfigurationError(str(message).rstrip(".") + ".", where=self.document.where(*path))


def _spelt(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:f}" if isinstance(value, Decimal) else str(value).strip()
