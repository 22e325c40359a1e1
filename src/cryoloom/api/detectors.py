"""Detectors that are known by name: their MTF, and the file of it that post-processing takes."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cryoloom.errors import ParameterError


@dataclass(frozen=True, slots=True)
class KnownCurve:
    """One detector at one voltage; the values at a quarter and a half of its sampling frequency."""

    detector: str
    kv: int
    source: str
    at_quarter: float
    at_half: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def row(self) -> list[str]:
        """For a table."""
        return [self.detector, str(self.kv), f"{self.at_quarter:.2f}, {self.at_half:.2f}", self.source]


@dataclass(frozen=True, slots=True)
class WrittenCurve:
    """A curve's file."""

    detector: str
    kv: int
    source: str
    file: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def known_curves() -> tuple[KnownCurve, ...]:
    """All that are known, by detector."""
    from cryoloom.em.detectors import mtf_curves

    found = []
    for curve in mtf_curves():
        at = dict(zip(curve.frequencies, curve.values, strict=True))
        found.append(
            KnownCurve(curve.detector, curve.kv, f"the maker's curve ({curve.maker})", at[0.25], at[0.5])
        )
    return tuple(found)


def write_curve(detector: str, kv: float, output: Path | None = None) -> WrittenCurve:
    """Write the MTF of a detector as the STAR file that `fn_mtf` takes.

    Args:
        detector: its name, in any spelling.
        kv: the voltage.
        output: where to; None: `mtf_DETECTOR_NNNkV.star` in the current folder.
    Raises:
        ParameterError: no curve is known of it at this voltage; or there is another file of that name.
    """
    from cryoloom.em.detectors import mtf_named

    curve = mtf_named(detector, kv)
    path = output or Path(curve.file_name)
    text = curve.star_text()
    if path.exists() and path.read_text() != text:
        raise ParameterError(
            f"{path}", found="another file of that name", expected="none", hint="Give another with -o."
        )
    path.write_text(text)
    return WrittenCurve(curve.detector, curve.kv, f"the maker's curve ({curve.maker})", str(path))
