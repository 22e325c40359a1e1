"""What the command line can do with a job, `Job` can do under the same name and with the same defaults."""

import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

import cryoloom
from cryoloom import Job, Project
from cryoloom.cli.main import app
from cryoloom.errors import ParameterError, ProjectError

# `job.alias` tells the name, so what gives one is called otherwise; `continue` is a word of Python's.
METHODS = {"alias": "set_alias", "continue": "continue_"}
# Which job, where, how it is printed, and staying with it (`job.wait()`) belong to the command line; parameters of
# protocols (`given`) are keywords in Python, and there is no asking for all jobs of one.
# An edit of words is `picks`; in Python one looks (`picks`), changes the table, and saves it (`save_picks`).
IN_TWO_METHODS = {"picks"}
OF_THE_COMMAND_LINE = {"job", "jobs", "project", "as_json", "wait", "given", "everything"}


def commands() -> dict[str, dict[str, object]]:
    """The commands that concern a job: what each takes, and the default of it."""
    return {
        name: {param.name or "": default_of(command, param) for param in command.params}
        for name, command in app.commands.items()
        if command.params and command.params[0].name in ("job", "jobs") and name not in IN_TWO_METHODS
    }


def default_of(command: click.Command, param: click.Parameter) -> object:
    if param.required:
        return inspect.Parameter.empty
    found = param.get_default(click.Context(command))
    if found is None or type(found).__name__ == "Sentinel":
        return (
            False if isinstance(param, click.Option) and param.is_flag and not param.secondary_opts else None
        )
    return found


def test_there_are_commands_to_compare_with() -> None:
    assert {"stop", "resume", "retry", "restart", "continue", "copy", "clean", "delete", "change", "priority", "show",
            "log", "plot", "alias"} <= set(commands())  # fmt: skip


@pytest.mark.parametrize("name", sorted(commands()))
def test_each_command_on_a_job_is_a_method_with_the_same_options_and_defaults(name: str) -> None:
    method = inspect.signature(getattr(Job, METHODS.get(name, name)))

    for option, default in commands()[name].items():
        if option in OF_THE_COMMAND_LINE:
            continue
        assert option in method.parameters, f"Job.{name} lacks {option}"
        assert method.parameters[option].default == default, f"{name}: {option}"


@pytest.mark.parametrize("name", sorted(commands()))
def test_each_method_has_no_option_that_the_command_lacks(name: str) -> None:
    options = set(commands()[name])

    method = inspect.signature(getattr(Job, METHODS.get(name, name))).parameters.values()

    own = {one.name for one in method if one.kind is not one.VAR_KEYWORD} - {"self"}
    # The command line starts what it continues; in Python a job may be made and held back, as with `run`.
    assert own - options <= ({"start"} if name == "continue" else set())


def test_a_job_is_found_by_number_alias_name_and_label(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    first = project.run("loomtest.nothing", alias="LoG", start=False)
    project.run("loomtest.nothing", label="second", start=False)

    assert project["LoG"] == project[1] == project["1"] == project.job(1) == project[first.name] == first
    assert project["second"].name == "External/job002"
    assert [job.name for job in project] == ["External/job001", "External/job002"]
    with pytest.raises(ProjectError, match="unknown"):
        project["nobody"]


def test_a_label_that_two_jobs_have_names_both(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    for _ in range(2):
        project.run("loomtest.nothing", label="twice", start=False)

    with pytest.raises(ProjectError, match=r"ambiguous \(External/job001, External/job002\)"):
        project["twice"]


@pytest.mark.timeout(120)
def test_a_job_lives_its_life_from_python(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    source = project.run("loomtest.tick", items=4, rate=1000).wait(60)
    job = project.run("loomtest.stage", input=source, bad="m0000002").wait(60)

    job.set_alias("mine")
    assert project["mine"].alias == "mine"
    assert job.show().summary.failed == 1 and job.show().params["bad"] == "m0000002"
    assert job.retry().failed == 1
    assert job.wait(60).summary().failed == 1
    story = str(job.log(story=True)).splitlines()
    assert story[0].endswith("  made: loomtest.stage") and story[-1].endswith("  succeeded")

    copied = job.copy(bad="")
    assert copied.state == "aborted"  # not started before somebody says so
    assert len(copied.resume().wait(60).dataset()) == 4
    moved = job.restart(dependents=False)
    assert list(moved) == [job.name] and job.wait(60).state == "succeeded"
    assert not job.clean(dry_run=True).files
    with pytest.raises(ProjectError, match=copied.name):
        source.delete()
    assert set(source.delete(dependents=True)) == {source.name, job.name, copied.name}
    assert project.jobs() == []


@pytest.mark.timeout(120)
def test_the_log_is_text_or_pieces_and_follows_a_job_to_its_end(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    job = project.run("loomtest.nothing", seconds=0.5, mark=str(tmp_path / "nowhere" / "mark"))

    followed = "".join(job.log(follow=True))

    assert job.has_ended
    assert "nowhere/mark" in followed  # what its shell complained of
    assert followed == str(job.log()) == repr(job.log(follow=True))
    assert str(job.log(events=True)).count('"kind": "job.ended"') == 1


def test_of_a_progress_bar_the_log_has_its_last_state(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    job = project.run("loomtest.nothing", start=False)
    (job.folder / "run.out").write_bytes(b"begin\n 0/3 .\r 1/3 ..\r 3/3 ....\nnext\r\nlast .\rlast ..\r")

    assert str(job.log()) == "begin\n 3/3 ....\nnext\nlast ..\r"


@pytest.mark.parametrize(
    "wish", [{"priority": "x"}, {"priority": 1.5}, {"alone": "no"}, {"memory_gb": "4"}, {"memory_gb": -1}]
)
def test_a_wish_that_the_scheduler_could_not_count_with_is_refused(
    tmp_path: Path, wish: dict[str, Any]
) -> None:
    project = Project.create(tmp_path / "p")
    job = project.run("loomtest.nothing", start=False)
    before = (job.folder / ".cryoloom/control.json").read_bytes()

    with pytest.raises(ParameterError, match=next(iter(wish))):
        job.priority(
            **{"number": 0, **{name.replace("priority", "number"): value for name, value in wish.items()}}
        )
    with pytest.raises(ParameterError, match=next(iter(wish))):
        project.run("loomtest.nothing", **wish)

    assert (job.folder / ".cryoloom/control.json").read_bytes() == before
    assert len(project.jobs()) == 1


def test_nothing_shows_itself_by_its_insides(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    job = project.run("loomtest.tick", start=False)

    for one in (project, job, job.dataset()):
        assert repr(one).startswith(f"<{type(one).__name__} ") and "(" not in repr(one)


def test_help_on_the_package_shows_what_there_is_without_loading_tables() -> None:
    code = (
        "import sys, cryoloom; names = dir(cryoloom); assert {'Project', 'Job', 'Dataset', 'JobError', 'CryoloomError'}"
        " <= set(names), names; heavy = {'polars', 'numpy', 'scipy', 'altair', 'typer'} & set(sys.modules);"
        " assert not heavy, heavy; assert all(hasattr(cryoloom, name) for name in names)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr


def test_each_error_is_reached_from_the_package() -> None:
    from cryoloom import errors

    kinds = {name for name, value in vars(errors).items() if isinstance(value, type)}

    assert kinds <= set(dir(cryoloom))
    assert cryoloom.JobError is errors.JobError
