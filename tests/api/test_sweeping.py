"""A job with several values of its parameters: a branch for each, side by side, the best kept and the rest recoverable."""

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from cryoloom import Project
from cryoloom.cli.main import app
from cryoloom.errors import ParameterError, ProjectError
from cryoloom.views.sweep_figure import Cell, drawn_cells

pytestmark = [pytest.mark.relion, pytest.mark.timeout(200)]


@pytest.fixture
def project(tiny: Project, tmp_path: Path) -> Project:
    """The tiny project with a sample of its particles, and a sorted set of that."""
    shutil.copytree(tiny.path, tmp_path / "p", symlinks=True)
    made = Project(tmp_path / "p")
    extracted = next(summary.name for summary in made.summaries() if summary.label == "particles")
    sample = made.run("sets.sample", input=extracted, take="30", seed=1, alias="sample")
    made.run("sets.sort", input=f"{sample.name}:kept", by="rlnCoordinateX", alias="sorted")
    made.wait()
    return made


def test_a_branch_for_each_value_and_none_for_the_job_s_own(project: Project) -> None:
    sweep = project.sweep("sample", {"take": [10, 30, 50]})
    project.wait()

    assert [dict(run.values) for run in sweep.runs] == [{"take": "10"}, {"take": "30"}, {"take": "50"}]
    assert sweep.runs[1].jobs == (project.job("sample").name,)
    table = project.sweep_table()
    for row, number in zip(table.rows, (10, 30, 50), strict=True):
        assert row.state == "succeeded"
        assert project.job(row.jobs[0]).dataset("kept").table().height == number
        assert row.figures["made"].startswith(f"{number} particles")
    assert project.job(sweep.runs[0].jobs[0]).summary().label == "take=10"


def test_two_parameters_make_a_branch_for_each_pair_with_what_needs_it(project: Project) -> None:
    sweep = project.sweep("sample", {"take": [10, 20], "seed": [1, 2]}, branch=True)
    project.wait()

    assert [tuple(run.values.values()) for run in sweep.runs] == [
        ("10", "1"),
        ("10", "2"),
        ("20", "1"),
        ("20", "2"),
    ]
    found = []
    for run in sweep.runs:
        first, last = map(project.job, run.jobs)
        assert (first.protocol, last.protocol) == ("sets.sample", "sets.sort")
        sampled, in_order = first.dataset("kept").table(), last.dataset(next(iter(last.outputs()))).table()
        assert in_order["rlnCoordinateX"].cast(float).is_sorted()
        assert {*in_order["rlnImageName"]} == {*sampled["rlnImageName"]}
        assert sampled.height == int(run.values["take"])
        found.append(frozenset(sampled["rlnImageName"]))
    assert len({*found}) == 4


def test_all_values_are_checked_before_the_first_job_is_made(project: Project) -> None:
    before = len(project.jobs())

    for values, said in (
        ({"take": [10, -5]}, "take"),
        ({"tak": [10, 20]}, "Did you mean take"),
        ({"take": [10, 10]}, "10 twice"),
        ({"take": [10]}, "two different values"),
        ({"take": [1, 2], "seed": [1, 2], "other": [1, 2]}, "one or two"),
    ):
        with pytest.raises(ParameterError, match=said):
            project.sweep("sample", values)
    assert len(project.jobs()) == before


def test_the_best_is_kept_and_the_others_can_be_had_again(project: Project) -> None:
    sweep = project.sweep("sample", {"take": [10, 20, 30]})
    project.wait()
    first, second, own = (run.jobs[0] for run in sweep.runs)
    gone = project.keep_of_sweep(second)

    assert gone.keys() == {first}
    assert {first} & {job.name for job in project.jobs()} == set()
    assert {second, own} <= {job.name for job in project.jobs()}  # what the sweep was made of stays
    assert project.sweep_table().kept == second
    assert [row.state for row in project.sweep_table().rows] == ["deleted", "succeeded", "succeeded"]
    project.undelete(first)
    assert project.job(first).dataset("kept").table().height == 10


def test_a_branch_that_another_job_needs_is_not_deleted(project: Project) -> None:
    sweep = project.sweep("sample", {"take": [10, 20]})
    project.wait()
    first, second = (run.jobs[0] for run in sweep.runs)
    project.run("sets.sort", input=f"{first}:kept", by="rlnCoordinateX").wait()

    with pytest.raises(ProjectError):
        project.keep_of_sweep(second)
    assert {first, second} <= {job.name for job in project.jobs()}


def test_what_was_not_started_was_not_stopped_and_a_failed_branch_fails_the_command(
    project: Project,
) -> None:
    (project.path / "ends.py").write_text(
        "import shutil, sys\nshutil.copy(sys.argv[1], sys.argv[2])\nsys.exit(int(sys.argv[3]))\n"
    )
    line = "python3 ends.py {input} {same}"
    project.run(
        "external.command",
        command_line=f"{line} 0",
        alias="ends",
        input="sample:kept",
        outputs="same=particles",
    ).wait()
    command = ["sweep", "ends", f"command_line={line} 0,{line} 3", "-p", str(project.path)]

    done = CliRunner().invoke(app, [*command, "--no-start"])
    assert done.exit_code == 0, done.output
    assert [row.state for row in project.sweep_table().rows] == ["succeeded", "not started"]
    done = CliRunner().invoke(app, [*command, "--wait"])
    assert done.exit_code == 1
    rows = project.sweep_table().rows
    assert [row.state for row in rows] == ["succeeded", "failed"]
    assert rows[1].figures["why"] in done.output


def test_both_values_stand_over_a_picture_each_in_a_line() -> None:
    picture = io.BytesIO()
    Image.new("L", (8, 8)).save(picture, "PNG")
    drawn = {
        titles: np.asarray(Image.open(io.BytesIO(drawn_cells([Cell(titles, picture.getvalue(), ())], 1))))
        for titles in (("inimask_threshold 0.05", f"width_mask_edge {edge}") for edge in (3, 6))
    }

    first, second = (page[:60] for page in drawn.values())
    assert first.shape == second.shape
    assert (first != second).any()  # not cut off at the picture's width


@pytest.mark.slow
def test_classifications_stand_side_by_side_in_table_and_figure(tiny: Project, tmp_path: Path) -> None:
    shutil.copytree(tiny.path, tmp_path / "p", symlinks=True)
    project = Project(tmp_path / "p")
    job = next(summary.name for summary in project.summaries() if summary.label == "class2d")
    out = tmp_path / "sweep.png"
    done = CliRunner().invoke(
        app, ["sweep", job, "nr_classes=1,2", "nr_iter=1,2", "--wait", "-p", str(project.path)]
    )
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(app, ["sweeps", "show", "-o", str(out), "-p", str(project.path)])

    rows = [line.split() for line in done.output.splitlines() if "succeeded" in line]
    assert [row[:2] for row in rows] == [["1", "1"], ["1", "2"], ["2", "1"], ["2", "2"]]
    for row in project.sweep_table().rows:
        particles = project.job(row.jobs[0]).dataset("particles").table()
        assert particles["rlnClassNumber"].cast(int).max() <= int(row.values["nr_classes"])  # type: ignore[operator]
        if row.values["nr_classes"] == "2":
            share = particles["rlnClassNumber"].value_counts()["count"].max() / particles.height  # type: ignore[operator]
            assert row.figures["largest"] == f"{share:.0%}"
    picture = np.asarray(Image.open(io.BytesIO(out.read_bytes())).convert("L"))
    halves = picture[:, : picture.shape[1] // 2], picture[:, picture.shape[1] // 2 :]
    assert all(
        (half < 128).mean() > 0.2 for half in halves
    )  # two columns: black squares with averages in them
