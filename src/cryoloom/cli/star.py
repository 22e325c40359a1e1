"""STAR files without a text editor: star show, query, select, sort, plot, check."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cryoloom.cli import star_sets
from cryoloom.cli.options import FC, file_path, json_option
from cryoloom.cli.shell import FAILED, print_json, table

if TYPE_CHECKING:
    import polars as pl

    from cryoloom.api.star_tables import StarTable

FORMATS = ("table", "csv", "json", "parquet", "star")

file_argument = click.argument("file", type=file_path, help="A STAR file.")
block_option = click.option("--block", "-b", help="A block's name; by default the largest table.")
output_option = click.option(
    "--output", "-o", type=file_path, help="Write a file; its ending tells the format."
)
format_option = click.option("--format", "-f", "form", type=click.Choice(FORMATS), help="Of what is given.")


def rows_option(default: int) -> "Callable[[FC], FC]":
    """How much is printed."""
    return click.option("--rows", "-n", default=default, help="Rows to show at most; 0 for all.")


def add_to(app: click.Group) -> None:
    """Add these commands to the program."""
    group = click.Group("star", help="Any STAR file: look at it, ask it, check it.", no_args_is_help=True)
    for command in (show, query, select, sort, plot, check):
        group.add_command(command)
    star_sets.add_to(group)
    app.add_command(group)


@click.command("show")
@file_argument
@block_option
@rows_option(10)
@json_option
def show(file: Path, block: str | None, rows: int, as_json: bool) -> None:
    """List the blocks of a file and show the first rows of a table."""
    from cryoloom.api.star_tables import block_of, blocks_in

    if as_json:
        name, content = block_of(file, block)
        shown = content if isinstance(content, Mapping) else content.head(rows or content.height).to_dicts()
        print_json({"blocks": [one.as_dict() for one in blocks_in(file)], "block": name, "content": shown})
        return
    lines = [
        [f"data_{one.name}", "single values" if one.rows is None else str(one.rows), str(one.labels)]
        for one in blocks_in(file)
    ]
    print(table(["block", "rows", "labels"], lines))
    name, content = block_of(file, block)
    print(f"\ndata_{name}")
    if isinstance(content, Mapping):
        print(table(["label", "value"], [[label, str(value)] for label, value in content.items()]))
    else:
        _print_rows(content, rows)


@click.command("query")
@file_argument
@click.argument("condition", help="SQL over the labels: 'rlnCtfMaxResolution < 4'.")
@block_option
@rows_option(20)
@output_option
@format_option
def query(
    file: Path, condition: str, block: str | None, rows: int, output: Path | None, form: str | None
) -> None:
    """Keep the rows for which a condition holds."""
    from cryoloom.api.star_tables import table_of

    _give(table_of(file, block).where(condition), rows, output, form)


@click.command("select")
@file_argument
@click.argument("labels", nargs=-1, required=True, help="Labels to keep, in the order wanted.")
@block_option
@rows_option(20)
@output_option
@format_option
def select(
    file: Path, labels: tuple[str, ...], block: str | None, rows: int, output: Path | None, form: str | None
) -> None:
    """Keep some columns."""
    from cryoloom.api.star_tables import table_of

    _give(table_of(file, block).select(labels), rows, output, form)


@click.command("sort")
@file_argument
@click.argument("labels", nargs=-1, required=True, help="Labels to sort by, the first one first.")
@click.option("--descending", "-d", is_flag=True, help="The largest first.")
@block_option
@rows_option(20)
@output_option
@format_option
def sort(
    file: Path,
    labels: tuple[str, ...],
    descending: bool,
    block: str | None,
    rows: int,
    output: Path | None,
    form: str | None,
) -> None:
    """Sort a table; rows that are equal keep their order."""
    from cryoloom.api.star_tables import table_of

    _give(table_of(file, block).sort(labels, descending=descending), rows, output, form)


@click.command("plot")
@file_argument
@click.argument("x", help="A label.")
@click.argument("y", default="", help="Another; without it a histogram of the first is drawn.")
@click.option(
    "--output", "-o", type=file_path, default=Path("plot.png"), help="PNG, SVG, PDF or HTML, by its ending."
)
@click.option("--kind", "-k", default="", show_default=False, help="histogram, scatter or line.")
@click.option("--where", default="", show_default=False, help="Only rows for which this SQL holds.")
@block_option
def plot(file: Path, x: str, y: str, output: Path, kind: str, where: str, block: str | None) -> None:
    """Draw a histogram, points or a line of one or two columns."""
    from cryoloom.api.star_tables import table_of

    found = table_of(file, block)
    chosen = found.where(where) if where else found
    chosen.draw(x, y, kind, target=output)
    print(f"{output}: {chosen.rows.height} rows of data_{chosen.name}")


@click.command("check")
@click.argument("files", nargs=-1, required=True, type=file_path, help="STAR files.")
@json_option
def check(files: tuple[Path, ...], as_json: bool) -> None:
    """Read files whole and say what is irregular or broken in each."""
    from cryoloom.api.star_check import check_star

    found = [check_star(file) for file in files]
    if as_json:
        print_json([one.as_dict() for one in found])
    for one in found if not as_json else ():
        if one.fault:
            print(one.fault)
            continue
        lost = f"; {one.lost} broken blocks" if one.lost else ""
        print(f"{one.file}: {one.blocks} blocks, {one.rows} rows{lost}")
        for remark in one.remarks:
            print(f"  {remark}")
    if not all(one.healthy for one in found):
        raise click.exceptions.Exit(FAILED)


def _give(found: "StarTable", rows: int, output: Path | None, form: str | None) -> None:
    """The table to where it is wanted: a file, or standard output as text."""
    if form in ("parquet", "star") and output is None:
        raise click.UsageError(f"--format {form} needs --output FILE")
    if output is None and form in (None, "table"):
        _print_rows(found.rows, rows)
    elif output is None:
        print(found.text(form or ""), end="")
    else:
        # A table for people is no file's format.
        found.write(output, "" if form in (None, "table") else form)
        print(f"{output}: {found.rows.height} rows of data_{found.name}")


def _print_rows(content: "pl.DataFrame", rows: int) -> None:
    shown = content if rows == 0 else content.head(rows)
    print(table(shown.columns, [[str(value) for value in row] for row in shown.iter_rows()]))
    print(
        f"{content.height} rows"
        + (f", the first {shown.height} shown" if shown.height < content.height else "")
    )
