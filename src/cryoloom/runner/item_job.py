"""Item protocols: follow the inputs, form batches, run them, append rows, record what failed.

One item that cannot be treated never stops the others: a batch that fails as a whole is repeated
item by item, and what still fails is recorded with its reason.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import polars as pl

from cryoloom.em.names import key
from cryoloom.errors import DatasetError
from cryoloom.project.attempts import CONTROL
from cryoloom.project.events import InputRevised, ItemsDone, ItemsKnown
from cryoloom.project.notes import append_note, own_command
from cryoloom.project.watching import Watcher
from cryoloom.protocol.datasets import Coordinates
from cryoloom.protocol.edge import call_plugin
from cryoloom.protocol.jobs import ITEM_ID, BatchResult
from cryoloom.protocol.protocols import ItemProtocol
from cryoloom.runner import programs
from cryoloom.runner.batcher import Batcher
from cryoloom.runner.batches import Work, lanes_of
from cryoloom.runner.calls import CallValues
from cryoloom.runner.changes import Changes
from cryoloom.runner.context import RunContext, Suspended, out_of_time
from cryoloom.runner.item_inputs import ItemInputs
from cryoloom.runner.job_outputs import JobOutputs, write_failed
from cryoloom.runner.lanes import Lanes, Treated
from cryoloom.runner.outputs import GrowingOutput
from cryoloom.runner.own_files import OwnFiles, name_label
from cryoloom.runner.partners import NAMES
from cryoloom.runner.picks import COUNT
from cryoloom.runner.remarks import Remarks, bare

HOPELESS = 3
LONGEST_WAIT_S = 0.5  # files that no event tells of are looked at so often


@dataclass(slots=True)
class ItemRun:
    """One attempt at an item job."""

    run: RunContext
    protocol: ItemProtocol
    inputs: ItemInputs
    changes: Changes
    outputs: JobOutputs
    batcher: Batcher
    remarks: Remarks
    memory: object = None
    watcher: Watcher = field(init=False)
    lanes: Lanes = field(init=False)
    batches: int = 0
    known: int = 0
    things: int = 0  # picks on the items that came
    files: OwnFiles = field(default_factory=OwnFiles)
    calls: CallValues = field(init=False)

    def __post_init__(self) -> None:
        self.watcher = Watcher(poll=bool(self.run.settings.get("streams.poll")))
        self.calls = CallValues(self.run, self.protocol)
        self.batcher.is_ready = self.inputs.have_partners if self.inputs.sides else None

    def go(self) -> None:
        """Until all inputs are closed and nothing is left to do.

        Raises:
            Suspended: an input's producer failed; all that came has been treated.
            DatasetError: no item at all came through.
        """
        if not self.outputs.recover(self.inputs.leading.optics):
            self.run.log("Committed rows were lost; the datasets are made anew.", error=True)
        self._start_lanes()
        suspended: Suspended | None = None
        while True:
            self._take_changes()
            try:
                news = self._poll() if suspended is None else False
            except Suspended as reason:
                suspended, news = reason, False
            for treated in self.lanes.take():
                self._finish(treated)
                news = True
            closed = self.inputs.closed
            out_of = self.run.is_out_of_time
            while not out_of and self.lanes.free and self._give(closed, closed or suspended is not None):
                pass
            if out_of and not self.lanes.busy:
                raise out_of_time()
            if not self.lanes.busy and not self.batcher.has_again:
                if closed and not self.batcher.ready().height:
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
        self.memory = call_plugin(self.protocol, "begin", self.run.job)
        self.lanes = Lanes(lanes_of(self.run, self.protocol))
        self.watcher.also(self.lanes.ready)
        self.watcher.watch(self.run.folder / CONTROL.parent)

    def _take_changes(self) -> None:
        """Parameters that the user has changed meanwhile: for the items to come, or for all."""
        if self.changes.next() is None:
            return
        self._finish_lanes()
        self.watcher.leave(self.lanes.ready)
        self.lanes.end()
        # All that wait: no item is made with what counted for a moment only.
        while (change := self.changes.next()) is not None:
            if change.of_all:
                # Before the change is journaled: after a kill in between it is taken again, and for all items.
                self._begin_anew()
            self.protocol = self.changes.take(change)
        self.calls = CallValues(self.run, self.protocol)
        # Items that wait already: what was one call may be several now.
        self.batcher.call_of = self.calls.of(self.inputs.leading.optics)
        self.batcher.size, self.batcher.wait_s = self.protocol.batch_limit(), self.protocol.batch_wait
        self._start_lanes()

    def _begin_anew(self) -> None:
        """All items once more: what was made of them is another revision, which the next jobs see."""
        self.known = self.things = 0
        self.batcher.forget()
        self.files.forget()
        self.outputs.begin_revision()
        known = self.run.journal.history.input_revisions
        for name, revision in self.inputs.anew().items():
            if revision != known.get(name, 0):
                self.run.journal.write(InputRevised(input=name, revision=revision))

    def _poll(self) -> bool:
        """Whether something came."""
        news = self.inputs.poll_sides()
        if news:
            self.batcher.look_again(time.monotonic())
        rows = self.inputs.leading.poll()
        if self.inputs.are_revised:
            # The job before this one has done its items again, with other parameters.
            self._rest_of_lanes()
            self._begin_anew()
            return True
        if rows is not None:
            news = True
            self.known += rows.height
            self.things += int(rows[COUNT].cast(pl.Int64).sum()) if COUNT in rows.columns else 0
            self.run.journal.write(ItemsKnown(total=self.known))
            self.batcher.add(self._without_clashes(rows), time.monotonic(), self.run.journal.history.done)
            self.batcher.call_of = self.calls.of(self.inputs.leading.optics)
        return news

    def _without_clashes(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The items that have a file of their own; the others fail, and say with whom they would share it."""
        failed = self.files.refused(self.protocol, rows)
        if not failed:
            return rows
        is_failed = pl.Series([item in failed for item in rows[ITEM_ID].to_list()], dtype=pl.Boolean)
        self._commit(rows.filter(is_failed), BatchResult({}, frozenset(), failed))
        return rows.filter(~is_failed)

    def _rest_of_lanes(self) -> list[Treated]:
        """What the lanes still work at, when they have done it."""
        found: list[Treated] = []
        while self.lanes.busy:
            self.watcher.wait(LONGEST_WAIT_S)
            found += self.lanes.take()
        return found

    def _finish_lanes(self) -> None:
        for treated in self._rest_of_lanes():
            self._finish(treated)

    def _watch(self) -> None:
        for path in self.inputs.paths():
            self.watcher.watch(path)

    def _patience(self) -> float:
        """How long nothing has to be looked at, if nothing changes."""
        wait_s = self.protocol.batch_wait
        if not wait_s or not self.batcher.ready().height:
            return LONGEST_WAIT_S
        return max(0.01, min(LONGEST_WAIT_S, self.batcher.oldest + wait_s - time.monotonic()))

    def _give(self, closed: bool, is_last: bool) -> bool:
        """Give a lane its next batch; false where there is not enough for one."""
        batch = self.batcher.next(self.lanes.free, time.monotonic(), closed=closed, is_last=is_last)
        if batch is None:
            return False
        self.batches += 1
        found = self.inputs.partners_of(batch.items)
        self.lanes.give(
            Work(
                self.batches, batch, self.inputs.leading.optics,
                {name: rows for name, (rows, _) in found.items()},
                self.inputs.side_optics,
                {name: pairs for name, (_, pairs) in found.items()},
                self.memory, self.calls.values(batch.items, self.inputs.leading.optics),
                self.run.journal.history.version,
            )
        )  # fmt: skip
        return True

    def _finish(self, treated: Treated) -> None:
        """Commit a batch; what did not come through is tried again in halves, down to units."""
        assert treated.result is not None
        work, result = treated.work, treated.result
        batch, through = work.batch, {*result.done, *result.failed}
        will_come = self.batcher.ended(batch, through)
        items = batch.items
        if will_come:
            items = items.filter(
                pl.Series([i in through for i in items[ITEM_ID].to_list()], dtype=pl.Boolean)
            )
        self.remarks.add(result.remarks)
        self._commit(items, result, work.version)
        if will_come and self._is_hopeless():
            why = next(iter(self.run.journal.history.failed.values()))[1]
            for left in self.batcher.give_up():
                ids = left[ITEM_ID].to_list()
                self._commit(left, BatchResult({}, frozenset(), dict.fromkeys(ids, why)))

    def _is_hopeless(self) -> bool:
        """Nothing has ever come through and several items failed alike: the fault is not theirs."""
        history = self.run.journal.history
        reasons = {bare(name, why) for name, why in history.failed.values()}
        return not history.done and len(history.failed) >= HOPELESS and len(reasons) == 1

    def _fail_unmet(self) -> None:
        left = self.batcher.left()
        if not left.height:
            return
        self._commit(left, BatchResult({}, frozenset(), self.inputs.why_alone(left, self.known)))

    def _commit(self, items: pl.DataFrame, result: BatchResult, version: int = 0) -> None:
        if not items.height:
            return
        names = dict(zip(items[ITEM_ID].to_list(), map(str, items[name_label(items)].to_list()), strict=True))
        failed = [
            {"item": item, "name": names[item], "why": why}
            for item, why in result.failed.items()
            if item in names
        ]
        optics = result.optics if result.optics is not None else self.inputs.leading.optics
        done = [item for item in result.done if item in names]
        for name, rows in result.rows.items():
            if rows.height:
                self.outputs.append(name, rows, optics)
        self.outputs.commit(ItemsDone(items=done, failed=failed, version=version))
        for failure in failed:
            self.remarks.failed(failure["name"] or failure["item"], failure["why"])

    def _close(self) -> None:
        history = self.run.journal.history
        write_failed(self.run.folder, history.failed)
        self.remarks.end(call_plugin(self.protocol, "end", self.run.job, self.memory))
        if self.known and not history.done:
            reasons = list(dict.fromkeys(why for _, why in history.failed.values()))
            raise DatasetError(
                f"{self.run.name}", found=f"without a result: all {len(history.failed)} items failed",
                expected="at least one that works", hint=f"First reason: {reasons[0] if reasons else 'unknown'}",
            )  # fmt: skip
        if self.inputs.leading.rows_seen == 0 and not self.outputs.are_open:
            path = self.inputs.leading.dataset.path
            raise DatasetError(f"{path}", found="empty", expected="items to work on")
        if history.done and not any(one.state is not None and one.state.items for one in self.outputs):
            said: str = call_plugin(self.protocol, "nothing", self.run.job, self.things)
            if said:
                self.run.say_once(said)
        labels = next((one.state.labels for one in self.outputs if one.state is not None), [])
        self.outputs.close(len(history.failed), labels, self.inputs.leading.optics)


def run_items(run: RunContext) -> None:
    """Run an item protocol to its end."""
    protocol = run.protocol
    assert isinstance(protocol, ItemProtocol)
    autos = protocol.auto_of_group({})
    command = protocol.with_values(autos).command(run.job)
    if command is not None:
        programs.arguments(command, run.settings)  # a missing program is no item's fault
    is_new_note = not protocol.by_hand or run.journal.attempt == 1  # else a line for each edit
    if is_new_note and (not autos or command is None):
        shown = command or protocol.window(run.job)
        note = shown.note() if shown else own_command(protocol)
        append_note(run.folder, [note], is_continue=run.journal.attempt > 1)
    batcher = Batcher(protocol.batch_limit(), protocol.batch_wait, units(protocol.together()))
    outputs = JobOutputs(run.journal, {})
    for name, dataset in protocol.output_files(run.job).items():
        file = protocol.table_file(name, dataset.path.removeprefix(run.job.name))
        outputs.outputs[name] = GrowingOutput(
            name, run.folder, file, protocol.blocks(name), run.journal,
            has_optics=protocol.output_kind(name) is not Coordinates,
        )  # fmt: skip
    ItemRun(run, protocol, ItemInputs.of(run, protocol), Changes(run), outputs, batcher, Remarks(run)).go()


def units(label: str) -> Callable[[pl.DataFrame], list[str]] | None:
    """What tells the units of items: the column, of micrographs what is the same below all jobs."""
    if not label:
        return None
    name = key if label in NAMES else str
    return lambda rows: [name(str(text)) for text in rows[label].to_list()]
