"""A set that is looked at again is read anew when any of its files has changed, not only the one that names it."""

from pathlib import Path

import polars as pl
import pytest

from cryoloom import star
from cryoloom.api.browsing import Tables
from cryoloom.api.class_table import COUNT
from cryoloom.api.dataset import Dataset
from cryoloom.errors import ProjectError
from cryoloom.protocol.datasets import Coordinates, Model


def test_picks_that_changed_are_not_shown_as_they_were(tmp_path: Path) -> None:
    job = tmp_path / "AutoPick/job002"
    job.mkdir(parents=True)
    (job / "coords_suffix_autopick.star").write_text("gone.star\n")
    file = "AutoPick/job002/a_autopick.star"
    table = pl.DataFrame(
        {"rlnMicrographName": ["a.mrc"], "rlnMicrographCoordinates": [file], "cryoloomCount": [3]}
    )
    star.write(job / "coordinates.star", {"coordinates": table})
    picks = pl.DataFrame({"rlnCoordinateX": [1.0, 2.0, 3.0], "rlnCoordinateY": [4.0, 5.0, 6.0]})
    star.write(tmp_path / file, {"": picks})
    dataset, tables = Dataset(tmp_path, Coordinates("AutoPick/job002/coords_suffix_autopick.star")), Tables()
    before = tables.of(dataset)
    assert before.frame(["rlnCoordinateX"])["rlnCoordinateX"].to_list() == [1.0, 2.0, 3.0]

    star.write(tmp_path / file, {"": picks[1:]})

    assert tables.of(dataset).frame(["rlnCoordinateX"])["rlnCoordinateX"].to_list() == [2.0, 3.0]
    with pytest.raises(ProjectError, match="changed since it was looked at"):
        tables.of(dataset, before.stamp)


def test_particles_that_come_after_their_classes_are_counted(tmp_path: Path) -> None:
    star.write(
        tmp_path / "run_it001_model.star",
        {"model_classes": pl.DataFrame({"rlnClassDistribution": [0.7, 0.3]})},
    )
    dataset, tables = Dataset(tmp_path, Model("run_it001_model.star")), Tables()
    assert COUNT not in tables.of(dataset).labels

    star.write(tmp_path / "run_it001_data.star", {"particles": pl.DataFrame({"rlnClassNumber": [1, 1, 2]})})

    assert tables.of(dataset).frame([COUNT])[COUNT].to_list() == [2, 1]
