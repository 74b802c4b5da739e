"""A stand-in of a base that exchanges in EnterpriseData: the web services, the node, and what the base holds.

It answers long actions as 1C does (first Active), keeps parts and numbers, forgets what was registered only when
that is acknowledged, and refuses what a base refuses. Its paths end with the operation's name, so that a fault
can be aimed at one: ``POST …/PutData``. Its own faults, by name: ``licence`` (no free place), ``locked`` (the
exchange is locked), ``action_failed`` (the action ends as Failed), ``lost_action`` (nobody knows the action any
more), ``part_missing`` (a part of a file is not there), ``expired_file`` (the parts are gone before they are
loaded).
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from connectors.onec.sandbox import references
from connectors.onec.sandbox.enterprisedata import envelope
from connectors.onec.sandbox.enterprisedata.description import SERVICES, describe
from connectors.onec.sandbox.enterprisedata.loading import LoadError
from connectors.onec.sandbox.enterprisedata.node import PLAN, Node, unpack
from connectors.onec.sandbox.enterprisedata.profile import PROFILES
from connectors.onec.sandbox.enterprisedata.stock import CONTRACT, RETAIL, Shelf
from obmen.testing.sandbox import Fault, Request, Response, Sandbox, route

__all__ = ["CONTRACT", "NODE", "PLAN", "RETAIL", "EnterpriseDataSandbox"]

NODE = "ОБМЕН"
_INVENTED = UUID("5a0d2c1e-3f57-5b86-9c44-8e1b6f0a7d22")
_PATH = r"(?:/\w+)?/ws/(?P<service>\w+)\.1cws"
_NO_LICENCE = "Не обнаружено свободной лицензии!"
_LOCKED = "Ошибка блокировки обмена данными. Возможно, обмен данными выполняется другим сеансом."


@dataclass(slots=True)
class _Action:
    """A long action: how often it is still Active, and how it ends."""

    active: int
    status: str = "Completed"
    words: str = ""
    file: str = ""
    parts: int = 0


class EnterpriseDataSandbox(Sandbox):
    """A base of UT in the given ``version`` (11.4.2, 11.5.8, 11.5.20), with a node for us and no goods.

    ``finished``: whether the setting of the synchronization is finished in 1C. ``active``: how many looks at a
    long action answer Active. ``versions_offered``: what InterfaceVersion says of the service. Goods and orders
    are put on its ``shelf``.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        journal: bool = False,
        version: str = "11.5.20",
        finished: bool = True,
        active: int = 1,
        versions_offered: tuple[str, ...] = (),
    ) -> None:
        self.profile = PROFILES[version]
        self.username, self.password = references.USERNAME, references.PASSWORD
        self.active = active
        self.versions_offered = versions_offered
        self._finished = finished
        super().__init__(seed=seed, journal=journal)

    def reset(self) -> None:
        """Forget every message, and everything but what each base has."""
        self.random.seed(self.seed)
        self.node = Node(NODE, "УТ", self.profile, self.profile.versions[-1], finished=self._finished)
        self.shelf = Shelf(self.node.register)
        self.shelf.seed()
        self.actions: dict[str, _Action] = {}
        self.files: dict[str, dict[int, bytes]] = {}

    def fill(self, goods: int) -> list[str]:
        """Enter so many invented goods with articles, barcodes and retail prices; return their references."""
        made = [str(uuid5(_INVENTED, str(number))) for number in range(1, goods + 1)]
        with self.lock:
            for number, ref in enumerate(made, 1):
                code = f"29{number:010d}"
                self.shelf.add_product(ref, f"Товар {number}", article=f"T-{number}", vat="20", barcodes=[code])
            rows = [(ref, "", str(100 + number % 900)) for number, ref in enumerate(made)]
            if rows:
                self.shelf.set_prices(str(uuid5(_INVENTED, "prices")), "2026-06-01T00:00:00", {RETAIL: rows})
        return made

    def state(self) -> dict[str, Any]:
        """The objects, and where the exchange with the node stands."""
        with self.lock:
            objects: dict[str, dict[str, Any]] = {}
            for (kind, ref), spec in self.shelf.objects.items():
                objects.setdefault(kind, {})[ref] = spec
            node = {"sent": self.node.sent, "received": self.node.received, "registered": len(self.node.registered)}
            return {"objects": objects, "node": node}

    def connection(self) -> dict[str, Any]:
        """The service's address, a user, the node, and references that fit an order."""
        order = {
            "organization": references.ORGANIZATION,
            "contragent": references.CONTRAGENT,
            "warehouses": references.WAREHOUSES,
            "vat": "20",
        }
        told = {"url": f"{self.url}/trade", "username": self.username, "password": self.password}
        return {"enterprisedata": {**told, "node": NODE, "folder": "enterprisedata", "order": order}}

    def handle(self, request: Request) -> tuple[Response | None, Fault | None]:
        """Answer a request; a call's path is told with the operation that it names."""
        if request.method == "POST" and request.path.endswith(".1cws"):
            request = replace(request, path=f"{request.path}/{envelope.operation_of(request.body)}")
        return super().handle(request)

    def before(self, request: Request) -> Response | None:
        """Let in only who has the right name and password, in UTF-8."""
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        try:
            name, _, password = base64.b64decode(given, validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            name = password = ""
        if kind != "Basic" or (name, password) != (self.username, self.password):
            return Response(401, body=b"", headers={"WWW-Authenticate": 'Basic realm="1C:Enterprise 8.3"'})
        return None

    def not_found(self, request: Request) -> Response:  # noqa: ARG002 - called like the others
        """Answer as a web server that knows no such base."""
        return Response(404, body=b"<html>404</html>", headers={"Content-Type": "text/html"})

    @route("GET", _PATH)
    def description(self, request: Request, service: str) -> Response:
        """Serve a service's description."""
        if service not in SERVICES or "wsdl" not in request.query:
            return self.not_found(request)
        address = f"http://internal.example{request.path}"
        return Response(body=describe(SERVICES[service], address), headers={"Content-Type": "text/xml"})

    @route("POST", _PATH + r"/(?P<operation>\w*)")
    def call(self, request: Request, service: str, operation: str) -> Response:
        """Answer a call."""
        if service not in SERVICES:
            return self.not_found(request)
        if self.fault("licence"):
            return envelope.fault(_NO_LICENCE)
        described = SERVICES[service]
        try:
            arguments = envelope.arguments(request.body, described)
        except (envelope.Unreadable, IndexError) as error:
            return envelope.fault(f"Ошибка при разборе запроса: {error}")
        handlers: Mapping[str, Callable[..., Mapping[str, envelope.Value]]] = {
            "Ping": self._ping,
            "GetVersions": self._versions,
            "TestConnection": self._test,
            "PrepareDataForGetting": self._prepare,
            "PrepareDataActionResult": self._prepared,
            "GetDataPart": self._part,
            "ConfirmGettingFile": self._confirm,
            "PutFilePart": self._put_part,
            "PutData": self._put,
            "PutDataActionResult": self._put_result,
        }
        return envelope.answer(described, operation, handlers[operation](**arguments))

    def _ping(self) -> Mapping[str, envelope.Value]:
        return {"return": ""}

    def _versions(self, InterfaceName: str) -> Mapping[str, envelope.Value]:  # noqa: N803 - the service's name
        known = InterfaceName == "EnterpriseDataExchange"
        return {"return": list(self.versions_offered) if known else []}

    def _test(self, ExchangePlanName: str, PeerCode: str) -> Mapping[str, envelope.Value]:  # noqa: N803 - as above
        if (ExchangePlanName, PeerCode) != (PLAN, self.node.code):
            return {"return": False, "ErrorMessage": "Указанный узел плана обмена не найден."}
        return {"return": True, "ErrorMessage": ""}

    def _prepare(self, ExchangePlanName: str, PeerCode: str, PartSize: int) -> Mapping[str, envelope.Value]:  # noqa: N803 - as above
        told = self._test(ExchangePlanName, PeerCode)
        if not told["return"]:
            return {"ErrorMessage": told["ErrorMessage"]}
        if self.fault("locked"):
            return {"ErrorMessage": _LOCKED}
        action = _Action(self.active)
        if self.fault("action_failed"):
            action.status, action.words = "Failed", "Ошибки при формировании сообщения обмена."
        else:
            archive = self.node.message(self.shelf, datetime.fromtimestamp(self.now(), UTC))
            size = max(PartSize, 1) * 1024
            pieces = [archive[start : start + size] for start in range(0, len(archive), size)]
            action.file, action.parts = self._new_id(), len(pieces)
            self.files[action.file] = dict(enumerate(pieces, 1))
        return {"return": "", "OperationID": self._started(action), "ErrorMessage": ""}

    def _prepared(self, OperationID: str) -> Mapping[str, envelope.Value]:  # noqa: N803 - as above
        action = self._looked_at(OperationID)
        result = {"ErrorMessage": "", "FileID": "", "PartCount": "0", "Status": self._status(action)}
        if action is not None and result["Status"] != "Active":
            result |= {"ErrorMessage": action.words, "FileID": action.file, "PartCount": str(action.parts)}
        return {"return": result, "ErrorMessage": ""}

    def _part(self, FileID: str, PartNumber: int) -> Mapping[str, envelope.Value]:  # noqa: N803 - as above
        part = None if self.fault("part_missing") else self.files.get(FileID, {}).get(PartNumber)
        if part is None:
            return {"return": None, "ErrorMessage": "Не найдена часть файла с идентификатором."}
        return {"return": part, "ErrorMessage": ""}

    def _confirm(self, FileID: str, ClearDataPool: bool) -> Mapping[str, envelope.Value]:  # noqa: N803, ARG002 - as above
        self.files.pop(FileID, None)
        return {"return": "", "ErrorMessage": ""}

    def _put_part(self, FileID: str, PartNumber: int, PartData: bytes) -> Mapping[str, envelope.Value]:  # noqa: N803 - as above
        self.files.setdefault(FileID, {})[PartNumber or 1] = PartData
        return {"return": "", "ErrorMessage": ""}

    def _put(self, ExchangePlanName: str, PeerCode: str, FileID: str) -> Mapping[str, envelope.Value]:  # noqa: N803 - as above
        told = self._test(ExchangePlanName, PeerCode)
        if not told["return"]:
            return {"ErrorMessage": told["ErrorMessage"]}
        parts = self.files.pop(FileID, {})
        if not parts or self.fault("expired_file"):
            return {"ErrorMessage": f"Не найдено ни одного фрагмента сессии передачи с идентификатором {FileID}."}
        action = _Action(self.active)
        try:
            self._load(b"".join(parts[number] for number in sorted(parts)))
        except LoadError as error:
            action.status, action.words = "Failed", str(error)
        return {"return": "", "OperationID": self._started(action), "ErrorMessage": ""}

    def _load(self, archive: bytes) -> None:
        if self.fault("action_failed"):
            message = "Ошибка при загрузке данных: исключение в обработчике"
            raise LoadError(message)
        try:
            self.node.load(unpack(archive), self.shelf)
        except zlib.error as error:
            raise LoadError(str(error)) from error

    def _put_result(self, OperationID: str) -> Mapping[str, envelope.Value]:  # noqa: N803 - as above
        action = self._looked_at(OperationID)
        status = self._status(action)
        return {"return": status, "ErrorMessage": action.words if action is not None and status == "Failed" else ""}

    def _started(self, action: _Action) -> str:
        known = self._new_id()
        self.actions[known] = action
        return known

    def _looked_at(self, operation: str) -> _Action | None:
        if self.fault("lost_action"):
            self.actions.pop(operation, None)
        return self.actions.get(operation)

    @staticmethod
    def _status(action: _Action | None) -> str:
        if action is None:
            return "Canceled"
        if action.active > 0:
            action.active -= 1
            return "Active"
        return action.status

    def _new_id(self) -> str:
        return str(UUID(int=self.random.getrandbits(128), version=4))
