"""Helical symmetry imposed on a map."""

from collections.abc import Mapping

from cryoloom.errors import ParameterError
from cryoloom.plugins.relion.helix_search import found_in
from cryoloom.plugins.relion.options.boxes import check_half, check_same_pixels
from cryoloom.plugins.relion.options.helix import HelixOfMap, check_tube
from cryoloom.plugins.relion.options.pixel_of_map import auto_pixel
from cryoloom.plugins.relion.options.running import Additional, call
from cryoloom.plugins.relion.options.written import fraction
from cryoloom.protocol import (
    ADVANCED,
    AUTO,
    Box,
    Command,
    HalfMaps,
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

HALVES = tuple(f"run_half{half}_class001_unfil.mrc" for half in (1, 2))


class HelixImpose(HelixOfMap, Additional, ProgramProtocol):
    """Average a map along its helix, from the good middle of the box to its ends."""

    name = "relion.helix_impose"
    label = "Impose helical symmetry"
    cites = ("He2017",)
    programs = ("relion_helix_toolbox",)
    next = ("relion.postprocess", "relion.refine3d")

    fn_in: Volume = Input("Map", help="Of a helix along Z; the final one, sharpened or not.")
    found: PlainFile = Input("Rise and twist", optional=True, help="Of relion.helix_search.")
    half_maps_in: HalfMaps = Input("Half maps", optional=True, help="Each is averaged alike.")
    rise: float = Param(
        AUTO, "Rise", unit="Å", gt=0, flag="--rise", help="auto: as relion.helix_search found it."
    )
    twist: float = Param(
        AUTO,
        "Twist",
        unit="°",
        flag="--twist",
        help="Positive for right-handed helices. auto: as it was found.",
    )
    sphere_percentage: float = Param(
        90, "Diameter of the sphere", unit="%", ge=10, le=90, level=ADVANCED, flag="--sphere_percentage", written=fraction,
        help="Of the box; what lies beyond is masked.",
    )  # fmt: skip
    width: float = Param(5, "Soft edge", unit="px", ge=0, level=ADVANCED, flag="--width", help="A cosine.")

    volume: Volume = Output("Map with helical symmetry", "helix.mrc")
    half_maps: HalfMaps = Output(
        "Half maps with helical symmetry", HALVES[0], when=lambda p: bool(p.given["half_maps_in"])
    )

    def check(self) -> None:
        super().check()
        check_half(self, "half_maps_in")
        for name in ("rise", "twist"):
            if self.values[name] == AUTO and not self.given["found"]:
                raise ParameterError(
                    f"{self.name}: parameter {name}", found="auto, and no search to take it from", expected="a value",
                    hint="Give it, or found=JOB of relion.helix_search.",
                )  # fmt: skip

    def check_boxes(self, boxes: Mapping[str, Box]) -> None:
        check_same_pixels(self, boxes, "half_maps_in", of="fn_in")
        check_tube(self, boxes)

    def resolve_auto(self, job: JobFolder) -> dict[str, float]:
        values = auto_pixel(self, job.root, self.fn_in)
        asked = [name for name in ("rise", "twist") if self.values[name] == AUTO]
        if asked:
            known = dict(zip(("rise", "twist"), found_in(job.root / self.found.path), strict=True))
            values |= {name: known[name] for name in asked}
        return values

    def command(self, job: JobFolder) -> Command:
        return self._imposed(job, self.fn_in.path, "helix.mrc")

    def after(self, job: JobFolder) -> list[Command]:
        if not self.half_maps_in:
            return []
        return [self._imposed(job, self.half_maps_in.half(half), HALVES[half - 1]) for half in (1, 2)]

    def _imposed(self, job: JobFolder, source: str, name: str) -> Command:
        words = ["--impose", "--i", source, "--o", job.file(name), *words_of(self)]
        return call(self, "relion_helix_toolbox", words, job, control=False)

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import maps

        return maps.map_views(job.file("helix.mrc"))
