"""What can be done with a job after it was made: resume, retry, restart, continue, copy, clean, delete.

`Project` has a method for each; what happens on disk is told in `project/`, of which each function loads its own part:
most commands only look.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryoloom.engine.calling import call_scheduler
from cryoloom.errors import CryoloomError, ProjectError
from cryoloom.project import attempts
from cryoloom.project.entry import JobEntry
from cryoloom.project.registry import find_protocol
from cryoloom.project.retrying import Retry, followers_of, is_import, numbers_of, plan_retry, reopen

if TYPE_CHECKING:
    from cryoloom.api.job import Job
    from cryoloom.api.project import Project
    from cryoloom.project.cleaning import Cleaning
    from cryoloom.protocol.protocols import Protocol


@dataclass(frozen=True, slots=True)
class Copies:
    """What copying made."""

    jobs: "tuple[Job, ...]"  # that of the job itself first
    left_out: Mapping[str, str]  # jobs of the branch that were not copied, each with its reason
    choose_again: Mapping[
        str, str
    ]  # copies with classes that were chosen on another classification; they wait for it

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "jobs": [job.name for job in self.jobs],
            "left_out": dict(self.left_out),
            "choose_again": dict(self.choose_again),
        }


def resume(
    project: "Project",
    jobs: "Sequence[Job | str] | None",
    *,
    take_over: bool = False,
    dependents: bool = False,
) -> "list[Job]":
    """Take up what was interrupted; None: in the whole project. Returns the jobs that go on.

    In the whole project a copy that asks something of its user is passed over (`Job.asks`); who names it has decided.
    An import that is named and whose stream is over takes it up again: what has come meanwhile, and what comes. A job that is
    still being stopped goes on when it has ended.

    Args:
        project: whose jobs.
        jobs: which.
        take_over: also what another host runs: for when that host is gone for good.
        dependents: of an import that is named, also open the jobs again that followed its stream to the end.
    """
    wanted = project.jobs() if jobs is None else [project.job(name_of(job)) for job in jobs]
    if jobs is None:
        # Passed over: RELION's; those that cannot be known, of which `ls` says so.
        wanted = [job for job in wanted if job.entry.known_spec is not None and not job.entry.look().damage]
    # Of all, before anything is written of the first: a refusal leaves none of them resumed.
    for job in wanted:
        if job.entry.spec is None:
            raise ProjectError(
                f"{job.name}", found="a job of RELION's", expected="one that Cryoloom starts",
                hint=f"{job.entry.how_to_run()}.",
            )  # fmt: skip
    wanted = [
        job for job in wanted if not (jobs is None and job.asks()) and _repeats(job, named=jobs is not None)
    ]
    taken: list[Job] = []
    opened: list[str] = []
    for job in wanted:
        status = job.entry.status()
        followers: list[JobEntry] = []
        if dependents and jobs is not None and is_import(job.entry):
            # Asked for now, while it is known whose stream is over.
            followers = [project.folder.entry(name) for name in followers_of(project.folder, job.name)]
            opened += [entry.name for entry in followers]
        opens = {"opens": numbers_of(followers)} if followers else {}
        attempt, folder = status.attempt, job.entry.folder
        if status.state in ("failed", "aborted", "scheduled"):
            # Of a scheduled one, too: whoever asks does not want to wait for the next attempt's turn.
            fresh = attempt.number if attempt else 0
            attempts.write_control(folder, wanted="run", fresh=fresh, asks="", **opens)
        elif status.state == "succeeded" and jobs is not None and is_import(job.entry):
            reopen(job.entry, stream="open", followers=followers)
        elif status.state == "succeeded" or attempt is None:
            _open(job, opens)
            continue
        elif take_over and attempt.lives() is None:
            attempts.write_control(folder, wanted="run", **opens)
            attempts.mark_lost(attempt, f"taken over from {(attempt.claim or {}).get('host', 'a host')}")
        elif status.known.wants_stop:
            # Where the scheduler has acted upon the stop already, another attempt follows.
            attempts.write_control(folder, wanted="run", **opens)
        else:
            _open(job, opens)
            if not (status.known.attempt and status.known.attempt.vanished):
                continue
        taken.append(job)
    call_scheduler(project.path)
    known = {job.name for job in taken}
    return taken + [project.job(name) for name in dict.fromkeys(opened) if name not in known]


def _repeats(job: "Job", *, named: bool) -> bool:
    """Whether a job can be taken up by anybody but its maker.

    Raises:
        ProjectError: it cannot, and was named.
    """
    from cryoloom.project.checking import check_repeats

    try:
        protocol = job.entry.make_protocol()
    except Exception:  # of a plugin that is gone or broken: the job waits for it, and the scheduler says so
        return True
    try:
        check_repeats(protocol, job.name)
    except CryoloomError:
        if named:
            raise
        return False
    return True


def _open(job: "Job", opens: Mapping[str, Mapping[str, int]]) -> None:
    """Have the jobs opened that followed one that itself needs nothing."""
    if opens:
        attempts.write_control(job.entry.folder, **opens)


def retry(project: "Project", job: "Job | str", *, dependents: bool) -> Retry:
    """Try failed items again: in the same job, which keeps what is through.

    Args:
        project: whose job.
        job: an import, or a job that treats items one by one; where it runs, the scheduler ends that attempt first.
        dependents: also open the jobs again that followed its stream and ended without these items.
    """
    plan = plan_retry(project.folder, name_of(job), dependents=dependents)
    entry = project.folder.entry(plan.job)
    followers = [project.folder.entry(name) for name in plan.followers] if dependents else []
    if plan.failed:
        reopen(entry, followers=followers)
    else:
        attempts.write_control(entry.folder, opens=numbers_of(followers))
    call_scheduler(project.path)
    return plan


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
    from cryoloom.project.restarting import restart_jobs

    moved = restart_jobs(project.folder, name_of(job), dependents=dependents)
    call_scheduler(project.path)
    return moved


def delete(project: "Project", jobs: "Sequence[Job | str]", *, dependents: bool) -> dict[str, str]:
    """Move jobs to `Trash/`; refuses while others need them, unless these come along."""
    from cryoloom.project.deleting import delete_jobs

    return delete_jobs(project.folder, [name_of(job) for job in jobs], dependents=dependents)


def undelete(project: "Project", jobs: "Sequence[str]") -> "list[Job]":
    """Take deleted jobs out of `Trash/`, back to where they were."""
    from cryoloom.project.undeleting import undelete_jobs

    return [project.job(name) for name in undelete_jobs(project.folder, jobs)]


def copy(
    project: "Project",
    job: "Job | str",
    given: Mapping[str, Any],
    *,
    branch: bool,
    start: bool,
    label: str = "",
) -> Copies:
    """Make jobs like these with some parameters changed.

    Args:
        project: whose job.
        job: which.
        given: what is different in its copy, parameters and inputs by name.
        branch: copy the jobs that need it too; their inputs lead to the copies.
        start: false leaves the copies unscheduled until `resume`.
        label: of the copy; what it is a copy of without one.
    """
    from cryoloom.project.copying import branch_of, copy_jobs, to_choose_again

    name = project.job(name_of(job)).name
    from cryoloom.api.given import taken_apart

    values, inputs = taken_apart(project.folder, _kind_of(project.job(name).entry), given)
    apart = branch_of(project.folder.entries(), name)[1] if branch else {}
    made = copy_jobs(project.folder, name, values, inputs, branch=branch, wishes=_wishes(start), label=label)
    if start:
        call_scheduler(project.path)
    again = to_choose_again(project.folder, made, name, {**values, **inputs})
    return Copies(tuple(project.job(entry.name) for entry in made.values()), apart, again)


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
    from cryoloom.project.continuing import continue_job

    name = project.job(name_of(job)).name
    from cryoloom.api.given import taken_apart

    values, inputs = taken_apart(project.folder, _kind_of(project.job(name).entry), given)
    entry = continue_job(project.folder, name, values, inputs, iteration=iteration, wishes=_wishes(start))
    if start:
        call_scheduler(project.path)
    return project.job(entry.name)


def _kind_of(entry: JobEntry) -> "type[Protocol]":
    """The protocol of a job, ours or RELION's.

    Raises:
        ProjectError: the job's folder is gone, or damaged.
    """
    spec = entry.spec
    return find_protocol(spec.protocol if spec is not None else entry.protocol)


def clean(project: "Project", jobs: "Sequence[Job | str]", *, harsh: bool, dry_run: bool) -> "list[Cleaning]":
    """Move intermediate files to `Trash/`, by RELION's rules for each kind of job.

    Args:
        project: whose jobs.
        jobs: which; none: all that have succeeded.
        harsh: also images that later jobs read through their tables; their names are in `warning`.
        dry_run: only say what would go.
    """
    from cryoloom.project.cleaning import clean as clean_job
    from cryoloom.project.cleaning import plan_cleaning

    plans = plan_cleaning(project.folder, [name_of(job) for job in jobs] or None, harsh=harsh)
    return plans if dry_run else [clean_job(project.folder, plan) for plan in plans]


def _wishes(start: bool) -> dict[str, str]:
    """What keeps a new job from starting, before any scheduler sees it."""
    return {} if start else {"wanted": "stop"}


def name_of(job: "Job | str") -> str:
    """How a job is called, by the user or by itself."""
    return job if isinstance(job, str) else job.name
