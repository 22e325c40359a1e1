"""Defocus groups as they would be: how many, and how large, for a range and a least number of particles."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryoloom.errors import ParameterError, ProjectError, StarError

if TYPE_CHECKING:
    from cryoloom.api.looking import Seen
    from cryoloom.api.project import Project

DEFOCUS, OPTICS = "rlnDefocusU", "rlnOpticsGroup"


@dataclass(frozen=True, slots=True)
class DefocusGroup:
    """Particles that would be one group; its defocus in Å."""

    name: str
    particles: int
    lowest: float
    highest: float


@dataclass(frozen=True, slots=True)
class DefocusGroups:
    """All groups, by rising defocus, optics group by optics group; the job puts its number behind their names."""

    groups: tuple[DefocusGroup, ...]
    defocus_range: float
    min_particles: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def look(self) -> "Seen":
        """A bar for each group."""
        from cryoloom.api.looking import Seen
        from cryoloom.views.defocus_groups import groups_chart
        from cryoloom.views.resolve import drawn

        chart = groups_chart([(one.name, one.particles, one.lowest, one.highest) for one in self.groups])
        part = drawn(chart, Path())
        return Seen(() if part is None else (part,))


def defocus_groups_of(
    project: "Project", asked: str, *, defocus_range: float = 1000, min_particles: int = 10
) -> DefocusGroups:
    """The groups that sets.defocus_groups would make.

    Args:
        project: where the job is.
        asked: a job that gives particles with CTFs, `JOB` or `JOB:output`.
        defocus_range: Å; a group ends where it would span more.
        min_particles: a group that has fewer goes on.
    Raises:
        ProjectError: no such job, or one without particles with CTFs.
        ParameterError: a range or number that is none; a defocus that is no number.
    """
    import numpy as np
    import polars as pl

    from cryoloom.em import defocus_groups

    for name, value in (("defocus_range", defocus_range), ("min_particles", min_particles)):
        if not value > 0:
            raise ParameterError(name, found=f"{value:g}", expected="more than 0")
    name, _, output = asked.partition(":")
    job = project.job(name)
    given = output or next((key for key, one in job.outputs().items() if one.kind == "particles"), "")
    if not given:
        raise ProjectError(
            f"{job.name}", found=f"a job of {job.protocol}", expected="a job that gives particles"
        )
    dataset = job.dataset(given)
    try:
        table = dataset.table([DEFOCUS, OPTICS])
    except StarError:  # of a table of RELION 3.0: all particles are of one group
        table = dataset.table([DEFOCUS])
    defocus = table[DEFOCUS].cast(pl.Float64, strict=False).to_numpy()
    if not len(defocus) or not np.isfinite(defocus).all():
        bad = np.flatnonzero(~np.isfinite(defocus))
        found = f"no number in row {int(bad[0]) + 1}" if len(bad) else "of no particle"
        raise ParameterError(f"{dataset.path}: {DEFOCUS}", found=found, expected="a number for each particle")
    optics = table[OPTICS].cast(pl.Int64).to_numpy() if OPTICS in table.columns else None
    numbers = defocus_groups.defocus_groups(defocus, defocus_range, min_particles, optics)
    groups = []
    for number in range(1, int(numbers.max()) + 1):
        mine = defocus[numbers == number]
        groups.append(
            DefocusGroup(defocus_groups.NAME.format(number), len(mine), float(mine.min()), float(mine.max()))
        )
    return DefocusGroups((*groups,), defocus_range, min_particles)
