"""What ``check`` asks of a live cabinet without writing: the key's rights, the shops, prices and warehouses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from connectors.yandex_market import paths
from connectors.yandex_market.core import Market
from obmen.connector import Finding
from obmen.errors import Denied
from obmen.records import Native

WARN_DAYS = 28
_CLOCK_SECONDS = 120.0
_PAGE = 100
_WAREHOUSE_PAGE = 30
_OWN_STOCK = {"FBS", "DBS"}
_ASLEEP = {
    "DISABLED_BY_INACTIVITY": "it has shown no goods for 90 days",
    "DISABLED_BY_NO_ACTIVE_CONTRACT": "it has no active contract with Market",
    "MANUALLY_DISABLED": "the integration is switched off in the cabinet",
    "DISABLED_BY_NO_PLACEMENT_TYPE": "it is connected to no way of selling",
}


def check_key(market: Market) -> Iterator[Finding]:
    """Tell which of the methods that Obmen uses the key does not allow."""
    reply = market.call(paths.TOKEN, safe=True)
    scopes = set(reply["result.apiKey.authScopes"])
    name = reply["result.apiKey.name"]
    needed = {one.scope for one in paths.ALL if one.scope}
    missing = set() if "ALL_METHODS" in scopes else needed - scopes
    if missing:
        message = f"The key '{name}' lacks {', '.join(sorted(missing))}; calls that need these will be refused."
        yield Finding("warning", f"{message} Add the rights to the key in the cabinet.", "api_key")
    else:
        yield Finding("ok", f"The key '{name}' allows all that Obmen does.", "api_key")


def check_paths(market: Market) -> Iterator[Finding]:
    """Warn of methods that Market has announced to switch off."""
    for operation in paths.ending(market.clock.now().date(), WARN_DAYS):
        message = f"Market switches {operation.group} off on {operation.ends}. Update Obmen before that day."
        yield Finding("warning", message)


def check_clock(market: Market) -> Iterator[Finding]:
    """Warn when this machine's clock differs from Market's: orders and stock are told by time."""
    ahead = market.ahead
    if ahead is not None and abs(ahead.total_seconds()) > _CLOCK_SECONDS:
        message = f"This machine's clock differs from Market's by {abs(ahead.total_seconds()):.0f} s. Mend it."
        yield Finding("warning", message)


def check_shops(market: Market) -> Iterator[Finding]:
    """Compare the options ``business_id``, ``warehouses`` and ``price_campaign`` with the key's own shops."""
    shops = _shops(market)
    business = market.options.business_id
    if shops and all(shop["business"]["id"] != business for shop in shops.values()):
        there = ", ".join(sorted({f"{shop['business']['id']}" for shop in shops.values()}))
        yield Finding("problem", f"The key's cabinet is {there}, not {business}.", "business_id")
    for name, campaign in market.options.warehouses.items():
        yield _shop_finding(shops, name, campaign)
    for campaign, shop in shops.items():
        if campaign not in market.options.order_campaigns and shop.get("placementType") in _OWN_STOCK:
            message = f"The shop {campaign} '{shop.get('domain', '')}' has no pair: its stock and orders are not kept."
            yield Finding("warning", f"{message} Add it to warehouses.", "warehouses")
    chosen = market.options.price_campaign
    if chosen is not None and chosen not in shops:
        yield Finding("problem", f"The key's cabinet has no shop {chosen}.", "price_campaign")


def check_prices(market: Market) -> Iterator[Finding]:
    """Compare the way in which the cabinet keeps prices with the option ``price_campaign``."""
    settings = market.call(paths.SETTINGS, safe=True).get("result.settings") or {}
    chosen = market.options.price_campaign
    if settings.get("onlyDefaultPrice") and chosen is not None:
        message = f"The cabinet keeps one price for all its shops, so none can be set for the shop {chosen} alone."
        yield Finding(
            "problem", f"{message} Take price_campaign out, or change the cabinet's setting.", "price_campaign"
        )
    elif settings.get("onlyDefaultPrice") is False and chosen is None:
        message = "The cabinet allows prices of single shops, and such a price goes before the cabinet's."
        yield Finding("warning", f"{message} Obmen sets the cabinet's; see price_campaign.", "price_campaign")
    else:
        yield Finding("ok", f"Prices are those of {'the cabinet' if chosen is None else f'the shop {chosen}'}.")


def check_promotions(market: Market) -> Iterator[Finding]:
    """Warn when Market does not tell of promotions: not every seller may ask."""
    try:
        market.call(paths.PROMOTIONS, safe=True, json={})
    except Denied as error:
        message = "Market tells nothing of promotions here, so what they make of prices is not watched"
        yield Finding("warning", f"{message}: {error}", "api_key")


def check_warehouses(market: Market) -> Iterator[Finding]:
    """Find shops of the connection whose warehouses share one stock: what is sent to one overwrites the other."""
    groups: dict[int, list[str]] = defaultdict(list)
    names = {campaign: name for name, campaign in market.options.warehouses.items()}
    for reply in market.pages(paths.WAREHOUSES, limit=_WAREHOUSE_PAGE, json={}):
        for row in reply["result.warehouses"]:
            if row["campaignId"] in names and row.get("groupInfo"):
                groups[row["groupInfo"]["id"]].append(names[row["campaignId"]])
    for members in groups.values():
        if len(members) > 1:
            listed = ", ".join(f"'{name}'" for name in sorted(members))
            message = f"The warehouses {listed} are one group and share one stock: each would overwrite the other."
            yield Finding("problem", f"{message} Leave one of them in warehouses.", "warehouses")


def _shops(market: Market) -> dict[int, Native]:
    pages = market.pages(paths.CAMPAIGNS, limit=_PAGE, paging="paging")
    return {shop["id"]: shop for reply in pages for shop in reply["campaigns"]}


def _shop_finding(shops: dict[int, Native], name: str, campaign: int) -> Finding:
    option = f"warehouses.{name}"
    shop = shops.get(campaign)
    if shop is None:
        there = ", ".join(f"{id_} '{one.get('domain', '')}'" for id_, one in shops.items()) or "none"
        return Finding("problem", f"The key's cabinet has no shop {campaign} for '{name}'. It has: {there}.", option)
    state = shop.get("apiAvailability", "AVAILABLE")
    if state != "AVAILABLE":
        why = _ASLEEP.get(state, state)
        return Finding("problem", f"The shop {campaign} of '{name}' does not work through the API: {why}.", option)
    if shop.get("placementType") not in _OWN_STOCK:
        kind = shop.get("placementType")
        return Finding(
            "problem", f"The shop {campaign} of '{name}' sells from Market's stock ({kind}), not yours.", option
        )
    return Finding("ok", f"Warehouse '{name}' is the shop {campaign} '{shop.get('domain', '')}'.", option)
