"""Where inotify is not to be relied on, jobs look at the files that they follow."""

from pathlib import Path

import pytest

from cryoloom import Project


@pytest.mark.parametrize("poll", [0, 1])
def test_a_stream_arrives_whole_whether_jobs_are_woken_or_look(tmp_path: Path, poll: int) -> None:
    project = Project.create(tmp_path / "p")
    (project.path / ".cryoloom" / "config.toml").write_text(f"[streams]\npoll = {poll}\n")
    source = project.run("loomtest.tick", items=60, rate=40)

    relayed = project.run("loomtest.relay", input=source)
    cut = project.run("sets.filter", input=relayed, expression="rlnOpticsGroup == 1").wait(timeout_s=60)

    assert cut.state == "succeeded", cut.why
    names = cut.dataset("kept").table()["rlnMicrographName"].to_list()
    assert names == [f"m{number:07d}.mrc" for number in range(60)]
