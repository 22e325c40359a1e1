"""Results looked at before a job may say that it succeeded: an empty thing is a result that looks like one.

RELION's programs end with success over a mask that encloses nothing, a map of zeros or of nan, half maps that are one
map, and a table without rows. Particles that a condition leaves none of are a result, and are said to be none.
"""

from pathlib import Path

from cryoloom.errors import DatasetError
from cryoloom.protocol.datasets import (
    Coordinates,
    Dataset,
    HalfMaps,
    LocalResolution,
    Mask,
    Model,
    Postprocess,
    Table,
    Volume,
)
from cryoloom.protocol.protocols import Protocol, RowProtocol

PIXEL_TOLERANCE = 0.02  # pixel sizes that differ by more are no matter of calibration
MAPS = (".mrc", ".map", ".mrcs")


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


def check_given(root: Path, protocol: Protocol) -> list[str]:
    """That the inputs which are complete have items, and those that no job of ours made have numbers.

    Returns:
        What is to be said of them.
    Raises:
        ParameterError: an input is empty; with what to do.
        DatasetError: a value that is no number, with its line.
    """
    from cryoloom.project.needs import is_in_the_making, no_items

    for name, dataset in protocol.given.items():
        path = root / dataset.path
        if not dataset or not path.is_file() or is_in_the_making(root, dataset):
            continue
        if isinstance(dataset, Mask | HalfMaps):
            check_result(root, f"{protocol.name}: input {name}", dataset)
        if not isinstance(dataset, Table) or isinstance(dataset, Coordinates) or path.suffix != ".star":
            continue
        if isinstance(protocol, RowProtocol):
            continue  # sets may be empty, and have values that a condition is to take out
        from cryoloom.runner.program_job import count_items

        if not count_items(path, dataset):
            raise no_items(protocol, name, dataset)
        if not dataset.job:
            _check_values(path)
    return _pixel_sizes(root, protocol)


def _pixel_sizes(root: Path, protocol: Protocol) -> list[str]:
    """What is to be said of masks that have another pixel size than the half maps: RELION looks at boxes only.

    Where there are no half maps masks are resampled by what their headers say.
    """
    from cryoloom.images.headers import read_header

    given = {name: dataset for name, dataset in protocol.given.items() if (root / dataset.path).is_file()}
    masks = [dataset for dataset in given.values() if isinstance(dataset, Mask)]
    said = []
    for of in (dataset for dataset in given.values() if isinstance(dataset, HalfMaps)):
        other = read_header(root / of.path)
        for mask in masks:
            own = read_header(root / mask.path)
            if own.angpix and other.angpix and abs(own.angpix / other.angpix - 1) > PIXEL_TOLERANCE:
                said.append(
                    f"{mask.path} says {own.angpix:.4g} Å/px and {of.path} {other.angpix:.4g}: RELION lays them on each other "
                    "pixel by pixel."
                )
    return said


def _check_values(path: Path) -> None:
    from cryoloom import star
    from cryoloom.em.numbers import check_numbers

    for block, table in star.tables_of(star.read(path)).items():
        check_numbers(table, path, block)


def _check_map(path: Path, name: str) -> None:
    low, high = _range(path, name)
    if low == high:
        raise DatasetError(
            f"{name}: {path.name}",
            found=f"a map with {low:g} in each voxel",
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
