"""What ``check`` asks of a live cabinet without writing: the key, its rights and age, and the warehouses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from connectors.ozon import paths
from obmen.clock import Clock
from obmen.connector import Finding
from obmen.errors import IncompleteSource
from obmen.http import Http
from obmen.records import Native

WARN_DAYS = 14
_WAREHOUSE_LIMIT = 200
_EVERYTHING = "Admin"


def check_key(http: Http, clock: Clock) -> Iterator[Finding]:
    """Tell how long the key still lives and which of the methods that Obmen uses it does not allow."""
    reply = http.post(paths.ROLES, safe=True)
    expires = datetime.fromisoformat(reply["expires_at"])
    days = (expires - clock.now()).total_seconds() / 86400
    step = "Make a new one in the cabinet (Настройки → Seller API) and put it into api_key."
    if days <= 0:
        yield Finding("problem", f"The API key ended on {expires:%Y-%m-%d}. {step}", "api_key")
    elif days <= WARN_DAYS:
        left = f"The API key ends on {expires:%Y-%m-%d}, in {int(days)} days."
        yield Finding("warning", f"{left} {step}", "api_key")
    else:
        yield Finding("ok", f"The API key is valid until {expires:%Y-%m-%d}.", "api_key")
    roles: list[Native] = reply["roles"]
    if any(role["name"] == _EVERYTHING for role in roles):
        return
    allowed = {method for role in roles for method in role["methods"]}
    lacking = [path for path in paths.ALL if path != paths.ROLES and path not in allowed]
    if lacking:
        message = f"The API key's roles do not name {', '.join(lacking)}; calls of these will be refused."
        yield Finding("warning", f"{message} Give the key the roles in the cabinet.", "api_key")


def check_paths(clock: Clock) -> Iterator[Finding]:
    """Warn of methods that Ozon has announced to switch off."""
    for path in paths.ending(clock.now().date(), WARN_DAYS * 2):
        yield Finding("warning", f"Ozon switches {path} off on {path.ends}. Update Obmen before that day.")


def check_warehouses(http: Http, pairs: Mapping[str, int]) -> Iterator[Finding]:
    """Compare the option ``warehouses`` with the cabinet's own list, both ways."""
    known = {row["warehouse_id"]: row.get("name", "") for row in _warehouses(http)}
    for name, id_ in pairs.items():
        if id_ in known:
            yield Finding("ok", f"Warehouse '{name}' is {id_} '{known[id_]}'.", f"warehouses.{name}")
        else:
            there = ", ".join(f"{other} '{title}'" for other, title in known.items()) or "none"
            message = f"Ozon has no warehouse {id_} for '{name}'. It has: {there}."
            yield Finding("problem", message, f"warehouses.{name}")
    for id_, title in known.items():
        if id_ not in pairs.values():
            message = f"Ozon's warehouse {id_} '{title}' has no pair: its stock is not kept and its orders"
            yield Finding("warning", f"{message} wait in quarantine. Add it to warehouses.", "warehouses")


def _warehouses(http: Http) -> Iterator[Native]:
    where = ""
    while True:
        body = {"cursor": where, "limit": _WAREHOUSE_LIMIT}
        reply = http.post(paths.WAREHOUSES, json=body, safe=True)
        yield from reply["warehouses"]
        if not reply["has_next"]:
            return
        if reply["cursor"] in {"", where}:
            raise IncompleteSource(f"{reply.what}: the list has more to give but no cursor to ask by.")
        where = reply["cursor"]
