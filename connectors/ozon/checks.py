"""What ``check`` asks of a live cabinet without writing: the key, the warehouses, the quotas, the one category."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from connectors.ozon import paths
from obmen.categories import Catalogue
from obmen.clock import Clock
from obmen.connector import Finding
from obmen.errors import Denied, IncompleteSource
from obmen.http import Http, Reply
from obmen.records import Native

WARN_DAYS = 14
_WAREHOUSE_LIMIT = 200
_NEARLY = 0.9
_QUOTAS = {"daily_create": "new cards today", "daily_update": "changed cards today", "total": "cards in all"}
_EVERYTHING = "Admin"


def end_of_key(reply: Reply) -> datetime:
    """Return when the key ends, by an answer of ``AccessAPI_RolesByToken``."""
    return datetime.fromisoformat(reply["expires_at"])


def check_key(reply: Reply, clock: Clock) -> Iterator[Finding]:
    """Tell, by such an answer, how long the key still lives and which of Obmen's methods it does not allow."""
    expires = end_of_key(reply)
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
    lacking = [path for path in paths.ALL if path != paths.ROLES and path not in allowed | paths.ON_WISH]
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


def check_quotas(http: Http) -> Iterator[Finding]:
    """Tell how much of Ozon's quotas of cards is used, and warn where little is left."""
    try:
        reply = http.post(paths.PRODUCT_LIMITS, safe=True)
    except Denied as error:
        yield Finding("warning", f"The quotas of cards cannot be read: {error}", "api_key")
        return
    told = []
    for name, title in _QUOTAS.items():
        quota = reply.get(name) or {}
        limit, used = int(quota.get("limit", -1)), int(quota.get("usage", 0))
        if limit < 0:
            continue
        told.append(f"{title} {used} of {limit}")
        if used >= limit * _NEARLY:
            until = " It is counted anew at 03:00 in Moscow." if name != "total" else " Ask Ozon for more."
            yield Finding("warning", f"Ozon's quota is nearly used up: {title} {used} of {limit}.{until}")
    minute = reply.get("operation_limits.limit") or 0
    if minute:
        told.append(f"{minute} cards a minute")
    yield Finding("ok", f"Quotas: {', '.join(told)}." if told else "Ozon sets no quotas of cards.")


def check_category(catalogue: Catalogue, pair: Mapping[str, int]) -> Iterator[Finding]:
    """Look whether cards can be made in the one category of the option, and what it demands that nobody fills."""
    category = f"{pair['description_category_id']}:{pair['type_id']}"
    node = next((one for one in catalogue.nodes() if one.id == category), None)
    if node is None:
        message = f"Ozon has no category {category}, or makes no cards in it any more. obmen categories finds others."
        yield Finding("problem", message, "category")
        return
    required = [f"'{one.name}'" for one in catalogue.attributes(category) if one.required]
    if required:
        message = f"{node.title} requires {', '.join(required)}, which the option category cannot tell."
        step = "Say them in a categories file (obmen categories --draft) or in the project's own mapping."
        yield Finding("warning", f"{message} {step}", "category")
    else:
        yield Finding("ok", f"New cards go to {node.title}.", "category")


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
