"""Suggested values: RELION's own motion correction says which way round a gain lies."""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest_tiny import cryoloom

from cryoloom import Project
from cryoloom.api.suggesting import gain_of_job, gain_orientation, mask_of, mask_threshold
from cryoloom.em.gain import oriented
from cryoloom.errors import ImageError, ParameterError
from cryoloom.images.mrc import read_mrc, write_mrc

DETECTOR = np.random.default_rng(11).normal(1, 0.08, (96, 160)).clip(0.7, 1.3)  # what a pixel counts of one


def write_movies(folder: Path, count: int = 3) -> list[Path]:
    rng = np.random.default_rng(2)
    y, x = np.mgrid[:96, :160]
    beam = 60 * (1 + 0.2 * np.sin(x / 50) * np.cos(y / 40))
    files = []
    for number in range(count):
        frames = rng.poisson(beam * DETECTOR, (6, 96, 160)).astype(np.int16)
        files.append(folder / f"m{number}.mrc")
        write_mrc(files[-1], frames, 2.0)
    return files


def gains(folder: Path) -> dict[tuple[int, int], Path]:
    """A gain file for each orientation: RELION has to turn it by so much to lay it on the frames."""
    right = 1 / DETECTOR
    found = {}
    for flip in (0, 1, 2):
        for rotation in range(4):
            # The file that comes right when it is turned: undone in the reverse order.
            undone = {0: right, 1: right[::-1], 2: right[:, ::-1]}[flip]
            file = folder / f"gain_{rotation}_{flip}.mrc"
            write_mrc(file, np.rot90(undone, rotation).astype(np.float32), 2.0)
            assert np.allclose(oriented(read_mrc(file), rotation, flip), right, atol=1e-6)
            found[rotation, flip] = file
    return found


@pytest.mark.relion
def test_each_orientation_is_found_and_is_the_one_by_which_relion_s_frames_come_flat(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p")
    movies = write_movies(tmp_path)
    flat, raw = {}, []
    for (rotation, flip), file in gains(tmp_path).items():
        found = gain_orientation(movies, file)
        best = found.choices[0]
        assert found.is_clear
        turned = oriented(read_mrc(file), best.gain_rot, best.gain_flip)
        assert np.allclose(turned, 1 / DETECTOR, atol=1e-6), (rotation, flip, best)
        if flip < 2:
            flat[rotation, flip] = file
    imported = project.run("import.movies", fn_in_raw=str(tmp_path / "m*.mrc"), angpix=2).wait(timeout_s=60)
    jobs = {
        key: project.run(
            "relion.motioncorr", input_star_mics=imported, fn_gain_ref=str(file), gain_rot=str(key[0]),
            gain_flip=str(key[1]), bfactor=30, dose_per_frame=1, do_dose_weighting=False,
        )
        for key, file in flat.items()
    }  # fmt: skip
    raw = project.run(
        "relion.motioncorr", input_star_mics=imported, fn_gain_ref="", bfactor=30, dose_per_frame=1, do_dose_weighting=False
    )  # fmt: skip

    def roughness(job: object) -> float:
        micrographs = job.wait(timeout_s=100).dataset("micrographs").table()  # type: ignore[attr-defined]
        images = [read_mrc(project.path / name) for name in micrographs["rlnMicrographName"]]
        mean = np.mean([image / image.mean() for image in images], axis=0)
        return float(np.corrcoef(mean.ravel(), DETECTOR.ravel())[0, 1])

    assert roughness(raw) > 0.3, "the detector shows where it is not corrected"
    for key, one in jobs.items():
        assert abs(roughness(one)) < 0.1, key


def test_another_detector_s_gain_is_no_answer(tmp_path: Path) -> None:
    movies = write_movies(tmp_path)
    other = np.random.default_rng(99).normal(1, 0.08, DETECTOR.shape).astype(np.float32)
    write_mrc(tmp_path / "other.mrc", other, 2.0)
    write_mrc(tmp_path / "small.mrc", other[:50, :50], 2.0)

    assert not gain_orientation(movies, tmp_path / "other.mrc").is_clear
    with pytest.raises(ImageError, match="50 x 50 px, expected 160 x 96"):
        gain_orientation(movies, tmp_path / "small.mrc")


def test_a_map_s_symmetry_is_told_with_its_axes_and_where_relion_wants_them(tmp_path: Path) -> None:
    at = np.arange(48) - 24
    volume = np.zeros((48, 48, 48))
    # Four arms about z with a thickening on one side each: a propeller, C4.
    for turn in range(4):
        for radius, beyond, z in ((7, 0, 0), (11, 3, 2), (14, 5, 5)):
            angle = np.pi / 2 * turn + np.arctan2(beyond, radius)
            x, y = radius * np.cos(angle), radius * np.sin(angle)
            parts = [np.exp(-((at - centre) ** 2) / 5.0) for centre in (z, y, x)]
            volume += parts[0][:, None, None] * parts[1][None, :, None] * parts[2][None, None, :]
    write_mrc(tmp_path / "propeller.mrc", volume.astype(np.float32), 4.0, is_volume=True)

    said = cryoloom("suggest", "symmetry", str(tmp_path / "propeller.mrc"))
    told = json.loads(cryoloom("suggest", "symmetry", str(tmp_path / "propeller.mrc"), "--json").stdout)

    assert "C4, if the map was made without symmetry." in said.stdout
    Project.create(tmp_path / "p")
    gone = cryoloom("suggest", "symmetry", "gone.mrc", "-p", str(tmp_path / "p"))
    assert gone.returncode == 2 and "gone.mrc, which is missing" in gone.stderr
    assert (told["group"], told["on_relions_axes"]) == ("C4", True)
    [(order, direction, _)] = told["axes"]
    assert order == 4 and abs(direction[2]) > 0.999


def test_a_detector_s_mtf_is_written_for_post_processing(tmp_path: Path) -> None:
    file = tmp_path / "k2.star"

    listed = cryoloom("suggest", "mtf")
    written = cryoloom("suggest", "mtf", "K2", "--kv", "200", "-o", str(file))
    wrong = cryoloom("suggest", "mtf", "K2", "--kv", "120", "-o", str(tmp_path / "none.star"))

    assert "Falcon4EC" in listed.stdout and "Gatan" in listed.stdout
    assert f"fn_mtf={file}" in written.stdout and "rlnMtfValue" in file.read_text()
    assert wrong.returncode != 0 and "expected 200 kV or 300 kV" in wrong.stderr + wrong.stdout
    assert not (tmp_path / "none.star").exists()
    file.write_text("something else")
    assert cryoloom("suggest", "mtf", "K2", "-o", str(file)).returncode != 0
    assert file.read_text() == "something else"


def test_a_tiff_s_rows_are_turned_as_relion_turns_them(tmp_path: Path) -> None:
    import tifffile

    movies = write_movies(tmp_path)
    # TIFF counts rows from the top.
    tifffile.imwrite(tmp_path / "gain.tif", (1 / DETECTOR)[::-1].astype(np.float32))

    best = gain_orientation(movies, tmp_path / "gain.tif").choices[0]
    assert (best.gain_rot, best.gain_flip) == (0, 0)


def test_a_mask_s_threshold_encloses_the_weight_that_is_asked_for(tmp_path: Path) -> None:
    z, y, x = (axis - 32 for axis in np.ogrid[:64, :64, :64])
    radius = np.sqrt(x**2 + y**2 + z**2)
    write_mrc(tmp_path / "ball.mrc", np.exp(-((radius / 14.0) ** 4)).astype(np.float32), 2.0, is_volume=True)

    found = mask_threshold(tmp_path / "ball.mrc", weight_kda=60.0)
    said = cryoloom("suggest", "mask", str(tmp_path / "ball.mrc"), "--weight", "60", "--json")

    assert found.weight_kda == pytest.approx(60, rel=0.02)
    # A ball of 60 kDa: 72,600 Å³, 25.9 Å or 12.9 px across its radius.
    assert found.threshold == pytest.approx(np.exp(-((12.94 / 14.0) ** 4)), rel=0.03)
    assert json.loads(said.stdout) == found.as_dict()
    assert 0.1 < mask_threshold(tmp_path / "ball.mrc").threshold < 0.3


@pytest.mark.relion
def test_a_job_s_map_is_found_by_its_kind_and_one_without_a_map_says_what_it_gives(tiny: Project) -> None:
    jobs = {summary.label: summary.name for summary in tiny.summaries()}

    sharpened, refined = mask_of(tiny, jobs["postprocess"]), mask_of(tiny, f"{jobs['refine']}:volume")
    with pytest.raises(
        ParameterError, match=r"MaskCreate/job\d+, which gives mask \(mask\), expected a job that gives"
    ):
        mask_of(tiny, jobs["mask"])
    with pytest.raises(ParameterError, match="expected a job that gives movies"):
        gain_of_job(tiny, jobs["postprocess"], Path("gain.mrc"))

    assert sharpened == mask_threshold(tiny.path / jobs["postprocess"] / "postprocess.mrc")
    assert refined == mask_threshold(tiny.path / jobs["refine"] / "run_class001.mrc")
