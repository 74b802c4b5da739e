"""What may stand in ``obmen.yaml``: one description that validates it and gives editors their completion."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from obmen.entities import ENTITIES
from obmen.errors import meant
from obmen.project.alerts import AlertsModel
from obmen.project.money_model import MoneyModel
from obmen.project.notation import OnOff, listed
from obmen.project.pricing_model import PricingModel
from obmen.project.rules_model import AllocateModel
from obmen.project.service import ServiceModel
from obmen.project.times import Cron, Duration, Often, Quiet
from obmen.project.verify_model import Verifying

_NAME = re.compile(r"\w[\w-]*")
_SHARE = re.compile(r"(\d{1,6}(?:\.\d{1,6})?) ?%")


def _share(value: Any) -> Decimal | None:
    if value == "off":
        return None
    matched = _SHARE.fullmatch(value) if isinstance(value, str) else None
    if matched is None:
        raise ValueError("a share is written as 20%; 'off' takes the guard away")
    return Decimal(matched[1]) / 100


def _off(value: Any) -> Any:
    if value in ("off", False):
        return None
    return str(value) if isinstance(value, float) else value


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
Least = Annotated[
    Decimal | None,
    BeforeValidator(_off),
    Field(gt=0, max_digits=17, decimal_places=4),
    WithJsonSchema({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"const": "off"}]}),
]
Most = Annotated[
    int | None,
    BeforeValidator(_off),
    Field(ge=0),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0}, {"const": "off"}]}),
]
Targets = Annotated[
    tuple[str, ...],
    BeforeValidator(listed),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
Entity = Annotated[str, AfterValidator(_entity), WithJsonSchema({"type": "string", "enum": sorted(ENTITIES)})]
Missing = Literal["ignore", "zero", "archive"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class GuardsModel(_Model):
    """What is so unusual that it waits for a person. Most guards are a share such as 20%; off takes one away."""

    change: Share = Field(
        default=None,
        description="how far one price or stock may move, relative to what it was; for price 50% by default",
    )
    share: Share = Field(
        default=None, description="how many of the known records may change in one read; off by default"
    )
    lowered: Share = Field(
        default=None,
        description="how many prices may fall by more than a tenth in one read; for price 50% by default",
    )
    zeroed: Share = Field(
        default=None,
        description="how many stocks above zero may become zero in one read; for stock 30% by default",
    )
    floor: Least = Field(
        default=None, description="the least price, such as 100; what is below is held; off by default"
    )
    grown: Least = Field(
        default=None,
        description="how many times what it was one stock may become, if that is 10 or more; for stock 100 by default",
    )
    created: Most = Field(
        default=None,
        description="how many records may be new in one read, such as 500, unless the target has none yet; off "
        "by default",
    )
    vanished: OnOff = Field(
        default=False, description="whether it is held that a whole warehouse goes to zero; on by default, for stock"
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
    allocate: AllocateModel | None = Field(
        default=None, description="for stock: what each channel is told of the source's stock"
    )
    pricing: PricingModel | None = Field(
        default=None, description="for prices: what each channel is told of the source's prices"
    )
    verify: Verifying = Field(
        default=None,
        description="when what a target shows is compared with what it was told; for price and stock 5m after each "
        "writing by default; off: only when somebody asks",
    )
    every: Often = Field(
        default=None,
        description="how often the service runs it; without every and cron, as its entity asks: orders each minute, "
        "stock every two, prices every ten, goods every half hour; off: only when somebody asks",
    )
    cron: Cron | None = Field(
        default=None, description="instead of every: minute hour day month weekday, in the service's time zone"
    )
    jitter: Duration | None = Field(default=None, description="by how much at most a run begins later, at random")
    quiet: Quiet = Field(
        default=(),
        description="hours in which the service does not begin a run, such as '23:00-07:00', or a list of them",
    )
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
    service: ServiceModel = Field(default_factory=ServiceModel)
    alerts: AlertsModel = Field(default_factory=AlertsModel)
    money: MoneyModel = Field(default_factory=MoneyModel)
