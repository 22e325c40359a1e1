"""How far two runs of one step may lie apart before somebody should look: chance, another program, another choice.

Each limit stands with its reason. What was measured was measured on `examples/tiny.json`, run again by RELION alone from the
script that `cryoloom export script` writes, and with another seed for RELION's programs. What nobody measured is called ours.
"""

from dataclasses import dataclass

import polars as pl

from cryoloom.api.measured import Reached, Tilt
from cryoloom.api.pairing import Step
from cryoloom.em.ctf import wavelength

Limit = tuple[float, str]

_EIGHTH = "less than an eighth of a wave at"


@dataclass(frozen=True, slots=True)
class Limits:
    """For two projects; `resolution`: Å, the worse of their two maps."""

    resolution: float | None

    @property
    def movies(self) -> Limit:
        """Part of the movies that both have to have."""
        return 1.0, "nothing but another choice leaves one out"

    @property
    def micrographs(self) -> Limit:
        """Part of the micrographs that both have to have."""
        return 1.0, "chance makes none and loses none"

    def bfactor(self, one: float, two: float) -> Limit:
        """Å²."""
        largest = max(abs(one), abs(two))
        if largest > 100:
            return 0.1 * largest, "a tenth: 5 % was measured between two seeds of RELION's"
        return (
            10.0,
            "ours: the fit's slope, where there is hardly one; a shell more of the tutorial's moves it by 1",
        )

    def drift(self, mine: Step, other: Step) -> Limit:
        """Å, of one micrograph."""
        if mine.program != other.program or _flag(mine, "do_own_motioncor") != _flag(
            other, "do_own_motioncor"
        ):
            return (
                10.0,
                "ours: another program smooths a path otherwise, and a sum of steps counts its jitter",
            )
        return 1.0, "RELION fills hot pixels by chance; 0.01 was measured"

    def defocus(self, mine: Step, other: Step, one: pl.DataFrame, two: pl.DataFrame) -> Limit:
        """Å, of one micrograph."""
        if mine.name.partition("/")[0] == "CtfRefine":
            reach = self.resolution
        elif mine.program == other.program and _flag(mine, "use_gctf") == _flag(other, "use_gctf"):
            return 20.0, "one program on nearly the same micrograph; 1 was measured"
        else:
            ends = [float(value) for table in (one, two) if (value := table["reach"].median()) is not None]  # type: ignore[arg-type]  # of floats
            reach = max(ends, default=None)
        volts = next((value for table in (one, two) for value in table["kv"].to_list() if value), None)
        if reach is None or volts is None:
            return 100.0, "ours: nothing says to which resolution it matters"
        # A defocus error dz turns the phase by pi * wavelength * dz / d²; an eighth of a wave is pi / 4.
        return reach**2 / (4 * wavelength(volts)), f"{_EIGHTH} {reach:.1f} Å"

    def picks(self, mine: Step, other: Step) -> Limit:
        """Part of each side that both have to have."""
        if mine.name.startswith("ManualPick/"):
            return 0.0, "picked by hand"
        if mine.program == other.program and _flag(mine, "do_log") and _flag(other, "do_log"):
            return (
                0.98,
                "the same filter on nearly the same micrographs; a pick at the threshold may come or go",
            )
        return 0.8, "ours: templates come of a classification, which begins at random"

    def particles(self, mine: Step, other: Step) -> Limit:
        """Part of each side that both have to have."""
        if {mine.program, other.program} & {"by eye"}:
            return 0.8, "ours: what one chose by eye and the other by eye or by rule"
        return 0.8, "ours: a particle between two classes goes to either, by chance"

    def reached(self, one: Reached, two: Reached) -> Limit:
        """Å."""
        shell = max(one.shell, two.shell)
        return 2 * shell, f"two shells of the FSC, {shell:.3f} Å each there: halves are drawn at random"

    def tilt(self, group: Tilt) -> Limit:
        """mrad, of one axis."""
        if self.resolution is None or not group.kv or not group.cs:
            return 0.2, "ours: nothing says to which resolution it matters"
        # Axial coma turns the phase by 2 pi * Cs * wavelength² * k³ * tilt; an eighth of a wave is pi / 4.
        wave = wavelength(group.kv)
        return (
            1e3 * self.resolution**3 / (8 * group.cs * 1e7 * wave**2),
            f"{_EIGHTH} {self.resolution:.1f} Å",
        )


def _flag(step: Step, name: str) -> bool:
    return bool(step.protocol.values.get(name)) if step.protocol is not None else False
