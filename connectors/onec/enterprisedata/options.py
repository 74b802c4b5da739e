"""What an integrator says of the EnterpriseData door. Names are English; each tells what it is in 1C."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, HttpUrl, StringConstraints, TypeAdapter

from connectors.onec.odata.client import is_reference
from obmen.connector import Options, SecretStr
from obmen.entities.product import Vat

PLAN = "СинхронизацияДанныхЧерезУниверсальныйФормат"
Version = Literal["1.8", "1.17", "1.21"]
VERSIONS: tuple[Version, ...] = ("1.8", "1.17", "1.21")
"""The versions of the format whose schemas Obmen is tested against, oldest first."""


def _reference(value: str) -> str:
    if not is_reference(value):
        message = f"'{value}' is not a reference of 1C: it looks like 51ed67a3-7220-11df-b336-0011955cba6b"
        raise ValueError(message)
    return value.lower()


def _address(value: str) -> str:
    TypeAdapter(HttpUrl).validate_python(value)
    return value.rstrip("/").removesuffix("/ws")


Reference = Annotated[str, AfterValidator(_reference)]


class EnterpriseDataOrderOptions(Options):
    """What every Заказ клиента needs and no channel tells: references of the base.

    What is behind a reference must have come from the base (the node sends organizations, contragents,
    contracts and warehouses), for the format wants its name too.
    """

    organization: Reference = Field(description="Организация: the seller's legal entity")
    contragent: Reference = Field(description="Контрагент: whom the orders are booked on")
    contract: Reference | None = Field(default=None, description="Договор, where the base demands one")
    warehouses: dict[str, Reference] = Field(
        default_factory=dict, description="Склад by name; an order that names no warehouse goes to the first"
    )
    vat: Vat | None = Field(default=None, description="the rate of order lines that tell none; none is sent without it")
    price_includes_vat: bool = Field(default=True, description="СуммаВключаетНДС")


class EnterpriseDataOptions(Options):
    """How the web service EnterpriseDataExchange of a base is reached, and as which node."""

    url: Annotated[str, AfterValidator(_address)] = Field(
        description="the published base, such as https://1c.example/ut"
    )
    username: str = Field(default="", description="the user of 1C; Cyrillic is fine")
    password: SecretStr = SecretStr("")
    node: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)] = Field(
        description="our code in the exchange plan: the code of the node that the administrator made for Obmen"
    )
    folder: Path = Field(description="where what the base has sent is kept; one folder for one node, never shared")
    plan: str = Field(default=PLAN, min_length=1, description="the name of the exchange plan")
    versions: tuple[Version, ...] = Field(
        default=VERSIONS, min_length=1, description="the versions of the format that may be written"
    )
    part_size_kb: int = Field(default=2048, ge=16, le=6000, description="the size of a part of a message, in KB")
    timeout: float = Field(default=120.0, gt=0, description="seconds to wait for one answer")
    poll: float = Field(default=3.0, gt=0, le=60, description="seconds between two looks at a long action")
    patience: float = Field(default=3600.0, gt=0, description="seconds to wait for a long action to end")
    order: EnterpriseDataOrderOptions | None = None
