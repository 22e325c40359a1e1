"""The first items of an input that may still grow, for what has to be found before a job treats any."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

from cryoloom.errors import DatasetError
from cryoloom.protocol import Dataset

if TYPE_CHECKING:
    import polars as pl

# A stream's first row may come a moment after its file.
PATIENCE_S, LOOK_S = 60.0, 0.5


def first_items(
    root: Path, given: Dataset, label: str, *, sought: str
) -> "tuple[pl.DataFrame, pl.DataFrame | None]":
    """The rows that are there by now, as soon as there is one, and the optics table.

    Args:
        root: the project.
        given: movies or micrographs.
        label: that the rows must have.
        sought: the parameter for which it is asked, for messages.
    Raises:
        DatasetError: none has come for a minute.
    """
    from cryoloom import star

    block = given.block or "micrographs"
    began = time.monotonic()
    while True:
        blocks = star.read(root / given.path, [block, "optics"], optional=True)
        table = star.as_table(blocks.get(block))
        if table is not None and table.height and label in table.columns:
            return table, star.as_table(blocks.get("optics"))
        if time.monotonic() - began > PATIENCE_S:
            raise DatasetError(
                f"{given.path}", found=f"without {given.kind}", expected=f"some, for {sought}=auto"
            )
        time.sleep(LOOK_S)
