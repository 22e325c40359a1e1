"""Results looked at before a job may say that it succeeded: an empty thing is a result that looks like one.

What a job is given is looked at in `given.py`.

RELION's programs end with success over a mask that encloses nothing, a map of zeros or of nan, half maps that are one
map, and a table without rows. Particles that a condition leaves none of are a result, and are said to be none.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from cryoloom.errors import DatasetError
from cryoloom.protocol.datasets import (
    Dataset,
    HalfMaps,
    LocalResolution,
    Mask,
    Model,
    Postprocess,
    Volume,
)

if TYPE_CHECKING:
    import polars as pl

MAPS = (".mrc", ".map", ".mrcs")
# RELION computes nothing from them, and CTFFIND says `inf` where it found no fit.
JUDGED_ONLY = frozenset({"rlnCtfMaxResolution", "rlnCtfFigureOfMerit"})


def check_result(root: Path, name: str, dataset: Dataset) -> None:
    """That a result has something in it.

    Args:
        root: the project.
        name: of job and output, for messages.
        dataset: whose file is there.
    Raises:
        DatasetError: it has nothing, or what it has is no number.
    """
    path = root / dataset.path
    if isinstance(dataset, Mask):
        low, high = _range(path, name)
        if high <= 0:
            raise DatasetError(
                f"{name}: {dataset.path}", found="a mask that encloses nothing: zero everywhere", expected="values up to 1",
                hint="Lower the threshold (inimask_threshold).",
            )  # fmt: skip
        if low >= 1:
            raise DatasetError(
                f"{name}: {dataset.path}", found="a mask that encloses everything: one everywhere", expected="an edge",
                hint="Raise the threshold (inimask_threshold).",
            )  # fmt: skip
    elif isinstance(dataset, HalfMaps):
        _check_map(path, name)
        if dataset.has_other:
            # Either may be named; the other one is looked at too.
            other = next(one for one in (root / dataset.half(2), root / dataset.half(1)) if one != path)
            _check_other_half(path, other, name)
            if _are_equal(path, other):
                raise DatasetError(
                    f"{name}: {dataset.path}", found="the same as its other half", expected="two independent maps",
                    hint="An FSC of a map with itself says nothing.",
                )  # fmt: skip
    elif isinstance(dataset, Volume | LocalResolution):
        if path.suffix in MAPS:
            _check_map(path, name)
    elif isinstance(dataset, Model):
        _check_classes(root, path, name)
    elif isinstance(dataset, Postprocess):
        _check_curves(path, name)


def check_rows(
    rows: "pl.DataFrame",
    table: str,
    *,
    before: int = 0,
    hint: str = "",
    given: "Callable[[], Iterable[pl.DataFrame]]" = lambda: (),
) -> None:
    """That the rows which a set operation is about to write have numbers where RELION reads numbers.

    Args:
        rows: of which parsed columns are looked at.
        table: its name, for messages.
        before: how many rows the table has already.
        hint: what else to do.
        given: the rows that these were made of, asked for only where something is wrong. What was no number there has been
            said by the job that wrote it: some of its items lacked the column.
    Raises:
        DatasetError: the first value that is none, with its row and label.
    """
    from cryoloom.em.numbers import no_numbers

    bad = no_numbers(rows.select(name for name in rows.columns if _is_read(name)))
    if bad:
        known = {one.label for part in given() for one in no_numbers(part)}
        bad = [one for one in bad if one.label not in known]
    if bad:
        first = bad[0]
        raise DatasetError(
            f"{table}, row {before + first.row + 1}: {first.label}",
            found=repr(first.value) + (f" (first of {len(bad)} such values)" if len(bad) > 1 else ""),
            expected="a number; RELION would read another one without a word",
            hint=hint or "Each item needs a value there; cryoloom help tells how this operation comes to it.",
        )  # fmt: skip


def _is_read(label: str) -> bool:
    return label.startswith("rln") and label not in JUDGED_ONLY


def _check_map(path: Path, name: str) -> None:
    low, high = _range(path, name)
    if low == high:
        raise DatasetError(
            f"{name}: {path.name}",
            found=f"a map with {low + 0.0:g} in each voxel",
            expected="a map with something in it",
        )


def _check_other_half(path: Path, other: Path, name: str) -> None:
    """That it is there, and as large as the first: RELION finds it by the name of that."""
    from cryoloom.images.headers import read_header

    if not other.is_file():
        raise DatasetError(
            f"{name}: {other.name}", found="missing", expected=f"the other half of {path.name}"
        )
    own, its = (read_header(one) for one in (path, other))
    if (own.size, own.frames) != (its.size, its.frames):
        raise DatasetError(
            f"{name}: {other.name}", found="x".join(map(str, (*its.size, its.frames))) + " px",
            expected="x".join(map(str, (*own.size, own.frames))) + f" px, as {path.name} has",
        )  # fmt: skip
    _check_map(other, name)


def _range(path: Path, name: str) -> tuple[float, float]:
    import math

    from cryoloom.images.misread import range_of

    low, high = range_of(path)
    if not (math.isfinite(low) and math.isfinite(high)):
        raise DatasetError(
            f"{name}: {path.name}", found="voxels that are no numbers (nan or infinite)", expected="numbers",
            hint="A column of the particles' STAR file that is no number does so: cryoloom star check.",
        )  # fmt: skip
    return low, high


def _are_equal(one: Path, other: Path) -> bool:
    import numpy as np

    from cryoloom.images.mrc import read_mrc

    return bool(np.array_equal(read_mrc(one), read_mrc(other)))


def _check_curves(path: Path, name: str) -> None:
    from cryoloom import star

    fsc = star.tables_of(star.read(path)).get("fsc")
    if fsc is None or not fsc.height:
        raise DatasetError(f"{name}: {path.name}", found="without an FSC curve", expected="a table data_fsc")


def _check_classes(root: Path, path: Path, name: str) -> None:
    """That one class at least has an average."""
    from cryoloom import star
    from cryoloom.images.misread import range_of

    classes = star.tables_of(star.read(path)).get("model_classes")
    if classes is None or "rlnReferenceImage" not in classes.columns:
        return
    files = {str(one).rpartition("@")[2] for one in classes["rlnReferenceImage"].to_list()}
    ranges = [range_of(root / file) for file in sorted(files) if (root / file).is_file()]
    if ranges and not any(low < high for low, high in ranges):
        raise DatasetError(
            f"{name}: {path.name}", found=f"{classes.height} classes without an average", expected="one at least",
            hint="A column of the particles' STAR file that is no number does so: cryoloom star check.",
        )  # fmt: skip
