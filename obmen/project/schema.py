"""The JSON Schema of a project, so that an editor completes and checks it while it is being written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from obmen.connector import Connector
from obmen.connector import connectors as installed_connectors
from obmen.project.model import ProjectModel

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PLAIN = {"integer", "number", "boolean"}
_VARIABLE = {"type": "string", "pattern": r"\$\{"}

Schema = dict[str, Any]


def project_schema(connectors: Mapping[str, type[Connector]] | None = None) -> Schema:
    """Return the schema of ``obmen.yaml`` with each connector's options; the installed ones unless given."""
    known = installed_connectors() if connectors is None else connectors
    schema: Schema = _tidy(ProjectModel.model_json_schema(by_alias=True))
    definitions = schema["$defs"]
    branches = []
    for name, connector in sorted(known.items()):
        options = _tidy(connector.options_model.model_json_schema(ref_template=f"#/$defs/{name}.{{model}}"))
        inner = options.pop("$defs", {})
        definitions.update({f"{name}.{model}": definition for model, definition in inner.items()})
        properties = {"connector": {"const": name}, **options.get("properties", {})}
        definitions[name] = {**options, "title": connector.title or name, "properties": properties}
        chosen = {"properties": {"connector": {"const": name}}, "required": ["connector"]}
        branches.append({"if": chosen, "then": {"$ref": f"#/$defs/{name}"}})
    definitions["Connection"] = {
        "type": "object",
        "required": ["connector"],
        "properties": {"connector": {"enum": sorted(known), "description": "the system"}},
        "allOf": branches,
    }
    schema["properties"]["connections"]["additionalProperties"] = {"$ref": "#/$defs/Connection"}
    return {"$schema": _DIALECT, "title": "obmen.yaml", **schema}


def _tidy(schema: Any) -> Any:
    """Return the schema without what tells an editor nothing, and with variables allowed.

    ``${NAME}`` is a text, so it is allowed beside whatever is to be a number, true or false.
    """
    if isinstance(schema, list):
        return [_tidy(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {
        key: value if key == "default" else _tidy(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str)) and not (key == "default" and value is None)
    }
    if kept.get("type") not in _PLAIN:
        return kept
    about = {key: kept.pop(key) for key in ("description", "default") if key in kept}
    return {**about, "anyOf": [kept, dict(_VARIABLE)]}
