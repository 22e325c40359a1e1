"""STAR files into STAR files, whole sets at a time: star join, split, convert."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cryoloom.errors import DatasetError, StarError

if TYPE_CHECKING:
    import polars as pl

FileArgument = Annotated[Path, typer.Argument(help="A STAR file of particles or micrographs.")]
OutOption = Annotated[Path, typer.Option("--output", "-o", help="The STAR file to write.")]


def add_to(group: typer.Typer) -> None:
    """Add these commands to `cryoloom star`."""
    for command in (join, split, convert):
        group.command()(command)


def join(
    files: Annotated[list[Path], typer.Argument(help="STAR files of one kind: particles or micrographs.")],
    output: OutOption,
    unique: Annotated[
        str, typer.Option("--unique", help="A label: of rows with one value only the first is kept.")
    ] = "",
    fill: Annotated[
        str,
        typer.Option(
            "--fill", help="LABEL=VALUE, ...: what stands where a file lacks a column that means something."
        ),
    ] = "",
    common: Annotated[bool, typer.Option("--common", help="Only the columns that all files have.")] = False,
    merge_groups: Annotated[
        bool,
        typer.Option(
            "--merge-groups", help="Optics groups that say the same become one, whatever their names."
        ),
    ] = False,
) -> None:
    """Put sets together; optics groups of one name that say the same become one, all others stay apart."""
    from cryoloom import star
    from cryoloom.em.joining import Fill, joined
    from cryoloom.em.optics import items_name

    parts = [_items(file) for file in files]
    kinds = {items_name(items) for _, items in parts}
    if len(kinds) > 1:
        raise DatasetError(
            f"{', '.join(map(str, files))}", found="particles and micrographs", expected="files of one kind"
        )
    try:
        given = Fill.parsed(fill)
    except ValueError:
        raise typer.BadParameter(f"--fill {fill}: expected LABEL=VALUE, ..., or a number") from None
    names = [str(file) for file in files]
    optics, items, lacking = joined(parts, names, fill=given, common=common, merge=merge_groups)
    came = items.height
    if unique:
        need_labels(files[0], items, [unique])
        items = items.unique(unique, keep="first", maintain_order=True)
    star.write(output, {"optics": optics, kinds.pop(): items})
    print(f"{output}: {items.height} items of {len(files)} files in {optics.height} optics groups")
    if came > items.height:
        print(f"  {came - items.height} with the {unique} of another are left out")
    for label in lacking:
        print(
            f"  {label} is not in every file: "
            + ("left out" if common else f"{given.value(label)} where it was missing")
        )


def split(
    file: FileArgument,
    output: OutOption,
    parts: Annotated[int, typer.Option("--parts", "-n", min=2, help="How many, of equal size.")] = 2,
    seed: Annotated[
        int | None, typer.Option("--random", help="Items at random, from this seed; else in their order.")
    ] = None,
    by: Annotated[str, typer.Option("--by", help="A label: one file for each of its values.")] = "",
) -> None:
    """Write a set as several, `-o part.star` as part_1.star, part_2.star, ..."""
    import polars as pl

    from cryoloom import star
    from cryoloom.em.optics import items_name

    optics, items = _items(file)
    if by:
        need_labels(file, items, [by])
        pieces = [
            (f"{by} {key[0]}", piece)
            for key, piece in items.partition_by(by, as_dict=True, maintain_order=True).items()
        ]
    else:
        numbers = pl.Series("part", range(items.height), dtype=pl.Int64) * parts // max(items.height, 1)
        if seed is not None:
            numbers = numbers.sample(fraction=1.0, shuffle=True, seed=seed)
        pieces = [(f"part {number + 1}", items.filter(numbers == number)) for number in range(parts)]
    for number, (what, piece) in enumerate(pieces, start=1):
        target = output.with_stem(f"{output.stem}_{number}")
        star.write(target, {"optics": optics, items_name(items): piece})
        print(f"{target}: {what}, {piece.height} items")


def convert(
    file: FileArgument,
    output: OutOption,
    to: Annotated[
        str, typer.Option("--to", help="RELION's layout: 3.1 (and later) or 3.0 (and older).")
    ] = "3.1",
) -> None:
    """Particles or micrographs between RELION 3.0's layout and that of 3.1: optics groups, shifts in Å."""
    from cryoloom import star
    from cryoloom.em.optics import downgraded_to_30, items_name

    if to not in ("3.0", "3.1"):
        raise typer.BadParameter(f"--to {to}: expected 3.0 or 3.1")
    optics, items = _items(file)
    if to == "3.1":
        star.write(output, {"optics": optics, items_name(items): items})
        print(f"{output}: {items.height} {items_name(items)} in {optics.height} optics groups")
        return
    table, lost = downgraded_to_30(optics, items, file)
    star.write(output, {"": table}, comments={"": ()})  # as RELION knows files of 3.0
    print(f"{output}: {items.height} {items_name(items)}")
    if lost:
        print(f"  RELION 3.0 has no place for {', '.join(lost)}: left out")


def _items(file: Path) -> "tuple[pl.DataFrame, pl.DataFrame]":
    from cryoloom import star
    from cryoloom.em.optics import NUMBER, upgraded_to_31

    optics, items = upgraded_to_31(star.read(file), file)
    for name, table in (("data_optics", optics), ("the table of items", items)):
        if NUMBER not in table.columns:
            raise DatasetError(
                f"{file}: {NUMBER} in {name}", found="missing", expected="the number of an optics group"
            )
    return optics, items


def need_labels(file: Path, table: "pl.DataFrame", labels: list[str]) -> None:
    """Every label is in the table.

    Raises:
        StarError: one is not; the nearest that is there is offered.
    """
    import difflib

    for label in labels:
        if label not in table.columns:
            near = difflib.get_close_matches(label, table.columns, n=1)
            raise StarError(
                f"{file}: label {label}",
                found="missing",
                expected=f"one of {', '.join(table.columns)}",
                hint=f"Did you mean {near[0]}?" if near else "",
            )
