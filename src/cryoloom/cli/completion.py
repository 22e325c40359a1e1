"""What the words of a command line could become: `completion SHELL` prints what a shell's start-up file reads."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cryoloom.errors import CryoloomError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from cryoloom.api import Project
    from cryoloom.api.completing import Candidate

VARIABLE = "_CRYOLOOM_COMPLETE"


def add_to(app: click.Group) -> None:
    """Add this command to the program."""
    app.add_command(completion)


@click.command("completion")
@click.argument("shell", type=click.Choice(("bash", "zsh")), help="Which shell.")
def completion(shell: str) -> None:
    """Print what makes a shell complete commands, jobs and parameters: eval "$(cryoloom completion bash)"."""
    from cryoloom.cli.shells import script

    root = click.get_current_context().find_root().command
    print(script(shell, root))


def complete_jobs(
    context: click.Context, param: click.Parameter, incomplete: str
) -> "list[CompletionItem[str]]":
    """Jobs of the project that is meant."""
    from cryoloom.api.completing import jobs_like

    project = _project(context)
    return _items(jobs_like(project, incomplete)) if project is not None else []


def complete_protocols(
    context: click.Context, param: click.Parameter, incomplete: str
) -> "list[CompletionItem[str]]":
    """Names of protocols."""
    from cryoloom.api.completing import protocols_like

    return _items(protocols_like(incomplete))


def complete_helped(
    context: click.Context, param: click.Parameter, incomplete: str
) -> "list[CompletionItem[str]]":
    """What `help` explains: protocols and labels."""
    from cryoloom.api.completing import helped_like

    return _items(helped_like(incomplete))


def complete_continuable(
    context: click.Context, param: click.Parameter, incomplete: str
) -> "list[CompletionItem[str]]":
    """Jobs with iterations to go on from."""
    from cryoloom.api.completing import continuable_like

    project = _project(context)
    return _items(continuable_like(project, incomplete)) if project is not None else []


def complete_continued(
    context: click.Context, param: click.Parameter, incomplete: str
) -> "list[CompletionItem[str]]":
    """What may be different when the job that is named goes on."""
    from cryoloom.api.completing import continued_like, protocol_of_job

    project, job = _project(context), context.params.get("job")
    kind = protocol_of_job(project, job) if project is not None and job else None
    return (
        _items(continued_like(project, kind, incomplete)) if project is not None and kind is not None else []
    )


def complete_given(
    context: click.Context, param: click.Parameter, incomplete: str
) -> "list[CompletionItem[str]]":
    """Parameters and inputs of the protocol that is run, or of the job that is named."""
    from cryoloom.api.completing import given_like, protocol_named, protocol_of_job

    project = _project(context)
    if name := context.params.get("protocol"):
        kind = protocol_named(name)
    else:
        job = context.params.get("job")
        kind = protocol_of_job(project, job) if project is not None and job else None
    return _items(given_like(project, kind, incomplete)) if kind is not None else []


def _items(found: "list[Candidate]") -> "list[CompletionItem[str]]":
    from click.shell_completion import CompletionItem

    return [CompletionItem(one.word, type="file" if one.path else "plain", help=one.help) for one in found]


def _project(context: click.Context) -> "Project | None":
    from cryoloom.cli.shell import open_project

    try:
        path: Path | None = context.params.get("project")
        return open_project(path)
    except CryoloomError:
        return None


def complete_views(
    context: click.Context, param: click.Parameter, incomplete: str
) -> "list[CompletionItem[str]]":
    """What the job that is named has to show."""
    from cryoloom.api.completing import views_like

    project, job = _project(context), context.params.get("job")
    return _items(views_like(project, job, incomplete)) if project is not None and job else []
