"""Wishes about jobs that wait or run: change, priority; and what happens in a project: events."""

import json
from typing import Annotated

import typer

from cryoloom.cli.shell import JsonOption, ProjectOption, open_project, print_json, split_given


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command("change")(change)
    app.command("priority")(priority)
    app.command("events")(events)


def change(
    job: Annotated[str, typer.Argument(help="A streaming job: name, number or alias.")],
    given: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...", help="Parameters.")],
    of_all: Annotated[
        bool, typer.Option("--all", help="Make all items again, also in the jobs behind; else those to come.")
    ] = False,
    as_json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """Change parameters of a job while items stream through it, or of any job that was made and not started."""
    from cryoloom.api.steering import change as change_job

    found = open_project(project).job(job)
    version = change_job(found, split_given(given), of_all=of_all)
    if as_json:
        print_json({"job": found.name, "version": version, "of_all": of_all})
    elif not version:
        print(f"{found.name}: changed; it has not begun.")
        print(f"  cryoloom resume {found.name}")
    else:
        print(
            f"{found.name}: version {version} of its parameters, for {'all items' if of_all else 'items to come'}."
        )


def priority(
    job: Annotated[str, typer.Argument(help="Name, number or alias.")],
    number: Annotated[int, typer.Argument(help="The higher the sooner; 0 is usual.")],
    alone: Annotated[
        bool | None, typer.Option("--alone/--together", help="With nothing else on the machine.")
    ] = None,
    memory_gb: Annotated[float | None, typer.Option(help="Memory that it takes, in GB.")] = None,
    project: ProjectOption = None,
) -> None:
    """Say how urgent a job is, and what it takes of the machine."""
    found = open_project(project).job(job)
    found.prioritise(priority=number, alone=alone, memory_gb=memory_gb)
    print(f"{found.name}: priority {number}")


def events(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as more happens.")] = False,
    since: Annotated[float, typer.Option(help="Leave out what was before, in seconds of the epoch.")] = 0.0,
    project: ProjectOption = None,
) -> None:
    """Print what happens to all jobs, one JSON object a line."""
    from cryoloom.api.events import events as stream

    for event in stream(open_project(project).path, follow=follow, since=since):
        print(json.dumps(event, ensure_ascii=False), flush=follow)
