"""What `new` suggests is the import of what lies beside the project, and asks for what nothing says."""

from pathlib import Path

import numpy as np

from cryoloom.api.first_steps import first_import
from cryoloom.images.mrc import write_mrc

MDOC = """PixelSpacing = 1.06
Voltage = 200

[FrameSet = 0]
ExposureDose = 45
NumSubFrames = 50
"""


def movies(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in ("a", "b"):
        write_mrc(folder / f"{name}.mrc", np.ones((3, 8, 8), np.int16), 1.0)
    return folder


def test_without_movies_gain_pixel_size_and_dose_are_asked_for(tmp_path: Path) -> None:
    assert first_import(tmp_path / "p") == (
        "cryoloom run import.movies fn_in_raw='/data/*.tiff' fn_gain_ref=/data/gain.mrc angpix=... dose_per_frame=... "
        "kV=300 Cs=2.7 Q0=0.1 --stream"
    )


def test_gain_and_dose_that_lie_beside_the_movies_are_said(tmp_path: Path) -> None:
    folder = movies(tmp_path / "my session")
    write_mrc(folder / "Gain_2026.mrc", np.ones((8, 8), np.float32), 1.0)
    (folder / "a.mrc.mdoc").write_text(MDOC)

    assert first_import(tmp_path / "p") == (
        f"cryoloom run import.movies fn_in_raw='{folder}/*.mrc' fn_gain_ref='{folder}/Gain_2026.mrc' angpix=1.06 "
        "dose_per_frame=0.9 kV=200 Cs=2.7 Q0=0.1 --stream"
    )


def test_what_is_not_said_beside_the_movies_is_asked_for_and_a_gain_that_is_not_there_is_not_named(
    tmp_path: Path,
) -> None:
    folder = movies(tmp_path / "p" / "raw")
    (tmp_path / "p" / ".hidden").mkdir()

    assert first_import(tmp_path / "p") == (
        f"cryoloom run import.movies fn_in_raw='{folder}/*.mrc' angpix=... dose_per_frame=... kV=300 Cs=2.7 Q0=0.1 --stream"
    )


def test_micrographs_and_maps_are_no_movies(tmp_path: Path) -> None:
    write_mrc(tmp_path / "m.mrc", np.eye(8, dtype=np.float32), 1.0)
    write_mrc(tmp_path / "v.mrc", np.ones((8, 8, 8), np.float32), 1.0, is_volume=True)

    assert "/data/*.tiff" in first_import(tmp_path / "p")
