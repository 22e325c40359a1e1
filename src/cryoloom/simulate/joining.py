"""The truth of several sessions of one molecule as one, for a project that has joined them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from cryoloom.errors import DatasetError
from cryoloom.simulate.truth import Truth


def joined_truth(truths: Sequence[Truth]) -> Truth:
    """All rows of all sessions; optics groups keep their names and are numbered on.

    Raises:
        DatasetError: none is given, two have movies of one name, or frames or maps that differ.
    """
    if not truths:
        raise DatasetError("The truth", found="no session", expected="one at least")
    first = truths[0]
    names: set[str] = set()
    numbered: list[Truth] = []
    groups = 0
    for one in truths:
        own = set(one.micrographs["rlnMicrographName"].to_list())
        if names & own:
            raise DatasetError(
                "Two sessions", found=f"{min(names & own)} in both", expected="movies of different names"
            )
        if (one.size, one.angpix) != (first.size, first.angpix) or not np.array_equal(one.map, first.map):
            raise DatasetError(
                "Two sessions", found="other frames or another map", expected="sessions of one preset"
            )
        names |= own
        numbered.append(_renumbered(one, groups))
        groups += one.optics.height
    return replace(
        first,
        particles=_together([one.particles for one in numbered]),
        micrographs=_together([one.micrographs for one in numbered]),
        shifts=_together([one.shifts for one in numbered]),
        local=_together([one.local for one in numbered]),
        contaminants=_together([one.contaminants for one in numbered]),
        optics=_together([one.optics for one in numbered]),
    )


def _together(tables: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(tables, how="diagonal_relaxed")


def _renumbered(truth: Truth, by: int) -> Truth:
    """Optics groups numbered from so much further on."""
    on = pl.col("rlnOpticsGroup") + by
    return replace(
        truth,
        particles=truth.particles.with_columns(on),
        micrographs=truth.micrographs.with_columns(on),
        optics=truth.optics.with_columns(on),
    )
