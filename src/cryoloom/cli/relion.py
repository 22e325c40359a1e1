"""What concerns RELION itself: relion command."""

import sys
from pathlib import Path

import click

from cryoloom.cli.completion import complete_jobs
from cryoloom.cli.options import json_option, project_option
from cryoloom.cli.shell import open_project, print_json


def add_to(app: click.Group) -> None:
    """Add these commands to the program."""
    group = click.Group("relion", help="RELION's own files and commands.", no_args_is_help=True)
    group.add_command(command)
    app.add_command(group)


@click.command("command")
@click.argument(
    "asked",
    metavar="JOB|FILE",
    help="A job of the project, or a job.star of RELION 3.1.",
    shell_complete=complete_jobs,
)
@click.option(
    "--job", default="", show_default=False, help="Of a file: the job's folder; by default the file's own."
)
@project_option
@json_option
def command(asked: str, job: str, project: Path | None, as_json: bool) -> None:
    """Print all lines that RELION runs for a job; they work in a shell, in the project's folder."""
    from cryoloom.api.relion_command import lines_of

    lines = lines_of(asked, job, None if asked.endswith(".star") else open_project(project))
    if as_json:
        print_json(lines)
        return
    print("\n".join(lines))
    if not job and not asked.endswith(".star"):
        print(
            f"# They write into the folder of {asked} once more; elsewhere with --job FOLDER.",
            file=sys.stderr,
        )
