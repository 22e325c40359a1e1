"""Movies to map with the real RELION, on made data with known truth: the whole chain once, then questions to it."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import polars as pl
import pytest
from conftest_tiny import cryoloom, job

from cryoloom import Project, star
from cryoloom.project.forms.jobstar import job_star_text
from cryoloom.runner.programs import RELION_ENVIRONMENT
from cryoloom.simulate import Scores, compare_project

pytestmark = [pytest.mark.relion, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def scores(tiny: Project) -> Scores:
    return compare_project(tiny.path, tiny.path / "microscope" / "truth")


def test_every_job_succeeds_and_leaves_what_relion_leaves(tiny: Project) -> None:
    for summary in tiny.summaries():
        assert summary.state == "succeeded", f"{summary.name}: {summary.why}"
        left = {path.name for path in (tiny.path / summary.name).iterdir()}
        wanted = {
            "job.star",
            "job_pipeline.star",
            "note.txt",
            "run.out",
            "run.err",
            "RELION_JOB_EXIT_SUCCESS",
        }
        assert wanted <= left, f"{summary.name} lacks {wanted - left}"


def test_the_truncated_movie_is_refused_with_its_reason_and_nothing_else_is_missing(tiny: Project) -> None:
    history = tiny.job(job(tiny, "movies")).entry.status().history

    assert len(history.done) == 6
    [(name, why)] = history.failed.values()
    assert "single" in name or "multi" in name
    assert "cut short" in why
    failed = star.read(tiny.path / job(tiny, "movies") / "failed.star")["failed"]
    assert isinstance(failed, pl.DataFrame) and failed.height == 1


@pytest.mark.parametrize(
    "figure",
    [
        *("drift_error", "pick_recall", "pick_precision", "selection_recall", "selection_precision"),
        *("pose_within_5deg", "pose_median", "halfmap_resolution", "truth_fsc05_resolution"),
    ],
)
def test_the_truth_is_found_again(scores: Scores, figure: str) -> None:
    bar = scores.bars[figure]

    assert bar["passed"], f"{figure} is {bar['value']:.3g} {bar['unit']}, the bar is {bar['bar']:.3g}"


def test_defocus_is_right_also_on_small_images(scores: Scores) -> None:
    assert scores.bars["defocus_error"]["value"] < 60


def test_a_pick_keeps_its_id_to_the_last_refinement(tiny: Project) -> None:
    picked: set[str] = set()
    for file in tiny.job(job(tiny, "picks")).dataset().table()["rlnMicrographCoordinates"].to_list():
        table = star.read(tiny.path / file).get("", pl.DataFrame())
        assert isinstance(table, pl.DataFrame)
        picked |= set(table["cryoloomItemId"].to_list()) if table.height else set()

    for label in (
        "particles",
        "class2d",
        "classes",
        "particles_finer",
        "refine",
        "particles_unbinned",
        "refine_masked",
    ):
        ids = tiny.job(job(tiny, label)).dataset("particles").table()["cryoloomItemId"].to_list()
        assert len(ids) == len(set(ids)), label
        assert set(ids) <= picked, label


def test_kept_and_rejected_are_all_and_are_disjoint(tiny: Project) -> None:
    chosen = tiny.job(job(tiny, "classes"))
    kept = set(chosen.dataset("particles").table()["cryoloomItemId"].to_list())
    rejected = set(chosen.dataset("rejected").table()["cryoloomItemId"].to_list())
    given = set(tiny.job(job(tiny, "class2d")).dataset("particles").table()["cryoloomItemId"].to_list())

    assert not kept & rejected
    assert kept | rejected == given


def test_gain_and_dose_come_with_the_movies(tiny: Project) -> None:
    params = tiny.job(job(tiny, "motion")).params

    assert params["dose_per_frame"] == 8
    assert params["fn_gain_ref"].startswith("Movies/")
    text = (tiny.path / job(tiny, "motion") / "job.star").read_text()
    assert params["fn_gain_ref"] in text
    assert "auto" not in text


def test_relion_pipeliner_accepts_the_project_and_runs_a_job_on_our_outputs(
    tiny: Project, tmp_path: Path
) -> None:
    # RELION writes into it, and others look at the one that all share.
    copy = Project(shutil.copytree(tiny.path, tmp_path / "p", symlinks=True))

    def relion(*args: str) -> None:
        subprocess.run(
            ["relion_pipeliner", *args], cwd=copy.path, timeout=120, check=True, capture_output=True,
            env={**os.environ, **RELION_ENVIRONMENT},
        )  # fmt: skip

    volume = copy.job(job(copy, "refine_masked")).dataset("volume").path
    number = len(copy.jobs()) + 1
    name = f"MaskCreate/job{number:03d}"
    (copy.path / "mask_job.star").write_text(
        job_star_text(12, {"fn_in": volume, "inimask_threshold": "0.05", "lowpass_filter": "15"})
    )
    relion("--addJobFromStar", "mask_job.star")
    relion("--RunJobs", f"{name}/", "--schedule", "s1", "--sec_wait_after", "0")
    relion("--check_job_completion")

    foreign = Project(copy.path).job(name)
    assert (copy.path / name / "mask.mrc").exists()
    assert foreign.state == "succeeded"
    assert foreign.params["fn_in"] == volume
    assert [block.name for block in foreign.views()] == ["slices", "projections"]
    listed = {entry["name"] for entry in json.loads(cryoloom("ls", "--json", "-p", str(copy.path)).stdout)}
    assert name in listed


def test_the_commands_noted_are_those_that_job_star_means(tiny: Project) -> None:
    for label in (
        "motion",
        "picks",
        "particles",
        "class2d",
        "inimodel",
        "refine",
        "mask",
        "refine_masked",
        "postprocess",
    ):
        folder = tiny.path / job(tiny, label)
        shown = cryoloom("relion", "command", str(folder / "job.star")).stdout.splitlines()
        # RELION notes its command as it was before mpirun was put in front.
        command = re.sub(r"^mpirun -n \d+ ", "", shown[0])
        assert command in (folder / "note.txt").read_text(), label
        assert all(line.startswith("echo ") for line in shown[1:]), label


def test_every_job_has_something_to_show_and_it_can_be_drawn(tiny: Project, tmp_path: Path) -> None:
    for found in tiny.jobs():
        for view in found.views():
            assert view.look().parts or view.name == "convergence", (found.name, view.name)
            if view.has_items:
                assert view.look(item=1).parts == view.look(item="1").parts, (found.name, view.name)
            target = tmp_path / f"{view.name}.html"
            done = (
                cryoloom("plot", found.name, view.name, "-o", str(target), "-p", str(tiny.path))
                if (view.name in ("fsc", "ctf"))
                else None
            )
            assert done is None or (done.returncode == 0 and target.stat().st_size > 500), found.name
    names = {found.name: [view.name for view in found.views()] for found in tiny.jobs()}
    assert [name for name, views in names.items() if not views] == [], "jobs without a view"
    assert "classes" in names[job(tiny, "class2d")]
    assert {"fsc", "guinier", "slices"} <= set(names[job(tiny, "postprocess")])
    assert {"orientations", "fsc"} <= set(names[job(tiny, "refine")])
    assert {"motion", "tracks"} <= set(names[job(tiny, "motion")])
    assert {"ctf", "rings", "rings1d"} <= set(names[job(tiny, "ctf")])
    assert "picks" in names[job(tiny, "picks")]


def test_the_report_is_one_file_that_a_browser_shows_without_a_network(tiny: Project, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    assert cryoloom("report", "-o", str(report), "-p", str(tiny.path)).returncode == 0

    text = report.read_text()
    assert "src='http" not in text and 'src="http' not in text and "<script" not in text
    picture = tmp_path / "report.png"
    subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--no-first-run", f"--user-data-dir={tmp_path / 'profile'}",
         f"--screenshot={picture}", "--window-size=1200,2400", report.as_uri()],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    assert picture.stat().st_size > 50_000
