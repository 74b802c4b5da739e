"""Labels: one PDF for up to twenty postings, all or none, and only a while after the assembly."""

from __future__ import annotations

from connectors.ozon.sandbox import order_bodies as bodies
from connectors.ozon.sandbox.cabinet import Invalid
from connectors.ozon.sandbox.units import Units
from obmen.testing.sandbox import Request, Response, route


class Labels(Units):
    """The call that makes labels.

    Custom fault: ``labels_late`` (they are not ready yet, whatever the time).
    """

    @route("POST", "/v2/posting/fbs/package-label")
    def package_label(self, request: Request) -> Response:
        """``PostingAPI_PostingFBSPackageLabel``."""
        postings = [self.known(number) for number in self.body(request, bodies.Labels).posting_number]
        if all(posting.status != "awaiting_deliver" for posting in postings):
            raise Invalid("NO_POSTINGS_FOR_BATCH_DOWNLOAD")
        if any(posting.status != "awaiting_deliver" for posting in postings):
            raise Invalid("INVALID_ARGUMENT: labels are made for awaiting_deliver only")
        young = [
            posting.number
            for posting in postings
            if posting.assembled_at is not None and self.now() - posting.assembled_at < self.limits.label_seconds
        ]
        if young or self.fault("labels_late"):
            raise Invalid(f"The next postings aren't ready: {', '.join(young) or postings[0].number}")
        self.written["labels"] += len(postings)
        return Response(
            body=_pdf([posting.number for posting in postings]), headers={"Content-Type": "application/pdf"}
        )


def _pdf(numbers: list[str]) -> bytes:
    """Return a small PDF with a page for each number."""
    kids = " ".join(f"{3 + 2 * place} 0 R" for place in range(len(numbers)))
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", f"<< /Type /Pages /Kids [{kids}] /Count {len(numbers)} >>"]
    for place, number in enumerate(numbers):
        text = f"BT /F1 18 Tf 20 60 Td ({number}) Tj ET"
        font = "<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"
        page = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 340 120] /Resources {font} /Contents {4 + 2 * place} 0 R >>"
        )
        objects += [page, f"<< /Length {len(text)} >>\nstream\n{text}\nendstream"]
    made, offsets = b"%PDF-1.4\n", []
    for place, body in enumerate(objects, start=1):
        offsets.append(len(made))
        made += f"{place} 0 obj\n{body}\nendobj\n".encode("ascii")
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    end = (
        f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{len(made)}\n"
    )
    return made + f"{end}%%EOF\n".encode("ascii")
