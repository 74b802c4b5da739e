"""Judges bodies against an OpenAPI 3.0 document, more strictly than the document says.

A field that the vendor does not know is refused at every level that names its properties: a misspelt field
passes every mock and most vendors without a word, and nothing changes on the other side. `nullable` is
understood; without it null is refused.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

_COMPOSITION = ("allOf", "anyOf", "oneOf")
_KEPT = {
    "type", "format", "enum", "pattern", "required",
    "minimum", "maximum", "multipleOf", "minLength", "maxLength",
    "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties",
}  # fmt: skip
_BOUNDS = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}
_JSON = re.compile(r"application/([\w.+-]+\+)?json")

FORMATS = FormatChecker(formats=())


@FORMATS.checks("int64")
@FORMATS.checks("uint64")
def _whole(value: object) -> bool:
    """A 64-bit number is a JSON number or, where the type is a string, its digits."""
    return not isinstance(value, str) or re.fullmatch(r"-?\d+", value) is not None


@FORMATS.checks("int32")
def _narrow(value: object) -> bool:
    return _whole(value) and (not isinstance(value, int) or -(2**31) <= value < 2**31)


@FORMATS.checks("date-time", raises=ValueError)
def _moment(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@FORMATS.checks("date", raises=ValueError)
def _day(value: object) -> bool:
    return not isinstance(value, str) or bool(datetime.strptime(value, "%Y-%m-%d"))  # noqa: DTZ007 - a date has no zone


class UnknownOperationError(Exception):
    """The document has no such method and path."""


class Judge:
    """Judges exchanges with one API. Every method returns the complaints, empty when there is none.

    ``gateway``: a status that the vendor's gateway answers for every operation without documenting it → the
    documented status by whose schema it is judged.
    """

    def __init__(self, document: Mapping[str, Any], *, gateway: Mapping[int, int] | None = None) -> None:
        self.document = document
        self.gateway = dict(gateway or {})
        self._paths = [(_template(path), path) for path in document["paths"]]
        self._paths.sort(key=lambda pair: pair[1].count("{"))
        self._schemas = {
            name: self._strict(schema, closed=True)
            for name, schema in document.get("components", {}).get("schemas", {}).items()
        }
        resource = Resource({"$defs": self._schemas}, DRAFT202012)
        self._registry = Registry().with_resource("urn:api", resource)

    @classmethod
    def load(cls, path: Path, **options: Any) -> "Judge":
        """Read a JSON document."""
        return cls(json.loads(path.read_text(encoding="utf-8")), **options)

    def operation(self, method: str, path: str) -> dict[str, Any]:
        """Return the operation with its path's parameters. Raises UnknownOperationError."""
        for pattern, template in self._paths:
            item = self.document["paths"][template]
            if pattern.fullmatch(path) and method.lower() in item:
                found = item[method.lower()]
                shared = item.get("parameters", [])
                return {**found, "parameters": [*shared, *found.get("parameters", [])]}
        raise UnknownOperationError(f"the specification has no {method} {path}")

    def exchange(self, exchange: Any) -> list[str]:
        """Judge an exchange that a sandbox kept: its request and its answer."""
        where = f"{exchange.method} {exchange.path}"
        try:
            asked = self.request(
                exchange.method,
                exchange.path,
                exchange.request_body,
                exchange.query,
                exchange.request_headers,
            )
            answered = self.response(exchange.method, exchange.path, exchange.status, exchange.response_body)
        except UnknownOperationError as error:
            return [str(error)]
        return [f"{where} request: {text}" for text in asked] + [
            f"{where} answer {exchange.status}: {text}" for text in answered
        ]

    def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> list[str]:
        """Judge what is sent: parameters in the query and the headers, and the body."""
        operation = self.operation(method, path)
        complaints = self._parameters(operation, query or {}, headers or {})
        described = self._resolve(operation.get("requestBody"))
        if described is None:
            return [*complaints, "a body where none is described"] if body else complaints
        if not body:
            return [*complaints, "no body where one is required"] if described.get("required") else complaints
        return complaints + self._body(described, body)

    def response(self, method: str, path: str, status: int, body: bytes) -> list[str]:
        """Judge what is answered; a status that is not documented is a complaint."""
        answers = self.operation(method, path)["responses"]
        names = [str(status), f"{status // 100}XX"]
        if status in self.gateway:
            names.append(str(self.gateway[status]))
        if status >= 400:
            names.append("default")
        described = self._resolve(next((answers[name] for name in names if name in answers), None))
        if described is None:
            return [f"status {status} is not documented"]
        if not described.get("content"):
            return [f"a body where none is described: {body[:60]!r}"] if body else []
        return self._body(described, body)

    def _parameters(
        self, operation: Mapping[str, Any], query: Mapping[str, str], headers: Mapping[str, str]
    ) -> list[str]:
        parameters = [self._resolve(parameter) or {} for parameter in operation["parameters"]]
        lowered = {name.lower() for name in headers}
        complaints = [
            f"no {parameter['in']} parameter {parameter['name']}"
            for parameter in parameters
            if parameter.get("required")
            and (
                (parameter["in"] == "header" and parameter["name"].lower() not in lowered)
                or (parameter["in"] == "query" and parameter["name"] not in query)
            )
        ]
        named = {parameter["name"] for parameter in parameters if parameter["in"] == "query"}
        return complaints + [f"an unknown query parameter {name}" for name in query if name not in named]

    def _body(self, described: Mapping[str, Any], body: bytes) -> list[str]:
        schema = next(
            (part.get("schema", {}) for kind, part in described["content"].items() if _JSON.match(kind)), None
        )
        if schema is None:
            return []
        try:
            value = json.loads(body)
        except ValueError as error:
            return [f"not JSON: {error}"]
        validator = Draft202012Validator(
            self._strict(schema, closed=True), registry=self._registry, format_checker=FORMATS
        )
        errors = sorted(validator.iter_errors(value), key=lambda error: list(map(str, error.absolute_path)))
        return [f"{error.json_path}: {_said(error)}" for error in errors]

    def _resolve(self, node: Mapping[str, Any] | None) -> dict[str, Any] | None:
        while node is not None and "$ref" in node:
            found: Any = self.document
            for step in node["$ref"].removeprefix("#/").split("/"):
                found = found[unquote(step).replace("~1", "/").replace("~0", "~")]
            node = found
        return None if node is None else dict(node)

    def _strict(self, schema: Mapping[str, Any], *, closed: bool) -> dict[str, Any]:
        """Turn an OpenAPI 3.0 schema into a JSON Schema that refuses unknown fields.

        Branches of a composition stay open, or each would refuse the others' fields; the whole is closed by
        what none of them knows.
        """
        if "$ref" in schema:
            if closed:
                name = schema["$ref"].rpartition("/")[2]
                return {"$ref": f"urn:api#/$defs/{name}"}
            return self._strict(self._resolve(schema) or {}, closed=False)
        strict: dict[str, Any] = {word: schema[word] for word in _KEPT if word in schema}
        for word, bound in _BOUNDS.items():
            if schema.get(word) is True:
                strict[word] = strict.pop(bound)
            elif word in schema and schema[word] is not False:
                strict[word] = schema[word]
        if "items" in schema:
            strict["items"] = self._strict(schema["items"], closed=True)
        for word in _COMPOSITION:
            if word in schema:
                strict[word] = [self._strict(branch, closed=False) for branch in schema[word]]
        if "not" in schema:
            strict["not"] = self._strict(schema["not"], closed=False)
        self._fields(schema, strict, closed=closed)
        if schema.get("nullable") is True:
            return _nullable(strict)
        return strict

    def _fields(self, schema: Mapping[str, Any], strict: dict[str, Any], *, closed: bool) -> None:
        properties = schema.get("properties")
        if properties:
            strict["properties"] = {name: self._strict(inner, closed=True) for name, inner in properties.items()}
            strict.setdefault("type", "object")
        extra = schema.get("additionalProperties")
        if isinstance(extra, Mapping):
            strict["additionalProperties"] = self._strict(extra, closed=True)
        elif extra is not None:
            strict["additionalProperties"] = extra
        elif closed and any(word in schema for word in _COMPOSITION) and self._names_fields(schema):
            strict["unevaluatedProperties"] = False
        elif closed and properties:
            strict["additionalProperties"] = False

    def _names_fields(self, schema: Mapping[str, Any]) -> bool:
        resolved = self._resolve(schema) or {}
        return bool(resolved.get("properties")) or any(
            self._names_fields(branch) for word in _COMPOSITION for branch in resolved.get(word, ())
        )


def _nullable(strict: dict[str, Any]) -> dict[str, Any]:
    if "enum" in strict and None not in strict["enum"]:
        strict["enum"] = [*strict["enum"], None]
    kind = strict.get("type")
    if isinstance(kind, str) and not any(word in strict for word in _COMPOSITION):
        strict["type"] = [kind, "null"]
        return strict
    return {"anyOf": [strict, {"type": "null"}]}


def _template(path: str) -> re.Pattern[str]:
    parts = re.split(r"\{[^}]*\}", path)
    return re.compile("[^/]+".join(re.escape(part) for part in parts))


def _said(error: jsonschema.ValidationError) -> str:
    return error.message if len(error.message) < 300 else f"{error.validator}: {error.message[:300]}…"
