"""What RELION's Run button makes of a copy of a job that RELION lacks equals what we make."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import rings

from cryoloom import Job, Project, star
from cryoloom.images.mrc import read_mrc, write_mrc
from cryoloom.project.forms.jobstar import as_argument, from_argument
from cryoloom.runner.programs import RELION_ENVIRONMENT

pytestmark = [pytest.mark.relion, pytest.mark.timeout(300)]


def run_copy(project: Project, job: Job) -> Path:
    """RELION makes a job of our job.star, and runs it; returns its folder."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, **RELION_ENVIRONMENT, "PATH": path}
    before = {entry.name for entry in project.folder.entries()}

    def relion(*args: str) -> None:
        subprocess.run(
            ["relion_pipeliner", *args],
            cwd=project.path,
            env=environment,
            check=True,
            capture_output=True,
            timeout=120,
        )

    relion("--addJobFromStar", f"{job.name}/job.star")
    [made] = {entry.name for entry in project.folder.entries()} - before
    relion("--RunJobs", f"{made}/", "--schedule", "s1", "--sec_wait_after", "0")
    folder = project.path / made
    assert (folder / "RELION_JOB_EXIT_SUCCESS").exists(), (folder / "run.err").read_text()
    return folder


def micrographs(project: Project, raw: Path, count: int = 3) -> Job:
    raw.mkdir()
    for number in range(count):
        image = rings.micrograph(512, 2.0, 15000 + 1000 * number, 14500, 20, seed=number, noise=0.5)
        write_mrc(raw / f"{raw.name}_{number}.mrc", image.astype(np.float32), 2.0)
    return project.run("import.micrographs", fn_in_raw=str(raw / "*.mrc"), angpix=2.0).wait(60)


def tables(file: Path) -> dict[str, Any]:
    return {name: block for name, block in star.read(file).items() if isinstance(block, pl.DataFrame)}


def same_tables(ours: Path, theirs: Path, *, but: frozenset[str] = frozenset()) -> None:
    first, second = tables(ours), tables(theirs)
    assert first.keys() == second.keys()
    for name in first:
        assert first[name].drop(but, strict=False).equals(second[name].drop(but, strict=False)), name


@pytest.mark.parametrize(
    "word", ["", "a b", "rlnCtfMaxResolution < 5 AND x = 'y'", "50%", "$HOME;`ls`", '"', "/a/*.mrc"]
)
def test_any_value_survives_relion_s_tables_and_a_shell(word: str) -> None:
    encoded = as_argument(word)

    assert from_argument(encoded) == word and encoded
    said = subprocess.run(["sh", "-c", f"printf %s {encoded}"], capture_output=True, text=True).stdout
    assert said == encoded and not any(c.isspace() for c in encoded)


def test_a_changed_map_is_the_same_with_all_its_parameters(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    write_mrc(
        project.path / "map.mrc", np.random.default_rng(1).normal(size=(32, 32, 32)).astype(np.float32), 2.0
    )
    job = project.run(
        "relion.image_handler", fn_in="map.mrc", angpix=2, rescale_angpix=3, new_box=24, lowpass=9, highpass=60,
        invert_hand=True, sym="C2", shift_com=True, multiply_constant=2.25,
    ).wait(60)  # fmt: skip
    assert job.state == "succeeded", job.why

    folder = run_copy(project, job)

    assert np.array_equal(read_mrc(folder / "map.mrc"), read_mrc(job.folder / "map.mrc"))


def test_a_filter_keeps_the_same_rows(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    source = micrographs(project, tmp_path / "a")
    expression = "rlnMicrographName <> 'x y' AND rlnMicrographName LIKE '%_1.mrc'"
    job = project.run("sets.filter", input=source, expression=expression).wait(60)
    assert job.state == "succeeded", job.why

    folder = run_copy(project, job)

    name = Path(job.dataset().path).name
    same_tables(job.folder / name, folder / name)
    assert len(job.dataset()) == 1


def test_a_join_of_three_joins_all_three_in_their_order(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    sources = [micrographs(project, tmp_path / name, 2) for name in "abc"]
    job = project.run("sets.join", input=sources).wait(60)
    assert job.state == "succeeded", job.why

    folder = run_copy(project, job)

    name = Path(job.dataset().path).name
    same_tables(job.folder / name, folder / name)
    assert len(job.dataset()) == 6


def test_a_ctf_estimation_gives_the_same_numbers(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    job = project.run(
        "ctf.estimate", input_star_mics=micrographs(project, tmp_path / "a"), resmax=8, resmin=40
    ).wait(120)

    folder = run_copy(project, job)

    theirs = tables(folder / Path(job.dataset().path).name)["micrographs"]
    ours = job.dataset().table()
    for label in ("rlnMicrographName", "rlnDefocusU", "cryoloomItemId"):
        assert theirs.sort("rlnMicrographName")[label].equals(ours.sort("rlnMicrographName")[label]), label


def test_a_user_s_program_runs_by_relion_s_button_too(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    found = micrographs(project, tmp_path / "raw")
    script = tmp_path / "first two.py"
    script.write_text(
        "import sys\n"
        "lines = open(sys.argv[1]).read().splitlines()\n"
        "open(sys.argv[2], 'w').write('\\n'.join(line for line in lines if 'raw_2' not in line) + '\\n')\n"
    )
    job = project.run(
        "external.command", command_line=[sys.executable, str(script), "{input}", "{kept}"], input=found,
        outputs={"kept": "micrographs"},
    ).wait(60)  # fmt: skip
    assert job.state == "succeeded", job.why

    folder = run_copy(project, job)

    same_tables(job.folder / "kept.star", folder / "kept.star")
    assert len(project.job(folder.name).dataset("kept")) == 2
