"""The molecule is one whose data can be processed: right size, right symmetry, its own hand."""

from pathlib import Path

import gemmi
import numpy as np
import pytest

from cryoloom.em import fourier, poses, symmetry
from cryoloom.em.poses import Floats
from cryoloom.simulate.molecule import Atoms, build, write_cif
from cryoloom.simulate.potential import FORM_FACTORS, Projector, potential
from cryoloom.simulate.presets import MOLECULE_SEED

BOX, ANGPIX = 48, 4.0


@pytest.fixture(scope="module")
def atoms() -> Atoms:
    return build(np.random.default_rng(MOLECULE_SEED))


@pytest.fixture(scope="module")
def volume(atoms: Atoms) -> Floats:
    return potential(atoms, np.ones(len(atoms.xyz), dtype=bool), BOX, ANGPIX, 130.0)


def test_the_molecule_is_125_to_150_angstrom_wide(atoms: Atoms) -> None:
    assert 125 < 2 * np.linalg.norm(atoms.xyz, axis=1).max() < 150


def test_copies_of_an_atom_do_not_clash(atoms: Atoms) -> None:
    copies = atoms.whole()

    distance = np.linalg.norm(copies[0][:, None] - copies[1:].reshape(-1, 3)[None], axis=2)

    # Side chains of helices 9.4 Å apart may touch, as they do in a protein; few do.
    assert np.mean(distance.min(axis=1) < 1.0) < 0.02


def test_the_second_state_lacks_a_quarter_of_the_atoms(atoms: Atoms) -> None:
    assert np.mean(atoms.lost) == pytest.approx(0.23, abs=0.02)


def test_the_same_seed_makes_the_same_molecule(atoms: Atoms) -> None:
    assert np.array_equal(build(np.random.default_rng(MOLECULE_SEED)).xyz, atoms.xyz)


def test_the_map_has_the_symmetry_of_T(volume: Floats) -> None:
    for operator in symmetry.operators("T")[1:5]:
        fsc = fourier.fourier_shell_correlation(volume, fourier.transformed(volume, operator))
        assert fsc[1:13].min() > 0.98  # to 16 Å; beyond, the turned map suffers from interpolation


def test_neither_the_mirror_image_nor_the_other_setting_passes_for_the_molecule(volume: Floats) -> None:
    turn = symmetry.settings("T")[1]
    mirrored = fourier.mirrored(volume)
    shells = fourier.shells(BOX)
    band = (shells >= 4) & (shells <= 12)  # 48 to 16 Å
    own = np.fft.rfftn(volume)[band]

    for other in (mirrored, fourier.transformed(mirrored, turn), fourier.transformed(volume, turn)):
        theirs = np.fft.rfftn(other)[band]
        norm = np.sqrt(np.sum(np.abs(own) ** 2) * np.sum(np.abs(theirs) ** 2))
        assert np.sum(np.real(own * np.conj(theirs))) / norm < 0.35


def test_the_map_stands_on_the_level_of_the_solvent(volume: Floats) -> None:
    edge = volume[:4]

    assert np.abs(edge).max() < 0.05 * volume.max()
    assert volume.sum() > 0


def test_a_finer_grid_shows_the_same_map(atoms: Atoms, volume: Floats) -> None:
    fine = potential(atoms, np.ones(len(atoms.xyz), dtype=bool), 64, 3.0, 130.0)

    fsc = fourier.fourier_shell_correlation(fourier.resample(fine, 3.0, BOX, ANGPIX), volume)
    assert fsc[:-1].min() > 0.999
    assert fine.sum() * 3.0**3 == pytest.approx(volume.sum() * ANGPIX**3)


def test_a_slice_is_the_transform_of_the_projection(volume: Floats) -> None:
    smooth = fourier.low_pass(volume, ANGPIX, 12.0)  # a circle of frequencies holds all of it
    frequency = np.fft.fftfreq(BOX, ANGPIX)
    kx, ky = np.meshgrid(frequency[: BOX // 2], frequency)

    central = Projector.of(smooth, ANGPIX).slices(np.eye(3)[None], kx, ky)[0]

    direct = np.fft.fft2(np.fft.ifftshift(smooth.sum(axis=0)))[:, : BOX // 2]
    assert np.abs(central - direct).max() < 0.01 * np.abs(direct).max()


def test_views_of_symmetric_orientations_are_alike(volume: Floats) -> None:
    frequency = np.fft.fftfreq(BOX, ANGPIX)
    kx, ky = np.meshgrid(frequency[:12], np.r_[frequency[:12], frequency[-11:]])
    view = poses.matrices([33.0, 71.0, -14.0])

    slices = Projector.of(volume, ANGPIX).slices(view @ symmetry.operators("T"), kx, ky)

    assert np.abs(slices - slices[0]).max() < 0.02 * np.abs(slices).max()


def test_form_factors_are_those_of_the_international_tables() -> None:
    for element, (a, b) in FORM_FACTORS.items():
        table = gemmi.Element(element).c4322
        assert list(table.a) == list(a)
        assert list(table.b) == list(b)


def test_the_model_file_holds_all_copies_and_marks_what_the_second_state_lacks(
    atoms: Atoms, tmp_path: Path
) -> None:
    write_cif(atoms, tmp_path / "model.cif")

    model = gemmi.read_structure(str(tmp_path / "model.cif"))[0]

    assert len(model) == 12
    assert model.count_atom_sites() == 12 * len(atoms.xyz)
    occupancies = [atom.occ for chain in model for residue in chain for atom in residue]
    assert np.mean(np.array(occupancies) < 0.9) == pytest.approx(np.mean(atoms.lost))
