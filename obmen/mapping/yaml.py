"""YAML with the line of everything in it, so that an error points instead of describing.

Prevents four failures of plain YAML loading: a second key that silently wins over the first, an article
``00123`` that silently becomes the number 123, a date that becomes an object, and an alias bomb.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.representer import RoundTripRepresenter

from obmen.errors import ConfigurationError

_TAG = "tag:yaml.org,2002:"
_MAX_BYTES = 1 << 20
_MAX_NODES = 50_000
_MAX_DEPTH = 40
_MAX_DIGITS = 60

Scalar = str | int | bool | Decimal | None


@dataclass(frozen=True)
class Document:
    """A YAML file as plain dicts, lists and scalars; a number with a fraction is a Decimal.

    ``lines`` holds the line (from 1) of every key and element by its path from the top.
    """

    name: str
    data: Any
    lines: dict[tuple[Any, ...], int] = field(default_factory=dict, repr=False)

    def where(self, *path: Any) -> str:
        """Return ``file:line`` of the key or element at ``path``, or of the nearest thing above it."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return f"{self.name}:{self.lines[path[:end]]}"
        return f"{self.name}:1"


def read_yaml(path: Path) -> Document:
    """Read a YAML file. Raises ConfigurationError with ``file:line``."""
    return parse_yaml(read_text(path), str(path))


def read_text(path: Path) -> str:
    """Return the text of a file. Raises ConfigurationError with ``file:line``."""
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        message = f"The file cannot be read: {reason}. Check its name and rights."
        raise ConfigurationError(message, where=str(path)) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = "The file is not UTF-8. Save it in that encoding."
        raise ConfigurationError(message, where=f"{path}:{line}") from error


def parse_yaml(text: str, name: str) -> Document:
    """Read YAML from a text; ``name`` stands for the file in errors. Raises ConfigurationError."""
    if len(text) > _MAX_BYTES:
        raise ConfigurationError("The file is larger than 1 MiB, which no settings file is.", where=name)
    try:
        node = YAML(typ="safe", pure=True).compose(text)  # "rt" would gather comments, which takes a third longer
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{min(mark.line, len(text.splitlines()) - 1) + 1}" if mark else name
        message = f"This is not YAML: {error.problem or error.context}."
        raise ConfigurationError(message, where=where) from error
    except YAMLError as error:
        raise ConfigurationError(f"This is not YAML: {_first_line(error)}.", where=name) from error
    except RecursionError as error:
        raise ConfigurationError("The YAML is nested too deeply.", where=name) from error
    builder = _Builder(name)
    return Document(name, None if node is None else builder.build(node, ()), builder.lines)


def write_yaml(data: Any) -> str:
    """Return YAML that ``parse_yaml`` reads back as the same data."""
    yaml = YAML(typ="rt", pure=True)
    yaml.width = 1 << 20
    yaml.allow_unicode = True
    yaml.Representer = _Representer
    out = io.StringIO()
    yaml.dump(data, out)
    return out.getvalue()


class _Builder:
    """Turns YAML nodes into plain data and notes their lines."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[tuple[Any, ...], int] = {}
        self.count = 0

    def build(self, node: Node, path: tuple[Any, ...]) -> Any:
        self.count += 1
        if self.count > _MAX_NODES or len(path) > _MAX_DEPTH:
            raise self.error("The file is too large or too deep once its aliases are written out.", node)
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: MappingNode, path: tuple[Any, ...]) -> dict[Scalar, Any]:
        built: dict[Scalar, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                raise self.error("A key must be a single word or value.", key_node)
            key = self._scalar(key_node)
            if key in built:
                first = self.lines[*path, key]
                raise self.error(f"'{key_node.value}' stands here twice (first in line {first}).", key_node)
            self.lines[*path, key] = key_node.start_mark.line + 1
            built[key] = self.build(value_node, (*path, key))
        return built

    def _scalar(self, node: Node) -> Scalar:
        text: str = node.value
        match str(node.tag).removeprefix(_TAG):
            case "str" | "timestamp" | "merge":
                return text
            case "null":
                return None
            case "bool" if text.lower() in ("true", "false"):
                return text.lower() == "true"
            case "int" if text.removeprefix("-").isdecimal() and text == str(_int(text)):
                return int(text)
            case "float" if text[-1].isdecimal() and "_" not in text and len(text) <= _MAX_DIGITS:
                return Decimal(text)
        raise self.error("This is neither a plain text nor a plain number. Put it in quotes.", node)

    def error(self, message: str, node: Node) -> ConfigurationError:
        return ConfigurationError(message, where=f"{self.name}:{node.start_mark.line + 1}")


def _int(text: str) -> int:
    return int(text[:_MAX_DIGITS])


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".")


class _Representer(RoundTripRepresenter):
    """Writes each scalar so that it is read back as what it was."""

    def decimal(self, value: Decimal) -> Node:
        text = str(value)
        return self._scalar("float", text if "." in text or "E" in text else f"{text}.0")

    def text(self, value: str) -> Node:
        return self._scalar("str", value, style=None if value.isprintable() else '"')

    def null(self, _value: None) -> Node:
        return self._scalar("null", "~")

    def _scalar(self, kind: str, text: str, style: str | None = None) -> Node:
        node: Node = self.represent_scalar(_TAG + kind, text, style=style)
        return node


_Representer.add_representer(Decimal, _Representer.decimal)
_Representer.add_representer(str, _Representer.text)
_Representer.add_representer(type(None), _Representer.null)
