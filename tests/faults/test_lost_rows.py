"""A machine that loses its power loses rows that the journal has; they are made again, each once, whatever dies then."""

import os
from pathlib import Path

import pytest
from waiting import until

from cryoloom import Job, Project
from cryoloom.project.attempts import make_attempt, mark_lost, read_attempt, write_control

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
ITEMS = 40


def ids_of(job: Job, output: str) -> list[str]:
    return sorted(job.dataset(output).table()["cryoloomItemId"].to_list())


def end(job: Job) -> None:
    job.stop()
    until(lambda: job.state == "aborted")


def lose(file: Path) -> None:
    """The second half of what was written, as if it had never come to the disk."""
    os.truncate(file, file.stat().st_size // 2)


@pytest.mark.parametrize("lost", [("micrographs",), ("even",), ("micrographs", "even")])
def test_lost_rows_are_made_again_also_when_that_is_interrupted(
    lost: tuple[str, ...], tmp_path: Path
) -> None:
    project = Project.create(tmp_path / "p", seed=1)
    source = project.run("loomtest.tick", items=ITEMS, rate=1000).wait(60)
    job = project.run("loomtest.fork", input=source, batch_size=2, seconds=0.15)
    behind = project.run("loomtest.relay", input=f"{job.name}/micrographs.star")
    until(lambda: len(job.entry.status().history.done) >= ITEMS / 2)
    end(job)
    for name in lost:
        lose(job.folder / f"{name}.star")

    job.resume()
    # It begins with all of them, and is interrupted when it has made some again.
    until(lambda: 4 <= len(job.entry.status().history.done) < ITEMS / 2)
    end(job)
    job.resume()
    behind.resume()
    project.wait(timeout_s=60)

    assert (job.state, behind.state) == ("succeeded", "succeeded"), (job.why, behind.why)
    names = source.dataset().table()["rlnMicrographName"].to_list()
    assert ids_of(job, "micrographs") == ids_of(behind, "micrographs") == ids_of(source, "micrographs")
    even = sorted(job.dataset("even").table()["rlnMicrographName"].to_list())
    assert even == sorted(name for name in names if name[-5] in "02468")


def test_a_retry_whose_process_dies_before_its_first_word_is_tried_again(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p", seed=1)
    source = project.run("loomtest.tick", items=10, rate=1000).wait(60)
    job = project.run("loomtest.stage", input=source, bad="m0000003").wait(60)
    assert (job.folder / "failed.star").exists()
    attempt = job.entry.status().attempt
    assert attempt is not None
    # As `retry` does; then an attempt that ends without a word, twice.
    write_control(job.folder, wanted="run", fresh=attempt.number)
    for _ in range(2):
        made = make_attempt(job.folder)
        assert made is not None
        mark_lost(read_attempt(job.folder, int(made.name)), "killed")

    assert job.state == "scheduled"
    project.resume()
    until(lambda: job.state == "succeeded")

    assert job.entry.status().history.attempts == 2
    assert len(job.dataset()) == 9


def test_an_import_takes_again_what_was_lost_also_when_that_is_interrupted(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p", seed=1)
    source = project.run("loomtest.tick", items=ITEMS, rate=20)
    behind = project.run("loomtest.relay", input=source)
    until(lambda: len(source.entry.status().history.done) >= ITEMS / 2)
    end(source)
    lose(source.folder / "micrographs.star")

    source.resume()
    until(lambda: 4 <= len(source.entry.status().history.done) < ITEMS / 2)
    end(source)
    source.resume()
    behind.resume()
    project.wait(timeout_s=60)

    assert (source.state, behind.state) == ("succeeded", "succeeded"), (source.why, behind.why)
    assert len(source.dataset()) == len(set(ids_of(source, "micrographs"))) == ITEMS
    assert ids_of(behind, "micrographs") == ids_of(source, "micrographs")
