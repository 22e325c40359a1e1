"""Point groups are RELION's: the same names, the same axes."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from cryoloom.em import poses, symmetry
from cryoloom.errors import ParameterError

ORDERS = {
    "C1": 1,
    "C3": 3,
    "c7": 7,
    "D2": 4,
    "D5": 10,
    "T": 12,
    "O": 24,
    "I": 60,
    "I1": 60,
    "I3": 60,
    "I4": 60,
}


@pytest.mark.parametrize(("name", "order"), ORDERS.items())
def test_a_group_has_its_order_and_is_closed(name: str, order: int) -> None:
    group = symmetry.operators(name)

    products = np.einsum("aij,bjk->abik", group, group).reshape(-1, 1, 3, 3)

    assert len(group) == order
    assert np.abs(products - group[None]).max(axis=(2, 3)).min(axis=1).max() < 1e-6


def test_the_second_setting_of_T_keeps_its_axes_but_is_no_part_of_it() -> None:
    group = symmetry.operators("T")
    turn = symmetry.settings("T")[1]

    turned = turn @ group @ turn.T

    assert all(np.abs(group - g).max(axis=(1, 2)).min() < 1e-6 for g in turned)
    assert np.abs(group - turn).max(axis=(1, 2)).min() > 0.1


def test_a_symmetric_view_is_no_error() -> None:
    rng = np.random.default_rng(3)
    views = poses.random_matrices(rng, 20)
    group = symmetry.operators("O")

    errors = poses.symmetric_angle(views, views @ group[rng.integers(24, size=20)], group)

    assert errors.max() < 1e-5


@pytest.mark.parametrize("name", ["", "Q", "C0", "C", "I9"])
def test_an_unknown_group_is_refused_with_the_names_that_exist(name: str) -> None:
    with pytest.raises(ParameterError, match="such as C1, C4, D2, T, O, I, or I1 to I4"):
        symmetry.operators(name)


@pytest.mark.relion
@pytest.mark.parametrize("name", ["C3", "D3", "T", "O", "I", "I1", "I2", "I3", "I4"])
def test_operators_are_those_that_relion_prints(name: str, tmp_path: Path) -> None:
    command = ["relion_refine", "--sym", name, "--print_symmetry_ops", "--o", "x"]
    printed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True).stdout
    number = r"[-+0-9.e]+"
    rows = re.findall(rf"^\s*({number})\s+({number})\s+({number})\s*$", printed, re.MULTILINE)
    theirs = np.array(rows, dtype=float).reshape(-1, 3, 3)

    ours = symmetry.operators(name)

    assert len(theirs) == len(ours)
    assert all(np.abs(ours - g).max(axis=(1, 2)).min() < 1e-3 for g in theirs)


@pytest.mark.parametrize("name", ["C4", "D3", "T", "O", "I2"])
def test_poses_that_symmetry_makes_equal_are_equivalent_and_have_one_representative(name: str) -> None:
    rng = np.random.default_rng(5)
    a = poses.random_matrices(rng, 40)
    group = symmetry.operators(name)
    moved = a @ group[rng.integers(len(group), size=40)]
    turned = poses.about_axis([1, 2, 3], 0.5) @ a

    assert symmetry.are_equivalent(a, moved, name).all()
    assert not symmetry.are_equivalent(a, turned, name).any()
    assert symmetry.are_equivalent(a, turned, name, degrees=0.6).all()
    one = symmetry.representatives(a, name)
    assert np.abs(one - symmetry.representatives(moved, name)).max() < 1e-9
    assert symmetry.are_equivalent(a, one, name).all()
