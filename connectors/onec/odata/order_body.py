"""The body of a Заказ клиента, reckoned from a payload: pure, so that every kopeck can be tested.

1C computes nothing of an order that comes by OData: sums, VAT and line numbers that are missing or off stay
so. And references that no channel tells come from the connection's options.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from connectors.onec.odata.client import NO_DATE, NO_REF, is_reference
from connectors.onec.odata.metadata import Metadata, Property
from connectors.onec.options import OrderOptions
from obmen.errors import ConfigurationError, Refused
from obmen.records import Native

DOCUMENT = "Document_ЗаказКлиента"
ROW = "Document_ЗаказКлиента_Товары_RowType"
CHANNEL = "Канал"
NUMBER = "НомерПоДаннымКлиента"
DAY = "ДатаПоДаннымКлиента"
SHORTEST_NUMBER = 30
"""The length of НомерПоДаннымКлиента that every version of UT 11 takes; 11.5.20 takes 50."""

REFERENCES: Mapping[str, tuple[str, str]] = {
    "organization": ("Организация_Key", "Catalog_Организации"),
    "partner": ("Партнер_Key", "Catalog_Партнеры"),
    "contragent": ("Контрагент_Key", "Catalog_Контрагенты"),
    "agreement": ("Соглашение_Key", "Catalog_СоглашенияСКлиентами"),
    "contract": ("Договор_Key", "Catalog_ДоговорыКонтрагентов"),
    "priority": ("Приоритет_Key", "Catalog_Приоритеты"),
    "department": ("Подразделение_Key", "Catalog_СтруктураПредприятия"),
    "manager": ("Менеджер_Key", "Catalog_Пользователи"),
}
"""Option → the order's property and the catalog that holds what it points to."""

_KOPECK = Decimal("0.01")
_TOO_MUCH = Decimal(10) ** 13
_TRANSLATED = frozenset({"Товар", "СтавкаНДС"})


def kopecks(value: Decimal) -> Decimal:
    """Round half up to kopecks, as 1C does."""
    return value.quantize(_KOPECK, ROUND_HALF_UP)


def comment(channel: str, text: str) -> str:
    """Return the comment that tells the order's channel: ``[ozon] text``."""
    return f"[{channel}] {text}".rstrip()


def channel_of(text: str) -> tuple[str, str]:
    """Return the channel that a comment tells, empty where it tells none, and the rest of the comment."""
    if text.startswith("[") and "]" in text:
        channel, _, rest = text[1:].partition("]")
        return channel, rest.strip()
    return "", text


def channel_told(order: Native, name: str) -> str:
    """Return the channel of an order of the base: the one that its comment tells, else ``name``, the connection's.

    Only what has the client's number came from a channel.
    """
    channel, _ = channel_of(str(order.get("Комментарий") or ""))
    return channel if channel and order.get(NUMBER) else name


def has_vat_catalog(metadata: Metadata) -> bool:
    """Whether VAT rates are a catalog (11.5) rather than an enumeration (11.4)."""
    return "СтавкаНДС_Key" in metadata.properties(ROW)


def supply(options: OrderOptions, metadata: Metadata) -> str:
    """Return the lines' ВариантОбеспечения; its values were renamed between 11.4 and 11.5."""
    return options.supply or ("КОбеспечению" if has_vat_catalog(metadata) else "Требуется")


def order_body(payload: Native, options: OrderOptions, metadata: Metadata) -> Native:
    """Return the body to send: sums reckoned, references filled in, every name known to the base.

    The payload's own words win over the options. Raises Refused with the field that is wrong.
    """
    body = {name: value for name, value in payload.items() if name != CHANNEL and value is not None}
    for option, (name, _) in REFERENCES.items():
        if (ref := getattr(options, option)) is not None:
            body.setdefault(name, ref)
    body.setdefault("Склад_Key", next(iter(options.warehouses.values())))
    body.setdefault("Статус", options.status)
    body.setdefault("НалогообложениеНДС", options.taxation)
    body.setdefault("ЦенаВключаетНДС", options.price_includes_vat)
    body[NUMBER] = _number(payload, metadata.properties(DOCUMENT))
    body[DAY] = day(payload)
    body["ДатаОтгрузки"] = _midnight(payload.get("ДатаОтгрузки", NO_DATE))
    body["Комментарий"] = comment(str(payload[CHANNEL]), str(payload.get("Комментарий", "")))
    body["СкидкиРассчитаны"] = True
    body["Товары"] = _rows(payload, body, options, metadata)
    body["СуммаДокумента"] = sum((row["СуммаСНДС"] for row in body["Товары"]), Decimal(0))
    metadata.require(DOCUMENT, body)
    return body


def day(payload: Mapping[str, Any]) -> str:
    """Return the order's day as ДатаПоДаннымКлиента keeps it, at midnight: the field may hold no time."""
    if not payload.get("Date"):
        message = "The order has no Date, and 1C takes none without. Map placed_at to Date."
        raise Refused(message, code="no_date", field="Date")
    return _midnight(payload["Date"])


def _midnight(value: object) -> str:
    return str(value)[:10] + "T00:00:00"


def _number(payload: Native, properties: Mapping[str, Property]) -> str:
    number = str(payload[NUMBER])
    told = properties[NUMBER].max_length if NUMBER in properties else None
    longest = told or SHORTEST_NUMBER
    if len(number) > longest:
        message = (
            f"The order number '{number}' has {len(number)} characters; {NUMBER} in this base holds"
            f" {longest}, and 1C would cut it so that the order could not be found again. Give a shorter one"
            " in the mapping."
        )
        raise Refused(message, code="number_too_long", field=NUMBER)
    return number


def _rows(payload: Native, body: Native, options: OrderOptions, metadata: Metadata) -> list[Native]:
    lines = payload.get("Товары") or []
    if not lines:
        message = "The order has no lines. Map them to Товары."
        raise Refused(message, code="no_lines", field="Товары")
    common = {
        "ДатаОтгрузки": body["ДатаОтгрузки"],
        "Склад_Key": body["Склад_Key"],
        "ВариантОбеспечения": supply(options, metadata),
    }
    with_vat = bool(body["ЦенаВключаетНДС"])
    rows = []
    for at, line in enumerate(lines, 1):
        own = {name: value for name, value in line.items() if name not in _TRANSLATED and value is not None}
        numbers = {"LineNumber": str(at), "КлючСвязи": str(at)}
        goods = product_of(line, at)
        sums = sums_of(line, at, options, metadata.properties(ROW), with_vat=with_vat)
        rows.append({**numbers, **common, **own, **goods, **sums})
    return rows


def product_of(line: Native, at: int) -> Native:
    """Return a line's product and characteristic. Raises Refused for what is no ``GUID`` or ``GUID#GUID``."""
    product, _, variant = str(line.get("Товар", "")).partition("#")
    if not is_reference(product) or (variant and not is_reference(variant)):
        message = (
            f"Line {at}: '{line.get('Товар', '')}' is no product of 1C. Expected its GUID, or GUID#GUID of"
            " the characteristic, as in CommerceML's Ид."
        )
        raise Refused(message, code="bad_product", field="Товар")
    return {"Номенклатура_Key": product.lower(), "Характеристика_Key": variant.lower() or NO_REF}


def sums_of(line: Native, at: int, options: OrderOptions, known: Mapping[str, Property], *, with_vat: bool) -> Native:
    """Return a line's quantity, price, discount, VAT and sums; ``known``: the properties of such rows in this base."""
    quantity, price = _amount(line, "Количество", at), _amount(line, "Цена", at)
    full = kopecks(quantity * price)
    total = kopecks(_amount(line, "Сумма", at)) if line.get("Сумма") is not None else full
    discount = full - total
    if discount < 0 or not quantity:
        message = f"Line {at}: {quantity} × {price} cannot come to {total}."
        raise Refused(message, code="bad_sum", field="Сумма")
    rate = str(line.get("СтавкаНДС") or options.vat_rates[options.vat])
    vat = vat_of(total, percent(rate, options), with_vat=with_vat)
    return {
        "Количество": quantity,
        "КоличествоУпаковок": quantity,
        "Цена": kopecks(price),
        "СуммаРучнойСкидки": discount,
        "ПроцентРучнойСкидки": kopecks(discount * 100 / full) if full else Decimal(0),
        "Сумма": total,
        **_rate(rate, known),
        "СуммаНДС": vat,
        "СуммаСНДС": total if with_vat else total + vat,
    }


def _amount(line: Native, name: str, at: int) -> Decimal:
    try:
        value = Decimal(str(line.get(name)))
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or not 0 <= value < _TOO_MUCH:
        message = f"Line {at}: {name} is {line.get(name)!r}; a number from 0 to 10^13 is needed."
        raise Refused(message, code="bad_value", field=name)
    return value


def percent(rate: str, options: OrderOptions) -> Decimal:
    """Return a VAT rate's percent. Raises Refused for one that the options do not tell."""
    for percent, native in options.vat_rates.items():
        if native.lower() == rate.lower():
            return Decimal(0) if percent == "none" else Decimal(percent)
    message = f"The VAT rate '{rate}' is none of the connection's order.vat_rates; add it there with its percent."
    raise Refused(message, code="unknown_vat", field="СтавкаНДС")


def _rate(rate: str, known: Mapping[str, Property]) -> Native:
    if "СтавкаНДС_Key" not in known:
        return {"СтавкаНДС": rate}
    if not is_reference(rate):
        message = (
            f"This base keeps VAT rates in a catalog (UT 11.5), so order.vat_rates needs references of"
            f" Catalog_СтавкиНДС; '{rate}' is none."
        )
        raise ConfigurationError(message)
    return {"СтавкаНДС_Key": rate}


def vat_of(total: Decimal, rate: Decimal, *, with_vat: bool) -> Decimal:
    """Return the VAT of a total at so many percent, which includes it or does not."""
    return kopecks(total * rate / (100 + rate if with_vat else Decimal(100)))
