"""What every protocol has, of whichever of the four kinds (`protocols.py`).

An instance carries the values of one job: `Class2D(values, inputs).nr_classes`. A class declares;
see `declare.py` for parameters, inputs and outputs.
"""

import inspect
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from cryoloom.errors import ParameterError
from cryoloom.protocol.cleaning import Rule
from cryoloom.protocol.conditions import condition_names, holds
from cryoloom.protocol.datasets import Box, Dataset
from cryoloom.protocol.declare import (
    ACCEPT_UNUSUAL,
    AUTO,
    InputSpec,
    OutputSpec,
    ParamSpec,
    accept_unusual,
    check_symmetries,
    check_usual,
    near,
    parse,
)

if TYPE_CHECKING:
    from pathlib import Path

    from cryoloom.protocol.jobs import JobFolder
    from cryoloom.protocol.views import View


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
    begins_with: ClassVar[Mapping[str, str]] = {}  # what a suggestion of it says besides its inputs
    iterative: ClassVar[bool] = False  # goes on from its last iteration; cleaning takes those before it
    cleaning: ClassVar[tuple[Rule, ...]] = ()  # what of its files is no result
    # Its folders hold what its user made, which stays when the job is restarted: the input by which a copy begins with that.
    by_hand: ClassVar[str] = ""
    ranks_are_led: ClassVar[bool] = False  # of several MPI ranks the first one only hands out work
    rank_groups: ClassVar[int] = 1  # the others are so many groups of one size

    params: ClassVar[Mapping[str, ParamSpec]] = {}
    inputs: ClassVar[Mapping[str, InputSpec]] = {}
    outputs_declared: ClassVar[Mapping[str, OutputSpec]] = {}

    def __init_subclass__(cls) -> None:
        params: dict[str, ParamSpec] = {}
        inputs: dict[str, InputSpec] = {}
        outputs: dict[str, OutputSpec] = {}
        # A class further down has a name otherwise than those above it; its place is that of the first.
        for owner in _in_order(cls):
            for name, kind in inspect.get_annotations(owner).items():
                holder = next(
                    one for one in cls.__mro__ if name in one.__dict__ or name in inspect.get_annotations(one)
                )
                if holder is not owner:
                    kind = inspect.get_annotations(holder).get(name, kind)
                spec = holder.__dict__.get(name)
                if isinstance(spec, ParamSpec | InputSpec | OutputSpec) and isinstance(kind, str):
                    kind = _meant(holder, name, kind)  # `from __future__ import annotations`
                if isinstance(spec, ParamSpec):
                    spec.name, spec.type = name, kind
                    params[name] = spec
                elif isinstance(spec, InputSpec):
                    spec.name, spec.kind = name, kind
                    inputs[name] = spec
                elif isinstance(spec, OutputSpec):
                    spec.name, spec.kind = name, kind
                    outputs[name] = spec
        params = dict(sorted(params.items(), key=lambda item: _place_of_tab(item[1].tab)))
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

        for name, spec in params.items():
            if (spec.of or spec.means == "classes") and spec.of not in inputs:
                raise TypeError(f"{cls.__name__}: {name} is of the input {spec.of!r}, and there is none")
            if spec.later and spec.later not in params:
                raise TypeError(
                    f"{cls.__name__}: {name} may come later with {spec.later!r}, and there is no such parameter"
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

    def once(self) -> str:
        """Why nobody but its maker can run this job, in a sentence; "" where anybody can."""
        return ""

    def check(self) -> None:
        """What no single limit can say: inputs that are missing, values that exclude each other.

        Raises:
            ParameterError: which, and what to give instead.
        """
        check_usual(self.params, self.values, self.name)
        facts = self.facts()
        check_symmetries(self.params, facts, self.name)
        for name, spec in self.inputs.items():
            if not spec.optional and holds(spec.when, facts) and not self.given[name]:
                raise ParameterError(
                    f"{self.name}: input {name}",
                    found="missing",
                    expected=f"a dataset of kind {spec.kind.kind}",
                    hint=f"Give it as {name}=JOB, {name}=JOB:output or {name}=FILE.",
                )

    def check_above(self, name: str, other: str) -> None:
        """That a parameter is more than another one of the same unit.

        Raises:
            ParameterError: it is not.
        """
        value, least, unit = getattr(self, name), getattr(self, other), self.params[name].unit
        if value <= least:
            raise ParameterError(
                f"{self.name}: parameter {name}",
                found=f"{value:g} {unit}",
                expected=f"more than {least:g} {unit} ({other})",
            )

    def check_heads(self, heads: Mapping[str, Mapping[str, Collection[str]]]) -> None:
        """What the labels of the given tables say: of each input that is there, the labels of its blocks.

        Asked when the job is made, and again when it starts; inputs that are still being made are not among them.

        Raises:
            CryoloomError: they do not go together, or need a word of the user.
        """

    def check_boxes(self, boxes: Mapping[str, Box]) -> None:
        """What maps and images that are there say of their size: of each such input its box.

        Of particles it is that of the first optics group, by which RELION's programs go, with the others in `others`; of maps
        whose axes differ it has all `sides`. Asked as `check_heads`.

        Raises:
            ParameterError: they do not fit each other, or a parameter; with what to do.
        """

    def check_contents(self, root: "Path", there: Mapping[str, "Path"]) -> None:
        """What the files of inputs say, beyond labels and sizes: whether they belong together.

        Asked when the job is made, and again when it starts.

        Args:
            root: the project.
            there: the files of inputs that are there and whole, by input.
        Raises:
            CryoloomError: they do not, and what to do.
        """

    def named_labels(self) -> Mapping[str, Collection[str]]:
        """Columns that parameters name in a way of their own, by parameter; `means=` tells the usual ways.

        Raises:
            ParameterError: a text that names nothing.
        """
        return {}

    @classmethod
    def suggested(cls, items: int | None) -> Mapping[str, str]:
        """What a suggestion of it says besides its inputs.

        Args:
            items: that the job has which it would follow; None where they are not counted yet.
        """
        return cls.begins_with

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

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """The values of all parameters as long as nobody gives others."""
        return {name: spec.default for name, spec in cls.params.items()}

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
        numbers = [self.values.get(name, 1) for name in ("nr_mpi", "nr_threads")]
        # One that is `auto` is found for the machine; until then nobody can know it.
        ranks, threads = (1 if number == AUTO else max(1, int(number)) for number in numbers)
        return ranks * threads

    def memory_mb(self) -> int:
        """Memory that a command of this job takes; 0 where nobody knows."""
        return 0

    def cited(self) -> tuple[str, ...]:
        """What of `cites` was used with these values: keys of `references.bib`."""
        return self.cites

    def gpus(self) -> str | None:
        """RELION's GPU string where the job uses GPUs, else None."""
        return str(self.values.get("gpu_ids", "")) if self.values.get("use_gpu") else None

    def known_diameter(self) -> float | None:
        """Of jobs that pick: the diameter of the largest particles in Å, where the user has said it."""
        return None

    def check_auto(self, root: "Path") -> None:
        """That what is `auto` will be found, as far as the jobs that are there tell; asked when the job is made.

        Raises:
            CryoloomError: it will not, and what to give.
        """

    def check_defaults(self, root: "Path", asked: Collection[str]) -> None:
        """That files do not contradict a default that stands because nobody gave a value; asked when the job is made.

        Args:
            root: the project.
            asked: the parameters and inputs that the user gave.
        Raises:
            CryoloomError: which one, and what the file says.
        """

    def resolve_auto(self, job: "JobFolder") -> dict[str, Any]:
        """Values for the parameters that are `auto`, found when the job starts."""
        return {}

    def views(self, job: "JobFolder") -> "list[View]":
        """What there is to look at: declarations, which cost nothing; called at any time, also while the job runs."""
        return []


# The tabs that every form begins and ends with; the others stand between, as they are declared.
_FIRST_TABS, _LAST_TABS = ("I/O", "Reference", "CTF"), ("Helix", "Compute", "Running", "Streaming")


def _in_order(kind: type) -> list[type]:
    """A class behind the groups that it names, these in their order."""
    found = [owner for base in kind.__bases__ for owner in _in_order(base)]
    return [*dict.fromkeys(found), kind]


def _place_of_tab(tab: str) -> int:
    if tab in _FIRST_TABS:
        return _FIRST_TABS.index(tab)
    between = len(_FIRST_TABS)
    return between + 1 + _LAST_TABS.index(tab) if tab in _LAST_TABS else between


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
