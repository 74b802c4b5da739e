"""What may stand in ``obmen.yaml``: one description that validates it and gives editors their completion."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from obmen.entities import ENTITIES
from obmen.errors import meant

_NAME = re.compile(r"\w[\w-]*")
_SHARE = re.compile(r"(\d{1,6}(?:\.\d{1,6})?) ?%")
_DURATION = re.compile(r"(?:(\d{1,6})d)? ?(?:(\d{1,6})h)? ?(?:(\d{1,6})m)? ?(?:(\d{1,6})s)?")


def _share(value: Any) -> Decimal | None:
    if value == "off":
        return None
    matched = _SHARE.fullmatch(value) if isinstance(value, str) else None
    if matched is None:
        raise ValueError("a share is written as 20%; 'off' takes the guard away")
    return Decimal(matched[1]) / 100


def _duration(value: Any) -> timedelta:
    matched = _DURATION.fullmatch(value) if isinstance(value, str) else None
    parts = [int(part or 0) for part in matched.groups()] if matched else []
    if not any(parts):
        raise ValueError("a time is written as 90s, 2m, 1h, 1d or 1h30m")
    days, hours, minutes, seconds = parts
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _name(value: str) -> str:
    if _NAME.fullmatch(value) is None:
        raise ValueError("a name is made of letters, digits, '_' and '-'")
    return value


def _entity(value: str) -> str:
    if value not in ENTITIES:
        raise ValueError(f"there is no entity '{value}'.{meant(value, ENTITIES)}")
    return value


Name = Annotated[str, AfterValidator(_name)]
Share = Annotated[
    Decimal | None,
    BeforeValidator(_share),
    WithJsonSchema({"type": "string", "pattern": r"^([0-9]+([.][0-9]+)? ?%|off)$", "examples": ["20%", "off"]}),
]
Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]+[dhms]", "examples": ["90s", "2m", "1h"]}),
]
Targets = Annotated[
    tuple[str, ...],
    BeforeValidator(_listed),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
Entity = Annotated[str, AfterValidator(_entity), WithJsonSchema({"type": "string", "enum": sorted(ENTITIES)})]
Missing = Literal["ignore", "zero", "archive"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class GuardsModel(_Model):
    """What is so unusual that it waits for a person. Each guard is a share such as 20%, or off."""

    change: Share = Field(
        default=None,
        description="how far one price may move, relative to what it was; for price 50% by default",
    )
    share: Share = Field(
        default=None, description="how many of the known records may change in one read; off by default"
    )
    zeroed: Share = Field(
        default=None,
        description="how many stocks above zero may become zero in one read; for stock 30% by default",
    )
    gone: Share = Field(
        default=None, description="how many products may be archived in one read; for product 10% by default"
    )


class FlowModel(_Model):
    """One entity from one connection into others. Three keys suffice: entity, from and to."""

    entity: Entity = Field(description="what is carried")
    source: str = Field(alias="from", description="the connection that it is read from")
    to: Targets = Field(
        description="the connection, or the list of them, that it is written to; [] only reads, which binds "
        "what is there already"
    )
    where: dict[str, str] = Field(
        default_factory=dict,
        description="field: the only value of it that passes, such as price_type: Розничная",
    )
    missing: Missing = Field(
        default="ignore",
        description="what becomes of a record that a complete read no longer brings: ignore leaves it, zero "
        "sets its stock to 0, archive archives the product",
    )
    guards: GuardsModel = Field(default_factory=GuardsModel)
    every: Duration | None = Field(default=None, description="how often it runs when Obmen runs as a service")
    full: Duration = Field(
        default=timedelta(days=1),
        description="how often everything is read again from a system that otherwise tells what changed",
    )
    attempts: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=10, description="how often a record is tried before it is set aside"
    )
    mappings: dict[str, str] = Field(
        default_factory=dict,
        description="connection: this flow's own mapping file, as a path from the project's folder",
    )


class ProjectModel(_Model):
    """A project of Obmen: which systems there are, and what goes from where to where."""

    state: Annotated[str, Field(min_length=1)] | None = Field(
        default=None,
        description="where Obmen remembers: sqlite:///path or postgresql+psycopg://user:password@host/name; "
        "by default the file .obmen/state.db in the project's folder",
    )
    connections: dict[Name, dict[str, Any]] = Field(
        min_length=1, description="name: an account in a system, with its connector and that one's options"
    )
    flows: dict[Name, FlowModel] = Field(
        default_factory=dict, description="name: what is carried, from where and to where"
    )
