"""What is said of a project's result is said of one map and of what it was made of; trials beside it are named as such."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cryoloom import Project, star
from cryoloom.api.answers import answers
from cryoloom.api.branch import branch_of
from cryoloom.api.methods import methods_of
from cryoloom.project.lineage import sources_of


def world(root: Path, jobs: dict[str, tuple[tuple[str, ...], str, float]]) -> Any:
    """A project of jobs that have succeeded: for each its inputs, what it gives and a post-processing's resolution."""
    project = SimpleNamespace(path=root)
    made, summaries = [], []
    for name, (inputs, kind, resolution) in jobs.items():
        (root / name).mkdir(parents=True)
        outputs = {kind: {"kind": kind, "items": 10, "path": f"{name}/{kind}.star"}}
        if resolution:
            star.write(
                root / name / f"{kind}.star",
                {"general": {"rlnFinalResolution": resolution, "rlnMaskName": "m"}},
            )
        entry = SimpleNamespace(name=name, spec=..., known_spec=None, input_files=inputs)
        made.append(SimpleNamespace(name=name, project=project, entry=entry, views=list))
        summaries.append(SimpleNamespace(name=name, state="succeeded", outputs=outputs, made=""))
    project.jobs, project.summaries = (lambda: made), (lambda: summaries)
    return project


TRIALS: dict[str, tuple[tuple[str, ...], str, float]] = {
    "Extract/job001": ((), "particles", 0.0),
    "Class2D/job002": (("Extract/job001/particles.star",), "particles", 0.0),
    "Class2D/job003": (("Extract/job001/particles.star",), "particles", 0.0),
    "Refine3D/job004": (("Class2D/job002/data.star",), "particles", 0.0),
    "PostProcess/job005": (("Refine3D/job004/half1.mrc",), "postprocess", 3.2),
    "Refine3D/job006": (("Class2D/job003/data.star",), "particles", 0.0),
    "PostProcess/job007": (("Refine3D/job006/half1.mrc",), "postprocess", 4.1),
    "Extract/job008": ((), "particles", 0.0),
}


def branch(project: Any) -> Any:
    return branch_of(project.jobs(), {one.name: one for one in project.summaries()})


def test_the_result_is_the_finest_map_with_what_it_was_made_of_and_the_newer_one_is_named(
    tmp_path: Path,
) -> None:
    found = branch(world(tmp_path, TRIALS))

    assert [job.name for job in found.jobs] == [
        "Extract/job001", "Class2D/job002", "Refine3D/job004", "PostProcess/job005"
    ]  # fmt: skip
    assert [job.name for job in found.beside] == [
        "Class2D/job003", "Refine3D/job006", "PostProcess/job007", "Extract/job008"
    ]  # fmt: skip
    assert found.newest.name == "PostProcess/job007"


def test_of_equal_resolutions_the_newest_is_the_result(tmp_path: Path) -> None:
    trials = TRIALS | {"PostProcess/job007": (*TRIALS["PostProcess/job007"][:2], 3.2004)}

    found = branch(world(tmp_path, trials))

    assert (found.result.name, found.newest) == ("PostProcess/job007", None)


def test_in_short_speaks_of_the_branch_and_names_its_jobs(tmp_path: Path) -> None:
    said = dict(answers(world(tmp_path, TRIALS)).rows)

    assert said["particles"] == "10 in Refine3D/job004"  # not of the extraction that came last
    assert said["of"] == "PostProcess/job005, made of Extract/job001, Class2D/job002, Refine3D/job004"
    assert "Class2D/job003" in said["no part of it"]


def test_without_a_map_the_newest_set_nearest_to_one_is_the_result(tmp_path: Path) -> None:
    jobs = {name: TRIALS[name] for name in ("Extract/job001", "Class2D/job002", "Class2D/job003")}
    jobs["CtfFind/job004"] = ((), "micrographs", 0.0)

    assert branch(world(tmp_path, jobs)).result.name == "Class2D/job003"


def test_the_methods_name_what_the_map_was_made_by_and_trials_apart(tiny: Project) -> None:
    said = methods_of(tiny)
    jobs = {summary.label: summary.name for summary in tiny.summaries()}

    assert "Post-processing was done by relion_postprocess" in said.text and "Mask creation" in said.text
    assert "simulate.movies" not in said.text  # it made the movies that were found, and gave no job anything
    assert said.beside == f"{jobs['microscope']} (simulate.movies)"
    assert dict(answers(tiny).rows)["of"].startswith(f"{jobs['postprocess']}, made of {jobs['movies']}, ")


def test_a_job_that_was_only_waited_for_is_no_source() -> None:
    spec = SimpleNamespace(
        inputs={"a": SimpleNamespace(job="Import/job001")}, wait_for=("Class2D/job002",), continues=""
    )
    entry: Any = SimpleNamespace(name="Extract/job003", input_files=(), known_spec=spec)

    assert sources_of(entry) == {"Import/job001"}
