"""The block ``pricing:`` of a flow of prices: how it is written, and what the rules are that it means."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Literal, Self, get_args

import xxhash
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from obmen.entities.base import plain
from obmen.entities.product import Vat
from obmen.project.notation import listed
from obmen.rules.costs import Fees
from obmen.rules.pricing import Aside, Floor, Pricing, Rule, Terms
from obmen.rules.rounding import Rounding

_SEMANTICS = "pricing 1"
"""Part of every version: raised when the same words come to give another price."""
_PERCENT = re.compile(r"([+-]?\d{1,4}(?:\.\d{1,4})?) ?%")
_ALL = Decimal(1)


def _percent(value: Any) -> Decimal:
    matched = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    if matched is None:
        raise ValueError("a share is written as 12% or 1.5%")
    return Decimal(matched[1]) / 100


def _markup(value: Any) -> Decimal:
    share = _percent(value)
    if share <= -_ALL:
        raise ValueError("no price is left when 100% or more is taken off")
    return share


def _part(value: Any) -> Decimal:
    share = _percent(value)
    if not 0 <= share < _ALL:
        raise ValueError("a part of the price is 0% or more, and less than 100%")
    return share


def _vat(value: Any) -> str:
    rate = "none" if value == "none" else f"{plain(_percent(value) * 100):f}"
    if rate not in get_args(Vat):
        rates = ", ".join(f"{one}%" for one in get_args(Vat) if one != "none")
        raise ValueError(f"there is no such rate of VAT; it is one of {rates}, or none")
    return rate


def _share_of(check: Callable[[Any], Any], pattern: str, *examples: str) -> tuple[BeforeValidator, WithJsonSchema]:
    return BeforeValidator(check), WithJsonSchema({"type": "string", "pattern": pattern, "examples": list(examples)})


Markup = Annotated[Decimal, *_share_of(_markup, r"^[+-]?[0-9]+([.][0-9]+)? ?%$", "12%", "-10%")]
Part = Annotated[Decimal, *_share_of(_part, r"^[0-9]{1,2}([.][0-9]+)? ?%$", "15%", "1.5%")]
VatRate = Annotated[Vat, *_share_of(_vat, r"^([0-9]{1,2} ?%|none)$", "20%", "5%", "none")]
_NUMBER = WithJsonSchema({"type": "number", "minimum": 0})
Amount = Annotated[Decimal, Field(ge=0, max_digits=17, decimal_places=4), _NUMBER]
Above = Annotated[Decimal, Field(gt=0, max_digits=17, decimal_places=4), _NUMBER]
Names = Annotated[
    tuple[Annotated[str, Field(min_length=1)], ...],
    BeforeValidator(listed),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
PriceType = Annotated[str, Field(min_length=1)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class AsideModel(_Model):
    """A price beside the price: of a price type of its own, or so much over the price."""

    price_type: PriceType | None = Field(default=None, description="the price type that it is")
    markup: Markup | None = Field(default=None, description="so much over the price, or below it: -10%")

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.price_type is None) == (self.markup is None):
            raise ValueError("either price_type or markup says what it is")
        return self

    def aside(self) -> Aside:
        """Return what it means."""
        return Aside(self.price_type or "", self.markup or Decimal(0))


class CostModel(_Model):
    """What one unit costs the seller; without VAT where he deducts it."""

    price_type: PriceType = Field(description="the price type that is the cost")


class RuleModel(_Model):
    """Goods that have a markup or a price of their own; they fit whatever is said of brand, category and sku."""

    brand: Names = Field(default=(), description="the brand, or a list of them")
    category: Names = Field(default=(), description="a level of the category's path, or a list of them")
    sku: Names = Field(default=(), description="the SKU, or a list of them")
    markup: Markup | None = Field(default=None, description="instead of the usual markup")
    amount: Above | None = Field(default=None, description="the price itself; it is not rounded")

    @model_validator(mode="after")
    def _for_some_and_one_of_two(self) -> Self:
        if not (self.brand or self.category or self.sku):
            raise ValueError("a rule says for which goods it is: brand, category or sku")
        if (self.markup is None) == (self.amount is None):
            raise ValueError("either markup or amount says what the price is")
        return self

    def rule(self, number: int) -> Rule:
        """Return what it means."""
        about = {"sku": self.sku, "brand": self.brand, "category": self.category}
        words = ", ".join(f"{name} {' | '.join(values[:3])}" for name, values in about.items() if values)
        return Rule(
            name=f"rule {number} ({words})",
            skus=frozenset(self.sku),
            brands=frozenset(one.casefold() for one in self.brand),
            categories=frozenset(one.casefold() for one in self.category),
            markup=self.markup or Decimal(0),
            amount=self.amount,
        )


class RoundModel(_Model):
    """To which amounts prices are rounded: to 10, up, less 1 makes 1989 of 1983."""

    to: Above = Field(description="prices are multiples of it")
    up: bool = Field(default=False, description="to the next one above; without up and down to the nearest one")
    down: bool = Field(default=False, description="to the next one below")
    less: Amount = Field(default=Decimal(0), description="so much less than a multiple: 1 for prices that end in 9")

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.up and self.down:
            raise ValueError("prices are rounded up or down, not both")
        if self.less >= self.to:
            raise ValueError("'less' is meant to be less than 'to'")
        return self

    def rounding(self) -> Rounding:
        """Return what it means."""
        return Rounding(self.to, "up" if self.up else "down" if self.down else "nearest", self.less)


class FeesModel(_Model):
    """What a sale costs in the channel, VAT included."""

    commission: Part = Field(default=Decimal(0), description="the channel's share of the price")
    acquiring: Part = Field(default=Decimal(0), description="the share of the price that taking the payment costs")
    logistics: Amount = Field(default=Decimal(0), description="what delivering one unit costs")
    vat: VatRate = Field(
        default="none",
        description="the rate, within the price, of products that tell none: 0%, 5%, 7%, 10%, 20%, 22%, none",
    )


class FloorModel(_Model):
    """The least price: what covers the cost, the fees and the margin."""

    margin: Part = Field(default=Decimal(0), description="the share of the price that is to be left")
    below: Literal["hold", "raise"] = Field(
        default="hold", description="a price below it is held for a person, or raised to it"
    )


class TermsModel(_Model):
    """What is said of prices, for all channels or for one."""

    markup: Markup = Field(default=Decimal(0), description="so much over the source's price; -10% takes off")
    rules: tuple[RuleModel, ...] = Field(
        default=(), description="goods with a markup or a price of their own; the first that fits holds"
    )
    round: RoundModel | None = Field(default=None, description="to which amounts prices are rounded; else to kopecks")
    old: AsideModel | None = Field(
        default=None, description="the crossed-out price; left out where it is not above the price"
    )
    min: AsideModel | None = Field(
        default=None, description="the price below which a channel may not discount; a price below it is held"
    )
    cost: CostModel | None = Field(default=None, description="what one unit costs the seller")
    fees: FeesModel = Field(default_factory=FeesModel, description="what a sale costs in the channel")
    floor: FloorModel | None = Field(default=None, description="the least price that is enough; needs cost")


class ChannelTermsModel(TermsModel):
    """What holds for one channel: each key takes the place of the same key for all, fees one by one."""

    price_type: PriceType | None = Field(default=None, description="sold at this price type instead of the flow's")


class PricingModel(TermsModel):
    """The rules between the source's prices and what channels are told."""

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = Field(
        default="RUB", description="what all amounts here and all prices are in; a price in another one is refused"
    )
    channels: dict[str, ChannelTermsModel] = Field(
        default_factory=dict, description="connection: what holds for it instead"
    )

    def pricing(self) -> Pricing:
        """Return the rules that the block means."""
        return Pricing(
            version=xxhash.xxh3_128_digest(f"{_SEMANTICS}\n{self.model_dump_json()}".encode()),
            currency=self.currency,
            usual=_terms(self, {}),
            channels={name: _terms(self, _said(channel)) for name, channel in self.channels.items()},
        )


def _said(model: BaseModel) -> dict[str, Any]:
    return {name: getattr(model, name) for name in model.model_fields_set}


def _terms(usual: TermsModel, own: dict[str, Any]) -> Terms:
    """Return what holds where ``own`` keys take the place of the usual ones."""
    said = {name: getattr(usual, name) for name in TermsModel.model_fields} | own
    fees = usual.fees.model_copy(update=_said(own["fees"])) if "fees" in own else usual.fees
    rounding, old, least, cost, floor = (said[name] for name in ("round", "old", "min", "cost", "floor"))
    return Terms(
        price_type=said.get("price_type") or "",
        markup=said["markup"],
        rules=tuple(rule.rule(number) for number, rule in enumerate(said["rules"], start=1)),
        round=rounding.rounding() if rounding else None,
        old=old.aside() if old else None,
        min=least.aside() if least else None,
        cost=cost.price_type if cost else "",
        fees=Fees(**fees.model_dump()),
        floor=Floor(floor.margin, floor.below) if floor else None,
    )
