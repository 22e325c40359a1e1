"""Files with like names stay apart: two patterns, a link, two imports, dots and blanks; what is found adds up."""

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from running import Ran, run_in

from cryoloom import star
from cryoloom.images.mrc import read_mrc, write_mrc
from cryoloom.project.attempts import make_attempt, write_control
from cryoloom.project.folder import ProjectFolder
from cryoloom.project.item_ids import item_id
from cryoloom.runner.main import run_attempt

MOVIE, MICROGRAPH = "rlnMicrographMovieName", "rlnMicrographName"


@pytest.fixture
def project(tmp_path: Path) -> ProjectFolder:
    return ProjectFolder.create(tmp_path / "p", seed=1)


def image(path: Path, value: float, frames: int = 1, size: int = 16) -> None:
    """An image whose pixels, but for the last, say which one it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((frames, size, size), value, np.float32)
    pixels[:, -1, -1] += 1
    write_mrc(path, pixels, 1.0)


def picked(job: Ran) -> pl.DataFrame:
    """The table of micrographs, files and counts."""
    table = star.read(job.entry.folder / "coordinates.star")["coordinates"]
    assert isinstance(table, pl.DataFrame)
    return table


def values(job: Ran, output: str, label: str) -> dict[str, float]:
    """By the name in the project, what the pixels are."""
    root = job.entry.root
    names = job.items(output)[label].to_list()
    assert len(set(names)) == len(names) and len(set(job.ids(output))) == len(names)
    return {name: float(np.asarray(read_mrc(root / name)).flat[0]) for name in names}


@pytest.mark.parametrize("copy", [False, True])
def test_two_patterns_with_the_same_base_names_give_each_file_a_name_of_its_own(
    project: ProjectFolder, tmp_path: Path, copy: bool
) -> None:
    for n, grid in enumerate(("gridA", "gridB")):
        for i in (1, 2):
            image(tmp_path / grid / f"m_{i}.mrc", 10 * n + i, frames=4)

    job = run_in(
        project, "import.movies", fn_in_raw=f"{tmp_path}/gridA/*.mrc {tmp_path}/gridB/*.mrc", copy=copy
    )

    names = values(job, "movies", MOVIE)
    assert {name.partition("job001/")[2]: value for name, value in names.items()} == {
        "gridA/m_1.mrc": 1, "gridA/m_2.mrc": 2, "gridB/m_1.mrc": 11, "gridB/m_2.mrc": 12
    }  # fmt: skip


def test_files_below_a_symbolic_link_keep_the_folders_that_tell_them_apart(
    project: ProjectFolder, tmp_path: Path
) -> None:
    for n, grid in enumerate(("g1", "g2")):
        image(tmp_path / "real" / grid / "m.mrc", n, frames=4)
    (tmp_path / "link").symlink_to("real")

    job = run_in(project, "import.movies", fn_in_raw=f"{tmp_path}/link/*/*.mrc")

    assert sorted(values(job, "movies", MOVIE).values()) == [0, 1]


def test_one_file_by_two_ways_is_taken_once_and_said(project: ProjectFolder, tmp_path: Path) -> None:
    image(tmp_path / "real/m.mrc", 1, frames=4)
    (tmp_path / "link").symlink_to("real")

    job = run_in(project, "import.movies", fn_in_raw=f"{tmp_path}/real/*.mrc {tmp_path}/link/*.mrc")

    assert len(values(job, "movies", MOVIE)) == 1
    assert "Left out 1 that are no files of their own: 1 the same file as" in job.said


def test_names_that_motion_correction_would_make_one_are_numbered(
    project: ProjectFolder, tmp_path: Path
) -> None:
    for n, name in enumerate(("a.b.mrc", "a_b.mrc", "a b.mrc", "x@y.mrc")):
        image(tmp_path / "raw" / name, n, frames=4)

    job = run_in(project, "import.movies", fn_in_raw=f"{tmp_path}/raw/*.mrc")

    names = {name.rpartition("/")[2]: value for name, value in values(job, "movies", MOVIE).items()}
    assert names == {"a_b.mrc": 2, "a.b_2.mrc": 0, "a_b_3.mrc": 1, "x_y.mrc": 3}
    assert "its name in the project is" in job.said


def test_micrographs_of_two_imports_with_equal_names_do_not_meet_in_later_jobs(
    project: ProjectFolder, tmp_path: Path
) -> None:
    for n, night in enumerate(("night1", "night2")):
        image(tmp_path / night / "m.mrc", n)
    first = run_in(project, "import.micrographs", fn_in_raw=f"{tmp_path}/night1/*.mrc")
    second = run_in(project, "import.micrographs", fn_in_raw=f"{tmp_path}/night2/*.mrc")
    again = run_in(project, "import.micrographs", fn_in_raw=f"{tmp_path}/night1/*.mrc", angpix=2.0)

    assert list(values(first, "micrographs", MICROGRAPH)) == ["Movies/job001/m.mrc"]
    assert values(second, "micrographs", MICROGRAPH) == {"Movies/job002/m_2.mrc": 1}
    # The same file, imported anew: jobs on it find the picks of the other.
    assert list(values(again, "micrographs", MICROGRAPH)) == ["Movies/job003/m.mrc"]


def test_micrographs_that_would_share_a_file_are_refused_by_name(
    project: ProjectFolder, tmp_path: Path
) -> None:
    for n in (1, 2):
        image(project.root / f"MotionCorr/job90{n}/Movies/job900/m.mrc", n)
    names = [f"MotionCorr/job90{n}/Movies/job900/m.mrc" for n in (1, 2)]
    groups = {"rlnOpticsGroup": [1], "rlnOpticsGroupName": ["a"], "rlnMicrographPixelSize": [1.0],
              "rlnMicrographOriginalPixelSize": [1.0], "rlnVoltage": [300.0], "rlnSphericalAberration": [2.7],
              "rlnAmplitudeContrast": [0.1]}  # fmt: skip
    table = pl.DataFrame({MICROGRAPH: names, "rlnOpticsGroup": [1, 1]})
    star.write(project.root / "mics.star", {"optics": pl.DataFrame(groups), "micrographs": table})
    (project.root / "picks").mkdir()
    (project.root / "picks/m.star").write_text("data_\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n5 5\n")

    job = run_in(project, "import.coordinates", star_mics="mics.star", fn_in_other="picks/*.star")

    assert job.history.failed
    reasons = " ".join(why for _, why in job.history.failed.values())
    assert all(name in reasons for name in names)


def test_an_odd_first_movie_costs_itself_and_not_all_others(project: ProjectFolder, tmp_path: Path) -> None:
    image(tmp_path / "raw/a_first.mrc", 0, frames=3)
    for n in range(20):
        image(tmp_path / f"raw/m_{n:02d}.mrc", n, frames=4)

    job = run_in(project, "import.movies", fn_in_raw=f"{tmp_path}/raw/*.mrc")

    assert len(values(job, "movies", MOVIE)) == 20
    [(name, why)] = job.history.failed.values()
    assert name.endswith("a_first.mrc") and "frames is 3, expected 4, as most files have" in why
    assert "Found 21, took 20, left out 1" in job.said


def test_a_link_that_a_killed_import_left_under_a_name_is_not_taken_for_another_file(
    project: ProjectFolder, tmp_path: Path
) -> None:
    image(tmp_path / "raw/a.mrc", 1)
    image(tmp_path / "other.mrc", 2)
    left = project.root / "Movies/job001/a.mrc"
    left.parent.mkdir(parents=True)
    left.symlink_to(tmp_path / "other.mrc")

    job = run_in(project, "import.micrographs", fn_in_raw=f"{tmp_path}/raw/*.mrc")

    assert values(job, "micrographs", MICROGRAPH) == {"Movies/job001/a.mrc": 1}
    assert os.readlink(left) == str(tmp_path / "raw/a.mrc")  # noqa: PTH115  its text


def test_optics_groups_can_be_told_by_folders(project: ProjectFolder, tmp_path: Path) -> None:
    for n, grid in enumerate(("gridA", "gridB")):
        image(tmp_path / "raw" / grid / "m.mrc", n, frames=4)

    job = run_in(
        project, "import.movies", fn_in_raw=f"{tmp_path}/raw/*/*.mrc", optics_groups="gridA/*=a gridB/*=b"
    )

    groups = dict(job.items("movies").select(MOVIE, "rlnOpticsGroup").iter_rows())
    assert groups == {"Movies/job001/gridA/m.mrc": 1, "Movies/job001/gridB/m.mrc": 2}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["grid_1_2_pick", "grid_1_pick", "grid_1"], {"grid_1": 3, "grid_1_2": 1}),
        (["grid_1_2_pick", "grid_1_pick"], {"grid_1": 2, "grid_1_2": 1}),
        (["grid_1_2_pick"], {"grid_1_2": 1}),
        (["grid_1_autopick", "grid_1_Data_autopick", "grid_1_2_autopick"], {"grid_1": 1, "grid_1_2": 3}),
    ],
)
def test_a_micrograph_gets_the_picks_of_its_own_name_and_not_of_a_longer_one(
    project: ProjectFolder, tmp_path: Path, files: list[str], expected: dict[str, int]
) -> None:
    for name in ("grid_1", "grid_1_2"):
        image(tmp_path / f"{name}.mrc", 1)
    (tmp_path / "co").mkdir()
    for count, name in enumerate(files, start=1):
        text = "data_\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n" + "5 5\n" * count
        (tmp_path / f"co/{name}.star").write_text(text)
    run_in(project, "import.micrographs", fn_in_raw=f"{tmp_path}/*.mrc")

    job = run_in(
        project, "import.coordinates", star_mics="Import/job001", fn_in_other=f"{tmp_path}/co/*.star"
    )

    counts = picked(job).select(MICROGRAPH, "cryoloomCount").iter_rows()
    assert {Path(name).stem: count for name, count in counts} == expected


def test_equal_names_in_folders_that_do_not_tell_are_ambiguous(
    project: ProjectFolder, tmp_path: Path
) -> None:
    for n, night in enumerate(("night1", "night2")):
        image(tmp_path / night / "m.mrc", n)
    (tmp_path / "co").mkdir()
    (tmp_path / "co/m.star").write_text("data_\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n5 5\n")
    run_in(project, "import.micrographs", fn_in_raw=f"{tmp_path}/*/m.mrc")

    job = run_in(
        project, "import.coordinates", star_mics="Import/job001", fn_in_other=f"{tmp_path}/co/*.star"
    )

    assert job.history.state == "failed"
    reasons = [why for _, why in job.history.failed.values()]
    assert all("may be of" in why and "night1/m.mrc" in why and "night2/m.mrc" in why for why in reasons)


BOXES = {
    "m_1.box": "14\t16\t32\t32\n24 22 32 32\n",
    "m_1.cbox": "data_global\n\n_cbox_format_version 1.0\n\ndata_cryolo\n\nloop_\n_CoordinateX #1\n_CoordinateY #2\n"
    "_Width #3\n_Height #4\n_Confidence #5\n14.0 16.0 32.0 32.0 0.51\n24.0 22.0 32.0 32.0 <NA>\n",
    "all.txt": "image_name\tx_coord\ty_coord\tscore\nm_1\t30\t32\t1.5\nm_1\t40\t38\t0.5\n",
}


@pytest.mark.parametrize("file", BOXES)
def test_boxes_of_other_programs_become_centres(project: ProjectFolder, tmp_path: Path, file: str) -> None:
    image(tmp_path / "m_1.mrc", 1, size=64)
    image(tmp_path / "m_2.mrc", 1, size=64)
    (tmp_path / file).write_text(BOXES[file])
    run_in(project, "import.micrographs", fn_in_raw=f"{tmp_path}/*.mrc")

    job = run_in(project, "import.coordinates", star_mics="Import/job001", fn_in_other=str(tmp_path / file))

    rows = {row[MICROGRAPH]: row for row in picked(job).iter_rows(named=True)}
    picks = star.read(project.root / rows["Movies/job001/m_1.mrc"]["rlnMicrographCoordinates"])[""]
    assert isinstance(picks, pl.DataFrame)
    assert picks.select("rlnCoordinateX", "rlnCoordinateY").rows() == [(30.0, 32.0), (40.0, 38.0)]
    if file == "all.txt":  # it speaks of all: of m_2 it says that it has none
        assert rows["Movies/job001/m_2.mrc"]["cryoloomCount"] == 0
    else:
        [(name, why)] = job.history.failed.values()
        assert name.endswith("m_2.mrc") and "no coordinate file is called m_2" in why


def test_a_coordinate_that_is_no_number_is_told_with_file_and_row(
    project: ProjectFolder, tmp_path: Path
) -> None:
    image(tmp_path / "m.mrc", 1)
    (tmp_path / "m.star").write_text("data_\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n5 5\n10,5 7\n")
    run_in(project, "import.micrographs", fn_in_raw=f"{tmp_path}/*.mrc")

    job = run_in(project, "import.coordinates", star_mics="Import/job001", fn_in_other=f"{tmp_path}/*.star")

    [(_, why)] = job.history.failed.values()
    assert "m.star: rlnCoordinateX in row 2 is '10,5', expected a number" in why


def test_names_within_longer_names_are_offered_and_taken_on_request(
    project: ProjectFolder, tmp_path: Path
) -> None:
    for n in (1, 2, 12):
        image(tmp_path / f"Foil_{n}.mrc", n)
    rows = "".join(f"J2/00{n}_Foil_{n}_doseweighted.mrc {n} 5\n" for n in (1, 2, 12))
    (tmp_path / "all.star").write_text(
        f"data_\nloop_\n_{MICROGRAPH}\n_rlnCoordinateX\n_rlnCoordinateY\n{rows}"
    )
    run_in(project, "import.micrographs", fn_in_raw=f"{tmp_path}/*.mrc")
    given = {"star_mics": "Import/job001", "fn_in_other": f"{tmp_path}/all.star"}

    exact = run_in(project, "import.coordinates", **given)
    within = run_in(project, "import.coordinates", **given, names_match="within")

    assert "0 of 3 names match; 3 of 3 are part of a longer name there: names_match=within" in exact.said
    for name, file in picked(within).select(MICROGRAPH, "rlnMicrographCoordinates").iter_rows():
        table = star.read(project.root / file)[""]
        assert isinstance(table, pl.DataFrame)
        assert table["rlnCoordinateX"].to_list() == [float(Path(name).stem.rpartition("_")[2])]


@pytest.mark.parametrize("copy", [False, True])
def test_an_import_of_a_former_version_goes_on_without_taking_a_file_again(
    project: ProjectFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, copy: bool
) -> None:
    def former(text: str) -> str:
        uuid, _, name = text.partition(" ")
        return item_id(f"{uuid} {'_'.join(name.split())}")

    image(tmp_path / "raw" / "grid one" / "m 1.mrc", 1, frames=4)
    image(tmp_path / "raw" / "grid one" / "m_2.mrc", 2, frames=4)
    monkeypatch.setattr("cryoloom.plugins.imports.raw_search.item_id", former)
    job = run_in(project, "import.movies", fn_in_raw=f"{tmp_path}/raw/*/*.mrc", copy=copy)
    monkeypatch.undo()
    # A link that sorts before it, and a new file.
    image(tmp_path / "raw" / "grid two" / "m_3.mrc", 3, frames=4)
    if not copy:
        (tmp_path / "raw" / "a").symlink_to("grid one")

    write_control(job.entry.folder, fresh=1)
    attempt = make_attempt(job.entry.folder)
    assert attempt is not None
    run_attempt(project.root, job.name, int(attempt.name))

    assert sorted(values(Ran(project.entry(job.name)), "movies", MOVIE).values()) == [1, 2, 3]


@pytest.mark.parametrize("broken", [False, True])
def test_files_for_one_beside_a_file_for_all_lose_no_picks(
    project: ProjectFolder, tmp_path: Path, broken: bool
) -> None:
    for n in range(4):
        image(tmp_path / f"m_{n}.mrc", n)
    (tmp_path / "picks").mkdir()
    head = "data_\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n"
    named = f"data_\nloop_\n_{MICROGRAPH}\n_rlnCoordinateX\n_rlnCoordinateY\n"
    (tmp_path / "picks/all.star").write_text(f"{named}m_0.mrc 1 5\nm_1.mrc 2 5\n")
    (tmp_path / "picks/m_2.star").write_text(f"{head}3 5\n4 5\n")
    (tmp_path / "picks/z.star").write_text(f"{named}m_3.mrc {'x' if broken else 5} 5\n")
    run_in(project, "import.micrographs", fn_in_raw=f"{tmp_path}/*.mrc")

    job = run_in(project, "import.coordinates", star_mics="Import/job001", fn_in_other=f"{tmp_path}/picks/*")

    counts = {
        name[-7:-4]: count for name, count in picked(job).select(MICROGRAPH, "cryoloomCount").iter_rows()
    }
    assert counts == {"m_0": 1, "m_1": 1, "m_2": 2} | ({} if broken else {"m_3": 1})
    whys = [why for _, why in job.history.failed.values()]
    assert len(whys) == broken and all("z.star: rlnCoordinateX in row 1 is 'x'" in why for why in whys)


def test_joined_picks_are_measured_with_the_pixels_of_their_own_micrographs(
    project: ProjectFolder, tmp_path: Path
) -> None:
    jobs = []
    for name, angpix in (("a", 3.0), ("b", 1.0)):
        image(tmp_path / f"{name}.mrc", 1, size=64)
        (tmp_path / f"{name}.star").write_text(
            "data_\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n10 30\n20 30\n"
        )
        micrographs = run_in(
            project, "import.micrographs", fn_in_raw=f"{tmp_path}/{name}.mrc", angpix=angpix,
            optics_group_name=name,
        )  # fmt: skip
        jobs.append(
            run_in(
                project,
                "import.coordinates",
                star_mics=micrographs.name,
                fn_in_other=f"{tmp_path}/{name}.star",
            ).name
        )
    joined = run_in(project, "sets.join", input=jobs)

    job = run_in(project, "sets.filter", input=joined.name, min_distance=15)

    kept = star.tables_of(star.read(job.entry.folder / "coordinates_kept.star"))["coordinates"]
    assert {
        name[-5]: count for name, count in kept.select(MICROGRAPH, "cryoloomCount").iter_rows()
    } == {"a": 2, "b": 1}  # fmt: skip


@pytest.mark.parametrize("for_all", [False, True])
def test_picks_belong_to_the_file_that_a_micrograph_came_as_whatever_its_name_is_here(
    project: ProjectFolder, tmp_path: Path, for_all: bool
) -> None:
    # In the second import m_1 is m_1_2, for the first one has that name; and there is an m_1_2 of its own.
    for grid, names in (("a", ["m_1"]), ("b", ["m_1", "m_1_3"])):
        for name in names:
            image(tmp_path / grid / f"{name}.mrc", 1)
    picks = {"m_1": 1.0, "m_1_3": 3.0}
    (tmp_path / "picks").mkdir()
    head = "_rlnCoordinateX\n_rlnCoordinateY\n"
    for name, x in picks.items():
        (tmp_path / "picks" / f"{name}.star").write_text(f"data_\nloop_\n{head}{x} 5\n")
    rows = "".join(f"b/{name}.mrc {x} 5\n" for name, x in picks.items())
    (tmp_path / "all.star").write_text(f"data_\nloop_\n_{MICROGRAPH}\n{head}{rows}")
    run_in(project, "import.micrographs", fn_in_raw=f"{tmp_path}/a/*.mrc")
    run_in(project, "import.micrographs", fn_in_raw=f"{tmp_path}/b/*.mrc")

    pattern = f"{tmp_path}/all.star" if for_all else f"{tmp_path}/picks/*.star"
    job = run_in(project, "import.coordinates", star_mics="Import/job002", fn_in_other=pattern)

    found = {}
    for name, file in picked(job).select(MICROGRAPH, "rlnMicrographCoordinates").iter_rows():
        table = star.read(project.root / file)[""]
        assert isinstance(table, pl.DataFrame)
        found[name] = table["rlnCoordinateX"].to_list()
    assert found == {"Movies/job002/m_1_2.mrc": [1.0], "Movies/job002/m_1_3.mrc": [3.0]}, job.said


def test_a_name_that_an_import_gave_to_one_and_had_from_another_gets_nobodys_picks(
    project: ProjectFolder, tmp_path: Path
) -> None:
    image(tmp_path / "m 1.mrc", 1)
    image(tmp_path / "m_1.mrc", 2)
    run_in(project, "import.micrographs", fn_in_raw=f"'{tmp_path}/*.mrc'")
    assert (project.root / "Movies/job001/m_1_2.mrc").exists()
    (tmp_path / "m_1.star").write_text("data_\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n1 5\n")

    job = run_in(project, "import.coordinates", star_mics="Import/job001", fn_in_other=f"{tmp_path}/*.star")

    # It may be of `m_1`, or of `m 1`, which is called so here.
    assert job.history.state == "failed"
    assert "m_1.star may be of Movies/job001/m_1" in job.said


@pytest.mark.parametrize("copy", [False, True])
def test_picks_find_a_file_that_was_renamed_when_it_came_as_a_copy_too(
    project: ProjectFolder, tmp_path: Path, copy: bool
) -> None:
    (tmp_path / "co").mkdir()
    for count, name in enumerate(("m 1", "m 2"), start=1):
        image(tmp_path / "raw" / f"{name}.mrc", count)
        (tmp_path / f"co/{name}_autopick.star").write_text(
            "data_\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n" + "5 5\n" * count
        )
    run_in(project, "import.micrographs", fn_in_raw=f"'{tmp_path}/raw/*.mrc'", copy=copy)

    job = run_in(
        project, "import.coordinates", star_mics="Import/job001", fn_in_other=f"'{tmp_path}/co/*.star'"
    )

    counts = dict(picked(job).select(MICROGRAPH, "cryoloomCount").iter_rows())
    assert counts == {"Movies/job001/m_1.mrc": 1, "Movies/job001/m_2.mrc": 2}
