"""What is refused when it is given is what RELION 3.1 would refuse later, or take for something else."""

import subprocess
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cryoloom import star
from cryoloom.em.point_groups import check_point_group
from cryoloom.errors import ParameterError
from cryoloom.images.mrc import write_mrc
from cryoloom.project.programs import is_without_gpu, program_file
from cryoloom.project.settings import load_settings

pytestmark = pytest.mark.relion

GROUPS = [
    "C1",
    "c2",
    "C7",
    "C99",
    "C100",
    "D2",
    "D12",
    "D100",
    "T",
    "O",
    "I",
    "I1",
    "I2",
    "I3",
    "I4",
    "I5",
    "K",
    "CX",
    "5",
]
# Taken by RELION, refused by us: C0 is none, and no molecule has a mirror.
OURS_ALONE = ["C0", "Td", "Th", "Oh", "Ih", "C2v", "Ci", "D2h"]


def refine(cwd: Path, *args: str) -> "subprocess.CompletedProcess[str]":
    (cwd / "out").mkdir(exist_ok=True)
    return subprocess.run(
        ["relion_refine", "--o", "out/run", *args], cwd=cwd, capture_output=True, text=True, timeout=120
    )


def ours(name: str) -> bool:
    try:
        check_point_group(name)
    except ParameterError:
        return False
    return True


@pytest.mark.parametrize("name", GROUPS)
def test_a_point_group_is_one_where_relion_knows_it(tmp_path: Path, name: str) -> None:
    done = refine(tmp_path, "--sym", name, "--print_symmetry_ops")
    known = done.returncode == 0 and "not implemented" not in done.stdout + done.stderr

    assert ours(name) is known


@pytest.mark.parametrize("name", OURS_ALONE)
def test_what_no_molecule_has_is_refused_though_relion_takes_it(tmp_path: Path, name: str) -> None:
    assert refine(tmp_path, "--sym", name, "--print_symmetry_ops").returncode == 0
    assert not ours(name)


def test_a_relion_without_gpu_support_is_known_by_its_file(tmp_path: Path) -> None:
    path = program_file("relion_refine", load_settings(None))
    assert path is not None

    said = refine(tmp_path, "--gpu", "0", "--i", "none.star", "--ref", "none.mrc")

    assert is_without_gpu(path) is ("compiled without CUDA" in said.stdout + said.stderr)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reference", "mask", "more", "begins"),
    [
        ((32, 4.0), (32, 4.0), [], True),
        ((48, 4.0), (32, 4.0), [], False),
        ((32, 3.0), (32, 4.0), [], False),
        ((48, 4.0), (48, 4.0), ["--trust_ref_size"], True),
        ((32, 4.0), (48, 4.0), [], True),
        ((32, 4.0), (32, 3.0), [], True),
    ],
)
def test_relion_wants_the_reference_as_the_first_group_and_scales_masks(
    tmp_path: Path, reference: tuple[int, float], mask: tuple[int, float], more: list[str], begins: bool
) -> None:
    optics = {
        "rlnOpticsGroupName": ["a"], "rlnOpticsGroup": [1], "rlnImagePixelSize": [4.0], "rlnImageSize": [32],
        "rlnImageDimensionality": [2], "rlnVoltage": [300.0], "rlnSphericalAberration": [2.7], "rlnAmplitudeContrast": [0.1],
    }  # fmt: skip
    names = [f"{number}@p.mrcs" for number in range(1, 13)]
    items = pl.DataFrame(
        {"rlnImageName": names, "rlnMicrographName": ["m.mrc"] * 12, "rlnOpticsGroup": [1] * 12}
    )
    star.write(tmp_path / "p.star", {"optics": pl.DataFrame(optics), "particles": items})
    write_mrc(tmp_path / "p.mrcs", np.random.default_rng(1).normal(size=(12, 32, 32)).astype(np.float32), 4.0)
    for name, (box, angpix) in (("ref", reference), ("mask", mask)):
        axes = np.mgrid[:box, :box, :box] - box // 2
        ball = (np.sqrt((axes**2).sum(axis=0)) * angpix < 40).astype(np.float32)
        write_mrc(tmp_path / f"{name}.mrc", ball, angpix, is_volume=True)

    done = refine(
        tmp_path, "--i", "p.star", "--ref", "ref.mrc", "--solvent_mask", "mask.mrc", "--iter", "1", "--particle_diameter",
        "100", "--flatten_solvent", "--zero_mask", "--oversampling", "0", "--healpix_order", "0", "--offset_range", "2",
        "--offset_step", "2", "--norm", "--scale", "--firstiter_cc", "--ini_high", "30", "--pad", "1", *more,
    )  # fmt: skip

    assert (done.returncode == 0) is begins, done.stdout[-800:] + done.stderr[-800:]
