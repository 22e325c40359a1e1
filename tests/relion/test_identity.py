"""An item is the same item after every program of RELION's: its id leads back to its pick."""

import os
import subprocess

import numpy as np
import polars as pl
import pytest
from conftest_tiny import job

from cryoloom import Project, star
from cryoloom.em.poses import matrices, symmetric_angle
from cryoloom.em.symmetry import operators
from cryoloom.runner.programs import RELION_ENVIRONMENT

pytestmark = [pytest.mark.relion, pytest.mark.slow, pytest.mark.timeout(900)]

ID = "cryoloomItemId"
PLACE = ["rlnMicrographName", "rlnCoordinateX", "rlnCoordinateY"]


@pytest.fixture(scope="module")
def picks(tiny: Project) -> pl.DataFrame:
    """All picks: id, micrograph, coordinates."""
    return tiny.job(job(tiny, "picks")).dataset().picks()


def particles(project: Project, path: str) -> pl.DataFrame:
    table = star.read(project.path / path)["particles"]
    assert isinstance(table, pl.DataFrame)
    return table


def relion(project: Project, program: str, *args: str) -> None:
    environment = {**os.environ, **RELION_ENVIRONMENT}
    subprocess.run(
        [program, *args], cwd=project.path, env=environment, check=True, capture_output=True, timeout=300
    )


def test_every_id_stands_where_it_was_picked_after_extraction_and_classification(
    tiny: Project, picks: pl.DataFrame
) -> None:
    for label in ("particles", "class2d", "classes"):
        table = tiny.job(job(tiny, label)).dataset("particles").table()

        joined = table.join(picks, on=ID, how="left", suffix="_pick")
        assert joined["rlnMicrographName_pick"].null_count() == 0, label
        assert (joined["rlnMicrographName"] == joined["rlnMicrographName_pick"]).all(), label
        for axis in PLACE[1:]:
            assert np.abs((joined[axis] - joined[f"{axis}_pick"]).to_numpy()).max() < 1e-5, label


def test_an_id_survives_ctf_refinement_and_polishing_in_whatever_order_rows_come(tiny: Project) -> None:
    refined = tiny.job(job(tiny, "refine_masked")).dataset("particles").path
    post = f"{job(tiny, 'postprocess')}/postprocess.star"
    micrographs = tiny.job(job(tiny, "motion")).dataset("micrographs").path
    for folder in ("CtfRefine/t1", "Polish/t1"):
        (tiny.path / folder).mkdir(parents=True)

    relion(tiny, "relion_ctf_refine", "--i", refined, "--f", post, "--o", "CtfRefine/t1/", "--fit_defocus",
           "--kmin_defocus", "20", "--fit_mode", "fpmfm")  # fmt: skip
    relion(tiny, "relion_motion_refine", "--i", "CtfRefine/t1/particles_ctf_refine.star", "--f", post,
           "--corr_mic", micrographs, "--first_frame", "1", "--last_frame", "-1", "--o", "Polish/t1/", "--s_vel", "0.2",
           "--s_div", "5000", "--s_acc", "2", "--combine_frames", "--bfac_minfreq", "20", "--bfac_maxfreq", "-1")  # fmt: skip

    before = particles(tiny, refined)
    for file in ("CtfRefine/t1/particles_ctf_refine.star", "Polish/t1/shiny.star"):
        after = particles(tiny, file)
        joined = before.join(after, on=ID, suffix="_after")
        assert joined.height == before.height == after.height == after[ID].n_unique()
        for label in PLACE:
            assert (joined[label] == joined[f"{label}_after"]).all(), (file, label)
    defocus = particles(tiny, "CtfRefine/t1/particles_ctf_refine.star")["rlnDefocusU"]
    assert not defocus.equals(before["rlnDefocusU"])


def test_symmetry_expansion_numbers_the_copies_of_an_id(tiny: Project) -> None:
    refined = job(tiny, "refine_masked")

    expanded = tiny.run("relion.symmetry_expand", input=refined, sym="D2").wait(120)

    assert expanded.state == "succeeded", expanded.why
    before, after = tiny.job(refined).dataset("particles").table(), expanded.dataset("particles").table()
    assert after.height == 4 * before.height == after[ID].n_unique()
    origins = after.with_columns(pl.col(ID).str.replace(r"_\d+$", "").alias("origin"))
    assert origins.group_by("origin").len()["len"].to_list() == [4] * before.height
    joined = origins.join(before, left_on="origin", right_on=ID, suffix="_before")
    angles = ["rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"]
    now = matrices(joined.select(angles).to_numpy())
    then = matrices(joined.select(f"{name}_before" for name in angles).to_numpy())
    assert symmetric_angle(now, then, operators("D2")).max() < 1e-3


def test_sets_at_different_binnings_agree_by_id_and_by_place(tiny: Project) -> None:
    binned, unbinned = job(tiny, "class2d"), job(tiny, "refine_masked")

    by_id = tiny.run("sets.intersect", input=binned, others=unbinned).wait(120)
    by_place = tiny.run("sets.intersect", input=binned, others=unbinned, by="position", distance=30).wait(120)

    ids = set(tiny.job(unbinned).dataset("particles").table()[ID].to_list())
    assert set(by_id.dataset("kept").table()[ID].to_list()) == ids
    near = set(by_place.dataset("kept").table()[ID].to_list())
    assert len(near & ids) > 0.95 * len(ids) and len(near - ids) < 0.05 * len(ids)


def test_a_set_of_another_program_gets_its_ids_back_by_place_in_any_order(tiny: Project) -> None:
    table = tiny.job(job(tiny, "refine_masked")).dataset("particles").table()
    optics = tiny.job(job(tiny, "refine_masked")).dataset("particles").optics()
    assert optics is not None
    foreign = table.drop(ID).sample(fraction=1.0, shuffle=True, seed=3)
    moved = foreign.with_columns(pl.col("rlnCoordinateX") + 0.7)
    star.write(tiny.path / "foreign.star", {"optics": optics, "particles": moved})

    again = tiny.run(
        "sets.assign", input="foreign.star", source=job(tiny, "refine_masked"), what="columns", columns=ID,
        by="position", distance=10,
    ).wait(120)  # fmt: skip

    assert again.state == "succeeded", again.why
    found = again.dataset("kept").table()
    joined = found.join(table, on="rlnImageName", suffix="_true")
    assert joined.height == table.height and (joined[ID] == joined[f"{ID}_true"]).all()


def test_particles_go_back_to_coordinates_and_are_extracted_again_as_the_same_items(tiny: Project) -> None:
    refined = job(tiny, "refine_masked")

    places = tiny.run("sets.coordinates", input=refined, micrographs=job(tiny, "ctf"))
    again = tiny.run(
        "relion.extract",
        star_mics=job(tiny, "ctf"),
        coords_suffix=places,
        extract_size=48,
        do_rescale=True,
        rescale=24,
    ).wait(180)

    assert again.state == "succeeded", again.why
    before, after = tiny.job(refined).dataset("particles").table(), again.dataset("particles").table()
    joined = after.join(before, on=ID, suffix="_before")
    assert joined.height == after.height > 0.9 * before.height
    pixel = 3.0  # Å, of the micrographs
    for axis, origin in (("X", "rlnOriginXAngst"), ("Y", "rlnOriginYAngst")):
        centre = (
            joined[f"rlnCoordinate{axis}_before"]
            - joined[f"{origin}_before" if f"{origin}_before" in joined.columns else origin] / pixel
        )
        assert np.abs((joined[f"rlnCoordinate{axis}"] - centre).to_numpy()).max() < 0.01
