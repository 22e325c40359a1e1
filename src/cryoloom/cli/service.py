"""Keeping a project's scheduler alive for days: service install, show, remove."""

import typer

from cryoloom.cli.shell import ProjectOption, open_project


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    group = typer.Typer(
        help="Keep a project's scheduler alive by systemd.", no_args_is_help=True, rich_markup_mode=None
    )
    group.command("install")(install)
    group.command("show")(show)
    group.command("remove")(remove)
    app.add_typer(group, name="service")


def install(project: ProjectOption = None) -> None:
    """Have systemd keep this project's scheduler alive."""
    from cryoloom.api import service

    root = open_project(project).path
    print(f"Written and started: {service.install(root)}")
    print("To outlive your logout: loginctl enable-linger")


def show(project: ProjectOption = None) -> None:
    """Print the unit, and a line for crontab where there is no systemd; nothing is changed."""
    from cryoloom.api import service

    root = open_project(project).path
    state = "there" if service.unit_file(root).exists() else "not installed"
    print(f"# {service.unit_file(root)} ({state})\n{service.unit_text(root)}")
    print(f"# or, by crontab -e:\n{service.crontab_line(root)}")


def remove(project: ProjectOption = None) -> None:
    """Take the unit away; jobs go on."""
    from cryoloom.api import service

    root = open_project(project).path
    print("Taken away." if service.remove(root) else "There is none.")
