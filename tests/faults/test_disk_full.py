"""A full disk is said in a sentence, and the job goes on when there is room."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cryoloom import Project
from cryoloom.images.mrc import write_mrc

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


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


def test_a_copying_import_stops_when_the_disk_is_full_and_resumes_when_there_is_room(
    small_disk: Path, tmp_path: Path
) -> None:
    (tmp_path / "raw").mkdir()
    for number in range(5):
        write_mrc(tmp_path / "raw" / f"m{number}.mrc", np.ones((2, 700, 700), np.int8), 1.0)
    (small_disk / "ballast").write_bytes(bytes(1_500_000))
    project = Project.create(small_disk / "p")
    job = project.run("import.movies", fn_in_raw=str(tmp_path / "raw" / "*.mrc"), angpix=1.0, copy=True).wait(
        60
    )

    assert job.state == "failed"
    assert "no space left on the disk" in job.why

    (small_disk / "ballast").unlink()
    subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
    job.resume().wait(60)

    assert job.state == "succeeded", job.why
    assert len(job.dataset()) == 5
