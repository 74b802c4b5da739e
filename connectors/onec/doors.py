"""Which door of 1C an entity goes through, where the administrator opened several.

Said once, so that the reader, the writer and the mapping of one entity can never speak of different doors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from obmen.errors import ConfigurationError

if TYPE_CHECKING:
    from connectors.onec.options import OneCOptions

DoorName = Literal["odata", "commerceml", "enterprisedata"]
DoorEntity = Literal[
    "product",
    "price",
    "stock",
    "customer",
    "bonus_account",
    "bonus_operation",
    "order",
    "order_status",
    "return",
    "receipt",
]
ENTITIES: tuple[DoorEntity, ...] = get_args(DoorEntity)
"""Whatever passes through one of the doors."""

_GOODS = frozenset({"product", "price", "stock"})
_ORDERS = frozenset({"order", "order_status"})
_PEOPLE = frozenset({"customer", "bonus_account", "bonus_operation", "return", "receipt"})
_CARRIES: dict[DoorName, frozenset[str]] = {
    "odata": _GOODS | _ORDERS | _PEOPLE,
    "commerceml": _GOODS | _ORDERS,
    "enterprisedata": _ORDERS | {"product", "price", "customer", "receipt"},
}
_FOR_GOODS: tuple[DoorName, ...] = ("commerceml", "odata", "enterprisedata")
_FOR_OTHERS: tuple[DoorName, ...] = ("odata", "commerceml", "enterprisedata")
_OPENS = {
    "odata": "url: (the published base)",
    "commerceml": "commerceml: (a folder), and for orders exchange: beside it",
    "enterprisedata": "enterprisedata: (the SOAP service)",
}


def is_open(options: OneCOptions, door: DoorName, entity: str) -> bool:
    """Whether the options open this door for an entity."""
    if entity not in _CARRIES[door]:
        return False
    if door == "odata":
        return options.url is not None
    if door == "enterprisedata":
        return options.enterprisedata is not None
    return options.commerceml is not None and (entity in _GOODS or options.exchange is not None)


def door_of(options: OneCOptions, entity: str) -> DoorName | None:
    """Return the door of an entity: the one that ``doors`` names, else the first that is open; None if none is.

    Raises ConfigurationError for a door that is named and not open, or does not carry the entity.
    """
    named = next((door for name, door in options.doors.items() if name == entity), None)
    if named is not None:
        if entity not in _CARRIES[named]:
            able = " or ".join(door for door in _FOR_OTHERS if entity in _CARRIES[door])
            raise ConfigurationError(f"No {entity} goes through {named}; doors: {{ {entity}: {able} }} would do.")
        if not is_open(options, named, entity):
            raise ConfigurationError(f"doors sends {entity} through {named}, which needs {_OPENS[named]}.")
        return named
    order = _FOR_GOODS if entity in _GOODS else _FOR_OTHERS
    return next((door for door in order if is_open(options, door, entity)), None)


def closed(name: str, entity: str) -> ConfigurationError:
    """Say what to open so that an entity can pass."""
    able = "; or ".join(_OPENS[door] for door in _FOR_OTHERS if entity in _CARRIES[door])
    return ConfigurationError(f"The connection '{name}' opens no door of 1C for {entity}. Set {able}.")
