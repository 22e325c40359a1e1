"""Sets made by hand, and jobs run to their end in the test's own process."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cryoloom import star
from cryoloom.project.attempts import make_attempt
from cryoloom.project.folder import JobEntry, ProjectFolder
from cryoloom.project.references import resolve_input
from cryoloom.project.registry import find_protocol
from cryoloom.protocol.declare import numbered
from cryoloom.runner.main import run_attempt

RunNow = Callable[..., "Ran"]


class Ran:
    """A job that has ended."""

    def __init__(self, entry: JobEntry) -> None:
        self.entry = entry
        self.name = entry.name
        self.history = entry.status().history

    def blocks(self, output: str) -> dict[str, Any]:
        return star.read(self.entry.root / self.entry.outputs()[output].path)

    def items(self, output: str) -> pl.DataFrame:
        return next(table for name, table in self.blocks(output).items() if name != "optics")

    def ids(self, output: str) -> list[str]:
        return [str(one) for one in self.items(output)["cryoloomItemId"].to_list()]


@pytest.fixture
def run_now(project: ProjectFolder) -> RunNow:
    """Run a protocol on files or jobs of the project; keywords are inputs and parameters."""

    def run(name: str, **given: Any) -> Ran:
        kind = find_protocol(name)
        inputs = {}
        for key in [key for key in given if key in kind.inputs]:
            texts = given.pop(key)
            texts = texts if isinstance(texts, list) else [texts]
            spec = kind.inputs[key]
            inputs |= numbered(key, [resolve_input(project, spec, str(text), name) for text in texts])
        entry = project.create_job(name, given, inputs)
        attempt = make_attempt(entry.folder)
        assert attempt is not None
        run_attempt(project.root, entry.name, int(attempt.name))
        return Ran(project.entry(entry.name))

    return run


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
