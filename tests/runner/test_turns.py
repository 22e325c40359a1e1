"""On a machine that is full, each job gets its turn: no backlog keeps others waiting."""

from pathlib import Path

import pytest
from waiting import until

from cryoloom import Project

pytestmark = pytest.mark.slow
ITEMS = 40


def test_a_job_that_is_made_more_urgent_comes_before_the_turns_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRYOLOOM_MACHINE__CORES", "1")
    project = Project.create(tmp_path / "p", seed=1)
    source = project.run("loomtest.tick", items=ITEMS, rate=1000).wait(60)
    marks = tmp_path / "marks"
    a, b, c = (
        project.run(
            "loomtest.stage", input=source, batch_size=1, seconds=0.2, mark=str(marks), other_args=letter
        )
        for letter in "abc"
    )
    until(lambda: marks.exists() and set("abc") <= set(marks.read_text()))

    c.priority(1)
    c.wait(60)

    # By equal turns all three would be through together; while it takes in a result, others have the core.
    assert min(len(job.entry.status().history.done) for job in (a, b)) < 0.7 * ITEMS
    a.stop()
    b.stop()


def test_jobs_come_in_between_the_batches_of_a_backlog(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRYOLOOM_MACHINE__CORES", "1")
    project = Project.create(tmp_path / "p", seed=1)
    source = project.run("loomtest.tick", items=ITEMS, rate=1000).wait(60)
    marks = tmp_path / "marks"
    stages = [
        project.run(
            "loomtest.stage", input=source, batch_size=1, seconds=0.25, mark=str(marks), other_args=letter
        )
        for letter in "ab"
    ]
    until(lambda: marks.exists() and marks.read_text().count("\n") >= 4)
    late = project.run("loomtest.nothing", mark=str(marks))

    for job in (late, *stages):
        assert job.wait(120).state == "succeeded", job.why

    who = [line.split()[1 if line[0].isdigit() else 0] for line in marks.read_text().splitlines()]
    assert len(who) == 2 * ITEMS + 1
    at_once = [index for index in range(1, len(who)) if who[index] == who[index - 1]]
    assert len(at_once) < ITEMS / 2, f"no turns: {who}"
    assert who.index(f"{late.name}/") < ITEMS / 2, f"it waited for the backlog: {who}"
