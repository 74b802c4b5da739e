"""Promotions of Market's: goods take part by the seller's hand, by a least price, or by themselves, and may leave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from msgspec import Meta, Struct

from connectors.yandex_market.sandbox.cabinet import Invalid, ok
from connectors.yandex_market.sandbox.offers import Price
from connectors.yandex_market.sandbox.tags import Tags
from obmen.testing.sandbox import Request, Response, route

_DAY, _TAKES_EFFECT = 86400.0, 4 * 3600.0
_FILTERS = {
    "MANUALLY_ADDED": {"MANUAL"},
    "RENEWED": {"RENEWED"},
    "RENEW_FAILED": {"RENEW_FAILED"},
    "MINIMUM_FOR_PROMOS": {"MINIMUM_FOR_PROMOS"},
    "NOT_MANUALLY_ADDED": {"NOT_PARTICIPATING", "AUTO", "PARTIALLY_AUTO"},
}
_OF_BESTSELLERS = {"RENEWED", "RENEW_FAILED", "MINIMUM_FOR_PROMOS"}
_BY_ITSELF = {"AUTO", "PARTIALLY_AUTO"}
_OUT = {"NOT_PARTICIPATING", "RENEW_FAILED"}
_BY_HAND = {"MANUAL", "RENEWED"}


class Wanted(Struct):
    """``getPromos``."""

    participation: str = ""
    mechanics: str = ""


class Chosen(Struct):
    """``getPromoOffers``."""

    promoId: str  # noqa: N815 - Market's own name
    statuses: Annotated[list[str], Meta(min_length=1)] | None = None


class Leaving(Struct):
    """``deletePromoOffers``."""

    promoId: str  # noqa: N815 - Market's own name
    deleteAllOffers: bool = False  # noqa: N815 - Market's own name
    offerIds: Annotated[list[str], Meta(min_length=1, max_length=500)] | None = None  # noqa: N815 - Market's own name


@dataclass
class Part:
    """How an offer stands to a promotion. ``price``: its price there; ``leaves_at``: when it will be out."""

    status: str
    price: int
    leaves_at: float | None = None


@dataclass
class Promo:
    """A promotion: article → how it takes part. ``kind``: Market's word for how it works."""

    id: str
    name: str
    kind: str
    begins: float
    ends: float
    bestsellers: bool
    parts: dict[str, Part]


class Promotions(Tags):
    """The calls about promotions. ``effect``: seconds until those who leave are out.

    Goods that take part by themselves are sold at the seller's price. A call takes out only what came by hand.
    """

    def reset(self) -> None:
        """Forget the promotions too."""
        super().reset()
        self.promos: dict[str, Promo] = {}
        self.effect = _TAKES_EFFECT if self.limited else 0.0

    def promote(
        self,
        name: str,
        prices: Mapping[str, int],
        status: str = "MANUAL",
        *,
        kind: str = "DIRECT_DISCOUNT",
        bestsellers: bool = False,
        begins_in: float = 0.0,
    ) -> str:
        """Put goods into a new promotion of thirty days at these prices; return its id."""
        begins = self.now() + begins_in
        parts = {offer_id: Part(status, price) for offer_id, price in prices.items()}
        made = Promo(f"cf_{1001 + len(self.promos)}", name, kind, begins, begins + 30 * _DAY, bestsellers, parts)
        self.promos[made.id] = made
        return made.id

    def live_price(self, offer_id: str) -> Decimal | None:
        """Return what buyers pay: the least of the price and of the promotions that run."""
        price = self.price(offer_id)
        if price is None:
            return None
        now = self.now()
        lower = [
            Decimal(part.price)
            for promo in self.promos.values()
            if promo.begins <= now <= promo.ends and promo.kind != "MARKET_PROMOCODE"
            if (part := self._part(promo, offer_id)).status not in _OUT | _BY_ITSELF
        ]
        return min([price.value, *lower])

    def state(self) -> dict[str, Any]:
        """Add promotions: name → article → status."""
        told = {
            promo.name: {offer_id: self._part(promo, offer_id).status for offer_id in promo.parts}
            for promo in self.promos.values()
        }
        return {**super().state(), "promotions": told}

    @route("POST", r"/v2/businesses/\d+/promos")
    def get_promos(self, request: Request) -> Response:
        """``getPromos``: what runs or will run, and by a filter what is over."""
        asked, now = self.body(request, Wanted), self.now()
        chosen = []
        for promo in self.promos.values():
            taking_part = any(self._part(promo, offer_id).status not in _OUT | _BY_ITSELF for offer_id in promo.parts)
            over, runs = promo.ends < now, promo.begins <= now <= promo.ends
            fits = {"": not over, "PARTICIPATING_NOW": runs and taking_part, "PARTICIPATED": over and taking_part}
            if fits.get(asked.participation) and asked.mechanics in {"", promo.kind}:
                chosen.append(promo)
        return ok({"promos": [self._promo(promo) for promo in chosen]})

    @route("POST", r"/v2/businesses/\d+/promos/offers")
    def get_promo_offers(self, request: Request) -> Response:
        """``getPromoOffers``: what takes part and what could."""
        asked = self.body(request, Chosen)
        promo = self._found(asked.promoId)
        if not promo.bestsellers and (strange := _OF_BESTSELLERS & set(asked.statuses or ())):
            raise Invalid(f"Statuses {sorted(strange)} cannot be used with this promotion")
        wanted = set[str]().union(*(_FILTERS.get(one, set()) for one in asked.statuses or _FILTERS))
        priced = [id_ for id_ in self.offers if self._own(id_) is not None]
        rows, paging = self.page(request, [id_ for id_ in priced if self._part(promo, id_).status in wanted], 500, 250)
        return ok({"offers": [self._offer(promo, id_) for id_ in rows], "paging": paging})

    @route("POST", r"/v2/businesses/\d+/promos/offers/delete")
    def leave_promo(self, request: Request) -> Response:
        """``deletePromoOffers``."""
        asked = self.body(request, Leaving)
        promo = self._found(asked.promoId)
        if asked.deleteAllOffers == (asked.offerIds is not None):
            raise Invalid("use either deleteAllOffers or offerIds")
        for id_ in promo.parts if asked.offerIds is None else asked.offerIds:
            part = promo.parts.get(id_)
            if part is not None and part.status in _BY_HAND and part.leaves_at is None:
                part.leaves_at = self.now() + self.effect
        if asked.offerIds is None:
            return ok()
        unknown = [id_ for id_ in asked.offerIds if id_ not in self.offers]
        rejected = [{"offerId": id_, "reason": "OFFER_DOES_NOT_EXIST"} for id_ in unknown]
        return ok({"rejectedOffers": rejected} if rejected else {})

    def _found(self, id_: str) -> Promo:
        if id_ not in self.promos:
            raise Invalid(f"Promotion not found: {id_}", 404, "NOT_FOUND")
        return self.promos[id_]

    def _part(self, promo: Promo, offer_id: str) -> Part:
        """Return how an offer takes part now."""
        part = promo.parts.get(offer_id)
        if part is None or (part.leaves_at is not None and part.leaves_at <= self.now()):
            return Part("NOT_PARTICIPATING", 0)
        return part

    def _own(self, offer_id: str) -> Price | None:
        """Return the cabinet's price, or where it has none that of a shop."""
        found = (self.price(offer_id, campaign) for campaign in (None, *self.shops))
        return next((price for price in found if price is not None), None)

    def _promo(self, promo: Promo) -> dict[str, Any]:
        statuses = [self._part(promo, offer_id).status for offer_id in promo.parts]
        active = sum(status not in _OUT | _BY_ITSELF for status in statuses)
        goods: dict[str, Any] = {"activeOffers": active}
        if self.now() <= promo.ends:
            waits = any(part.leaves_at is not None and part.leaves_at > self.now() for part in promo.parts.values())
            goods |= {"potentialOffers": len(self.offers), "processing": waits}
        mechanics: dict[str, Any] = {"type": promo.kind}
        if promo.kind == "MARKET_PROMOCODE":
            mechanics["promocodeInfo"] = {"promocode": "PROBA", "discount": 10}
        return {
            "id": promo.id,
            "name": promo.name,
            "period": {"dateTimeFrom": self.stamp(promo.begins), "dateTimeTo": self.stamp(promo.ends)},
            "participating": active > 0,
            "assortmentInfo": goods,
            "mechanicsInfo": mechanics,
            "bestsellerInfo": {"bestseller": promo.bestsellers},
        }

    def _offer(self, promo: Promo, offer_id: str) -> dict[str, Any]:
        part, price = self._part(promo, offer_id), self._own(offer_id)
        told: dict[str, Any] = {"offerId": offer_id, "status": part.status, "params": {}}
        if promo.kind != "MARKET_PROMOCODE" and price is not None:
            own = int(price.value)
            in_it = {} if part.status in _OUT else {"price": int(price.base or own), "promoPrice": part.price}
            told["params"] = {"discountParams": {**in_it, "maxPromoPrice": part.price or own}}
        if part.status == "PARTIALLY_AUTO":
            told["autoParticipatingDetails"] = {"campaignIds": [next(iter(self.shops))]}
        return told
