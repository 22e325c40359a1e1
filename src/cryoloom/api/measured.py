"""What the files of a job say, in units that two projects share: Å, e and mrad, by micrograph or place.

Micrographs are known by the stem of their file, for programs move them from folder to folder. Two of one stem in a project are
told apart nowhere: both are left out, and counted.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from cryoloom.em.names import stem
from cryoloom.errors import CryoloomError, DatasetError
from cryoloom.protocol import datasets as kinds
from cryoloom.protocol.datasets import Dataset

if TYPE_CHECKING:
    from cryoloom.api.job import Job
    from cryoloom.api.project import Project

STEM = "stem"
MICROGRAPH, GROUP = "rlnMicrographName", "rlnOpticsGroup"
MOVIE = "rlnMicrographMovieName"
# RELION counts motion in pixels of the movie as it was written.
MOVIE_PIXEL = "rlnMicrographOriginalPixelSize"
MICROGRAPH_PIXEL = "rlnMicrographPixelSize"
MOTION = {"Total": "all frames", "Early": "first frames", "Late": "late frames"}
_FIT = {
    "u": "rlnDefocusU", "v": "rlnDefocusV", "angle": "rlnDefocusAngle", "reach": "rlnCtfMaxResolution",
}  # fmt: skip
TILT = ("rlnBeamTiltX", "rlnBeamTiltY")


@dataclass(frozen=True, slots=True)
class Reached:
    """Resolution of a map. `shell`: Å between two values that the FSC can give there."""

    resolution: float
    shell: float
    bfactor: float | None = None  # Å², as it was used for sharpening


@dataclass(frozen=True, slots=True)
class Tilt:
    """Beam tilt of an optics group, mrad, and the wave's constants there."""

    x: float
    y: float
    kv: float
    cs: float  # mm


@dataclass(slots=True)
class Files:
    """Reads what the jobs of one project gave; each table once."""

    project: "Project"
    _tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    _pixels: dict[str, float] | None = None  # Å of each micrograph, by its name
    alike: set[str] = field(default_factory=set)  # stems that two micrographs of a table have; left out

    def movies(self, job: "Job") -> pl.DataFrame | None:
        """The stem of each movie, or imported micrograph."""
        for dataset in _of_kind(job, (kinds.Movies, kinds.Micrographs)):
            table, _ = self._table(dataset)
            for label in (MOVIE, MICROGRAPH):
                if table is not None and label in table.columns:
                    return self._by_stem(table.select(label), label)
        return None

    def drift(self, job: "Job") -> pl.DataFrame | None:
        """Stem, and motion in Å by the parts of `MOTION`."""
        for dataset in _of_kind(job, (kinds.Micrographs,)):
            table, optics = self._table(dataset)
            parts = {part: f"rlnAccumMotion{part}" for part in MOTION}
            if table is None or optics is None or not {*parts.values(), MICROGRAPH} <= {*table.columns}:
                continue
            if MOVIE_PIXEL not in optics.columns:
                raise DatasetError(
                    dataset.path, found=f"without {MOVIE_PIXEL}", expected="optics groups that say the movies' pixel size",
                    hint="Import the movies again with their pixel size, or copy the column from the tables before.",
                )  # fmt: skip
            size = pl.col(MOVIE_PIXEL).cast(pl.Float64)
            motion = [(pl.col(label).cast(pl.Float64) * size).alias(part) for part, label in parts.items()]
            return self._by_stem(_with(table, optics, MOVIE_PIXEL).select(MICROGRAPH, *motion), MICROGRAPH)
        return None

    def defocus(self, job: "Job") -> pl.DataFrame | None:
        """Stem, mean defocus, the two parts of the astigmatism, and how far the fit holds, Å; kV.

        Of particles the means over each micrograph. In parts, along x and along the diagonal, astigmatism does not
        depend on which of its two axes is called U.
        """
        for dataset in _of_kind(job, (kinds.Micrographs, kinds.Particles)):
            table, optics = self._table(dataset)
            if table is None or not {"rlnDefocusU", "rlnDefocusV", MICROGRAPH} <= {*table.columns}:
                continue
            numbers = {
                name: pl.col(label).cast(pl.Float64) if label in table.columns else pl.lit(None, pl.Float64)
                for name, label in _FIT.items()
            }
            twice = 2 * numbers["angle"].fill_null(0.0).radians()
            found = table.select(
                MICROGRAPH,
                ((numbers["u"] + numbers["v"]) / 2).alias("defocus"),
                ((numbers["u"] - numbers["v"]) * twice.cos()).alias("astigmatism along x"),
                ((numbers["u"] - numbers["v"]) * twice.sin()).alias("astigmatism along the diagonal"),
                numbers["reach"].alias("reach"),
                pl.lit(_voltage(optics), pl.Float64).alias("kv"),
            )
            if isinstance(dataset, kinds.Particles):
                found = found.group_by(MICROGRAPH, maintain_order=True).mean()
            return self._by_stem(found, MICROGRAPH)
        return None

    def picks(self, job: "Job") -> pl.DataFrame | None:
        """Stem, x and y in Å of each pick."""
        from cryoloom.runner.picks import PickReader

        for dataset in _of_kind(job, (kinds.Coordinates,)):
            files = self._pick_files(dataset)
            if files is not None:
                return self._places(PickReader(self.project.path, dataset).picks(files), None, dataset.path)
        return None

    def particles(self, job: "Job") -> pl.DataFrame | None:
        """Stem, x and y in Å of each particle's centre, as it was found last."""
        for dataset in _of_kind(job, (kinds.Particles,)):
            table, optics = self._table(dataset)
            if table is not None and {MICROGRAPH, "rlnCoordinateX", "rlnCoordinateY"} <= {*table.columns}:
                return self._places(table, optics, dataset.path)
        return None

    def tilts(self, job: "Job") -> dict[str, Tilt]:
        """Beam tilt by the name of the optics group; of those that a table gives one."""
        found: dict[str, Tilt] = {}
        for dataset in _of_kind(job, (kinds.Particles,)):
            _, optics = self._table(dataset)
            if optics is None or not {*TILT, "rlnOpticsGroupName"} <= {*optics.columns}:
                continue
            for row in optics.iter_rows(named=True):
                x, y, kv, cs = (
                    float(row.get(label) or 0) for label in (*TILT, "rlnVoltage", "rlnSphericalAberration")
                )
                found[str(row["rlnOpticsGroupName"])] = Tilt(x, y, kv, cs)
        return found

    def reached(self, job: "Job") -> Reached | None:
        """What a post-processing, or a refinement, says of its map."""
        from cryoloom.api.totals import final_resolution, reached_resolution
        from cryoloom.project.iterations import final

        for dataset in _of_kind(job, (kinds.Postprocess,)):
            blocks = self._blocks(self.project.path / dataset.path)
            resolution = final_resolution(self.project.path / dataset.path)
            fsc = blocks.get("fsc")
            if resolution is None or not isinstance(fsc, pl.DataFrame) or fsc.height < 3:
                continue
            step = float(fsc["rlnResolution"][2]) - float(fsc["rlnResolution"][1])
            general = blocks.get("general")
            used = general.get("rlnBfactorUsedForSharpening") if isinstance(general, dict) else None
            return Reached(resolution, resolution**2 * step, None if used is None else float(used))
        for dataset in _of_kind(job, (kinds.HalfMaps,)):
            model = final((self.project.path / dataset.path).parent, "model.star")
            resolution = reached_resolution(model) if model is not None else None
            general = self._blocks(model).get("model_general") if model is not None else None
            if resolution is None or not isinstance(general, dict):
                continue
            side = float(general["rlnOriginalImageSize"]) * float(general["rlnPixelSize"])
            return Reached(resolution, resolution**2 / side)
        return None

    def _blocks(self, path: Path) -> dict[str, Any]:
        from cryoloom import star

        if str(path) not in self._tables:
            self._tables[str(path)] = dict(star.read(path)) if path.is_file() else {}
        return self._tables[str(path)]

    def _table(self, dataset: Dataset) -> tuple[pl.DataFrame | None, pl.DataFrame | None]:
        """Items and optics groups of a set; None where its file is gone or has none."""
        if not dataset.path.endswith(".star"):
            return None, None
        blocks = self._blocks(self.project.path / dataset.path)
        table, optics = blocks.get(dataset.block), blocks.get("optics")
        return (
            table if isinstance(table, pl.DataFrame) else None,
            optics if isinstance(optics, pl.DataFrame) else None,
        )

    def _pick_files(self, dataset: Dataset) -> pl.DataFrame | None:
        """Micrograph and file of picks of each, by our table or by RELION's suffix file."""
        from cryoloom.project.forms.coordinate_files import coordinate_file, suffix_of, table_beside
        from cryoloom.runner.picks import FILE

        suffix_file = self.project.path / dataset.path
        if not suffix_file.is_file():
            return None
        folder = dataset.path.rpartition("/")[0]
        own = table_beside(suffix_file)
        if own != suffix_file.name:
            tables = [*self._blocks(suffix_file.with_name(own)).values()]
        else:
            lists = (self._blocks(self.project.path / name) for name in suffix_file.read_text().split())
            tables = [table for blocks in lists for name, table in blocks.items() if name != "optics"]
        for table in tables:
            if not isinstance(table, pl.DataFrame) or MICROGRAPH not in table.columns:
                continue
            if FILE in table.columns:
                return table.select(MICROGRAPH, FILE)
            names = [str(name) for name in table[MICROGRAPH].to_list()]
            files = [f"{folder}/{coordinate_file(name, suffix_of(suffix_file))}" for name in names]
            return pl.DataFrame({MICROGRAPH: names, FILE: files})
        return None

    def _places(self, items: pl.DataFrame, optics: pl.DataFrame | None, file: str) -> pl.DataFrame:
        names = items[MICROGRAPH].cast(pl.String)
        known = self._pixel_sizes()
        sizes = names.replace_strict(known, default=None, return_dtype=pl.Float64)
        # Of particles whose micrographs no job here made, what they say themselves; the movie's pixels last, for
        # motion correction may have binned.
        for label in (MICROGRAPH_PIXEL, MOVIE_PIXEL):
            if (
                sizes.null_count()
                and optics is not None
                and label in optics.columns
                and GROUP in items.columns
            ):
                by_group = dict(optics.select(GROUP, pl.col(label).cast(pl.Float64)).iter_rows())
                own = items[GROUP].replace_strict(by_group, default=None, return_dtype=pl.Float64)
                sizes = sizes.fill_null(own)
        if sizes.null_count():
            row = int(sizes.is_null().arg_true()[0])
            raise DatasetError(
                f"{file}: {MICROGRAPH} in row {row + 1}", found=f"{names[row]}, whose pixel size no table says",
                expected=f"a micrograph of an optics group with {MICROGRAPH_PIXEL}",
            )  # fmt: skip
        found = items.select(
            names.alias(MICROGRAPH),
            *(
                (
                    pl.col(f"rlnCoordinate{axis}").cast(pl.Float64) * sizes
                    # RELION's origin says how far the image has to be moved to bring the particle to its middle.
                    - (
                        pl.col(f"rlnOrigin{axis}Angst").cast(pl.Float64)
                        if f"rlnOrigin{axis}Angst" in items.columns
                        else 0.0
                    )
                ).alias(axis.lower())
                for axis in "XY"
            ),
        )
        return self._by_stem(found, MICROGRAPH)

    def _pixel_sizes(self) -> dict[str, float]:
        if self._pixels is None:
            self._pixels = {}
            for job in self.project.jobs():
                for dataset in _of_kind(job, (kinds.Micrographs,)):
                    try:
                        table, optics = self._table(dataset)
                    except (CryoloomError, OSError):
                        continue  # a table that this comparison does not need
                    if table is None or optics is None or MICROGRAPH_PIXEL not in optics.columns:
                        continue
                    if {MICROGRAPH, GROUP} <= {*table.columns}:
                        joined = _with(table, optics, MICROGRAPH_PIXEL)
                        sizes = joined[MICROGRAPH_PIXEL].cast(pl.Float64).to_list()
                        self._pixels |= dict(zip(joined[MICROGRAPH].to_list(), sizes, strict=True))
        return self._pixels

    def _by_stem(self, table: pl.DataFrame, label: str) -> pl.DataFrame:
        """With the stem of each row's micrograph; without rows whose stem two micrographs have."""
        names = [str(name) for name in table[label].to_list()]
        stems = {name: stem(name).replace(".", "_") for name in dict.fromkeys(names)}
        alike = {one for one, count in Counter(stems.values()).items() if count > 1}
        self.alike |= alike
        found = table.drop(label).with_columns(
            pl.Series(STEM, [stems[name] for name in names], dtype=pl.String)
        )
        return found.filter(~pl.col(STEM).is_in(sorted(alike))) if alike else found


def _of_kind(job: "Job", wanted: Sequence[type[Dataset]]) -> Iterator[Dataset]:
    return (dataset for dataset in job.entry.outputs().values() if type(dataset) in wanted)


def _with(table: pl.DataFrame, optics: pl.DataFrame, label: str) -> pl.DataFrame:
    """Items with a value of their optics group. Of a table without rows nobody knows what its columns are."""
    groups = optics.select(pl.col(GROUP).cast(pl.Int64), label)
    return (
        table.with_columns(pl.col(GROUP).cast(pl.Int64))
        .drop(label, strict=False)
        .join(groups, on=GROUP, how="left", maintain_order="left")
    )


def _voltage(optics: pl.DataFrame | None) -> float | None:
    """kV of the first group; a microscope is not set to two within a session."""
    if optics is None or "rlnVoltage" not in optics.columns or not optics.height:
        return None
    return float(optics["rlnVoltage"][0])
