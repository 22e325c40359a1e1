"""What happens around jobs: a disk that becomes read-only, a clock that jumps, files that vanish, time that is over.

Each of these is told in a sentence, loses no item and makes none twice, and needs no hand once its cause is gone.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rings
from waiting import until

from cryoloom import Job, Project
from cryoloom.images.mrc import write_mrc
from cryoloom.project.index import cache_folder
from cryoloom.project.journal import read_history
from cryoloom.project.jsonfile import read_json_if_there

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

CLOCK = Path(__file__).parent / "clock"


def micrographs(folder: Path, count: int) -> str:
    folder.mkdir()
    for number in range(count):
        noise = np.random.default_rng(number).normal(size=(256, 256)).astype(np.float32)
        write_mrc(folder / f"m{number:02d}.mrc", noise, 2.0)
    return str(folder / "*.mrc")


def ids_of(job: Job) -> list[str]:
    return sorted(job.dataset().table()["cryoloomItemId"].to_list())


@pytest.fixture
def own_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system that can be made read-only while others use it."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.getuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(place)]).returncode:
        pytest.skip("a file system cannot be mounted here (it needs root)")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_disk_that_becomes_read_only_is_named_and_the_job_goes_on_when_it_can_be_written(
    own_disk: Path, tmp_path: Path
) -> None:
    project = Project.create(own_disk / "p")
    source = project.run("import.micrographs", fn_in_raw=micrographs(tmp_path / "raw", 20), angpix=1.0).wait(
        60
    )
    job = project.run("loomtest.stage", input=source, batch_size=1, seconds=0.2)
    until(lambda: job.entry.status().history.done)

    # As a disk does that finds an error in itself; those who have files open would keep it from us.
    until(lambda: not subprocess.run(["mount", "-o", "remount,ro", str(own_disk)], capture_output=True).returncode
          or _end_writers(job))  # fmt: skip
    until(lambda: "cannot be written" in job.why)
    assert [summary.name for summary in Project(own_disk / "p").summaries()] == [source.name, job.name]
    done = len(job.entry.status().history.done)
    assert 0 < done < 20

    subprocess.run(["mount", "-o", "remount,rw", str(own_disk)], check=True)
    job.wait(90)

    assert job.state == "succeeded", job.why
    assert ids_of(job) == ids_of(source)
    assert len(job.entry.status().history.done) == 20 and not job.entry.status().history.failed


def _end_writers(job: Job) -> None:
    """A file system with files open for writing is not made read-only: their processes die of the fault."""
    for attempt in job.folder.glob(".cryoloom/attempts/*/claim"):
        claim = read_json_if_there(attempt)
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(claim["pid"]) if claim else -1, signal.SIGKILL)


@pytest.mark.parametrize("jump_s", [-86_400.0, 86_400.0])
def test_a_clock_that_jumps_changes_nothing_but_the_times_that_people_read(
    jump_s: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offset = tmp_path / "offset"
    offset.write_text("0")
    monkeypatch.setenv("PYTHONPATH", f"{CLOCK}:{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setenv("CRYOLOOM_TEST_CLOCK", str(offset))
    project = Project.create(tmp_path / "p")
    source = project.run(
        "import.micrographs",
        fn_in_raw=micrographs(tmp_path / "raw", 20),
        angpix=1.0,
        stream=True,
        file_timeout=0.1,
    )
    job = project.run("loomtest.stage", input=source, batch_size=1, seconds=0.1)
    until(lambda: job.entry.status().history.done)

    offset.write_text(str(jump_s))
    until(lambda: len(job.entry.status().history.done) == 20)
    source.stop(stream=True)
    project.wait(timeout_s=60)

    assert (source.state, job.state) == ("succeeded", "succeeded"), (source.why, job.why)
    assert ids_of(job) == ids_of(source)
    assert job.entry.status().attempt.number == 1  # type: ignore[union-attr]
    history = read_history(job.folder)
    assert abs(history.ended - history.began) > 80_000  # the jump was seen


def test_a_time_limit_that_comes_near_ends_the_attempt_with_the_item_in_hand_and_the_next_goes_on(
    tmp_path: Path,
) -> None:
    project = Project.create(tmp_path / "p")
    source = project.run("import.micrographs", fn_in_raw=micrographs(tmp_path / "raw", 12), angpix=1.0).wait(
        60
    )
    mark = tmp_path / "mark"
    job = project.run("loomtest.stage", input=source, batch_size=1, seconds=0.3, mark=str(mark))
    until(lambda: len(job.entry.status().history.done) > 2)

    attempt = job.entry.status().attempt
    assert attempt is not None and attempt.claim is not None
    os.kill(attempt.claim["pid"], signal.SIGUSR1)
    until(lambda: (attempt.folder / "exit.json").exists())
    ended = read_json_if_there(attempt.folder / "exit.json")
    job.wait(60)

    assert ended is not None and ended["ended_by"] == "walltime"
    assert job.state == "succeeded", job.why
    assert ids_of(job) == ids_of(source)
    assert len(mark.read_text().splitlines()) == 12  # none was begun in vain


def test_a_job_that_no_time_limit_is_long_enough_for_is_given_up_with_the_reason(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    job = project.run("loomtest.nothing", seconds=60)
    for number in range(1, 4):
        until(lambda number=number: (job.folder / f".cryoloom/attempts/{number:04d}/claim").exists())  # type: ignore[misc]
        until(lambda: job.entry.status().history.steps_done or _children_of(job))
        claim = read_json_if_there(job.folder / f".cryoloom/attempts/{number:04d}/claim")
        assert claim is not None
        os.kill(claim["pid"], signal.SIGUSR1)
        time.sleep(0.5)
        os.kill(claim["pid"], signal.SIGTERM)
    job.wait(60, check=False)

    assert job.state == "failed"
    assert "3 attempts were lost without progress" in job.why and "time limit" in job.why


def _children_of(job: Job) -> bool:
    import psutil

    attempt = job.entry.status().attempt
    if attempt is None or attempt.claim is None or attempt.ended:
        return False
    with contextlib.suppress(psutil.Error):
        return len(psutil.Process(attempt.claim["pid"]).children(recursive=True)) > 1
    return False


def test_a_micrograph_that_vanished_is_a_failed_item_and_the_others_go_on(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    raw = tmp_path / "raw"
    raw.mkdir()
    for number in range(4):
        image = rings.micrograph(512, 2.0, 15000, 14500, 20, seed=number, noise=0.5)
        write_mrc(raw / f"m{number:02d}.mrc", image.astype(np.float32), 2.0)
    source = project.run("import.micrographs", fn_in_raw=str(raw / "*.mrc"), angpix=2.0).wait(60)
    (raw / "m02.mrc").unlink()

    job = project.run("ctf.estimate", input_star_mics=source).wait(60)

    [(name, why)] = job.entry.status().history.failed.values()
    assert name.endswith("m02.mrc") and "m02.mrc" in why and "missing" in why
    assert len(job.dataset()) == 3 and job.state == "succeeded"


def test_an_input_file_that_vanished_fails_the_job_with_its_name_and_resume_goes_on_when_it_is_back(
    tmp_path: Path,
) -> None:
    project = Project.create(tmp_path / "p")
    source = project.run("import.micrographs", fn_in_raw=micrographs(tmp_path / "raw", 3), angpix=1.0).wait(
        60
    )
    file = source.folder / "micrographs.star"
    file.rename(tmp_path / "away.star")

    job = project.run("loomtest.relay", input=source).wait(60, check=False)
    assert job.state == "failed" and "micrographs.star" in job.why

    (tmp_path / "away.star").rename(file)
    job.resume().wait(60)
    assert job.state == "succeeded", job.why
    assert ids_of(job) == ids_of(source)


def test_the_index_and_the_scheduler_s_files_may_be_deleted_at_any_moment(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    source = project.run("import.micrographs", fn_in_raw=micrographs(tmp_path / "raw", 20), angpix=1.0)
    mark = tmp_path / "mark"
    job = project.run("loomtest.stage", input=source, batch_size=1, seconds=0.1, mark=str(mark))
    behind = project.run("loomtest.relay", input=job)
    until(lambda: job.entry.status().history.done)

    while job.state != "succeeded":
        project.summaries()
        shutil.rmtree(cache_folder(project.path), ignore_errors=True)
        project.resume()
        time.sleep(0.3)
    behind.wait(60)

    assert behind.state == "succeeded", behind.why
    assert ids_of(behind) == ids_of(source)
    assert len(mark.read_text().splitlines()) == 20
    before = [summary.as_dict() for summary in project.summaries()]
    # Moved, for a scheduler that still writes there would make a deletion file by file fail.
    cache_folder(project.path).rename(tmp_path / "cache-gone")
    assert [summary.as_dict() for summary in project.summaries()] == before
