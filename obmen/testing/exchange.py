"""What passes between a client and a sandbox: requests, answers, and the faults that befall them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from obmen.http.reply import encode_json

FaultKind = Literal[
    "status",  # answer `status` without the effect
    "status_after",  # the effect happens, then `status` is answered
    "hang",  # no effect; the answer does not come for `seconds`, then the connection drops
    "hang_after",  # the effect happens; the answer does not come for `seconds`
    "drop",  # no effect; the connection drops
    "drop_after",  # the effect happens; the connection drops
    "html",  # no effect; status 200 with an HTML page
    "truncate",  # the effect happens; half of the body is sent
    "slow",  # the answer comes after `seconds`
    "custom",  # a system's own fault, by `name`: the sandbox looks for it with `self.fault(name)`
]


class Fault(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One way to misbehave, for requests whose ``METHOD /path`` matches the regular expression ``match``.

    ``times``: how often at most (None: always); ``skip``: how many matching requests pass first; ``share``:
    the probability for each; ``retry_after``: the value of that header, as it stands.
    """

    kind: FaultKind
    match: str = ".*"
    times: int | None = 1
    skip: int = 0
    share: float = 1.0
    status: int = 503
    seconds: float = 5.0
    retry_after: str | None = None
    name: str = ""

    def __post_init__(self) -> None:
        """Refuse a pattern that cannot be matched, before it fails at every request."""
        try:
            re.compile(self.match)
        except re.error as error:
            message = f"match is not a regular expression: {error}"
            raise ValueError(message) from error


@dataclass(frozen=True, slots=True)
class Request:
    """What arrived. ``path`` is decoded and without the query."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Decode the body as JSON."""
        return msgspec.json.decode(self.body) if self.body else {}


@dataclass(slots=True)
class Response:
    """What is answered. ``json`` becomes the body unless ``body`` is given."""

    status: int = 200
    json: Any = None
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        """The body's bytes."""
        if self.body is not None:
            return self.body
        return b"" if self.json is None else encode_json(self.json)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer, for judging both against the vendor's specification."""

    method: str
    path: str
    query: Mapping[str, str]
    request_headers: Mapping[str, str]
    request_body: bytes
    status: int
    response_headers: Mapping[str, str]
    response_body: bytes

    @classmethod
    def of(cls, request: Request, response: Response) -> Exchange:
        """Put the two together."""
        return cls(
            request.method,
            request.path,
            request.query,
            request.headers,
            request.body,
            response.status,
            response.headers,
            response.content(),
        )

    def shown(self) -> dict[str, Any]:
        """Return it as something that JSON can hold."""
        return {
            "method": self.method,
            "path": self.path,
            "query": dict(self.query),
            "request": self.request_body.decode("utf-8", "replace"),
            "status": self.status,
            "response": self.response_body.decode("utf-8", "replace"),
        }
