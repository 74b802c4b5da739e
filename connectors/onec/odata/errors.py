"""What 1C's answers mean for the next step.

1C says no in four dresses: JSON or XML with a code, a platform exception, a page of the web server, and any
of them with status 200. Taken by status alone, a lock would be shown to a person, a refusal repeated for
ever, and a login page counted as success.

Codes: the vendor's table of OData errors (0 to 21, -1 for an exception of the configuration). The wordings
of locks and licences are general knowledge of the platform, not part of that table.
"""

from __future__ import annotations

from typing import Any

import msgspec

from obmen.errors import ConfigurationError, Denied, InDoubt, Later, ObmenError, Refused, Unavailable
from obmen.http import Reply

NOT_FOUND = "9"
NO_SUCH_TYPE = "8"
NO_SUCH_PROPERTY = "10"
ALREADY_EXISTS = "15"
NO_RIGHT = "20"
CHANGED_MEANWHILE = "412"

_LOCKED = ("конфликт блокировок", "не удалось заблокировать", "уже заблокирован", "lock conflict")
_NO_SEAT = ("лицензи", "начало сеанса", "license")
_LOST_SESSION = ("субд", "сеанс")
_LOCKED_FOR = 20.0
_ERROR = 400
_SERVER_ERROR = 500
_WHO_ARE_YOU = {401, 403}
_NOT_HERE = 404
_CHANGED = 412


class NotPublished(ConfigurationError):  # noqa: N818 - named by what is so, as the errors that it is one of
    """The base knows no such object: the administrator's composition has changed, or never had it."""


def error_of(reply: Reply) -> tuple[str, str] | None:
    """Return 1C's own code and text; None for an answer that is no error of 1C, such as a web server's page.

    A platform exception has no code of its own and is given as ``-1``.
    """
    start = reply.content[:200].lstrip()
    if start.startswith(b"{") and (b'"odata.error"' in start or b'"exception"' in start):
        return _from_json(reply.content)
    if start.startswith(b"<") and reply.status >= _ERROR and b"error" in reply.content[:600]:
        return _from_xml(reply.content)
    return None


def _from_json(content: bytes) -> tuple[str, str] | None:
    try:
        body: Any = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    error = body.get("odata.error")
    if isinstance(error, dict):
        message = error.get("message")
        text = message.get("value", "") if isinstance(message, dict) else message
        return str(error.get("code", "")), str(text or "")
    exception = body.get("exception")
    if exception is None:
        return None
    return "-1", str(exception.get("descr", exception) if isinstance(exception, dict) else exception)


def _from_xml(content: bytes) -> tuple[str, str] | None:
    from lxml import etree  # noqa: PLC0415 - OData speaks JSON, and most processes never meet XML

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError:
        return None
    if etree.QName(root).localname != "error":
        return None
    return root.findtext("{*}code", "").strip(), root.findtext("{*}message", "").strip()


def explain(reply: Reply) -> ObmenError | None:
    """Return the error that an answer means (the table stands in the connector's README).

    None leaves it to the status. A web server's page, and a session that broke off, leave it unknown whether
    a write had its effect: the session knows which calls may be repeated.
    """
    code, text = error_of(reply) or ("", "")
    told = f"{reply.what}: 1C answered {reply.status}" + (f", code {code}: {text}" if code else ".")
    if reply.status in _WHO_ARE_YOU or code == NO_RIGHT:
        return Denied(
            f"{told} Check the connection's username and its password; in 1C the user needs 1C:Enterprise"
            " authentication and a role with OData access to this object."
        )
    if reply.status == _CHANGED:
        return Refused(f"{told} The object was changed meanwhile.", code=CHANGED_MEANWHILE)
    if code:
        return _meant(reply, code, text.lower(), told)
    if reply.status < _ERROR and _is_page(reply):
        return InDoubt(f"{reply.what}: a web page came instead of data, such as a login page.")
    if reply.status == _NOT_HERE:
        return ConfigurationError(
            f"{told} The web server knows no such base: check the connection's url, and that the base is"
            " published with the standard OData interface."
        )
    return None


def _is_page(reply: Reply) -> bool:
    return "html" in reply.headers.get("Content-Type", "") or b"<html" in reply.content[:500].lower()


def _meant(reply: Reply, code: str, text: str, told: str) -> ObmenError | None:
    if any(words in text for words in _LOCKED):
        return Later(f"{told} Somebody else holds it at the moment.", after=_LOCKED_FOR)
    if any(words in text for words in _NO_SEAT):
        return Unavailable(f"{told} 1C has no free place for the session; it is tried again.")
    if code == "-1" and reply.status >= _SERVER_ERROR and any(words in text for words in _LOST_SESSION):
        return None
    if code == NO_SUCH_TYPE:
        return NotPublished(
            f"{told} The object is not in the composition of the standard OData interface: `obmen check`"
            " names what the administrator of 1C must add."
        )
    return Refused(told, code=code)
