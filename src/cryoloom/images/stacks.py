"""Particles and the stacks that their table names: each image is there, and each optics group has the box of its images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryoloom.errors import DatasetError

if TYPE_CHECKING:
    import polars as pl

GROUP, SIZE = "rlnOpticsGroup", "rlnImageSize"


@dataclass(frozen=True, slots=True)
class StackSize:
    """What a stack's header says."""

    images: int
    size: tuple[int, int]  # (x, y), px


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


def check_numbers_of_images(
    parts: "pl.DataFrame", stacks: Mapping[str, StackSize], lines: Sequence[int], file: Path, block: str
) -> None:
    """That each number is one of an image of its stack.

    Args:
        parts: as `split_names` gives them, of particles whose stacks were found.
        stacks: by name, what their headers say.
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


def with_image_sizes(
    optics: "pl.DataFrame",
    particles: "pl.DataFrame",
    names: "pl.Series",
    stacks: Mapping[str, StackSize],
    file: Path,
) -> "pl.DataFrame":
    """The optics table with the box of each group, without which RELION 3.1 reads no particles.

    Raises:
        DatasetError: stacks of one group have different boxes, or another one than the group says; or are no squares.
    """
    import polars as pl

    group = (
        particles["rlnOpticsGroup"] if "rlnOpticsGroup" in particles.columns else pl.Series([1] * names.len())
    )
    pairs = pl.DataFrame({"group": group, "stack": names}).unique(maintain_order=True).sort("group", "stack")
    boxes: dict[int, tuple[int, str]] = {}
    for number, name in pairs.iter_rows():
        x, y = stacks[name].size
        if x != y:
            raise DatasetError(f"{name}", found=f"images of {x} x {y} px", expected="square ones")
        box, other = boxes.setdefault(number, (x, name))
        if box != x:
            raise DatasetError(
                f"{file}: optics group {number}", found=f"boxes of {box} px ({other}) and of {x} px ({name})",
                expected="one box for a group", hint="Give each box its own optics group.",
            )  # fmt: skip
    said = optics["rlnImageSize"].to_list() if "rlnImageSize" in optics.columns else [None] * optics.height
    sizes = []
    for number, size in zip(optics["rlnOpticsGroup"].to_list(), said, strict=True):
        box, name = boxes.get(number, (size, ""))
        if size is not None and box != size:
            raise DatasetError(
                f"{file}: rlnImageSize of optics group {number}", found=f"{size}", expected=f"{box}, as {name} has",
                hint="Images and table do not belong together, or the table was not changed with them.",
            )  # fmt: skip
        sizes.append(box)
    return optics.with_columns(pl.Series("rlnImageSize", sizes))
