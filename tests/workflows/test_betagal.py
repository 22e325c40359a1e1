"""`examples/betagal.json` does what RELION's tutorial project did: each of its 31 jobs, with the same parameters and inputs."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cryoloom import Project, star
from cryoloom.api.pairing import paired, steps_of
from cryoloom.api.workflows import check_for_new_project
from cryoloom.em.good_classes import good_classes
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.foreign import protocol_of_star
from cryoloom.project.forms.jobstar import read_job_star
from cryoloom.project.forms.relion31 import EVERY_FORM, meaningless
from cryoloom.project.registry import find_protocol
from cryoloom.project.workflows.checking import links_of
from cryoloom.project.workflows.file import load_workflow
from cryoloom.project.workflows.placeholders import filled
from cryoloom.project.workflows.steps import Step
from cryoloom.protocol.conditions import holds
from cryoloom.protocol.declare import AUTO
from cryoloom.protocol.jobs import JobFolder

pytestmark = pytest.mark.shared

EXAMPLE = Path(__file__).parents[2] / "examples/betagal.json"
# A job of the tutorial, and what stands for it, where that is not the same protocol.
BY_RULE = {
    "Select/job005": "sets.filter",
    "Select/job009": "sets.classes",
    "Select/job014": "sets.classes",
    "Select/job017": "sets.classes",
}
# What no job of the tutorial's does: commands that it gives, and the second half of Select/job009.
BESIDE = {"templates_centred", "initial_d2", "map_3d_big"}
# Where, how fast and by which program; nothing of the result.
MACHINE = {
    "nr_mpi", "nr_threads", "use_gpu", "gpu_ids", "fn_ctffind_exe", "fn_mtf", "fn_gain_ref",
}  # fmt: skip
# Two values that mean one thing.
SAME = {("MotionCorr/job002", "last_frame_sum"): (-1, 0)}  # the last frame
# Names of before RELION 3.1's release.
RENAMED = {"save_ps": "do_save_ps", "save_noDW": "do_save_noDW"}
# Options of the tutorial's forms that the release has no more.
OTHERWISE = {
    ("InitialModel/job015", "sgd_sigma2fudge_halflife"): "-1: off",
    ("LocalRes/job031", "nr_threads"): "how fast",
}
# Of the inputs that a map made by a command, or a choice, stands between.
THROUGH = {
    ("picks_trial", "fn_refs_autopick"): "templates_centred:centred",
    ("picks", "fn_refs_autopick"): "templates_centred:centred",
    ("classes_3d", "fn_ref"): "initial_d2:volume",
    ("refine_1", "fn_ref"): "map_3d_big:volume",
    ("picks_log", "fn_input_autopick"): "few:kept",
    ("picks_trial", "fn_input_autopick"): "few:kept",
    ("particles_log", "star_mics"): "few:kept",
    ("initial", "fn_img"): "chosen:particles",
    ("classes_3d", "fn_img"): "chosen:particles",
    ("particles_big", "fndata_reextract"): "chosen_3d:particles",
}


def steps() -> tuple[dict[str, Step], dict[str, str]]:
    """The example's jobs by name, with defaults in place of placeholders, and the tutorial's job of each."""
    workflow = load_workflow(EXAMPLE, {})
    by_name = {step.name: step for step in workflow.jobs}
    said = {name: re.match(r"(\w+/job\d{3})[.,:]", step.comment) for name, step in by_name.items()}
    return by_name, {name: found.group(1) for name, found in said.items() if found}


def test_it_is_whole_and_without_a_fault_on_a_machine_without_gpus_and_ctffind() -> None:
    found = check_for_new_project(EXAMPLE, {})

    assert (found.faults, found.remarks) == ((), ())
    assert {one.name for one in load_workflow(EXAMPLE, {}).to_be_given()} == {"mtf", "gain", "ctffind"}


def test_each_job_of_the_tutorial_stands_in_it_once(tutorial: Path) -> None:
    by_name, theirs = steps()
    jobs = [job.name for job in Project(tutorial).jobs()]

    assert sorted(theirs.values()) == sorted(jobs) and len(jobs) == 31
    assert {*by_name} - {*theirs} == BESIDE
    # In the tutorial's order, so that a reader of both finds his way.
    assert [theirs[name] for name in by_name if name in theirs] == jobs


def test_parameters_that_change_a_result_are_the_tutorial_s(tutorial: Path) -> None:
    by_name, theirs = steps()
    project = Project(tutorial)
    differing, compared = {}, 0

    for name, job in theirs.items():
        entry = project.job(job).entry
        number, options = read_job_star(entry.folder / "job.star")
        if job in BY_RULE:
            assert by_name[name].protocol == BY_RULE[job]
            continue
        renamed = {RENAMED[key]: text for key, text in options.items() if key in RENAMED}
        real = protocol_of_star(entry).with_values(renamed)
        assert by_name[name].protocol == real.name
        ours = _values(by_name[name])
        facts = real.facts()
        for key, value in real.values.items():
            if key in MACHINE or not holds(real.params[key].when, facts):
                continue
            if {ours[key], value} == {*SAME.get((job, key), ())}:
                continue
            compared += 1
            if ours[key] != value and not (value == AUTO and key not in options):
                differing[job, key] = (ours[key], value)
        known = {
            *real.params,
            *real.inputs,
            *real.relion_fixed,
            *EVERY_FORM,
            *RENAMED,
            *meaningless(number, options),
        }
        unknown = {(job, key) for key, text in options.items() if key not in known and text not in ("", "No")}
        assert unknown <= {*OTHERWISE}

    assert differing == {}
    assert compared > 400


def test_inputs_are_linked_as_in_the_tutorial(tutorial: Path, project: ProjectFolder) -> None:
    by_name, theirs = steps()
    names = {job: name for name, job in theirs.items()}
    links = links_of(project, load_workflow(EXAMPLE, {}))
    linked = 0

    for name, job in theirs.items():
        if job in BY_RULE:
            continue
        real = protocol_of_star(Project(tutorial).job(job).entry)
        for key, dataset in real.given.items():
            if not dataset:
                assert key not in links[name]
                continue
            linked += 1
            [reference] = links[name][key]
            if (name, key) in THROUGH:
                assert reference == THROUGH[name, key]
                continue
            source, _, output = reference.partition(":")
            made_by = theirs[source]
            assert dataset.path.startswith(f"{made_by}/"), (name, key)
            assert names[made_by] == source
            kind = find_protocol(by_name[source].protocol)
            made = kind(_params(by_name[source]), {}).output_files(JobFolder(f"{made_by}/", tutorial))
            assert (name, key, made[output].path) == (name, key, dataset.path)

    assert linked == 47


def test_its_rules_choose_among_the_tutorial_s_classes_as_their_comments_say(tutorial: Path) -> None:
    by_name, theirs = steps()
    chosen = {}
    for name, job in theirs.items():
        if BY_RULE.get(job) != "sets.classes":
            continue
        _, options = read_job_star(tutorial / job / "job.star")
        table = star.tables_of(star.read(tutorial / options["fn_model"], columns=None))["model_classes"]
        values = _values(by_name[name])
        rule = good_classes(
            table["rlnClassDistribution"].to_list(), table["rlnEstimatedResolution"].to_list(),
            min_fraction=values["min_fraction"], max_resolution_ratio=values["max_resolution_ratio"],
        )  # fmt: skip
        marks = star.tables_of(star.read(tutorial / job / "backup_selection.star"))
        [marked] = [one["rlnSelected"].to_list() for one in marks.values()]
        by_eye = {number for number, mark in enumerate(marked, start=1) if mark}
        chosen[name] = (sorted(rule), sorted(by_eye))

    assert chosen == {
        "templates": ([24, 28], [4, 24, 28, 34]),
        "chosen": ([16, 26, 29, 79, 96], [16, 26, 29, 37, 64, 79, 91, 96]),
        "chosen_3d": ([4], [4]),
    }
    data = star.read(tutorial / "Class2D/job013/run_it025_data.star", columns={"rlnClassNumber"})
    numbers = star.tables_of(data)["particles"]["rlnClassNumber"].to_list()
    kept = [sum(one in found for one in numbers) for found in chosen["chosen"]]
    assert kept[1] == 5367 and round(100 * kept[0] / kept[1]) == 93


def test_its_condition_takes_the_five_micrographs_that_were_marked(tutorial: Path) -> None:
    import polars as pl

    by_name, _ = steps()
    micrographs = star.tables_of(star.read(tutorial / "CtfFind/job003/micrographs_ctf.star"))["micrographs"]
    marked = star.tables_of(star.read(tutorial / "Select/job005/micrographs_selected.star"))["micrographs"]

    kept = micrographs.filter(pl.sql_expr(_params(by_name["few"])["expression"]))

    assert kept["rlnMicrographName"].to_list() == marked["rlnMicrographName"].to_list() and kept.height == 5


def _params(step: Step) -> dict[str, Any]:
    """As the file gives them; what has to be given is what the protocol begins with."""
    values = load_workflow(EXAMPLE, {}).values
    known: Mapping[str, Any] = filled(dict(step.params), values)
    return {key: value for key, value in known.items() if "${" not in str(value)}


def _values(step: Step) -> dict[str, Any]:
    """Its parameters; those that are `auto` as they come to with movies that bring nothing along."""
    protocol = find_protocol(step.protocol)(_params(step), {})
    of_group = getattr(protocol, "auto_of_group", None)
    return {**protocol.values, **(of_group({}) if of_group else {})}


def test_its_project_s_steps_are_paired_with_the_tutorial_s_that_they_stand_for(
    tutorial: Path, tmp_path: Path
) -> None:
    _, theirs = steps()
    mine, others = Project.create(tmp_path / "p"), Project(tutorial)
    for name in ("mtf.star", "gain.mrc"):
        (mine.path / name).write_text("data_\n")
    mine.import_workflow(EXAMPLE, mtf="mtf.star", gain="gain.mrc", ctffind="true")
    sides = [
        steps_of(project.job(job), project.jobs()) for project, job in ((mine, "post_3"), (others, "30"))
    ]

    found = paired(*sides)

    labels = {job.name: job.entry.known_spec.label for job in mine.jobs() if job.entry.known_spec}
    assert {labels[one.name]: other.name for one, other in found.pairs} == {
        name: job for name, job in theirs.items() if job in {step.name for step in sides[1]} and name in {
            labels[step.name] for step in sides[0]
        }
    }  # fmt: skip
    assert {labels[step.name] for step in found.only_mine} == BESIDE
    # Nothing of mine takes what was picked by hand.
    assert [step.name for step in found.only_others] == ["ManualPick/job004"]
