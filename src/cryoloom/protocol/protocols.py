"""The four kinds of protocols, by who decides what is done when: program, item, source, set (of rows, or whole).

What all of them have is in `protocol.py`.
"""

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from cryoloom.protocol.command import Command
from cryoloom.protocol.declare import ADVANCED, Param
from cryoloom.protocol.protocol import Protocol

if TYPE_CHECKING:
    from cryoloom.protocol.jobs import (
        Batch,
        BatchResult,
        JobFolder,
        Progress,
        Remark,
        RowBatch,
        RowResult,
        Search,
        SetResult,
        Taken,
        Written,
    )

__all__ = ["ItemProtocol", "ProgramProtocol", "Protocol", "RowProtocol", "SetProtocol", "SourceProtocol"]


# Where and how fast a job runs may always be different when it goes on.
_FREE_TABS = ("Compute", "Running")


class ProgramProtocol(Protocol):
    """One program (or a few) on whole datasets: classification, refinement, post-processing."""

    reread: ClassVar[tuple[str, ...]] = ()  # parameters that it takes anew when it goes on from one

    @classmethod
    def taken_anew(cls) -> set[str]:
        """Parameters and inputs that may be different when it goes on from an iteration."""
        free = {name for name, spec in cls.params.items() if spec.tab in _FREE_TABS}
        return free | {name for name in (*cls.params, *cls.inputs) if name in cls.reread}

    def command(self, job: "JobFolder") -> Command:
        """The command; pure."""
        raise NotImplementedError

    def resume_command(self, job: "JobFolder", iterations: Sequence[int]) -> Command | None:
        """The command that goes on from the last whole iteration, or after what is done; None: begin anew."""
        return None

    def torn(self, job: "JobFolder") -> Sequence[str]:
        """Files below the job, half written by a program that was killed, which `resume_command` would take for done."""
        return ()

    def listed(self, job: "JobFolder") -> Mapping[str, str]:
        """Small files that the programs read, with their text: lists of other files; written before the first program."""
        return {}

    def before(self, job: "JobFolder") -> Sequence[Command]:
        """Programs that run before `command`, one after another, each once; pure."""
        return ()

    def after(self, job: "JobFolder") -> Sequence[Command]:
        """Programs that run when `command` has ended, one after another, each once; pure."""
        return ()

    def name_results(self, job: "JobFolder") -> None:
        """Give files whose names nobody could know beforehand those that were promised; before outputs are looked at."""

    def named_by_shell(self, job: "JobFolder") -> Sequence[str] | None:
        """Lines of a shell that do what `name_results` does, for a script without Cryoloom; None where only it can."""
        return None if type(self).name_results is not ProgramProtocol.name_results else ()

    def doubts(self, job: "JobFolder") -> Sequence[str]:
        """What makes the results look wrong, in sentences: the job has succeeded, and its user should look."""
        return ()

    def why_empty(self, job: "JobFolder", output: str) -> str:
        """Why an output has no row, as the error of the job that fails for it is to say; "" where nothing is known."""
        return ""

    def finish(self, job: "JobFolder") -> str:
        """What remains to be done when the program has ended; returns a remark, "" for none."""
        return ""

    def progress(self, job: "JobFolder") -> "Progress | None":
        """How far the running program is, read from its files."""
        return None


class ItemProtocol(Protocol):
    """Items one by one or in batches; streams. The engine watches, batches, appends and journals.

    Write `process`, or `command` and `collect` for work that a program does.
    """

    leading: ClassVar[str] = ""  # the input whose items are treated
    joins: ClassVar[Mapping[str, str]] = {}
    batch_size: int = Param(
        20,
        "Items in a batch",
        tab="Streaming",
        ge=0,
        own=True,
        help="At most so many of the items that are there are treated in one go; 0 waits for all of them.",
    )
    batch_wait: float = Param(
        0, "Wait for a full batch", unit="s", tab="Streaming", ge=0, own=True, level=ADVANCED,
        help="Items that are too few wait so long for others; 0 takes at once what is there.",
    )  # fmt: skip
    workers: int = Param(
        0, "Batches at the same time", tab="Streaming", ge=0, own=True, level=ADVANCED,
        help="0: one for each listed GPU, else one. {GPU} in additional arguments is the GPU of a batch.",
    )  # fmt: skip

    item_limit: float = Param(
        0, "Time limit of an item", unit="s", tab="Streaming", ge=0, own=True, level=ADVANCED,
        help="A program that takes longer is ended, and the item fails. 0: ten times the median, never below 300 s.",
    )  # fmt: skip

    def leading_input(self) -> str:
        """The input whose items are treated."""
        return self.leading

    def join_labels(self) -> Mapping[str, str]:
        """Other inputs whose rows an item waits for: input → the label that both tables share."""
        return self.joins

    def together(self) -> str:
        """The column whose equal values belong together: such items are never treated in parts; "" for none.

        Micrographs are equal where they are so below their jobs.
        """
        return ""

    def own_file(self, name: str) -> str:
        """The file below the job that is made of an item, by the item's name; "" where there is none.

        Two items that would share it are told from each other before they are treated: the second one fails.
        """
        return ""

    def auto_of_group(self, group: "Mapping[str, Any]") -> Mapping[str, Any]:
        """Values of `auto` parameters for the items of an optics group; those of one batch are all the same."""
        return {}

    def of_one_call(self, group: "Mapping[str, Any]") -> Hashable:
        """What else of an optics group the program takes only once a call; items are parted by it."""
        return None

    def batch_limit(self) -> int:
        """At most so many items in a batch; 0: all of them, when the inputs are closed."""
        return self.batch_size

    def command(self, job: "JobFolder", batch: "Batch | None" = None) -> Command | None:
        """The command for a batch, or for the whole job where `batch` is None; pure."""
        return None

    def prepare(self, job: "JobFolder", batch: "Batch") -> "Mapping[str, str]":
        """Before the command: writes what it needs; returns items that cannot be treated, with reasons."""
        return {}

    def collect(self, job: "JobFolder", batch: "Batch") -> "BatchResult":
        """After the command: read its files, give back rows. Files lie in `batch.job`."""
        raise NotImplementedError

    def process(self, job: "JobFolder", batch: "Batch") -> "BatchResult | None":
        """Treat a batch without a program; None where `command` does it."""
        return None

    def window(self, job: "JobFolder") -> Command | None:
        """The program of RELION's in which a person would do what this job does; shown, and never run by the job."""
        return None

    def blocks(self, output: str) -> str:
        """Name of the table that an output's file ends with."""
        return self.output_kind(output).block

    def table_file(self, output: str, path: str) -> str:
        """The growing file of an output; RELION's path, unless that is no table."""
        return path if self.output_kind(output).block != "coordinates" else "coordinates.star"

    def echoed(self, job: "JobFolder") -> Mapping[str, str]:
        """Small files that RELION's shell writes besides, with their text: `echo TEXT > FILE`."""
        return {}

    def begin(self, job: "JobFolder") -> object:
        """What a run of the job keeps in mind from batch to batch (`Batch.memory`); called before the first."""
        return None

    def end(self, job: "JobFolder", memory: object) -> "Sequence[Remark]":
        """When all items are through: what is to be said of the whole."""
        return ()

    def nothing(self, job: "JobFolder", things: int) -> str:
        """What is to be said where items are through and no row came of any.

        Args:
            job: its folder.
            things: of picks, how many there were on all micrographs.
        Raises:
            CryoloomError: that is no result.
        """
        return ""


class SourceProtocol(Protocol):
    """Finds items outside the project: imports."""

    def begin(self, job: "JobFolder", taken: "Taken") -> "Search":
        """A run of the search, which keeps in mind what it has seen; `taken`: by earlier attempts."""
        raise NotImplementedError

    def labels(self) -> list[str]:
        """The labels of an item's row, without its id."""
        raise NotImplementedError

    def is_open(self, quiet_s: float) -> bool:
        """Whether more may come, when nothing new has come for so many seconds."""
        return False

    def pattern(self) -> str:
        """What was looked for, for messages."""
        return ""

    def notes(self, job: "JobFolder") -> list[str]:
        """The commands for `note.txt`."""
        return []


# The output of what a condition took out: its values may be those for which it was taken out.
TAKEN_OUT = "rejected"


class RowProtocol(Protocol):
    """Rows in, rows out, no program: set operations. Streams, unless it has to see all rows first.

    Every row of the input that is treated becomes a row of an output, under its id; nothing else is
    kept of what is through, so that sets of millions go through in seconds.
    """

    treated: ClassVar[str] = "input"  # the input whose rows are treated; all of them where it is several

    changed: ClassVar[frozenset[str]] = frozenset()  # columns that `treat` gives other values, or takes away

    def columns_read(self, name: str) -> "Collection[str] | None":
        """The columns that `treat` looks at in an input (`input`, `input#2`, ...); None: all.

        The others need not be parsed. Of the input that is treated they travel as they are written; `items` has
        them in columns that stand for several, so rows may be chosen, put in order and put together, and nothing
        else. Of other inputs they are left out. The items' ids are always there.
        """
        return None

    def needs_all(self) -> bool:
        """Whether rows can only be judged when the inputs are closed: sorting, the best n, random parts."""
        return False

    def begin(self, job: "JobFolder", written: "Written") -> object:
        """What a run of the job keeps in mind from batch to batch (`RowBatch.memory`); called before the first.

        Called again when the outputs begin anew. The protocol itself keeps nothing: its values alone.

        Args:
            written: what an output holds already.
        """
        return None

    def treat(self, job: "JobFolder", batch: "RowBatch") -> "RowResult":
        """New rows in, rows of outputs out; also called once, with no rows, when nothing more will come.

        Raises:
            CryoloomError: the job ends with it; it is no single row's fault.
        """
        raise NotImplementedError


class SetProtocol(Protocol):
    """Whole sets in, whole sets out; runs when its inputs are closed."""

    def compute(self, job: "JobFolder") -> "SetResult":
        """Read the inputs, give back the outputs."""
        raise NotImplementedError
