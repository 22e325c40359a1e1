"""The session: how far behind a stream is, step by step."""

from pathlib import Path

import click

from cryoloom.cli.options import json_option, project_option
from cryoloom.cli.shell import open_project, print_json, table


def add_to(app: click.Group) -> None:
    """Add these commands to the program."""
    app.add_command(session)


@click.command("session")
@json_option
@project_option
def session(as_json: bool, project: Path | None) -> None:
    """Show how far a stream is behind the microscope: its steps, what waits, what failed."""
    from cryoloom.api.session import Session

    now = Session(open_project(project)).look()
    if as_json:
        print_json(now.as_dict())
        return
    behind = "" if now.behind_s is None else f", {now.behind_s / 60:.1f} min behind"
    print(f"{now.source}: {now.verdict}{behind}; {now.why}.")
    rows = [
        [
            step.name, step.title, step.state, f"{step.done}", f"{step.failed or ''}", f"{step.waits or ''}",
            "" if step.each_s is None else f"{step.each_s:.1f} s", "" if step.load is None else f"{100 * step.load:.0f} %",
        ]
        for step in now.steps
    ]  # fmt: skip
    print(table(["job", "step", "state", "done", "failed", "wait", "each takes", "capacity in use"], rows))
    if now.judged:
        print(f"{now.accepted} of {now.judged} micrographs accepted.")
    for one in now.failed:
        print(f"{one.job}: {one.why if one.name in one.why else f'{one.name}: {one.why}'}")
