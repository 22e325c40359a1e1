"""For whom a job waits, and whether in vain: judged here for the scheduler, for `ls` and for jobs that follow a stream.

Who waits for a job that failed or was stopped, itself or by others, waits in vain: that job goes on only when a user says so.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from cryoloom.schedule.facts import JobFacts, Need

# A job by its name; None where the project has none of that name.
Look: TypeAlias = Callable[[str], JobFacts | None]


@dataclass(frozen=True, slots=True)
class Wait:
    """Why a job waits for others; "" where it does not."""

    why: str = ""
    end: str = ""  # of one that waits in vain: the job that will not go on by itself

    @property
    def in_vain(self) -> bool:
        return bool(self.end)


@dataclass(slots=True)
class Waits:
    """Who waits for whom at one moment; each job on the way is judged once."""

    look: Look
    _ends: dict[str, str] = field(default_factory=dict)  # of scheduled jobs: `Wait.end`

    def of(self, job: JobFacts) -> Wait:
        """For which job a scheduled one waits. What is waited for in vain is told first: it needs the user."""
        self._judge_above(job)
        unmet = list(self._unmet(job))
        for name, other in unmet:
            if end := self._end_of(name, other):
                return Wait(_in_vain(name, other), end)
        return Wait(_for(*unmet[0])) if unmet else Wait()

    def _judge_above(self, job: JobFacts) -> None:
        """Find `_ends` of all that it needs. Without recursion: a thousand jobs may wait one for another."""
        todo = [other for other in self._parents(job) if other.state == "scheduled"]
        begun: set[str] = set()
        while todo:
            other = todo[-1]
            above = [
                one
                for one in self._parents(other)
                if one.state == "scheduled" and one.name not in self._ends and one.name not in begun
            ]
            if other.name not in self._ends and above:
                begun.add(other.name)
                todo += above
                continue
            todo.pop()
            if other.name not in self._ends:
                self._ends[other.name] = self._end_above(other)

    def _end_above(self, job: JobFacts) -> str:
        if job.foreign:
            return job.name if job.why else ""  # of a protocol that nobody has; RELION's may be started there
        return next((end for name, other in self._unmet(job) if (end := self._end_of(name, other))), "")

    def _end_of(self, name: str, job: JobFacts | None) -> str:
        if job is None or job.state in ("failed", "aborted"):
            return name
        return self._ends.get(name, "") if job.state == "scheduled" else ""

    def _parents(self, job: JobFacts) -> Iterator[JobFacts]:
        for name in (*job.wait_for, *(need.job for need in job.needs)):
            if (other := self.look(name)) is not None:
                yield other

    def _unmet(self, job: JobFacts) -> Iterator[tuple[str, JobFacts | None]]:
        """The jobs without which it cannot start, in the order in which they are asked for."""
        for name in job.wait_for:
            other = self.look(name)
            if other is None or other.state != "succeeded":
                yield name, other
        for need in job.needs:
            producer = self.look(need.job)
            # What no job of the project makes was there when it was named.
            if producer is not None and not self._is_met(need, producer):
                yield need.job, producer

    def _is_met(self, need: Need, producer: JobFacts) -> bool:
        if producer.state == "succeeded" or need.output in producer.closed_outputs:
            return True
        if producer.state not in ("running", "scheduled") or not need.streams:
            return False
        if producer.state == "running" and producer.gives_early and need.early:
            return True  # a chain begins as one: when the first item comes, all its jobs are there
        # The next attempt of a scheduled one follows; not where it waits in vain, and who began would only end again.
        return need.output in producer.open_outputs and not self._end_of(need.job, producer)


def _in_vain(name: str, other: JobFacts | None) -> str:
    if other is not None and other.state == "scheduled":
        return f"waits for {name}, which waits in vain"
    return _for(name, other)


def _for(name: str, other: JobFacts | None) -> str:
    if other is None:
        return f"waits for {name}, which is not in the project"
    if other.state in ("failed", "aborted"):
        how = "failed" if other.state == "failed" else "was stopped"
        return f"needs {name}, which {how}; cryoloom resume {name}"
    return f"waits for {name} ({other.state})"
