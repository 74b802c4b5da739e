"""The description (WSDL) of the two services, made from a table of their operations.

The table holds the facts of the published contract: names, namespaces, types, what may be nil. A contract test
compares what comes out with the contract itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

CORE = "http://v8.1c.ru/8.1/data/core"
RESULT = "http://v8.1c.ru/SSL/Exchange/EnterpriseDataExchange"
_SOAP = "http://schemas.xmlsoap.org/wsdl/soap/"
_SOAP12 = "http://schemas.xmlsoap.org/wsdl/soap12/"
_TRANSPORT = "http://schemas.xmlsoap.org/soap/http"


@dataclass(frozen=True, slots=True)
class Operation:
    """What goes in and what comes out: name → type; a trailing ``?`` means that the element may be nil."""

    takes: Mapping[str, str]
    gives: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Service:
    """A web service: its name, its namespace, its operations."""

    name: str
    namespace: str
    operations: Mapping[str, Operation]


_TEXT, _MAYBE = "xs:string", "xs:string?"
_TOLD = {"return": _MAYBE, "ErrorMessage": _MAYBE}
_STARTED = {"return": _MAYBE, "OperationID": _MAYBE, "ErrorMessage": _MAYBE}
_NODE = {"ExchangePlanName": _TEXT, "PeerCode": _TEXT}
_FILE = {"FileID": _TEXT}

EXCHANGE = Service(
    "EnterpriseDataExchange_1_0_1_1",
    "http://www.1c.ru/SSL/EnterpriseDataExchange_1_0_1_1",
    MappingProxyType(
        {
            "Ping": Operation({}, {"return": _MAYBE}),
            "TestConnection": Operation(_NODE, {"return": "xs:boolean", "ErrorMessage": _MAYBE}),
            "PrepareDataForGetting": Operation({**_NODE, "PartSize": "xs:decimal"}, _STARTED),
            "PrepareDataActionResult": Operation(
                {"OperationID": _TEXT}, {"return": "result:PrepareDataOperationResult", "ErrorMessage": _MAYBE}
            ),
            "GetDataPart": Operation(
                {**_FILE, "PartNumber": "xs:int"}, {"return": "xs:base64Binary?", "ErrorMessage": _MAYBE}
            ),
            "ConfirmGettingFile": Operation({**_FILE, "ClearDataPool": "xs:boolean"}, _TOLD),
            "PutFilePart": Operation({**_FILE, "PartNumber": "xs:int?", "PartData": "xs:base64Binary"}, _TOLD),
            "PutData": Operation({**_NODE, **_FILE}, _STARTED),
            "PutDataActionResult": Operation({"OperationID": _TEXT}, {"return": _TEXT, "ErrorMessage": _MAYBE}),
        }
    ),
)
VERSIONS = Service(
    "InterfaceVersion",
    "http://www.1c.ru/SaaS/1.0/WS",
    MappingProxyType({"GetVersions": Operation({"InterfaceName": _TEXT}, {"return": "core:Array"})}),
)
SERVICES = {service.name: service for service in (EXCHANGE, VERSIONS)}

_TYPES = f"""<xs:schema targetNamespace="{CORE}" elementFormDefault="qualified">
<xs:complexType name="Array"><xs:sequence>
<xs:element name="Value" nillable="true" minOccurs="0" maxOccurs="unbounded"/>
</xs:sequence></xs:complexType></xs:schema>
<xs:schema targetNamespace="{RESULT}" elementFormDefault="qualified">
<xs:complexType name="PrepareDataOperationResult"><xs:sequence>
<xs:element name="ErrorMessage" type="xs:string" minOccurs="0"/>
<xs:element name="FileID" type="xs:string" minOccurs="0"/>
<xs:element name="PartCount" type="xs:int" minOccurs="0"/>
<xs:element name="Status" type="xs:string" minOccurs="0"/>
<xs:any namespace="##other" processContents="lax" minOccurs="0" maxOccurs="unbounded"/>
</xs:sequence></xs:complexType></xs:schema>"""


def describe(service: Service, address: str) -> bytes:
    """Return a service's description, reached at ``address``."""
    elements = "".join(_element(name, operation) for name, operation in service.operations.items())
    messages = "".join(
        f'<message name="{name}{way}Message"><part name="parameters" element="tns:{name}{suffix}"/></message>'
        for name in service.operations
        for way, suffix in (("Request", ""), ("Response", "Response"))
    )
    port = "".join(
        f'<operation name="{name}"><input message="tns:{name}RequestMessage"/>'
        f'<output message="tns:{name}ResponseMessage"/></operation>'
        for name in service.operations
    )
    bindings = _binding(service, "soap", "SoapBinding") + _binding(service, "soap12", "Soap12Binding")
    ports = "".join(
        f'<port name="{service.name}{suffix}" binding="tns:{service.name}{suffix}Binding">'
        f'<{prefix}:address location="{address}"/></port>'
        for prefix, suffix in (("soap", "Soap"), ("soap12", "Soap12"))
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="{_SOAP}" xmlns:soap12="{_SOAP12}"
 xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:core="{CORE}" xmlns:result="{RESULT}"
 xmlns:tns="{service.namespace}" name="{service.name}" targetNamespace="{service.namespace}">
<types>{_TYPES}
<xs:schema targetNamespace="{service.namespace}" elementFormDefault="qualified">
<xs:import namespace="{CORE}"/><xs:import namespace="{RESULT}"/>{elements}</xs:schema></types>
{messages}<portType name="{service.name}PortType">{port}</portType>{bindings}
<service name="{service.name}">{ports}</service></definitions>""".encode()


def _element(name: str, operation: Operation) -> str:
    return _sequence(name, operation.takes) + _sequence(f"{name}Response", operation.gives)


def _sequence(name: str, fields: Mapping[str, str]) -> str:
    inner = "".join(
        f'<xs:element name="{field}" type="{kind.rstrip("?")}"{_nil(kind)}/>' for field, kind in fields.items()
    )
    return f'<xs:element name="{name}"><xs:complexType><xs:sequence>{inner}</xs:sequence></xs:complexType></xs:element>'


def _nil(kind: str) -> str:
    return ' nillable="true"' if kind.endswith("?") else ""


def _binding(service: Service, prefix: str, suffix: str) -> str:
    body = f'<{prefix}:body use="literal"/>'
    operations = "".join(
        f'<operation name="{name}">'
        f'<{prefix}:operation style="document" soapAction="{service.namespace}#{service.name}:{name}"/>'
        f"<input>{body}</input><output>{body}</output></operation>"
        for name in service.operations
    )
    return (
        f'<binding name="{service.name}{suffix}" type="tns:{service.name}PortType">'
        f'<{prefix}:binding style="document" transport="{_TRANSPORT}"/>{operations}</binding>'
    )
