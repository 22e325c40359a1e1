"""STAR files into STAR files, whole sets at a time: star join, split, convert."""

from pathlib import Path

import click

from cryoloom.cli.options import file_path


def add_to(group: click.Group) -> None:
    """Add these commands to `cryoloom star`."""
    for command in (join, split, convert):
        group.add_command(command)


@click.command("join")
@click.argument(
    "files", nargs=-1, required=True, type=file_path, help="STAR files of one kind: particles or micrographs."
)
@click.option("--output", "-o", type=file_path, required=True, help="The STAR file to write.")
@click.option(
    "--unique", default="", show_default=False, help="A label: of rows with one value only the first is kept."
)
@click.option(
    "--fill",
    default="",
    show_default=False,
    help="LABEL=VALUE, ...: what stands where a file lacks a column that means something.",
)
@click.option("--common", is_flag=True, help="Only the columns that all files have.")
@click.option(
    "--merge-groups", is_flag=True, help="Optics groups that say the same become one, whatever their names."
)
def join(
    files: tuple[Path, ...], output: Path, unique: str, fill: str, common: bool, merge_groups: bool
) -> None:
    """Put sets together; optics groups of one name that say the same become one, all others stay apart."""
    from cryoloom.api.star_sets import join_files

    made = join_files(files, output, unique=unique, fill=fill, common=common, merge_groups=merge_groups)
    print(f"{made.file}: {made.items} items of {len(files)} files in {made.groups} optics groups")
    for remark in made.remarks:
        print(f"  {remark}")


@click.command("split")
@click.argument("file", type=file_path, help="A STAR file of particles or micrographs.")
@click.option("--output", "-o", type=file_path, required=True, help="The STAR file to write.")
@click.option("--parts", "-n", type=click.IntRange(min=2), default=2, help="How many, of equal size.")
@click.option("--random", "seed", type=int, help="Items at random, from this seed; else in their order.")
@click.option("--by", default="", show_default=False, help="A label: one file for each of its values.")
def split(file: Path, output: Path, parts: int, seed: int | None, by: str) -> None:
    """Write a set as several, `-o part.star` as part_1.star, part_2.star, ..."""
    from cryoloom.api.star_sets import split_file

    for made in split_file(file, output, parts=parts, seed=seed, by=by):
        print(f"{made.file}: {made.what}, {made.items} items")


@click.command("convert")
@click.argument("file", type=file_path, help="A STAR file of particles or micrographs.")
@click.option("--output", "-o", type=file_path, required=True, help="The STAR file to write.")
@click.option("--to", default="3.1", help="RELION's layout: 3.1 (and later) or 3.0 (and older).")
def convert(file: Path, output: Path, to: str) -> None:
    """Particles or micrographs between RELION 3.0's layout and that of 3.1: optics groups, shifts in Å."""
    from cryoloom.api.star_sets import convert_file

    made = convert_file(file, output, layout=to)
    groups = f" in {made.groups} optics groups" if made.groups is not None else ""
    print(f"{made.file}: {made.items} {made.kind}{groups}")
    for remark in made.remarks:
        print(f"  {remark}")
