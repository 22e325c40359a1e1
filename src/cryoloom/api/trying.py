"""A job that might be made: what stands against it and what it would run, while its user still types."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryoloom.api.given import taken_apart
from cryoloom.errors import CryoloomError, ParameterError
from cryoloom.project.checking import check_job
from cryoloom.project.registry import find_protocol
from cryoloom.protocol.conditions import holds
from cryoloom.protocol.edge import call_plugin
from cryoloom.protocol.jobs import JobFolder

if TYPE_CHECKING:
    from cryoloom.api.project import Project
    from cryoloom.protocol.protocol import Protocol


@dataclass(frozen=True, slots=True)
class Fault:
    """Something against a job."""

    field: str  # the parameter or input it is about; "" of the whole
    found: str
    expected: str
    hint: str
    text: str  # all of it in a sentence


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of trying."""

    faults: tuple[Fault, ...]
    off: tuple[str, ...]  # parameters and inputs that mean nothing now, by their conditions
    command: str  # what would be run; "" where that is not known before


def try_job(project: "Project", protocol: str, given: Mapping[str, Any]) -> Tried:
    """Look at a job as if it were made now; nothing is written.

    Each field that is wrong by itself is told; what stands against the whole job only where no field is.

    Raises:
        ParameterError: there is no protocol of that name.
    """
    kind = find_protocol(protocol)
    faults, fine = [], {}
    for name, value in given.items():
        try:
            values, _inputs = taken_apart(project.folder, kind, {name: value})
            kind(values, {})
            fine[name] = value
        except CryoloomError as error:
            faults.append(_fault(error, name))
    command = ""
    if not faults:
        try:
            made, command = _made(project, kind, fine)
            check_job(project.path, made, asked=[*fine])
        except CryoloomError as error:
            faults.append(_fault(error, _named_in(error, kind)))
    return Tried(tuple(faults), _off(kind, fine), command)


def _made(project: "Project", kind: "type[Protocol]", given: Mapping[str, Any]) -> "tuple[Protocol, str]":
    values, inputs = taken_apart(project.folder, kind, given)
    made = kind(values, inputs)
    needed = [spec.name for spec in made.inputs.values() if not spec.optional and not made.given[spec.name]]
    if needed:
        raise ParameterError(
            f"{kind.name}: input {needed[0]}", found="missing", expected=f"{made.inputs[needed[0]].kind.kind}"
        )
    folder = JobFolder(f"{kind.folder}/job{project.folder.next_number():03d}/", project.path)
    command = getattr(made, "command", None)
    line = call_plugin(made, "command", folder) if command is not None else None
    return made, line.line() if line is not None else ""


def _off(kind: "type[Protocol]", given: Mapping[str, Any]) -> tuple[str, ...]:
    params = {name: value for name, value in given.items() if name in kind.params}
    known = {**kind(params, {}).values, **{name: True for name in given if name in kind.inputs}}
    conditions = {spec.name: spec.when for spec in kind.params.values()}
    conditions |= {spec.name: spec.when for spec in kind.inputs.values()}
    return tuple(name for name, when in conditions.items() if when and not holds(when, known))


def _named_in(error: CryoloomError, kind: "type[Protocol]") -> str:
    """The field that an error is about: the first word of where it was found that is one's name."""
    words = error.where.replace(":", " ").replace(",", " ").split()
    return next((word for word in words if word in kind.params or word in kind.inputs), "")


def _fault(error: CryoloomError, name: str) -> Fault:
    return Fault(name, error.found, error.expected, error.hint, str(error))
