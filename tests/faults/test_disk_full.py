"""A full disk, and a quota that is used up, are said in a sentence, and the job goes on when there is room."""

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from waiting import until

from cryoloom import Project
from cryoloom.images.mrc import write_mrc

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


QUOTA = Path(__file__).parent / "quota"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a small file system cannot be mounted here (it needs root)")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_copying_import_waits_while_the_disk_is_full_and_goes_on_when_there_is_room(
    small_disk: Path, tmp_path: Path
) -> None:
    (tmp_path / "raw").mkdir()
    for number in range(5):
        write_mrc(tmp_path / "raw" / f"m{number}.mrc", np.ones((2, 700, 700), np.int8), 1.0)
    (small_disk / "ballast").write_bytes(bytes(1_500_000))
    project = Project.create(small_disk / "p")
    job = project.run("import.movies", fn_in_raw=str(tmp_path / "raw" / "*.mrc"), angpix=1.0, copy=True)

    until(lambda: "no space left on the disk" in job.why)
    assert job.state == "scheduled"

    (small_disk / "ballast").unlink()
    subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
    job.wait(60)

    assert job.state == "succeeded", job.why
    assert len(job.dataset()) == 5


def test_items_whose_programs_found_no_room_are_not_called_failed(small_disk: Path, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    for number in range(8):
        write_mrc(tmp_path / "raw" / f"m{number}.mrc", np.eye(8, dtype=np.float32), 1.0)
    project = Project.create(small_disk / "p")
    source = project.run("import.micrographs", fn_in_raw=str(tmp_path / "raw" / "*.mrc"), angpix=1.0).wait(60)
    job = project.run("loomtest.stage", input=source, batch_size=1, kept_kb=700)
    behind = project.run("loomtest.relay", input=job)

    until(lambda: "no space left on the disk" in job.why)
    assert 0 < len(job.entry.status().history.done) < 8

    subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
    project.wait(timeout_s=60)

    assert (job.state, behind.state) == ("succeeded", "succeeded"), (job.why, behind.why)
    assert len(job.dataset()) == len(behind.dataset()) == 8
    assert not job.entry.status().history.failed
    assert len(list(job.folder.glob("kept-*"))) == 8


def test_a_job_that_was_made_on_a_full_disk_says_why_it_waits(small_disk: Path, tmp_path: Path) -> None:
    project = Project.create(small_disk / "p")
    with (small_disk / "ballast").open("wb") as file, contextlib.suppress(OSError):
        while file.write(bytes(100_000)):
            file.flush()
    (small_disk / "ballast").open("r+b").truncate((small_disk / "ballast").stat().st_size - 200_000)

    job = project.run("loomtest.nothing")
    until(lambda: "no space left on the disk" in project.summaries()[0].why)
    (small_disk / "ballast").unlink()
    job.wait(60)

    assert job.state == "succeeded", job.why


def test_a_quota_that_is_used_up_keeps_a_job_waiting_and_fails_no_item(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used_up = tmp_path / "used up"
    monkeypatch.setenv("CRYOLOOM_TEST_QUOTA", str(used_up))
    monkeypatch.setenv("PYTHONPATH", f"{QUOTA}:{os.environ.get('PYTHONPATH', '')}")
    project = Project.create(tmp_path / "p")
    source = project.run("loomtest.tick", items=12, rate=1000).wait(60)
    used_up.touch()
    job = project.run("loomtest.faulty", input=source, batch_size=1, trouble="m0000005", fault="quota")

    until(lambda: job.why.startswith("your quota is used up; goes on by itself when it leaves 1 MB"))
    assert job.state == "scheduled"
    assert len(job.entry.status().history.done) < 12
    assert not job.entry.status().history.failed
    used_up.unlink()
    job.wait(60)

    assert job.state == "succeeded", job.why
    assert len(job.dataset()) == 12
    assert not list((job.folder / ".cryoloom").glob("room.*"))


def test_a_disk_that_is_full_for_a_while_ends_no_program_that_writes_nothing(small_disk: Path) -> None:
    project = Project.create(small_disk / "p")
    job = project.run("loomtest.nothing", seconds=9)
    until(lambda: job.state == "running")
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))

    time.sleep(7)  # longer than a heartbeat
    ballast.unlink()
    job.wait(60)

    assert job.state == "succeeded", job.why
    assert job.entry.status().history.attempts == 1
