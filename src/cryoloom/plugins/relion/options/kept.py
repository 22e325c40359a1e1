"""Programs that give back the particles that they are given: that all of them came back."""

from pathlib import Path

from cryoloom.errors import DatasetError
from cryoloom.protocol import Particles
from cryoloom.protocol.jobs import ITEM_ID

IMAGE = "rlnImageName"


def said_of_lost(root: Path, given: Particles, result: str, *, why: str) -> str:
    """What is to be said of particles that a program left out, "" where there are none.

    Args:
        root: the project.
        given: what the program was given.
        result: the file with what came back.
        why: for what reason it leaves any out.
    Raises:
        DatasetError: the result has others, or one of them twice.
    """
    from cryoloom import star

    before, after = (star.tables_of(star.read(root / path)) for path in (given.path, result))
    ours, theirs = before["particles"], after["particles"]
    if ITEM_ID in ours.columns and ITEM_ID in theirs.columns:
        lost = ours.height - theirs[ITEM_ID].is_in(ours[ITEM_ID].implode()).sum()
        strangers = theirs.height - (ours.height - lost)
        if strangers or theirs[ITEM_ID].n_unique() != theirs.height:
            raise DatasetError(
                result, found=f"{theirs.height} rows, {theirs[ITEM_ID].n_unique()} of them different",
                expected=f"particles of {given.path}, each once",
            )  # fmt: skip
    else:
        lost = ours.height - theirs.height
    return f"{lost} of {ours.height} particles were left out: {why}." if lost else ""
