"""Loading a project: YAML, variables, validation, and the checks across its parts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from obmen.connector import Connector
from obmen.connector import connectors as installed_connectors
from obmen.errors import ConfigurationError, meant
from obmen.http.redact import Redactor
from obmen.mapping.yaml import Document, read_yaml
from obmen.project.alerts import AlertsModel, check_alerts
from obmen.project.checks import check_flows
from obmen.project.environment import Filler, read_env
from obmen.project.model import FlowModel, ProjectModel
from obmen.project.money_model import check_money
from obmen.project.problems import Problems
from obmen.project.rules_files import Files
from obmen.project.service import ServiceModel, check_webhooks
from obmen.project.settings import ConnectionSettings, FlowSettings, Project, Schedule, default_state
from obmen.project.verify_model import verify_of
from obmen.rules.guards import DEFAULT_GUARDS, Guards

FILE = "obmen.yaml"
USUAL_EVERY = {
    "order": timedelta(minutes=1),
    "order_status": timedelta(minutes=1),
    "stock": timedelta(minutes=2),
    "price": timedelta(minutes=10),
}
"""How often the service runs a flow that does not say it."""
_OTHERS_EVERY = timedelta(minutes=30)
_POSTGRES = "postgresql+psycopg://"
_SQLITE = "sqlite:///"


def load_project(
    path: Path,
    *,
    connectors: Mapping[str, type[Connector]] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Project:
    """Read a project: its file, or the folder with its ``obmen.yaml``.

    ``connectors``: name → class, the installed ones unless given. ``environment``: the variables, this
    process's unless given; a ``.env`` file beside the project fills in what they lack. Raises
    ConfigurationError that names every problem found, each with its line; secrets are never shown.
    """
    file = path / FILE if path.is_dir() else path
    if not file.is_file():
        message = f"There is no project file {file}. Make one with 'obmen init', or name another folder."
        raise ConfigurationError(message)
    document = read_yaml(file)
    problems = Problems(document)
    variables = {**read_env(file.parent), **(os.environ if environment is None else environment)}
    filler = Filler(document, variables, problems)
    data = filler.fill(document.data if document.data is not None else {})
    problems.raise_if_any()
    known = installed_connectors() if connectors is None else connectors
    problems.redact = Redactor([*filler.used, *_secret_texts(data, known)])
    return _build(document, data, known, problems)


def _build(document: Document, data: Any, known: Mapping[str, type[Connector]], problems: Problems) -> Project:
    if not isinstance(data, dict):
        problems.add((), "A project has the keys connections and flows.")
        raise problems.error()
    _refuse_later_words(data, problems)
    file = Path(document.name)
    folder = file.parent.absolute()
    files = Files(folder)
    model = None
    try:
        model = ProjectModel.model_validate(data, context=files)
    except ValidationError as error:
        problems.add_invalid(error, ProjectModel)
    connections = {
        name: connection
        for name, block in _blocks(data.get("connections"))
        if (connection := _connection(name, block, known, document, problems)) is not None
    }
    if model is None or problems:
        raise problems.error()
    flows = {name: _flow(name, flow, document, folder) for name, flow in model.flows.items()}
    state = _state(model.state, folder, problems)
    check_flows(flows, connections, known, problems)
    check_alerts(model.alerts, flows, connections, problems)
    check_money(model.money, connections, problems)
    sources = {flow.name: flow.source for flow in flows.values()}
    check_webhooks(model.service, sources, connections, problems)
    problems.raise_if_any()
    return Project(
        file=file,
        state_url=state,
        connections=connections,
        flows=flows,
        service=model.service,
        alerts=model.alerts,
        money=model.money,
        files=tuple(files.read),
    )


def _refuse_later_words(data: dict[Any, Any], problems: Problems) -> None:
    for name, flow in _blocks(data.get("flows")):
        if "between" in flow:
            problems.add(
                ("flows", name, "between"),
                "Two-way flows (between:) come in a later version. Until then write from: and to:.",
            )
    problems.raise_if_any()


def _blocks(value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, block in value.items() if isinstance(value, dict) else ():
        if isinstance(name, str) and isinstance(block, dict):
            yield name, block


def _connection(
    name: str,
    block: dict[str, Any],
    known: Mapping[str, type[Connector]],
    document: Document,
    problems: Problems,
) -> ConnectionSettings | None:
    at = ("connections", name)
    kind = block.get("connector")
    if not isinstance(kind, str):
        problems.add(at, f"The key 'connector' is missing in '{name}'.{meant('', known)}")
        return None
    if kind not in known:
        problems.add((*at, "connector"), f"There is no connector '{kind}'.{meant(kind, known)}")
        return None
    connector = known[kind]
    rest = {key: value for key, value in block.items() if key != "connector"}
    try:
        options = connector.options_model.model_validate(rest)
    except ValidationError as error:
        problems.add_invalid(error, connector.options_model, at)
        return None
    folder = Path(document.name).parent.absolute()
    return ConnectionSettings(
        name=name,
        kind=kind,
        connector=connector,
        options=_with_paths_from(folder, options),
        line=document.lines[at],
        lines=_lines(document, at),
    )


def _flow(name: str, flow: FlowModel, document: Document, folder: Path) -> FlowSettings:
    at = ("flows", name)
    usual = DEFAULT_GUARDS.get(flow.entity, Guards())
    given = flow.guards.model_fields_set
    guards = {
        guard: getattr(flow.guards if guard in given else usual, guard) for guard in type(flow.guards).model_fields
    }
    return FlowSettings(
        name=name,
        entity=flow.entity,
        source=flow.source,
        targets=flow.to,
        where=flow.where,
        missing=flow.missing,
        guards=Guards(**guards),
        schedule=_schedule(flow),
        attempts=flow.attempts,
        full=flow.full,
        mappings={connection: folder / path for connection, path in flow.mappings.items()},
        line=document.lines[at],
        where_line=document.where(*at, "where"),
        lines=_lines(document, at),
        allocate=flow.allocate.rules() if flow.allocate else None,
        pricing=flow.pricing.pricing() if flow.pricing else None,
        verify=verify_of(flow.entity, flow.verify),
    )


def _schedule(flow: FlowModel) -> Schedule:
    every = flow.every
    if "every" not in flow.model_fields_set and flow.cron is None:
        every = USUAL_EVERY.get(flow.entity, _OTHERS_EVERY)
    return Schedule(every, flow.cron, flow.jitter or timedelta(0), flow.quiet)


def state_url(url: str, folder: Path) -> str:
    """Return a state's address as SQLAlchemy takes it; a relative path starts from the project's folder."""
    for short in ("postgres://", "postgresql://"):
        if url.startswith(short):
            return _POSTGRES + url.removeprefix(short)
    if url.startswith(_SQLITE) and url != _SQLITE:
        return _SQLITE + (folder / url.removeprefix(_SQLITE)).as_posix()
    return url


def _state(url: str | None, folder: Path, problems: Problems) -> str:
    if url is None:
        return default_state(folder)
    found = state_url(url, folder)
    if found == _SQLITE or not found.startswith((_POSTGRES, _SQLITE)):
        problems.add(("state",), "'state' is sqlite:///path or postgresql+psycopg://user:password@host/name.")
    return found


def _lines(document: Document, at: tuple[Any, ...]) -> dict[str, int]:
    inside = {path[len(at) :]: line for path, line in document.lines.items() if path[: len(at)] == at}
    return {".".join(str(step) for step in path): line for path, line in inside.items() if path}


def _with_paths_from(folder: Path, value: Any) -> Any:
    """Return the options with every relative path starting from the project's folder."""
    if isinstance(value, Path):
        return folder / value.expanduser()
    if isinstance(value, BaseModel):
        fields = {name: getattr(value, name) for name in type(value).model_fields}
        changed = {name: _with_paths_from(folder, item) for name, item in fields.items()}
        moved = {name: item for name, item in changed.items() if item is not fields[name]}
        return value.model_copy(update=moved) if moved else value
    if isinstance(value, dict):
        return {key: _with_paths_from(folder, item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_with_paths_from(folder, item) for item in value)
    return value


def _secret_texts(data: Any, known: Mapping[str, type[Connector]]) -> Iterator[str]:
    """Yield the texts of secret options that stand in the project itself, so that they can be masked."""
    for _, block in _blocks(data.get("connections") if isinstance(data, dict) else None):
        connector = known.get(str(block.get("connector")))
        if connector is not None:
            yield from _secrets_of(connector.options_model, block)
    yield from _secrets_of(AlertsModel, data.get("alerts") if isinstance(data, dict) else None)
    yield from _secrets_of(ServiceModel, data.get("service") if isinstance(data, dict) else None)


def _secrets_of(model: type[BaseModel], data: Any) -> Iterator[str]:
    for name, field in model.model_fields.items():
        value = data.get(field.alias or name) if isinstance(data, dict) else None
        if "SecretStr" in str(field.annotation):
            yield from _texts(value)
            continue
        for inner in (field.annotation, *get_args(field.annotation)):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                table = value if get_origin(field.annotation) is dict and isinstance(value, dict) else {"": value}
                for one in table.values():
                    yield from _secrets_of(inner, one)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
    elif value is not None:
        yield str(value)
