"""RELION classifies rows that were chosen in Python, and they are still the same items afterwards."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cryoloom import Project, star
from cryoloom.images.mrc import write_mrc

pytestmark = [pytest.mark.relion, pytest.mark.timeout(120)]
COUNT, BOX, ANGPIX = 40, 16, 8.0


def particles(project: Project, raw: Path) -> None:
    """Import/job001: balls in noise; of every other one the micrograph is good to 3 Å, else to 9 Å."""
    raw.mkdir()
    rng = np.random.default_rng(2)
    y, x = np.mgrid[-BOX // 2 : BOX // 2, -BOX // 2 : BOX // 2]
    ball = 3 * np.clip(1 - (x**2 + y**2) / 30, 0, None)
    write_mrc(raw / "a.mrcs", (ball + rng.normal(size=(COUNT, BOX, BOX))).astype(np.float32), ANGPIX)
    optics = pl.DataFrame(
        {
            "rlnOpticsGroupName": ["g"], "rlnOpticsGroup": [1], "rlnVoltage": [300.0], "rlnSphericalAberration": [2.7],
            "rlnAmplitudeContrast": [0.1], "rlnImagePixelSize": [ANGPIX], "rlnImageSize": [BOX], "rlnImageDimensionality": [2],
        }
    )  # fmt: skip
    rows = pl.DataFrame({"rlnImageName": [f"{n:06d}@a.mrcs" for n in range(1, COUNT + 1)]}).with_columns(
        rlnMicrographName=pl.lit("a.mrc"), rlnOpticsGroup=pl.lit(1),
        rlnCtfMaxResolution=pl.Series([3.0, 9.0] * (COUNT // 2)),
    )  # fmt: skip
    star.write(raw / "particles.star", {"optics": optics, "particles": rows})
    project.run("import.particles", fn_in_other=str(raw / "particles.star")).wait(60)


def test_chosen_rows_are_classified_and_keep_their_ids(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    particles(project, tmp_path / "raw")
    frame = project.job("1").dataset().table().to_pandas()
    best = frame[frame["rlnCtfMaxResolution"] < 4]

    job = project.run(
        "relion.class2d",
        fn_img=best,
        nr_classes=1,
        nr_iter=1,
        particle_diameter="auto",
        do_ctf_correction=False,
    ).wait(90)

    assert job.state == "succeeded", job.why
    assert job.params["particle_diameter"] == 115  # 0.9 x 16 px x 8 Å
    found = job.dataset("particles").table()
    assert sorted(found["cryoloomItemId"].to_list()) == sorted(best["cryoloomItemId"])
    assert found["rlnCtfMaxResolution"].unique().to_list() == [3.0]
    assert [parent.name for parent in project.jobs()] == [
        "Import/job001",
        "External/job002",
        "Class2D/job003",
    ]
