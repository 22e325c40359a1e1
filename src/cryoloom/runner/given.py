"""What a job is given, looked at when it begins: what no job of ours made, nobody has looked at yet.

RELION's programs read other numbers, images and pixels than those of the file, and end with success. Imports look at the
same things and put right what can be put right: that is the advice.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from cryoloom.errors import DatasetError, ImageError
from cryoloom.protocol.conditions import holds
from cryoloom.protocol.datasets import Coordinates, Dataset, HalfMaps, Mask, Table, Volume
from cryoloom.protocol.protocols import TAKEN_OUT, ItemProtocol, ProgramProtocol, Protocol, RowProtocol
from cryoloom.runner.looking import MAPS, check_result

if TYPE_CHECKING:
    import polars as pl

    from cryoloom.images.headers import ImageHeader

PIXEL_TOLERANCE = 0.02  # pixel sizes that differ by more are no matter of calibration
IMAGE, MOVIE, MICROGRAPH = "rlnImageName", "rlnMicrographMovieName", "rlnMicrographName"


def check_given(root: Path, protocol: Protocol) -> list[str]:
    """That the inputs which are complete have items, and those that no job of ours made are what RELION will read.

    Returns:
        What is to be said of them.
    Raises:
        ParameterError: an input is empty; with what to do.
        DatasetError: a value that is no number, with its line; an image that is not there, or not of its group's box.
        ImageError: pixels that RELION would misread.
    """
    from cryoloom.project.needs import is_in_the_making, no_items

    for name, dataset in protocol.given.items():
        path = root / dataset.path
        if not dataset or not path.is_file() or is_in_the_making(root, dataset):
            continue
        where = f"{protocol.name}: input {name}"
        if isinstance(dataset, Mask | HalfMaps) or (isinstance(dataset, Volume) and path.suffix in MAPS):
            _check_map(root, where, dataset)
        if path.suffix in MAPS and not dataset.job:
            _check_pixels(path, where, "import.mask" if isinstance(dataset, Mask) else "import.volume")
        if not isinstance(dataset, Table) or isinstance(dataset, Coordinates) or path.suffix != ".star":
            continue
        if not isinstance(protocol, RowProtocol):  # sets may be empty
            from cryoloom.runner.program_job import count_items

            if not count_items(path, dataset):
                raise no_items(protocol, name, dataset)
        if is_unseen(dataset):
            _check_table(root, protocol, dataset)
    _check_parameters(root, protocol)
    return _pixel_sizes(root, protocol)


def _check_map(root: Path, where: str, dataset: Dataset) -> None:
    """As results are looked at; what to do about a result of ours is no advice for a file that somebody gave."""
    try:
        check_result(root, where, dataset)
    except DatasetError as error:
        if dataset.job:
            raise
        raise DatasetError(error.where, found=error.found, expected=error.expected) from None


def is_unseen(dataset: Dataset) -> bool:
    """Whether nobody has looked at a set's values: no job of ours made it, or a condition took its rows out."""
    return not dataset.job or dataset.output == TAKEN_OUT


def _check_table(root: Path, protocol: Protocol, dataset: Dataset) -> None:
    """Values and images of a set. Set operations may take rows out for what is no number: they look at what they keep."""
    from cryoloom import star
    from cryoloom.em.numbers import check_numbers

    path = root / dataset.path
    tables = star.tables_of(star.read(path))
    for block, table in tables.items():
        if block == "optics" or not isinstance(protocol, RowProtocol):
            check_numbers(table, path, block)
    if dataset.job:
        return
    for block, table in tables.items():
        if IMAGE in table.columns:
            # Extraction takes the places of particles alone.
            if not isinstance(protocol, ItemProtocol):
                _check_stacks(root, table, tables.get("optics"), path, block)
        elif MOVIE in table.columns:
            _check_files(root, table, MOVIE, path, "import.movies")
        elif MICROGRAPH in table.columns and block != "optics":
            is_read = isinstance(protocol, ItemProtocol | ProgramProtocol) and protocol.folder != "Import"
            _check_files(root, table, MICROGRAPH, path, "import.micrographs", has_pixels_read=is_read)


def _check_stacks(
    root: Path, table: "pl.DataFrame", optics: "pl.DataFrame | None", path: Path, block: str
) -> None:
    """Each image is there, and as large as its group says; stacks that are missing the program will miss itself."""
    import polars as pl

    from cryoloom.images.stacks import StackSize, check_numbers_of_images, split_names, with_image_sizes

    parts = split_names(table[IMAGE])
    found = {}
    for stack in parts["stack"].unique(maintain_order=True).to_list():
        if (root / stack).is_file():
            header = _check_pixels(root / stack, f"{path}: {IMAGE}", "import.particles")
            found[stack] = StackSize(header.frames, header.size)
    there = parts["stack"].is_in(list(found))
    check_numbers_of_images(parts.filter(there), found, there.arg_true().to_list(), path, block)
    groups = pl.DataFrame({"rlnOpticsGroup": pl.Series([], dtype=pl.Int64)}) if optics is None else optics
    with_image_sizes(groups, table.filter(there), parts["stack"].filter(there), found, path)


def _check_files(
    root: Path, table: "pl.DataFrame", label: str, path: Path, remedy: str, *, has_pixels_read: bool = False
) -> None:
    """Movies or micrographs; those that are missing or cut short fail as items."""
    from cryoloom.images.headers import read_header
    from cryoloom.images.misread import check_numbers, is_constant, is_float

    for name in table[label].unique(maintain_order=True).to_list():
        file = root / str(name)
        if not file.is_file():
            continue
        try:
            read_header(file)
        except ImageError:
            continue  # one that is cut short fails as an item, and no other with it
        header = _check_pixels(file, f"{path}: {label}", remedy)
        if header.format != "MRC" or not has_pixels_read:
            continue
        try:
            if is_float(header):
                check_numbers(file)
        except ImageError as error:
            raise _refused(error, f"{path}: {label}", remedy) from None
        if is_constant(file):
            raise DatasetError(
                f"{path}: {label}", found=f"{name}, which has one value in every pixel", expected="micrographs",
                hint=f"Leave it out; {remedy} does so and says why.",
            )  # fmt: skip


def _check_pixels(file: Path, where: str, remedy: str) -> "ImageHeader":
    """That RELION reads an image file rightly; what it says of itself."""
    from cryoloom.images.headers import read_header
    from cryoloom.images.misread import misread

    try:
        header = read_header(file)
        why = misread(file, header)
    except ImageError as error:
        raise _refused(error, where, remedy) from None
    if why:
        raise DatasetError(
            where, found=f"{file.name}, with {why}", expected="pixels that RELION reads as they are",
            hint=f"Bring it in with {remedy}: the project's copy is converted.",
        )  # fmt: skip
    return header


def _refused(error: ImageError, where: str, remedy: str) -> DatasetError:
    hint = f"{error.hint} {remedy} leaves such files out and says so.".strip()
    return DatasetError(
        where, found=f"{error.where}, which is {error.found}", expected=error.expected, hint=hint
    )


def _check_parameters(root: Path, protocol: Protocol) -> None:
    """Images that parameters name, a gain reference above all."""
    if not isinstance(protocol, ItemProtocol | ProgramProtocol):
        return  # imports convert them
    facts = protocol.facts()
    for name, spec in protocol.params.items():
        path = root / Path(str(protocol.values[name])).expanduser()
        if (
            spec.means != "file"
            or path.suffix not in MAPS
            or not path.is_file()
            or not holds(spec.when, facts)
        ):
            continue
        remedy = f"import.movies {name}=" if "gain" in name else "import.volume"
        _check_pixels(path, f"{protocol.name}: parameter {name}", remedy)


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
