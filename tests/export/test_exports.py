"""A folder that stands by itself: its images are the project's, and coordinates lie where particles lie."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cryoloom import star
from cryoloom.errors import ParameterError
from cryoloom.images.mrc import image_of_reference, write_mrc
from cryoloom.project.registry import find_protocol
from cryoloom.protocol import JobFolder, Particles
from cryoloom.protocol.protocols import SetProtocol


@pytest.fixture
def job(tmp_path: Path) -> JobFolder:
    """Two stacks of one name in two jobs, of which three images of nine are wanted, not in order."""
    root = tmp_path / "p"
    (root / "External/job009").mkdir(parents=True)
    rng = np.random.default_rng(3)
    for number in (5, 6):
        (root / f"Extract/job00{number}/Movies").mkdir(parents=True)
        images = rng.standard_normal((5, 8, 8)).astype(np.float32)
        write_mrc(root / f"Extract/job00{number}/Movies/a.mrcs", images, 2.0)
    optics = pl.DataFrame({
        "rlnOpticsGroup": [1], "rlnOpticsGroupName": ["one"], "rlnImagePixelSize": [2.0], "rlnImageSize": [8],
        "rlnMicrographPixelSize": [0.5], "cryoloomGainFile": ["g.mrc"],
    })  # fmt: skip
    particles = pl.DataFrame({
        "cryoloomItemId": ["a", "b", "c"],
        "rlnImageName": [
            "000004@Extract/job005/Movies/a.mrcs", "000002@Extract/job006/Movies/a.mrcs",
            "000001@Extract/job005/Movies/a.mrcs",
        ],
        "rlnMicrographName": [f"MotionCorr/job00{number}/Movies/a.mrc" for number in (2, 3, 2)],
        "rlnOpticsGroup": [1, 1, 1],
        "rlnCoordinateX": [100.0, 50.0, 300.0],
        "rlnCoordinateY": [200.0, 60.0, 400.0],
        "rlnOriginXAngst": [5.0, 0.0, -2.0],
        "rlnOriginYAngst": [-1.0, 0.0, 0.0],
    })  # fmt: skip
    star.write(root / "p.star", {"optics": optics, "particles": particles})
    return JobFolder("External/job009/", root)


def exported(name: str, job: JobFolder, **values: object) -> dict[str, pl.DataFrame]:
    protocol = find_protocol(name)(values, {"input": Particles("p.star")})
    assert isinstance(protocol, SetProtocol)
    protocol.check()
    [blocks] = protocol.compute(job).blocks.values()
    return dict(blocks)


@pytest.mark.parametrize("how", ["copies", "links"])
def test_a_folder_has_the_images_that_its_table_names(job: JobFolder, how: str) -> None:
    rows = exported("export.particles", job, how=how)["particles"]
    folder = job.path / "exported"
    before = star.tables_of(star.read(job.root / "p.star"))["particles"]

    assert not [column for column in rows.columns if column.startswith("cryoloom")]
    for old, new in zip(before["rlnImageName"], rows["rlnImageName"], strict=True):
        assert np.array_equal(image_of_reference(old, job.root), image_of_reference(new, folder))
    stacks = {name.partition("@")[2] for name in rows["rlnImageName"]}
    assert stacks == {"Particles/Movies/a.mrcs", "Particles/Movies/a_2.mrcs"}
    if how == "copies":
        moved = job.root.parent / "elsewhere"
        folder.rename(moved)
        assert image_of_reference(rows["rlnImageName"][0], moved).shape == (8, 8)


def test_ids_stay_where_they_are_wanted(job: JobFolder) -> None:
    blocks = exported("export.particles", job, keep_ids=True)

    assert blocks["particles"]["cryoloomItemId"].to_list() == ["a", "b", "c"]
    assert "cryoloomGainFile" in blocks["optics"].columns


def test_coordinates_lie_where_the_particle_is_or_where_it_was_picked(job: JobFolder) -> None:
    listed = exported("export.coordinates", job)["coordinate_files"]
    assert listed["rlnMicrographCoordinates"].to_list() == ["exported/a.star", "exported/a_2.star"]
    assert listed["rlnGroupNrParticles"].to_list() == [2, 1]
    [moved] = star.tables_of(star.read(job.path / "exported/a.star")).values()
    # The particle lies 5 Å, ten pixels of the micrograph, left of its box's middle.
    assert moved.rows() == [(90.0, 202.0), (304.0, 400.0)]

    exported("export.coordinates", job, format="box", box_size=64, do_recenter=False)
    assert (job.path / "exported/a.box").read_text() == "68\t168\t64\t64\n268\t368\t64\t64\n"
    exported("export.coordinates", job, format="txt", angpix=1.0)
    assert (job.path / "exported/a.txt").read_text().splitlines()[0] == "95.00\t201.00"


def test_shifts_without_a_pixel_size_are_no_guess(job: JobFolder) -> None:
    blocks = star.tables_of(star.read(job.root / "p.star"))
    star.write(job.root / "p.star", {**blocks, "optics": blocks["optics"].drop("rlnMicrographPixelSize")})

    with pytest.raises(ParameterError, match="no rlnMicrographPixelSize"):
        exported("export.coordinates", job)
