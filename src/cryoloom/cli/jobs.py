"""Running jobs: run and alias; and help on protocols."""

from typing import TYPE_CHECKING, Annotated

import typer

from cryoloom.cli import live
from cryoloom.cli.protocol_help import as_text, hits_as_text
from cryoloom.cli.shell import (
    FAILED,
    JsonOption,
    ProjectOption,
    WaitOption,
    open_project,
    print_json,
    split_given,
    table,
)

if TYPE_CHECKING:
    from cryoloom.api import Job


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command("run")(run)
    app.command("help")(help_)
    app.command("alias")(alias)


def run(
    protocol: Annotated[
        str, typer.Argument(help="What to run, such as relion.class2d; `cryoloom help` lists all.")
    ],
    given: Annotated[
        list[str] | None, typer.Argument(metavar="NAME=VALUE...", help="Parameters and inputs.")
    ] = None,
    stream: Annotated[
        bool, typer.Option("--stream", help="An import goes on while the microscope writes.")
    ] = False,
    wait: WaitOption = False,
    wait_for: Annotated[list[str] | None, typer.Option(help="A job that must succeed first.")] = None,
    name: Annotated[str, typer.Option("--alias", help="A name of your own for the job.")] = "",
    label: Annotated[str, typer.Option(help="A remark.")] = "",
    priority: Annotated[int, typer.Option(help="The higher the sooner it gets its slots.")] = 0,
    alone: Annotated[bool, typer.Option("--alone", help="With nothing else on the machine.")] = False,
    memory_gb: Annotated[float, typer.Option(help="Memory that it takes; 0: as the protocol says.")] = 0,
    as_json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """Make a job and hand it to the scheduler."""
    opened = open_project(project)
    values = split_given(given or [])
    if stream:
        values["stream"] = "Yes"
    job = opened.make(
        protocol, values, wait_for=wait_for or [], alias=name, label=label, priority=priority, alone=alone,
        memory_gb=memory_gb,
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
            _say_end(job)
        if shown[0].state != "succeeded":
            raise typer.Exit(FAILED)
    elif not as_json:
        print(f"  cryoloom log {job.name} --follow")
    if not as_json:
        _say_next(job)


def _say_end(job: "Job") -> None:
    summary = job.summary()
    print(f"{job.name} {summary.state}" + (f": {summary.why}" if summary.why else ""))
    for note in job.notes():
        print(f"  {note}")


def _say_next(job: "Job") -> None:
    """The likely next commands, their inputs filled in."""
    steps = job.next_steps()
    if steps:
        print("Next:")
        print("\n".join(f"  {step.command}" for step in steps))


def help_(
    protocol: Annotated[
        str,
        typer.Argument(
            help="A protocol, any word, a parameter or option of RELION's, or a label such as rlnDefocusU."
        ),
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """List protocols, or every parameter of one: meaning, unit, default, limits, condition; find what a word means."""
    from cryoloom.api import help_search, label_help, protocol_help

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


def alias(
    job: Annotated[str, typer.Argument(help="Name, number or alias.")],
    name: Annotated[str, typer.Argument(help="The new name; None takes it away.")],
    project: ProjectOption = None,
) -> None:
    """Give a job a name of your own."""
    found = open_project(project).job(job)
    found.set_alias(name)
    print(f"{found.name}: {name}")
