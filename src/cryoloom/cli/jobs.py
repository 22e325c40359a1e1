"""Running jobs: run and alias; and help on protocols."""

from typing import TYPE_CHECKING, Annotated

import typer

from cryoloom.cli import live
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
    for note in job.entry.status().history.notes:
        print(f"  {note}")


def _say_next(job: "Job") -> None:
    """The likely next commands, their inputs filled in."""
    from cryoloom.project.registry import find_protocol
    from cryoloom.protocol.datasets import accepts

    kind = find_protocol(job.entry.protocol)
    lines = []
    for name in kind.next:
        follower = find_protocol(name)
        outputs = job.entry.outputs()
        filled: list[str] = []
        for spec in follower.inputs.values():
            fitting = [key for key, dataset in outputs.items() if accepts(spec.kind, type(dataset))]
            if fitting and (not spec.optional or not filled):
                # A set beside itself, as an optional input, is nothing that anybody wants.
                filled.append(f"{spec.name}={job.name}")
            elif not spec.optional:
                filled.append(f"{spec.name}=...")
        if any(not word.endswith("=...") for word in filled):
            lines.append(f"  cryoloom run {name} {' '.join(filled)}")
    if lines:
        print("Next:")
        print("\n".join(lines))


def help_(
    protocol: Annotated[
        str, typer.Argument(help="A protocol, or the first part of its name; or a label such as rlnDefocusU.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """List protocols, or every parameter of one: meaning, unit, default, limits, condition; or explain a label."""
    from cryoloom.project.registry import all_protocols, find_protocol

    if protocol.removeprefix("_").startswith(("rln", "cryoloom")):
        _help_on_labels(protocol.removeprefix("_"), as_json)
        return
    if "." not in protocol:
        found = [kind for kind in all_protocols() if kind.name.startswith(protocol)]
        if as_json:
            print_json([{"name": kind.name, "label": kind.label, "help": kind.__doc__} for kind in found])
        else:
            print(
                table(
                    ["protocol", "what it does"],
                    [[kind.name, (kind.__doc__ or "").split("\n")[0]] for kind in found],
                )
            )
        return
    kind = find_protocol(protocol)
    from cryoloom.cli.protocol_help import as_dict, as_text

    if as_json:
        print_json(as_dict(kind))
    else:
        print(as_text(kind))


def _help_on_labels(name: str, as_json: bool) -> None:
    """A label's type, unit and meaning, or those of all that begin so."""
    from cryoloom.em.labels import all_labels
    from cryoloom.errors import ParameterError
    from cryoloom.protocol.declare import near

    found = [one for one in all_labels().values() if one.name == name]
    found = found or [one for one in all_labels().values() if one.name.lower().startswith(name.lower())]
    if not found:
        raise ParameterError(
            f"label {name}", found="unknown", expected="one of RELION's", hint=near(name, [*all_labels()])
        )
    rows = [[one.name, one.type, one.unit, one.since, one.meaning] for one in found]
    if as_json:
        print_json(
            [dict(zip(("label", "type", "unit", "since", "meaning"), row, strict=True)) for row in rows]
        )
    else:
        print(table(["label", "type", "unit", "since", "meaning"], rows))


def alias(
    job: Annotated[str, typer.Argument(help="Name, number or alias.")],
    name: Annotated[str, typer.Argument(help="The new name; None takes it away.")],
    project: ProjectOption = None,
) -> None:
    """Give a job a name of your own."""
    opened = open_project(project)
    opened.folder.set_alias(job, name)
    print(f"{opened.folder.entry(job if name == 'None' else name).name}: {name}")
