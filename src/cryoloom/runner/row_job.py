"""Row protocols: follow the inputs, hand over what is new, append the rows of the outputs.

There is no program, no shadow and no item that fails alone. What is through is known from the rows
that the outputs hold, so the journal needs no list of a million ids.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

import polars as pl

from cryoloom import star
from cryoloom.em.places import micrograph_key
from cryoloom.errors import DatasetError
from cryoloom.project.events import InputRevised, ItemsDone, ItemsKnown, Note, RowsForgotten
from cryoloom.project.forms.coordinate_files import own_table, write_suffix_file
from cryoloom.project.notes import append_note, own_command
from cryoloom.project.watching import Watcher
from cryoloom.protocol.datasets import Coordinates, Table
from cryoloom.protocol.edge import call_plugin
from cryoloom.protocol.jobs import ITEM_ID, SOURCE, Part, RowBatch, RowResult
from cryoloom.protocol.protocols import TAKEN_OUT, RowProtocol
from cryoloom.runner.context import RunContext, Suspended, out_of_time
from cryoloom.runner.given import is_unseen
from cryoloom.runner.job_outputs import JobOutputs
from cryoloom.runner.looking import check_rows
from cryoloom.runner.outputs import GROUP, GrowingOutput
from cryoloom.runner.picks import MICROGRAPH, PickReader, write_picks
from cryoloom.runner.streams import InputStream, below, without

# Rows that are written in one go: bounds the memory of a write, and starts who reads early.
MOST_ROWS = 250_000
FEW_ROWS = 1000
LONGEST_WAIT_S = 0.5  # files that no event tells of are looked at so often


@dataclass(slots=True)
class Followed:
    """One input: its stream, and the rows that wait to be treated."""

    name: str
    stream: InputStream
    picks: PickReader | None  # for coordinates
    treated: bool
    pending: pl.DataFrame | None = None
    rows: pl.DataFrame | None = None  # all so far, of an input that is not treated
    done: Counter[str] = field(default_factory=Counter)  # ids that are through since before a restart

    def take(self, rows: pl.DataFrame) -> None:
        """Add what has come."""
        if self.treated:
            self.pending = _below(self.pending, rows)
        else:
            self.rows = _below(self.rows, rows)

    @property
    def source(self) -> str:
        """How a joined row names the set that it came from."""
        dataset = self.stream.dataset
        return f"{dataset.job}:{dataset.output}" if dataset.job and dataset.output else dataset.path

    def micrographs(self) -> set[str]:
        """Keys of the micrographs that have come."""
        return _keys(self.pending if self.treated else self.rows)


@dataclass(slots=True)
class RowRun:
    """One attempt at a row job."""

    run: RunContext
    protocol: RowProtocol
    inputs: dict[str, Followed]
    outputs: JobOutputs = field(init=False)
    held: dict[str, pl.DataFrame] = field(default_factory=dict)
    watcher: Watcher = field(init=False)
    memory: object = None  # of the protocol
    known: int = 0
    ended: bool = False  # the protocol was told that nothing more will come
    unseen: list[str] = field(default_factory=list)  # tables of inputs whose values nobody has looked at

    def __post_init__(self) -> None:
        self.watcher = Watcher(poll=bool(self.run.settings.get("streams.poll")))

    def go(self) -> None:
        """Until all inputs are closed and all rows are through.

        Raises:
            Suspended: an input's producer failed; all that came has been treated.
        """
        self._recover()
        self.memory = call_plugin(self.protocol, "begin", self.run.job, self._written)
        was_started = False
        suspended: Suspended | None = None
        while not self.ended:
            if self.run.is_out_of_time:
                raise out_of_time()
            try:
                news = self._poll()
            except Suspended as reason:
                suspended, news = reason, False
            closed = all(one.stream.closed for one in self.inputs.values())
            started = all(one.stream.labels for one in self.inputs.values())
            # A join needs the headers of all inputs; what needs all rows waits for their end.
            may = started and not self.protocol.needs_all()
            if closed or (may and (news or suspended or not was_started)):
                self._treat(closed)
            was_started = started
            if suspended is not None:
                raise suspended
            if news:
                self.watcher.news()
            elif not closed:
                for path in (path for one in self.inputs.values() for path in one.stream.paths()):
                    self.watcher.watch(path)
                self.watcher.wait(LONGEST_WAIT_S)
        self._close()

    def _recover(self) -> None:
        """Cut the outputs back to what was committed; the rows that they hold are through."""
        job = self.run.job
        outputs: dict[str, GrowingOutput] = {}
        for name, dataset in self.protocol.output_files(job).items():
            is_coordinates = isinstance(dataset, Coordinates)
            file = own_table(dataset.path) if is_coordinates else dataset.path.removeprefix(job.name)
            table = self.protocol.output_kind(name).block
            outputs[name] = GrowingOutput(
                name, self.run.folder, file, table, self.run.journal, has_optics=not is_coordinates
            )
            if is_coordinates:
                like = self.protocol.promised()[name].like or "input"
                given = self.protocol.given.items()
                likes = [one for key, one in given if one and key.partition("#")[0] == like]
                write_suffix_file(self.run.root, dataset, likes)
        self.outputs = JobOutputs(self.run.journal, outputs)
        if not self.outputs.recover(None):
            self.run.log("Committed rows were lost; the datasets are made anew.", error=True)
        elif self.outputs.are_open and self.protocol.needs_all():
            self.run.log("The datasets are made anew: what is made in one go is not gone on with.")
            self.outputs.make_anew(None)
        self._know_what_is_through()

    def _know_what_is_through(self) -> None:
        """The items that the outputs hold are not treated once more."""
        is_joined = self.protocol.input_spec(self.protocol.treated).several
        for output in self.outputs:
            rows = output.rows([ITEM_ID, SOURCE])
            if rows is None or ITEM_ID not in rows.columns:
                continue
            for one in self.inputs.values():
                mine = (
                    rows.filter(pl.col(SOURCE) == one.source)
                    if is_joined and SOURCE in rows.columns
                    else rows
                )
                one.done.update(mine[ITEM_ID].to_list())

    def _poll(self) -> bool:
        """Whether rows have come, or an input has ended."""
        news = False
        if any(one.stream.is_revised for one in self.inputs.values()):
            self._begin_anew()
        known = self.known
        for one in self.inputs.values():
            was_closed = one.stream.closed
            rows = one.stream.poll()
            news = news or rows is not None or one.stream.closed != was_closed
            if rows is None:
                continue
            if one.treated:
                self.known += rows.height
                if one.done:
                    rows = without(rows, one.done)
            one.take(rows)
        if self.known != known:
            self.run.journal.write(ItemsKnown(total=self.known))
        return news

    def _begin_anew(self) -> None:
        """An input was made again, with other parameters: so are our rows. Sets that are complete stay, with their items."""
        self.outputs.begin_revision()
        self.run.journal.write(RowsForgotten())
        self.held.clear()
        self.known = 0
        for name, one in self.inputs.items():
            one.stream, one.pending, one.rows = one.stream.anew(), None, None
            one.done.clear()
            if one.stream.revision != self.run.journal.history.input_revisions.get(name, 0):
                self.run.journal.write(InputRevised(input=name, revision=one.stream.revision))
        self._know_what_is_through()
        # What is remembered of the rows before counts no more.
        self.memory = call_plugin(self.protocol, "begin", self.run.job, self._written)

    def _treat(self, closed: bool) -> None:
        """All that is there, in pieces; then, when the inputs are closed, the last word."""
        while True:
            taken = self._take(closed)
            left = any(one.pending is not None and one.pending.height for one in self.inputs.values())
            last = closed and not left
            count = sum(rows.height for rows in taken.values())
            if last or count:
                # A few rows are treated sooner than slots are asked for.
                with self.run.slots() if count > FEW_ROWS else nullcontext():
                    self._commit(taken, self.protocol.treat(self.run.job, self._batch(taken, last)))
            if last or not left or not any(rows.height for rows in taken.values()):
                self.ended = last
                break
        for name, rows in self.held.items():
            pending = self.inputs[name].pending
            self.inputs[name].pending = rows if pending is None else _below(rows, pending)
        self.held.clear()

    def _take(self, closed: bool) -> dict[str, pl.DataFrame]:
        """The rows of each input that are treated next; they leave `pending`."""
        ready = None if closed else self._ready_micrographs()
        taken = {}
        for one in self.inputs.values():
            if not one.treated:
                continue
            pending = one.pending if one.pending is not None else pl.DataFrame()
            if one.picks is not None and ready is not None and pending.height:
                taken[one.name], one.pending = _divided(pending, micrograph_key().is_in(list(ready)))
            else:
                limit = pending.height if self.protocol.needs_all() else MOST_ROWS
                taken[one.name], one.pending = pending.head(limit), pending.slice(limit)
        return taken

    def _ready_micrographs(self) -> set[str]:
        """Micrographs whose picks are there in all inputs: then they can be judged."""
        growing = [
            one.micrographs()
            for one in self.inputs.values()
            if one.picks is not None and not one.stream.closed
        ]
        return set.intersection(*growing) if growing else set()

    def _batch(self, taken: Mapping[str, pl.DataFrame], last: bool) -> RowBatch:
        parts = {name: self._part(self.inputs[name], rows, True) for name, rows in taken.items()}
        if len({(*part.items.columns,) for part in parts.values()}) > 1:
            # Sets of different columns: only column by column can they become one.
            parts = {name: replace(part, items=star.parsed(part.items)) for name, part in parts.items()}
        sides = {}
        are_picks = any(one.picks is not None for one in self.inputs.values() if one.treated)
        for name, one in self.inputs.items():
            if one.treated:
                continue
            rows = one.rows if one.rows is not None else pl.DataFrame(schema={ITEM_ID: pl.String})
            if one.picks is not None and rows.height:
                # Files are read only of micrographs that can matter now.
                mine = set().union(*(_keys(part) for part in taken.values()))
                rows = rows.filter(micrograph_key().is_in(list(mine)))
            complete = one.stream.closed or (one.picks is not None and are_picks)
            sides[name] = self._part(one, rows, complete)
        return RowBatch(parts, sides, last, self.memory)

    def _part(self, one: Followed, rows: pl.DataFrame, complete: bool) -> Part:
        if one.picks is not None:
            picks = one.picks.picks(rows) if rows.height else pl.DataFrame(schema={MICROGRAPH: pl.String})
            return Part(picks, one.picks.optics, complete, one.source)
        if not rows.width:
            rows = one.stream.no_rows()
        return Part(rows, one.stream.optics, complete, one.source)

    def _written(self, output: str) -> Part | None:
        read = self.protocol.columns_read(self.protocol.treated)
        rows = self.outputs[output].rows(None if read is None else [*read, ITEM_ID])
        return None if rows is None else Part(rows, self.outputs[output].optics)

    def _look(self, name: str, rows: pl.DataFrame, taken: Mapping[str, pl.DataFrame]) -> None:
        """That what is about to be written has numbers; columns that travel as written come from sets that were looked at."""
        if name == TAKEN_OUT:
            return
        state, hint = self.outputs[name].state, ""
        if self.unseen:
            rows = star.parsed(rows)
            hint = f"Its line in the input: cryoloom star check {' '.join(self.unseen)}. A condition may take such rows out."
        seen = [key for key in taken if self.inputs[key].stream.dataset.path not in self.unseen]
        table, before = (
            f"{self.run.job.name}{self.outputs[name].file}",
            state.items if state is not None else 0,
        )
        check_rows(
            rows, table, before=before, hint=hint, given=lambda: [star.parsed(taken[key]) for key in seen]
        )

    def _commit(self, taken: Mapping[str, pl.DataFrame], result: RowResult) -> None:
        """Append the rows of all outputs, then journal: the one line is the commit."""
        optics = result.optics
        if optics is None:
            optics = next(iter(self.inputs.values())).stream.optics
        has_picks = any(one.picks is not None for one in self.inputs.values() if one.treated)
        micrographs = pl.DataFrame(schema={MICROGRAPH: pl.String, ITEM_ID: pl.String})
        for part in taken.values():
            if has_picks and part.height:
                micrographs = pl.concat([micrographs, part.select(micrographs.columns)])
        datasets = self.protocol.output_files(self.run.job)
        for name, rows in result.rows.items():
            self._look(name, rows, taken)
        for groups in (result.optics, *result.optics_of.values()):
            if groups is not None:
                check_rows(groups, f"{self.run.job.name}: data_optics")
        for name, rows in result.rows.items():
            if isinstance(datasets[name], Coordinates) and has_picks:
                rows = write_picks(self.run.root, datasets[name], micrographs, rows)
            output = self.outputs[name]
            if output.state is not None and output.state.closed:
                continue
            if not rows.height and (output.state is not None or not rows.width):
                continue
            output.has_optics = GROUP in star.labels_of(rows)
            for start in range(0, max(rows.height, 1), MOST_ROWS):
                self.outputs.append(name, rows.slice(start, MOST_ROWS), result.optics_of.get(name, optics))
        for name, rows in result.held.items():
            if rows.height:
                self.held[name] = _below(self.held.get(name), rows)
        count = sum(rows.height for rows in taken.values()) - sum(
            rows.height for rows in result.held.values()
        )
        self.outputs.commit(ItemsDone(items=[], rows=count, failed=[]))
        if result.note:
            self.run.say_once(result.note)
        for name in result.closed:
            state = self.outputs[name].state
            if state is not None and not state.closed:
                self.outputs[name].close(0)

    def _close(self) -> None:
        if not self.known:
            paths = ", ".join(one.stream.dataset.path for one in self.inputs.values())
            raise DatasetError(f"{paths}", found="empty", expected="items to work on")
        stream = next(iter(self.inputs.values())).stream
        self.outputs.close(0, stream.labels, stream.optics)
        counts = []
        for output in self.outputs:
            assert output.state is not None
            none = "none, and that is what the condition says" if output.name == "kept" else "none"
            counts.append(f"{output.name}: {output.state.items or none}")
        said = ", ".join(counts) + "."
        self.run.log(said)
        self.run.journal.write(Note(text=said))


def run_rows(run: RunContext) -> None:
    """Run a row protocol to its end."""
    protocol = run.protocol
    assert isinstance(protocol, RowProtocol)
    append_note(run.folder, [own_command(protocol)], is_continue=run.journal.attempt > 1)
    inputs = {}
    for name, dataset in protocol.given.items():
        if dataset and isinstance(dataset, Table):
            picks = PickReader(run.root, dataset) if isinstance(dataset, Coordinates) else None
            is_treated = name.partition("#")[0] == protocol.treated
            choose = None if picks else _choice(protocol, name, is_treated)
            revision = run.journal.history.input_revisions.get(name, 0)
            stream = InputStream(run.root, dataset, choose, revision=revision)
            inputs[name] = Followed(name, stream, picks, is_treated)
    with star.kept_lines():
        unseen = [one.stream.dataset.path for one in inputs.values() if is_unseen(one.stream.dataset)]
        RowRun(run, protocol, inputs, unseen=unseen).go()


def _choice(
    protocol: RowProtocol, name: str, is_treated: bool
) -> Callable[[Sequence[str]], star.Columns] | None:
    """What is made of the columns of an input, by its labels; None: all of them are parsed."""
    read = protocol.columns_read(name)
    if read is None:
        return None
    parsed = frozenset([*read, ITEM_ID])

    def choose(labels: Sequence[str]) -> star.Columns:
        if not is_treated:
            return star.Columns(parsed)
        return star.Columns(parsed | protocol.changed, frozenset(labels) - protocol.changed)

    return choose


def _below(first: pl.DataFrame | None, second: pl.DataFrame) -> pl.DataFrame:
    if first is None:
        return second
    if first.columns != second.columns:
        # Another generation: what was one run of columns may be two.
        first, second = star.parsed(first), star.parsed(second)
    return below(first, second)


def _keys(rows: pl.DataFrame | None) -> set[str]:
    if rows is None or MICROGRAPH not in rows.columns:
        return set()
    return set(rows.select(micrograph_key().alias("key"))["key"].to_list())


def _divided(frame: pl.DataFrame, condition: pl.Expr) -> tuple[pl.DataFrame, pl.DataFrame]:
    holds = frame.select(condition.alias("_")).to_series()
    return frame.filter(holds), frame.filter(~holds)
