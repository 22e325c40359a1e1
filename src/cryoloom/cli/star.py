"""STAR files without a text editor: star show, query, select, sort, plot, check."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cryoloom.cli import star_sets
from cryoloom.cli.shell import FAILED, table
from cryoloom.cli.star_sets import need_labels
from cryoloom.errors import StarError

if TYPE_CHECKING:
    import polars as pl

    from cryoloom.star import Blocks


MOST_NAMED = 20  # values of a table that are no numbers
FORMATS = ("table", "csv", "json", "parquet", "star")
BY_SUFFIX = {".csv": "csv", ".json": "json", ".parquet": "parquet", ".star": "star"}

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
    from cryoloom import star

    found = star.scan(file)
    print(
        table(
            ["block", "rows", "labels"],
            [
                [
                    f"data_{info.name}",
                    str(info.rows) if info.is_table else "single values",
                    str(len(info.labels)),
                ]
                for info in found
            ],
        )
    )
    largest = max(found, key=lambda info: (info.is_table, info.rows)).name
    name = largest if block is None else block.removeprefix("data_")
    content = star.read(file, blocks=[name])[name]
    print(f"\ndata_{name}")
    if isinstance(content, dict):
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
    from cryoloom.star.expressions import rows_that_hold

    blocks, name, content = _read(file, block)
    _give(blocks, name, content.filter(rows_that_hold(content, condition)), rows, output, form)


def select(
    file: FileArgument,
    labels: Annotated[list[str], typer.Argument(help="Labels to keep, in the order wanted.")],
    block: BlockOption = None,
    rows: RowsOption = 20,
    output: OutOption = None,
    form: FormatOption = None,
) -> None:
    """Keep some columns."""
    blocks, name, content = _read(file, block)
    need_labels(file, content, labels)
    _give(blocks, name, content.select(labels), rows, output, form)


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
    blocks, name, content = _read(file, block)
    need_labels(file, content, labels)
    ordered = content.sort(labels, descending=descending, maintain_order=True)
    _give(blocks, name, ordered, rows, output, form)


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
    from cryoloom.star.expressions import rows_that_hold
    from cryoloom.views.columns import column_chart
    from cryoloom.views.drawing import draw

    _, name, content = _read(file, block)
    need_labels(file, content, [label for label in (x, y) if label])
    if where:
        content = content.filter(rows_that_hold(content, where))
    draw(column_chart(content, x, y, kind), output)
    print(f"{output}: {content.height} rows of data_{name}")


def check(files: Annotated[list[Path], typer.Argument(help="STAR files.")]) -> None:
    """Read files whole and say what is irregular or broken in each."""
    from cryoloom import star
    from cryoloom.em.numbers import no_numbers

    broken = False
    for file in files:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always", star.StarWarning)
            try:
                blocks = star.read(file, strict=False)
            except StarError as error:
                broken = True
                print(error)
                continue
        rows = sum(1 if isinstance(block, dict) else block.height for block in blocks.values())
        lost = len(star.scan(file, strict=False)) - len(blocks)
        broken |= lost > 0
        print(f"{file}: {len(blocks)} blocks, {rows} rows" + (f"; {lost} broken blocks" if lost else ""))
        for warning in said:
            print(f"  {warning.message}")
        for name, content in star.tables_of(blocks).items():
            bad = no_numbers(content)
            broken |= bool(bad)
            for one in bad[:MOST_NAMED]:
                line = star.line_of(file, name, one.row, one.label)
                print(f"  {file}, line {line}: {one}, which is no number; RELION would read another one")
            if len(bad) > MOST_NAMED:
                print(f"  and {len(bad) - MOST_NAMED} more values in data_{name} that are no numbers")
    if broken:
        raise typer.Exit(FAILED)


def _read(file: Path, block: str | None) -> "tuple[Blocks, str, pl.DataFrame]":
    from cryoloom import star

    blocks = star.read(file)
    rows = {key: 0 if isinstance(value, dict) else value.height for key, value in blocks.items()}
    name = block.removeprefix("data_") if block is not None else max(rows, key=lambda key: rows[key])
    content = star.as_table(blocks.get(name))
    if content is None:
        raise StarError(
            f"{file}: block data_{name}",
            found="missing",
            expected=f"a table, one of {', '.join(f'data_{key}' for key in blocks)}",
        )
    return blocks, name, content


def _give(
    blocks: "Blocks", name: str, content: "pl.DataFrame", rows: int, output: Path | None, form: str | None
) -> None:
    from cryoloom import star

    form = form or (BY_SUFFIX.get(output.suffix, "star") if output else "table")
    if form not in FORMATS:
        raise typer.BadParameter(f"--format {form}: expected {', '.join(FORMATS)}")
    if form in ("parquet", "star") and output is None:
        raise typer.BadParameter(f"--format {form} needs --output FILE")
    if form == "table" and output is None:
        _print_rows(content, rows)
        return
    if form == "star":
        # The other blocks come along: particles mean nothing without their optics groups.
        assert output is not None
        star.write(output, {**blocks, name: content}, comments=blocks.comments)
    elif form == "parquet":
        assert output is not None
        content.write_parquet(output)
    else:
        text = content.write_csv() if form == "csv" else content.write_json() + "\n"
        if output is None:
            print(text, end="")
            return
        output.write_text(text)
    print(f"{output}: {content.height} rows of data_{name}")


def _print_rows(content: "pl.DataFrame", rows: int) -> None:
    shown = content if rows == 0 else content.head(rows)
    print(table(shown.columns, [[str(value) for value in row] for row in shown.iter_rows()]))
    print(
        f"{content.height} rows"
        + (f", the first {shown.height} shown" if shown.height < content.height else "")
    )
