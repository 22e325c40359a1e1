"""What the views of each kind of job show: values, units, order and counts, against files whose content is known."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

from cryoloom import star
from cryoloom.images.mrc import write_mrc
from cryoloom.images.thumbnails import LABEL_PX
from cryoloom.protocol.views import Gallery, Look, Metrics, Micrograph, TableBlock, Text, View
from cryoloom.star.expressions import evaluated
from cryoloom.views.classes import class2d_views, class3d_views, selection_views
from cryoloom.views.ctf import ctf_views
from cryoloom.views.drawing import draw
from cryoloom.views.drawn import Drawn, DrawnChart, DrawnPicture
from cryoloom.views.foreign import views_of_files
from cryoloom.views.imports import micrograph_view
from cryoloom.views.maps import map_views
from cryoloom.views.motion import motion_views
from cryoloom.views.orientations import orientation_views
from cryoloom.views.particles import particle_views
from cryoloom.views.picks import SEARCHED, pick_views, relion_pick_views
from cryoloom.views.postprocess import postprocess_views
from cryoloom.views.refinement import refinement_views, resolution_words
from cryoloom.views.resolve import is_there, look_at
from cryoloom.views.tables import frame_of

JOB = "Kind/job005/"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / JOB).mkdir(parents=True)
    return tmp_path


def shown(views: list[View], name: str, root: Path, **asked: Any) -> list[Drawn]:
    return look_at(next(view for view in views if view.name == name), root, **asked)


def values(part: Drawn) -> list[dict[str, Any]]:
    assert isinstance(part, DrawnChart)
    layer = part.spec["layer"][0] if "layer" in part.spec else part.spec
    return list(layer["data"]["values"])


def titles(part: Drawn) -> tuple[str, str]:
    assert isinstance(part, DrawnChart)
    layer = part.spec["layer"][0] if "layer" in part.spec else part.spec
    return layer["encoding"]["x"]["title"], layer["encoding"]["y"]["title"]


def figures(part: Drawn) -> dict[str, str]:
    assert isinstance(part, Metrics)
    return dict(part.rows)


def test_motion_is_in_angstrom_by_each_group_s_own_pixel_and_a_missing_one_is_a_gap(root: Path) -> None:
    optics = pl.DataFrame({"rlnOpticsGroup": [1, 2, 3], "rlnMicrographOriginalPixelSize": [0.5, 2.0, None]})
    table = pl.DataFrame({
        "rlnMicrographName": ["a.mrc", "b.mrc", "c.mrc"], "rlnOpticsGroup": [1, 2, 3],
        "rlnAccumMotionTotal": [10.0, 10.0, 7.0], "rlnAccumMotionEarly": [2.0, 1.0, 1.0],
        "rlnMicrographMetadata": [f"{JOB}a.star", f"{JOB}b.star", f"{JOB}c.star"],
    })  # fmt: skip
    star.write(root / JOB / "corrected_micrographs.star", {"optics": optics, "micrographs": table})
    shifts = pl.DataFrame({
        "rlnMicrographFrameNumber": [1, 2], "rlnMicrographShiftX": [0.0, 1.5], "rlnMicrographShiftY": [0.0, -0.5]
    })  # fmt: skip
    star.write(
        root / JOB / "b.star", {"general": {"rlnMicrographOriginalPixelSize": 2.0}, "global_shift": shifts}
    )
    views = motion_views(JOB)

    [chart] = shown(views, "motion", root)
    [track] = shown(views, "tracks", root, item="worst")

    by_part = {
        (row["part"], row["number"]): row["motion"] for row in values(chart) if row["motion"] is not None
    }
    assert [row["number"] for row in values(chart) if row["motion"] is None] == [3, 3]
    assert by_part == {
        ("all frames", 1): 5.0,
        ("all frames", 2): 20.0,
        ("first frames", 1): 1.0,
        ("first frames", 2): 2.0,
    }
    assert titles(chart) == ("micrograph", "accumulated motion, Å")
    # The frame is moved back by RELION's shift; the specimen went the other way.
    assert [(row["x"], row["y"]) for row in values(track)] == [(0.0, 0.0), (-3.0, 1.0)]
    assert track.title == "Motion of b"
    axes = [track.spec["encoding"][side]["scale"]["domain"] for side in "xy"]  # type: ignore[union-attr]
    assert axes[0][1] - axes[0][0] == pytest.approx(axes[1][1] - axes[1][0])


def test_early_motion_that_relion_did_not_count_is_not_drawn_as_none(root: Path) -> None:
    optics = pl.DataFrame({"rlnOpticsGroup": [1], "rlnMicrographOriginalPixelSize": [2.0]})
    table = pl.DataFrame({
        "rlnMicrographName": ["a.mrc", "b.mrc"], "rlnOpticsGroup": [1, 1], "rlnAccumMotionTotal": [3.0, 4.0],
        "rlnAccumMotionEarly": [0.0, 0.0],
    })  # fmt: skip
    star.write(root / JOB / "corrected_micrographs.star", {"optics": optics, "micrographs": table})

    [chart] = shown(motion_views(JOB), "motion", root)

    assert [(row["part"], row["motion"]) for row in values(chart)] == [
        ("all frames", 6.0),
        ("all frames", 8.0),
    ]


def test_frames_that_were_left_out_of_the_sum_are_no_places_on_the_track(root: Path) -> None:
    optics = pl.DataFrame({"rlnOpticsGroup": [1], "rlnMicrographOriginalPixelSize": [2.0]})
    table = pl.DataFrame(
        {"rlnMicrographName": ["a.mrc"], "rlnOpticsGroup": [1], "rlnMicrographMetadata": [f"{JOB}a.star"]}
    )
    star.write(root / JOB / "corrected_micrographs.star", {"optics": optics, "micrographs": table})
    # As relion_run_motioncorr --first_frame_sum 2 --last_frame_sum 3 writes a movie of four frames.
    shifts = pl.DataFrame({
        "rlnMicrographFrameNumber": [1, 2, 3, 4], "rlnMicrographShiftX": [-9999.0, 0.0, -0.5, -9999.0],
        "rlnMicrographShiftY": [-9999.0, 0.0, 1.0, -9999.0],
    })  # fmt: skip
    star.write(root / JOB / "a.star", {"global_shift": shifts})

    [track] = shown(motion_views(JOB), "tracks", root)

    assert [(row["x"], row["y"], row["frame"]) for row in values(track)] == [(0.0, 0.0, 2), (1.0, -2.0, 3)]
    assert isinstance(track, DrawnChart) and track.caption == "Frame 2 lies at (0, 0)."


def test_a_micrograph_has_the_pixel_size_of_its_optics_group_and_not_that_of_its_header(root: Path) -> None:
    chance = np.random.default_rng(0)
    for name in "ab":  # a header of 1 Å, as many programs leave it
        write_mrc(root / f"{name}.mrc", chance.normal(size=(80, 100)).astype(np.float32), 1.0)
        star.write(
            root / JOB / f"{name}_pick.star",
            {"": pl.DataFrame({"rlnCoordinateX": [50.0], "rlnCoordinateY": [40.0]})},
        )
    optics = pl.DataFrame({"rlnOpticsGroup": [1, 2], "rlnMicrographPixelSize": [2.0, 4.0]})
    items = pl.DataFrame({"rlnMicrographName": ["a.mrc", "b.mrc"], "rlnOpticsGroup": [1, 2]})
    star.write(root / "m.star", {"optics": optics, "micrographs": items})
    files = [f"{JOB}{name}_pick.star" for name in "ab"]
    table = items.select("rlnMicrographName", rlnMicrographCoordinates=pl.Series(files), cryoloomCount=1)
    star.write(root / JOB / "coordinates.star", {"coordinates": table})
    (root / JOB / "coords_suffix_pick.star").write_text("m.star\n")

    for views in (
        pick_views(JOB + "coordinates.star", "m.star", 80.0),
        relion_pick_views(root, JOB + "coords_suffix_pick.star", 80.0),
    ):
        wide = []
        for name in "ab":
            [picture] = shown(views, "picks", root, item=name)
            assert isinstance(picture, DrawnPicture)
            drawn = pixels(picture.png)
            orange = np.argwhere((drawn[..., 0] > 200) & (drawn[..., 2] < 100))
            wide.append(np.ptp(orange[:, 1]))
        # 80 Å are 40 px of 2 Å, and 20 px of 4 Å.
        assert wide == pytest.approx([40, 20], abs=2)
    view = micrograph_view("m.star")
    row = {"rlnMicrographName": "b.mrc", "rlnMicrographPixelSize": 4.0}
    [block] = view.blocks(Look(root, item=row))
    assert isinstance(block, Micrograph) and block.pixel_size == 4.0
    assert view.items is not None and "rlnMicrographPixelSize" in view.items.rows.of_group


def test_ctf_views_name_groups_and_show_any_micrograph_s_rings(root: Path) -> None:
    image = np.zeros((16, 16), np.float32)
    for name in "ab":
        write_mrc(root / JOB / f"{name}.ctf", image, 1.0)
        curves = "# x\n0.1 0.2 0.3\n0 0 0\n1 2 3\n0 1 0\n0.9 0.8 0.7\n"
        (root / JOB / f"{name}_avrot.txt").write_text(
            curves if name == "a" else curves.replace("1 2 3", "4 4 4")
        )
    optics = pl.DataFrame({"rlnOpticsGroup": [1, 2], "rlnOpticsGroupName": ["left", "right"]})
    table = pl.DataFrame({
        "rlnMicrographName": ["a.mrc", "b.mrc", "c.mrc"], "rlnOpticsGroup": [2, 1, 1],
        "rlnCtfImage": [f"{JOB}a.ctf:mrc", f"{JOB}b.ctf:mrc", None],
        "rlnDefocusU": [10000.0, 20000.0, 12000.0], "rlnDefocusV": [9000.0, 20000.0, 11000.0],
        "rlnCtfMaxResolution": [4.0, 9.0, float("inf")],
    })  # fmt: skip
    star.write(root / JOB / "micrographs_ctf.star", {"optics": optics, "micrographs": table})
    views = ctf_views(JOB + "micrographs_ctf.star")

    [scatter] = shown(views, "ctf", root)
    assert [(row["defocus"], row["rlnCtfMaxResolution"], row["rlnOpticsGroupName"]) for row in values(scatter)] == [
        (9500.0, 4.0, "right"), (20000.0, 9.0, "left"),
    ]  # fmt: skip
    assert titles(scatter) == ("mean defocus, Å", "rings fit to, Å")
    assert sum(row["count"] for row in values(shown(views, "astigmatism", root)[0])) == 3
    [rings] = shown(views, "rings", root, item="a")
    assert isinstance(rings, DrawnPicture) and rings.title == "Power spectrum of a"
    [curves_of_b] = shown(views, "rings1d", root, item="b")
    assert curves_of_b.title == "Thon rings of b"
    assert {row["value"] for row in values(curves_of_b) if row["curve"] == "agreement"} == {0.9, 0.8, 0.7}
    assert shown(views, "rings1d", root) == []  # the newest has no image


def test_picks_are_counted_and_drawn_on_the_micrograph_that_is_asked_for(root: Path) -> None:
    chance = np.random.default_rng(0)
    for name, places in (("a", [(30.0, 40.0)]), ("b", [(10.0, 20.0), (50.0, 60.0)])):
        write_mrc(root / f"{name}.mrc", chance.normal(size=(80, 100)).astype(np.float32), 2.0)
        picks = pl.DataFrame({
            "rlnCoordinateX": [x for x, _ in places], "rlnCoordinateY": [y for _, y in places],
            "rlnAutopickFigureOfMerit": [0.5 if n else -999.0 for n in range(len(places))],
        })  # fmt: skip
        star.write(root / JOB / f"{name}_autopick.star", {"": picks})
    table = pl.DataFrame({
        "rlnMicrographName": ["a.mrc", "b.mrc"], "cryoloomCount": [1, 2],
        "rlnMicrographCoordinates": [f"{JOB}a_autopick.star", f"{JOB}b_autopick.star"],
    })  # fmt: skip
    star.write(root / JOB / "coordinates.star", {"coordinates": table})
    views = pick_views(JOB + "coordinates.star", "m.star", 40.0)

    chart, total = shown(views, "counts", root)
    [picture], [worst] = shown(views, "picks", root), shown(views, "picks", root, item="worst")
    [merit] = shown(views, "merit", root)

    assert [(row["number"], row["picks"]) for row in values(chart)] == [(1, 1.0), (2, 2.0)]
    assert figures(total)["picks"] == "3"
    assert (picture.title, worst.title) == ("2 picks on b", "1 pick on a")
    assert isinstance(picture, DrawnPicture) and picture.caption == SEARCHED
    # RELION's -999 is no figure of merit.
    assert sum(row["count"] for row in values(merit)) == 1
    assert isinstance(worst, DrawnPicture)
    drawn = pixels(worst.png)
    orange = np.argwhere((drawn[..., 0] > 200) & (drawn[..., 2] < 100))
    # A circle of 40 Å about (30, 40) px of 2 Å; row 0 lies at the bottom.
    assert orange[:, 1].mean() == pytest.approx(30, abs=1.5) and 79 - orange[:, 0].mean() == pytest.approx(
        40, abs=1.5
    )
    assert np.ptp(orange[:, 1]) == pytest.approx(20, abs=2.5)


def pixels(png: bytes) -> np.ndarray[Any, Any]:
    import io

    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def test_particles_are_counted_with_box_and_pixel_size_of_each_group(root: Path) -> None:
    optics = pl.DataFrame(
        {"rlnOpticsGroup": [1, 2], "rlnImageSize": [64, 80], "rlnImagePixelSize": [1.5, 1.2]}
    )
    table = pl.DataFrame({
        "rlnImageName": ["1@x.mrcs"] * 3, "rlnMicrographName": ["a", "a", "b"], "rlnOpticsGroup": [1, 1, 2],
        "rlnDefocusU": [1e4, 1e4, 2e4], "rlnDefocusV": [1e4, 1e4, 2e4],
    })  # fmt: skip
    star.write(root / JOB / "particles.star", {"optics": optics, "particles": table})
    views = particle_views(JOB + "particles.star")

    [said] = shown(views, "particles", root)

    assert figures(said) == {
        "particles": "3",
        "micrographs": "2",
        "box": "64, 80 px",
        "pixel size": "1.5, 1.2 Å",
    }
    assert sum(row["count"] for row in values(shown(views, "defocus", root)[0])) == 3
    assert shown(views, "images", root) == []


def write_model(root: Path, iteration: int, shares: list[float], **general: Any) -> None:
    stem = f"{JOB}run_it{iteration:03d}_"
    write_mrc(
        root / f"{stem}classes.mrcs",
        np.random.default_rng(1).normal(size=(len(shares), 8, 8)).astype(np.float32),
        3.0,
    )
    classes = pl.DataFrame({
        "rlnReferenceImage": [f"{n + 1:06d}@{stem}classes.mrcs" for n in range(len(shares))], "rlnClassDistribution": shares,
        "rlnAccuracyRotations": [2.0, 999.0, 3.0][: len(shares)],
        "rlnEstimatedResolution": [9.5, float("inf"), 12.0][: len(shares)],
    })  # fmt: skip
    star.write(
        root / f"{stem}model.star",
        {"model_general": {"rlnPixelSize": 3.0, **general}, "model_classes": classes},
    )


def test_classes_stand_by_size_with_their_numbers_and_any_iteration_can_be_asked_for(root: Path) -> None:
    write_model(root, 0, [1 / 3] * 3)
    write_model(root, 9, [0.2, 0.1, 0.7])
    write_model(root, 10, [0.25, 0.15, 0.6])
    views = class2d_views(root, JOB)

    [gallery] = shown(views, "classes", root)
    [table] = shown(views, "class_table", root)
    [older] = shown(views, "class_table", root, iteration=9)
    [course] = shown(views, "convergence", root)

    assert gallery.title == "Class averages of iteration 10"
    assert isinstance(table, TableBlock) and isinstance(older, TableBlock)
    assert [[*row] for row in table.rows] == [
        ["3", "60.0 %", "12.0 Å", "3.0°"], ["1", "25.0 %", "9.5 Å", "2.0°"], ["2", "15.0 %", "unknown", "unknown"],
    ]  # fmt: skip
    assert [row[1] for row in older.rows] == ["70.0 %", "20.0 %", "10.0 %"]
    assert [(row["iteration"], round(row["share"])) for row in values(course) if row["class"] == "class 3"] == [
        (0, 33), (9, 70), (10, 60),
    ]  # fmt: skip


def test_one_class_alone_has_no_course_and_says_so(root: Path) -> None:
    for iteration in (0, 1):
        write_model(root, iteration, [1.0])

    [said] = shown(class2d_views(root, JOB), "convergence", root)

    assert isinstance(said, Text) and said.text == "All particles are in the one class."


def test_picks_by_hand_show_the_newest_micrograph_that_has_some_and_no_figure_of_merit(root: Path) -> None:
    """Of five micrographs RELION's window was opened on three, and nothing was picked on the last of these."""
    names = [f"m_{number}.mrc" for number in range(1, 6)]
    for name in names:
        write_mrc(root / name, np.zeros((8, 8), np.float32), 2.0)
    star.write(root / "mics.star", {"micrographs": pl.DataFrame({"rlnMicrographName": names})})
    (root / JOB / "coords_suffix_manualpick.star").write_text("mics.star\n")
    for name, count in (("m_2", 1), ("m_3", 2), ("m_5", 0)):
        picks = pl.DataFrame({"rlnCoordinateX": [4.0] * count, "rlnCoordinateY": [4.0] * count})
        merit = pl.lit(-999.0).alias("rlnAutopickFigureOfMerit")
        star.write(root / JOB / f"{name}_manualpick.star", {"": picks.with_columns(merit)})
    views = relion_pick_views(root, f"{JOB}coords_suffix_manualpick.star", 8.0, caption="By hand.")

    [picture] = shown(views, "picks", root)
    [chart, total] = shown(views, "counts", root)

    assert isinstance(picture, DrawnPicture)
    assert (picture.title, picture.caption) == ("2 picks on m_3", "By hand.")
    assert shown(views, "picks", root, item="5")[0].title == "0 picks on m_5"
    assert [(row["number"], row["picks"]) for row in values(chart)] == [(2, 1.0), (3, 2.0), (5, 0.0)]
    assert figures(total)["micrographs"] == "3 of 5"
    assert [view.name for view in views if is_there(view, root)] == ["counts", "picks"]
    file = root / JOB / "m_2_manualpick.star"
    star.write(file, {"": pl.DataFrame({"rlnCoordinateX": [4.0], "rlnAutopickFigureOfMerit": [0.5]})})
    assert "merit" in [view.name for view in views if is_there(view, root)]


def test_a_running_refinement_shows_its_course_and_the_fsc_of_its_newest_iteration(root: Path) -> None:
    for iteration, resolution in ((0, 999.0), (1, 20.0), (2, 8.0)):
        stem = f"{JOB}run_it{iteration:03d}_"
        fsc = pl.DataFrame({
            "rlnResolution": [0.0, 0.05, 0.1, 0.125], "rlnGoldStandardFsc": [1.0, 0.9, 0.5, 0.1 if iteration else 0.0]
        })  # fmt: skip
        model = {"model_general": {"rlnCurrentResolution": resolution}, "model_class_1": fsc}
        star.write(root / f"{stem}half1_model.star", model)
        star.write(root / f"{stem}sampling.star", {"sampling_general": {"rlnPsiStep": 7.5}})
        is_masked = {"optimiser_general": {"rlnDoSolventFscCorrection": int(iteration == 2)}}
        star.write(root / f"{stem}optimiser.star", is_masked)
    views = refinement_views(root, JOB)

    [course], [fsc_now] = shown(views, "progress", root), shown(views, "fsc", root)

    assert [
        (row["iteration"], row["value"]) for row in values(course) if row["what"] == "resolution (Å)"
    ] == [(1, 20.0), (2, 8.0)]
    assert fsc_now.title == "Gold-standard FSC of iteration 2"
    assert {row["curve"] for row in values(fsc_now)} == {"half maps (0.143 at 10.00 Å)"}
    [fsc_before] = shown(views, "fsc", root, iteration=1)
    assert fsc_before.title.endswith("iteration 1")
    captions = [part.caption for part in (fsc_before, fsc_now) if isinstance(part, DrawnChart)]
    # The curve's resolution and RELION's own are two numbers; each stands with what it is, and is that iteration's.
    signal = "the finest shell with as much signal as noise"
    assert captions == [
        f"Dashed: 0.143. Without a mask. RELION's resolution of iteration 1: 20.00 Å, {signal}.",
        "Dashed: 0.143. Within the mask, corrected for what it correlates itself. RELION's resolution of iteration 2: 8.00 Å, "
        f"{signal}.",
    ]
    star.write(root / f"{JOB}run_model.star", {**model, "model_general": {"rlnCurrentResolution": 8.5}})
    ended = refinement_views(root, JOB)
    [course], [fsc_end] = shown(ended, "progress", root), shown(ended, "fsc", root)
    for part, beginning in ((course, "Resolution: rlnCurrentResolution"), (fsc_end, "Dashed: 0.143.")):
        assert isinstance(part, DrawnChart) and part.caption.startswith(beginning)
        assert "at the end" in part.caption.lower() and "8.50 Å" in part.caption


def test_a_resolution_is_that_of_the_last_shell_above_the_threshold() -> None:
    k = [0.0, 0.1, 0.2, 0.25]

    assert resolution_words(k, [1, 0.9, 0.2, 0.1]) == "5.00 Å"
    assert resolution_words(k, [1, 0.9, 0.8, 0.7]) == "to 4.00 Å, the pixel size's limit"
    assert resolution_words(k, [1, 0.1, 0.0, 0.0]) == "unknown"


def test_post_processing_says_the_resolution_of_each_curve_and_leaves_out_logarithms_of_nothing(
    root: Path,
) -> None:
    curves = {
        "Corrected": [1.0, 0.9, 0.15, 0.1],
        "MaskedMaps": [1.0, 0.95, 0.5, 0.1],
        "UnmaskedMaps": [1.0, 0.5, 0.1, 0.0],
    }
    fsc = pl.DataFrame({
        "rlnResolution": [0.0, 0.1, 0.2, 0.25], "rlnAngstromResolution": [999.0, 10.0, 5.0, 4.0],
        **{f"rlnFourierShellCorrelation{name}": column for name, column in curves.items()},
    })  # fmt: skip
    guinier = pl.DataFrame({"rlnResolutionSquared": [0.01, 0.02], "rlnLogAmplitudesOriginal": [-5.0, -99.0]})
    general = {"rlnFinalResolution": 5.0, "rlnBfactorUsedForSharpening": -80.0}
    star.write(root / JOB / "postprocess.star", {"general": general, "fsc": fsc, "guinier": guinier})
    views = postprocess_views(JOB)

    [result], [chart], [fall] = (shown(views, name, root) for name in ("resolution", "fsc", "guinier"))

    assert figures(result) == {"resolution (FSC 0.143)": "5.00 Å", "B-factor for sharpening": "-80.0 Å²"}
    assert [*dict.fromkeys(row["curve"] for row in values(chart))] == [
        "corrected (5.00 Å)", "masked (5.00 Å)", "unmasked (10.00 Å)",
    ]  # fmt: skip
    assert [(row["k2"], row["amplitude"]) for row in values(fall)] == [(0.01, -5.0)]


def test_an_accuracy_that_relion_did_not_estimate_is_unknown_and_not_perfect(root: Path) -> None:
    # As in InitialModel/job015 of RELION's tutorial.
    classes = pl.DataFrame({
        "rlnReferenceImage": ["run_it150_class001.mrc"], "rlnClassDistribution": [1.0], "rlnAccuracyRotations": [0.0],
        "rlnEstimatedResolution": [20.596364],
    })  # fmt: skip
    star.write(root / JOB / "run_it150_model.star", {"model_classes": classes})

    [table] = shown(class3d_views(root, JOB), "class_table", root)

    assert isinstance(table, TableBlock) and [[*row] for row in table.rows] == [
        ["1", "100.0 %", "20.6 Å", "unknown"]
    ]


@pytest.mark.parametrize("is_recentred", [True, False])
def test_a_chosen_class_keeps_its_number_where_relion_has_re_centred_the_averages(
    root: Path, is_recentred: bool
) -> None:
    write_mrc(root / JOB / "class_averages.mrcs", np.ones((30, 8, 8), np.float32), 2.0)
    places = [1, 2] if is_recentred else [4, 24]
    chosen = pl.DataFrame({
        "rlnReferenceImage": [f"{place:06}@{JOB}class_averages.mrcs" for place in places],
        "rlnClassDistribution": [0.057, 0.115],
    })  # fmt: skip
    if is_recentred:  # as in Select/job009 of RELION's tutorial
        chosen = chosen.with_columns(rlnClassNumber=pl.Series([4, 24]))
    star.write(root / JOB / "class_averages.star", {"": chosen})
    [view] = selection_views(JOB)

    [block] = view.blocks(Look(root))

    assert isinstance(block, Gallery)
    assert evaluated(frame_of(root, block.rows), block.label).to_list() == ["4: 5.7 %", "24: 11.5 %"]


def test_chosen_classes_in_three_dimensions_are_shown_as_maps(root: Path) -> None:
    for number in (2, 3):
        write_mrc(
            root / f"run_it025_class{number:03}.mrc", np.ones((8, 8, 8), np.float32), 2.0, is_volume=True
        )
    chosen = pl.DataFrame({
        "rlnReferenceImage": ["run_it025_class002.mrc", "run_it025_class003.mrc"],
        "rlnClassDistribution": [0.25, 0.5],
    })  # fmt: skip
    star.write(root / JOB / "class_averages.star", {"": chosen})

    found = shown(selection_views(JOB), "averages", root)

    assert [part.title for part in found] == ["run_it025_class002: 25.0 %", "run_it025_class003: 50.0 %"]
    pictures = [part for part in found if isinstance(part, DrawnPicture)]
    assert len(pictures) == 2
    draw(found, root / "both.png")
    both, one = (Image.open(io.BytesIO(png)) for png in ((root / "both.png").read_bytes(), pictures[0].png))
    assert both.width == one.width and both.height > 2 * one.height, "a picture has all of them"
    for number in range(2):
        top = number * (one.height + 2 * LABEL_PX + 2) + LABEL_PX  # below its title
        assert np.array_equal(
            np.asarray(both)[top : top + one.height], np.asarray(Image.open(io.BytesIO(pictures[number].png)))
        )


def test_post_processing_says_what_the_mask_encloses_and_not_what_relion_calls_its_fraction(
    root: Path,
) -> None:
    mask = np.zeros((10, 10, 10), np.float32)
    mask[:2] = 1.0
    write_mrc(root / "mask.mrc", mask, 1.0)
    # As RELION 3.1.3 writes it for a mask of a fifth of the box.
    general = {
        "rlnFinalResolution": 5.0, "rlnParticleBoxFractionSolventMask": 2.32, "rlnMaskName": "mask.mrc",
    }  # fmt: skip
    fsc = pl.DataFrame({"rlnResolution": [0.0, 0.1], "rlnAngstromResolution": [999.0, 10.0]})
    star.write(root / JOB / "postprocess.star", {"general": general, "fsc": fsc})

    [result] = shown(postprocess_views(JOB), "resolution", root)

    assert figures(result)["mask encloses"] == "20.0 % of the box (mask.mrc)"


@pytest.mark.parametrize(("symmetry", "filled"), [("C1", 1), ("C4", 4), ("D2", 4)])
def test_all_mates_of_a_view_are_drawn_and_each_particle_counts_once(
    root: Path, symmetry: str, filled: int
) -> None:
    table = pl.DataFrame(
        {"rlnAngleRot": [10.0] * 8, "rlnAngleTilt": [60.0] * 8, "rlnMaxValueProbDistribution": [0.5] * 8}
    )
    star.write(root / JOB / "run_data.star", {"particles": table})

    [chart] = shown(orientation_views(JOB + "run_data.star", symmetry=symmetry), "orientations", root)

    rows = values(chart)
    assert len(rows) == filled and sum(row["particles"] for row in rows) == pytest.approx(8)
    own = [row for row in rows if row["rot"] <= 10 < row["rot2"] and row["cos"] <= 0.5 <= row["cos2"]]
    assert len(own) == 1
    if symmetry == "D2":
        assert {row["cos"] < 0 for row in rows} == {True, False}  # no empty half of the sphere


def test_a_mask_says_how_much_it_encloses(root: Path) -> None:
    mask = np.zeros((10, 10, 10), np.float32)
    mask[:5] = 1.0
    write_mrc(root / JOB / "mask.mrc", mask, 2.0, is_volume=True)

    said, slices = shown(map_views(JOB + "mask.mrc", "mask"), "slices", root)

    assert figures(said) == {
        "box": "10 x 10 x 10 px",
        "pixel size": "2 Å",
        "encloses": "50.0 % of the box",
        "volume": "4 nm³",
    }
    assert isinstance(slices, DrawnPicture)


def test_jobs_that_relion_made_show_what_their_files_tell(root: Path) -> None:
    write_model(root, 25, [0.3, 0.7], rlnReferenceDimensionality=3)
    star.write(root / JOB / "run_it025_sampling.star", {"sampling_general": {"rlnSymmetryGroup": "C4"}})
    data = pl.DataFrame({"rlnAngleRot": [10.0], "rlnAngleTilt": [60.0], "rlnMaxValueProbDistribution": [0.5]})
    star.write(root / JOB / "run_it025_data.star", {"particles": data})
    local = np.full((6, 6, 6), 100.0, np.float32)
    local[2:4] = 4.0
    write_mrc(root / JOB / "relion_locres.mrc", local, 1.0, is_volume=True)
    micrographs = pl.DataFrame(
        {"rlnMicrographName": ["MotionCorr/job002/m/a.mrc", "MotionCorr/job002/m/b.mrc"]}
    )
    star.write(root / "mics.star", {"micrographs": micrographs})
    (root / JOB / "coords_suffix_manualpick.star").write_text("mics.star\n")
    (root / JOB / "m").mkdir()
    picks = pl.DataFrame({"rlnCoordinateX": [1.0, 2.0], "rlnCoordinateY": [1.0, 2.0]})
    star.write(root / JOB / "m/b_manualpick.star", {"": picks})
    views = views_of_files(root, JOB)

    orientations = shown(views, "orientations", root)[0]
    chart, said = shown(views, "local_resolution", root)
    _, counts = shown(views, "counts", root)

    assert len(values(orientations)) == 4
    assert figures(said)["median"] == "4.00 Å" and sum(row["count"] for row in values(chart)) == 2 * 36
    assert figures(counts) == {"picks": "2", "micrographs": "1 of 2", "picks on a micrograph": "2.0"}
    assert len({view.name for view in views}) == len(views)


def test_very_many_orientations_are_gathered_and_still_counted_once_each(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cryoloom.views import orientations

    chance = np.random.default_rng(3)
    table = pl.DataFrame({
        "rlnAngleRot": chance.uniform(-180, 180, 4000), "rlnAngleTilt": np.degrees(np.arccos(chance.uniform(0.3, 0.6, 4000))),
    })  # fmt: skip
    star.write(root / JOB / "run_data.star", {"particles": table})
    views = orientation_views(JOB + "run_data.star", symmetry="D2")
    exact = {
        (row["rot"], row["cos"]): row["particles"] for row in values(shown(views, "orientations", root)[0])
    }
    monkeypatch.setattr(orientations, "MANY", 100)

    rows = values(shown(views, "orientations", root)[0])

    assert sum(row["particles"] for row in rows) == pytest.approx(4000)
    errors = [row["particles"] - exact.get((row["rot"], row["cos"]), 0.0) for row in rows]
    assert np.abs(errors).max() < 5
