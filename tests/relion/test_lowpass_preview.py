"""The preview of a low-pass filter shows what RELION's programs begin with."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from conftest_tiny import cryoloom

from cryoloom.api.lowpass_preview import lowpass_preview
from cryoloom.errors import ImageError, ParameterError
from cryoloom.images.mrc import read_mrc, write_mrc

ANGPIX, BOX = 2.5, 48


@pytest.fixture
def blobs(tmp_path: Path) -> Path:
    """A map with fine detail in a ball."""
    rng = np.random.default_rng(3)
    z, y, x = np.indices((BOX, BOX, BOX)) - BOX // 2
    ball = np.clip((18 - np.sqrt(z**2 + y**2 + x**2)) / 3, 0, 1)
    write_mrc(
        tmp_path / "map.mrc", (ball * rng.normal(1, 1, ball.shape)).astype(np.float32), ANGPIX, is_volume=True
    )
    return tmp_path / "map.mrc"


@pytest.mark.relion
def test_slices_are_those_of_relion_s_own_filter(blobs: Path) -> None:
    found = lowpass_preview(None, str(blobs), [20, 8])

    assert [one.resolution for one in found.filtered] == [0, 20, 8]
    assert np.array_equal(found.filtered[0].slices[0], read_mrc(blobs)[BOX // 2])
    for one in found.filtered[1:]:
        target = blobs.with_name(f"at{one.resolution:g}.mrc")
        words = [
            "--i",
            str(blobs),
            "--o",
            str(target),
            "--lowpass",
            f"{one.resolution:g}",
            "--filter_edge_width",
            "2",
        ]
        subprocess.run(["relion_image_handler", *words], check=True, capture_output=True, cwd=blobs.parent)
        theirs = np.asarray(read_mrc(target), dtype=float)
        for ours, slab in zip(one.slices, (theirs[24], theirs[:, 24], theirs[:, :, 24]), strict=True):
            assert np.corrcoef(ours.ravel(), slab.ravel())[0, 1] > 0.99
        assert one.variance_left == pytest.approx(theirs.var() / read_mrc(blobs).var(), rel=0.15)


def test_a_map_is_shown_at_each_resolution_and_at_none_that_it_has_not(blobs: Path, tmp_path: Path) -> None:
    picture = tmp_path / "at.png"

    done = cryoloom("suggest", "lowpass", str(blobs), "--at", "20,10,8", "-o", str(picture))
    told = json.loads(cryoloom("suggest", "lowpass", str(blobs), "--json").stdout)

    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()[2:5]] == ["20", "10", "8"]
    assert picture.read_bytes()[:4] == b"\x89PNG"
    assert [one["resolution"] for one in told["filtered"]] == [0, 60, 40, 20, 10]
    left = [one["variance_left"] for one in told["filtered"]]
    assert left[0] == 1 and left[1:] == sorted(left[1:])
    with pytest.raises(
        ParameterError, match=r"4 Å is not one of this map's, expected 5 Å, two pixels, to 120 Å"
    ):
        lowpass_preview(None, str(blobs), [4])
    write_mrc(tmp_path / "flat.mrc", np.ones((4, 4), np.float32), ANGPIX)
    with pytest.raises(ImageError, match="expected a cubic map"):
        lowpass_preview(None, str(tmp_path / "flat.mrc"))
