"""What is wrong with a project, in plain words and with the line; all of it at once, not one by one."""

from __future__ import annotations

import types
from collections.abc import Iterable
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from obmen.errors import ConfigurationError, meant
from obmen.http.redact import Redactor
from obmen.mapping.yaml import Document

Path_ = tuple[Any, ...]

_WORDS = {
    "bool_parsing": "is meant to be true or false",
    "bool_type": "is meant to be true or false",
    "int_type": "is meant to be a whole number",
    "int_parsing": "is meant to be a whole number",
    "int_from_float": "is meant to be a whole number",
    "decimal_type": "is meant to be a number",
    "decimal_parsing": "is meant to be a number",
    "float_type": "is meant to be a number",
    "float_parsing": "is meant to be a number",
    "string_type": "is meant to be a text; put it in quotes",
    "string_too_short": "is empty",
    "too_short": "is empty",
    "path_type": "is meant to be a path",
    "dict_type": "is meant to be a block of keys",
    "model_type": "is meant to be a block of keys",
    "model_attributes_type": "is meant to be a block of keys",
    "list_type": "is meant to be a list",
    "tuple_type": "is meant to be a list",
}


class Problems:
    """Gathers problems of one file, to tell them together, ordered by line; true if there are any."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._found: dict[tuple[int, str], str] = {}
        self.redact = Redactor()

    def add(self, path: Path_, message: str) -> None:
        """Note a problem with what stands at ``path``; the secrets that ``redact`` knows are masked."""
        where = self._document.where(*path)
        line = int(where.rpartition(":")[2])
        self._found[line, self.redact.secrets(message)] = where

    def add_invalid(self, error: ValidationError, model: type[BaseModel], prefix: Path_ = ()) -> None:
        """Note what pydantic found; ``prefix`` is where the model's own keys begin.

        The value itself is never shown, for it may be a secret.
        """
        for one in error.errors(include_url=False, include_context=False, include_input=True):
            path, message = _in_words(one, model)
            self.add((*prefix, *path), message)

    def __bool__(self) -> bool:
        return bool(self._found)

    def error(self) -> ConfigurationError:
        """Return one error for all of them."""
        ordered = sorted(self._found.items())
        (_, first), where = ordered[0]
        rest = "".join(f"\n{place}: {message}" for (_, message), place in ordered[1:])
        return ConfigurationError(first + rest, where=where)

    def raise_if_any(self) -> None:
        """Raise the error if there is anything to tell."""
        if self:
            raise self.error()


def _in_words(error: ErrorDetails, model: type[BaseModel]) -> tuple[Path_, str]:
    """Return where a problem stands and what it is."""
    path = tuple(step for step in error["loc"] if step != "[key]")
    kind, last = error["type"], path[-1] if path else ""
    if kind == "extra_forbidden":
        return path, f"There is no key '{last}' here.{meant(str(last), known_keys(model, path[:-1]))}"
    if kind == "missing":
        about = _description(model, path)
        return path[:-1], f"The key '{last}' is missing{': ' + about if about else ''}."
    if error["input"] is None:
        return path, f"'{last}' has no value."
    if kind in {"value_error", "assertion_error"}:
        said = error["msg"].partition(", ")[2]
        end = "" if said.endswith((".", "?")) else "."
        return path, f"'{last}': {said}{end}" if path else f"{said[:1].upper()}{said[1:]}{end}"
    words = _WORDS.get(kind) or error["msg"].replace("Input should be", "is meant to be", 1)
    return path, f"'{last}' {words}." if words.startswith("is ") else f"'{last}': {words}."


def known_keys(model: type[BaseModel], path: Path_) -> list[str]:
    """Return the keys that a model knows at a path, as they are written."""
    found = _models(model, path)
    return [field.alias or name for one in found for name, field in one.model_fields.items()]


def _description(model: type[BaseModel], path: Path_) -> str:
    for one in _models(model, path[:-1]):
        for name, field in one.model_fields.items():
            if path[-1] in (name, field.alias):
                return field.description or ""
    return ""


def _models(model: type[BaseModel], path: Path_) -> list[type[BaseModel]]:
    """Return the models that may stand at a path; steps that are no fields are keys of a table or a list."""
    current: list[type[BaseModel]] = [model]
    tables: list[Any] = []
    for step in path:
        inner: list[Any] = list(tables)
        for one in current:
            for name, field in one.model_fields.items():
                if step in (name, field.alias):
                    inner.append(field.annotation)
        leaves = [leaf for annotation in inner for leaf in _leaves(annotation)]
        current = [leaf for leaf in leaves if isinstance(leaf, type) and issubclass(leaf, BaseModel)]
        tables = [argument for leaf in leaves for argument in _elements(leaf)]
    return current


def _leaves(annotation: Any) -> Iterable[Any]:
    """The alternatives of an annotation, with what is only about it taken off."""
    if get_origin(annotation) in {Union, types.UnionType}:
        return [leaf for argument in get_args(annotation) for leaf in _leaves(argument)]
    if hasattr(annotation, "__metadata__"):
        return _leaves(get_args(annotation)[0])
    return [annotation]


def _elements(annotation: Any) -> list[Any]:
    """What a table's values or a list's elements are."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is dict:
        return [arguments[1]]
    return [arguments[0]] if origin in {list, tuple, set, frozenset} and arguments else []
