"""Sets in which micrographs are not all alike: particles with a defocus each, coordinates of two tables of micrographs."""

import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cryoloom import Project, star
from cryoloom.api.micrograph_source import Defocus
from cryoloom.api.micrographs import micrographs_of, pick_by_hand
from cryoloom.errors import ProjectError
from cryoloom.images.mrc import write_mrc


def made_particles(project: Project) -> None:
    table = pl.DataFrame({
        "rlnMicrographName": ["a.mrc"] * 5 + ["b.mrc"], "rlnCoordinateX": [1.0] * 6, "rlnCoordinateY": [1.0] * 6,
        "rlnDefocusU": [19000.0, 9800.0, 10000.0, 10100.0, 10200.0, 8000.0],
        "rlnDefocusV": [18900.0, 9700.0, 9900.0, 10000.0, 10100.0, 7000.0],
        "rlnDefocusAngle": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "rlnImageName": [f"{n}@stack.mrcs" for n in range(1, 7)],
        "rlnOpticsGroup": [1] * 6,
    })  # fmt: skip
    optics = pl.DataFrame({
        "rlnOpticsGroup": [1], "rlnOpticsGroupName": ["one"], "rlnImagePixelSize": [2.0], "rlnImageSize": [8],
        "rlnImageDimensionality": [2], "rlnVoltage": [300.0], "rlnSphericalAberration": [2.7], "rlnAmplitudeContrast": [0.1],
    })  # fmt: skip
    write_mrc(project.path / "stack.mrcs", np.zeros((6, 8, 8), np.float32), 2.0)
    with project.external("made", outputs={"result": "particles"}) as job:
        job.write("result", table, optics=optics)


def test_a_micrograph_has_the_defocus_of_its_middle_particle_and_not_of_its_first(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    made_particles(project)

    first, second = micrographs_of(project.job(1), "result").lines

    assert (first.micrograph, first.picks, first.defocus) == ("a.mrc", 5, Defocus(10100.0, 10000.0, 4.0))
    assert (second.micrograph, second.picks, second.defocus) == ("b.mrc", 1, Defocus(8000.0, 7000.0, 6.0))


@pytest.mark.relion
@pytest.mark.slow
def test_coordinates_of_two_tables_are_not_picked_by_hand_on_the_first_alone(
    tiny: Project, tmp_path: Path
) -> None:
    """RELION's suffix file names both; the picks on micrographs of the second would be left out without a word."""
    shutil.copytree(tiny.path, tmp_path / "p", symlinks=True)
    project = Project(tmp_path / "p")
    blocks = star.read(project.path / "Select/job005/micrographs.star")
    table = star.tables_of(blocks)["micrographs"]
    for name, part in (("one", table[:2]), ("two", table[2:])):
        star.write(project.path / f"{name}.star", {**blocks, "micrographs": part})
    suffix_file = project.job(6).dataset("coordinates").root / "AutoPick/job006/coords_suffix_autopick.star"
    suffix_file.write_text("one.star\ntwo.star\n")

    with pytest.raises(ProjectError, match=r"one\.star does not list, such as MotionCorr/job003"):
        pick_by_hand(project.job(6), "coordinates")

    assert len(project.jobs()) == len(tiny.jobs())
