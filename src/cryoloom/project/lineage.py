"""Who needs whom: parents and dependents of jobs, ours and RELION's alike."""

from collections.abc import Iterable, Sequence

from cryoloom.errors import ProjectError
from cryoloom.project.folder import JobEntry


def parents_of(entry: JobEntry) -> set[str]:
    """Jobs whose files a job reads, whose end it waits for, or that it continues."""
    parents = {"/".join(file.split("/")[:2]) for file in entry.input_files}
    spec = entry.known_spec
    if spec is not None:
        parents |= {dataset.job for dataset in spec.inputs.values()}
        parents |= {*spec.wait_for, spec.continues}
    return parents - {entry.name, ""}


def dependents_of(entries: Sequence[JobEntry], jobs: Iterable[str]) -> list[str]:
    """All jobs that need one of these, directly or by others, in the order of their numbers."""
    found = set(jobs)
    first = frozenset(found)
    while True:
        # Not one pass: a job that RELION continued may read from one with a later number.
        more = {entry.name for entry in entries if entry.name not in found and parents_of(entry) & found}
        if not more:
            return [entry.name for entry in entries if entry.name in found - first]
        found |= more


def refuse_running(entries: Sequence[JobEntry], jobs: Iterable[str]) -> None:
    """Nothing is taken from under a running job.

    Raises:
        ProjectError: one of them runs.
    """
    wanted = set(jobs)
    for entry in entries:
        if entry.name in wanted and entry.look().state == "running":
            raise ProjectError(
                f"{entry.name}", found="running", expected="ended",
                hint=f"Stop it first: cryoloom stop {entry.name}",
            )  # fmt: skip
