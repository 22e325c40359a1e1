"""Parameters change in mid-stream: for the items to come or for all, and the jobs behind follow."""

import time
from pathlib import Path

import pytest

from cryoloom import Project
from cryoloom.api.events import events
from cryoloom.errors import ProjectError

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
ITEMS = 60


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "p", seed=3)


def ways(project: Project, name: str) -> dict[str, int]:
    table = project.job(name).dataset().table()
    return dict(table.group_by("loomtestWay").len().iter_rows())


def until(project: Project, name: str, count: int) -> None:
    deadline = time.monotonic() + 60
    while len(project.job(name).entry.status().history.done) < count and time.monotonic() < deadline:
        time.sleep(0.05)


def chain(project: Project) -> tuple[str, str, str]:
    source = project.run("loomtest.tick", items=ITEMS, rate=15)
    first = project.run("loomtest.stage", input=source, letter="a", batch_size=2)
    second = project.run("loomtest.stage", input=first, letter="b", batch_size=2)
    return source.name, first.name, second.name


def test_items_to_come_are_made_with_the_changed_parameter_and_say_so(project: Project) -> None:
    _, first, second = chain(project)
    until(project, first, 5)
    project.job(first).change(letter="X")
    project.wait(timeout_s=60)

    assert set(ways(project, first)) == {"a", "X"}
    assert sum(ways(project, second).values()) == ITEMS
    assert set(ways(project, second)) == {"ab", "Xb"}
    versions = {event.get("version", 0) for event in events(project.path) if event["kind"] == "items.done"}
    assert versions == {0, 1}
    assert any("changed to letter=X" in line for line in project.job(first).story())
    with pytest.raises(ProjectError, match="succeeded, expected scheduled or running"):
        project.job(first).change(letter="Y")


def test_all_items_are_made_again_with_it_and_by_the_jobs_behind_too(project: Project) -> None:
    source, first, second = chain(project)
    joined = project.run("sets.filter", input=second, expression="rlnOpticsGroup = 1")
    until(project, second, 8)
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
