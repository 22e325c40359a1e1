"""Arguments and options that several commands take: one wording, one form, one way to complete them."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from cryoloom.cli.completion import complete_continuable, complete_given, complete_jobs

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Complete = Callable[[click.Context, click.Parameter, str], "list[CompletionItem[str]]"]
FC = TypeVar("FC", bound="Callable[..., object] | click.Command")

file_path = click.Path(path_type=Path)

job_argument = click.argument("job", help="Name, number or alias.", shell_complete=complete_jobs)
jobs_argument = click.argument(
    "jobs", nargs=-1, required=True, help="Names, numbers or aliases.", shell_complete=complete_jobs
)
some_jobs_argument = click.argument(
    "jobs", nargs=-1, help="Names, numbers or aliases.", shell_complete=complete_jobs
)
project_option = click.option(
    "--project", "-p", type=file_path, help="The project's folder; by default the one you are in."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
wait_option = click.option(
    "--wait", "-w", is_flag=True, help="Stay and show the progress until it has ended."
)


continuable_argument = click.argument(
    "job", help="Name, number or alias.", shell_complete=complete_continuable
)


def given_argument(
    help: str, *, required: bool = False, complete: Complete = complete_given
) -> "Callable[[FC], FC]":
    """Parameters and inputs as `NAME=VALUE` words."""
    return click.argument(
        "given",
        nargs=-1,
        required=required,
        metavar="NAME=VALUE..." if required else "[NAME=VALUE...]",
        help=help,
        shell_complete=complete,
    )
