"""The service as ``obmen run`` has it, by a clock that a story moves: its own loop, but nothing happens by chance.

``Service.run`` is in a thread of its own that goes on only while the story waits for it, and what its lanes would do in
threads is done within its tick, one task after the other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future

from obmen.project import Project
from obmen.state import Ledger
from obmen.testing.clock import FakeClock
from runner.daemon.clock import ServiceClock
from runner.daemon.lane import Lane
from runner.daemon.plant import Plant
from runner.daemon.service import Service


class StoryClock(FakeClock, ServiceClock):
    """The service's clock, which only the story moves."""


class Killed(BaseException):
    """What was killed long ago may end."""


class Turns(threading.Event):
    """What the service waits by between two ticks. ``life``: after how many tasks it is killed."""

    def __init__(self) -> None:
        super().__init__()
        self._go, self._rests = threading.Semaphore(0), threading.Semaphore(0)
        self.life: int | None = None

    def wait(self, timeout: float | None = None) -> bool:
        """Let the story go on until it is the service's turn again."""
        self._rests.release()
        self._go.acquire()
        if self.life == 0:
            raise Killed
        return self.is_set()

    def go(self) -> None:
        """Have the service do what it does until it waits again."""
        self._go.release()
        self.rest()

    def rest(self) -> None:
        """Wait until the service does."""
        self._rests.acquire()

    def ended(self) -> None:
        """It waits no more."""
        self._rests.release()

    def worked(self) -> None:
        """A task is done."""
        if self.life is not None:
            self.life -= 1
            if self.life == 0:
                self.wait()


class OneByOne(Plant):
    """A plant whose lanes have no threads: a tick does all that there is to do."""

    def __init__(self, project: Project, ledger: Ledger, clock: StoryClock, turns: Turns) -> None:
        super().__init__(project, ledger, clock)
        self._turns = turns

    def start(self) -> None:
        """No lane works by itself."""

    def tick(self) -> None:
        super().tick()
        while sum(self._step(lane) for lane in self.lanes):
            super().tick()

    def _step(self, lane: Lane) -> bool:
        done = lane.step()
        if done:
            self._turns.worked()
        return done


class Driven:
    """One life of the service, begun. Raises what ``Service.run`` raises, such as Busy."""

    def __init__(self, ledger: Ledger, clock: StoryClock, load: Callable[[], Project]) -> None:
        self._turns = turns = Turns()
        clock.stop = turns
        self._end: Future[bool] = Future()
        self.service = Service(
            load(), ledger, build=lambda project: OneByOne(project, ledger, clock, turns), load=load, clock=clock
        )
        self._thread = threading.Thread(target=self._live, name="service", daemon=True)
        self._thread.start()
        turns.rest()
        if self._end.done():
            self.plant.stop(0.0, lambda _seconds: None)
            self._end.result()

    @property
    def plant(self) -> OneByOne:
        """The project at work."""
        assert isinstance(self.service.works, OneByOne)
        return self.service.works

    def turn(self) -> None:
        """Let it do what it does when it has waited."""
        self._turns.go()
        if self._end.done():
            self._end.result()

    def stop(self) -> bool:
        """Stop it as a person does; return whether all came to its end."""
        self.service.stop()
        if not self._end.done():
            self._turns.go()
        return self._end.result()

    def doom(self, tasks: int) -> None:
        """Let it be killed in the midst of its work, after so many tasks: it lets go of nothing."""
        self._turns.life = tasks

    @property
    def dead(self) -> bool:
        """Whether it was killed."""
        return self._turns.life == 0

    def bury(self) -> None:
        """Let a killed one go in the end, so that nothing of it stays open."""
        self._turns.go()
        self._thread.join()
        self.plant.stop(0.0, lambda _seconds: None)

    def _live(self) -> None:
        try:
            self._end.set_result(self.service.run())
        except BaseException as error:
            self._end.set_exception(error)
        finally:
            self._turns.ended()
