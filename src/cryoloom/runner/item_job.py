"""Item protocols: follow the inputs, form batches, run them, append rows, record what failed.

One item that cannot be treated never stops the others: a batch that fails as a whole is repeated
item by item, and what still fails is recorded with its reason.
"""

import math
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from cryoloom import star
from cryoloom.errors import DatasetError
from cryoloom.project.attempts import CONTROL
from cryoloom.project.item_ids import NAME_LABELS
from cryoloom.project.notes import append_note
from cryoloom.project.watching import Watcher
from cryoloom.protocol.datasets import Coordinates, Dataset, Table
from cryoloom.protocol.jobs import ITEM_ID, BatchResult
from cryoloom.protocol.protocols import ItemProtocol
from cryoloom.runner import programs
from cryoloom.runner.batches import Work, lanes_of
from cryoloom.runner.changes import Changes
from cryoloom.runner.context import RunContext, Suspended, out_of_time
from cryoloom.runner.lanes import Lanes, Treated
from cryoloom.runner.outputs import GrowingOutput, make_anew
from cryoloom.runner.streams import Following, InputStream, below

HOPELESS = 3
LONGEST_WAIT_S = 0.5  # files that no event tells of are looked at so often
SYNC_S = 1.0  # what a machine that loses its power may lose


@dataclass(slots=True)
class ItemRun:
    """One attempt at an item job."""

    run: RunContext
    protocol: ItemProtocol
    leading: InputStream
    sides: dict[str, Following]
    changes: Changes
    outputs: dict[str, GrowingOutput] = field(default_factory=dict)
    watcher: Watcher = field(init=False)
    lanes: Lanes = field(init=False)
    pending: pl.DataFrame | None = None
    oldest: float = 0.0  # when the first of the pending items came
    again: deque[pl.DataFrame] = field(default_factory=deque)  # parts of batches that did not come through
    batches: int = 0
    known: int = 0
    synced: float = 0.0

    def __post_init__(self) -> None:
        self.watcher = Watcher(poll=bool(self.run.settings.get("streams.poll")))

    def go(self) -> None:
        """Until all inputs are closed and nothing is left to do.

        Raises:
            Suspended: an input's producer failed; all that came has been treated.
            DatasetError: no item at all came through.
        """
        self._recover()
        self._start_lanes()
        suspended: Suspended | None = None
        while True:
            self._take_changes()
            try:
                news = self._poll() if suspended is None else False
            except Suspended as reason:
                suspended, news = reason, False
            for treated in self.lanes.take():
                assert treated.result is not None
                self._finish(treated.work, treated.result)
                news = True
            closed = self._closed()
            out_of = self.run.is_out_of_time
            while (
                not out_of
                and self.lanes.free
                and (items := self._next_batch(closed, is_last=closed or suspended is not None)) is not None
            ):
                self._give(items)
            if out_of and not self.lanes.busy:
                raise out_of_time()
            if not self.lanes.busy and not self.again:
                if closed and not self._ready().height:
                    if self.changes.next() is None:
                        break
                    continue  # one that came at the last moment
                if suspended is not None:
                    raise suspended
            if news:
                self.watcher.news()
            else:
                self._watch()
                self.watcher.wait(self._patience())
        self.lanes.end()
        self._fail_unmet()
        self._close()

    def _start_lanes(self) -> None:
        self.lanes = Lanes(lanes_of(self.run, self.protocol))
        self.watcher.also(self.lanes.ready)
        self.watcher.watch(self.run.folder / CONTROL.parent)

    def _recover(self) -> None:
        job = self.run.job
        for name, dataset in self.protocol.output_files(job).items():
            file = self.protocol.table_file(name, dataset.path.removeprefix(job.name))
            kind = self.protocol.output_kind(name)
            table = self.protocol.blocks(name)
            self.outputs[name] = GrowingOutput(
                name, self.run.folder, file, table, self.run.journal, has_optics=kind is not Coordinates
            )
        whole = {name: output.recover() for name, output in self.outputs.items()}
        states = [output.state for output in self.outputs.values()]
        newest = max((state.revision for state in states if state is not None), default=0)
        for output in self.outputs.values():
            if output.state is not None and output.state.revision < newest:
                output.begin_revision()  # a kill between two outputs' beginnings
        if not all(whole.values()):
            # Committed rows are gone (a machine lost power): all items are done again, each once.
            self.run.log("Committed rows were lost; the datasets are made anew.", error=True)
            make_anew(self.run.journal, self.outputs, whole, self.leading.optics)

    def _take_changes(self) -> None:
        """Parameters that the user has changed meanwhile: for the items to come, or for all."""
        if self.changes.next() is None:
            return
        for treated in self._rest_of_lanes():
            assert treated.result is not None
            self._finish(treated.work, treated.result)
        self.watcher.leave(self.lanes.ready)
        self.lanes.end()
        # All that wait: no item is made with what counted for a moment only.
        while (change := self.changes.next()) is not None:
            if change.of_all:
                # Before the change is journaled: after a kill in between it is taken again, and for all items.
                self._begin_anew()
            self.protocol = self.changes.take(change)
        self._start_lanes()

    def _begin_anew(self) -> None:
        """All items once more: what was made of them is another revision, which the next jobs see."""
        self.pending, self.known = None, 0
        self.again.clear()
        for output in self.outputs.values():
            output.begin_revision()
        self.leading = self.leading.anew()
        for side in self.sides.values():
            side.stream, side.rows, side.keys = side.stream.anew(), None, set()
        known = self.run.journal.history.input_revisions
        for name, stream in self._streams().items():
            if stream.revision != known.get(name, 0):
                self.run.journal.write("input.revised", input=name, revision=stream.revision)

    def _streams(self) -> dict[str, InputStream]:
        sides = {name: side.stream for name, side in self.sides.items()}
        return {self.protocol.leading_input(): self.leading, **sides}

    def _poll(self) -> bool:
        """Whether something came."""
        news = False
        for side in self.sides.values():
            rows = side.stream.poll()
            if rows is not None:
                side.take(rows)
                news = True
        rows = self.leading.poll()
        if any(stream.is_revised for stream in self._streams().values()):
            # The job before this one has done its items again, with other parameters.
            self._rest_of_lanes()
            self._begin_anew()
            return True
        if rows is not None:
            news = True
            self.known += rows.height
            self.run.journal.write("items.known", total=self.known)
            done = self.run.journal.history.done
            if done:
                ids = rows[ITEM_ID].to_list()
                rows = rows.filter(pl.Series([item not in done for item in ids], dtype=pl.Boolean))
            if self.pending is None or not self.pending.height:
                self.pending, self.oldest = rows, time.monotonic()
            else:
                self.pending = below(self.pending, rows)
        return news

    def _rest_of_lanes(self) -> list[Treated]:
        """What the lanes still work at, when they have done it."""
        found: list[Treated] = []
        while self.lanes.busy:
            self.watcher.wait(LONGEST_WAIT_S)
            found += self.lanes.take()
        return found

    def _watch(self) -> None:
        for stream in self._streams().values():
            for path in stream.paths():
                self.watcher.watch(path)

    def _patience(self) -> float:
        """How long nothing has to be looked at, if nothing changes."""
        wait_s = self.protocol.batch_wait
        if self.pending is None or not self.pending.height or not wait_s:
            return LONGEST_WAIT_S
        return max(0.01, min(LONGEST_WAIT_S, self.oldest + wait_s - time.monotonic()))

    def _closed(self) -> bool:
        return self.leading.closed and all(side.stream.closed for side in self.sides.values())

    def _ready(self) -> pl.DataFrame:
        """Items whose partners in the other inputs are there."""
        ready = self.pending if self.pending is not None else pl.DataFrame()
        for side in self.sides.values():
            if ready.height:
                keys = ready[side.label].cast(pl.String).to_list()
                ready = ready.filter(pl.Series([key in side.keys for key in keys], dtype=pl.Boolean))
        return ready

    def _next_batch(self, closed: bool, *, is_last: bool) -> pl.DataFrame | None:
        """The items that a lane should treat next; None while there are not enough.

        Args:
            closed: no more will ever come.
            is_last: no more will come in this attempt.
        """
        if self.again:
            return self.again.popleft()
        ready = self._ready()
        size = self.protocol.batch_limit()
        if not ready.height or (size == 0 and not closed):
            return None
        waits = self.protocol.batch_wait > time.monotonic() - self.oldest
        if ready.height < size and waits and not is_last:
            return None
        size = size or ready.height
        # What is there is shared among the lanes that have nothing to do.
        items = ready.head(min(size, math.ceil(ready.height / self.lanes.free)))
        assert self.pending is not None
        if not self.sides:
            self.pending = self.pending.slice(items.height)
        else:
            self.pending = self.pending.filter(~pl.col(ITEM_ID).is_in(items[ITEM_ID].implode()))
        self.oldest = time.monotonic()
        return items

    def _give(self, items: pl.DataFrame) -> None:
        self.batches += 1
        rows = {name: side.rows for name, side in self.sides.items() if side.rows is not None}
        optics = {name: side.stream.optics for name, side in self.sides.items()}
        self.lanes.give(
            Work(self.batches, items, self.leading.optics, rows, optics, self.run.journal.history.version)
        )

    def _finish(self, work: Work, result: BatchResult) -> None:
        """Commit a batch; what did not come through is tried again in halves, down to single items."""
        items = work.items
        left = items.clear()
        if items.height > 1:
            left = items.filter(~pl.col(ITEM_ID).is_in([*result.done, *result.failed]))
        through = items
        if left.height:
            through = items.filter(~pl.col(ITEM_ID).is_in(left[ITEM_ID].implode()))
        self._commit(through, result, work.version)
        if not left.height:
            return
        if self._is_hopeless():
            why = next(iter(self.run.journal.history.failed.values()))[1]
            self._commit(left, BatchResult({}, frozenset(), dict.fromkeys(left[ITEM_ID].to_list(), why)))
            return
        half = max(1, left.height // 2) if left.height == items.height else left.height
        self.again.append(left.head(half))
        if half < left.height:
            self.again.append(left.tail(left.height - half))

    def _is_hopeless(self) -> bool:
        """Nothing has ever come through and several items failed alike: the fault is not theirs."""
        history = self.run.journal.history
        reasons = {why for _, why in history.failed.values()}
        return not history.done and len(history.failed) >= HOPELESS and len(reasons) == 1

    def _fail_unmet(self) -> None:
        left = self.pending
        if left is not None and left.height:
            why = "it is in none of the other inputs: " + ", ".join(
                side.stream.dataset.path for side in self.sides.values()
            )
            self._commit(left, BatchResult({}, frozenset(), dict.fromkeys(left[ITEM_ID].to_list(), why)))

    def _commit(self, items: pl.DataFrame, result: BatchResult, version: int = 0) -> None:
        """Append the rows, then journal: the line is the commit."""
        if not items.height:
            return
        names = _names(items)
        is_synced = time.monotonic() - self.synced > SYNC_S
        ends: dict[str, dict[str, int]] = {}
        for name, rows in result.rows.items():
            if not rows.height:
                continue
            output = self.outputs[name]
            optics = result.optics if result.optics is not None else self.leading.optics
            end = output.append(rows, optics, sync=is_synced)
            state = output.state
            assert state is not None
            ends[name] = {"generation": state.generation, "end": end, "items": state.items + rows.height}
        failed = [
            {"item": item, "name": names.get(item, ""), "why": why}
            for item, why in result.failed.items()
            if item in names
        ]
        facts = {"version": version} if version else {}
        self.run.journal.write(
            "items.done", items=[item for item in result.done if item in names], failed=failed, outputs=ends,
            sync=is_synced, **facts,
        )  # fmt: skip
        if is_synced:
            self.synced = time.monotonic()
        for failure in failed:
            self.run.log(f"Failed: {failure['name'] or failure['item']}: {failure['why']}", error=True)

    def _close(self) -> None:
        history = self.run.journal.history
        write_failed(self.run.folder, history.failed)
        if self.known and not history.done:
            reasons = list(dict.fromkeys(why for _, why in history.failed.values()))
            raise DatasetError(
                f"{self.run.name}", found=f"without a result: all {len(history.failed)} items failed",
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
    revisions = run.journal.history.input_revisions
    streams = {
        name: InputStream(run.root, dataset, revision=revisions.get(name, 0))
        for name, dataset in protocol.given.items()
        if dataset and isinstance(dataset, Table) and _is_stream(protocol, name, dataset)
    }
    leading = streams.pop(protocol.leading_input())
    labels = protocol.join_labels()
    sides = {name: Following(stream, labels[name]) for name, stream in streams.items()}
    ItemRun(run, protocol, leading, sides, Changes(run)).go()


def write_failed(folder: Path, failed: Mapping[str, tuple[str, str]]) -> None:
    """`failed.star`: which items failed and why; no file where none has."""
    if not failed:
        (folder / "failed.star").unlink(missing_ok=True)
        return
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
