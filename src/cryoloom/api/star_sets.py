"""Whole sets of STAR files put together, parted, and moved between RELION's layouts, outside any project."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from cryoloom import star
from cryoloom.api.star_tables import need_labels
from cryoloom.em.joining import Fill, joined
from cryoloom.em.optics import NUMBER, downgraded_to_30, items_name, upgraded_to_31
from cryoloom.errors import DatasetError, ParameterError

LAYOUTS = ("3.1", "3.0")


@dataclass(frozen=True, slots=True)
class WrittenSet:
    """A file that was made of others."""

    file: str
    kind: str  # particles or micrographs
    items: int
    groups: int | None  # optics groups; None in RELION 3.0's layout
    what: str = ""  # of a part: which
    remarks: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "file": self.file, "kind": self.kind, "items": self.items, "groups": self.groups, "what": self.what,
            "remarks": list(self.remarks),
        }  # fmt: skip


def join_files(
    files: Sequence[Path],
    output: Path,
    *,
    unique: str = "",
    fill: str = "",
    common: bool = False,
    merge_groups: bool = False,
) -> WrittenSet:
    """Put sets together; optics groups of one name that say the same become one, all others stay apart.

    Args:
        files: of one kind, particles or micrographs.
        output: the STAR file to write.
        unique: a label; of rows with one value only the first is kept.
        fill: `LABEL=VALUE, ...`, what stands where a file lacks a column that means something.
        common: only the columns that all files have.
        merge_groups: optics groups that say the same become one, whatever their names.
    Raises:
        DatasetError: files of two kinds, or without optics groups.
        ParameterError: `fill` is neither values nor a number.
        StarError: `unique` is no label of theirs.
    """
    parts = [_items(file) for file in files]
    kinds = {items_name(items) for _, items in parts}
    if len(kinds) > 1:
        raise DatasetError(
            f"{', '.join(map(str, files))}", found="particles and micrographs", expected="files of one kind"
        )
    try:
        given = Fill.parsed(fill)
    except ValueError:
        raise ParameterError("fill", found=repr(fill), expected="LABEL=VALUE, ..., or a number") from None
    names = [str(file) for file in files]
    optics, items, lacking = joined(parts, names, fill=given, common=common, merge=merge_groups)
    remarks = []
    came = items.height
    if unique:
        need_labels(files[0], items, [unique])
        items = items.unique(unique, keep="first", maintain_order=True)
    if came > items.height:
        remarks.append(f"{came - items.height} with the {unique} of another are left out")
    for label in lacking:
        how = "left out" if common else f"{given.value(label)} where it was missing"
        remarks.append(f"{label} is not in every file: {how}")
    kind = kinds.pop()
    star.write(output, {"optics": optics, kind: items})
    return WrittenSet(str(output), kind, items.height, optics.height, remarks=tuple(remarks))


def split_file(
    file: Path, output: Path, *, parts: int = 2, seed: int | None = None, by: str = ""
) -> list[WrittenSet]:
    """Write a set as several, `part.star` as part_1.star, part_2.star, ...

    Args:
        file: particles or micrographs.
        output: the name to number.
        parts: how many, of equal size.
        seed: items at random from it; None: in their order.
        by: a label; one file for each of its values instead.
    Raises:
        DatasetError: a file without optics groups.
        StarError: no such label.
    """
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
    made = []
    for number, (what, piece) in enumerate(pieces, start=1):
        target = output.with_stem(f"{output.stem}_{number}")
        kind = items_name(items)
        star.write(target, {"optics": optics, kind: piece})
        made.append(WrittenSet(str(target), kind, piece.height, optics.height, what))
    return made


def convert_file(file: Path, output: Path, *, layout: str = "3.1") -> WrittenSet:
    """Write a set in another layout of RELION's: 3.1 (and later) or 3.0 (and older).

    Raises:
        ParameterError: another layout.
        DatasetError: a file without optics groups, or of values that 3.0 has no place for.
    """
    if layout not in LAYOUTS:
        raise ParameterError("layout", found=repr(layout), expected=" or ".join(LAYOUTS))
    optics, items = _items(file)
    kind = items_name(items)
    if layout == "3.1":
        star.write(output, {"optics": optics, kind: items})
        return WrittenSet(str(output), kind, items.height, optics.height)
    table, lost = downgraded_to_30(optics, items, file)
    star.write(output, {"": table}, comments={"": ()})  # as RELION knows files of 3.0
    remarks = (f"RELION 3.0 has no place for {', '.join(lost)}: left out",) if lost else ()
    return WrittenSet(str(output), kind, items.height, None, remarks=remarks)


def _items(file: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    optics, items = upgraded_to_31(star.read(file), file)
    for name, table in (("data_optics", optics), ("the table of items", items)):
        if NUMBER not in table.columns:
            raise DatasetError(
                f"{file}: {NUMBER} in {name}", found="missing", expected="the number of an optics group"
            )
    return optics, items
