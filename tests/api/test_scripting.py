"""A project as a script: run in an empty folder, its results are those of the project."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from waiting import until

from cryoloom import Project, star
from cryoloom.images.mrc import read_mrc

pytestmark = [pytest.mark.relion, pytest.mark.slow, pytest.mark.timeout(300)]


def run(
    script: Path, folder: Path, *, without: str = "", **variables: str
) -> "subprocess.CompletedProcess[str]":
    """Run a script beside its folder; `without`: a program that is taken out of PATH."""
    # The tests may be run by a Python whose programs are not in PATH, as `make test` does.
    path = [str(Path(sys.executable).parent), *os.environ["PATH"].split(":")]
    kept = [one for one in path if not without or not (Path(one) / without).exists()]
    return subprocess.run(
        ["sh", str(script), str(folder)], env={**os.environ, "PATH": ":".join(kept), **variables}, cwd=folder.parent,
        capture_output=True, text=True,
    )  # fmt: skip


def run_script(script: Path, folder: Path, *, without: str = "", **variables: str) -> None:
    done = run(script, folder, without=without, **variables)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def same_pixels(first: Path, second: Path, pattern: str) -> int:
    """How many images of a pattern two folders have, alike in every bit but for the hour in their headers."""
    files = sorted(path.relative_to(first) for path in first.glob(pattern))
    for file in files:
        mine, theirs = (np.asarray(read_mrc(root / file)) for root in (first, second))
        assert mine.std() > 0
        np.testing.assert_array_equal(mine, theirs, err_msg=str(file))
    return len(files)


def picks_in(job: Path) -> dict[str, list[tuple[float, float]]]:
    """Places by micrograph, whatever else stands beside them."""
    found = {}
    for path in sorted(job.rglob("*_autopick.star")):
        [table] = star.tables_of(star.read(path)).values() if "coords_suffix" not in path.name else [None]
        if table is not None:
            found[path.name] = table.select("rlnCoordinateX", "rlnCoordinateY").rows()
    return found


@pytest.fixture(scope="module")
def project(tiny: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Micrographs, picks, particles, classes; the seeds are RELION's own."""
    folder = tmp_path_factory.mktemp("script")
    raw = folder / "raw"
    raw.mkdir()
    for path in sorted((tiny.path / "MotionCorr/job003/Movies/job002").glob("*_000[12].mrc")):
        shutil.copy(path, raw)
    made = Project.create(folder / "p")
    micrographs = made.run(
        "import.micrographs", fn_in_raw=f"{raw}/*.mrc", angpix=3, kV=300, Cs=2.7, Q0=0.1,
        optics_groups="single_*=single multi_*=multi",
    )  # fmt: skip
    fits = made.run("ctf.estimate", input_star_mics=micrographs, resmin=30, resmax=7)
    picks = made.run(
        "relion.autopick", fn_input_autopick=fits, do_log=True, log_diam_min=110, log_diam_max=130
    )
    particles = made.run(
        "relion.extract", star_mics=fits, coords_suffix=picks, extract_size=64, do_rescale=True, rescale=24
    )
    made.run(
        "relion.class2d", fn_img=particles, nr_classes=2, nr_iter=2, particle_diameter=150, psi_sampling=24,
        offset_range=2, nr_threads=1, do_preread_images=True,
    )  # fmt: skip
    made.wait()
    return made


def test_the_script_s_results_are_those_of_the_project_bit_for_bit(project: Project, tmp_path: Path) -> None:
    script = tmp_path / "again.sh"
    told = project.export_script(out=script)

    assert told.left_out == {}
    assert list(told.jobs.values()) == ["files", "cryoloom", "programs", "programs", "programs"]
    assert os.access(script, os.X_OK)
    again = tmp_path / "again"
    run_script(script, again)
    mine, theirs = (picks_in(root / "AutoPick/job003") for root in (project.path, again))
    assert len(mine) == 4
    assert mine == theirs
    assert same_pixels(project.path, again, "Extract/job004/**/*.mrcs") == 4
    # RELION drew its seed by the clock, and draws the same again.
    assert "--random_seed" not in (project.path / "Class2D/job005/note.txt").read_text()
    assert same_pixels(project.path, again, "Class2D/job005/run_it002_classes.mrcs") == 1
    mine, theirs = (
        star.tables_of(star.read(root / "Class2D/job005/run_it002_data.star"))["particles"]
        for root in (project.path, again)
    )
    assert mine["rlnClassNumber"].to_list() == theirs["rlnClassNumber"].to_list()
    assert mine.height == theirs.height > 50


def test_nothing_of_cryoloom_is_needed_where_relion_did_all(project: Project, tmp_path: Path) -> None:
    picked = Project.create(tmp_path / "p")
    shutil.copytree(project.path / "Extract", picked.path / "Extract")
    brought = picked.run("import.particles", fn_in_other=str(picked.path / "Extract/job004/particles.star"))
    classes = picked.run(
        "relion.class2d", fn_img=brought, nr_classes=1, nr_iter=1, particle_diameter=150, psi_sampling=40,
        offset_range=2, nr_threads=1,
    )  # fmt: skip
    classes.wait()
    script = tmp_path / "again.sh"
    told = picked.export_script(classes, out=script)

    assert list(told.jobs.values()) == ["files", "programs"]
    run_script(script, tmp_path / "again", without="cryoloom")
    assert same_pixels(picked.path, tmp_path / "again", f"{classes.name}/run_it001_classes.mrcs") == 1


def test_a_folder_that_is_not_empty_is_left_alone(project: Project, tmp_path: Path) -> None:
    script = tmp_path / "again.sh"
    project.export_script("3", out=script)
    (tmp_path / "again").mkdir()
    (tmp_path / "again/mine").write_text("dear to me")
    done = run(script, tmp_path / "again")

    assert done.returncode == 1
    assert "again is not empty" in done.stderr
    assert [path.name for path in (tmp_path / "again").iterdir()] == ["mine"]


def test_items_that_failed_are_left_out_of_the_program_s_input(tiny: Project, tmp_path: Path) -> None:
    copy = tmp_path / "p"
    shutil.copytree(tiny.path, copy, symlinks=True)
    project = Project(copy)
    movies = star.tables_of(star.read(copy / "Import/job002/movies.star"))["movies"]
    bad = str(movies["rlnMicrographMovieName"][1])
    target = (copy / bad).resolve()
    target.unlink()
    target.write_bytes((copy / str(movies["rlnMicrographMovieName"][0])).read_bytes()[:500_000])
    motion = project.run(
        "relion.motioncorr", input_star_mics="Import/job002/movies.star", bfactor=10, patch_x=1, patch_y=1
    )
    assert motion.wait().summary().failed == 1
    script = tmp_path / "again.sh"
    project.export_script(motion, out=script)

    text = script.read_text()
    assert f"grep -vF -e '{bad} '" in text
    assert f"--i {motion.name}/input.star" in text
    run_script(script, tmp_path / "again")
    made = star.tables_of(star.read(tmp_path / "again" / motion.name / "corrected_micrographs.star"))[
        "micrographs"
    ]
    assert made.height == movies.height - 1 == 5


def test_a_job_that_failed_is_named_as_left_out_with_what_is_made_of_it(
    project: Project, tmp_path: Path
) -> None:
    shutil.copytree(project.path, tmp_path / "p", symlinks=True)
    copy = Project(tmp_path / "p")
    copy.job(4).restart(dependents=False)
    copy.job(4).stop()
    told = copy.export_script()

    assert set(told.left_out) == {"Extract/job004", "Class2D/job005"}
    assert "made of Extract/job004" in told.left_out["Class2D/job005"]
    assert "# Extract/job004:" not in told.text.split("set -eu")[1]


def test_what_is_made_of_what_is_left_out_is_left_out_too_however_far(
    project: Project, tmp_path: Path
) -> None:
    shutil.copytree(project.path, tmp_path / "p", symlinks=True)
    copy = Project(tmp_path / "p")
    copy.job(3).restart(dependents=False)
    copy.job(3).stop()
    told = copy.export_script()

    assert {*told.jobs} == {"Import/job001", "CtfFind/job002"}
    assert told.left_out["Extract/job004"] == "it is made of AutoPick/job003"
    assert told.left_out["Class2D/job005"] == "it is made of Extract/job004"


def test_of_relion_s_project_all_that_a_job_reads_is_made_before_it(tutorial: Path) -> None:
    told = Project(tutorial).export_script("Polish/job028")

    assert not told.left_out
    for job in ("Select/job009", "ManualPick/job004"):  # by eye, by hand
        assert told.jobs[job] == "files"
    made: set[str] = set()
    for part in told.text.split('\necho "')[1:]:
        job = part.partition('"')[0]
        line = next((one for one in part.splitlines() if "relion_" in one and " --o " in one), "")
        read = {*re.findall(r"[A-Z]\w+/job\d{3}", line)} - {job}
        assert read <= made, job
        made.add(job)
    assert {"PostProcess/job021", "PostProcess/job026", "Polish/job027"} <= made


def test_a_value_that_was_changed_while_items_came_is_told(tiny: Project, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    first, second = sorted((tiny.path / "MotionCorr/job003/Movies/job002").glob("*_000[12].mrc"))[:2]
    shutil.copy(first, raw)
    made = Project.create(tmp_path / "p")
    micrographs = made.run(
        "import.micrographs",
        fn_in_raw=f"{raw}/*.mrc",
        angpix=3,
        kV=300,
        Cs=2.7,
        Q0=0.1,
        stream=True,
        timeout=5,
    )
    picks = made.run(
        "relion.autopick", fn_input_autopick=micrographs, do_log=True, log_diam_min=110, log_diam_max=130
    )
    until(lambda: picks.summary().done == 1)
    picks.change(log_adjust_thr=1.5)
    shutil.copy(second, raw)
    assert picks.wait().summary().done == 2

    lines = made.export_script(picks).text.splitlines()
    said = "# log_adjust_thr was 0, later 1.5, while items came: the last is for all of them here."
    assert lines[-2] == said
    assert "log_adjust_thr=1.5" in lines[-1]
    out = tmp_path / "w.json"
    workflow = made.export_workflow(picks, out=out)
    assert workflow["jobs"][0]["params"]["log_adjust_thr"] == 1.5
    assert workflow["left_out"][picks.name].startswith(
        "log_adjust_thr=0, with which its first items were made"
    )


def test_what_a_table_holds_stands_in_the_script_as_it_is(project: Project) -> None:
    text = project.export_script("1").text

    written = text.split("cat > Import/job001/micrographs.star <<'END_OF_FILE'\n")[1].split("END_OF_FILE")[0]
    assert written == (project.path / "Import/job001/micrographs.star").read_text()
    assert isinstance(
        star.tables_of(star.read(project.path / "Import/job001/micrographs.star"))["micrographs"],
        pl.DataFrame,
    )
