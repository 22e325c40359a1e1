"""Keeping a project's scheduler alive for days: service install, show, remove."""

from pathlib import Path

import click

from cryoloom.cli.options import json_option, project_option
from cryoloom.cli.shell import open_project, print_json


def add_to(app: click.Group) -> None:
    """Add these commands to the program."""
    group = click.Group("service", help="Keep a project's scheduler alive by systemd.", no_args_is_help=True)
    group.add_command(install)
    group.add_command(show)
    group.add_command(remove)
    app.add_command(group)


@click.command("install")
@project_option
def install(project: Path | None) -> None:
    """Have systemd keep this project's scheduler alive."""
    from cryoloom.api import service

    root = open_project(project).path
    print(f"Written and started: {service.install(root)}")
    print("To outlive your logout: loginctl enable-linger")


@click.command("show")
@json_option
@project_option
def show(as_json: bool, project: Path | None) -> None:
    """Print the unit, and a line for crontab where there is no systemd; nothing is changed."""
    from cryoloom.api import service

    unit = service.unit_of(open_project(project).path)
    if as_json:
        print_json(unit.as_dict())
        return
    print(f"# {unit.file} ({'there' if unit.installed else 'not installed'})\n{unit.text}")
    print(f"# or, by crontab -e:\n{unit.crontab}")


@click.command("remove")
@project_option
def remove(project: Path | None) -> None:
    """Take the unit away; jobs go on."""
    from cryoloom.api import service

    root = open_project(project).path
    print("Taken away." if service.remove(root) else "There is none.")
