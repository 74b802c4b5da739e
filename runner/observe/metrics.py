"""Metrics for Prometheus: read from the ledger and the pulse when they are asked for, at most every other second.

Labels are names of the project (flows, connections) and words of Obmen: never a record's key, never an address, so that
the number of series is bounded by the project and nothing personal can slip in.
"""

from __future__ import annotations

import json
import threading
from collections import Counter as Tally
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from obmen.state import Ledger, Transaction, alerts, quarantine, tables
from runner.observe.meter import Meter
from runner.observe.snapshot import FlowNow, Snapshot
from runner.observe.troubles import denied

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
STATUSES = ("done", "partial", "attention", "held", "emptied", "paused", "failed", "stopped")
COUNTED = ("read", "written")
OUTBOX = ("fresh", "pending", "sent", "accepted", "waiting", "held")
UNMAPPED = "unmapped"
"""The code of records with a word that no table has, such as a status that a marketplace invented."""
EVERY = 2.0
"""Seconds."""
_BACK = 1000
_FLOW = ("flow",)
_OPEN, _OPEN_HELP = "obmen_alerts_open", "Troubles that somebody was, or will be, told of."
_Sample = tuple[tuple[str, ...], float]
_R = tables.run.c


@dataclass(frozen=True, slots=True)
class Gauge:
    """A gauge: its name, help, labels, and what gives its samples."""

    name: str
    help: str
    labels: tuple[str, ...]
    samples: Callable[[Snapshot], Iterator[_Sample]]

    def family(self, now: Snapshot) -> Metric:
        """Return it with its samples."""
        family = GaugeMetricFamily(self.name, self.help, labels=self.labels)
        for labels, value in self.samples(now):
            family.add_metric(labels, value)
        return family


class RunCounter:
    """Counts runs that end, from when it is first asked, whichever process runs them: it follows the ledger's numbers.

    What it has counted does not fall when old runs are forgotten, and begins anew with the process, as counters may.
    """

    def __init__(self) -> None:
        self._mark: int | None = None
        self._open: set[int] = set()
        self.runs: Tally[tuple[str, str]] = Tally()
        self.records: Tally[tuple[str, str]] = Tally()

    def follow(self, tx: Transaction) -> None:
        """Take in what has ended since it was last asked."""
        if self._mark is None:
            self._mark = int(tx.rows(sa.select(sa.func.coalesce(sa.func.max(_R.id), 0)))[0][0])
            recent = sa.select(_R.id).where(_R.id > self._mark - _BACK, _R.status == "running")
            self._open = {row.id for row in tx.rows(recent)}
            return
        ended = sa.select(_R.id, _R.flow, _R.status, _R.counts)
        rows = [*tx.rows(ended.where(_R.id > self._mark).order_by(_R.id))]
        if self._open:
            rows += tx.rows(ended.where(_R.id.in_(sorted(self._open))))
        self._open = {row.id for row in rows if row.status == "running"}
        self._mark = max([self._mark, *(row.id for row in rows)])
        for row in rows:
            if row.status != "running":
                self.runs[row.flow, row.status] += 1
                for name, count in json.loads(row.counts).items():
                    if name in COUNTED:
                        self.records[row.flow, name] += count

    def families(self) -> Iterator[Metric]:
        """Yield the counters."""
        runs = CounterMetricFamily("obmen_runs", "Runs that ended.", labels=("flow", "status"))
        for (flow, status), count in sorted(self.runs.items()):
            runs.add_metric((flow, status), count)
        yield runs
        records = CounterMetricFamily("obmen_records", "Records read and written.", labels=("flow", "what"))
        for (flow, what), count in sorted(self.records.items()):
            records.add_metric((flow, what), count)
        yield records


class LedgerCollector(Collector):
    """Gives what the ledger and the pulse say at the moment."""

    def __init__(self, ledger: Ledger, look: Callable[[], Snapshot]) -> None:
        self._ledger, self._look = ledger, look
        self._counter = RunCounter()

    def describe(self) -> Iterator[Metric]:
        """Yield the families without samples, so that registering asks nothing."""
        for gauge in GAUGES:
            yield GaugeMetricFamily(gauge.name, gauge.help, labels=gauge.labels)
        yield from RunCounter().families()
        yield GaugeMetricFamily(_OPEN, _OPEN_HELP, labels=("level",))

    def collect(self) -> Iterator[Metric]:
        """Look, and yield everything."""
        now = self._look()
        with self._ledger.read() as tx:
            self._counter.follow(tx)
            levels = Tally(alert.level for alert in alerts.every(tx) if alert.over_at is None)
        for gauge in GAUGES:
            yield gauge.family(now)
        yield from self._counter.families()
        found = GaugeMetricFamily(_OPEN, _OPEN_HELP, labels=("level",))
        for level in ("warning", "critical"):
            found.add_metric((level,), levels[level])
        yield found


class Metrics:
    """What ``/metrics`` answers; asked more often than every other second, it says the same again."""

    def __init__(self, ledger: Ledger, look: Callable[[], Snapshot], meter: Meter | None = None) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(LedgerCollector(ledger, look))
        self._meter, self._clock = meter, ledger.clock
        self._lock = threading.Lock()
        self._kept: tuple[float, bytes] | None = None

    def text(self) -> bytes:
        """Return the metrics in Prometheus' text form. Raises StateError while the state cannot be read."""
        with self._lock:
            now = self._clock.monotonic()
            if self._kept is None or now - self._kept[0] >= EVERY:
                text = generate_latest(self._registry)
                if self._meter is not None:
                    text += generate_latest(self._meter.registry)
                self._kept = now, text
            return self._kept[1]


def _of_flows(
    samples: Callable[[FlowNow, Snapshot], Iterator[_Sample]],
) -> Callable[[Snapshot], Iterator[_Sample]]:
    """Return samples of all flows, the flow's name before each one's own labels."""

    def every(now: Snapshot) -> Iterator[_Sample]:
        for one in now.flows:
            for labels, value in samples(one, now):
                yield (one.flow.name, *labels), value

    return every


def _lag(one: FlowNow, now: Snapshot) -> Iterator[_Sample]:
    if one.read_at is not None:
        yield (), max(now.at - one.read_at, 0.0)


def _limit(one: FlowNow, _now: Snapshot) -> Iterator[_Sample]:
    if one.age is not None and one.age.limit is not None:
        yield (), one.age.limit


def _late(one: FlowNow, _now: Snapshot) -> Iterator[_Sample]:
    yield (), float(one.late)


def _status(one: FlowNow, _now: Snapshot) -> Iterator[_Sample]:
    if one.last is not None:
        yield from (((status,), float(status == one.last.status)) for status in STATUSES)


def _ended(one: FlowNow, _now: Snapshot) -> Iterator[_Sample]:
    if one.last is not None and one.last.ended_at is not None:
        yield (), one.last.ended_at


def _lasted(one: FlowNow, _now: Snapshot) -> Iterator[_Sample]:
    if one.last is not None and one.last.ended_at is not None:
        yield (), max(one.last.ended_at - one.last.started_at, 0.0)


def _brought(one: FlowNow, _now: Snapshot) -> Iterator[_Sample]:
    if one.last is not None:
        yield from (((name,), float(one.last.counts.get(name, 0))) for name in COUNTED)


def _failures(one: FlowNow, _now: Snapshot) -> Iterator[_Sample]:
    yield (), float(one.failures)


def _next(one: FlowNow, now: Snapshot) -> Iterator[_Sample]:
    if now.pulse is not None and now.beats and one.flow.name in now.pulse.next:
        yield (), now.pulse.next[one.flow.name]


def _outbox(one: FlowNow, _now: Snapshot) -> Iterator[_Sample]:
    for target in one.flow.targets:
        for state in OUTBOX:
            yield (target, state), float(one.outbox.get((target, state), 0))


def _oldest(one: FlowNow, now: Snapshot) -> Iterator[_Sample]:
    yield from (((target,), max(now.at - at, 0.0)) for target, at in one.oldest.items())


def _aside(one: FlowNow, _now: Snapshot) -> Iterator[_Sample]:
    counts: Tally[str] = Tally()
    for group in one.aside:
        counts[group.state] += group.count
    yield from (((state,), float(counts[state])) for state in quarantine.UNSETTLED)


def _unmapped(one: FlowNow, _now: Snapshot) -> Iterator[_Sample]:
    yield (), float(sum(group.count for group in one.aside if group.code == UNMAPPED))


def _drift(one: FlowNow, _now: Snapshot) -> Iterator[_Sample]:
    yield from (((target,), float(found.drift)) for target, found in one.compared.items())


def _drifted(one: FlowNow, _now: Snapshot) -> Iterator[_Sample]:
    yield from (((target,), float(found.drifted)) for target, found in one.compared.items())


def _compared(one: FlowNow, _now: Snapshot) -> Iterator[_Sample]:
    for target, found in one.compared.items():
        if found.at is not None:
            yield (target,), found.at


def _promoted(one: FlowNow, _now: Snapshot) -> Iterator[_Sample]:
    for target, found in one.compared.items():
        keys = {key for keys in found.promotions.values() for key in keys}
        if keys or one.flow.entity == "price":
            yield (target,), float(len(keys))


def _up(now: Snapshot) -> Iterator[_Sample]:
    yield (), float(now.beats)


def _since(now: Snapshot) -> Iterator[_Sample]:
    if now.pulse is not None and now.beats:
        yield (), now.pulse.since


def _refused(now: Snapshot) -> Iterator[_Sample]:
    yield (), float(now.pulse is not None and bool(now.pulse.refused))


def _down(now: Snapshot) -> Iterator[_Sample]:
    down = now.down()
    yield from (((name,), float(name in down)) for name in now.project.connections)


def _stood(now: Snapshot) -> Iterator[_Sample]:
    for one in now.stops:
        yield (one.connection, one.entity or "all", one.direction or "both"), max(now.at - one.at, 0.0)


def _busy(now: Snapshot) -> Iterator[_Sample]:
    longest: dict[tuple[str, ...], float] = {}
    for lane in now.pulse.lanes if now.pulse is not None and now.beats else ():
        seat = lane.connection, lane.pace
        longest[seat] = max(longest.get(seat, 0.0), lane.seconds)
    yield from longest.items()


def _denied(now: Snapshot) -> Iterator[_Sample]:
    refused = denied(now)
    yield from (((name,), float(name in refused)) for name in now.project.connections)


def _clock(now: Snapshot) -> Iterator[_Sample]:
    yield (), float(now.pulse is not None and now.beats and bool(now.pulse.clock))


GAUGES = (
    Gauge("obmen_up", "Whether the service lives: its pulse is fresh.", (), _up),
    Gauge("obmen_started_timestamp_seconds", "When the service began.", (), _since),
    Gauge("obmen_project_refused", "Whether a changed project is wrong and was not taken up.", (), _refused),
    Gauge("obmen_clock_differs", "Whether nothing is taken on: its clock is not the database's.", (), _clock),
    Gauge("obmen_connection_paused", "Whether a connection does not answer.", ("connection",), _down),
    Gauge(
        "obmen_pause_seconds",
        "For how long a person has paused something, as long as it is paused.",
        ("connection", "entity", "direction"),
        _stood,
    ),
    Gauge("obmen_connection_denied", "Whether a connection's key is refused.", ("connection",), _denied),
    Gauge("obmen_lane_busy_seconds", "For how long a lane has been at its task.", ("connection", "pace"), _busy),
    Gauge("obmen_flow_lag_seconds", "How long ago the source was last read to its end.", _FLOW, _of_flows(_lag)),
    Gauge("obmen_flow_limit_seconds", "How old what was read may get; quiet hours left out.", _FLOW, _of_flows(_limit)),
    Gauge("obmen_flow_late", "Whether what was read is older than it may be.", _FLOW, _of_flows(_late)),
    Gauge("obmen_flow_failures", "How often reading, or one target, failed in a row.", _FLOW, _of_flows(_failures)),
    Gauge("obmen_flow_next_timestamp_seconds", "When the flow is due.", _FLOW, _of_flows(_next)),
    Gauge("obmen_last_run_status", "How the last run ended: 1 for its status.", (*_FLOW, "status"), _of_flows(_status)),
    Gauge("obmen_last_run_timestamp_seconds", "When the last run ended.", _FLOW, _of_flows(_ended)),
    Gauge("obmen_last_run_seconds", "How long the last run took.", _FLOW, _of_flows(_lasted)),
    Gauge("obmen_last_run_records", "What the last run read and wrote.", (*_FLOW, "what"), _of_flows(_brought)),
    Gauge("obmen_outbox_records", "Records on their way.", (*_FLOW, "target", "state"), _of_flows(_outbox)),
    Gauge(
        "obmen_outbox_oldest_seconds",
        "For how long the oldest has been on its way, unless nobody minds.",
        (*_FLOW, "target"),
        _of_flows(_oldest),
    ),
    Gauge(
        "obmen_drift_records",
        "Records that were not as they had been confirmed, when they were last compared.",
        (*_FLOW, "target"),
        _of_flows(_drift),
    ),
    Gauge(
        "obmen_drifted_records",
        "Records that were ever found not to be as they had been confirmed.",
        (*_FLOW, "target"),
        _of_flows(_drifted),
    ),
    Gauge(
        "obmen_compared_timestamp_seconds",
        "When what a target shows was last compared with what it was told.",
        (*_FLOW, "target"),
        _of_flows(_compared),
    ),
    Gauge(
        "obmen_promoted_records",
        "Prices that a promotion has changed, as far as they are remembered.",
        (*_FLOW, "target"),
        _of_flows(_promoted),
    ),
    Gauge("obmen_quarantine_records", "Records set aside.", (*_FLOW, "state"), _of_flows(_aside)),
    Gauge("obmen_unmapped_records", "Records set aside for a word that is new.", _FLOW, _of_flows(_unmapped)),
)
