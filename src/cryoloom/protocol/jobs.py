"""What a protocol is given when it runs, and what it gives back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

ITEM_ID = "cryoloomItemId"


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
    `root`: a shadow of the project, the working directory of programs; `job`: the job's own
    folder in it, empty at first, whose files are moved to the real one afterwards.
    `sides`: for each other table input the rows known so far.
    """

    number: int
    items: "pl.DataFrame"
    optics: "pl.DataFrame | None"
    job: JobFolder
    input_file: str  # where the batch's own input STAR lies, for the command's --i
    sides: Mapping[str, "pl.DataFrame"] = field(default_factory=dict)
    side_optics: "Mapping[str, pl.DataFrame | None]" = field(default_factory=dict)


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


@dataclass(frozen=True, slots=True)
class Found:
    """Something that an import came across: a row for its dataset, or the reason why not."""

    name: str  # the file, for messages
    row: "Mapping[str, object] | str"
    note: str = ""  # what was done to it, to be said


@dataclass(frozen=True, slots=True)
class SetResult:
    """What a set operation made: for each output the blocks of its file, and how many items went where."""

    blocks: Mapping[str, Mapping[str, "pl.DataFrame"]]
    counts: Mapping[str, int]
    note: str = ""
