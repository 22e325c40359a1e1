"""What fits an input of a protocol, from the jobs there are: for a picker of a form."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryoloom.errors import CryoloomError, ParameterError
from cryoloom.project.registry import find_protocol
from cryoloom.protocol.datasets import accepts
from cryoloom.protocol.declare import near

if TYPE_CHECKING:
    from cryoloom.api.project import Project


@dataclass(frozen=True, slots=True)
class Offer:
    """An output that an input takes."""

    word: str  # as it is given: `JOB:OUTPUT`
    job: str
    alias: str
    output: str
    kind: str


def offers_for(project: "Project", protocol: str, name: str) -> list[Offer]:
    """Outputs that fit an input, of the newest jobs first; also of jobs that have not run yet.

    Raises:
        ParameterError: no such protocol or input.
    """
    kind = find_protocol(protocol)
    if name not in kind.inputs:
        raise ParameterError(
            f"{protocol}: input {name}", found="unknown", expected=f"one of {', '.join(kind.inputs) or 'none'}",
            hint=near(name, list(kind.inputs)),
        )  # fmt: skip
    found = []
    for entry in reversed(project.folder.entries()):
        try:
            outputs = entry.outputs()
        except CryoloomError:
            continue  # of a plugin that is not installed nobody knows what it makes
        found += [
            Offer(f"{entry.name}:{output}", entry.name, entry.alias, output, dataset.kind)
            for output, dataset in outputs.items()
            if accepts(kind.inputs[name].kind, type(dataset))
        ]
    return found
