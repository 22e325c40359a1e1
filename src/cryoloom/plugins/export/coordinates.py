"""Where particles lie, as files of their own for each micrograph: for other programs' extraction; streams."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cryoloom.errors import DatasetError, ParameterError
from cryoloom.protocol import (
    Input,
    JobFolder,
    Output,
    Param,
    Particles,
    RowBatch,
    RowProtocol,
    RowResult,
    Table,
    View,
    Written,
)
from cryoloom.protocol.jobs import ITEM_ID

if TYPE_CHECKING:
    import polars as pl

    from cryoloom.em.names import Names

MICROGRAPH, X, Y = "rlnMicrographName", "rlnCoordinateX", "rlnCoordinateY"
SHIFTS = ("rlnOriginXAngst", "rlnOriginYAngst")
SIZE = "rlnMicrographPixelSize"
STAR, BOX, TEXT = "star", "box", "txt"
LIST = "exported/coordinates.star"
EXPORTED = "cryoloomExported"  # the file of a particle's micrograph, in the folder


class ExportCoordinates(RowProtocol):
    """Write particles' coordinates, one file for each micrograph."""

    name = "export.coordinates"
    label = "Export coordinates"
    version = "2"

    input: Particles = Input(
        "Particles",
        streams=True,
        needs=(MICROGRAPH, X, Y),
        help="Extracted or refined; picks are files already.",
    )
    format: str = Param(
        STAR, "Format", choices=(STAR, BOX, TEXT),
        help="star: RELION's; box: EMAN's, corner and box; txt: x and y in a line. All in px of the micrograph.",
    )  # fmt: skip
    box_size: int = Param(0, "Box", unit="px", ge=0, when="format == box", help="In px of the micrograph.")
    do_recenter: bool = Param(
        True, "With the refined shifts?", help="Yes: where the particle is; No: where it was picked."
    )
    angpix: float = Param(
        -1,
        "Pixel size of the micrographs",
        unit="Å",
        usual=(0.1, 40),
        when="do_recenter",
        help="-1: as the optics groups say.",
    )

    exported: Table = Output("Which particle is in which file of the folder", "exported.star")

    def check(self) -> None:
        super().check()
        if self.format == BOX and self.box_size <= 0:
            raise ParameterError(
                f"{self.name}: parameter box_size",
                found=f"{self.box_size}",
                expected="the box, for this format",
            )

    def begin(self, job: JobFolder, written: Written) -> "_Files":
        from cryoloom.em.names import Names
        from cryoloom.plugins.export.growing import begin_folder, other_names

        part = written("exported")
        rows = [] if part is None else [*part.items.select(MICROGRAPH, EXPORTED).iter_rows()]
        begin_folder(job, len(rows))
        files = _Files(Names())
        for micrograph, file in rows:
            if files.name_of(str(micrograph), self.format) != file:
                raise other_names(job.file("exported.star"), EXPORTED, file)
            files.counts[str(micrograph)] += 1
        for micrograph, count in files.counts.items():
            self._cut_back(job.path / files.name_of(micrograph, self.format), count)
        return files

    def treat(self, job: JobFolder, batch: RowBatch) -> RowResult:
        import polars as pl

        from cryoloom import star

        files, items = batch.memory, batch.items
        assert isinstance(files, _Files)
        (job.path / LIST).parent.mkdir(parents=True, exist_ok=True)
        if items.height:
            places = self._places(items, batch.optics)
            self._check(items, places)
            for (micrograph,), part in places.group_by(MICROGRAPH, maintain_order=True):
                name = str(micrograph)
                self._add(job.path / files.name_of(name, self.format), part.select(X, Y), files.counts[name])
                files.counts[name] += part.height
            # Its names are as its own folder has them, which stands by itself wherever it is copied.
            beside = f"{Path(LIST).parent}/"
            listed = [
                (name, files.name_of(name, self.format).removeprefix(beside), count)
                for name, count in files.counts.items()
            ]
            labels = [MICROGRAPH, "rlnMicrographCoordinates", "rlnGroupNrParticles"]
            star.write(
                job.path / LIST, {"coordinate_files": pl.DataFrame(listed, schema=labels, orient="row")}
            )
        total, count = sum(files.counts.values()), len(files.counts)
        note = f"{total} places on {count} micrographs below {job.file('exported')}." if batch.last else ""
        if not items.height:
            return RowResult({}, note=note)
        names = [files.name_of(str(name), self.format) for name in items[MICROGRAPH].to_list()]
        record = items.select(ITEM_ID, MICROGRAPH).with_columns(pl.Series(EXPORTED, names))
        return RowResult({"exported": record}, note=note)

    def _add(self, file: Path, places: "pl.DataFrame", before: int) -> None:
        """Write a micrograph's file with these places more; it has `before` of them."""
        import polars as pl

        from cryoloom import star

        if self.format == STAR:
            known = star.as_table(star.read(file).get("")) if before else None
            both = places if known is None else pl.concat([known, places], how="vertical_relaxed")
            star.write(file, {"": both})
            return
        lines = file.read_text(encoding="ascii") if before else ""
        _write(file, lines + "".join(self._line(x, y) for x, y in places.iter_rows()))

    def _cut_back(self, file: Path, count: int) -> None:
        """Take back what a killed attempt wrote and nobody counted.

        Raises:
            DatasetError: there is less than was exported.
        """
        from cryoloom import star

        table, lines = None, [""]
        if self.format == STAR:
            table = star.as_table(star.read(file).get("")) if file.exists() else None
            there = 0 if table is None else table.height
        else:
            lines = file.read_text(encoding="ascii").splitlines(keepends=True) if file.exists() else []
            there = len(lines)
        if there < count:
            raise DatasetError(
                f"{file}", found=f"{there} places", expected=f"the {count} that were exported so far",
                hint="Somebody changed the folder: cryoloom restart of this job exports all again.",
            )  # fmt: skip
        if there > count and table is not None:
            star.write(file, {"": table.head(count)})
        elif there > count:
            _write(file, "".join(lines[:count]))

    def _line(self, x: float, y: float) -> str:
        if self.format == TEXT:
            return f"{x:.2f}\t{y:.2f}\n"
        half = self.box_size / 2
        return f"{x - half:.0f}\t{y - half:.0f}\t{self.box_size}\t{self.box_size}\n"

    def _places(self, table: "pl.DataFrame", optics: "pl.DataFrame | None") -> "pl.DataFrame":
        """The rows with their places in px of the micrograph."""
        import polars as pl

        if not self.do_recenter or not set(SHIFTS) <= set(table.columns):
            return table
        if self.angpix > 0:
            joined = table.with_columns(pl.lit(self.angpix).alias("_angpix"))
        elif optics is None or SIZE not in optics.columns:
            raise ParameterError(
                f"{self.name}: parameter angpix", found=f"-1, and no {SIZE} in {self.input.path}",
                expected="the micrographs' pixel size, to turn shifts in Å into px", hint="Or do_recenter=No.",
            )  # fmt: skip
        else:
            sizes = optics.select("rlnOpticsGroup", pl.col(SIZE).alias("_angpix"))
            joined = table.join(sizes, on="rlnOpticsGroup", how="left", maintain_order="left")
        # The origin is what brings the particle to the middle of its image.
        moved = [
            pl.col(place) - pl.col(shift) / pl.col("_angpix")
            for place, shift in zip((X, Y), SHIFTS, strict=True)
        ]
        return joined.with_columns(moved).drop("_angpix")

    def _check(self, items: "pl.DataFrame", places: "pl.DataFrame") -> None:
        """That each particle has a place: other programs take one that is no number for 0, or end.

        Raises:
            DatasetError: one has none, with what it comes from.
        """
        import polars as pl

        known = places.select(
            pl.all_horizontal(
                pl.col(axis).cast(pl.Float64, strict=False).is_finite().fill_null(value=False)
                for axis in (X, Y)
            )
        ).to_series()
        if known.all():
            return
        row = items.row(int((~known).arg_true()[0]), named=True)
        read = [label for label in (X, Y, *SHIFTS, "rlnOpticsGroup") if label in row]
        raise DatasetError(
            f"{self.input.path}: {row.get('rlnImageName') or row[ITEM_ID]}",
            found="without a place: " + ", ".join(f"{label} {row[label]}" for label in read),
            expected="numbers, and a group that data_optics has with its pixel size",
            hint="Take such particles out first: sets.filter.",
        )

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import counts

        return [counts.table_view("files", "Coordinate files", "One a micrograph.", job.file(LIST))]


@dataclass(slots=True)
class _Files:
    """The files of the folder, and how many places each has."""

    names: "Names"
    counts: Counter[str] = field(default_factory=Counter)  # by micrograph

    def name_of(self, micrograph: str, ending: str) -> str:
        from cryoloom.em.names import stem

        return f"exported/{self.names.give(micrograph, f'{stem(micrograph)}.{ending}')}"


def _write(file: Path, text: str) -> None:
    """Whole or not at all."""
    beside = file.with_name(f".{file.name}.next")
    beside.write_text(text, encoding="ascii")
    beside.replace(file)
