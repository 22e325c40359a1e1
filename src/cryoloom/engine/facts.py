"""From job folders to the facts that the scheduler judges."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from cryoloom.errors import CryoloomError
from cryoloom.launchers import ledger
from cryoloom.launchers.machine import gpus_of_string
from cryoloom.project.attempts import read_attempt, read_control
from cryoloom.project.folder import JobEntry, ProjectFolder
from cryoloom.project.journal import JobHistory
from cryoloom.project.state import JobStatus, foreign_status, job_status
from cryoloom.protocol.protocols import ItemProtocol, ProgramProtocol, RowProtocol
from cryoloom.schedule.decide import JobFacts, Need


@dataclass(slots=True)
class Watched:
    """What is remembered of a job between two looks; all of it can be found again from the files."""

    entry: JobEntry
    needs: tuple[Need, ...] = ()
    cores: int = 0  # taken by the job as a whole; 0 where batches take their own
    gpu_ids: frozenset[str] = frozenset()
    history: JobHistory | None = None
    status: JobStatus | None = None
    first_unclaimed: float = 0.0
    unknown: str = ""  # why its protocol cannot be found
    ended_at: float = 0.0


@dataclass(slots=True)
class FactGatherer:
    """Looks at all jobs of a project; reads only what has changed."""

    project: ProjectFolder
    core_limit: int
    watched: dict[str, Watched] = field(default_factory=dict)
    pipeline_stamp: tuple[int, int] = (0, 0)

    def look(self) -> dict[str, JobFacts]:
        """The facts of all jobs now."""
        self._read_entries()
        others = ledger.uses()
        return {name: self._facts(watched, others) for name, watched in self.watched.items()}

    def _read_entries(self) -> None:
        stat = (self.project.root / "default_pipeline.star").stat()
        stamp = (stat.st_mtime_ns, stat.st_ino)
        if stamp == self.pipeline_stamp:
            return
        self.pipeline_stamp = stamp
        found = {}
        for entry in self.project.entries():
            watched = self.watched.get(entry.name)
            if watched is None:
                watched = Watched(entry)
                if entry.spec is not None:
                    try:
                        _describe(watched)
                    except CryoloomError as error:
                        watched.unknown = str(error)
            watched.entry = entry
            found[entry.name] = watched
        self.watched = found

    def _facts(self, watched: Watched, others: list[ledger.Use]) -> JobFacts:
        entry = watched.entry
        if entry.spec is None:
            status = foreign_status(entry.folder, entry.pipeline_status)
            return JobFacts(entry.name, status.state, foreign=True)
        if watched.unknown:
            return JobFacts(entry.name, job_status(entry.folder).state, watched.unknown, foreign=True)
        status = job_status(entry.folder, watched.history)
        watched.history, watched.status = status.history, status
        history, attempt = status.history, status.attempt
        claimed = attempt is None or attempt.claim is not None
        now = time.monotonic()
        if claimed:
            watched.first_unclaimed = 0.0
        elif not watched.first_unclaimed:
            watched.first_unclaimed = now
        ended = attempt is None or attempt.ended
        # It succeeded and is to try failed items again: until it says so itself, its outputs still look closed.
        reopening = history.state == "succeeded" and status.state != "succeeded"
        outputs = {} if reopening else history.outputs
        watched.ended_at = (watched.ended_at or now) if ended else 0.0
        return JobFacts(
            entry.name,
            status.state,
            status.why,
            watched.needs,
            entry.spec.wait_for,
            frozenset(outputs),
            frozenset(name for name, output in outputs.items() if output.closed),
            wants_stop=status.wanted == "stop",
            attempt=attempt.number if attempt else 0,
            attempt_ended=ended,
            claimed=claimed,
            lives=attempt.lives() if attempt and attempt.claim else True,
            seen_unclaimed_s=now - watched.first_unclaimed if watched.first_unclaimed else 0.0,
            lost_in_a_row=_lost_in_a_row(entry.folder, status),
            since_end_s=now - watched.ended_at if watched.ended_at else 0.0,
            slots_wanted=ledger.why_not(others, watched.cores, self.core_limit, watched.gpu_ids)
            if watched.cores or watched.gpu_ids
            else "",
        )


def _describe(watched: Watched) -> None:
    protocol = watched.entry.make_protocol()
    watched.needs = tuple(
        Need(
            dataset.job,
            dataset.output,
            streams=isinstance(protocol, ItemProtocol | RowProtocol) and protocol.input_spec(name).streams,
        )
        for name, dataset in protocol.given.items()
        # A file that is no output of its job was there when it was named: nothing is waited for.
        if dataset and dataset.job and dataset.output
    )
    if isinstance(protocol, ProgramProtocol):
        watched.cores = protocol.cores()
        text = protocol.gpus()
        if text is not None:
            watched.gpu_ids = gpus_of_string(text, ledger.present_gpus())


def _lost_in_a_row(folder: Path, status: JobStatus) -> int:
    """Attempts that ended without a verdict since the last one that got anything done."""
    if status.attempt is None or status.state != "scheduled":
        return 0
    fresh = read_control(folder)["fresh"]
    lost = 0
    for number in range(status.attempt.number, max(fresh, status.history.last_progress_attempt), -1):
        attempt = read_attempt(folder, number)
        if attempt.exit is not None and attempt.exit.get("ended_by") != "suspended":
            lost += 1
    return lost
