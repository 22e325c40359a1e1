"""A frame that is given as a set is a recorded job: from where its rows come is known, and what is no set is refused."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from particle_sets import optics_table, run_here

from cryoloom import Job, Project
from cryoloom.api.frame_sources import sources_of
from cryoloom.errors import DatasetError, ParameterError, ProjectError
from cryoloom.protocol.datasets import Particles


def give(project: Project, frame: Any, protocol: str = "relion.class2d", **given: Any) -> tuple[Job, Job]:
    """The job that is made of a frame, and the one that is given it and not started."""
    name = "fn_img" if protocol == "relion.class2d" else "input"
    more = {"particle_diameter": 10, "accept_unusual": True} if protocol == "relion.class2d" else {}
    job = project.run(protocol, **{name: frame}, start=False, **more, **given)
    assert job.entry.spec is not None
    return project.job(job.entry.spec.inputs[name].job), job


def with_defocus(frame: pl.DataFrame) -> pl.DataFrame:
    """What a classification that corrects for the CTF wants of particles."""
    return frame.with_columns(
        rlnDefocusU=pl.lit(9000.0), rlnDefocusV=pl.lit(9000.0), rlnDefocusAngle=pl.lit(0.0)
    )


@pytest.mark.parametrize("library", ["polars", "pandas"])
def test_a_frame_becomes_a_job_with_the_rows_in_their_order(
    project: Project, particles: Job, library: str
) -> None:
    rows = with_defocus(particles.dataset().table())[[6, 0, 3]]

    made, job = give(project, rows if library == "polars" else rows.to_pandas())

    assert (made.protocol, made.state, made.summary().label) == (
        "external.block",
        "succeeded",
        "table for relion.class2d",
    )
    table = made.dataset().table()
    assert table["rlnCtfMaxResolution"].to_list() == [7, 1, 4]
    assert table["cryoloomItemId"].to_list() == rows["cryoloomItemId"].to_list()
    assert (
        job.entry.spec is not None
        and job.entry.spec.inputs["fn_img"].path == "External/job002/particles.star"
    )


def test_who_wrote_it_and_from_which_job_the_rows_come_is_known(project: Project, particles: Job) -> None:
    rows = with_defocus(particles.dataset().table())
    stray = rows[:1].with_columns(
        cryoloomItemId=pl.lit("i0123456789abcde"), rlnImageName=pl.lit(rows["rlnImageName"][7])
    )

    made, _ = give(project, pl.concat([rows[:2], stray]))

    assert {"2 of 3 rows come from Import/job001:particles", "1 of 3 rows are of no job"} <= {*made.notes()}
    assert [dataset.job for dataset in made.entry.make_protocol().given.values()] == ["Import/job001"]
    record = json.loads((made.folder / "provenance.json").read_text())
    assert record["user"] and record["code"][0]["path"] == __file__
    assert (made.folder / "code" / Path(__file__).name).exists()


def test_of_sets_with_the_same_items_the_one_with_the_same_values_is_named(
    project: Project, particles: Job
) -> None:
    better = particles.dataset().table().with_columns(pl.col("rlnCtfMaxResolution") / 2)
    made, _ = give(project, with_defocus(better))
    chosen = run_here(project, "sets.filter", input=made.name, expression="rlnCtfMaxResolution < 2")

    def named(frame: pl.DataFrame) -> list[str]:
        return [source.dataset.job for source in sources_of(project.folder, frame, Particles)]

    assert named(particles.dataset().table()[:2]) == [particles.name]
    assert named(made.dataset().table()) == [made.name]
    assert named(chosen.dataset("kept").table()) == [chosen.name]


def test_rows_are_of_the_set_that_names_their_images_whatever_came_later(
    project: Project, particles: Job
) -> None:
    """Many sets hold the items; only one of them has their images, and so their pixel size."""
    rows = with_defocus(particles.dataset().table())
    finer = optics_table().with_columns(rlnImagePixelSize=pl.lit(1.0))
    other = rows.with_columns(pl.col("rlnImageName").str.replace("00000([1-4])@", "00000${1}@./"))
    for height in range(3, 9):
        give(project, (finer, other[:height]))

    made, _ = give(project, rows[:3])

    assert made.entry.spec is not None and made.entry.spec.inputs["input"].job == particles.name
    optics = made.dataset().optics()
    assert optics is not None and optics["rlnImagePixelSize"].to_list() == [2, 2]


def test_rows_without_ids_are_known_by_their_images(project: Project, particles: Job) -> None:
    rows = with_defocus(particles.dataset().table())

    made, _ = give(project, rows[2:4].drop("cryoloomItemId"))

    assert made.dataset().table()["cryoloomItemId"].to_list() == rows["cryoloomItemId"].to_list()[2:4]
    assert "2 of 2 rows come from Import/job001:particles" in made.notes()


def test_optics_groups_come_with_the_frame_or_from_the_rows_job(project: Project, particles: Job) -> None:
    rows = with_defocus(particles.dataset().table())
    other = optics_table().with_columns(rlnVoltage=pl.lit(200.0))

    without, _ = give(project, rows)
    with_own, _ = give(project, (other, rows))
    named, _ = give(project, {"particles": rows, "optics": other.to_pandas()})

    voltages = [one.dataset().optics() for one in (without, with_own, named)]
    assert [set(one["rlnVoltage"].to_list()) for one in voltages if one is not None] == [
        {300.0},
        {200.0},
        {200.0},
    ]
    with pytest.raises(
        ParameterError, match=r"rows of External/job\d+ or of .* expected its optics groups too"
    ):
        give(project, rows)


def test_two_frames_are_two_sets_of_an_input_that_takes_several(project: Project, particles: Job) -> None:
    rows = particles.dataset().table()

    job = project.run("sets.join", input=[rows[:3], rows[5:]], start=False)

    assert job.entry.spec is not None
    assert [one.job for one in job.entry.spec.inputs.values()] == ["External/job002", "External/job003"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows.with_columns(rlnOpticsGroup=pl.lit(3)), "rlnOpticsGroup in row 1 is 3"),
        (lambda rows: pl.concat([rows, rows]), "cryoloomItemId in row 9"),
        (
            lambda rows: rows.with_columns(rlnImageName=pl.lit("000001@gone.mrcs")),
            "gone.mrcs, which is missing",
        ),
        (
            lambda rows: rows.with_columns(rlnDefocusU=pl.lit(None, pl.Float64)),
            "rlnDefocusU in data_particles",
        ),
    ],
)
def test_rows_that_are_no_set_are_refused_and_nothing_follows(
    project: Project, particles: Job, change: Any, words: str
) -> None:
    with pytest.raises(DatasetError, match=words):
        give(project, change(with_defocus(particles.dataset().table())))

    assert [job.state for job in project.jobs()] == ["succeeded", "failed"]
    made, _ = give(project, with_defocus(particles.dataset().table()))
    assert made.state == "succeeded" and made.entry.make_protocol().given["input"].job == particles.name


def test_a_fault_elsewhere_leaves_no_job_behind(project: Project, particles: Job) -> None:
    rows = with_defocus(particles.dataset().table())

    for frame, given, words in (
        (rows, {"nr_classses": 5}, "Did you mean nr_classes"),
        (rows, {"nr_classes": 0}, "expected a value"),
        (rows, {"particle_diameter": 10}, "20 to 5000 Å"),
        (rows, {"psi_sampling": rows}, "psi_sampling is a table"),
        (rows.drop("rlnImageName"), {}, "a table of coordinates .*expected one of particles"),
        ((rows, rows), {}, "2 tables of items and 0 of optics groups"),
    ):
        with pytest.raises(ParameterError, match=words):
            project.run("relion.class2d", fn_img=frame, **given)
    with pytest.raises(ParameterError, match=r"fn_imgs is unknown.*Did you mean fn_img"):
        project.run("relion.class2d", fn_imgs=rows)
    with pytest.raises(ParameterError, match="fn_ref is a table, expected a volume"):
        project.run("relion.refine3d", fn_img=particles, fn_ref=rows)
    assert [job.name for job in project.jobs()] == [particles.name]


def test_picks_of_a_frame_are_coordinates_of_their_micrographs(project: Project, micrographs: Job) -> None:
    names = micrographs.dataset().table()["rlnMicrographName"].to_list()
    picks = pl.DataFrame({"rlnMicrographName": [names[0]], "rlnCoordinateX": [8.0], "rlnCoordinateY": [9.0]})

    job = project.run(
        "relion.extract",
        star_mics=micrographs,
        coords_suffix=picks,
        extract_size=8,
        do_rescale=False,
        start=False,
    )

    made = project.job("External/job002")
    assert made.state == "succeeded" and made.dataset().picks().select(picks.columns).equals(picks)
    again = made.dataset().picks()
    second = project.run(
        "relion.extract", star_mics=micrographs, coords_suffix=again, extract_size=8, start=False
    )
    assert job.state == second.state == "aborted"
    assert "1 of 1 rows come from External/job002:coordinates" in project.job("External/job004").notes()
    assert project.job("External/job004").dataset().picks()["cryoloomItemId"].equals(again["cryoloomItemId"])


def test_a_changed_value_does_not_choose_between_sets_with_other_optics(
    project: Project, particles: Job
) -> None:
    """No set has the new values: that speaks against the set that the rows come from as against its rival."""
    rows = with_defocus(particles.dataset().table())
    mine, _ = give(project, (optics_table(), rows))
    give(project, (optics_table().with_columns(rlnVoltage=pl.lit(200.0)), rows))
    changed = mine.dataset().table().with_columns(pl.col("rlnCtfMaxResolution") + 0.5)

    with pytest.raises(ParameterError, match=r"rows of External/job\d+ or of .* since theirs differ"):
        give(project, changed)


def test_a_slip_in_what_is_wished_leaves_no_job_of_the_frame_behind(project: Project, particles: Job) -> None:
    table, before = particles.dataset().table(), len(project.jobs())

    with pytest.raises(ParameterError, match="priority"):
        project.run("sets.split", input=table, nr_parts=2, priority="high")
    with pytest.raises(ProjectError, match="nobody"):
        project.run("sets.split", input=table, nr_parts=2, wait_for=["nobody"])

    assert len(project.jobs()) == before
