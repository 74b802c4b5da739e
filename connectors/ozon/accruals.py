"""One accrual of Ozon's taken apart into operations that come to its total."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from obmen.records import Native

_KINDS = (  # words of a type's name → kind; the first that is found counts
    (("эквайринг", "acquiring"), "acquiring"),
    (("штраф", "нарушен", "просроч", "penalty", "fine"), "penalty"),
    (("компенсац", "compensation"), "compensation"),
    (("хранени", "размещени", "storage", "placement"), "storage"),
    (("реклам", "продвижен", "трафарет", "advert", "promot"), "advertising"),
    (("возврат", "невыкуп", "отмен", "return", "cancel"), "return_delivery"),
    (("логист", "доставк", "обработк", "магистрал", "миля", "logistic", "deliver", "lastmile", "drop"), "delivery"),
    (("балл", "бонус", "bonus"), "bonus"),
    (("вознагражд", "комисс", "commission"), "commission"),
)
_EXTRA = (("bonus", "bonus", "Баллы за скидки"), ("coinvestment", "bonus", "Программы партнёров"))
_ZERO = Decimal(0)


class Name(NamedTuple):
    """How Ozon calls a type of accruals, and what Obmen takes it for."""

    title: str
    kind: str

    @classmethod
    def of(cls, row: Native, kinds: Mapping[str, str]) -> Name:
        """Read an item of ``GetFinanceAccrualTypes``; ``kinds``, by its id or its name, come before the words."""
        name, description = str(row.get("name") or ""), str(row.get("description") or "")
        told = kinds.get(str(row["id"])) or kinds.get(name) or kinds.get(description)
        return cls(description or name, told or _kind(f"{name} {description}"))


def operations(
    accrual: Native, order: str | None, articles: Mapping[str, str], names: Mapping[int, Name]
) -> Iterator[Native]:
    """Yield the operations of an accrual: {operation_id, order, sku, kind, title, amount, currency, date}.

    ``operation_id`` is the accrual's id with the place of the sum in it, counted among its like: an accrual that
    is told again with more in it renames nothing.
    """
    total = accrual["total_amount"]
    left = _sum(total)
    seen: Counter[str] = Counter()
    for place, sku, name, amount in _sums(accrual, names):
        seen[place] += 1
        if amount:
            left -= amount
            yield _operation(accrual, f"{place}.{seen[place]}", order, articles.get(sku), name, amount)
    extra = list(_extras(accrual))
    if extra and left == sum(amount for _, _, amount in extra):
        left = _ZERO
        for place, sku, amount in extra:
            seen[place] += 1
            name = next(Name(title, kind) for field, kind, title in _EXTRA if place.endswith(field))
            yield _operation(accrual, f"{place}.{seen[place]}", order, articles.get(sku), name, amount)
    if left:
        yield _operation(accrual, "rest", order, None, Name("Прочее в начислении", "other"), left)


def _operation(accrual: Native, place: str, order: str | None, sku: str | None, name: Name, amount: Decimal) -> Native:
    return {
        "operation_id": f"{accrual['accrual_id']}:{place}",
        "order": order,
        "sku": sku,
        "kind": name.kind,
        "title": name.title,
        "amount": format(amount, "f"),
        "currency": accrual["total_amount"]["currency"],
        "date": accrual["date"],
        "unit": accrual.get("unit_number"),
    }


_Sum = tuple[str, str, Name, Decimal]


def _sums(accrual: Native, names: Mapping[int, Name]) -> Iterator[_Sum]:
    yield from _of_posting(accrual, names)
    yield from _of_items(accrual, names)
    yield from _of_seller(accrual, names)


def _of_posting(accrual: Native, names: Mapping[int, Name]) -> Iterator[_Sum]:
    posting: Mapping[str, Any] = accrual.get("posting") or {}
    for product in posting.get("products") or ():
        sku = str(product["sku"])
        commission: Mapping[str, Any] = product.get("commission") or {}
        sale = _sum(commission.get("sale_amount"))
        kind = Name("Продажа", "sale") if sale >= 0 else Name("Возврат покупателю", "refund")
        yield f"{sku}.sale", sku, kind, sale
        yield f"{sku}.commission", sku, Name("Комиссия за продажу", "commission"), _sum(commission.get("commission"))
        for service in (product.get("delivery") or {}).get("services") or ():
            name = _named(names, service["type_id"], "delivery")
            yield f"{sku}.{service['type_id']}", sku, name, _sum(service["accrued"])


def _of_items(accrual: Native, names: Mapping[int, Name]) -> Iterator[_Sum]:
    fees: Mapping[str, Any] = accrual.get("item_fees") or {}
    for item in fees.get("fees") or ():
        sku = str(item["sku"])
        for fee in item.get("fees") or ():
            yield f"{sku}.{fee['type_id']}", sku, _named(names, fee["type_id"], "other"), _sum(fee["accrued"])


def _of_seller(accrual: Native, names: Mapping[int, Name]) -> Iterator[_Sum]:
    fee: Mapping[str, Any] = accrual.get("non_item_fee") or {}
    if fee.get("accrued"):
        yield f"seller.{fee['type_id']}", "", _named(names, fee["type_id"], "other"), _sum(fee["accrued"])


def _extras(accrual: Native) -> Iterator[tuple[str, str, Decimal]]:
    """Yield what Ozon tells beside the sale; whether it is a part of that, only the total shows."""
    posting: Mapping[str, Any] = accrual.get("posting") or {}
    for product in posting.get("products") or ():
        for field, _, _ in _EXTRA:
            amount = _sum((product.get("commission") or {}).get(field))
            if amount:
                yield f"{product['sku']}.{field}", str(product["sku"]), amount


def _named(names: Mapping[int, Name], type_id: int, otherwise: str) -> Name:
    """Return what a type is; one that Ozon has not listed is taken for what stands at its place."""
    return names.get(type_id) or Name(f"Начисление {type_id}", otherwise)


def _kind(text: str) -> str:
    lowered = text.lower()
    return next((kind for words, kind in _KINDS if any(word in lowered for word in words)), "other")


def _sum(told: Mapping[str, Any] | None) -> Decimal:
    return Decimal(str(told["amount"] or 0)) if told else _ZERO
