"""The gateway before every method of Wildberries: who is let in where, and how often.

A token is a signed JSON: ``s`` holds a bit for each category, ``exp`` its end, ``acc`` its type (1 basic, 2 for
the vendor's test contour, 3 personal, 4 of a service). The signature here is made up; nobody outside checks it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import msgspec

from obmen.testing.sandbox import Response

BITS = {
    "content": 1,
    "analytics": 2,
    "prices": 3,
    "marketplace": 4,
    "statistics": 5,
    "promotion": 6,
    "feedbacks": 7,
    "chat": 9,
    "supplies": 10,
    "returns": 11,
    "documents": 12,
    "finance": 13,
    "users": 16,
}
READ_ONLY_BIT = 30
BASIC, TEST, PERSONAL, SERVICE = 1, 2, 3, 4


@dataclass(frozen=True, slots=True)
class Group:
    """Methods with one budget: a bucket of ``burst`` calls into which one falls back every ``interval`` s.

    ``refusal``: as how many calls an answer of 4xx counts.
    """

    category: str
    name: str
    burst: int
    interval: float
    refusal: int = 1


_GROUPS: list[tuple[re.Pattern[str], Group]] = [
    (re.compile(pattern), group)
    for pattern, group in [
        (r"POST /content/v2/cards/upload(/add)?", Group("content", "cards create", 5, 6.0)),
        (r"POST /content/v2/cards/update", Group("content", "cards update", 5, 6.0)),
        (r"POST /content/v2/cards/error/list", Group("content", "card errors", 5, 6.0)),
        (r"POST /content/v2/cards/recover", Group("content", "cards recover", 5, 20.0)),
        (r"\w+ /(api/)?content/.*", Group("content", "content", 5, 0.6)),
        (r"\w+ /api/v2/(upload|history|buffer|list|quarantine)/.*", Group("prices", "prices", 5, 0.6)),
        (r"\w+ /api/v1/calendar/.*", Group("prices", "calendar", 5, 0.6)),
        (r"DELETE /api/v3/stocks/.*", Group("marketplace", "stocks delete", 2, 6.0, 10)),
        (r"\w+ /api/v3/stocks/.*", Group("marketplace", "stocks", 20, 0.2, 10)),
        (r"\w+ /api/v3/(warehouses|offices)(/.*)?", Group("marketplace", "warehouses", 20, 0.2, 10)),
        (r"PATCH /api/v3/orders/\d+/cancel", Group("marketplace", "cancel", 20, 0.6, 10)),
        (r"\w+ /api/(marketplace/)?v3/orders/\d+/meta.*", Group("marketplace", "marking", 20, 0.06, 10)),
        (r"POST /api/marketplace/v3/dbs/orders/status/(?!info).*", Group("marketplace", "dbs steps", 10, 1.0, 10)),
        (r"POST /api/marketplace/v3/dbs/orders/meta/(?!details).*", Group("marketplace", "dbs marks", 20, 0.12, 10)),
        (r"POST /api/marketplace/v3/click-collect/orders/status/(?!info).*", Group("marketplace", "shop", 10, 1.0, 10)),
        (r"POST /api/marketplace/v3/click-collect/orders/meta/.*", Group("marketplace", "shop marks", 20, 0.4, 10)),
        (r"\w+ /api/(marketplace/)?v3/dbs/.*", Group("marketplace", "dbs", 20, 0.2, 10)),
        (r"\w+ /api/(marketplace/)?v3/dbw/.*", Group("marketplace", "dbw", 20, 0.2, 10)),
        (r"\w+ /api/(marketplace/)?v3/click-collect/.*", Group("marketplace", "shop orders", 20, 0.2, 10)),
        (r"\w+ /api/(marketplace/)?v3/.*", Group("marketplace", "orders", 20, 0.2, 10)),
        (r"\w+ /api/v1/claims?", Group("returns", "claims", 10, 3.0)),
        (r"\w+ /api/finance/.*/list", Group("finance", "reports", 1, 60.0)),
        (r"\w+ /api/finance/.*", Group("finance", "report rows", 1, 60.0)),
        (r"\w+ /api/v1/supplier/orders", Group("statistics", "ordered", 10, 60.0)),
        (r"\w+ /api/v1/supplier/.*", Group("statistics", "statistics", 1, 60.0)),
        (r"\w+ /api/v1/analytics/goods-return", Group("analytics", "goods returned", 10, 60.0)),
        (r"\w+ /api/v1/analytics/.*", Group("analytics", "analytics", 10, 6.0)),
        (r"GET /ping", Group("", "ping", 20, 1.0)),
    ]
]


def group_of(method: str, path: str) -> Group | None:
    """Return the group that a method belongs to; None for a path that nobody serves."""
    said = f"{method} {path}"
    return next((group for pattern, group in _GROUPS if pattern.fullmatch(said)), None)


class Bucket:
    """Places for calls, one of which comes back every ``interval`` seconds."""

    def __init__(self, group: Group, now: float) -> None:
        self.group = group
        self.left, self._at = float(group.burst), now

    def look(self, now: float) -> float:
        """Return how many places there are; below zero after a dear refusal."""
        self.left = min(self.left + (now - self._at) / self.group.interval, float(self.group.burst))
        self._at = now
        return self.left

    def take(self, now: float, places: int = 1) -> None:
        """Use places, also ones that there are not."""
        self.look(now)
        self.left -= places

    def wait(self, now: float) -> float:
        """Return the seconds until there is a whole place."""
        return max((1.0 - self.look(now)) * self.group.interval, 0.0)


def make_token(
    categories: Collection[str], *, expires: float, kind: int = PERSONAL, read_only: bool = False, number: int = 1
) -> str:
    """Return a token that opens these categories until ``expires`` (Unix seconds)."""
    bits = sum(1 << BITS[name] for name in categories) | (1 << READ_ONLY_BIT if read_only else 0)
    said = {
        "id": f"00000000-0000-4000-8000-{number:012d}",
        "s": bits,
        "exp": int(expires),
        "acc": kind,
        "t": kind == TEST,
        "oid": 1000,
        "sid": "00000000-0000-4000-8000-000000000000",
    }
    return ".".join([_packed({"alg": "ES256", "typ": "JWT"}), _packed(said), "c2FuZGJveA"])


def opened(token: str) -> dict[str, Any] | None:
    """Return what a token says, None for what is none."""
    parts = token.removeprefix("Bearer ").split(".")
    try:
        _, body, _ = parts
        said = msgspec.json.decode(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)), type=dict[str, Any])
    except ValueError:
        return None
    return said


def problem(status: int, title: str, detail: str, headers: dict[str, str] | None = None) -> Response:
    """Answer in the gateway's shape."""
    body = {
        "title": title,
        "detail": detail,
        "code": "00000000-sandbox",
        "requestId": "00000000000000000000000000000000",
        "origin": "s2s-api-auth-sandbox",
        "status": status,
        "statusText": title.title(),
        "timestamp": "2026-01-01T00:00:00Z",
    }
    return Response(status, body, headers={"Content-Type": "application/problem+json", **(headers or {})})


def _packed(said: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(said)).decode().rstrip("=")
