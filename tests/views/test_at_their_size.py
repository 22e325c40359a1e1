"""A figure alone says what it shows, and its scales are those of what it is about: not of noise, solvent or one column."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from PIL import Image

from cryoloom import star
from cryoloom.api.looking import Seen
from cryoloom.errors import ParameterError
from cryoloom.images.mrc import write_mrc
from cryoloom.images.thumbnails import LABEL_PX, plain_text, titled
from cryoloom.protocol.views import Axis, Chart, Compare, Field, Micrograph, Values, View, VolumeBlock
from cryoloom.views.ctf_refinement import ctf_refinement_views
from cryoloom.views.drawing import as_dict, draw
from cryoloom.views.drawn import Drawn, DrawnChart, DrawnPicture
from cryoloom.views.local_resolution import locres_views
from cryoloom.views.optics import optics_view
from cryoloom.views.pictures import FIELD_PX, SLICE_PX
from cryoloom.views.postprocess import postprocess_views
from cryoloom.views.resolve import drawn, look_at, why_nothing
from cryoloom.views.terminal import as_text

JOB = "Kind/job005/"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / JOB).mkdir(parents=True)
    return tmp_path


def shown(views: list[View], name: str, root: Path, **asked: Any) -> list[Drawn]:
    return look_at(next(view for view in views if view.name == name), root, **asked)


def pixels(png: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def is_white(colours: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.asarray((colours >= 245).all(axis=-1))


def test_a_picture_s_file_names_the_micrograph_and_says_what_is_to_be_said(root: Path) -> None:
    write_mrc(root / "good_0017.mrc", np.random.default_rng(0).normal(size=(60, 80)).astype(np.float32), 2.0)
    picture = drawn(Micrograph("good_0017", "good_0017.mrc", caption="Circles of 120 Å."), root)
    assert isinstance(picture, DrawnPicture)

    draw([picture], root / "one.png")

    file, bare = pixels((root / "one.png").read_bytes()), pixels(picture.png)
    assert file.shape[0] >= bare.shape[0] + 2 * LABEL_PX
    assert (file[:LABEL_PX] < 128).any(), "a title stands over it"
    assert np.array_equal(file[LABEL_PX : LABEL_PX + bare.shape[0], : bare.shape[1]], bare)
    assert plain_text("120 Å") == "120 Angstrom"  # the font has no sign for it
    assert (
        pixels(titled(picture.png, "a title that is far wider than this small picture is")).shape[1]
        > bare.shape[1]
    )


def test_a_chart_s_file_has_its_caption_and_a_map_of_defocus_its_micrograph(root: Path) -> None:
    optics = pl.DataFrame({"rlnOpticsGroup": [1], "rlnOpticsGroupName": ["a"]})
    particles = pl.DataFrame({
        "rlnMicrographName": ["M/a.mrc", "M/a.mrc", "M/b.mrc"], "rlnOpticsGroup": [1] * 3, "rlnDefocusU": [1e4, 1.1e4, 2e4],
        "rlnDefocusV": [1e4, 1.1e4, 2e4], "rlnCoordinateX": [1.0, 2.0, 3.0], "rlnCoordinateY": [1.0, 2.0, 3.0],
    })  # fmt: skip
    star.write(root / JOB / "particles_ctf_refine.star", {"optics": optics, "particles": particles})
    views = ctf_refinement_views(root, JOB)

    [first], [second] = (shown(views, "defocus_map", root, item=item) for item in ("1", "2"))

    assert isinstance(first, DrawnChart) and first.spec["title"] == "Defocus over a"
    assert (
        isinstance(second, DrawnChart) and second.title == "Defocus over b"
    )  # micrographs are counted, not particles
    with pytest.raises(ParameterError, match=r"item 3 is unknown, expected .* a number from 1 to 2"):
        shown(views, "defocus_map", root, item="3")
    with pytest.raises(
        ParameterError, match=r"first or newest\.?$"
    ):  # `worst` is not offered where it is refused
        shown(views, "defocus_map", root, item="c")


def test_one_tall_column_is_cut_and_its_number_said() -> None:
    def spec(values: list[float]) -> dict[str, Any]:
        chart = drawn(Chart("x", "histogram", Values({"x": values}), Axis("x")), Path())
        assert isinstance(chart, DrawnChart)
        return chart.spec

    rest = np.linspace(1, 10, 200).tolist()
    tall, even = spec([0.0] * 5000 + rest), spec(rest)

    bars, label = tall["layer"]
    top = bars["encoding"]["y"]["scale"]["domain"][1]
    counts = sorted(row["count"] for row in bars["data"]["values"])
    assert counts[-1] == 5000 and counts[-2] <= top < 2 * counts[-2]
    assert label["data"]["values"][0]["words"].startswith("5,000")
    assert "layer" not in even and "domain" not in even["encoding"]["y"]["scale"]


def test_observed_and_fitted_are_drawn_within_the_nyquist_circle_alone(root: Path) -> None:
    chance, size = np.random.default_rng(3), 64
    _, x = np.mgrid[:size, :size] - size // 2
    fitted = (x / size).astype(np.float32)
    fitted[0] = 50.0  # RELION's row of the Nyquist frequency stands for both signs
    write_mrc(root / "o.mrc", (fitted + chance.normal(0, 1, fitted.shape)).astype(np.float32), 1.0)
    write_mrc(root / "f.mrc", fitted, 1.0)

    picture = drawn(Field("Beam tilt", ("o.mrc", "f.mrc"), ("observed", "fitted"), "rad"), root)

    assert isinstance(picture, DrawnPicture) and picture.caption.startswith("Means of 2 x 2 px: observed.")
    tiles = [pixels(picture.png)[2 : 2 + FIELD_PX, start : start + FIELD_PX] for start in (2, FIELD_PX + 6)]
    for tile in tiles:
        # A mean of 2 x 2 px reaches one row further than the circle.
        assert is_white(tile[-4:]).mean() > 0.7 and is_white(tile[:8, :8]).all()
    right, left = tiles[1][FIELD_PX // 2, -20].astype(int), tiles[1][FIELD_PX // 2, 20].astype(int)
    assert right[0] > right[2] + 60 and left[2] > left[0] + 60, "the scale is the fit's and not the stripe's"


def blob(root: Path, mask: bool) -> str:
    """A ball of density in noise, fine on its left half and coarse on its right; resolutions of the solvent too."""
    chance, size = np.random.default_rng(4), 48
    z, y, x = np.mgrid[:size, :size, :size] - size // 2
    ball = np.hypot(np.hypot(z, y), x) < 12
    write_mrc(
        root / JOB / "relion_locres_filtered.mrc", (ball + 0.1 * chance.normal(size=ball.shape)).astype(np.float32), 2.0,
        is_volume=True,
    )  # fmt: skip
    values = np.where(ball, np.where(x < 0, 3.0, 5.0), 20.0).astype(np.float32)
    write_mrc(root / JOB / "relion_locres.mrc", values, 2.0, is_volume=True)
    if mask:
        write_mrc(root / "mask.mrc", ball.astype(np.float32), 2.0, is_volume=True)
    return "mask.mrc" if mask else ""


@pytest.mark.parametrize("mask", [True, False])
@pytest.mark.parametrize("name", ["coloured", "projections"])
def test_the_filtered_map_is_coloured_and_its_solvent_is_white(root: Path, mask: bool, name: str) -> None:
    views = locres_views(root, JOB, blob(root, mask))

    [picture] = shown(views, name, root)

    assert isinstance(picture, DrawnPicture)
    assert "relion_locres_filtered.mrc, coloured by local resolution" in picture.title
    assert ("within the mask mask.mrc" in picture.caption) == mask
    tile = pixels(picture.png)[2 : 2 + SLICE_PX, 2 : 2 + SLICE_PX].astype(int)
    middle = SLICE_PX // 2
    left, right = tile[middle, middle - 20], tile[middle, middle + 20]
    assert left[2] > left[0] + 60, "fine is blue"
    assert right[0] > right[2] + 60, "coarse is red"
    solvent = tile[: SLICE_PX // 6]
    assert (solvent.min(axis=-1) > 235).mean() > 0.98, "noise of the solvent has no colour"


def test_the_slices_say_which_map_they_are(root: Path) -> None:
    views = locres_views(root, JOB, blob(root, False))

    picture = shown(views, "slices", root)[-1]

    assert (
        picture.title
        == "Central slices of relion_locres_filtered.mrc, the map, filtered by its local resolution"
    )


def test_a_guinier_plot_has_the_curve_that_the_mtf_corrected(root: Path) -> None:
    table = pl.DataFrame({
        "rlnResolutionSquared": [0.0, 0.01, 0.02], "rlnLogAmplitudesOriginal": [-3.0, -5.0, -6.0],
        "rlnLogAmplitudesMTFCorrected": [-3.0, -4.9, -5.5], "rlnLogAmplitudesWeighted": [-3.0, -5.0, -99.0],
    })  # fmt: skip
    star.write(root / JOB / "postprocess.star", {"guinier": table})

    [chart] = shown(postprocess_views(JOB), "guinier", root)

    assert isinstance(chart, DrawnChart)
    rows = chart.spec["data"]["values"]
    assert [row["amplitude"] for row in rows if row["curve"] == "MTF corrected"] == [-3.0, -4.9, -5.5]
    assert [row["curve"] for row in rows][::3] == ["original", "MTF corrected", "weighted"]


def test_zernike_coefficients_stand_below_each_other_and_are_those_of_their_polynomials(root: Path) -> None:
    even = ["[0,0,0,0,0,0,25.517516312,0,0]", "[0,0,0,1.5,0,0,85.7084913253,0,0]"]
    optics = pl.DataFrame({
        "rlnOpticsGroup": [1, 2], "rlnOpticsGroupName": ["a", "b"], "rlnOddZernike": ["[0,0,3.7086460075]", None],
        "rlnEvenZernike": even,
    })  # fmt: skip
    particles = pl.DataFrame({"rlnImageName": ["1@a"], "rlnOpticsGroup": [1]})
    star.write(root / "p.star", {"optics": optics, "particles": particles})

    [table] = look_at(optics_view("p.star", "particles"), root)

    lines = as_text(table).splitlines()
    assert [line.split() for line in lines[-3:]] == [
        ["rlnOddZernike", "Z(-3,", "3)", "3.709", "0"],
        ["rlnEvenZernike", "Z(2,", "2)", "0", "1.5"],
        ["rlnEvenZernike", "Z(0,", "4)", "25.52", "85.71"],
    ]
    assert max(map(len, lines)) < 60


def test_why_there_is_nothing_is_said(root: Path) -> None:
    (root / JOB / "particles_ctf_refine.star").write_text("data_particles\n\nloop_\n_rlnDefocusU #1\n")
    views = {view.name: view for view in ctf_refinement_views(root, JOB, "before.star")}

    assert why_nothing(views["defocus_map"], root) == f"{JOB}particles_ctf_refine.star has no rows"
    assert why_nothing(views["defocus_change"], root) == "before.star is not there"
    assert str(Seen((), "", "nothing to show: x has no rows. Look at fits.")).endswith("Look at fits.")
    with pytest.raises(ParameterError, match=r"p\.png is nothing to show: x has no rows"):
        Seen((), "", "nothing to show: x has no rows.").save(root / "p.png")


def test_two_maps_that_are_compared_can_be_laid_upon_each_other(root: Path) -> None:
    for name, size, angpix in (("a", 32, 4.0), ("b", 24, 4.0)):
        z, y, x = np.mgrid[:size, :size, :size] - size // 2
        ball = (np.hypot(np.hypot(z, y), x) * angpix < 30).astype(np.float32)
        write_mrc(root / f"{name}.mrc", ball, angpix, is_volume=True)
    block = Compare("Slices", VolumeBlock("a", "a.mrc"), VolumeBlock("b", "b.mrc"), ("one", "other"))

    picture = drawn(block, root)

    assert isinstance(picture, DrawnPicture)
    (first, one), (second, other) = picture.frames
    assert (first, second) == ("one", "other") and pixels(one).shape == pixels(other).shape
    widths = [
        int((pixels(png)[2 : 2 + SLICE_PX, 2 + SLICE_PX + 4 :][SLICE_PX // 2, :SLICE_PX, 0] > 250).sum())
        for png in (one, other)
    ]
    # The smaller box stands on white, so the ball's own width is measured where it lies.
    assert widths[0] == pytest.approx(60 / 128 * SLICE_PX, abs=8)
    assert widths[1] - (SLICE_PX - round(SLICE_PX * 24 / 32)) == pytest.approx(widths[0], abs=8)
    assert [frame["name"] for frame in as_dict(picture)["frames"]] == ["one", "other"]
