"""What is chosen becomes a job with both halves; and the choice of such a job is taken up again.

Items by `sets.filter`, whose condition names rule and changes by hand; classes by `sets.classes`, by their numbers.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from cryoloom.api.browsing import Browsed
from cryoloom.api.choice import NONE, Choice
from cryoloom.api.class_table import CLASS, RESOLUTION, SHARE
from cryoloom.em.good_classes import good_classes
from cryoloom.errors import ParameterError, ProjectError
from cryoloom.project.registry import find_protocol
from cryoloom.schedule.state import ENDED

if TYPE_CHECKING:
    from cryoloom.api.job import Job

FILTER, CLASSES = "sets.filter", "sets.classes"


@dataclass(frozen=True, slots=True)
class Asked:
    """A job that a choice would become: `project.run(protocol, **given)`."""

    protocol: str
    given: dict[str, Any]

    @property
    def python(self) -> str:
        """As a line of Python."""
        words = [repr(self.protocol), *(f"{name}={value!r}" for name, value in self.given.items())]
        return f"project.run({', '.join(words)})"


@dataclass(frozen=True, slots=True)
class Kept:
    """A job that was made of a choice, and those that were made anew behind it."""

    jobs: tuple[str, ...]
    count: int


@dataclass(frozen=True, slots=True)
class Made:
    """The choice that a job was made of."""

    job: str
    number: int
    output: str
    choice: Choice
    dependents: tuple[str, ...]  # jobs made of it
    besides: str  # what else the job judges by, in words; "" nothing


def asked_of(job: "Job", output: str, table: Browsed, choice: Choice) -> Asked:
    """The job that a choice would become.

    Raises:
        ParameterError: nothing is chosen, or all; or classes by rule that cannot be named.
        StarError: a rule that cannot be judged.
    """
    kept = table.kept(choice)
    if not kept.any():
        raise ParameterError(
            "a choice", found="nothing", expected="at least one item", hint="Choose one, or loosen the rule."
        )
    source = f"{job.name}:{output}"
    if table.dataset.kind == "model":
        numbers = table.frame([CLASS])[CLASS].to_numpy()[kept]
        return Asked(CLASSES, {"fn_model": source, "classes": spans(sorted(int(one) for one in numbers))})
    if not choice.condition:
        raise ParameterError(
            "a choice", found="everything", expected="a rule, or items left out",
            hint="What is to be made of all of it is made of the set itself.",
        )  # fmt: skip
    if not (table.ruled(choice.condition) == kept).all():
        # Such as a comment in it, which takes away what is said after it.
        raise ParameterError(
            "a choice", found="a rule that means something else beside what was changed by hand",
            expected="a plain condition", hint="Leave out comments, and close what you opened.",
        )  # fmt: skip
    return Asked(FILTER, {"input": source, "expression": choice.condition})


def keep(
    job: "Job",
    output: str,
    table: Browsed,
    choice: Choice,
    *,
    alias: str = "",
    start: bool = True,
    instead_of: "Job | None" = None,
) -> Kept:
    """Make the job that keeps what is chosen: `project.run` of what `asked_of` tells.

    Args:
        job: whose output is chosen from.
        output: its name.
        table: as it was seen.
        choice: what is kept.
        alias: a name of one's own.
        start: false leaves it unscheduled.
        instead_of: the job that the choice was taken up from: what was made of it is made anew of the new one.
    Raises:
        ParameterError: as `asked_of`; an item chosen by hand that is not there any more.
        ProjectError: a classification that has not ended: its classes are others at its end.
    """
    asked = asked_of(job, output, table, choice)
    if asked.protocol == CLASSES and job.state not in ENDED:
        raise ProjectError(
            f"{job.name}", found=job.state, expected="a classification that has ended",
            hint="Its classes change with each iteration, and so do their numbers. Choose when it is done, or stop it.",
        )  # fmt: skip
    gone = table.unknown_by_hand(choice)
    if gone:
        raise ParameterError(
            "a choice by hand", found=f"{len(gone)} items that are not in {table.dataset.path}", expected="items of that set",
            hint="Look again: it has been made anew since.",
        )  # fmt: skip
    count = int(table.kept(choice).sum())
    if instead_of is None:
        made = job.project.make(asked.protocol, asked.given, alias=alias, start=start)
        return Kept((made.name,), count)
    if instead_of.protocol != asked.protocol:
        raise ProjectError(f"{instead_of.name}", found=instead_of.protocol, expected=asked.protocol)
    given = {**_without_besides(instead_of), **asked.given}
    copies = job.project.copy(instead_of, branch=True, start=start, **given)
    if alias:
        copies[0].set_alias(alias)
    return Kept(tuple(one.name for one in copies), count)


def choice_of(job: "Job") -> Made:
    """The choice that a job was made of, to be looked at and changed.

    Raises:
        ProjectError: another kind of job, or one whose input is no output of a job.
    """
    spec = job.entry.known_spec
    if spec is None or job.protocol not in (FILTER, CLASSES):
        raise ProjectError(f"{job.name}", found=job.protocol, expected=f"a job of {FILTER} or {CLASSES}")
    given = spec.inputs["input" if job.protocol == FILTER else "fn_model"]
    if not given.job or not given.output:
        raise ProjectError(
            f"{job.name}",
            found=f"of {given.path}",
            expected="of a job's output",
            hint="Copy it and change its form.",
        )
    params = job.params
    if job.protocol == CLASSES:
        numbers = _numbers(str(params["classes"]))
        choice = Choice(NONE, tuple(str(one) for one in numbers)) if numbers else Choice("by rule")
        source = job.project.job(given.job)
        if not numbers:
            found = proposal(Browsed(source.dataset(given.output)), params)
            choice = Choice(found) if found else Choice()
        besides = ""
    else:
        choice = Choice.of(str(params["expression"]))
        source = job.project.job(given.job)
        also = [name for name, default in _defaults_besides().items() if params[name] != default]
        also += ["other"] if _has_other(job) else []
        besides = ", ".join(also)
    number = int(source.name.rpartition("job")[2])
    return Made(
        source.name, number, given.output, choice, tuple(one.name for one in job.dependents()), besides
    )


def _defaults_besides() -> dict[str, Any]:
    """What a filter may judge by beside its expression, as it is where it does not."""
    params = find_protocol(FILTER).params
    return {name: params[name].default for name in ("ranges", "rank_by", "edge_distance", "min_distance")}


def _has_other(job: "Job") -> bool:
    spec = job.entry.known_spec
    given = spec.inputs.get("other") if spec is not None else None
    return given is not None and bool(given.path)


def _without_besides(job: "Job") -> dict[str, Any]:
    """Parameters by which a copy of a job keeps what was seen and chosen, and nothing less.

    Raises:
        ProjectError: a filter by the distance from other items, which no copy leaves out.
    """
    if job.protocol != FILTER:
        return {}
    if _has_other(job):
        raise ProjectError(
            f"{job.name}", found="a filter that judges by other items too", expected="one that judges by the choice alone",
            hint="Make a new job of the choice, or copy this one and change its form.",
        )  # fmt: skip
    return _defaults_besides()


def proposal(table: Browsed, params: "dict[str, Any] | Any" = None) -> str:
    """The rule by which `sets.classes` would choose, over the classes as they are; "" where it would choose none.

    Args:
        table: a classification's classes.
        params: of a job; None: the protocol's own defaults.
    """
    if table.dataset.kind != "model" or not {SHARE, RESOLUTION} <= set(table.labels):
        return ""
    if params is None:
        params = {name: spec.default for name, spec in find_protocol(CLASSES).params.items()}
    classes = table.numbers([SHARE, RESOLUTION]).with_columns(pl.col(RESOLUTION).fill_null(float("inf")))
    shares, resolutions = classes[SHARE].fill_null(0.0).to_list(), classes[RESOLUTION].to_list()
    good = good_classes(
        shares, resolutions, min_fraction=params["min_fraction"],
        max_resolution_ratio=params["max_resolution_ratio"], max_resolution=params["max_resolution"],
        largest=params.get("largest", 0),
    )  # fmt: skip
    if not good:
        return ""
    worst = max(resolutions[n - 1] for n in good)
    large = f"{SHARE} > {params['min_fraction']:g}"
    if params.get("largest", 0):
        large = f"{SHARE} >= {min(shares[n - 1] for n in good)!r}"
    # Where no class has a resolution all large ones are alike.
    return f"{large} and {RESOLUTION} <= {worst!r}" if math.isfinite(worst) else large


def spans(numbers: Sequence[int]) -> str:
    """`1,3,5-7` of ascending numbers."""
    words: list[str] = []
    at = 0
    while at < len(numbers):
        end = at
        while end + 1 < len(numbers) and numbers[end + 1] == numbers[end] + 1:
            end += 1
        words.append(str(numbers[at]) if end == at else f"{numbers[at]}-{numbers[end]}")
        at = end + 1
    return ",".join(words)


def _numbers(text: str) -> list[int]:
    found: list[int] = []
    for word in text.replace(",", " ").split():
        low, _, high = word.partition("-")
        found += range(int(low), int(high or low) + 1)
    return found
