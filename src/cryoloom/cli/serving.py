"""The browser's side: serve."""

from datetime import date
from pathlib import Path

import click

from cryoloom.cli.options import file_path
from cryoloom.cli.shell import open_project


def add_to(app: click.Group) -> None:
    """Add these commands to the program."""
    app.add_command(serve)


def _day(_context: click.Context, _option: click.Parameter, value: str | None) -> date | None:
    try:
        return date.fromisoformat(value) if value is not None else None
    except ValueError:
        raise click.BadParameter(
            f"it is {value!r}, expected a day as year-month-day, such as 2026-12-01."
        ) from None


@click.command("serve")
@click.argument(
    "project", type=file_path, required=False, help="One project; without it all that were opened."
)
@click.option("--host", default="127.0.0.1", help="The address to listen at: this machine's own alone.")
@click.option(
    "--port", default=0, type=click.IntRange(0, 65535), help="0: the first that is free from 7654 on."
)
@click.option(
    "--unix-socket", type=file_path, help="Listen at a socket that only you may open, on a shared machine."
)
@click.option("--base", default="/", help="The path that a proxy keeps before ours, such as /node/c12/7654/.")
@click.option("--public-url", default="", help="The address that users of a proxy see.")
@click.option(
    "--read-only-link", is_flag=True, help="Print a link too that may only look at the project's session."
)
@click.option(
    "--until",
    callback=_day,
    metavar="YYYY-MM-DD",
    help="The last day on which that link is good, 2026-12-01.",
)
@click.option("--browser/--no-browser", default=True, help="Open the page, where there is a display.")
def serve(
    project: Path | None,
    host: str,
    port: int,
    unix_socket: Path | None,
    base: str,
    public_url: str,
    read_only_link: bool,
    until: date | None,
    browser: bool,
) -> None:
    """Show projects in a browser; prints the link. Jobs go on without it."""
    from cryoloom.server.serving import Place
    from cryoloom.server.serving import serve as run

    if read_only_link != (until is not None) or (read_only_link and project is None):
        raise click.UsageError("--read-only-link and --until go together, and with one project")
    only = open_project(project).path if project is not None else None
    place = Place(host, port, unix_socket, base, public_url)
    run(only, place, open_browser=browser, read_only_until=until)
