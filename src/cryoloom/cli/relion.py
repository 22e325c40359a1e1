"""What concerns RELION itself: relion command."""

from pathlib import Path

import click

from cryoloom.cli.options import file_path, json_option
from cryoloom.cli.shell import print_json


def add_to(app: click.Group) -> None:
    """Add these commands to the program."""
    group = click.Group("relion", help="RELION's own files and commands.", no_args_is_help=True)
    group.add_command(command)
    app.add_command(group)


@click.command("command")
@click.argument("file", type=file_path, help="A job.star of RELION 3.1.")
@click.option("--job", default="", show_default=False, help="The job's folder; by default the file's own.")
@json_option
def command(file: Path, job: str, as_json: bool) -> None:
    """Print the exact command that a job.star means."""
    from cryoloom.api.relion_command import commands_of

    lines = commands_of(file, job)
    if as_json:
        print_json(lines)
    else:
        print("\n".join(lines))
