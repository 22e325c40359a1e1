"""Lanes of an item job: threads that treat batches side by side while the main thread follows and commits.

A lane lives as long as the job's process: programs die with the thread that started them.
"""

import os
import queue
import threading
from dataclasses import dataclass

from cryoloom.protocol.jobs import BatchResult
from cryoloom.runner.batches import Lane, Work


@dataclass(frozen=True, slots=True)
class Treated:
    """What a lane gives back."""

    work: Work
    result: BatchResult | None
    fault: BaseException | None = None


class Lanes:
    """Some workers; `ready` becomes readable when one has ended a batch."""

    def __init__(self, lanes: list[Lane]) -> None:
        self.count = len(lanes)
        self.busy = 0
        self.ready = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._todo: queue.SimpleQueue[Work] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Treated] = queue.SimpleQueue()
        self._lanes = lanes
        self._threads: list[threading.Thread] = []

    @property
    def free(self) -> int:
        return self.count - self.busy

    def give(self, work: Work) -> None:
        """Hand a batch to whichever lane is free."""
        if len(self._threads) < self.count:
            # Started one by one, as there is work: a job whose items come slowly needs no more.
            lane = self._lanes[len(self._threads)]
            thread = threading.Thread(target=self._work, args=(lane,), daemon=True)
            self._threads.append(thread)
            thread.start()
        self.busy += 1
        self._todo.put(work)

    def take(self) -> list[Treated]:
        """The batches that have ended since the last look.

        Raises:
            OSError, Exception: what ended a lane's batch that was no item's fault.
        """
        try:
            os.eventfd_read(self.ready)
        except BlockingIOError:
            return []
        found: list[Treated] = []
        while not self._done.empty():
            treated = self._done.get()
            self.busy -= 1
            if treated.fault is not None:
                raise treated.fault
            found.append(treated)
        return found

    def _work(self, lane: Lane) -> None:
        while True:
            work = self._todo.get()
            try:
                treated = Treated(work, lane.treat(work))
            except Exception as fault:  # the main thread raises it again
                treated = Treated(work, None, fault)
            self._done.put(treated)
            os.eventfd_write(self.ready, 1)
