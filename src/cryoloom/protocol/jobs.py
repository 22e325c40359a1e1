"""What a protocol is given when it runs, and what it gives back."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    import polars as pl

ITEM_ID = "cryoloomItemId"
SOURCE = "cryoloomSource"  # of joined sets: the set that a row came from


@dataclass(frozen=True, slots=True)
class JobFolder:
    """Where a job runs: names only, no disk is touched.

    `name` is RELION's, always with the trailing slash and relative to the project, because so
    RELION's programs want it.
    """

    name: str  # "Class2D/job012/"
    root: Path  # the project
    uuid: str = ""

    def file(self, name: str) -> str:
        """A file of the job, as RELION names it."""
        return self.name + name

    @property
    def path(self) -> Path:
        return self.root / self.name


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is; None where it cannot be known."""

    done: int | None = None
    of: int | None = None
    iteration: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """Items to be treated in one go.

    `items`: rows of the leading input; each has `cryoloomItemId`. `optics`: its optics table.
    `job`: the job's folder in a shadow of the project (`job.root`, the working directory of programs), empty at
    first, whose files are moved to the real one afterwards. Without a program the batches of a worker share one.
    `sides`: for each other table input the rows that belong to the items; `partners`: for each by what name an item's
    row is found there, where it may be another one (a micrograph of another motion correction).
    `begun`: of the units that belong together (`ItemProtocol.together`) those of which other items are through since
    before: what was made of them must stay. `memory`: what `ItemProtocol.begin` gave.
    """

    number: int
    items: "pl.DataFrame"
    optics: "pl.DataFrame | None"
    job: JobFolder
    input_file: str  # where the batch's own input STAR lies, for the command's --i
    sides: Mapping[str, "pl.DataFrame"] = field(default_factory=dict)
    side_optics: "Mapping[str, pl.DataFrame | None]" = field(default_factory=dict)
    partners: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    begun: frozenset[str] = frozenset()
    memory: object = None


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to be said of an item; the same words of many are said once, with their count.

    `count`: how many `thing`s were left out (picks of a micrograph); they are added up over all items.
    """

    about: str
    words: str
    count: int = 0
    thing: str = ""

    def __str__(self) -> str:
        return f"{self.about}: {self.counted(self.count)}{self.words}"

    def counted(self, count: int) -> str:
        """So many of the things, in words."""
        return f"{count} {self.thing}{'' if count == 1 else 's'} " if count else ""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of a batch: rows for each output, a reason for each failed item.

    An item that is in neither is tried again alone, and then called failed.
    """

    rows: Mapping[str, "pl.DataFrame"]
    done: frozenset[str]  # ids of the batch's items that are through
    failed: Mapping[str, str] = field(default_factory=dict)  # item id → reason
    optics: "pl.DataFrame | None" = None
    skip_files: frozenset[str] = frozenset()  # patterns of files in the batch's job folder not to be kept
    remarks: Sequence[Remark] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """Something that an import came across: a row for its dataset, or the reason why not."""

    name: str  # the file, for messages
    row: "Mapping[str, object] | str"
    remarks: Sequence[Remark] = ()  # what was done to it


@dataclass(frozen=True, slots=True)
class Taken:
    """What an import has taken in earlier attempts: the ids, and the rows of its table so far."""

    done: frozenset[str] = frozenset()
    rows: "pl.DataFrame | None" = None


class Search(Protocol):
    """One run of an import: it knows what was seen, so that each look tells what is new."""

    def look(self) -> "Iterator[tuple[str, Found]]":
        """New items by id, good and bad; an id may come again when a bad one has become good."""
        ...

    def optics(self) -> "pl.DataFrame":
        """The optics table of what was taken."""
        ...

    def folders(self) -> "Sequence[Path]":
        """Where new items appear as files: it is looked there when something changes; none: all the time."""
        ...

    def pending_s(self) -> float | None:
        """In how many seconds what was seen may be an item; None where nothing is pending."""
        ...

    def remarks(self) -> "Sequence[str]":
        """What is to be said at the end: what was left out, and why."""
        ...

    def why_nothing(self) -> str:
        """What may be wrong where nothing was found."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one input. Of coordinates these are the picks, each with `rlnMicrographName`."""

    items: "pl.DataFrame"
    optics: "pl.DataFrame | None" = None
    complete: bool = True  # no more rows will come that bear on those of this batch
    source: str = ""  # the set, as users name it


# What an output of a row job holds already, by the output's name: of earlier attempts too; None where there is nothing.
Written: TypeAlias = "Callable[[str], Part | None]"


@dataclass(frozen=True, slots=True)
class RowBatch:
    """Rows to be treated in one go.

    `parts`: new rows of each input that is treated (`input`, `input#2`, ...), in their order; all
    inputs are there, also those without news. `sides`: all rows so far of the other tables.
    `last`: nothing more will come. `memory`: what `RowProtocol.begin` gave.
    """

    parts: Mapping[str, Part]
    sides: Mapping[str, Part]
    last: bool
    memory: object = None

    @property
    def items(self) -> "pl.DataFrame":
        """The rows, where one input is treated."""
        return next(iter(self.parts.values())).items

    @property
    def optics(self) -> "pl.DataFrame | None":
        """Its optics groups."""
        return next(iter(self.parts.values())).optics


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of a batch's rows.

    `held`: rows, by input, that cannot be judged before more of the others is there; they come again.
    `closed`: outputs that are complete, though the stream goes on. `optics`: of all outputs, where it is
    not the input's; `optics_of`: of single ones.
    """

    rows: "Mapping[str, pl.DataFrame]"
    held: "Mapping[str, pl.DataFrame]" = field(default_factory=dict)
    optics: "pl.DataFrame | None" = None
    optics_of: "Mapping[str, pl.DataFrame]" = field(default_factory=dict)
    closed: frozenset[str] = frozenset()
    note: str = ""


@dataclass(frozen=True, slots=True)
class SetResult:
    """What a set operation made: for each output the blocks of its file, and how many items went where.

    `copied`: outputs that are files of another job as they are, by their paths in the project; "": it is not there.
    """

    blocks: Mapping[str, Mapping[str, "pl.DataFrame"]]
    counts: Mapping[str, int]
    note: str = ""
    copied: Mapping[str, str] = field(default_factory=dict)
