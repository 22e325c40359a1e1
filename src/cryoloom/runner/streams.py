"""Inputs that grow: rows as their producer commits them, each item once.

The producer's journal is read first (it has the committed end and whether the dataset is closed),
then the data, and no further than that end. A dataset without a journal is a whole file: all of
it is there, and it is closed.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from cryoloom import star
from cryoloom.em.joining import with_neutral
from cryoloom.errors import DatasetError, StarError, UnreadableError
from cryoloom.project.forms.coordinate_files import coordinate_file
from cryoloom.project.history import JobHistory, OutputState
from cryoloom.project.item_ids import with_ids
from cryoloom.project.journal import FILE as JOURNAL
from cryoloom.project.journal import read_history
from cryoloom.project.lineage import dead_above
from cryoloom.project.state import job_status
from cryoloom.project.watching import is_on_network
from cryoloom.protocol.datasets import Coordinates, Dataset
from cryoloom.protocol.jobs import ITEM_ID
from cryoloom.runner.context import Suspended

ASK_S = 0.2  # the state of a producer that says nothing is looked at so often
# A file that is not there is missed for so long before it is called gone: NFS remembers missing names for a minute.
GONE_S, GONE_ON_NETWORK_S = 2.0, 60.0
MOST_PIECES = 100  # of a table that grows row by row: each takes some kB beside its text
FEW_IDS = 10_000  # fewer are kept as they are: a column of one id takes some kB


@dataclass(slots=True)
class InputStream:
    """One input, followed. `poll` gives what is new."""

    root: Path
    dataset: Dataset
    # By the labels, what is made of the columns.
    choose: Callable[[Sequence[str]], star.Columns] | None = None
    optics: pl.DataFrame | None = None
    closed: bool = False
    rows_seen: int = 0
    labels: tuple[str, ...] = ()  # of its rows; empty while it is not open
    revision: int = 0  # of the dataset that was given out
    is_revised: bool = False  # the producer makes all its items again: what it gave before counts no more
    _history: JobHistory = field(default_factory=lambda: JobHistory(names_items=False))
    _generation: int = 0
    _knows_optics: bool = False
    _inode: int = 0  # of the file that was read last
    _offset: int = 0
    _missing_since: float = 0.0
    _asked: float = -1e9  # when the producer's state was looked at last
    _seen: list[pl.Series] = field(default_factory=list)  # ids, in large pieces
    _recent: list[str] = field(default_factory=list)  # ids since the last piece
    _repeated: Counter[str] = field(default_factory=Counter)  # what a new generation will give again

    def poll(self) -> pl.DataFrame | None:
        """New rows, None when there are none. Sets `closed` when no more will come.

        Raises:
            Suspended: the producer failed or was stopped; what came before has been given out.
            DatasetError: the file is not the table that it should be.
        """
        if self.closed:
            return None
        if not self._is_journaled():
            self.closed = True
            return self._whole_file()
        folder = self.root / self.dataset.job
        self._history = read_history(folder, self._history)
        output = self._history.outputs.get(self.dataset.output)
        if output is None:
            self._look_at_producer(folder)
            return None
        path = folder / output.file
        if not output.labels:
            if not output.closed:
                return None
            self.closed = True
            return self._whole_file()
        self.labels = (*output.labels,)
        if output.revision != self.revision:
            self.is_revised = True
            return None
        if output.generation == self._generation and output.end == self._offset:
            self.closed = output.closed
            if not self.closed:
                self._look_at_producer(folder)
            return None
        return self._read(path, output)

    def _read(self, path: Path, output: OutputState) -> pl.DataFrame | None:
        """The rows behind the last ones, up to the committed end."""
        if output.generation != self._generation:
            self._repeated = Counter(item for ids in self._seen for item in ids.to_list())
            self._repeated.update(self._recent)
            self._generation, self._offset, self._inode = output.generation, output.start, 0
            # Once a generation: a table of coordinates has none, and would be looked through at every poll.
            self._knows_optics = isinstance(self.dataset, Coordinates)
            self.optics = None
        inode = self._inode_of(path, output)
        if inode is None:
            self._check_there(path, output)
            return None
        self._missing_since = 0.0
        columns = self._columns("", output.labels)
        try:
            optics = self.optics if self._knows_optics else optics_of(path)
            frame, offset = star.follow(
                path, self._offset, labels=output.labels, end=output.end, columns=columns
            )
        except StarError:
            if path.stat().st_ino != inode:
                return None  # the next generation came into its place meanwhile, and has its rows elsewhere
            raise
        if path.stat().st_ino != inode:
            return None
        self.optics, self._knows_optics, self._offset = optics, True, offset
        self.closed = output.closed and self._offset >= output.end
        return self._new(frame)

    def _look_at_producer(self, folder: Path) -> None:
        """Nothing has come: whether anything can.

        Raises:
            Suspended: the producer failed or was stopped, and all that it made has been given out.
            DatasetError: it succeeded without making this output.
        """
        if time.monotonic() - self._asked < ASK_S:
            return
        self._asked = time.monotonic()
        seq = self._history.seq
        try:
            status = job_status(folder, self._history)
            # Nobody waits for what cannot come: the producer may wait itself, for one that failed.
            dead = dead_above(self.root, self.dataset.job) if status.state == "scheduled" else ""
        except UnreadableError:
            return  # a file server that is away: nothing is known, and the next look comes
        if dead:
            raise Suspended(f"input job {self.dataset.job} waits for {dead} in vain; cryoloom resume {dead}")
        self._history = status.history
        if self._history.seq != seq:
            return  # its last words came meanwhile: the next look has them
        if status.state in ("failed", "aborted"):
            raise Suspended(
                f"input job {self.dataset.job} {status.state}; cryoloom resume {self.dataset.job}"
            )
        if status.state == "succeeded" and self.dataset.output not in self._history.outputs:
            raise DatasetError(
                f"{self.dataset.job}, output {self.dataset.output}", found="missing", expected="a dataset"
            )

    def anew(self) -> "InputStream":
        """The same input from the beginning of its newest revision."""
        output = self._history.outputs.get(self.dataset.output)
        revision = output.revision if output else self.revision
        return InputStream(self.root, self.dataset, self.choose, revision=revision)

    def paths(self) -> list[Path]:
        """What changes when more comes: the producer's journal; its folder, while there is none."""
        if self.closed or not self._is_journaled():
            return []
        folder = self.root / self.dataset.job
        return [folder / JOURNAL] if self._history.seq >= 0 else [folder]

    def _inode_of(self, path: Path, output: OutputState) -> int | None:
        """Which file the journal's offsets are of; None where that is not there yet.

        The producer says first that there is a new generation, and then renames it into its place.
        """
        try:
            inode = path.stat().st_ino
            if inode != self._inode and not star.has_head(path, output.labels, output.start):
                return None
        except FileNotFoundError:
            return None
        self._inode = inode
        return inode

    def _check_there(self, path: Path, output: OutputState) -> None:
        """A table that its producer has told of and that nobody finds is gone: not at the first look on a network.

        Raises:
            DatasetError: it has been missing for a while; or another table has stood in its place, and the producer has
                ended, so that it will not put it right.
        """
        if path.exists() and not output.closed:
            self._missing_since = 0.0
            return
        self._missing_since = self._missing_since or time.monotonic()
        patience_s = GONE_ON_NETWORK_S if is_on_network(self.root) else GONE_S
        if time.monotonic() - self._missing_since > patience_s:
            raise DatasetError(
                f"{path}", found="not the table that it was" if path.exists() else "gone",
                expected=f"the table that {self.dataset.job} made",
                hint=f"Put it back, then: cryoloom resume; or make it again: cryoloom restart {self.dataset.job}",
            )  # fmt: skip

    def _is_journaled(self) -> bool:
        return bool(self.dataset.job) and (self.root / self.dataset.job / "job.json").exists()

    def _new(self, frame: pl.DataFrame) -> pl.DataFrame | None:
        if not frame.height:
            return None
        fresh = with_ids(frame)
        if self._repeated:
            fresh = without(fresh, self._repeated)
        self.rows_seen += fresh.height
        self._remember(fresh[ITEM_ID])
        return fresh if fresh.height else None

    def _remember(self, ids: pl.Series) -> None:
        if ids.len() > FEW_IDS:
            self._seen.append(ids)
            return
        self._recent += ids.to_list()
        if len(self._recent) > FEW_IDS:
            self._seen.append(pl.Series(self._recent, dtype=pl.String))
            self._recent.clear()

    def _whole_file(self) -> pl.DataFrame | None:
        path = self.root / self.dataset.path
        if isinstance(self.dataset, Coordinates):
            return self._all_of(coordinates_of_relion(self.root, self.dataset.path))
        blocks = star.read(path, columns=self._columns)
        self.optics = star.as_table(blocks.get("optics"))
        return self._all_of(table_of(blocks, type(self.dataset), path))

    def _all_of(self, table: pl.DataFrame) -> pl.DataFrame | None:
        self.labels = (*dict.fromkeys([*star.labels_of(table), ITEM_ID]),)
        return self._new(table)

    def no_rows(self) -> pl.DataFrame:
        """A table like those that come, without a row."""
        names = self._columns("", self.labels).names(self.labels)
        return pl.DataFrame(schema={name: pl.Binary if star.is_run(name) else pl.String for name in names})

    def _columns(self, block: str, labels: Sequence[str]) -> star.Columns:
        # Ids are made of columns where there are none yet.
        if self.choose is None or block == "optics" or ITEM_ID not in labels:
            return star.ALL
        return self.choose(labels)


def below(first: pl.DataFrame, second: pl.DataFrame) -> pl.DataFrame:
    """A table with more rows; one that grows row by row does not become a thousand pieces."""
    if first.columns != second.columns:
        # Rows of before a column came have what the column means where it is not there.
        first, second = with_neutral(first, second.columns), with_neutral(second, first.columns)
    together = pl.concat([first, second], how="diagonal_relaxed")
    return together.rechunk() if together.n_chunks() > MOST_PIECES else together


def optics_of(path: Path) -> pl.DataFrame | None:
    """A file's optics groups, None where it has none."""
    return star.as_table(star.read(path, ["optics"], optional=True).get("optics"))


def without(rows: pl.DataFrame, known: Counter[str]) -> pl.DataFrame:
    """The rows that are not known yet; those that are found are taken off `known`.

    Counted and not only looked up, since a set may have one item several times: joined with all its copies.
    """
    is_fresh = []
    for item in rows[ITEM_ID].to_list():
        count = known.get(item, 0)
        is_fresh.append(not count)
        if count == 1:
            del known[item]
        elif count:
            known[item] = count - 1
    return rows.filter(pl.Series(is_fresh, dtype=pl.Boolean))


def table_of(
    blocks: dict[str, pl.DataFrame | dict[str, star.Value]], kind: type[Dataset], path: Path
) -> pl.DataFrame:
    """The table of items among a file's blocks.

    Raises:
        DatasetError: there is none.
    """
    tables = {name: table for name, table in star.tables_of(blocks).items() if name != "optics"}
    if kind.block in tables:
        return tables[kind.block]
    if len(tables) == 1:
        return next(iter(tables.values()))
    raise DatasetError(
        f"{path}", found=f"a file with the tables {sorted(tables) or 'none'}", expected=f"a table data_{kind.block}",
        hint="RELION's programs write no table where nothing came out: look at that job's log.",
    )  # fmt: skip


def coordinates_of_relion(root: Path, suffix_file: str) -> pl.DataFrame:
    """RELION's picks as our table: micrograph, file, count.

    RELION names the micrographs' STAR file inside the suffix file, and the suffix in its name.
    """
    path = root / suffix_file
    micrographs_file = path.read_text().split()
    if not micrographs_file:
        raise DatasetError(f"{path}", found="empty", expected="the name of a micrographs STAR file")
    suffix = Path(suffix_file).name.removeprefix("coords_suffix").removesuffix(".star")
    blocks = star.read(root / micrographs_file[0])
    names = [
        str(n) for n in table_of(blocks, Dataset, root / micrographs_file[0])["rlnMicrographName"].to_list()
    ]
    rows = []
    for name in names:
        file = str(Path(suffix_file).parent / coordinate_file(name, suffix))
        if (root / file).exists():
            table = star.as_table(star.read(root / file).get(""))
            rows.append((name, file, 0 if table is None else table.height))
    return pl.DataFrame(
        rows, schema=["rlnMicrographName", "rlnMicrographCoordinates", "cryoloomCount"], orient="row"
    )
