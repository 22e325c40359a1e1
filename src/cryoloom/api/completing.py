"""What a word of the command line could become: protocols, jobs, parameters and their values, inputs."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryoloom.api.label_help import is_label, labels_named
from cryoloom.errors import CryoloomError
from cryoloom.project.catalogue import protocol_lines
from cryoloom.project.registry import find_protocol
from cryoloom.protocol.datasets import accepts
from cryoloom.protocol.declare import InputSpec, ParamSpec

if TYPE_CHECKING:
    from cryoloom.api.project import Project
    from cryoloom.protocol.protocols import Protocol

# Of thousands of jobs those that a user is about to name are new.
NEWEST = 200


@dataclass(frozen=True, slots=True)
class Candidate:
    """One word, and what it stands for; `path`: a file is to be named."""

    word: str
    help: str = ""
    path: bool = False


def protocols_like(start: str) -> list[Candidate]:
    """Protocols whose names begin so."""
    return [Candidate(line.name, line.label) for line in protocol_lines() if line.name.startswith(start)]


def jobs_like(project: "Project", start: str) -> list[Candidate]:
    """Jobs by name and alias, the newest first; by number where the word begins with a digit."""
    found = []
    for entry in reversed(project.folder.entries()[-NEWEST:]):
        names = (
            [entry.name.rpartition("job")[2].lstrip("0")]
            if start[:1].isdigit()
            else [entry.alias, entry.name]
        )
        found += [
            Candidate(name, f"{entry.protocol} {entry.alias}".strip())
            for name in names
            if name and name.startswith(start)
        ]
    return found


def helped_like(start: str) -> list[Candidate]:
    """What `help` explains: protocols, and labels where the word begins as one."""
    protocols = protocols_like(start)
    if protocols or not is_label(start):
        return protocols
    try:
        return [Candidate(label.label, label.meaning) for label in labels_named(start)]
    except CryoloomError:
        return []


def continuable_like(project: "Project", start: str) -> list[Candidate]:
    """Jobs that a new one can go on from, as `jobs_like`."""
    from cryoloom.project.continuing import goes_on

    able = {
        name
        for name in {entry.protocol for entry in project.folder.entries()[-NEWEST:]}
        if (kind := protocol_named(name)) is not None and goes_on(kind)
    }
    return [candidate for candidate in jobs_like(project, start) if candidate.help.partition(" ")[0] in able]


def continued_like(project: "Project", kind: "type[Protocol]", start: str) -> list[Candidate]:
    """As `given_like`, of what may be different when a job goes on from an iteration."""
    from cryoloom.project.continuing import goes_on
    from cryoloom.protocol.protocols import ProgramProtocol

    if not issubclass(kind, ProgramProtocol) or not goes_on(kind):
        return []
    return given_like(project, kind, start, kind.taken_anew())


def given_like(
    project: "Project | None", kind: "type[Protocol]", start: str, names: Collection[str] | None = None
) -> list[Candidate]:
    """Names of parameters and inputs with their equals sign, and what may stand behind it.

    Args:
        project: whose jobs may be inputs; None outside a project.
        kind: the protocol.
        start: the word as far as it is written.
        names: those that may be given; None for all.
    """
    name, sign, value = start.partition("=")
    if not sign:
        specs: dict[str, InputSpec | ParamSpec] = {**kind.inputs, **kind.params}
        return [
            Candidate(f"{one}=", spec.label)
            for one, spec in specs.items()
            if one.startswith(name) and (names is None or one in names)
        ]
    if name in kind.inputs and project is not None:
        head, comma, last = value.rpartition(",")  # of an input that takes several
        words = _datasets(project, kind.inputs[name], last)
        return [Candidate(f"{name}={head}{comma}{one.word}", one.help) for one in words]
    if name in kind.params:
        return [
            Candidate(f"{name}={one.word}", one.help, one.path) for one in _values(kind.params[name], value)
        ]
    return []


def protocol_named(name: str) -> "type[Protocol] | None":
    """A protocol; None where no plugin has it."""
    try:
        return find_protocol(name)
    except CryoloomError:
        return None


def protocol_of_job(project: "Project", job: str) -> "type[Protocol] | None":
    """The protocol of a job that is named; None where there is no such job, or it is RELION's own."""
    try:
        return protocol_named(project.job(job).protocol)
    except CryoloomError:
        return None


def views_like(project: "Project", job: str, start: str) -> list[Candidate]:
    """What a job has to show, by name."""
    try:
        views = project.job(job).views()
    except CryoloomError:
        return []
    return [Candidate(view.name, view.title) for view in views if view.name.startswith(start)]


def _values(param: ParamSpec, start: str) -> Iterator[Candidate]:
    words = ("Yes", "No") if param.type is bool else param.choices
    for word in words:
        if str(word).startswith(start):
            yield Candidate(str(word))
    if param.means in ("file", "folder"):
        yield Candidate(start, path=True)


def _datasets(project: "Project", spec: InputSpec, start: str) -> Iterator[Candidate]:
    """Outputs that fit, the newest first: `JOB` for a job's first, `JOB:OUTPUT` for another."""
    for entry in reversed(project.folder.entries()[-NEWEST:]):
        try:
            outputs = entry.outputs()
        except CryoloomError:
            continue  # of a plugin that is not installed
        fitting = [output for output, dataset in outputs.items() if accepts(spec.kind, type(dataset))]
        for number, output in enumerate(fitting):
            for name in filter(None, (entry.alias, entry.name)):
                word = f"{name}:{output}" if number else name
                if word.startswith(start):
                    yield Candidate(word, f"{entry.protocol}: {output}")
