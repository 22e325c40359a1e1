"""What looks wrong is said: before a job runs where its inputs tell, and in the list of jobs where its results do."""

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from conftest_tiny import cryoloom

from cryoloom import Project, star
from cryoloom.em.fourier import low_pass
from cryoloom.errors import ParameterError
from cryoloom.images.mrc import write_mrc
from cryoloom.plugins.relion.options.curves import doubts_of_curves
from cryoloom.plugins.relion.options.noise import doubts_of_noise
from cryoloom.plugins.relion.options.shares import doubts_of_shares
from cryoloom.simulate import PARTICLES, simulate_particles

SIZE = 32


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project.create(tmp_path / "p")
    z, y, x = (axis - SIZE // 2 for axis in np.ogrid[:SIZE, :SIZE, :SIZE])
    radius = np.sqrt(x**2 + y**2 + z**2)
    write_mrc(made.path / "mask.mrc", (1 / (1 + np.exp(radius - 10))).astype(np.float32), 3.0, is_volume=True)
    return made


def write_halves(project: Project, name: str, signal: float) -> None:
    rng = np.random.default_rng(5)
    shared = low_pass(rng.standard_normal((SIZE,) * 3), 3.0, 9.0) * signal
    for half in (1, 2):
        both = shared + rng.standard_normal((SIZE,) * 3)
        write_mrc(project.path / f"{name}_half{half}.mrc", both.astype(np.float32), 3.0, is_volume=True)


def curve_file(tmp_path: Path, corrected: list[float], random: list[float]) -> Path:
    count = len(corrected)
    table = pl.DataFrame({
        "rlnSpectralIndex": range(count),
        "rlnAngstromResolution": [999.0] + [96.0 / shell for shell in range(1, count)],
        "rlnFourierShellCorrelationCorrected": corrected,
        "rlnCorrectedFourierShellCorrelationPhaseRandomizedMaskedMaps": random,
    })  # fmt: skip
    star.write(tmp_path / "c.star", {"fsc": table})
    return tmp_path / "c.star"


def model_file(path: Path, noises: list[list[float]]) -> Path:
    blocks = {
        f"model_group_{number}": pl.DataFrame(
            {"rlnSpectralIndex": range(len(noise)), "rlnSigma2Noise": noise}
        )
        for number, noise in enumerate(noises, start=1)
    }
    star.write(path, blocks)
    return path


def test_a_refinement_that_began_without_noise_in_a_shell_is_told(tmp_path: Path) -> None:
    # As a polished set's: the mean of each image is 0, so shell 0 never counts.
    good = [1.8e-19, 6.2e-4, 1.6e-4, 2.1e-4, 5.2e-5, 8.3e-6]
    spoilt = [1.8e-19, 1.8e-19, 1.6e-4, 2.1e-4, 5.2e-5, 8.3e-6]
    first, second = (
        model_file(tmp_path / f"half{half}_model.star", noises)
        for half, noises in ((1, [good, good]), (2, [good, spoilt]))
    )

    assert doubts_of_noise([first]) == []
    assert doubts_of_noise([tmp_path / "gone.star"]) == []
    [told] = doubts_of_noise([first, second])
    assert "a coarse shell of 1 of 4 groups" in told and "relion.preprocess do_norm=Yes" in told


def test_a_classification_that_told_nothing_apart_is_doubted(tmp_path: Path) -> None:
    def model(*shares: float) -> Path:
        star.write(tmp_path / "m.star", {"model_classes": pl.DataFrame({"rlnClassDistribution": shares})})
        return tmp_path / "m.star"

    assert doubts_of_shares(model(0.7, 0.3)) == []
    assert doubts_of_shares(model(1.0)) == []  # one class has all by nature
    [told] = doubts_of_shares(model(0.004, 0.996))
    assert told.startswith("Class 2 holds 99.6% of the particles")


def test_curves_that_tell_nothing_are_told_and_good_ones_are_not(tmp_path: Path) -> None:
    good = [1.0] * 8 + [0.5, 0.1, 0.0, 0.0]
    quiet = [1.0] * 4 + [0.02] * 8

    assert doubts_of_curves(curve_file(tmp_path, good, quiet)) == []
    [never] = doubts_of_curves(curve_file(tmp_path, [1.0] * 12, quiet))
    assert "never falls below 0.143" in never and "8.73 Å" in never
    [at_once] = doubts_of_curves(curve_file(tmp_path, [1.0, 0.9, 0.1] + [0.0] * 9, quiet))
    assert "at 48 Å already" in at_once
    [tight] = doubts_of_curves(curve_file(tmp_path, good, [1.0] * 4 + [0.3] * 8))
    assert "still correlate by 0.30 at 10.7 Å" in tight


@pytest.mark.relion
def test_half_maps_of_noise_succeed_with_a_warning_in_the_list(project: Project) -> None:
    write_halves(project, "noise", 0.0)
    noise = project.run("relion.postprocess", fn_in="noise_half1.mrc", fn_mask="mask.mrc").wait(timeout_s=60)
    write_halves(project, "good", 3.0)
    good = project.run("relion.postprocess", fn_in="good_half1.mrc", fn_mask="mask.mrc").wait(timeout_s=60)

    assert (noise.state, good.state) == ("succeeded", "succeeded")
    listed = cryoloom("ls", "--project", str(project.path)).stdout.splitlines()
    [line] = [line for line in listed if line.startswith(noise.name)]
    assert "doubtful: The FSC falls below 0.143" in line
    [line] = [line for line in listed if line.startswith(good.name)]
    assert "doubtful" not in line
    assert any("half maps have next to nothing in common" in note for note in noise.notes())


def test_bodies_whose_masks_share_too_much_are_told_which_cannot_move(project: Project) -> None:
    z = np.arange(SIZE)[:, None, None] + np.zeros((SIZE,) * 3)
    slabs = {"low": z < 18, "high": (z >= 16) & (z < 24), "wide": (z >= 12) & (z < 24)}
    for name, slab in slabs.items():
        write_mrc(project.path / f"{name}.mrc", slab.astype(np.float32), 3.0, is_volume=True)

    apart = project.run("relion.bodies", fn_mask=["low.mrc", "high.mrc"]).wait(timeout_s=60)
    mixed = project.run("relion.bodies", fn_mask=["low.mrc", "wide.mrc"]).wait(timeout_s=60)
    turned = project.run("relion.bodies", fn_mask=["high.mrc", "low.mrc"]).wait(timeout_s=60)

    assert apart.notes() == ["bodies: 2."]
    [note] = mixed.notes()
    assert "Body 2 shares 50% of its mask" in note and "Body 1" not in note
    [note] = turned.notes()
    assert "A later body is larger" in note


@pytest.mark.relion
def test_a_reference_that_is_compared_without_its_ctf_is_told_after_the_run(project: Project) -> None:
    few = replace(PARTICLES["late"], name="few", movies=4, size=400, angpix=4.0, box=48, particles=10)
    simulate_particles(project.path, few)
    reconstruct = "relion_reconstruct --i truth/particles.star --o ref.mrc --ctf --sym T --pad 1"
    subprocess.run(reconstruct.split(), cwd=project.path, check=True, capture_output=True)
    given = {
        "fn_img": "truth/particles.star", "fn_ref": "ref.mrc", "nr_classes": 1, "nr_iter": 1, "sym_name": "T", "ini_high": 15,
        "particle_diameter": 150, "dont_skip_align": False, "do_pad1": True,
    }  # fmt: skip

    wrong = project.run("relion.class3d", ref_correct_greyscale=True, **given).wait(timeout_s=60)
    right = project.run("relion.class3d", ref_correct_greyscale=True, ctf_corrected_ref=True, **given)
    right.wait(timeout_s=60)
    correlated = project.run("relion.class3d", **given).wait(timeout_s=60)

    [note] = wrong.notes()
    assert "far stronger than the images" in note and "say ctf_corrected_ref" in note
    assert right.notes() == [] == correlated.notes()


def particles(
    project: Project, name: str, halves: list[int], *, box: int = 32, groups: list[int] | None = None
) -> str:
    count = len(halves)
    numbers = groups or [1] * count
    optics = pl.DataFrame({
        "rlnOpticsGroup": sorted({*numbers}),
        "rlnOpticsGroupName": [f"g{number}" for number in sorted({*numbers})],
        "rlnImagePixelSize": 3.0, "rlnImageSize": box, "rlnVoltage": 300.0, "rlnImageDimensionality": 2,
        "rlnSphericalAberration": 2.7, "rlnAmplitudeContrast": 0.1, "rlnMicrographOriginalPixelSize": 3.0,
    })  # fmt: skip
    rows = pl.DataFrame({
        "rlnImageName": [f"{row:06d}@a.mrcs" for row in range(1, count + 1)],
        "rlnMicrographName": "MotionCorr/job002/Movies/a.mrc",
        "rlnOpticsGroup": numbers, "rlnRandomSubset": halves,
        "rlnDefocusU": 1e4, "rlnDefocusV": 1e4, "rlnDefocusAngle": 0.0,
        "rlnAngleRot": 0.0, "rlnAngleTilt": 0.0, "rlnAnglePsi": 0.0,
    })  # fmt: skip
    star.write(project.path / name, {"optics": optics, "particles": rows})
    return name


def test_what_would_cost_hours_is_said_when_it_is_asked_for(project: Project) -> None:
    write_mrc(project.path / "ref.mrc", np.ones((32, 32, 32), np.float32), 3.0, is_volume=True)
    even = particles(project, "even.star", [1, 2] * 60)
    given = {"fn_ref": "ref.mrc", "particle_diameter": 80, "start": False}
    bad = np.linspace(-0.2, 1.7, 32**3, dtype=np.float32).reshape(32, 32, 32)
    write_mrc(project.path / "bad.mrc", bad, 3.0, is_volume=True)

    with pytest.raises(ParameterError, match=r"bad\.mrc, with values from -0\.2 to 1\.7, expected a mask"):
        project.run("relion.refine3d", fn_img=even, fn_mask="bad.mrc", **given)
    odd = particles(project, "odd.star", [1, 2], box=33)
    with pytest.raises(ParameterError, match="a box of 33 px, expected an even one"):
        project.run("relion.class2d", fn_img=odd, particle_diameter=80, start=False)
    lopsided = particles(project, "lopsided.star", [1] * 90 + [2] * 30)
    with pytest.raises(ParameterError, match="90 in half 1, 30 in half 2, expected halves of about one size"):
        project.run("relion.refine3d", fn_img=lopsided, **given)
    one = particles(project, "one.star", [1] * 90)
    with pytest.raises(ParameterError, match="90 in half 1, expected two half sets"):
        project.run("relion.refine3d", fn_img=one, accept_unusual=True, **given)
    accepted = project.run("relion.refine3d", fn_img=lopsided, accept_unusual=True, **given)
    assert accepted.params["accept_unusual"] is True


def test_a_beam_tilt_is_not_fitted_to_a_handful_of_particles(project: Project) -> None:
    few = particles(project, "few.star", [1, 2] * 60, groups=[1] * 100 + [2] * 20)
    write_halves(project, "run", 3.0)
    (project.path / "post.star").write_text(
        "data_general\n\n_rlnUnfilteredMapHalf1 run_half1.mrc\n_rlnUnfilteredMapHalf2 run_half2.mrc\n_rlnMaskName mask.mrc\n\n"
        "data_fsc\n\nloop_\n_rlnSpectralIndex #1\n0\n\n"
    )
    given = {"fn_data": few, "fn_post": "post.star", "start": False}

    with pytest.raises(ParameterError, match="20 in optics group g2, expected 50 at least, for beam tilt"):
        project.run("relion.ctfrefine", do_ctf=False, do_tilt=True, **given)
    project.run("relion.ctfrefine", do_defocus="Per-particle", **given)
