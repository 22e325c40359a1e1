"""A copy differs in what was asked and in nothing else; a copied branch needs its own jobs and shares the rest."""

from collections.abc import Mapping

import pytest

from cryoloom import Project
from cryoloom.errors import ParameterError, ProjectError
from cryoloom.project.copying import branch_of, copy_jobs, to_choose_again
from cryoloom.project.entry import JobEntry
from cryoloom.project.events import AttemptStarted, JobEnded
from cryoloom.project.folder import ProjectFolder
from cryoloom.protocol.datasets import Optimiser, Particles

MOVIES = {"fn_in_raw": "raw/*.mrc", "angpix": 1.0}


@pytest.fixture
def branch(project: ProjectFolder) -> ProjectFolder:
    """Import → filter → class2d → classes; the classes wait for the import too."""
    project.create_job("import.movies", MOVIES, {})
    filtered = project.create_job(
        "sets.filter", {"expression": "rlnDefocusU > 0"}, {"input": project.entry("1").outputs()["movies"]}
    )
    (project.root / "particles.star").touch()
    particles = project.entry("1").outputs()["movies"]
    class2d = project.create_job(
        "relion.class2d",
        {"nr_classes": 10, "nr_iter": 6},
        {"fn_img": filtered.outputs()["kept"]},
        alias="avg",
    )
    assert particles.job == "Import/job001"
    project.create_job(
        "sets.classes",
        {},
        {"fn_model": class2d.outputs()["classes"]},
        wait_for=["Import/job001", class2d.name],
    )
    return project


def inputs(entry: JobEntry) -> Mapping[str, tuple[str, str]]:
    assert entry.spec is not None
    return {name: (dataset.job, dataset.path) for name, dataset in entry.spec.inputs.items()}


def test_a_copy_has_the_parameters_of_its_original_but_for_the_changed_ones(branch: ProjectFolder) -> None:
    made = copy_jobs(branch, "avg", {"nr_classes": 20}, {})

    [copy] = made.values()
    old, new = branch.entry("3").spec, copy.spec
    assert old is not None and new is not None
    assert dict(new.params) == {**old.params, "nr_classes": 20}
    assert new.inputs == old.inputs
    assert (new.label, copy.alias) == ("copy of avg", "")
    assert new.id != old.id


def test_descendants_of_a_copied_branch_need_the_copies_and_share_what_is_outside(
    branch: ProjectFolder,
) -> None:
    made = copy_jobs(branch, "3", {"nr_iter": 9}, {}, branch=True)

    assert {old: new.name for old, new in made.items()} == {
        "Class2D/job003": "Class2D/job005",
        "Select/job004": "Select/job006",
    }
    assert inputs(made["Class2D/job003"])["fn_img"][0] == "Select/job002"
    # The number of iterations stands in the name of the file.
    assert inputs(made["Select/job004"])["fn_model"] == (
        "Class2D/job005",
        "Class2D/job005/run_it009_model.star",
    )
    spec = made["Select/job004"].spec
    assert spec is not None
    assert spec.wait_for == ("Import/job001", "Class2D/job005")


def test_an_input_can_be_what_is_different(branch: ProjectFolder) -> None:
    rejected = branch.entry("2").outputs()["rejected"]

    [copy] = copy_jobs(branch, "3", {}, {"fn_img": rejected}).values()

    assert inputs(copy)["fn_img"] == ("Select/job002", rejected.path)


def test_a_value_that_cannot_be_leaves_no_copy_behind(branch: ProjectFolder) -> None:
    with pytest.raises(ParameterError, match="nr_classes"):
        copy_jobs(branch, "3", {"nr_classes": 0}, {}, branch=True)
    assert len(branch.entries()) == 4


def test_an_output_that_the_changed_job_no_longer_gives_is_said_before_anything_is_made(
    project: ProjectFolder,
) -> None:
    project.create_job("import.movies", MOVIES, {})
    cut = project.create_job(
        "sets.trigger", {"first": 10, "nr_sets": 2}, {"input": project.entry("1").outputs()["movies"]}
    )
    project.create_job("relion.motioncorr", {}, {"input_star_mics": cut.outputs()["set2"]})

    with pytest.raises(ParameterError, match=r"copy of MotionCorr/job003: input input_star_mics.*rest"):
        copy_jobs(project, cut.name, {"nr_sets": 1}, {}, branch=True)
    assert len(project.entries()) == 3


def test_what_goes_on_from_an_earlier_iteration_is_no_part_of_a_branch(project: ProjectFolder) -> None:
    (project.root / "p.star").touch()
    old = project.create_job("relion.class2d", {"nr_iter": 8}, {"fn_img": Particles("p.star")})
    behind = project.create_job("relion.class2d", {"nr_iter": 8}, {"fn_img": old.outputs()["particles"]})
    optimiser = Optimiser(f"{old.name}/run_it003_optimiser.star", old.name, "")
    inputs = {"fn_img": Particles("p.star"), "fn_cont": optimiser}
    more = project.create_job("relion.class2d", {"nr_iter": 9}, inputs, continues=old.name)
    last = project.create_job("relion.class2d", {"nr_iter": 9}, {"fn_img": more.outputs()["particles"]})

    names, apart = branch_of(project.entries(), old.name)
    assert (names, list(apart)) == ([old.name, behind.name], [more.name, last.name])
    assert "goes on from an iteration" in apart[more.name] and apart[last.name] == f"it needs {more.name}"
    assert [*copy_jobs(project, old.name, {"nr_iter": 5}, {}, branch=True)] == [old.name, behind.name]
    assert [*copy_jobs(project, more.name, {"nr_iter": 10}, {}, branch=True)] == [more.name, last.name]


def test_a_branch_is_copied_without_failed_jobs_and_relion_s_own_selects_each_with_its_reason(
    project: ProjectFolder,
) -> None:
    from cryoloom.project.forms import pipeline as pipe
    from cryoloom.project.forms.jobstar import job_star_text
    from cryoloom.project.journal import JournalWriter

    first = project.create_job("import.movies", {"fn_in_raw": "/x/*.mrc"}, {})
    movies = first.outputs()["movies"]
    bad = project.create_job("relion.motioncorr", {}, {"input_star_mics": movies})
    good = project.create_job("relion.motioncorr", {}, {"input_star_mics": movies})
    (bad.folder / ".cryoloom/attempts/0001").mkdir()
    (bad.folder / ".cryoloom/attempts/0001/exit.json").write_text('{"ended_by": "exit"}')
    journal = JournalWriter(bad.folder, 1)
    journal.write(AttemptStarted())
    journal.write(JobEnded(state="failed", why="a reason"))
    journal.close()
    (project.root / "Select/job004").mkdir(parents=True)
    (project.root / "Select/job004/job.star").write_text(job_star_text(7, {"fn_mic": movies.path}))
    with pipe.changed_pipeline(project.root) as pipeline:
        pipeline.processes.append(pipe.Process("Select/job004/", "None", 7, pipe.SUCCEEDED))
        pipeline.input_edges.append((movies.path, "Select/job004/"))
        pipeline.counter = 5

    names, apart = branch_of(project.entries(), first.name)
    made = copy_jobs(project, first.name, {}, {}, branch=True)

    assert names == [first.name, good.name] == list(made)
    assert apart[bad.name] == "a reason" and "relion.select" in apart["Select/job004"]


@pytest.fixture
def chosen(branch: ProjectFolder) -> ProjectFolder:
    """Classes of the classification that somebody has chosen by eye, and what follows them."""
    model = branch.entry("3").outputs()["classes"]
    good = branch.create_job("sets.classes", {"classes": "1,3,5"}, {"fn_model": model})
    branch.create_job("relion.inimodel", {}, {"fn_img": good.outputs()["particles"]})
    return branch


def test_classes_that_were_chosen_by_eye_are_chosen_again_on_the_copied_classification(
    chosen: ProjectFolder,
) -> None:
    made = copy_jobs(chosen, "3", {"nr_iter": 9}, {}, branch=True)
    again = to_choose_again(chosen, made, "Class2D/job003", {"nr_iter": 9})

    classified, picked = made["Class2D/job003"], made["Select/job005"]
    assert [*again] == [picked.name]
    assert (
        "classes=1,3,5 was chosen on Class2D/job003 and means nothing of " + classified.name
        in again[picked.name]
    )
    assert f"cryoloom change {picked.name} classes=..." in again[picked.name]
    assert again[picked.name] in (picked.folder / "note.txt").read_text()
    held = {name for name, copy in made.items() if copy.status().state == "aborted"}
    assert held == {"Select/job005"}, "by rule, and all others, they may be started"


def test_classes_that_the_user_chose_for_the_copy_are_his(chosen: ProjectFolder) -> None:
    other = copy_jobs(chosen, "3", {}, {})["Class2D/job003"].outputs()["classes"]

    kept = copy_jobs(chosen, "Select/job005", {}, {"fn_model": other})
    new = copy_jobs(chosen, "Select/job005", {"classes": "2"}, {"fn_model": other})
    same = copy_jobs(chosen, "Select/job005", {"classes": "1"}, {})

    assert [entry.status().state for made in (kept, new, same) for entry in made.values()] == [
        "aborted",
        "scheduled",
        "scheduled",
    ]


def test_a_job_that_was_not_started_takes_other_values_under_its_name(chosen: ProjectFolder) -> None:
    made = copy_jobs(chosen, "3", {}, {}, branch=True)
    picked = made["Select/job005"]
    project = Project(chosen.root)

    assert project.job(picked.name).change(classes="2,4") == 0

    changed = chosen.entry(picked.name).spec
    assert changed is not None and picked.spec is not None
    assert (changed.params["classes"], changed.id) == ("2,4", picked.spec.id)
    assert "2,4" in (picked.folder / "job.star").read_text()
    with pytest.raises(ParameterError, match="numbers from 1"):
        project.job(picked.name).change(classes="none")


def test_a_job_that_was_not_started_keeps_its_files_and_one_that_may_start_its_values(
    chosen: ProjectFolder,
) -> None:
    project = Project(chosen.root)
    held = project.copy("3")[0]

    with pytest.raises(ParameterError, match=r"gives other files.*copy Class2D/job007 NAME=VALUE --branch"):
        held.change(nr_iter=99)
    with pytest.raises(ProjectError, match="not a job that treats items one by one"):
        project.job("3").change(nr_classes=4)
