"""Wishes about jobs that wait or run: change, priority; and what happens in a project: events."""

import json
from pathlib import Path

import click

from cryoloom.cli.options import given_argument, job_argument, json_option, project_option
from cryoloom.cli.shell import open_project, print_json, split_given


def add_to(app: click.Group) -> None:
    """Add these commands to the program."""
    app.add_command(change)
    app.add_command(priority)
    app.add_command(events)


@click.command("change")
@job_argument
@given_argument("Parameters.", required=True)
@click.option(
    "--all", "of_all", is_flag=True, help="Make all items again, also in the jobs behind; else those to come."
)
@json_option
@project_option
def change(job: str, given: tuple[str, ...], of_all: bool, as_json: bool, project: Path | None) -> None:
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


# A number below zero is no option.
@click.command("priority", context_settings={"ignore_unknown_options": True})
@job_argument
@click.argument("number", type=int, help="The higher the sooner; 0 is usual.")
@click.option("--alone/--together", default=None, help="With nothing else on the machine.")
@click.option("--memory-gb", type=float, help="Memory that it takes, in GB.")
@json_option
@project_option
def priority(
    job: str, number: int, alone: bool | None, memory_gb: float | None, as_json: bool, project: Path | None
) -> None:
    """Say how urgent a job is, and what it takes of the machine."""
    found = open_project(project).job(job)
    found.priority(number, alone=alone, memory_gb=memory_gb)
    if as_json:
        print_json(found.summary().as_dict())
    else:
        print(f"{found.name}: priority {number}")


@click.command("events")
@click.option("--follow", "-f", is_flag=True, help="Go on as more happens.")
@click.option("--since", type=float, default=0.0, help="Leave out what was before, in seconds of the epoch.")
@project_option
def events(follow: bool, since: float, project: Path | None) -> None:
    """Print what happens to all jobs, one JSON object a line."""
    for event in open_project(project).events(follow=follow, since=since):
        print(json.dumps(event, ensure_ascii=False), flush=follow)
