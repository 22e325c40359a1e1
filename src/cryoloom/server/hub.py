"""One look at each project for all who follow it: a board says which jobs changed when, and wakes who waits.

A look costs a few calls of the system for each job, so it rests in proportion; nobody follows, nobody looks.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from cryoloom.api.changes import Changes
from cryoloom.api.project import Project

SHORTEST_REST_S, REST_PER_COST = 0.25, 30.0
REMEMBERED = 20_000  # changes; who was away for longer asks for all


class Board:
    """What happened in one project. Numbers of moments begin with the time, so that they grow over restarts."""

    def __init__(self, project: Project) -> None:
        self._changes = Changes(project)
        self._moment = int(time.time() * 1000)
        self._first = self._moment
        self._when: dict[str, int] = {}
        self._news = asyncio.Condition()
        self._looking: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._looked, self._rest = 0.0, SHORTEST_REST_S
        self.followers = 0

    async def since(self, moment: int, wait_s: float = 0.0) -> tuple[int, frozenset[str]]:
        """The moment now, and the jobs that have changed since one; all of them where it was too long ago.

        A look that somebody else has had just now serves all: many who ask cost no more than one.
        """
        async with self._turn:
            if time.monotonic() - self._looked > self._rest:
                await self.look()
        async with self._news:
            found = self._after(moment)
            if not found and wait_s > 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait_for(lambda: self._after(moment)), wait_s)
                found = self._after(moment)
            return self._moment, found

    async def look(self) -> None:
        """See what has changed, and wake who waits for it."""
        began = time.monotonic()
        found = await asyncio.to_thread(self._changes.look)
        self._looked = time.monotonic()
        self._rest = max(SHORTEST_REST_S, REST_PER_COST * (self._looked - began))
        if not found:
            return
        async with self._news:
            self._moment = max(self._moment + 1, int(time.time() * 1000))
            # Told again in the order of their changes: the oldest are forgotten first.
            for name in found:
                self._when.pop(name, None)
                self._when[name] = self._moment
            while len(self._when) > REMEMBERED:
                oldest = next(iter(self._when))
                self._first = self._when.pop(oldest) + 1
            self._news.notify_all()

    def start(self) -> None:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._go_on_looking())

    def stop(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None

    async def _go_on_looking(self) -> None:
        while True:
            async with self._turn:
                await self.look()
            await asyncio.sleep(self._rest)

    def _after(self, moment: int) -> frozenset[str]:
        if moment < self._first:
            return frozenset(self._when)
        return frozenset(name for name, when in self._when.items() if when > moment)


class Hub:
    """The boards of all projects that somebody follows."""

    def __init__(self) -> None:
        self._boards: dict[str, Board] = {}

    @contextmanager
    def following(self, project: Project) -> Iterator[Board]:
        """A project's board, looked at as long as somebody is here."""
        board = self._boards.setdefault(str(project.path.resolve()), Board(project))
        board.followers += 1
        board.start()
        try:
            yield board
        finally:
            board.followers -= 1
            if not board.followers:
                board.stop()
