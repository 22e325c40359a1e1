"""Boxes and masks that are `auto` fit particles whose size is known, and RELION runs with them."""

from pathlib import Path

import numpy as np
import pytest

from cryoloom import Job, Project
from cryoloom.errors import ParameterError
from cryoloom.images.mrc import write_mrc
from cryoloom.plugins.relion.options.diameters import box_px, mask_angst
from cryoloom.project.picked_diameter import picked_diameter
from cryoloom.project.registry import find_protocol
from cryoloom.protocol import JobFolder

ANGPIX, DIAMETER, SIZE = 4.0, 120.0, 512
PLACES = [(x, y) for x in range(80, 450, 90) for y in range(80, 450, 90)]


@pytest.fixture(scope="module")
def picked(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A micrograph of dark discs of 120 Å, picked by their size."""
    folder = tmp_path_factory.mktemp("discs")
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:SIZE, :SIZE]
    image = rng.normal(size=(SIZE, SIZE))
    for cx, cy in PLACES:
        image -= 2.0 * (np.hypot(x - cx, y - cy) * ANGPIX < DIAMETER / 2)
    write_mrc(folder / "a.mrc", image.astype(np.float32), ANGPIX)
    project = Project.create(folder / "p", seed=1)
    project.run("import.micrographs", fn_in_raw=str(folder / "a.mrc"), angpix=ANGPIX)
    project.run(
        "relion.autopick", fn_input_autopick="1", do_log=True, log_diam_min=100, log_diam_max=DIAMETER
    )
    project.run("relion.extract", star_mics="1", coords_suffix="2", extract_size="auto", alias="boxes")
    project.wait(timeout_s=120)
    return project


def ended(job: Job) -> Job:
    job.wait(120)
    assert job.state == "succeeded", job.why
    return job


@pytest.mark.relion
def test_a_box_holds_the_particle_one_and_a_half_times(picked: Project) -> None:
    boxes = ended(picked.job("boxes"))

    # 1.5 x 120 Å / 4 Å = 45: the next even number without large prime factors is 48.
    assert boxes.params["extract_size"] == 48 and "auto: extract_size=48" in boxes.notes()
    images = boxes.dataset().images()
    assert images.pixels.shape[1:] == (48, 48) and images.angpix == ANGPIX
    assert "--extract_size 48" in (boxes.folder / "note.txt").read_text()
    assert len(images.pixels) >= 0.8 * len(PLACES)


@pytest.mark.relion
def test_a_mask_holds_the_particle_and_lies_within_the_box(picked: Project) -> None:
    job = ended(
        picked.run("relion.class2d", fn_img=ended(picked.job("boxes")), particle_diameter="auto", nr_threads="auto",
                   nr_iter=1, do_ctf_correction=False)
    )  # fmt: skip

    diameter = job.params["particle_diameter"]
    assert diameter == 132  # 1.1 x 120 Å
    assert DIAMETER < diameter < 48 * ANGPIX
    assert f"--particle_diameter {diameter:g}" in (job.folder / "note.txt").read_text()
    assert any(note.startswith("auto: particle_diameter=132, nr_threads=") for note in job.notes())
    assert f"particle_diameter {diameter:>10g}" in (job.folder / "job.star").read_text()


@pytest.mark.parametrize("protocol", ["relion.class2d", "relion.inimodel", "relion.refine3d"])
def test_all_that_mask_particles_find_the_same_diameter(picked: Project, protocol: str) -> None:
    boxes = ended(picked.job("boxes")).entry.outputs()["particles"]
    job = find_protocol(protocol)({"particle_diameter": "auto"}, {"fn_img": boxes})

    assert job.resolve_auto(JobFolder("External/job099/", picked.path)) == {"particle_diameter": 132}


def test_the_diameter_is_found_through_all_jobs_between(picked: Project) -> None:
    boxes = ended(picked.job("boxes"))
    sharp = ended(picked.run("sets.sample", input=boxes, take="5"))

    assert picked_diameter(picked.path, sharp.entry.outputs()["kept"]) == DIAMETER
    assert picked_diameter(picked.path, picked.job("1").entry.outputs()["micrographs"]) is None


def test_without_a_pick_s_diameter_a_box_is_asked_for_and_a_mask_goes_by_the_box(
    picked: Project, tmp_path: Path
) -> None:
    known = ended(picked.job("boxes")).dataset()
    table = known.table()
    with picked.external("nobody's picks", ["1"], {"picks": "coordinates"}) as nobodys:
        nobodys.write("picks", table.select("rlnMicrographName", "rlnCoordinateX", "rlnCoordinateY"))
    with pytest.raises(ParameterError, match="no job above says the particles' diameter"):
        picked.run("relion.extract", star_mics="1", coords_suffix=nobodys, extract_size="auto")

    assert (
        mask_angst(200, None) == 180
        and mask_angst(200, 100) == pytest.approx(110)
        and mask_angst(200, 190) == 190
    )


@pytest.mark.parametrize(
    ("diameter", "angpix", "expected"), [(180, 0.885, 320), (120, 4, 48), (100, 1.5, 100)]
)
def test_boxes_are_even_and_transform_fast(diameter: float, angpix: float, expected: int) -> None:
    assert box_px(diameter, angpix) == expected


def test_a_wrong_rescaled_size_is_refused_when_the_box_is_known(picked: Project) -> None:
    job = picked.run(
        "relion.extract", star_mics="1", coords_suffix="2", extract_size="auto", do_rescale=True, rescale=64
    )
    job.wait(60, check=False)

    assert job.state == "failed" and "rescale is 64, expected at most extract_size, 48" in job.why
    with pytest.raises(ParameterError, match="rescale is 63, expected an even number"):
        picked.run(
            "relion.extract",
            star_mics="1",
            coords_suffix="2",
            extract_size="auto",
            do_rescale=True,
            rescale=63,
        )


@pytest.mark.relion
def test_a_copied_branch_finds_its_box_by_the_copied_picks(picked: Project) -> None:
    copies = picked.copy("2", branch=False, log_diam_max=200, start=True)
    [again] = picked.copy("boxes", coords_suffix=copies[0], start=True)

    ended(again)

    assert again.params["extract_size"] == 80  # 1.5 x 200 Å / 4 Å = 75
