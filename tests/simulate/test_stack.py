"""RELION's conventions, proved: from the true poses RELION rebuilds the true map."""

from dataclasses import replace
from pathlib import Path

import mrcfile
import numpy as np
import polars as pl
import pytest
from relion_chain import relion

from cryoloom import star
from cryoloom.em.ctf import Microscope, ctf, defocus_in_image, frequency_grid
from cryoloom.em.fourier import fourier_shell_correlation, resample
from cryoloom.em.poses import Floats
from cryoloom.simulate import PRESETS
from cryoloom.simulate.molecule import build
from cryoloom.simulate.potential import Projector
from cryoloom.simulate.presets import MOLECULE_SEED
from cryoloom.simulate.scene import plan_session
from cryoloom.simulate.session import molecule_maps
from cryoloom.simulate.stack import write_particles
from cryoloom.simulate.truth import Maps, read_map, write_map

# Astigmatism, tilt, stretch and aberrations are stronger than in the presets, so that a wrong sign of any shows.
ODD = (0.0, 0.0, 350.0, 0.0, 0.0, 250.0)
EVEN = (0.3, -8.0, 10.0, 12.0, 120.0, -90.0, 60.0, 100.0, -150.0)
GROUPS = (
    replace(
        PRESETS["tiny"].groups[0],
        microscope=Microscope(beam_tilt_mrad=(3.0, -2.0), odd_zernike=ODD, even_zernike=EVEN),
    ),
    replace(PRESETS["tiny"].groups[1], magnification=(1.03, 0.015, 0.01, 0.975)),
)
PRESET = replace(PRESETS["tiny"], movies=4, second_state=0.0, bad=(), astigmatism=4000.0, groups=GROUPS)


@pytest.fixture(scope="module")
def maps() -> Maps:
    return molecule_maps(build(np.random.default_rng(MOLECULE_SEED)), PRESET)


@pytest.fixture(scope="module")
def stack(maps: Maps, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images with CTF, astigmatism, beam tilt, stretch and known offsets; hardly any noise."""
    folder = tmp_path_factory.mktemp("stack")
    rng = np.random.default_rng(1)
    plans = plan_session(PRESET, 1)
    offsets = rng.uniform(-6.0, 6.0, (sum(len(plan.places) for plan in plans), 2))
    projectors = {1: Projector.of(maps.state1, PRESET.angpix)}
    write_particles(folder / "particles.star", PRESET, plans, projectors, noise=0.05, offsets=offsets)
    return folder


def rebuilt_fsc(folder: Path, maps: Maps, particles: str = "particles.star") -> Floats:
    relion(f"relion_reconstruct --i {particles} --o map.mrc --ctf --sym T --pad 1", folder)
    volume, angpix = read_map(folder / "map.mrc")
    assert angpix == pytest.approx(PRESET.angpix)
    cut = resample(volume, angpix, PRESET.box, angpix) if len(volume) == PRESET.box else _middle(volume)
    return fourier_shell_correlation(cut * maps.mask, maps.state1 * maps.mask)


def _middle(volume: Floats) -> Floats:
    first = len(volume) // 2 - PRESET.box // 2
    part = slice(first, first + PRESET.box)
    return volume[part, part, part]


@pytest.mark.relion
def test_relion_rebuilds_the_true_map_from_the_true_poses(stack: Path, maps: Maps) -> None:
    fsc = rebuilt_fsc(stack, maps)

    assert fsc[1:].min() > 0.5  # to Nyquist
    assert fsc[1:25].min() > 0.95


@pytest.mark.relion
def test_the_ctf_is_relions_pixel_by_pixel_beside_a_magnification_matrix_too(stack: Path, maps: Maps) -> None:
    # relion_project leaves the stretch of the projection out, but has it in the CTF.
    blocks = star.read(stack / "particles.star")
    margin = (int(blocks["optics"]["rlnImageSize"][0]) - PRESET.box) // 2
    write_map(stack / "true.mrc", np.pad(maps.state1, margin), PRESET.angpix)
    blocks["particles"] = blocks["particles"].group_by("rlnMicrographName", maintain_order=True).head(2)
    star.write(stack / "few.star", blocks)
    project = f"relion_project --i true.mrc --ang few.star --angpix {PRESET.angpix}"
    relion(f"{project} --o bare", stack)
    relion(f"{project} --o seen --ctf", stack)
    with mrcfile.open(stack / "bare.mrcs") as bare, mrcfile.open(stack / "seen.mrcs") as seen:
        pairs = zip(bare.data.astype(float), seen.data.astype(float), strict=True)

    for row, (plain, relions) in zip(blocks["particles"].iter_rows(named=True), pairs, strict=True):
        group = GROUPS[row["rlnOpticsGroup"] - 1]
        # Beam tilt turns phases, and is none of the CTF's.
        even = Microscope(even_zernike=group.microscope.even_zernike)
        grid = frequency_grid(
            len(plain), PRESET.angpix, magnification=np.reshape(group.magnification, (2, 2))
        )
        defocus = (row[f"rlnDefocus{name}"] for name in ("U", "V", "Angle"))
        ours = np.fft.irfft2(np.fft.rfft2(plain) * ctf(*grid, *defocus, even), plain.shape)
        assert np.abs(ours - relions).max() < 1e-4 * np.abs(relions).max()


CHANGES = {
    "the other sign of the origins": pl.col("rlnOriginXAngst", "rlnOriginYAngst") * -1,
    "half the origin": pl.col("rlnOriginXAngst", "rlnOriginYAngst") * 0.5,
    "psi the other way": pl.col("rlnAnglePsi") * -1,
    "overfocus": pl.col("rlnDefocusU", "rlnDefocusV") * -1,
    "astigmatism turned": pl.col("rlnDefocusAngle") + 90.0,
}


@pytest.mark.relion
@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_any_other_convention_is_worse(stack: Path, maps: Maps, change: str) -> None:
    blocks = star.read(stack / "particles.star")
    blocks["particles"] = blocks["particles"].with_columns(CHANGES[change])
    star.write(stack / "wrong.star", blocks)

    assert rebuilt_fsc(stack, maps, "wrong.star")[1:].min() < 0.5


def _negated(cell: str) -> str:
    return "[" + ",".join(f"{-float(value):g}" for value in cell.strip("[]").split(",")) + "]"


@pytest.mark.relion
@pytest.mark.slow
@pytest.mark.parametrize("column", ["rlnOddZernike", "rlnEvenZernike"])
def test_aberrations_are_relions(stack: Path, maps: Maps, column: str) -> None:
    right = rebuilt_fsc(stack, maps)
    blocks = star.read(stack / "particles.star")
    blocks["optics"] = blocks["optics"].with_columns(pl.col(column).map_elements(_negated, pl.String))
    star.write(stack / "wrong.star", blocks)

    wrong = rebuilt_fsc(stack, maps, "wrong.star")

    assert np.all(wrong[20:32] < right[20:32])
    assert wrong[20:32].mean() < right[20:32].mean() - 0.02


@pytest.mark.relion
@pytest.mark.slow
def test_a_defocus_as_the_image_shows_it_is_wrong_beside_a_magnification_matrix(
    stack: Path, maps: Maps
) -> None:
    blocks = star.read(stack / "particles.star")
    own = blocks["particles"].filter(pl.col("rlnOpticsGroup") == 2)
    defocus = [f"rlnDefocus{name}" for name in ("U", "V", "Angle")]
    seen = [defocus_in_image(*row, GROUPS[1].magnification) for row in own.select(defocus).iter_rows()]
    for name, particles in {
        "right": own,
        "wrong": own.with_columns(**{c: pl.Series([row[i] for row in seen]) for i, c in enumerate(defocus)}),
    }.items():
        star.write(stack / f"{name}.star", {"optics": blocks["optics"], "particles": particles})

    right, wrong = (rebuilt_fsc(stack, maps, f"{name}.star") for name in ("right", "wrong"))

    assert np.all(wrong[20:32] < right[20:32])
    assert wrong[20:32].mean() < right[20:32].mean() - 0.02


@pytest.mark.relion
@pytest.mark.slow
@pytest.mark.parametrize("columns", [["rlnBeamTiltX", "rlnBeamTiltY"], ["rlnMagMat01", "rlnMagMat10"]])
def test_beam_tilt_and_magnification_are_relions(stack: Path, maps: Maps, columns: list[str]) -> None:
    right = rebuilt_fsc(stack, maps)
    blocks = star.read(stack / "particles.star")
    blocks["optics"] = blocks["optics"].with_columns(pl.col(columns) * -1)
    star.write(stack / "wrong.star", blocks)

    wrong = rebuilt_fsc(stack, maps, "wrong.star")

    assert np.all(wrong[20:32] < right[20:32])
    assert wrong[20:32].mean() < right[20:32].mean() - 0.005
