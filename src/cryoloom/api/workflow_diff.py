"""Workflows, projects and jobs beside each other: what was asked for differently."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom.api.exporting import asked_of, names_of
from cryoloom.errors import ParameterError
from cryoloom.project.entry import JobEntry
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.foreign import protocol_of
from cryoloom.project.workflows.checking import links_of
from cryoloom.project.workflows.comparing import ComparedJob, Side, WorkflowDiff, compare
from cryoloom.project.workflows.faults import refuse
from cryoloom.project.workflows.file import of_content, read_content

if TYPE_CHECKING:
    from cryoloom.api.project import Project

PIPELINE = "default_pipeline.star"


def diff_of(
    first: str, second: str, project: "Project | None", placeholders: Mapping[str, Any]
) -> WorkflowDiff:
    """What differs from the first to the second.

    Args:
        first: a workflow file, a project's folder, or a job of `project`.
        second: likewise; a job is compared with a job.
        project: the project whose jobs are meant.
        placeholders: values for those of a file that is compared with a project.
    Raises:
        CryoloomError: one of the two is none of these.
    """
    words = (first, second)
    kinds = [_kind(word) for word in words]
    if "job" in kinds:
        if kinds != ["job", "job"] or project is None:
            said = words[kinds.index("job")]
            raise ParameterError(
                f"{said}", found="no workflow file and no project's folder", expected="a JSON file, a project, or two jobs",
                hint="Jobs are found in the project that one is in, or that -p names.",
            )  # fmt: skip
        left, right = (_of_job(project.folder, word) for word in words)
        return compare(left, right)
    as_written = kinds == ["file", "file"]
    left, right = (
        _of_file(Path(word), placeholders, as_written) if kind == "file" else _of_project(Path(word))
        for word, kind in zip(words, kinds, strict=True)
    )
    return compare(left, right)


def _kind(word: str) -> str:
    path = Path(word)
    if (path / PIPELINE).is_file():
        return "project"
    return "file" if path.is_file() or path.suffix == ".json" else "job"


def _of_file(path: Path, placeholders: Mapping[str, Any], as_written: bool) -> Side:
    workflow = of_content(read_content(path), path, placeholders, as_written=as_written)
    refuse(path, workflow.faults)
    with tempfile.TemporaryDirectory(prefix="cryoloom-") as folder:
        links = links_of(ProjectFolder.create(Path(folder) / "project"), workflow)
    jobs = {
        step.name: ComparedJob(step.protocol, step.params, links[step.name], step.wait_for, step.version)
        for step in workflow.jobs
    }
    return Side(str(path), jobs, workflow.placeholders, is_file=True)


def _of_project(path: Path) -> Side:
    folder = ProjectFolder(path)
    entries = folder.entries()
    names = names_of(entries)
    return Side(str(path), {names[entry.name]: _compared(entry, entries, names) for entry in entries})


def _of_job(folder: ProjectFolder, word: str) -> Side:
    entries, entry = folder.entries(), folder.entry(word)
    # Two jobs are compared, whatever they are called.
    return Side(entry.name, {"job": _compared(entry, entries, {})})


def _compared(entry: JobEntry, entries: Sequence[JobEntry], names: Mapping[str, str]) -> ComparedJob:
    protocol = asked_of(entry, protocol_of(entry))
    outputs = {dataset.path: (one.name, name) for one in entries for name, dataset in one.outputs().items()}
    inputs: dict[str, tuple[str, ...]] = {}
    for key, dataset in protocol.given.items():
        if not dataset:
            continue
        job, output = (dataset.job, dataset.output) if dataset.output else outputs.get(dataset.path, ("", ""))
        said = f"{names.get(job, job)}:{output}" if job else dataset.path
        own = key.partition("#")[0]
        inputs[own] = (*inputs.get(own, ()), said)
    spec = entry.known_spec
    waits = tuple(names.get(job, job) for job in (spec.wait_for if spec else ()))
    return ComparedJob(protocol.name, protocol.values, inputs, waits, spec.version if spec else "")
