"""Thresholds tried on one micrograph pick what a job of relion.autopick picks with them."""

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest_tiny import cryoloom, job
from running import run_in

from cryoloom import Project, star
from cryoloom.api.picking_trial import try_picking
from cryoloom.errors import ParameterError
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.index import cache_folder

pytestmark = [pytest.mark.relion, pytest.mark.slow]

BLOBS = {"do_log": "Yes", "log_diam_min": 110, "log_diam_max": 130}
TEMPLATES = {"do_log": "No", "angpix_ref": 6, "psi_sampling_autopick": 15}
PLACES = ("rlnCoordinateX", "rlnCoordinateY", "rlnAutopickFigureOfMerit")


@pytest.fixture
def looked_at(tiny: Project, tmp_path: Path) -> Project:
    shutil.copytree(tiny.path, tmp_path / "p", symlinks=True)
    return Project(tmp_path / "p")


def files(root: Path) -> dict[str, int]:
    return {str(path): path.lstat().st_mtime_ns for path in root.rglob("*")}


@pytest.mark.parametrize(
    ("given", "values"),
    [
        (BLOBS, {"log_adjust_thr": [0, -0.8, 2.2], "log_upper_thr": [999, 3]}),
        (
            TEMPLATES,
            {"threshold_autopick": [0.05, 0.35], "mindist_autopick": [100, 180], "maxstddevnoise_autopick": [1.1, 0.95],
             "minavgnoise_autopick": [-999]},
        ),
    ],
)  # fmt: skip
def test_what_is_tried_is_what_the_job_picks_and_maps_are_made_once(
    looked_at: Project, given: dict[str, Any], values: dict[str, list[float]]
) -> None:
    given = given if "angpix_ref" not in given else {**given, "fn_refs_autopick": job(looked_at, "classes")}
    before = files(looked_at.path)
    first = try_picking(
        looked_at, job(looked_at, "ctf"), {**given, **{name: few[0] for name, few in values.items()}}
    )
    maps = {
        path: path.stat().st_mtime_ns for path in (cache_folder(looked_at.path) / "picking").rglob("*.spi")
    }

    found = try_picking(looked_at, job(looked_at, "ctf"), {**given, **values})

    assert files(looked_at.path) == before
    assert (first.is_from_maps, found.is_from_maps) == (False, True)
    assert maps and maps == {path: path.stat().st_mtime_ns for path in maps}
    assert first.trials[0].table.equals(found.trials[0].table)
    assert len({trial.picks for trial in found.trials}) > 2
    # The very job, on that one micrograph.
    tables = star.tables_of(star.read(looked_at.path / looked_at.job(job(looked_at, "ctf")).dataset().path))
    one = tables["micrographs"].filter(pl.col("rlnMicrographName") == found.micrograph)
    star.write(looked_at.path / "one.star", {**tables, "micrographs": one})
    for trial in found.trials[1:-1]:
        picked = run_in(
            ProjectFolder(looked_at.path),
            "relion.autopick",
            fn_input_autopick="one.star",
            **given,
            **trial.values,
        )
        # A job of which nothing at all was found gives a table without rows.
        file = picked.entry.folder / "coordinates.star"
        [count] = star.tables_of(star.read(file))["coordinates"]["cryoloomCount"].to_list()
        assert count == trial.picks, trial.values
        if count:
            [places] = star.tables_of(star.read(file))["coordinates"]["rlnMicrographCoordinates"].to_list()
            table = star.as_table(star.read(looked_at.path / places)[""])
            assert table is not None and table.select(PLACES).equals(trial.table.select(PLACES))


def test_maps_of_another_pixel_size_do_not_serve_and_a_number_that_is_a_name_is_the_name(
    looked_at: Project,
) -> None:
    tables = star.tables_of(star.read(looked_at.path / looked_at.job(job(looked_at, "ctf")).dataset().path))
    [name] = tables["micrographs"]["rlnMicrographName"].to_list()[:1]
    # Called 2, as the second is not; its pixel size is wrong, and corrected later in the same file.
    shutil.copy(looked_at.path / name, looked_at.path / "2.mrc")
    names = ["2.mrc", *tables["micrographs"]["rlnMicrographName"].to_list()[1:]]
    tables["micrographs"] = tables["micrographs"].with_columns(pl.Series("rlnMicrographName", names))
    given = {**BLOBS, "fn_input_autopick": "mics.star"}

    def tried(scale: float) -> Any:
        sizes = [pl.col(one) * scale for one in tables["optics"].columns if one.endswith("PixelSize")]
        star.write(looked_at.path / "mics.star", {**tables, "optics": tables["optics"].with_columns(sizes)})
        return try_picking(looked_at, job(looked_at, "ctf"), given, item="2")

    wrong, right = tried(1.5), tried(1)

    assert right.micrograph == "2.mrc" and not right.is_from_maps
    truth = try_picking(looked_at, job(looked_at, "ctf"), BLOBS, item="1")
    other = try_picking(looked_at, job(looked_at, "ctf"), {**BLOBS, "log_adjust_thr": 2.2}, item="1")
    assert truth.trials[0].picks != other.trials[0].picks
    shown = star.as_table(star.read(truth.trials[0].file)[""])
    assert shown is not None and shown.equals(truth.trials[0].table), "what its picture shows"
    assert truth.trials[0].table.select(PLACES).equals(right.trials[0].table.select(PLACES))
    assert wrong.trials[0].picks != right.trials[0].picks


def test_trials_of_a_job_are_printed_and_drawn(looked_at: Project, tmp_path: Path) -> None:
    words = [
        "suggest",
        "picking",
        job(looked_at, "picks"),
        "--project",
        str(looked_at.path),
        "--item",
        "multi_0002",
    ]
    picture = tmp_path / "picks.png"

    done = cryoloom(*words, "log_adjust_thr=0,1.2,9", "-o", str(picture))
    told = json.loads(cryoloom(*words, "log_adjust_thr=1.2", "--json").stdout)

    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines() if line.endswith(tuple("0123456789"))]
    assert [row[0] for row in rows] == ["0", "1.2", "9"] and rows[2][-1] == "0"
    assert picture.read_bytes()[:4] == b"\x89PNG"
    # What the job itself picked there.
    counts = looked_at.job(job(looked_at, "picks")).dataset().table()
    [own] = counts.filter(pl.col("rlnMicrographName").str.contains("multi_0002"))["cryoloomCount"].to_list()
    assert told["from_earlier_maps"] and told["trials"][0]["picks"] == own == int(rows[1][-1])


def test_a_threshold_that_means_nothing_here_is_refused(looked_at: Project) -> None:
    with pytest.raises(
        ParameterError, match="threshold_autopick is given, with do_log=Yes, expected one of log_adjust"
    ):
        try_picking(looked_at, job(looked_at, "picks"), {"threshold_autopick": "0.1"})
    with pytest.raises(ParameterError, match="micrograph nobody is unknown"):
        try_picking(looked_at, job(looked_at, "picks"), item="nobody")
