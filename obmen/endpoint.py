"""What a connector shows to a system that calls by itself: one request in, one answer out.

Free of any web framework, so that a door can be tried without a server and be hosted by any. ``obmen serve``
hosts the endpoints of a project's connections.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Request:
    """A call as it came.

    ``path`` is what follows the endpoint's own address, empty or beginning with ``/``; ``query`` holds the last
    value of each name; the names of ``headers`` are in lower case. ``body`` is read once and raises OSError if
    the caller goes away before it is whole. ``client`` is the caller's network address.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: BinaryIO
    client: str


@dataclass(frozen=True, slots=True)
class Response:
    """The answer, its body whole."""

    status: int = 200
    body: bytes = b""
    content_type: str = TEXT
    headers: Mapping[str, str] = field(default_factory=dict)


class Endpoint(Protocol):
    """Answers calls, several at once, each in a thread of its own."""

    def handle(self, request: Request) -> Response:
        """Answer one call. Whatever is wrong with it becomes an answer; an exception is a bug."""
        ...

    def close(self) -> None:
        """Let go of what works in the background. What was not finished is begun anew by the caller."""
        ...
