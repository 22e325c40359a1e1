"""Parameters and inputs as a call gives them together, taken apart: jobs, datasets, names and files become datasets."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryoloom.api.dataset import Dataset
from cryoloom.api.job import Job
from cryoloom.errors import ParameterError
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.references import resolve_input
from cryoloom.protocol import datasets as kinds
from cryoloom.protocol.declare import InputSpec, near, numbered
from cryoloom.protocol.protocols import Protocol


def taken_apart(
    project: ProjectFolder, kind: type[Protocol], given: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, kinds.Dataset]]:
    """Parameters and inputs of a protocol.

    Args:
        project: whose jobs and files may be inputs.
        kind: the protocol.
        given: by name, inputs and parameters mixed.
    Raises:
        ParameterError: an unknown name, or an input that does not fit.
    """
    values: dict[str, Any] = {}
    inputs: dict[str, kinds.Dataset] = {}
    for name, value in given.items():
        if name in kind.inputs:
            inputs |= _inputs(project, kind.inputs[name], value, kind.name)
        elif name in kind.params:
            values[name] = value
        else:
            known = [*kind.params, *kind.inputs]
            raise ParameterError(
                f"{kind.name}: parameter {name}", found="unknown",
                expected=f"one of those that `cryoloom help {kind.name}` lists", hint=near(name, known),
            )  # fmt: skip
    return values, inputs


def _inputs(project: ProjectFolder, spec: InputSpec, value: Any, owner: str) -> dict[str, kinds.Dataset]:
    """The datasets of one input; several as a list, or in text with commas between them."""
    if value is None or (isinstance(value, str) and not value):
        return {}
    if spec.several and isinstance(value, str):
        value = value.split(",")
    values = list(value) if isinstance(value, list | tuple) else [value]
    if len(values) > 1 and not spec.several:
        raise ParameterError(
            f"{owner}: input {spec.name}", found=f"{len(values)} datasets", expected="one",
            hint="sets.join makes one of several.",
        )  # fmt: skip
    return numbered(spec.name, [_input(project, spec, one, owner) for one in values])


def _input(project: ProjectFolder, spec: InputSpec, value: Any, owner: str) -> kinds.Dataset:
    if isinstance(value, Dataset):
        value = f"{value.job}:{value.output}" if value.job else value.path
    elif isinstance(value, Job):
        value = value.name
    elif not isinstance(value, str | Path | int):
        raise ParameterError(
            f"{owner}: input {spec.name}", found=f"a {type(value).__name__}",
            expected="a job, a dataset, or the name of one or of a file",
        )  # fmt: skip
    return resolve_input(project, spec, str(value), owner)
