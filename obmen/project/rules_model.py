"""The block ``allocate:`` of a flow of stock: how it is written, and what the rules are that it means."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Self

import xxhash
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from obmen.project.notation import listed, on_or_off
from obmen.project.rules_files import read_kits, read_stop
from obmen.rules.allocation import Allocation, Channel, Pool
from obmen.rules.stock import Take

_SEMANTICS = "allocate 1"
"""Part of every version: raised when the same words come to give another number."""
_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,4})?) ?%")
_SHARE = {"type": "string", "pattern": r"^[0-9]{1,3}([.][0-9]+)? ?%$", "examples": ["5%"]}
_UNITS = {"type": "integer", "minimum": 0}
_LIST = {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]}}


def _percent(value: Any) -> Decimal:
    matched = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    if matched is None or Decimal(matched[1]) > 100:  # noqa: PLR2004 - percent
        raise ValueError("a share is written as 30%, and is 100% at most")
    return Decimal(matched[1]) / 100


def _safety(value: Any) -> Any:
    if isinstance(value, dict):
        return value
    if isinstance(value, str) and value.endswith("%"):
        return {"share": value}
    if isinstance(value, bool | list) or value is None:
        raise ValueError("it is written as 2, as 5%, or as { units: 2, share: 5% }")
    return {"units": value}


def _warehouses(value: Any) -> Any:
    return {"from": listed(value)} if isinstance(value, str | list) else value


def _named(value: Any) -> Any:
    """Return a SKU as text: one that is made of digits alone need not stand in quotes."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _once(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"'{value}' stands here twice")
    return values


Part = Annotated[Decimal, BeforeValidator(_percent), WithJsonSchema(_SHARE)]
Units = Annotated[int, Field(ge=0)]
Sku = Annotated[str, BeforeValidator(_named), StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Names = Annotated[
    tuple[Annotated[str, Field(min_length=1)], ...],
    BeforeValidator(listed),
    AfterValidator(_once),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
Quantity = Annotated[
    Decimal, Field(gt=0, max_digits=9, decimal_places=3), WithJsonSchema({"type": "number", "exclusiveMinimum": 0})
]
Kits = Annotated[
    dict[Sku, Annotated[dict[Sku, Quantity], Field(min_length=1)]],
    BeforeValidator(read_kits),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "examples": ["kits.csv", "kits.yaml"]},
                {
                    "type": "object",
                    "additionalProperties": {"type": "object", "additionalProperties": {"type": "number"}},
                },
            ]
        }
    ),
]
Stop = Annotated[
    tuple[Sku, ...],
    BeforeValidator(read_stop),
    WithJsonSchema({"anyOf": [{"type": "string", "examples": ["stop.txt"]}, _LIST]}),
]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class SafetyModel(_Model):
    """What is kept back of each SKU in each pool: units, or a share of what is free, whichever is more."""

    units: Units = Field(default=0, description="so many units")
    share: Part = Field(default=Decimal(0), description="such a share of what is free")


class PoolModel(_Model):
    """Warehouses of the source that channels sell from under one name."""

    source: Annotated[Names, Field(alias="from", min_length=1, description="the source's warehouses")]
    take: Take = Field(default="sum", description="sum: all that is in them; first: the first of them that has any")


class ChannelModel(_Model):
    """What is otherwise in one channel."""

    share: Part | None = Field(
        default=None,
        description="with oversell off its share of what is free; else the share that it is shown, rounded up",
    )
    most: Units | None = Field(default=None, description="shown at most, instead of what holds for all")
    safety: Units | None = Field(
        default=None, description="so many units are not shown here, where it is more than is kept back for all"
    )
    stop: Stop = Field(default=(), description="SKUs not sold here: a list, or a file with one in each line")


Safety = Annotated[
    SafetyModel,
    BeforeValidator(_safety),
    WithJsonSchema(
        {
            "anyOf": [
                _UNITS,
                _SHARE,
                {"type": "object", "properties": {"units": _UNITS, "share": _SHARE}, "additionalProperties": False},
            ]
        }
    ),
]
_POOL = {"from": _LIST, "take": {"enum": ["sum", "first"]}}
Warehouses = Annotated[
    PoolModel,
    BeforeValidator(_warehouses),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                _LIST,
                {"type": "object", "properties": _POOL, "required": ["from"], "additionalProperties": False},
            ]
        }
    ),
]


class AllocateModel(_Model):
    """The rules between the source's stock and what channels are told of it."""

    oversell: Annotated[
        bool, BeforeValidator(on_or_off), WithJsonSchema({"anyOf": [{"enum": ["on", "off"]}, {"type": "boolean"}]})
    ] = Field(
        default=True,
        description="on: each channel is shown all that is free; off: what is free is divided among them, by shares, "
        "or in the order of priority, or evenly",
    )
    safety: Safety = Field(
        default_factory=SafetyModel, description="kept back of each SKU: 2, or 5%, or the more of both"
    )
    most: Units | None = Field(default=None, description="shown at most, in each channel")
    last: Units = Field(default=0, description="so few units or fewer are shown only in the first channel of priority")
    priority: Names = Field(default=(), description="channels, the first to be served first")
    warehouses: dict[str, Warehouses] = Field(
        default_factory=dict,
        description="name: the source's warehouses that channels sell from under it; any other is told as it is",
    )
    kits: Kits = Field(
        default_factory=dict,
        description="SKU: its parts, each with how many of it; or a file, CSV with kit;part;quantity or YAML",
    )
    stop: Stop = Field(default=(), description="SKUs sold nowhere: a list, or a file with one in each line")
    channels: dict[str, ChannelModel] = Field(default_factory=dict, description="connection: what is otherwise in it")

    @model_validator(mode="after")
    def _last_needs_priority(self) -> Self:
        if self.last and not self.priority:
            raise ValueError("the last units go to the first channel of 'priority'; say which that is")
        return self

    def rules(self) -> Allocation:
        """Return the rules that the block means."""
        return Allocation(
            version=xxhash.xxh3_128_digest(f"{_SEMANTICS}\n{self.model_dump_json()}".encode()),
            oversell=self.oversell,
            safety=Decimal(self.safety.units),
            safety_share=self.safety.share,
            most=self.most,
            last=self.last,
            priority=self.priority,
            pools={name: Pool(one.source, one.take) for name, one in self.warehouses.items()},
            kits=self.kits,
            stop=frozenset(self.stop),
            channels={name: _channel(one) for name, one in self.channels.items()},
        )


def _channel(one: ChannelModel) -> Channel:
    safety = None if one.safety is None else Decimal(one.safety)
    return Channel(one.share, one.most, safety, frozenset(one.stop))
