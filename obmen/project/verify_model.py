"""What may stand under ``verify:`` of a flow: when what a target shows is compared with what it was told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from obmen.connector import Connector
from obmen.entities import ENTITIES
from obmen.project.notation import OnOff
from obmen.project.problems import Problems
from obmen.project.times import Duration, Often

if TYPE_CHECKING:
    from obmen.project.settings import ConnectionSettings, FlowSettings

_SOONEST = timedelta(seconds=30)
_USUAL = frozenset({"price", "stock"})


def _block(value: Any) -> Any:
    if value in ("off", False):
        return {"after": "off"}
    if not isinstance(value, dict):
        raise ValueError("it is a block such as { after: 5m, every: 1d }, or off")  # noqa: TRY004 - as above
    return value


def _or_off(schema: dict[str, Any]) -> None:
    schema["anyOf"].append({"const": "off"})


def _soon(value: timedelta | None) -> timedelta | None:
    if value is not None and value < _SOONEST:
        raise ValueError("a system needs 30s at least to show what it took")
    return value


class VerifyModel(BaseModel):
    """When what a target shows is compared with what it was told, and what becomes of what differs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: Annotated[Often, AfterValidator(_soon)] = Field(
        default=timedelta(minutes=5),
        description="how long after it was written a record is asked back; 30s at least; off: not at all",
    )
    every: Duration | None = Field(
        default=None, description="how often both sides are read whole and compared, such as 1d; never by default"
    )
    repair: OnOff = Field(
        default=True, description="whether what was not kept is sent again; off: it is only counted and told"
    )
    leave: OnOff = Field(
        default=False,
        description="whether prices are taken out of the promotions that changed them, where the system has a call "
        "for it (Ozon); off: somebody is only told",
    )


Verifying = Annotated[VerifyModel | None, BeforeValidator(_block), Field(json_schema_extra=_or_off)]


@dataclass(frozen=True, slots=True)
class Verify:
    """``after``: how long what was written settles before it is asked back; None: it is not.

    ``every``: how often both sides are compared whole; None: only when somebody asks. ``asked``: the project says so,
    rather than the entity's usual habit.
    """

    after: timedelta | None = None
    every: timedelta | None = None
    repair: bool = True
    leave: bool = False
    asked: bool = False


def verify_of(entity: str, model: VerifyModel | None) -> Verify:
    """Return when a flow is checked: prices and stock soon after they were written, all else where it is asked for."""
    if model is None:
        usual = VerifyModel()
        return Verify(after=usual.after) if entity in _USUAL else Verify()
    if model.after is None and model.every is None:
        return Verify()
    return Verify(model.after, model.every, model.repair, model.leave, asked=True)


def check_verify(flow: FlowSettings, connections: Mapping[str, ConnectionSettings], problems: Problems) -> None:
    """Note what of a flow's checks nobody can do."""
    if not flow.verify.asked:
        return
    at, entity = ("flows", flow.name, "verify"), ENTITIES[flow.entity]
    if entity.history or (entity.fact and not entity.identity):
        message = f"A {flow.entity} is a step: each system goes on from it by itself, so it is not compared."
        problems.add(at, message)
        return
    known = [connections[name].connector for name in flow.targets if name in connections]
    for connector in known:
        reader = connector.readers.get(flow.entity)
        if flow.entity not in connector.lookups and not (reader is not None and reader.complete):
            problems.add(at, f"{connector.title} cannot be asked what it holds of a {flow.entity}.")
    if flow.verify.leave and not any(one.leave is not Connector.leave for one in known):
        message = "None of this flow's targets has a call by which a price leaves a promotion."
        problems.add((*at, "leave"), message)
    elif flow.verify.leave and flow.entity != "price":
        problems.add((*at, "leave"), "Only prices leave promotions.")
