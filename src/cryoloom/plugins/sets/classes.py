"""Choose classes by number or by rule; their particles, as RELION's Select job leaves them."""

import re
from typing import TYPE_CHECKING

from cryoloom.errors import DatasetError, ParameterError
from cryoloom.protocol import (
    ClassAverages,
    Input,
    JobFolder,
    Model,
    Output,
    Param,
    Particles,
    SetProtocol,
    SetResult,
    View,
    Volume,
)

if TYPE_CHECKING:
    import polars as pl


def _are_maps(protocol: "Classes") -> bool:
    """Whether its classes are maps, as their job's folder says."""
    return protocol.fn_model.path.startswith(("Class3D/", "InitialModel/"))


class Classes(SetProtocol):
    """Keep the particles of good classes; the others are kept apart."""

    name = "sets.classes"
    label = "Choose classes"
    folder = "Select"
    next = ("relion.inimodel", "relion.extract", "relion.class2d")

    fn_model: Model = Input("Classes", help="A classification, 2D or 3D.")
    classes: str = Param(
        "", "Classes by number", means="classes", of="fn_model",
        help="`1,3,5-7`; empty: by the rules below.",
    )  # fmt: skip
    min_fraction: float = Param(
        0.03,
        "Smallest share of particles",
        ge=0,
        le=1,
        help="Of all particles; smaller classes are rejected.",
    )
    max_resolution_ratio: float = Param(
        1.4, "Worst resolution, times the best", ge=1, help="The best among classes that are large enough."
    )
    max_resolution: float = Param(-1, "Worst resolution", unit="Å", help="Besides the ratio; -1: none.")
    largest: int = Param(
        0, "Only so many, the largest", ge=0, help="Of those that the other rules keep; 0: all of them."
    )

    particles: Particles = Output("Particles of the chosen classes", "particles.star")
    averages: ClassAverages = Output("Chosen class averages", "class_averages.star")
    rejected: Particles = Output("Particles of the other classes", "particles_rejected.star")
    volume: Volume = Output("Map of the largest chosen class", "map.mrc", when=_are_maps)

    def check(self) -> None:
        super().check()
        self._numbers()

    def compute(self, job: JobFolder) -> SetResult:
        import polars as pl

        from cryoloom import star

        path = job.root / self.fn_model.path
        model = star.read(path, columns=None)
        table = star.tables_of(model)["model_classes"]
        data_path = job.root / self.fn_model.path.replace("_model.star", "_data.star")
        data = star.read(data_path)
        particles, optics = star.as_table(data.get("particles")), star.as_table(data.get("optics"))
        if particles is None or optics is None:
            raise DatasetError(f"{data_path}", found="without particles", expected="a table data_particles")
        chosen = self._chosen(table)
        selected = [int(number in chosen) for number in range(1, table.height + 1)]
        is_kept = pl.col("rlnClassNumber").is_in(sorted(chosen))
        kept, rejected = particles.filter(is_kept), particles.filter(~is_kept)
        averages = table.filter([bool(one) for one in selected])
        blocks = {
            "particles": {"optics": optics, "particles": kept},
            "rejected": {"optics": optics, "particles": rejected},
            "averages": {"": averages},
            # RELION shows these as the last choice when its own job is continued.
            "backup_selection.star": {"": pl.DataFrame({"rlnSelected": selected})},
        }
        largest = max(chosen, key=lambda number: float(table["rlnClassDistribution"][number - 1]))
        note = f"Classes {', '.join(str(number) for number in sorted(chosen))} of {table.height}."
        copied = {}
        if _are_maps(self):
            image = str(table["rlnReferenceImage"][largest - 1])
            is_there = (job.root / image).is_file()
            # The particles are chosen all the same.
            note += "" if is_there else f" {image}, the map of the largest, is not there."
            copied = {"volume": image if is_there else ""}
        return SetResult(blocks, {"particles": kept.height, "rejected": rejected.height}, note, copied)

    def _chosen(self, table: "pl.DataFrame") -> set[int]:
        numbers = self._numbers()
        if numbers:
            beyond = [number for number in numbers if number > table.height]
            if beyond:
                raise ParameterError(
                    f"{self.name}: parameter classes",
                    found=str(beyond[0]),
                    expected=f"numbers from 1 to {table.height}",
                )
            return numbers
        from cryoloom.em.good_classes import good_classes

        found = good_classes(
            [float(value) for value in table["rlnClassDistribution"].to_list()],
            [float(value) for value in table["rlnEstimatedResolution"].to_list()],
            min_fraction=self.min_fraction,
            max_resolution_ratio=self.max_resolution_ratio,
            max_resolution=self.max_resolution,
            largest=self.largest,
        )
        if not found:
            raise DatasetError(
                f"{self.fn_model.path}", found=f"without a class above {self.min_fraction:g} of the particles",
                expected="at least one", hint="Lower min_fraction, or choose by number with classes=.",
            )  # fmt: skip
        return found

    def _numbers(self) -> set[int]:
        found: set[int] = set()
        for word in re.split(r"[,\s]+", self.classes.strip()):
            match = re.fullmatch(r"(\d+)(?:-(\d+))?", word)
            if word and (match is None or int(match.group(1)) < 1):
                raise ParameterError(
                    f"{self.name}: parameter classes",
                    found=repr(word),
                    expected="numbers from 1, such as 1,3,5-7",
                )
            if match:
                found |= set(range(int(match.group(1)), int(match.group(2) or match.group(1)) + 1))
        return found

    def views(self, job: JobFolder) -> list[View]:
        from cryoloom.views import classes, counts

        return [*counts.kept_and_rejected(job.name), *classes.selection_views(job.name)]
