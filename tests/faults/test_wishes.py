"""What users wish of a job is done, also when they wish two things at once or at a bad moment."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from waiting import until

from cryoloom import Project
from cryoloom.api import lifecycle
from cryoloom.engine.calling import call_scheduler
from cryoloom.errors import ParameterError, ProjectError
from cryoloom.images.mrc import write_mrc
from cryoloom.project.attempts import change_control, read_control, write_control

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def micrograph(folder: Path, name: str) -> None:
    folder.mkdir(exist_ok=True)
    write_mrc(folder / f".{name}", np.eye(16, dtype=np.float32), 1.0)
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


def test_a_stop_that_is_taken_back_at_once_is_none_whenever_the_scheduler_saw_it(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p", seed=1)
    jobs = [project.run("loomtest.nothing", seconds=3) for _ in range(4)]
    until(lambda: all(job.entry.status().history.attempts for job in jobs))
    for job in jobs:
        job.stop()
        job.resume()

    project.wait(timeout_s=60)

    assert [job.state for job in jobs] == ["succeeded"] * 4


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
    source.stop(stream=True)
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
    source.stop(stream=True)
    project.wait(timeout_s=60)

    assert [job.state for job in (source, first, second)] == ["succeeded"] * 3
    assert len(second.dataset()) == second.dataset().table()["cryoloomItemId"].n_unique() == 3


def test_who_followed_can_be_opened_again_later_and_a_whole_set_is_named(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    micrograph(raw, "a.mrc")
    project = Project.create(tmp_path / "p", seed=1)
    source = project.run(
        "import.micrographs", fn_in_raw=str(raw / "*.mrc"), angpix=1.0, stream=True, file_timeout=0.1
    )
    follower = project.run("loomtest.relay", input=source)
    whole = project.run("sets.sort", input=follower, by="rlnMicrographName")
    until(lambda: source.entry.status().history.done)
    source.stop(stream=True)
    assert [job.state for job in project.wait(timeout_s=60)] == ["succeeded"] * 3
    micrograph(raw, "b.mrc")

    def resume(*words: str) -> str:
        command = [sys.executable, "-m", "cryoloom", "resume", source.name, *words, "-p", str(project.path)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    said = resume()
    assert f"Resumed: {source.name}\n" in said
    assert f"These ended without what comes now: {follower.name}" in said
    assert f"  cryoloom resume {source.name} --dependents\n" in said
    assert f"{whole.name} took the set as a whole" in said
    until(lambda: len(source.entry.status().history.done) == 2)
    assert f"Resumed: {follower.name}" in resume("--dependents")
    until(lambda: len(follower.entry.status().history.done) == 2)
    source.stop(stream=True)
    project.wait(timeout_s=60)

    assert len(follower.dataset()) == 2


def test_an_import_without_a_stream_takes_the_new_files_and_ends(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    micrograph(raw, "a.mrc")
    project = Project.create(tmp_path / "p", seed=1)
    source = project.run("import.micrographs", fn_in_raw=str(raw / "*.mrc"), angpix=1.0, stream=False)
    follower = project.run("loomtest.relay", input=source)
    project.wait(timeout_s=60)
    micrograph(raw, "b.mrc")

    project.resume([source], dependents=True)
    project.wait(timeout_s=60)

    assert len(source.dataset()) == len(follower.dataset()) == 2


def test_who_followed_is_not_started_before_the_import_has_said_that_it_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project.create(tmp_path / "p", seed=1)
    source = project.run("loomtest.tick", items=2, rate=1000)
    follower = project.run("loomtest.relay", input=source)
    project.wait(timeout_s=60)
    # The scheduler is late, and the command is gone.
    monkeypatch.setattr(lifecycle, "call_scheduler", lambda _: None)
    project.resume([source], dependents=True)

    assert (source.state, follower.state) == ("scheduled", "succeeded")
    assert read_control(source.folder)["opens"] == {follower.name: 1}
    call_scheduler(project.path)
    project.wait(timeout_s=60)
    assert [job.entry.status().history.attempts for job in (source, follower)] == [2, 2]
    assert read_control(source.folder)["opens"] == {}


def test_only_an_import_has_a_stream_to_close(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    job = project.run("loomtest.nothing", start=False)
    before = read_control(job.folder)

    with pytest.raises(ProjectError, match=r"a job of loomtest\.nothing, expected an import"):
        job.stop(stream=True)

    assert read_control(job.folder) == before


def test_of_several_streams_none_is_closed_where_one_cannot_be(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    source = project.run("loomtest.tick", start=False)
    other = project.run("loomtest.nothing", start=False)

    command = [sys.executable, "-m", "cryoloom", "stop", "--stream", source.name, other.name]
    done = subprocess.run([*command, "-p", str(project.path)], capture_output=True, text=True)

    assert done.returncode == 2
    assert f"{other.name} is a job of loomtest.nothing, expected an import" in done.stderr
    assert read_control(source.folder)["stream"] == "open"


@pytest.mark.parametrize("memory_gb", [-5, float("nan"), float("inf")])
def test_memory_that_cannot_be_is_refused(tmp_path: Path, memory_gb: float) -> None:
    project = Project.create(tmp_path / "p")
    job = project.run("loomtest.nothing", start=False)

    with pytest.raises(ParameterError, match="memory_gb"):
        project.run("loomtest.nothing", memory_gb=memory_gb)
    with pytest.raises(ParameterError, match="memory_gb"):
        job.priority(0, memory_gb=memory_gb)
    assert len(project.jobs()) == 1


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


def test_a_failed_job_that_is_to_be_tried_again_takes_a_change(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p", seed=1)
    source = project.run("loomtest.tick", items=3, rate=1000).wait(60)
    job = project.run("loomtest.stage", input=source, bad="m").wait(60, check=False)
    assert job.state == "failed"
    # Resumed; its next attempt has not begun.
    write_control(job.folder, wanted="run", fresh=1)

    job.change(bad="")
    job.resume().wait(60)

    assert job.state == "succeeded", job.why
    assert len(job.dataset()) == 3


def test_a_retry_that_is_killed_anywhere_has_not_begun_or_happens_and_leaves_no_job_stopped(
    tmp_path: Path,
) -> None:
    """The wish is one file that is renamed: the scheduler does all else, whether the command lives or not."""
    project = Project.create(tmp_path / "p", seed=1)
    source = project.run("loomtest.tick", items=12, rate=1000).wait(60)
    began = []
    for late_s in (0.0, 0.25, 0.3, 0.35, 0.4, 0.5):
        job = project.run("loomtest.stage", input=source, batch_size=1, seconds=0.15, bad="m0000002")
        until(lambda job=job: job.entry.status().history.failed)  # type: ignore[misc]
        command = [sys.executable, "-m", "cryoloom", "retry", job.name, "-p", str(project.path)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(late_s)
        process.kill()
        process.wait()
        began.append(read_control(job.folder)["reopen"] == 1)
        project.wait([job], timeout_s=60)

        status = job.entry.status()
        assert status.state == "succeeded", status.why
        assert status.history.attempts == (2 if began[-1] else 1)
        assert len(status.history.done) == 11 and len(status.history.failed) == 1
    assert not began[0]


def test_a_retry_ends_a_running_attempt_and_opens_who_followed_while_nobody_waits(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p", seed=1)
    source = project.run("loomtest.tick", items=6, rate=1000).wait(60)
    mark = tmp_path / "mark"
    first = project.run("loomtest.stage", input=source, batch_size=1, bad="m0000002", mark=str(mark)).wait(60)
    second = project.run("loomtest.relay", input=first).wait(60)
    third = project.run("loomtest.relay", input=second).wait(60)
    before = len(mark.read_text().splitlines())

    began = time.monotonic()
    plan = project.retry(first, dependents=True)
    took_s = time.monotonic() - began
    wishes = read_control(first.folder)
    project.wait(timeout_s=60)

    assert took_s < 1
    assert wishes["reopen"] == 1
    assert plan.followers == (second.name, third.name)
    assert [job.entry.status().history.attempt for job in (first, second, third)] == [2, 2, 2]
    assert read_control(first.folder)["opens"] == {}
    assert all(job.state == "succeeded" for job in (first, second, third))
    assert len(mark.read_text().splitlines()) == before  # what was bad has no program; what is through stays
    assert len(third.dataset()) == 5
