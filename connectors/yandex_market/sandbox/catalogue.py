"""The catalogue: offers that are saved all or none, cards that are moderated, the archive, VAT in shops."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from msgspec import Meta, Struct

from connectors.yandex_market.card_body import DELETABLE
from connectors.yandex_market.sandbox import tree
from connectors.yandex_market.sandbox.cabinet import Cabinet, Invalid, ok
from connectors.yandex_market.sandbox.judge import judged
from connectors.yandex_market.sandbox.offers import Offer
from obmen.testing.sandbox import Request, Response, route

VAT = {2, 5, 6, 10, 11, 14}
_FIRST_SKU = 100_200_300
Two = Annotated[list[str], Meta(min_length=1, max_length=200)]
Many = Annotated[list[str], Meta(min_length=1, max_length=100)]


class Mapping(Struct):
    """One of ``offerMappings``."""

    offer: dict[str, Any]


class Update(Struct):
    """``updateOfferMappings``; the schema lets 500 pass, its words ask for 100 at most."""

    offerMappings: Annotated[list[Mapping], Meta(min_length=1, max_length=100)]  # noqa: N815 - Market's own name


class Mappings(Struct):
    """``getOfferMappings``."""

    offerIds: Many | None = None  # noqa: N815 - Market's own name
    archived: bool = False


class Chosen(Struct):
    """``addOffersToArchive`` and ``deleteOffersFromArchive``."""

    offerIds: Two  # noqa: N815 - Market's own name


class Cards(Struct):
    """``getOfferCardsContentStatus``."""

    offerIds: Two | None = None  # noqa: N815 - Market's own name


class Placed(Struct):
    """One of ``offers`` of ``updateCampaignOffers``."""

    offerId: str  # noqa: N815 - Market's own name
    vat: int | None = None


class Placement(Struct):
    """``updateCampaignOffers``."""

    offers: Annotated[list[Placed], Meta(min_length=1, max_length=500)]


class Catalogue(Cabinet):
    """The calls about cards.

    ``moderation``: seconds until a card that was saved is looked through; ``demands``: what it cannot do without,
    beside the characteristics that its category requires. Custom faults: ``bad_batch`` (400 that
    names no offer), ``bad_offer`` (the first offer is named as bad), ``moving`` (423).
    """

    def reset(self) -> None:
        """Let moderators be quick, and every VAT be allowed, again."""
        super().reset()
        self.moderation = 0.0
        self.demands: tuple[str, ...] = ("name", "pictures", "vendor", "description")
        self.taxes = set(VAT)

    def category(self, name: str) -> int:
        """Return the id of a leaf category by its name."""
        return tree.LEAVES[name]

    def complain(self, offer_id: str, message: str, comment: str = "") -> None:
        """Let the moderators not take the card; a later update clears it."""
        self.offers[offer_id].complaint = (message, comment)

    def keep_at_market(self, offer_id: str) -> None:
        """Put goods into Market's own warehouse, so that their card cannot be archived."""
        self.offers[offer_id].at_market = True

    def sell(self, *offer_ids: str, category: str = "Чайники") -> None:
        """Put whole cards into the catalogue, moderated, as if a person had made them in the cabinet."""
        for offer_id in offer_ids:
            offer = self._offer_of(offer_id)
            offer.card = {
                "name": f"Товар {offer_id}",
                "description": "Образец.",
                "vendor": "Проба",
                "pictures": [f"https://img.example/{offer_id}.jpg"],
            }
            offer.category = tree.LEAVES[category]
            required = tree.parameters(offer.category)[1]
            offer.parameters[required["id"]] = [{"parameterId": required["id"], "value": tree.MATERIALS[0]}]
            offer.created_at = offer.moderated_at = self.now() - 86400.0

    def card_state(self, offer: Offer) -> str:
        """Return the card's state as Market tells it."""
        if self.now() < offer.moderated_at:
            return "HAS_CARD_CAN_UPDATE_PROCESSING" if offer.has_card else "NO_CARD_PROCESSING"
        if offer.complaint is not None:
            return "HAS_CARD_CAN_UPDATE_ERRORS" if offer.has_card else "NO_CARD_ERRORS"
        if self._lacks(offer):
            return "NO_CARD_NEED_CONTENT"
        offer.has_card = True
        return "HAS_CARD_CAN_UPDATE"

    def state(self) -> dict[str, Any]:
        """Add cards: article → what was saved and in which state it is."""
        cards = {
            offer.offer_id: {
                **offer.card,
                "category": offer.category,
                "parameters": offer.parameters,
                "archived": offer.archived,
                "state": self.card_state(offer),
                "vat": offer.vat,
            }
            for offer in self.offers.values()
        }
        return {**super().state(), "cards": cards}

    @route("POST", r"/v2/businesses/\d+/offer-mappings")
    def get_offers(self, request: Request) -> Response:
        """``getOfferMappings``: chosen offers are told whole, archived or not."""
        asked = self.body(request, Mappings)
        seen = self._seen()
        paging: dict[str, str] = {}
        if asked.offerIds is not None:
            rows = [offer for offer in seen if offer.offer_id in asked.offerIds]
        else:
            rows, paging = self.page(request, [offer for offer in seen if offer.archived == asked.archived], 100, 50)
        return ok({"offerMappings": [self._mapping(offer) for offer in rows], "paging": paging})

    @route("POST", r"/v2/businesses/\d+/offer-mappings/update")
    def update_offers(self, request: Request) -> Response:
        """``updateOfferMappings``: one bad offer, and nothing is saved."""
        sent = [one.offer for one in self.body(request, Update).offerMappings]
        if self.fault("bad_batch"):
            raise Invalid("Request contains invalid data")
        if self.fault("moving"):
            raise Invalid("Business is in migration", 423, "LOCKED")
        results = list(judged(sent, self.offers))
        if self.fault("bad_offer"):
            error = {"type": "INVALID_CATEGORY", "message": "Категория не подходит товару"}
            results.insert(0, {"offerId": sent[0]["offerId"], "errors": [error]})
        failed = any(result.get("errors") for result in results)
        if not failed:
            for one in sent:
                self._save_card(one)
        more = {"results": results} if results else {}
        return Response(json={"status": "ERROR" if failed else "OK", **more})

    @route("POST", r"/v2/businesses/\d+/offer-cards")
    def get_cards(self, request: Request) -> Response:
        """``getOfferCardsContentStatus``."""
        wanted = self.body(request, Cards).offerIds
        chosen = [offer for offer in self._seen() if wanted is None or offer.offer_id in wanted]
        rows, paging = (chosen, {}) if wanted is not None else self.page(request, chosen, 200)
        return ok({"offerCards": [self._content_of(offer) for offer in rows], "paging": paging})

    @route("POST", r"/v2/businesses/\d+/offer-mappings/archive")
    def archive(self, request: Request) -> Response:
        """``addOffersToArchive``."""
        left = []
        for offer_id in self.body(request, Chosen).offerIds:
            offer = self.offers.get(offer_id)
            if offer is None or offer.at_market:
                left.append({"offerId": offer_id, "error": "UNKNOWN" if offer is None else "OFFER_HAS_STOCKS"})
            else:
                offer.archived = True
                self.written["archived"] += 1
        return ok({"notArchivedOffers": left} if left else {})

    @route("POST", r"/v2/businesses/\d+/offer-mappings/unarchive")
    def unarchive(self, request: Request) -> Response:
        """``deleteOffersFromArchive``."""
        left = []
        for offer_id in self.body(request, Chosen).offerIds:
            if offer_id in self.offers:
                self.offers[offer_id].archived = False
                self.written["restored"] += 1
            else:
                left.append(offer_id)
        return ok({"notUnarchivedOfferIds": left} if left else {})

    @route("POST", r"/v2/campaigns/(?P<campaign>\d+)/offers/update")
    def place_offers(self, request: Request, campaign: str) -> Response:
        """``updateCampaignOffers``."""
        rows = self.body(request, Placement).offers
        for row in rows:
            if row.vat is not None and row.vat not in VAT:
                raise Invalid(f"Unrecognized vat: {row.vat}: offerId = {row.offerId}")
            if row.vat is not None and row.vat not in self.taxes:
                raise Invalid(f"Vat setting of VAT ({row.vat}) not supported for current taxSystem: {row.offerId}")
        for row in rows:
            if row.offerId in self.offers and row.vat is not None:
                self.offers[row.offerId].vat[int(campaign)] = row.vat
                self.written["vat"] += 1
        return ok()

    def _save_card(self, sent: dict[str, Any]) -> None:
        offer = self._offer_of(sent["offerId"].strip())
        deleted = set(sent.get("deleteParameters") or ())
        apart = {"offerId", "marketCategoryId", "parameterValues", "deleteParameters", "basicPrice"}
        offer.card = {name: value for name, value in offer.card.items() if DELETABLE.get(name) not in deleted}
        offer.card |= {name: value for name, value in sent.items() if name not in apart}
        offer.category = sent.get("marketCategoryId", offer.category)
        by_id: dict[int, list[dict[str, Any]]] = {}
        for value in sent.get("parameterValues") or ():
            by_id.setdefault(value["parameterId"], []).append(value)
        offer.parameters |= by_id
        offer.complaint = None
        offer.moderated_at = self.now() + self.moderation
        self.written["cards"] += 1

    def _offer_of(self, offer_id: str) -> Offer:
        if offer_id not in self.offers:
            self.offers[offer_id] = Offer(offer_id, _FIRST_SKU + len(self.offers), self.now())
        return self.offers[offer_id]

    def _seen(self) -> list[Offer]:
        return [offer for offer in self.offers.values() if offer.created_at + self.settle <= self.now()]

    def _lacks(self, offer: Offer) -> list[str]:
        missing = [name for name in self.demands if not offer.card.get(name)]
        known = tree.parameters(offer.category) if offer.category else []
        return missing + [row["name"] for row in known if row["required"] and row["id"] not in offer.parameters]

    def _mapping(self, offer: Offer) -> dict[str, Any]:
        told = {
            **offer.card,
            "offerId": offer.offer_id,
            "archived": offer.archived,
            "cardStatus": self.card_state(offer),
            "campaigns": [{"campaignId": id_, "status": self._shop_status(offer)} for id_ in self.shops],
        }
        if offer.category is not None:
            told["marketCategoryId"] = offer.category
        group = offer.parameters.get(tree.GROUP)
        if group:
            told["groupId"] = group[0]["value"]
        return {"offer": told, "mapping": self._market_card(offer)}

    def _market_card(self, offer: Offer) -> dict[str, Any]:
        names = {id_: name for name, id_ in tree.LEAVES.items()}
        told: dict[str, Any] = {"marketSku": offer.sku} if offer.has_card else {}
        if offer.category in names:
            told |= {"marketCategoryId": offer.category, "marketCategoryName": names[offer.category]}
        return told

    def _shop_status(self, offer: Offer) -> str:
        if offer.archived:
            return "ARCHIVED"
        return "READY_FOR_PUBLICATION" if self.card_state(offer).startswith("HAS_CARD") else "NO_CARD"

    def _content_of(self, offer: Offer) -> dict[str, Any]:
        state = self.card_state(offer)
        told: dict[str, Any] = {"offerId": offer.offer_id, "cardStatus": state, "mapping": self._market_card(offer)}
        if offer.parameters:
            told["parameterValues"] = [value for values in offer.parameters.values() for value in values]
        if state.endswith("_ERRORS") and offer.complaint is not None:
            told["errors"] = [{"message": offer.complaint[0], "comment": offer.complaint[1]}]
        elif state == "NO_CARD_NEED_CONTENT":
            told["errors"] = [_error(self._lacks(offer))]
        return told


def _error(missing: Iterable[str]) -> dict[str, Any]:
    return {"message": "Не хватает данных", "comment": ", ".join(missing)}
