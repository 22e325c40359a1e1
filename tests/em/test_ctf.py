"""The CTF has RELION's sign, axes and units."""

import subprocess
from pathlib import Path

import mrcfile
import numpy as np
import polars as pl
import pytest

from cryoloom import star
from cryoloom.em.ctf import Microscope, ctf, frequency_grid, radial_ctf, tilt_phase, wavelength

MICROSCOPE = Microscope(kv=300.0, cs_mm=2.7, q0=0.1)


@pytest.mark.parametrize(("kv", "expected"), [(100, 0.0370144), (200, 0.0250793), (300, 0.0196875)])
def test_the_wavelength_is_relativistic(kv: float, expected: float) -> None:
    assert wavelength(kv) == pytest.approx(expected, rel=1e-5)


def test_the_ctf_begins_at_the_amplitude_contrast_and_rises_under_focus() -> None:
    curve = radial_ctf([0.0, 0.005, 0.01], 15000.0, MICROSCOPE)

    assert curve[0] == pytest.approx(0.1)
    assert np.all(np.diff(curve) > 0)


def test_without_astigmatism_the_ctf_is_the_same_in_all_directions() -> None:
    kx, ky = frequency_grid(64, 2.0)

    image = ctf(kx, ky, 12000.0, 12000.0, 33.0, MICROSCOPE)

    assert np.allclose(image, radial_ctf(np.hypot(kx, ky).ravel(), 12000.0, MICROSCOPE).reshape(image.shape))


def test_defocus_u_holds_along_the_angle() -> None:
    k, angle = 0.1, np.radians(35.0)

    along = ctf(k * np.cos([angle]), k * np.sin([angle]), 14000.0, 11000.0, 35.0, MICROSCOPE)

    assert along == pytest.approx(radial_ctf([k], 14000.0, MICROSCOPE))


def test_a_phase_plate_of_90_degrees_begins_at_full_contrast() -> None:
    assert radial_ctf([0.0], 5000.0, MICROSCOPE, phase_shift=90.0)[0] == pytest.approx(0.995, abs=1e-3)


def test_beam_tilt_turns_phases_oddly() -> None:
    tilted = Microscope(beam_tilt_mrad=(1.0, -2.0))

    phase = tilt_phase(np.array([0.1, -0.1]), np.array([0.05, -0.05]), tilted)

    assert phase[0] == pytest.approx(-phase[1])
    assert phase[0] == pytest.approx(0.0, abs=1e-12)  # here the tilt is across the frequency


@pytest.mark.relion
def test_relion_multiplies_a_projection_by_the_same_ctf(tmp_path: Path) -> None:
    size, angpix, defocus = 64, 3.0, (16000.0, 14500.0, 25.0)
    z, y, x = np.mgrid[:size, :size, :size] - size // 2
    point = np.exp(-(x**2 + y**2 + z**2) / 2.0).astype(np.float32)
    with mrcfile.new(tmp_path / "map.mrc", point) as mrc:
        mrc.voxel_size = angpix
    with mrcfile.new(tmp_path / "in.mrcs", np.zeros((1, size, size), dtype=np.float32)) as mrc:
        mrc.voxel_size = angpix
        mrc.set_image_stack()
    optics = {
        "rlnOpticsGroupName": ["a"],
        "rlnOpticsGroup": [1],
        "rlnImagePixelSize": [angpix],
        "rlnImageSize": [size],
        "rlnImageDimensionality": [2],
        "rlnMicrographOriginalPixelSize": [angpix],
        "rlnVoltage": [300.0],
        "rlnSphericalAberration": [2.7],
        "rlnAmplitudeContrast": [0.1],
    }
    angles = {f"rlnAngle{name}": [0.0] for name in ("Rot", "Tilt", "Psi")}
    named = {"rlnImageName": ["000001@in.mrcs"], "rlnOpticsGroup": [1]}
    focus = {f"rlnDefocus{name}": [value] for name, value in zip(("U", "V", "Angle"), defocus, strict=True)}
    focus |= {"rlnCtfBfactor": [90.0]}
    blocks = {"optics": pl.DataFrame(optics), "particles": pl.DataFrame(named | angles | focus)}
    star.write(tmp_path / "in.star", blocks)

    for name, option in (("with", ["--ctf"]), ("without", [])):
        command = ["relion_project", "--i", "map.mrc", "--ang", "in.star", "--o", name, *option]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)

    transforms = []
    for name in ("with", "without"):
        with mrcfile.open(tmp_path / f"{name}.mrcs", permissive=True) as mrc:
            transforms.append(np.fft.rfft2(np.asarray(mrc.data, dtype=np.float64).reshape(size, size)))
    kx, ky = frequency_grid(size, angpix)
    inside = np.hypot(kx, ky) < 0.9 / (2 * angpix)
    theirs = (transforms[0][inside] / transforms[1][inside]).real
    assert np.allclose(theirs, ctf(kx, ky, *defocus, MICROSCOPE, b_factor=90.0)[inside], atol=0.02)


@pytest.mark.relion
@pytest.mark.parametrize(
    ("kv", "cs", "q0", "u", "v", "angle", "phase"),
    [
        (300, 2.7, 0.1, 20000, 20000, 0, 0),
        (200, 2.0, 0.07, 12000, 11000, 33, 40),
        (120, 6.25, 0.25, 45000, 47000, -71, 90),
    ],
)
def test_a_simulated_ctf_is_relions_to_the_fifth_digit(
    tmp_path: Path, kv: float, cs: float, q0: float, u: float, v: float, angle: float, phase: float
) -> None:
    size, angpix = 96, 1.25  # RELION reads it in single precision
    words = {
        "angpix": angpix,
        "box": size,
        "kV": kv,
        "Cs": cs,
        "Q0": q0,
        "defU": u,
        "defV": v,
        "defAng": angle,
    }
    command = ["relion_ctf_toolbox", "--simulate", "ctf.mrc", "--phase_shift", str(phase)]
    command += [word for name, value in words.items() for word in (f"--{name}", str(value))]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    with mrcfile.open(tmp_path / "ctf.mrc", permissive=True) as mrc:
        theirs = np.array(mrc.data, dtype=np.float64)

    k = np.fft.fftshift(np.fft.fftfreq(size, angpix))
    ky, kx = np.meshgrid(k, k, indexing="ij")
    ours = ctf(kx, ky, u, v, angle, Microscope(kv, cs, q0), phase_shift=phase)

    assert np.abs(ours - theirs).max() < 1e-5
    if u == v:
        radial = radial_ctf(k[size // 2 :], u, Microscope(kv, cs, q0), phase_shift=phase)
        assert np.abs(radial - theirs[size // 2, size // 2 :]).max() < 1e-5


@pytest.mark.relion
def test_the_scale_factor_multiplies_as_in_relion(tmp_path: Path) -> None:
    size, angpix = 64, 2.0
    image = np.random.default_rng(1).normal(size=(1, size, size)).astype(np.float32)
    with mrcfile.new(tmp_path / "in.mrcs", image) as mrc:
        mrc.voxel_size = angpix
        mrc.set_image_stack()
    optics = {
        "rlnOpticsGroupName": ["a"], "rlnOpticsGroup": [1], "rlnImagePixelSize": [angpix], "rlnImageSize": [size],
        "rlnImageDimensionality": [2], "rlnVoltage": [300.0], "rlnSphericalAberration": [2.7], "rlnAmplitudeContrast": [0.1],
    }  # fmt: skip
    particle = {
        "rlnImageName": ["000001@in.mrcs"], "rlnOpticsGroup": [1], "rlnDefocusU": [15000.0], "rlnDefocusV": [14000.0],
        "rlnDefocusAngle": [20.0], "rlnCtfScalefactor": [0.7],
    }  # fmt: skip
    star.write(tmp_path / "in.star", {"optics": pl.DataFrame(optics), "particles": pl.DataFrame(particle)})

    command = ["relion_ctf_toolbox", "--i", "in.star", "--o", "out"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)

    [written] = [path for path in tmp_path.rglob("*.mrcs") if path.name != "in.mrcs"]
    with mrcfile.open(written, permissive=True) as mrc:
        theirs = np.array(mrc.data, dtype=np.float64).reshape(size, size)
    kx, ky = frequency_grid(size, angpix)
    ratio = np.fft.rfft2(theirs) / np.fft.rfft2(image[0].astype(np.float64))
    ours = ctf(kx, ky, 15000.0, 14000.0, 20.0, MICROSCOPE, scale=0.7)
    # At Nyquist itself a real image cannot hold an astigmatic CTF.
    inside = (np.abs(kx) < 0.999 / (2 * angpix)) & (np.abs(ky) < 0.999 / (2 * angpix))
    assert np.abs(ratio - ours)[inside].max() < 1e-5
