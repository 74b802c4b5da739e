"""rFBS: the seller tells the carrier's number and how far the goods are; each step has its turn."""

from __future__ import annotations

from connectors.ozon.sandbox import order_bodies as bodies
from connectors.ozon.sandbox.assembling import Assembling
from connectors.ozon.sandbox.cabinet import Posting
from obmen.testing.sandbox import Request, Response, route

_COURIER = "posting_in_courier_service"


class OwnDelivery(Assembling):
    """The calls about postings that the seller carries himself; each is answered per posting.

    Custom faults: ``step_slow`` (taken, but it happens only after the posting was looked at once),
    ``step_error`` (the first posting of the call is not taken).
    """

    @route("POST", "/v2/fbs/posting/delivering")
    def delivering(self, request: Request) -> Response:
        """``PostingAPI_FbsPostingDelivering``."""
        return self._steps(request, {("awaiting_deliver", ""), ("sent_by_seller", "")}, ("delivering", ""))

    @route("POST", "/v2/fbs/posting/last-mile")
    def last_mile(self, request: Request) -> Response:
        """``PostingAPI_FbsPostingLastMile``."""
        return self._steps(request, {("delivering", "posting_on_way_to_city")}, ("delivering", _COURIER))

    @route("POST", "/v2/fbs/posting/delivered")
    def delivered(self, request: Request) -> Response:
        """``PostingAPI_FbsPostingDelivered``."""
        return self._steps(request, {("delivering", _COURIER)}, ("delivered", ""))

    @route("POST", "/v2/fbs/posting/tracking-number/set")
    def set_tracking(self, request: Request) -> Response:
        """``PostingAPI_FbsPostingTrackingNumberSet``."""
        rows = []
        for row in self.body(request, bodies.Track).tracking_numbers:
            posting = self.postings.get(row.posting_number)
            error = "POSTING_NOT_FOUND" if posting is None else ""
            if posting is not None and posting.integration == "ozon":
                error = "HAS_INCORRECT_TPL_INTEGRATION_TYPE"
            if posting is not None and not error:
                posting.tracking = row.tracking_number
                self.written["tracks"] += 1
            rows.append({"posting_number": row.posting_number, "result": not error, "error": error})
        return Response(json={"result": rows})

    def _steps(self, request: Request, turns: set[tuple[str, str]], to: tuple[str, str]) -> Response:
        rows = []
        for place, number in enumerate(self.body(request, bodies.Several).posting_number):
            posting = self.postings.get(number)
            error = self._fault(posting, turns)
            if place == 0 and self.fault("step_error"):
                error = "TRANSITION_IS_NOT_POSSIBLE"
            if posting is not None and not error:
                self.written["steps"] += 1
                if self.fault("step_slow"):
                    posting.pending = to
                else:
                    self.move(number, *to)
            rows.append({"posting_number": number, "result": not error, "error": error})
        return Response(json={"result": rows})

    def _fault(self, posting: Posting | None, turns: set[tuple[str, str]]) -> str:
        if posting is None:
            return "POSTING_NOT_FOUND"
        if posting.integration != "non_integrated":
            return "HAS_INCORRECT_TPL_INTEGRATION_TYPE"
        in_turn = any(posting.status == status and part in {"", posting.substatus} for status, part in turns)
        return "" if in_turn and posting.pending is None else "TRANSITION_IS_NOT_POSSIBLE"
