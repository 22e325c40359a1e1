"""Multi-body refinement by the real RELION: the angle by which one body turns against the other is found."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cryoloom import Project, star
from cryoloom.errors import ParameterError
from cryoloom.simulate import simulate_bodies
from cryoloom.simulate.compare.heterogeneity import body_angles, body_turns

pytestmark = [pytest.mark.relion, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Particles of a molecule whose smaller body nods by 15°, and their consensus."""
    folder = tmp_path_factory.mktemp("bodies")
    simulate_bodies(folder / "set", pose_error=4.0, origin_error=2.0)
    project = Project.create(folder / "p")
    for name in ("truth/map.mrc", "mask_body1.mrc", "mask_body2.mrc"):
        (project.path / Path(name).name).write_bytes((folder / "set" / name).read_bytes())
    particles = project.run("import.particles", fn_in_other=str(folder / "set/particles.star")).wait(
        timeout_s=60
    )
    project.run(
        "relion.refine3d", fn_img=particles, fn_ref="map.mrc", ini_high=30, particle_diameter=150, do_pad1=True,
        ctf_corrected_ref=True, sampling="1.8 degrees", auto_local_sampling="1.8 degrees", offset_range=2, nr_pool=30,
        do_preread_images=True, auto_faster=True, other_args="--random_seed 1 --maxsig 100", alias="consensus",
    ).wait(timeout_s=400)  # fmt: skip
    project.run(
        "relion.bodies", fn_mask=["mask_body1.mrc", "mask_body2.mrc"], sigma_angles="20", alias="bodies"
    ).wait(timeout_s=60)  # fmt: skip
    return project


def test_the_angle_between_two_bodies_is_found_and_selected_by(project: Project) -> None:
    made = project.run(
        "relion.multibody", fn_in="consensus", fn_bodies="bodies", offset_range=2, offset_step=1, do_pad1=True,
        nr_pool=30, do_preread_images=True, nr_movies=1, do_select=True, eigenval_min=0, other_args="--maxsig 100",
    ).wait(timeout_s=400)  # fmt: skip

    folder = project.path.parent / "set/truth"
    truth = star.tables_of(star.read(folder / "particles.star"))["particles"]
    angles = dict(zip(_images(truth), truth["cryoloomBodyAngle"].to_list(), strict=True))
    blocks = star.tables_of(star.read(project.path / made.dataset("particles").path))
    rows, second = blocks["particles"], blocks["images_body_2"]
    true = np.asarray([angles[name] for name in _images(rows)])
    columns = ["rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"]
    turns = body_turns(second.select(columns).to_numpy())
    found = body_angles(turns, true)
    assert found.correlation > 0.7
    assert found.error < 0.75 * found.spread
    # The larger body is what the consensus is of: it turns by less.
    assert turns.std() > 1.5 * body_turns(blocks["images_body_1"].select(columns).to_numpy()).std()

    kept = made.dataset("selected").table()
    assert 0 < kept.height < rows.height
    selected = {angles[name] for name in _images(kept)}
    others = set(angles.values()) - selected
    assert abs(np.mean([*selected]) - np.mean([*others])) > 4
    assert {*made.outputs()} >= {"half_maps_1", "half_maps_2", "particles", "selected"}
    shown = {view.name: view for view in made.views()}
    assert {"variance", "turns", "movement_1", "body_1", "body_2"} <= set(shown)
    assert shown["variance"].look().parts and len(shown["turns"].look().parts) == 6


def test_bodies_that_do_not_fit_are_told_before_hours_are_spent(project: Project) -> None:
    text = (project.path / project.job("bodies").dataset("bodies").path).read_text()
    (project.path / "itself.star").write_text(
        text.replace("mask_body1.mrc            2", "mask_body1.mrc            1")
    )
    (project.path / "gone.star").write_text(text.replace("mask_body2", "mask_body9"))

    with pytest.raises(ParameterError, match=r"mask_body1\.mrc twice"):
        project.run("relion.bodies", fn_mask=["mask_body1.mrc", "mask_body1.mrc"])
    # RELION 3.1.3 takes the label of 3.0 without a word, and lets no body shift.
    assert "_rlnBodySigmaOffsetAngst" in text
    (project.path / "old.star").write_text(text.replace("OffsetAngst", "Offset"))
    with pytest.raises(ParameterError, match=r"old\.star, with rlnBodySigmaOffset \(px\)"):
        project.run("relion.multibody", fn_in="consensus", fn_bodies="old.star")
    with pytest.raises(ParameterError, match=r"nr_bodies is 3, expected 2, the bodies of"):
        project.run("relion.multibody", fn_in="consensus", fn_bodies="bodies", nr_bodies=3)
    with pytest.raises(
        ParameterError, match="row 1: rlnBodyRotateRelativeTo 1, expected the number of another body"
    ):
        project.run("relion.multibody", fn_in="consensus", fn_bodies="itself.star")
    with pytest.raises(ParameterError, match=r"row 2: mask_body9\.mrc, which is missing"):
        project.run("relion.multibody", fn_in="consensus", fn_bodies="gone.star")
    with pytest.raises(ParameterError, match="0 for body 2"):
        project.run("relion.bodies", fn_mask=["mask_body1.mrc", "mask_body2.mrc"], rotate_relative_to="2,0")


def _images(table: pl.DataFrame) -> list[str]:
    """Which image of which stack, whatever folder it lies in."""
    return [f"{name.partition('@')[0]}@{Path(name).name}" for name in table["rlnImageName"].to_list()]
