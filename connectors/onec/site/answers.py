"""What the site says to 1C: short texts to the byte, and XML, in the encoding that was agreed on.

1C reads the first line for the outcome and shows the rest to a person, so refusals are in Russian. A line too
many is an error to 1C: there is none, not even an empty one at the end.
"""

from __future__ import annotations

from dataclasses import dataclass

from obmen.endpoint import Response

XML = "text/xml"


class Failure(Exception):  # noqa: N818 - the word that 1C reads
    """The call is refused. The text is for 1C's log: what is wrong and what to do, in Russian."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Makes answers in one encoding, utf-8 or windows-1251."""

    encoding: str

    def lines(self, *lines: str) -> Response:
        """Return so many lines, none of them ended by a line feed."""
        body = "\n".join(lines).encode(self.encoding, "replace")
        return Response(body=body, content_type=f"text/plain; charset={self.encoding}")

    def success(self) -> Response:
        """Return the word by which 1C goes on."""
        return self.lines("success")

    def progress(self, text: str) -> Response:
        """Return the word by which 1C asks again."""
        return self.lines("progress", text)

    def failure(self, text: str) -> Response:
        """Return the word by which 1C gives up, with the reason on one line."""
        return self.lines("failure", " ".join(text.split()))

    def challenge(self, text: str) -> Response:
        """Return the same to a caller that gave no login at all, and ask for one as HTTP does."""
        refused = self.failure(text)
        headers = {"WWW-Authenticate": 'Basic realm="Obmen", charset="UTF-8"'}
        return Response(401, refused.body, refused.content_type, headers)

    def xml(self, document: bytes) -> Response:
        """Return a document that begins with its declaration, as 1C demands, without a byte order mark."""
        return Response(body=document, content_type=f"{XML}; charset={self.encoding}")
