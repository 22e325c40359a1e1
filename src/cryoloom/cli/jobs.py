"""Running jobs: run and alias; and help on protocols."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cryoloom.cli import live
from cryoloom.cli.completion import complete_helped, complete_protocols
from cryoloom.cli.options import given_argument, job_argument, json_option, project_option, wait_option
from cryoloom.cli.protocol_help import as_text, hits_as_text
from cryoloom.cli.shell import (
    FAILED,
    open_project,
    print_json,
    split_given,
    table,
)

if TYPE_CHECKING:
    from cryoloom.api import Job
    from cryoloom.api.summary import JobSummary


def add_to(app: click.Group) -> None:
    """Add these commands to the program."""
    app.add_command(run)
    app.add_command(help_)
    app.add_command(alias)
    app.add_command(note)


@click.command("run")
@click.argument(
    "protocol",
    help="What to run, such as relion.class2d; `cryoloom help` lists all.",
    shell_complete=complete_protocols,
)
@given_argument("Parameters and inputs.")
@click.option("--stream", is_flag=True, help="An import goes on while the microscope writes.")
@wait_option
@click.option("--wait-for", multiple=True, help="A job that must succeed first.")
@click.option("--alias", "name", default="", show_default=False, help="A name of your own for the job.")
@click.option(
    "--as", "folder", default="", show_default=False,
    help="The name that it is to have, such as Select/job005: for scripts that make a project again.",
)  # fmt: skip
@click.option("--label", default="", show_default=False, help="A remark.")
@click.option("--priority", type=int, default=0, help="The higher the sooner it gets its slots.")
@click.option("--alone", is_flag=True, help="With nothing else on the machine.")
@click.option("--memory-gb", type=float, default=0, help="Memory that it takes; 0: as the protocol says.")
@click.option(
    "--launcher",
    default="",
    show_default=False,
    help="Where it goes; `cryoloom launcher list`. As the settings say without.",
)
@click.option(
    "--batch",
    multiple=True,
    metavar="NAME=VALUE",
    help="What it asks there: queue=gpu, walltime=24h, or what the site's template asks besides.",
)
@json_option
@project_option
def run(
    protocol: str,
    given: tuple[str, ...],
    stream: bool,
    wait: bool,
    wait_for: tuple[str, ...],
    name: str,
    folder: str,
    label: str,
    priority: int,
    alone: bool,
    memory_gb: float,
    launcher: str,
    batch: tuple[str, ...],
    as_json: bool,
    project: Path | None,
) -> None:
    """Make a job and hand it to the scheduler."""
    opened = open_project(project)
    values = split_given(given)
    if stream:
        values["stream"] = "Yes"
    job = opened.make(
        protocol, values, wait_for=wait_for, alias=name, label=label, priority=priority, alone=alone,
        memory_gb=memory_gb, launcher=launcher, batch=split_given(batch), name=folder,
    )  # fmt: skip
    if as_json and not wait:
        print_json(job.summary().as_dict())
        return
    if not as_json:
        print(f"{job.name} ({protocol}) is scheduled.")
    if wait:
        shown = live.follow(opened, [job], quiet=as_json)
        if as_json:
            print_json(shown[0].as_dict())
        else:
            _say_notes(job, shown[0])
        if shown[0].state != "succeeded":
            raise click.exceptions.Exit(FAILED)
    elif not as_json:
        print(f"  cryoloom log {job.name} --follow")
    if not as_json:
        _say_next(job)


def _say_notes(job: "Job", summary: "JobSummary") -> None:
    """What a job says of itself, but for what has been said with its state."""
    for note in live.untold(job.notes(), summary):
        print(f"  {note}")


def _say_next(job: "Job") -> None:
    """The likely next commands, their inputs filled in."""
    steps = job.next_steps()
    if steps:
        print("Next:")
        print("\n".join(f"  {step.command}" for step in steps))


@click.command("help", context_settings={"ignore_unknown_options": True})  # `--tau_fudge` is a word here
@click.argument(
    "words",
    nargs=-1,
    metavar="[PROTOCOL or WORDS]",
    help="A protocol, any words, a parameter or option of RELION's, or a label such as rlnDefocusU.",
    shell_complete=complete_helped,
)
@json_option
def help_(words: tuple[str, ...], as_json: bool) -> None:
    """List protocols, or every parameter of one: meaning, unit, default, limits, condition; find what a word means."""
    from cryoloom.api import help_search, label_help, protocol_help

    protocol = " ".join(words)
    if label_help.is_label(protocol):
        labels = [label.as_dict() for label in label_help.labels_named(protocol)]
        if as_json:
            print_json(labels)
        else:
            print(table([*labels[0]], [[*label.values()] for label in labels]))
        return
    if not protocol:
        found = protocol_help.protocols_named()
        if as_json:
            print_json([line.as_dict() for line in found])
        else:
            print(
                table(["protocol", "what it does"], [[line.name, line.help.split("\n")[0]] for line in found])
            )
        return
    alike: list[str] = []
    if "." not in protocol:
        hits = help_search.search_help(protocol)
        if not hits.protocol:
            print_json(hits.as_dict()) if as_json else print(hits_as_text(hits))
            return
        protocol, alike = hits.protocol, [hit.protocol for hit in hits.hits[1:]]
    kind = protocol_help.help_on(protocol)
    if as_json:
        print_json(kind.as_dict())
        return
    print(as_text(kind))
    if alike:
        print(f"\nOf a like name: {', '.join(alike)}.")


@click.command("note")
@job_argument
@click.argument("text", default="", required=False)
@json_option
@project_option
def note(job: str, text: str, as_json: bool, project: Path | None) -> None:
    """Print a job's note, which RELION's window shows too; with a text, write it below first."""
    found = open_project(project).job(job)
    whole = found.note(text)
    if as_json:
        print_json({"job": found.name, "note": whole})
        return
    print(whole.strip() or "No note.")


@click.command("alias")
@job_argument
@click.argument("name", help="The new name; None takes it away.")
@json_option
@project_option
def alias(job: str, name: str, as_json: bool, project: Path | None) -> None:
    """Give a job a name of your own."""
    opened = open_project(project)
    found = opened.job(job)
    found.set_alias(name)
    if as_json:
        print_json(opened.job(found.name).summary().as_dict())
    else:
        print(f"{found.name}: {name}")
