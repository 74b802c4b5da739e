"""What an integrator says of a 1C base. Names are English; each names the 1C property that it fills."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, HttpUrl, TypeAdapter, model_validator

from connectors.onec.doors import ENTITIES, DoorEntity, DoorName, door_of
from connectors.onec.enterprisedata.options import EnterpriseDataOptions
from connectors.onec.odata.client import NO_REF, ROOT
from connectors.onec.site.options import SiteOptions
from obmen.connector import Options, SecretStr
from obmen.entities.product import Vat
from obmen.errors import ConfigurationError

StockSource = Literal["ЗапасыИПотребности", "РаспределениеЗапасов", "СвободныеОстатки", "ТоварыНаСкладах"]
OrderState = Literal["НеСогласован", "КОбеспечению", "КОтгрузке"]


def _reference(value: str) -> str:
    try:
        ref = str(UUID(value))
    except ValueError:
        message = f"'{value}' is not a reference of 1C: it looks like 51ed67a3-7220-11df-b336-0011955cba6b"
        raise ValueError(message) from None
    if ref == NO_REF:
        message = "the all-zero reference points to nothing"
        raise ValueError(message)
    return ref


def _address(value: str) -> str:
    TypeAdapter(HttpUrl).validate_python(value)
    base = value.rstrip("/")
    return base if base.endswith(ROOT) else base + ROOT


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError):
        message = f"there is no time zone '{value}'; a name such as Europe/Moscow is meant"
        raise ValueError(message) from None
    return value


Reference = Annotated[str, AfterValidator(_reference)]
"""A reference of 1C (Ссылка, Ref_Key), as lower-case GUID text."""


class OrderOptions(Options):
    """What every Заказ клиента needs and no channel tells: references of the base, and the VAT."""

    organization: Reference = Field(description="Организация: the seller's legal entity")
    partner: Reference = Field(description="Партнер: whom the orders are booked on")
    contragent: Reference = Field(description="Контрагент: the partner's legal entity")
    agreement: Reference = Field(description="Соглашение: the terms agreed with the partner")
    contract: Reference | None = Field(default=None, description="Договор, where the agreement demands one")
    priority: Reference | None = Field(default=None, description="Приоритет")
    department: Reference | None = Field(default=None, description="Подразделение")
    manager: Reference | None = Field(default=None, description="Менеджер")
    cancel_reason: Reference | None = Field(default=None, description="ПричинаОтмены of the lines of a cancelled order")
    currencies: dict[str, Reference] = Field(min_length=1, description="Валюта by its ISO code, such as RUB")
    warehouses: dict[str, Reference] = Field(
        min_length=1, description="Склад by name; an order that names no warehouse goes to the first"
    )
    vat: Vat = Field(description="the rate of goods whose order line tells none, one of vat_rates")
    vat_rates: dict[Vat, str] = Field(
        min_length=1,
        description="СтавкаНДС by percent: a reference of Catalog_СтавкиНДС in 11.5, an enum name in 11.4",
    )
    price_includes_vat: bool = Field(default=True, description="ЦенаВключаетНДС")
    taxation: str = Field(default="ПродажаОблагаетсяНДС", description="НалогообложениеНДС")
    status: OrderState = Field(default="КОбеспечению", description="Статус of a new order")
    supply: str | None = Field(
        default=None,
        description="ВариантОбеспечения of the lines: КОбеспечению in 11.5, Требуется in 11.4 by default",
    )

    @model_validator(mode="after")
    def _rate_is_known(self) -> OrderOptions:
        if self.vat not in self.vat_rates:
            message = f"vat is {self.vat}, and vat_rates has no such rate (it has {', '.join(self.vat_rates)})"
            raise ValueError(message)
        return self


class CustomerOptions(Options):
    """What a customer needs when it is written: under which kinds its contacts stand on a partner's card."""

    phone: Reference | None = Field(default=None, description="Вид контактной информации of phones")
    email: Reference | None = Field(default=None, description="Вид контактной информации of e-mail addresses")
    address: Reference | None = Field(default=None, description="Вид контактной информации of the address")
    access_group: Reference | None = Field(default=None, description="ГруппаДоступа of new partners, where used")


class ExchangePlanOptions(Options):
    """An exchange plan of the base that registers changes for Obmen, and Obmen's node in it."""

    name: str = Field(pattern=r"^\w+$", description="the plan's name in the configuration, such as ОбменСКаналами")
    node: Reference = Field(description="the node (узел) that nobody but Obmen reads")
    entities: tuple[DoorEntity, ...] = Field(
        default=tuple(name for name in ENTITIES if name != "stock"),
        description="what the plan's composition covers; anything else is read by lists",
    )


class OneCOptions(Options):
    """How a base is reached: by exchange files, by OData, or by both."""

    commerceml: Path | None = Field(default=None, description="a folder or file of CommerceML that 1C writes")
    url: Annotated[str, AfterValidator(_address)] | None = Field(
        default=None, description="the published base, with or without /odata/standard.odata"
    )
    username: str = Field(default="", description="the user of 1C; Cyrillic is fine")
    password: SecretStr = SecretStr("")
    timezone: Annotated[str, AfterValidator(_zone)] = Field(
        default="Europe/Moscow", description="the zone of the base's clock, for 1C's times name none"
    )
    timeout: float = Field(default=120.0, gt=0, description="seconds to wait for one answer")
    lookback_days: int = Field(
        default=60, gt=0, description="how old an order may be, by its date, for its status to be read"
    )
    exchange: SiteOptions | None = Field(
        default=None, description="Obmen plays the site of 1C's «Обмен с сайтом», which then fills commerceml"
    )
    price_types: tuple[str, ...] = Field(
        default=(), description="the Виды цен that OData reads, by name; all of them by default"
    )
    warehouses: tuple[str, ...] = Field(
        default=(), description="the Склады whose stock OData reads, by name; all of them by default"
    )
    stock_source: StockSource | None = Field(
        default=None, description="the register that OData reads stock from; by default the best that is published"
    )
    allowed_only: bool = Field(
        default=False, description="by OData, leave out what 1C's record-level restrictions hide from the user"
    )
    own_orders: bool = Field(
        default=False, description="read also the orders that people make in 1C itself, and their statuses"
    )
    exchange_plan: ExchangePlanOptions | None = Field(
        default=None, description="read only what an exchange plan of the base says has changed"
    )
    enterprisedata: EnterpriseDataOptions | None = Field(
        default=None, description="the SOAP service of EnterpriseData, by which a node of the base is exchanged with"
    )
    doors: dict[DoorEntity, DoorName] = Field(
        default_factory=dict,
        description="through which door an entity goes, where several are open: odata, commerceml or enterprisedata",
    )
    late_cancel: Literal["return", "task"] = Field(
        default="return",
        description="by OData, what is made of goods that 1C had shipped when their order was cancelled in its channel:"
        " a request for their return, once (it moves no stock), or a task for a person",
    )
    returned_goods: Literal["on_receipt", "on_refund", "never"] = Field(
        default="on_receipt",
        description="by OData, when a return of a channel brings its goods back to stock: when they are here, already"
        " when the money is paid back, or never, because people enter what comes back",
    )
    order: OrderOptions | None = None
    customer: CustomerOptions | None = Field(default=None, description="what writing customers needs")

    @model_validator(mode="after")
    def _exchange_has_a_folder(self) -> OneCOptions:
        if self.exchange is not None and (self.commerceml is None or self.commerceml.is_file()):
            message = "exchange needs commerceml: a folder of its own, which the exchange fills"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _doors_are_open(self) -> OneCOptions:
        for entity in self.doors:
            try:
                door_of(self, entity)
            except ConfigurationError as error:
                raise ValueError(str(error)) from None
        return self
