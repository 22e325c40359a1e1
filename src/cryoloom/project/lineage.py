"""Who needs whom: parents and dependents of jobs, ours and RELION's alike."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from cryoloom.errors import ProjectError
from cryoloom.project.folder import JobEntry
from cryoloom.project.jobspec import FILE as SPEC_FILE
from cryoloom.project.jobspec import read_spec
from cryoloom.project.journal import JobHistory
from cryoloom.project.state import job_status


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


def dead_above(root: Path, job: str) -> str:
    """The failed or stopped job for which one that is scheduled waits, itself or by others; "" where there is none.

    Raises:
        ProjectError: a description on the way cannot be read.
    """
    seen, todo = {job}, [job]
    while todo:
        folder = root / todo.pop()
        if not (folder / SPEC_FILE).exists():
            continue  # RELION's
        spec = read_spec(folder)
        needed = [dataset.job for dataset in spec.inputs.values() if dataset.output]
        for name in (*spec.wait_for, *needed):
            if not name or name in seen or not (root / name / SPEC_FILE).exists():
                continue
            seen.add(name)
            state = job_status(root / name, JobHistory(names_items=False)).state
            if state in ("failed", "aborted"):
                return name
            if state == "scheduled":
                todo.append(name)
    return ""


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
