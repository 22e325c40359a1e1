"""What usually follows a job: protocols with their inputs filled in from its outputs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryoloom.project.registry import find_protocol
from cryoloom.protocol.datasets import accepts

if TYPE_CHECKING:
    from cryoloom.api.job import Job

OPEN = "..."  # stands for an input that another job has to give


@dataclass(frozen=True, slots=True)
class NextStep:
    """A job that could be made now."""

    protocol: str
    inputs: Mapping[str, str]  # by name a job, or OPEN

    @property
    def command(self) -> str:
        """The command that makes it."""
        return " ".join(
            ["cryoloom", "run", self.protocol, *(f"{name}={job}" for name, job in self.inputs.items())]
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"protocol": self.protocol, "inputs": dict(self.inputs), "command": self.command}


def next_steps(job: "Job") -> list[NextStep]:
    """What the job's protocol says that follows, as far as the job gives something to it.

    Raises:
        ParameterError: no installed plugin has the job's protocol.
    """
    outputs = job.entry.outputs()
    steps = []
    for name in find_protocol(job.protocol).next:
        follower = find_protocol(name)
        filled: dict[str, str] = {}
        for spec in follower.inputs.values():
            fits = any(accepts(spec.kind, type(dataset)) for dataset in outputs.values())
            if fits and (not spec.optional or not filled):
                # A set beside itself, as an optional input, is nothing that anybody wants.
                filled[spec.name] = job.name
            elif not spec.optional:
                filled[spec.name] = OPEN
        if any(given != OPEN for given in filled.values()):
            steps.append(NextStep(name, filled))
    return steps
