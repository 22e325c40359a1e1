"""Declarations of parameters, inputs and outputs, and the checking of values against them.

`Param(...)` stands where a class attribute's default would; the annotation is its type. All that
is known of a parameter is said here once.
"""

import math
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from cryoloom.errors import ParameterError
from cryoloom.protocol.conditions import holds
from cryoloom.protocol.datasets import Dataset

if TYPE_CHECKING:
    from cryoloom.protocol.wizards import Wizard

NORMAL = "normal"
ADVANCED = "advanced"
AUTO = "auto"

# What a text names, beyond its being text: a file or folder (from the project, or absolute), a program (in PATH, or its
# path), a point group by RELION's name, an SQL condition over the columns of an input, some of its columns with commas
# between, numbers of its classes; the words of a command, a list in Python; outputs with their kinds, a mapping in Python.
Meaning: TypeAlias = Literal[
    "", "file", "folder", "program", "symmetry", "condition", "labels", "classes", "words", "promises"
]

# A value on a command line; None: neither it nor its flag is there.
Writing: TypeAlias = Callable[[Any], str | None]

_YES = {
    "yes": True,
    "true": True,
    "1": True,
    "on": True,
    "no": False,
    "false": False,
    "0": False,
    "off": False,
}


@dataclass(slots=True)
class ParamSpec:
    """One parameter: everything that form, help, validation and `job.star` need to know."""

    default: Any
    label: str
    tab: str
    help: str
    unit: str
    level: str
    when: str
    ge: float | None
    gt: float | None
    le: float | None
    lt: float | None
    choices: tuple[str, ...]
    auto: bool
    own: bool  # Cryoloom's own: not among RELION's job options
    usual: tuple[float, float] | None = None  # beyond these a value is another unit, most likely
    means: Meaning = ""
    of: str = ""  # the input whose columns it names, or whose classes; "" for the one that is treated
    later: str = ""  # the switch with which a file may come after the job was made
    flag: str = ""  # what stands on the program's command line: before the value; for a switch, when it is on
    flag_off: str = ""  # of a switch: what stands there when it is off
    written: Writing | None = None  # how the value is written there; None: as RELION writes values
    wizard: "Wizard | None" = None  # what helps to find a value
    name: str = ""
    type: type = str

    def limits(self) -> str:
        """The limits in words, "" where there are none."""
        signs = ((">", self.gt), ("≥", self.ge), ("<", self.lt), ("≤", self.le))
        parts = [f"{sign} {value:g}" for sign, value in signs if value is not None]
        if self.choices:
            parts.append("one of " + ", ".join(repr(choice) for choice in self.choices))
        if self.usual:
            parts.append(f"usually {self.usual[0]:g} to {self.usual[1]:g}")
        if self.auto:
            parts.append("or auto")
        return ", ".join(parts)


@dataclass(slots=True)
class InputSpec:
    """One input: a dataset of another job, or a file of the project."""

    label: str
    tab: str
    help: str
    optional: bool
    streams: bool  # may be taken while it grows
    when: str
    several: bool = False  # any number of datasets, numbered input, input#2, input#3
    needs: Mapping[str, str] = field(default_factory=dict)  # label → when it is needed; see `Input`
    flag: str = ""  # what stands before its path on the program's command line
    own: bool = False  # Cryoloom's own: not among RELION's job options
    name: str = ""
    kind: type[Dataset] = Dataset


@dataclass(slots=True)
class OutputSpec:
    """One output; its file is known from the parameters before the job runs."""

    label: str
    path: str | Callable[[Any], str]
    when: Callable[[Any], bool] | None
    like: str  # name of the input whose kind it has, "" where the annotation says it
    name: str = ""
    kind: type[Dataset] = Dataset


def Param(
    default: Any,
    label: str,
    *,
    tab: str = "I/O",
    help: str = "",
    unit: str = "",
    level: str = NORMAL,
    when: str = "",
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    choices: Sequence[str] = (),
    auto: bool = False,
    own: bool = False,
    usual: tuple[float, float] | None = None,
    means: Meaning = "",
    of: str = "",
    later: str = "",
    flag: str = "",
    flag_off: str = "",
    written: Writing | None = None,
    wizard: "Wizard | None" = None,
) -> Any:
    """Declare a parameter.

    Args:
        default: its value when none is given; `AUTO` where the job finds it when it starts.
        label: as users know it; may equal RELION's.
        tab: the form's page.
        help: meaning, in our own words.
        unit: Å, °, kV, mm, mrad, e/Å², s or px.
        level: NORMAL or ADVANCED.
        when: names of other parameters, `not`, `and`, `or`, `==`: when the parameter counts.
        ge, gt, le, lt: limits of a number.
        choices: the permitted texts.
        auto: whether `auto` is a permitted value.
        own: true for what RELION's form does not have.
        usual: what physics permits, in the parameter's unit. A value beyond it is refused unless the user says
            `accept_unusual=Yes`, which protocols with such a parameter have; its default is never doubted.
        means: what a text names. It is looked up when the job is made, so that hours later nothing turns out to be
            missing: a "file" or "folder", a "program" that the job's own one starts, a point group ("symmetry"), a
            "condition" over an input's columns, "labels".
            "classes" that somebody has chosen by eye mean nothing of another classification: a copy asks to choose again.
        of: the input whose columns or classes are named; by default the one whose rows are treated.
        later: the parameter with which a file may come after the job was made: `stream`.
        flag: the program's option, as `words_of` puts it on the command line while `when` holds: before the value, or
            for a switch that is on. It may have several words, `--LoG --shrink 0`; the value follows the last.
        flag_off: the words for a switch that is off.
        written: the value on the command line, where that is not as RELION writes values; None: say nothing.
        wizard: what helps to find a value, of `protocol.wizards`.
    """
    return ParamSpec(
        default,
        label,
        tab,
        help,
        unit,
        level,
        when,
        ge,
        gt,
        le,
        lt,
        tuple(choices),
        auto or default == AUTO,
        own,
        usual,
        means,
        of,
        later,
        flag,
        flag_off,
        written,
        wizard,
    )


def Varied(declared: Any, **changes: Any) -> Any:
    """Declare a parameter or an input as another class has it, with what is different here.

    Args:
        declared: the attribute of that class: `Mpi.nr_mpi`.
        changes: arguments of `Param` or `Input`.
    """
    return replace(declared, **changes)


def Input(
    label: str,
    *,
    tab: str = "I/O",
    help: str = "",
    optional: bool = False,
    streams: bool = False,
    when: str = "",
    several: bool = False,
    needs: Sequence[str] | Mapping[str, str] = (),
    flag: str = "",
    own: bool = False,
) -> Any:
    """Declare an input; the annotation is its kind.

    Args:
        needs: labels that its table has to have, besides those that make it one of its kind: `rlnDefocusU`;
            `optics:rlnVoltage` in its optics groups; `a|b` for either. With a condition, as of parameters, for each:
            `{"rlnDefocusU": "do_ctf_correction"}`. Looked up when the job is made, and again when it starts.
        streams: it may be read while it grows.
        several: it may be given more than once; the second is known as `name#2`.
        flag: the program's option before its path, as of parameters.
        own: true for what RELION's form does not have.
    """
    wanted = needs if isinstance(needs, Mapping) else dict.fromkeys(needs, "")
    return InputSpec(label, tab, help, optional, streams, when, several, wanted, flag, own)


def numbered(name: str, datasets: Sequence[Dataset]) -> dict[str, Dataset]:
    """Several datasets of one input by the names under which they are kept: `name`, `name#2`, ..."""
    return {name if i == 1 else f"{name}#{i}": dataset for i, dataset in enumerate(datasets, start=1)}


def Output(
    label: str, path: str | Callable[[Any], str], *, when: Callable[[Any], bool] | None = None, like: str = ""
) -> Any:
    """Declare an output: `path` below the job folder, or a function of the protocol's values."""
    return OutputSpec(label, path, when, like)


def parse(spec: ParamSpec, value: Any, owner: str) -> Any:
    """A value as given (text from a command line, JSON, Python) with the parameter's type.

    Raises:
        ParameterError: wrong type, out of limits, or none of the choices.
    """
    where = f"{owner}: parameter {spec.name}"
    if spec.auto and isinstance(value, str) and value.strip().lower() == AUTO:
        return AUTO
    result = _typed(spec, value, where)
    if isinstance(result, int | float) and not isinstance(result, bool):
        if isinstance(result, float) and not math.isfinite(result):
            raise ParameterError(where, found=str(result), expected="a finite number")
        too_low = (spec.ge is not None and result < spec.ge) or (spec.gt is not None and result <= spec.gt)
        too_high = (spec.le is not None and result > spec.le) or (spec.lt is not None and result >= spec.lt)
        if too_low or too_high:
            raise ParameterError(where, found=str(value), expected=f"a value {spec.limits()}")
    if spec.choices and result not in spec.choices:
        # "1" means "90 degrees (1)", "7.5" means "7.5 degrees".
        short = [c for c in spec.choices if c.endswith(f"({result})") or c.split()[0] == str(result)]
        if len(short) == 1:
            return short[0]
        raise ParameterError(
            where, found=repr(result), expected=spec.limits(), hint=near(str(result), spec.choices)
        )
    return result


def relion_text(value: Any) -> str:
    """A value as RELION writes it: Yes and No, whole numbers without a point."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


ACCEPT_UNUSUAL = "accept_unusual"


def accept_unusual() -> ParamSpec:
    """The parameter by which a user stands by values that are doubted."""
    spec: ParamSpec = Param(
        False, "Accept unusual values?", level=ADVANCED, own=True,
        help="Yes: values that no microscope has, such as 300000 kV, are taken as they are given.",
    )  # fmt: skip
    spec.name, spec.type = ACCEPT_UNUSUAL, bool
    return spec


def check_usual(specs: Mapping[str, ParamSpec], values: Mapping[str, Any], owner: str) -> None:
    """That given values are not in another unit.

    Raises:
        ParameterError: one is beyond what is usual, and the user does not stand by it.
    """
    if values.get(ACCEPT_UNUSUAL):
        return
    for name, spec in specs.items():
        value = values[name]
        if spec.usual is None or value == spec.default or not isinstance(value, int | float):
            continue
        low, high = spec.usual
        if not low <= value <= high and holds(spec.when, values):
            raise ParameterError(
                f"{owner}: parameter {name}", found=f"{value:g} {spec.unit}".rstrip(),
                expected=f"{low:g} to {high:g} {spec.unit}".rstrip(),
                hint=f"Is it in another unit? If it is meant, add {ACCEPT_UNUSUAL}=Yes.",
            )  # fmt: skip


def check_symmetries(specs: Mapping[str, ParamSpec], values: Mapping[str, Any], owner: str) -> None:
    """That every point group that counts is one.

    Raises:
        ParameterError: which is not, with examples.
    """
    from cryoloom.em.point_groups import check_point_group

    for name, spec in specs.items():
        if spec.means == "symmetry" and values[name] and holds(spec.when, values):
            check_point_group(values[name], f"{owner}: parameter {name}")


# A slip of the fingers leaves this much of a name in place; with less, two names only have a part in common.
NEAR = 0.75


def near(name: str, names: Sequence[str]) -> str:
    """A hint that offers the nearest of the known names, "" when none is near."""
    import difflib  # only mistakes need it

    # `kv` is far from `kV` only by its letters' size.
    by_lower = {known.lower(): known for known in reversed(names)}
    lower = difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=NEAR)
    close = [by_lower[known] for known in lower]
    return f"Did you mean {' or '.join(close)}?" if close else ""


def _typed(spec: ParamSpec, value: Any, where: str) -> Any:
    if spec.type is bool:
        if isinstance(value, bool):
            return value
        text = str(value).strip().lower()
        if text not in _YES:
            raise ParameterError(where, found=repr(value), expected="Yes or No")
        return _YES[text]
    if spec.type is int:
        try:
            number = float(value) if isinstance(value, str) else value
            if isinstance(number, bool) or int(number) != number:
                raise ValueError
            return int(number)
        except (TypeError, ValueError, OverflowError):
            raise ParameterError(where, found=repr(value), expected="a whole number") from None
    if spec.type is float:
        try:
            return float(value)
        except (TypeError, ValueError):
            raise ParameterError(where, found=repr(value), expected="a number") from None
    if spec.means == "words" and isinstance(value, list | tuple):
        return shlex.join(str(word) for word in value)
    if spec.means == "promises" and isinstance(value, Mapping):
        return ", ".join(f"{name}={kind}" for name, kind in value.items())
    return str(value)
