"""Notifications: what Ozon would push, to be sent twice, in any order, late, or not at all."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec

from connectors.ozon.sandbox.cabinet import Posting, stamp
from connectors.ozon.sandbox.finance import Finance

_TIMEOUT = 5.0
Answer = tuple[int, bytes]


class Notifications(Finance):
    """Notes what happens to postings as notifications; ``push`` sends them as Ozon does.

    Nothing is noted before ``subscribed`` is set. Statuses are told in the words of pushes, which differ from
    those of the API.
    """

    def note(self, kind: str, posting: Posting) -> None:
        """Note what Ozon would push about a posting."""
        if not self.subscribed:
            return
        told: dict[str, Any] = {
            "message_type": kind,
            "posting_number": posting.number,
            "warehouse_id": posting.warehouse_id,
            "seller_id": int(self.client_id),
        }
        goods = [{"sku": line.product.sku, "quantity": line.quantity} for line in posting.lines]
        if kind == "TYPE_NEW_POSTING":
            told |= {"products": goods, "in_process_at": stamp(posting.in_process_at)}
        else:
            told |= {"new_state": posting.substatus, "changed_state_date": stamp(posting.changed_at)}
        if kind == "TYPE_POSTING_CANCELLED":
            told |= {"products": goods, "old_state": posting.previous, "reason": {"id": 0, "message": ""}}
        self.events.append(told)

    def notifications(self, *, copies: int = 1, shuffled: bool = False, keep_back: int = 0) -> list[bytes]:
        """Take the bodies noted so far, each so many times; the last ``keep_back`` stay for later."""
        with self.lock:
            end = len(self.events) - keep_back
            taken, self.events = self.events[:end], self.events[end:]
            told = [msgspec.json.encode(one) for one in taken for _ in range(copies)]
            if shuffled:
                self.random.shuffle(told)
            return told

    def push(self, url: str, *, copies: int = 1, shuffled: bool = False, keep_back: int = 0) -> int:
        """Send what was noted to a seller's address; return how many were thanked for as Ozon demands.

        One that was not is kept, as Ozon keeps it, and sent again by the next push.
        """
        return self.deliver_to(_poster(url), copies=copies, shuffled=shuffled, keep_back=keep_back)

    def deliver_to(
        self, send: Callable[[bytes], Answer], *, copies: int = 1, shuffled: bool = False, keep_back: int = 0
    ) -> int:
        """Do as ``push`` with any way of sending: body in, status and answer out."""
        thanked = 0
        for body in self.notifications(copies=copies, shuffled=shuffled, keep_back=keep_back):
            status, answer = send(body)
            if status == http.client.OK and _is_thanks(answer):
                thanked += 1
            else:
                with self.lock:
                    self.events.append(msgspec.json.decode(body))
        return thanked

    def ping(self, url: str) -> bool:
        """Try a seller's address as the cabinet does when it is set up: whether Ozon would take it."""
        status, answer = _poster(url)(msgspec.json.encode({"message_type": "TYPE_PING", "time": stamp(self.now())}))
        try:
            told = msgspec.json.decode(answer, type=dict[str, Any])
        except msgspec.DecodeError:
            return False
        return status == http.client.OK and {"version", "name", "time"} <= told.keys()


def _is_thanks(answer: bytes) -> bool:
    try:
        return bool(msgspec.json.decode(answer) == {"result": True})
    except msgspec.DecodeError:
        return False


def _poster(url: str) -> Callable[[bytes], Answer]:
    parts = urlsplit(url)

    def send(body: bytes) -> Answer:
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.netloc, timeout=_TIMEOUT)
        try:
            connection.request("POST", parts.path or "/", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    return send
