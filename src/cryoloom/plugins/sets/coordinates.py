"""From particles back to positions on micrographs, with refined shifts applied, sub-pixel."""

from typing import TYPE_CHECKING

from cryoloom.plugins.sets.files import Counted
from cryoloom.protocol import (
    Coordinates,
    Input,
    JobFolder,
    Micrographs,
    Output,
    Param,
    Particles,
    SetProtocol,
    SetResult,
)
from cryoloom.protocol.jobs import ITEM_ID

if TYPE_CHECKING:
    import polars as pl

SUFFIX = "_particles"


class ParticleCoordinates(Counted, SetProtocol):
    """Positions of particles as coordinates that can be extracted again, in any box or binning."""

    name = "sets.coordinates"
    label = "Coordinates of particles"
    folder = "Select"
    next = ("relion.extract",)

    input: Particles = Input(
        "Particles",
        help="With micrograph and coordinates; they must be complete.",
        needs=("rlnMicrographName", "rlnCoordinateX", "rlnCoordinateY"),
    )
    micrographs: Micrographs = Input(
        "Micrographs",
        help="Whose pixels the coordinates shall count; they may be binned otherwise.",
        needs=("optics:rlnMicrographPixelSize",),
    )
    apply_shifts: bool = Param(True, "Apply refined shifts?", help="The picks move to the refined centres.")

    coordinates: Coordinates = Output("Coordinates", f"coords_suffix{SUFFIX}.star")
    rejected: Particles = Output("Particles on other micrographs", "particles_rejected.star")

    def compute(self, job: JobFolder) -> SetResult:
        import polars as pl

        from cryoloom import star
        from cryoloom.em.optics import upgraded_to_31
        from cryoloom.em.places import micrograph_key, places
        from cryoloom.project.item_ids import with_ids

        path, target = job.root / self.input.path, job.root / self.micrographs.path
        optics, particles = upgraded_to_31(star.read(path), path)
        particles = with_ids(particles)
        groups, micrographs = upgraded_to_31(star.read(target), target)
        if not self.apply_shifts:
            particles = particles.drop("rlnOriginXAngst", "rlnOriginYAngst", strict=False)
        at = places(particles, optics, self.input.path)
        angpix = dict(
            zip(groups["rlnOpticsGroup"].to_list(), groups["rlnMicrographPixelSize"].to_list(), strict=True)
        )
        micrographs = micrographs.with_columns(
            micrograph_key().alias("_key"), pl.col("rlnOpticsGroup").replace_strict(angpix).alias("_angpix")
        )
        table = particles.with_columns(
            at.micrographs.alias("_key"), pl.Series("_x", at.xy[:, 0]), pl.Series("_y", at.xy[:, 1])
        ).join(micrographs.select("_key", "_angpix", pl.col("rlnMicrographName").alias("_mic")), on="_key", how="left",
               maintain_order="left")  # fmt: skip
        known = table["_mic"].is_not_null()
        table = table.filter(known).with_columns(
            (pl.col("_x") / pl.col("_angpix")).alias("rlnCoordinateX"),
            (pl.col("_y") / pl.col("_angpix")).alias("rlnCoordinateY"),
        )
        kept = [
            label
            for label in (
                "rlnCoordinateX",
                "rlnCoordinateY",
                "rlnAutopickFigureOfMerit",
                "rlnClassNumber",
                "rlnAnglePsi",
            )
            if label in table.columns
        ]
        rows = self._write(job, table.select(*kept, ITEM_ID, "_mic"), with_ids(micrographs))
        (job.path / f"coords_suffix{SUFFIX}.star").write_text(f"{self.micrographs.path}\n")
        blocks = {
            f"coordinates{SUFFIX}.star": {"coordinates": rows},
            "rejected": {"optics": optics, "particles": particles.filter(~known)},
        }
        return SetResult(blocks, {"coordinates": int(known.sum()), "rejected": int((~known).sum())})

    def _write(self, job: JobFolder, picks: "pl.DataFrame", micrographs: "pl.DataFrame") -> "pl.DataFrame":
        """One file a micrograph, also for those without a particle."""
        import polars as pl

        from cryoloom import star
        from cryoloom.project.forms.coordinate_files import coordinate_file

        parts = {str(key[0]): part.drop("_mic") for key, part in picks.group_by("_mic", maintain_order=True)}
        rows = []
        for name, item in micrographs.select("rlnMicrographName", ITEM_ID).iter_rows():
            part = parts.get(str(name), picks.clear().drop("_mic"))
            file = job.file(coordinate_file(str(name), SUFFIX))
            (job.root / file).parent.mkdir(parents=True, exist_ok=True)
            star.write(job.root / file, {"": part})
            rows.append((name, file, part.height, item))
        labels = ["rlnMicrographName", "rlnMicrographCoordinates", "cryoloomCount", ITEM_ID]
        return pl.DataFrame(rows, schema=labels, orient="row")
