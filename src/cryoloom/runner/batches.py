"""One batch of an item job: its shadow, its program, its rows; and what to say of what did not come through."""

import signal
import statistics
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from cryoloom.errors import CryoloomError, DatasetError, PluginError
from cryoloom.project.disk import lack_of_room
from cryoloom.project.notes import MARKS
from cryoloom.protocol.edge import call_plugin
from cryoloom.protocol.jobs import ITEM_ID, Batch, BatchResult, JobFolder
from cryoloom.protocol.protocols import ItemProtocol
from cryoloom.runner import programs
from cryoloom.runner.batcher import Batched
from cryoloom.runner.context import RunContext
from cryoloom.runner.last_words import errors, skipped, telling
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
    batch: Batched
    optics: pl.DataFrame | None
    sides: Mapping[str, pl.DataFrame]
    side_optics: Mapping[str, pl.DataFrame | None]
    partners: Mapping[str, Mapping[str, str]]
    memory: object = None
    values: Mapping[str, Any] = field(default_factory=dict)  # of parameters that are `auto`
    version: int = 0  # of the parameters

    @property
    def ids(self) -> list[str]:
        """Of the items."""
        found: list[str] = self.batch.items[ITEM_ID].to_list()
        return found


@dataclass(slots=True)
class Lane:
    """One worker: does one batch after the other, on GPUs of its own."""

    number: int
    run: RunContext
    protocol: ItemProtocol  # with the lane's own GPUs
    gpus: str | None
    has_program: bool
    is_alone: bool = (
        True  # else the words of two programs would mix in one log, and a reason be another item's
    )
    seconds: list[float] = field(default_factory=list)  # an item's time, batch by batch

    def slots(self) -> AbstractContextManager[None]:
        """Hold the lane's share of the machine."""
        return self.run.slots(f"lane {self.number}", self.gpus)

    def treat(self, work: Work) -> BatchResult:
        """Run a batch in its shadow, move its files, give its rows; failures are part of the result."""
        began = time.monotonic()
        ids = work.ids
        job = self._shadow_of(work)
        batch = Batch(
            work.number, work.batch.items, work.optics, job, job.file(BATCH_FILE), work.sides, work.side_optics,
            work.partners, work.batch.begun, work.memory,
        )  # fmt: skip
        protocol = self.protocol.with_values(work.values) if work.values else self.protocol
        try:
            result = self._result(protocol, batch, work)
        except CryoloomError as error:
            result = BatchResult(
                {}, frozenset(), dict.fromkeys(ids, self._told(error)) if work.batch.is_unit else {}
            )
        if len(result.done) < len(ids):
            self._check_disk(result)
        if work.batch.is_unit:
            # A part of it is never tried alone.
            left = dict.fromkeys(
                [i for i in ids if i not in result.done and i not in result.failed], "nothing came out"
            )
            result = replace(result, failed={**left, **result.failed})
        move_files(job.path, self.run.folder, {BATCH_FILE, *MARKS.values(), *result.skip_files})
        if self.has_program:
            remove_shadow(job.root)
        self.seconds.append((time.monotonic() - began) / max(1, len(ids)))
        return result

    def _told(self, error: CryoloomError) -> str:
        """An error as the reason of an item; the traceback of a plugin's fault is kept in the log."""
        if isinstance(error, PluginError):
            self.run.log(error.traceback, error=True)
        return str(error)

    def _check_disk(self, result: BatchResult) -> None:
        """A full disk is no item's fault.

        Raises:
            OSError: ENOSPC or EDQUOT.
        """
        if lack := lack_of_room(self.run.folder, "; ".join(result.failed.values())):
            raise lack

    def _result(self, protocol: ItemProtocol, batch: Batch, work: Work) -> BatchResult:
        """What `prepare` refused, and what `process` or the program made of the others."""
        run, ids = self.run, work.ids
        refused = dict(call_plugin(protocol, "prepare", run.job, batch))
        if len(refused) == len(ids):
            return BatchResult({}, frozenset(), refused)
        result: BatchResult | None = call_plugin(protocol, "process", run.job, batch)
        if result is None:
            result = self._run_program(protocol, batch, work)
        _check(result, protocol, batch)
        return replace(result, failed={**result.failed, **refused})

    def _logs(self, batch: Batch) -> tuple[Path, Path]:
        """Where the program's words go: at once into the job's logs, or beside them until it has ended."""
        if self.is_alone:
            return self.run.folder / "run.out", self.run.folder / "run.err"
        return batch.job.root / ".run.out", batch.job.root / ".run.err"

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

    def _run_program(self, protocol: ItemProtocol, batch: Batch, work: Work) -> BatchResult:
        run, ids = self.run, work.ids
        command = call_plugin(protocol, "command", run.job, batch)
        assert command is not None
        limit = protocol.item_limit * len(ids) or SHORTEST_LIMIT_S
        if self.seconds and not protocol.item_limit:
            limit = max(limit, 10 * statistics.median(self.seconds[-1000:]) * len(ids))
        out, err = self._logs(batch)
        for _ in range(MOST_KILLED if work.batch.is_unit else 1):
            ended = programs.run(
                command, run.settings, cwd=batch.job.root, out=out, err=err, limit_s=limit, gpus=run.gpus(self.gpus),
            )  # fmt: skip
            run.journal.write(ended.event(f"batch {batch.number}"))
            if ended.code not in KILLED or ended.hung:
                break
        if not self.is_alone:
            run.take_over_log(out, err)
        run.say_ignored(ended.ignored)
        if ended.code != 0 and (lack := lack_of_room(run.folder, ended.tail)):
            # Whatever it says is done: its last files may be cut off.
            raise lack
        why = ""
        try:
            result: BatchResult = call_plugin(protocol, "collect", run.job, batch)
        except CryoloomError as error:
            # The program died before it wrote its table, or wrote half of it.
            result = BatchResult({}, frozenset())
            # The shadow is nobody's business.
            why = self._told(error).replace(f"{batch.job.root}/", "")
        if work.batch.is_unit:
            left = [item for item in ids if item not in result.done and item not in result.failed]
            failed = {**dict.fromkeys(left, _reason(ended, why)), **result.failed}
            result = replace(result, failed=failed)
        return result


def _check(result: BatchResult, protocol: ItemProtocol, batch: Batch) -> None:
    """That a result speaks of the batch's items only, and each row of an id of its own.

    Raises:
        DatasetError: rows without an id, an id twice, or an item that was not asked for: other rows would be lost.
    """
    known = set(batch.items[ITEM_ID].to_list())
    strange = [item for item in (*result.done, *result.failed) if item not in known]
    if strange:
        raise DatasetError(
            f"{protocol.name}", found=f"a result for {strange[0]}", expected="items of the batch"
        )
    for name, rows in result.rows.items():
        if not rows.height:
            continue
        if ITEM_ID not in rows.columns or rows[ITEM_ID].null_count():
            raise DatasetError(
                f"{protocol.name}: {name}", found=f"rows without {ITEM_ID}", expected="an id in each"
            )
        if rows[ITEM_ID].n_unique() < rows.height:
            twice = rows.filter(rows[ITEM_ID].is_duplicated())[ITEM_ID][0]
            raise DatasetError(
                f"{protocol.name}: {name}",
                found=f"several rows with the id {twice}",
                expected="an id for each",
            )


def lanes_of(run: RunContext, protocol: ItemProtocol) -> list[Lane]:
    """The workers of an item job: as many as it asks for, the listed GPUs dealt out among them.

    MPI jobs have one lane, and RELION's GPU string untouched: its ranks share the GPUs out themselves.
    """
    wanted = int(protocol.values.get("workers", 0))
    text = protocol.gpus()
    has_program = protocol.with_values(protocol.auto_of_group({})).command(run.job) is not None
    if text is None or int(protocol.values.get("nr_mpi", 1)) > 1:
        count = max(1, wanted)
        return [Lane(number, run, protocol, text, has_program, count == 1) for number in range(count)]
    listed = [word for word in text.replace(":", ",").replace(",", " ").split() if word]
    listed = listed or [*run.machine().gpus]
    shares = gpu_shares(listed, wanted or len(listed) or 1)
    return [
        Lane(number, run, _on_gpus(protocol, share), ",".join(share), has_program, len(shares) == 1)
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
    return protocol.with_values({**values, "gpu_ids": text})


def _reason(ended: programs.Ended, fallback: str) -> str:
    if ended.hung:
        return f"the program hung and was ended after {ended.wall_s:.0f} s"
    if ended.code < 0:
        words = errors(ended.tail)
        return f"the program was killed by signal {-ended.code}" + (f"; {words}" if words else "")
    if not ended.code and (words := skipped(ended.tail)):
        return f"RELION passed it over: {words}"
    if not ended.code and fallback:
        return f"the program ended as if all were well, but {fallback}"
    return telling(ended.tail) or fallback or f"the program ended with code {ended.code} and wrote nothing"
