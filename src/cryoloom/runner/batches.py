"""One batch of an item job: its shadow, its program, its rows; and what to say of what did not come through."""

import signal
import statistics
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

import polars as pl

from cryoloom.errors import CryoloomError
from cryoloom.project.disk import lack_of_room
from cryoloom.project.notes import MARKS
from cryoloom.protocol.jobs import ITEM_ID, Batch, BatchResult, JobFolder
from cryoloom.protocol.protocols import ItemProtocol
from cryoloom.runner import programs
from cryoloom.runner.context import RunContext
from cryoloom.runner.last_words import errors, telling
from cryoloom.runner.shadow import make_shadow, move_files, remove_shadow

SHORTEST_LIMIT_S = 300.0  # an item is hung after ten times the median, but never sooner than this
# An item whose program somebody killed (by hand, or the system that was short of memory) is not to blame.
MOST_KILLED = 5
KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)  # mpirun and shells say the latter of a process of theirs
BATCH_FILE = "batch.star"


@dataclass(frozen=True, slots=True)
class Work:
    """What a lane is given: items, and what belongs to them."""

    number: int
    items: pl.DataFrame
    optics: pl.DataFrame | None
    sides: Mapping[str, pl.DataFrame]
    side_optics: Mapping[str, pl.DataFrame | None]
    version: int = 0  # of the parameters


@dataclass(slots=True)
class Lane:
    """One worker: does one batch after the other, on GPUs of its own."""

    number: int
    run: RunContext
    protocol: ItemProtocol  # with the lane's own GPUs
    gpus: str | None
    has_program: bool
    seconds: list[float] = field(default_factory=list)  # an item's time, batch by batch

    def slots(self) -> AbstractContextManager[None]:
        """Hold the lane's share of the machine."""
        return self.run.slots(f"lane {self.number}", self.gpus)

    def treat(self, work: Work) -> BatchResult:
        """Run a batch in its shadow, move its files, give its rows; failures are part of the result."""
        began = time.monotonic()
        ids = work.items[ITEM_ID].to_list()
        job = self._shadow_of(work)
        batch = Batch(
            work.number, work.items, work.optics, job, job.file(BATCH_FILE), work.sides, work.side_optics
        )
        try:
            result = self._result(batch, ids)
        except CryoloomError as error:
            result = BatchResult({}, frozenset(), dict.fromkeys(ids, str(error)) if len(ids) == 1 else {})
        if len(result.done) < len(ids):
            self._check_disk(result)
        if len(ids) == 1 and not result.done and not result.failed:
            result = replace(result, failed={ids[0]: "nothing came out"})
        move_files(job.path, self.run.folder, {BATCH_FILE, *MARKS.values(), *result.skip_files})
        if self.has_program:
            remove_shadow(job.root)
        self.seconds.append((time.monotonic() - began) / max(1, len(ids)))
        return result

    def _check_disk(self, result: BatchResult) -> None:
        """A full disk is no item's fault.

        Raises:
            OSError: ENOSPC or EDQUOT.
        """
        if lack := lack_of_room(self.run.folder, "; ".join(result.failed.values())):
            raise lack

    def _result(self, batch: Batch, ids: list[str]) -> BatchResult:
        """What `prepare` refused, and what `process` or the program made of the others."""
        protocol, run = self.protocol, self.run
        refused = dict(protocol.prepare(run.job, batch))
        if len(refused) == len(ids):
            return BatchResult({}, frozenset(), refused)
        result = protocol.process(run.job, batch)
        if result is None:
            result = self._run_program(batch, len(ids))
        return replace(result, failed={**refused, **result.failed})

    def _shadow_of(self, work: Work) -> JobFolder:
        """Where a batch's files are made: a shadow for each, or one for all of them without a program.

        Programs leave tables and marks of their own behind; what our process writes is moved away.
        """
        run = self.run
        name = f"b{work.number}" if self.has_program else f"lane{self.number}"
        job = JobFolder(run.job.name, run.attempt / name, run.job.uuid)
        if self.has_program or not job.path.is_dir():
            make_shadow(run.root, run.job.name, job.root)
        return job

    def _run_program(self, batch: Batch, count: int) -> BatchResult:
        protocol, run = self.protocol, self.run
        command = protocol.command(run.job, batch)
        assert command is not None
        limit = protocol.item_limit * count or SHORTEST_LIMIT_S
        if self.seconds and not protocol.item_limit:
            limit = max(limit, 10 * statistics.median(self.seconds[-1000:]) * count)
        for _ in range(MOST_KILLED if count == 1 else 1):
            ended = programs.run(
                command, run.settings, cwd=batch.job.root, out=run.folder / "run.out", err=run.folder / "run.err",
                limit_s=limit, gpus=run.gpus(self.gpus),
            )  # fmt: skip
            run.journal.write(
                "command.ended", step=f"batch {batch.number}", code=ended.code, **ended.facts(),
            )  # fmt: skip
            if ended.code not in KILLED or ended.hung:
                break
        run.say_ignored(ended.ignored)
        if ended.code != 0 and (lack := lack_of_room(run.folder, ended.tail)):
            # Whatever it says is done: its last files may be cut off.
            raise lack
        try:
            result = protocol.collect(run.job, batch)
        except CryoloomError as error:
            # The program died before it wrote its table, or wrote half of it.
            result = BatchResult({}, frozenset())
            if count == 1:
                # The shadow is nobody's business.
                why = str(error).replace(f"{batch.job.root}/", "")
                result = BatchResult({}, frozenset(), {batch.items[ITEM_ID][0]: _reason(ended, why)})
        else:
            ids = set(batch.items[ITEM_ID].to_list())
            if count == 1 and not (result.done | set(result.failed)) >= ids:
                result = BatchResult({}, frozenset(), {ids.pop(): _reason(ended, "")})
        return result


def lanes_of(run: RunContext, protocol: ItemProtocol) -> list[Lane]:
    """The workers of an item job: as many as it asks for, the listed GPUs dealt out among them.

    MPI jobs have one lane, and RELION's GPU string untouched: its ranks share the GPUs out themselves.
    """
    wanted = int(protocol.values.get("workers", 0))
    text = protocol.gpus()
    has_program = protocol.command(run.job) is not None
    if text is None or int(protocol.values.get("nr_mpi", 1)) > 1:
        return [Lane(number, run, protocol, text, has_program) for number in range(max(1, wanted))]
    listed = [word for word in text.replace(":", ",").replace(",", " ").split() if word]
    listed = listed or [*run.machine().gpus]
    shares = gpu_shares(listed, wanted or len(listed) or 1)
    return [
        Lane(number, run, _on_gpus(protocol, share), ",".join(share), has_program)
        for number, share in enumerate(shares)
    ]


def gpu_shares(listed: list[str], workers: int) -> list[list[str]]:
    """Which GPUs each worker has: an even part of the list, or one each; never none of them.

    An id that is listed twice gives two workers on it.
    """
    if not listed:
        return [[]]
    count = min(workers, len(listed))
    return [listed[n * len(listed) // count : (n + 1) * len(listed) // count] for n in range(count)]


def _on_gpus(protocol: ItemProtocol, gpus: list[str]) -> ItemProtocol:
    """The protocol as a lane runs it: with its GPUs, also where the arguments name them as {GPU}."""
    text = ",".join(gpus)
    values = {
        name: value.replace("{GPU}", text) if isinstance(value, str) else value
        for name, value in protocol.values.items()
    }
    return type(protocol)({**values, "gpu_ids": text}, protocol.given)


def _reason(ended: programs.Ended, fallback: str) -> str:
    if ended.hung:
        return f"the program hung and was ended after {ended.wall_s:.0f} s"
    if ended.code < 0:
        words = errors(ended.tail)
        return f"the program was killed by signal {-ended.code}" + (f"; {words}" if words else "")
    if not ended.code and fallback:
        return f"the program ended as if all were well, but {fallback}"
    return telling(ended.tail) or fallback or f"the program ended with code {ended.code} and wrote nothing"
