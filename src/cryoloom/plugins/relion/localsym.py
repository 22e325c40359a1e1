"""Local symmetry: copies of one unit in a map that no point group relates are found, and averaged."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cryoloom.errors import ParameterError
from cryoloom.plugins.relion.options.boxes import check_half, check_same_pixels
from cryoloom.plugins.relion.options.pixel_of_map import PixelOfMap, auto_pixel
from cryoloom.plugins.relion.options.running import Mpi, call, number
from cryoloom.protocol import (
    ADVANCED,
    Box,
    Command,
    HalfMaps,
    Input,
    JobFolder,
    Mask,
    Output,
    Param,
    ProgramProtocol,
    Rule,
    View,
    Volume,
)
from cryoloom.protocol.datasets import PlainFile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HALVES = tuple(f"run_half{half}_class001_unfil.mrc" for half in (1, 2))
LABELS = (
    *("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"),
    *("rlnOriginXAngst", "rlnOriginYAngst", "rlnOriginZAngst"),
)
# Of copies the densities agree at least so much; noise, or an operator that misses, does not.
ALIKE = 0.3


class LocalSymmetry(PixelOfMap, Mpi, ProgramProtocol):
    """Find how copies of one unit lie in a map, and average them there."""

    name = "relion.localsym"
    label = "Local symmetry"
    cites = ("Scheres2012b",)
    programs = ("relion_localsym",)
    next = ("relion.postprocess", "maps.fsc")
    cleaning = (Rule("lists of what the search tried", ("*_cc_mask*.star",), below=False),)

    fn_in: Volume = Input("Map", help="Sharpened, or filtered so that units can be told from noise.")
    masks: Mask = Input(
        "Masks", several=True,
        help="The first one encloses the unit, each further one a copy of it. One alone: give operators.",
    )  # fmt: skip
    half_maps_in: HalfMaps = Input(
        "Half maps",
        optional=True,
        help="Each is averaged by what was found in the map, so that an FSC can be made.",
    )
    operators: str = Param(
        "", "Operators that are known",
        help="rot, tilt, psi in degrees, x, y, z in Å of each copy, copies parted by `;`: where the unit's points come to,"
        " counted from the box's centre. Empty: searched for in the masks.",
    )  # fmt: skip
    do_local_search: bool = Param(
        True,
        "Refine the operators?",
        tab="Search",
        help="Around those found or given: by two of their steps, in steps three and nine times finer.",
    )
    ang_step: float = Param(
        15,
        "Angular step",
        unit="°",
        tab="Search",
        gt=0,
        le=60,
        help="Of the search through all orientations.",
    )
    offset_range: float = Param(
        6, "Offset range", unit="Å", tab="Search", ge=0,
        help="Around the difference of the masks' centres; more where masks enclose units unlike.",
    )  # fmt: skip
    offset_step: float = Param(3, "Offset step", unit="Å", tab="Search", gt=0, help="Of the first search.")
    binning: float = Param(
        2, "Binning of the first search", tab="Search", ge=1, level=ADVANCED, help="Higher is faster."
    )

    volume: Volume = Output("Map with its copies averaged", "localsym.mrc")
    found: PlainFile = Output("Operators", "operators.star")
    half_maps: HalfMaps = Output(
        "Half maps with their copies averaged", HALVES[0], when=lambda p: bool(p.given["half_maps_in"])
    )

    def check(self) -> None:
        super().check()
        check_half(self, "half_maps_in")
        masks, given = len(self.mask_files()), len(self.given_operators())
        if given and masks != 1:
            raise ParameterError(
                f"{self.name}: input masks", found=f"{masks} masks beside operators",
                expected="the unit's mask alone: operators say where its copies lie",
            )  # fmt: skip
        if not given and masks < 2:
            raise ParameterError(
                f"{self.name}: input masks", found="one mask, and no operators",
                expected="a mask for each copy, the unit's first", hint="masks=UNIT masks=COPY, or operators=...",
            )  # fmt: skip

    def check_boxes(self, boxes: Mapping[str, Box]) -> None:
        for name in boxes:
            if name != "fn_in":
                check_same_pixels(self, boxes, name, of="fn_in")

    def mask_files(self) -> list[str]:
        """The unit's first."""
        return [dataset.path for dataset in self.datasets_of("masks").values()]

    def given_operators(self) -> list[list[float]]:
        """Six numbers of each copy.

        Raises:
            ParameterError: a copy has others.
        """
        found = []
        for text in (one for one in str(self.operators).split(";") if one.strip()):
            try:
                values = [float(word) for word in text.replace(",", " ").split()]
            except ValueError:
                values = []
            if len(values) != len(LABELS) or not all(map(math.isfinite, values)):
                raise ParameterError(
                    f"{self.name}: parameter operators", found=text.strip(),
                    expected="six numbers: rot, tilt, psi in degrees, x, y, z in Å",
                )  # fmt: skip
            found.append(values)
        return found

    def resolve_auto(self, job: JobFolder) -> dict[str, float]:
        return auto_pixel(self, job.root, self.fn_in)

    def listed(self, job: JobFolder) -> Mapping[str, str]:
        unit, *copies = self.mask_files()
        if given := self.given_operators():
            rows = [" ".join([unit, *(f"{value:.6f}" for value in values)]) for values in given]
            return {job.file("given.star"): _loop(["rlnMaskName", *LABELS], rows)}
        # An area is a unit with its copies: there is one.
        return {
            job.file("masks.star"): _loop(
                ["rlnMaskName", "rlnAreaId"], [f"{one} 1" for one in (unit, *copies)]
            )
        }

    def before(self, job: JobFolder) -> Sequence[Command]:
        searches, last = [], job.file("given.star")
        if not self.given_operators():
            last = job.file("search.star")
            where = [
                "--i_op_mask_info",
                job.file("masks.star"),
                "--o_mask_info",
                last,
                "--bin",
                number(self.binning),
            ]
            searches.append(self._search(job, where, self.offset_range, self.offset_step, 0, self.ang_step))
        if self.do_local_search:
            for step, scale in enumerate((3, 9), start=1):
                target = job.file(f"refined{step}.star")
                where = ["--i_mask_info", last, "--o_mask_info", target]
                where += ["--bin", number(self.binning)] if step == 1 else []
                offset, angle = self.offset_step / scale, self.ang_step / scale
                searches.append(self._search(job, where, 2 * offset, offset, 2 * angle, angle))
                last = target
        return searches

    def command(self, job: JobFolder) -> Command:
        return self._apply(job, self.fn_in.path, "localsym.mrc")

    def after(self, job: JobFolder) -> Sequence[Command]:
        if not self.half_maps_in:
            return ()
        return [self._apply(job, self.half_maps_in.half(half), HALVES[half - 1]) for half in (1, 2)]

    def last_list(self, job: JobFolder) -> str:
        """The file with the operators that are applied."""
        first = "given.star" if self.given_operators() else "search.star"
        return job.file("refined2.star" if self.do_local_search else first)

    def name_results(self, job: JobFolder) -> None:
        """The operators with how much the densities that they relate are alike."""
        import numpy as np
        import polars as pl

        from cryoloom import star
        from cryoloom.images.mrc import read_mrc

        [table] = star.tables_of(star.read(job.root / self.last_list(job))).values()
        likeness = likeness_of_copies(
            np.asarray(read_mrc(job.root / self.fn_in.path)), np.asarray(read_mrc(job.root / self.mask_files()[0])),
            table.select(LABELS).cast(pl.Float64).to_numpy(), self.angpix,
        )  # fmt: skip
        star.write(
            job.path / "operators.star", {"": table.with_columns(cryoloomCorrelation=pl.Series(likeness))}
        )

    def doubts(self, job: JobFolder) -> list[str]:
        from cryoloom import star

        [table] = star.tables_of(star.read(job.path / "operators.star")).values()
        said = []
        for copy, likeness in enumerate(table["cryoloomCorrelation"].cast(float), start=1):
            if not likeness >= ALIKE:
                mend = "A smaller ang_step or a larger offset_range finds what lies between, a tighter mask leaves it."
                if self.given_operators() and not self.do_local_search:
                    mend = "Are its numbers those of this map, and from the unit to the copy?"
                said.append(
                    f"Copy {copy} correlates with the unit by {likeness:.2f} only: something else was averaged in. {mend}"
                )
        return said

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import counts, maps

        return [
            *maps.map_views(job.file("localsym.mrc")),
            counts.table_view(
                "operators", "Operators",
                "A row for each copy: how the unit is turned and moved to it. Correlation near 1: a copy.",
                job.file("operators.star"),
            ),
        ]  # fmt: skip

    def _search(
        self, job: JobFolder, where: list[str], reach: float, step: float, angles: float, angle: float
    ) -> Command:
        """A search; `angles`: ± around what is known, 0: all there are."""
        around = ["--ang_range", f"{angles:g}"] if angles else []
        words = [
            *("--search", "--i_map", self.fn_in.path, "--angpix", number(self.angpix), *where),
            *(
                *around,
                "--ang_step",
                f"{angle:g}",
                "--offset_range",
                f"{reach:g}",
                "--offset_step",
                f"{step:g}",
            ),
        ]
        return call(self, "relion_localsym", words, job, control=False)

    def _apply(self, job: JobFolder, source: str, name: str) -> Command:
        return Command(
            "relion_localsym",
            (
                *("--apply", "--angpix", number(self.angpix), "--i_map", source),
                *("--i_mask_info", self.last_list(job), "--o_map", job.file(name)),
            ),
        )


def likeness_of_copies(
    volume: "NDArray[np.floating[Any]]",
    mask: "NDArray[np.floating[Any]]",
    operators: "NDArray[np.float64]",
    angpix: float,
) -> list[float]:
    """How much the density where an operator brings a unit is like the unit's own.

    Args:
        volume: the map, shape (z, y, x).
        mask: of the unit, of the same shape.
        operators: shape (copies, 6): rot, tilt, psi, degrees; x, y, z, Å. A point of the unit comes to A p + t, counted from
            voxel box // 2, where A is RELION's Euler matrix.
        angpix: Å.
    Returns:
        Correlations of voxels where the mask is above a half; nan where a copy lies outside the box or is constant.
    """
    import numpy as np
    from scipy.ndimage import map_coordinates

    from cryoloom.em.poses import matrices

    within = np.argwhere(mask > 0.5)
    centre = np.array(volume.shape) // 2
    own = volume[tuple(within.T)]
    points = (within - centre)[:, ::-1] * angpix  # x, y, z
    found = []
    for turn, shift in zip(matrices(operators[:, :3]), operators[:, 3:], strict=True):
        there = (points @ turn.T + shift)[:, ::-1] / angpix + centre
        copy = map_coordinates(volume, there.T, order=1, cval=float("nan"))
        known = np.isfinite(copy)
        alike = float("nan")
        if known.sum() > 1 and np.ptp(copy[known]) > 0 and np.ptp(own[known]) > 0:
            alike = float(np.corrcoef(own[known], copy[known])[0, 1])
        found.append(alike)
    return found


def _loop(labels: Sequence[str], rows: Sequence[str]) -> str:
    """A table as RELION reads it."""
    names = "".join(f"_{label} #{number}\n" for number, label in enumerate(labels, start=1))
    return "\ndata_\n\nloop_\n" + names + "".join(f"{row}\n" for row in rows)
