"""Sweeps: one job with several values of its parameters."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cryoloom.cli import live
from cryoloom.cli.options import (
    file_path,
    given_argument,
    job_argument,
    json_option,
    project_option,
    wait_option,
)
from cryoloom.cli.shell import FAILED, open_project, print_json, split_pair, table

if TYPE_CHECKING:
    from cryoloom.api.sweeping import SweepTable


def add_to(app: click.Group) -> None:
    """Add these commands to the program."""
    app.add_command(sweep)
    group = click.Group(
        "sweeps", help="Sweeps that were made: side by side, and the best kept.", no_args_is_help=True
    )
    group.add_command(show)
    group.add_command(keep)
    app.add_command(group)


@click.command("sweep")
@job_argument
@given_argument(
    "One or two parameters with values between commas: nr_classes=20,50,100 tau_fudge=2,4.", required=True
)
@click.option("--branch", is_flag=True, help="With the jobs that need it.")
@click.option("--start/--no-start", default=True, help="Start the jobs; else `resume` does.")
@wait_option
@json_option
@project_option
def sweep(
    job: str,
    given: tuple[str, ...],
    branch: bool,
    start: bool,
    wait: bool,
    as_json: bool,
    project: Path | None,
) -> None:
    """Run a job again with each of several values: a branch each, compared by `cryoloom sweeps show`."""
    opened = open_project(project)
    values = {name: text.split(",") for name, text in map(split_pair, given)}
    made = opened.sweep(job, values, branch=branch, start=start)
    if wait:
        live.follow(opened, [opened.job(name) for run in made.runs for name in run.jobs], quiet=as_json)
    shown = opened.sweep_table(made.number)
    if as_json:
        print_json(shown.as_dict())
    else:
        _print(shown)
        print(f"  cryoloom sweeps show {made.number} -o sweep.png\n  cryoloom sweeps keep JOB")
    if wait and any(row.state != "succeeded" for row in shown.rows):
        raise click.exceptions.Exit(FAILED)


@click.command("show")
@click.argument("number", type=int, required=False, help="Of the sweep; the newest without.")
@click.option("--out", "-o", type=file_path, help="A PNG file: the picture of each branch under its values.")
@json_option
@project_option
def show(number: int | None, out: Path | None, as_json: bool, project: Path | None) -> None:
    """Print a sweep's branches side by side, and draw them."""
    opened = open_project(project)
    shown = opened.sweep_table(number)
    if as_json:
        print_json(shown.as_dict())
    else:
        _print(shown)
    if out is not None:
        opened.sweep_figure(out, number)
        if not as_json:
            print(out)


@click.command("keep")
@job_argument
@json_option
@project_option
def keep(job: str, as_json: bool, project: Path | None) -> None:
    """Keep the branch that a job is in, and move all others of its sweep to `Trash/`; `undelete` brings them back."""
    opened = open_project(project)
    gone = opened.keep_of_sweep(job)
    if as_json:
        print_json(gone)
        return
    print(f"{opened.job(job).name} is kept; {len(gone)} jobs of other branches are in Trash/.")
    for name, place in gone.items():
        print(f"  {name} -> {place}")


def _print(shown: "SweepTable") -> None:
    names = [*shown.rows[0].values]
    figures = [*dict.fromkeys(name for row in shown.rows for name in row.figures)]
    rows = [
        [
            *row.values.values(),
            row.jobs[0] if row.jobs else "",
            row.state,
            *(row.figures.get(name, "") for name in figures),
        ]
        for row in shown.rows
    ]
    kept = f", of which {shown.kept} was kept" if shown.kept else ""
    print(f"Sweep {shown.number} of {shown.job}{kept}")
    print(table([*names, "job", "state", *figures], rows))
