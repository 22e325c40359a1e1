"""What a job made, in the figures that people ask for: movies, micrographs, picks, particles, classes, resolution."""

import re
from collections.abc import Mapping
from pathlib import Path

from cryoloom.errors import CryoloomError
from cryoloom.project.forms.coordinate_files import table_beside
from cryoloom.project.history import JobHistory
from cryoloom.protocol import datasets as kinds
from cryoloom.protocol.datasets import Dataset
from cryoloom.protocol.protocols import TAKEN_OUT

# Files of the parts into which a set was divided, by RELION and by us.
_PART = re.compile(r"(_split|part)\d+\.star$")


def totals_of(root: Path, outputs: Mapping[str, Dataset], history: JobHistory, *, has_ended: bool) -> str:
    """`513 particles`, `516 picks`, `50 classes`, `4.92 Å`: of each kind the first output's; parts of a set together.

    Args:
        root: the project.
        outputs: of the job, by name.
        history: its journal; empty for a job of RELION's.
        has_ended: files are looked into; while a job runs only what its journal says is told.
    """
    found: dict[str, str] = {}
    parts = {name: dataset for name, dataset in outputs.items() if _PART.search(dataset.path)}
    if len(parts) > 1 and (words := _total_of_parts(root, parts, history, has_ended=has_ended)):
        found[next(iter(parts.values())).kind] = words
    for name, dataset in outputs.items():
        if dataset.kind in found or name == TAKEN_OUT:
            continue
        state = history.outputs.get(name)
        try:
            words = _total(root, dataset, None if state is None else state.items, has_ended=has_ended)
        except (CryoloomError, OSError, ValueError, KeyError):
            words = ""  # a file that cannot be read: who opens it is told
        if words:
            found[dataset.kind] = words
    return ", ".join(dict.fromkeys(found.values()))


def _total_of_parts(root: Path, parts: Mapping[str, Dataset], history: JobHistory, *, has_ended: bool) -> str:
    """`341 particles in 2 parts`; "" where one of them is not known yet."""
    numbers: list[int | None] = []
    for name, dataset in parts.items():
        state = history.outputs.get(name)
        try:
            known = _rows(root / dataset.path, dataset.block) if has_ended else None
            numbers.append(known if state is None else state.items)
        except (CryoloomError, OSError, ValueError):
            return ""
    kind = next(iter(parts.values())).kind
    whole = [number for number in numbers if number is not None]
    return f"{_counted(sum(whole), kind)} in {len(parts)} parts" if len(whole) == len(parts) else ""


def _total(root: Path, dataset: Dataset, items: int | None, *, has_ended: bool) -> str:
    path = root / dataset.path
    match dataset:
        case kinds.Movies() | kinds.Micrographs() | kinds.Particles():
            number = items if items is not None else _rows(path, dataset.block) if has_ended else None
            return "" if number is None else _counted(number, dataset.kind)
        case kinds.Coordinates():
            number = _picks(path) if has_ended else None
            return "" if number is None else _counted(number, "picks")
        case kinds.Model() | kinds.ClassAverages() if has_ended:
            number = _rows(path, "model_classes" if isinstance(dataset, kinds.Model) else "")
            return "" if number is None else _counted(number, "classes")
        case kinds.Postprocess() if has_ended:
            return _in_angstrom(final_resolution(path))
        case kinds.HalfMaps() if has_ended:
            from cryoloom.project.iterations import final

            model = final(path.parent, "model.star")
            return "" if model is None else _in_angstrom(reached_resolution(model))
        case _:
            return ""


def _counted(number: int, things: str) -> str:
    one = {
        "movies": "movie",
        "micrographs": "micrograph",
        "particles": "particle",
        "picks": "pick",
        "classes": "class",
    }
    return f"{number} {one[things] if number == 1 else things}"


def _rows(path: Path, block: str) -> int | None:
    from cryoloom import star  # a list of jobs that are known already needs no tables

    if not path.exists():
        return None
    rows = {one.name: one.rows for one in star.scan(path, strict=False) if one.name != "optics"}
    return rows.get(block, next(iter(rows.values()), None) if len(rows) == 1 else None)


def _picks(suffix_file: Path) -> int | None:
    """How many picks there are: by our table, or by the summary that RELION's picking writes."""
    from cryoloom import star

    own = suffix_file.with_name(table_beside(suffix_file))
    file, label = own, "cryoloomCount"
    if own == suffix_file:
        file, label = suffix_file.with_name("summary.star"), "rlnGroupNrParticles"
    if not file.exists():
        return None
    tables = [table for name, table in star.tables_of(star.read(file)).items() if name != "optics"]
    counts = [table[label].sum() for table in tables if label in table.columns]
    return int(counts[0]) if counts else None


def final_resolution(postprocess: Path) -> float | None:
    """Å, by a post-processing's STAR file; None where it does not say it."""
    return _resolution(postprocess, "general", "rlnFinalResolution")


def reached_resolution(model: Path) -> float | None:
    """Å, by a refinement's model; None where it does not say it."""
    return _resolution(model, "model_general", "rlnCurrentResolution")


def _resolution(path: Path, block: str, label: str) -> float | None:
    from cryoloom import star

    found = star.read(path, [block], optional=True).get(block) if path.exists() else None
    value = float(found[label]) if isinstance(found, dict) and label in found else 0.0
    # RELION writes 999 for what it does not know.
    return value if 0 < value < 900 else None


def _in_angstrom(resolution: float | None) -> str:
    return "" if resolution is None else f"{resolution:.2f} Å"
