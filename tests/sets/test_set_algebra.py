"""Joins, intersections, differences and duplicates: no item is lost, each is in one output, with its optics."""

from pathlib import Path

import polars as pl
import pytest
from running import run_in
from sets.conftest import RunNow, optics_table, particles, write_set

from cryoloom import star
from cryoloom.errors import DatasetError
from cryoloom.project.folder import ProjectFolder


@pytest.fixture
def root(project: ProjectFolder) -> Path:
    return project.root


def test_a_join_takes_items_once_and_names_the_set_that_they_came_from(root: Path, run_now: RunNow) -> None:
    first = write_set(root, "a.star", particles(4))
    second = write_set(root, "b.star", particles(4, start=2))

    job = run_now("sets.join", input=[first, second])

    assert job.ids("kept") == ["i00", "i01", "i02", "i03", "i04", "i05"]
    assert job.ids("duplicates") == ["i02", "i03"]
    assert job.items("kept")["cryoloomSource"].to_list() == ["Sets/a.star"] * 4 + ["Sets/b.star"] * 2
    assert "kept: 6, duplicates: 2." in job.history.notes


def test_a_join_keeps_optics_groups_apart_that_differ_in_anything_their_name_too(
    root: Path, run_now: RunNow
) -> None:
    first = write_set(root, "a.star", particles(2), optics_table((1, "same", 1.0), rlnImageSize=64))
    second = write_set(root, "b.star", particles(2, start=2), optics_table((1, "same", 2.0), rlnImageSize=32))
    third = write_set(
        root, "c.star", particles(1, start=4), optics_table((1, "other name", 1.0), rlnImageSize=64)
    )
    again = write_set(
        root,
        "d.star",
        particles(1, start=5),
        optics_table((7, "same", 1.0), rlnImageSize=64, rlnBeamTiltX=0.0),
    )
    star_of_group(root / again, 7)

    job = run_now("sets.join", input=[first, second, third, again])
    merged = run_now("sets.join", input=[first, second, third, again], merge_groups="Yes")

    optics = job.blocks("kept")["optics"]
    assert optics["rlnOpticsGroupName"].to_list() == ["same", "same_2", "other name"]
    assert optics["rlnMicrographPixelSize"].to_list() == [1.0, 2.0, 1.0]
    assert optics["rlnBeamTiltX"].to_list() == [0.0, 0.0, 0.0]  # no beam tilt is what the others mean, too
    assert job.items("kept")["rlnOpticsGroup"].to_list() == [1, 1, 2, 2, 3, 1]
    assert "Optics group same of Sets/b.star is same_2 here." in job.said
    assert merged.items("kept")["rlnOpticsGroup"].to_list() == [1, 1, 2, 2, 1, 1]


def star_of_group(path: Path, group: int) -> None:
    """Give all items of a file another group's number."""
    blocks = star.read(path)
    star.write(path, {**blocks, "particles": blocks["particles"].with_columns(rlnOpticsGroup=pl.lit(group))})


def test_two_beam_tilt_classes_that_differ_in_their_names_only_stay_two(root: Path, run_now: RunNow) -> None:
    groups = optics_table((1, "shift_1", 1.0), (2, "shift_2", 1.0))
    items = pl.concat([particles(2), particles(2, start=2, group=2)])

    job = run_now("sets.join", input=[write_set(root, "a.star", items, groups)])

    assert job.blocks("kept")["optics"]["rlnOpticsGroupName"].to_list() == ["shift_1", "shift_2"]
    assert job.items("kept")["rlnOpticsGroup"].to_list() == [1, 1, 2, 2]


def test_a_join_writes_what_means_nothing_and_asks_for_all_else_before_it_is_made(
    root: Path, project: ProjectFolder, run_now: RunNow
) -> None:
    more = {"rlnRandomSubset": [1, 2], "rlnCtfScalefactor": [0.9, 0.8], "rlnPhaseShift": [90.0, 80.0]}
    first = write_set(root, "a.star", particles(2, **more), optics_table((1, "a", 1.0), rlnMagMat00=1.01))
    second = write_set(root, "b.star", particles(1, start=2))

    with pytest.raises(
        DatasetError, match=r"Sets/b.star is without rlnRandomSubset.*fill='rlnRandomSubset=VALUE'"
    ):
        run_now("sets.join", input=[first, second])
    assert project.entries() == []
    job = run_now("sets.join", input=[first, second], fill="rlnRandomSubset=1")
    common = run_now("sets.join", input=[first, second], labels_of="common")

    assert job.items("kept")["rlnRandomSubset"].to_list() == [1, 2, 1]
    assert job.items("kept")["rlnCtfScalefactor"].to_list() == [0.9, 0.8, 1.0]
    assert job.items("kept")["rlnPhaseShift"].to_list() == [90.0, 80.0, 0.0]
    assert job.blocks("kept")["optics"]["rlnMagMat00"].to_list() == [1.01, 1.0]
    assert "Sets/b.star lacks columns, filled with rlnRandomSubset: 1, rlnCtfScalefactor: 1.0" in job.said
    assert "rlnRandomSubset" not in common.items("kept").columns
    assert "Sets/a.star: rlnRandomSubset, rlnCtfScalefactor, rlnPhaseShift left out" in common.said


def test_the_best_of_duplicates_stays_or_none(root: Path, run_now: RunNow) -> None:
    first = write_set(root, "a.star", particles(2, rlnMaxValueProbDistribution=[0.1, 0.9]))
    second = write_set(root, "b.star", particles(2, rlnMaxValueProbDistribution=[0.5, 0.2]))

    best = run_now("sets.join", input=[first, second], keep="best")
    none = run_now("sets.join", input=[first, second, write_set(root, "c.star", particles(1, start=9,
                   rlnMaxValueProbDistribution=[0.3]))], keep="none")  # fmt: skip

    assert best.items("kept")["rlnMaxValueProbDistribution"].to_list() == [0.9, 0.5]
    assert best.items("duplicates")["rlnMaxValueProbDistribution"].to_list() == [0.1, 0.2]
    assert none.ids("kept") == ["i09"]
    assert none.items("duplicates").height == 4


def test_sets_of_different_kinds_are_refused_before_the_job_starts(root: Path, run_now: RunNow) -> None:
    from cryoloom.errors import ParameterError

    micrographs = particles(2).drop("rlnImageName")
    first, second = write_set(root, "a.star", particles(2)), write_set(root, "m.star", micrographs)

    with pytest.raises(
        ParameterError, match=r"sets of micrographs and of particles.*expected sets of one kind"
    ):
        run_now("sets.join", input=[first, second])


def test_the_same_place_is_found_across_binnings_and_refined_shifts(root: Path, run_now: RunNow) -> None:
    fine = particles(6)
    # The same particles on micrographs binned by two, re-centred at extraction for half of them.
    coarse = particles(6).with_columns(
        pl.col("rlnCoordinateX") / 2 + pl.Series([3.0, 0, 3, 0, 3, 0]),
        pl.col("rlnCoordinateY") / 2,
        pl.Series("rlnOriginXAngst", [6.0, 0, 6, 0, 6, 0]),
        pl.Series("rlnOriginYAngst", [0.0] * 6),
        pl.col("rlnMicrographName").str.replace("job002", "job012"),
        pl.Series("cryoloomItemId", [f"j{n}" for n in range(6)]),
    )
    far = coarse.with_columns(pl.Series("rlnCoordinateY", [25.0, 25, 25, 40, 25, 25]))
    first, second = (
        write_set(root, "a.star", fine),
        write_set(root, "b.star", far, optics_table((1, "b", 2.0))),
    )

    job = run_now("sets.intersect", input=first, others=second, by="position", distance=1)

    assert job.ids("kept") == ["i00", "i01", "i02", "i04", "i05"]
    assert job.ids("rejected") == ["i03"]


def test_intersect_subtract_and_overlap_agree(root: Path, run_now: RunNow) -> None:
    a = write_set(root, "a.star", particles(6))
    b = write_set(root, "b.star", particles(4, start=3))
    c = write_set(root, "c.star", particles(3, start=2))

    both = run_now("sets.intersect", input=a, others=[b, c])
    neither = run_now("sets.subtract", input=a, others=[b, c])
    table = run_now("sets.overlap", input=[a, b, c]).items("overlap")

    assert both.ids("kept") == ["i03", "i04"]
    assert both.ids("rejected") == ["i00", "i01", "i02", "i05"]
    assert neither.ids("kept") == ["i00", "i01"]
    assert neither.ids("rejected") == ["i02", "i03", "i04", "i05"]
    marks = ["cryoloomIn1", "cryoloomIn2", "cryoloomIn3", "cryoloomCount"]
    assert sorted(tuple(int(v) for v in row) for row in table.select(marks).iter_rows()) == sorted(
        [(1, 1, 1, 2), (1, 0, 1, 1), (1, 1, 0, 1), (1, 0, 0, 2), (0, 1, 0, 1)]
    )


def test_overlap_by_place_counts_each_place_once(root: Path, run_now: RunNow) -> None:
    moved = particles(3).with_columns(
        pl.col("rlnCoordinateX") + 2.0, cryoloomItemId=pl.Series(["x", "y", "z"])
    )
    a, b = write_set(root, "a.star", particles(4)), write_set(root, "b.star", moved)

    table = run_now("sets.overlap", input=[a, b], by="position", distance=5).items("overlap")

    rows = [tuple(int(v) for v in row) for row in table.iter_rows()]
    assert rows == [(1, 1, 3), (1, 0, 1)]


def test_unique_by_place_micrograph_and_columns(root: Path, run_now: RunNow) -> None:
    items = particles(4, micrographs=2).with_columns(
        rlnCoordinateX=pl.Series([100.0, 100.0, 103.0, 300.0]), rlnClassNumber=pl.Series([1, 2, 1, 2])
    )
    path = write_set(root, "a.star", items)

    by_place = run_now("sets.unique", input=path, by="position", distance=5)
    by_micrograph = run_now("sets.unique", input=path, by="micrograph")
    by_columns = run_now("sets.unique", input=path, by="columns", columns="rlnClassNumber")

    assert (by_place.ids("kept"), by_place.ids("duplicates")) == (["i00", "i01", "i03"], ["i02"])
    assert by_micrograph.ids("kept") == ["i00", "i01"]
    assert by_columns.ids("duplicates") == ["i02", "i03"]


def test_of_a_chain_of_near_items_each_second_stays(root: Path, run_now: RunNow) -> None:
    items = particles(4, micrographs=1).with_columns(rlnCoordinateX=pl.Series([0.0, 8.0, 16.0, 24.0]))

    job = run_now("sets.unique", input=write_set(root, "a.star", items), by="position", distance=10)

    # The second is near the first; the third is near the second only, which is gone.
    assert job.ids("kept") == ["i00", "i02"]


def test_an_item_of_an_unknown_group_ends_a_join_with_a_clear_error(root: Path, run_now: RunNow) -> None:
    path = write_set(root, "a.star", particles(2, group=7))

    job = run_now("sets.join", input=[path, write_set(root, "b.star", particles(2, start=5))])

    assert job.history.state == "failed"
    assert (
        "Sets/a.star: rlnOpticsGroup in row 1 is 7 (first of 2 such rows), expected one of [1]"
        in job.history.why
    )


def test_a_micrograph_gets_the_values_of_its_own_motion_correction(tmp_path: Path) -> None:
    project = ProjectFolder.create(tmp_path, seed=1)
    first, second, third = (f"MotionCorr/job90{n}/Movies/job901/m.mrc" for n in (2, 5, 7))
    groups = pl.DataFrame({"rlnOpticsGroup": [1], "rlnOpticsGroupName": ["a"]})
    ctf = {label: [1e4, 2e4] for label in ("rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle")}
    source = pl.DataFrame({"rlnMicrographName": [first, second], "rlnOpticsGroup": [1, 1], **ctf})
    items = pl.DataFrame(
        {
            "rlnImageName": ["1@x.mrcs", "2@x.mrcs", "3@x.mrcs"],
            "rlnMicrographName": [second, first, third],
            "rlnOpticsGroup": [1, 1, 1],
        }
    )
    star.write(tmp_path / "ctf.star", {"optics": groups, "micrographs": source})
    star.write(tmp_path / "parts.star", {"optics": groups, "particles": items})

    job = run_in(project, "sets.assign", input="parts.star", source="ctf.star", what="CTF", by="micrograph")

    kept = dict(job.items("kept").select("rlnMicrographName", "rlnDefocusU").iter_rows())
    assert kept == {first: 1e4, second: 2e4}
    assert f"{third} may be {first} or {second} of ctf.star: not assigned" in job.said


def test_one_particle_s_values_do_not_speak_for_its_micrograph(root: Path, run_now: RunNow) -> None:
    ctf = {label: [1e4, 2e4, 1e4, 3e4] for label in ("rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle")}
    source = write_set(root, "ctf.star", particles(4, micrographs=2, **ctf))

    job = run_now(
        "sets.assign", input=write_set(root, "a.star", particles(4, micrographs=2, start=8)), source=source,
        what="CTF", by="micrograph",
    )  # fmt: skip

    # Both particles of m0 have one defocus; those of m1 differ.
    assert job.items("kept")["rlnMicrographName"].unique().to_list() == ["MotionCorr/job002/Movies/m0.mrc"]
    assert job.items("kept")["rlnDefocusU"].to_list() == [1e4, 1e4]
    assert job.ids("rejected") == ["i09", "i11"]
    assert "rows of MotionCorr/job002/Movies/m1.mrc with different rlnDefocusU" in job.said
