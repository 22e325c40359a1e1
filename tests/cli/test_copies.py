"""A copy is told with what its user has still to do, and with nothing that would undo it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cryoloom import Project
from cryoloom.api import lifecycle
from cryoloom.cli.main import app
from cryoloom.project.folder import ProjectFolder


@pytest.fixture
def chosen(project: ProjectFolder) -> Project:
    """A classification, and classes of it that somebody has chosen by number."""
    (project.root / "p.star").write_text("data_particles\n")
    made = Project(project.root)
    classified = made.run("relion.class2d", start=False, fn_img="p.star")
    made.run("sets.classes", start=False, fn_model=classified, classes="1,3")
    return made


def say(project: Project, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "-p", str(project.path)], catch_exceptions=False)


def test_classes_chosen_by_number_are_told_to_be_chosen_again_and_are_not_among_what_to_resume(
    chosen: Project,
) -> None:
    said = say(chosen, "copy", "1", "--branch", "nr_classes=9").output

    assert "Select/job004 is not started: classes=1,3 was chosen on Class2D/job001" in said
    assert said.splitlines()[-1] == "  cryoloom resume Class2D/job003"
    assert "classes=1,3 was chosen on Class2D/job001" in say(chosen, "show", "4").output


def test_a_program_is_told_on_standard_error(chosen: Project) -> None:
    done = say(chosen, "copy", "1", "--branch", "--json")

    assert [job["name"] for job in json.loads(done.stdout)] == ["Class2D/job003", "Select/job004"]
    assert "Select/job004 is not started" in done.stderr


def test_the_new_choice_is_given_and_the_job_resumed_as_it_was_told(chosen: Project) -> None:
    say(chosen, "copy", "1", "--branch")

    changed = say(chosen, "change", "4", "classes=2")

    assert changed.output == "Select/job004: changed; it has not begun.\n  cryoloom resume Select/job004\n"
    assert chosen.job("4").params["classes"] == "2"
    assert (Path(chosen.job("4").folder) / "note.txt").read_text().count("chosen on Class2D/job001") == 1


def test_what_asks_something_is_not_started_with_all_others_and_is_by_its_name(
    chosen: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "call_scheduler", lambda *_: None)
    say(chosen, "copy", "1", "--branch")

    said = say(chosen, "resume", "--all").output
    assert "Select/job004 is not started: classes=1,3 was chosen on" in said
    assert chosen.job("4").state == "aborted" and chosen.job("3").state == "scheduled"

    say(chosen, "resume", "4")
    assert chosen.job("4").state == "scheduled" and chosen.questions() == {}


def test_classes_of_a_classification_that_is_made_again_are_chosen_again(
    chosen: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "call_scheduler", lambda *_: None)

    said = say(chosen, "restart", "1", "--dependents").output

    assert (
        "Select/job002 is not started: classes=1,3 was chosen on Class2D/job001 before that was made again"
        in said
    )
    assert (chosen.job("1").state, chosen.job("2").state) == ("scheduled", "aborted")
    assert say(chosen, "restart", "2").output.count("not started") == 0
    assert chosen.job("2").state == "scheduled"
