"""RELION's subset selection: by values, image statistics, parts, duplicates.

What a user picks by eye RELION shows in a window; here `sets.classes` chooses classes, and goes on while they come.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryoloom.errors import ParameterError
from cryoloom.plugins.relion.options.running import Additional, call, number
from cryoloom.protocol import (
    Command,
    Coordinates,
    Input,
    JobFolder,
    Micrographs,
    Model,
    Output,
    Param,
    Particles,
    ProgramProtocol,
    Progress,
    View,
    words_of,
)
from cryoloom.protocol.datasets import Dataset
from cryoloom.protocol.declare import OutputSpec, near

# The switches of RELION's acts, and what does the same to sets of any kind, while they grow.
ACTS = {
    "do_select_values": "sets.filter",
    "do_discard": "",
    "do_split": "sets.split",
    "do_remove_duplicates": "sets.unique",
}
# By which RELION tells particles that are too near; picks that nothing has aligned sets.unique takes.
PLACE = ("rlnCoordinateX", "rlnCoordinateY", "rlnOriginXAngst", "rlnOriginYAngst")
LEAST, MOST = -9999, 9999  # with which RELION's form begins: for most labels no ends, for defoci some
PIXELS = ("rlnMicrographPixelSize", "rlnMicrographOriginalPixelSize")  # in which coordinates are counted
BY_EYE = (
    "sets.classes chooses classes by their numbers, resolution or size; sets.filter items by their values."
)


class Select(Additional, ProgramProtocol):
    """Choose particles or micrographs by RELION's program; sets.filter, sets.split and sets.unique stream."""

    name = "relion.select"
    label = "Subset selection"
    folder = "Select"
    relion_type = 7
    programs = ("relion_star_handler",)
    next = ("relion.class2d", "relion.refine3d")

    fn_model: Model = Input(
        "OR select classes from model.star", optional=True, help=f"By eye, in RELION: {BY_EYE}"
    )
    fn_mic: Micrographs = Input(
        "OR select from micrographs.star", optional=True, flag="--i", help="What is chosen from."
    )
    fn_data: Particles = Input(
        "OR select from particles.star", optional=True, flag="--i", help="What is chosen from.",
        needs=dict.fromkeys(PLACE, "do_remove_duplicates"),
    )  # fmt: skip
    fn_coords: Coordinates = Input("OR select from picked coords", optional=True, help="By eye, in RELION.")
    do_recenter: bool = Param(
        True,
        "Re-center the class averages?",
        tab="Class options",
        when="fn_model",
        help="Of classes chosen by eye.",
    )
    do_regroup: bool = Param(
        False,
        "Regroup the particles?",
        tab="Class options",
        when="fn_model",
        help="Micrographs into few groups of like scale.",
    )
    nr_groups: int = Param(
        1,
        "Approximate nr of groups",
        tab="Class options",
        ge=1,
        when="fn_model and do_regroup",
        help="About so many.",
    )
    do_select_values: bool = Param(
        False,
        "Select based on metadata values?",
        tab="Subsets",
        help="Items whose value lies between two ends.",
    )
    select_label: str = Param(
        "rlnCtfMaxResolution",
        "Metadata label for subset selection",
        tab="Subsets",
        when="do_select_values",
        flag="--select",
        help="Of numbers.",
    )
    select_minval: float = Param(
        LEAST,
        "Minimum metadata value",
        tab="Subsets",
        when="do_select_values",
        flag="--minval",
        help="Included.",
    )
    select_maxval: float = Param(
        MOST,
        "Maximum metadata value",
        tab="Subsets",
        when="do_select_values",
        flag="--maxval",
        help="Included.",
    )
    do_discard: bool = Param(
        False, "OR: select on image statistics?", tab="Subsets", flag="--discard_on_stats",
        help="Images whose mean or deviation lies far from that of all are left out: spoilt ones.",
    )  # fmt: skip
    discard_label: str = Param(
        "rlnImageName", "Metadata label for images", tab="Subsets", when="do_discard", flag="--discard_label",
        help="The column that names the images.",
    )  # fmt: skip
    discard_sigma: float = Param(
        4, "Sigma-value for discarding images", tab="Subsets", gt=0, when="do_discard", flag="--discard_sigma",
        help="Further from the mean than so many deviations; smaller leaves out more.",
    )  # fmt: skip
    do_split: bool = Param(
        False,
        "OR: split into subsets?",
        tab="Subsets",
        flag="--split",
        help="Parts of equal size, each an output.",
    )
    do_random: bool = Param(
        False, "Randomise order before making subsets?", tab="Subsets", when="do_split", flag="--random_order",
        help="No: in the order of the table.",
    )  # fmt: skip
    split_size: int = Param(
        -1, "Subset size", tab="Subsets", when="do_split",
        help="Items of each part; -1: as nr_split says. RELION's form begins with 100.",
    )  # fmt: skip
    nr_split: int = Param(
        -1, "OR: number of subsets", tab="Subsets", when="do_split",
        help="So many parts. Here it has to be said, for each is an output; with split_size too, the rest is left out.",
    )  # fmt: skip
    do_remove_duplicates: bool = Param(
        False,
        "OR: remove duplicates?",
        tab="Duplicates",
        help="Particles that lie nearer to each other than a distance.",
    )
    duplicate_threshold: float = Param(
        30, "Minimum inter-particle distance", unit="Å", tab="Duplicates", gt=0, when="do_remove_duplicates",
        flag="--remove_duplicates", help="Of nearer ones the first stays.",
    )  # fmt: skip
    image_angpix: float = Param(
        -1, "Pixel size before extraction", unit="Å", tab="Duplicates", when="do_remove_duplicates",
        help="Of the micrographs, in whose px coordinates are; -1: as their optics group says.",
    )  # fmt: skip

    particles: Particles = Output(
        "Particles", "particles.star", when=lambda p: bool(p.fn_data) and not p.do_split
    )
    micrographs: Micrographs = Output(
        "Micrographs", "micrographs.star", when=lambda p: bool(p.fn_mic) and not p.do_split
    )

    def promised(self) -> Mapping[str, OutputSpec]:
        found = dict(super().promised())
        if not self.do_split:
            return found
        kind: type[Dataset] = Particles if self.fn_data else Micrographs
        for part in range(1, self.nr_split + 1):
            spec: OutputSpec = Output(f"Part {part}", f"{kind.block}_split{part}.star")
            spec.name, spec.kind = f"split{part}", kind
            found[spec.name] = spec
        return found

    def once(self) -> str:
        acts = any(self.values[name] for name in ACTS)
        return (
            "" if acts else f"relion.select: somebody chose by eye, in RELION's window. {BY_EYE.rstrip('.')}"
        )

    def check(self) -> None:
        super().check()
        given = [name for name in self.inputs if self.given[name]]
        if len(given) != 1:
            raise ParameterError(
                f"{self.name}: inputs {', '.join(self.inputs)}",
                found=", ".join(given) or "none of them",
                expected="one of them",
            )
        acts = [name for name in ACTS if self.values[name]]
        if given[0] not in ("fn_mic", "fn_data") or not acts:
            raise ParameterError(
                f"{self.name}: parameters {', '.join(ACTS)}", found=", ".join(acts) or "none of them",
                expected="one of them Yes, with fn_data or fn_mic", hint=f"What is chosen by eye: {BY_EYE}",
            )  # fmt: skip
        if len(acts) > 1:
            raise ParameterError(
                f"{self.name}: parameters {', '.join(acts)}", found="Yes, all of them", expected="one of them",
                hint="One act in a job; the next takes its result.",
            )  # fmt: skip
        if self.do_split and self.nr_split < 1:
            raise ParameterError(
                f"{self.name}: parameter nr_split", found=f"{self.nr_split}", expected="how many parts there are",
                hint="Each is an output, and has to be known before. sets.split makes parts of any kind.",
            )  # fmt: skip
        if self.do_regroup:
            raise ParameterError(
                f"{self.name}: parameter do_regroup", found="Yes", expected="No, without a model"
            )  # fmt: skip
        if self.do_select_values and self.select_minval > self.select_maxval:
            raise ParameterError(
                f"{self.name}: parameter select_minval", found=f"{self.select_minval:g}",
                expected=f"at most select_maxval, {self.select_maxval:g}",
            )  # fmt: skip
        for name, act in (("select_label", "do_select_values"), ("discard_label", "do_discard")):
            if self.values[act] and not self.values[name]:
                raise ParameterError(f"{self.name}: parameter {name}", found="empty", expected="a label")
        if self.do_remove_duplicates and not self.fn_data:
            raise ParameterError(f"{self.name}: input fn_data", found="missing", expected="particles")

    def check_contents(self, root: Path, there: Mapping[str, Path]) -> None:
        """That the column is there, of numbers, and no end of a range that nobody gave cuts anything off."""
        name = next((one for one in ("fn_data", "fn_mic") if one in there), "")
        if self.do_split and name:
            self._check_parts(_rows(there[name]))
        if not self.do_select_values or not name:
            return
        from cryoloom import star

        where = f"{self.name}: parameter select_label"
        columns = star.heads(there[name]).get(self.given[name].block, ())
        if self.select_label not in columns:
            raise ParameterError(
                where, found=f"{self.select_label}, a column that {self.given[name].path} lacks", expected="one that it has",
                hint=near(self.select_label, columns),
            )  # fmt: skip
        table = star.tables_of(star.read(there[name], columns={self.select_label}))[self.given[name].block]
        values = table[self.select_label]
        if not values.dtype.is_numeric():
            raise ParameterError(
                where, found=f"{self.select_label}, which holds words", expected="a column of numbers",
                hint="sets.filter knows conditions on words.",
            )  # fmt: skip
        if self.values.get("accept_unusual"):
            return
        for end, beyond in (("select_minval", values < LEAST), ("select_maxval", values > MOST)):
            if self.values[end] == self.params[end].default and (count := int(beyond.sum())):
                raise ParameterError(
                    f"{self.name}: parameter {end}",
                    found=f"{self.values[end]:g}, beyond which {count} of {table.height} rows have their {self.select_label}",
                    expected="an end that you chose",
                    hint=f"Without an end: {end}={'-1e9' if end == 'select_minval' else '1e9'}. "
                    "If 9999 is meant, add accept_unusual=Yes.",
                )  # fmt: skip

    def _check_parts(self, rows: int) -> None:
        """That no part would be empty: RELION writes a file without a table then, which nothing reads."""
        filled = -(-rows // self.split_size) if self.split_size > 0 else rows
        if self.nr_split > filled:
            size = f" of {self.split_size}" if self.split_size > 0 else ""
            raise ParameterError(
                f"{self.name}: parameter nr_split", found=f"{self.nr_split} parts{size}, of {rows} rows",
                expected=f"at most {filled}, so that none is empty",
            )  # fmt: skip

    def resolve_auto(self, job: JobFolder) -> dict[str, Any]:
        """RELION takes the particles' own pixel size for that of their coordinates."""
        if not self.do_remove_duplicates or self.image_angpix > 0 or not self.fn_data:
            return {}
        from cryoloom import star

        optics = star.as_table(
            star.read(job.root / self.fn_data.path, ["optics"], optional=True).get("optics")
        )
        label = next((one for one in PIXELS if optics is not None and one in optics.columns), "")
        sizes = (
            sorted({float(size) for size in optics[label].to_list()}) if optics is not None and label else []
        )
        if len(sizes) != 1:
            found = " and ".join(f"{size:g} Å" for size in sizes)
            raise ParameterError(
                f"{self.name}: parameter image_angpix", found=f"-1, with micrographs of {found or 'no known pixel size'}",
                expected="the pixel size in which the coordinates are counted, one for all",
                hint="sets.unique finds duplicates among groups of different pixel sizes.",
            )  # fmt: skip
        return {"image_angpix": sizes[0]}

    def finish(self, job: JobFolder) -> str:
        """How many were kept, and by what; of parts what is in none."""
        kept, given = self._counts(job)
        if not self.do_split:
            return f"{kept} of {given} {self._kind()} were kept, {self._condition()}."
        if kept == given:
            return ""
        return f"{given - kept} of {given} rows are in no part: split_size and nr_split leave them out."

    def why_empty(self, job: JobFolder, output: str) -> str:
        kept, given = self._counts(job)
        if self.do_split:
            return f"{kept} of {given} {self._kind()} are in the other parts"
        return f"{kept} of {given} {self._kind()} were kept, {self._condition()}"

    def progress(self, job: JobFolder) -> Progress | None:
        """All rows, once the program has written what it keeps: it goes through them in one go."""
        if not all((job.root / made.path).exists() for made in self.output_files(job).values()):
            return None
        _, given = self._counts(job)
        return Progress(done=given, of=given)

    def _counts(self, job: JobFolder) -> tuple[int, int]:
        """Rows that were kept, in all parts, and those that were given."""
        kept = sum(_rows(job.root / made.path) for made in self.output_files(job).values())
        return kept, _rows(job.root / (self.fn_data or self.fn_mic).path)

    def _kind(self) -> str:
        return "particles" if self.fn_data else "micrographs"

    def _condition(self) -> str:
        """What was asked of them, in words."""
        if self.do_select_values:
            return f"those with {self.select_label} from {self.select_minval:g} to {self.select_maxval:g}"
        if self.do_discard:
            return f"those whose image ({self.discard_label}) lies within {self.discard_sigma:g} deviations of all"
        return f"no two nearer to each other than {self.duplicate_threshold:g} Å"

    def command(self, job: JobFolder) -> Command:
        if not any(self.values[name] for name in ACTS):
            return self._shown(job)
        file = "particles.star" if self.fn_data else "micrographs.star"
        words = ["--o", job.file(file), *words_of(self)]
        if self.do_split:
            sizes = {"--nr_split": self.nr_split, "--size_split": self.split_size}
            words += [word for flag, size in sizes.items() if size > 0 for word in (flag, number(size))]
        if self.do_remove_duplicates and self.image_angpix > 0:
            words += ["--image_angpix", number(self.image_angpix)]
        return call(self, "relion_star_handler", words, job)

    def _shown(self, job: JobFolder) -> Command:
        """What RELION runs for a choice by eye: its window."""
        source = self.fn_model or self.fn_mic or self.fn_data
        if not source:
            raise ParameterError(
                f"{self.name}: inputs", found="picks alone", expected="a model, micrographs or particles",
                hint="RELION shows picks with the settings of its last manual picking, which no job.star has.",
            )  # fmt: skip
        words = ["--gui", "--i", source.path, "--allow_save"]
        if not self.fn_model:
            words += ["--fn_imgs", job.file("particles.star" if self.fn_data else "micrographs.star")]
        else:
            words += ["--fn_parts", job.file("particles.star")]
            if (
                "Class2D/" in self.fn_model.path
            ):  # by this RELION tells whether there are averages to be written
                words += [
                    "--fn_imgs",
                    job.file("class_averages.star"),
                    *(["--recenter"] if self.do_recenter else []),
                ]
            words += ["--regroup", number(self.nr_groups)] if self.do_regroup else []
        return call(self, "relion_display", words, job)

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import foreign

        return foreign.views_of_files(job.root, job.name)


def _rows(file: Path) -> int:
    """Items of a file, whatever their table is called."""
    from cryoloom import star

    return sum(block.rows for block in star.scan(file) if block.labels and block.name != "optics")
