"""What concerns RELION itself: relion command."""

from pathlib import Path
from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    group = typer.Typer(help="RELION's own files and commands.", no_args_is_help=True, rich_markup_mode=None)
    group.command("command")(command)
    group.callback()(lambda: None)
    app.add_typer(group, name="relion")


def command(
    file: Annotated[Path, typer.Argument(help="A job.star of RELION 3.1.")],
    job: Annotated[str, typer.Option("--job", help="The job's folder; by default the file's own.")] = "",
) -> None:
    """Print the exact command that a job.star means."""
    from cryoloom.api.relion_command import commands_of

    for line in commands_of(file, job):
        print(line)
