"""JSON workflows: jobs by name, placeholders to be filled, inputs that refer to jobs not yet run.

`{format, placeholders: {name: {type, default, help}}, jobs: [{name, protocol, params,
inputs: {param: "name:output"}, wait_for: [...]}]}`; `${name}` in a value is a placeholder.
"""

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryoloom.errors import DatasetError, ImageError, ParameterError, ProjectError, StarError
from cryoloom.project.checking import check_job
from cryoloom.project.entry import JobEntry
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.jsonfile import read_json
from cryoloom.project.references import resolve_input
from cryoloom.project.registry import find_protocol
from cryoloom.protocol.datasets import Dataset, accepts
from cryoloom.protocol.declare import InputSpec, near, numbered
from cryoloom.protocol.edge import call_plugin
from cryoloom.protocol.jobs import JobFolder

_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
_TYPES = {"str": str, "int": int, "float": float, "path": str, "bool": str}


@dataclass(frozen=True, slots=True)
class Workflow:
    """A workflow with its placeholders filled."""

    path: Path
    title: str
    seed: int | None
    jobs: tuple[dict[str, Any], ...]


def read_workflow(path: Path, given: Mapping[str, str]) -> Workflow:
    """Read a workflow and fill its placeholders.

    Raises:
        ParameterError: an unknown placeholder, one without a value, or a job that is no job.
    """
    content = read_json(path)
    placeholders = content.get("placeholders", {})
    wrong = (
        placeholders
        if not isinstance(placeholders, dict)
        else next((name for name, spec in placeholders.items() if not isinstance(spec, dict)), None)
    )
    if wrong is not None:
        raise ParameterError(
            f"{path}: placeholders", found=f"{wrong!r} without a description",
            expected='an object for each: {"name": {"type": "str", "default": "...", "help": "..."}}',
        )  # fmt: skip
    for name in given:
        if name not in placeholders:
            raise ParameterError(
                f"{path}: placeholder {name}",
                found="unknown",
                expected=f"one of {', '.join(placeholders) or 'none'}",
                hint=near(name, list(placeholders)),
            )
    values: dict[str, Any] = {}
    for name, spec in placeholders.items():
        value = given.get(name, spec.get("default"))
        if value is None:
            raise ParameterError(
                f"{path}: placeholder {name}", found="empty", expected=spec.get("help", "a value"),
                hint=f"Give it with --set {name}=VALUE.",
            )  # fmt: skip
        try:
            values[name] = _TYPES.get(spec.get("type", "str"), str)(value)
        except (ValueError, TypeError):
            raise ParameterError(
                f"{path}: placeholder {name}", found=repr(value), expected=f"a value of type {spec['type']}"
            ) from None
    jobs = content.get("jobs")
    if not isinstance(jobs, list) or not all(
        isinstance(job, dict) and {"name", "protocol"} <= set(job) for job in jobs
    ):
        raise ParameterError(
            f"{path}: jobs", found="incomplete", expected="a list of jobs with name and protocol"
        )
    seed = content.get("seed")
    if isinstance(seed, str):
        seed = int(_filled(seed, values, path))
    return Workflow(
        path, content.get("title", path.stem), seed, tuple(_filled(job, values, path) for job in jobs)
    )


def check_workflow(project: ProjectFolder, workflow: Workflow) -> None:
    """That every job of a workflow could be made, with what those before it will give; nothing is made.

    Raises:
        CryoloomError: the first that could not, and why.
    """
    names = [job["name"] for job in workflow.jobs]
    planned: dict[str, Mapping[str, Dataset]] = {}
    for job in workflow.jobs:
        where = f"{workflow.path}: job {job['name']}"
        kind = find_protocol(job["protocol"])
        given: dict[str, Dataset] = {}
        for name, text in job.get("inputs", {}).items():
            if name not in kind.inputs:
                raise ParameterError(
                    f"{where}, input {name}", found="unknown",
                    expected=f"one of {', '.join(kind.inputs) or 'none'}", hint=near(name, list(kind.inputs)),
                )  # fmt: skip
            datasets = []
            for reference in _several(text):
                _check_reference(
                    project, reference, names[: names.index(job["name"])], job["name"], workflow.path
                )
                first, _, output = reference.partition(":")
                if first in planned:
                    datasets.append(_planned(planned[first], output, kind.inputs[name], first, where))
                else:
                    datasets.append(resolve_input(project, kind.inputs[name], reference, kind.name))
            given |= numbered(name, datasets)
        for name in job.get("wait_for", ()):
            if name not in planned:
                project.entry(name)
        try:
            protocol = kind(job.get("params", {}), given)
            check_job(
                project.root,
                protocol,
                asked=[*job.get("params", {}), *given],
                waits=bool(job.get("wait_for")),
            )
        except (ParameterError, DatasetError, ImageError, StarError) as error:
            # Of ten jobs of one protocol: which.
            raise type(error)(
                f"{where}: {error.where}", found=error.found, expected=error.expected, hint=error.hint
            ) from None
        # A folder that is not there, whatever aliases the project has: files of others say nothing of this one's.
        folder = JobFolder(f"{kind.folder}/{job['name']}-planned/", project.root)
        planned[job["name"]] = call_plugin(protocol, "output_files", folder)


def add_to_project(
    project: ProjectFolder, workflow: Workflow, *, wishes: Mapping[str, Any] | None = None
) -> list[JobEntry]:
    """Make all jobs of a workflow; nothing is started here.

    Every job is checked before the first is made.

    Args:
        project: where.
        workflow: its placeholders filled.
        wishes: of each job, as of `create_job`.

    Raises:
        CryoloomError: as `check_workflow`; nothing was made.
    """
    check_workflow(project, workflow)
    made: dict[str, JobEntry] = {}
    for job in workflow.jobs:
        kind = find_protocol(job["protocol"])
        inputs: dict[str, Dataset] = {}
        for name, text in job.get("inputs", {}).items():
            spec = kind.inputs[name]
            references = [_with_job(reference, made) for reference in _several(text)]
            inputs |= numbered(name, [resolve_input(project, spec, text, kind.name) for text in references])
        wait_for = [
            made[name].name if name in made else project.entry(name).name for name in job.get("wait_for", ())
        ]
        made[job["name"]] = project.create_job(
            kind.name,
            job.get("params", {}),
            inputs,
            wait_for=wait_for,
            label=job.get("label", job["name"]),
            wishes=dict(wishes or {}),
        )
    return list(made.values())


def _planned(outputs: Mapping[str, Dataset], output: str, spec: InputSpec, job: str, where: str) -> Dataset:
    """What a job that is not made yet will give to an input."""
    among = [outputs[output]] if output in outputs else [] if output else [*outputs.values()]
    fitting = [dataset for dataset in among if accepts(spec.kind, type(dataset))]
    if not fitting:
        gives = ", ".join(f"{name} ({dataset.kind})" for name, dataset in outputs.items())
        raise ParameterError(
            f"{where}, input {spec.name}", found=f"{job}{':' * bool(output)}{output}, a job that gives {gives or 'nothing'}",
            expected=f"one that gives {spec.kind.kind}",
        )  # fmt: skip
    return fitting[0]


def _several(reference: Any) -> list[str]:
    return [str(one) for one in reference] if isinstance(reference, list) else [str(reference)]


def _with_job(reference: str, made: Mapping[str, JobEntry]) -> str:
    first, colon, output = reference.partition(":")
    return f"{made[first].name}{colon}{output}" if first in made else reference


def _check_reference(project: ProjectFolder, text: str, earlier: list[str], job: str, path: Path) -> None:
    """That it is an earlier job of the workflow, a job that the project has, or a file."""
    name = text.partition(":")[0]
    if name not in earlier and "/" not in name and not name.removeprefix("job").isdigit():
        with contextlib.suppress(ProjectError):
            project.entry(name)
            return
        raise ParameterError(
            f"{path}: job {job}, input {text}", found="unknown", expected=f"an earlier job: {', '.join(earlier)}",
            hint=near(name, earlier),
        )  # fmt: skip


def _filled(value: Any, values: Mapping[str, Any], path: Path) -> Any:
    if isinstance(value, str):
        whole = _PLACEHOLDER.fullmatch(value)
        for name in _PLACEHOLDER.findall(value):
            if name not in values:
                raise ParameterError(
                    f"{path}: ${{{name}}}", found="undeclared", expected="a name in placeholders"
                )
        return values[whole.group(1)] if whole else _PLACEHOLDER.sub(lambda m: str(values[m.group(1)]), value)
    if isinstance(value, dict):
        return {key: _filled(entry, values, path) for key, entry in value.items()}
    if isinstance(value, list):
        return [_filled(entry, values, path) for entry in value]
    return value
