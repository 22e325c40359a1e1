"""Images that the rows of a table name: they are there, inside the project, and as large as their optics group says."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from cryoloom.em.optics import NUMBER
from cryoloom.errors import DatasetError, ImageError, ProjectError
from cryoloom.images.headers import ImageHeader, read_header
from cryoloom.project.paths import inside

IMAGE, SIZE = "rlnImageName", "rlnImageSize"


def check_images(root: Path, items: pl.DataFrame, optics: pl.DataFrame, shown: str) -> pl.DataFrame:
    """Look at each particle's image, by the headers of the stacks.

    Args:
        root: the project, below which names count.
        items: with `rlnImageName` and their optics group.
        optics: with the box of each group.
        shown: the table's name, for messages.
    Returns:
        The items, with names below the project where they were paths of this machine.
    Raises:
        DatasetError: the first row whose image is not there, or has another box than its group.
    """
    items = below(root, items, IMAGE, shown)
    sizes = dict(optics.select(NUMBER, SIZE).iter_rows())
    for stack, group, first, header in _stacks(root, items, IMAGE, items[NUMBER], shown):
        if header.size != (sizes[group], sizes[group]):
            raise DatasetError(
                f"{shown}: {IMAGE} in row {first}", found=f"an image of {header.size[0]} x {header.size[1]} px ({stack})",
                expected=f"{sizes[group]} x {sizes[group]}, the {SIZE} of optics group {group}",
                hint="Images of another box or binning need an optics group of their own.",
            )  # fmt: skip
    return items


def check_stacks(root: Path, items: pl.DataFrame, label: str, shown: str) -> pl.DataFrame:
    """Look at images of which no optics group says how large they are, averages of classes; as `check_images`.

    Raises:
        DatasetError: the first row whose image is not there.
    """
    items = below(root, items, label, shown)
    for _ in _stacks(root, items, label, pl.repeat(0, items.height, eager=True), shown):
        pass  # that they are there is what is looked at
    return items


def _stacks(
    root: Path, items: pl.DataFrame, label: str, groups: pl.Series, shown: str
) -> Iterator[tuple[str, int, int, ImageHeader]]:
    """Each stack of each group, with the first row that names it; its images are there."""
    parts = items.select(
        pl.col(label).str.extract(r"^([0-9]+)@", 1).cast(pl.Int64).fill_null(1).alias("number"),
        pl.col(label).str.replace(r"^[0-9]+@", "").alias("stack"),
        groups.alias("group"),
    ).with_row_index("row", offset=1)
    for (stack, group), rows in parts.group_by("stack", "group", maintain_order=True):
        first = int(rows["row"][0])
        header = _header(root, str(stack), f"{shown}: {label} in row {first}")
        beyond = rows.filter((pl.col("number") < 1) | (pl.col("number") > header.frames))
        if beyond.height:
            row, number = beyond.select("row", "number").row(0)
            raise DatasetError(
                f"{shown}: {label} in row {row}", found=f"image {number} of {stack}, which has {header.frames}",
                expected=f"1 to {header.frames}, counted from 1",
            )  # fmt: skip
        yield str(stack), int(str(group)), first, header


def check_files(root: Path, items: pl.DataFrame, label: str, shown: str) -> pl.DataFrame:
    """Look at each movie or micrograph; as `check_images`.

    Raises:
        DatasetError: the first row whose file is no image; or that names one a second time.
    """
    items = below(root, items, label, shown)
    seen: dict[str, int] = {}
    for row, name in enumerate(items[label].to_list(), start=1):
        if name in seen:
            raise DatasetError(
                f"{shown}: {label} in row {row}", found=f"{name}, as in row {seen[name]}", expected="each file once"
            )  # fmt: skip
        seen[name] = row
        _header(root, name, f"{shown}: {label} in row {row}")
    return items


def below(root: Path, items: pl.DataFrame, label: str, shown: str) -> pl.DataFrame:
    """Names of files as they count below the project, since a project may be moved.

    Raises:
        DatasetError: one leads out of it.
    """
    column = items[label].cast(pl.String)
    # At the beginning alone: a folder of the project may have the name of the one that holds it.
    names = column.str.replace(rf"^([0-9]+@)?{pl.escape_regex(str(root))}/", "${1}")
    # A stack has many images: its name is looked at once.
    files = names.str.replace(r"^[0-9]+@", "")
    for name in files.unique(maintain_order=True).to_list():
        try:
            inside(root, str(name))
        except ProjectError as error:
            row = int((files == name).arg_true()[0]) + 1
            where, found = f"{shown}: {label} in row {row}", f"{error.where}, {error.found}"
            raise DatasetError(where, found=found, expected=error.expected, hint=error.hint) from None
    return items.with_columns(names.alias(label))


def _header(root: Path, name: str, where: str) -> ImageHeader:
    try:
        return read_header(root / name)
    except ImageError as error:
        raise DatasetError(where, found=f"{name}, which is {error.found}", expected=error.expected) from None
