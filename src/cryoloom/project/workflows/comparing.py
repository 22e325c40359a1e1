"""What differs between two workflows, as far as it matters: jobs, parameters, inputs, order, placeholders.

A default that is written equals one that is left out; an output that is named equals the only one that could be meant. Jobs
are the same by their names, else where all that was asked of them is the same.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from cryoloom.errors import CryoloomError
from cryoloom.project.registry import find_protocol
from cryoloom.project.workflows.placeholders import Placeholder, names_in
from cryoloom.protocol.declare import parse, relion_text

What = Literal[
    "added", "gone", "renamed", "protocol", "version", "parameter", "input", "wait_for", "placeholder"
]


@dataclass(frozen=True, slots=True)
class ComparedJob:
    """A job of one side."""

    protocol: str
    params: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    wait_for: tuple[str, ...] = ()
    version: str = ""


@dataclass(frozen=True, slots=True)
class Side:
    """One of two that are compared."""

    name: str
    jobs: Mapping[str, ComparedJob]
    placeholders: Mapping[str, Placeholder] = field(default_factory=dict)
    is_file: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs. `old` and `new`: texts, "" where there is none."""

    what: What
    job: str
    name: str = ""  # of the parameter, input or placeholder
    old: str = ""
    new: str = ""

    def sentence(self) -> str:
        """In words."""
        if self.what in ("added", "gone"):
            return f"{'+-'[self.what == 'gone']} {self.job} ({self.new or self.old})"
        what = " ".join(word for word in ("" if self.what == "renamed" else self.what, self.name) if word)
        place = f"{self.job}: " if self.job and self.what != "renamed" else ""
        return f"~ {place}{what}{': ' if what else ''}{self.old or 'nothing'} → {self.new or 'nothing'}"

    def as_dict(self) -> dict[str, str]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class WorkflowDiff:
    """What differs between two workflows, from the first to the second."""

    first: str
    second: str
    differences: tuple[Difference, ...]
    # Placeholders of a file without a value, with what stands in their places on the other side.
    open: Mapping[str, str]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "first": self.first, "second": self.second, "equal": not self.differences,
            "differences": [one.as_dict() for one in self.differences], "open": dict(self.open),
        }  # fmt: skip


def compare(first: Side, second: Side) -> WorkflowDiff:
    """What differs, from the first to the second."""
    found: list[Difference] = []
    opened: dict[str, str] = {}
    renamed = _renamed(first, second, opened)
    back = {new: old for old, new in renamed.items()}
    found += [Difference("renamed", old, old=old, new=new) for old, new in renamed.items()]
    for name, job in first.jobs.items():
        other = second.jobs.get(renamed.get(name, name))
        if other is None or name in back:
            found.append(Difference("gone", name, old=job.protocol))
        else:
            found += _of_job(name, job, _with_names(other, back), opened)
    found += [
        Difference("added", name, new=job.protocol)
        for name, job in second.jobs.items()
        if name not in first.jobs and name not in back
    ]
    if first.is_file and second.is_file:
        found += _of_placeholders(first.placeholders, second.placeholders)
    return WorkflowDiff(first.name, second.name, tuple(found), opened)


def _renamed(first: Side, second: Side, opened: dict[str, str]) -> dict[str, str]:
    """Jobs that only have another name; the old one with the new one."""
    free = [name for name in second.jobs if name not in first.jobs]
    found: dict[str, str] = {}
    for name, job in first.jobs.items():
        if name in second.jobs:
            continue
        back = {new: old for old, new in found.items()}
        for candidate in free:
            other = second.jobs[candidate]
            if other.protocol == job.protocol and not _of_job(
                name, job, _with_names(other, back), dict(opened)
            ):
                found[name] = candidate
                free.remove(candidate)
                break
    return found


def _with_names(job: ComparedJob, names: Mapping[str, str]) -> ComparedJob:
    def named(reference: str) -> str:
        first, colon, output = reference.partition(":")
        return names.get(first, first) + colon + output

    inputs = {key: tuple(map(named, several)) for key, several in job.inputs.items()}
    return ComparedJob(job.protocol, job.params, inputs, tuple(map(named, job.wait_for)), job.version)


def _of_job(name: str, old: ComparedJob, new: ComparedJob, opened: dict[str, str]) -> list[Difference]:
    if old.protocol != new.protocol:
        return [Difference("protocol", name, old=old.protocol, new=new.protocol)]
    found = []
    if old.version != new.version and old.version and new.version:
        found.append(Difference("version", name, old=old.version, new=new.version))
    for param in sorted({*old.params, *new.params}):
        texts = [_text(old.protocol, param, job.params) for job in (old, new)]
        if texts[0] != texts[1] and not _is_open(texts[0], texts[1], opened):
            found.append(Difference("parameter", name, param, texts[0], texts[1]))
    for key in dict.fromkeys((*old.inputs, *new.inputs)):
        texts = [", ".join(job.inputs.get(key, ())) for job in (old, new)]
        if texts[0] != texts[1] and not _is_open(texts[0], texts[1], opened):
            found.append(Difference("input", name, key, texts[0], texts[1]))
    if set(old.wait_for) != set(new.wait_for):
        found.append(Difference("wait_for", name, old=", ".join(old.wait_for), new=", ".join(new.wait_for)))
    return found


def _text(protocol: str, name: str, params: Mapping[str, Any]) -> str:
    """A parameter's value in one form, however it was written; its default where none is."""
    try:
        spec = find_protocol(protocol).params.get(name)
    except CryoloomError:
        spec = None
    if spec is None:
        return relion_text(params.get(name, ""))
    value = params.get(name, spec.default)
    if names_in(value):
        return str(value)
    try:
        return relion_text(parse(spec, value, protocol))
    except CryoloomError:
        return relion_text(value)


def _is_open(old: str, new: str, opened: dict[str, str]) -> bool:
    """Whether one side leaves a value to whoever runs it, and the other has one; which is noted."""
    left, right = names_in(old), names_in(new)
    if bool(left) == bool(right):
        return False
    for name in left or right:
        opened.setdefault(name, new if left else old)
    return True


def _of_placeholders(old: Mapping[str, Placeholder], new: Mapping[str, Placeholder]) -> list[Difference]:
    found = []
    for name in dict.fromkeys((*old, *new)):
        texts = [_declared(side[name]) if name in side else "" for side in (old, new)]
        if texts[0] != texts[1]:
            found.append(Difference("placeholder", "", name, *texts))
    return found


def _declared(one: Placeholder) -> str:
    """What of a placeholder changes what comes out: not its words."""
    default = "to be given" if one.default is None else f"default {relion_text(one.default)}"
    return f"{one.expected()}; {default}"
