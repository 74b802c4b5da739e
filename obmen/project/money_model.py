"""The block ``money:`` of a project: what money is judged by when channels' accruals and payouts are compared."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from obmen.errors import meant
from obmen.project.problems import Problems
from obmen.project.times import Duration

_RATE = re.compile(r"(\d{1,2}(?:\.\d{1,4})?|100) ?%")


def _rate(value: Any) -> Decimal:
    matched = _RATE.fullmatch(value) if isinstance(value, str) else None
    if matched is None:
        raise ValueError("a rate is written as 17.5%")
    return Decimal(matched[1]) / 100


Rate = Annotated[
    Decimal,
    BeforeValidator(_rate),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]+([.][0-9]+)? ?%$", "examples": ["17.5%"]}),
]


class MoneyModel(BaseModel):
    """What accruals, payouts and margins are judged by."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    cost: str | None = Field(
        default=None,
        description="the price type that says what a good costs the seller, such as Закупочная; a price flow reads"
        " it, for its rules or with where: { price_type: … }, and may write it nowhere (to: [])",
    )
    costs: Path | None = Field(
        default=None, description="a CSV file (sku;cost) that says what goods cost; it comes before the price type"
    )
    wait: Duration = Field(
        default=timedelta(days=30),
        description="how long a payout, a refund or a document may follow before it counts as missing",
    )
    commission: dict[str, dict[str, Rate]] = Field(
        default_factory=dict,
        description='channel: category of the good, or "*" for all others: the share that is taken of a sale; without'
        " it, the share that the channel takes of nearly all other orders",
    )


def check_money(money: MoneyModel, connections: Iterable[str], problems: Problems) -> None:
    """Say which channels are not in the project."""
    known = list(connections)
    for name in money.commission:
        if name not in known:
            problems.add(("money", "commission", name), f"There is no connection '{name}'.{meant(name, known)}")
