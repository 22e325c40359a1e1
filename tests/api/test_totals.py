"""What a job made, in figures: of each kind the first output's; what is unknown or cannot be read is left out."""

from pathlib import Path

import polars as pl

from cryoloom import star
from cryoloom.api.totals import totals_of
from cryoloom.project.history import JobHistory, OutputState
from cryoloom.protocol.datasets import Coordinates, Dataset, HalfMaps, Particles, Postprocess

NOTHING = JobHistory()


def test_the_first_of_a_kind_is_told_by_the_journal_and_else_by_the_file(tmp_path: Path) -> None:
    rows = pl.DataFrame({"rlnImageName": ["1@a", "2@a", "3@a"]})
    star.write(tmp_path / "kept.star", {"particles": rows})
    star.write(tmp_path / "rest.star", {"particles": rows.head(1)})
    outputs: dict[str, Dataset] = {"kept": Particles("kept.star"), "rejected": Particles("rest.star")}
    history = JobHistory(outputs={"kept": OutputState("kept.star", "particles", ["a"], 1, 0, 0, items=2)})

    assert totals_of(tmp_path, outputs, history, has_ended=False) == "2 particles"
    assert totals_of(tmp_path, outputs, NOTHING, has_ended=True) == "3 particles"
    assert totals_of(tmp_path, outputs, NOTHING, has_ended=False) == ""
    # What a condition took out is never what was made.
    assert totals_of(tmp_path, {**outputs, "kept": Particles("none.star")}, NOTHING, has_ended=True) == ""
    (tmp_path / "kept.star").write_text("loop_ no table")
    assert totals_of(tmp_path, {"kept": Particles("kept.star")}, NOTHING, has_ended=True) == ""


def test_picks_are_added_up_over_micrographs(tmp_path: Path) -> None:
    table = pl.DataFrame({"rlnMicrographName": ["a", "b"], "cryoloomCount": [3, 4]})
    (tmp_path / "coords_suffix_autopick.star").write_text("m.star\n")
    coordinates = {"coordinates": Coordinates("coords_suffix_autopick.star")}
    assert totals_of(tmp_path, coordinates, NOTHING, has_ended=True) == ""

    star.write(tmp_path / "coordinates.star", {"coordinates": table})
    assert totals_of(tmp_path, coordinates, NOTHING, has_ended=True) == "7 picks"


def test_a_resolution_that_relion_does_not_know_is_none(tmp_path: Path) -> None:
    star.write(tmp_path / "postprocess.star", {"general": {"rlnFinalResolution": 3.456}})
    star.write(tmp_path / "run_model.star", {"model_general": {"rlnCurrentResolution": 999.0}})

    assert totals_of(tmp_path, {"p": Postprocess("postprocess.star")}, NOTHING, has_ended=True) == "3.46 Å"
    assert totals_of(tmp_path, {"h": HalfMaps("run_half1.mrc")}, NOTHING, has_ended=True) == ""
