"""Item protocols: follow the inputs, form batches, run them, append rows, record what failed.

One item that cannot be treated never stops the others: a batch that fails as a whole is repeated
item by item, and what still fails is recorded with its reason.
"""

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from cryoloom import star
from cryoloom.errors import CryoloomError, DatasetError
from cryoloom.project.item_ids import NAME_LABELS
from cryoloom.project.notes import MARKS, append_note
from cryoloom.protocol.datasets import Coordinates, Dataset, Table
from cryoloom.protocol.jobs import ITEM_ID, Batch, BatchResult, JobFolder
from cryoloom.protocol.protocols import ItemProtocol
from cryoloom.runner import programs
from cryoloom.runner.context import RunContext, Suspended
from cryoloom.runner.outputs import GrowingOutput
from cryoloom.runner.shadow import make_shadow, move_files, remove_shadow
from cryoloom.runner.streams import InputStream

SHORTEST_LIMIT_S = 300.0  # an item is hung after ten times the median, but never sooner than this
BATCH_FILE = "batch.star"
HOPELESS = 3


@dataclass(slots=True)
class ItemRun:
    """One attempt at an item job."""

    run: RunContext
    protocol: ItemProtocol
    leading: InputStream
    sides: dict[str, InputStream]
    side_rows: dict[str, pl.DataFrame] = field(default_factory=dict)
    outputs: dict[str, GrowingOutput] = field(default_factory=dict)
    pending: pl.DataFrame | None = None
    seconds: list[float] = field(default_factory=list)
    batches: int = 0
    known: int = 0

    def go(self) -> None:
        """Until all inputs are closed and nothing is left to do.

        Raises:
            Suspended: an input's producer failed; all that came has been treated.
            DatasetError: no item at all came through.
        """
        self._recover()
        wait = 0.005
        suspended: Suspended | None = None
        while True:
            try:
                news = self._poll()
            except Suspended as reason:
                suspended, news = reason, False
            ready = self._ready()
            closed = self._closed()
            size = self.protocol.batch_limit()
            if ready.height and (size > 0 or closed or suspended):
                self._treat(ready.head(size) if size else ready)
                wait = 0.005
                continue
            if closed:
                break
            if suspended is not None:
                raise suspended
            wait = 0.005 if news else min(wait * 1.5, 0.25)
            time.sleep(wait)
        self._fail_unmet()
        self._close()

    def _recover(self) -> None:
        history = self.run.journal.history
        job = self.run.job
        for name, dataset in self.protocol.output_files(job).items():
            file = self.protocol.table_file(name, dataset.path.removeprefix(job.name))
            kind = self.protocol.output_kind(name)
            table = self.protocol.blocks(name)
            self.outputs[name] = GrowingOutput(
                name, self.run.folder, file, table, self.run.journal, has_optics=kind is not Coordinates
            )
        whole = {name: output.recover() for name, output in self.outputs.items()}
        if not all(whole.values()):
            # Committed rows are gone (a machine lost power): all items are done again, each once.
            self.run.log("Committed rows were lost; the datasets are made anew.", error=True)
            history.done.clear()
            for output in self.outputs.values():
                state = output.state
                if state is not None:
                    output.open(state.labels, output.optics or self._first_optics())
                    state.items = 0

    def _first_optics(self) -> pl.DataFrame | None:
        return self.leading.optics

    def _poll(self) -> bool:
        news = False
        for name, stream in self.sides.items():
            rows = stream.poll()
            if rows is not None:
                old = self.side_rows.get(name)
                self.side_rows[name] = rows if old is None else pl.concat([old, rows], how="diagonal_relaxed")
                news = True
        rows = self.leading.poll()
        if rows is not None:
            news = True
            self.known += rows.height
            self.run.journal.write("items.known", total=self.known)
            fresh = rows.filter(~pl.col(ITEM_ID).is_in(list(self.run.journal.history.done)))
            if self.pending is None:
                self.pending = fresh
            else:
                self.pending = pl.concat([self.pending, fresh], how="diagonal_relaxed")
        return news

    def _closed(self) -> bool:
        return self.leading.closed and all(stream.closed for stream in self.sides.values())

    def _ready(self) -> pl.DataFrame:
        """Items whose partners in the other inputs are there."""
        ready = self.pending if self.pending is not None else pl.DataFrame()
        for name, label in self.protocol.join_labels().items():
            if name in self.sides and ready.height:
                rows = self.side_rows.get(name)
                partners = [] if rows is None else rows[label].to_list()
                ready = ready.filter(pl.col(label).is_in(partners))
        return ready

    def _fail_unmet(self) -> None:
        left = self.pending
        if left is not None and left.height:
            why = "it is in none of the other inputs: " + ", ".join(
                s.dataset.path for s in self.sides.values()
            )
            self._commit(left, BatchResult({}, frozenset(), dict.fromkeys(left[ITEM_ID].to_list(), why)))

    def _treat(self, items: pl.DataFrame) -> None:
        """One batch; what did not come through is tried again in halves, down to single items."""
        assert self.pending is not None
        self._treat_part(items)
        self.pending = self.pending.filter(~pl.col(ITEM_ID).is_in(items[ITEM_ID].to_list()))

    def _treat_part(self, items: pl.DataFrame) -> None:
        result = self._attempt(items)
        left = items.clear()
        if items.height > 1:
            left = items.filter(~pl.col(ITEM_ID).is_in([*result.done, *result.failed]))
        self._commit(items.filter(~pl.col(ITEM_ID).is_in(left[ITEM_ID].to_list())), result)
        if not left.height:
            return
        if self._is_hopeless():
            why = next(iter(self.run.journal.history.failed.values()))[1]
            self._commit(left, BatchResult({}, frozenset(), dict.fromkeys(left[ITEM_ID].to_list(), why)))
            return
        half = max(1, left.height // 2) if left.height == items.height else left.height
        self._treat_part(left.head(half))
        if half < left.height:
            self._treat_part(left.tail(left.height - half))

    def _is_hopeless(self) -> bool:
        """Nothing has ever come through and several items failed alike: the fault is not theirs."""
        history = self.run.journal.history
        reasons = {why for _, why in history.failed.values()}
        return not history.done and len(history.failed) >= HOPELESS and len(reasons) == 1

    def _attempt(self, items: pl.DataFrame) -> BatchResult:
        """Run a batch in its shadow, move its files, give its rows; failures are part of the result."""
        self.batches += 1
        protocol, run = self.protocol, self.run
        shadow = run.attempt / f"b{self.batches}"
        ids = items[ITEM_ID].to_list()
        began = time.monotonic()
        with run.slots(protocol.cores(), protocol.gpus()):
            make_shadow(run.root, run.job.name, shadow)
            job = JobFolder(run.job.name, shadow, run.job.uuid)
            optics = {name: stream.optics for name, stream in self.sides.items()}
            batch = Batch(
                self.batches, items, self.leading.optics, job, job.file(BATCH_FILE), self.side_rows, optics
            )
            try:
                refused = dict(protocol.prepare(run.job, batch))
                result = (
                    protocol.process(run.job, batch)
                    if len(refused) < len(ids)
                    else BatchResult({}, frozenset())
                )
                if result is None:
                    result = self._run_program(batch, len(ids))
                failed = {**refused, **result.failed}
            except CryoloomError as error:
                failed = dict.fromkeys(ids, str(error)) if len(ids) == 1 else {}
                result = BatchResult({}, frozenset(), failed)
            if len(ids) == 1 and not result.done and not failed:
                failed = {ids[0]: "nothing came out"}
            skip = {BATCH_FILE, *MARKS.values(), *result.skip_files}
            move_files(job.path, run.folder, skip)
            remove_shadow(shadow)
        self.seconds.append((time.monotonic() - began) / max(1, len(ids)))
        return BatchResult(result.rows, result.done, failed, result.optics)

    def _run_program(self, batch: Batch, count: int) -> BatchResult:
        protocol, run = self.protocol, self.run
        command = protocol.command(run.job, batch)
        assert command is not None
        limit = SHORTEST_LIMIT_S
        if self.seconds:
            limit = max(limit, 10 * statistics.median(self.seconds) * count)
        ended = programs.run(
            command, run.settings, cwd=batch.job.root, out=run.folder / "run.out", err=run.folder / "run.err",
            limit_s=limit,
        )  # fmt: skip
        run.journal.write(
            "command.ended", step=f"batch {batch.number}", code=ended.code, wall_s=ended.wall_s, cpu_s=ended.cpu_s,
            peak_mb=ended.peak_mb,
        )  # fmt: skip
        run.say_ignored(ended.ignored)
        try:
            result = protocol.collect(run.job, batch)
        except CryoloomError as error:
            # The program died before it wrote its table, or wrote half of it.
            result = BatchResult({}, frozenset())
            if count == 1:
                result = BatchResult(
                    {}, frozenset(), {batch.items[ITEM_ID][0]: self._reason(ended, str(error))}
                )
        else:
            ids = set(batch.items[ITEM_ID].to_list())
            if count == 1 and not (result.done | set(result.failed)) >= ids:
                result = BatchResult({}, frozenset(), {ids.pop(): self._reason(ended, "")})
        return result

    @staticmethod
    def _reason(ended: programs.Ended, fallback: str) -> str:
        if ended.hung:
            return f"the program hung and was ended after {ended.wall_s:.0f} s"
        if ended.code < 0:
            return f"the program was killed by signal {-ended.code}; {ended.tail}"
        return ended.tail or fallback or f"the program ended with code {ended.code} and wrote nothing"

    def _commit(self, items: pl.DataFrame, result: BatchResult) -> None:
        """Append the rows, then journal: the line is the commit."""
        if not items.height:
            return
        names = _names(items)
        ends: dict[str, dict[str, int]] = {}
        for name, rows in result.rows.items():
            if not rows.height:
                continue
            output = self.outputs[name]
            end = output.append(rows, result.optics if result.optics is not None else self.leading.optics)
            state = output.state
            assert state is not None
            ends[name] = {"generation": state.generation, "end": end, "items": state.items + rows.height}
        failed = [
            {"item": item, "name": names.get(item, ""), "why": why}
            for item, why in result.failed.items()
            if item in names
        ]
        self.run.journal.write(
            "items.done", items=[item for item in result.done if item in names], failed=failed, outputs=ends
        )
        for failure in failed:
            self.run.log(f"Failed: {failure['name'] or failure['item']}: {failure['why']}", error=True)

    def _close(self) -> None:
        history = self.run.journal.history
        if history.failed:
            write_failed(self.run.folder, history.failed)
        if self.known and not history.done:
            reasons = list(dict.fromkeys(why for _, why in history.failed.values()))
            raise DatasetError(
                f"{self.run.entry.name}", found=f"without a result: all {len(history.failed)} items failed",
                expected="at least one that works", hint=f"First reason: {reasons[0] if reasons else 'unknown'}",
            )  # fmt: skip
        self.protocol.close(self.run.job)
        for output in self.outputs.values():
            if output.state is None:
                self._open_empty(output)
            output.close(len(history.failed))

    def _open_empty(self, output: GrowingOutput) -> None:
        """An output that got no item is an empty table, not a missing file."""
        other = next((o.state.labels for o in self.outputs.values() if o.state is not None), None)
        leading = self.protocol.given[self.protocol.leading_input()]
        labels = other or [ITEM_ID]
        if other is None and self.leading.rows_seen == 0:
            raise DatasetError(f"{leading.path}", found="empty", expected="items to work on")
        output.open(labels, self.leading.optics)


def run_items(run: RunContext) -> None:
    """Run an item protocol to its end."""
    protocol = run.protocol
    assert isinstance(protocol, ItemProtocol)
    command = protocol.command(run.job)
    if command is not None:
        programs.arguments(command, run.settings)  # a missing program is no item's fault
    append_note(
        run.folder, [command.note()] if command else [own_note(run)], is_continue=run.journal.attempt > 1
    )
    streams = {
        name: InputStream(run.root, dataset)
        for name, dataset in protocol.given.items()
        if dataset and isinstance(dataset, Table) and _is_stream(protocol, name, dataset)
    }
    leading = streams.pop(protocol.leading_input())
    ItemRun(run, protocol, leading, streams).go()


def write_failed(folder: Path, failed: Mapping[str, tuple[str, str]]) -> None:
    """`failed.star`: which items failed and why."""
    rows = [(item, name, why) for item, (name, why) in failed.items()]
    frame = pl.DataFrame(rows, schema=[ITEM_ID, "cryoloomName", "cryoloomReason"], orient="row")
    star.write(folder / "failed.star", {"failed": frame})


def _is_stream(protocol: ItemProtocol, name: str, dataset: Dataset) -> bool:
    return name == protocol.leading_input() or name in protocol.join_labels()


def own_note(run: RunContext) -> str:
    """A job that no program did, as the command that would do it again."""
    values = " ".join(f"{name}={value}" for name, value in run.protocol.values.items())
    inputs = " ".join(
        f"{name.partition('#')[0]}={dataset.path}" for name, dataset in run.protocol.given.items() if dataset
    )
    return f"cryoloom run {run.protocol.name} {inputs} {values}"


def _names(items: pl.DataFrame) -> dict[str, str]:
    label = next((label for label in NAME_LABELS if label in items.columns), ITEM_ID)
    return dict(zip(items[ITEM_ID].to_list(), items[label].to_list(), strict=True))
