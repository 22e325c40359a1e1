"""What a command prints as JSON is what a function of the API gives: a server would give the same."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner
from running import run_in

from cryoloom import Project, star
from cryoloom.api import doctor, help_search, label_help, protocol_help, workflows
from cryoloom.api.answers import answers
from cryoloom.api.methods import methods_of
from cryoloom.cli.main import app
from cryoloom.errors import ParameterError
from cryoloom.project.attempts import write_control
from cryoloom.project.events import ParamsChanged
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.journal import JournalWriter
from cryoloom.project.registry import find_protocol

WORKFLOW = {
    "format": 1, "title": "two",
    "jobs": [
        {"name": "a", "protocol": "import.movies", "params": {"fn_in_raw": "${where}"}},
        {"name": "b", "protocol": "relion.motioncorr", "inputs": {"input_star_mics": "a"}},
    ],
    "placeholders": {"where": {"type": "path", "help": "movies"}},
}  # fmt: skip


@pytest.fixture
def filtered(project: ProjectFolder) -> Project:
    """Micrographs of a file, filtered."""
    optics = pl.DataFrame({"rlnOpticsGroupName": ["a"], "rlnOpticsGroup": [1]})
    items = pl.DataFrame(
        {"rlnMicrographName": ["m.mrc", "n.mrc"], "rlnOpticsGroup": [1, 1], "rlnDefocusU": [1e4, 2e4]}
    )
    star.write(project.root / "given.star", {"optics": optics, "micrographs": items})
    run_in(project, "sets.filter", input="given.star", expression="rlnDefocusU > 15000")
    return Project(project.root)


def end_attempt(job: Path) -> None:
    """As a shepherd does when its process is gone."""
    (job / ".cryoloom/attempts/0001/exit.json").write_text('{"ended_by": "exit", "code": 0}')


def said(*words: str) -> object:
    return json.loads(CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False).output)


CASES: dict[str, tuple[list[str], Callable[[Project], object]]] = {
    "show": (["show", "1"], lambda project: project.job("1").show().as_dict()),
    "ls": (["ls"], lambda project: [one.as_dict() for one in project.summaries()]),
    "protocol": (["help", "sets.filter"], lambda _: protocol_help.help_on("sets.filter").as_dict()),
    "protocols": (["help"], lambda _: [one.as_dict() for one in protocol_help.protocols_named()]),
    "words": (["help", "defocus"], lambda _: json.loads(json.dumps(help_search.search_help("defocus").as_dict()))),
    "label": (["help", "rlnDefocusU"], lambda _: [one.as_dict() for one in label_help.labels_named("rlnDefocusU")]),
    "doctor": (["doctor"], lambda project: doctor.diagnose(project.path).as_dict()),
}  # fmt: skip


@pytest.mark.parametrize(("words", "result"), CASES.values(), ids=CASES.keys())
def test_a_command_prints_what_the_api_gives(
    filtered: Project,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    result: Callable[[Project], object],
) -> None:
    monkeypatch.setenv("CRYOLOOM_PROJECT", str(filtered.path))

    printed = said(*words)

    assert printed == json.loads(json.dumps(result(filtered), default=str))


def test_the_outline_of_a_workflow_is_given_as_the_command_prints_it(tmp_path: Path) -> None:
    file = tmp_path / "w.json"
    file.write_text(json.dumps(WORKFLOW))

    outline = workflows.outline_of(file, {"where": "x/*.mrc"})

    assert said("workflow", "show", str(file), "--set", "where=x/*.mrc") == json.loads(
        json.dumps(outline.as_dict())
    )
    assert [(job.name, dict(job.inputs)) for job in outline.jobs] == [
        ("a", {}),
        ("b", {"input_star_mics": "a"}),
    ]


def test_next_steps_have_their_inputs_filled_in(filtered: Project) -> None:
    steps = filtered.job("1").next_steps()

    assert all(step.command.startswith(f"cryoloom run {step.protocol} ") for step in steps)
    assert all(filtered.job("1").name in step.inputs.values() for step in steps)


def test_a_next_step_takes_what_the_job_itself_took_and_says_what_it_could_not_begin_without(
    filtered: Project,
) -> None:
    picks = filtered.run("relion.autopick", fn_input_autopick="1:kept", do_log=True, start=False)
    particles = filtered.run("relion.extract", star_mics="1:kept", coords_suffix=picks, start=False)

    [extract] = picks.next_steps()
    sort, refine = particles.next_steps()

    assert extract.command == (
        f"cryoloom run relion.extract star_mics=Select/job001:kept coords_suffix={picks.name}"
    )
    assert sort.command == (
        f"cryoloom run relion.class2d fn_img={particles.name} nr_classes=50 particle_diameter=auto"
    )
    assert refine.inputs == {"fn_img": particles.name, "fn_ref": "..."}  # nothing above is a map


def test_as_many_classes_are_suggested_as_there_are_hundreds_of_particles() -> None:
    sort = find_protocol("relion.class2d")

    said = [sort.suggested(items)["nr_classes"] for items in (None, 20, 480, 4999, 5000, 200_000)]

    assert said == ["50", "2", "4", "49", "50", "50"]


def test_a_job_says_what_it_took_and_what_it_kept(filtered: Project) -> None:
    details = filtered.job("1").show()

    assert details.params["expression"] == "rlnDefocusU > 15000"
    assert details.inputs["input"].path == "given.star"
    assert details.resources.disk_mb > 0
    assert details.summary.outputs["kept"]["items"] == 1


def test_items_that_were_rejected_are_not_those_that_are_left(project: ProjectFolder) -> None:
    optics = pl.DataFrame({"rlnOpticsGroupName": ["a"], "rlnOpticsGroup": [1]})
    items = pl.DataFrame({
        "rlnMicrographName": list("abcd"), "rlnOpticsGroup": [1] * 4, "rlnDefocusU": [1.0, 2.0, 3.0, 4.0]
    })  # fmt: skip
    star.write(project.root / "given.star", {"optics": optics, "micrographs": items})
    run_in(project, "sets.filter", input="given.star", expression="rlnDefocusU > 1")
    end_attempt(project.entry("1").folder)

    said = dict(answers(Project(project.root)).rows)

    assert said["micrographs"] == "3 in Select/job001"


def test_the_map_of_a_project_is_the_one_that_its_report_shows_and_not_the_masked_one() -> None:
    outputs = {
        "final_map": {"kind": "final map", "items": 1, "path": "PostProcess/job001/postprocess.mrc"},
        "masked_map": {"kind": "final map", "items": 1, "path": "PostProcess/job001/postprocess_masked.mrc"},
    }
    entry = SimpleNamespace(known_spec=None, spec=(), input_files=(), name="PostProcess/job001")
    job = SimpleNamespace(name="PostProcess/job001", views=list, entry=entry)
    summary = SimpleNamespace(name=job.name, state="succeeded", outputs=outputs, made="")
    project: Any = SimpleNamespace(jobs=lambda: [job], summaries=lambda: [summary])

    assert dict(answers(project).rows)["map"] == "PostProcess/job001/postprocess.mrc"


@pytest.mark.parametrize("of_all", [True, False])
def test_the_methods_tell_the_values_with_which_items_were_made(filtered: Project, of_all: bool) -> None:
    folder, values = filtered.job("1").folder, {"expression": "rlnDefocusU > 12000"}
    write_control(folder, changes=[{"version": 1, "values": values, "of_all": of_all}])
    JournalWriter(folder, 1).write(ParamsChanged(version=1, values=values, of_all=of_all))
    end_attempt(folder)

    earlier = "" if of_all else "rlnDefocusU > 15000, later "
    assert f"keep items where {earlier}rlnDefocusU > 12000)" in methods_of(filtered).text


def test_an_alias_is_given_and_taken_away(filtered: Project) -> None:
    job = filtered.job("1")

    job.set_alias("good")
    assert filtered.job("good").name == job.name and filtered.job("good").alias == "good"

    job.set_alias("")
    assert filtered.job("1").alias == ""


def test_a_name_by_which_another_job_is_known_is_no_alias(filtered: Project) -> None:
    made = filtered.run("sets.sort", input="1", by="rlnDefocusU", label="sorted", start=False)

    with pytest.raises(ParameterError, match=rf"'sorted', by which {made.name} is known"):
        filtered.job("1").set_alias("sorted")
    made.set_alias("sorted")

    assert filtered.job("sorted").name == made.name
