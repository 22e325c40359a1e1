"""Continuing: a new job that goes on from an iteration of an old one.

The old job stays as it is; the new one refers to it (`continues` in `job.json`, `fn_cont` in
`job.star`). RELION does the same in the old job's folder; what it runs is equal.
"""

from collections.abc import Mapping
from typing import Any

from cryoloom.errors import ParameterError, ProjectError
from cryoloom.project.entry import JobEntry
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.foreign import protocol_of
from cryoloom.project.forms.jobstar import CONTINUE
from cryoloom.project.iterations import lacking, whole_iterations
from cryoloom.project.lineage import refuse_running
from cryoloom.protocol.datasets import Dataset, Optimiser
from cryoloom.protocol.protocols import ProgramProtocol, Protocol


def continue_job(
    project: ProjectFolder,
    job: str,
    values: Mapping[str, Any],
    inputs: Mapping[str, Dataset],
    *,
    iteration: int | None = None,
    wishes: Mapping[str, Any] | None = None,
) -> JobEntry:
    """Make the job that goes on; nothing is started here.

    Args:
        project: whose job.
        job: name, number or alias of the old one, ours or RELION's.
        values, inputs: what is different from now on.
        iteration: where to go on from; None: the newest whole one.
        wishes: of the user for the new job, there before a scheduler can see it.
    Raises:
        ProjectError: the job runs, has no iterations, or not this one.
        ParameterError: a parameter that RELION does not read again, or a value that cannot be.
    """
    entry = project.entry(job)
    old = protocol_of(entry, whole=True)
    kind = type(old)
    if not isinstance(old, ProgramProtocol) or not goes_on(kind):
        raise ProjectError(
            f"{entry.name}", found=f"a job of {kind.name}, which has no iterations",
            expected="a 2D classification, an initial model or a refinement",
            hint=f"`cryoloom resume {entry.name}` goes on with a job that stopped.",
        )  # fmt: skip
    refuse_running(project.entries(), [entry.name])
    found = whole_iterations(entry.folder)
    number = iteration if iteration is not None else max(found, default=-1)
    if number not in found:
        lost = lacking(entry.folder, number)
        hint = "Cleaning leaves only the last one; the others lie in Trash/." if found else ""
        raise ProjectError(
            f"{entry.name}", found="without a whole iteration" if number < 0 else f"without iteration {number}",
            expected=f"one of {', '.join(map(str, found))}" if found else "an iteration to go on from",
            hint=f"Of iteration {number} it lacks {', '.join(lost)}, or it is cut short." if lost else hint,
        )  # fmt: skip
    _check_reread(old, [*values, *inputs])
    given = {name: _known(project, dataset) for name, dataset in old.given.items() if dataset}
    given[CONTINUE] = Optimiser(f"{entry.name}/{found[number]}", entry.name, "")
    return project.create_job(
        kind.name,
        {**old.values, **values},
        {**given, **inputs},
        label=f"{entry.alias or (entry.spec.label if entry.spec else '') or entry.name} from iteration {number}",
        continues=entry.name,
        wishes=wishes,
        asked=[*values, *inputs],
    )


def goes_on(kind: type[Protocol]) -> bool:
    """Whether a new job can go on from an iteration of a job of this kind."""
    return issubclass(kind, ProgramProtocol) and CONTINUE in kind.inputs


def _check_reread(old: ProgramProtocol, names: list[str]) -> None:
    allowed = old.taken_anew()
    for name in names:
        if name not in allowed:
            raise ParameterError(
                f"{old.name}: parameter {name}", found="not read again by RELION when it continues",
                expected=f"one of {', '.join(old.reread)}, or of the tabs Compute and Running",
                hint="`cryoloom copy` begins anew with another value.",
            )  # fmt: skip


def _known(project: ProjectFolder, dataset: Dataset) -> Dataset:
    """The dataset with its job, also where only RELION's job.star names it."""
    known = dataset if dataset.job else project.find_dataset(dataset.path)
    return known if known.job else dataset
