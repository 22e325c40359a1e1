"""What can be done with a job after it was made: resume, retry, restart, continue, copy, clean, delete.

`Project` has a method for each; what happens on disk is told in `project/`.
"""

import itertools
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cryoloom.engine.scheduler import call_scheduler
from cryoloom.errors import ProjectError
from cryoloom.project import attempts
from cryoloom.project.cleaning import Cleaning, plan_cleaning
from cryoloom.project.cleaning import clean as clean_job
from cryoloom.project.continuing import continue_job
from cryoloom.project.copying import copy_jobs
from cryoloom.project.deleting import delete_jobs
from cryoloom.project.registry import find_protocol
from cryoloom.project.restarting import restart_jobs
from cryoloom.project.retrying import Retry, followers_of, is_import, plan_retry, reopen
from cryoloom.project.state import ENDED

PATIENCE_S = 60.0
# What the scheduler saw before a wish was taken back it does within this time.
SETTLED_S = 0.5
OPEN_S = 10.0  # so long jobs that are opened again wait for those before them

if TYPE_CHECKING:
    from cryoloom.api.project import Job, Project


def resume(
    project: "Project",
    jobs: "Sequence[Job | str] | None",
    *,
    take_over: bool = False,
    dependents: bool = False,
) -> "list[Job]":
    """Take up what was interrupted; None: in the whole project. Returns the jobs that go on.

    An import that is named and whose stream is over takes it up again: what has come meanwhile, and what comes. A job that is
    still being stopped goes on when it has ended.

    Args:
        project: whose jobs.
        jobs: which.
        take_over: also what another host runs: for when that host is gone for good.
        dependents: of an import that is named, also open the jobs again that followed its stream to the end.
    """
    wanted = project.jobs() if jobs is None else [project.job(_name(job)) for job in jobs]
    taken, stopped = [], []
    followers: dict[str, tuple[str, ...]] = {}
    for job in wanted:
        if jobs is None and (job.entry.known_spec is None or job.entry.look().damage):
            continue  # RELION's; or one that cannot be known, of which `ls` says so
        if job.entry.spec is None:
            continue
        status = job.entry.status()
        if dependents and jobs is not None and is_import(job.entry):
            # Asked for now, while it is known whose stream is over.
            followers[job.name] = followers_of(project.folder, job.name)
        attempt, folder = status.attempt, job.entry.folder
        if status.state in ("failed", "aborted", "scheduled"):
            # Of a scheduled one, too: whoever asks does not want to wait for the next attempt's turn.
            attempts.write_control(folder, wanted="run", fresh=attempt.number if attempt else 0)
        elif status.state == "succeeded" and jobs is not None and is_import(job.entry):
            reopen(job.entry, stream="open")
        elif status.state == "succeeded" or attempt is None:
            continue
        elif take_over and attempt.lives() is None:
            attempts.write_control(folder, wanted="run")
            attempts.mark_lost(attempt, f"taken over from {(attempt.claim or {}).get('host', 'a host')}")
        elif status.wanted == "stop":
            attempts.write_control(folder, wanted="run")
            stopped.append(job)
        elif not attempt.vanished():
            continue
        taken.append(job)
    _follow_cancelled(stopped)
    call_scheduler(project.path)
    known = {job.name for job in taken}
    for first, names in followers.items():
        fresh = [name for name in names if name not in known]
        _open_after(project, first, fresh)
        known.update(fresh)
        taken += [project.job(name) for name in fresh]
    return taken


def _follow_cancelled(stopped: "Sequence[Job]") -> None:
    """Jobs whose stop was taken back: an attempt that is ended all the same is followed by another."""
    left, began = list(stopped), time.monotonic()
    while left:
        for job in list(left):
            status = job.entry.status()
            if status.attempt is None or not (status.attempt.folder / "cancel").exists():
                continue
            left.remove(job)
            if "succeeded" not in (status.state, status.last_word()):  # it may have been faster
                attempts.write_control(job.entry.folder, fresh=status.attempt.number)
        if time.monotonic() - began > SETTLED_S:
            break
        time.sleep(0.02)


def _open_after(project: "Project", first: str, followers: Sequence[str]) -> None:
    """Open jobs again that follow one another, each when the one before it is open.

    One that is started together with its producer could still read that its input is complete, and end at once.
    """
    began = time.monotonic()
    for before, name in itertools.pairwise([first, *followers]):
        while _looks_closed(project, before) and time.monotonic() - began < OPEN_S:
            time.sleep(0.02)
        _end(project, name)
        reopen(project.folder.entry(name))
        call_scheduler(project.path)


def _looks_closed(project: "Project", name: str) -> bool:
    """Whether a job goes on, and has not said so itself yet."""
    status = project.folder.entry(name).status()
    return status.state not in ENDED and any(output.closed for output in status.history.outputs.values())


def retry(project: "Project", job: "Job | str", *, dependents: bool) -> Retry:
    """Try failed items again: in the same job, which keeps what is through.

    Args:
        project: whose job.
        job: an import, or a job that treats items one by one; it may run.
        dependents: also open the jobs again that followed its stream and ended without these items.
    """
    plan = plan_retry(project.folder, _name(job), dependents=dependents)
    if plan.failed:
        _end(project, plan.job)
        reopen(project.folder.entry(plan.job))
        call_scheduler(project.path)
    if dependents:
        _open_after(project, plan.job, plan.followers)
    return plan


def _end(project: "Project", name: str) -> None:
    """Stop a running job and wait for its end: only a new attempt tries again what failed."""
    entry = project.folder.entry(name)
    began = time.monotonic()
    while entry.status().state == "running":
        attempts.write_control(entry.folder, wanted="stop")
        call_scheduler(project.path)
        if time.monotonic() - began > PATIENCE_S:
            raise ProjectError(
                f"{name}", found=f"still running after {PATIENCE_S:.0f} s", expected="stopped",
                hint=f"When it has ended: cryoloom resume {name}",
            )  # fmt: skip
        time.sleep(0.1)


def restart(project: "Project", job: "Job | str", *, dependents: bool | None) -> dict[str, str]:
    """Clear a job and run it again in its folder, under its id and number.

    Args:
        project: whose job.
        job: which.
        dependents: those that need it are cleared and run too, or left as they are; None refuses
            where there are any.
    Returns:
        For each job where its earlier results lie in `Trash/`.
    """
    moved = restart_jobs(project.folder, _name(job), dependents=dependents)
    call_scheduler(project.path)
    return moved


def delete(project: "Project", jobs: "Sequence[Job | str]", *, dependents: bool) -> dict[str, str]:
    """Move jobs to `Trash/`; refuses while others need them, unless these come along."""
    return delete_jobs(project.folder, [_name(job) for job in jobs], dependents=dependents)


def copy(
    project: "Project", job: "Job | str", given: Mapping[str, Any], *, branch: bool, start: bool
) -> "list[Job]":
    """Make jobs like these with some parameters changed.

    Args:
        project: whose job.
        job: which.
        given: what is different in its copy, parameters and inputs by name.
        branch: copy the jobs that need it too; their inputs lead to the copies.
        start: false leaves the copies unscheduled until `resume`.
    Returns:
        The copies, that of `job` first.
    """
    name = project.job(_name(job)).name
    values, inputs = project.given(find_protocol(project.job(name).entry.protocol), given)
    made = copy_jobs(project.folder, name, values, inputs, branch=branch, wishes=_wishes(start))
    if start:
        call_scheduler(project.path)
    return [project.job(entry.name) for entry in made.values()]


def continue_from(
    project: "Project", job: "Job | str", given: Mapping[str, Any], *, iteration: int | None, start: bool
) -> "Job":
    """Make a new job that goes on from an iteration of an old one.

    Args:
        project: whose job.
        job: a 2D classification, initial model or refinement, ours or RELION's.
        given: what is different from now on, such as `nr_iter=40`.
        iteration: where to go on from; None: the newest whole one.
        start: false leaves it unscheduled until `resume`.
    """
    name = project.job(_name(job)).name
    values, inputs = project.given(find_protocol(project.job(name).entry.protocol), given)
    entry = continue_job(project.folder, name, values, inputs, iteration=iteration, wishes=_wishes(start))
    if start:
        call_scheduler(project.path)
    return project.job(entry.name)


def clean(project: "Project", jobs: "Sequence[Job | str]", *, harsh: bool, dry_run: bool) -> list[Cleaning]:
    """Move intermediate files to `Trash/`, by RELION's rules for each kind of job.

    Args:
        project: whose jobs.
        jobs: which; none: all that have succeeded.
        harsh: also images that later jobs read through their tables; their names are in `warning`.
        dry_run: only say what would go.
    """
    plans = plan_cleaning(project.folder, [_name(job) for job in jobs] or None, harsh=harsh)
    return plans if dry_run else [clean_job(project.folder, plan) for plan in plans]


def _wishes(start: bool) -> dict[str, str]:
    """What keeps a new job from starting, before any scheduler sees it."""
    return {} if start else {"wanted": "stop"}


def _name(job: "Job | str") -> str:
    return job if isinstance(job, str) else job.name
