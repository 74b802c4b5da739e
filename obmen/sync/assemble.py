"""From a project's settings to flows that run: connectors are made, mappings are compiled, needs are matched.

What cannot work is refused here, before anything is read: a target that demands beside each record another
one that no flow brings, or records that refer to others that no flow reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from zoneinfo import ZoneInfo

from obmen.clock import Clock
from obmen.connector import Connector
from obmen.entities import ENTITIES
from obmen.errors import ConfigurationError
from obmen.mapping import BoundMapping, Context, Mapping
from obmen.mapping.rules import Only
from obmen.project import FlowSettings, Project
from obmen.rules.allocation import Allocation
from obmen.state import Ledger
from obmen.state.budgets import SharedBudgets
from obmen.state.memory import LedgerMemory
from obmen.sync.flow import Companion, Flow, Selling, Target

DEFAULT_ZONE = "Europe/Moscow"


class Assembly:
    """A project's connectors and flows, made once; close it to let go of connections.

    ``ledger``: where connectors keep what they must know again after a restart, and what is left of the budgets that
    all processes share. ``beside``: another assembly of the
    same project in this process, with which the budgets of every account are shared.
    """

    def __init__(
        self,
        project: Project,
        *,
        clock: Clock | None = None,
        ledger: Ledger | None = None,
        beside: Assembly | None = None,
    ) -> None:
        self.project = project
        self.connectors: dict[str, Connector] = {
            name: settings.connector(name, settings.options, clock=clock)
            for name, settings in project.connections.items()
        }
        self._beside: list[Connector] = []
        if ledger is not None:
            for connector in self.connectors.values():
                equip(connector, ledger)
        if beside is not None:
            for name, connector in self.connectors.items():
                connector.http.budgets = beside.connectors[name].http.budgets
        self._loaded: dict[tuple[str, str, str], Mapping] = {}
        self._bound: dict[tuple[str, str, str, Only], BoundMapping] = {}
        settings = project.ordered_flows()
        self._selling = Selling()
        self.flows: tuple[Flow, ...] = tuple(self._flow(one, settings) for one in settings)
        for flow in self.flows:
            if flow.reckoned:
                self._selling.add(flow)

    def close(self) -> None:
        """Close every connector."""
        for connector in (*self.connectors.values(), *self._beside):
            connector.close()

    def __enter__(self) -> Assembly:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def mapping(
        self, connection: str, entity: str, only: Only = None, flow: FlowSettings | None = None
    ) -> BoundMapping:
        """Return a connection's mapping of an entity, compiled for one direction; a flow may have its own."""
        own = flow.name if flow is not None and connection in flow.mappings else ""
        name = (connection, entity, own, only)
        if name not in self._bound:
            mapping = self._loaded.get(name[:3]) or self.project.mapping(connection, entity, flow)
            self._loaded[name[:3]] = mapping
            options = self.project.connections[connection].options.model_dump(mode="python")
            self._bound[name] = mapping.bind(Context(connection, options, self.zone(connection)), only)
        return self._bound[name]

    def zone(self, connection: str) -> ZoneInfo:
        """Return the zone in which a connection's days begin."""
        return ZoneInfo(str(getattr(self.project.connections[connection].options, "timezone", "") or DEFAULT_ZONE))

    def beside(self, connection: str) -> Connector:
        """Return one more connector of a connection, for another thread; both keep to the same budgets."""
        settings, first = self.project.connections[connection], self.connectors[connection]
        made = settings.connector(connection, settings.options, clock=first.clock)
        self._beside.append(made)
        made.memory, made.http.budgets = first.memory, first.http.budgets
        made.http.listener = first.http.listener
        return made

    def _target(self, name: str, settings: FlowSettings) -> Target:
        connector = self.connectors[name]
        back = None
        if settings.entity in connector.lookups or settings.entity in connector.readers:
            with suppress(ConfigurationError):  # it cannot be read back, which only those ask for who compare
                back = self.mapping(name, settings.entity, "pull", settings)
        return Target(name, connector, self.mapping(name, settings.entity, "push", settings), back)

    def _flow(self, settings: FlowSettings, others: Sequence[FlowSettings]) -> Flow:
        targets = tuple(self._target(name, settings) for name in settings.targets)
        pull = self.mapping(settings.source, settings.entity, "pull", settings)
        back = [other for other in others if other.entity == settings.entity and settings.source in other.targets]
        return Flow(
            name=settings.name,
            entity=ENTITIES[settings.entity],
            source=self.connectors[settings.source],
            pull=pull,
            targets=targets,
            where=settings.where,
            missing=settings.missing,
            guards=settings.guards,
            attempts=settings.attempts,
            full_every=settings.full.total_seconds(),
            echo=self.mapping(settings.source, settings.entity, "push", back[0]) if back else None,
            dependents=tuple(other.name for other in others if self._refers(other, settings)),
            companions=self._companions(settings, targets, others),
            stock_flows=_stock_flows(settings, others),
            where_line=settings.where_line,
            allocate=settings.allocate or _implied(settings, others),
            pricing=settings.pricing,
            selling=self._selling,
            keeps=_keeps(settings, others, self.project.money.cost),
            channels=frozenset(one.source for one in others if one.entity == "order"),
            orders_of=_orders_of(settings, others),
        )

    def _refers(self, other: FlowSettings, settings: FlowSettings) -> bool:
        """Whether the other flow's records name records of this one's entity, in the same source."""
        if other.source != settings.source or other is settings:
            return False
        return settings.entity in self.mapping(other.source, other.entity, "pull", other).refers

    def _companions(
        self, settings: FlowSettings, targets: Sequence[Target], others: Sequence[FlowSettings]
    ) -> dict[str, Companion]:
        found: dict[str, Companion] = {}
        for target in targets:
            for entity in sorted(target.mapping.needs):
                beside = [other for other in others if other.entity == entity and target.name in other.targets]
                if not beside:
                    message = (
                        f"{target.name} takes a {settings.entity} only together with its {entity}, but no flow brings "
                        f"{entity} there. Add one: {{ entity: {entity}, from: {settings.source}, to: {target.name} }}."
                    )
                    raise ConfigurationError(message, where=settings.where_line)
                found[entity] = Companion(beside[0].name, ENTITIES[entity], beside[0].where)
        return found


def equip(connector: Connector, ledger: Ledger) -> None:
    """Give a connector what it knows again after a restart, and the budgets that all processes share."""
    connector.memory = LedgerMemory(ledger, connector.name)
    connector.http.budgets = SharedBudgets(
        connector.http.transport.budgets, connector.clock, ledger, connector.account, connection=connector.name
    )


def _stock_flows(settings: FlowSettings, others: Sequence[FlowSettings]) -> dict[str, str]:
    if settings.entity not in {"order_status", "product"}:
        return {}
    return {target: one.name for one in others if one.entity == "stock" for target in one.targets}


def _orders_of(settings: FlowSettings, others: Sequence[FlowSettings]) -> frozenset[str] | None:
    """Return the channels whose orders a flow's source may come to have; None where a flow reads there whatever is."""
    orders = [one for one in others if one.entity == "order"]
    named = {*settings.targets, *(one.source for one in orders if settings.source in one.targets)}
    for one in orders:
        if one.source == settings.source:
            if "channel" not in one.where:
                return None
            named.add(one.where["channel"])
    return frozenset(named)


def _implied(settings: FlowSettings, others: Sequence[FlowSettings]) -> Allocation | None:
    """Return the rules of a stock flow that has none of its own: an order in one channel lowers all at once."""
    sold = any(one.entity == "order" and settings.source in one.targets for one in others)
    return Allocation(version=b"") if settings.entity == "stock" and sold else None


def _keeps(settings: FlowSettings, others: Sequence[FlowSettings], cost: str | None) -> bool:
    """Whether what a flow reads is kept for others: goods for the rules of prices, a price type as what goods cost."""
    if settings.entity == "price":
        return cost is not None and settings.where.get("price_type", cost) == cost
    if settings.entity != "product":
        return False
    priced = (one.pricing for one in others if one.source == settings.source and one.pricing is not None)
    return any(pricing.needs_product for pricing in priced)
