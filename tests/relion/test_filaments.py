"""Segments of filaments lie where the ends that were picked put them, know their filament, and keep their ids."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from running import Ran, run_in

from cryoloom import star
from cryoloom.images.mrc import image_of_reference, write_mrc
from cryoloom.project.folder import ProjectFolder

pytestmark = [pytest.mark.slow, pytest.mark.relion]

BOX, SIZE, ANGPIX, RISE, UNITS = 32, 256, 4.0, 8.0, 3
STEP = RISE * UNITS / ANGPIX  # px from one segment to the next
AXES = ["rlnCoordinateX", "rlnCoordinateY"]
TUBE, TRACK, PSI = "rlnHelicalTubeID", "rlnHelicalTrackLengthAngst", "rlnAnglePsiPrior"
# Two filaments; RELION's psi turns the other way, since y points down.
LEVEL, SLANTING = ((40.0, 60.0), (200.0, 60.0)), ((60.0, 100.0), (180.0, 220.0))
Ends = tuple[tuple[float, float], tuple[float, float]]


def drawn(size: int, filaments: list[Ends], width: float) -> NDArray[np.float32]:
    """A micrograph with dark filaments in noise."""
    y, x = np.mgrid[:size, :size].astype(np.float64)
    image = np.random.default_rng(2).normal(size=(size, size)) * 0.3
    for (x0, y0), (x1, y1) in filaments:
        length = np.hypot(x1 - x0, y1 - y0)
        u, v = (x1 - x0) / length, (y1 - y0) / length
        along, beside = (x - x0) * u + (y - y0) * v, (y - y0) * u - (x - x0) * v
        image -= np.where((along > 0) & (along < length), np.exp(-((beside / width) ** 2) / 2), 0)
    return image.astype(np.float32)


class Project:
    """Micrographs of noise, with picks."""

    def __init__(self, root: Path, micrographs: int) -> None:
        self.root, self.folder = root, ProjectFolder.create(root, seed=1)
        rng = np.random.default_rng(1)
        self.names = [f"MotionCorr/job902/Movies/job901/m_{n}.mrc" for n in range(micrographs)]
        self.pixels = {name: rng.normal(size=(SIZE, SIZE)).astype(np.float32) for name in self.names}
        for name, image in self.pixels.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            write_mrc(root / name, image, ANGPIX)
        self.write_micrographs("mics.star", self.names, ANGPIX)

    def write_micrographs(self, file: str, names: list[str], angpix: float) -> None:
        optics = {
            "rlnOpticsGroupName": "og", "rlnOpticsGroup": 1, "rlnMicrographOriginalPixelSize": ANGPIX / 2,
            "rlnMicrographPixelSize": angpix, "rlnVoltage": 300.0, "rlnSphericalAberration": 2.7,
            "rlnAmplitudeContrast": 0.1,
        }  # fmt: skip
        rows = [(name, 1, 10000.0, 9000.0, 10.0) for name in names]
        labels = ["rlnMicrographName", "rlnOpticsGroup", "rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle"]
        table = pl.DataFrame(rows, schema=labels, orient="row")
        star.write(self.root / file, {"optics": pl.DataFrame([optics]), "micrographs": table})

    def write_picks(self, tables: list[pl.DataFrame]) -> str:
        job = "AutoPick/job903"
        for name, table in zip(self.names, tables, strict=True):
            file = self.root / job / f"{name.partition('job902/')[2].removesuffix('.mrc')}_p.star"
            file.parent.mkdir(parents=True, exist_ok=True)
            star.write(file, {"": table})
        (self.root / job / "coords_suffix_p.star").write_text("mics.star\n")
        return f"{job}/coords_suffix_p.star"

    def cut(self, picks: str, micrographs: str = "mics.star", **given: object) -> Ran:
        return run_in(
            self.folder, "relion.extract", star_mics=micrographs, coords_suffix=picks, do_norm=False, do_invert=False,
            do_extract_helix=True, **{"extract_size": BOX, "helical_tube_outer_diameter": 60, **given},
        )  # fmt: skip

    def patch(self, name: str, x: float, y: float) -> NDArray[np.float32]:
        column, row = int(x) - BOX // 2, int(y) - BOX // 2
        return self.pixels[name][row : row + BOX, column : column + BOX]


def ends(*filaments: Ends) -> pl.DataFrame:
    return pl.DataFrame([end for filament in filaments for end in filament], schema=AXES, orient="row")


def segments(*places: tuple[float, float]) -> pl.DataFrame:
    """Picked segments of one filament, each with an id."""
    rows = [(x, y, 5, 90.0, -30.0, 24.0 * n, 0.5, f"i{n:015x}") for n, (x, y) in enumerate(places)]
    labels = [*AXES, TUBE, "rlnAngleTiltPrior", PSI, TRACK, "rlnAnglePsiFlipRatio", "cryoloomItemId"]
    return pl.DataFrame(rows, schema=labels, orient="row")


def off_the_line(row: dict[str, float], filament: Ends) -> float:
    """How far a segment lies from its filament's axis, px."""
    (x0, y0), (x1, y1) = filament
    length = np.hypot(x1 - x0, y1 - y0)
    return float(abs((row[AXES[0]] - x0) * (y1 - y0) - (row[AXES[1]] - y0) * (x1 - x0)) / length)


@pytest.mark.parametrize("batch_size", [1, 20])
def test_ends_become_segments_that_know_filament_direction_and_way(tmp_path: Path, batch_size: int) -> None:
    project = Project(tmp_path, micrographs=2)
    picks = project.write_picks([ends(LEVEL, SLANTING), ends(SLANTING)])

    job = project.cut(picks, helical_nr_asu=UNITS, helical_rise=RISE, batch_size=batch_size)
    table = job.items("particles")

    assert job.history.state == "succeeded", job.said
    assert table["cryoloomItemId"].n_unique() == table.height
    filaments = {(0, 1): (LEVEL, 0.0), (0, 2): (SLANTING, -45.0), (1, 1): (SLANTING, -45.0)}
    for (mic, tube), (filament, psi) in filaments.items():
        own = table.filter(pl.col("rlnMicrographName") == project.names[mic], pl.col(TUBE) == tube)
        length = np.hypot(*np.subtract(*filament))
        assert abs(own.height - length / STEP) <= 1
        assert np.allclose(own[PSI], psi, atol=1e-3) and np.allclose(own["rlnAngleTiltPrior"], 90)
        assert np.allclose(own[TRACK], np.arange(own.height) * RISE * UNITS, atol=0.01)
        steps = np.diff(own.select(AXES).to_numpy(), axis=0)
        assert np.allclose(np.hypot(*steps.T), STEP, atol=1e-3)
        assert all(off_the_line(row, filament) < 1e-3 for row in own.iter_rows(named=True))
    for row in table.iter_rows(named=True):
        image = image_of_reference(row["rlnImageName"], tmp_path)
        assert np.allclose(
            image, project.patch(row["rlnMicrographName"], *(row[axis] for axis in AXES)), atol=1e-4
        )


def test_segments_keep_their_ids_in_another_box_and_another_binning(tmp_path: Path) -> None:
    project = Project(tmp_path, micrographs=1)
    picks = project.write_picks([ends(LEVEL, SLANTING)])
    coarse = project.names[0].replace("job902", "job905")
    (tmp_path / coarse).parent.mkdir(parents=True)
    image = project.pixels[project.names[0]].reshape(SIZE // 2, 2, SIZE // 2, 2).mean(axis=(1, 3))
    write_mrc(tmp_path / coarse, image.astype(np.float32), 2 * ANGPIX)
    project.write_micrographs("binned.star", [coarse], 2 * ANGPIX)
    given = {"helical_nr_asu": UNITS, "helical_rise": RISE}

    fine = project.cut(picks, **given).items("particles")
    large = project.cut(picks, extract_size=2 * BOX, **given).items("particles")
    binned = project.cut(picks, "binned.star", extract_size=BOX // 2, **given).items("particles")

    assert set(large["cryoloomItemId"]) <= set(fine["cryoloomItemId"])
    both = fine.join(binned, on="cryoloomItemId", suffix="_binned")
    assert both.height == fine.height == binned.height
    for axis in AXES:
        assert np.allclose(both[axis], 2 * both[f"{axis}_binned"], atol=0.5)


def test_a_filament_that_is_not_cut_is_one_box_at_its_middle(tmp_path: Path) -> None:
    project = Project(tmp_path, micrographs=1)

    table = project.cut(project.write_picks([ends(LEVEL, SLANTING)]), do_cut_into_segments=False).items(
        "particles"
    )

    assert table.select(AXES).rows() == [(120.0, 60.0), (120.0, 160.0)]
    assert np.allclose(table[PSI], [0, -45], atol=1e-3)


def test_picked_segments_keep_ids_filament_and_direction_and_those_at_the_edge_are_told(
    tmp_path: Path,
) -> None:
    project = Project(tmp_path, micrographs=2)
    at_edge = (5.0, 100.0)
    picks = project.write_picks([segments((100, 100), at_edge, (106, 100)), segments(at_edge)])

    job = project.cut(picks, do_extract_helical_tubes=False)
    table = job.items("particles")

    assert job.history.state == "succeeded" and not job.history.failed, job.said
    assert table["cryoloomItemId"].to_list() == ["i000000000000000", "i000000000000002"]
    assert set(table[TUBE]) == {5} and set(table[PSI]) == {-30.0}
    assert "m_0.mrc: 1 segment too near to the edge left out" in job.said
    assert "2 segments too near to the edge left out" in job.said


def test_what_is_no_filament_fails_that_micrograph_with_what_to_do(tmp_path: Path) -> None:
    project = Project(tmp_path, micrographs=3)
    short = ((2.0, 2.0), (20.0, 2.0))  # no box lies on the micrograph
    picks = project.write_picks([ends(LEVEL), ends(LEVEL, SLANTING)[:3], ends(short)])

    job = project.cut(picks, helical_nr_asu=UNITS, helical_rise=RISE)

    assert set(job.items("particles")["rlnMicrographName"]) == {project.names[0]}
    [(_, why)] = job.history.failed.values()
    assert "3 ends of filaments" in why and "do_extract_helical_tubes=No" in why
    assert "m_2.mrc: no segment of its filaments has its whole box on it" in job.said

    as_segments = project.cut(picks, do_extract_helical_tubes=False)

    assert as_segments.history.state == "failed"
    assert all("without rlnHelicalTubeID" in why for _, why in as_segments.history.failed.values())


def test_picked_segments_are_never_taken_for_ends(tmp_path: Path) -> None:
    project = Project(tmp_path, micrographs=1)

    # Two segments, and start-end is RELION's default: it would make a filament of them.
    job = project.cut(project.write_picks([segments((60, 100), (120, 100))]))

    assert job.history.state == "failed"
    assert (
        "segments of filaments, with rlnHelicalTubeID" in job.said
        and "do_extract_helical_tubes=No" in job.said
    )


def test_picked_filaments_are_those_that_are_there_and_come_through_extraction(tmp_path: Path) -> None:
    project, size, width = Project(tmp_path, micrographs=2), 512, 8.0
    gentle, steep = ((61.0, 102.0), (451.0, 179.0)), ((102.0, 420.0), (410.0, 307.0))
    for name, filaments in zip(project.names, ([gentle, steep], [gentle]), strict=True):
        write_mrc(tmp_path / name, drawn(size, filaments, width), ANGPIX)
    y, x = np.mgrid[-32:32, -32:32]
    template = np.exp(-((y / width) ** 2) / 2) * (np.hypot(x, y) < 30)
    write_mrc(tmp_path / "template.mrcs", template[None].astype(np.float32), ANGPIX)
    star.write(
        tmp_path / "templates.star", {"": pl.DataFrame({"rlnReferenceImage": ["000001@template.mrcs"]})}
    )

    picked = run_in(
        project.folder, "relion.autopick", fn_input_autopick="mics.star", fn_refs_autopick="templates.star",
        do_ctf_autopick=False, shrink=1, threshold_autopick=0.6, maxstddevnoise_autopick=-1, batch_size=1,
        do_pick_helical_segments=True, do_amyloid=True, helical_tube_outer_diameter=120, helical_nr_asu=4,
        helical_rise=10, helical_tube_kappa_max=0.2, helical_tube_length_min=400,
    )  # fmt: skip
    job = project.cut(f"{picked.name}/coords_suffix_autopick.star", do_extract_helical_tubes=False)
    table = job.items("particles")

    assert picked.history.state == job.history.state == "succeeded", picked.said + job.said
    coordinates = star.read(picked.entry.folder / "coordinates.star")["coordinates"]
    assert isinstance(coordinates, pl.DataFrame)
    assert coordinates["cryoloomCount"].sum() == table.height == table["cryoloomItemId"].n_unique()
    places = {project.names[0]: [gentle, steep], project.names[1]: [gentle]}
    for (name, _), own in table.group_by("rlnMicrographName", TUBE):
        lines = places[str(name)]
        [line] = [
            one
            for one in lines
            if np.median([off_the_line(row, one) for row in own.iter_rows(named=True)]) < 3
        ]
        (x0, y0), (x1, y1) = line
        # RELION finds each segment's direction to some 10 degrees; that of the filament is their mean.
        off = (own[PSI].to_numpy() + np.degrees(np.arctan2(y1 - y0, x1 - x0)) + 90) % 180 - 90
        assert np.abs(off).max() < 15 and abs(off.mean()) < 4
        lines.remove(line)
    assert not any(places.values())
