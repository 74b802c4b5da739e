"""The operations of EnterpriseDataExchange_1_0_1_1 and InterfaceVersion, in Python's words.

Source: their descriptions (WSDL). Every answer carries a text of its own for what went wrong, with status 200;
left unread, a refusal would count as success.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from connectors.onec.enterprisedata.soap import SoapService
from connectors.onec.enterprisedata.trouble import meaning
from obmen.errors import ConfigurationError, IncompleteSource, InDoubt, Refused
from obmen.http import Http

EXCHANGE = "EnterpriseDataExchange_1_0_1_1"
EXCHANGE_NAMESPACE = "http://www.1c.ru/SSL/EnterpriseDataExchange_1_0_1_1"
VERSIONS = "InterfaceVersion"
VERSIONS_NAMESPACE = "http://www.1c.ru/SaaS/1.0/WS"
ACTIVE, COMPLETED, FAILED, CANCELED = "Active", "Completed", "Failed", "Canceled"
_SPOKEN = "1.0.1.1"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What became of the preparing of a message: parts are numbered from 1 and fetched by ``file``."""

    status: str
    file: str = ""
    parts: int = 0
    words: str = ""


class Service:
    """One base's exchange service, for one node of one plan."""

    def __init__(self, http: Http, plan: str, node: str) -> None:
        self._exchange = SoapService(http, EXCHANGE, EXCHANGE_NAMESPACE)
        self._versions = SoapService(http, VERSIONS, VERSIONS_NAMESPACE)
        self._plan = plan
        self._node = node

    def choose(self) -> str:
        """Return the version of the service to speak. Raises ConfigurationError if the base offers others only.

        A base that does not publish InterfaceVersion, or knows nothing there of this service, may have it all
        the same: calling it tells.
        """
        try:
            answer = self._versions.call("GetVersions", InterfaceName="EnterpriseDataExchange")
        except (ConfigurationError, Refused):
            return _SPOKEN
        found = [str(value) for value in (answer or ())]
        if found and _SPOKEN not in found:
            offered = ", ".join(found)
            raise ConfigurationError(f"The base offers EnterpriseDataExchange {offered}; Obmen speaks {_SPOKEN}.")
        return _SPOKEN

    def test(self) -> None:
        """Raise why this user cannot exchange with this node; return if it can."""
        answer = self._call("TestConnection", ExchangePlanName=self._plan, PeerCode=self._node)
        if answer["return"] is not True:
            raise ConfigurationError(f"The base knows no node '{self._node}' in the plan {self._plan}.")

    def prepare(self, part_size_kb: int) -> str:
        """Let the base put a message together; return the action's id."""
        arguments = {"ExchangePlanName": self._plan, "PeerCode": self._node, "PartSize": part_size_kb}
        operation = str(self._call("PrepareDataForGetting", **arguments)["OperationID"] or "")
        if not operation:
            raise IncompleteSource("PrepareDataForGetting: the base named no action to ask for.")
        return operation

    def prepared(self, operation: str) -> Prepared:
        """Return how far the preparing is."""
        answer = self._exchange.call("PrepareDataActionResult", OperationID=operation)
        result = answer["return"]
        words = str(answer["ErrorMessage"] or result["ErrorMessage"] or "")
        parts = int(result["PartCount"] or 0)
        return Prepared(str(result["Status"] or ""), str(result["FileID"] or ""), parts, words)

    def part(self, file: str, number: int) -> bytes:
        """Return one part of a message's archive."""
        answer = self._call("GetDataPart", FileID=file, PartNumber=number)
        data = answer["return"]
        if not data:
            raise IncompleteSource(f"The part {number} of the message {file} is empty.")
        return bytes(data)

    def confirm(self, file: str) -> None:
        """Let the base delete its temporary file. This acknowledges nothing."""
        self._call("ConfirmGettingFile", FileID=file, ClearDataPool=True)

    def put_part(self, file: str, number: int, data: bytes) -> None:
        """Send one part of an archive; a part that is sent again replaces itself."""
        self._call("PutFilePart", FileID=file, PartNumber=number, PartData=data)

    def put(self, file: str) -> str:
        """Let the base load what was sent in parts; return the action's id. Raises InDoubt if that is unknown."""
        arguments = {"ExchangePlanName": self._plan, "PeerCode": self._node, "FileID": file}
        operation = str(self._call("PutData", **arguments)["OperationID"] or "")
        if not operation:
            raise InDoubt("PutData: the base named no action to ask for.")
        return operation

    def put_result(self, operation: str) -> tuple[str, str]:
        """Return how far the loading is, and the service's words about it."""
        answer = self._exchange.call("PutDataActionResult", OperationID=operation)
        return str(answer["return"] or ""), str(answer["ErrorMessage"] or "")

    def _call(self, operation: str, **arguments: Any) -> Any:
        answer = self._exchange.call(operation, **arguments)
        words = answer["ErrorMessage"] if answer is not None else None
        if words and str(words).strip():
            raise meaning(operation, str(words))
        return answer


def new_file_id() -> str:
    """Return an id for a file that is going to be sent."""
    return str(uuid4())
