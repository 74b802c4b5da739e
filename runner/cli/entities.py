"""The names that people type: of connections, and of what goes between them; and whoever types them."""

from __future__ import annotations

import getpass

from obmen.entities import ENTITIES
from obmen.errors import ConfigurationError, meant
from obmen.project import Project

_MEANT = {
    "product": ("goods", "cards", "catalogue", "catalog", "assortment", "товары", "карточки"),
    "price": ("цены", "цена"),
    "stock": ("leftovers", "остатки", "остаток"),
    "order": ("заказы", "заказ"),
    "order_status": ("statuses", "status", "order_statuses", "статусы", "статус"),
    "return": ("возвраты", "возврат"),
    "customer": ("клиенты", "покупатели"),
    "bonus_account": ("bonuses", "бонусы"),
}
"""Entity → what people call it besides its name and that with an s."""


def connection_of(project: Project, given: str) -> str:
    """Return a connection of the project. Raises ConfigurationError with the name that was meant."""
    if given not in project.connections:
        raise ConfigurationError(f"There is no connection '{given}'.{meant(given, project.connections)}")
    return given


def entity_of(project: Project, connection: str, given: str) -> str:
    """Return the entity that is meant: by its name, by what people call it, or by the flow that carries it.

    Raises ConfigurationError with the name that was meant.
    """
    flow = project.flows.get(given)
    if flow is not None and connection in (flow.source, *flow.targets):
        return flow.entity
    names = {name: name for name in ENTITIES}
    names |= {f"{name}s": name for name in ENTITIES}
    names |= {word: name for name, words in _MEANT.items() for word in words}
    found = names.get(given.lower())
    if found is None:
        raise ConfigurationError(f"There is no entity '{given}'.{meant(given.lower(), names)}")
    return found


def who() -> str:
    """Return the name of whoever gives the command, as this machine knows it."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "command line"
