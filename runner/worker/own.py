"""Jobs as one worker may end them: only its own, for certain, and after the pause that their error asks for.

A worker that was paused wakes up to find that another has its job. What it says of the job then must not count; and a
database that is away for a moment must not leave a job for ever with a worker that has long finished it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from procrastinate.retry import BaseRetryStrategy, RetryDecision

from obmen.clock import SystemClock
from obmen.errors import Busy, Interrupted, LeaseLost, ObmenError, StateError
from runner.daemon.breaker import Breaker
from runner.worker.breakers import LeftInPeace
from runner.worker.job import Idle

_LOG = structlog.get_logger("obmen.worker")
_SOON, _IDLE = 2.0, 10.0
_BUSY = 5.0
_AGAIN = (0.1, 0.5, 1.0, *[2.0] * 30)
"""Seconds between tries to tell the database how a job ended. A job that it was never told of is found later."""


def pause_after(error: BaseException, attempts: int) -> float:
    """Return the seconds after which a job is tried again. ``attempts``: how often it has been tried before."""
    if isinstance(error, Interrupted | asyncio.CancelledError):
        return 0.0
    if isinstance(error, StateError):
        return _SOON
    if isinstance(error, Busy | LeaseLost):
        return _BUSY
    if isinstance(error, Idle):
        return _IDLE
    if isinstance(error, LeftInPeace):
        return max(error.after or 0.0, 1.0)
    breaker = Breaker(SystemClock(), failures=attempts)
    breaker.failed(error if isinstance(error, ObmenError | Exception) else Exception(str(error)))
    return breaker.rest


class Again(BaseRetryStrategy):
    """No job is ever given up: what it is about stands in the ledger, and must be done by somebody."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        """Say when to try again."""
        return RetryDecision(retry_in={"seconds": round(pause_after(exception, job.attempts))})


class OwnJobs(JobManager):
    """Ends jobs that are still this worker's, however long the database takes."""

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        """Note that a job is done."""
        await self._surely(job, lambda: super(OwnJobs, self).finish_job(job, status, delete_job))

    async def retry_job(
        self,
        job: Job,
        retry_at: datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        """Put a job back; if the flow waits already, one is enough."""

        async def put_back() -> None:
            try:
                await super(OwnJobs, self).retry_job(job, retry_at, priority, queue, lock)
            except UniqueViolation:
                await super(OwnJobs, self).finish_job(job, Status.FAILED, delete_job=True)

        await self._surely(job, put_back)

    async def _surely(self, job: Job, end: Callable[[], Awaitable[None]]) -> None:
        for pause in _AGAIN:
            try:
                if not await self._ours(job):
                    _LOG.warning("job.lost", flow=job.task_kwargs.get("flow"), hint="another worker has taken it over")
                    return
                await end()
            except ConnectorException:
                await asyncio.sleep(pause)
            else:
                return

    async def _ours(self, job: Job) -> bool:
        return bool(list(await self.list_jobs_async(id=job.id, status="doing", worker_id=job.worker_id)))
