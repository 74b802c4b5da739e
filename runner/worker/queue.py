"""The queue as the scheduler and the jobs see it: whose turn it is, kept in the ledger's own transactions.

A job is a doorbell: it names a flow and nothing more. What made the flow due (a wish, or rows whose time has come)
stands in the ledger until it is done, so a doorbell that is lost is rung again, and one too many finds nothing to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.jobs import Job
from procrastinate.manager import JobManager
from procrastinate.sync_psycopg_connector import SyncPsycopgConnector

from obmen.state import Transaction
from runner.daemon.dispatcher import priority_of
from runner.worker.place import QUEUE, SCHEMA

TASK = "flow"
_STANDING = sa.text(
    "SELECT id, queueing_lock, status = 'doing', coalesce(scheduled_at > now(), false) "  # noqa: S608 - our own name
    f"FROM {SCHEMA}.procrastinate_jobs WHERE status IN ('todo', 'doing')"
)
_RUNNING = sa.text(
    f"SELECT lock, (args->>'delivery')::boolean AS delivery FROM {SCHEMA}.procrastinate_jobs WHERE status = 'doing'"  # noqa: S608 - the same
)


@dataclass(frozen=True, slots=True)
class Standing:
    """A job that waits (``asleep``: until its time comes), or that somebody is at (``doing``)."""

    id: int
    name: str
    doing: bool
    asleep: bool


def name_of(flow: str, *, delivery: bool) -> str:
    """Return the lock by which a flow waits at most once for each thing that is to be done with it."""
    return f"{flow} delivery" if delivery else flow


class Queue:
    """Puts jobs into the queue, within a transaction of the ledger."""

    def __init__(self) -> None:
        self._jobs = JobManager(SyncPsycopgConnector())

    def put(self, tx: Transaction, flow: str, entity: str, *, delivery: bool = False, after: float = 0.0) -> bool:
        """Have a flow run, or only delivered, not before ``after`` seconds; False if that waits already.

        Deliveries go before reads of the same flow, and wait for none that sleeps.
        """
        waiting = name_of(flow, delivery=delivery)
        job = Job(
            queue=QUEUE,
            task_name=TASK,
            lock=flow,
            queueing_lock=waiting,
            priority=-2 * priority_of(entity) + int(delivery),
            task_kwargs={"flow": flow, "delivery": delivery},
            scheduled_at=datetime.now(UTC) + timedelta(seconds=after) if after else None,
        )
        try:
            with tx.connection.begin_nested(), _inside(tx) as connection:
                self._jobs.defer_job(job, connection=connection)
        except AlreadyEnqueued:
            return False
        return True

    def standing(self, tx: Transaction) -> dict[str, list[Standing]]:
        """Return the jobs that wait or are being done, by name."""
        found: dict[str, list[Standing]] = {}
        for row in tx.rows(_STANDING):
            found.setdefault(row[1], []).append(Standing(*row))
        return found

    def running(self, tx: Transaction) -> dict[str, bool]:
        """Return the flows that somebody is at, each with whether it is only delivered."""
        return {row.lock: row.delivery for row in tx.rows(_RUNNING)}

    def drop(self, tx: Transaction, job: Standing) -> None:
        """Take a job out of the queue that nobody is at."""
        with _inside(tx) as connection:
            self._jobs.cancel_job_by_id(job.id, delete_job=True, connection=connection)


@contextmanager
def _inside(tx: Transaction) -> Iterator[Any]:
    """Give the driver's connection with the queue's schema before it, and put the path of before back."""
    before = tx.connection.exec_driver_sql("SELECT current_setting('search_path')").scalar()
    tx.connection.exec_driver_sql("SELECT set_config('search_path', %s, true)", (SCHEMA,))
    yield tx.connection.connection.driver_connection
    tx.connection.exec_driver_sql("SELECT set_config('search_path', %s, true)", (before,))
