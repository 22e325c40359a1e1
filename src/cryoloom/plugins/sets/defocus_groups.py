"""Particles put into groups of like defocus, by the label from which RELION makes its groups."""

from collections.abc import Collection

from cryoloom.errors import DatasetError
from cryoloom.plugins.sets.files import set_file
from cryoloom.protocol import (
    GroupsOfDefocus,
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

DEFOCUS, NAME, NUMBER = "rlnDefocusU", "rlnGroupName", "rlnGroupNumber"
OPTICS = "rlnOpticsGroup"


class DefocusGroups(RowProtocol):
    """Group particles by their defocus instead of their micrographs, for noise and scale in RELION's refinements."""

    name = "sets.defocus_groups"
    label = "Defocus groups"
    folder = "Select"
    next = ("relion.class2d", "relion.class3d", "relion.refine3d")
    changed = frozenset({NAME, NUMBER})

    input: Particles = Input("Particles", needs=(DEFOCUS,), help="With their CTFs; they must be complete.")
    defocus_range: float = Param(
        1000, "Range of a group", unit="Å", gt=0, usual=(50, 20000), wizard=GroupsOfDefocus(of="input"),
        help="A group ends where it would span more, and is of one optics group. `cryoloom suggest defocus-groups` shows what "
        "comes out.",
    )  # fmt: skip
    min_particles: int = Param(
        10, "At least in a group", ge=1, help="A group that has fewer goes on, however much it spans."
    )

    kept: Particles = Output("Particles with their groups", set_file("grouped"))

    def columns_read(self, name: str) -> Collection[str]:
        return [DEFOCUS, OPTICS]

    def needs_all(self) -> bool:
        return True

    def treat(self, job: JobFolder, batch: RowBatch) -> RowResult:
        import numpy as np
        import polars as pl

        from cryoloom.em import defocus_groups

        items = batch.items
        if not items.height:
            return RowResult({"kept": items})
        defocus = items[DEFOCUS].cast(pl.Float64, strict=False).to_numpy()
        if not np.isfinite(defocus).all():
            row = int(np.flatnonzero(~np.isfinite(defocus))[0]) + 1
            raise DatasetError(
                f"{self.input.path}: {DEFOCUS} in row {row}", found=str(items[DEFOCUS][row - 1]), expected="a number",
                hint="Take such particles out first: sets.filter.",
            )  # fmt: skip
        optics = items[OPTICS].cast(pl.Int64).to_numpy() if OPTICS in items.columns else None
        groups = defocus_groups.defocus_groups(defocus, self.defocus_range, self.min_particles, optics)
        # RELION knows groups by their names: those of two such sets that are joined must not meet.
        own = job.name.rstrip("/").rpartition("/")[2]
        names = [f"{defocus_groups.NAME.format(number)}_{own}" for number in groups.tolist()]
        grouped = items.with_columns(pl.Series(NAME, names))
        if NUMBER in items.columns:
            grouped = grouped.with_columns(pl.Series(NUMBER, groups))
        sizes = np.bincount(groups)[1:]
        note = f"{len(sizes)} groups of {sizes.min()} to {sizes.max()} particles."
        if small := int((sizes < self.min_particles).sum()):
            note += f" {small} of them {'has' if small == 1 else 'have'} fewer than {self.min_particles}: no more were left."
        return RowResult({"kept": grouped}, note=note)

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import counts, defocus_groups

        file = job.file("particles_grouped.star")
        return [*counts.kept_and_rejected(job.name), defocus_groups.groups_view(file)]
