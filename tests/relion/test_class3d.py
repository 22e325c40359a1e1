"""3D classification by the real RELION: two states of known composition are told apart."""

import shutil

import polars as pl
import pytest
from conftest_tiny import job

from cryoloom import Project
from cryoloom.simulate.compare.places import match, particle_places
from cryoloom.simulate.truth import read_truth

pytestmark = [pytest.mark.relion, pytest.mark.slow, pytest.mark.timeout(600)]


def test_two_states_are_told_apart_without_alignment_and_one_goes_on(
    tiny: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("states") / "p"
    shutil.copytree(tiny.path, folder, symlinks=True)
    project = Project(folder)
    refined = job(project, "refine_masked")

    classified = project.run(
        "relion.class3d", fn_img=refined, fn_ref=refined, fn_mask=job(project, "mask"), nr_classes=2,
        dont_skip_align=False, ini_high=12, ctf_corrected_ref=True, ref_correct_greyscale=True, sym_name="T",
        particle_diameter="auto", nr_iter=15, do_pad1=True, other_args="--random_seed 1",
    ).wait(timeout_s=300)  # fmt: skip

    found = classified.dataset("particles").table()
    truth = read_truth(folder / "microscope/truth")
    pairs = match(
        particle_places(found, truth.angpix), particle_places(truth.particles, truth.angpix), truth.angpix, 60
    )
    states = pl.DataFrame({
        "class": found["rlnClassNumber"].gather(pairs.found),
        "state": truth.particles["rlnClassNumber"].gather(pairs.true),
    })  # fmt: skip
    assert states.height >= 170
    counts = states.group_by("class", "state").len()
    pure = counts.group_by("class").agg(pl.col("len").max())["len"].sum()
    largest = {int(row["class"]): int(row["state"]) for row in counts.sort("len").iter_rows(named=True)}
    assert sorted(largest.values()) == [1, 2], "each class is one of the states"
    assert pure / states.height >= 0.9
    # The second state lacks a part of its arms.
    [second] = [number for number, state in largest.items() if state == 2]
    share = states.filter(pl.col("class") == second).height / states.height
    assert share == pytest.approx((states["state"] == 2).mean(), abs=0.05)
    # Orientations stay as they were, since nothing was aligned.
    before = (
        project.job(refined).dataset("particles").table(["cryoloomItemId", "rlnAngleRot", "rlnAngleTilt"])
    )
    both = found.join(before, on="cryoloomItemId", suffix="_before")
    assert both.height == found.height
    assert (both["rlnAngleRot"] - both["rlnAngleRot_before"]).abs().max() == pytest.approx(0, abs=1e-4)

    kept = project.run("sets.classes", fn_model=classified, classes=str(second)).wait(timeout_s=120)

    assert len(kept.dataset("particles")) == found.filter(pl.col("rlnClassNumber") == second).height
    of_class = classified.folder / f"run_it015_class{second:03d}.mrc"
    assert (project.path / kept.outputs()["volume"].path).read_bytes() == of_class.read_bytes()
    assert {view.name for view in classified.views()} >= {
        "slices",
        "class_table",
        "convergence",
        "orientations",
    }
