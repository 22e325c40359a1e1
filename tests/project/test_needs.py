"""A table that lacks what a job needs is refused before the job is made: with file, label and what to do."""

from pathlib import Path

import polars as pl
import pytest
from running import run_in

from cryoloom import star
from cryoloom.errors import ParameterError
from cryoloom.project.attempts import make_attempt
from cryoloom.project.folder import ProjectFolder
from cryoloom.protocol.datasets import Particles
from cryoloom.runner.main import run_attempt

GROUPS = pl.DataFrame(
    {"rlnOpticsGroupName": ["a"], "rlnOpticsGroup": [1], "rlnMicrographOriginalPixelSize": [1.0]}
)
MOVIES = {"rlnMicrographMovieName": ["m.mrc"], "rlnOpticsGroup": [1]}
MICROGRAPHS = {"rlnMicrographName": ["m.mrc"], "rlnOpticsGroup": [1]}
PARTICLES = {"rlnImageName": ["1@a.mrcs"], "rlnOpticsGroup": [1]}


def write(
    root: Path, block: str, items: dict[str, list[object]], optics: pl.DataFrame | None = GROUPS
) -> str:
    blocks = {} if optics is None else {"optics": optics}
    star.write(root / "given.star", {**blocks, block: pl.DataFrame(items)})
    return "given.star"


@pytest.mark.parametrize(
    ("protocol", "given", "block", "items", "optics", "words"),
    [
        ("relion.motioncorr", "input_star_mics", "micrographs", MICROGRAPHS, GROUPS, "MovieName.*These are micrographs"),
        ("relion.motioncorr", "input_star_mics", "", MOVIES, None, "without data_optics.*import.movies"),
        ("ctf.estimate", "input_star_mics", "", MICROGRAPHS, None, "without data_optics.*star convert given.star"),
        ("ctf.estimate", "input_star_mics", "micrographs", MICROGRAPHS, GROUPS, "data_optics is without rlnVoltage"),
        ("ctf.estimate", "input_star_mics", "movies", MOVIES, GROUPS, "without rlnMicrographName.*These are movies"),
        ("relion.refine3d", "fn_img", "particles", PARTICLES, GROUPS, "data_particles is without rlnDefocusU"),
        ("relion.class2d", "fn_img", "micrographs", MICROGRAPHS, GROUPS, "without rlnImageName.*These are micrographs"),
        ("sets.remove_views", "input", "particles", PARTICLES, GROUPS, "without rlnAngleRot"),
        ("relion.symmetry_expand", "input", "particles", PARTICLES, GROUPS, "without rlnAngleRot"),
    ],
)  # fmt: skip
def test_a_label_that_is_missing_is_named_and_no_job_is_made(
    project: ProjectFolder, protocol: str, given: str, block: str, items: dict[str, list[object]],
    optics: pl.DataFrame | None, words: str,
) -> None:  # fmt: skip
    file = write(project.root, block, items, optics)
    (project.root / "ref.mrc").touch()
    more = {"fn_ref": "ref.mrc"} if protocol == "relion.refine3d" else {}

    with pytest.raises(ParameterError, match=words):
        run_in(project, protocol, **{given: file}, **more)
    assert project.entries() == []


def test_particles_without_a_defocus_are_taken_where_no_ctf_is_corrected(project: ProjectFolder) -> None:
    file = write(project.root, "particles", PARTICLES)

    ran = run_in(project, "relion.class2d", fn_img=file, do_ctf_correction="No", nr_iter=1)

    assert "rlnDefocusU" not in ran.said


def test_a_file_that_was_changed_since_is_looked_at_again_when_the_job_starts(project: ProjectFolder) -> None:
    file = write(project.root, "particles", PARTICLES | {"rlnAngleRot": [0.0], "rlnAngleTilt": [0.0]})
    entry = project.create_job("sets.remove_views", {}, {"input": Particles(file)})
    write(project.root, "particles", PARTICLES)
    attempt = make_attempt(entry.folder)
    assert attempt is not None

    run_attempt(project.root, entry.name, int(attempt.name))

    assert "without rlnAngleRot" in project.entry(entry.name).status().history.why


def test_the_heads_of_a_file_are_read_without_its_rows(tmp_path: Path) -> None:
    (tmp_path / "a.star").write_text(
        "data_optics\n_rlnOpticsGroup 1\n\ndata_particles\nloop_\n_rlnImageName #1\n_rlnDefocusU\n"
        "1@a.mrcs 1\n\ndata_never\nloop_\n_rlnAngleRot\n1\n"
    )

    assert star.heads(tmp_path / "a.star") == {
        "optics": ("rlnOpticsGroup",),
        "particles": ("rlnImageName", "rlnDefocusU"),
    }
