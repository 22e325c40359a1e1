"""STAR files without a text editor: star show, query, select, sort, plot, check."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cryoloom.cli import star_sets
from cryoloom.cli.shell import FAILED, table

if TYPE_CHECKING:
    import polars as pl

    from cryoloom.api.star_tables import StarTable

FORMATS = ("table", "csv", "json", "parquet", "star")

FileArgument = Annotated[Path, typer.Argument(help="A STAR file.")]
BlockOption = Annotated[
    str | None, typer.Option("--block", "-b", help="A block's name; by default the largest table.")
]
RowsOption = Annotated[int, typer.Option("--rows", "-n", help="Rows to show at most; 0 for all.")]
OutOption = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write a file; its ending tells the format.")
]
FormatOption = Annotated[
    str | None, typer.Option("--format", "-f", help="table, csv, json, parquet or star.")
]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    group = typer.Typer(
        help="Any STAR file: look at it, ask it, check it.", no_args_is_help=True, rich_markup_mode=None
    )
    for command in (show, query, select, sort, plot, check):
        group.command()(command)
    star_sets.add_to(group)
    app.add_typer(group, name="star")


def show(file: FileArgument, block: BlockOption = None, rows: RowsOption = 10) -> None:
    """List the blocks of a file and show the first rows of a table."""
    from cryoloom.api.star_tables import block_of, blocks_in

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


def query(
    file: FileArgument,
    condition: Annotated[str, typer.Argument(help="SQL over the labels: 'rlnCtfMaxResolution < 4'.")],
    block: BlockOption = None,
    rows: RowsOption = 20,
    output: OutOption = None,
    form: FormatOption = None,
) -> None:
    """Keep the rows for which a condition holds."""
    from cryoloom.api.star_tables import table_of

    _give(table_of(file, block).where(condition), rows, output, form)


def select(
    file: FileArgument,
    labels: Annotated[list[str], typer.Argument(help="Labels to keep, in the order wanted.")],
    block: BlockOption = None,
    rows: RowsOption = 20,
    output: OutOption = None,
    form: FormatOption = None,
) -> None:
    """Keep some columns."""
    from cryoloom.api.star_tables import table_of

    _give(table_of(file, block).select(labels), rows, output, form)


def sort(
    file: FileArgument,
    labels: Annotated[list[str], typer.Argument(help="Labels to sort by, the first one first.")],
    descending: Annotated[bool, typer.Option("--descending", "-d", help="The largest first.")] = False,
    block: BlockOption = None,
    rows: RowsOption = 20,
    output: OutOption = None,
    form: FormatOption = None,
) -> None:
    """Sort a table; rows that are equal keep their order."""
    from cryoloom.api.star_tables import table_of

    _give(table_of(file, block).sort(labels, descending=descending), rows, output, form)


def plot(
    file: FileArgument,
    x: Annotated[str, typer.Argument(help="A label.")],
    y: Annotated[str, typer.Argument(help="Another; without it a histogram of the first is drawn.")] = "",
    output: Annotated[
        Path, typer.Option("--output", "-o", help="PNG, SVG, PDF or HTML, by its ending.")
    ] = Path("plot.png"),
    kind: Annotated[str, typer.Option("--kind", "-k", help="histogram, scatter or line.")] = "",
    where: Annotated[str, typer.Option("--where", help="Only rows for which this SQL holds.")] = "",
    block: BlockOption = None,
) -> None:
    """Draw a histogram, points or a line of one or two columns."""
    from cryoloom.api.star_tables import table_of

    found = table_of(file, block)
    chosen = found.where(where) if where else found
    chosen.draw(x, y, kind, target=output)
    print(f"{output}: {chosen.rows.height} rows of data_{chosen.name}")


def check(files: Annotated[list[Path], typer.Argument(help="STAR files.")]) -> None:
    """Read files whole and say what is irregular or broken in each."""
    from cryoloom.api.star_check import check_star

    found = [check_star(file) for file in files]
    for one in found:
        if one.fault:
            print(one.fault)
            continue
        lost = f"; {one.lost} broken blocks" if one.lost else ""
        print(f"{one.file}: {one.blocks} blocks, {one.rows} rows{lost}")
        for remark in one.remarks:
            print(f"  {remark}")
    if not all(one.healthy for one in found):
        raise typer.Exit(FAILED)


def _give(found: "StarTable", rows: int, output: Path | None, form: str | None) -> None:
    """The table to where it is wanted: a file, or standard output as text."""
    if form and form not in FORMATS:
        raise typer.BadParameter(f"--format {form}: expected {', '.join(FORMATS)}")
    if form in ("parquet", "star") and output is None:
        raise typer.BadParameter(f"--format {form} needs --output FILE")
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
