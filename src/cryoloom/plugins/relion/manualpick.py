"""Manual picking: a job whose coordinates people edit, here or in RELION's window."""

from collections.abc import Mapping

from cryoloom.em.names import file_of_micrograph
from cryoloom.errors import ParameterError
from cryoloom.plugins.relion.options.running import Additional, call
from cryoloom.plugins.relion.options.written import positive
from cryoloom.protocol import (
    ADVANCED,
    Batch,
    BatchResult,
    Command,
    Coordinates,
    Input,
    ItemProtocol,
    JobFolder,
    Micrographs,
    Output,
    Param,
    View,
    words_of,
)
from cryoloom.protocol.jobs import ITEM_ID, Remark

PICKNAME = "manualpick"
CIRCLES = "The circles are of the diameter that the job was given: of a particle."
SELECTED = "micrographs_selected.star"


class ManualPick(Additional, ItemProtocol):
    """Pick particles by hand: `cryoloom picks` and RELION's window edit what this job holds."""

    name = "relion.manualpick"
    label = "Manual picking"
    folder = "ManualPick"
    relion_type = 3
    next = ("relion.extract",)
    leading = "fn_in"
    by_hand = "begin_with"

    fn_in: Micrographs = Input(
        "Input micrographs", streams=True, help="Each gets a file of picks, at first without any."
    )
    begin_with: Coordinates = Input(
        "Begin with the picks of", optional=True, own=True,
        help="Of another job, which stay as they are there: what a program found is mended here.",
    )  # fmt: skip
    diameter: float = Param(
        100, "Particle diameter", unit="Å", tab="Display", gt=0, flag="--particle_diameter",
        help="Of the circles that are drawn; and a place that is named means a pick within half of it.",
    )  # fmt: skip
    micscale: float = Param(
        0.2, "Scale for micrographs", tab="Display", gt=0, flag="--scale",
        help="Of RELION's window: 0.2 shows each fifth pixel.",
    )  # fmt: skip
    sigma_contrast: float = Param(
        3, "Sigma contrast", unit="σ", tab="Display", ge=0, flag="--sigma_contrast",
        help="Black and white lie so far from the mean; 0: at the darkest and brightest pixel.",
    )  # fmt: skip
    white_val: float = Param(
        0, "White value", tab="Display", flag="--white", help="A pixel value instead of that; 0: none."
    )
    black_val: float = Param(
        0, "Black value", tab="Display", flag="--black", help="A pixel value instead of that; 0: none."
    )
    lowpass: float = Param(
        20, "Lowpass filter", unit="Å", tab="Display", flag="--lowpass", written=positive,
        help="What is shown is smoothed so; -1: not at all.",
    )  # fmt: skip
    highpass: float = Param(
        -1, "Highpass filter", unit="Å", tab="Display", flag="--highpass", written=positive,
        help="Takes slopes of the ice out of what is shown, at 200 to 400; -1: none.",
    )  # fmt: skip
    angpix: float = Param(
        -1, "Pixel size", unit="Å", tab="Display", flag="--angpix", written=positive,
        help="For RELION's window; -1: as the micrographs' table says.",
    )  # fmt: skip
    do_startend: bool = Param(
        False, "Pick start-end coordinates helices?", tab="Display", flag="--pick_start_end",
        help="Picks are the two ends of filaments, one after the other.",
    )  # fmt: skip
    ctfscale: float = Param(
        1, "Scale for CTF image", tab="Display", level=ADVANCED, gt=0, flag="--ctf_scale",
        help="Of spectra in RELION's window.",
    )  # fmt: skip
    do_color: bool = Param(
        False, "Blue<>red color particles?", tab="Colors", help="Circles are coloured by a column."
    )
    color_label: str = Param(
        "rlnParticleSelectZScore", "MetaDataLabel for color", tab="Colors", when="do_color", flag="--color_label",
        help="The column.",
    )  # fmt: skip
    fn_color: str = Param(
        "", "STAR file with color label", tab="Colors", means="file", when="do_color", flag="--color_star",
        help="Particles that have the column; none: the picks themselves have it.",
    )  # fmt: skip
    blue_value: float = Param(
        0, "Blue value", tab="Colors", when="do_color", flag="--blue", help="Values as this one are blue."
    )
    red_value: float = Param(
        2, "Red value", tab="Colors", when="do_color", flag="--red", help="Values as this one are red."
    )
    batch_size: int = Param(
        100, "Micrographs in a batch", tab="Streaming", ge=0, own=True, help="0 waits for all."
    )

    coordinates: Coordinates = Output("Picked coordinates", f"coords_suffix_{PICKNAME}.star")
    micrographs: Micrographs = Output("Micrographs that were picked on", SELECTED)

    def check(self) -> None:
        super().check()
        if self.do_color and not self.color_label:
            raise ParameterError(
                f"{self.name}: parameter color_label",
                found="empty",
                expected="a label of the picks, or do_color=No",
            )

    def known_diameter(self) -> float | None:
        return float(self.diameter)

    def own_file(self, name: str) -> str:
        return file_of_micrograph(name, f"_{PICKNAME}.star")

    def window(self, job: JobFolder) -> Command:
        words = ["--i", self.fn_in.path, "--odir", job.name, "--pickname", PICKNAME]
        words += ["--allow_save", "--fast_save", "--selection", job.file(SELECTED)]
        return call(self, "relion_manualpick", [*words, *words_of(self, set(self.params))], job)

    def echoed(self, job: JobFolder) -> Mapping[str, str]:
        return {job.file(f"coords_suffix_{PICKNAME}.star"): self.fn_in.path}

    def process(self, job: JobFolder, batch: Batch) -> BatchResult:
        import polars as pl

        from cryoloom.plugins.relion.first_picks import FirstPicks, size_of
        from cryoloom.project.pick_edits import PickFile, begin_picks

        # RELION's node: one line that names the micrographs.
        suffix_file = job.path / f"coords_suffix_{PICKNAME}.star"
        if not suffix_file.exists():
            suffix_file.write_text(f"{self.fn_in.path}\n")
        first = FirstPicks.of(job.root, self.begin_with.path)
        names = [str(name) for name in batch.items["rlnMicrographName"].to_list()]
        files = [self.own_file(name) for name in names]
        begun = begin_picks(
            [
                (
                    PickFile(job.root, job.name.rstrip("/"), name, file),
                    first.on(name),
                    size_of(job.root / name),
                )
                for name, file in zip(names, files, strict=True)
            ]
        )
        ids = [str(item) for item in batch.items[ITEM_ID].to_list()]
        failed = {item: count for item, count in zip(ids, begun, strict=True) if isinstance(count, str)}
        rows = [
            (name, job.file(file), count, item)
            for name, file, count, item in zip(names, files, begun, ids, strict=True)
            if isinstance(count, int)
        ]
        labels = ["rlnMicrographName", "rlnMicrographCoordinates", "cryoloomCount", ITEM_ID]
        picked = pl.DataFrame(rows, schema=labels, orient="row")
        micrographs = batch.items.filter(pl.col(ITEM_ID).is_in(picked[ITEM_ID].implode()))
        # Names of another import look alike, and then all of them begin with nothing.
        words = f"is none of those of {self.begin_with.path}: begun without picks"
        remarks = [Remark(name.rpartition("/")[2], words) for name in names if first.lacks(name)]
        return BatchResult(
            {"coordinates": picked, "micrographs": micrographs}, frozenset(picked[ITEM_ID].to_list()), failed,
            remarks=remarks,
        )  # fmt: skip

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import picks

        if (job.path / "coordinates.star").exists():
            return picks.pick_views(
                job.file("coordinates.star"), self.fn_in.path, self.diameter, caption=CIRCLES
            )
        return picks.relion_pick_views(
            job.root, job.file(f"coords_suffix_{PICKNAME}.star"), self.diameter, caption=CIRCLES
        )
