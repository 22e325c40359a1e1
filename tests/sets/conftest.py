"""Sets made by hand, and jobs run to their end in the test's own process."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from running import Ran, run_in

from cryoloom import star
from cryoloom.project.folder import ProjectFolder

RunNow = Callable[..., Ran]


@pytest.fixture
def run_now(project: ProjectFolder) -> RunNow:
    """Run a protocol on files or jobs of the project; keywords are inputs and parameters."""
    return partial(run_in, project)


def optics_table(*rows: tuple[int, str, float], **more: Any) -> pl.DataFrame:
    """Groups as (number, name, Å/px of the micrograph)."""
    frame = pl.DataFrame(
        rows, schema=["rlnOpticsGroup", "rlnOpticsGroupName", "rlnMicrographPixelSize"], orient="row"
    )
    return frame.with_columns(pl.lit(value).alias(name) for name, value in more.items())


def particles(
    count: int, *, start: int = 0, micrographs: int = 3, group: int = 1, **more: Any
) -> pl.DataFrame:
    """Particles with ids `i00`, `i01`, ...; 100 px apart along x on micrographs in turn."""
    numbers = range(start, start + count)
    frame = pl.DataFrame(
        {
            "rlnImageName": [f"{n + 1:06d}@Extract/job003/Movies/m{n % micrographs}.mrcs" for n in numbers],
            "rlnMicrographName": [f"MotionCorr/job002/Movies/m{n % micrographs}.mrc" for n in numbers],
            "rlnCoordinateX": [100.0 * (n // micrographs + 1) for n in numbers],
            "rlnCoordinateY": [50.0] * count,
            "rlnOpticsGroup": [group] * count,
            "cryoloomItemId": [f"i{n:02d}" for n in numbers],
        }
    )
    return frame.with_columns(pl.Series(name, value) for name, value in more.items())


def write_set(root: Path, name: str, items: pl.DataFrame, optics: pl.DataFrame | None = None) -> str:
    """A set as a file of the project."""
    path = root / "Sets" / name
    path.parent.mkdir(exist_ok=True)
    table = "particles" if "rlnImageName" in items.columns else "micrographs"
    groups = optics_table((1, "a", 1.0)) if optics is None else optics
    star.write(path, {"optics": groups, table: items})
    return f"Sets/{name}"
