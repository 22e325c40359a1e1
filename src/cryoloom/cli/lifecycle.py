"""What becomes of a job: stop, resume, retry, restart, continue, copy, clean, delete."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cryoloom.cli import live
from cryoloom.cli.completion import complete_continued
from cryoloom.cli.options import (
    continuable_argument,
    given_argument,
    job_argument,
    jobs_argument,
    json_option,
    project_option,
    some_jobs_argument,
    wait_option,
)
from cryoloom.cli.shell import (
    FAILED,
    is_conversation,
    open_project,
    print_json,
    split_given,
    table,
)

if TYPE_CHECKING:
    from cryoloom.api import Job, Project


def add_to(app: click.Group) -> None:
    """Add these commands to the program."""
    app.add_command(stop)
    app.add_command(resume)
    app.add_command(retry)
    app.add_command(restart)
    app.add_command(continue_)
    app.add_command(copy)
    app.add_command(clean)
    app.add_command(delete)
    app.add_command(undelete)


@click.command("stop")
@jobs_argument
@click.option("--stream", is_flag=True, help="Only close an import's stream; what came goes on.")
@json_option
@project_option
def stop(jobs: tuple[str, ...], stream: bool, as_json: bool, project: Path | None) -> None:
    """End jobs; what they have done is kept, and `resume` goes on from there."""
    from cryoloom.api.steering import check_stream

    opened = open_project(project)
    found = [opened.job(job) for job in jobs]
    ended = {job.name: job.state for job in found if job.has_ended}
    for job in found if stream else ():
        check_stream(job)  # of all, before the first stream is closed
    for job in found:
        job.stop(stream=stream)
    if as_json:
        print_json([job.summary().as_dict() for job in found])
        return
    for job in found:
        if stream:
            print(f"{job.name}: the stream is closed; what has come is processed.")
        elif job.name in ended:
            print(f"{job.name} has ended already ({ended[job.name]}).")
        else:
            print(f"{job.name} is being stopped. `cryoloom resume {job.name}` goes on.")


@click.command("resume")
@some_jobs_argument
@click.option(
    "--all", "everything", is_flag=True, help="All that was interrupted, failed, stopped or not started yet."
)
@click.option("--take-over", is_flag=True, help="Also what another host runs that is gone for good.")
@click.option(
    "--dependents", is_flag=True, help="Of an import: the jobs that followed its stream to the end go on too."
)
@wait_option
@json_option
@project_option
def resume(
    jobs: tuple[str, ...],
    everything: bool,
    take_over: bool,
    dependents: bool,
    wait: bool,
    as_json: bool,
    project: Path | None,
) -> None:
    """Go on with jobs that failed, were stopped or were killed: after their last finished item or iteration."""
    opened = open_project(project)
    if not jobs and not everything:
        raise click.UsageError("name jobs, or say --all")
    taken = opened.resume(None if everything else list(jobs), take_over=take_over, dependents=dependents)
    if not as_json:
        print("Resumed: " + (", ".join(job.name for job in taken) or "nothing; no job was interrupted"))
        for job in taken:
            ended = [name for name in job.followers() if name not in {one.name for one in taken}]
            if ended:
                print(f"These ended without what comes now: {', '.join(ended)}")
                print(f"  cryoloom resume {job.name} --dependents")
            for name in job.wholes():
                print(f"{name} took the set as a whole; when all is through: cryoloom restart {name}")
        for name, why in opened.questions().items() if everything else ():
            print(f"{name} is not started: {why}.")
    finish(opened, taken, wait=wait, as_json=as_json, everything=everything)


@click.command("retry")
@job_argument
@click.option(
    "--dependents", is_flag=True, help="The jobs that followed it and ended without these items take them."
)
@wait_option
@json_option
@project_option
def retry(job: str, dependents: bool, wait: bool, as_json: bool, project: Path | None) -> None:
    """Try a job's failed items again, in the same job; what is through stays."""
    opened = open_project(project)
    plan = opened.retry(job, dependents=dependents)
    if as_json and not wait:
        print_json(plan.as_dict())
        return
    if not as_json:
        print(f"{plan.job}: {plan.failed} failed items are tried again.")
        if plan.followers and dependents:
            print(f"Open again for what comes: {', '.join(plan.followers)}")
        elif plan.followers:
            print(f"These ended without them: {', '.join(plan.followers)}")
            print(f"  cryoloom retry {plan.job} --dependents")
        for name in plan.wholes:
            print(f"{name} took the set as a whole; when all is through: cryoloom restart {name}")
    names = [plan.job, *(plan.followers if dependents else ())]
    finish(opened, [opened.job(name) for name in names], wait=wait, as_json=as_json)


@click.command("restart")
@job_argument
@click.option(
    "--dependents/--no-dependents",
    default=None,
    help="Clear and run the jobs that need it too, or leave them as they are.",
)
@wait_option
@json_option
@project_option
def restart(job: str, dependents: bool | None, wait: bool, as_json: bool, project: Path | None) -> None:
    """Run a job again from the beginning, in its folder and under its number; its results go to `Trash/`."""
    opened = open_project(project)
    others = opened.job(job).dependents()
    if others and dependents is None and not as_json and is_conversation():
        print(f"These need {opened.job(job).name}: {', '.join(other.name for other in others)}")
        dependents = click.confirm("Clear them and run them again too?")
    moved = opened.restart(job, dependents=dependents)
    if as_json and not wait:
        print_json([{"job": name, "trash": where} for name, where in moved.items()])
        return
    if not as_json:
        for name, where in moved.items():
            print(f"{name} runs again" + (f"; what it had made lies in {where}" if where else ""))
        for name in moved:
            if asks := opened.job(name).asks():
                print(f"{name} is not started: {asks}.")
        left = [other.name for other in others if other.name not in moved]
        if left:
            print(f"Left as they are, made from the earlier results: {', '.join(left)}")
    finish(opened, [opened.job(name) for name in moved], wait=wait, as_json=as_json)


@click.command("continue")
@continuable_argument
@given_argument("What is different from now on, such as nr_iter=40.", complete=complete_continued)
@click.option("--from-iteration", "iteration", type=int, help="Where to go on from; by default the newest.")
@wait_option
@json_option
@project_option
def continue_(
    job: str, given: tuple[str, ...], iteration: int | None, wait: bool, as_json: bool, project: Path | None
) -> None:
    """Make a new job that goes on from an iteration of a classification, initial model or refinement."""
    from cryoloom.api.lifecycle import continue_from

    opened = open_project(project)
    made = continue_from(opened, job, split_given(given), iteration=iteration, start=True)
    if not as_json:
        print(f"{made.name}: {made.summary().label}")
    finish(opened, [made], wait=wait, as_json=as_json)


@click.command("copy")
@job_argument
@given_argument("What is different in the copy.")
@click.option("--branch", is_flag=True, help="Copy the jobs that need it too; they then need the copy.")
@click.option("--start", is_flag=True, help="Hand the copies to the scheduler.")
@wait_option
@json_option
@project_option
def copy(
    job: str,
    given: tuple[str, ...],
    branch: bool,
    start: bool,
    wait: bool,
    as_json: bool,
    project: Path | None,
) -> None:
    """Make a job like this one with some parameters changed; the original stays as it is."""
    from cryoloom.api.lifecycle import copy as copy_jobs

    opened = open_project(project)
    copies = copy_jobs(opened, job, split_given(given), branch=branch, start=start or wait)
    made = list(copies.jobs)
    if not as_json:
        for name, why in copies.left_out.items():
            print(f"Not copied: {name}, since {why}")
        for one in made:
            print(f"{one.name}: {one.summary().label}")
    for name, why in copies.choose_again.items():
        print(f"{name} is not started: {why}.", file=sys.stderr if as_json else sys.stdout)
    ready = [one.name for one in made if one.name not in copies.choose_again]
    if ready and not (start or wait or as_json):
        print(f"  cryoloom resume {' '.join(ready)}")
    finish(opened, made, wait=wait, as_json=as_json)


@click.command("delete")
@jobs_argument
@click.option("--dependents", is_flag=True, help="Take along the jobs that need them.")
@json_option
@project_option
def delete(jobs: tuple[str, ...], dependents: bool, as_json: bool, project: Path | None) -> None:
    """Move jobs to `Trash/`; nothing is erased. Refuses while other jobs need them."""
    moved = open_project(project).delete(*jobs, dependents=dependents)
    if as_json:
        print_json([{"job": name, "trash": where} for name, where in moved.items()])
        return
    for name, where in moved.items():
        print(f"{name} → {where}" if where else f"{name}: its folder was gone; it is not listed any more.")


@click.command("undelete")
@click.argument("names", nargs=-1, metavar="[JOB]...")
@json_option
@project_option
def undelete(names: tuple[str, ...], as_json: bool, project: Path | None) -> None:
    """Take deleted jobs out of `Trash/`; without a name, list those that lie there."""
    opened = open_project(project)
    if not names:
        lying = opened.deleted()
        if as_json:
            print_json([{"job": name, "trash": where} for name, where in lying.items()])
            return
        print("\n".join(f"{name} in {where}" for name, where in lying.items()) or "No job lies in the trash.")
        return
    back = [job.name for job in opened.undelete(*names)]
    if as_json:
        print_json(back)
        return
    print(f"Back: {', '.join(back)}")


@click.command("clean")
@some_jobs_argument
@click.option("--all", "everything", is_flag=True, help="All jobs that have succeeded.")
@click.option(
    "--harsh", is_flag=True, help="Also images that later jobs may need: micrographs, particle stacks."
)
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@json_option
@project_option
def clean(
    jobs: tuple[str, ...], everything: bool, harsh: bool, dry_run: bool, as_json: bool, project: Path | None
) -> None:
    """Move intermediate files to `Trash/`, by RELION's rules; nothing is erased."""
    if bool(jobs) == everything:
        raise click.UsageError("name jobs, or say --all")
    opened = open_project(project)
    done = opened.clean(*jobs, harsh=harsh, dry_run=dry_run)
    for summary in opened.summaries() if everything else ():
        if summary.damage:
            print(f"Passed over: {summary.name}, {summary.why}", file=sys.stderr)
    for one in done:
        if one.warning:
            print(f"Warning: {one.warning}.", file=sys.stderr)
    if as_json:
        print_json([one.as_dict() for one in done])
        return
    rows = [
        [one.job, kind.what, str(len(kind.files)), _size(kind.bytes)] for one in done for kind in one.classes
    ]
    if not rows:
        print("Nothing to clean.")
        return
    files, size = sum(len(one.files) for one in done), sum(one.bytes for one in done)
    rows.append(["in total", "", str(files), _size(size)])
    print(table(["job", "what", "files", "size"], rows))
    for one in done:
        if one.kept:
            print(f"Kept in {one.job}, an input or output: {', '.join(one.kept)}")
    print("Nothing was moved." if dry_run else "All of it lies in Trash/ now.")


def _size(count: int) -> str:
    """Bytes for people."""
    size, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"


def finish(
    project: "Project", jobs: "list[Job]", *, wait: bool, as_json: bool, everything: bool = False
) -> None:
    """The end of a command that sets jobs going: stay with them where that is wanted.

    Raises:
        Exit: with the code for failure, where one of them did not succeed.
    """
    if wait:
        # Of the whole project, where jobs go on that others wait for.
        shown = live.follow(project, None if everything else jobs, quiet=as_json)
    else:
        names = {job.name for job in jobs}
        shown = [summary for summary in project.summaries() if summary.name in names]
    if as_json:
        print_json([summary.as_dict() for summary in shown])
    if wait and any(summary.state != "succeeded" for summary in shown if summary.ours):
        raise click.exceptions.Exit(FAILED)
