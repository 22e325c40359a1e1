"""What usually follows a job: protocols with their inputs filled in from its outputs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryoloom.errors import ParameterError
from cryoloom.project.programs import check_other_programs
from cryoloom.project.registry import find_protocol
from cryoloom.protocol.conditions import holds
from cryoloom.protocol.datasets import accepts
from cryoloom.protocol.declare import InputSpec
from cryoloom.protocol.protocol import Protocol

if TYPE_CHECKING:
    from cryoloom.api.job import Job

OPEN = "..."  # stands for an input that another job has to give


@dataclass(frozen=True, slots=True)
class NextStep:
    """A job that could be made now."""

    protocol: str
    inputs: Mapping[str, str]  # by name a job, or OPEN
    params: Mapping[str, str]  # without which it could not begin

    @property
    def command(self) -> str:
        """The command that makes it."""
        given = [f"{name}={text}" for name, text in {**self.inputs, **self.params}.items()]
        return " ".join(["cryoloom", "run", self.protocol, *given])

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "protocol": self.protocol, "inputs": dict(self.inputs), "params": dict(self.params), "command": self.command,
        }  # fmt: skip


def _taken(job: "Job", spec: InputSpec) -> str:
    """What the job itself took of a kind that its follower needs, "" where it took none: picks come from micrographs."""
    known = job.entry.known_spec
    for dataset in known.inputs.values() if known else ():
        if dataset and accepts(spec.kind, type(dataset)):
            return f"{dataset.job}:{dataset.output}" if dataset.job and dataset.output else dataset.path
    return ""


def next_steps(job: "Job") -> list[NextStep]:
    """What the job's protocol says that follows, as far as the job gives something to it.

    Raises:
        ParameterError: no installed plugin has the job's protocol.
    """
    outputs = job.entry.outputs()
    history = job.entry.status().history
    is_empty = {name: state.closed and not state.items for name, state in history.outputs.items()}
    steps = []
    for name in find_protocol(job.protocol).next:
        follower = find_protocol(name)
        filled: dict[str, str] = {}
        items: int | None = None
        for spec in follower.inputs.values():
            # As `resolve_input` takes a job's name: its first output of the kind.
            first = next((out for out, dataset in outputs.items() if accepts(spec.kind, type(dataset))), "")
            fits = first != "" and not is_empty.get(first, False)
            # An optional one with a condition is needed where the condition holds without a word of the user.
            needed = not spec.optional or (spec.when != "" and holds(spec.when, follower.defaults()))
            if fits and (needed or not filled):
                # A set beside itself, as an optional input, is nothing that anybody wants.
                filled[spec.name] = job.name
                state = history.outputs.get(first)
                # How many there are is known when no more come.
                items = state.items if state is not None and state.closed else items
            elif needed:
                filled[spec.name] = _taken(job, spec) or OPEN
        if job.name in filled.values() and _can_run(job, follower):
            steps.append(NextStep(name, filled, follower.suggested(items)))
    return steps


def _can_run(job: "Job", follower: type[Protocol]) -> bool:
    """Whether the other programs are there that its parameters name as long as nobody gives others: CTFFIND."""
    try:
        check_other_programs(job.project.path, follower())
    except ParameterError:
        return False
    return True
