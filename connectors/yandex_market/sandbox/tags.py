"""Prices: of the cabinet and of single shops, seen after a while, or held back because they jump."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from msgspec import Meta, Struct

from connectors.yandex_market.sandbox.cabinet import Cabinet, Invalid, ok
from connectors.yandex_market.sandbox.offers import Offer, Price, Settling
from obmen.testing.sandbox import Request, Response, route

LEAST, MOST = 5, 99
Ids = Annotated[list[str], Meta(min_length=1, max_length=200)]


class SetPrice(Struct):
    """A price as it is set."""

    value: Decimal
    currencyId: str  # noqa: N815 - Market's own name
    discountBase: Decimal | None = None  # noqa: N815 - Market's own name
    minimumForBestseller: Decimal | None = None  # noqa: N815 - Market's own name


class PricedOffer(Struct):
    """One of ``offers``."""

    offerId: Annotated[str, Meta(min_length=1, max_length=255)]  # noqa: N815 - Market's own name
    price: SetPrice


class SetPrices(Struct):
    """``updateBusinessPrices`` and ``updatePrices``."""

    offers: Annotated[list[PricedOffer], Meta(min_length=1, max_length=500)]


class Chosen(Struct):
    """Bodies that choose offers; ``archived`` is known to the cabinet's prices only."""

    offerIds: Annotated[list[str], Meta(min_length=1, max_length=500)] | None = None  # noqa: N815 - Market's own name
    archived: bool = False


class Confirmed(Struct):
    """``confirmBusinessPrices`` and ``confirmCampaignPrices``."""

    offerIds: Ids  # noqa: N815 - Market's own name


class Tags(Cabinet):
    """The calls about prices. ``jump_percent``: how sharp a change is held back, as set in the cabinet."""

    def reset(self) -> None:
        """Set the cabinet's threshold back too."""
        super().reset()
        self.jump_percent = 50

    def price(self, offer_id: str, campaign: int | None = None) -> Price | None:
        """Return the price that holds, seen yet or not."""
        return _prices(self.offers[offer_id], campaign).last

    def held(self) -> dict[str, str]:
        """Return the articles whose price is held back → that price."""
        return {offer.offer_id: f"{price.value}" for offer in self.offers.values() for price in offer.held.values()}

    def state(self) -> dict[str, Any]:
        """Add prices: article → value and crossed-out price, and what is held back."""
        known = {offer_id: self.price(offer_id) for offer_id in self.offers}
        prices = {
            offer_id: {"value": f"{price.value}", "base": None if price.base is None else f"{price.base}"}
            for offer_id, price in known.items()
            if price is not None
        }
        return {**super().state(), "prices": prices, "held": self.held()}

    @route("POST", r"/v2/businesses/\d+/offer-prices/updates")
    def set_business_prices(self, request: Request) -> Response:
        """``updateBusinessPrices``: its refusals name an offer by its place only."""
        return self._set_prices(request, None)

    @route("POST", r"/v2/campaigns/(?P<campaign>\d+)/offer-prices/updates")
    def set_shop_prices(self, request: Request, campaign: str) -> Response:
        """``updatePrices``: its refusals name the offers."""
        if self.only_default_price:
            raise Invalid("Partner use only default price", 423, "LOCKED")
        return self._set_prices(request, int(campaign))

    @route("POST", r"/v2/businesses/\d+/offer-prices")
    def get_business_prices(self, request: Request) -> Response:
        """``getDefaultPrices``."""
        return self._get_prices(request, None)

    @route("POST", r"/v2/campaigns/(?P<campaign>\d+)/offer-prices")
    def get_shop_prices(self, request: Request, campaign: str) -> Response:
        """``getPricesByOfferIds``."""
        return self._get_prices(request, int(campaign))

    @route("POST", r"/v2/businesses/\d+/price-quarantine")
    def business_quarantine(self, request: Request) -> Response:
        """``getBusinessQuarantineOffers``."""
        return self._quarantined(request, None)

    @route("POST", r"/v2/campaigns/(?P<campaign>\d+)/price-quarantine")
    def shop_quarantine(self, request: Request, campaign: str) -> Response:
        """``getCampaignQuarantineOffers``."""
        return self._quarantined(request, int(campaign))

    @route("POST", r"/v2/businesses/\d+/price-quarantine/confirm")
    def confirm_business(self, request: Request) -> Response:
        """``confirmBusinessPrices``."""
        return self._confirm_prices(request, None)

    @route("POST", r"/v2/campaigns/(?P<campaign>\d+)/price-quarantine/confirm")
    def confirm_shop(self, request: Request, campaign: str) -> Response:
        """``confirmCampaignPrices``."""
        return self._confirm_prices(request, int(campaign))

    def _set_prices(self, request: Request, campaign: int | None) -> Response:
        rows = self.body(request, SetPrices).offers
        if self.fault("moving"):
            raise Invalid("Business is in migration", 423, "LOCKED")
        seen: set[str] = set()
        for index, row in enumerate(rows):
            if row.offerId in seen:
                raise Invalid(f"Duplicate offer in request: offerId = {row.offerId}")
            seen.add(row.offerId)
            who = f"Offer at index {index}" if campaign is None else f"offerId = {row.offerId}"
            self._judge_price(row.price, who)
        for row in rows:
            offer = self.offers.get(row.offerId.strip())
            if offer is not None:
                self._take_price(offer, row.price, campaign)
        return ok()

    def _judge_price(self, price: SetPrice, who: str) -> None:
        if price.value <= 0:
            raise Invalid(f"Missing price value: {who}")
        if price.currencyId != self.currency:
            raise Invalid(f"{who} should not have 'price' with '{price.currencyId}' currency")
        if price.discountBase is None:
            return
        if price.discountBase != price.discountBase.to_integral_value():
            raise Invalid(f"{who} should have whole discountBase")
        percent = (price.discountBase - price.value) / price.discountBase * 100
        if not LEAST <= percent <= MOST:
            said = f"Discount percentage must be between {LEAST} and {MOST}, actual {percent:.2f}"
            raise Invalid(f"{who} should have valid discount value. {said}")

    def _take_price(self, offer: Offer, sent: SetPrice, campaign: int | None) -> None:
        now = self.now()
        price = Price(sent.value, sent.discountBase, sent.currencyId, now, sent.minimumForBestseller)
        last = _prices(offer, campaign).last
        offer.held.pop(campaign, None)
        if last is not None and abs(price.value - last.value) / last.value * 100 >= self.jump_percent:
            offer.held[campaign] = price
            return
        _prices(offer, campaign).put(price, now + self.settle)
        self.written["prices"] += 1

    def _get_prices(self, request: Request, campaign: int | None) -> Response:
        asked = self.body(request, Chosen)
        paging: dict[str, str] = {}
        if asked.offerIds is not None:
            rows = [self.offers[id_] for id_ in asked.offerIds if id_ in self.offers]
        else:
            known = [offer for offer in self.offers.values() if offer.archived == asked.archived]
            priced = [offer for offer in known if _prices(offer, campaign).seen(self.now()) is not None]
            rows, paging = self.page(request, priced, 500, 250)
        told = [{"offerId": offer.offer_id, **self._price_of(offer, campaign)} for offer in rows]
        return ok({"offers": told, "paging": paging})

    def _price_of(self, offer: Offer, campaign: int | None) -> dict[str, Any]:
        price = _prices(offer, campaign).seen(self.now())
        if price is None:
            return {}
        told: dict[str, Any] = {"value": price.value, "currencyId": price.currency}
        if price.base is not None:
            told["discountBase"] = price.base
        when = {"updatedAt": self.stamp(price.updated_at)}
        if campaign is not None:
            return {"price": told, **when}
        if price.least is not None:
            told["minimumForBestseller"] = price.least
        return {"price": {**told, **when}}

    def _quarantined(self, request: Request, campaign: int | None) -> Response:
        wanted = self.body(request, Chosen).offerIds
        held = [offer for offer in self.offers.values() if campaign in offer.held]
        chosen = [offer for offer in held if wanted is None or offer.offer_id in wanted]
        rows, paging = self.page(request, chosen, 200)
        return ok({"offers": [_held(offer, campaign) for offer in rows], "paging": paging})

    def _confirm_prices(self, request: Request, campaign: int | None) -> Response:
        for offer_id in self.body(request, Confirmed).offerIds:
            offer = self.offers.get(offer_id)
            price = offer.held.pop(campaign, None) if offer is not None else None
            if offer is not None and price is not None:
                _prices(offer, campaign).put(price, self.now() + self.settle)
                self.written["prices"] += 1
        return ok()


def _prices(offer: Offer, campaign: int | None) -> Settling[Price]:
    return offer.price if campaign is None else offer.shop_prices.setdefault(campaign, Settling())


def _held(offer: Offer, campaign: int | None) -> dict[str, Any]:
    price, last = offer.held[campaign], _prices(offer, campaign).last
    params = [
        {"name": "CURRENT_PRICE", "value": f"{price.value}"},
        {"name": "LAST_VALID_PRICE", "value": f"{last.value if last else 0}"},
        {"name": "CURRENCY", "value": price.currency},
    ]
    told: dict[str, Any] = {
        "offerId": offer.offer_id,
        "currentPrice": {"value": price.value, "currencyId": price.currency},
        "verdicts": [{"type": "PRICE_CHANGE", "params": params}],
    }
    if last is not None:
        told["lastValidPrice"] = {"value": last.value, "currencyId": last.currency}
    return told
