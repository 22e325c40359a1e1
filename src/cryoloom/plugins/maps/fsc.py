"""Fourier shell correlation between two maps: of a map and a model, of two refinements, of half maps."""

from collections.abc import Iterable, Mapping

from cryoloom.errors import ParameterError
from cryoloom.protocol import (
    Axis,
    Box,
    Chart,
    HalfMaps,
    Input,
    JobFolder,
    Mask,
    Output,
    Param,
    Rows,
    SetProtocol,
    SetResult,
    View,
    Volume,
)
from cryoloom.protocol.datasets import PlainFile

THRESHOLDS = (0.143, 0.5)
PIXEL_TOLERANCE = 0.01  # of a pixel size


class Fsc(SetProtocol):
    """Compare two maps shell by shell in Fourier space, within a mask or whole."""

    name = "maps.fsc"
    label = "FSC between maps"

    first: Volume = Input("Map", optional=True, help="The first of two maps.")
    second: Volume = Input(
        "Other map", optional=True, help="Of the same box and pixel size, in the same place."
    )
    half_maps: HalfMaps = Input("OR half maps", optional=True, help="They are compared with each other.")
    mask: Mask = Input(
        "Mask", optional=True, help="Both are multiplied by it: a tight or sharp one correlates by itself."
    )

    angpix: float = Param(
        -1, "Pixel size", unit="Å", usual=(0.1, 40), help="-1: as the maps' headers say; one of them has to."
    )

    fsc: PlainFile = Output("Curve", "fsc.star")

    def check(self) -> None:
        super().check()
        if bool(self.half_maps) == bool(self.first and self.second) or (
            self.half_maps and (self.first or self.second)
        ):
            raise ParameterError(
                f"{self.name}: inputs first and second",
                found="not two maps",
                expected="two maps, or half_maps alone",
            )
        if self.half_maps and not self.half_maps.has_other:
            raise ParameterError(
                f"{self.name}: input half_maps", found=self.half_maps.path, expected="a name with half1"
            )

    def check_boxes(self, boxes: Mapping[str, Box]) -> None:
        of = boxes.get("half_maps") or boxes.get("first")
        for name in ("second", "mask"):
            own = boxes.get(name)
            if own is None or of is None:
                continue
            apart = own.angpix and of.angpix and abs(own.angpix / of.angpix - 1) > PIXEL_TOLERANCE
            if not own.is_as_large_as(of) or apart:
                raise ParameterError(
                    f"{self.name}: input {name}", found=f"{own.path}, a box of {own}", expected=f"{of}, as {of.path} has",
                    hint="relion.image_handler scales and cuts maps (rescale_angpix, new_box).",
                )  # fmt: skip

        if of is not None and not self._pixel_size(box.angpix for box in boxes.values()):
            raise ParameterError(
                f"{self.name}: parameter angpix", found=f"-1, and no pixel size in the header of {of.path}",
                expected="the pixel size, Å", hint="Give it as angpix=1.06: resolutions are in Å by it.",
            )  # fmt: skip

    def _pixel_size(self, of_headers: Iterable[float | None]) -> float:
        return self.angpix if self.angpix > 0 else next((size for size in of_headers if size), 0.0)

    def compute(self, job: JobFolder) -> SetResult:
        import numpy as np
        import polars as pl

        from cryoloom.em.fourier import fourier_shell_correlation, resolution_at
        from cryoloom.images.headers import read_header
        from cryoloom.images.mrc import read_mrc

        one, other = self.first.path, self.second.path
        if self.half_maps:
            one, other = self.half_maps.half(1), self.half_maps.half(2)
        maps = [np.asarray(read_mrc(job.root / path), dtype=np.float64) for path in (one, other)]
        if self.mask:
            window = np.asarray(read_mrc(job.root / self.mask.path), dtype=np.float64)
            maps = [volume * window for volume in maps]
        fsc = fourier_shell_correlation(*maps)
        files = [one, other, *([self.mask.path] if self.mask else [])]
        angpix = self._pixel_size(read_header(job.root / file).angpix for file in files)
        if not angpix:
            raise ParameterError(
                f"{self.name}: parameter angpix", found=f"-1, and no pixel size in the headers of {', '.join(files)}",
                expected="the pixel size, Å",
            )  # fmt: skip
        box = maps[0].shape[0] * angpix
        shells = np.arange(len(fsc))
        table = pl.DataFrame({
            "rlnSpectralIndex": shells,
            "rlnResolution": shells / box,
            "rlnAngstromResolution": [999.0, *(box / shells[1:])],
            "rlnFourierShellCorrelation": fsc,
        })  # fmt: skip
        said = []
        for threshold in THRESHOLDS:
            resolution, never = resolution_at(fsc, threshold, box)
            said.append(
                f"{threshold:g} at {resolution:.2f} Å"
                + (" (never below: the pixels end there)" if never else "")
            )
        return SetResult(
            {"fsc": {"fsc": table}},
            {"shells": len(fsc)},
            f"FSC of {one} and {other}: {', '.join(said)}.",
        )

    def views(self, job: JobFolder) -> list[View]:
        file = job.file("fsc.star")
        rows = Rows(
            file,
            "fsc",
            ("rlnFourierShellCorrelation",),
            made={"k": "rlnResolution"},
            where="rlnSpectralIndex > 0",
        )
        frequency = Axis("k", "resolution, Å", is_frequency=True)
        chart = Chart(
            "Fourier shell correlation", "line", rows, frequency, Axis("rlnFourierShellCorrelation", "FSC"), rules=THRESHOLDS,
            caption="Dashed: 0.143 and 0.5.",
        )  # fmt: skip
        return [
            View(
                "fsc",
                "Fourier shell correlation",
                "Of two maps of one molecule: 1 up to where they differ.",
                (file,),
                lambda _: [chart],
            )
        ]
