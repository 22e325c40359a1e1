"""Image stacks that a table of particles names: found, measured, and linked under names of their own."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from cryoloom.em.names import readable
from cryoloom.errors import DatasetError, ImageError
from cryoloom.plugins.imports.linking import link_or_copy, make_folder

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack that was found."""

    source: Path  # resolved
    target: str  # its name in the project
    images: int
    size: tuple[int, int]  # (x, y), px


@dataclass(slots=True)
class Stacks:
    """The stacks by the names that a table has for them."""

    found: dict[str, Stack] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)  # name → why it cannot be taken, as a clause
    said: list[str] = field(default_factory=list)  # what was converted


def split_names(names: "pl.Series") -> "pl.DataFrame":
    """`rlnImageName` as `number` (text, null where there is none) and `stack`.

    cryoSPARC writes `>` before the stack's name.
    """
    import polars as pl

    name = pl.col("name").cast(pl.String)
    has_number = name.str.contains("@", literal=True)
    frame = pl.DataFrame({"name": names})
    return frame.select(
        pl.when(has_number).then(name.str.extract(r"^([^@]*)@")).alias("number"),
        name.str.replace(r"^[^@]*@", "").str.strip_prefix(">").alias("stack"),
    )


def bring_stacks(
    names: Sequence[str], root: Path, folder: str, bases: Sequence[Path], *, by_tail: bool
) -> Stacks:
    """Find the stacks, look at each, and link it below a job's folder; no two get one name.

    Args:
        names: as the table has them.
        root, folder: the project, and the job's folder with its slash.
        bases: folders in which the names begin, tried in this order.
        by_tail: whether the longest tail of a name that exists below a base will do.
    Raises:
        DatasetError: two names lead to one file that only one of them can mean.
    """
    from cryoloom.images.headers import read_header
    from cryoloom.images.misread import convert_for_relion

    stacks = Stacks()
    targets: dict[Path, str] = {}
    meant: dict[Path, str] = {}
    for name in names:
        place = _find(name, bases, by_tail=by_tail)
        if place is None:
            stacks.lost[name] = "which is missing"
            continue
        source, tail = place[0].resolve(), place[1]
        whole = os.path.normpath(name)
        if source in meant and tail != whole and meant[source] != whole:
            raise DatasetError(
                f"{source}", found=f"meant by {meant[source]} and by {name}", expected="one file for each name",
                hint="Say with stacks_below= a folder in which they are apart.",
            )  # fmt: skip
        meant.setdefault(source, whole)
        try:
            header = read_header(source)
        except ImageError as error:
            stacks.lost[name] = str(error)
            continue
        if source not in targets:
            target = _free_target(folder, tail, set(targets.values()))
            make_folder((root / target).parent)
            (root / target).unlink(missing_ok=True)  # of an attempt before this one
            try:
                said = convert_for_relion(source, root / target)
            except ImageError as error:
                stacks.lost[name] = str(error)
                continue
            if said:
                stacks.said.append(f"{tail}: {said}")
            else:
                link_or_copy(source, root / target, copy=False)
            targets[source] = target
        stacks.found[name] = Stack(source, targets[source], header.frames, header.size)
    return stacks


def check_numbers_of_images(
    parts: "pl.DataFrame", stacks: Mapping[str, Stack], lines: "Sequence[int]", file: Path, block: str
) -> None:
    """That each number is one of an image of its stack.

    Args:
        parts: as `split_names` gives them, of particles whose stacks were found.
        lines: for each its row in the file's table, from 0.
    Raises:
        DatasetError: the first that is not, with its line, and the stack's size.
    """
    import polars as pl

    from cryoloom import star

    sizes = pl.DataFrame(
        [(name, stack.images) for name, stack in stacks.items()],
        schema={"stack": pl.String, "images": pl.Int64},
        orient="row",
    )
    table = parts.with_columns(
        pl.Series("row", lines, dtype=pl.Int64), pl.col("number").cast(pl.Int64, strict=False).alias("n")
    )
    table = table.join(sizes, on="stack", how="left", maintain_order="left")
    # Without a number RELION takes the first, whatever was meant.
    is_bad = pl.col("n").is_null() | (pl.col("n") < 1) | (pl.col("n") > pl.col("images"))
    bad = table.filter(pl.when(pl.col("number").is_null()).then(pl.col("images") > 1).otherwise(is_bad))
    if not bad.height:
        return
    first = bad.row(0, named=True)
    from_zero = first["n"] == 0
    which = "no number of an image" if first["number"] is None else f"image {first['number']}"
    raise DatasetError(
        f"{file}, line {star.line_of(file, block, first['row'], 'rlnImageName')}: rlnImageName",
        found=f"{which} of {first['stack']} (first of {bad.height} such rows)",
        expected=f"a number from 1 to {first['images']}, for so many images has that stack",
        hint="RELION counts from 1, and takes 0 for the first: this file counts from 0." if from_zero else "",
    )  # fmt: skip


def _find(name: str, bases: Sequence[Path], *, by_tail: bool) -> tuple[Path, str] | None:
    """The file that a name means, and the part of the name that was found."""
    path = Path(name)
    if path.is_absolute() and path.is_file():
        return path, os.path.normpath(name)
    parts = path.parts[1:] if path.is_absolute() else path.parts
    first = 0 if not path.is_absolute() or by_tail else len(parts)
    last = len(parts) if by_tail else first + 1
    for start in range(first, last):
        tail = Path(*parts[start:])
        for base in bases:
            if (base / tail).is_file():
                return base / tail, os.path.normpath(tail)
    return None


def _free_target(folder: str, tail: str, taken: set[str]) -> str:
    """A name below the job's folder that no other stack has; RELION takes a stack by its ending."""
    parts = [part for part in Path(tail).parts if part not in ("/", "..", ".")]
    path = Path(readable("/".join(parts)))
    suffix = ".mrcs" if path.suffix in ("", ".mrc") else path.suffix
    stem = f"{folder}{path.with_suffix('')}"
    return next(name for n in count(1) if (name := f"{stem}{'' if n == 1 else f'_{n}'}{suffix}") not in taken)
