"""How 1C calls a site, and how it reads the answers: first line, exact lines, nothing in front of the XML."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlencode

import requests

from obmen.errors import ObmenError

TIMEOUT = 180.0
_OK = 200
_AUTH_LINES = 3
_INIT_LINES = 2


class ExchangeFailed(ObmenError):  # noqa: N818 - what 1C writes into its log
    """The exchange ends here; the text is what 1C's log would hold."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A site's answer."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Wire(Protocol):
    """Carries one call. Raises OSError if the connection breaks."""

    def call(self, method: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> Answer:
        """Return the site's answer."""
        ...


class HttpWire:
    """Calls over HTTP, without any retry, as 1C does."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False

    def call(self, method: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> Answer:
        """Return the site's answer."""
        separator = "&" if "?" in self.url else "?"
        address = f"{self.url}{separator}{urlencode(query)}"
        answered = self._session.request(method, address, headers=dict(headers), data=body, timeout=TIMEOUT)
        return Answer(answered.status_code, answered.content, {k.lower(): v for k, v in answered.headers.items()})

    def close(self) -> None:
        """Let go of the connection."""
        self._session.close()


class Dialogue:
    """One exchange of one type: the cookie that it runs under, and how its answers are read.

    ``encoding`` is that of the login in the header; 1C writes UTF-8, older ones windows-1251. ``posts``: every
    call is a POST, as some emulators of 1C do.
    """

    def __init__(self, wire: Wire, kind: str, *, posts: bool = False, encoding: str = "utf-8") -> None:
        self._wire, self._kind, self._posts, self._encoding = wire, kind, posts, encoding
        self._headers: dict[str, str] = {}

    def checkauth(self, login: str, password: str) -> None:
        """Log in and keep the cookie."""
        pair = base64.b64encode(f"{login}:{password}".encode(self._encoding)).decode()
        self._headers = {"Authorization": f"Basic {pair}"}
        lines = self.lines({"mode": "checkauth"})
        if lines[0] != "success" or len(lines) < _AUTH_LINES or not (lines[1] and lines[2]):
            raise ExchangeFailed(_refusal("checkauth", lines))
        self._headers["Cookie"] = f"{lines[1]}={lines[2]}"

    def init(self) -> tuple[bool, int]:
        """Return whether the site takes archives, and the bytes that it takes at once."""
        lines = self.lines({"mode": "init"})
        if len(lines) != _INIT_LINES:
            raise ExchangeFailed(f"init: ожидались две строки, получено {len(lines)}: {lines}")
        zipped, limit = lines[0].partition("="), lines[1].partition("=")
        if zipped[0] != "zip" or zipped[2] not in ("yes", "no") or limit[0] != "file_limit" or not limit[2].isdecimal():
            raise ExchangeFailed(_refusal("init", lines))
        return zipped[2] == "yes", int(limit[2])

    def send(self, name: str, contents: bytes, limit: int) -> None:
        """Send a file in pieces under one name."""
        for at in range(0, max(1, len(contents)), limit or len(contents) or 1):
            piece = contents[at : at + limit] if limit else contents
            lines = self.lines({"mode": "file", "filename": name}, piece)
            if lines[0] != "success":
                raise ExchangeFailed(_refusal(f"file {name}", lines))

    def imported(self, name: str) -> int:
        """Have a file imported; ask again at once while it is being worked on. Return how often it was asked."""
        asked = 0
        while True:
            asked += 1
            lines = self.lines({"mode": "import", "filename": name})
            if lines[0] == "success":
                return asked
            if lines[0] != "progress":
                raise ExchangeFailed(_refusal(f"import {name}", lines))

    def said(self, mode: str) -> None:
        """Say a mode that is answered by success."""
        lines = self.lines({"mode": mode})
        if lines[0] != "success":
            raise ExchangeFailed(_refusal(mode, lines))

    def query(self) -> bytes:
        """Return the file of orders; nothing may stand before its declaration."""
        body = self._call({"mode": "query"}, b"").body
        if not body.startswith((b"<?xml", b"PK")):
            raise ExchangeFailed(f"query: ответ начинается не с <?xml и не с PK: {body[:40]!r}")
        return body

    def lines(self, query: Mapping[str, str], body: bytes = b"") -> list[str]:
        """Return an answer's lines, an empty one at the end as well."""
        answer = self._call(query, body)
        encoding = "cp1251" if "1251" in answer.headers.get("content-type", "") else "utf-8"
        return [line.rstrip("\r") for line in answer.body.decode(encoding).split("\n")]

    def _call(self, query: Mapping[str, str], body: bytes) -> Answer:
        method = "POST" if self._posts or query["mode"] == "file" else "GET"
        answer = self._wire.call(method, {"type": self._kind, **query}, self._headers, body)
        if answer.status != _OK:
            raise ExchangeFailed(f"{query['mode']}: сайт ответил кодом {answer.status}")
        return answer


def _refusal(step: str, lines: list[str]) -> str:
    return f"{step}: {' '.join(lines)}"
