"""Optics groups given anew: what the group says changes, the items stay, and what has no group is kept apart."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cryoloom import star
from cryoloom.errors import ParameterError
from cryoloom.plugins.optics.epu import clustered
from cryoloom.project.attempts import make_attempt
from cryoloom.project.folder import JobEntry, ProjectFolder
from cryoloom.project.references import resolve_input
from cryoloom.project.registry import find_protocol
from cryoloom.runner.main import run_attempt

OPTICS = pl.DataFrame({"rlnOpticsGroup": [1], "rlnOpticsGroupName": ["a"], "rlnVoltage": [300.0]})
XML = """<?xml version="1.0"?><MicroscopeImage xmlns="http://x"><microscopeData><optics>
<BeamShift xmlns:a="http://y"><a:_x>{}</a:_x><a:_y>{}</a:_y></BeamShift></optics></microscopeData></MicroscopeImage>"""


def run(project: ProjectFolder, names: list[str], **values: Any) -> JobEntry:
    movies = pl.DataFrame({
        "rlnMicrographMovieName": names, "rlnOpticsGroup": [1] * len(names),
        "cryoloomItemId": [f"i{n}" for n in range(len(names))],
    })  # fmt: skip
    star.write(project.root / "movies.star", {"optics": OPTICS, "movies": movies})
    kind = find_protocol("optics.assign")
    entry = project.create_job(
        "optics.assign", values, {"input": resolve_input(project, kind.inputs["input"], "movies.star", "x")}
    )
    assert make_attempt(entry.folder) is not None
    run_attempt(project.root, entry.name, 1)
    return entry


def tables(entry: JobEntry, output: str = "kept") -> tuple[pl.DataFrame, pl.DataFrame]:
    blocks = star.read(entry.root / entry.outputs()[output].path)
    optics, items = blocks["optics"], blocks["movies"]
    assert isinstance(optics, pl.DataFrame) and isinstance(items, pl.DataFrame)
    return optics, items


def test_the_file_name_tells_the_group(project: ProjectFolder) -> None:
    names = [
        "Movies/h_Data_11_x.tiff",
        "Movies/h_Data_12_x.tiff",
        "Movies/odd.tiff",
        "Movies/k_Data_11_y.tiff",
    ]

    entry = run(project, names, how="file name", pattern=r"_Data_(\d+)_", beamtilt_x=0.5)

    optics, items = tables(entry)
    assert optics["rlnOpticsGroupName"].to_list() == ["opticsGroup_11", "opticsGroup_12"]
    assert optics["rlnBeamTiltX"].to_list() == [0.5, 0.5] and optics["rlnVoltage"].to_list() == [300.0, 300.0]
    assert items["rlnOpticsGroup"].to_list() == [1, 2, 1]
    old, left = tables(entry, "rejected")
    assert left["cryoloomItemId"].to_list() == ["i2"] and old["rlnOpticsGroupName"].to_list() == ["a"]


def test_a_table_tells_groups_and_what_they_say(project: ProjectFolder) -> None:
    groups = pl.DataFrame({
        "rlnOpticsGroup": [5, 9], "rlnOpticsGroupName": ["left", "right"], "rlnBeamTiltY": [0.1, -0.1]
    })  # fmt: skip
    rows = pl.DataFrame({"rlnMicrographName": ["MotionCorr/job002/a.mrc", "b.mrc"], "rlnOpticsGroup": [9, 5]})
    star.write(project.root / "groups.star", {"optics": groups, "micrographs": rows})

    optics, items = tables(run(project, ["Movies/a.tiff", "Movies/b.tiff"], how="table", table="groups.star"))

    named = items.join(optics, on="rlnOpticsGroup", maintain_order="left")
    assert named["rlnOpticsGroupName"].to_list() == ["right", "left"]
    assert named["rlnBeamTiltY"].to_list() == [-0.1, 0.1]


def test_a_form_changes_the_one_group(project: ProjectFolder) -> None:
    optics, items = tables(run(project, ["Movies/a.tiff"], kv=200, group_name="new"))

    assert optics.to_dicts() == [{"rlnOpticsGroup": 1, "rlnOpticsGroupName": "new", "rlnVoltage": 200.0}]
    assert items["rlnOpticsGroup"].to_list() == [1]


def test_beam_shifts_of_epu_fall_into_groups(project: ProjectFolder) -> None:
    folder = project.root / "epu/Images-Disc1"
    folder.mkdir(parents=True)
    names = []
    for hole in range(6):
        for spot, (x, y) in enumerate([(-0.1, 0.0), (0.1, 0.0), (0.0, 0.2)]):
            stem = f"FoilHole_{hole}_Data_{spot}_20250108"
            (folder / f"{stem}.xml").write_text(XML.format(x + 0.001 * hole, y - 0.0005 * hole))
            names.append(f"Movies/{stem}_fractions.tiff")

    optics, items = tables(
        run(project, [*names, "Movies/none.tiff"], how="EPU beam shifts", xml_folder="epu")
    )

    assert optics["rlnOpticsGroupName"].to_list() == [f"opticsGroup_shift{n}" for n in (1, 3, 2)]
    assert items["rlnOpticsGroup"].to_list() == [1, 2, 3] * 6
    by_spot = items.with_columns(spot=pl.col("rlnMicrographMovieName").str.extract(r"_Data_(\d)_"))
    assert by_spot.group_by("spot").agg(pl.col("rlnOpticsGroup").n_unique())["rlnOpticsGroup"].to_list() == [
        1,
        1,
        1,
    ]


def test_one_cloud_of_shifts_is_one_group_and_a_number_is_obeyed() -> None:
    import numpy as np

    cloud = np.random.default_rng(1).normal(size=(200, 2))

    assert set(clustered(cloud)) == {1}
    assert set(clustered(cloud, 4)) == {1, 2, 3, 4}


@pytest.mark.shared
def test_a_real_session_has_the_shifts_of_its_template(shared_data: Path) -> None:
    from cryoloom.plugins.optics.epu import beam_shift

    files = sorted((shared_data / "epu/session_a").rglob("Data/*.xml"))

    assert len(files) == 4
    assert beam_shift(files[0]) == pytest.approx((0.0608672, -0.1542280))


def test_a_pattern_without_a_bracket_is_refused(project: ProjectFolder) -> None:
    with pytest.raises(ParameterError, match="without brackets"):
        run(project, ["Movies/a.tiff"], how="file name", pattern="Data")
