"""Filters, parts, samples, orders, edits and groups: what is kept, what is rejected, and the same again."""

from pathlib import Path

import mrcfile
import numpy as np
import polars as pl
import pytest
from sets.conftest import RunNow, optics_table, particles, write_set

from cryoloom.errors import ParameterError
from cryoloom.project.folder import ProjectFolder


@pytest.fixture
def root(project: ProjectFolder) -> Path:
    return project.root


@pytest.fixture
def ranked(root: Path) -> str:
    return write_set(
        root, "r.star", particles(6, rlnCtfMaxResolution=[3.0, 5.0, 4.0, float("nan"), 8.0, 3.5])
    )


def test_filter_by_expression_and_ranges(ranked: str, run_now: RunNow) -> None:
    job = run_now(
        "sets.filter", input=ranked, expression="rlnCoordinateX < 150", ranges="rlnCtfMaxResolution: ..4.5"
    )

    assert job.ids("kept") == ["i00", "i02"]
    assert job.ids("rejected") == ["i01", "i03", "i04", "i05"]


def test_filter_keeps_the_best_n_or_percent(ranked: str, run_now: RunNow) -> None:
    three = run_now(
        "sets.filter", input=ranked, rank_by="rlnCtfMaxResolution", rank_order="lowest", rank_keep="3"
    )
    third = run_now(
        "sets.filter",
        input=ranked,
        rank_by="rlnCtfMaxResolution",
        rank_keep="34%",
        expression="rlnCoordinateX > 0",
    )

    assert three.ids("kept") == ["i00", "i02", "i05"]
    assert sorted(third.ids("kept")) == ["i01", "i04"]
    assert len(third.ids("rejected")) == 4


def test_filter_by_the_distance_from_the_edge(root: Path, run_now: RunNow) -> None:
    for number in range(3):
        path = root / f"MotionCorr/job002/Movies/m{number}.mrc"
        path.parent.mkdir(parents=True, exist_ok=True)
        with mrcfile.new(path) as file:
            file.set_data(np.zeros((100, 250), np.float32))
            file.voxel_size = 1.0
    path = write_set(root, "a.star", particles(6))

    job = run_now("sets.filter", input=path, edge_distance=50)

    # y is 50 of 100 for all; x is 100 for the first three and 200 of 250 for the others.
    assert job.ids("kept") == [f"i{n:02d}" for n in range(6)]
    assert run_now("sets.filter", input=path, edge_distance=50.5).ids("kept") == []


def test_filter_by_distances_between_items_and_from_others(root: Path, run_now: RunNow) -> None:
    path = write_set(root, "a.star", particles(6))
    bad = write_set(root, "bad.star", particles(1).with_columns(rlnCoordinateY=pl.lit(60.0)))

    far = run_now("sets.filter", input=path, other=bad, other_distance=20)
    near = run_now("sets.filter", input=path, other=bad, other_distance=20, other_keep="near")
    apart = run_now("sets.filter", input=path, min_distance=150)

    assert far.ids("rejected") == near.ids("kept") == ["i00"]
    assert apart.ids("kept") == ["i00", "i01", "i02"]


def test_a_condition_over_an_unknown_label_is_refused_with_the_labels_there_are(
    ranked: str, run_now: RunNow
) -> None:
    with pytest.raises(ParameterError, match=r"parameter expression is rlnCtfMaxRes, .*rlnCtfMaxResolution"):
        run_now("sets.filter", input=ranked, expression="rlnCtfMaxRes < 4")


def test_parts_are_equal_in_order_or_at_random_and_again_the_same(root: Path, run_now: RunNow) -> None:
    path = write_set(root, "a.star", particles(7))

    order = run_now("sets.split", input=path, nr_parts=3)
    random = [run_now("sets.split", input=path, nr_parts=2, split_by="random", seed=5) for _ in range(2)]

    assert [order.ids(f"part{n}") for n in (1, 2, 3)] == [
        ["i00", "i01", "i02"],
        ["i03", "i04"],
        ["i05", "i06"],
    ]
    assert random[0].ids("part1") == random[1].ids("part1")
    assert sorted(random[0].ids("part1") + random[0].ids("part2")) == [f"i{n:02d}" for n in range(7)]


def test_parts_by_micrograph_keep_micrographs_whole(root: Path, run_now: RunNow) -> None:
    path = write_set(root, "a.star", particles(9))

    each = run_now("sets.split", input=path, nr_parts=3, split_by="micrograph")
    two = run_now("sets.split", input=path, nr_parts=2, split_by="micrograph")
    many = run_now("sets.split", input=path, nr_parts=4, split_by="micrograph")

    assert [each.items(f"part{n}")["rlnMicrographName"].n_unique() for n in (1, 2, 3)] == [1, 1, 1]
    assert sorted(two.items(f"part{n}").height for n in (1, 2)) == [3, 6]
    assert "at most 3" in many.history.why


def test_a_sample_is_the_same_for_the_same_seed(root: Path, run_now: RunNow) -> None:
    path = write_set(root, "a.star", particles(10))

    jobs = [run_now("sets.sample", input=path, take="40%", seed=seed) for seed in (3, 3, 4)]

    assert jobs[0].ids("kept") == jobs[1].ids("kept") != jobs[2].ids("kept")
    assert len(jobs[0].ids("kept")) == 4 and len(jobs[0].ids("rejected")) == 6


def test_sort_edit_and_group(ranked: str, run_now: RunNow) -> None:
    ordered = run_now("sets.sort", input=ranked, by="-rlnCtfMaxResolution")
    edited = run_now(
        "sets.edit", input=ranked, set="rlnCoordinateX = rlnCoordinateX * 10 + 1",
        where="rlnCoordinateX > 150", drop="rlnCoordinateY",
    )  # fmt: skip
    grouped = run_now(
        "sets.group",
        input=ranked,
        aggregates="count(*) as cryoloomCount, max(rlnCoordinateX) as rlnCoordinateX",
    )

    assert ordered.ids("kept") == ["i04", "i01", "i02", "i05", "i00", "i03"]
    items = edited.items("kept")
    assert "rlnCoordinateY" not in items.columns
    assert items["rlnCoordinateX"].to_list() == [100.0] * 3 + [2001.0] * 3
    table = grouped.items("groups")
    assert table["cryoloomCount"].to_list() == [2, 2, 2] and table["rlnCoordinateX"].to_list() == [200.0] * 3


def test_an_edit_cannot_touch_the_identity_nor_run_anything(ranked: str, run_now: RunNow) -> None:
    with pytest.raises(ParameterError, match="identity"):
        run_now("sets.edit", input=ranked, set="cryoloomItemId = 'x'")
    with pytest.raises(ParameterError, match="no SQL"):
        run_now("sets.edit", input=ranked, set="rlnDefocusU = __import__('os').getpid()")


def test_views_are_thinned_out_also_those_that_symmetry_makes_equal(root: Path, run_now: RunNow) -> None:
    rng = np.random.default_rng(1)
    crowd = np.column_stack([np.tile([10.0, 100.0, 190.0, 280.0], 50), np.full(200, 60.0)])
    others = np.column_stack([rng.uniform(-180, 180, 200), np.degrees(np.arccos(rng.uniform(-1, 1, 200)))])
    angles = np.concatenate([crowd, others])
    items = particles(400, rlnAngleRot=angles[:, 0], rlnAngleTilt=angles[:, 1], rlnAnglePsi=[0.0] * 400)
    path = write_set(root, "a.star", items)

    job = run_now("sets.remove_views", input=path, sym="C4", ratio=2, spacing=15)
    again = run_now("sets.remove_views", input=path, sym="C4", ratio=2, spacing=15)

    kept = set(job.ids("kept"))
    crowded = sum(item in kept for item in items["cryoloomItemId"][:200].to_list())
    assert crowded < 40 and len(kept) - crowded > 150
    assert job.ids("kept") == again.ids("kept")


def test_ctf_and_alignment_come_from_another_set(root: Path, run_now: RunNow) -> None:
    ours = write_set(root, "a.star", particles(3, rlnDefocusU=[1.0, 2.0, 3.0]))
    # The other set's boxes lie 4 px (of 2 Å) to the left, and its shifts make up for 6 Å of these 8.
    theirs = particles(2, start=1).with_columns(
        pl.col("rlnCoordinateX") / 2 - 4,
        pl.col("rlnCoordinateY") / 2,
        rlnAngleRot=pl.Series([10.0, 20.0]), rlnAngleTilt=pl.lit(30.0), rlnAnglePsi=pl.lit(40.0),
        rlnOriginXAngst=pl.lit(-6.0), rlnOriginYAngst=pl.lit(0.5),
    )  # fmt: skip
    source = write_set(root, "b.star", theirs, optics_table((1, "b", 2.0)))

    job = run_now("sets.assign", input=ours, source=source, what="angles and shifts")

    items = job.items("kept")
    assert job.ids("kept") == ["i01", "i02"] and job.ids("rejected") == ["i00"]
    assert items["rlnAngleRot"].to_list() == [10.0, 20.0]
    # Theirs: centre at x - 8 + 6 = x - 2 Å. Ours has its box at x, so its origin is 2 Å.
    assert items["rlnOriginXAngst"].to_list() == [2.0, 2.0]
    assert items["rlnDefocusU"].to_list() == [2.0, 3.0]


def test_a_micrographs_ctf_goes_to_its_particles(root: Path, run_now: RunNow) -> None:
    micrographs = pl.DataFrame(
        {
            "rlnMicrographName": [f"MotionCorr/job009/Movies/m{n}.mrc" for n in (0, 1)],
            "rlnOpticsGroup": [1, 1],
            **{label: [100.0, 200.0] for label in ("rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle")},
        }
    )
    source = write_set(root, "m.star", micrographs)

    job = run_now(
        "sets.assign", input=write_set(root, "a.star", particles(4)), source=source, by="micrograph"
    )

    assert job.items("kept")["rlnDefocusU"].to_list() == [100.0, 200.0, 100.0]
    assert job.ids("rejected") == ["i02"]


def test_what_belongs_together_is_assigned_together(root: Path, run_now: RunNow) -> None:
    old = {"rlnDefocusU": 1.0, "rlnPhaseShift": 90.0, "rlnCtfScalefactor": 0.5, "rlnCtfMaxResolution": 4.0}
    ours = write_set(root, "a.star", particles(1).with_columns(**{name: pl.lit(v) for name, v in old.items()},
                     rlnRandomSubset=pl.lit(2), rlnAngleTiltPrior=pl.lit(9.0)))  # fmt: skip
    new = dict.fromkeys(("rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle"), 5.0)
    angles = dict.fromkeys(("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"), 7.0)
    theirs = particles(1).with_columns(**{name: pl.lit(v) for name, v in {**new, **angles}.items()},
                                       rlnRandomSubset=pl.lit(1))  # fmt: skip
    source = write_set(root, "b.star", theirs)

    ctf = run_now("sets.assign", input=ours, source=source, what="CTF")
    turned = run_now("sets.assign", input=ours, source=source, what="angles")

    row = ctf.items("kept").row(0, named=True)
    assert (row["rlnDefocusU"], row["rlnPhaseShift"], row["rlnCtfScalefactor"]) == (5.0, 0.0, 1.0)
    assert "rlnCtfMaxResolution" not in row and "does not say rlnPhaseShift" in ctf.said
    assert row["rlnRandomSubset"] == 2
    row = turned.items("kept").row(0, named=True)
    assert (row["rlnAngleRot"], row["rlnRandomSubset"], row["rlnPhaseShift"]) == (7.0, 1, 90.0)
    assert "rlnAngleTiltPrior" not in row


def test_by_position_each_item_has_one_partner_and_each_partner_one_item(root: Path, run_now: RunNow) -> None:
    def at(x: list[float], ids: list[str]) -> pl.DataFrame:
        return particles(len(x), micrographs=1).with_columns(
            rlnCoordinateX=pl.Series(x), rlnCoordinateY=pl.lit(50.0), cryoloomItemId=pl.Series(ids)
        )

    ours = write_set(root, "a.star", at([10.0, 14.0, 100.0], ["x", "y", "z"]))
    source = write_set(root, "b.star", at([13.0, 104.0], ["p", "q"]))

    job = run_now("sets.assign", input=ours, source=source, what="columns", columns="cryoloomItemId",
                  by="position", distance=10)  # fmt: skip

    assert job.ids("kept") == ["p", "q"]
    assert job.items("kept")["rlnCoordinateX"].to_list() == [14.0, 100.0]  # the nearer one of the first two
    assert job.items("rejected")["rlnCoordinateX"].to_list() == [10.0]


def test_a_number_of_an_optics_group_is_never_taken_from_another_table(root: Path, run_now: RunNow) -> None:
    first = write_set(root, "a.star", particles(1))

    with pytest.raises(ParameterError, match="rlnOpticsGroup, expected what='optics groups'"):
        run_now("sets.assign", input=first, source=first, what="columns", columns="rlnOpticsGroup")


def test_optics_groups_of_another_set_leave_the_images_own_size(root: Path, run_now: RunNow) -> None:
    ours = write_set(
        root, "a.star", particles(3), optics_table((1, "a", 1.0), rlnImageSize=32, rlnBeamTiltX=0.0)
    )
    theirs = particles(3).with_columns(rlnOpticsGroup=pl.Series([1, 2, 2]))
    groups = optics_table((1, "x", 2.0), (2, "y", 2.0), rlnImageSize=64).with_columns(
        rlnBeamTiltX=pl.Series([0.5, -0.5])
    )

    job = run_now(
        "sets.assign", input=ours, source=write_set(root, "b.star", theirs, groups), what="optics groups"
    )

    optics = job.blocks("kept")["optics"]
    assert optics["rlnBeamTiltX"].to_list() == [0.5, -0.5]
    assert optics["rlnImageSize"].to_list() == [32, 32] and optics["rlnMicrographPixelSize"].to_list() == [
        1.0,
        1.0,
    ]
    assert job.items("kept")["rlnOpticsGroup"].to_list() == [1, 2, 2]


def test_a_trigger_cuts_fixed_sets_and_a_rest(root: Path, run_now: RunNow) -> None:
    job = run_now("sets.trigger", input=write_set(root, "a.star", particles(9)), first=4, every=2, nr_sets=2)

    assert [len(job.ids(name)) for name in ("set1", "set2", "rest")] == [4, 2, 3]


def test_particles_become_coordinates_with_their_shifts(root: Path, run_now: RunNow) -> None:
    items = particles(4).with_columns(rlnOriginXAngst=pl.lit(-3.0), rlnOriginYAngst=pl.lit(1.0))
    micrographs = pl.DataFrame(
        {
            "rlnMicrographName": [f"MotionCorr/job020/Movies/m{n}.mrc" for n in (0, 1, 3)],
            "rlnOpticsGroup": [1] * 3,
        }
    )
    path = write_set(root, "a.star", items)
    target = write_set(root, "m.star", micrographs, optics_table((1, "a", 2.0)))

    job = run_now("sets.coordinates", input=path, micrographs=target)

    folder = job.entry.folder
    from cryoloom import star

    picks = star.read(folder / "Movies/m0_particles.star")[""]
    assert picks["rlnCoordinateX"].to_list() == [51.5, 101.5] and picks["rlnCoordinateY"].to_list() == [
        24.5,
        24.5,
    ]
    assert picks["cryoloomItemId"].to_list() == ["i00", "i03"]
    table = star.read(folder / "coordinates_particles.star")["coordinates"]
    assert table["cryoloomCount"].to_list() == [2, 1, 0]
    assert job.ids("rejected") == ["i02"]


def test_distances_are_not_taken_from_the_pixel_size_of_the_movies(root: Path, run_now: RunNow) -> None:
    binned = optics_table((1, "a", 2.0)).rename({"rlnMicrographPixelSize": "rlnMicrographOriginalPixelSize"})
    job = run_now("sets.filter", input=write_set(root, "a.star", particles(3), binned), min_distance=50)

    assert job.history.state == "failed"
    assert "without the micrographs' pixel size" in job.said and "micrograph_angpix" in job.said
