"""Modulation transfer functions of detectors that are known by name, and as the STAR file that RELION divides by.

The table is `detectors.tsv`: the makers' measured curves, as RELION 3.1 and the community pass them on, read off at 26 spatial
frequencies and rounded to a thousandth. Between these a straight line is within 0.009 of the curves. A curve holds for
one voltage and for counting; frequencies are of the detector's physical pixel (for K2 in super-resolution, the pixel after
binning by two).
"""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cryoloom.errors import ParameterError

TABLE = Path(__file__).with_name("detectors.tsv")

_MAKERS = {
    "K2": "Gatan, counting",
    # gatan.com, mtf_k3_standard_{200,300}kV_FL2.star: the camera's standard mode. With correlated double sampling the curve is
    # another one.
    "K3": "Gatan, counting without CDS",
    "Falcon2": "FEI, integrating",
    "Falcon3EC": "Thermo Fisher, counting",
    "Falcon4EC": "Thermo Fisher, counting",
    "DE20": "Direct Electron, integrating",
    "Apollo": "Direct Electron, counting",
}


@dataclass(frozen=True, slots=True)
class MtfCurve:
    """One detector at one voltage."""

    detector: str
    kv: int
    maker: str
    frequencies: tuple[float, ...]  # 1/px of the physical pixel, 0 to 0.5
    values: tuple[float, ...]

    @property
    def file_name(self) -> str:
        """As such files are called."""
        return f"mtf_{self.detector.lower()}_{self.kv}kV.star"

    def star_text(self) -> str:
        """The file that `fn_mtf` takes."""
        rows = [f"{at:.4f} {value:.3f}" for at, value in zip(self.frequencies, self.values, strict=True)]
        head = ["", f"# {self.detector}, {self.kv} kV ({self.maker})", "data_", "", "loop_"]
        labels = ["_rlnResolutionInversePixel #1", "_rlnMtfValue #2"]
        return "\n".join([*head, *labels, *rows, ""])


@cache
def mtf_curves() -> tuple[MtfCurve, ...]:
    """All that are known, by detector."""
    with TABLE.open(newline="") as file:
        rows = [[*row] for row in csv.reader(file, delimiter="\t")]
    frequencies = tuple(float(row[0]) for row in rows[1:])
    found = []
    for column, title in enumerate(rows[0][1:], start=1):
        detector, _, kv = title.rpartition("_")
        values = tuple(float(row[column]) for row in rows[1:])
        found.append(MtfCurve(detector, int(kv), _MAKERS[detector], frequencies, values))
    return tuple(found)


def mtf_named(detector: str, kv: float) -> MtfCurve:
    """The curve of a detector, by its name in any spelling (`K2`, `falcon 3`, `Falcon-4`).

    Raises:
        ParameterError: no such detector, more than one, or none at this voltage: another voltage's curve is wrong there.
    """
    asked = _plain(detector)
    known = sorted({curve.detector for curve in mtf_curves()})
    fitting = [name for name in known if asked and _plain(name).startswith(asked)]
    if len(fitting) != 1:
        raise ParameterError(
            "The detector", found=repr(detector), expected=f"one of {', '.join(known)}",
            hint="These are all whose curve is known here. Of another one the maker has it; give that file as fn_mtf.",
        )  # fmt: skip
    curves = {curve.kv: curve for curve in mtf_curves() if curve.detector == fitting[0]}
    # Microscopes say 299 or 300.0.
    near = [known_kv for known_kv in curves if abs(known_kv - kv) <= 5]
    if not near:
        raise ParameterError(
            f"The voltage for {fitting[0]}", found=f"{kv:g} kV",
            expected=" or ".join(f"{known_kv} kV" for known_kv in sorted(curves)),
            hint="At another voltage electrons spread otherwise: ask the maker for that curve.",
        )  # fmt: skip
    return curves[near[0]]


def _plain(name: str) -> str:
    return "".join(sign for sign in name.lower() if sign.isalnum())
