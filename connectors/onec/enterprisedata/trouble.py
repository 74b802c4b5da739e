"""What the service's words mean for the next step: wait, mend the settings, or look at one record.

1C has one way to say no, a text in Russian or in the language of the base; without reading it, a lock would
be shown to a person and a missing right repeated for ever. The wordings are general knowledge of the platform
and of the library of standard subsystems; what is not known counts as a refusal of what was sent.
"""

from __future__ import annotations

from typing import Any

from lxml import etree

from obmen.errors import ConfigurationError, Denied, InDoubt, ObmenError, Refused, Unavailable
from obmen.http import Reply

_LOCKED = (
    "конфликт блокировок",
    "не удалось заблокировать",
    "уже заблокирован",
    "ошибка блокировки обмена",
    "обмен данными уже выполняется",
    "lock conflict",
    "cannot lock",
)
_BUSY = (
    "лицензи",
    "license",
    "начало сеанса",
    "монопольн",
    "для обновления",
    "состоянии обновления",
    "infobase is updating",
)
_NO_RIGHT = ("недостаточно прав", "нарушение прав", "нет прав", "insufficient rights", "access violation")
_NO_NODE = ("узел плана обмена", "узел обмена", "exchange plan node", "exchange node")
_LOCKED_FOR = 20.0
_SHOWN = 2000
_ERROR = 400
_NOT_HERE = 404
_WHO_ARE_YOU = {401, 403}


def meaning(told: str, words: str) -> ObmenError:
    """Return the error that the service's ``words`` mean; ``told`` says which call they answer."""
    text = " ".join(words.split())[:_SHOWN]
    said = f"{told}: 1C says: {text}"
    lower = text.lower()
    if any(word in lower for word in _LOCKED):
        return Unavailable(f"{said} Somebody else holds it at the moment.", after=_LOCKED_FOR)
    if any(word in lower for word in _BUSY):
        return Unavailable(f"{said} It is tried again.")
    if any(word in lower for word in _NO_RIGHT):
        return Denied(f"{said} In 1C the user needs the roles of data synchronization over the universal format.")
    if any(word in lower for word in _NO_NODE):
        return ConfigurationError(f"{said} Check enterprisedata.node against the node's code in the exchange plan.")
    return Refused(said, code="service")


def fault_of(content: bytes) -> str | None:
    """Return the text of a SOAP fault, 1.1 or 1.2; None for anything else."""
    if b"Fault" not in content:
        return None
    parser: etree.XMLParser[Any] = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError:
        return None
    fault = root.find("{*}Body/{*}Fault")
    if fault is None:
        return None
    found = fault.findtext("faultstring") or fault.findtext("{*}Reason/{*}Text") or "no reason was given"
    return found.strip()


def explain(reply: Reply) -> ObmenError | None:
    """Return the error that an answer of the web service means; None leaves it to the status."""
    if reply.status in _WHO_ARE_YOU:
        return Denied(
            f"{reply.what}: status {reply.status}. Check enterprisedata.username and its password; in 1C the user"
            " needs 1C:Enterprise authentication and the right to use the web service."
        )
    if reply.status == _NOT_HERE:
        return ConfigurationError(
            f"{reply.what}: status 404. Check enterprisedata.url, and that the base is published with its web"
            " services (EnterpriseDataExchange_1_0_1_1 and InterfaceVersion)."
        )
    words = fault_of(reply.content)
    if words is not None:
        return meaning(reply.what, words)
    if reply.status < _ERROR and b"<html" in reply.content[:500].lower():
        return InDoubt(f"{reply.what}: a web page came instead of an answer, such as a login page.")
    return None
