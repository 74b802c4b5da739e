"""What all canonical records share: frozen, strict, and written down in one way only.

Two spellings of one value (1990 and 1990.00, a local time and the same instant in UTC) would make equal
records look different and cause writes for nothing; so values are brought to one form when a record is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar

import msgspec
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

_SEPARATOR = "|"


def plain(value: Decimal) -> Decimal:
    """Return the value without trailing zeros and without an exponent: 1990.00 and 1.99E+3 become 1990."""
    if value == value.to_integral_value():
        return value.quantize(Decimal(1)) if value else Decimal(0)
    return value.normalize()


def _utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


Text = Annotated[str, StringConstraints(strip_whitespace=True)]
Key = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Money = Annotated[Decimal, Field(ge=0, max_digits=17, decimal_places=4), AfterValidator(plain)]
Quantity = Annotated[Decimal, Field(ge=0, max_digits=17, decimal_places=3), AfterValidator(plain)]
Measure = Annotated[Decimal, Field(ge=0, max_digits=15, decimal_places=6), AfterValidator(plain)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Instant = Annotated[AwareDatetime, AfterValidator(_utc)]

Personal = Field(default=None, json_schema_extra={"personal": True})
"""A field of personal data: never shown in logs, plans or errors."""


class Part(BaseModel):
    """A part of a canonical record, such as an order's line."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Record(Part):
    """A canonical record.

    ``entity`` is its name in projects; ``key_fields`` identify it; a ``history`` entity is delivered step by
    step in order, never coalesced; an ``identity`` entity has an id of its own in each system, so it is
    bound; any other is a facet of its ``subject``, whose binding it uses. A ``fact`` is kept for reports as
    soon as it is read, so its flow needs no target; of a ``history`` the last step is kept so too.
    """

    entity: ClassVar[str]
    key_fields: ClassVar[tuple[str, ...]]
    history: ClassVar[bool] = False
    identity: ClassVar[bool] = False
    fact: ClassVar[bool] = False
    subject: ClassVar[tuple[str, tuple[str, ...]] | None] = None

    @property
    def key(self) -> str:
        """The record's key: its key fields, joined so that no two records share one."""
        return join_key([str(getattr(self, name)) for name in self.key_fields])

    @property
    def subject_key(self) -> str:
        """The key of the record that this one is a facet of; its own key where it is none."""
        if self.subject is None:
            return self.key
        return join_key([str(getattr(self, name)) for name in self.subject[1]])

    @classmethod
    def subject_of(cls, key: str) -> str:
        """Return the subject's key out of a record's key."""
        if cls.subject is None:
            return key
        parts = dict(zip(cls.key_fields, split_key(key), strict=True))
        return join_key([parts[name] for name in cls.subject[1]])

    def encoded(self) -> bytes:
        """Return the record as compact JSON with only the fields that are set: absent stays absent."""
        return msgspec.json.encode(self.model_dump(mode="json", exclude_unset=True))

    @classmethod
    def decoded(cls, data: bytes) -> Record:
        """Return the record that ``encoded`` wrote."""
        return cls.model_validate_json(data)

    @classmethod
    def personal_fields(cls) -> frozenset[str]:
        """The names of the fields that hold personal data, nested ones dotted."""
        return frozenset(_personal(cls, ""))


def join_key(parts: Sequence[str]) -> str:
    """Join key parts with ``|``, escaping it, so that ("a|b",) and ("a", "b") differ."""
    joined = _SEPARATOR.join(parts)
    if "\\" not in joined and joined.count(_SEPARATOR) == len(parts) - 1:
        return joined
    return _SEPARATOR.join(part.replace("\\", "\\\\").replace(_SEPARATOR, "\\|") for part in parts)


def split_key(key: str) -> tuple[str, ...]:
    """Undo ``join_key``."""
    if "\\" not in key:
        return tuple(key.split(_SEPARATOR))
    parts, current, escaped = [], [], False
    for char in key:
        if escaped:
            current.append(char)
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == _SEPARATOR:
            parts.append("".join(current))
            current = []
        else:
            current.append(char)
    parts.append("".join(current))
    return tuple(parts)


def _personal(model: type[BaseModel], prefix: str) -> list[str]:
    found = []
    for name, info in model.model_fields.items():
        extra = info.json_schema_extra
        if isinstance(extra, dict) and extra.get("personal"):
            found.append(prefix + name)
            continue
        for inner in _models_of(info.annotation):
            found += _personal(inner, f"{prefix}{name}.")
    return found


def _models_of(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for arg in getattr(annotation, "__args__", ()) for model in _models_of(arg)]
