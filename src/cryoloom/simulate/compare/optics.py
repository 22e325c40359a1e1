"""How well optics were found: beam tilt, magnification and aberrations of groups, defocus of particles.

Pure functions of optics tables. Groups are matched by name. A column that is absent means that nothing is
known: no tilt, no aberration, no stretch.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from cryoloom.em.aberrations import even_gamma, odd_phase
from cryoloom.em.poses import Floats
from cryoloom.errors import DatasetError

_LOWEST = 1.0 / 30.0  # 1/Å, where aberrations begin to matter; RELION's fits begin there too
_GRID = 64
_MATRIX = [f"rlnMagMat{place}" for place in ("00", "01", "10", "11")]
_TILT = ["rlnBeamTiltX", "rlnBeamTiltY"]


@dataclass(frozen=True, slots=True)
class OpticsErrors:
    """One group's optics against the true ones."""

    name: str  # rlnOpticsGroupName
    beam_tilt: float  # length of the difference, mrad
    magnification: float  # greatest difference of the matrix' elements
    trefoil: float  # length of the difference of Z(-3, 3) and Z(3, 3), rad Å³
    odd: float  # rms over the frequencies of the difference of phases, beam tilt apart, rad
    even: float  # the same of what even aberrations add to gamma, rad


def optics_errors(found: pl.DataFrame, true: pl.DataFrame, resolution: float) -> list[OpticsErrors]:
    """Errors of each optics group that was found.

    The coefficients of even aberrations are not compared one by one: a fit trades those of different order for
    each other and for the defocus. What they do together to the images does not suffer from that.

    Args:
        found, true: optics tables.
        resolution: Å, to which frequencies are taken, 30 Å being the first.
    Raises:
        DatasetError: a group of `found` is none of the true ones.
    """
    by_name = {row["rlnOpticsGroupName"]: row for row in true.iter_rows(named=True)}
    kx, ky = _frequencies(resolution)
    errors = []
    for row in found.iter_rows(named=True):
        name = row["rlnOpticsGroupName"]
        if name not in by_name:
            raise DatasetError(
                "The optics table", found=f"a group {name}", expected="one of " + ", ".join(by_name)
            )
        pair = (row, by_name[name])
        tilt = _difference(*(numbers(each, _TILT, (0.0, 0.0)) for each in pair))
        stretch = _difference(*(numbers(each, _MATRIX, (1.0, 0.0, 0.0, 1.0)) for each in pair))
        odd = _difference(*(coefficients(each.get("rlnOddZernike"), 6) for each in pair))
        even = _difference(*(coefficients(each.get("rlnEvenZernike"), 9) for each in pair))
        errors.append(
            OpticsErrors(
                name=name,
                beam_tilt=float(np.hypot(*tilt)),
                magnification=float(np.abs(stretch).max()),
                trefoil=float(np.hypot(odd[2], odd[5])),
                odd=_rms(odd_phase(kx, ky, odd.tolist())),
                even=_rms(even_gamma(kx, ky, even.tolist())),
            )
        )
    return errors


def defocus_errors(found: pl.DataFrame, true: pl.DataFrame) -> Floats:
    """Found minus true mean of `rlnDefocusU` and `rlnDefocusV` of each row of `found`, Å.

    Rows are matched by `rlnImageName`: those of a set without movies keep it.

    Raises:
        DatasetError: an image that the truth does not know.
    """
    mean = (pl.col("rlnDefocusU") + pl.col("rlnDefocusV")) / 2.0
    both = found.select("rlnImageName", found=mean).join(
        true.select("rlnImageName", true=mean), on="rlnImageName", how="left", maintain_order="left"
    )
    strays = both.filter(pl.col("true").is_null())
    if strays.height:
        raise DatasetError(
            "The particles", found=f"{strays['rlnImageName'][0]} among them", expected="images of the truth"
        )
    return np.asarray((both["found"] - both["true"]).to_numpy())


def coefficients(cell: object, length: int) -> Floats:
    """The numbers of a cell `[1,2,3]`, at least `length` of them; zeros where there is no such cell."""
    values = [float(part) for part in str(cell or "").strip("[] ").split(",") if part]
    return np.array(values + [0.0] * (length - len(values)))


def numbers(row: dict[str, object], columns: list[str], absent: tuple[float, ...]) -> Floats:
    """Numbers of one group, or what an absent column means."""
    return np.array([float(str(row.get(c, default))) for c, default in zip(columns, absent, strict=True)])


def _difference(found: Floats, true: Floats) -> Floats:
    length = max(len(found), len(true))
    return np.asarray(np.pad(found, (0, length - len(found))) - np.pad(true, (0, length - len(true))))


def _frequencies(resolution: float) -> tuple[Floats, Floats]:
    axis = np.linspace(-1.0, 1.0, _GRID) / resolution
    kx, ky = np.meshgrid(axis, axis)
    k = np.hypot(kx, ky)
    inside = (k >= _LOWEST) & (k <= 1.0 / resolution)
    return kx[inside], ky[inside]


def _rms(values: Floats) -> float:
    return float(np.sqrt(np.mean(values**2)))
