"""Workflows as their files ask for them: what is in one, what is wrong with it, what it has to be given."""

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom.errors import ProjectError
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.jsonfile import write_json
from cryoloom.project.registry import all_protocols
from cryoloom.project.workflows.checking import check_workflow, remarks_on
from cryoloom.project.workflows.faults import Fault, refuse
from cryoloom.project.workflows.file import load_workflow
from cryoloom.project.workflows.foreign import as_workflow
from cryoloom.project.workflows.foreign.converted import Converted
from cryoloom.project.workflows.placeholders import Placeholder
from cryoloom.project.workflows.steps import Step, Workflow
from cryoloom.protocol.declare import relion_text

if TYPE_CHECKING:
    from cryoloom.api.project import Project


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """A job of a workflow."""

    name: str
    protocol: str
    inputs: Mapping[str, str]  # by name what it is given: another job, or a file
    comment: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class AskedValue:
    """A placeholder, with what somebody has to know who gives it a value."""

    placeholder: Placeholder
    given: bool  # whether it has a value already, if only its default
    value: Any = None  # that it has

    @property
    def name(self) -> str:
        return self.placeholder.name

    @property
    def question(self) -> str:
        """How somebody is asked for it."""
        return self.placeholder.question()

    def shown(self) -> str:
        """Its value for people, an empty text as `""`."""
        return relion_text(self.value) or '""'

    def typed(self, value: str) -> Any:
        """A value with its type.

        Raises:
            ParameterError: it is none, or beyond the limits.
        """
        return self.placeholder.typed(value)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"name": self.name, **self.placeholder.as_dict()}


@dataclass(frozen=True, slots=True)
class WorkflowOutline:
    """A workflow, its placeholders filled as far as there are values."""

    title: str
    comment: str
    jobs: tuple[PlannedJob, ...]
    placeholders: tuple[AskedValue, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "title": self.title,
            "comment": self.comment,
            "jobs": [job.as_dict() for job in self.jobs],
            "placeholders": [one.as_dict() for one in self.placeholders],
        }


@dataclass(frozen=True, slots=True)
class CheckedWorkflow:
    """What is wrong with a workflow, and what it has to be given before it can run."""

    file: Path
    where: str  # in which project its jobs would be made
    jobs: tuple[str, ...]
    faults: tuple[Fault, ...]
    to_be_given: tuple[AskedValue, ...]
    remarks: tuple[str, ...]

    def refuse(self) -> None:
        """Raise what is wrong.

        Raises:
            ParameterError: all of it.
        """
        refuse(self.file, self.faults)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "jobs": list(self.jobs),
            "faults": [fault.as_dict() for fault in self.faults],
            "to_be_given": [one.as_dict() for one in self.to_be_given],
            "remarks": list(self.remarks),
        }


def check_for_new_project(file: Path, placeholders: Mapping[str, Any]) -> CheckedWorkflow:
    """What is wrong with a workflow for a project that is made for it; nothing is made."""
    with tempfile.TemporaryDirectory(prefix="cryoloom-") as folder:
        project = ProjectFolder.create(Path(folder) / "project")
        return check_in(project, file, placeholders, where="a new project")


def check_in(
    project: ProjectFolder, file: Path, placeholders: Mapping[str, Any], *, where: str = ""
) -> CheckedWorkflow:
    """What is wrong with a workflow in a project; nothing is made."""
    workflow = load_workflow(file, placeholders)
    return CheckedWorkflow(
        file,
        where or str(project.root),
        tuple(step.name for step in workflow.jobs),
        tuple(check_workflow(project, workflow)),
        tuple(AskedValue(one, False) for one in workflow.to_be_given()),
        tuple(remarks_on(workflow)),
    )


def check_for(project: "Project", file: Path, placeholders: Mapping[str, Any]) -> CheckedWorkflow:
    """As `check_in`, of a project that is open."""
    return check_in(project.folder, file, placeholders)


def convert(source: Path, out: Path) -> Converted:
    """Write another program's workflow as one of ours.

    Args:
        source: a workflow or template of Scipion's, or a schedule of RELION's.
        out: the file to write.
    Raises:
        ProjectError: it is none of these, or cannot be read.
    """
    converted = as_workflow(source)
    if converted is None:
        raise ProjectError(
            f"{source}", found="no workflow of another program" if source.exists() else "missing",
            expected="a workflow or template of Scipion's, or a schedule of RELION's (Schedules/NAME)",
        )  # fmt: skip
    write_json(out, converted.content)
    return converted


def schema() -> dict[str, Any]:
    """JSON Schema of workflows, with the protocols that are installed."""
    from cryoloom.project.workflows.schema import workflow_schema

    return workflow_schema(all_protocols())


def asked_by(file: Path, placeholders: Mapping[str, Any]) -> tuple[AskedValue, ...]:
    """The placeholders of a workflow, in their order."""
    return _asked(load_workflow(file, placeholders))


def outline_of(file: Path, placeholders: Mapping[str, Any]) -> WorkflowOutline:
    """What is in a workflow.

    Raises:
        ParameterError: it cannot be read: all that is wrong.
    """
    workflow = load_workflow(file, placeholders)
    refuse(file, workflow.faults)
    return WorkflowOutline(
        workflow.title, workflow.comment, tuple(_planned(step) for step in workflow.jobs), _asked(workflow)
    )


def _asked(workflow: Workflow) -> tuple[AskedValue, ...]:
    values = workflow.values
    return tuple(
        AskedValue(one, name in values, values.get(name)) for name, one in workflow.placeholders.items()
    )


def _planned(step: Step) -> PlannedJob:
    inputs = {name: ", ".join(references) for name, references in step.inputs.items()}
    return PlannedJob(step.name, step.protocol, inputs, step.comment)
