"""Picking with diameters that are `auto`: RELION is given those of the discs, and finds them."""

from pathlib import Path

import numpy as np
import pytest

from cryoloom import JobError, Project, star
from cryoloom.images.mrc import write_mrc

ANGPIX, DIAMETER, SIZE = 3.0, 150.0, 1024
PLACES = [(x, y) for x in range(100, 950, 130) for y in range(100, 950, 130)]

pytestmark = [pytest.mark.relion, pytest.mark.slow]


def micrograph(path: Path, contrast: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE]
    image = rng.normal(size=(SIZE, SIZE))
    for cx, cy in PLACES:
        image -= contrast * (np.hypot(x - cx, y - cy) * ANGPIX < DIAMETER / 2)
    write_mrc(path, image.astype(np.float32), ANGPIX)


def test_what_was_found_is_said_and_relion_picks_the_discs(tmp_path: Path) -> None:
    for seed in (1, 2):
        micrograph(tmp_path / f"m{seed}.mrc", 0.7, seed)
    project = Project.create(tmp_path / "p", seed=1)
    # The header is not asked: the user's pixel size counts.
    made = project.run("import.micrographs", fn_in_raw=str(tmp_path / "m*.mrc"), angpix=ANGPIX)
    job = project.run(
        "relion.autopick", fn_input_autopick=made, do_log=True, log_diam_min="auto", log_diam_max="auto"
    )

    job.wait(120)

    smallest, largest = job.params["log_diam_min"], job.params["log_diam_max"]
    assert smallest == pytest.approx(DIAMETER, rel=0.15) and largest == pytest.approx(1.3 * smallest, abs=1)
    assert f"auto: log_diam_min={smallest:g}, log_diam_max={largest:g}" in job.notes()
    assert f"--LoG_diam_min {smallest:g} --LoG_diam_max {largest:g}" in (job.folder / "note.txt").read_text()
    [first, _] = job.dataset().table()["rlnMicrographCoordinates"].to_list()
    picks = star.read(project.path / first)[""].select("rlnCoordinateX", "rlnCoordinateY").to_numpy()
    distances = np.hypot(*(picks[:, None] - np.array(PLACES)[None]).T).T
    assert (distances.min(axis=0) * ANGPIX < DIAMETER / 4).mean() > 0.9, "discs that were found"
    assert (distances.min(axis=1) * ANGPIX < DIAMETER / 4).mean() > 0.8, "picks that are discs"


def test_where_nothing_stands_out_the_job_asks_for_a_diameter(tmp_path: Path) -> None:
    micrograph(tmp_path / "noise.mrc", 0.0, 3)
    project = Project.create(tmp_path / "p", seed=1)
    made = project.run("import.micrographs", fn_in_raw=str(tmp_path / "noise.mrc"), angpix=ANGPIX)
    job = project.run(
        "relion.autopick", fn_input_autopick=made, do_log=True, log_diam_min="auto", log_diam_max=200
    )

    with pytest.raises(JobError, match="of 1 micrographs no size of blobs stands out, expected a diameter"):
        job.wait(120)


def test_one_that_is_given_stays(tmp_path: Path) -> None:
    micrograph(tmp_path / "m.mrc", 0.7, 1)
    project = Project.create(tmp_path / "p", seed=1)
    made = project.run("import.micrographs", fn_in_raw=str(tmp_path / "m.mrc"), angpix=ANGPIX)
    job = project.run(
        "relion.autopick", fn_input_autopick=made, do_log=True, log_diam_min=120, log_diam_max="auto"
    )

    job.wait(120)

    assert job.params["log_diam_min"] == 120
    assert job.params["log_diam_max"] == pytest.approx(1.3 * DIAMETER, rel=0.15)
