"""The names that people type: of connections, and of what goes between them; and whoever types them."""

from __future__ import annotations

import getpass
from collections.abc import Collection

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


def connection_of(names: Collection[str], given: str) -> str:
    """Return one of the project's connections. Raises ConfigurationError with the name that was meant."""
    if given not in names:
        raise ConfigurationError(f"There is no connection '{given}'.{meant(given, names)}")
    return given


def entity_of(project: Project, connection: str, given: str) -> str:
    """Return the entity that is meant: by its name, by what people call it, or by the flow that carries it.

    Raises ConfigurationError with the name that was meant.
    """
    flow = project.flows.get(given)
    if flow is not None and connection in (flow.source, *flow.targets):
        return flow.entity
    found = _named(given)
    if found is None:
        raise ConfigurationError(f"There is no entity '{given}'.{meant(given.lower(), _words())}")
    return found


def carried(project: Project, given: str) -> list[str]:
    """Return ``connection entity`` for all to which flows carry what is meant by a flow's or an entity's name."""
    flow, entity = project.flows.get(given), _named(given)
    flows = [flow] if flow is not None else [one for one in project.flows.values() if one.entity == entity]
    return list(dict.fromkeys(f"{name} {one.entity}" for one in flows for name in one.targets or (one.source,)))


def _named(given: str) -> str | None:
    return _words().get(given.lower())


def _words() -> dict[str, str]:
    names = {name: name for name in ENTITIES} | {f"{name}s": name for name in ENTITIES}
    return names | {word: name for name, words in _MEANT.items() for word in words}


def who() -> str:
    """Return the name of whoever gives the command, as this machine knows it."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "command line"
