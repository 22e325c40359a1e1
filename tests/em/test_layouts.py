"""Files of RELION 3.0 become those of 3.1 as RELION itself converts them, and go back."""

import shutil
import subprocess
from pathlib import Path

import polars as pl
import pytest

from cryoloom import star
from cryoloom.em.optics import downgraded_to_30, items_name, upgraded_to_31
from cryoloom.errors import DatasetError

OLD = """
data_images

loop_
_rlnVoltage #1
_rlnDefocusU #2
_rlnSphericalAberration #3
_rlnDetectorPixelSize #4
_rlnMagnification #5
_rlnAmplitudeContrast #6
_rlnImageName #7
_rlnMicrographName #8
_rlnOriginX #9
_rlnOriginY #10
300.0 12000.5 2.7 5.0 37037.0 0.1 1@a.mrcs a.mrc 1.5 -2.0
300.0 13000.0 2.7 5.0 37037.0 0.1 2@a.mrcs a.mrc 0.0 3.25
200.0 14000.0 1.4 5.0 56497.0 0.07 1@b.mrcs b.mrc -4.0 0.5
"""


def upgraded(path: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    return upgraded_to_31(star.read(path), path)


def same(ours: pl.DataFrame, relions: pl.DataFrame) -> None:
    for label in set(relions.columns) - {"rlnOpticsGroupName"}:
        for a, b in zip(ours[label], relions[label], strict=True):
            assert a == (pytest.approx(b, abs=2e-5) if isinstance(b, float) else b), label


@pytest.mark.relion
@pytest.mark.parametrize("micrographs", [False, True])
def test_the_upgrade_has_the_numbers_of_relions_own(tmp_path: Path, micrographs: bool) -> None:
    if shutil.which("relion_convert_star") is None:
        pytest.skip("relion_convert_star is missing")
    lines = OLD.replace("_rlnImageName #7", "_rlnCtfImage #7") if micrographs else OLD
    (tmp_path / "old.star").write_text(lines)
    subprocess.run(
        ["relion_convert_star", "--i", "old.star", "--o", "new.star"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip

    optics, items = upgraded(tmp_path / "old.star")
    relions = star.read(tmp_path / "new.star")

    name = "micrographs" if micrographs else "particles"
    assert items_name(items) == name
    assert set(relions) == {"optics", name}
    assert isinstance(relions["optics"], pl.DataFrame) and isinstance(relions[name], pl.DataFrame)
    assert optics.height == 2
    same(optics, relions["optics"])
    same(items, relions[name])


def test_what_goes_down_to_30_comes_up_again_equal(tmp_path: Path) -> None:
    (tmp_path / "old.star").write_text(OLD)
    optics, items = upgraded(tmp_path / "old.star")
    lens = optics.with_columns(rlnMtfFileName=pl.lit("mtf.star"))

    old, lost = downgraded_to_30(lens, items, tmp_path / "new.star")
    star.write(tmp_path / "again.star", {"": old})
    optics_again, items_again = upgraded(tmp_path / "again.star")

    assert lost == ["rlnMtfFileName"]
    assert old["rlnOriginX"].to_list() == pytest.approx([1.5, 0.0, -4.0])
    assert optics_again.equals(optics)
    assert items_again.select(items.columns).sort("rlnDefocusU").equals(items)


def test_a_group_that_is_not_in_the_table_stops_the_way_down(tmp_path: Path) -> None:
    (tmp_path / "old.star").write_text(OLD)
    optics, items = upgraded(tmp_path / "old.star")

    with pytest.raises(DatasetError, match="rlnOpticsGroup in row 3"):
        downgraded_to_30(optics.head(1), items, tmp_path / "x.star")
