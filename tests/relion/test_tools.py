"""Programs of RELION's that have no button: maps, images, movies and gains against what is true of them."""

import shutil
import subprocess
from pathlib import Path

import mrcfile
import numpy as np
import polars as pl
import pytest
import tifffile
from conftest_tiny import job
from predicted import images_of
from scipy.ndimage import gaussian_filter

from cryoloom import Project, star
from cryoloom.api.relion_command import commands_of
from cryoloom.em.fourier import fourier_shell_correlation, resample
from cryoloom.em.poses import matrices
from cryoloom.errors import ParameterError
from cryoloom.simulate.compare.maps import compare_maps
from cryoloom.simulate.truth import Truth, read_map, read_truth, write_map

pytestmark = [pytest.mark.relion, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def project(tiny: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("tools") / "p"
    shutil.copytree(tiny.path, folder, symlinks=True)
    return Project(folder)


@pytest.fixture(scope="module")
def truth(project: Project) -> Truth:
    return read_truth(project.path / "microscope/truth")


def test_a_map_and_its_halves_are_reconstructed_from_the_orientations_there_are(
    project: Project, truth: Truth
) -> None:
    refined = job(project, "refine_masked")
    made = project.run("relion.reconstruct", input=refined, sym_name="T", do_halves=True).wait(timeout_s=120)

    volume, angpix = read_map(project.path / made.dataset("volume").path)
    own, _ = read_map(project.path / project.job(refined).dataset("volume").path)
    assert fourier_shell_correlation(volume, own)[3:20].min() > 0.9
    score = compare_maps(volume, angpix, truth.map, truth.mask, truth.angpix, "T")
    assert score.fsc[2:16].min() > 0.8
    halves = [
        read_map(project.path / made.dataset("half_maps").path.replace("half1", f"half{half}"))[0]
        for half in (1, 2)
    ]
    rows = project.job(refined).dataset("particles").table(["rlnRandomSubset"])["rlnRandomSubset"]
    weights = [(rows == half).mean() for half in (1, 2)]
    # Each half is of its own particles, and together they are the whole.
    both = sum(weight * half for weight, half in zip(weights, halves, strict=True))
    assert fourier_shell_correlation(np.asarray(both), volume)[2:20].min() > 0.98
    assert fourier_shell_correlation(*halves)[20:30].mean() < 0.98
    done = project.run(
        "relion.postprocess", fn_in=made, fn_mask=job(project, "mask")
    ).wait(timeout_s=60)  # fmt: skip
    assert done.state == "succeeded"


def test_a_map_turned_at_random_comes_back_onto_its_axes(project: Project, truth: Truth) -> None:
    small = resample(truth.map, truth.angpix, 32, truth.angpix * truth.map.shape[0] / 32)
    angpix = truth.angpix * truth.map.shape[0] / 32
    import scipy.ndimage

    turn = matrices(np.array([37.0, 64.0, 121.0]))
    middle = np.full(3, 16.0)
    turned = scipy.ndimage.affine_transform(small, turn, middle - turn @ middle, order=3)
    write_map(project.path / "turned.mrc", turned, angpix)

    with pytest.raises(ParameterError, match="box_size is 64 px, expected at most 32 px"):
        project.run("relion.symmetrise", fn_in="turned.mrc", sym_name="T")
    # It begins at random, by the time: with 400 orientations one in some dozens is a poor one.
    given = {"sym_name": "T", "box_size": 32, "nr_uniform": 1500}
    made = project.run("relion.symmetrise", fn_in="turned.mrc", **given).wait(timeout_s=200)

    aligned, _ = read_map(project.path / made.dataset("aligned").path)
    symmetric, _ = read_map(project.path / made.dataset("volume").path)
    # On its axes the map is nearly what it is averaged to; and it is the molecule.
    assert np.corrcoef(aligned.ravel(), symmetric.ravel())[0, 1] > 0.9
    mask = resample(truth.mask, truth.angpix, 32, angpix)
    score = compare_maps(symmetric, angpix, small, mask, angpix, "T")
    assert score.fsc[2:8].min() > 0.8


def test_particles_are_scaled_cut_and_normalised_and_stay_themselves(project: Project) -> None:
    given = job(project, "particles_unbinned")
    made = project.run(
        "relion.preprocess", input=given, scale=32, do_norm=True, do_invert=True
    ).wait(timeout_s=60)  # fmt: skip
    cut = project.run("relion.preprocess", input=given, window=48).wait(timeout_s=60)
    both = project.run("relion.preprocess", input=given, scale=32, window=24).wait(timeout_s=60)

    before, after, smaller = (
        project.job(name).dataset("particles").table() for name in (given, made.name, cut.name)
    )
    assert after["cryoloomItemId"].equals(before["cryoloomItemId"])
    optics = star.tables_of(star.read(project.path / made.dataset("particles").path))["optics"]
    assert optics["rlnImagePixelSize"].to_list() == pytest.approx([6.0] * optics.height)
    assert optics["rlnImageSize"].to_list() == [32] * optics.height
    old, new, window = (images_of(rows, str(project.path)) for rows in (before, after, smaller))
    y, x = np.mgrid[:32, :32] - 16
    outside = np.hypot(y, x) > 12
    assert np.abs(new[:, outside].mean(axis=1)).max() < 0.02
    assert np.abs(new[:, outside].std(axis=1) - 1).max() < 0.02
    # The same images, inverted, at half the sampling: averages of two by two pixels tell them from all others.
    binned = old.reshape(len(old), 32, 2, 32, 2).mean(axis=(2, 4))
    own = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(binned, new, strict=True)]
    others = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(binned[1:], new[:-1], strict=True)]
    assert max(own) < -0.7 < -0.5 < min(others)
    assert np.allclose(window, old[:, 8:56, 8:56], atol=1e-4)
    # Scaled, then cut: about the middle of the scaled box.
    scaled = project.run("relion.preprocess", input=given, scale=32).wait(timeout_s=60)
    small, all_of_it = (
        images_of(project.job(one.name).dataset("particles").table(), str(project.path))
        for one in (both, scaled)
    )
    assert np.allclose(small, all_of_it[:, 4:28, 4:28], atol=1e-4)
    whole = star.tables_of(star.read(project.path / cut.dataset("particles").path))["optics"]
    assert whole["rlnImagePixelSize"].to_list() == pytest.approx([3.0] * whole.height)


def test_compressed_movies_have_the_same_counts(project: Project) -> None:
    made = project.run("relion.compress_movies", input=job(project, "movies"), nr_threads=2).wait(
        timeout_s=60
    )

    before, after = (
        project.job(name).dataset("movies").table() for name in (job(project, "movies"), made.name)
    )
    assert after["cryoloomItemId"].equals(before["cryoloomItemId"])
    for old, new in zip(before["rlnMicrographMovieName"], after["rlnMicrographMovieName"], strict=True):
        assert new.endswith(".tif")
        with mrcfile.open(project.path / old, permissive=True) as movie:
            # TIFF counts rows from the top.
            frames = tifffile.imread(project.path / new)
            assert np.array_equal(frames[:, ::-1], movie.data)
    motion = project.run(
        "relion.motioncorr", input_star_mics=made, dose_per_frame=4, bfactor=30
    ).wait(timeout_s=100)  # fmt: skip
    assert len(motion.dataset("micrographs")) == before.height


def test_the_gain_that_is_estimated_is_the_detector_s(project: Project) -> None:
    made = project.run("relion.estimate_gain", input=job(project, "movies"), nr_threads=2).wait(timeout_s=60)

    with mrcfile.open(project.path / made.dataset("gain").path, permissive=True) as file:
        estimated = np.array(file.data, dtype=np.float64)
    names = project.job(job(project, "movies")).dataset("movies").table()["rlnMicrographMovieName"]
    total = sum(mrcfile.read(project.path / name).astype(np.float64).sum(axis=0) for name in names)
    expected = np.where(total > 0, total.mean() / np.maximum(total, 1), 0)
    good = total > total.mean() / 4
    assert np.corrcoef(estimated[good], expected[good])[0, 1] > 0.99
    assert (estimated[good] / expected[good]).std() < 0.02


def test_the_hand_of_a_map_is_flipped_together_with_its_particles(project: Project) -> None:
    refined = job(project, "refine_masked")
    made = project.run(
        "relion.flip_hand", fn_in=refined, particles_in=refined, half_maps_in=refined, mask_in=job(project, "mask")
    ).wait(timeout_s=60)  # fmt: skip
    # A map of the particles as they are oriented now shows which hand they make.
    rebuilt = project.run("relion.reconstruct", input=f"{made.name}:particles", sym_name="T").wait(
        timeout_s=60
    )

    before, flipped, again = (
        read_map(project.path / project.job(name).dataset("volume").path)[0]
        for name in (refined, made.name, rebuilt.name)
    )
    # Away from the edge, where RELION wraps: x to -x about the middle.
    assert np.allclose(flipped[:, :, 1:], before[:, :, 1:][:, :, ::-1], atol=1e-5 * np.abs(before).max())
    assert fourier_shell_correlation(again, flipped)[3:20].min() > 0.9
    assert fourier_shell_correlation(again, before)[8:16].max() < 0.9
    mask, half = (read_map(project.path / made.dataset(name).path)[0] for name in ("mask", "half_maps"))
    assert mask.shape == half.shape == before.shape
    # Of filaments RELION knows tilt and psi beforehand, and no rot: they are mirrored with the orientations.
    blocks = star.read(project.path / project.job(refined).dataset("particles").path)
    rows = star.tables_of(blocks)["particles"].with_columns(
        pl.col("rlnAngleTilt").alias("rlnAngleTiltPrior"), pl.col("rlnAnglePsi").alias("rlnAnglePsiPrior")
    )
    star.write(project.path / "filaments.star", {**blocks, "particles": rows})
    turned = project.run("relion.flip_hand", fn_in=refined, particles_in="filaments.star").wait(timeout_s=60)
    found = turned.dataset("particles").table()
    assert np.abs((found["rlnAngleTilt"] - found["rlnAngleTiltPrior"]).to_numpy()).max() < 1e-3
    apart = (found["rlnAnglePsi"] - found["rlnAnglePsiPrior"]).to_numpy()
    assert np.abs((apart + 180) % 360 - 180).max() < 1e-3
    second = project.path / made.dataset("half_maps").path.replace("half1", "half2")
    assert fourier_shell_correlation(read_map(second)[0], flipped)[3:12].min() > 0.8


def test_the_fsc_between_maps_is_that_of_post_processing(project: Project, truth: Truth) -> None:
    post = job(project, "postprocess")
    mask = job(project, "mask")
    made = project.run("maps.fsc", half_maps=job(project, "refine_masked"), mask=mask).wait(timeout_s=60)

    own = star.tables_of(star.read(project.path / made.dataset("fsc").path))["fsc"]
    theirs = star.tables_of(star.read(project.path / project.job(post).dataset("postprocess").path))["fsc"]
    masked = theirs["rlnFourierShellCorrelationMaskedMaps"].to_numpy()
    assert np.abs(own["rlnFourierShellCorrelation"].to_numpy()[1:31] - masked[1:31]).max() < 0.02
    assert own["rlnAngstromResolution"].to_list()[1:5] == pytest.approx(
        theirs["rlnAngstromResolution"].to_list()[1:5], rel=1e-3
    )
    assert any("0.143 at" in note for note in made.notes())
    assert made.view("fsc").look().parts

    write_map(project.path / "coarse.mrc", resample(truth.map, truth.angpix, 32, 6.0), 6.0)
    with pytest.raises(ParameterError, match="a box of 32 px of 6 Å, expected 64 px of 3 Å"):
        project.run("maps.fsc", first=job(project, "refine_masked"), second="coarse.mrc")
    with pytest.raises(ParameterError, match="not two maps"):
        project.run("maps.fsc", first=job(project, "refine_masked"))
    # Maps of other programs may say no pixel size.
    first = project.job(job(project, "refine_masked")).dataset("half_maps").path
    for half in (1, 2):
        volume = read_map(project.path / first.replace("half1", f"half{half}"))[0]
        with mrcfile.new(project.path / f"bare_half{half}.mrc", volume.astype(np.float32), overwrite=True):
            pass
    with pytest.raises(ParameterError, match="no pixel size in the header"):
        project.run("maps.fsc", half_maps="bare_half1.mrc")
    told = project.run("maps.fsc", half_maps="bare_half1.mrc", angpix=3).wait(timeout_s=60)
    bare = star.tables_of(star.read(project.path / told.dataset("fsc").path))["fsc"]
    assert bare["rlnAngstromResolution"].to_list()[1:5] == pytest.approx(
        own["rlnAngstromResolution"].to_list()[1:5]
    )


def test_centred_averages_are_relion_s_and_pick_as_any_averages(project: Project) -> None:
    chosen = job(project, "classes")
    made = project.run("maps.centre_averages", averages=chosen).wait(timeout_s=60)

    table = star.tables_of(star.read(project.path / made.dataset("centred").path)).popitem()[1]
    before = star.tables_of(star.read(project.path / chosen / "class_averages.star")).popitem()[1]
    shutil.copy(project.path / "Class2D/job008/run_it006_classes.mrcs", project.path / "averages.mrcs")
    subprocess.run(
        ["relion_image_handler", "--i", "averages.mrcs", "--o", "theirs.mrcs", "--shift_com"],
        cwd=project.path, check=True, capture_output=True,
    )  # fmt: skip
    theirs = mrcfile.read(project.path / "theirs.mrcs")
    ours = images_of(table.rename({"rlnReferenceImage": "rlnImageName"}), str(project.path))
    for image, name, number in zip(ours, before["rlnReferenceImage"], table["rlnClassNumber"], strict=True):
        place = int(name.partition("@")[0])
        assert number == place
        assert np.corrcoef(image.ravel(), theirs[place - 1].ravel())[0, 1] > 0.999
    assert table["rlnClassDistribution"].to_list() == before["rlnClassDistribution"].to_list()
    picker = project.run(
        "relion.autopick",
        fn_input_autopick="CtfFind/job004",
        fn_refs_autopick=made,
        do_log=False,
        start=False,
    )
    assert f"--ref {made.name}/class_averages.star" in commands_of(project.path / picker.name / "job.star")[0]


def test_references_lie_where_their_particles_do_and_can_be_taken_away(project: Project) -> None:
    refined = job(project, "refine_masked")
    given = {"micrographs_in": "CtfFind/job004", "fn_opt": refined, "norm_radius": 24}
    placed = project.run("relion.reposition", **given).wait(timeout_s=120)
    taken = project.run("relion.reposition", **given, do_subtract=True).wait(timeout_s=120)

    before = project.job("CtfFind/job004").dataset("micrographs").table()
    ids = dict(before.select("cryoloomItemId", "rlnMicrographName").iter_rows())
    for made in (placed, taken):
        table = made.dataset("micrographs").table()
        assert set(table["cryoloomItemId"]) == set(ids), "of both groups, each one's id"
        for item, name in table.select("cryoloomItemId", "rlnMicrographName").iter_rows():
            assert Path(name).stem == f"{Path(ids[item]).stem}_reposition"
            raw = gaussian_filter(mrcfile.read(project.path / ids[item]).astype(float), 2)
            image = gaussian_filter(mrcfile.read(project.path / name).astype(float), 2)
            if made is placed:
                assert np.corrcoef(raw.ravel(), image.ravel())[0, 1] > 0.6, name
            else:
                assert image.std() < 0.8 * raw.std(), name
    data, optimiser = (project.path / refined / f"run_{what}.star" for what in ("data", "optimiser"))
    blocks = star.read(data)
    rows = star.tables_of(blocks)["particles"]
    first = rows["rlnMicrographName"][0]
    star.write(
        project.path / "part.star", {**blocks, "particles": rows.filter(pl.col("rlnMicrographName") == first)}
    )
    text = optimiser.read_text().replace(str(data.relative_to(project.path)), "part.star")
    (project.path / "part_optimiser.star").write_text(text)
    part = project.run("relion.reposition", **{**given, "fn_opt": "part_optimiser.star"}).wait(timeout_s=120)
    assert [ids[item] for item in part.dataset("micrographs").table()["cryoloomItemId"]] == [first]
    failed = [item.why for item in part.show().failed_items]
    assert failed == ["the optimiser has no particle of it"] * 5
    with pytest.raises(ParameterError, match="next to nothing is subtracted"):
        project.run("relion.reposition", **{**given, "norm_radius": -1}, do_subtract=True, start=False)
