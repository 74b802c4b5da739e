"""A worker: takes flows from the queue and runs them, until it is told to stop.

Whatever happens to it, what it was at is done: what it holds is taken over once it gives no sign of life, the lease
keeps it from committing anything after that, and a database that goes away and comes back finds it at work again.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

import psycopg
import psycopg_pool
import structlog
from procrastinate import App, PsycopgConnector
from procrastinate import worker as procrastinate_worker
from procrastinate.exceptions import ProcrastinateException
from procrastinate.job_context import JobContext

from obmen.errors import ObmenError, StateError
from obmen.project import Project
from obmen.state import Ledger, clocks, ledger
from runner.daemon.clock import ServiceClock
from runner.daemon.leases import Leases
from runner.daemon.service import Load
from runner.observe.meter import Meter
from runner.worker import place
from runner.worker.breakers import Breakers
from runner.worker.checks import FlowChecks
from runner.worker.job import FlowJob
from runner.worker.own import Again, OwnJobs, pause_after
from runner.worker.queue import TASK, Queue
from runner.worker.toolbox import Toolbox
from runner.worker.vitals import Outcome, Vitals

_LOG = structlog.get_logger("obmen.worker")
_LOOK_EVERY = 1.0
HEARTBEAT, STALLED = 10.0, 30.0
"""Seconds between two signs of life, and without one after which a worker's jobs are taken over."""
_START_AGAIN = 1.0
_LOCK = 0x6F626D72  # "obmr": PostgreSQL's advisory lock of whoever looks for jobs that were left
_ALONE = "SELECT pg_try_advisory_xact_lock(%(lock)s) AS alone"
_GONE = (ProcrastinateException, psycopg.Error, psycopg_pool.PoolTimeout, OSError)


class Worker:
    """Runs ``jobs`` flows at a time. ``load`` reads the project anew when its files have changed.

    Raises ClockDiffers if this machine's clock is not the database's.
    """

    def __init__(self, project: Project, opened: Ledger, load: Load, *, jobs: int, clock: ServiceClock) -> None:
        self._url = opened.url
        clocks.check(opened)
        place.prepare(self._url)
        self._ledger, self._jobs, self._clock = opened, jobs, clock
        self._queue, self._leases, self._breakers = Queue(), Leases(opened), Breakers(opened)
        self._clocks = clocks.ClockWatch(opened)
        self.meter, self.vitals = Meter(), Vitals(clock, self._clocks, jobs, STALLED)
        self._toolbox = Toolbox(project, opened, load, clock, self.meter)
        self._ended = threading.Event()
        self._threads = ThreadPoolExecutor(jobs, thread_name_prefix="job")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running: procrastinate_worker.Worker | None = None
        self._left: set[int] = set()
        """Jobs that the database counts as this worker's, and that it was not at when it last looked."""

    def run(self) -> None:
        """Work until told to stop; what is under way then ends at the next batch, and the rest is handed back."""
        for name in ("procrastinate", "psycopg"):  # what they tell of a database that went away is told here in words
            logging.getLogger(name).setLevel(logging.CRITICAL)
        keeping = threading.Thread(target=self._keep, name="keeper", daemon=True)
        keeping.start()
        try:
            asyncio.run(self._run())
        finally:
            self._clock.stop.set()
            self._threads.shutdown()
            self._ended.set()
            keeping.join()
            self._toolbox.close()

    def stop(self) -> None:
        """Be told to stop; from a signal's handler or another thread."""
        self.vitals.draining = True
        self._clock.stop.set()
        if self._loop is not None:
            with suppress(RuntimeError):  # it has ended already
                self._loop.call_soon_threadsafe(self._stop_fetching)

    def _stop_fetching(self) -> None:
        if self._running is not None:
            self._running.stop()  # type: ignore[no-untyped-call]  # the library lacks the type

    # -- the loop -----------------------------------------------------------------------------------------

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        turning = asyncio.create_task(self._turn())
        while not self._clock.stop.is_set():
            try:
                if await asyncio.to_thread(self._clocks.look):
                    await self._serve()
            except _GONE as error:
                _LOG.warning("queue.failed", error=f"{type(error).__name__}: {error}".strip())
            if not self._clock.stop.is_set():
                await asyncio.sleep(_START_AGAIN)
        turning.cancel()

    async def _turn(self) -> None:
        while True:
            self.vitals.turned()
            await asyncio.sleep(_LOOK_EVERY)

    async def _serve(self) -> None:
        """Work until told to stop, until the database is gone, or until this machine's clock is not its any more."""
        connector = PsycopgConnector(
            conninfo=place.conninfo(self._url),
            kwargs={"options": place.session_options()},
            min_size=1,
            max_size=4,
            timeout=_START_AGAIN * 10,
        )
        app = App(connector=connector)
        app.job_manager = OwnJobs(connector)
        app.task(name=TASK, pass_context=True, retry=Again())(self._work)
        async with app.open_async():
            worker = procrastinate_worker.Worker(
                app=app,
                queues=[place.QUEUE],
                concurrency=self._jobs,
                fetch_job_polling_interval=_LOOK_EVERY,
                listen_notify=False,
                delete_jobs="always",
                install_signal_handlers=False,
                update_heartbeat_interval=HEARTBEAT,
                stalled_worker_timeout=STALLED,
            )
            self._running = worker
            minding = asyncio.create_task(self._mind(app, worker))
            try:
                running = asyncio.create_task(worker.run())  # type: ignore[no-untyped-call]  # the same
                if self._clock.stop.is_set():
                    worker.stop()  # type: ignore[no-untyped-call]  # the same
                await running
            finally:
                minding.cancel()
                with suppress(asyncio.CancelledError):
                    await minding

    async def _work(self, context: JobContext, flow: str, delivery: bool) -> None:
        loop = asyncio.get_running_loop()
        outcome: Outcome = "again"
        self.vitals.began(flow)
        with structlog.contextvars.bound_contextvars(flow=flow):
            try:
                await loop.run_in_executor(self._threads, partial(self._run_flow, flow, delivery=delivery))
                outcome = "done"
            except ObmenError as error:
                pause = pause_after(error, context.job.attempts)
                _LOG.info("job.again", error=str(error), seconds=round(pause))
                raise
            except Exception:
                outcome = "failed"
                _LOG.exception("job.failed")
                raise
            finally:
                self.vitals.ended(flow, outcome)

    def _run_flow(self, flow: str, *, delivery: bool) -> None:
        with self._toolbox.taken() as assembly, structlog.contextvars.bound_contextvars(flow=flow):
            job = FlowJob(self._ledger, assembly.flows, self._leases, self._breakers, self._clock.stop, self._later)
            job.run(flow, delivery=delivery)
            if not delivery:
                FlowChecks(self._ledger, assembly, self._leases, self._clock.stop).run(flow)

    def _later(self, flow: str, entity: str, error: ObmenError) -> None:
        with self._ledger.write() as tx:
            self._queue.put(tx, flow, entity, delivery=True, after=max(1.0, pause_after(error, 0)))

    # -- what was left ------------------------------------------------------------------------------------

    async def _mind(self, app: App, worker: procrastinate_worker.Worker) -> None:
        """Give signs of life to the end, also while waiting for the last jobs, and take over what others left."""
        while True:
            try:
                if worker.worker_id is not None:
                    await app.job_manager.update_heartbeat(worker.worker_id)
                await self._take_over(app, worker)
                self.vitals.reached()
            except _GONE as error:
                _LOG.debug("queue.failed", error=str(error))
            if not await asyncio.to_thread(self._clocks.look):
                worker.stop()  # type: ignore[no-untyped-call]  # the same
            await asyncio.sleep(HEARTBEAT)

    async def _take_over(self, app: App, worker: procrastinate_worker.Worker) -> None:
        """Put back jobs of workers that give no sign of life, and jobs of our own that we never heard of."""
        jobs = app.job_manager
        async with self._pool(app).connection() as connection, connection.transaction():
            row = await (await connection.execute(_ALONE, {"lock": _LOCK})).fetchone()
            if row is None or not row[0]:
                return
            for job in await jobs.get_stalled_jobs(seconds_since_heartbeat=STALLED):
                _LOG.warning("job.taken_over", flow=job.task_kwargs.get("flow"))
                await jobs.retry_job(job, datetime.now(UTC))
        if worker.worker_id is None:
            return
        at_it = {context.job.id for context in worker._running_jobs.values()}  # noqa: SLF001 - nobody else tells
        ours = {job.id: job for job in await jobs.list_jobs_async(status="doing", worker_id=worker.worker_id)}
        unknown = {number for number in ours if number is not None} - at_it
        for number in unknown & self._left:
            await jobs.retry_job(ours[number], datetime.now(UTC))
        self._left = unknown

    @staticmethod
    def _pool(app: App) -> psycopg_pool.AsyncConnectionPool[Any]:
        connector = app.connector
        assert isinstance(connector, PsycopgConnector)  # noqa: S101 - it was made above
        return connector.pool

    # -- beside the loop ----------------------------------------------------------------------------------

    def _keep(self) -> None:
        """Renew the leases that are held, so that a call which takes long costs nobody his lease."""
        while not self._ended.wait(ledger.LEASE_SECONDS / 4):
            with suppress(StateError):  # whoever works under it finds out by himself
                self._leases.keep()
                self._breakers.keep()
