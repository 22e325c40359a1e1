"""What is drawn around a map: the axes of its point group, and from where its particles were seen."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryoloom.api.class_table import CLASS
from cryoloom.api.maps import map_of, origins
from cryoloom.em.point_groups import check_point_group
from cryoloom.errors import CryoloomError, ProjectError
from cryoloom.protocol.datasets import Particles

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cryoloom.api.job import Job

SYMMETRY = "sym_name"
ANGLES = ("rlnAngleRot", "rlnAngleTilt")
DIRECTIONS = 2000  # of equal solid angle: some 5 degrees across
GOLDEN_TURN = 2.399963229728653  # rad, pi (3 - sqrt 5)


@dataclass(frozen=True, slots=True)
class SymmetryAxis:
    """An axis through the box's middle; as RELION has it that is the voxel `size // 2`."""

    order: int
    direction: tuple[float, float, float]  # x, y, z; a unit vector


@dataclass(frozen=True, slots=True)
class PointGroup:
    """A job's point group, of which job it is, and its axes."""

    group: str
    job: str
    axes: tuple[SymmetryAxis, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """From where particles were seen: directions that stand for equal solid angles, and particles in each."""

    file: str
    particles: int
    of_class: int | None  # whose particles alone these are; None: all
    group: str
    directions: tuple[tuple[float, float, float], ...]  # x, y, z; those without particles are left out
    counts: tuple[float, ...]  # a particle counts in parts at places that are equal by symmetry


def point_group_of(job: "Job") -> PointGroup:
    """The point group that was imposed on a job's map: by it, or by the nearest job of which it is made; C1 where by none."""
    for one in origins(job):
        try:
            name = str(one.params.get(SYMMETRY, "")).strip().upper()
            check_point_group(name)
        except CryoloomError:
            continue
        return PointGroup(name, one.name, axes_of(name))
    return PointGroup("C1", "", ())


def axes_of(group: str) -> tuple[SymmetryAxis, ...]:
    """All axes of a point group, those of the highest order first.

    Raises:
        ParameterError: no point group of that name.
    """
    import numpy as np

    from cryoloom.em.symmetry import operators

    found: dict[tuple[float, ...], int] = {}
    for turn in operators(group)[1:]:
        values, vectors = np.linalg.eig(turn)
        axis = np.real(vectors[:, np.argmin(np.abs(values - 1))])
        # Of both senses the one that points up, or towards x where it lies flat.
        signs = [value for value in axis[::-1] if abs(value) > 1e-6]
        axis = axis * np.sign(signs[0])
        key = tuple((np.round(axis, 4) + 0.0).tolist())
        found[key] = found.get(key, 1) + 1
    axes = (SymmetryAxis(order, (x, y, z)) for (x, y, z), order in found.items())
    return tuple(sorted(axes, key=lambda axis: (-axis.order, [-value for value in axis.direction[::-1]])))


def orientations_around(job: "Job", name: str = "") -> Seen:
    """From where the particles were seen of which a job's map is made: its own, or those of the nearest job that has some.

    Args:
        job: whose map.
        name: of the map, as `maps_of` has it: of a class its own particles are meant; "" all.
    Raises:
        ProjectError: no job has any, or no map of that name.
    """
    import numpy as np
    from scipy.spatial import cKDTree

    from cryoloom.em.symmetry import operators
    from cryoloom.views.orientations import gathered

    of_class = map_of(job, name).of_class if name else None
    file, rot, tilt = _angles(job, of_class)
    group = point_group_of(job).group
    rots, cosines, weights = gathered(rot, np.cos(np.radians(tilt)))
    sines = np.sqrt(1 - cosines**2)
    seen = np.stack([np.cos(np.radians(rots)) * sines, np.sin(np.radians(rots)) * sines, cosines], axis=1)
    up = 1 - (2 * np.arange(DIRECTIONS) + 1) / DIRECTIONS
    turn = GOLDEN_TURN * np.arange(DIRECTIONS)
    flat = np.sqrt(1 - up**2)
    sphere = np.stack([np.cos(turn) * flat, np.sin(turn) * flat, up], axis=1)
    tree = cKDTree(sphere)
    counts = np.zeros(DIRECTIONS)
    turns = operators(group)
    for one in turns:
        counts += np.bincount(tree.query(seen @ one.T)[1], weights, minlength=DIRECTIONS)
    counts /= len(turns)
    some = np.flatnonzero(counts)
    directions = tuple((float(x), float(y), float(z)) for x, y, z in sphere[some].round(4))
    return Seen(
        file, len(rot), of_class, group, directions, tuple(float(one) for one in counts[some].round(3))
    )


def _angles(job: "Job", of_class: int | None) -> "tuple[str, NDArray[np.float64], NDArray[np.float64]]":
    # A class is one of its own job's.
    for one in origins(job) if of_class is None else (job,):
        for dataset in one.outputs().values():
            if not isinstance(dataset.ref, Particles) or not (one.project.path / dataset.path).is_file():
                continue
            try:
                labels = ANGLES if of_class is None else (*ANGLES, CLASS)
                where = "" if of_class is None else f"{CLASS} = {of_class}"
                table = dataset.table(labels, where=where).drop_nulls()
            except CryoloomError:
                continue  # particles that were not refined have no angles
            if table.height:
                return dataset.path, table[ANGLES[0]].to_numpy(), table[ANGLES[1]].to_numpy()
    raise ProjectError(
        f"{job.name}: orientations", found="none", expected="a map made of particles with rlnAngleRot and rlnAngleTilt",
        hint="A refinement, and what is made of it, has them.",
    )  # fmt: skip
