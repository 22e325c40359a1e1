"""STAR files into STAR files, whole sets at a time: star join, split, convert."""

from pathlib import Path
from typing import Annotated

import typer

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
    from cryoloom.api.star_sets import join_files

    made = join_files(files, output, unique=unique, fill=fill, common=common, merge_groups=merge_groups)
    print(f"{made.file}: {made.items} items of {len(files)} files in {made.groups} optics groups")
    for remark in made.remarks:
        print(f"  {remark}")


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
    from cryoloom.api.star_sets import split_file

    for made in split_file(file, output, parts=parts, seed=seed, by=by):
        print(f"{made.file}: {made.what}, {made.items} items")


def convert(
    file: FileArgument,
    output: OutOption,
    to: Annotated[
        str, typer.Option("--to", help="RELION's layout: 3.1 (and later) or 3.0 (and older).")
    ] = "3.1",
) -> None:
    """Particles or micrographs between RELION 3.0's layout and that of 3.1: optics groups, shifts in Å."""
    from cryoloom.api.star_sets import convert_file

    made = convert_file(file, output, layout=to)
    groups = f" in {made.groups} optics groups" if made.groups is not None else ""
    print(f"{made.file}: {made.items} {made.kind}{groups}")
    for remark in made.remarks:
        print(f"  {remark}")
