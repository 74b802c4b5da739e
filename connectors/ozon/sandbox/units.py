"""Marking codes: told of each unit, checked afterwards, and needed before a posting may be assembled."""

from __future__ import annotations

from typing import Any

from connectors.ozon.sandbox import order_bodies as bodies
from connectors.ozon.sandbox.cabinet import Invalid, Posting, Unit
from connectors.ozon.sandbox.own_delivery import OwnDelivery
from obmen.testing.sandbox import Request, Response, route

_FIRST_UNIT = 900_000_000
_SHORTEST = 12


class Units(OwnDelivery):
    """The calls about the units of a posting.

    ``demand(offer_id, …)`` says what must be told of an article's units; ``bad_marks`` holds codes → why the
    check refuses them. Custom faults: ``check_slow`` (the check is still under way when it is asked for the
    first time), ``check_failed`` (Ozon did not come to check).
    """

    def reset(self) -> None:
        """Empty the cabinet."""
        super().reset()
        self.demands: dict[str, set[str]] = {}
        self.bad_marks: dict[str, str] = {}
        self.checks: dict[str, str] = {}
        self.sold_marks: set[str] = set()
        self.units_made = 0

    def move(self, number: str, status: str, substatus: str = "") -> None:
        """Put a posting into a status; what is delivered is out of circulation."""
        with self.lock:
            super().move(number, status, substatus)
            if status == "delivered":
                self.sold_marks |= {mark["mark"] for unit in self.postings[number].units for mark in unit.marks}

    def put_back(self, posting: Posting, sku: int, quantity: int) -> None:
        """Let the codes of units that came back be sold again."""
        for unit in [unit for unit in posting.units if unit.sku == sku][:quantity]:
            self.sold_marks -= {mark["mark"] for mark in unit.marks}

    def _why_bad(self, mark: str) -> str:
        return self.bad_marks.get(mark) or ("MARK_NOT_IN_CIRCULATION" if mark in self.sold_marks else "")

    def demand(self, offer_id: str, *kinds: str) -> None:
        """Want something of each unit of an article: ``mandatory_mark``, ``jw_uin``, ``imei``, ``gtd``, ``rnpt``.

        ``country`` and ``weight`` can only be told in the cabinet.
        """
        self.demands[offer_id] = set(kinds or ("mandatory_mark",))

    @route("POST", "/v6/fbs/posting/product/exemplar/create-or-get")
    def get_units(self, request: Request) -> Response:
        """``PostingAPI_FbsPostingProductExemplarCreateOrGetV6``."""
        posting = self.known(self.body(request, bodies.One).posting_number)
        self._make(posting)
        products = []
        for sku, offer_id in _skus(posting).items():
            wanted = self.demands.get(offer_id, set())
            units = [unit for unit in posting.units if unit.sku == sku]
            products.append(
                {
                    "product_id": sku,
                    "quantity": len(units),
                    "exemplars": [_shown(unit) for unit in units],
                    "has_imei": "imei" in wanted,
                    "is_gtd_needed": "gtd" in wanted,
                    "is_jw_uin_needed": "jw_uin" in wanted,
                    "is_mandatory_mark_needed": "mandatory_mark" in wanted,
                    "is_mandatory_mark_possible": "mandatory_mark" in wanted,
                    "is_rnpt_needed": "rnpt" in wanted,
                    "is_weight_needed": False,
                }
            )
        return Response(json={"posting_number": posting.number, "multi_box_qty": 1, "products": products})

    @route("POST", "/v6/fbs/posting/product/exemplar/set")
    def set_units(self, request: Request) -> Response:
        """``PostingAPI_FbsPostingProductExemplarSetV6``: 200 says that a check was begun."""
        asked = self.body(request, bodies.SetUnits)
        posting = self.known(asked.posting_number)
        if posting.status != "awaiting_packaging":
            raise Invalid("Posting must have 'awaiting_packaging' status")
        known = {unit.id: unit for unit in posting.units}
        told = [(product.product_id, row) for product in asked.products for row in product.exemplars]
        for sku, row in told:
            if row.exemplar_id not in known or known[row.exemplar_id].sku != sku:
                raise Invalid(f"{row.exemplar_id} does not belong to product {sku}")
            short = next((mark.mark for mark in row.marks if len(mark.mark) < _SHORTEST), None)
            if short is not None:
                raise Invalid(f"INVALID_MARK: {short}")
        for _, row in told:
            unit = known[row.exemplar_id]
            unit.marks = [{"mark": mark.mark, "mark_type": mark.mark_type} for mark in row.marks]
            unit.gtd, unit.is_gtd_absent = row.gtd, row.is_gtd_absent
            unit.rnpt, unit.is_rnpt_absent = row.rnpt, row.is_rnpt_absent
        slow, failed = self.fault("check_slow"), self.fault("check_failed")
        self.checks[posting.number] = "slow" if slow else "failed" if failed else "done"
        self.written["checks"] += 1
        return Response(body=b"")

    @route("POST", "/v5/fbs/posting/product/exemplar/status")
    def units_state(self, request: Request) -> Response:
        """``PostingAPI_FbsPostingProductExemplarStatusV5``."""
        posting = self.known(self.body(request, bodies.One).posting_number)
        check = self.checks.get(posting.number, "done")
        if check == "slow":
            self.checks[posting.number] = "done"
        status = "validation_in_process" if check == "slow" else self._verdict(posting, check)
        word = {"slow": "processing", "failed": "failed"}.get(check, "passed")
        products = [
            {"product_id": sku, "exemplars": [self._checked(unit, word) for unit in posting.units if unit.sku == sku]}
            for sku in _skus(posting)
        ]
        return Response(json={"posting_number": posting.number, "status": status, "products": products})

    def requirements(self, posting: Posting) -> dict[str, list[str]]:
        """Return what must be told of a posting's units, while it can still be told."""
        if posting.status != "awaiting_packaging":
            return {}
        found: dict[str, list[str]] = {}
        for sku, offer_id in _skus(posting).items():
            for kind in sorted(self.demands.get(offer_id, ())):
                found.setdefault(f"products_requiring_{kind}", []).append(str(sku))
        return found

    def check_units(self, posting: Posting) -> None:
        """Raise Invalid while something that must be told of the posting's units is not."""
        if (
            self._by_hand(posting)
            or self._verdict(posting, self.checks.get(posting.number, "done")) != "ship_available"
        ):
            raise Invalid("EXEMPLAR_INFO_NOT_FILLED_COMPLETELY")

    def _by_hand(self, posting: Posting) -> bool:
        return any(self.demands.get(offer_id, set()) & {"country", "weight"} for offer_id in _skus(posting).values())

    def _verdict(self, posting: Posting, check: str) -> str:
        if check != "done":
            return "ship_not_available"
        offers = _skus(posting)
        if any(self.demands.get(offer_id) for offer_id in offers.values()) and not posting.units:
            return "ship_not_available"
        good = all(self._is_good(unit, self.demands.get(offers.get(unit.sku, ""), set())) for unit in posting.units)
        return "ship_available" if good else "ship_not_available"

    def _is_good(self, unit: Unit, wanted: set[str]) -> bool:
        kinds = {mark["mark_type"] for mark in unit.marks}
        if any(self._why_bad(mark["mark"]) for mark in unit.marks):
            return False
        by_mark = wanted & {"mandatory_mark", "jw_uin", "imei"}
        gtd = "gtd" not in wanted or bool(unit.gtd) or unit.is_gtd_absent
        rnpt = "rnpt" not in wanted or bool(unit.rnpt) or unit.is_rnpt_absent
        return by_mark <= kinds and gtd and rnpt

    def _checked(self, unit: Unit, word: str) -> dict[str, Any]:
        found = {mark["mark"]: self._why_bad(mark["mark"]) if word == "passed" else "" for mark in unit.marks}
        marks = [
            {
                **mark,
                "check_status": "failed" if found[mark["mark"]] else word,
                "error_codes": [found[mark["mark"]]] if found[mark["mark"]] else [],
            }
            for mark in unit.marks
        ]
        return {**_shown(unit), "marks": marks, "gtd_error_codes": [], "rnpt_error_codes": [], "weight_error_codes": []}

    def _make(self, posting: Posting) -> None:
        """Number the units of a posting, once its goods are what they will be."""
        if posting.units:
            return
        for line in posting.lines:
            for _ in range(line.quantity):
                self.units_made += 1
                posting.units.append(Unit(_FIRST_UNIT + self.units_made, line.product.sku))


def _skus(posting: Posting) -> dict[int, str]:
    return {line.product.sku: line.product.offer_id for line in posting.lines}


def _shown(unit: Unit) -> dict[str, Any]:
    return {
        "exemplar_id": unit.id,
        "gtd": unit.gtd,
        "is_gtd_absent": unit.is_gtd_absent,
        "rnpt": unit.rnpt,
        "is_rnpt_absent": unit.is_rnpt_absent,
        "marks": unit.marks,
    }
