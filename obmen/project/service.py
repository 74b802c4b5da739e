"""What may stand under ``service:`` in ``obmen.yaml``: how Obmen runs for a year by itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, WithJsonSchema

from obmen.errors import meant
from obmen.project.problems import Problems
from obmen.project.times import Duration, Zone

_ADDRESS = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+)):(\d{1,5})")
_LARGEST_PORT = 65535
_HASH = re.compile(r"\$argon2(?:id|i|d)\$v=\d+\$[\w+/=,$]+")
_SHORTEST_SECRET = 16
Role = Literal["look", "operate"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Address(_Model):
    """Where to listen."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _address(value: Any) -> Any:
    if value == "off":
        return None
    if isinstance(value, Address):
        return value
    matched = _ADDRESS.fullmatch(value) if isinstance(value, str) else None
    if matched is None or int(matched[3]) > _LARGEST_PORT:
        raise ValueError("an address is written as 127.0.0.1:8080; 'off' listens nowhere")
    return Address(host=matched[1] or matched[2], port=int(matched[3]))


Listen = Annotated[
    Address | None,
    BeforeValidator(_address),
    WithJsonSchema({"type": "string", "examples": ["127.0.0.1:8080", "off"]}),
]


def _hashed(value: str) -> str:
    if _HASH.fullmatch(value) is None:
        raise ValueError("this is no hash of a password: make one with 'obmen page password'")
    return value


class UserModel(_Model):
    """Somebody who may open the page."""

    password: Annotated[str, AfterValidator(_hashed)] = Field(
        description="its hash, as 'obmen page password' prints it; never the password itself", repr=False
    )
    role: Role = Field(default="look", description="look sees everything; operate may also run, replay, release")


class ProxyModel(_Model):
    """A web server in front of the page that has already asked who it is."""

    user_header: str = Field(default="X-Remote-User", description="the header in which it names the user")
    from_addresses: tuple[str, ...] = Field(
        default=("127.0.0.1", "::1"), alias="from", description="the addresses from which that header is believed"
    )
    operators: tuple[str, ...] = Field(default=(), description="the users who may operate; all others look")


class PageModel(_Model):
    """The web page."""

    address: Listen = Field(
        default=Address(host="127.0.0.1", port=8080),
        description="where it listens; off: nowhere. It is made for this machine: let a web server with https stand "
        "before it for others",
        validate_default=False,
    )
    users: dict[str, UserModel] = Field(default_factory=dict, description="name: a user, with a password's hash")
    proxy: ProxyModel | None = Field(default=None, description="a web server before it that says who the user is")
    secure: bool = Field(
        default=False, description="true where people reach it by https, so that cookies never go without"
    )
    hosts: tuple[Annotated[str, AfterValidator(str.lower)], ...] = Field(
        default=(),
        description="the names under which people reach it, besides this machine's own, such as obmen.example",
    )


def _sendable(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if len(text) < _SHORTEST_SECRET or not all("!" <= sign <= "~" for sign in text):
        raise ValueError(f"a secret has {_SHORTEST_SECRET} Latin letters, digits and signs at least, and no spaces")
    return value


class WakeModel(_Model):
    """A connection's system may say that something changed: its flows then run at once."""

    secret: Annotated[SecretStr, AfterValidator(_sendable)] = Field(
        description="what a caller proves that it knows, 16 characters at least"
    )
    flows: tuple[str, ...] = Field(
        default=(), description="the flows that it wakes; by default all that read from the connection"
    )


OFF = "off"


def collector(value: str) -> str:
    """Return the address of a collector of traces, or ``OFF``; raises ValueError for what is neither."""
    if value == OFF:
        return value
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and parts.hostname and not parts.query
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("a collector's address is written as http://127.0.0.1:4318; 'off' sends no traces")
    if parts.username or parts.password:
        raise ValueError("a collector's key stands in the variable OTEL_EXPORTER_OTLP_HEADERS, not in its address")
    return value


class ServiceModel(_Model):
    """How Obmen runs as a service: obmen run."""

    timezone: Zone = Field(default="Europe/Moscow", description="the zone of cron times and quiet hours")
    page: PageModel = Field(default_factory=PageModel)
    endpoints: Listen = Field(
        default=Address(host="127.0.0.1", port=8090),
        description="where systems that call by themselves are answered; off: nowhere",
        validate_default=False,
    )
    webhooks: dict[str, WakeModel] = Field(
        default_factory=dict,
        description="connection: its system may call /<connection>/wake at the endpoints' address to have its flows "
        "run now",
    )
    tracing: Annotated[str, AfterValidator(collector)] | None = Field(
        default=None,
        description="the collector to which traces of runs go by OTLP over HTTP, such as http://127.0.0.1:4318; off: "
        "none. Without it the variables OTEL_* of the environment say it, if they do",
    )
    stop_within: Duration = Field(
        default=timedelta(seconds=60),
        description="how long what is under way may go on once the service is told to stop",
    )
    keep_runs: Duration = Field(
        default=timedelta(days=90),
        description="how long finished runs and closed quarantine entries are remembered",
    )


def check_webhooks(
    service: ServiceModel, sources: Mapping[str, str], connections: Mapping[str, Any], problems: Problems
) -> None:
    """Note what webhooks name and the project has not. ``sources``: flow → the connection that it reads from."""
    for name, webhook in service.webhooks.items():
        at = ("service", "webhooks", name)
        own = [flow for flow, source in sources.items() if source == name]
        if name not in connections:
            problems.add(at, f"There is no connection '{name}'.{meant(name, connections)}")
            continue
        if not own:
            problems.add(at, f"No flow reads from '{name}', so there is nothing to wake.")
        for place, flow in enumerate(webhook.flows):
            if flow not in sources:
                problems.add((*at, "flows", place), f"There is no flow '{flow}'.{meant(flow, own)}")
            elif flow not in own:
                problems.add((*at, "flows", place), f"'{flow}' reads from '{sources[flow]}', not from '{name}'.")
