"""Parameters change in mid-stream: for the items to come or for all, and the jobs behind follow."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from waiting import until

from cryoloom import Project, star
from cryoloom.api.events import events
from cryoloom.errors import ProjectError
from cryoloom.images.headers import read_header
from cryoloom.images.mrc import write_mrc
from cryoloom.project.attempts import make_attempt, write_control
from cryoloom.protocol import BatchResult, ItemProtocol
from cryoloom.runner.changes import Changes
from cryoloom.runner.item_job import ItemRun
from cryoloom.runner.main import run_attempt

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
ITEMS = 60


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "p", seed=3)


def ways(project: Project, name: str) -> dict[str, int]:
    table = project.job(name).dataset().table()
    return dict(table.group_by("loomtestWay").len().iter_rows())


def until_done(project: Project, name: str, count: int) -> None:
    until(lambda: len(project.job(name).entry.status().history.done) >= count)


def chain(project: Project) -> tuple[str, str, str]:
    source = project.run("loomtest.tick", items=ITEMS, rate=15)
    first = project.run("loomtest.stage", input=source, letter="a", batch_size=2)
    second = project.run("loomtest.stage", input=first, letter="b", batch_size=2)
    return source.name, first.name, second.name


def test_items_to_come_are_made_with_the_changed_parameter_and_say_so(project: Project) -> None:
    _, first, second = chain(project)
    until_done(project, first, 5)
    project.job(first).change(letter="X")
    project.wait(timeout_s=60)

    assert set(ways(project, first)) == {"a", "X"}
    assert sum(ways(project, second).values()) == ITEMS
    assert set(ways(project, second)) == {"ab", "Xb"}
    versions = {event.get("version", 0) for event in events(project.path) if event["kind"] == "items.done"}
    assert versions == {0, 1}
    assert "changed to letter=X" in str(project.job(first).log(story=True))
    with pytest.raises(ProjectError, match="succeeded, expected scheduled or running"):
        project.job(first).change(letter="Y")


def test_all_items_are_made_again_with_it_and_by_the_jobs_behind_too(project: Project) -> None:
    source, first, second = chain(project)
    joined = project.run("sets.filter", input=second, expression="rlnOpticsGroup = 1")
    until_done(project, second, 8)
    project.job(first).change(letter="X", of_all=True)
    project.wait(timeout_s=90)

    states = {summary.name: (summary.state, summary.why) for summary in project.summaries()}
    assert set(states.values()) == {("succeeded", "")}, states
    assert ways(project, first) == {"X": ITEMS}
    assert ways(project, second) == {"Xb": ITEMS}
    kept = joined.dataset("kept").table()
    assert kept.height == ITEMS
    assert set(kept["loomtestWay"].to_list()) == {"Xb"}
    # The source was not asked again.
    assert len(project.job(source).entry.status().history.done) == ITEMS


class Killed(BaseException):
    """Ends a job's process as a kill does: nothing more is written."""


def test_a_kill_between_the_empty_outputs_and_the_change_for_all_loses_and_doubles_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = project.run("loomtest.tick", items=10, rate=1000).wait(60)
    job = project.run("loomtest.stage", input=source, letter="a", batch_size=2, start=False)
    taken = Changes.take
    commit = ItemRun._commit

    def commit_and_ask(run: ItemRun, items: pl.DataFrame, result: BatchResult, version: int = 0) -> None:
        commit(run, items, result, version)
        change = {"version": 1, "values": {"letter": "X"}, "of_all": True}
        write_control(job.folder, changes=[change])

    def die(*_: object) -> ItemProtocol:
        raise Killed

    monkeypatch.setattr(ItemRun, "_commit", commit_and_ask)
    monkeypatch.setattr(Changes, "take", die)
    make_attempt(job.folder)
    with pytest.raises(Killed):
        run_attempt(project.path, job.name, 1)
    between = job.entry.status().history
    assert between.version == 0 and not between.done

    monkeypatch.setattr(Changes, "take", taken)
    make_attempt(job.folder)
    run_attempt(project.path, job.name, 2)

    assert ways(project, job.name) == {"X": 10}
    assert job.entry.status().history.version == 1


def test_no_item_is_made_with_a_value_that_counted_for_a_moment_only(
    project: Project,
) -> None:
    source = project.run("loomtest.tick", items=3, rate=2)
    job = project.run("loomtest.stage", input=source, letter="a", batch_size=0)
    job.change(letter="b")
    job.change(letter="c")

    job.wait(60)

    assert ways(project, job.name) == {"c": 3}
    assert job.entry.status().history.version == 2


def test_a_change_for_all_that_comes_when_the_last_item_is_through_is_taken(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = project.run("loomtest.tick", items=10, rate=1000).wait(60)
    job = project.run("loomtest.stage", input=source, letter="a", start=False)
    commit = ItemRun._commit

    def commit_and_ask(run: ItemRun, items: pl.DataFrame, result: BatchResult, version: int = 0) -> None:
        commit(run, items, result, version)
        if run.run.journal.history.count == 10 and not version:
            write_control(job.folder, changes=[{"version": 1, "values": {"letter": "X"}, "of_all": True}])

    monkeypatch.setattr(ItemRun, "_commit", commit_and_ask)
    make_attempt(job.folder)
    run_attempt(project.path, job.name, 1)

    assert job.entry.status().history.state == "succeeded"
    assert ways(project, job.name) == {"X": 10}


def test_what_waits_for_all_items_is_not_split_when_its_producer_is_stopped(
    project: Project, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    source = project.run("loomtest.tick", items=30, rate=20)
    whole = project.run("loomtest.stage", input=source, batch_size=0, mark=str(mark))
    until_done(project, source.name, 5)
    source.stop()
    until(lambda: whole.state == "scheduled" and whole.entry.status().history.suspended)

    source.resume()
    project.wait(timeout_s=60)

    assert whole.state == "succeeded", whole.why
    assert len(mark.read_text().splitlines()) == 1
    assert len(whole.dataset()) == 30


def test_a_copy_begins_with_what_was_changed_last(project: Project) -> None:
    source = project.run("loomtest.tick", items=3, rate=2)
    job = project.run("loomtest.stage", input=source, letter="a", batch_size=0)
    behind = project.run("loomtest.stage", input=job, letter="z")
    job.change(letter="b")
    behind.change(letter="y")
    project.wait(timeout_s=60)

    copy, copy_behind = project.copy(job, branch=True, start=True)
    project.wait(timeout_s=60)

    assert (copy.params["letter"], copy_behind.params["letter"]) == ("b", "y")
    assert ways(project, copy_behind.name) == ways(project, behind.name) == {"by": 3}
    assert project.copy(job, letter="c")[0].params["letter"] == "c"


def write_movie(raw: Path, name: str) -> None:
    frames = np.random.default_rng(1).normal(10, 1, (3, 128, 128)).astype(np.float32)
    write_mrc(raw / f".{name}", frames, 1.5)
    (raw / f".{name}").rename(raw / name)


@pytest.mark.relion
@pytest.mark.parametrize("of_all", [False, True])
def test_what_is_binned_otherwise_has_its_own_pixel_size(tmp_path: Path, of_all: bool) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    write_movie(raw, "a.mrc")
    project = Project.create(tmp_path / "p", seed=1)
    source = project.run(
        "import.movies", fn_in_raw=str(raw / "*.mrc"), angpix=1.5, stream=True, file_timeout=0.1
    )
    motion = project.run("relion.motioncorr", input_star_mics=source, patch_x=1, patch_y=1, bin_factor=2)
    until_done(project, motion.name, 1)

    motion.change(bin_factor=1, of_all=of_all)
    write_movie(raw, "b.mrc")
    until(lambda: len(source.entry.status().history.done) == 2)
    source.stop(stream=True)
    project.wait(timeout_s=90)

    blocks = star.read(motion.folder / "corrected_micrographs.star")
    optics, micrographs = blocks["optics"], blocks["micrographs"]
    assert isinstance(optics, pl.DataFrame) and isinstance(micrographs, pl.DataFrame)
    both = micrographs.join(optics, on="rlnOpticsGroup")
    found = {
        read_header(project.path / name).size[0]: angpix
        for name, angpix in both.select("rlnMicrographName", "rlnMicrographPixelSize").iter_rows()
    }
    assert found == ({128: 1.5} if of_all else {64: 3.0, 128: 1.5})
    assert micrographs.height == 2
