"""Rise and twist of a helix, found in a map of it."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from cryoloom.errors import ParameterError, ProgramError
from cryoloom.plugins.relion.options.helix import HelixOfMap, check_tube
from cryoloom.plugins.relion.options.pixel_of_map import auto_pixel
from cryoloom.plugins.relion.options.running import Additional, call
from cryoloom.plugins.relion.options.written import positive
from cryoloom.protocol import (
    ADVANCED,
    Box,
    Command,
    Input,
    JobFolder,
    Output,
    Param,
    ProgramProtocol,
    View,
    Volume,
    words_of,
)
from cryoloom.protocol.datasets import PlainFile
from cryoloom.protocol.views import Block, Look, Metrics

SAID = re.compile(r"Refined helical rise = (\S+) Angstroms, twist = (\S+) degrees")
EDGE = 0.02  # of a range: a value so near to its end may be cut off


class HelixSearch(HelixOfMap, Additional, ProgramProtocol):
    """Search rise and twist within ranges: where a map is most like itself along the helix."""

    name = "relion.helix_search"
    label = "Helical symmetry search"
    cites = ("He2017",)
    programs = ("relion_helix_toolbox",)
    next = ("relion.helix_impose", "relion.refine3d")

    fn_in: Volume = Input(
        "Map",
        flag="--i",
        help="Of a helix along Z, sharpened no further than its resolution: noise of single pixels draws the rise to "
        "where interpolation smooths it.",
    )
    rise_min: float = Param(
        0.0, "Rise, at least", unit="Å", ge=0, flag="--rise_min", help="Of one asymmetrical unit."
    )
    rise_max: float = Param(0, "Rise, at most", unit="Å", ge=0, flag="--rise_max", help="Above rise_min.")
    rise_inistep: float = Param(
        -1, "First step of rise", unit="Å", level=ADVANCED, flag="--rise_inistep", written=positive,
        help="-1: RELION's own. A coarse one may step over the right value.",
    )  # fmt: skip
    twist_min: float = Param(
        0, "Twist, at least", unit="°", flag="--twist_min", help="Positive for right-handed ones."
    )
    twist_max: float = Param(0, "Twist, at most", unit="°", flag="--twist_max", help="Above twist_min.")
    twist_inistep: float = Param(
        -1, "First step of twist", unit="°", level=ADVANCED, flag="--twist_inistep", written=positive,
        help="-1: RELION's own.",
    )  # fmt: skip

    helix: PlainFile = Output("Rise and twist", "helix.star")

    def check(self) -> None:
        super().check()
        for name in ("rise", "twist"):
            low, high = self.values[f"{name}_min"], self.values[f"{name}_max"]
            if not low < high:
                raise ParameterError(
                    f"{self.name}: parameters {name}_min and {name}_max", found=f"{low:g} and {high:g}",
                    expected="a range, the lower value first",
                )  # fmt: skip

    def check_boxes(self, boxes: Mapping[str, Box]) -> None:
        check_tube(self, boxes)

    def command(self, job: JobFolder) -> Command:
        return call(self, "relion_helix_toolbox", ["--search", *words_of(self)], job, control=False)

    def name_results(self, job: JobFolder) -> None:
        """What the program says; it writes no file of it."""
        import polars as pl

        from cryoloom import star

        said = SAID.findall((job.path / "run.out").read_text(errors="replace"))
        if not said:
            raise ProgramError(
                f"{job.name}: run.out", found="no rise and twist", expected="`Refined helical rise = ...`",
                hint=f"Its last words: cryoloom log {job.name}",
            )  # fmt: skip
        rise, twist = said[-1]
        table = pl.DataFrame({"rlnHelicalRise": [float(rise)], "rlnHelicalTwist": [float(twist)]})
        star.write(job.path / "helix.star", {"": table})

    def doubts(self, job: JobFolder) -> Sequence[str]:
        found = dict(zip(("rise", "twist"), found_in(job.path / "helix.star"), strict=True))
        said = []
        for name, value in found.items():
            low, high = self.values[f"{name}_min"], self.values[f"{name}_max"]
            if min(value - low, high - value) < EDGE * (high - low):
                said.append(
                    f"The {name} that was found, {value:g}, lies at the end of its range, {low:g} to {high:g}: "
                    "the right one may lie beyond. Search a wider range."
                )
        return said

    def resolve_auto(self, job: JobFolder) -> dict[str, float]:
        return auto_pixel(self, job.root, self.fn_in)

    def views(self, job: JobFolder) -> list[View]:
        file = job.file("helix.star")

        def blocks(look: Look) -> list[Block]:
            rise, twist = found_in(look.root / file)
            rows = [("rise", f"{rise:.3f} Å"), ("twist", f"{twist:.3f}°")]
            if twist:
                units = 360 / abs(twist)
                rows += [("units a turn", f"{units:.3f}"), ("pitch", f"{units * rise:.2f} Å")]
            return [Metrics("Helical symmetry", rows)]

        how = "Right where a map on which it is imposed stays as it was (relion.helix_impose)."
        return [View("helix", "Helical symmetry", how, (file,), blocks)]


def found_in(file: Path) -> tuple[float, float]:
    """Rise, Å, and twist, degrees, of a file that such a job wrote.

    Raises:
        StarError: it has no such values.
    """
    from cryoloom import star

    [table] = star.tables_of(star.read(file)).values()
    return float(table["rlnHelicalRise"][0]), float(table["rlnHelicalTwist"][0])
