"""MTFs by name: the curve of the very detector and voltage, or none."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cryoloom import star
from cryoloom.em.detectors import mtf_curves, mtf_named
from cryoloom.errors import ParameterError


def test_a_detector_is_found_in_any_spelling_at_its_voltage() -> None:
    assert (mtf_named("k2", 300).detector, mtf_named("Falcon-4", 200.0).kv) == ("K2", 200)
    assert mtf_named("falcon 3 EC", 299.8).file_name == "mtf_falcon3ec_300kV.star"

    with pytest.raises(ParameterError, match="is 80 kV, expected 200 kV or 300 kV"):
        mtf_named("K2", 80)
    for name in ("Falcon", "K1", ""):
        with pytest.raises(ParameterError, match=r"The detector is .*, expected one of Apollo, DE20"):
            mtf_named(name, 300)


def test_curves_fall_from_about_one_and_never_rise() -> None:
    for curve in mtf_curves():
        values = np.array(curve.values)
        assert (curve.frequencies[0], curve.frequencies[-1]) == (0.0, 0.5)
        assert 0.94 < values[0] <= 1.0
        assert (np.diff(values) <= 0).all()
        assert 0.04 < values[-1] < 2 / np.pi  # what a perfect pixel leaves at its Nyquist frequency


def test_the_curve_of_a_k3_is_the_maker_s_of_its_standard_mode() -> None:
    # Of Gatan's mtf_k3_standard_300kV_FL2.star and its fellow at 200 kV, at frequencies that our table has not.
    measured = {
        300: [(0.015873, 0.99478), (0.095238, 0.97244), (0.253968, 0.88591), (0.380952, 0.76504), (0.492064, 0.64492)],
        200: [(0.015873, 0.99201), (0.095238, 0.95529), (0.253968, 0.85174), (0.380952, 0.72653), (0.492064, 0.60290)],
    }  # fmt: skip

    for kv, points in measured.items():
        curve = mtf_named("k3", kv)
        for frequency, value in points:
            assert np.interp(frequency, curve.frequencies, curve.values) == pytest.approx(value, abs=0.001)


def test_the_file_is_read_as_a_table_of_the_two_labels(tmp_path: Path) -> None:
    curve = mtf_named("K2", 300)
    (tmp_path / "mtf.star").write_text(curve.star_text())

    [table] = star.tables_of(star.read(tmp_path / "mtf.star")).values()
    assert table.columns == ["rlnResolutionInversePixel", "rlnMtfValue"]
    assert table["rlnMtfValue"].to_list() == pytest.approx(curve.values)


@pytest.mark.shared
def test_between_its_points_a_curve_is_the_maker_s(shared_data: Path) -> None:
    for name, detector, kv in (
        ("mtf_k2_300kV", "K2", 300), ("mtf_falcon3EC_200kV", "Falcon3EC", 200), ("mtf_falcon4EC_300kV", "Falcon4EC", 300),
        ("mtf_falcon2_300kV", "Falcon2", 300), ("mtf_de20_300kV", "DE20", 300),
    ):  # fmt: skip
        path = shared_data / "mtf" / "relion" / f"{name}.star"
        if not path.exists():
            pytest.skip(f"{name} is not there (set CRYOLOOM_TEST_DATA)")
        [table] = star.tables_of(star.read(path)).values()
        theirs = table.select(pl.all().cast(pl.Float64)).to_numpy()
        theirs = theirs[theirs[:, 0] <= 0.5]
        curve = mtf_named(detector, kv)
        ours = np.interp(theirs[:, 0], curve.frequencies, curve.values)
        assert np.abs(ours - theirs[:, 1]).max() < 0.009, name
