"""A block of a script or notebook is a job: recorded, checked, ended whatever happens, and never run behind anybody's back."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import polars as pl
import pytest
from nbclient import NotebookClient
from particle_sets import optics_table, run_here
from waiting import until

from cryoloom import Job, Project
from cryoloom.errors import DatasetError, ParameterError, ProjectError
from cryoloom.images.mrc import write_mrc
from cryoloom.project.attempts import attempt_numbers, newest_attempt, read_control

SCRIPT = """
import os, signal, time
from cryoloom import Project

project = Project({root!r})
with project.external("sharp ones", inputs=["1"]) as job:
    table = job.inputs[0].table()
    job.write("result", table.filter(table["rlnCtfMaxResolution"] < 4))
    {then}
"""


@pytest.fixture
def script(project: Project, particles: Job, tmp_path: Path) -> Path:
    return tmp_path / "step.py"


def begin(script: Path, project: Project, then: str) -> subprocess.Popen[bytes]:
    script.write_text(SCRIPT.format(root=str(project.path), then=then))
    return subprocess.Popen([sys.executable, str(script)], stderr=subprocess.PIPE, start_new_session=True)


def test_what_a_block_writes_is_a_set_like_any_other(project: Project, particles: Job) -> None:
    with project.external("sharp ones", inputs=[particles], outputs={"kept": "particles"}) as job:
        table = job.inputs[0].table()
        assert job.state == "running"
        job.write("kept", table.filter(table["rlnCtfMaxResolution"] < 4))
        job.say("chosen by hand")
    rest = run_here(project, "sets.subtract", input=particles.name, others="External/job002:kept")

    assert job.state == "succeeded" and job.summary().label == "sharp ones"
    assert job.dataset("kept").table()["rlnCtfMaxResolution"].to_list() == [1, 2, 3]
    assert rest.dataset().table()["rlnCtfMaxResolution"].to_list() == [4, 5, 6, 7, 8]
    assert {"chosen by hand", "kept: 3 items: all with the ids that they had"} <= {*job.notes()}
    assert (job.folder / "RELION_JOB_EXIT_SUCCESS").exists()


def test_a_pandas_frame_is_written_as_a_polars_frame_is(project: Project, particles: Job) -> None:
    frame = particles.dataset().table().to_pandas()

    with project.external("pandas", particles) as job:
        job.write("result", frame[frame["rlnCtfMaxResolution"] < 4])

    assert job.dataset().table().equals(particles.dataset().table()[:3])


def test_a_column_that_star_files_cannot_hold_is_refused(project: Project, particles: Job) -> None:
    table = particles.dataset().table()

    with project.external("labels", particles) as job:
        with pytest.raises(ParameterError, match="a frame with a column 'my score'"):
            job.write("result", table.with_columns(pl.lit(1.0).alias("my score")))
        with pytest.raises(ParameterError, match="a list, expected a polars or pandas frame"):
            job.write("result", [1, 2])
        job.write("result", table.lazy().with_columns(pl.lit(1.5).alias("myScore")))

    assert job.dataset().table("myScore")["myScore"].to_list() == [1.5] * 8


def test_a_fork_that_leaves_the_block_does_not_end_the_job(project: Project, particles: Job) -> None:
    with project.external("forked", particles) as job:
        child = os.fork()
        if child == 0:
            job.block.end(None)
            os._exit(0)
        os.waitpid(child, 0)
        assert job.state == "running"
        job.write("result", particles.dataset().table())

    assert job.state == "succeeded"


def test_the_script_is_kept_as_it_was(project: Project, particles: Job) -> None:
    with project.external("step", particles) as job:
        job.write("result", particles.dataset().table())

    record = json.loads((job.folder / "provenance.json").read_text())
    assert (job.folder / "code" / "test_block.py").read_text() == Path(__file__).read_text()
    assert record["what"] == "script" and record["code"][0]["path"] == __file__
    assert record["python"]["packages"]["polars"] == pl.__version__
    assert record["git"][0]["commit"] == subprocess.check_output(
        ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"], text=True
    ).strip()  # fmt: skip


def test_a_block_that_raises_leaves_a_failed_job_with_its_traceback(project: Project, particles: Job) -> None:
    with pytest.raises(ZeroDivisionError), project.external("step", particles) as job:
        _ = 1 / 0

    assert job.state == "failed" and job.why == "ZeroDivisionError: division by zero"
    errors = (job.folder / "run.err").read_text()
    assert "Traceback" in errors and "1 / 0" in errors
    assert (job.folder / "RELION_JOB_EXIT_FAILURE").exists()


def test_of_what_is_refused_the_log_has_the_reason_and_no_line_of_ours(
    project: Project, particles: Job
) -> None:
    table = particles.dataset().table()
    with pytest.raises(DatasetError), project.external("after", particles) as after:
        after.write("result", table.with_columns(pl.lit("gone.mrcs").alias("rlnImageName")))
    with pytest.raises(ParameterError), project.external("within", particles) as within:
        within.write("result", [1, 2])

    for job in (after, within):
        errors = (job.folder / "run.err").read_text()
        assert job.state == "failed" and job.why in errors
        assert "src/cryoloom" not in errors
    assert "Traceback" not in (after.folder / "run.err").read_text()
    assert 'within.write("result", [1, 2])' in (within.folder / "run.err").read_text()


def test_an_interrupted_block_is_an_aborted_job(project: Project, particles: Job) -> None:
    with pytest.raises(KeyboardInterrupt), project.external("step", particles) as job:
        raise KeyboardInterrupt

    assert (job.state, job.why) == ("aborted", "interrupted by the user")


def test_an_output_that_is_missing_or_none_fails_the_job_and_the_block(
    project: Project, particles: Job
) -> None:
    with (
        pytest.raises(DatasetError, match="output result is missing"),
        project.external("a", particles) as first,
    ):
        pass
    with pytest.raises(DatasetError, match="without a row"), project.external("b", particles) as second:
        second.write("result", particles.dataset().table()[:0])

    assert first.state == second.state == "failed"
    assert "without a row" in second.why


def test_maps_masks_and_picks_come_out_of_a_block(project: Project, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).normal(size=(8, 8, 8)).astype(np.float32)
    outputs = {"map": "volume", "soft": "mask", "halves": "half_maps"}

    with project.external("maps", outputs=outputs) as job:
        job.write("map", noise, angpix=2.5)
        job.write("soft", (noise > 0).astype(np.float32), angpix=2.5)
        job.write("halves", (noise, noise[::-1]), angpix=2.5)
        with pytest.raises(ParameterError, match="without a pixel size"):
            job.write("map", noise)
        with pytest.raises(ParameterError, match=r"not promised.*Did you mean soft"):
            job.write("sotf", noise, angpix=1)

    assert job.state == "succeeded", job.why
    assert np.array_equal(job.dataset("map").volume().pixels, noise)
    assert job.dataset("soft").volume().angpix == 2.5
    pair = pytest.raises(DatasetError, match="the same as its other half")
    with pair, project.external("halves", outputs={"halves": "half_maps"}) as same:
        same.write("halves", (noise, noise), angpix=1)


def test_picks_of_a_block_are_coordinates_that_relion_reads(project: Project, micrographs: Job) -> None:
    names = micrographs.dataset().table()["rlnMicrographName"].to_list()
    picks = pl.DataFrame(
        {
            "rlnMicrographName": [names[1], names[1]],
            "rlnCoordinateX": [3.0, 4.5],
            "rlnCoordinateY": [5.0, 6.0],
        }
    )

    with project.external("picks", micrographs, {"picks": "coordinates"}) as job:
        job.write("picks", picks)

    found = job.dataset("picks")
    assert found.path == "External/job002/coords_suffix_picks.star"
    assert (project.path / found.path).read_text() == f"{micrographs.dataset().path}\n"
    assert found.table()["cryoloomCount"].to_list() == [0, 2]
    assert found.picks().select(picks.columns).equals(picks)
    with (
        pytest.raises(
            DatasetError,
            match=r"row 1 is elsewhere\.mrc, which Import/job001/micrographs\.star does not have",
        ),
        project.external("picks", micrographs, {"picks": "coordinates"}) as wrong,
    ):
        wrong.write("picks", picks.with_columns(rlnMicrographName=pl.lit("elsewhere.mrc")))


def test_an_input_that_is_still_being_made_is_refused(project: Project, particles: Job) -> None:
    waits = project.run("sets.sort", input=particles, by="rlnCtfMaxResolution", start=False)
    (waits.folder / ".cryoloom/control.json").unlink()  # as if it were about to begin

    with pytest.raises(ParameterError, match="still being made by Select/job002"):
        project.external("step", waits).__enter__()
    assert len(project.jobs()) == 2


def test_the_scheduler_leaves_an_open_block_alone(project: Project, particles: Job) -> None:
    with project.external("step", particles) as job:
        job.write("result", particles.dataset().table())
        follower = project.run("sets.sort", input=job, by="rlnCtfMaxResolution")
        until(lambda: "External/job002" in follower.why)
        attempt = newest_attempt(job.folder)
        assert attempt is not None and attempt.claim is not None and attempt.claim["pid"] == os.getpid()

    follower.wait(30)
    assert follower.state == "succeeded"
    assert attempt_numbers(job.folder) == [1]


def test_a_killed_process_leaves_a_job_that_has_failed(project: Project, script: Path) -> None:
    process = begin(script, project, "os.kill(os.getpid(), signal.SIGKILL)")
    process.wait(30)

    project.wait(timeout_s=30)

    job = project.job("2")
    assert job.state == "failed", job.why
    assert "interrupted: the process that ran it is gone" in job.why and "code/" in job.why
    assert (job.folder / "code" / "step.py").read_text() == script.read_text()


@pytest.mark.parametrize("edited", [True, False])
def test_a_script_that_was_edited_while_it_ran_is_doubted(
    project: Project, script: Path, edited: bool
) -> None:
    text = SCRIPT.format(root=str(project.path), then="pass")
    edit = f"time.sleep(0.5); open({str(script)!r}, 'a').write('# more')\n"
    script.write_text(text.replace("project =", f"{edit if edited else ''}project =", 1))

    subprocess.run([sys.executable, str(script)], check=True)

    doubts = [note for note in project.job("2").notes() if "written after this process began" in note]
    assert len(doubts) == edited


def test_a_stop_reaches_the_block_as_an_interruption(project: Project, script: Path) -> None:
    process = begin(script, project, "time.sleep(60)")
    until(lambda: len(project.jobs()) == 2 and (project.path / "External/job002/result.star").exists())

    project.job("2").stop()
    _, said = process.communicate(timeout=30)

    job = project.job("2")
    until(lambda: job.has_ended)
    assert (job.state, job.why) == ("aborted", "stopped by the user")
    assert b"KeyboardInterrupt" in said


def test_what_nobody_can_repeat_is_refused_before_anything_is_moved(project: Project, particles: Job) -> None:
    with pytest.raises(ValueError), project.external("step", particles) as job:
        raise ValueError
    before = sorted(path.name for path in job.folder.iterdir())

    for verb in (job.resume, lambda: project.restart(job), lambda: project.copy(job)):
        with pytest.raises(
            ProjectError, match=r"It is a block of a script or notebook.*code/; run it again there"
        ):
            verb()
    made = project.make("sets.sort", {"input": particles.name, "by": "rlnCtfMaxResolution"}, start=False)
    wished = read_control(made.folder)
    with pytest.raises(ProjectError, match="a block of a script"):
        project.resume([made, job])
    assert read_control(made.folder) == wished, "nothing is wished of one where another is refused"
    project.resume()

    assert job.state == "failed" and sorted(path.name for path in job.folder.iterdir()) == before
    assert attempt_numbers(job.folder) == [1]


def test_a_copied_branch_leaves_a_block_out_and_says_why(project: Project, particles: Job) -> None:
    with project.external("step", particles) as job:
        job.write("result", particles.dataset().table())
    from cryoloom.api.lifecycle import copy

    copies = copy(project, particles, {}, branch=True, start=False)

    assert len(copies.jobs) == 1 and "block of a script or notebook" in copies.left_out[job.name]


def test_it_is_no_protocol_for_the_command_line(project: Project) -> None:
    with pytest.raises(ParameterError, match=r"with project.external\(...\) as job"):
        project.run("external.block")


@pytest.mark.slow
def test_a_notebook_s_cell_is_kept_and_its_kernel_outlives_the_job(project: Project, particles: Job) -> None:
    cell = (
        "with project.external('in a notebook', inputs=['1']) as job:\n"
        "    job.write('result', job.inputs[0].table()[:2])"
    )
    begun = f"from cryoloom import Project\nproject = Project({str(project.path)!r})"
    fails = (
        "try:\n    with project.external('fails', '1'):\n        1 / 0\nexcept ZeroDivisionError:\n    pass"
    )
    last = "project.resume(); project.run('sets.sort', input=job, by='rlnCtfMaxResolution').wait(30).state"
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(text) for text in (begun, cell, fails, last)]
    )

    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()

    job = project.job("2")
    assert job.state == "succeeded", job.why
    assert (job.folder / "code" / "cell.py").read_text().rstrip("\n") == cell
    assert notebook.cells[3]["outputs"][0]["data"]["text/plain"] == "'succeeded'"


def test_signals_of_a_stop_hit_no_code_behind_the_block(project: Project, particles: Job) -> None:
    with project.external("step", particles) as job:
        job.write("result", particles.dataset().table())

    (job.folder / ".cryoloom/attempts/0001/cancel").touch()
    signal.sigtimedwait([], 0.5)  # would be left by an interruption

    assert job.state == "succeeded"


def test_what_was_called_a_success_is_not_written_again_behind_the_block(
    project: Project, particles: Job
) -> None:
    table = particles.dataset().table()
    with project.external("step", particles) as job:
        job.write("result", table[:3])

    with pytest.raises(ProjectError, match="write result is after its block is over"):
        job.write("result", table[:0])
    with pytest.raises(ProjectError, match="say more is after its block is over"):
        job.say("one word more")

    assert job.state == "succeeded" and job.dataset().table().height == 3


@pytest.mark.parametrize("other", [None, (6, 6, 6)], ids=["missing", "smaller"])
def test_half_maps_are_two_of_one_size(project: Project, other: tuple[int, ...] | None) -> None:
    noise = np.random.default_rng(1).normal(size=(8, 8, 8)).astype(np.float32)
    words = "half2_class001_unfil.mrc is " + ("missing" if other is None else "6x6x6 px, expected 8x8x8 px")

    with (
        pytest.raises(DatasetError, match=words),
        project.external("halves", outputs={"halves": "half_maps"}) as job,
    ):
        if other is None:
            write_mrc(job.file("halves"), noise, 1.0, is_volume=True)
        else:
            job.write("halves", (noise, np.ones(other, np.float32) * noise[:6, :6, :6]), angpix=1.0)

    assert job.state == "failed"


def test_a_micrograph_has_not_the_id_of_a_particle_that_names_it(project: Project, micrographs: Job) -> None:
    own = micrographs.dataset().table()
    picks = pl.DataFrame({"rlnMicrographName": own["rlnMicrographName"][:1]})
    picks = picks.with_columns(
        rlnImageName=pl.lit("000001@one.mrcs"), rlnCoordinateX=pl.lit(1.0), rlnCoordinateY=pl.lit(2.0)
    )
    write_mrc(
        project.path / "one.mrcs", np.random.default_rng(1).normal(size=(1, 8, 8)).astype(np.float32), 2.0
    )
    with project.external("particles", micrographs, {"some": "particles"}) as particles:
        particles.write("some", picks.with_columns(rlnOpticsGroup=pl.lit(1)), optics=optics_table()[:1])

    with project.external("good ones", [particles, micrographs], {"good": "micrographs"}) as job:
        job.write("good", own.drop("cryoloomItemId"))

    assert job.dataset("good").table()["cryoloomItemId"].to_list() == own["cryoloomItemId"].to_list()


def test_numbers_of_groups_that_pandas_made_floats_are_groups(project: Project, particles: Job) -> None:
    frame = particles.dataset().table().to_pandas().astype({"rlnOpticsGroup": float})

    with project.external("pandas", particles) as job:
        job.write("result", frame)

    assert job.dataset().table().equals(particles.dataset().table())


def test_averages_of_classes_name_images_that_are_there(project: Project) -> None:
    noise = np.random.default_rng(1).normal(size=(2, 8, 8)).astype(np.float32)
    write_mrc(project.path / "classes.mrcs", noise, 2.0)
    averages = pl.DataFrame({"rlnReferenceImage": ["000001@classes.mrcs", "000002@classes.mrcs"]})

    with project.external("averages", outputs={"good": "class_averages"}) as job:
        job.write("good", averages)

    assert job.dataset("good").table()["rlnReferenceImage"].to_list() == [*averages["rlnReferenceImage"]]
    for name, words in (
        ("000003@classes.mrcs", "image 3 of classes.mrcs, which has 2"),
        ("1@no.mrcs", "is missing"),
    ):
        wrong = averages.with_columns(rlnReferenceImage=pl.lit(name))
        with (
            pytest.raises(DatasetError, match=f"rlnReferenceImage in row 1 is .*{words}"),
            project.external("averages", outputs={"good": "class_averages"}) as bad,
        ):
            bad.write("good", wrong)


def test_an_id_is_not_that_of_another_image_of_the_inputs(project: Project, particles: Job) -> None:
    table = particles.dataset().table()
    turned = table.with_columns(cryoloomItemId=table["cryoloomItemId"].reverse())

    words = "cryoloomItemId in row 1 is i[0-9a-f]{15}, that of 000004@.*b.mrcs, expected the id of 000001@.*a.mrcs"
    with pytest.raises(DatasetError, match=words), project.external("turned", particles) as job:
        job.write("result", turned)
    with project.external("copies", particles) as copies:
        more = table[:2].with_columns(pl.col("cryoloomItemId") + "_2")
        copies.write("result", pl.concat([table, more]))
    with project.external("of copies", copies) as again:
        again.write("result", copies.dataset().table()[::-1])

    assert job.state == "failed" and copies.state == again.state == "succeeded"


def test_maps_are_real_and_a_local_resolution_says_something(project: Project) -> None:
    noise = np.random.default_rng(1).normal(size=(8, 8, 8))
    outputs = {"map": "volume", "res": "local_resolution"}

    empty = pytest.raises(DatasetError, match=r"output res: res\.mrc is a map with 0 in each voxel")
    with empty, project.external("maps", outputs=outputs) as job:
        with pytest.raises(ParameterError, match="output map is complex numbers"):
            job.write("map", np.fft.fftn(noise), angpix=1.0)
        job.write("map", noise, angpix=1.0)
        job.write("res", np.zeros((8, 8, 8), np.float32), angpix=1.0)

    assert job.state == "failed"
