"""A molecule that no database holds: ideal helices packed into a tetrahedral envelope with wound arms.

The envelope decides whether simulated data can be processed at all. It must be chiral, and far from any
symmetry above T, at the 25-50 Å at which a refinement begins; otherwise views settle on the mirror image
and the map looks well all the same. A hollow ball with twelve arms that wind around the 3-fold axes is both.
Lengths are in Å, the origin is the molecule's centre, axes are RELION's for T.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.spatial import cKDTree

from cryoloom.em.poses import Floats
from cryoloom.em.symmetry import operators
from cryoloom.errors import ProgramError

RADIUS = 62.0
_BALL, _CORE, _TUBE = 0.66 * RADIUS, 12.0, 0.20 * RADIUS
# The middle line of one arm: polar angle and azimuth in degrees, distance from the centre / RADIUS.
_ARM = ((16.0, 60.0, 0.84), (28.0, 82.0, 0.86), (38.0, 110.0, 0.82), (44.0, 142.0, 0.74))
_ARM_HELICES, _HELICES = 7, 20
_HELIX_DISTANCE = 9.4  # of helix axes
_TRIALS = 300  # helices tried of each length
_ATOMS = 1000  # of one asymmetric unit: 12 of them are 170 kDa
_LOST_PART = 0.23  # of the atoms, in the second state
_RISE, _TURN = 1.5, 100.0  # of an alpha helix, Å and degrees a residue
# The backbone about the helix axis: element, hydrogens, radius, angle (degrees), height.
_BACKBONE = (
    ("N", 1, 1.55, -27.7, -0.90),
    ("C", 1, 2.29, 0.0, 0.0),
    ("C", 0, 1.67, 26.6, 1.08),
    ("O", 0, 2.01, 20.5, 2.28),
    ("C", 2, 3.29, -19.0, -0.45),
)
_NAMES = ("N", "CA", "C", "O", "CB", "CG", "CD", "CE", "CZ")


@dataclass(frozen=True, slots=True)
class Atoms:
    """Atoms of one asymmetric unit."""

    xyz: Floats  # (n, 3), Å
    elements: tuple[str, ...]
    hydrogens: NDArray[np.int64]  # that ride on each
    names: tuple[str, ...]
    residues: NDArray[np.int64]  # from 1
    lost: NDArray[np.bool_]  # missing in the second state

    def whole(self) -> Floats:
        """Positions of all copies, operator by operator: (12, n, 3)."""
        return np.asarray(np.einsum("gij,nj->gni", operators("T"), self.xyz))


def build(rng: np.random.Generator) -> Atoms:
    """A molecule: the same generator state gives the same one."""
    axes = _pack(rng)
    residues = [_helix(start, along, length, rng) for start, along, length in axes]
    elements: list[str] = []
    names: list[str] = []
    hydrogens: list[int] = []
    numbers: list[int] = []
    points: list[Floats] = []
    number = 0
    for helix in residues:
        for atoms in helix:
            number += 1
            for name, (element, riding, xyz) in zip(_NAMES, atoms, strict=False):
                names.append(name)
                elements.append(element)
                hydrogens.append(riding)
                numbers.append(number)
                points.append(xyz)
    for place in _loops(np.array(points), max(0, _ATOMS - len(points)) // len(_BACKBONE), rng):
        number += 1
        for name, (element, riding, *_) in zip(_NAMES, _BACKBONE, strict=False):
            names.append(name)
            elements.append(element)
            hydrogens.append(riding)
            numbers.append(number)
            points.append(place + rng.normal(0.0, 1.3, 3))
    xyz = np.array(points)
    along_arm = _along_arm(xyz)
    lost = along_arm >= np.quantile(along_arm, 1.0 - _LOST_PART)
    return Atoms(xyz, tuple(elements), np.array(hydrogens), tuple(names), np.array(numbers), lost)


def write_cif(atoms: Atoms, path: Path) -> None:
    """The whole molecule as mmCIF: one chain a copy; atoms that the second state lacks have occupancy 0.7.

    Raises:
        ProgramError: gemmi is not installed.
    """
    try:
        import gemmi
    except ImportError as error:
        raise ProgramError(
            "gemmi", found="missing", expected="installed", hint="pip install 'cryoloom[images]'"
        ) from error
    structure = gemmi.Structure()
    structure.name = "simulated"
    model = gemmi.Model(1)
    for copy, points in enumerate(atoms.whole()):
        chain = gemmi.Chain("ABCDEFGHIJKL"[copy])
        residue: Any = None
        for i, point in enumerate(points):
            if residue is None or residue.seqid.num != atoms.residues[i]:
                if residue is not None:
                    chain.add_residue(residue)
                residue = gemmi.Residue()
                residue.name, residue.seqid = "UNK", gemmi.SeqId(int(atoms.residues[i]), " ")
            atom = gemmi.Atom()
            atom.name, atom.element = atoms.names[i], gemmi.Element(atoms.elements[i])
            atom.pos = gemmi.Position(*point)
            atom.occ = 0.7 if atoms.lost[i] else 1.0
            residue.add_atom(atom)
        chain.add_residue(residue)
        model.add_chain(chain)
    structure.add_model(model)
    structure.setup_entities()
    structure.make_mmcif_document().write_file(str(path))


def _curve() -> Floats:
    """The arm's middle line as (m, 3) points."""
    polar, azimuth, radius = np.array(_ARM).T
    polar, azimuth = np.radians(polar), np.radians(azimuth)
    knots = (
        np.stack([np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)], axis=1)
        * (radius * RADIUS)[:, None]
    )
    return np.asarray(CubicSpline(np.arange(len(knots)), knots)(np.linspace(0.0, len(knots) - 1.0, 200)))


_CURVE = _curve()
_CURVE_TREE = cKDTree(_CURVE)


def _arm_distance(points: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Distance of each point (n, 3) to the arm and the nearest point of its line."""
    distance, nearest = _CURVE_TREE.query(points)
    return np.asarray(distance), np.asarray(nearest, dtype=np.int64)


def _along_arm(points: Floats) -> Floats:
    """How far out on the arm a point is, -1 in the ball; of all copies of the point the nearest counts."""
    copies = np.einsum("gij,nj->gni", operators("T"), points).reshape(-1, 3)
    distance, nearest = (part.reshape(-1, len(points)) for part in _arm_distance(copies))
    best = distance.argmin(axis=0)[None]
    along = np.take_along_axis(nearest, best, 0)[0].astype(np.float64)
    on_arm = (np.take_along_axis(distance, best, 0)[0] < _TUBE + 4.0) & (
        np.linalg.norm(points, axis=1) > _BALL
    )
    return np.where(on_arm, along, -1.0)


def _inside(points: Floats) -> NDArray[np.bool_]:
    """Which points (n, 3) lie in the envelope: the hollow ball or the arm of this unit."""
    radius = np.linalg.norm(points, axis=1)
    in_ball = (radius < _BALL) & (radius > _CORE)
    return np.asarray(in_ball | (_arm_distance(points)[0] < _TUBE))


def _pack(rng: np.random.Generator) -> list[tuple[Floats, Floats, int]]:
    """Helix axes (start, direction, residues), the arm's first, that keep their distance to all copies."""
    axes: list[tuple[Floats, Floats, int]] = []
    taken = np.zeros((0, 3))
    # Helices get shorter as the envelope fills.
    for wanted, in_arm, longest in ((_ARM_HELICES, True, 14), (_HELICES, False, 14), (_HELICES, False, 8)):
        for length in range(longest, 3, -1):
            centres, along = _candidates(rng, in_arm)
            steps = (np.arange(length) - (length - 1) / 2.0) * _RISE
            lines = centres[:, None] + steps[:, None] * along[:, None]
            fits = _inside(lines.reshape(-1, 3)).reshape(-1, length).all(axis=1)
            if in_arm:
                fits &= np.linalg.norm(lines, axis=2).min(axis=1) > _BALL - 4.0
            for line, direction in zip(lines[fits], along[fits], strict=True):
                if len(axes) == wanted:
                    break
                copies = np.asarray(np.einsum("gij,nj->gni", operators("T"), line))
                others = np.concatenate([copies[1:].reshape(-1, 3), taken])
                if np.sum((line[:, None] - others) ** 2, axis=2).min() > _HELIX_DISTANCE**2:
                    taken = np.concatenate([taken, copies.reshape(-1, 3)])
                    axes.append((line[0], direction, length))
    return axes


def _candidates(rng: np.random.Generator, in_arm: bool) -> tuple[Floats, Floats]:
    """Centres and unit directions (n, 3) of helices to try, along the arm or anywhere in the ball."""
    if in_arm:
        at = rng.integers(len(_CURVE), size=_TRIALS)
        along = np.gradient(_CURVE, axis=0)[at]
        along = along / np.linalg.norm(along, axis=1)[:, None] + rng.normal(0.0, 0.45, (_TRIALS, 3))
        centres = _CURVE[at] + rng.uniform(-_TUBE, _TUBE, (_TRIALS, 3))
    else:
        along = rng.standard_normal((_TRIALS, 3))
        centres = rng.uniform(-_BALL, _BALL, (_TRIALS, 3))
    return centres, along / np.linalg.norm(along, axis=1)[:, None]


def _helix(
    start: Floats, along: Floats, length: int, rng: np.random.Generator
) -> list[list[tuple[str, int, Floats]]]:
    """Residues of a right-handed helix: lists of (element, hydrogens, position)."""
    across = np.cross(along, np.array([1.0, 0.0, 0.0]) if abs(along[0]) < 0.8 else np.array([0.0, 1.0, 0.0]))
    across /= np.linalg.norm(across)
    third = np.cross(along, across)
    phase = rng.uniform(0.0, 360.0)
    helix = []
    for residue in range(length):
        atoms = []
        radial = across
        for element, riding, radius, angle, height in _BACKBONE:
            turn = np.radians(phase + _TURN * residue + angle)
            radial = np.cos(turn) * across + np.sin(turn) * third
            atoms.append((element, riding, start + (height + _RISE * residue) * along + radius * radial))
        # A side chain grows outwards from CB.
        for atom in range(int(rng.integers(0, 5))):
            element = "C" if rng.random() < 0.75 else ("O" if rng.random() < 0.5 else "N")
            outward = radial + rng.normal(0.0, 0.4, 3)
            place = atoms[-1][2] + 1.45 * outward / np.linalg.norm(outward)
            atoms.append((element, 2 if element == "C" and atom < 3 else 1, place))
        helix.append(atoms)
    return helix


def _loops(taken: Floats, count: int, rng: np.random.Generator) -> list[Floats]:
    """Places for residues outside helices, 4 Å off all other atoms and copies where there is room."""
    group = operators("T")
    others = cKDTree(np.einsum("gij,nj->gni", group, taken).reshape(-1, 3))
    places: list[Floats] = []
    for trial in range(20_000):
        if len(places) == count:
            break
        if trial % 2:
            place = _CURVE[int(rng.integers(len(_CURVE)))] + rng.uniform(-_TUBE, _TUBE, 3)
        else:
            place = rng.uniform(-_BALL, _BALL, 3)
        if not _inside(place[None]).all() or others.query(place)[0] < 4.0:
            continue
        copies = np.asarray(group @ place)
        if places and np.sum((copies[:, None] - np.array(places)) ** 2, axis=2).min() < 4.0**2:
            continue
        places.append(place)
    return places
