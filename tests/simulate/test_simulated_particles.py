"""A set of particles without movies: what a user would have, and what is true, row by row."""

import shutil
from dataclasses import replace
from pathlib import Path

import mrcfile
import numpy as np
import polars as pl
import pytest
from relion_chain import relion

from cryoloom import star
from cryoloom.em.aberrations import spherical, trefoil
from cryoloom.em.ctf import Microscope, wavelength
from cryoloom.em.poses import matrices, rotation_angle
from cryoloom.errors import DatasetError, ParameterError
from cryoloom.simulate import simulate_particles
from cryoloom.simulate.compare.optics import optics_errors
from cryoloom.simulate.compare.steps import class3d_rows, ctf_refine_rows
from cryoloom.simulate.molecule import build
from cryoloom.simulate.movie import object_transforms, patch_size
from cryoloom.simulate.particles import ParticleSet
from cryoloom.simulate.potential import Projector
from cryoloom.simulate.presets import MOLECULE_SEED, PARTICLES
from cryoloom.simulate.scene import plan_session
from cryoloom.simulate.session import molecule_maps
from cryoloom.simulate.stack import images_of, normalised
from cryoloom.simulate.truth import read_truth, table

FEW = replace(
    PARTICLES["late"],
    name="few",
    movies=4,
    size=400,
    angpix=4.0,
    box=48,
    particles=5,
    specimen_tilt=(30.0, 90.0),
)


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> ParticleSet:
    return simulate_particles(tmp_path_factory.mktemp("few"), FEW, pose_error=2.0, origin_error=1.0)


def _tables(path: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    blocks = star.read(path)
    return table(blocks, "optics"), table(blocks, "particles")


def test_measured_and_true_rows_are_the_same_images_in_the_same_order(few: ParticleSet) -> None:
    _, measured = _tables(few.measured)
    _, true = _tables(few.truth / "particles.star")

    same = ["rlnImageName", "rlnMicrographName", "rlnCoordinateX", "rlnOpticsGroup", "rlnRandomSubset"]
    assert measured.height == 20
    assert measured.select(same).equals(true.select(same))
    assert set(measured["rlnRandomSubset"]) == {1, 2}


def test_the_measured_file_keeps_what_only_a_refinement_can_tell(few: ParticleSet) -> None:
    optics, measured = _tables(few.measured)
    true_optics, true = _tables(few.truth / "particles.star")

    assert set(true_optics.columns) - set(optics.columns) == {
        "rlnBeamTiltX", "rlnBeamTiltY", "rlnOddZernike", "rlnEvenZernike",
        "rlnMagMat00", "rlnMagMat01", "rlnMagMat10", "rlnMagMat11",
    }  # fmt: skip
    assert set(true.columns) - set(measured.columns) == {"rlnClassNumber"}


def test_all_particles_of_a_micrograph_have_its_defocus_and_their_true_one_follows_the_tilted_plane(
    few: ParticleSet,
) -> None:
    _, measured = _tables(few.measured)
    _, true = _tables(few.truth / "particles.star")

    spread = measured.group_by("rlnMicrographName").agg(pl.col("rlnDefocusU").n_unique())
    assert spread["rlnDefocusU"].to_list() == [1] * 4
    one = true.filter(pl.col("rlnMicrographName") == true["rlnMicrographName"][0])
    plan = plan_session(FEW, few.seed)[0]
    # The axis is y: the defocus changes with x.
    slope = -(one["rlnCoordinateX"].to_numpy() - 200.0) * 4.0 * np.tan(np.radians(30.0))
    rest = one["rlnDefocusU"].to_numpy() - plan.defocus[0] - slope
    assert np.abs(rest).max() <= FEW.heights
    assert np.abs(slope).max() > FEW.heights / 4


def test_poses_are_off_by_as_much_as_was_asked(few: ParticleSet) -> None:
    names = ["rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"]
    measured, true = (_tables(path)[1] for path in (few.measured, few.truth / "particles.star"))

    errors = rotation_angle(*(matrices(t.select(names).to_numpy()) for t in (measured, true)))

    assert 1.0 < np.sqrt(np.mean(errors**2)) < 3.2
    assert 0.5 < measured["rlnOriginXAngst"].std() < 1.5


def test_images_are_normalised_as_relion_extracts_them(few: ParticleSet) -> None:
    with mrcfile.open(few.folder / "Particles/single_a_0001.mrcs") as mrc:
        images = mrc.data
        assert images.shape == (5, 48, 48)
        assert float(mrc.voxel_size.x) == 4.0

    y, x = np.mgrid[:48, :48] - 24
    outside = images[:, np.hypot(x, y) > 18]
    assert np.allclose(outside.mean(axis=1), 0.0, atol=1e-5)
    assert np.allclose(outside.std(axis=1), 1.0, atol=1e-5)
    assert images[:, 16:32, 16:32].mean() > 0.2  # white


def test_a_group_may_have_a_pixel_size_of_its_own_and_shows_the_same(tmp_path: Path) -> None:
    groups = (replace(FEW.groups[0], image_angpix=3.0), *FEW.groups[1:])
    made = simulate_particles(tmp_path, replace(FEW, groups=groups))

    optics, _ = _tables(made.measured)
    assert optics["rlnImagePixelSize"].to_list() == [3.0, 4.0, 4.0, 4.0]
    assert optics["rlnImageSize"].to_list() == [64, 48, 48, 48]
    plan = plan_session(FEW, 1)[0]
    maps = molecule_maps(build(np.random.default_rng(MOLECULE_SEED)), FEW)
    projectors = {1: Projector.of(maps.state1, 4.0), 2: Projector.of(maps.state2, 4.0)}
    coarse, fine = (
        images_of(object_transforms(plan, FEW, projectors, patch_size(a), a), patch_size(a), a)
        for a in (4.0, 3.0)
    )
    # The low frequencies that both have, as means of the image.
    a, b = (np.fft.rfft2(np.fft.ifftshift(x[0]))[:20, :20] / x[0].size for x in (coarse, fine))
    assert np.abs(a - b).max() < 0.01 * np.abs(a).max()


def test_truth_of_a_set_reads_as_that_of_a_session(few: ParticleSet) -> None:
    truth = read_truth(few.truth)

    assert truth.particles.height == 20
    assert truth.micrographs.height == 4


def test_a_ctf_refinement_is_scored_by_what_is_left(few: ParticleSet, tmp_path: Path) -> None:
    truth = read_truth(few.truth)
    rows = {}
    for name, source in {"before": few.measured, "after": few.truth / "particles.star"}.items():
        (tmp_path / name).mkdir()
        shutil.copy(source, tmp_path / name / "particles_ctf_refine.star")
        found = ctf_refine_rows(tmp_path / name, "CtfRefine/job001", truth)
        rows[name] = {row.what: row.value for row in found}

    tilt = "beam tilt error, worst group"
    assert rows["before"][tilt] == pytest.approx(np.hypot(1.0, 0.7), abs=1e-5)
    assert rows["before"]["particles' defocus error, rms"] > 100.0
    assert len(rows["after"]) == 5
    assert all(value == pytest.approx(0.0, abs=1e-4) for value in rows["after"].values())


def test_a_classification_is_scored_by_the_states_that_it_found(few: ParticleSet, tmp_path: Path) -> None:
    shutil.copy(few.truth / "particles.star", tmp_path / "run_it010_data.star")

    rows = {row.what: row for row in class3d_rows(tmp_path, "Class3D/job001", read_truth(few.truth))}

    assert rows["classes pure in one state"].value == 1.0
    assert rows["rarest state found (recall)"].value == 1.0
    shares = rows["rarest state found (recall)"].note.split("; true ")
    assert shares[0] == f"shares {shares[1]}"


def test_the_same_seed_makes_the_same_images_and_another_is_refused(few: ParticleSet, tmp_path: Path) -> None:
    again = simulate_particles(tmp_path, FEW)

    images = [(made.folder / "Particles/multi_b_0001.mrcs").read_bytes()[1024:] for made in (few, again)]
    assert images[0] == images[1]
    with pytest.raises(DatasetError, match="seed 1"):
        simulate_particles(tmp_path, FEW, seed=2)


def test_unknown_presets_and_negative_errors_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="one of late"):
        simulate_particles(tmp_path, "early")
    with pytest.raises(ParameterError, match="from 0 on"):
        simulate_particles(tmp_path, FEW, pose_error=-1.0)


def test_normalising_takes_off_mean_and_scale_of_the_background() -> None:
    rng = np.random.default_rng(3)
    images = (5.0 + 3.0 * rng.standard_normal((2, 64, 64))).astype(np.float32)

    even = normalised(images)

    assert abs(even.mean()) < 0.1
    assert even.std() == pytest.approx(1.0, abs=0.1)


# Fourth order in all directions. Z(-2, 4) and Z(2, 4) bring astigmatism along, which second order takes off
# again: RELION fits odd aberrations before even ones, and would fail on rings that are out of phase.
FOURTH = (0.0, -60.0, 0.0, 75.0, 30.0, -20.0, 0.0, 25.0, -35.0)
LAMBDA = wavelength(300.0)


@pytest.fixture(scope="module")
def refinable(tmp_path_factory: pytest.TempPathFactory) -> ParticleSet:
    """240 particles of four groups at 2 Å/px, their half maps made from the truth."""
    groups = list(PARTICLES["late"].groups)
    groups[3] = replace(groups[3], microscope=replace(groups[3].microscope, even_zernike=FOURTH))
    preset = replace(PARTICLES["late"], name="refinable", movies=8, particles=30, groups=tuple(groups))
    made = simulate_particles(tmp_path_factory.mktemp("refinable"), preset)
    for half in (1, 2):
        relion(
            "relion_reconstruct --i truth/particles.star --ctf --sym T --pad 1"
            f" --subset {half} --o half{half}_class001_unfil.mrc",
            made.folder,
        )
    (made.folder / "post").mkdir()
    relion(
        "relion_postprocess --i half1_class001_unfil.mrc --mask truth/mask.mrc --o post/postprocess --angpix 2"
        " --auto_bfac --autob_lowres 10",
        made.folder,
    )
    return made


def _refined(made: ParticleSet, start: str, options: str, job: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    relion(f"relion_ctf_refine --i {start} --f post/postprocess.star --o {job}/ {options}", made.folder)
    return _tables(made.folder / job / "particles_ctf_refine.star")


@pytest.mark.relion
@pytest.mark.slow
def test_relion_finds_the_magnification_of_each_group(refinable: ParticleSet) -> None:
    optics, true = _tables(refinable.truth / "particles.star")
    start = {"optics": optics.select(pl.exclude("^rlnMagMat..$")), "particles": true}
    star.write(refinable.folder / "no_magnification.star", start)

    found, _ = _refined(refinable, "no_magnification.star", "--fit_aniso --kmin_mag 30", "magnification")

    names = [f"rlnMagMat{i}" for i in ("00", "01", "10", "11")]
    assert np.abs(found.select(names).to_numpy() - optics.select(names).to_numpy()).max() < 0.004


@pytest.mark.relion
@pytest.mark.slow
def test_relion_finds_the_heights_of_particles(refinable: ParticleSet) -> None:
    optics, true = _tables(refinable.truth / "particles.star")
    measured = _tables(refinable.measured)[1]
    star.write(refinable.folder / "true_optics.star", {"optics": optics, "particles": measured})

    _, found = _refined(
        refinable, "true_optics.star", "--fit_defocus --fit_mode fpmff --kmin_defocus 30", "defocus"
    )

    key = ["rlnImageName", "rlnDefocusU", "rlnDefocusV"]
    both = found.select(key).join(true.select(key), on="rlnImageName")
    error = (pl.col("rlnDefocusU") + pl.col("rlnDefocusV")) / 2
    error = error - (pl.col("rlnDefocusU_right") + pl.col("rlnDefocusV_right")) / 2
    assert np.sqrt(np.mean(both.select(error).to_numpy() ** 2)) < 60.0  # 580 before


@pytest.mark.relion
@pytest.mark.slow
def test_relion_finds_beam_tilt_trefoil_and_fourth_order_of_each_group(refinable: ParticleSet) -> None:
    optics, true = _tables(refinable.truth / "particles.star")
    hidden = optics.drop("rlnBeamTiltX", "rlnBeamTiltY", "rlnOddZernike", "rlnEvenZernike")
    star.write(refinable.folder / "no_aberrations.star", {"optics": hidden, "particles": true})

    found, _ = _refined(
        refinable,
        "no_aberrations.star",
        "--fit_beamtilt --kmin_tilt 30 --odd_aberr_max_n 3 --fit_aberr",
        "aberrations",
    )

    errors = optics_errors(found, optics, resolution=4.0)
    before = optics_errors(hidden, optics, resolution=4.0)
    assert min(e.beam_tilt for e in before) > 0.9
    assert max(e.beam_tilt for e in errors) < 0.1
    assert max(e.trefoil for e in errors) < 6.0  # of 20 to 80
    assert max(e.odd for e in errors) < 0.05
    assert min(e.even for e in before) > 0.06
    assert all(left.even < 0.5 * was.even for was, left in zip(before, errors, strict=True))


def test_options_of_aberrations_say_what_they_make() -> None:
    scope = Microscope(odd_zernike=trefoil(60.0, 0.0), even_zernike=spherical(0.5, LAMBDA))

    assert scope.odd_zernike[5] == 60.0
    assert scope.even_zernike[6] == pytest.approx(9.99, abs=0.05)
