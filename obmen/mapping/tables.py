"""Tables: canonical value ↔ native value, with a way back unless the mapping says one direction.

Two canonical values written as one native, or one canonical read from two natives, lose the difference on
the way back, and the next sync takes the loss for a change. Such a table is refused when it is built.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from obmen.errors import ObmenError, meant
from obmen.mapping.canonical import CanonicalField
from obmen.mapping.values import BadValue

_SHOWN = 12
_NOTHING = object()


class NotCarried(ObmenError):  # noqa: N818 - it is a decision of the mapping, not a fault
    """A table says that this value is deliberately not carried, so the record is skipped."""

    def __init__(self, field: str) -> None:
        super().__init__(f"The table of {field} says that this value is not carried; the record is skipped.")
        self.field = field


class Unmapped(BadValue):
    """The table has no row for the value; the message does not show the value."""


class TableError(BadValue):
    """The table cannot be used; ``key`` is the canonical key of the row at fault."""

    def __init__(self, message: str, key: Any) -> None:
        super().__init__(message)
        self.key = key


class Table:
    """A table of one field, for the directions in which the mapping uses it."""

    def __init__(self, rows: Mapping[Any, Any], field: CanonicalField, *, pulls: bool, pushes: bool) -> None:
        """Build it from canonical → native. Raises TableError."""
        self.field = field
        self._native_of: dict[Any, Any] = {}
        self._canonical_of: dict[tuple[bool, Any], Any] = {}
        if not rows:
            raise TableError("the table is empty", None)
        for key, natives in rows.items():
            self._add_row(key, natives, pulls, pushes)

    @property
    def carried(self) -> dict[Any, Any]:
        """Canonical → native for every row that push writes."""
        return {key: native for key, native in self._native_of.items() if native is not _NOTHING}

    @property
    def natives(self) -> list[Any]:
        """Every native value that pull has a row for, in the order of the file."""
        return [native for _, native in self._canonical_of]

    def knows_native(self, native: Any) -> bool:
        """Say whether pull has a row for the native value."""
        try:
            return (native.__class__ is bool, native) in self._canonical_of
        except TypeError:
            return False

    def pull(self, native: Any) -> Any:
        """Return the canonical value. Raises Unmapped or NotCarried."""
        try:
            found = self._canonical_of[native.__class__ is bool, native]
        except (KeyError, TypeError):
            raise Unmapped(self._unknown_native(native)) from None
        if found is _NOTHING:
            raise NotCarried(self.field.name)
        return found

    def push(self, value: Any) -> Any:
        """Return the native value. Raises Unmapped or NotCarried."""
        try:
            found = self._native_of[value]
        except (KeyError, TypeError):
            known = ", ".join(map(str, list(self._native_of)[:_SHOWN]))
            raise Unmapped(f"is not in the table, which has {known}") from None
        if found is _NOTHING:
            raise NotCarried(self.field.name)
        return found

    def _add_row(self, key: Any, natives: Any, pulls: bool, pushes: bool) -> None:
        alternatives = natives if isinstance(natives, list) else [natives]
        for native in alternatives:
            if isinstance(native, dict | list) or (native is None and isinstance(natives, list)):
                raise TableError(f"the row {key} is neither one value nor a list of values", key)
        if not alternatives:
            raise TableError(f"the row {key} has no value", key)
        if isinstance(natives, list) and key is not None and pushes:
            way = "say `only: pull`" if pulls else "write the one that is meant"
            raise TableError(f"{key} has several natives, so there is no way back: {way}", key)
        canonical = self._canonical(key, natives)
        if canonical is not _NOTHING:
            if canonical in self._native_of:
                raise TableError(f"two rows are for {key}", key)
            self._native_of[canonical] = _NOTHING if natives is None else alternatives[0]
        for native in alternatives if natives is not None else ():
            typed = (native.__class__ is bool, native)
            if typed in self._canonical_of and pulls:
                way = "; say `only: push`" if pushes else ""
                raise TableError(f"{native!r} stands in two rows, so there is no way back from it{way}", key)
            self._canonical_of[typed] = canonical

    def _canonical(self, key: Any, natives: Any) -> Any:
        if key is None:
            if natives is None:
                raise TableError("a row from nothing to nothing has no meaning", key)
            return _NOTHING
        try:
            return self.field.from_key(key)
        except BadValue as error:
            raise TableError(str(error), key) from None

    def _unknown_native(self, native: Any) -> str:
        known = [row[1] for row in self._canonical_of]
        for other in known:
            if str(other) == str(native) and type(other) is not type(native):
                return f"is {_kind(native)}, and the table has it as {_kind(other)}: mind the quotes"
        return f"is not in the table, which has {', '.join(map(str, known[:_SHOWN]))}"


def rows_of(value: Any, name: str, known: Mapping[str, Any]) -> Mapping[Any, Any]:
    """Return a connection's option as the rows of a table. Raises BadValue."""
    if value is None:
        raise BadValue(f"the connection has no option '{name}'.{meant(name, known)} Write it as canonical: native")
    if not isinstance(value, Mapping):
        raise BadValue(f"the connection's option '{name}' is not a table of canonical: native")
    return value


def _kind(value: Any) -> str:
    return "a number" if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else "a text"
