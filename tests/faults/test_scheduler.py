"""One broken file, setting or plugin keeps its own job waiting, says so, and no other; and no job is overlooked."""

import os
import shutil
import time
from pathlib import Path

import psutil
import pytest
from waiting import until

from cryoloom import Project
from cryoloom.engine.calling import call_scheduler
from cryoloom.project.index import cache_folder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

PLUGIN = '''
from cryoloom.protocol import Command, JobFolder, ProgramProtocol


class Only(ProgramProtocol):
    """Run a program that ends at once."""

    name = "broken.only"
    label = "Only"
    folder = "External"

    def command(self, job: JobFolder) -> Command:
        return Command("true", ())
'''


@pytest.mark.parametrize("late_s", [0.0, 0.02, 0.05, 0.1])
def test_a_job_that_is_made_while_the_scheduler_ends_is_started(
    late_s: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRYOLOOM_SCHEDULER__IDLE_S", "1")
    project = Project.create(tmp_path / "p")
    project.run("loomtest.nothing").wait(30)
    time.sleep(1.0 + late_s)

    project.run("loomtest.nothing").wait(30)

    assert [summary.state for summary in project.summaries()] == ["succeeded", "succeeded"]


def test_a_setting_that_is_wrong_is_told_by_each_job_that_waits(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    settings = project.path / ".cryoloom/config.toml"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text('[machine]\ncores = "eight"\n')
    job = project.run("loomtest.nothing", start=False)

    job.resume()
    until(lambda: job.why.startswith("the scheduler cannot work: setting machine.cores is 'eight'"))
    settings.write_text("[machine]\ncores = 1\n")
    job.resume().wait(30)

    assert job.state == "succeeded"


def test_settings_that_change_count_at_the_next_command(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    settings = project.path / ".cryoloom/config.toml"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text("[limits]\nloomtest = 1\n")
    long = project.run("loomtest.nothing", seconds=60)
    until(lambda: long.state == "running")
    other = project.run("loomtest.nothing")
    until(lambda: other.why.startswith("at most 1 of loomtest at once"))

    settings.write_text("[limits]\nloomtest = 2\n")
    other.resume().wait(30)

    assert (long.state, other.state) == ("running", "succeeded")
    long.stop()


def test_a_journal_that_is_no_journal_is_told_and_the_other_jobs_run(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    damaged = project.run("loomtest.nothing").wait(30)
    with (damaged.folder / "journal.jsonl").open("a") as file:
        file.write("what is this\n")

    other = project.run("loomtest.nothing").wait(30)

    assert other.state == "succeeded"
    [summary] = [one for one in project.summaries() if one.name == damaged.name]
    assert summary.why.startswith(f"damaged: {damaged.folder}/journal.jsonl, behind event ")
    assert "what is this" in summary.why


def test_a_plugin_that_cannot_be_read_keeps_only_its_own_jobs_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "plugins"
    (place / "broken-1.0.dist-info").mkdir(parents=True)
    (place / "broken-1.0.dist-info/METADATA").write_text(
        "Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n"
    )
    (place / "broken-1.0.dist-info/entry_points.txt").write_text("[cryoloom.plugins]\nbroken = broken\n")
    (place / "broken").mkdir()
    (place / "broken/__init__.py").touch()
    (place / "broken/only.py").write_text("this is no Python\n")
    monkeypatch.setenv("PYTHONPATH", f"{place}:{os.environ.get('PYTHONPATH', '')}")
    project = Project.create(tmp_path / "p")
    job = project.run("loomtest.nothing", start=False)
    spec = job.folder / "job.json"
    spec.write_text(spec.read_text().replace("loomtest.nothing", "broken.only"))

    job.resume()
    other = project.run("loomtest.nothing").wait(30)

    assert other.state == "succeeded"
    until(lambda: job.why.startswith("its protocol cannot be used: SyntaxError("))
    (place / "broken/only.py").write_text(PLUGIN)
    job.resume()
    until(lambda: job.state == "succeeded")


def test_what_an_old_scheduler_said_is_not_believed(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    job = project.run("loomtest.nothing", start=False)
    cache_folder(project.path).mkdir(parents=True, exist_ok=True)
    (cache_folder(project.path) / "waits.json").write_text(
        f'{{"waits": {{"{job.name}": "waits for nobody"}}}}'
    )

    assert "waits for nobody" not in job.why


def schedulers(project: Project) -> list[int]:
    """Processes that work as the project's scheduler."""
    words = ["cryoloom.engine.scheduler", str(project.path)]
    return [one.pid for one in psutil.process_iter(["cmdline"]) if (one.info["cmdline"] or [])[-2:] == words]


def delete_cache(project: Project) -> None:
    """At once: while files are deleted one by one a scheduler may make new ones among them."""
    folder = cache_folder(project.path)
    until(folder.exists)
    gone = folder.rename(folder.with_name(f"{folder.name}-{time.monotonic_ns()}"))
    shutil.rmtree(gone, ignore_errors=True)


def test_a_scheduler_whose_cache_is_deleted_makes_it_again_and_there_is_one(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    long = project.run("loomtest.nothing", seconds=60)
    other = project.run("loomtest.nothing", wait_for=[long])
    until(lambda: other.why == f"waits for {long.name} (running)")
    until(lambda: len(schedulers(project)) == 1)  # another one that finds it there ends within a second
    before = schedulers(project)

    delete_cache(project)
    until(lambda: other.why == f"waits for {long.name} (running)")
    project.run("loomtest.nothing").wait(30)

    until(lambda: schedulers(project) == before)
    delete_cache(project)
    call_scheduler(project.path)
    until(lambda: len(schedulers(project)) == 1)
    long.stop()
    until(lambda: long.state == "aborted")


def test_where_no_scheduler_runs_a_job_that_waits_says_so(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    long = project.run("loomtest.nothing", seconds=60)
    other = project.run("loomtest.nothing", wait_for=[long])
    until(lambda: long.state == "running" and other.why)
    until(lambda: len(schedulers(project)) == 1)
    [scheduler] = map(psutil.Process, schedulers(project))
    scheduler.kill()
    scheduler.wait(30)  # one that dies loses its command line first, and its lock a little later

    assert other.why == "no scheduler runs on this machine; cryoloom resume JOB starts it"
    other.resume()
    until(lambda: other.why == f"waits for {long.name} (running)")
    long.stop()
    until(lambda: long.state == "aborted")
