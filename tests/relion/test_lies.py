"""RELION's programs say "done" when nothing came out; a job of ours believes files, not words.

One test a row of the table in docs/relion.md. The micrographs are noise: what is tested is what
happens when there is no result.
"""

import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cryoloom import Job, Project, star
from cryoloom.errors import ParameterError
from cryoloom.images.mrc import write_mrc

pytestmark = [pytest.mark.relion, pytest.mark.slow, pytest.mark.timeout(300)]

SIZE, ANGPIX = 256, 3.0


def write_noise(folder: Path, *stems: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(5)
    for stem in stems:
        write_mrc(folder / f"{stem}.mrc", rng.normal(size=(SIZE, SIZE)).astype(np.float32), ANGPIX)


def with_ctf(project: Project, micrographs: Job) -> str:
    """A micrographs STAR with made-up CTFs, as if fitted."""
    table = micrographs.dataset().table()
    optics = micrographs.dataset().optics()
    assert optics is not None
    values = {"rlnDefocusU": 12000.0, "rlnDefocusV": 11900.0, "rlnDefocusAngle": 10.0}
    fitted = table.with_columns(pl.lit(value).alias(name) for name, value in values.items())
    star.write(project.path / "fitted.star", {"optics": optics, "micrographs": fitted})
    return "fitted.star"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    write_noise(tmp_path / "raw", "a", "b", "c")
    return Project.create(tmp_path / "p")


@pytest.fixture
def micrographs(project: Project, tmp_path: Path) -> Job:
    pattern = str(tmp_path / "raw" / "*.mrc")
    return project.run("import.micrographs", fn_in_raw=pattern, angpix=ANGPIX).wait(60)


def ended(job: Job) -> Job:
    job.wait(120, check=False)
    assert job.state in ("succeeded", "failed"), job.why
    return job


def test_ctffind_that_fails_on_every_micrograph_is_a_failed_job(project: Project, micrographs: Job) -> None:
    job = ended(project.run("relion.ctffind", input_star_mics=micrographs, fn_ctffind_exe="/bin/false"))

    assert job.state == "failed"
    assert "all 3 items failed" in job.why
    assert (job.folder / "RELION_JOB_EXIT_FAILURE").exists()
    assert not (job.folder / "RELION_JOB_EXIT_SUCCESS").exists()


@pytest.mark.parametrize("program", ["/bin/false", "/bin/true"])
def test_gctf_that_writes_nothing_is_a_failed_job(project: Project, micrographs: Job, program: str) -> None:
    job = ended(
        project.run(
            "relion.ctffind", input_star_mics=micrographs, use_gctf="Yes", gpu_ids="0", fn_gctf_exe=program
        )
    )

    assert job.state == "failed", job.why
    assert "all 3 items failed" in job.why and "micrographs_ctf.star is without rows" in job.why


def test_motioncor2_is_not_asked_of_a_relion_without_gpu_support_which_would_die(
    project: Project, tmp_path: Path
) -> None:
    write_mrc(tmp_path / "d.mrcs", np.ones((4, SIZE, SIZE), np.float32), ANGPIX)
    movies = project.run("import.movies", fn_in_raw=str(tmp_path / "*.mrcs"), angpix=ANGPIX).wait(60)

    # Debian's RELION, by which these tests run, is one.
    with pytest.raises(
        ParameterError, match=r"gpu_ids is '0', but .*relion_refine was built without GPU support"
    ):
        project.run(
            "relion.motioncorr", input_star_mics=movies, do_own_motioncor="No", fn_motioncor2_exe="/bin/true"
        )


@pytest.mark.parametrize(
    ("x", "state", "words"),
    [
        ([], "succeeded", "particles: none, and that is what the picks say"),
        ([5000.0, -900.0], "failed", "not one of 6 picks could be cut out"),
    ],
)
def test_extraction_without_any_particle_says_whether_there_were_picks_and_fails_if_so(
    project: Project, micrographs: Job, tmp_path: Path, x: list[float], state: str, words: str
) -> None:
    for stem in ("a", "b", "c"):
        picked = pl.DataFrame(
            {axis: pl.Series(x, dtype=pl.Float64) for axis in ("rlnCoordinateX", "rlnCoordinateY")}
        )
        star.write(tmp_path / "raw" / f"{stem}.star", {"": picked})
    picks = project.run(
        "import.coordinates", star_mics=micrographs, fn_in_other=str(tmp_path / "raw" / "*.star")
    )
    job = ended(project.run(
        "relion.extract", star_mics=with_ctf(project, micrographs), coords_suffix=picks, extract_size=64
    ))  # fmt: skip

    assert picks.wait(60).state == "succeeded"
    assert job.state == state
    assert words in " ".join([*job.entry.status().history.notes, job.why])


def test_boxes_without_an_image_are_left_out_and_a_micrograph_of_such_ones_fails(
    project: Project, micrographs: Job, tmp_path: Path
) -> None:
    fitted = with_ctf(project, micrographs)
    taken = project.run("sets.filter", input=fitted, expression="rlnDefocusU > 1").wait(60)
    rng = np.random.default_rng(6)
    image = rng.normal(size=(SIZE, SIZE)).astype(np.float32)
    image[:128, :128] = 7
    image[200, 200] = np.nan
    for stem, pixels in (
        ("a", image),
        ("b", image * 0),
        ("c", rng.normal(size=(SIZE, SIZE)).astype(np.float32)),
    ):
        write_mrc(tmp_path / "raw" / f"{stem}.mrc", pixels, ANGPIX)  # since they were looked at
        places = {"rlnCoordinateX": [64.0, 200.0, 200.0], "rlnCoordinateY": [64.0, 200.0, 64.0]}
        star.write(tmp_path / "raw" / f"{stem}.star", {"": pl.DataFrame(places)})
    picks = project.run(
        "import.coordinates", star_mics=micrographs, fn_in_other=str(tmp_path / "raw" / "*.star")
    )
    job = ended(project.run(
        "relion.extract", star_mics=taken, coords_suffix=picks, extract_size=32, do_norm=False
    ))  # fmt: skip

    history = job.entry.status().history
    assert job.state == "succeeded", job.why
    assert len(job.dataset()) == 4
    assert any("1 image with one value in every pixel left out" in note for note in history.notes)
    assert any("1 image with pixels that are no numbers left out" in note for note in history.notes)
    [(name, why)] = history.failed.values()
    assert name.endswith("b.mrc") and "each of its boxes is an image with one value" in why


def test_a_box_beyond_the_micrograph_costs_its_pick_only(
    project: Project, micrographs: Job, tmp_path: Path
) -> None:
    for stem, x in (("a", 128.0), ("b", 5000.0), ("c", 100.0)):
        picks = pl.DataFrame({"rlnCoordinateX": [x], "rlnCoordinateY": [120.0]})
        star.write(tmp_path / "raw" / f"{stem}.star", {"": picks})
    picked = project.run(
        "import.coordinates", star_mics=micrographs, fn_in_other=str(tmp_path / "raw" / "*.star")
    )
    job = ended(project.run(
        "relion.extract", star_mics=with_ctf(project, micrographs), coords_suffix=picked, extract_size=64
    ))  # fmt: skip

    assert job.state == "succeeded", job.why
    assert len(job.dataset()) == 2
    history = job.entry.status().history
    assert not history.failed
    assert any("b.mrc: 1 pick outside its micrograph left out" in note for note in history.notes)


def test_blank_micrographs_give_picks_or_none_but_never_an_abort(project: Project, tmp_path: Path) -> None:
    pattern = str(tmp_path / "raw" / "*.mrc")
    imported = project.run("import.micrographs", fn_in_raw=pattern, angpix=ANGPIX).wait(60)
    for stem in ("a", "b", "c"):
        write_mrc(tmp_path / "raw" / f"{stem}.mrc", np.ones((SIZE, SIZE), np.float32), ANGPIX)
    again = ended(project.run("import.micrographs", fn_in_raw=pattern, angpix=ANGPIX))

    job = ended(project.run("relion.autopick", fn_input_autopick=imported, do_log=True,
                            log_diam_min=40, log_diam_max=60, log_adjust_thr=8))  # fmt: skip

    assert job.state == "succeeded", job.why
    assert job.summary().done == 3
    assert again.state == "failed" and "the same value in every pixel" in again.why


def test_a_movie_that_is_cut_short_after_its_import_is_not_corrected(
    project: Project, tmp_path: Path
) -> None:
    rng = np.random.default_rng(1)
    (tmp_path / "movies").mkdir()
    for stem in ("m1", "m2"):
        write_mrc(
            tmp_path / "movies" / f"{stem}.mrc", rng.poisson(2, (4, SIZE, SIZE)).astype(np.int8), ANGPIX
        )
    movies = project.run("import.movies", fn_in_raw=str(tmp_path / "movies" / "*.mrc"), angpix=ANGPIX).wait(
        60
    )
    data = (tmp_path / "movies" / "m1.mrc").read_bytes()
    (tmp_path / "movies" / "m1.mrc").write_bytes(data[: len(data) // 2])

    job = ended(project.run("relion.motioncorr", input_star_mics=movies))

    assert job.state == "succeeded", job.why
    [(name, why)] = job.entry.status().history.failed.values()
    assert name.endswith("m1.mrc") and "cut short" in why


def test_a_movie_that_vanished_costs_only_itself(project: Project, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    (tmp_path / "movies").mkdir()
    for stem in ("m1", "m2", "m3"):
        write_mrc(
            tmp_path / "movies" / f"{stem}.mrc", rng.poisson(2, (4, SIZE, SIZE)).astype(np.int8), ANGPIX
        )
    movies = project.run("import.movies", fn_in_raw=str(tmp_path / "movies" / "*.mrc"), angpix=ANGPIX).wait(
        60
    )
    (tmp_path / "movies" / "m2.mrc").unlink()

    job = ended(project.run("relion.motioncorr", input_star_mics=movies, batch_size=3))

    assert job.state == "succeeded", job.why
    assert len(job.dataset()) == 2
    assert "missing" in next(iter(job.entry.status().history.failed.values()))[1]


def test_a_misspelt_additional_argument_that_relion_ignores_is_said(
    project: Project, micrographs: Job
) -> None:
    job = ended(project.run("relion.autopick", fn_input_autopick=with_ctf(project, micrographs), do_log=True,
                            log_diam_min=40, log_diam_max=60, other_args="--no_such_option 1"))  # fmt: skip

    [doubt] = job.entry.status().history.doubts
    assert "--no_such_option" in doubt
    assert (
        job.summary().why == f"doubtful: {doubt}"
    )  # in the list too: what it made is not what was asked for


def test_a_program_that_is_not_installed_is_named_with_the_remedy(
    project: Project, micrographs: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.path / ".cryoloom" / "config.toml").write_text('[programs.relion]\npath = "/no/such/folder"\n')

    job = ended(project.run("relion.autopick", fn_input_autopick=with_ctf(project, micrographs), do_log=True))

    assert job.state == "failed"
    assert "relion_autopick" in job.why and "/no/such/folder" in job.why and "doctor" in job.why


def test_a_refinement_that_stops_early_without_its_final_files_has_failed(
    project: Project, tmp_path: Path
) -> None:
    particles = made_particles(project.path)
    rng = np.random.default_rng(0)
    z, y, x = np.mgrid[-8:8, -8:8, -8:8]
    ball = ((x**2 + y**2 + z**2) < 25).astype(np.float32) + rng.normal(0, 0.01, (16, 16, 16)).astype(
        np.float32
    )
    write_mrc(project.path / "ref.mrc", ball, 8.0, is_volume=True)

    job = ended(project.run("relion.refine3d", fn_img=particles, fn_ref="ref.mrc", ini_high=40, particle_diameter=100,
                            sampling="30 degrees", other_args="--auto_iter_max 1", ref_correct_greyscale=True))  # fmt: skip

    assert job.state == "failed"
    assert "missing, though the program said that it succeeded" in job.why


def test_a_killed_class2d_goes_on_from_its_last_iteration(project: Project) -> None:
    job = project.run(
        "relion.class2d", fn_img=made_particles(project.path), nr_classes=1, nr_iter=3, particle_diameter=100
    )
    job = ended(job)
    assert job.state == "succeeded", job.why
    for path in job.folder.glob("run_it003_*"):
        shutil.move(str(path), job.folder / ".cryoloom")
    journal = job.folder / "journal.jsonl"
    kept = [
        line
        for line in journal.read_text().splitlines()
        if '"job.ended"' not in line and '"command.ended"' not in line
    ]
    journal.write_text("\n".join(kept[:-4]) + "\n")
    job.resume()

    ended(job)

    assert job.state == "succeeded", job.why
    assert "--continue" in (job.folder / "note.txt").read_text()
    assert (job.folder / "run_it003_data.star").exists()


def made_particles(root: Path) -> str:
    """Forty images of a ball with noise, as a 3.1 STAR file of the project."""
    rng = np.random.default_rng(2)
    y, x = np.mgrid[-8:8, -8:8]
    ball = np.clip(1 - (x**2 + y**2) / 30, 0, None)
    images = np.stack([ball * 3 + rng.normal(size=(16, 16)) for _ in range(40)]).astype(np.float32)
    write_mrc(root / "stack.mrcs", images, 8.0)
    optics = pl.DataFrame({
        "rlnOpticsGroupName": ["a"], "rlnOpticsGroup": [1], "rlnMicrographOriginalPixelSize": [8.0],
        "rlnVoltage": [300.0], "rlnSphericalAberration": [2.7], "rlnAmplitudeContrast": [0.1],
        "rlnImagePixelSize": [8.0], "rlnImageSize": [16], "rlnImageDimensionality": [2],
    })  # fmt: skip
    particles = pl.DataFrame({
        "rlnImageName": [f"{n:06d}@stack.mrcs" for n in range(1, 41)], "rlnMicrographName": [f"m{n % 4}" for n in range(40)],
        "rlnOpticsGroup": [1] * 40, "rlnDefocusU": [12000.0] * 40, "rlnDefocusV": [12000.0] * 40,
        "rlnDefocusAngle": [0.0] * 40,
    })  # fmt: skip
    star.write(root / "particles.star", {"optics": optics, "particles": particles})
    return "particles.star"
