"""Optics groups given anew: what the group says changes, the items stay, and what has no group is kept apart."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cryoloom import star
from cryoloom.errors import ParameterError
from cryoloom.plugins.optics.epu import clustered
from cryoloom.project.attempts import make_attempt
from cryoloom.project.entry import JobEntry
from cryoloom.project.folder import ProjectFolder
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


def group_names(entry: JobEntry) -> dict[str, str]:
    optics, items = tables(entry)
    named = items.join(optics, on="rlnOpticsGroup", maintain_order="left")
    return dict(zip(named["rlnMicrographMovieName"], named["rlnOpticsGroupName"], strict=True))


def write_groups(
    project: ProjectFolder, rows: dict[str, int], names: tuple[str, str] = ("left", "right")
) -> None:
    groups = pl.DataFrame({"rlnOpticsGroup": [1, 2], "rlnOpticsGroupName": names, "rlnBeamTiltX": [0.1, 0.2]})
    table = pl.DataFrame({"rlnMicrographName": [*rows], "rlnOpticsGroup": [*rows.values()]})
    star.write(project.root / "groups.star", {"optics": groups, "micrographs": table})


def test_files_of_one_name_in_two_folders_have_their_own_groups(project: ProjectFolder) -> None:
    write_groups(
        project, {"/raw/grid1/a.tiff": 1, "/raw/grid2/a.tiff": 2, "/raw/grid2/c.tiff": 2, "d.tiff": 1}
    )
    mine = ["Movies/job001/grid2/a.tiff", "Movies/job001/grid1/a.tiff", "Movies/x/c.tiff"]

    entry = run(
        project,
        [*mine, "Movies/grid3/a.tiff", "Movies/1/d.tiff", "Movies/2/d.tiff"],
        how="table",
        table="groups.star",
    )

    # One of grid3 may be either of two; one row cannot be two movies.
    assert group_names(entry) == {
        mine[0]: "right",
        mine[1]: "left",
        mine[2]: "right",
        "Movies/1/d.tiff": "left",
    }
    assert tables(entry, "rejected")[1]["cryoloomItemId"].to_list() == ["i3", "i5"]
    assert "Movies/grid3/a.tiff may be of left or right" in (entry.folder / "run.out").read_text()


def test_two_groups_of_one_name_that_say_different_things_are_refused(project: ProjectFolder) -> None:
    write_groups(project, {"a.tiff": 1, "b.tiff": 2}, names=("same", "same"))

    entry = run(project, ["Movies/a.tiff"], how="table", table="groups.star")

    assert entry.look().history.state == "failed" and "same twice" in entry.look().history.why


def test_an_exposure_is_found_by_whole_words_in_its_own_folder_and_an_unreadable_one_costs_its_movie(
    project: ProjectFolder,
) -> None:
    for name, x in {"s1/h_Data_1": 0.0, "s2/h_Data_1": 1.0, "s1/h_Data_2": 1.0, "s1/broken": None}.items():
        path = project.root / f"epu/{name}.xml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("<cut" if x is None else XML.format(x, 0.0))
    movies = [
        f"Movies/{name}_fractions.tiff"
        for name in ("s1/h_Data_1", "s2/h_Data_1", "s1/h_Data_2", "s1/h_Data_12", "s1/broken")
    ]

    entry = run(project, movies, how="EPU beam shifts", xml_folder="epu")

    shift = {name.split("/", 1)[1]: group for name, group in group_names(entry).items()}
    assert shift == {
        "s1/h_Data_1_fractions.tiff": "opticsGroup_shift1",
        "s2/h_Data_1_fractions.tiff": "opticsGroup_shift2",
        "s1/h_Data_2_fractions.tiff": "opticsGroup_shift2",
    }
    assert "broken.xml" in (entry.folder / "run.out").read_text()


def test_a_bracket_that_matched_nothing_makes_no_group(project: ProjectFolder) -> None:
    entry = run(
        project, ["Movies/a_Data_7.tiff", "Movies/b.tiff"], how="file name", pattern=r"^\w(?:_Data_(\d))?"
    )

    assert group_names(entry) == {"Movies/a_Data_7.tiff": "opticsGroup_7"}


def test_a_corrected_microscope_has_no_spherical_aberration_and_voltages_are_doubted(
    project: ProjectFolder,
) -> None:
    optics, _ = tables(run(project, ["Movies/a.tiff"], cs=0))

    assert optics["rlnSphericalAberration"].to_list() == [0.0]
    with pytest.raises(ParameterError, match="kv"):
        run(project, ["Movies/a.tiff"], kv=300_000)


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


@pytest.mark.parametrize(
    ("column", "values", "called"),
    [
        ("rlnOpticsGroup", [3, 7, 3], ["opticsGroup3", "opticsGroup7"]),
        ("rlnOpticsGroupName", ["single", "multi", "single"], ["single", "multi"]),
    ],
)
def test_a_table_of_two_columns_tells_the_groups(
    project: ProjectFolder, tmp_path: Path, column: str, values: list[Any], called: list[str]
) -> None:
    names = ["Movies/a.tiff", "Movies/b.tiff", "Movies/c.tiff", "Movies/unknown.tiff"]
    table = tmp_path / "groups.star"
    star.write(
        table, {"": pl.DataFrame({"rlnMicrographMovieName": ["a.tiff", "b.tiff", "c.tiff"], column: values})}
    )

    entry = run(project, names, how="table", table=str(table))

    optics, items = tables(entry)
    assert optics["rlnOpticsGroupName"].to_list() == called
    assert optics["rlnVoltage"].to_list() == [300.0, 300.0]  # what the items' own group says stays
    by_number = dict(optics.select("rlnOpticsGroup", "rlnOpticsGroupName").rows())
    assert [by_number[number] for number in items["rlnOpticsGroup"]] == [called[0], called[1], called[0]]
    _, left = tables(entry, "rejected")
    assert left["rlnMicrographMovieName"].to_list() == ["Movies/unknown.tiff"]


def test_a_table_without_groups_is_refused(project: ProjectFolder, tmp_path: Path) -> None:
    table = tmp_path / "groups.star"
    star.write(table, {"": pl.DataFrame({"rlnMicrographMovieName": ["a.tiff"]})})

    entry = run(project, ["Movies/a.tiff"], how="table", table=str(table))

    history = entry.status().history
    assert history.state == "failed"
    assert "without files and their groups" in history.why
