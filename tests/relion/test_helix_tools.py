"""Rise and twist are found in a map whose own are known; imposed, they bring a noisy map nearer to the truth."""

import numpy as np
import pytest
from numpy.typing import NDArray

from cryoloom import Project
from cryoloom.errors import ParameterError
from cryoloom.images.mrc import read_mrc, write_mrc
from cryoloom.plugins.relion.helix_search import found_in
from cryoloom.project.journal import read_history
from cryoloom.simulate import HELIX, Helix
from cryoloom.simulate.helix import filament_map

pytestmark = [pytest.mark.relion, pytest.mark.timeout(120)]

SHAPE = Helix()
WIDTH = 2 * SHAPE.radius + 70
BOX = 64


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = Project.create(tmp_path_factory.mktemp("helix") / "p")
    long = filament_map(SHAPE, HELIX)
    first = len(long) // 2 - BOX // 2
    middle = slice(first, first + BOX)
    truth = long[middle, middle, middle].astype(np.float32)
    write_mrc(made.path / "truth.mrc", truth, HELIX.angpix, is_volume=True)
    (made.path / "maps").mkdir()
    levels = {
        "map": 0.3,
        "noisy": 1.0,
        "maps/run_half1_class001_unfil": 1.0,
        "maps/run_half2_class001_unfil": 1.0,
    }
    for number, (name, level) in enumerate(levels.items()):
        noise = np.random.default_rng(number).normal(size=truth.shape) * level * truth.std()
        write_mrc(made.path / f"{name}.mrc", (truth + noise).astype(np.float32), HELIX.angpix, is_volume=True)
    for half in (1, 2):
        write_mrc(
            made.path / f"maps/other_half{half}_class001_unfil.mrc", truth, 1.5 * HELIX.angpix, is_volume=True
        )
    return made


def inside(project: Project, path: str) -> NDArray[np.float64]:
    """The voxels of the filament in the middle of the box."""
    volume = np.asarray(read_mrc(project.path / path), dtype=np.float64)
    z, y, x = np.indices(volume.shape) - BOX // 2
    return volume[(np.abs(z) < BOX / 4) & (np.hypot(y, x) < BOX / 4)]


def likeness(project: Project, path: str) -> float:
    return float(np.corrcoef(inside(project, path), inside(project, "truth.mrc"))[0, 1])


def test_rise_and_twist_are_found_and_a_map_averaged_along_them_is_nearer_to_the_truth(
    project: Project,
) -> None:
    search = project.run(
        "relion.helix_search", fn_in="map.mrc", cyl_outer_diameter=WIDTH, rise_min=SHAPE.rise - 1.3,
        rise_max=SHAPE.rise + 1, twist_min=SHAPE.twist - 4, twist_max=SHAPE.twist + 5,
    ).wait(timeout_s=60)  # fmt: skip

    assert found_in(project.path / search.name / "helix.star") == (
        pytest.approx(SHAPE.rise, abs=0.1), pytest.approx(SHAPE.twist, abs=0.3)
    )  # fmt: skip
    assert not read_history(project.path / search.name).doubts
    imposed = project.run(
        "relion.helix_impose", fn_in="noisy.mrc", found=search, cyl_outer_diameter=WIDTH,
        half_maps_in="maps/run_half1_class001_unfil.mrc",
    ).wait(timeout_s=60)  # fmt: skip
    pairs = [("noisy.mrc", f"{imposed.name}/helix.mrc")]
    for half in (1, 2):
        name = f"run_half{half}_class001_unfil.mrc"
        pairs.append((f"maps/{name}", f"{imposed.name}/{name}"))
    for raw, averaged in pairs:
        assert likeness(project, averaged) > likeness(project, raw) + 0.4 * (1 - likeness(project, raw)), (
            averaged
        )


def test_what_lies_at_the_end_of_a_range_is_doubted(project: Project) -> None:
    search = project.run(
        "relion.helix_search", fn_in="truth.mrc", cyl_outer_diameter=WIDTH, rise_min=SHAPE.rise - 0.5,
        rise_max=SHAPE.rise + 0.5, twist_min=SHAPE.twist + 1.5, twist_max=SHAPE.twist + 4,
    ).wait(timeout_s=60)  # fmt: skip

    assert any(
        "lies at the end of its range" in doubt for doubt in read_history(project.path / search.name).doubts
    )


def test_a_reference_is_a_cylinder_of_its_width(project: Project) -> None:
    made = project.run(
        "relion.helix_reference", boxdim=BOX, angpix=4, cyl_outer_diameter=100, cyl_inner_diameter=40, width=2
    ).wait(timeout_s=60)

    volume = np.asarray(read_mrc(project.path / made.name / "cylinder.mrc"))
    z, y, x = (np.indices(volume.shape) - BOX // 2) * 4
    radius = np.hypot(y, x)
    middle = np.abs(z) < 40
    assert volume[middle & (radius > 30) & (radius < 40)].min() > 0.9
    assert np.abs(volume[middle & ((radius < 8) | (radius > 65))]).max() < 0.05


@pytest.mark.parametrize(
    ("protocol", "given", "said"),
    [
        ("relion.helix_search", {"fn_in": "map.mrc", "rise_min": 5, "rise_max": 5}, "a range, the lower value first"),
        ("relion.helix_impose", {"fn_in": "map.mrc", "twist": 10}, "no search to take it from"),
        ("relion.helix_search", {"fn_in": "map.mrc", "cyl_outer_diameter": 400, "rise_min": 4, "rise_max": 5, "twist_min": 1,
                                 "twist_max": 2}, "less than the box of 192"),
        ("relion.helix_impose", {"fn_in": "map.mrc", "rise": 5, "twist": 10, "cyl_outer_diameter": 100,
                                 "cyl_inner_diameter": 100}, "more than the inner"),
        (
            "relion.helix_impose",
            {"fn_in": "map.mrc", "rise": 5, "twist": 10, "half_maps_in": "maps/other_half1_class001_unfil.mrc"},
            "both are taken for one size",
        ),
        ("relion.helix_reference", {"boxdim": 64, "angpix": 2, "cyl_outer_diameter": 120}, "less than 90 % of the box of 128"),
    ],
)  # fmt: skip
def test_what_is_no_helix_is_refused(
    project: Project, protocol: str, given: dict[str, object], said: str
) -> None:
    with pytest.raises(ParameterError, match=said):
        project.run(protocol, start=False, **given)
