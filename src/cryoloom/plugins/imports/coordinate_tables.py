"""Picks as other programs write them, as tables with RELION's labels.

Coordinates are centres, in pixels of the micrograph, with RELION's axes (y grows with the row of the file).
Boxes (EMAN's .box, crYOLO's .box and .cbox) are given by a corner and their size; the centre is half of it further.
"""

import csv
from pathlib import Path

import polars as pl

from cryoloom import star
from cryoloom.errors import DatasetError

AXES = ("rlnCoordinateX", "rlnCoordinateY")
NAME = "rlnMicrographName"
SCORE = "rlnAutopickFigureOfMerit"
READ = ".star, .box, .cbox, .txt and .tsv"


def read_picks(path: Path) -> pl.DataFrame:
    """A file's picks, with `rlnMicrographName` where the file says of which micrograph; no row for an empty file.

    Raises:
        DatasetError: a format that is not read, or a coordinate that is no number; with the row.
    """
    readers = {".star": _of_star, ".box": _of_box, ".cbox": _of_cbox, ".txt": _of_topaz, ".tsv": _of_topaz}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DatasetError(
            f"{path}", found=f"a {path.suffix or 'nameless kind of'} file", expected=f"coordinates as {READ}",
            hint="Let the program that made it write a STAR file.",
        )  # fmt: skip
    if not path.stat().st_size:
        return pl.DataFrame(schema=dict.fromkeys(AXES, pl.Float64))
    return _checked(reader(path), path)


def _of_star(path: Path) -> pl.DataFrame:
    tables = [*star.tables_of(star.read(path)).values()]
    for table in tables:
        if AXES[0] in table.columns:
            return table
    if not any(table.width for table in tables):
        return pl.DataFrame(schema=dict.fromkeys(AXES, pl.Float64))
    seen = [label for table in tables for label in table.columns]
    raise DatasetError(
        f"{path}", found=f"without {AXES[0]}: it has {', '.join(seen[:4])}", expected="coordinates"
    )


def _of_cbox(path: Path) -> pl.DataFrame:
    """crYOLO's own: a STAR file without RELION's labels, in which corners are given."""
    for table in star.tables_of(star.read(path)).values():
        if {"CoordinateX", "CoordinateY", "Width", "Height"} <= set(table.columns):
            centres = [
                (pl.col(f"Coordinate{axis}").cast(pl.Float64) + pl.col(size).cast(pl.Float64) / 2).alias(
                    label
                )
                for axis, size, label in zip("XY", ("Width", "Height"), AXES, strict=True)
            ]
            picks = table.select(centres)
            score = (
                table["Confidence"].cast(pl.Float64, strict=False) if "Confidence" in table.columns else None
            )
            # crYOLO writes <NA> where it has none, and a 0 would mean a bad one.
            return picks if score is None or score.null_count() else picks.with_columns(score.alias(SCORE))
    raise DatasetError(
        f"{path}", found="without a table of boxes", expected="crYOLO's CoordinateX, Width, ..."
    )


def _of_box(path: Path) -> pl.DataFrame:
    """EMAN's: x and y of a corner, width, height."""
    rows = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        try:
            x, y, width, height = (float(word) for word in words[:4])
        except ValueError:
            raise DatasetError(
                f"{path}, line {number}", found=repr(line[:60]), expected="x, y, width and height of a box"
            ) from None
        rows.append((x + width / 2, y + height / 2))
    return pl.DataFrame(rows, schema=dict.fromkeys(AXES, pl.Float64), orient="row")


def _of_topaz(path: Path) -> pl.DataFrame:
    """Topaz's: image_name, x_coord, y_coord and perhaps score, with tabs between; centres."""
    with path.open(newline="") as file:
        rows = [*csv.reader(file, delimiter="\t")]
    head = rows[0] if rows else []
    wanted = ("image_name", "x_coord", "y_coord")
    if not set(wanted) <= set(head):
        raise DatasetError(
            f"{path}, line 1",
            found=repr("\t".join(head)[:60]),
            expected="the columns image_name, x_coord, y_coord",
        )
    columns = {
        name: [row[head.index(name)] if len(row) > head.index(name) else "" for row in rows[1:]]
        for name in head
    }
    table = pl.DataFrame(
        {NAME: columns["image_name"], AXES[0]: columns["x_coord"], AXES[1]: columns["y_coord"]}
    )
    return table.with_columns(pl.Series(SCORE, columns["score"])) if "score" in columns else table


def _checked(table: pl.DataFrame, path: Path) -> pl.DataFrame:
    """Coordinates as numbers.

    Raises:
        DatasetError: one is none; with the row and the value.
    """
    for label in (*AXES, SCORE):
        if label not in table.columns:
            if label in AXES:
                raise DatasetError(f"{path}", found=f"without {label}", expected="coordinates of both axes")
            continue
        numbers = table[label].cast(pl.Float64, strict=False)
        wrong = ~numbers.is_finite().fill_null(False)
        if wrong.any():
            row = int(wrong.arg_true()[0])
            raise DatasetError(
                f"{path}: {label} in row {row + 1}", found=repr(table[label][row]), expected="a number",
                hint="Mend that row, or take it out.",
            )  # fmt: skip
        table = table.with_columns(numbers.alias(label))
    return table
