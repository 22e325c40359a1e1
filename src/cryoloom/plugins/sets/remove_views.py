"""Thin out orientations that are over-represented, with a seed."""

from typing import TYPE_CHECKING

from cryoloom.errors import DatasetError
from cryoloom.plugins.sets.files import REJECTED, set_file
from cryoloom.protocol import (
    Input,
    JobFolder,
    Output,
    Param,
    Particles,
    RowBatch,
    RowProtocol,
    RowResult,
    View,
)

if TYPE_CHECKING:
    import polars as pl

    from cryoloom.em.poses import Floats

RANDOM, BEST = "random", "best"


class RemoveViews(RowProtocol):
    """Keep at most so many particles a viewing direction, so that no view outweighs the others."""

    name = "sets.remove_views"
    label = "Remove over-represented views"
    folder = "Select"
    next = ("relion.refine3d", "relion.inimodel")

    input: Particles = Input(
        "Particles", help="With refined angles; they must be complete.", needs=("rlnAngleRot", "rlnAngleTilt")
    )
    sym: str = Param(
        "C1", "Symmetry", means="symmetry", help="Views that it makes equal are counted together."
    )
    spacing: float = Param(7.5, "Angle between directions", unit="°", ge=1, le=30, help="Size of a view.")
    ratio: float = Param(2, "At most, times the median view", gt=0, help="Of the views that have particles.")
    keep: str = Param(
        RANDOM, "Keep of a view", choices=(RANDOM, BEST), help="At random, or the most certain."
    )
    best_by: str = Param(
        "rlnMaxValueProbDistribution",
        "The best has the highest",
        when="keep == best",
        means="labels",
        help="A column of numbers.",
    )
    seed: int = Param(1, "Random seed", when="keep == random", help="The same seed keeps the same particles.")

    kept: Particles = Output("Kept", set_file())
    rejected: Particles = Output("Of over-represented views", set_file(REJECTED))

    def check(self) -> None:
        from cryoloom.em.symmetry import operators

        super().check()
        operators(self.sym)

    def needs_all(self) -> bool:
        return True

    def treat(self, job: JobFolder, batch: RowBatch) -> RowResult:
        import numpy as np
        import polars as pl

        from cryoloom.plugins.sets.copies import rank_of

        items = batch.items
        if not items.height:
            return RowResult({"kept": items, "rejected": items})
        views = pl.Series("view", self._views(items))
        order = (
            pl.Series(np.random.default_rng(self.seed).permutation(items.height))
            if self.keep == RANDOM
            else rank_of(self.best_by, items, self.name)
        )
        sizes = views.value_counts()["count"]
        limit = max(1, round(self.ratio * float(np.median(sizes.to_numpy()))))
        ranks = pl.select(order.rank("ordinal").alias("order"), views).select(
            pl.col("order").rank("ordinal").over("view") <= limit
        )
        kept = ranks.to_series()
        note = f"{len(sizes)} views have particles; at most {limit} of each were kept."
        return RowResult({"kept": items.filter(kept), "rejected": items.filter(~kept)}, note=note)

    def _views(self, items: "pl.DataFrame") -> "Floats":
        """For each particle the number of the nearest of evenly spread directions, equal ones together."""
        import numpy as np
        import polars as pl
        import scipy.spatial

        from cryoloom.em.symmetry import operators

        missing = [label for label in ("rlnAngleRot", "rlnAngleTilt") if label not in items.columns]
        if missing:
            raise DatasetError(
                f"{self.input.path}", found=f"without {missing[0]}", expected="particles with angles"
            )
        rot, tilt = (
            np.radians(items[label].cast(pl.Float64).to_numpy()) for label in ("rlnAngleRot", "rlnAngleTilt")
        )
        # The direction of the view in the map's frame: the third row of RELION's matrix.
        seen = np.column_stack([np.sin(tilt) * np.cos(rot), np.sin(tilt) * np.sin(rot), np.cos(tilt)])
        count = max(12, round(4 * np.pi / np.radians(self.spacing) ** 2))
        # Directions on a spiral whose turns follow the golden ratio lie evenly on the sphere.
        z = 1 - (2 * np.arange(count) + 1) / count
        turn = np.pi * (3 - np.sqrt(5)) * np.arange(count)
        spiral = np.column_stack([np.sqrt(1 - z * z) * np.cos(turn), np.sqrt(1 - z * z) * np.sin(turn), z])
        # Of the directions that the symmetry makes equal, the one that lies uppermost in its frame stands for all.
        group = operators(self.sym)
        images = np.einsum("gij,nj->gni", group, seen)
        score = images @ np.array([0.3106, 0.1771, 0.9339])
        one = images[np.argmax(score, axis=0), np.arange(len(seen))]
        return np.asarray(scipy.spatial.cKDTree(spiral).query(one)[1])

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import counts, orientations

        blocks = counts.kept_and_rejected(job.name)
        return [*blocks, *orientations.orientation_views(job.file("particles.star"))]
