"""Where particles lie, as files of their own for each micrograph: for other programs' extraction."""

from typing import TYPE_CHECKING

from cryoloom.errors import ParameterError
from cryoloom.protocol import Input, JobFolder, Output, Param, Particles, SetProtocol, SetResult, View
from cryoloom.protocol.datasets import PlainFile

if TYPE_CHECKING:
    import polars as pl

MICROGRAPH, X, Y = "rlnMicrographName", "rlnCoordinateX", "rlnCoordinateY"
SIZE = "rlnMicrographPixelSize"
STAR, BOX, TEXT = "star", "box", "txt"


class ExportCoordinates(SetProtocol):
    """Write particles' coordinates, one file for each micrograph."""

    name = "export.coordinates"
    label = "Export coordinates"

    input: Particles = Input(
        "Particles", needs=(MICROGRAPH, X, Y), help="Extracted or refined; picks are files already."
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

    exported: PlainFile = Output("List of the files", "exported/coordinates.star")

    def check(self) -> None:
        super().check()
        if self.format == BOX and self.box_size <= 0:
            raise ParameterError(
                f"{self.name}: parameter box_size",
                found=f"{self.box_size}",
                expected="the box, for this format",
            )

    def compute(self, job: JobFolder) -> SetResult:
        import polars as pl

        from cryoloom import star
        from cryoloom.em.names import Names, stem

        blocks = star.tables_of(star.read(job.root / self.input.path))
        rows = self._places(blocks["particles"], blocks.get("optics"))
        folder = job.path / "exported"
        folder.mkdir(parents=True, exist_ok=True)
        names, listed = Names(), []
        for (micrograph,), part in rows.group_by(MICROGRAPH, maintain_order=True):
            file = names.give(str(micrograph), f"{stem(str(micrograph))}.{self.format}")
            if self.format == STAR:
                star.write(folder / file, {"": part.select(X, Y)})
            else:
                lines = [self._line(x, y) for x, y in part.select(X, Y).iter_rows()]
                (folder / file).write_text("".join(lines), encoding="ascii")
            listed.append((str(micrograph), f"exported/{file}", part.height))
        table = pl.DataFrame(
            listed, schema=[MICROGRAPH, "rlnMicrographCoordinates", "rlnGroupNrParticles"], orient="row"
        )
        note = f"{rows.height} places on {table.height} micrographs below {job.file('exported')}."
        return SetResult({"exported": {"coordinate_files": table}}, {"exported": rows.height}, note)

    def _line(self, x: float, y: float) -> str:
        if self.format == TEXT:
            return f"{x:.2f}\t{y:.2f}\n"
        half = self.box_size / 2
        return f"{x - half:.0f}\t{y - half:.0f}\t{self.box_size}\t{self.box_size}\n"

    def _places(self, table: "pl.DataFrame", optics: "pl.DataFrame | None") -> "pl.DataFrame":
        """The rows with their places in px of the micrograph."""
        import polars as pl

        shifts = ("rlnOriginXAngst", "rlnOriginYAngst")
        if not self.do_recenter or not set(shifts) <= set(table.columns):
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
            for place, shift in zip((X, Y), shifts, strict=True)
        ]
        return joined.with_columns(moved).drop("_angpix")

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import counts

        return [
            counts.table_view(
                "files", "Coordinate files", "One a micrograph.", job.file("exported/coordinates.star")
            )
        ]
