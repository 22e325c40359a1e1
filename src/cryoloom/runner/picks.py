"""Coordinates as one table of picks, and back: what set operations see, and what RELION reads.

A set of coordinates is a table of micrographs, each with a STAR file of its picks. Here the files are
put together, each pick with its `rlnMicrographName`, and written again, one file a micrograph.
"""

from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from cryoloom import star
from cryoloom.em.joining import with_groups
from cryoloom.project.forms.coordinate_files import coordinate_file, suffix_of
from cryoloom.project.item_ids import ids_of_picks
from cryoloom.project.paths import inside
from cryoloom.protocol.datasets import Dataset
from cryoloom.protocol.jobs import ITEM_ID

MICROGRAPH = "rlnMicrographName"
FILE = "rlnMicrographCoordinates"
COUNT = "cryoloomCount"
GROUP = "rlnOpticsGroup"


@dataclass(slots=True)
class PickReader:
    """Reads the picks of a set's micrographs, with the optics groups of the micrographs themselves."""

    root: Path
    dataset: Dataset  # RELION's suffix file
    optics: pl.DataFrame | None = None
    _groups: dict[str, int] = field(default_factory=dict)

    def picks(self, micrographs: pl.DataFrame) -> pl.DataFrame:
        """The picks of these rows (micrograph, file, count); micrographs without one give none."""
        self._learn_groups(micrographs[MICROGRAPH].to_list())
        tables = []
        for name, file in micrographs.select(MICROGRAPH, FILE).iter_rows():
            path = self.root / str(file)
            blocks = star.read(path) if path.exists() and path.stat().st_size else {}
            table = star.as_table(blocks.get(""))
            if table is None or not table.height:
                continue
            table = table.with_columns(pl.Series(ITEM_ID, ids_of_picks(str(name), table)))
            columns = [pl.lit(str(name)).alias(MICROGRAPH)]
            if self._groups:
                # Of a micrograph that no table knows nobody can say how large its pixels are.
                columns.append(pl.lit(self._groups.get(str(name)), dtype=pl.Int64).alias(GROUP))
            tables.append(table.with_columns(columns))
        if not tables:
            return pl.DataFrame(schema={MICROGRAPH: pl.String, ITEM_ID: pl.String, **_AXES})
        return pl.concat(tables, how="diagonal_relaxed")

    def _learn_groups(self, names: list[str]) -> None:
        if all(str(name) in self._groups for name in names):
            return
        merged: pl.DataFrame | None = None
        groups: dict[str, int] = {}
        # One file, or those of all sets that were joined.
        for file in dict.fromkeys((self.root / self.dataset.path).read_text().split()):
            if not (self.root / file).exists():
                continue
            blocks = star.read(self.root / file)
            table, optics = star.as_table(blocks.get("micrographs")), star.as_table(blocks.get("optics"))
            if table is None or optics is None or GROUP not in table.columns:
                continue
            merged, numbers = with_groups(merged, optics)
            for name, group in table.select(MICROGRAPH, GROUP).iter_rows():
                groups.setdefault(str(name), numbers[int(group)])
        if merged is not None:
            self.optics, self._groups = merged, groups


_AXES = {"rlnCoordinateX": pl.Float64(), "rlnCoordinateY": pl.Float64()}


def write_picks(root: Path, dataset: Dataset, micrographs: pl.DataFrame, picks: pl.DataFrame) -> pl.DataFrame:
    """Write one file a micrograph; returns the rows (micrograph, file, count, id) of the set's table.

    Args:
        root: the project.
        dataset: the output, RELION's suffix file; its folder and suffix name the files.
        micrographs: those that are through, also those without a pick, with `cryoloomItemId`.
        picks: with `rlnMicrographName`; what else they have is written.
    """
    job = Path(dataset.path).parent
    suffix = suffix_of(dataset.path)
    own = [name for name in picks.columns if name not in (MICROGRAPH, GROUP)]
    parts = {str(key[0]): part for key, part in picks.group_by(MICROGRAPH, maintain_order=True)}
    rows = []
    for name, item in (
        micrographs.select(MICROGRAPH, ITEM_ID).unique(MICROGRAPH, maintain_order=True).iter_rows()
    ):
        part = parts.get(str(name), picks.clear()).select(own)
        file = job / coordinate_file(str(name), suffix)
        target = inside(root, file)
        target.parent.mkdir(parents=True, exist_ok=True)
        star.write(target, {"": part})
        rows.append((str(name), str(file), part.height, item))
    schema = {MICROGRAPH: pl.String, FILE: pl.String, COUNT: pl.Int64, ITEM_ID: pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")
