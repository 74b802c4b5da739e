"""What may stand under ``alerts:`` in ``obmen.yaml``: who is told of trouble, and what counts as trouble.

One channel is enough: the rules have defaults with which nobody is woken for nothing and nothing is missed for long.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import time, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, WithJsonSchema

from obmen.entities import ENTITIES
from obmen.errors import meant
from obmen.project.notation import listed
from obmen.project.problems import Problems
from obmen.project.times import Duration, Hours, Often, Within

Language = Literal["ru", "en"]
USUAL_UNSENT = {
    "order": timedelta(minutes=30),
    "stock": timedelta(minutes=15),
    "price": timedelta(minutes=30),
    "order_status": timedelta(minutes=30),
}
USUAL_UNSENT_ELSE = timedelta(hours=6)
"""Entity → how long one may wait on its way before somebody is told, where the project does not say it; or else."""
_CHANNELS = ("telegram", "email", "webhook")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _web(value: str) -> str:
    if not value.startswith(("https://", "http://")):
        raise ValueError("an address begins with https://")
    return value.rstrip("/")


def _known(value: str) -> str:
    if value not in ENTITIES:
        raise ValueError(f"there is no entity '{value}'.{meant(value, ENTITIES)}")
    return value


def _fact(value: str) -> str:
    facts = sorted(name for name, entity in ENTITIES.items() if entity.fact)
    if value not in facts:
        raise ValueError(f"silence can be noticed of what happens: {', '.join(facts)}")
    return value


def _count(value: Any) -> Any:
    return None if value == "off" else value


Web = Annotated[str, AfterValidator(_web), WithJsonSchema({"type": "string", "examples": ["https://example.com"]})]
Addresses = Annotated[
    tuple[str, ...],
    BeforeValidator(listed),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
Entity = Annotated[str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": sorted(ENTITIES)})]
Happening = Annotated[
    str,
    AfterValidator(_fact),
    WithJsonSchema({"type": "string", "enum": sorted(name for name, one in ENTITIES.items() if one.fact)}),
]
Count = Annotated[
    Annotated[int, Field(ge=1)] | None,
    BeforeValidator(_count),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"const": "off"}]}),
]


class TelegramModel(_Model):
    """Messages of a Telegram bot."""

    token: SecretStr = Field(description="the bot's token, as BotFather gives it")
    chat: Annotated[str, BeforeValidator(_text), Field(min_length=1)] = Field(
        description="the chat's id (a group's begins with -), or @name of a channel; the bot must be a member"
    )
    url: Web = Field(
        default="https://api.telegram.org", description="where the Bot API is reached, if not at Telegram itself"
    )


class EmailModel(_Model):
    """Messages by e-mail."""

    host: str = Field(description="the mail server")
    port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        default=None, description="its port; by default 587, with tls: tls 465, without tls 25"
    )
    tls: Literal["starttls", "tls", "off"] = Field(
        default="starttls", description="how the connection is protected; off only within one's own network"
    )
    user: str | None = Field(default=None, description="the login, where the server asks for one")
    password: SecretStr | None = Field(default=None, description="its password")
    sender: str = Field(alias="from", description="the sender's address")
    to: Addresses = Field(min_length=1, description="the address that is told, or a list of them")


class WebhookModel(_Model):
    """Messages as JSON to an address of one's own."""

    url: Web = Field(description="where they are posted to")
    secret: SecretStr | None = Field(default=None, description="sent along in a header, so that it can be checked")
    header: str = Field(default="X-Obmen-Secret", description="the header's name")


class SilenceModel(_Model):
    """Nothing happens for too long where something should: no orders from a channel by day."""

    entity: Happening = Field(default="order", description="of what nothing comes")
    connection: str = Field(description="from where nothing comes")
    longest: Duration = Field(alias="for", description="for how long, counted within the hours alone")
    hours: Within = Field(
        default=Hours(time(9), time(21)),
        description="the part of the day that counts, such as '09:00-21:00', in the service's time zone",
        validate_default=False,
    )


class DeadlineModel(_Model):
    """How long before an order must be handed over somebody is told that it is not assembled."""

    warning: Duration = Field(default=timedelta(hours=2), description="how long before there is a warning")
    critical: Duration = Field(default=timedelta(minutes=30), description="how long before it becomes critical")


class RulesModel(_Model):
    """What counts as trouble."""

    failed: Count = Field(default=3, description="a flow failed so many times in a row; off")
    down: bool = Field(default=True, description="a connection is left in peace because it does not answer")
    denied: bool = Field(default=True, description="a key was refused")
    expires: Often = Field(
        default=timedelta(days=14), description="a key ends within so long, where that is known; off"
    )
    late: dict[str, Often] = Field(
        default_factory=dict,
        description="flow: how old what was read may get before somebody is told; by default three times its every:, "
        "15m at least, or two cron times; off",
    )
    unsent: dict[Entity, Often] = Field(
        default_factory=dict,
        description="entity: how long one may be on its way; by default order: 30m (an order that 1C has no number "
        "for), stock: 15m, price: 30m, order_status: 30m, all else 6h; off",
    )
    quarantine: Count = Field(default=5, description="so many records were set aside for one cause; off")
    promotion: bool = Field(default=True, description="a promotion makes buyers pay another price than was set")
    held: bool = Field(default=True, description="a guard holds changes until somebody decides")
    emptied: bool = Field(default=True, description="a source that had records gives none")
    project: bool = Field(default=True, description="a changed project is wrong and was not taken up")
    deadline: DeadlineModel = Field(default_factory=DeadlineModel)
    silence: tuple[SilenceModel, ...] = Field(default=(), description="where something should happen every so often")

    def may_be_unsent(self, entity: str) -> timedelta | None:
        """Return how long a record of an entity may be on its way; None if nobody minds."""
        return self.unsent[entity] if entity in self.unsent else USUAL_UNSENT.get(entity, USUAL_UNSENT_ELSE)


class AlertsModel(_Model):
    """Who is told of trouble, and what counts as trouble."""

    language: Language = Field(default="ru", description="the language of the messages")
    telegram: TelegramModel | None = None
    email: EmailModel | None = None
    webhook: WebhookModel | None = None
    per_hour: Annotated[int, Field(ge=2)] = Field(
        default=20, description="how many messages a channel gets in an hour at most; the last one sums up the rest"
    )
    rules: RulesModel = Field(default_factory=RulesModel)

    @property
    def channels(self) -> tuple[str, ...]:
        """The names of the channels that are set up."""
        return tuple(name for name in _CHANNELS if getattr(self, name) is not None)


def check_alerts(alerts: AlertsModel, flows: Iterable[str], connections: Mapping[str, Any], problems: Problems) -> None:
    """Note what the rules name and the project has not."""
    known = list(flows)
    for name in alerts.rules.late:
        if name not in known:
            problems.add(("alerts", "rules", "late", name), f"There is no flow '{name}'.{meant(name, known)}")
    for place, one in enumerate(alerts.rules.silence):
        if one.connection not in connections:
            problems.add(
                ("alerts", "rules", "silence", place, "connection"),
                f"There is no connection '{one.connection}'.{meant(one.connection, connections)}",
            )
    if alerts.rules.deadline.critical >= alerts.rules.deadline.warning:
        problems.add(("alerts", "rules", "deadline"), "'critical' is meant to be shorter than 'warning'.")
