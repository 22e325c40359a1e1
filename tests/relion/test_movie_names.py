"""RELION's own names of what it makes of a movie with dots, below a folder that is a date: `em.names` has its rule."""

from pathlib import Path

import numpy as np
import pytest

from cryoloom import Project
from cryoloom.em.names import file_of_micrograph, key, micrograph_of_movie
from cryoloom.images.mrc import write_mrc

pytestmark = [pytest.mark.slow, pytest.mark.relion]


def test_motion_correction_and_picking_name_their_files_by_the_rule(tmp_path: Path) -> None:
    frames = np.random.default_rng(1).poisson(8, (4, 64, 64)).astype(np.int8)
    for name in ("26.11.2026/m_1.5.mrcs", "26.11.2026/m_2.mrcs", "27.11.2026/m_2.mrcs"):
        (tmp_path / "raw" / name).parent.mkdir(parents=True, exist_ok=True)
        write_mrc(tmp_path / "raw" / name, frames, 3.0)
    project = Project.create(tmp_path / "p")

    imported = project.run("import.movies", fn_in_raw=str(tmp_path / "raw/*/*.mrcs"), angpix=3.0).wait(60)
    corrected = project.run("relion.motioncorr", input_star_mics=imported, do_dose_weighting=False).wait(120)
    picked = project.run(
        "relion.autopick", fn_input_autopick=corrected, do_log=True, log_diam_min=30, log_diam_max=60
    ).wait(120)

    movies = [str(name) for name in imported.dataset().table()["rlnMicrographMovieName"]]
    micrographs = [str(name) for name in corrected.dataset().table()["rlnMicrographName"]]
    assert any(name.endswith("26.11.2026/m_1.5.mrcs") for name in movies)
    assert sorted(micrographs) == sorted(micrograph_of_movie(f"{corrected.name}/", name) for name in movies)
    assert sorted(map(key, micrographs)) == sorted(map(key, movies))
    for name in micrographs:
        assert (project.path / name).is_file()
        assert (picked.folder / file_of_micrograph(name, "_autopick.star")).is_file()
