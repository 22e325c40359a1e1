"""The map of a chosen class: that of the largest one, by what its own model says, whatever its number."""

from pathlib import Path

import mrcfile
import numpy as np
import polars as pl
import pytest
from sets.conftest import RunNow, optics_table, particles

from cryoloom import star
from cryoloom.project.folder import ProjectFolder

JOB = "Class3D/job009"


@pytest.fixture
def model(project: ProjectFolder) -> str:
    """Three classes of maps, of which the third is the largest and the coarsest."""
    folder = project.root / JOB
    folder.mkdir(parents=True)
    maps = [f"{JOB}/run_it002_class{number:03d}.mrc" for number in (1, 2, 3)]
    for number, path in enumerate(maps, start=1):
        with mrcfile.new(project.root / path) as made:
            made.set_data(np.full((8, 8, 8), number, np.float32))
            made.voxel_size = 3.0
    classes = pl.DataFrame({
        "rlnReferenceImage": maps, "rlnClassDistribution": [0.2, 0.35, 0.45], "rlnEstimatedResolution": [9.0, 10.0, 20.0]
    })  # fmt: skip
    star.write(folder / "run_it002_model.star", {"model_classes": classes})
    rows = particles(20, rlnClassNumber=[1] * 4 + [2] * 7 + [3] * 9)
    star.write(folder / "run_it002_data.star", {"optics": optics_table((1, "a", 3.0)), "particles": rows})
    return f"{JOB}/run_it002_model.star"


def value_of(path: Path) -> float:
    with mrcfile.open(path) as opened:
        assert float(opened.voxel_size.x) == 3.0
        return float(opened.data.min())


def test_it_is_that_of_the_largest_class_that_is_chosen(
    project: ProjectFolder, model: str, run_now: RunNow
) -> None:
    all_of_them = run_now("sets.classes", fn_model=model, classes="1-3")
    by_rule = run_now("sets.classes", fn_model=model, max_resolution_ratio=1.2)  # the third is too coarse

    assert value_of(project.root / all_of_them.entry.outputs()["volume"].path) == 3
    assert value_of(project.root / by_rule.entry.outputs()["volume"].path) == 2
    assert len(by_rule.ids("particles")) == 11


def test_where_it_is_not_there_the_particles_are_chosen_all_the_same(
    project: ProjectFolder, model: str, run_now: RunNow
) -> None:
    (project.root / JOB / "run_it002_class002.mrc").unlink()
    chosen = run_now("sets.classes", fn_model=model, classes="2")

    assert len(chosen.ids("particles")) == 7
    assert not (project.root / chosen.entry.outputs()["volume"].path).exists()
    assert "run_it002_class002.mrc, the map of the largest, is not there" in chosen.said


def test_classes_of_images_have_no_map(project: ProjectFolder, model: str, run_now: RunNow) -> None:
    (project.root / JOB).rename(project.root / "Class2D")
    chosen = run_now("sets.classes", fn_model="Class2D/run_it002_model.star", classes="2")

    assert "volume" not in chosen.entry.outputs()
