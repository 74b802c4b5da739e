"""zeep carried by Obmen's own session: time-outs, limits, redaction and request ids hold for SOAP too.

A description that a server gives can name other addresses, entities and imports; taken at its word, it would
make us call wherever it likes. So only the description itself is fetched, and calls go to the address that
the project names.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

import requests
from lxml import etree

from obmen.errors import ConfigurationError, InDoubt, Unavailable
from obmen.http import Http, Reply

_NOT_REPEATED = frozenset({"PutData"})
"""The one call that must not be repeated blindly: it starts a load, and a second one would run beside it."""


def _zeep() -> Any:
    """Return zeep, imported when it is first needed: a command that needs none starts sooner."""
    return import_module("zeep")


class Carrier:
    """What zeep asks of a transport: ``load`` a description, ``post_xml`` a call."""

    def __init__(self, http: Http, description: str) -> None:
        self._http = http
        self._description = description

    def load(self, url: str) -> bytes:
        """Return the service's description; no other document is fetched."""
        if url != self._description:
            host = urlsplit(url).netloc or "another file"
            raise ConfigurationError(f"The service's description imports from {host}, which Obmen does not follow.")
        return self._http.get(_path(url), expect="xml").content

    def post_xml(self, address: str, envelope: etree._Element, headers: Mapping[str, str]) -> requests.Response:
        """Send a call and return its answer, which is known to be no fault."""
        name = headers.get("SOAPAction", "").strip('"').rpartition(":")[2]
        reply = self._http.post(
            _path(address),
            data=etree.tostring(envelope, xml_declaration=True, encoding="utf-8"),
            headers=headers,
            safe=name not in _NOT_REPEATED,
            expect="xml",
        )
        return _as_response(reply)


class SoapService:
    """One web service of a base: ``call`` by the names of its description."""

    def __init__(self, http: Http, name: str, namespace: str) -> None:
        self._http = http
        self._name = name
        self._namespace = namespace
        self._proxy: Any = None

    def call(self, operation: str, **arguments: Any) -> Any:
        """Call an operation and return its answer as zeep reads it.

        Raises what ``trouble.explain`` says, ConfigurationError where the service is described otherwise,
        InDoubt or Unavailable where the answer cannot be read.
        """
        zeep = _zeep()
        proxy = self._proxy or self._described()
        self._proxy = proxy
        try:
            return getattr(proxy, operation)(**arguments)
        except (AttributeError, zeep.exceptions.ValidationError) as error:
            message = f"The service {self._name} does not know {operation} as Obmen calls it: {error}."
            raise ConfigurationError(message) from error
        except (zeep.exceptions.Error, etree.LxmlError, ValueError, TypeError) as error:
            message = f"{self._name}.{operation}: the answer cannot be read ({type(error).__name__})."
            raise (InDoubt if operation in _NOT_REPEATED else Unavailable)(message) from error

    def _described(self) -> Any:
        zeep = _zeep()
        address = f"{self._http.transport.base_url}/ws/{self._name}.1cws"
        settings = zeep.Settings(forbid_dtd=True, forbid_entities=True, forbid_external=True, force_https=False)
        try:
            carrier = Carrier(self._http, f"{address}?wsdl")
            client = zeep.Client(f"{address}?wsdl", transport=carrier, settings=settings)
            return client.create_service(f"{{{self._namespace}}}{self._name}SoapBinding", address)
        except (zeep.exceptions.Error, etree.LxmlError, ValueError) as error:
            message = f"{self._name}: what stands at {_path(address)}?wsdl is no description of this service ({error})."
            raise ConfigurationError(message) from error


def _path(url: str) -> str:
    """Return the address from ``/ws/`` on, for the session adds the base."""
    return url[url.rindex("/ws/") :]


def _as_response(reply: Reply) -> requests.Response:
    response = requests.Response()
    response.status_code = reply.status
    response.headers = requests.structures.CaseInsensitiveDict({"Content-Type": "text/xml; charset=utf-8"})
    response._content = reply.content  # noqa: SLF001 - requests offers no other way to make an answer by hand
    return response
