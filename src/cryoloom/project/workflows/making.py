"""A workflow's jobs are made: all of them, or none where anything is wrong."""

from collections.abc import Mapping
from typing import Any

from cryoloom.project.entry import JobEntry
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.notes import noted
from cryoloom.project.references import resolve_input
from cryoloom.project.registry import find_protocol
from cryoloom.project.workflows.checking import check_workflow
from cryoloom.project.workflows.faults import refuse
from cryoloom.project.workflows.steps import Workflow, lacking
from cryoloom.protocol.datasets import Dataset
from cryoloom.protocol.declare import numbered


def add_to_project(
    project: ProjectFolder, workflow: Workflow, *, wishes: Mapping[str, Any] | None = None
) -> list[JobEntry]:
    """Make all jobs of a workflow; nothing is started here.

    Args:
        project: where.
        workflow: all its placeholders with values.
        wishes: of each job, as of `create_job`, beside those that the workflow has for it.

    Raises:
        ParameterError: all that `check_workflow` says, and placeholders without values; nothing was made.
    """
    refuse(workflow.path, [*check_workflow(project, workflow), *lacking(workflow)])
    if workflow.seed is not None:
        ProjectFolder.create(project.root, seed=workflow.seed)
    made: dict[str, JobEntry] = {}
    for step in workflow.jobs:
        kind = find_protocol(step.protocol)
        inputs: dict[str, Dataset] = {}
        for name, references in step.inputs.items():
            spec = kind.inputs[name]
            texts = [_with_job(reference, made) for reference in references]
            inputs |= numbered(name, [resolve_input(project, spec, text, kind.name) for text in texts])
        entry = project.create_job(
            kind.name,
            step.params,
            inputs,
            wait_for=[
                made[name].name if name in made else project.entry(name).name for name in step.wait_for
            ],
            label=step.label,
            wishes={**step.wishes, **(wishes or {})},
        )
        if step.comment:
            noted(entry.folder, step.comment, f"{step.file}: job {step.name}: comment")
        made[step.name] = entry
    return list(made.values())


def _with_job(reference: str, made: Mapping[str, JobEntry]) -> str:
    first, colon, output = reference.partition(":")
    return f"{made[first].name}{colon}{output}" if first in made else reference
