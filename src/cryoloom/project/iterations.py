"""Iterations of RELION's refinement programs, as their files in a job's folder tell them.

Files are `run_it012_data.star`; `run_ct12_it013_data.star` once a job has gone on from iteration 12, when RELION takes
what a continuation writes for later than all before. By name `run_ct25_it050` comes before `run_it025`, and by number
`run_it025` after `run_ct10_it012`, which is newer: nobody sorts such names but this module.
"""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from cryoloom.errors import CryoloomError

_END = sys.maxsize
_ROOT = re.compile(r"run(?:_ct(\d+))?(?:_it(\d+))?(?=_)")


def age_of(name: str) -> tuple[int, int]:
    """What files of iterations are sorted by, oldest first: the iteration gone on from (-1 for none), and the number.

    The files of the end (`run_model.star`) come after those of all iterations of their run. Names that are no
    iteration's come first.
    """
    match = _ROOT.match(name)
    if match is None:
        return (-2, -1)
    continued, number = match.groups()
    return (-1 if continued is None else int(continued), _END if number is None else int(number))


def course(folder: Path, *endings: str) -> dict[int, Path]:
    """The file of each iteration that led to the newest one, oldest first.

    What was done beyond the iteration that a continuation went on from no longer counts.

    Args:
        folder: the job's.
        endings: what the name has behind the number and `_`, `data.star`; several where one or the other is written.
    """
    files = {path for ending in endings for path in folder.glob(f"run*_it*_{ending}")}
    found: dict[int, Path] = {}
    before = -1
    for path in sorted(files, key=lambda path: age_of(path.name)):
        continued, number = age_of(path.name)
        if not _is_of(path.name, endings):
            continue
        if continued != before:
            found = {known: file for known, file in found.items() if known <= continued}
            before = continued
        found[number] = path
    return found


def newest(folder: Path, *endings: str) -> Path | None:
    """The file of the newest iteration, None where there is none."""
    files = course(folder, *endings)
    return files[max(files)] if files else None


def final(folder: Path, ending: str) -> Path | None:
    """The file that a refinement writes at its end, `run_ENDING` or `run_ct12_ENDING`; None before that.

    Nor is it what an earlier run left, once a continuation has begun.
    """
    runs = [age_of(path.name)[0] for path in folder.glob("run*_it*_*")]
    files = [path for path in folder.glob(f"run*_{ending}") if age_of(path.name)[1] == _END]
    files = [path for path in files if _is_of(path.name, [ending])]
    files = [path for path in files if age_of(path.name)[0] >= max(runs, default=-1)]
    return max(files, key=lambda path: age_of(path.name), default=None)


def _is_of(name: str, endings: Iterable[str]) -> bool:
    """Whether nothing stands between the number and the ending: `half1_model.star` is no `model.star`."""
    match = _ROOT.match(name)
    return match is not None and name[match.end() + 1 :] in endings


def whole_iterations(folder: Path) -> dict[int, str]:
    """Iterations whose files are all there and whole, and the names of their optimiser files.

    The newest may be half written when a program was killed, or cut short when the machine lost its power. Where a
    job was continued in its own folder by RELION, the later file of an iteration counts.
    """
    found: dict[int, tuple[str, int]] = {}
    for number, path in course(folder, "optimiser.star").items():
        # Iteration 0 has no sampling file and is no place to go on from.
        rows = _particles_of(folder, path.name.removesuffix("optimiser.star")) if number else 0
        if rows:
            found[number] = (path.name, rows)
    most = max((rows for _, rows in found.values()), default=0)
    return {number: name for number, (name, rows) in sorted(found.items()) if rows == most}


def lacking(folder: Path, number: int) -> tuple[str, ...]:
    """Files without which an iteration is not whole, where some of it are there; "" (none) where nothing of it is."""
    there = {path.name for path in folder.glob(f"run*_it{number:03d}_*")}
    if not there:
        return ()
    stem = max((name for name in there), key=age_of).partition("_it")[0] + f"_it{number:03d}_"
    model = "half1_model.star" if f"{stem}half1_model.star" in there else "model.star"
    wanted = [f"{stem}{part}" for part in ("optimiser.star", "data.star", "sampling.star", model)]
    return (*(name for name in wanted if name not in there or not has_end(folder / name)),)


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
            if not has_end(folder / name):
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


def has_end(path: Path) -> bool:
    """Whether the last table is all there: RELION writes a line without words behind each."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 64))
        return re.search(rb"\n[ \t]*\n$", file.read()) is not None
