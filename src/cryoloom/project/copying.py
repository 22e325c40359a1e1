"""Copies of jobs with some parameters changed; of a whole branch, where that is wanted.

A branch is a job with all that need it, but for those that go on from an iteration of it. Within the copied
branch inputs lead to the copies; jobs outside it are shared. Aliases are not copied, since they name one job.
Numbers of classes that somebody chose by eye mean nothing of another classification: such a copy is made and waits for
its user, whatever else is started.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryoloom.errors import CryoloomError, ParameterError
from cryoloom.project.attempts import read_control, write_control
from cryoloom.project.checking import check_job, check_repeats
from cryoloom.project.entry import JobEntry
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.foreign import protocol_of
from cryoloom.project.lineage import dependents_of, parents_of
from cryoloom.project.notes import append_remark
from cryoloom.project.sharing import shared_as
from cryoloom.protocol.datasets import Dataset, accepts
from cryoloom.protocol.edge import call_plugin
from cryoloom.protocol.jobs import JobFolder
from cryoloom.protocol.protocols import Protocol

_COPY = "-copy"


@dataclass(frozen=True, slots=True)
class _Planned:
    entry: JobEntry
    original: Protocol
    protocol: Protocol
    outputs: Mapping[str, Dataset]  # of the copy, its folder still nameless


def copy_jobs(
    project: ProjectFolder,
    job: str,
    values: Mapping[str, Any],
    inputs: Mapping[str, Dataset],
    *,
    branch: bool = False,
    wishes: Mapping[str, Any] | None = None,
    label: str = "",
) -> dict[str, JobEntry]:
    """Make the copies; nothing is started here.

    Args:
        project: whose job.
        job: name, number or alias.
        values, inputs: what is different in the copy of this job.
        branch: copy the jobs that need it too.
        wishes: of the user for each copy, there before a scheduler can see it.
        label: of the copy of this job; what it is a copy of without one.
    Returns:
        The copies by the names of their originals.
    Raises:
        ParameterError: a value that cannot be, or an output that a copied job needs and that these values
            do not give; nothing was made.
    """
    first = project.entry(job)
    planned = plan_copies(project, job, values, inputs, branch=branch)
    made: dict[str, JobEntry] = {}
    for name, plan in planned.items():
        spec = plan.entry.spec
        inputs_of_copy = {
            key: _redirected(dataset, made) for key, dataset in plan.protocol.given.items() if dataset
        }
        known = {**values, **inputs} if name == first.name else {}
        held = _chosen_elsewhere(
            plan.original, type(plan.protocol)(plan.protocol.values, inputs_of_copy), known
        )
        waits = [made[one].name if one in made else one for one in (spec.wait_for if spec else ())]
        made[name] = project.create_job(
            plan.protocol.name,
            plan.protocol.values,
            inputs_of_copy,
            wait_for=waits,
            label=(label if name == first.name else "")
            or f"copy of {plan.entry.alias or (spec.label if spec else '') or name}",
            continues=made[spec.continues].name
            if spec and spec.continues in made
            else (spec.continues if spec else ""),
            wishes={**(wishes or {}), "wanted": "stop"} if held else wishes,
        )
    with shared_as(project.root):
        for copy, sentence in to_choose_again(project, made, first.name, {**values, **inputs}).items():
            append_remark(project.root / copy, sentence)
            # It is held, so no scheduler looks at it; `resume --all` passes over what asks something.
            write_control(project.root / copy, asks=sentence)
    return made


def plan_copies(
    project: ProjectFolder,
    job: str,
    values: Mapping[str, Any],
    inputs: Mapping[str, Dataset],
    *,
    branch: bool = False,
) -> dict[str, "_Planned"]:
    """The copies in mind, by the names of their originals; nothing is made.

    Raises:
        ParameterError: as of `copy_jobs`.
    """
    entries = project.entries()
    first = project.entry(job)
    names = branch_of(entries, first.name)[0] if branch else [first.name]
    planned: dict[str, _Planned] = {}
    for entry in entries:
        if entry.name in names:
            changes = (values, inputs) if entry.name == first.name else ({}, {})
            planned[entry.name] = _plan(project, entry, *changes, planned)
    return planned


def to_choose_again(
    project: ProjectFolder, made: Mapping[str, JobEntry], first: str, given: Mapping[str, Any]
) -> dict[str, str]:
    """Which copies have classes that were chosen on another classification: for each a sentence.

    Args:
        project: whose jobs.
        made: the copies by the names of their originals, as `copy_jobs` returns them.
        first: the job that the user named.
        given: what he gave for its copy, which he has chosen for it.
    """
    found = {}
    for name, copy in made.items():
        old, new = protocol_of(project.entry(name)), copy.make_protocol()
        for param in _chosen_elsewhere(old, new, given if name == first else {}):
            of = new.params[param].of
            found[copy.name] = (
                f"{param}={new.values[param]} was chosen on {old.given[of].job or old.given[of].path} and means nothing of "
                f"{new.given[of].job or new.given[of].path}: choose again when that has ended, by "
                f"`cryoloom change {copy.name} {param}=...` and then `cryoloom resume {copy.name}`"
            )
    return found


def _chosen_elsewhere(old: Protocol, new: Protocol, given: Mapping[str, Any]) -> list[str]:
    """The parameters of a copy whose classes were chosen by eye on another classification."""
    return [
        name
        for name, spec in new.params.items()
        if spec.means == "classes" and new.values[name] and name not in given
        and new.given[spec.of].path != old.given[spec.of].path
    ]  # fmt: skip


def branch_of(entries: Sequence[JobEntry], first: str) -> tuple[list[str], dict[str, str]]:
    """A job with all that need it and can be copied; and apart, each with its reason, those that cannot, with all behind.

    A copy promises its last iteration, and no earlier one: what goes on from one stays apart. So do jobs that failed, and
    those of RELION's that Cryoloom has no protocol for (a Select by hand).
    """
    names = [first, *dependents_of(entries, [first])]
    promised = {entry.name: entry.outputs() for entry in entries if entry.name in names}
    apart: dict[str, str] = {}
    for entry in entries:
        if entry.name not in names or entry.name == first:
            continue
        behind = next((name for name in apart if name in parents_of(entry)), "")
        why = f"it needs {behind}" if behind else _why_apart(entry, names, promised)
        if why:
            apart[entry.name] = why
    # Jobs that RELION continued may read from one with a later number.
    late = [name for name in dependents_of(entries, apart) if name not in apart and name != first]
    apart |= dict.fromkeys(late, f"it needs {', '.join(apart)}")
    return [name for name in names if name not in apart], apart


def _why_apart(entry: JobEntry, names: Sequence[str], promised: Mapping[str, Mapping[str, Dataset]]) -> str:
    """Why a job of a branch is not copied, "" when it is."""
    spec = entry.known_spec
    of_branch = [one for one in spec.inputs.values() if one.job in names] if spec else []
    if (
        spec is not None
        and spec.continues in names
        and any(one.output not in promised[one.job] for one in of_branch)
    ):
        return "it goes on from an iteration that the copy has not made"
    status = entry.look()
    if status.damage or status.state == "failed":
        return status.why or "it failed"
    try:
        return protocol_of(entry, whole=True).once()
    except CryoloomError as error:
        # Of one of ours the same is an error when its copy is planned.
        return str(error) if spec is None else ""


def _plan(
    project: ProjectFolder,
    entry: JobEntry,
    values: Mapping[str, Any],
    inputs: Mapping[str, Dataset],
    planned: Mapping[str, _Planned],
) -> _Planned:
    """A copy in mind: all that can be wrong with it is found before the first is made."""
    old = protocol_of(entry, whole=True)
    check_repeats(old, entry.name)
    given = {name: _known(project, dataset) for name, dataset in old.given.items() if dataset}
    replaced = {name.partition("#")[0] for name in inputs}
    given = {name: dataset for name, dataset in given.items() if name.partition("#")[0] not in replaced}
    if old.by_hand and old.by_hand not in replaced:
        kind = old.inputs[old.by_hand].kind
        given[old.by_hand] = next(one for one in entry.outputs().values() if accepts(kind, type(one)))
    protocol = type(old)({**old.values, **_changed(entry), **values}, {**given, **inputs})
    for name, dataset in protocol.given.items():
        parent = planned.get(dataset.job)
        if parent is not None and dataset.output not in parent.outputs:
            raise ParameterError(
                f"copy of {entry.name}: input {name}",
                found=f"{dataset.path}, which the copy of {dataset.job} does not give",
                expected=f"one of its outputs: {', '.join(parent.outputs)}",
                hint="Copy the jobs one by one, and give this input anew.",
            )
    given = {
        name: planned[dataset.job].outputs[dataset.output] if dataset.job in planned else dataset
        for name, dataset in protocol.given.items()
    }
    waits = bool(entry.spec and entry.spec.wait_for)
    check_job(project.root, type(old)(protocol.values, given), asked=[*values, *inputs], waits=waits)
    # A folder that is not there: what the original made says nothing of what the copy will make.
    folder = JobFolder(f"{entry.name}{_COPY}/", project.root)
    return _Planned(entry, old, protocol, call_plugin(protocol, "output_files", folder))


def _changed(entry: JobEntry) -> dict[str, Any]:
    """Parameters that the user has changed while its items streamed: a copy begins with what counted last."""
    changes = read_control(entry.folder)["changes"]
    return {name: value for change in changes for name, value in change["values"].items()}


def _known(project: ProjectFolder, dataset: Dataset) -> Dataset:
    """The dataset with its job and output, also where RELION or a file's name gave it."""
    if dataset.job and dataset.output:
        return dataset
    found = project.find_dataset(dataset.path)
    if found.job:
        return found
    parts = Path(dataset.path).parts
    job = "/".join(parts[:2]) if len(parts) > 2 else ""
    return type(dataset)(dataset.path, job if any(one.name == job for one in project.entries()) else "", "")


def _redirected(dataset: Dataset, made: Mapping[str, JobEntry]) -> Dataset:
    copy = made.get(dataset.job)
    return dataset if copy is None else copy.outputs()[dataset.output]
