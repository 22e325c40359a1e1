"""Iterations of RELION's refinement programs, as their files in a job's folder tell them."""

import re
from pathlib import Path

from cryoloom.errors import CryoloomError

_OPTIMISER = re.compile(r"run(?:_ct\d+)?_it(\d{3})_optimiser\.star$")


def whole_iterations(folder: Path) -> dict[int, str]:
    """Iterations whose files are all there and whole, and the names of their optimiser files.

    The newest may be half written when a program was killed, or cut short when the machine lost its power. Where a
    job was continued in its own folder by RELION, the later file of an iteration counts.
    """
    found: dict[int, tuple[str, int]] = {}
    for path in sorted(folder.glob("run*_it*_optimiser.star"), key=lambda path: (len(path.name), path.name)):
        match = _OPTIMISER.match(path.name)
        # Iteration 0 has no sampling file and is no place to go on from.
        if match is None or not int(match.group(1)):
            continue
        rows = _particles_of(folder, path.name.removesuffix("optimiser.star"))
        if rows:
            found[int(match.group(1))] = (path.name, rows)
    most = max((rows for _, rows in found.values()), default=0)
    return {number: name for number, (name, rows) in sorted(found.items()) if rows == most}


def _particles_of(folder: Path, stem: str) -> int:
    """How many particles an iteration has, 0 where one of its files is missing or cut short."""
    # Imported here: a job without tables starts twice as fast.
    import polars as pl

    from cryoloom import star
    from cryoloom.images.headers import read_header

    halves = (folder / f"{stem}half1_model.star").exists()
    models = [f"{stem}half1_model.star", f"{stem}half2_model.star"] if halves else [f"{stem}model.star"]
    rows = 0
    try:
        for name in (*models, *(f"{stem}{part}.star" for part in ("data", "optimiser", "sampling"))):
            if not _has_end(folder / name):
                return 0
            blocks = star.scan(folder / name)
            if name.endswith("_data.star"):
                rows = max((block.rows for block in blocks if block.name != "optics"), default=0)
        for name in models:
            classes = star.read(folder / name, ["model_classes"])["model_classes"]
            if not isinstance(classes, pl.DataFrame):
                return 0  # a head without rows
            for image in {str(reference).rpartition("@")[2] for reference in classes["rlnReferenceImage"]}:
                read_header(folder / Path(image).name)  # says so when it is shorter than it promises
    except (CryoloomError, OSError, KeyError):
        return 0
    return rows


def _has_end(path: Path) -> bool:
    """Whether the last table is all there: RELION writes a line without words behind each."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 64))
        return re.search(rb"\n[ \t]*\n$", file.read()) is not None
