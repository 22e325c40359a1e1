"""JSON workflows: workflow run, workflow check, workflow show."""

from pathlib import Path
from typing import Annotated

import typer

from cryoloom.cli import live
from cryoloom.cli.shell import FAILED, JsonOption, ProjectOption, open_project, print_json, split_pair, table


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    group = typer.Typer(
        help="Workflows: many jobs from one file.", no_args_is_help=True, rich_markup_mode=None
    )
    group.command("run")(run)
    group.command("check")(check)
    group.command("show")(show)
    app.add_typer(group, name="workflow")


def run(
    file: Annotated[Path, typer.Argument(help="A JSON workflow.")],
    settings: Annotated[list[str] | None, typer.Option("--set", help="NAME=VALUE for a placeholder.")] = None,
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Stay until all jobs have ended.")] = False,
    as_json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """Make the jobs of a workflow and hand them to the scheduler; the project is made where it is missing."""
    from cryoloom.api import Project

    given = dict(split_pair(word) for word in settings or [])
    opened = Project.create(project) if project is not None else open_project(None)
    jobs = opened.run_workflow(file, **given)
    if not as_json:
        print(f"{len(jobs)} jobs are scheduled in {opened.path}")
    shown = live.follow(opened, jobs, quiet=as_json) if wait else [job.summary() for job in jobs]
    if as_json:
        print_json([summary.as_dict() for summary in shown])
    if wait and any(summary.state != "succeeded" for summary in shown):
        for summary in shown:
            if summary.state != "succeeded" and not as_json:
                print(f"{summary.name} {summary.state}: {summary.why}")
        raise typer.Exit(FAILED)


def check(
    file: Annotated[Path, typer.Argument(help="A JSON workflow.")],
    settings: Annotated[list[str] | None, typer.Option("--set", help="NAME=VALUE for a placeholder.")] = None,
    as_json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """Say whether all jobs of a workflow could be made in a project; nothing is made."""
    opened = open_project(project)
    names = opened.check_workflow(file, **dict(split_pair(word) for word in settings or []))
    if as_json:
        print_json({"jobs": names})
    else:
        print(f"{file}: {len(names)} jobs could be made in {opened.path}")


def show(
    file: Annotated[Path, typer.Argument(help="A JSON workflow.")],
    settings: Annotated[list[str] | None, typer.Option("--set", help="NAME=VALUE for a placeholder.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Print a workflow's jobs with their inputs, placeholders filled."""
    from cryoloom.api.workflows import outline_of

    outline = outline_of(file, dict(split_pair(word) for word in settings or []))
    if as_json:
        print_json(outline.as_dict())
        return
    print(outline.title)
    rows = [
        [job.name, job.protocol, " ".join(f"{name}={text}" for name, text in job.inputs.items())]
        for job in outline.jobs
    ]
    print(table(["job", "protocol", "inputs"], rows))
