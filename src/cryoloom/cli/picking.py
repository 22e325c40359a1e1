"""Picks that people edit: picks."""

from pathlib import Path

import click

from cryoloom.cli.options import job_argument, json_option, project_option
from cryoloom.cli.shell import open_project, print_json, table

AXES, ID = ("rlnCoordinateX", "rlnCoordinateY"), "cryoloomItemId"


def add_to(app: click.Group) -> None:
    """Add these commands to the program."""
    app.add_command(picks)


@click.command("picks")
@job_argument
@click.argument(
    "micrograph",
    required=False,
    help="Its name, a part that only one has (0004), or its number (4); all without one.",
)
@click.option("--add", multiple=True, metavar="X,Y", help="A new pick there, in px of the micrograph.")
@click.option(
    "--remove",
    multiple=True,
    metavar="X,Y|ID",
    help="The pick there, or the only one within half a particle; or by its id.",
)
@click.option(
    "--move", multiple=True, metavar="X,Y=X,Y|ID=X,Y", help="A pick to another place; it keeps its id."
)
@click.option("--since", metavar="REVISION", help="Only if nobody has edited them since this revision.")
@click.option(
    "--dependents", is_flag=True, help="Jobs that made something of the picks before make it again."
)
@json_option
@project_option
def picks(
    job: str,
    micrograph: str | None,
    add: tuple[str, ...],
    remove: tuple[str, ...],
    move: tuple[str, ...],
    since: str | None,
    dependents: bool,
    as_json: bool,
    project: Path | None,
) -> None:
    """Show or edit the picks of a job of relion.manualpick, or of one of RELION's.

    All of it is one edit, done whole or not at all; places name picks as they lie before it.
    """
    from cryoloom.api.pick_edit import PickEdit, moved, place
    from cryoloom.api.picking import edit, hand_on, picked_micrographs, picks_of

    found = open_project(project).job(job)
    what = PickEdit(remove, tuple(moved(word) for word in move), tuple(place(word) for word in add))
    is_edit = bool(add or remove or move)
    if is_edit:
        if micrograph is None:
            raise click.UsageError("which micrograph? Give its name behind the job's")
        saved = edit(found, micrograph, what, since=since, dependents=dependents)
        if as_json:
            print_json(saved.as_dict())
            return
        print(
            f"{saved.micrograph}: {saved.added} added, {saved.removed} removed, {saved.moved} moved; "
            f"{saved.picks} picks (revision {saved.revision})."
        )
        if saved.doubt:
            print(f"Unchecked: {saved.doubt}.")
        if saved.reopened:
            print(f"Again with these picks: {', '.join(saved.followers)}.")
        elif saved.followers:
            print("Made of the picks before:")
            for name in saved.followers:
                print(f"  {name} ({saved.why[name]})")
            print(f"  cryoloom picks {saved.job} --dependents")
        if saved.wholes:
            print("To be made again by a restart:")
        for name in saved.wholes:
            print(f"  cryoloom restart {name} --dependents  ({saved.why[name]})")
        return
    if dependents:
        names = hand_on(found)
        if as_json:
            print_json({"job": found.name, "reopened": list(names)})
        else:
            nothing = "nothing: no job that has ended is made of other picks than these"
            print(f"Again with these picks: {', '.join(names) or nothing}.")
        return
    if micrograph is None:
        listed = picked_micrographs(found)
        if as_json:
            print_json([one.as_dict() for one in listed])
        else:
            print(table(["micrograph", "picks"], [[one.micrograph, str(one.picks)] for one in listed]))
        return
    shown = picks_of(found, micrograph)
    if as_json:
        print_json(shown.as_dict())
        return
    rows = [
        [str(row[ID]), *(f"{row[axis]:.1f}" for axis in AXES)] for row in shown.table.iter_rows(named=True)
    ]
    print(table([ID, *AXES], rows))
    print(f"{shown.micrograph}: {shown.table.height} picks, revision {shown.revision or 'none'}.")
