"""What a job was made with is written down; that it cannot be never makes a failure of a job that has its results."""

from pathlib import Path
from typing import Any

import pytest

from cryoloom.errors import StarError
from cryoloom.project.attempts import make_attempt
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.records import fingerprints_of, read_record
from cryoloom.runner import recording
from cryoloom.runner.main import run_attempt


def test_a_job_whose_record_cannot_be_made_has_succeeded_and_says_so(
    project: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise StarError("movies.star", found="broken")

    monkeypatch.setattr(recording, "record_attempt", broken)
    entry = project.create_job("loomtest.nothing", {}, {})
    assert make_attempt(entry.folder) is not None

    run_attempt(project.root, entry.name, 1)

    history = entry.look().history
    assert history.state == "succeeded"
    assert any("could not be written down: movies.star is broken" in note for note in history.notes)


def test_an_attempt_leaves_its_record(project: ProjectFolder) -> None:
    entry = project.create_job("loomtest.nothing", {}, {})
    assert make_attempt(entry.folder) is not None

    run_attempt(project.root, entry.name, 1)

    record = read_record(entry.folder)
    assert record is not None and record.attempt == 1 and record.packages["numpy"]


def test_what_is_no_file_has_no_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("abc")
    (tmp_path / "folder").mkdir()
    (tmp_path / "round").symlink_to("round")

    found = fingerprints_of(tmp_path, iter(["a", "folder", "round", "gone"]))

    assert {name: one.size for name, one in found.items()} == {"a": 3}
