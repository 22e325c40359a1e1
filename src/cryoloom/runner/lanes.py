"""Lanes of an item job: threads that treat batches side by side while the main thread follows and commits.

A lane lives until the job has no more for it: programs die with the thread that started them. What it
holds of the machine it keeps between batches that follow closely, for asking costs more than a small batch;
but not for long, since others wait for their turn.
"""

import os
import queue
import threading
import time
from dataclasses import dataclass

from cryoloom.protocol.jobs import BatchResult
from cryoloom.runner.batches import Lane, Work

# Without work a lane gives its share back after this: longer than a commit, shorter than the time between the items
# of a quick stream, or lanes that wait for items would keep others from theirs.
KEEP_S = 0.002
KEEP_BUSY_S = 0.1  # with work: when it asks anew, so that who has waited longer comes first


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
        self._todo: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Treated] = queue.SimpleQueue()
        self._lanes = lanes
        self._threads: list[threading.Thread] = []
        self._ended = False

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

    def end(self) -> None:
        """No more batches will come: lanes give back what they hold."""
        self._ended = True
        for _ in self._threads:
            self._todo.put(None)
        for thread in self._threads:
            thread.join()
        os.close(self.ready)

    def _work(self, lane: Lane) -> None:
        next_work: Work | None = None
        while not self._ended:
            work = next_work or self._todo.get()
            next_work = None if work is None else self._spell(lane, work)

    def _spell(self, lane: Lane, work: Work) -> Work | None:
        """Treat batches as long as one follows another closely; the one that is left when it has been long."""
        try:
            with lane.slots():
                until = time.monotonic() + KEEP_BUSY_S
                while True:
                    self._tell(Treated(work, lane.treat(work)))
                    following = self._todo.get(timeout=KEEP_S)
                    if following is None or time.monotonic() > until:
                        break
                    work = following
            return following
        except queue.Empty:
            return None
        except Exception as fault:  # the main thread raises it again
            self._tell(Treated(work, None, fault))
            return None

    def _tell(self, treated: Treated) -> None:
        self._done.put(treated)
        os.eventfd_write(self.ready, 1)
