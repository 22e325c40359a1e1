"""Programs that hang, crash, write half a file or nothing: that item is recorded with its reason, the others go on.

And whatever a job has started is gone five seconds after it was told to stop.
"""

import os
import signal
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from faults.killing import left_behind, victims

from cryoloom import Job, Project
from cryoloom.images.mrc import write_mrc

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

COUNT = 6


@pytest.fixture
def source(tmp_path: Path) -> Job:
    raw = tmp_path / "raw"
    raw.mkdir()
    for number in range(COUNT):
        write_mrc(raw / f"m{number}.mrc", np.eye(8, dtype=np.float32), 1.0)
    project = Project.create(tmp_path / "p")
    return project.run("import.micrographs", fn_in_raw=str(raw / "*.mrc"), angpix=1.0).wait(60)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("hang", "the program hung and was ended after"),
        ("half", "cannot go on"),
        ("crash", f"killed by signal {signal.SIGSEGV}"),
        ("silent", "as if all were well, but External/job002/batch.star.out is missing"),
    ],
)
def test_the_item_that_a_program_fails_on_is_named_with_the_reason(
    source: Job, fault: str, reason: str
) -> None:
    job = source.project.run(
        "loomtest.faulty", input=source, trouble="m3", fault=fault, batch_size=4, item_limit=1
    ).wait(60)

    assert job.state == "succeeded", job.why
    [(name, why)] = job.entry.status().history.failed.values()
    assert name.endswith("m3.mrc") and reason in why
    names = {Path(name).name for name in job.dataset().table()["rlnMicrographName"].to_list()}
    assert names == {f"m{number}.mrc" for number in range(COUNT)} - {"m3.mrc"}
    assert (job.folder / "failed.star").exists()


def test_an_item_whose_program_is_killed_again_and_again_comes_through_all_the_same(source: Job) -> None:
    job = source.project.run("loomtest.stage", input=source, batch_size=1, seconds=0.5)
    killed: set[int] = set()
    began = time.monotonic()
    while len(killed) < 3:
        assert time.monotonic() - began < 30
        for pid in victims(source.project.path, "program"):
            shell = psutil.Process(pid)
            if pid not in killed and "sh" in shell.name():
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
                break
        time.sleep(0.05)
    job.wait(60)

    assert job.state == "succeeded", job.why
    assert len(job.dataset()) == COUNT and not job.entry.status().history.failed


def test_stop_ends_a_tree_that_ignores_it_and_has_groups_of_its_own_within_five_seconds(
    source: Job, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    job = source.project.run("loomtest.faulty", input=source, trouble="m0", fault="stubborn", mark=str(mark))
    began = time.monotonic()
    while len(victims(source.project.path, "program")) < 4:
        assert time.monotonic() - began < 30
        time.sleep(0.05)

    began = time.monotonic()
    job.stop()
    while left_behind(source.project.path):
        assert time.monotonic() - began < 5
        time.sleep(0.05)
    job.wait(10, check=False)

    assert job.state == "aborted"
