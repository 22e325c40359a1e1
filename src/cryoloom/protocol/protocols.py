"""The four kinds of protocols, by who decides what is done when.

An instance carries the values of one job: `Class2D(values, inputs).nr_classes`. A class declares;
see `declare.py` for parameters, inputs and outputs.
"""

import inspect
from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from cryoloom.errors import ParameterError
from cryoloom.protocol.command import Command
from cryoloom.protocol.datasets import Dataset
from cryoloom.protocol.declare import (
    ACCEPT_UNUSUAL,
    ADVANCED,
    InputSpec,
    OutputSpec,
    Param,
    ParamSpec,
    accept_unusual,
    check_usual,
    condition_names,
    holds,
    near,
    parse,
)

if TYPE_CHECKING:
    from cryoloom.protocol.blocks import Block
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


class Protocol:
    """A kind of processing with typed parameters, inputs and outputs."""

    name: ClassVar[str] = ""  # "relion.class2d"
    label: ClassVar[str] = ""
    folder: ClassVar[str] = "External"  # RELION's job folder
    relion_type: ClassVar[int] = 99  # RELION's job type; 99 (External) for what RELION lacks
    relion_fixed: ClassVar[
        Mapping[str, str]
    ] = {}  # further options of RELION's form, as they stand in job.star
    version: ClassVar[str] = "1"
    cites: ClassVar[tuple[str, ...]] = ()
    programs: ClassVar[tuple[str, ...]] = ()  # what must be installed
    next: ClassVar[tuple[str, ...]] = ()  # what usually follows, likeliest first

    params: ClassVar[Mapping[str, ParamSpec]] = {}
    inputs: ClassVar[Mapping[str, InputSpec]] = {}
    outputs_declared: ClassVar[Mapping[str, OutputSpec]] = {}

    def __init_subclass__(cls) -> None:
        params: dict[str, ParamSpec] = {}
        inputs: dict[str, InputSpec] = {}
        outputs: dict[str, OutputSpec] = {}
        for owner in reversed(cls.__mro__):
            for name, kind in inspect.get_annotations(owner).items():
                spec = owner.__dict__.get(name)
                if isinstance(spec, ParamSpec | InputSpec | OutputSpec) and isinstance(kind, str):
                    kind = _meant(owner, name, kind)  # `from __future__ import annotations`
                if isinstance(spec, ParamSpec):
                    spec.name, spec.type = name, kind
                    params[name] = spec
                elif isinstance(spec, InputSpec):
                    spec.name, spec.kind = name, kind
                    inputs[name] = spec
                elif isinstance(spec, OutputSpec):
                    spec.name, spec.kind = name, kind
                    outputs[name] = spec
        if any(spec.usual for spec in params.values()):
            params.setdefault(ACCEPT_UNUSUAL, accept_unusual())
        cls.params, cls.inputs, cls.outputs_declared = params, inputs, outputs
        conditions = {name: spec.when for name, spec in params.items()}
        conditions |= {name: spec.when for name, spec in inputs.items()}
        for name, condition in conditions.items():
            for word in condition_names(condition) - conditions.keys():
                # It would count as No for ever, and the parameter as one without a meaning.
                raise TypeError(
                    f"{cls.__name__}: {name} has the condition {condition!r}, and no parameter {word}"
                )

    def __init__(
        self, values: Mapping[str, Any] | None = None, inputs: Mapping[str, Dataset] | None = None
    ) -> None:
        """Take the values of one job; defaults fill what is not given.

        Raises:
            ParameterError: an unknown name, a wrong type, a value out of limits.
        """
        values, inputs = dict(values or {}), dict(inputs or {})
        for name in values:
            if name not in self.params:
                known = [*self.params, *self.inputs]
                raise ParameterError(
                    f"{self.name}: parameter {name}",
                    found="unknown",
                    expected=f"one of the parameters that `cryoloom help {self.name}` lists",
                    hint=near(name, known),
                )
        self.values: dict[str, Any] = {
            name: parse(spec, values.get(name, spec.default), self.name) for name, spec in self.params.items()
        }
        for name, value in self.values.items():
            setattr(self, name, value)
        self.given: dict[str, Dataset] = {
            name: inputs.get(name) or spec.kind() for name, spec in self.inputs.items()
        }
        more = {
            name: dataset for name, dataset in inputs.items() if "#" in name and self.input_spec(name).several
        }
        self.given |= more
        for name, dataset in self.given.items():
            setattr(self, name, dataset)
        for name in self.outputs_declared:
            # The declaration must not pass for a value.
            setattr(self, name, None)

    def check(self) -> None:
        """What no single limit can say: inputs that are missing, values that exclude each other.

        Raises:
            ParameterError: which, and what to give instead.
        """
        check_usual(self.params, self.values, self.name)
        facts = self.facts()
        for name, spec in self.inputs.items():
            if not spec.optional and holds(spec.when, facts) and not self.given[name]:
                raise ParameterError(
                    f"{self.name}: input {name}",
                    found="missing",
                    expected=f"a dataset of kind {spec.kind.kind}",
                    hint=f"Give it as {name}=JOB, {name}=JOB:output or {name}=FILE.",
                )

    def check_heads(self, heads: Mapping[str, Mapping[str, Collection[str]]]) -> None:
        """What the labels of the given tables say: of each input that is there, the labels of its blocks.

        Asked when the job is made, and again when it starts; inputs that are still being made are not among them.

        Raises:
            CryoloomError: they do not go together, or need a word of the user.
        """

    @classmethod
    def input_spec(cls, name: str) -> InputSpec:
        """The declaration of an input, also of `input#2` of several."""
        return cls.inputs[name.partition("#")[0]]

    def datasets_of(self, name: str) -> dict[str, Dataset]:
        """All datasets of an input that may be given more than once, in their order."""
        return {
            key: dataset for key, dataset in self.given.items() if dataset and key.partition("#")[0] == name
        }

    def with_values(self, values: Mapping[str, Any]) -> "Self":
        """The protocol with other values."""
        return type(self)({**self.values, **values}, self.given)

    def facts(self) -> dict[str, Any]:
        """Values and inputs under one roof, for the conditions of parameters."""
        return {**self.values, **self.given}

    def promised(self) -> Mapping[str, OutputSpec]:
        """The outputs that these values promise."""
        return {
            name: spec for name, spec in self.outputs_declared.items() if spec.when is None or spec.when(self)
        }

    def output_kind(self, output: str) -> type[Dataset]:
        """The kind of an output, also where it is that of an input."""
        spec = self.promised()[output]
        return type(self.given[spec.like]) if spec.like and self.given.get(spec.like) else spec.kind

    def output_files(self, job: "JobFolder") -> dict[str, Dataset]:
        """The outputs that these values promise, with RELION's paths."""
        found: dict[str, Dataset] = {}
        for name, spec in self.promised().items():
            path = spec.path(self) if callable(spec.path) else spec.path.format_map(self.values)
            found[name] = self.output_kind(name)(job.file(path), job.name.rstrip("/"), name)
        return found

    def cores(self) -> int:
        """Processor cores a command of this job keeps busy."""
        return max(1, int(self.values.get("nr_mpi", 1))) * max(1, int(self.values.get("nr_threads", 1)))

    def memory_mb(self) -> int:
        """Memory that a command of this job takes; 0 where nobody knows."""
        return 0

    def gpus(self) -> str | None:
        """RELION's GPU string where the job uses GPUs, else None."""
        return str(self.values.get("gpu_ids", "")) if self.values.get("use_gpu") else None

    def resolve_auto(self, job: "JobFolder") -> dict[str, Any]:
        """Values for the parameters that are `auto`, found when the job starts."""
        return {}

    def views(self, job: "JobFolder") -> "list[Block]":
        """Something to look at; may be called at any time, also while the job runs."""
        return []


def _meant(owner: type, name: str, text: str) -> Any:
    """The type that an annotation names, where a module keeps its annotations as text.

    Raises:
        TypeError: it names nothing that its module has when the class is made.
    """
    import builtins
    import sys

    module = vars(sys.modules[owner.__module__])
    found = {**vars(builtins), **module}.get(text)
    if not isinstance(found, type):
        raise TypeError(
            f"{owner.__module__}.{owner.__qualname__}.{name}: {text!r} is no type that its module imports"
        )
    return found


class ProgramProtocol(Protocol):
    """One program (or a few) on whole datasets: classification, refinement, post-processing."""

    iterative: ClassVar[bool] = False  # can go on from its last iteration
    reread: ClassVar[tuple[str, ...]] = ()  # parameters that it takes anew when it goes on from one

    def command(self, job: "JobFolder") -> Command:
        """The command; pure."""
        raise NotImplementedError

    def resume_command(self, job: "JobFolder", iterations: Sequence[int]) -> Command | None:
        """The command that goes on from the last whole iteration; None: begin anew."""
        return None

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

    def blocks(self, output: str) -> str:
        """Name of the table that an output's file ends with."""
        return self.output_kind(output).block

    def table_file(self, output: str, path: str) -> str:
        """The growing file of an output; RELION's path, unless that is no table."""
        return path if self.output_kind(output).block != "coordinates" else "coordinates.star"

    def begin(self, job: "JobFolder") -> object:
        """What a run of the job keeps in mind from batch to batch (`Batch.memory`); called before the first."""
        return None

    def end(self, job: "JobFolder", memory: object) -> "Sequence[Remark]":
        """When all items are through: what is to be said of the whole."""
        return ()


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
