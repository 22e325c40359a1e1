"""What users wish of a job is done, also when they wish two things at once or at a bad moment."""

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from waiting import until

from cryoloom import Project
from cryoloom.errors import ProjectError
from cryoloom.images.mrc import write_mrc
from cryoloom.project.attempts import change_control, read_control, write_control

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def micrograph(folder: Path, name: str) -> None:
    folder.mkdir(exist_ok=True)
    write_mrc(folder / f".{name}", np.ones((16, 16), np.float32), 1.0)
    (folder / f".{name}").rename(folder / name)


def test_a_job_that_is_resumed_while_it_is_being_stopped_goes_on(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p", seed=1)
    source = project.run("loomtest.tick", items=30, rate=1000).wait(60)
    job = project.run("loomtest.stage", input=source, batch_size=1, seconds=0.1)
    until(lambda: job.entry.status().history.done)
    job.stop()
    attempt = job.entry.status().attempt
    assert attempt is not None
    until(lambda: (attempt.folder / "cancel").exists())

    assert [one.name for one in project.resume([job])] == [job.name]
    job.wait(60)

    assert job.state == "succeeded", job.why
    assert len(job.dataset()) == 30


def test_a_stop_that_nobody_has_seen_yet_is_taken_back(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p", seed=1)
    job = project.run("loomtest.nothing", seconds=2)
    until(lambda: job.state == "running")
    write_control(job.folder, wanted="stop")

    job.resume().wait(60)

    assert job.state == "succeeded"


def test_an_import_whose_stream_is_over_is_taken_up_again_and_who_followed_it_too(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    micrograph(raw, "a.mrc")
    project = Project.create(tmp_path / "p", seed=1)
    source = project.run(
        "import.micrographs",
        fn_in_raw=str(raw / "*.mrc"),
        angpix=1.0,
        stream=True,
        file_timeout=0.1,
        timeout=60,
    )
    first = project.run("loomtest.relay", input=source)
    second = project.run("loomtest.relay", input=first)
    until(lambda: source.entry.status().history.done)
    source.stop_stream()
    project.wait(timeout_s=60)
    assert len(second.dataset()) == 1
    micrograph(raw, "b.mrc")

    with pytest.raises(ProjectError, match=f"cryoloom resume {source.name} takes its stream up again"):
        project.retry(source)
    assert project.resume() == []
    taken = project.resume([source], dependents=True)
    assert [job.name for job in taken] == [source.name, first.name, second.name]
    until(lambda: len(source.entry.status().history.done) == 2)
    micrograph(raw, "c.mrc")
    until(lambda: len(second.entry.status().history.done) == 3)
    source.stop_stream()
    project.wait(timeout_s=60)

    assert [job.state for job in (source, first, second)] == ["succeeded"] * 3
    assert len(second.dataset()) == second.dataset().table()["cryoloomItemId"].n_unique() == 3


def test_only_an_import_has_a_stream_to_close(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    job = project.run("loomtest.nothing", start=False)
    before = read_control(job.folder)

    with pytest.raises(ProjectError, match=r"a job of loomtest\.nothing, expected an import"):
        job.stop_stream()

    assert read_control(job.folder) == before


def test_of_wishes_at_once_none_is_lost(tmp_path: Path) -> None:
    add = "import sys; from pathlib import Path; from cryoloom.project.attempts import change_control\n"
    add += "for _ in range(30): change_control(Path(sys.argv[1]), lambda known: {'priority': known['priority'] + 1})"
    processes = [subprocess.Popen([sys.executable, "-c", add, str(tmp_path)]) for _ in range(3)]

    def several() -> None:
        for _ in range(30):
            change_control(tmp_path, lambda known: {"memory_gb": known["memory_gb"] + 1})

    threads = [threading.Thread(target=several) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for process in processes:
        assert process.wait() == 0

    control = read_control(tmp_path)
    assert (control["priority"], control["memory_gb"]) == (90, 90)


def test_a_change_after_the_last_word_of_the_journal_is_refused(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p", seed=1)
    source = project.run("loomtest.tick", items=3, rate=1000).wait(60)
    job = project.run("loomtest.stage", input=source).wait(60)
    attempt = job.entry.status().attempt
    assert attempt is not None
    # As in the moment between the two.
    (attempt.folder / "exit.json").rename(attempt.folder / "later")

    with pytest.raises(ProjectError, match="succeeded, expected scheduled or running"):
        job.change(letter="X")
