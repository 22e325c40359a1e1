"""Copies of a unit that no point group relates are found where they were put, and averaged there."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from cryoloom import Job, Project, star
from cryoloom.em.poses import euler_angles, matrices
from cryoloom.errors import ParameterError
from cryoloom.images.mrc import read_mrc, write_mrc
from cryoloom.project.journal import read_history

pytestmark = [pytest.mark.relion, pytest.mark.slow, pytest.mark.timeout(300)]

BOX, PIXEL = 40, 4.0
LABELS = [
    "rlnAngleRot",
    "rlnAngleTilt",
    "rlnAnglePsi",
    "rlnOriginXAngst",
    "rlnOriginYAngst",
    "rlnOriginZAngst",
]
# Turned about an axis askew, and moved, Å: from the first unit to the second.
UNIT, COPY = np.array([35.0, 0.0, 0.0]), np.array([-25.0, 25.0, 8.0])
TURN = Rotation.from_rotvec(np.radians([20.0, 30.0, 100.0]))


def density(turn: Rotation, place: NDArray[np.float64]) -> NDArray[np.float32]:
    """Some atoms without symmetry, turned and put somewhere."""
    random = np.random.default_rng(3)
    atoms = turn.apply(random.normal(size=(12, 3)) * [9, 6, 11]) + place
    z, y, x = (np.indices((BOX, BOX, BOX)) - BOX // 2) * PIXEL
    made = np.zeros((BOX, BOX, BOX))
    for atom, weight in zip(atoms, random.uniform(0.5, 1.5, 12), strict=True):
        made += weight * np.exp(-((x - atom[0]) ** 2 + (y - atom[1]) ** 2 + (z - atom[2]) ** 2) / 2 / 6.0**2)
    return made.astype(np.float32)


def sphere(place: NDArray[np.float64], radius: float = 28.0) -> NDArray[np.float32]:
    z, y, x = (np.indices((BOX, BOX, BOX)) - BOX // 2) * PIXEL
    distance = np.sqrt((x - place[0]) ** 2 + (y - place[1]) ** 2 + (z - place[2]) ** 2)
    return np.asarray(np.clip((radius + 6 - distance) / 6, 0, 1), dtype=np.float32)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = Project.create(tmp_path_factory.mktemp("localsym") / "p")
    truth = density(Rotation.identity(), UNIT) + density(TURN, COPY)
    write_mrc(made.path / "truth.mrc", truth, PIXEL)
    (made.path / "maps").mkdir()
    for number, name in enumerate(("map", "maps/run_half1_class001_unfil", "maps/run_half2_class001_unfil")):
        noise = np.random.default_rng(number).normal(size=truth.shape) * 0.3
        write_mrc(made.path / f"{name}.mrc", (truth + noise).astype(np.float32), PIXEL)
    for name, place in (("unit", UNIT), ("copy", COPY), ("nowhere", np.array([0.0, -40.0, -30.0]))):
        write_mrc(made.path / f"{name}.mrc", sphere(place), PIXEL)
    write_mrc(made.path / "other_pixels.mrc", sphere(COPY), 2 * PIXEL)
    return made


def likeness(project: Project, path: str) -> float:
    """With the truth, where it lies."""
    where = (read_mrc(project.path / "unit.mrc") > 0.5) | (read_mrc(project.path / "copy.mrc") > 0.5)
    one, other = (np.asarray(read_mrc(project.path / name))[where] for name in (path, "truth.mrc"))
    return float(np.corrcoef(one, other)[0, 1])


def operators(project: Project, job: Job) -> NDArray[np.float64]:
    [table] = star.tables_of(star.read(project.path / job.name / "operators.star")).values()
    return table.select(LABELS).to_numpy()


def doubts(project: Project, job: Job) -> list[str]:
    return read_history(project.path / job.name).doubts


def is_the_truth(found: NDArray[np.float64]) -> None:
    turn = matrices(found[:, :3])[0]
    angle = np.degrees(Rotation.from_matrix(turn @ TURN.as_matrix().T).magnitude())
    np.testing.assert_array_less(angle, 6)
    np.testing.assert_allclose(turn @ UNIT + found[0, 3:], COPY, atol=3)


def test_copies_are_found_by_their_masks_and_averaging_them_takes_noise_away(project: Project) -> None:
    job = project.run(
        "relion.localsym", fn_in="map.mrc", masks=["unit.mrc", "copy.mrc"], ang_step=30, nr_mpi=2,
        half_maps_in="maps/run_half1_class001_unfil.mrc",
    ).wait(timeout_s=200)  # fmt: skip

    is_the_truth(operators(project, job))
    before = likeness(project, "map.mrc")
    assert likeness(project, f"{job.name}/localsym.mrc") > before + 0.3 * (1 - before)
    for half in (1, 2):
        raw = likeness(project, f"maps/run_half{half}_class001_unfil.mrc")
        averaged = likeness(project, job.dataset("half_maps").path.replace("half1", f"half{half}"))
        assert averaged > raw + 0.3 * (1 - raw)
    assert not doubts(project, job)


def test_an_operator_that_is_known_needs_the_units_mask_alone(project: Project) -> None:
    turn = TURN.as_matrix()
    rot, tilt, psi = euler_angles(turn[None])[0]
    x, y, z = COPY - turn @ UNIT
    text = f"{rot:.3f},{tilt:.3f},{psi:.3f},{x:.3f},{y:.3f},{z:.3f}"
    job = project.run(
        "relion.localsym", fn_in="map.mrc", masks="unit.mrc", operators=text, do_local_search=False
    ).wait(timeout_s=60)

    is_the_truth(operators(project, job))
    before = likeness(project, "map.mrc")
    assert likeness(project, f"{job.name}/localsym.mrc") > before + 0.3 * (1 - before)


def test_what_is_no_copy_is_doubted(project: Project) -> None:
    job = project.run(
        "relion.localsym", fn_in="map.mrc", masks=["unit.mrc", "nowhere.mrc"], ang_step=30, offset_range=0,
        do_local_search=False,
    ).wait(timeout_s=60)  # fmt: skip

    assert any("Copy 1 correlates with the unit by" in doubt for doubt in doubts(project, job))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"masks": "unit.mrc"}, "one mask, and no operators"),
        ({"masks": ["unit.mrc", "copy.mrc"], "operators": "0 0 0 1 2 3"}, "2 masks beside operators"),
        ({"masks": "unit.mrc", "operators": "0 0 0 1 2"}, "six numbers"),
        ({"masks": ["unit.mrc", "other_pixels.mrc"]}, r"masks#2 is .*pixels of 8 Å, expected about 4 Å"),
        (
            {"masks": "unit.mrc", "operators": "nan 0 0 1 2 3"},
            "six numbers",
        ),  # RELION makes a map of nan by it
    ],
)
def test_what_cannot_be_searched_for_is_refused(
    project: Project, given: dict[str, object], said: str
) -> None:
    with pytest.raises(ParameterError, match=said):
        project.run("relion.localsym", fn_in="map.mrc", start=False, **given)
