"""A workflow as it was read: its jobs, its placeholders, and what is wrong with it so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryoloom.project.workflows.faults import Fault
from cryoloom.project.workflows.placeholders import Placeholder

# The last two are a site's own: they are taken from files, and written into none.
WISHES = ("priority", "alone", "memory_gb", "launcher", "batch")


@dataclass(frozen=True, slots=True)
class Step:
    """A job as its workflow asks for it."""

    name: str
    protocol: str
    params: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    wait_for: tuple[str, ...] = ()
    label: str = ""
    comment: str = ""
    version: str = ""
    wishes: Mapping[str, Any] = field(default_factory=dict)  # by `WISHES`
    file: str = ""  # in which it stands


@dataclass(frozen=True, slots=True)
class Workflow:
    """A workflow as far as it could be read."""

    path: Path
    title: str
    comment: str
    seed: int | None
    jobs: tuple[Step, ...]
    placeholders: Mapping[str, Placeholder]
    values: Mapping[str, Any]  # of the placeholders that have one
    faults: tuple[Fault, ...]
    left_out: Mapping[str, str] = field(
        default_factory=dict
    )  # what of another workflow or project is not in it, and why

    def to_be_given(self) -> list[Placeholder]:
        """The placeholders without a value."""
        return [one for name, one in self.placeholders.items() if name not in self.values]


def lacking(workflow: Workflow) -> list[Fault]:
    """The placeholders without a value, as faults: to be checked a workflow needs none of them, to be run all."""
    return [
        Fault(str(workflow.path), "", f"placeholder {one.name}", "empty", one.help or one.expected(),
              f"Give it with --set {one.name}=VALUE.")
        for one in workflow.to_be_given()
    ]  # fmt: skip
