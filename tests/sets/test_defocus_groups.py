"""Defocus groups: a plain walk through the sorted particles makes the same; RELION takes them as its groups."""

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from running import run_in

from cryoloom import Project, star
from cryoloom.api.defocus_groups import defocus_groups_of
from cryoloom.em.defocus_groups import defocus_groups
from cryoloom.errors import ParameterError
from cryoloom.project.folder import ProjectFolder


def walked(defocus: list[float], span: float, least: int) -> list[int]:
    """One particle after the other, by rising defocus."""
    groups, number, first, count = [0] * len(defocus), 0, 0.0, 0
    for row in sorted(range(len(defocus)), key=lambda row: defocus[row]):
        if not number or (count >= least and defocus[row] - first > span):
            number, first, count = number + 1, defocus[row], 0
        groups[row], count = number, count + 1
    return groups


@given(
    st.lists(st.integers(5000, 30000).map(float), max_size=60),
    st.sampled_from([1.0, 300.0, 1000.0, 9000.0]),
    st.integers(1, 12),
)
def test_groups_are_those_of_a_walk_by_rising_defocus(defocus: list[float], span: float, least: int) -> None:
    assert defocus_groups(np.array(defocus, dtype=float), span, least).tolist() == walked(
        defocus, span, least
    )


@pytest.mark.relion
@pytest.mark.slow
def test_relion_takes_the_groups_for_its_own_and_the_suggestion_is_what_is_made(
    tiny: Project, tmp_path: Path
) -> None:
    shutil.copytree(tiny.path, tmp_path / "p", symlinks=True)
    project, folder = Project(tmp_path / "p"), ProjectFolder(tmp_path / "p")
    particles = next(one.name for one in project.summaries() if one.label == "particles")

    grouped = run_in(folder, "sets.defocus_groups", input=particles, defocus_range=300, min_particles=40)
    table = grouped.items("kept")
    suggested = defocus_groups_of(project, particles, defocus_range=300, min_particles=40)

    before = project.job(particles).dataset().table()
    assert table.drop("rlnGroupName").equals(before)
    own = grouped.name.rpartition("/")[2]
    number = [int(name.removeprefix("ctf_group_").removesuffix(f"_{own}")) for name in table["rlnGroupName"]]
    first = before["rlnOpticsGroup"] == 1
    mine = [walked(before.filter(is_it)["rlnDefocusU"].to_list(), 300, 40) for is_it in (first, ~first)]
    both = [iter(mine[0]), iter(max(mine[0]) + one for one in mine[1])]
    assert number == [next(both[0 if is_first else 1]) for is_first in first]
    sizes = table.group_by("rlnGroupName").len().sort("rlnGroupName")["len"].to_list()
    assert [one.particles for one in suggested.groups] == sizes and len(sizes) > 2
    assert json.loads(json.dumps(suggested.as_dict()))["groups"][0]["name"] == "ctf_group_001"
    once = run_in(
        folder, "relion.class2d", fn_img=grouped.name, nr_classes=1, nr_iter=1, dont_skip_align=False,
        particle_diameter=150, other_args="--random_seed 1",
    )  # fmt: skip
    model = star.read(once.entry.folder / "run_it001_model.star")["model_groups"]
    assert isinstance(model, pl.DataFrame)
    assert dict(model.select("rlnGroupName", "rlnGroupNrParticles").iter_rows()) == {
        f"{one.name}_{own}": one.particles for one in suggested.groups
    }


def test_no_group_is_of_two_optics_groups_nor_of_two_sets_that_are_joined(project: ProjectFolder) -> None:
    optics = pl.DataFrame(
        {"rlnOpticsGroupName": ["fine", "coarse"], "rlnOpticsGroup": [1, 2], "rlnImagePixelSize": [1.0, 2.0]}
    )
    for name, shift in (("low", 0), ("high", 9000)):
        table = pl.DataFrame(
            {
                "rlnImageName": [f"{row}@{name}.mrcs" for row in range(1, 9)],
                "rlnMicrographName": "a.mrc",
                "rlnDefocusU": [5000.0 + shift + 10 * row for row in range(8)],
                "rlnOpticsGroup": [2, 1] * 4,
            }
        )
        star.write(project.root / f"{name}.star", {"optics": optics, "particles": table})

    grouped = [
        run_in(project, "sets.defocus_groups", input=f"{name}.star", min_particles=2)
        for name in ("low", "high")
    ]
    joined = run_in(project, "sets.join", input=[one.name for one in grouped]).items("kept")

    # RELION tells groups by their names alone.
    groups = joined.group_by("rlnGroupName").agg(
        pl.len(), pl.col("rlnOpticsGroup").n_unique().alias("kinds"),
        (pl.col("rlnDefocusU").max() - pl.col("rlnDefocusU").min()).alias("span"),
    )  # fmt: skip
    assert sorted(groups.drop("rlnGroupName").rows()) == [(4, 1, 60.0)] * 4
    suggested = defocus_groups_of(Project(project.root), grouped[0].name, min_particles=2).groups
    assert [(one.name, one.particles) for one in suggested] == [("ctf_group_001", 4), ("ctf_group_002", 4)]


def test_a_defocus_that_is_no_number_is_told_with_its_row(project: ProjectFolder) -> None:
    table = pl.DataFrame(
        {
            "rlnImageName": ["1@a.mrcs", "2@a.mrcs"],
            "rlnMicrographName": "a.mrc",
            "rlnDefocusU": [1e4, float("nan")],
        }
    )
    star.write(project.root / "parts.star", {"particles": table})

    job = run_in(project, "sets.defocus_groups", input="parts.star")

    assert job.history.state == "failed" and "rlnDefocusU" in job.said and "row 2" in job.said
    with pytest.raises(ParameterError, match="min_particles is 0"):
        defocus_groups_of(Project(project.root), "1", min_particles=0)
