"""The pixel size, corrected after the fact: of particles, micrographs and maps of a branch in one act."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cryoloom.errors import ParameterError
from cryoloom.protocol import (
    Coordinates,
    Dataset,
    HalfMaps,
    Input,
    JobFolder,
    Mask,
    Output,
    Param,
    SetProtocol,
    SetResult,
    Table,
    Volume,
)
from cryoloom.protocol.datasets import half_of
from cryoloom.protocol.declare import OutputSpec

if TYPE_CHECKING:
    import polars as pl

# Of an optics group: what is a pixel's size.
SIZES = ("rlnImagePixelSize", "rlnMicrographPixelSize", "rlnMicrographOriginalPixelSize")
ORIGINAL, METADATA = SIZES[2], "rlnMicrographMetadata"
# Of an item, in Å that were px: they were measured with the old pixel.
LENGTHS = (
    *(
        "rlnOriginXAngst",
        "rlnOriginYAngst",
        "rlnOriginZAngst",
        "rlnOriginXPriorAngst",
        "rlnOriginYPriorAngst",
    ),
    *("rlnHelicalTrackLengthAngst", "rlnCtfMaxResolution"),
    *("rlnAccumMotionTotal", "rlnAccumMotionEarly", "rlnAccumMotionLate"),
)
DEFOCUS = ("rlnDefocusU", "rlnDefocusV", "rlnCtfAstigmatism")
# Of an optics group: what was fitted over frequencies in 1/Å, in powers of them that are mixed.
FITTED = ("rlnBeamTiltX", "rlnOddZernike", "rlnEvenZernike")
LARGEST = 0.1  # a calibration changes a few per cent
MAPS = (Volume, Mask, HalfMaps)


class Calibrate(SetProtocol):
    """Give particles, micrographs and maps another pixel size, with all that was measured by the old one."""

    name = "optics.calibrate"
    label = "Calibrate the pixel size"
    next = ("relion.postprocess", "relion.ctfrefine", "relion.refine3d")

    input: Dataset = Input(
        "What is calibrated", several=True,
        help="Particles, micrographs, maps, masks, half maps: input=17 input=17:volume input=15. Each becomes an output.",
    )  # fmt: skip
    angpix: float = Param(
        0,
        "True pixel size",
        unit="Å",
        ge=0,
        usual=(0.1, 40),
        help="Of the first input; the others change by the same factor.",
    )
    factor: float = Param(
        1,
        "True size / size so far",
        gt=0,
        help="Instead: by what all pixel sizes are multiplied. Maps of a model say it.",
    )
    do_defocus: bool = Param(
        True, "Change the defocus too?",
        help="Rings that were fitted with a wrong pixel mean another defocus: by the square of the factor. What Cs is off by "
        "then a fit of 4th order aberrations finds (relion.ctfrefine).",
    )  # fmt: skip

    def promised(self) -> Mapping[str, OutputSpec]:
        found: dict[str, OutputSpec] = {}
        for number, (name, dataset) in enumerate(self.datasets_of("input").items(), start=1):
            kind = type(dataset)
            ending = "star" if isinstance(dataset, Table) else "mrc"
            stem = kind.block or kind.kind.replace(" ", "_")
            file = f"{number}_half1_{stem}" if isinstance(dataset, HalfMaps) else f"{number}_{stem}"
            spec: OutputSpec = Output(f"{dataset.path}, calibrated", f"{file}.{ending}")
            spec.name, spec.kind = name.replace("input", "calibrated"), kind
            found[spec.name] = spec
        return found

    def check(self) -> None:
        super().check()
        if (self.angpix > 0) == (self.factor != 1):
            both = "both angpix and factor" if self.angpix > 0 else "neither angpix nor factor"
            raise ParameterError(f"{self.name}: parameter angpix", found=both, expected="one of them")
        if self.angpix <= 0:
            self._check_factor(self.factor, "factor")
        for name, dataset in self.datasets_of("input").items():
            if isinstance(dataset, Coordinates) or not isinstance(dataset, Table | Volume | Mask | HalfMaps):
                raise ParameterError(
                    f"{self.name}: input {name}", found=f"{dataset.path}, {dataset.kind}",
                    expected="particles, micrographs, movies, a map, a mask or half maps",
                )  # fmt: skip
            if isinstance(dataset, HalfMaps) and not dataset.has_other:
                raise ParameterError(
                    f"{self.name}: input {name}", found=dataset.path, expected="a name with half1"
                )

    def _check_factor(self, factor: float, told_by: str) -> None:
        """That it is a calibration and no other sampling.

        Raises:
            ParameterError: it changes more than one does, and the user does not stand by it.
        """
        if abs(factor - 1) > LARGEST and not self.values.get("accept_unusual"):
            raise ParameterError(
                f"{self.name}: parameter {told_by}", found=f"a change by {factor:.4g}",
                expected="a few per cent", hint="relion.image_handler changes the sampling of maps. "
                "If it is meant, add accept_unusual=Yes.",
            )  # fmt: skip

    def compute(self, job: JobFolder) -> SetResult:
        given = self.datasets_of("input")
        factor = (
            self.factor
            if self.angpix <= 0
            else self.angpix / self._pixel_size(job, next(iter(given.values())))
        )
        self._check_factor(factor, "angpix")
        files = self.output_files(job)
        blocks: dict[str, Mapping[str, pl.DataFrame]] = {}
        for name, dataset in given.items():
            output = name.replace("input", "calibrated")
            if isinstance(dataset, Table):
                blocks[output] = self._with_motion(job, self._table(job, dataset, factor), output, factor)
            else:
                self._map(job, dataset, files[output].path, factor)
        note = f"Pixel sizes times {factor:.6g}."
        fitted = {
            label for tables in blocks.values() for label in FITTED if label in tables["optics"].columns
        }
        if fitted:
            note += f" {', '.join(sorted(fitted))} are those of the old pixel size: fit them again (relion.ctfrefine)."
        return SetResult(blocks, {"calibrated": len(given)}, note)

    def _pixel_size(self, job: JobFolder, dataset: Dataset) -> float:
        from cryoloom import star
        from cryoloom.images.headers import read_header

        path = job.root / dataset.path
        if not isinstance(dataset, Table):
            size = read_header(path).angpix or 0.0
        else:
            optics = star.as_table(star.read(path, ["optics"], optional=True).get("optics"))
            label = next((one for one in SIZES if optics is not None and one in optics.columns), "")
            sizes = (
                {float(value) for value in optics[label].to_list()} if optics is not None and label else set()
            )
            size = sizes.pop() if len(sizes) == 1 else 0.0
        if not size:
            raise ParameterError(
                f"{self.name}: input input", found=f"{dataset.path}, with no pixel size or several", expected="one, for angpix",
                hint="Give factor instead.",
            )  # fmt: skip
        return size

    def _table(self, job: JobFolder, dataset: Dataset, factor: float) -> "Mapping[str, pl.DataFrame]":
        import polars as pl

        from cryoloom import star

        blocks = star.tables_of(star.read(job.root / dataset.path))
        optics = blocks.get("optics")
        if optics is None:
            raise ParameterError(
                f"{self.name}: input input", found=f"{dataset.path}, without optics groups", expected="a table of RELION 3.1",
                hint="cryoloom star convert makes one.",
            )  # fmt: skip
        powers = dict.fromkeys(LENGTHS, factor) | (
            dict.fromkeys(DEFOCUS, factor**2) if self.do_defocus else {}
        )
        items = {
            name: table.with_columns(
                pl.col(label) * times for label, times in powers.items() if label in table.columns
            )
            for name, table in blocks.items()
            if name != "optics"
        }
        return {
            "optics": optics.with_columns(pl.col(one) * factor for one in SIZES if one in optics.columns),
            **items,
        }

    def _with_motion(
        self, job: JobFolder, blocks: "Mapping[str, pl.DataFrame]", output: str, factor: float
    ) -> "Mapping[str, pl.DataFrame]":
        """The table with copies of its micrographs' own STAR files, by whose pixel size polishing reads the movies.

        Motion is in px of the movie there, and stays.
        """
        import polars as pl

        from cryoloom import star

        name = next((one for one, table in blocks.items() if METADATA in table.columns), "")
        if not name:
            return blocks
        made = []
        for number, file in enumerate(blocks[name][METADATA].to_list(), start=1):
            source = job.root / str(file)
            if not source.is_file():
                made.append(str(file))  # cleaned; who needs it says so
                continue
            motion = star.read(source)
            general = motion.get("general")
            if isinstance(general, dict) and ORIGINAL in general:
                motion["general"] = {**general, ORIGINAL: float(general[ORIGINAL]) * factor}
            target = f"{output}_motion/{number:06d}_{source.name}"
            (job.path / target).parent.mkdir(parents=True, exist_ok=True)
            star.write(job.path / target, motion)
            made.append(job.file(target))
        return {**blocks, name: blocks[name].with_columns(pl.Series(METADATA, made))}

    def _map(self, job: JobFolder, dataset: Dataset, target: str, factor: float) -> None:
        from cryoloom.images.headers import read_header
        from cryoloom.images.mrc import read_mrc, write_mrc

        pairs = [(dataset.path, target)]
        if isinstance(dataset, HalfMaps):
            pairs = [(dataset.half(number), half_of(target, number)) for number in (1, 2)]
        for name, made in pairs:
            source = job.root / name
            size = (read_header(source).angpix or 0.0) * factor
            write_mrc(job.root / made, read_mrc(source), size, is_volume=True)
