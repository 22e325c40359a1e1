"""Segments of filaments, cut by the real RELION between two ends: where they lie, and in what direction."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cryoloom import Project, star
from cryoloom.images.mrc import write_mrc

pytestmark = [pytest.mark.relion]

ENDS = [(60.0, 60.0), (340.0, 60.0), (100.0, 120.0), (100.0, 330.0)]  # two filaments, along x and along y


def with_picks(folder: Path, ends: list[tuple[float, float]]) -> tuple[Project, object, object]:
    project = Project.create(folder / "p")
    image = np.random.default_rng(4).normal(0, 1, (400, 400)).astype(np.float32)
    write_mrc(folder / "a.mrc", image, 2.0)
    table = pl.DataFrame(ends, schema=["rlnCoordinateX", "rlnCoordinateY"], orient="row")
    star.write(folder / "a.star", {"": table})
    micrographs = project.run("import.micrographs", fn_in_raw=str(folder / "a.mrc"), angpix=2).wait(
        timeout_s=60
    )
    picks = project.run(
        "import.coordinates", star_mics=micrographs, fn_in_other=str(folder / "a.star")
    ).wait(timeout_s=60)  # fmt: skip
    return project, micrographs, picks


def test_a_filament_is_cut_into_segments_one_rise_apart(tmp_path: Path) -> None:
    project, micrographs, picks = with_picks(tmp_path, ENDS)
    cut = project.run(
        "relion.extract", star_mics=micrographs, coords_suffix=picks, extract_size=64, do_extract_helix=True,
        helical_tube_outer_diameter=60, helical_nr_asu=4, helical_rise=10,
    ).wait(timeout_s=60)  # fmt: skip

    rows = cut.dataset("particles").table()
    assert rows["cryoloomItemId"].n_unique() == rows.height
    for tube, axis, across, along in ((1, "X", 60.0, 280.0), (2, "Y", 100.0, 210.0)):
        own = rows.filter(pl.col("rlnHelicalTubeID") == tube).sort(f"rlnCoordinate{axis}")
        other = "Y" if axis == "X" else "X"
        # 40 Å are 20 px.
        steps = own[f"rlnCoordinate{axis}"].diff().drop_nulls().to_list()
        assert steps == pytest.approx([20.0] * len(steps), abs=0.01)
        assert own.height == pytest.approx(along / 20, abs=2)
        assert own[f"rlnCoordinate{other}"].to_list() == pytest.approx([across] * own.height)
        psi = own["rlnAnglePsiPrior"].to_list()
        # RELION's psi runs against the direction in the image, whose y it counts downwards.
        wanted = 0.0 if axis == "X" else 90.0
        assert all(min(abs(abs(one) % 180 - wanted), abs(abs(one) % 180 - wanted - 180)) < 0.1 for one in psi)
        assert own["rlnAngleTiltPrior"].to_list() == pytest.approx([90.0] * own.height)


def test_a_filament_whose_end_lies_outside_is_no_pair_of_others(tmp_path: Path) -> None:
    project, micrographs, picks = with_picks(tmp_path, [*ENDS, (900.0, 60.0), (950.0, 60.0)])
    job = project.run(
        "relion.extract", star_mics=micrographs, coords_suffix=picks, extract_size=64, do_extract_helix=True,
        helical_rise=10, helical_nr_asu=4,
    ).wait(timeout_s=60, check=False)  # fmt: skip

    assert job.state == "failed"
    [failed] = job.show().failed_items
    assert "of the ends of its filaments 2" in failed.why
