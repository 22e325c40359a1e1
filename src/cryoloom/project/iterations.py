"""Iterations of RELION's refinement programs, as their files in a job's folder tell them."""

import re
from pathlib import Path

from cryoloom.errors import StarError

_OPTIMISER = re.compile(r"run(?:_ct\d+)?_it(\d{3})_optimiser\.star$")
_PARTS = ("data", "model", "optimiser", "sampling")


def whole_iterations(folder: Path) -> dict[int, str]:
    """Iterations whose files are all there and whole, and the names of their optimiser files.

    The newest may be half written when a program was killed. Where a job was continued in its own
    folder by RELION, the later file of an iteration counts.
    """
    found: dict[int, str] = {}
    for path in sorted(folder.glob("run*_it*_optimiser.star"), key=lambda path: (len(path.name), path.name)):
        match = _OPTIMISER.match(path.name)
        if match is None:
            continue
        stem = path.name.removesuffix("optimiser.star")
        halves = (folder / f"{stem}half1_model.star").exists()
        names = [f"{stem}{part}.star" for part in _PARTS if not (halves and part == "model")]
        names += [f"{stem}half1_model.star", f"{stem}half2_model.star"] if halves else []
        number = int(match.group(1))
        # Iteration 0 has no sampling file and is no place to go on from.
        if number > 0 and all(_is_whole(folder / name) for name in names):
            found[number] = path.name
    return dict(sorted(found.items()))


def _is_whole(path: Path) -> bool:
    # Imported here: a job without tables starts twice as fast.
    from cryoloom import star

    try:
        star.scan(path)
    except (StarError, OSError):
        return False
    return path.read_bytes().endswith(b"\n")
